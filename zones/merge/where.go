package merge

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// follow returns the name under which, in the world after, the data stand
// that x stands for today, as a record in zone near needs it: its own new
// name, or x where the data stay or no one new name has them all. why says
// what a person should know of the latter; "" where nothing is amiss.
func (m *merger) follow(x zones.Name, role rdata.Role, near zones.ID) (to zones.Name, why string, err error) {
	z := m.before.Nearest(near.View, x)
	if z == nil {
		return x, "", nil
	}
	if role == rdata.Mailbox {
		return m.followMailbox(z, x, near)
	}
	types := need(role)
	if i, ok := m.source[z.ID()]; ok {
		return m.followSource(i, x, types, near)
	}
	to, why = m.followTarget(z, x, types)
	return to, why, nil
}

// followMailbox follows a mailbox written as a name (RFC 1035 8): the domain
// behind its first label, for the mail that goes there.
func (m *merger) followMailbox(z *zones.Zone, x zones.Name, near zones.ID) (zones.Name, string, error) {
	domain, ok := x.Parent()
	if !ok || !domain.Within(z.Origin()) {
		return x, "", nil
	}
	to, why, err := x, "", error(nil)
	types := []zones.Type{zones.TypeMX, zones.TypeA, zones.TypeAAAA}
	if i, ok := m.source[z.ID()]; ok {
		if s, found := z.Lookup(domain, zones.TypeMX); found && s.Len() > 0 {
			types = types[:1]
		}
		to, why, err = m.followSource(i, domain, types, near)
	} else {
		to, why = m.followTarget(z, domain, types)
	}
	if err != nil || why != "" || to == domain {
		return x, why, err
	}
	to, err = to.Child(x.First())
	return to, "", err
}

// need lists the types of which a referrer needs all; none means every type.
func need(role rdata.Role) []zones.Type {
	switch role {
	case rdata.Host, rdata.Exchange, rdata.Service: // a mail domain (SPF, DMARC) may need any type
		return []zones.Type{zones.TypeA, zones.TypeAAAA}
	}
	return nil
}

func needed(types []zones.Type, t zones.Type) bool {
	for _, n := range types {
		if n == t {
			return true
		}
	}
	return len(types) == 0
}

func (m *merger) followSource(src int, x zones.Name, types []zones.Type, near zones.ID) (zones.Name, string, error) {
	s := m.surveys[src]
	flows := m.byOld[claim{src, x}]
	if len(flows) > 0 {
		at, why := gather(flows, types, near)
		if why != "" {
			return x, fmt.Sprintf("%s stays as it was: %s", x.Text(), why), nil
		}
		return at, "", nil
	}
	if cut := s.top(s.cuts, x, false); !cut.IsZero() {
		return x, fmt.Sprintf("%s stays as it was: its delegation's servers answer for it", x.Text()), nil
	}
	if s.names[x] {
		return x, "", nil // an empty non-terminal holds nothing
	}
	up, ok := x.Parent()
	for ok && up.Within(s.zone.Origin()) && !s.names[up] {
		up, ok = up.Parent()
	}
	if w, err := up.Child("*"); err == nil && s.names[w] {
		at, why := gather(m.byOld[claim{src, w}], types, near)
		if why == "" && at.IsWildcard() {
			base, _ := at.Parent()
			to, err := x.Rebase(up, base)
			if err != nil || !m.existsAt(near.View, to, base) {
				return to, "", err
			}
			return x, fmt.Sprintf("%s stays as it was: a wildcard answers for it, and %s stands in the way at the new name", x.Text(), to.Text()), nil
		}
		return x, fmt.Sprintf("%s stays as it was: it is answered by a wildcard that has no one new name", x.Text()), nil
	}
	return x, fmt.Sprintf("%s stays as it was: it owns no record", x.Text()), nil
}

// existsAt tells whether, in the world after, n or a name between it and base
// exists, so that no wildcard below base answers for n (RFC 4592 3.3.1).
func (m *merger) existsAt(v zones.View, n, base zones.Name) bool {
	for ok := true; ok && n.Below(base); n, ok = n.Parent() {
		if m.newNames[vname{v, n}] {
			return true
		}
		if z := m.before.Nearest(v, n); z != nil && (z.Origin() == n || m.trees[z.ID()][n]) {
			return true
		}
	}
	return false
}

// gather returns the one new name of those RRsets that a referrer needs,
// preferring the referrer's own zone, or says why there is none.
func gather(flows []*flow, types []zones.Type, near zones.ID) (at zones.Name, why string) {
	want := func(f *flow) bool {
		return f.typ() != zones.TypeSOA && !f.typ().IsDNSSEC() && f.typ() != zones.TypeDS &&
			!(f.typ() == zones.TypeNS && f.cut.IsZero()) && (needed(types, f.typ()) || f.typ() == zones.TypeCNAME)
	}
	any := false
	for _, f := range flows {
		any = any || want(f)
	}
	best := map[zones.Type]*flow{}
	var order []zones.Type
	for _, f := range flows {
		if any && !want(f) {
			continue
		}
		if f.typ() == zones.TypeNS && !f.cut.IsZero() {
			return at, "its delegation's servers answer for it"
		}
		b, seen := best[f.typ()]
		if !seen {
			order = append(order, f.typ())
		}
		if f.fate == Superseded || f.fate == Dropped || f.zone == (zones.ID{}) {
			if !seen {
				best[f.typ()] = nil
			}
			continue
		}
		if b == nil || b.zone != near && f.zone == near {
			best[f.typ()] = f
		}
	}
	lost := 0
	for _, t := range order {
		f := best[t]
		switch {
		case f == nil:
			lost++
		case at.IsZero():
			at = f.at
		case at != f.at:
			return at, "its records go to different names"
		}
	}
	switch {
	case lost == len(order):
		return at, "no new name has its records"
	case lost > 0:
		return at, "only some of its records have a new name"
	}
	return at, ""
}

// followTarget follows what decisions moved away from a name of the zones
// served today.
func (m *merger) followTarget(z *zones.Zone, x zones.Name, types []zones.Type) (zones.Name, string) {
	if len(m.movedTo) == 0 {
		return x, ""
	}
	to := zones.Name{}
	stay := false
	for _, s := range z.At(x) {
		if untouchable(z, s) || !needed(types, s.Type()) && s.Type() != zones.TypeCNAME {
			continue
		}
		f, ok := m.fates[setKey{z.ID(), s.Key()}]
		switch {
		case !ok || f.gone:
			stay = true
		case to.IsZero():
			to = f.at
		case to != f.at:
			return x, fmt.Sprintf("%s stays as it was: its records go to different names", x.Text())
		}
	}
	switch {
	case to.IsZero():
		return x, ""
	case stay:
		return x, fmt.Sprintf("%s stays as it was: only some of its records move to %s", x.Text(), to.Text())
	}
	return to, ""
}
