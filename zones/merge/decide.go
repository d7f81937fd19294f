package merge

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// decision returns what stands in the file for a name: the first line for one
// of the types, else the first for the whole name. Of two such lines one that
// takes a side comes first, so that a line pasted below an open one answers it.
func (m *merger) decision(v zones.View, n zones.Name, types ...zones.Type) *mapping.Decision {
	var one, whole *mapping.Decision
	for _, d := range m.decisions[n] {
		best := &whole
		if d.Type != 0 {
			best = &one
		}
		switch {
		case d.View != "" && d.View != v || d.Type != 0 && !slices.Contains(types, d.Type):
		case *best == nil || !taken(*best) && taken(d):
			*best = d
		}
	}
	if one != nil {
		return one
	}
	return whole
}

// taken tells whether a decision says which side stands.
func taken(d *mapping.Decision) bool { return d != nil && d.Take != mapping.Open }

// decide applies the decisions wherever something meets, whether the data
// differ or not: where names go must not depend on what they hold.
func (m *merger) decide() {
	for _, u := range m.order {
		switch {
		case !m.contested(u):
		case u.sub:
			m.decideSub(u)
		default:
			m.decideName(u)
		}
	}
}

// subDecision is the decision for a cut or a DNAME and all below it.
func (m *merger) subDecision(u *unit) *mapping.Decision {
	if u.kind&cutRoot != 0 {
		return m.decision(u.view, u.name, zones.TypeNS)
	}
	return m.decision(u.view, u.name, zones.TypeDNAME)
}

func (m *merger) decideSub(u *unit) {
	d := m.subDecision(u)
	if d == nil {
		for _, n := range u.deciders {
			if e := m.decision(u.view, n); e != nil {
				m.use(e)
				if e.Take == mapping.Target {
					d = e
				}
			}
		}
	}
	if d == nil {
		return
	}
	m.use(d)
	for _, f := range u.flows {
		m.takeFlow(f, d)
	}
	if d.Take != mapping.Source || hides(u.flows) {
		return
	}
	for _, s := range u.members {
		m.takeMember(u.zone, s, d)
	}
}

// hides tells whether, of what arrives, one delegation or DNAME would hide
// another old name's records.
func hides(flows []*flow) bool {
	for _, c := range flows {
		if c.typ() != zones.TypeNS && c.typ() != zones.TypeDNAME {
			continue
		}
		for _, f := range flows {
			own := f.src == c.src && c.typ() == zones.TypeNS && f.cut == c.cut || f == c
			if !own && f.by.Within(c.by) && (c.typ() == zones.TypeNS || f.by != c.by) {
				return true
			}
		}
	}
	return false
}

func (m *merger) decideName(u *unit) {
	brings := map[zones.Type]bool{}
	for _, f := range u.flows {
		brings[f.typ()] = true
		d := m.decision(u.view, u.name, f.typ())
		if d != nil {
			m.use(d)
		}
		for _, n := range u.deciders {
			e := m.decision(u.view, n)
			if e == nil || n != u.hole && !m.foreign(f) {
				continue
			}
			m.use(e)
			if !taken(d) && e.Take == mapping.Target {
				d = e
			}
		}
		if d != nil {
			m.takeFlow(f, d)
		}
	}
	var beside []string
	var whole *mapping.Decision
	for _, s := range u.members {
		d := m.decision(u.view, u.name, s.Type())
		if d != nil && d.Type != 0 {
			m.use(d) // it keeps what a line for the whole name would remove
		}
		if d == nil || d.Take != mapping.Source {
			continue
		}
		if d.Type == 0 && d.TargetBecomes.IsZero() && !inScope(s.Type(), brings) {
			continue
		}
		m.use(d)
		m.takeMember(u.zone, s, d)
		if !brings[s.Type()] && d.TargetBecomes.IsZero() && d.Type == 0 {
			whole = d
			beside = append(beside, s.Type().String())
		}
	}
	if len(beside) > 0 {
		m.find("M-HALF", finding.Error, whole.At, fmt.Sprintf("taking the source's side of %s removes the target's %s, which the source does not bring",
			u.name.Text(), list(beside)), "if they are to go on, say target-becomes: NAME, or decide their types by lines of their own")
	}
}

// inScope tells whether take: source removes the target's records of a type
// (SCOPE). Addresses and service bindings of two hosts must not mix: half of
// the clients would reach the other host.
func inScope(t zones.Type, brings map[zones.Type]bool) bool {
	reach := func(t zones.Type) bool {
		return t == zones.TypeA || t == zones.TypeAAAA || t == zones.TypeHTTPS || t == zones.TypeSVCB
	}
	if brings[t] || brings[zones.TypeCNAME] || t == zones.TypeCNAME {
		return true
	}
	if !reach(t) {
		return false
	}
	for b := range brings {
		if reach(b) {
			return true
		}
	}
	return false
}

// use marks a decision as settling something, and refuses one that moves the
// side that it lets stand.
func (m *merger) use(d *mapping.Decision) {
	if m.used[d] {
		return
	}
	m.used[d] = true
	side := ""
	switch {
	case d.Take != mapping.Target && !d.SourceBecomes.IsZero():
		side = "source-becomes"
	case d.Take != mapping.Source && !d.TargetBecomes.IsZero():
		side = "target-becomes"
	}
	if side != "" && d.Take != mapping.Open {
		m.find("M-RULE", finding.Block, d.At, fmt.Sprintf("the decision on %s takes %s and also says %s", d.Name.Text(), d.Take, side),
			"with target-becomes take source, with source-becomes take target")
	}
}

// takeFlow applies a decision to what arrives.
func (m *merger) takeFlow(f *flow, d *mapping.Decision) {
	if f.fate != Renamed || !taken(d) {
		return
	}
	f.dec = d
	if d.Take != mapping.Target {
		return
	}
	if !d.SourceBecomes.IsZero() {
		at, err := f.at.Rebase(d.Name, d.SourceBecomes)
		var id zones.ID
		if err == nil {
			id, err = m.targetOf(f.view(), at)
		}
		if err != nil {
			m.find("M-TARGET", finding.Block, d.At, fmt.Sprintf("%s cannot become %s: %v", f.at.Text(), d.SourceBecomes.Text(), err),
				"choose a name in one of the targets")
			f.fate, f.note = Undecided, d.Note
			return
		}
		f.zone, f.at = id, at
		return
	}
	if t, ok := m.before.Zone(f.zone).Lookup(f.at, f.typ()); ok && f.likeHidden() && sameData(t, f.set) && plain(f.set) {
		return // equal, whichever side is taken
	}
	f.fate, f.note = Superseded, d.Note
}

// likeHidden tells whether a flow that lands in a delegation is part of one
// itself, or a DNAME that lands on a DNAME: what the target hides there is not
// equal to what a source shows.
func (f *flow) likeHidden() bool {
	return !f.unit.sub || !f.cut.IsZero() || f.typ() == zones.TypeDNAME && f.at == f.unit.name
}

// takeMember applies a decision that takes the source's side to an RRset of
// the target.
func (m *merger) takeMember(zone zones.ID, s zones.RRset, d *mapping.Decision) {
	k := setKey{zone, s.Key()}
	if d.TargetBecomes.IsZero() {
		m.fates[k] = fate{gone: true, dec: d}
		return
	}
	at, err := s.Owner().Rebase(d.Name, d.TargetBecomes)
	var id zones.ID
	if err == nil {
		id, err = m.targetOf(zone.View, at)
	}
	if err != nil {
		m.find("M-TARGET", finding.Block, d.At, fmt.Sprintf("%s cannot become %s: %v", s.Owner().Text(), d.TargetBecomes.Text(), err),
			"choose a name in one of the targets")
		return
	}
	m.fates[k] = fate{zone: id, at: at, dec: d}
	to := setKey{id, zones.Key{Owner: at, Type: s.Type()}}
	m.movedTo[to] = append(m.movedTo[to], k)
}

// plain tells whether no RDATA of the set speaks of a name.
func plain(s zones.RRset) bool {
	named := false
	for i := range s.Len() {
		_, _, err := rdata.Rewrite(s.Type(), s.Data(i), func(n zones.Name, _ rdata.Role) (zones.Name, error) {
			named = true
			return n, nil
		})
		named = named || err != nil
	}
	return !named
}
