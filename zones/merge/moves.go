package merge

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// newcomer is an RRset that a decision moves to another name.
type newcomer struct {
	zone zones.ID
	at   zones.Name
	typ  zones.Type
	data []string
	dec  *mapping.Decision
	flow *flow  // of a source, or
	from setKey // of a target
	set  zones.RRset
}

// checkMoves raises a conflict wherever a decision moves records to a name
// that is not free: a second question there is answered by another name, not
// by another decision.
func (m *merger) checkMoves() {
	all := m.newcomers()
	for _, n := range all {
		why := m.notFree(n, all)
		if why == "" {
			continue
		}
		c := Conflict{Kind: Becomes, Zone: n.zone, Name: n.at, Type: n.typ, Decision: n.dec, Why: why}
		if n.flow != nil {
			m.raise(c, []*flow{n.flow}, nil)
			continue
		}
		m.keep(n.from)
		c.Target = n.set.Records()
		m.raise(c, nil, nil)
	}
	m.sortConflicts()
	if m.undone {
		m.rewriteAll(false)
	}
}

func (m *merger) newcomers() []newcomer {
	var list []newcomer
	for _, f := range m.flows {
		if f.fate == Renamed && f.at != f.by {
			list = append(list, newcomer{zone: f.zone, at: f.at, typ: f.typ(), data: sorted(f.data), dec: f.dec, flow: f})
		}
	}
	for z := range m.in.World.All() {
		for s := range z.All() {
			k := setKey{z.ID(), s.Key()}
			if f, ok := m.fates[k]; ok && !f.gone {
				list = append(list, newcomer{zone: f.zone, at: f.at, typ: s.Type(), data: m.current(z.ID(), s), dec: f.dec, from: k, set: s})
			}
		}
	}
	return list
}

// origin tells two newcomers of one side and one old name from others.
func (n newcomer) origin() claim {
	if n.flow != nil {
		return n.flow.claim()
	}
	return claim{-1, n.from.key.Owner}
}

// notFree says what stands in the way of a newcomer, "" if nothing does.
func (m *merger) notFree(n newcomer, all []newcomer) string {
	z := m.before.Zone(n.zone)
	for _, s := range z.At(n.at) {
		if _, leaves := m.fates[setKey{n.zone, s.Key()}]; !leaves && (s.Type() != n.typ || !slices.Equal(m.current(n.zone, s), n.data)) {
			return fmt.Sprintf("%s is to become %s, which has %v records already", n.dec.Name.Text(), n.at.Text(), s.Type())
		}
	}
	for _, o := range all {
		if o.zone == n.zone && o.at == n.at && o.origin() != n.origin() && (o.typ != n.typ || !slices.Equal(o.data, n.data)) {
			return fmt.Sprintf("two decisions move other records to %s", n.at.Text())
		}
	}
	u := m.unitOf(n.zone, n.at, n.typ)
	for _, f := range m.flowsAt(n.zone, n.at) {
		if f.stands() && f.at == f.by && (f.typ() != n.typ || !slices.Equal(sorted(f.data), n.data)) {
			return fmt.Sprintf("%s is to become %s, where %s of a source arrives", n.dec.Name.Text(), n.at.Text(), f.old().Text())
		}
	}
	if u.sub {
		return fmt.Sprintf("%s lies at or below the delegation or DNAME at %s", n.at.Text(), u.name.Text())
	}
	if n.typ == zones.TypeNS || n.typ == zones.TypeDNAME {
		for o := range m.trees[n.zone] {
			if o.Below(n.at) {
				return fmt.Sprintf("%s has names below it, which a delegation or DNAME there would hide", n.at.Text())
			}
		}
	}
	if names := m.trees[n.zone]; !names[n.at] {
		e, _ := n.at.Parent()
		for !names[e] {
			e, _ = e.Parent()
		}
		if w, err := e.Child("*"); err == nil && w != n.at && len(z.At(w)) > 0 {
			return fmt.Sprintf("the wildcard %s of the target answers for %s", w.Text(), n.at.Text())
		}
	}
	if rs := m.reserved(n.at); len(rs) > 0 && !holds(rs, n.dec.Holder) {
		return fmt.Sprintf("%s is reserved for %s", rs[0].Name.Text(), rs[0].Holder)
	}
	return ""
}

// flowsAt returns what the rules place at a name.
func (m *merger) flowsAt(zone zones.ID, at zones.Name) []*flow {
	var fs []*flow
	for _, sub := range []bool{true, false} {
		if u := m.units[unitKey{zone.View, at, sub}]; u != nil && u.zone == zone {
			fs = append(fs, u.flows...)
		}
	}
	return slices.DeleteFunc(fs, func(f *flow) bool { return f.by != at })
}
