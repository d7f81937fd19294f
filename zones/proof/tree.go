package proof

import (
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// node is one name of a view's tree. Its number is its place in tree.nodes.
type node struct {
	label  string        // octets, lower case
	sets   []zones.RRset // by type; nil for an empty non-terminal or a waypoint
	parent int32         // -1 at the root
	kid    int32         // its children are tree.kids[kid:kid+kids], by label
	kids   int32
	zone   int32 // of tree.zones; -1 outside all zones
	link   int32 // of tree.links, where it has a CNAME or DNAME; else -1
	flags  uint8
}

const (
	exists    uint8 = 1 << iota // the zone holds it: an owner or an empty non-terminal
	apex                        //
	cut                         // NS, not at the apex
	dname                       //
	cname                       //
	patched                     // its children are in tree.patch
	apexBelow                   // another zone's apex lies strictly below
)

// tree is one view of a world: all its zones stitched together, from the root
// down. A child zone's apex stands in the place of its parent's node of that
// name (the nearest zone answers, RFC 1034 4.3.2 step 2). It is immutable
// once built.
type tree struct {
	view   zones.View
	root   int32
	nodes  []node
	kids   []int32
	zones  []*zones.Zone
	apex   []int32           // the apex of each zone
	above  map[int32]int32   // apex -> the parent's node of that name, where it has one (for DS)
	up     map[int32]cursor  // apex -> where the parent's side stands (RFC 4035 3.1.4.1)
	added  map[edge]int32    // children made while stitching
	links  []link            // by node.link
	dnames []int32           // the nodes with a DNAME
	fresh  map[int32][]int32 // while building: nodes that got children

	weights []int32           // names below each node
	patch   map[int32][]int32 // the children of patched nodes
}

type edge struct {
	parent int32
	label  string
}

// plant builds the tree of one view.
func plant(w zones.World, v zones.View) *tree {
	t := &tree{view: v, above: map[int32]int32{}, up: map[int32]cursor{}, added: map[edge]int32{}, fresh: map[int32][]int32{}}
	n := 1
	for z := range w.In(v) {
		owners, _, _ := z.Counts()
		n += owners + owners/8
	}
	t.nodes = make([]node, 0, n)
	t.kids = make([]int32, 0, n)
	t.grow(node{parent: -1, zone: -1, link: -1})
	for z := range w.In(v) {
		t.stitch(t.forest(z), z.Origin())
	}
	t.settle()
	t.weigh()
	t.resolveLinks()
	return t
}

func (t *tree) grow(n node) int32 {
	t.nodes = append(t.nodes, n)
	return int32(len(t.nodes) - 1)
}

// labelsDown lists a name's labels from the root down, into buf.
func labelsDown(n zones.Name, buf []string) []string {
	w := n.Wire()
	buf = buf[:0]
	for i := 0; i < len(w) && w[i] != 0; i += 1 + int(w[i]) {
		buf = append(buf, w[i+1:i+1+int(w[i])])
	}
	slices.Reverse(buf)
	return buf
}

// forest makes the nodes of one zone, its apex first, and their children's
// spans. Owners come in canonical order, so that each is reached from the one
// before it.
func (t *tree) forest(z *zones.Zone) int32 {
	id := int32(len(t.zones))
	t.zones = append(t.zones, z)
	first := int32(len(t.nodes))
	depth := z.Origin().Labels()
	apexNode := node{label: z.Origin().First(), parent: -1, zone: id, link: -1, flags: exists | apex}
	t.apex = append(t.apex, t.grow(apexNode))
	stack := []int32{first} // from the apex down
	var buf [128]string
	for owner, sets := range z.Names() {
		labels := labelsDown(owner, buf[:0])[depth:]
		k := 0
		for k < len(labels) && k+1 < len(stack) && t.nodes[stack[k+1]].label == labels[k] {
			k++
		}
		stack = stack[:k+1]
		for ; k < len(labels); k++ {
			stack = append(stack, t.grow(node{label: labels[k], parent: stack[k], zone: id, link: -1, flags: exists}))
		}
		n := &t.nodes[stack[len(stack)-1]]
		n.sets = sets
		for _, s := range n.sets {
			switch s.Type() {
			case zones.TypeNS:
				if n.flags&apex == 0 {
					n.flags |= cut
				}
			case zones.TypeDNAME:
				n.flags |= dname
			case zones.TypeCNAME:
				n.flags |= cname
			}
		}
	}
	t.span(first)
	return first
}

// span writes the children's spans of the nodes from first on, which refer to
// each other alone and stand in canonical order.
func (t *tree) span(first int32) {
	for i := int(first) + 1; i < len(t.nodes); i++ {
		t.nodes[t.nodes[i].parent].kids++
	}
	at := int32(len(t.kids))
	for i := int(first); i < len(t.nodes); i++ {
		t.nodes[i].kid = at
		at += t.nodes[i].kids
		t.nodes[i].kids = 0
	}
	t.kids = slices.Grow(t.kids, int(at)-len(t.kids))[:at]
	for i := int(first) + 1; i < len(t.nodes); i++ {
		p := &t.nodes[t.nodes[i].parent]
		t.kids[p.kid+p.kids] = int32(i)
		p.kids++
	}
}

// stitch hangs a zone's apex where it belongs. Names on the way that no zone
// holds become waypoints: they are passed, but do not exist.
func (t *tree) stitch(a int32, origin zones.Name) {
	labels := labelsDown(origin, nil)
	if len(labels) == 0 {
		t.root = a
		return
	}
	at := t.root
	for i, l := range labels {
		t.nodes[at].flags |= apexBelow
		next := t.childBuilding(at, l)
		if i < len(labels)-1 {
			if next < 0 {
				next = t.grow(node{label: l, parent: at, zone: t.nodes[at].zone, link: -1})
				t.hang(at, l, next)
			}
			at = next
			continue
		}
		if next >= 0 {
			t.above[a] = next
		}
		t.nodes[a].parent = at
		t.hang(at, l, a)
	}
}

func (t *tree) hang(parent int32, label string, n int32) {
	t.added[edge{parent, label}] = n
	t.fresh[parent] = append(t.fresh[parent], n)
}

// childBuilding is child while spans are not whole.
func (t *tree) childBuilding(n int32, label string) int32 {
	if c, ok := t.added[edge{n, label}]; ok {
		return c
	}
	return t.child(n, label)
}

// settle gives the nodes that got children new spans.
func (t *tree) settle() {
	for n, more := range t.fresh {
		all := slices.Clone(more)
		for _, k := range t.children(n) {
			if _, replaced := t.added[edge{n, t.nodes[k].label}]; !replaced {
				all = append(all, k)
			}
		}
		slices.SortFunc(all, func(a, b int32) int { return strings.Compare(t.nodes[a].label, t.nodes[b].label) })
		t.nodes[n].kid, t.nodes[n].kids = int32(len(t.kids)), int32(len(all))
		t.kids = append(t.kids, all...)
	}
	t.fresh, t.added = nil, nil
}

// children lists a node's children by label.
func (t *tree) children(n int32) []int32 {
	m := &t.nodes[n]
	if m.flags&patched != 0 {
		return t.patch[n]
	}
	return t.kids[m.kid : m.kid+m.kids]
}

// search finds a label among children: where it stands or would stand.
func (t *tree) search(ks []int32, label string) (int, bool) {
	lo, hi := 0, len(ks)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if t.nodes[ks[mid]].label < label {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(ks) && t.nodes[ks[lo]].label == label
}

// child returns the child of a label, or -1.
func (t *tree) child(n int32, label string) int32 {
	ks := t.children(n)
	if i, ok := t.search(ks, label); ok {
		return ks[i]
	}
	return -1
}

// finger remembers where in a node's children the last label stood, for who
// asks for labels in rising order.
type finger struct {
	of int32 // the node
	at int   // its children before at are of lower labels than the last one
}

// childBy is child with a finger; nil is none.
func (t *tree) childBy(n int32, label string, f *finger) int32 {
	if f == nil {
		return t.child(n, label)
	}
	ks := t.children(n)
	if f.of != n || f.at > len(ks) || f.at > 0 && t.nodes[ks[f.at-1]].label >= label {
		f.of, f.at = n, 0
	}
	// The place lies near: stride on until it is passed.
	lo, stride := f.at, 1
	for lo+stride <= len(ks) && t.nodes[ks[lo+stride-1]].label < label {
		lo += stride
		stride *= 2
	}
	i, ok := t.search(ks[lo:min(lo+stride, len(ks))], label)
	f.at = lo + i
	if ok {
		return ks[f.at]
	}
	return -1
}

// under tells about how many names lie below a node: exactly as many as when
// the tree was planted.
func (t *tree) under(n int32) int32 {
	if int(n) < len(t.weights) {
		return t.weights[n]
	}
	return 0
}

// weigh counts the names below each node.
func (t *tree) weigh() {
	t.weights = make([]int32, len(t.nodes))
	for i := len(t.nodes) - 1; i >= 0; i-- {
		if p := t.nodes[i].parent; p >= 0 && int(p) < i {
			t.weights[p] += t.weights[i] + 1
		}
	}
	for _, a := range t.apex { // hung below nodes that may have come later
		for n := t.nodes[a].parent; n >= 0; n = t.nodes[n].parent {
			if n > a {
				t.weights[n] += t.weights[a] + 1
			}
		}
	}
}

// name returns a node's name.
func (t *tree) name(n int32) zones.Name {
	if z := t.nodes[n].zone; z >= 0 && len(t.nodes[n].sets) > 0 {
		return t.nodes[n].sets[0].Owner()
	}
	var w []byte
	for ; n >= 0 && t.nodes[n].parent >= 0; n = t.nodes[n].parent {
		w = append(append(w, byte(len(t.nodes[n].label))), t.nodes[n].label...)
	}
	name, _, err := zones.NameFromWire(append(w, 0))
	if err != nil {
		return zones.Name{}
	}
	return name
}

// set returns a node's RRset of a type; the zero RRset where there is none.
func (t *tree) set(n int32, typ zones.Type) zones.RRset {
	if n >= 0 {
		for _, s := range t.nodes[n].sets {
			if s.Type() == typ {
				return s
			}
		}
	}
	return zones.RRset{}
}
