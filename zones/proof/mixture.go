package proof

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// mixture claims that a resolver which has a record of one world and asks the
// other for what it points at gets what both worlds promise: where OLD and
// NEW both answer the name, the target of either's record answers in both.
//
// That is enough for chains of any length and any mixture of the two worlds,
// zone by zone too: at a name that both answer, either world's step leads to
// data or to a name that both answer; and no circle can be made of steps of
// both worlds.
func (w *walker) mixture(out *tally, p *place, o, n *stand) {
	if o.kind == refused || n.kind == refused {
		return
	}
	var buf [32]zones.Type
	types := typesOf(o, n, buf[:0])
	var promised [32]zones.Type
	both := promised[:0]
	for _, t := range types {
		a, _ := o.ask(t)
		b, _ := n.ask(t)
		if good(a) && good(b) && (t != 0 || a != data) {
			both = append(both, t)
		}
	}
	if len(both) == 0 {
		return
	}
	x, xs := o.next(p.path)
	y, ys := n.next(p.path)
	if x != y {
		if !x.IsZero() {
			w.heldBy(out, p, both, x, o, xs, w.new, false)
		}
		if !y.IsZero() {
			w.heldBy(out, p, both, y, n, ys, w.old, true)
		}
		if w.circle(w.nameAt(p)) {
			at := cause{id: "T-MIX", new: ys >= 0, node: ys}
			if ys < 0 {
				at.node = xs
			}
			out.find(broken{
				cause: at, path: p.path, qtype: known(both[0]),
				was: o.show(both[0]), is: n.show(both[0]), why: "records of both worlds make a circle of aliases",
			})
		}
	}
	if both[len(both)-1] == 0 && o.delegates() && n.delegates() {
		a, b := o.t.set(o.start.node, zones.TypeNS), n.t.set(n.start.node, zones.TypeNS)
		w.pointed(out, p, o, n, a, b, w.old, w.new, false)
		w.pointed(out, p, o, n, b, a, w.new, w.old, true)
	}
	for _, t := range both {
		if !pointing(t) || t == zones.TypeCNAME || t == zones.TypeDNAME {
			continue
		}
		_, a := o.ask(t)
		_, b := n.ask(t)
		w.pointed(out, p, o, n, a, b, w.old, w.new, false)
		w.pointed(out, p, o, n, b, a, w.new, w.old, true)
	}
}

// delegates tells whether a name is itself that of a delegation.
func (s *stand) delegates() bool {
	return s.start.state == at && !s.start.moved && s.kind == referral && s.alias < 0
}

func known(t zones.Type) zones.Type {
	if t == 0 {
		return zones.TypeA
	}
	return t
}

// next is the name that the first alias at a name leads to, and the node of
// its CNAME or DNAME.
func (s *stand) next(path []string) (zones.Name, int32) {
	if s.start.moved {
		d := s.t.dnameOn(path)
		if d < 0 {
			return zones.Name{}, -1
		}
		y, err := join(path, len(path), zones.Root()).Rebase(s.t.name(d), target(s.t.set(d, zones.TypeDNAME)))
		if err != nil {
			return zones.Name{}, -1
		}
		return y, d
	}
	if s.alias >= 0 {
		return s.t.links[s.t.nodes[s.alias].link].target, s.alias
	}
	return zones.Name{}, -1
}

// heldBy asks the other world for what an alias leads to.
func (w *walker) heldBy(out *tally, p *place, types []zones.Type, y zones.Name, s *stand, node int32, other *tree, new bool) {
	there := other.standAt(y)
	if there.kind == refused {
		if k := s.t.standAt(y); k.kind == refused {
			return // outside both worlds
		}
	}
	for _, t := range types {
		if k, _ := there.ask(t); good(k) {
			continue
		}
		w.mixed(out, p, known(t), y, s.t, &there, cause{id: "T-MIX", new: new, node: node})
		return
	}
}

// pointed asks both worlds for the addresses of what a record points at: of
// those that its own world has, the other must have one type at least. A type
// that comes or goes is what each world promises.
func (w *walker) pointed(out *tally, p *place, o, n *stand, set, theirs zones.RRset, own, other *tree, new bool) {
	stays := pointsAt(theirs)
	for _, y := range pointsAt(set) {
		if slices.Contains(stays, y) {
			continue // each world promises what it has there
		}
		a, b := own.standAt(y), other.standAt(y)
		broken := zones.Type(0)
		for _, t := range []zones.Type{zones.TypeAAAA, zones.TypeA} {
			ak, _ := a.ask(t)
			bk, _ := b.ask(t)
			if good(ak) && good(bk) {
				broken = 0
				break
			}
			if good(ak) {
				broken = t
			}
		}
		if broken == 0 {
			continue
		}
		s := o
		if new {
			s = n
		}
		node := s.owner(p.path)
		if s.alias >= 0 {
			node = s.src
		}
		w.mixed(out, p, broken, y, own, &b, cause{id: "T-MIX", new: new, node: node, typ: set.Type()})
	}
}

// mixed records a mixture that breaks: the witness is the name that one world
// points at, asked of both.
func (w *walker) mixed(out *tally, p *place, t zones.Type, y zones.Name, own *tree, there *stand, c cause) {
	here := own.standAt(y)
	b := broken{cause: c, path: labelsDown(y, nil), qtype: t, was: here.show(t), is: there.show(t)}
	if c.new {
		b.was, b.is = b.is, b.was
		b.why = fmt.Sprintf("who has the new record of %s and asks a server that is not switched yet gets nothing", w.nameAt(p).Text())
	} else {
		b.why = fmt.Sprintf("who still has the old record of %s and asks a server that is switched gets nothing", w.nameAt(p).Text())
	}
	out.find(b)
}

// circle tells whether aliases of both worlds lead from a name back to it.
func (w *walker) circle(n zones.Name) bool {
	seen := map[zones.Name]bool{}
	todo := []zones.Name{n}
	for len(todo) > 0 && len(seen) < 4096 {
		x := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		path := labelsDown(x, nil)
		for _, t := range []*tree{w.old, w.new} {
			s := t.standAt(x)
			y, _ := s.next(path)
			if y == n {
				return true
			}
			if !y.IsZero() && !seen[y] {
				seen[y] = true
				todo = append(todo, y)
			}
		}
	}
	return len(todo) > 0 // too long a chain to tell
}

// between proves the worlds in which zones that come are not there yet, and
// those that go are gone already: a server switches zone by zone.
func (w *walker) between(in Input, out *tally) {
	for _, come := range []bool{true, false} {
		full, other := in.After, in.Before
		if !come {
			full, other = other, full
		}
		var less []*zones.Zone
		var gone []zones.Name
		for z := range full.In(w.old.view) {
			if other.Zone(z.ID()) == nil {
				gone = append(gone, z.Origin())
			} else {
				less = append(less, z)
			}
		}
		if len(gone) == 0 {
			continue
		}
		part, err := zones.NewWorld(less...)
		if err != nil {
			continue
		}
		x := &walker{judge: w.judge, rules: &ruleTree{from: []fromNode{{}}, to: []toNode{{}}}, rulings: w.rulings, limit: w.limit, split: w.split, mid: plant(part, w.old.view), sem: make(chan struct{})}
		sub := newTally(x)
		for i, origin := range gone {
			if slices.ContainsFunc(gone[:i], origin.Below) {
				continue
			}
			p := place{old: x.old.start(), new: x.new.start(), mid: x.mid.start(), size: 1}
			for _, l := range labelsDown(origin, nil) {
				p = x.down(p, l)
			}
			x.walk(sub, p)
		}
		flat := sub.flat(x)
		todo := flat.deferred
		flat.deferred = nil
		out.add(flat)
		out.add(x.later(todo))
	}
}

// lacks decides one class of names between two worlds.
func (w *walker) lacks(out *tally, p *place, o, n *stand) {
	m := w.mid.stand(p.mid, p.path, p.size)
	var buf [32]zones.Type
	for _, t := range typesOf(o, n, buf[:0]) {
		a, _ := o.ask(t)
		b, _ := n.ask(t)
		k, _ := m.ask(t)
		if !good(a) || !good(b) || good(k) || t == 0 && a == data || t == zones.TypeDS {
			continue
		}
		c := cause{id: "T-MIX"}
		if z := n.zone(); z >= 0 && w.new.apex[z] >= 0 && w.mid.find(w.new.zones[z].Origin()) < 0 {
			c.new, c.node = true, w.new.apex[z]
		} else if z := n.zone(); z >= 0 && o.zone() >= 0 && w.new.zones[z].Origin().Below(w.old.zones[o.zone()].Origin()) {
			c.new, c.node = true, w.new.apex[z]
		} else {
			c.node = w.old.apex[max(0, o.zone())]
		}
		w.report(out, p, o, &m, t, c, "while the zones are switched one by one, the one above answers alone")
		return
	}
}
