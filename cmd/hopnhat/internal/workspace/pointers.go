package workspace

import (
	"cmp"
	"net/netip"
	"slices"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/agree"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones"
)

// Pointers are the names that have an address, by view and address.
type Pointers map[zones.View][]pointer

type pointer struct {
	addr netip.Addr
	name zones.Name
}

// Pointers are the names of the zones served today and of those brought in.
func (w *Workspace) Pointers() Pointers {
	out := Pointers{}
	for _, p := range w.parts {
		if p.zone == nil {
			continue
		}
		for set := range p.zone.All() {
			if set.Type() != zones.TypeA && set.Type() != zones.TypeAAAA {
				continue
			}
			for i := range set.Len() {
				if a, ok := netip.AddrFromSlice([]byte(set.Data(i))); ok {
					out[p.id.View] = append(out[p.id.View], pointer{a, set.Owner()})
				}
			}
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b pointer) int { return cmp.Or(a.addr.Compare(b.addr), a.name.Compare(b.name)) })
	}
	return out
}

// Addressed gives the addresses of a name, each in the space of its view, as it
// is answered before the cutover or after it.
func (w *Workspace) Addressed(name zones.Name) (out []ipam.Place) {
	plan, _ := w.Plan()
	for _, world := range []zones.World{plan.Before(), plan.After()} {
		for _, v := range world.Views() {
			z := world.Nearest(v, name)
			if z == nil {
				continue
			}
			for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
				set, _ := z.Lookup(name, t)
				for i := range set.Len() {
					if a, ok := netip.AddrFromSlice([]byte(set.Data(i))); ok {
						out = append(out, ipam.Place{Space: ipam.Space(v), Block: ipam.BlockOf(netip.PrefixFrom(a, a.BitLen()))})
					}
				}
			}
		}
	}
	slices.SortFunc(out, ipam.Place.Compare)
	return slices.Compact(out)
}

// In gives the names that point into a place, sorted, each once. A view's names
// lie in the space of the view's name and in those below it.
func (p Pointers) In(at ipam.Place) []string {
	var out []string
	for view, list := range p {
		if !agree.Reaches(view, at.Space) {
			continue
		}
		i, _ := slices.BinarySearchFunc(list, at.Block.First(), func(x pointer, a netip.Addr) int { return x.addr.Compare(a) })
		for ; i < len(list) && at.Block.ContainsAddr(list[i].addr); i++ {
			out = append(out, list[i].name.Text())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Told adds the names that point at the addresses which an overlap is about to
// those that the plans state.
func (p Pointers) Told(o merge.Overlap) merge.Overlap {
	first, last := o.Sides[0].Block.First(), o.Sides[0].Block.Last()
	if a := o.Sides[1].Block.First(); first.Less(a) {
		first = a
	}
	if a := o.Sides[1].Block.Last(); a.Less(last) {
		last = a
	}
	both, err := ipam.NewBlock(first, last)
	if err != nil {
		return o
	}
	s := &o.Sides[1]
	s.Names = slices.Concat(s.Names, p.In(ipam.Place{Space: o.Space, Block: both}))
	return o
}
