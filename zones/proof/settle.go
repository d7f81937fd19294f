package proof

import (
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// settled deals with an answer of OLD that NEW does not give, where somebody
// decided or declared it, or where an old name claims the same place. It
// returns false where neither is so.
func (w *walker) settled(out *tally, p *place, o, n *stand, typ zones.Type, cs []claim) bool {
	if w.rulings.excused(out, w, p, typ, o, n, zones.Name{}) {
		return true
	}
	if d := w.rulings.decision(w, p, typ, o, n, firstWants(w, cs, typ)); d != nil {
		if w.follows(out, p, d, o, n, typ, cs) {
			out.decided++
			return true
		}
	}
	if w.inherits(p, o, n, typ) {
		out.decided++
		return true
	}
	for i := range cs {
		c := &cs[i]
		if c.base.from == c.base.to || !w.wants(c, typ) {
			continue
		}
		if l, _ := w.equal(&c.stand, o, typ); l != none {
			continue // both want the same
		}
		if ok, _ := o.ask(typ); !good(ok) || o.start.state != at {
			continue // a wildcard's answer, or none: blamed as such
		}
		node := n.start.node
		if n.src >= 0 {
			node = n.src
		}
		if node < 0 {
			continue
		}
		if l, _ := w.carried(&c.stand, n, typ); l == none && !w.union(o, n, cs, typ) {
			continue // neither side's: blamed as a change
		}
		w.reportCarry(out, p, o, n, typ, cause{id: "M-COLLIDE", new: true, node: node}, "the old name "+w.oldName(p, c).Text()+" comes to a name that has other data", nil, zones.Name{})
		return true
	}
	return false
}

// firstWants is the first claim that wants a type here, or nil.
func firstWants(w *walker, cs []claim, typ zones.Type) *claim {
	for i := range cs {
		if w.wants(&cs[i], typ) {
			return &cs[i]
		}
	}
	if len(cs) > 0 {
		return &cs[0]
	}
	return nil
}

// follows tells whether NEW is what a decision asks for.
func (w *walker) follows(out *tally, p *place, d *mapping.Decision, o, n *stand, typ zones.Type, cs []claim) bool {
	if !d.TargetBecomes.IsZero() {
		y, err := w.nameAt(p).Rebase(d.Name, d.TargetBecomes)
		if err != nil {
			return false
		}
		s := w.new.standAt(y)
		l, _ := w.carried(o, &s, typ)
		return l != none && w.source1(n, typ, cs)
	}
	switch d.Take {
	case mapping.Both:
		return w.union(o, n, cs, typ)
	case mapping.Source:
		if !w.source1(n, typ, cs) {
			return false
		}
		if k, _ := n.ask(typ); k == nodata && typ != 0 && d.Type == 0 && o.alias < 0 {
			w.report(out, p, o, n, typ, cause{id: "M-HALF", new: true, node: n.src}, "")
		}
		return true
	}
	return false
}

// inherits tells whether a name answers with what a decision settled
// elsewhere: at the end of its alias, or, for an old name that follows its new
// name where both sides stand, there. That name is decided by itself.
func (w *walker) inherits(p *place, o, n *stand, typ zones.Type) bool {
	if len(w.rulings.decisions) == 0 {
		return false
	}
	if o.alias >= 0 && o.src >= 0 {
		end := o.t.name(o.src)
		if s := w.new.standAt(end); w.rulings.pick(end, typ) != nil && likewise(n, &s, typ) {
			return true
		}
	}
	name := w.nameAt(p)
	if w.mode(name) != mapping.Follow {
		return false
	}
	for _, y := range w.ren.images(name) {
		d := w.rulings.pick(y, typ)
		if y == name || d == nil || d.Take != mapping.Both {
			continue
		}
		if s := w.new.standAt(y); likewise(n, &s, typ) {
			return true
		}
	}
	return false
}

// likewise tells whether two names of one world answer a type with the same.
func likewise(a, b *stand, typ zones.Type) bool {
	ak, as := a.ask(typ)
	bk, bs := b.ask(typ)
	switch {
	case ak != bk:
		return false
	case ak == data:
		return same(as, bs)
	case ak == referral:
		return a.on(typ).cutNode() == b.on(typ).cutNode()
	case ak == away:
		return a.on(typ).name == b.on(typ).name
	}
	return true
}

// source1 tells whether NEW gives what one claim wants, or nothing where none
// wants anything.
func (w *walker) source1(n *stand, typ zones.Type, cs []claim) bool {
	any := false
	for i := range cs {
		if !w.wants(&cs[i], typ) {
			continue
		}
		any = true
		if l, _ := w.carried(&cs[i].stand, n, typ); l != none {
			return true
		}
	}
	k, _ := n.ask(typ)
	return !any && !good(k)
}

// asked tells whether a wildcard of NEW that answers what did not exist is
// what an old name brings, below a name that the target had not: then it is
// that source's own. Where the target had the closest encloser, the two
// claims contradict each other.
func (w *walker) asked(o, n *stand, typ zones.Type, cs []claim) bool {
	if w.old.name(o.start.node) == w.new.name(n.start.node) {
		return false
	}
	for i := range cs {
		c := &cs[i]
		if typ != 0 && !w.wants(c, typ) {
			continue
		}
		if l, _ := w.carried(&c.stand, n, typ); l != none || w.part == lasting { // between, its chain may not have come to its end yet
			return true
		}
	}
	return false
}
