package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// line is one way in which old names come to where a walk stands: the old
// name has the same labels below a base's from as the walk's name has below
// its to.
type line struct {
	cur   cursor // OLD at the old name
	size  int32  // octets of the old name
	base  int32  // of ruleTree.bases
	node  int32  // of ruleTree.from: the nearest at or above the old name
	exact bool   // the old name is node's
	deep  int32  // labels below base
}

// base is a pair of names that some rule carries one into the other. Lines
// begin at to.
type base struct{ from, to zones.Name }

// fromNode is one name that a rule speaks of.
type fromNode struct {
	kids  map[string]int32
	here  []int32 // rules that cover exactly this name, in order
	under []int32 // rules that cover each name below it that is no node
}

type toNode struct {
	kids  map[string]int32
	bases []int32 // what begins here
}

// ruleTree has the rules of one view by their old and their new names. Number
// 0 is the root of either side.
type ruleTree struct {
	rules   []mapping.Rule
	bases   []base
	from    []fromNode
	to      []toNode
	sources map[zones.Name]bool // origins whose records rules carry; nil is all
}

func newRuleTree(in Input, v zones.View) *ruleTree {
	r := &ruleTree{from: []fromNode{{}}, to: []toNode{{}}}
	if len(in.Sources) > 0 {
		r.sources = map[zones.Name]bool{}
		for _, id := range in.Sources {
			if id.View == v {
				r.sources[id.Origin] = true
			}
		}
	}
	for _, x := range in.Mapping.Rules {
		if (x.View == "" || x.View == v) && !x.From.Name.IsZero() {
			r.rules = append(r.rules, x)
		}
	}
	for _, x := range r.rules {
		r.fromAt(x.From.Name, true)
		for _, to := range x.To {
			r.begins(base{x.From.Name, to.Name})
			if !x.From.Star && x.From.Name.IsWildcard() && to.Name.IsWildcard() {
				f, _ := x.From.Name.Parent()
				t, _ := to.Name.Parent()
				r.begins(base{f, t})
			}
		}
	}
	r.cover(0, zones.Root(), nil)
	return r
}

// cover fills the lists of rules from a node down. above are the rules that
// cover everything below the node's parent.
func (r *ruleTree) cover(n int32, name zones.Name, above []int32) {
	here, under := slices.Clone(above), slices.Clone(above)
	for i, x := range r.rules {
		if x.From.Name != name {
			continue
		}
		if !x.From.Star {
			here = append(here, int32(i))
		}
		if x.From.Star || x.Subtree {
			under = append(under, int32(i))
		}
	}
	slices.Sort(here)
	slices.Sort(under)
	r.from[n].here, r.from[n].under = here, under
	for l, k := range r.from[n].kids {
		if c, err := name.Child(l); err == nil {
			r.cover(k, c, under)
		}
	}
}

// fromAt is the node of a name's nearest ancestor or self, and whether it is
// the name's; with make it is made.
func (r *ruleTree) fromAt(n zones.Name, makes bool) (int32, bool) {
	at := int32(0)
	var buf [128]string
	for _, l := range labelsDown(n, buf[:0]) {
		next, ok := r.from[at].kids[l]
		if !ok {
			if !makes {
				return at, false
			}
			next = int32(len(r.from))
			r.from = append(r.from, fromNode{})
			if r.from[at].kids == nil {
				r.from[at].kids = map[string]int32{}
			}
			r.from[at].kids[l] = next
		}
		at = next
	}
	return at, true
}

func (r *ruleTree) begins(b base) {
	if b.to.IsZero() || slices.Contains(r.bases, b) {
		return
	}
	at := int32(0)
	for _, l := range labelsDown(b.to, nil) {
		next, ok := r.to[at].kids[l]
		if !ok {
			next = int32(len(r.to))
			r.to = append(r.to, toNode{})
			if r.to[at].kids == nil {
				r.to[at].kids = map[string]int32{}
			}
			r.to[at].kids[l] = next
		}
		at = next
	}
	r.to[at].bases = append(r.to[at].bases, int32(len(r.bases)))
	r.bases = append(r.bases, b)
}

// child is the node of one more label on the new names' side; -1 without.
func (r *ruleTree) child(n int32, label string) int32 {
	if n >= 0 {
		if c, ok := r.to[n].kids[label]; ok {
			return c
		}
	}
	return -1
}

// begin appends the lines that begin at a new name.
func (r *ruleTree) begin(old *tree, ls []line, n int32) []line {
	for _, b := range r.to[n].bases {
		from := r.bases[b].from
		c, _ := old.seek(from, nil)
		node, exact := r.fromAt(from, false)
		ls = append(ls, line{cur: c, size: int32(len(from.Wire())), base: b, node: node, exact: exact})
	}
	return ls
}

// down appends the lines of one more label; fs has a finger for each line, or
// none.
func (r *ruleTree) down(old *tree, out, ls []line, label string, fs []finger) []line {
	for i, l := range ls {
		l.size += 1 + int32(len(label))
		if l.size > zones.MaxName {
			continue
		}
		var f *finger
		if i < len(fs) {
			f = &fs[i]
		}
		l.cur = old.descBy(l.cur, label, f)
		l.deep++
		if l.exact {
			if next, ok := r.from[l.node].kids[label]; ok {
				l.node = next
			} else {
				l.exact = false
			}
		}
		out = append(out, l)
	}
	return out
}

// labelsFrom appends the labels that rules speak of below an old name.
func (r *ruleTree) labelsFrom(l *line, more []string) []string {
	if l.exact {
		for k := range r.from[l.node].kids {
			more = append(more, k)
		}
	}
	return more
}

// labelsTo appends the labels that rules speak of below a new name.
func (r *ruleTree) labelsTo(n int32, more []string) []string {
	if n >= 0 {
		for l := range r.to[n].kids {
			more = append(more, l)
		}
	}
	return more
}

// covering lists the rules that cover a name, in order.
func (r *ruleTree) covering(node int32, exact bool) []int32 {
	if exact {
		return r.from[node].here
	}
	return r.from[node].under
}

// first is the first rule of a list that covers a type; -1 without.
func (r *ruleTree) first(list []int32, t zones.Type) int32 {
	for _, i := range list {
		if ts := r.rules[i].Types; len(ts) == 0 || slices.Contains(ts, t) {
			return i
		}
	}
	return -1
}
