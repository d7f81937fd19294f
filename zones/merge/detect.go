package merge

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// shared is a conflict that many arrivals share: a reserved label, a hole in
// a wildcard.
type shared struct {
	c       Conflict
	flows   []*flow
	settled bool
	dec     *mapping.Decision
}

// detector gathers the shared conflicts of a run.
type detector struct {
	*merger
	shared map[unitKey]map[Kind]*shared
	order  []*shared
}

// detect lists every conflict with its decision, and leaves undecided what
// none settles.
func (m *merger) detect() {
	d := &detector{merger: m, shared: map[unitKey]map[Kind]*shared{}}
	for _, u := range m.order {
		if u.sub {
			d.sub(u)
		} else {
			d.name(u, true)
		}
		d.reservations(u)
		d.holes(u)
	}
	for _, s := range d.order {
		c := s.c
		c.Settled, c.Decision = s.settled, s.dec
		if c.Decision == nil {
			c.Decision = m.decision(c.Zone.View, c.Name)
		}
		m.raise(c, s.flows, nil)
	}
	for _, f := range m.flows {
		if f.stands() && f.typ() == zones.TypeNS {
			m.find("D-LAME-RENAMED", finding.Error, f.set.From(0).Place,
				fmt.Sprintf("the delegation of %s is carried to %s: the child's servers must serve the new name too", f.old().Text(), f.at.Text()),
				"tell who runs them; a DS is not carried and must be made anew for the new name")
		}
	}
	m.listCuts()
}

// current is a target's RDATA of an RRset, its referrers following moves.
func (m *merger) current(zone zones.ID, s zones.RRset) []string {
	if d, ok := m.retarget[setKey{zone, s.Key()}]; ok {
		return sorted(d)
	}
	out := make([]string, s.Len())
	for i := range out {
		out[i] = s.Data(i)
	}
	return out
}

func sorted(data []string) []string {
	d := slices.Clone(data)
	slices.Sort(d)
	return slices.Compact(d)
}

// ruleSays tells whether a rule names this very record's type for this very
// name: a decision on its own to bring it beside what the target has.
func (f *flow) ruleSays() bool {
	return len(f.rule.Types) > 0 && !f.rule.From.Star && f.rule.From.Name == f.old()
}

// name finds the conflicts at one name.
func (d *detector) name(u *unit, withTarget bool) {
	var flows []*flow
	claims := map[claim]bool{}
	for _, f := range u.flows {
		if f.fate != Dropped {
			flows = append(flows, f)
			claims[f.claim()] = true
		}
	}
	if len(flows) == 0 {
		return
	}
	z := d.before.Zone(u.zone)
	var sets []zones.RRset
	if withTarget {
		sets = z.At(u.name)
	}
	sides := len(claims)
	if len(sets) > 0 {
		sides++
	}
	if sides > 1 {
		switch any, alone := d.beside(u, z, sets, flows); {
		case !any:
			d.types(u, z, sets, flows, len(claims))
		case alone && len(claims) > 1:
			d.types(u, z, nil, flows, len(claims))
		}
	}
	if u.capture && withTarget {
		up, _ := u.name.Parent()
		c := Conflict{
			Kind: Capture, Zone: u.zone, Name: u.name,
			Why: fmt.Sprintf("the wildcard would answer names below %s, which the target has, that do not exist so far", up.Text()),
		}
		d.settle(&c, flows)
		d.raise(c, flows, nil)
	}
}

// settle looks whether every flow has been decided.
func (d *detector) settle(c *Conflict, flows []*flow) {
	c.Settled = true
	for _, f := range flows {
		if !taken(f.dec) {
			c.Settled = false
			c.Decision = d.decision(c.Zone.View, c.Name, f.typ())
			return
		}
		c.Decision = f.dec
	}
}

// beside raises the conflict of a CNAME with anything else at its name; it
// tells whether a CNAME is there and was dealt with, and whether a decision
// then left the sources alone at the name.
func (d *detector) beside(u *unit, z *zones.Zone, sets []zones.RRset, flows []*flow) (found, alone bool) {
	any, same := false, true
	var target string
	note := func(t zones.Type, data []string) {
		any = any || t == zones.TypeCNAME
		if t != zones.TypeCNAME || len(data) != 1 || target != "" && data[0] != target {
			same = false
			return
		}
		target = data[0]
	}
	for _, s := range sets {
		note(s.Type(), d.current(u.zone, s))
	}
	for _, f := range flows {
		note(f.typ(), f.data)
	}
	if !any || same {
		return any, false
	}
	c := Conflict{Kind: BesideName, Zone: u.zone, Name: u.name, Why: "a CNAME cannot stand beside other data (RFC 1034 3.6.2)"}
	d.settle(&c, flows)
	if c.Settled && !d.legal(u, sets, flows) {
		c.Settled = false
		c.Why = fmt.Sprintf("taking %s would leave a CNAME beside other data (RFC 1034 3.6.2)", c.Decision.Take)
	}
	d.raise(c, flows, touchable(z, sets))
	return true, c.Settled && c.Decision.Take == mapping.Source
}

// legal tells whether what would stand at the name is one CNAME alone, or has
// none.
func (d *detector) legal(u *unit, sets []zones.RRset, flows []*flow) bool {
	n, cname := 0, map[string]bool{}
	add := func(t zones.Type, data []string) {
		n++
		if t == zones.TypeCNAME {
			n--
			for _, x := range data {
				cname[x] = true
			}
		}
	}
	for _, s := range sets {
		if _, ok := d.fates[setKey{u.zone, s.Key()}]; !ok {
			add(s.Type(), d.current(u.zone, s))
		}
	}
	for _, f := range flows {
		if f.stands() && f.at == u.name {
			add(f.typ(), f.data)
		}
	}
	return len(cname) == 0 || len(cname) == 1 && n == 0
}

func touchable(z *zones.Zone, sets []zones.RRset) []zones.RRset {
	return slices.DeleteFunc(slices.Clone(sets), func(s zones.RRset) bool { return untouchable(z, s) })
}

// types raises the conflicts of single types at a name without CNAME.
func (d *detector) types(u *unit, z *zones.Zone, sets []zones.RRset, flows []*flow, claims int) {
	byType := map[zones.Type][]*flow{}
	var order []zones.Type
	for _, f := range flows {
		if byType[f.typ()] == nil {
			order = append(order, f.typ())
		}
		byType[f.typ()] = append(byType[f.typ()], f)
	}
	slices.Sort(order)
	for _, t := range order {
		fs := byType[t]
		var has []zones.RRset
		for _, s := range sets {
			if s.Type() == t {
				has = append(has, s)
			}
		}
		differ := false // among what arrives
		for _, f := range fs[1:] {
			differ = differ || !slices.Equal(sorted(f.data), sorted(fs[0].data))
		}
		c := Conflict{Zone: u.zone, Name: u.name, Type: t}
		said := !slices.ContainsFunc(fs, func(f *flow) bool { return !f.ruleSays() })
		switch {
		case len(has) > 0 && (differ || !slices.Equal(d.current(u.zone, has[0]), sorted(fs[0].data))):
			c.Kind, c.Why = OtherData, "source and target have other data of this type"
		case len(has) > 0:
			continue // equal
		case differ:
			c.Kind, c.Why = Meeting, "two old names arrive here with other data"
		case said:
			continue
		case len(sets) > 0:
			c.Kind, c.Why = OtherTypes, "the target owns the name and has no records of this type"
		case claims > 1 && len(fs) < claims:
			c.Kind, c.Why = Meeting, "two old names arrive here with other types"
		default:
			continue
		}
		d.settle(&c, fs)
		if c.Settled && c.Decision.Take == mapping.Source && differ && standing(fs) > 1 {
			c.Settled, c.Why = false, "two old names arrive here with other data: take: source does not say which; give one another name by a rule, or take both"
		}
		d.raise(c, fs, touchable(z, has))
	}
}

func standing(fs []*flow) (n int) {
	for _, f := range fs {
		if f.stands() {
			n++
		}
	}
	return n
}

// sub finds the conflicts at a cut or a DNAME and below it.
func (d *detector) sub(u *unit) {
	flows := slices.DeleteFunc(slices.Clone(u.flows), func(f *flow) bool { return f.fate == Dropped })
	if len(flows) == 0 {
		return
	}
	z := d.before.Zone(u.zone)
	equal, child := len(u.members) > 0, false
	for _, f := range flows {
		s, ok := z.Lookup(f.by, f.typ())
		equal = equal && ok && f.likeHidden() && slices.Equal(d.current(u.zone, s), sorted(f.data))
		child = child || f.typ() == zones.TypeNS
	}
	mixed := d.mixed(u)
	c := Conflict{Zone: u.zone, Name: u.name, Below: true}
	switch {
	case equal:
		return
	case len(u.members) > 0 || mixed:
		c.Kind, c.Why = UnderCut, "a delegation and other records meet at or below this name"
		if u.kind&cutRoot == 0 {
			c.Kind, c.Why = UnderDNAME, "a DNAME and other records meet below this name"
		}
	case child:
		c.Kind, c.Why = Child, "a child of the source is delegated here and is not a source itself"
	default:
		return
	}
	d.settle(&c, flows)
	if c.Settled {
		switch take := c.Decision.Take; {
		case take == mapping.Both && len(u.members) > 0:
			c.Settled, c.Why = false, "both sides cannot stand: one would hide the other"
		case take != mapping.Target && hides(flows):
			c.Settled, c.Why = false, "several old names arrive at or below one delegation or DNAME: give all but one another name by a rule"
		}
	}
	d.raise(c, flows, u.members)
	if !c.Settled || c.Decision.Take == mapping.Target {
		return
	}
	at := map[zones.Name]*unit{}
	for _, f := range flows { // among themselves, the target's side being gone
		i := at[f.at]
		if i == nil {
			i = &unit{unitKey: unitKey{u.view, f.at, false}, zone: f.zone}
			at[f.at] = i
		}
		i.flows = append(i.flows, f)
	}
	inner := make([]*unit, 0, len(at))
	for _, i := range at {
		inner = append(inner, i)
	}
	slices.SortFunc(inner, func(a, b *unit) int { return a.compare(b.unitKey) })
	for _, i := range inner {
		d.name(i, false)
	}
}

// share adds a flow to a conflict of many.
func (d *detector) share(kind Kind, zone zones.ID, name zones.Name, f *flow, settled bool, dec *mapping.Decision, why, holder string) {
	k := unitKey{zone.View, name, true}
	if d.shared[k] == nil {
		d.shared[k] = map[Kind]*shared{}
	}
	s := d.shared[k][kind]
	if s == nil {
		s = &shared{settled: true, c: Conflict{Kind: kind, Zone: zone, Name: name, Below: true, Why: why, Holder: holder}}
		d.shared[k][kind] = s
		d.order = append(d.order, s)
	}
	s.flows = append(s.flows, f)
	s.settled = s.settled && settled
	if s.dec == nil || !settled {
		s.dec = dec
	}
}

// reservations raises what lands on a label reserved for another holder.
func (d *detector) reservations(u *unit) {
	z := d.before.Zone(u.zone)
	for _, f := range u.flows {
		rs := d.reserved(f.by)
		if f.fate == Dropped || len(rs) == 0 || holds(rs, f.rule.Holder) {
			continue
		}
		if s, ok := z.Lookup(f.by, f.typ()); ok && slices.Equal(d.current(u.zone, s), sorted(f.data)) {
			continue // nothing new comes
		}
		dec, ok := f.dec, f.at != f.by || f.fate == Superseded
		for _, e := range []*mapping.Decision{f.dec, d.decision(u.view, u.name, f.typ()), d.decision(u.view, rs[0].Name)} {
			if !ok && taken(e) && holds(rs, e.Holder) {
				dec, ok = e, true
			}
		}
		why := fmt.Sprintf("the label is reserved for %s", rs[0].Holder)
		if f.rule.Holder != "" {
			why += fmt.Sprintf(", the rule brings it for %s", f.rule.Holder)
		}
		d.share(Held, u.zone, rs[0].Name, f, ok, dec, why, rs[0].Holder)
	}
}

// holes raises what arrives where a wildcard of the target answered.
func (d *detector) holes(u *unit) {
	if u.hole.IsZero() {
		return
	}
	e := d.decision(u.view, u.hole)
	for _, f := range u.flows {
		if f.fate == Dropped {
			continue
		}
		dec, ok := f.dec, taken(f.dec)
		if !ok && taken(e) {
			dec, ok = e, true
		}
		d.share(Hole, u.zone, u.hole, f, ok, dec, "names arrive that this wildcard of the target answered so far", "")
	}
}

// warnUnused reports rules and decisions that change nothing.
func (m *merger) warnUnused() {
	for i, r := range m.in.Mapping.Rules {
		if !m.matched[i] {
			m.find("M-RULE", finding.Warning, r.At, fmt.Sprintf("the rule from %v covers no record", r.From),
				"remove it, or look whether an earlier rule takes its records")
		}
	}
	for i := range m.in.Mapping.Decisions {
		d := &m.in.Mapping.Decisions[i]
		if !m.used[d] {
			m.find("M-RULE", finding.Warning, d.At, fmt.Sprintf("the decision on %s settles nothing", d.Name.Text()),
				"remove it, or look whether the name is written as the rules make it")
		}
	}
}
