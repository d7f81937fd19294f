package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// state is where RFC 1034 4.3.2 stands.
type state uint8

const (
	outside state = iota // no zone: refused, or for the target of a chain someone else's name
	at                   // the node exists
	miss                 // the node is the closest encloser of a name that does not exist
	under                // the node is a cut, strictly above the name
	loop                 // DNAMEs in a circle
	grows                // DNAMEs that make the name longer and longer (YXDOMAIN in the end)
)

// cursor is a place in a tree after some labels.
//
// A DNAME moves the cursor to its target. The name that is then meant has
// delta octets more than the one asked for, and over is the largest delta on
// the way: a name asked for of more than 255-over octets gives YXDOMAIN
// (RFC 6672 2.2).
type cursor struct {
	state state
	moved bool  // by a DNAME
	node  int32 // by state; -1 where it has none
	pos   int32 // the node of exactly this name, where the cursor is at it or an apex lies below; else -1
	delta int16
	over  int16
	k     int16       // labels since the name left for ext
	ext   *zones.Name // outside, by a DNAME: the name is the last k labels and this
	lits  []lit       // the names before DNAMEs that have an apex below them, first first; never altered
}

// lit is a name that a DNAME stood above, as long as a served zone's apex lies
// below it: that zone would answer before the DNAME does.
type lit struct {
	pos         int32
	delta, over int16
	moved       bool // another DNAME led here
}

func (t *tree) start() cursor {
	return t.arrive(cursor{node: -1, pos: t.root})
}

// arrive lets a cursor whose pos is an apex begin there (the nearest zone
// answers), and forgets a pos that leads to no apex.
func (t *tree) arrive(c cursor) cursor {
	for i, l := range c.lits {
		if t.nodes[l.pos].flags&apex != 0 {
			return cursor{state: at, moved: l.moved, node: l.pos, pos: l.pos, delta: l.delta, over: l.over, lits: c.lits[:i]}
		}
	}
	if c.pos < 0 {
		return c
	}
	f := t.nodes[c.pos].flags
	switch {
	case f&apex != 0:
		c.state, c.node, c.ext, c.k = at, c.pos, nil, 0
	case c.state != at && f&apexBelow == 0:
		c.pos = -1
	}
	return c
}

// desc is the cursor of one more label to the left.
func (t *tree) desc(c cursor, label string) cursor { return t.descBy(c, label, nil) }

// descBy is desc with a finger on the children of the cursor's place.
func (t *tree) descBy(c cursor, label string, f *finger) cursor {
	if c.state == at && t.nodes[c.node].flags&(dname|cut) == dname {
		c = t.jump(c)
	}
	return t.arrive(t.step(c, label, f))
}

// step is desc without regard to DNAME at the cursor, nor to an apex at the
// new place.
func (t *tree) step(c cursor, label string, f *finger) cursor {
	next := int32(-1)
	if c.pos >= 0 {
		next = t.childBy(c.pos, label, f)
	}
	if c.state == at {
		switch n := c.node; {
		case t.nodes[n].flags&cut != 0:
			c.state = under
		case next >= 0 && t.nodes[next].flags&exists != 0:
			c.node = next
		default:
			c.state = miss
		}
	}
	c.pos = next
	if were := c.lits; len(were) > 0 {
		c.lits = nil
		for _, l := range were {
			if l.pos = t.child(l.pos, label); l.pos >= 0 && t.nodes[l.pos].flags&(apex|apexBelow) != 0 {
				c.lits = append(c.lits, l)
			}
		}
	}
	if c.ext != nil {
		c.k++
	}
	return c
}

// jump moves a cursor that is at a DNAME to its target.
func (t *tree) jump(c cursor) cursor {
	to := t.links[t.nodes[c.node].link].jump
	if more := to.lits; len(more) > 0 || len(c.lits) > 0 || c.pos >= 0 && t.nodes[c.pos].flags&apexBelow != 0 {
		to.lits = slices.Clone(c.lits)
		if c.pos >= 0 && t.nodes[c.pos].flags&apexBelow != 0 {
			to.lits = append(to.lits, lit{c.pos, c.delta, c.over, c.moved})
		}
		for _, l := range more {
			to.lits = append(to.lits, lit{l.pos, c.delta + l.delta, max(c.over, c.delta+l.over), true})
		}
	}
	to.over = max(c.over, c.delta+to.over)
	to.delta += c.delta
	to.moved = true
	return to
}

// nearest is the cursor at the apex of the zone that is nearest to a name, given by
// its labels from the top, and how many labels the apex has.
func (t *tree) nearest(labels []string) (c cursor, from int) {
	c = t.start()
	for i, p := 0, t.root; i < len(labels); i++ {
		if p = t.child(p, labels[i]); p < 0 {
			break
		}
		if t.nodes[p].flags&apex != 0 {
			c, from = t.arrive(cursor{pos: p}), i+1
		}
	}
	return c, from
}

// seek walks to a name, from the apex of the zone that is nearest to it. With ok false the name needs a DNAME
// that is being resolved: it grows without end.
func (t *tree) seek(n zones.Name, resolve func(int32) bool) (c cursor, ok bool) {
	var buf [128]string
	labels := labelsDown(n, buf[:0])
	c, from := t.nearest(labels)
	for _, l := range labels[from:] {
		if resolve != nil && c.state == at && t.nodes[c.node].flags&(dname|cut) == dname && !resolve(c.node) {
			return c, false
		}
		c = t.desc(c, l)
	}
	if len(n.Wire())+int(c.over) > zones.MaxName && c.over > 0 {
		c.state, c.ext = grows, nil
	}
	return c, true
}

// source is the node that answers at a cursor: its own, or the wildcard below
// the closest encloser; -1 where nothing does.
func (t *tree) source(c cursor) int32 {
	switch c.state {
	case at:
		return c.node
	case miss:
		return t.star(c.node)
	}
	return -1
}

// star is the wildcard child of a node, or -1. One that owns nothing but has
// names below it is a source of synthesis too (RFC 4592 2.2.2).
func (t *tree) star(n int32) int32 {
	ks := t.children(n)
	if len(ks) == 0 || t.nodes[ks[0]].label > "*" { // as nearly everywhere
		return -1
	}
	s := t.child(n, "*")
	switch {
	case s < 0:
		return -1
	case t.nodes[s].flags&exists != 0 && t.nodes[s].flags&apex == 0:
		return s
	}
	if a, ok := t.above[s]; ok { // *.x is a zone of its own: the parent's node of that name
		return a
	}
	return -1
}

// external is the name, outside all zones, that a cursor stands for. path is
// the name that was asked for, its labels from the root down.
func external(c cursor, path []string) zones.Name {
	if c.ext == nil {
		return join(path, len(path), zones.Root())
	}
	return join(path, int(c.k), *c.ext)
}

// join puts the last k labels of path in front of base; the zero name when
// that is too long.
func join(path []string, k int, base zones.Name) zones.Name {
	n := base
	for _, l := range path[len(path)-k:] {
		var err error
		if n, err = n.Child(l); err != nil {
			return zones.Name{}
		}
	}
	return n
}
