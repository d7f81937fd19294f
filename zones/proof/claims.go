package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// check decides the class of the name at p for every type.
func (w *walker) check(out *tally, p *place) {
	o := w.old.stand(p.old, p.path, p.size)
	n := w.new.stand(p.new, p.path, p.size)
	if w.mid != nil {
		w.lacks(out, p, &o, &n)
		return
	}
	out.classes++
	var cs []claim
	if len(p.lines) > 0 {
		cs = w.claims(out, p)
	}
	if w.part == whole && n.start.state == at && !n.start.moved && len(w.new.nodes[n.start.node].sets) > 0 {
		w.wellFormed(out, p, &o, &n, cs)
	}
	plain := unchanged(&o, &n)
	if w.mixes && plain == 0 { // else either side's records are the other's
		w.mixture(out, p, &o, &n)
	}
	if w.part == neighbours {
		return
	}
	if o.kind == refused && len(p.lines) == 0 {
		return // no zone of OLD answers: nothing is claimed
	}
	switch {
	case plain > 0:
		out.levels[L0] += plain
	case o.kind != refused:
		w.continuity(out, p, &o, &n, cs)
	}
	if len(cs) > 0 && w.part == whole {
		w.carry(out, p, &o, &n, cs)
	}
}

// typesOf lists the types that answers may differ in: those that either side
// has, DS where a cut or an apex is, and one that nobody has (0).
func typesOf(o, n *stand, buf []zones.Type) []zones.Type {
	ts := buf[:0]
	var a, b []zones.RRset
	if o.src >= 0 && o.kind == nodata {
		a = o.t.nodes[o.src].sets
	}
	if n.src >= 0 && n.kind == nodata {
		b = n.t.nodes[n.src].sets
	}
	for len(a) > 0 || len(b) > 0 {
		var t zones.Type
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Type() < b[0].Type():
			t, a = a[0].Type(), a[1:]
		case len(a) == 0 || b[0].Type() < a[0].Type():
			t, b = b[0].Type(), b[1:]
		default:
			t, a, b = a[0].Type(), a[1:], b[1:]
		}
		if compared(t) || t == zones.TypeSOA {
			ts = append(ts, t)
		}
	}
	if (edgy(o) || edgy(n)) && !slices.Contains(ts, zones.TypeDS) {
		ts = append(ts, zones.TypeDS)
	}
	return append(ts, 0)
}

// edgy tells whether type DS may be answered in another way than the rest.
func edgy(s *stand) bool {
	return s.end.state == at && s.t.nodes[s.end.node].flags&(apex|cut) != 0
}

// good tells whether an answer is one that something may depend on.
func good(k kind) bool { return k == data || k == referral || k == away }

// continuity claims that the name answers as before.
func (w *walker) continuity(out *tally, p *place, o, n *stand, cs []claim) {
	var buf [32]zones.Type
	lost, added := false, false
	for _, typ := range typesOf(o, n, buf[:0]) {
		l, wrong := w.equal(o, n, typ)
		if l != none {
			out.levels[l]++
			continue
		}
		ok, _ := o.ask(typ)
		nk, _ := n.ask(typ)
		switch {
		case ok == refused:
		case good(ok):
			if w.ofApex(o, n, typ) {
				continue
			}
			lost = true
			if typ == 0 && o.kind == nodata {
				continue
			}
			if w.settled(out, p, o, n, typ, cs) {
				continue
			}
			c, why := w.blame(p.path, o, n, typ, wrong, 0)
			w.report(out, p, o, n, typ, c, why)
		case (ok == nxdomain || ok == nodata) && (nk == nxdomain || nk == nodata):
			if typ != 0 || lost || added {
				continue // said by what was lost or added here
			}
			if w.dangles(o, n) || ok == nxdomain && comes(cs) || w.rulings.excused(out, w, p, typ, o, n, zones.Name{}) {
				continue
			}
			w.report(out, p, o, n, typ, w.coded(p.path, o, n), "")
		case ok == looped || ok == overlong:
			added = true
		case nk == overlong && n.on(typ).end.state != grows:
			// A DNAME that is new. One that came by a rule is as it was at its old name.
			node := n.alias
			if node < 0 {
				node = w.new.dnameOn(p.path)
			}
			if !lost && !added && !w.came(node, zones.TypeDNAME) {
				w.report(out, p, o, n, typ, cause{id: "X-YX", new: true, node: node}, "")
			}
			added = true
		case nk == looped || nk == overlong:
			if !lost && w.part == whole {
				c, why := w.blame(p.path, o, n, typ, nil, 0)
				w.report(out, p, o, n, typ, c, why)
			}
			lost = true
		case nk == refused:
			if c, gone := w.goneZone(o); gone {
				w.report(out, p, o, n, typ, c, "")
			}
		case ok == nxdomain && synthesised(o.on(typ), n.on(typ)):
			o, n := o.on(typ), n.on(typ)
			if w.asked(o, n, typ, cs) || w.settled(out, p, o, n, typ, cs) {
				added = true
				continue
			}
			lost = true
			src := n.src
			if n.alias >= 0 {
				src = n.alias
			}
			w.report(out, p, o, n, typ, cause{id: "N-WILD-CAPTURE", new: true, node: src}, "")
		default:
			if !added {
				out.added++
			}
			added = true
		}
	}
	if !lost && w.dangles(o, n) {
		w.report(out, p, o, n, 0, cause{id: "X-DANGLE", new: true, node: n.alias}, "")
	}
}

// synthesised tells whether NEW answers from a wildcard, and DNAMEs have no
// part in it.
func synthesised(o, n *stand) bool {
	return n.start.state == miss && !n.start.moved && !o.start.moved
}

// unchanged counts the answers of a plain name that has the same records on
// both sides, as nearly every name has; 0 where that is not plain to see.
func unchanged(o, n *stand) int {
	if o.start.state != at || n.start.state != at || o.start.moved || n.start.moved || o.kind != nodata || n.kind != nodata || o.alias >= 0 || n.alias >= 0 {
		return 0
	}
	a, b := &o.t.nodes[o.src], &n.t.nodes[n.src]
	if (a.flags|b.flags)&(apex|cut|dname|cname) != 0 || len(a.sets) != len(b.sets) {
		return 0
	}
	k := 1 // the type that nobody has
	for i := range a.sets {
		x, y := &a.sets[i], &b.sets[i]
		if x.Type() != y.Type() || x.TTL() != y.TTL() || !same(*x, *y) {
			return 0
		}
		if compared(x.Type()) || x.Type() == zones.TypeSOA {
			k++
		}
	}
	return k
}

// came tells whether OLD has a type at a name that rules bring to a node of NEW.
func (w *walker) came(node int32, typ zones.Type) bool {
	name := w.new.name(node)
	return slices.ContainsFunc(w.rules.bases, func(b base) bool {
		x, err := name.Rebase(b.to, b.from)
		return err == nil && !w.old.held(x, typ).IsZero()
	})
}

// ofApex tells of what a zone says of itself at its apex, met through an alias
// that goes to the new name now: nobody asks it there, and the apex has a
// claim of its own.
func (w *walker) ofApex(o, n *stand, typ zones.Type) bool {
	if !o.ownOf(typ) || o.alias < 0 || n.alias < 0 {
		return false
	}
	a, b := w.old.links[w.old.nodes[o.alias].link].target, w.new.links[w.new.nodes[n.alias].link].target
	return a != b && w.ren.may(a, b)
}

// ownOf tells whether a chain ends at an apex, and the type is one that a zone
// says of itself.
func (s *stand) ownOf(typ zones.Type) bool {
	switch typ {
	case zones.TypeNS, zones.TypeSOA, zones.TypeDNSKEY, zones.TypeCDS, zones.TypeCDNSKEY, zones.TypeCSYNC:
		return (s.alias >= 0 || s.start.moved) && s.end.state == at && s.t.nodes[s.end.node].flags&apex != 0
	}
	return false
}

// dangles tells whether NEW has an alias that ends nowhere, where OLD had
// nothing to lose and not the same alias.
func (w *walker) dangles(o, n *stand) bool {
	if n.alias < 0 || n.kind != nxdomain || good(o.kind) {
		return false
	}
	return o.alias < 0 || w.old.links[w.old.nodes[o.alias].link].target != w.new.links[w.new.nodes[n.alias].link].target
}

// farthest is how many aliases are followed to find what is at fault; beyond
// it the alias itself is.
const farthest = 16

// blameDNAME is the cause where DNAMEs of both worlds answer: the DNAME, where
// it is another, else what its target holds.
func (w *walker) blameDNAME(path []string, typ zones.Type, hops int) (cause, string, bool) {
	if hops > farthest {
		return cause{}, "", false
	}
	a, b := w.old.dnameOn(path), w.new.dnameOn(path)
	if a < 0 || b < 0 {
		return cause{}, "", false
	}
	owner := w.old.name(a)
	if w.new.name(b) != owner {
		return cause{id: "N-DNAME-OCC", new: true, node: b}, "", true
	}
	x, y := target(w.old.set(a, zones.TypeDNAME)), target(w.new.set(b, zones.TypeDNAME))
	if x != y {
		return cause{id: "C-CHANGED", new: true, node: b, typ: zones.TypeDNAME}, "the DNAME leads elsewhere", true
	}
	to, err := join(path, len(path), zones.Root()).Rebase(owner, x)
	if err != nil {
		return cause{}, "", false
	}
	o, n := w.old.standAt(to), w.new.standAt(to)
	if l, _ := w.equal(&o, &n, typ); l != none {
		return cause{}, "", false
	}
	c, why := w.blame(labelsDown(to, nil), &o, &n, typ, nil, hops+1)
	return c, why, true
}

// coded is the cause of an NXDOMAIN that became NODATA, or the reverse.
func (w *walker) coded(path []string, o, n *stand) cause {
	if n.start.state == at && o.start.state != at {
		return cause{id: "C-RCODE", new: true, node: n.start.node}
	}
	if o.start.state == at {
		return cause{id: "C-RCODE", node: o.start.node}
	}
	if o.src >= 0 {
		return cause{id: "C-RCODE", node: o.src}
	}
	return cause{id: "C-RCODE", new: true, node: max(n.src, -1)}
}

// goneZone is the cause when the zone that answered in OLD is no zone of NEW.
func (w *walker) goneZone(o *stand) (cause, bool) {
	z := o.zone()
	if z < 0 {
		return cause{}, false
	}
	a := o.t.apex[z]
	if m := w.new.find(w.old.name(a)); m >= 0 && w.new.nodes[m].flags&apex != 0 {
		return cause{}, false
	}
	return cause{id: "C-LOST", node: a}, true
}

// zone is the zone in which an answer begins; -1 where none does.
func (s *stand) zone() int32 {
	if s.start.node < 0 {
		return -1
	}
	return s.t.nodes[s.start.node].zone
}

// find is the node of a name, whether it exists or is a waypoint; -1 without.
func (t *tree) find(n zones.Name) int32 {
	at := t.root
	for _, l := range labelsDown(n, nil) {
		if at = t.child(at, l); at < 0 {
			return -1
		}
	}
	return at
}

// blame finds the cause of an answer that was good and is not equal.
func (w *walker) blame(path []string, o, n *stand, typ zones.Type, wrong *pair, hops int) (cause, string) {
	if c, gone := w.goneZone(o); gone {
		return c, "no zone of the world after has this apex"
	}
	if a := w.newApex(o, n); a >= 0 {
		return cause{id: "N-CHILD-ZONE", new: true, node: a}, ""
	}
	if oo, nn := o.on(typ), n.on(typ); oo != o || nn != n {
		o, n = oo, nn
	}
	nk, _ := n.ask(typ)
	ok, _ := o.ask(typ)
	if wrong != nil {
		return cause{id: "M-TARGET-SEM", new: true, node: n.src, typ: typ}, wrong.old.Text() + " became " + wrong.new.Text() + ", which does not give the same addresses"
	}
	switch nk {
	case looped:
		if n.alias >= 0 {
			return cause{id: "X-LOOP", new: true, node: w.new.circleOf(n.alias)}, ""
		}
		return cause{id: "X-LOOP", new: true, node: w.new.dnameOn(path)}, ""
	case overlong:
		id := "C-LOST"
		if n.end.state == grows {
			id = "X-DNAME-GROW"
		}
		if n.alias >= 0 {
			return cause{id: id, new: true, node: n.alias}, "the name that its target leads to has more than 255 octets"
		}
		return cause{id: id, new: true, node: w.new.dnameOn(path)}, "the name that the DNAME makes has more than 255 octets"
	}
	if o.start.moved && n.start.moved {
		if c, why, is := w.blameDNAME(path, typ, hops); is {
			return c, why
		}
	}
	// The same CNAME on both sides: what it points at is the matter.
	if o.alias >= 0 && n.alias >= 0 {
		a, b := &w.old.links[w.old.nodes[o.alias].link], &w.new.links[w.new.nodes[n.alias].link]
		if hops <= farthest && a.target == b.target && !o.start.moved && !n.start.moved {
			to := labelsDown(a.target, nil)
			x, y := w.old.stand(a.to, to, len(a.target.Wire())), w.new.stand(b.to, to, len(a.target.Wire()))
			if a.hops > 1 || x.alias < 0 {
				return w.blame(to, &x, &y, typ, nil, hops+1)
			}
		}
	}
	if c, why, is := w.blameEnd(o, n, typ); is {
		return c, why
	}
	if n.start.moved && !o.start.moved {
		return cause{id: "N-DNAME-OCC", new: true, node: w.new.dnameOn(path)}, ""
	}
	if n.alias >= 0 {
		id := "C-CHANGED"
		switch nk {
		case nxdomain, nodata:
			id = "C-LOST"
		}
		if o.start.state == at && n.start.state == miss {
			return cause{id: "C-LOST", node: o.start.node}, "" // a wildcard's CNAME answers instead
		}
		if c, is := w.overWild(o, n); is {
			return c, ""
		}
		return cause{id: id, new: true, node: n.alias}, "the CNAME of the world after leads elsewhere"
	}
	switch nk {
	case referral:
		if ok == referral {
			return w.blameCut(o, n)
		}
		id := "N-CUT"
		if w.copiedApex(n.cutNode()) {
			id = "N-APEX"
		}
		return cause{id: id, new: true, node: n.cutNode(), typ: zones.TypeNS}, ""
	case refused:
		return cause{id: "C-LOST", node: max(o.start.node, o.src)}, ""
	}
	switch {
	case o.start.moved && !n.start.moved: // a DNAME went
		return cause{id: "C-LOST", node: w.old.dnameOn(path)}, "the DNAME is gone"
	}
	if o.start.state == under || ok == referral {
		return cause{id: "C-LOST", node: o.cutNode()}, "the delegation is gone"
	}
	if o.start.state == miss {
		if c, is := w.overWild(o, n); is {
			return c, ""
		}
		src := o.src
		if o.alias >= 0 {
			src = o.alias
		}
		switch {
		case src < 0: // nothing answered here: what led here is at fault
			return cause{id: "C-CHANGED", new: true, node: max(n.alias, n.src, n.start.node)}, ""
		case n.start.state == miss && n.src >= 0 && w.old.name(src) == w.new.name(n.src):
			if nk == data {
				return cause{id: "C-CHANGED", new: true, node: n.src, typ: typ}, ""
			}
			return cause{id: "C-TYPE-LOST", node: src, typ: typ}, ""
		}
		return cause{id: "C-WILD-LOST", node: src}, ""
	}
	return w.blameAt(o, n, typ, nk)
}

// blameAt is the cause where OLD's node answered itself.
func (w *walker) blameAt(o, n *stand, typ zones.Type, nk kind) (cause, string) {
	src := o.start.node
	switch {
	case n.start.state != at, nk == nodata && len(w.new.nodes[n.start.node].sets) == 0:
		return cause{id: "C-LOST", node: src}, ""
	case nk == data:
		return cause{id: "C-CHANGED", new: true, node: n.src, typ: typ}, ""
	case o.alias >= 0:
		return cause{id: "C-LOST", node: src}, "the CNAME is gone"
	}
	if typ == zones.TypeDNSKEY && w.old.nodes[src].flags&apex != 0 && w.new.set(n.start.node, typ).IsZero() {
		return cause{id: "M-SIGNED", node: src, typ: typ}, ""
	}
	return cause{id: "C-TYPE-LOST", node: src, typ: typ}, ""
}

// overWild is the cause where a wildcard of OLD answered and something that
// NEW has nearer to the name stands before it.
func (w *walker) overWild(o, n *stand) (cause, bool) {
	if o.start.state != miss || n.start.node < 0 || o.start.moved != n.start.moved {
		return cause{}, false
	}
	if n.start.state != at && n.start.state != miss {
		return cause{}, false
	}
	e := w.old.name(o.start.node)
	m := n.start.node
	name := w.new.name(m)
	if !name.Below(e) {
		return cause{}, false
	}
	if n.start.state == miss && n.src >= 0 { // a nearer wildcard
		src := n.src
		if n.alias >= 0 {
			src = n.alias
		}
		return cause{id: "N-WILD-CAPTURE", new: true, node: src}, true
	}
	for w.new.nodes[m].parent >= 0 && w.new.name(w.new.nodes[m].parent).Below(e) {
		m = w.new.nodes[m].parent
	}
	if len(w.new.nodes[m].sets) == 0 {
		return cause{id: "N-ENT", new: true, node: m}, true
	}
	return cause{id: "N-WILD-HOLE", new: true, node: m}, true
}

// newApex is the apex of a zone that answers in NEW and was none in OLD, where
// a zone above it answered; -1 otherwise.
func (w *walker) newApex(o, n *stand) int32 {
	oz, nz := o.zone(), n.zone()
	if oz < 0 || nz < 0 {
		return -1
	}
	a := w.new.apex[nz]
	origin := w.new.zones[nz].Origin()
	if !origin.Below(w.old.zones[oz].Origin()) {
		return -1
	}
	if m := w.old.find(origin); m >= 0 && w.old.nodes[m].flags&apex != 0 {
		return -1
	}
	return a
}

// copiedApex tells whether a delegation of NEW has the NS of some zone's apex
// of OLD, and is none of OLD's.
func (w *walker) copiedApex(n int32) bool {
	ns := w.new.set(n, zones.TypeNS)
	for _, a := range w.old.apex {
		if l, _ := w.sets(w.old.set(a, zones.TypeNS), ns); l != none {
			return true
		}
	}
	return false
}

// blameCut is the cause where both worlds refer, elsewhere.
func (w *walker) blameCut(o, n *stand) (cause, string) {
	a, b := o.cutNode(), n.cutNode()
	if w.old.name(a) != w.new.name(b) {
		if w.new.name(b).Below(w.old.name(a)) {
			return cause{id: "C-LOST", node: a}, "the delegation is gone"
		}
		return cause{id: "N-CUT", new: true, node: b, typ: zones.TypeNS}, ""
	}
	if l, _ := w.sets(w.old.set(a, zones.TypeNS), w.new.set(b, zones.TypeNS)); l == none {
		return cause{id: "C-CHANGED", new: true, node: b, typ: zones.TypeNS}, "the delegation goes to other servers"
	}
	if glueLost(w.old, a, w.new, b) {
		return cause{id: "D-GLUE", new: true, node: b}, "an address of a server below the cut is missing or another"
	}
	return cause{id: "C-CHANGED", new: true, node: b, typ: zones.TypeDS}, "the DS set is another"
}

// dnameOn is the first DNAME that answers on the way to a name; -1 without.
func (t *tree) dnameOn(path []string) int32 {
	c, from := t.nearest(path)
	for _, l := range path[from:] {
		if c.state == at && t.nodes[c.node].flags&(dname|cut) == dname {
			return c.node
		}
		c = t.desc(c, l)
	}
	return -1
}

// circleOf is the first node of the circle that a chain of CNAMEs ends in.
func (t *tree) circleOf(n int32) int32 {
	seen := map[int32]int{}
	var way []int32
	for l := &t.links[t.nodes[n].link]; l != nil; l = t.chained(l.to) {
		if from, ok := seen[l.node]; ok {
			return slices.MinFunc(way[from:], func(a, b int32) int { return t.name(a).Compare(t.name(b)) })
		}
		seen[l.node] = len(way)
		way = append(way, l.node)
	}
	return n
}

// comes tells whether an old name that exists is to come here.
func comes(cs []claim) bool {
	for i := range cs {
		if cs[i].start.state == at && cs[i].kind != nxdomain {
			return true
		}
	}
	return false
}
