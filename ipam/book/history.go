package book

import (
	"cmp"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

// Version is what an allocation was from one event to another.
type Version struct {
	ipam.Allocation
	Since Moment
	Until Moment // zero while it is live
}

// IsLive tells whether it still is so.
func (v Version) IsLive() bool { return v.Until == Moment{} }

// Stood tells whether it was so at t. What an event ends at t is over.
func (v Version) Stood(t time.Time) bool {
	return !t.Before(v.Since.At) && (v.IsLive() || t.Before(v.Until.At))
}

// History gives all that ever was at p, around it or in it, by the revision it
// began at, then by place.
func (s *Snapshot) History(p ipam.Place) []Version {
	if !p.IsValid() {
		return nil
	}
	var out []Version
	for e := s.innermost(p.Space, p.Block.First()); e != nil; e = s.at(ipam.Place{Space: p.Space, Block: e.up}) {
		if !p.Block.Contains(e.Block) {
			out = append(out, Version{Allocation: e.Allocation, Since: e.since})
		}
	}
	for _, v := range s.overlapping(p) {
		out = append(out, *v)
	}
	for e := range s.from(startKey(append([]byte(p.Space), 0), p.Block.First())) {
		if e.Space != p.Space || !e.Block.Overlaps(p.Block) {
			break
		}
		if !p.Block.Contains(e.Block) && e.Block.ContainsAddr(p.Block.First()) {
			continue // around p: seen above
		}
		out = append(out, Version{Allocation: e.Allocation, Since: e.since})
	}
	slices.SortFunc(out, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Since.Revision, b.Since.Revision), a.Place.Compare(b.Place), cmp.Compare(a.Until.Revision, b.Until.Revision))
	})
	return out
}

// At gives what stood at p, around it or in it at t, by place: the outer
// before the inner.
func (s *Snapshot) At(p ipam.Place, t time.Time) []ipam.Allocation {
	var out []ipam.Allocation
	for _, v := range s.History(p) {
		if v.Stood(t) {
			out = append(out, v.Allocation)
		}
	}
	slices.SortFunc(out, func(a, b ipam.Allocation) int { return a.Place.Compare(b.Place) })
	return out
}

// overlapping gives the past versions that share an address with p: those that
// begin in it, and those with a piece around its first address.
func (s *Snapshot) overlapping(p ipam.Place) []*Version {
	seen := map[*Version]bool{}
	var out []*Version
	keep := func(v *Version) {
		if !seen[v] && v.Space == p.Space && v.Block.Overlaps(p.Block) {
			seen[v] = true
			out = append(out, v)
		}
	}
	it, err := s.tx.LowerBound("past", "id", startKey(append([]byte(p.Space), 0), p.Block.First()))
	if err != nil {
		panic(err)
	}
	for o := it.Next(); o != nil; o = it.Next() {
		v := o.(*Version)
		if v.Space != p.Space || !v.Block.Overlaps(p.Block) {
			break
		}
		keep(v)
	}
	first := p.Block.First()
	for bits := first.BitLen(); bits >= 0; bits-- {
		piece, _ := first.Prefix(bits)
		it, err := s.tx.Get("past", "piece", pieceKey(p.Space, piece))
		if err != nil {
			panic(err)
		}
		for o := it.Next(); o != nil; o = it.Next() {
			keep(o.(*Version))
		}
	}
	return out
}
