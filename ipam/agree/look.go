package agree

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/zones"
)

// node is an allocation and the one that it lies in.
type node struct {
	ipam.Allocation
	up *node // nil at the top
}

// holder is who holds the node: the first above it that somebody holds.
func (n *node) holder() ipam.Holder {
	for ; n != nil; n = n.up {
		if !n.Holder.IsZero() {
			return n.Holder
		}
	}
	return ipam.Holder{}
}

// site is where it is used, as the first above it says that says anything.
func (n *node) site() string {
	for ; n != nil; n = n.up {
		if n.Site != "" {
			return n.Site
		}
	}
	return ""
}

// nest gives the allocations by place, each with the one that it lies in.
func nest(held []ipam.Allocation) []*node {
	out := make([]*node, 0, len(held))
	for _, a := range held {
		if a.Place.IsValid() && a.Status.IsLive() {
			out = append(out, &node{Allocation: a})
		}
	}
	slices.SortFunc(out, func(a, b *node) int {
		return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.Holder.String(), b.Holder.String()))
	})
	var open []*node
	for _, n := range out {
		open = slices.DeleteFunc(open, func(o *node) bool { return o.Space != n.Space || !o.Block.Contains(n.Block) })
		if len(open) > 0 {
			n.up = open[len(open)-1]
		}
		open = append(open, n)
	}
	return out
}

// record is an address that the world gives to a name.
type record struct {
	view   zones.View
	addr   netip.Addr
	name   zones.Name
	at     zones.Place
	in     []*node // the smallest block that holds it, in each space of the view
	beyond *node   // a block of another space, where in is empty
}

// records are the addresses of the world, by view, address and name.
func records(w zones.World) []record {
	var out []record
	for z := range w.All() {
		for set := range z.All() {
			if set.Type() != zones.TypeA && set.Type() != zones.TypeAAAA {
				continue
			}
			for i := range set.Len() {
				if a, ok := netip.AddrFromSlice([]byte(set.Data(i))); ok {
					out = append(out, record{view: z.View(), addr: a, name: set.Owner(), at: set.From(i).Place})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.view, b.view), a.addr.Compare(b.addr), a.name.Compare(b.name))
	})
	return out
}

// Reaches tells whether a view's names lie in a space: the one of its name, and
// those below it.
func Reaches(v zones.View, s ipam.Space) bool {
	return string(s) == string(v) || strings.HasPrefix(string(s), string(v)+"/")
}

// place finds the blocks of each record: records and blocks are walked side by
// side, once for each space.
func place(rs []record, nodes []*node) {
	for len(nodes) > 0 {
		end := slices.IndexFunc(nodes, func(n *node) bool { return n.Space != nodes[0].Space })
		if end < 0 {
			end = len(nodes)
		}
		space := nodes[:end]
		nodes = nodes[end:]
		for lo := 0; lo < len(rs); {
			hi := lo
			for hi < len(rs) && rs[hi].view == rs[lo].view {
				hi++
			}
			within(rs[lo:hi], space, Reaches(rs[lo].view, space[0].Space))
			lo = hi
		}
	}
}

// within walks the records of one view and the blocks of one space.
func within(rs []record, space []*node, reached bool) {
	var in *node // the smallest block that holds what is walked over
	next := 0
	for i := range rs {
		a := rs[i].addr
		for next < len(space) && !a.Less(space[next].Block.First()) {
			in = space[next]
			next++
		}
		n := in
		for n != nil && !n.Block.ContainsAddr(a) {
			n = n.up
		}
		switch {
		case n == nil:
		case reached:
			rs[i].in = append(rs[i].in, n)
		case rs[i].beyond == nil:
			rs[i].beyond = n
		}
	}
}
