package book

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

// twin is the slow obvious book: a map, and a copy of it for each revision.
type twin struct {
	live map[ipam.Place]ipam.Allocation
	past []map[ipam.Place]ipam.Allocation // by revision, from 0
	at   []time.Time                      // instants by revision
	keys []asked                          // the keyed requests that succeeded
}

func (w *twin) overlapping(p ipam.Place) (out []ipam.Place) {
	for q := range w.live {
		if q.Space == p.Space && q.Block.Overlaps(p.Block) {
			out = append(out, q)
		}
	}
	slices.SortFunc(out, ipam.Place.Compare)
	return out
}

// mayAdd is BOOK-NEST and BOOK-ONE, read off their text.
func (w *twin) mayAdd(p ipam.Place) bool {
	for q := range w.live {
		if q == p || q.Space == p.Space && q.Block.Crosses(p.Block) {
			return false
		}
	}
	return true
}

func (w *twin) within(p ipam.Place) (out []ipam.Allocation) {
	for q, a := range w.live {
		if q.Space == p.Space && p.Block.Contains(q.Block) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b ipam.Allocation) int { return a.Compare(b.Place) })
	return out
}

func (w *twin) shift(from, to ipam.Place) bool {
	if _, ok := w.live[from]; !ok || from == to {
		return false
	}
	next := &twin{live: maps.Clone(w.live)}
	moved := w.within(from)
	for _, a := range moved {
		delete(next.live, a.Place)
	}
	for _, q := range next.overlapping(to) {
		if to.Block.Contains(q.Block) {
			return false
		}
	}
	for _, a := range moved {
		a.Space = to.Space
		a.Block, _ = a.Block.Shift(from.Block, to.Block)
		if !next.mayAdd(a.Place) {
			return false
		}
		next.live[a.Place] = a
	}
	w.live = next.live
	return true
}

// next tries every address as the start of a free prefix of that length.
func (w *twin) next(pool ipam.Place, bits int, fit Fit) (best netip.Prefix, ok bool) {
	block := pool.Block
	if bits == block.First().BitLen() {
		block = ipam.Hosts(block)
	}
	var used []ipam.Block
	for _, q := range w.overlapping(pool) {
		if q != pool && !q.Block.Contains(pool.Block) {
			used = append(used, q.Block)
		}
	}
	if fit == Best {
		best, ok = ipam.BestFit(block, used, bits)
	} else {
		best, ok = ipam.FirstFit(block, used, bits)
	}
	_, live := w.live[ipam.Place{Space: pool.Space, Block: ipam.BlockOf(best)}]
	return best, ok && !live
}

func (w *twin) split(p ipam.Place, bits int) bool {
	old, ok := w.live[p]
	prefix, is := p.Block.Prefix()
	if !ok || !is || bits <= prefix.Bits() {
		return false
	}
	var parts []ipam.Block
	for part := range ipam.Split(prefix, bits) {
		parts = append(parts, ipam.BlockOf(part))
	}
	for _, a := range w.within(p) {
		if a.Place != p && !slices.ContainsFunc(parts, func(b ipam.Block) bool { return b != a.Block && b.Contains(a.Block) }) {
			return false
		}
	}
	delete(w.live, p)
	for _, b := range parts {
		a := old
		a.Block = b
		w.live[a.Place] = a
	}
	return true
}

func (w *twin) merge(space ipam.Space, blocks []ipam.Block, a ipam.Allocation) bool {
	next := &twin{live: maps.Clone(w.live)}
	joined, err := ipam.Join(blocks...)
	if err != nil || len(blocks) < 2 {
		return false
	}
	for _, b := range blocks {
		p := ipam.Place{Space: space, Block: b}
		x, ok := w.live[p]
		if !ok || x.Holder != w.live[ipam.Place{Space: space, Block: blocks[0]}].Holder || !x.Status.CanBecome(a.Status) {
			return false
		}
		delete(next.live, p)
	}
	a.Place = ipam.Place{Space: space, Block: joined}
	_, taken := w.live[a.Place]
	if taken || !next.mayAdd(a.Place) {
		return false
	}
	next.live[a.Place] = a
	w.live = next.live
	return true
}

// plan makes the changes of an import: all that fits the book as it stands at
// revision on, then drops, alters and adds.
func (w *twin) plan(on uint64, changes []ipam.Change) bool {
	if on != uint64(len(w.past)-1) || len(changes) == 0 {
		return false
	}
	next := &twin{live: maps.Clone(w.live)}
	for _, op := range []ipam.Op{ipam.Drop, ipam.Alter, ipam.Add} {
		done := map[ipam.Place]bool{}
		for _, c := range changes {
			if c.Op != op {
				continue
			}
			p := c.Allocation.Place
			if op == ipam.Drop {
				p = c.From
			}
			old, ok := next.live[p]
			switch {
			case done[p]:
				return false
			case op == ipam.Drop && !ok:
				return false
			case op == ipam.Drop:
				delete(next.live, p)
			case op == ipam.Alter && (!ok || old.Equal(c.Allocation) || !old.Status.CanBecome(c.Allocation.Status)):
				return false
			case op == ipam.Add && !next.mayAdd(p):
				return false
			default:
				next.live[p] = c.Allocation
			}
			done[p] = true
		}
	}
	w.live = next.live
	return true
}

// history reads the versions that share an address with p off the maps of all
// revisions.
func (w *twin) history(p ipam.Place) (out []Version) {
	moment := func(rev int) Moment { return Moment{uint64(rev), w.at[rev]} }
	for rev := 1; rev < len(w.past); rev++ {
		for q, a := range w.past[rev] {
			before, was := w.past[rev-1][q]
			if q.Space != p.Space || !q.Block.Overlaps(p.Block) || was && before.Equal(a) {
				continue
			}
			v := Version{Allocation: a, Since: moment(rev)}
			for until := rev + 1; until < len(w.past) && v.IsLive(); until++ {
				if b, is := w.past[until][q]; !is || !b.Equal(a) {
					v.Until = moment(until)
				}
			}
			out = append(out, v)
		}
	}
	return out
}
