package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// claim is what one old name wants at the new name where a walk stands.
type claim struct {
	stand
	line *line
	// own is the node whose records answer: the old name's own, the wildcard,
	// the delegation or the DNAME; -1 where nothing does.
	own  int32
	list []int32 // the rules that cover own, in order
	base base
	deep bool // the old name is no rule's, but lies below one
}

// claims lists what comes to where the walk stands.
func (w *walker) claims(out *tally, p *place) []claim {
	cs := out.claims[:0]
	for i := range p.lines {
		l := &p.lines[i]
		path := p.path
		if l.cur.moved {
			path = w.oldPath(p, l)
		}
		c := claim{stand: w.old.stand(l.cur, path, int(l.size)), line: l, base: w.rules.bases[l.base], deep: l.deep > 0, own: -1}
		if c.start.state == outside && !c.start.moved {
			continue
		}
		switch {
		case c.start.moved:
			if c.own = w.old.dnameOn(w.oldPath(p, l)); c.own < 0 {
				continue
			}
		case c.start.state == under:
			c.own = c.start.node
		case c.alias >= 0:
			c.own = c.alias
		default:
			c.own = w.old.source(c.start)
		}
		if c.own < 0 {
			continue
		}
		if z := w.old.nodes[c.own].zone; w.rules.sources != nil && (z < 0 || !w.rules.sources[w.old.zones[z].Origin()]) {
			continue
		}
		if c.start.state == at && !c.start.moved {
			c.list = w.rules.covering(l.node, l.exact)
		} else {
			c.list = w.rules.covering(w.rules.fromAt(w.old.name(c.own), false))
		}
		if len(c.list) > 0 {
			cs = append(cs, c)
		}
	}
	out.claims = cs
	return cs
}

// oldPath is the old name of a line, from the root down.
func (w *walker) oldPath(p *place, l *line) []string {
	return append(labelsDown(w.rules.bases[l.base].from, nil), p.path[len(p.path)-int(l.deep):]...)
}

// rule is the rule that brings the answer for a type here; -1 where none
// does. The record that answers is what a rule covers: a synthesised answer
// goes where its wildcard goes, what lies below a delegation or a DNAME where
// that goes.
func (w *walker) rule(c *claim, typ zones.Type) int32 {
	n := &w.old.nodes[c.own]
	t := typ
	switch {
	case c.start.moved:
		t = zones.TypeDNAME
	case c.start.state == under, n.flags&cut != 0:
		t = zones.TypeNS
	case c.alias >= 0:
		t = zones.TypeCNAME
	}
	if typ == zones.TypeDS || c.ownOf(typ) || t == zones.TypeSOA || t.IsDNSSEC() || t == zones.TypeNS && n.flags&apex != 0 {
		return -1 // a zone's own: it stays with it
	}
	i := w.rules.first(c.list, t)
	if i < 0 || w.rules.rules[i].Drop {
		return -1
	}
	x := &w.rules.rules[i]
	for _, to := range x.To {
		switch {
		case x.From.Star || x.Subtree:
			if c.base == (base{x.From.Name, to.Name}) {
				return i
			}
		case c.base == (base{x.From.Name, to.Name}):
			if !c.deep || t == zones.TypeDNAME || t == zones.TypeNS {
				return i
			}
		case x.From.Name.IsWildcard() && to.Name.IsWildcard() && c.start.state == miss:
			f, _ := x.From.Name.Parent()
			t, _ := to.Name.Parent()
			if c.base == (base{f, t}) {
				return i
			}
		}
	}
	return -1
}

// wants tells whether a claim has an answer for a type that is to come here.
func (w *walker) wants(c *claim, typ zones.Type) bool {
	k, _ := c.ask(typ)
	return good(k) && (typ != 0 || k != data) && w.rule(c, typ) >= 0
}

// carry holds NEW against what each old name wants here.
func (w *walker) carry(out *tally, p *place, o, n *stand, cs []claim) {
	for i := range cs {
		c := &cs[i]
		if c.base.from == c.base.to {
			continue // the same name: continuity
		}
		w.carryOne(out, p, o, n, c, cs)
	}
}

func (w *walker) carryOne(out *tally, p *place, o, n *stand, c *claim, cs []claim) {
	var buf [32]zones.Type
	lost := false
	for _, typ := range typesOf(&c.stand, n, buf[:0]) {
		k, _ := c.ask(typ)
		if !good(k) {
			if typ == 0 && k == nodata && !lost && c.src >= 0 && c.start.state == at && len(w.old.nodes[c.own].sets) > 0 {
				w.carryCode(out, p, n, c)
			}
			continue
		}
		if typ == 0 && c.kind == nodata {
			continue
		}
		r := w.rule(c, typ)
		if r < 0 {
			continue
		}
		to, y := n, zones.Name{}
		if d := w.rulings.decision(w, p, typ, o, n, c); d != nil {
			switch {
			case !d.SourceBecomes.IsZero():
				var err error
				if y, err = w.nameAt(p).Rebase(d.Name, d.SourceBecomes); err != nil {
					continue
				}
				s := w.new.standAt(y)
				to = &s
			case d.Take == mapping.Target:
				out.decided++
				continue
			case d.Take == mapping.Both:
				if w.union(o, n, cs, typ) {
					out.decided++
					continue
				}
			}
		}
		l, wrong := w.carried(&c.stand, to, typ)
		if l != none {
			out.levels[l]++
			w.landed(out, p, o, n, c, typ, r)
			continue
		}
		lost = true
		if w.rulings.excused(out, w, p, typ, &c.stand, n, w.oldName(p, c)) {
			continue
		}
		if v := w.captures(p, o, c); v >= 0 {
			if w.rulings.decision(w, p, typ, o, n, c) != nil {
				out.decided++
				continue
			}
			w.reportCarry(out, p, &c.stand, to, typ, cause{id: "N-WILD-CAPTURE", new: true, node: v}, "the wildcard came below a name that the target had, and the target's own names stop it", c, y)
			continue
		}
		ca, why := w.blameCarry(p, o, to, c, typ, wrong)
		w.reportCarry(out, p, &c.stand, to, typ, ca, why, c, y)
	}
}

// carried is equal for an answer that comes to another name: the parent's DS
// stays with the old name.
func (w *walker) carried(c, n *stand, typ zones.Type) (Level, *pair) {
	ck, _ := c.ask(typ)
	nk, _ := n.ask(typ)
	if ck == referral && nk == referral {
		a, b := c.cutNode(), n.cutNode()
		l, wrong := w.sets(c.t.set(a, zones.TypeNS), n.t.set(b, zones.TypeNS))
		if l == none || w.glueMissing(b) {
			return none, wrong
		}
		return max(l, L3), nil
	}
	return w.equal(c, n, typ)
}

// glueMissing tells whether a server of a delegation of NEW lies in it and has
// no address.
func (w *walker) glueMissing(n int32) bool {
	ns := w.new.set(n, zones.TypeNS)
	for i := range ns.Len() {
		host := target2(ns.Data(i))
		if host.Within(ns.Owner()) && w.new.held(host, zones.TypeA).IsZero() && w.new.held(host, zones.TypeAAAA).IsZero() {
			return true
		}
	}
	return false
}

// carryCode is about an old name that exists and whose new name does not.
func (w *walker) carryCode(out *tally, p *place, n *stand, c *claim) {
	if k, _ := n.ask(0); k != nxdomain || w.ruleAny(c) < 0 {
		return
	}
	w.reportCarry(out, p, &c.stand, n, 0, cause{id: "C-RCODE", node: c.own}, "", c, zones.Name{})
}

// ruleAny is the rule of the first type of the records that answer.
func (w *walker) ruleAny(c *claim) int32 {
	for _, s := range w.old.nodes[c.own].sets {
		if r := w.rule(c, s.Type()); r >= 0 {
			return r
		}
	}
	return -1
}

// landed looks at an answer that came as it was to come: what else it meets.
func (w *walker) landed(out *tally, p *place, o, n *stand, c *claim, typ zones.Type, r int32) {
	if len(w.rulings.reserved) > 0 && c.start.state == at {
		if h := w.rulings.holder(w.nameAt(p)); h != nil && h.Holder != w.rules.rules[r].Holder && !w.rulings.holds(w, p, h.Holder) {
			w.reportCarry(out, p, &c.stand, n, typ, cause{id: "M-RESERVED", new: true, node: n.start.node}, "reserved for "+h.Holder, c, zones.Name{})
		}
	}
	if k, _ := c.ask(typ); k == referral && c.start.state == at {
		ds := w.new.set(n.cutNode(), zones.TypeDS)
		if !ds.IsZero() && same(ds, w.old.set(c.cutNode(), zones.TypeDS)) {
			w.reportCarry(out, p, &c.stand, n, zones.TypeDS, cause{id: "D-DS-RENAMED", new: true, node: n.cutNode(), typ: zones.TypeDS}, "", c, zones.Name{})
		}
		if w.rules.sources != nil && w.rulings.decision(w, p, typ, o, n, c) == nil {
			w.reportCarry(out, p, &c.stand, n, typ, cause{id: "M-CHILD", new: true, node: n.cutNode()}, "", c, zones.Name{})
		} else {
			w.reportCarry(out, p, &c.stand, n, typ, cause{id: "D-LAME-RENAMED", new: true, node: n.cutNode()}, "", c, zones.Name{})
		}
	}
	// Both sides own the name, and a type came that the target had not.
	if typ == 0 || o.start.state != at || o.start.moved || !w.owns(o.start.node) || o.alias >= 0 {
		return
	}
	if k, _ := o.ask(typ); k != nodata || n.start.state != at {
		return
	}
	x := &w.rules.rules[r]
	if len(x.Types) > 0 || !x.From.Star && !x.Subtree || w.rulings.decision(w, p, typ, o, n, c) != nil {
		return // somebody wrote this down
	}
	w.reportCarry(out, p, o, n, typ, cause{id: "M-COLLIDE", new: true, node: n.start.node}, "both sides own the name, and a type of the old name was added", nil, zones.Name{})
}

// owns tells whether a node of OLD has records that are not its zone's own.
func (w *walker) owns(n int32) bool {
	for _, s := range w.old.nodes[n].sets {
		if t := s.Type(); !t.IsDNSSEC() && t != zones.TypeSOA && (t != zones.TypeNS || w.old.nodes[n].flags&apex == 0) {
			return true
		}
	}
	return false
}

// union tells whether NEW has exactly what OLD had here together with what
// the claims bring.
func (w *walker) union(o, n *stand, cs []claim, typ zones.Type) bool {
	k, have := n.ask(typ)
	if k != data {
		return false
	}
	met := make([]bool, have.Len())
	all := func(s *stand) bool {
		k, set := s.ask(typ)
		if k != data {
			return !good(k)
		}
		for i := range set.Len() {
			found := false
			for j := range have.Len() {
				if w.oneSame(set, i, have, j) {
					found, met[j] = true, true
				}
			}
			if !found {
				return false
			}
		}
		return true
	}
	if !all(o) {
		return false
	}
	for i := range cs {
		if w.wants(&cs[i], typ) && !all(&cs[i].stand) {
			return false
		}
	}
	return !slices.Contains(met, false)
}

// oneSame compares one RDATA with another, modulo renaming.
func (w *walker) oneSame(a zones.RRset, i int, b zones.RRset, j int) bool {
	if a.Data(i) == b.Data(j) {
		return true
	}
	if w.ren.empty() {
		return false
	}
	x, y := mask(a.Type(), a.Data(i)), mask(b.Type(), b.Data(j))
	if x.rest != y.rest {
		return false
	}
	_, ok := w.partners(x, y)
	return ok
}

// captures is the wildcard of NEW that came from a source to a name which the
// target had, where a name of the target stops it; else -1.
func (w *walker) captures(p *place, o *stand, c *claim) int32 {
	if c.start.state != miss || c.start.moved || o.start.moved || o.start.state != at && o.start.state != miss {
		return -1
	}
	wild, err := w.old.name(c.own).Rebase(c.base.from, c.base.to)
	if err != nil {
		return -1
	}
	if e, ok := wild.Parent(); !ok || !w.old.name(o.start.node).Below(e) {
		return -1
	}
	return w.new.find(wild)
}

// blameCarry finds the cause of a claim that is not met.
func (w *walker) blameCarry(p *place, o, n *stand, c *claim, typ zones.Type, wrong *pair) (cause, string) {
	nk, _ := n.ask(typ)
	ck, _ := c.ask(typ)
	if a := w.newApex(o, n); a >= 0 {
		return cause{id: "N-CHILD-ZONE", new: true, node: a}, ""
	}
	if ck == referral && nk == referral && w.glueMissing(n.cutNode()) {
		return cause{id: "D-GLUE", new: true, node: n.cutNode()}, "an address of a server below the cut is missing"
	}
	if ok, _ := o.ask(typ); good(ok) || o.start.state == at && !o.start.moved && ok == nodata && w.owns(o.start.node) {
		node := n.start.node
		if n.src >= 0 {
			node = n.src
		}
		if l, _ := w.equal(o, n, typ); l != none && node >= 0 && (good(ok) || !w.takesSource(p, typ, o, n, c)) {
			return cause{id: "M-COLLIDE", new: true, node: node}, "the target's own record stands where the old name's was to come"
		}
	}
	if wrong != nil {
		if node := w.leftBehind(wrong); node >= 0 {
			return cause{id: "C-LOST", node: node}, "the name that other data point at did not come to " + wrong.new.Text()
		}
		return cause{id: "M-TARGET-SEM", new: true, node: n.src, typ: typ}, wrong.old.Text() + " became " + wrong.new.Text() + ", which does not give the same addresses"
	}
	if ca, why, is := w.blameEnd(&c.stand, n, typ); is {
		return ca, why
	}
	switch nk {
	case looped:
		if n.alias >= 0 {
			return cause{id: "X-LOOP", new: true, node: w.new.circleOf(n.alias)}, ""
		}
		return cause{id: "X-LOOP", new: true, node: w.new.dnameOn(p.path)}, ""
	case overlong:
		if n.end.state == grows {
			return cause{id: "X-DNAME-GROW", new: true, node: max(n.alias, w.new.dnameOn(p.path))}, ""
		}
		return cause{id: "C-LOST", new: true, node: max(n.alias, w.new.dnameOn(p.path))}, "the name that the new name leads to has more than 255 octets"
	case referral:
		if ck == referral {
			return cause{id: "C-CHANGED", new: true, node: n.cutNode(), typ: zones.TypeNS}, "the delegation goes to other servers"
		}
		id := "N-CUT"
		if w.copiedApex(n.cutNode()) {
			id = "N-APEX"
		}
		return cause{id: id, new: true, node: n.cutNode(), typ: zones.TypeNS}, ""
	case data, away:
		if n.alias >= 0 {
			return cause{id: "C-CHANGED", new: true, node: n.alias}, ""
		}
		if n.src >= 0 {
			return cause{id: "C-CHANGED", new: true, node: n.src, typ: typ}, ""
		}
		return cause{id: "C-CHANGED", node: c.own}, ""
	}
	if n.alias >= 0 {
		return cause{id: "C-LOST", new: true, node: n.alias}, "the chain at the new name ends nowhere"
	}
	switch {
	case c.start.state == miss && !c.start.moved && nk == nxdomain:
		return cause{id: "C-WILD-LOST", node: c.own}, "the new name has no such wildcard"
	case nk == nodata && n.src >= 0 && len(w.new.nodes[n.src].sets) > 0 && c.alias < 0 && ck == data:
		return cause{id: "C-TYPE-LOST", node: c.own, typ: typ}, "the new name lacks the type"
	}
	return cause{id: "C-LOST", node: c.own}, "the new name does not answer"
}

// blameEnd finds the cause where an alias became the alias of its target's new
// name: that name is at fault, and is blamed as it is for itself.
func (w *walker) blameEnd(o, n *stand, typ zones.Type) (cause, string, bool) {
	if o.alias < 0 || n.alias < 0 || o.start.moved || n.start.moved {
		return cause{}, "", false
	}
	if k, _ := n.ask(typ); k == looped || k == overlong {
		return cause{}, "", false
	}
	a, b := &w.old.links[w.old.nodes[o.alias].link], &w.new.links[w.new.nodes[n.alias].link]
	if a.target == b.target || !w.ren.may(a.target, b.target) {
		return cause{}, "", false
	}
	to := labelsDown(b.target, nil)
	before, x, y := w.old.standAt(b.target), w.old.standAt(a.target), w.new.standAt(b.target)
	c := claim{stand: x, own: x.owner(labelsDown(a.target, nil))}
	for _, q := range w.rules.bases {
		if z, err := a.target.Rebase(q.from, q.to); err == nil && z == b.target {
			c.base = q
			break
		}
	}
	if c.own < 0 || c.base.to.IsZero() {
		return cause{}, "", false
	}
	ca, why := w.blameCarry(&place{path: to, size: len(b.target.Wire())}, &before, &y, &c, typ, nil)
	return carryOf(ca), why, true
}

// takesSource tells whether a decision brings the old name's records here.
func (w *walker) takesSource(p *place, typ zones.Type, o, n *stand, c *claim) bool {
	d := w.rulings.decision(w, p, typ, o, n, c)
	return d != nil && (d.Take == mapping.Source || d.Take == mapping.Both)
}

// leftBehind is the node of an old name inside data that exists, where its new
// name does not; else -1.
func (w *walker) leftBehind(p *pair) int32 {
	if n := w.new.standAt(p.new); n.kind != nxdomain {
		return -1
	}
	if o := w.old.standAt(p.old); o.start.state == at && !o.start.moved {
		return o.start.node
	}
	return -1
}

// oldName is a claim's old name.
func (w *walker) oldName(p *place, c *claim) zones.Name {
	return join(p.path, int(c.line.deep), c.base.from)
}

// nameAt is the name where a walk stands.
func (w *walker) nameAt(p *place) zones.Name { return join(p.path, len(p.path), zones.Root()) }

// reportCarry records a fault about an old name and its new one. With a nil
// claim both questions are for the new name.
func (w *walker) reportCarry(out *tally, p *place, o, n *stand, typ zones.Type, c cause, why string, from *claim, y zones.Name) {
	far := from != nil && (c.new && w.apart(c, p) || !c.new && c.node != from.own)
	if have := out.by[carryOf(c)]; have != nil && have.far == far && late(p, have) && y.IsZero() {
		have.count++
		return
	}
	q := typ
	if q == 0 {
		q = freshType(o, n)
	}
	b := broken{cause: carryOf(c), path: p.path, qtype: q, was: o.show(typ), is: n.show(typ), why: why, far: far}
	if from != nil {
		b.from = w.oldName(p, from)
	}
	if !y.IsZero() {
		b.path = labelsDown(y, nil)
	}
	b.glue(o, n)
	out.find(b)
}

// carryOf keeps what is lost at the old name apart from what is lost on the
// way to the new one: each has a witness of its own.
func carryOf(c cause) cause {
	c.carry = !c.new
	return c
}
