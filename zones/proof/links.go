package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// link is where the CNAME or DNAME of a node leads. Targets are constants,
// even of a synthesised CNAME, so that chains are one functional graph.
type link struct {
	node   int32
	target zones.Name
	mark   uint8
	jump   cursor     // a DNAME's: the target, followed while another DNAME stands exactly there
	to     cursor     // a CNAME's: the target
	name   zones.Name // of to, where it is outside all zones
	end    cursor     // a CNAME's: where the chain ends; state loop for a circle
	last   zones.Name // of end, where it is outside all zones
	hops   int32      // CNAMEs in the chain
}

const (
	fresh uint8 = iota
	under1
	done
)

// target reads the name in CNAME or DNAME data.
func target(s zones.RRset) zones.Name {
	n, _, err := zones.NameIn(s.Data(0))
	if err != nil {
		return zones.Root()
	}
	return n
}

// resolveLinks fills t.links and t.up.
func (t *tree) resolveLinks() {
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.flags&(cname|dname) == 0 {
			continue
		}
		typ := zones.TypeCNAME
		if n.flags&dname != 0 {
			typ = zones.TypeDNAME
		}
		n.link = int32(len(t.links))
		if typ == zones.TypeDNAME {
			t.dnames = append(t.dnames, int32(i))
		}
		t.links = append(t.links, link{node: int32(i), target: target(t.set(int32(i), typ))})
	}
	for i := range t.links {
		if l := &t.links[i]; t.nodes[l.node].flags&dname != 0 {
			t.resolveDNAME(l.node)
		}
	}
	for i := range t.links {
		l := &t.links[i]
		if t.nodes[l.node].flags&cname == 0 {
			continue
		}
		if t.nodes[l.node].flags&dname != 0 {
			l.target = target(t.set(l.node, zones.TypeCNAME)) // beside a DNAME: wrong, but answerable
		}
		l.to, _ = t.seek(l.target, nil)
		l.name = t.leaves(l.to, l.target)
		l.mark = fresh
	}
	for i := range t.links {
		if t.nodes[t.links[i].node].flags&cname != 0 {
			t.resolveCNAME(&t.links[i])
		}
	}
	t.resolveUp()
}

// resolveUp finds where the parent's side stands of each apex.
func (t *tree) resolveUp() {
	for _, a := range t.apex {
		if t.nodes[a].parent < 0 {
			continue
		}
		parent, ok := t.name(a).Parent()
		if !ok {
			continue
		}
		c, _ := t.seek(parent, nil)
		if c.state == at && t.nodes[c.node].flags&(dname|cut) == dname {
			c = t.jump(c)
		}
		from := c
		c = t.step(c, t.nodes[a].label, nil)
		if from.state == at && from.pos >= 0 && from.pos == t.nodes[a].parent && t.nodes[from.node].flags&cut == 0 {
			// The parent's own node, which the child's apex stands in front of.
			if p, ok := t.above[a]; ok && t.nodes[p].flags&exists != 0 {
				c.state, c.node = at, p
			} else {
				c.state, c.node = miss, from.node
			}
		}
		c.pos = -1
		t.up[a] = c
	}
}

// leaves is the name outside all zones that a cursor sought for n stands for.
func (t *tree) leaves(c cursor, n zones.Name) zones.Name {
	if c.state != outside {
		return zones.Name{}
	}
	return external(c, labelsDown(n, nil))
}

// resolveDNAME fills the jump of a DNAME and of all that it needs. It returns
// false when the node is being resolved already: a circle.
func (t *tree) resolveDNAME(n int32) bool {
	l := &t.links[t.nodes[n].link]
	switch l.mark {
	case under1:
		return false
	case done:
		return true
	}
	l.mark = under1
	c, ok := t.seek(l.target, t.resolveDNAME)
	for hops := 0; ok && c.state == at && t.nodes[c.node].flags&(dname|cut) == dname; hops++ {
		if ok = t.resolveDNAME(c.node); ok {
			c = t.jump(c)
		}
	}
	d := int16(len(l.target.Wire()) - len(t.name(n).Wire()))
	if !ok {
		c = t.circle(n)
	} else {
		if c.ext != nil || c.state == outside {
			// What lies between becomes part of the name that it leaves for.
			name := external(c, labelsDown(l.target, nil))
			if name.IsZero() {
				c.state = grows
			} else {
				c.ext, c.k = &name, 0
			}
		}
		lits := slices.Clone(c.lits)
		for i := range lits {
			lits[i].over = max(0, d, d+lits[i].over)
			lits[i].delta += d
		}
		c.lits = lits
		c.over = max(0, d, d+c.over)
		c.delta += d
		c.moved = true
	}
	l.jump, l.mark = c, done
	return true
}

// circle is where a DNAME of a circle leads: nowhere, with or without end,
// unless a served zone lies below one of the names on the way. It follows one
// name, since the substitution is the same for every label.
func (t *tree) circle(n int32) cursor {
	c := cursor{state: loop, node: -1, pos: -1, moved: true}
	first := t.name(n)
	name, err := first.Child("x")
	seen := map[zones.Name]bool{}
	over := 0
	for err == nil && !seen[name] {
		seen[name] = true
		base, _ := name.Parent()
		delta := len(base.Wire()) - len(first.Wire())
		over = max(over, delta)
		if m := t.find(base); m >= 0 && len(seen) > 1 && t.nodes[m].flags&apexBelow != 0 {
			c.lits = append(c.lits, lit{m, int16(delta), int16(over), true})
		}
		var owner int32
		if owner = t.dnameAbove(name); owner < 0 {
			return c
		}
		name, err = name.Rebase(t.name(owner), target(t.set(owner, zones.TypeDNAME)))
	}
	if err != nil {
		c.state = grows
	}
	return c
}

// dnameAbove is the DNAME that answers for a name, or -1: one in the zone that is
// nearest to it, which a DNAME above that zone does not reach.
func (t *tree) dnameAbove(n zones.Name) int32 {
	labels := labelsDown(n, nil)
	c, from := t.nearest(labels)
	for _, l := range labels[from:] {
		if c.state == at && t.nodes[c.node].flags&(dname|cut) == dname {
			return c.node
		}
		c = t.arrive(t.step(c, l, nil))
	}
	return -1
}

// resolveCNAME follows a chain to its end and fills all links on the way.
func (t *tree) resolveCNAME(l *link) {
	var way []*link
	for l.mark == fresh {
		l.mark = under1
		way = append(way, l)
		next := t.chained(l.to)
		if next == nil {
			l.end, l.last, l.hops, l.mark = l.to, l.name, 1, done
			break
		}
		l = next
	}
	end, last, hops := l.end, l.last, l.hops
	if l.mark == under1 { // a circle: everything on it, and everything before it
		end, last, hops = cursor{state: loop, node: -1, pos: -1}, zones.Name{}, 0
		for _, x := range way {
			x.end, x.last, x.hops, x.mark = end, last, int32(len(way)), done
		}
		return
	}
	for i := len(way) - 1; i >= 0; i-- {
		if x := way[i]; x.mark != done {
			hops++
			x.end, x.last, x.hops, x.mark = end, last, hops, done
		}
	}
}

// chained is the link of the CNAME that answers at a cursor; nil without one.
func (t *tree) chained(c cursor) *link {
	src := t.source(c)
	if src < 0 || t.nodes[src].flags&cname == 0 || t.nodes[src].flags&cut != 0 {
		return nil
	}
	return &t.links[t.nodes[src].link]
}
