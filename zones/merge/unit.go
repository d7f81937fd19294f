package merge

import (
	"cmp"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// root says that a name stands at the head of a part that is decided as one.
type root uint8

const (
	cutRoot   root = 1 << iota // an NS below the apex hides everything at and below it
	dnameRoot                  // a DNAME hides everything below it
)

// unitKey names what is decided together: one name, or with sub a name and
// all below it (UNIT).
type unitKey struct {
	view zones.View
	name zones.Name
	sub  bool
}

func (k unitKey) compare(l unitKey) int {
	c := cmp.Or(cmp.Compare(k.view, l.view), k.name.Compare(l.name))
	if c == 0 && k.sub != l.sub {
		if k.sub {
			return -1
		}
		return 1
	}
	return c
}

// unit is what arrives at a name, and what the target has there.
type unit struct {
	unitKey
	zone     zones.ID
	kind     root           // for sub
	flows    []*flow        // by source, old owner, type
	members  []zones.RRset  // the target's, as before
	owns     bool           // the target has an RRset at the name, or with sub hides or is hidden there
	capture  bool           // an arriving wildcard under a name that the target has
	hole     zones.Name     // the target's wildcard that answered here so far; zero if none
	deciders []zones.Name   // names above at which a decision may stand for this one
	claims   map[claim]bool // who arrives
}

// claim is one old name of one source: two of them at one new name must be
// decided, even without a target's records.
type claim struct {
	src int
	old zones.Name
}

func (f *flow) claim() claim { return claim{f.src, f.old()} }

// group finds what meets where.
func (m *merger) group() {
	m.findRoots()
	subs := map[zones.ID]bool{}
	for _, f := range m.flows {
		if f.zone == (zones.ID{}) {
			continue
		}
		k := m.unitOf(f.zone, f.at, f.typ())
		f.unit = k
		u := m.units[k]
		if u == nil {
			u = &unit{unitKey: k, zone: f.zone, claims: map[claim]bool{}}
			m.units[k] = u
			m.order = append(m.order, u)
			u.kind = m.roots[vname{k.view, k.name}]
			subs[f.zone] = subs[f.zone] || k.sub
		}
		u.flows = append(u.flows, f)
		u.claims[f.claim()] = true
	}
	slices.SortFunc(m.order, func(a, b *unit) int { return a.compare(b.unitKey) })
	for z := range m.in.World.All() {
		if subs[z.ID()] {
			m.subMembers(z)
		}
	}
	for _, u := range m.order {
		m.look(u)
	}
}

// findRoots marks the cuts and DNAMEs of targets and of arrivals.
func (m *merger) findRoots() {
	for z := range m.in.World.All() {
		if !m.targets[z.Origin()] {
			continue
		}
		m.trees[z.ID()] = tree(z)
		for set := range z.All() {
			m.markRoot(z.View(), z.Origin(), set.Owner(), set.Type())
		}
	}
	for _, f := range m.flows {
		if f.zone != (zones.ID{}) {
			for n, ok := f.at, true; ok && n.Below(f.zone.Origin) && !m.newNames[vname{f.view(), n}]; n, ok = n.Parent() {
				m.newNames[vname{f.view(), n}] = true
			}
			m.markRoot(f.view(), f.zone.Origin, f.at, f.typ())
		}
	}
}

func (m *merger) markRoot(v zones.View, apex, owner zones.Name, t zones.Type) {
	switch {
	case t == zones.TypeNS && owner != apex:
		m.roots[vname{v, owner}] |= cutRoot
	case t == zones.TypeDNAME:
		m.roots[vname{v, owner}] |= dnameRoot
	}
}

// unitOf returns the unit of a record: the highest cut at or above it or
// DNAME above it, else its name alone.
func (m *merger) unitOf(zone zones.ID, name zones.Name, t zones.Type) unitKey {
	best := unitKey{view: zone.View, name: name}
	for n := name; ; {
		r := m.roots[vname{zone.View, n}]
		if r&cutRoot != 0 && n != zone.Origin || r&dnameRoot != 0 && (n != name || t == zones.TypeDNAME) {
			best = unitKey{zone.View, n, true}
		}
		if n == zone.Origin {
			return best
		}
		up, ok := n.Parent()
		if !ok {
			return best
		}
		n = up
	}
}

// subMembers hands a target's RRsets to the units with sub that hold them.
func (m *merger) subMembers(z *zones.Zone) {
	for set := range z.All() {
		if untouchable(z, set) {
			continue
		}
		k := m.unitOf(z.ID(), set.Owner(), set.Type())
		if u := m.units[k]; u != nil && k.sub {
			u.members = append(u.members, set)
			u.owns = true
		}
	}
}

// untouchable tells whether no decision moves or removes a target's RRset:
// the apex's SOA and NS, and signing data.
func untouchable(z *zones.Zone, s zones.RRset) bool {
	return s.Type() == zones.TypeSOA || s.Type() == zones.TypeNS && s.Owner() == z.Origin() || s.Type().IsDNSSEC()
}

// look fills in what the target has at a unit.
func (m *merger) look(u *unit) {
	z := m.before.Zone(u.zone)
	if !u.sub {
		for _, s := range z.At(u.name) {
			u.owns = true
			if !untouchable(z, s) {
				u.members = append(u.members, s)
			}
		}
	}
	names := m.trees[u.zone]
	up, _ := u.name.Parent()
	if u.name.IsWildcard() && !u.owns && names[up] {
		u.capture = true
	}
	if !names[u.name] {
		for e := up; ; e, _ = e.Parent() {
			if !names[e] {
				continue
			}
			if w, err := e.Child("*"); err == nil && w != u.name && len(z.At(w)) > 0 { // even with equal data: names below this one lose it
				u.hole = w
				u.deciders = append(u.deciders, w)
			}
			break
		}
	}
	for _, f := range u.flows {
		if r := m.reserved(f.at); len(r) > 0 && r[0].Name != u.name && !slices.Contains(u.deciders, r[0].Name) {
			u.deciders = append(u.deciders, r[0].Name)
		}
	}
}

// sameData compares RDATA without owners.
func sameData(a, b zones.RRset) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if a.Data(i) != b.Data(i) {
			return false
		}
	}
	return true
}

// reserved returns the nearest reservations that a name lies at or below.
func (m *merger) reserved(n zones.Name) []mapping.Reserved {
	for ok := len(m.labels) > 0; ok; n, ok = n.Parent() {
		if r := m.labels[n]; len(r) > 0 {
			return r
		}
	}
	return nil
}

// contested tells whether something must be decided here, if the data differ.
func (m *merger) contested(u *unit) bool {
	if u.owns || u.capture || !u.hole.IsZero() || len(u.claims) > 1 && !u.sub {
		return true
	}
	for _, f := range u.flows {
		if u.sub && f.typ() == zones.TypeNS || m.foreign(f) {
			return true
		}
	}
	return u.sub && m.mixed(u)
}

// mixed tells whether more than one delegation or DNAME meets in a unit, or
// names that are not its glue.
func (m *merger) mixed(u *unit) bool {
	heads := map[claim]bool{}
	for _, f := range u.flows {
		c := f.claim()
		if !f.cut.IsZero() {
			c.old = f.cut
		}
		heads[c] = true
	}
	return len(heads) > 1 || hides(u.flows)
}

// foreign tells whether a flow lands on a label reserved for another holder
// than the one its rule names.
func (m *merger) foreign(f *flow) bool {
	rs := m.reserved(f.at)
	return len(rs) > 0 && (f.rule == nil || !holds(rs, f.rule.Holder))
}

func holds(rs []mapping.Reserved, holder string) bool {
	return slices.ContainsFunc(rs, func(r mapping.Reserved) bool { return r.Holder == holder })
}
