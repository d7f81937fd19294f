package book

import (
	"fmt"
	"iter"
	"math/big"
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/go-memdb"

	"gialai.gov.vn/hopnhat/ipam"
)

// Snapshot is the book at one revision. It never changes; any number of
// goroutines may read it, and it costs nothing to keep but memory.
type Snapshot struct {
	db    *memdb.MemDB
	tx    *memdb.Txn
	tops  lookups
	pools pools // of a fold that keeps them beside the table, else nil
	end   ipam.Chain
}

// StateError says that the book stands otherwise than a request needs.
type StateError struct {
	Place ipam.Place
	Found string
}

// Error is "place: found".
func (e *StateError) Error() string { return e.Place.String() + ": " + e.Found }

// StaleError says that a plan was made on another revision than the book's.
type StaleError struct{ On, Now uint64 }

// Error names both revisions.
func (e *StaleError) Error() string {
	if e.On > e.Now {
		return fmt.Sprintf("the plan was made on revision %d, where the book stands at %d: make the plan again, on this book", e.On, e.Now)
	}
	return fmt.Sprintf("the book has moved on from revision %d to %d: make the plan again", e.On, e.Now)
}

func taken(old *entry) error {
	who := old.Holder.String()
	if who == "" {
		who = "nobody by name"
	}
	return &StateError{old.Place, fmt.Sprintf("already %v, held by %s since revision %d (BOOK-ONE): give another block, or release this one", old.Status, who, old.since.Revision)}
}

func crossing(p, q ipam.Place) error {
	return &StateError{p, fmt.Sprintf("lies partly in %v and partly outside (BOOK-NEST): give a block inside it, around it or beside it", q.Block)}
}

// Revision is that of the last event in it, 0 for none.
func (s *Snapshot) Revision() uint64 { return s.end.Revision }

// Instant is that of the last event in it, the zero time for none.
func (s *Snapshot) Instant() time.Time { return s.end.At }

// Hash is that of the last event in it: the whole audit up to here.
func (s *Snapshot) Hash() ipam.Digest { return s.end.Hash }

// Get gives the allocation of exactly this block.
func (s *Snapshot) Get(p ipam.Place) (ipam.Allocation, bool) {
	if e := s.at(p); e != nil {
		return e.Allocation, true
	}
	return ipam.Allocation{}, false
}

// Lookup gives the innermost allocation that holds a. It takes no lock and
// allocates nothing.
func (s *Snapshot) Lookup(space ipam.Space, a netip.Addr) (_ ipam.Allocation, ok bool) {
	if e := s.innermost(space, a); e != nil {
		return e.Allocation, true
	}
	return ipam.Allocation{}, false
}

// innermost is the entry of Lookup, nil for none.
func (s *Snapshot) innermost(space ipam.Space, a netip.Addr) *entry {
	t := s.tops[space]
	if t == nil {
		return nil
	}
	e, _ := t.Lookup(a)
	return e
}

// Above gives the allocations that lie around p and are larger, the outermost first.
func (s *Snapshot) Above(p ipam.Place) []ipam.Allocation {
	var out []ipam.Allocation
	if !p.IsValid() {
		return nil
	}
	for e := s.innermost(p.Space, p.Block.First()); e != nil; e = s.at(ipam.Place{Space: p.Space, Block: e.up}) {
		if e.Block != p.Block && e.Block.Contains(p.Block) {
			out = append(out, e.Allocation)
		}
	}
	slices.Reverse(out)
	return out
}

// Within gives the allocation of p and those that lie in p, in the order of
// ipam.Place: each just before what lies in it.
func (s *Snapshot) Within(p ipam.Place) iter.Seq[ipam.Allocation] { return plain(s.within(p)) }

// Children gives those that lie in p directly, in no other that lies in p; a
// zero block stands for the whole space.
func (s *Snapshot) Children(p ipam.Place) iter.Seq[ipam.Allocation] {
	return func(yield func(ipam.Allocation) bool) {
		last := ipam.Block{}
		for e := range s.within(p) {
			if e.Block == p.Block || last.Contains(e.Block) {
				continue
			}
			if last = e.Block; !yield(e.Allocation) {
				return
			}
		}
	}
}

// All gives every allocation, in the order of ipam.Place.
func (s *Snapshot) All() iter.Seq[ipam.Allocation] { return plain(s.from(nil)) }

// Held gives what a unit and those below it hold, in the order of their codes.
func (s *Snapshot) Held(by ipam.Code) iter.Seq[ipam.Allocation] {
	if by.IsZero() {
		return func(func(ipam.Allocation) bool) {}
	}
	return plain(s.walk("live", "holder_prefix", codeKey(by)))
}

// Named gives the allocations that a name points at.
func (s *Snapshot) Named(name string) iter.Seq[ipam.Allocation] {
	return plain(s.walk("live", "name", append([]byte(name), 0)))
}

// Spaces gives the spaces that have an allocation, sorted.
func (s *Snapshot) Spaces() []ipam.Space {
	var out []ipam.Space
	for sp := range s.tops {
		out = append(out, sp)
	}
	slices.Sort(out)
	return out
}

// Free gives what may still be allotted in p, whose block need not be
// allocated itself: the fewest prefixes, ascending, found one by one.
func (s *Snapshot) Free(p ipam.Place) iter.Seq[netip.Prefix] {
	set, err := s.poolOf(p)
	if err != nil {
		return func(func(netip.Prefix) bool) {}
	}
	return set.Free(p.Block)
}

// Used tells how many addresses of p are in what lies in it, p itself left out.
// It grows with the gaps, not with the addresses; 0 for an invalid place.
func (s *Snapshot) Used(p ipam.Place) *big.Int {
	used := new(big.Int)
	set, err := s.poolOf(p)
	if err != nil {
		return used
	}
	count := func(sum *big.Int, free netip.Prefix) {
		one := big.NewInt(1)
		sum.Add(sum, one.Lsh(one, uint(free.Addr().BitLen()-free.Bits())))
	}
	for _, all := range p.Block.Prefixes() {
		count(used, all)
	}
	free := new(big.Int)
	for f := range set.Free(p.Block) {
		count(free, f)
	}
	return used.Sub(used, free)
}

// poolOf gives the set whose gaps in p's block are free.
func (s *Snapshot) poolOf(p ipam.Place) (ipam.Set, error) {
	if !p.IsValid() {
		return ipam.Set{}, &StateError{p, "no pool: name a space and a block"}
	}
	if s.at(p) != nil {
		return s.pool(p).taken, nil
	}
	up, _ := s.parent(p) // what crosses the pool is taken in it
	return s.pool(ipam.Place{Space: p.Space, Block: up}).taken, nil
}

func plain(seq iter.Seq[*entry]) iter.Seq[ipam.Allocation] {
	return func(yield func(ipam.Allocation) bool) {
		for e := range seq {
			if !yield(e.Allocation) {
				return
			}
		}
	}
}

func (s *Snapshot) first(table, index string, key []byte) any {
	o, err := s.tx.First(table, index, key)
	if err != nil {
		panic(err) // tables and indexes are constants
	}
	return o
}

// walk gives the entries that an index has for a key.
func (s *Snapshot) walk(table, index string, key []byte) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		it, err := s.tx.Get(table, index, key)
		if err != nil {
			panic(err)
		}
		for o := it.Next(); o != nil; o = it.Next() {
			if !yield(o.(*entry)) {
				return
			}
		}
	}
}

// from gives the entries from a key on.
func (s *Snapshot) from(key []byte) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		it, err := s.tx.LowerBound("live", "id", key)
		if err != nil {
			panic(err)
		}
		for o := it.Next(); o != nil; o = it.Next() {
			if !yield(o.(*entry)) {
				return
			}
		}
	}
}

// at is the entry of exactly this place, nil for none.
func (s *Snapshot) at(p ipam.Place) *entry {
	if !p.Block.IsValid() {
		return nil
	}
	e, _ := s.first("live", "id", placeKey(nil, p)).(*entry)
	return e
}

// within gives the entry of p and those in it; a zero block is the space.
func (s *Snapshot) within(p ipam.Place) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for e := range s.from(placeKey(nil, p)) {
			if e.Space != p.Space || p.Block.IsValid() && !p.Block.Overlaps(e.Block) {
				return
			}
			if p.Block.IsValid() && !p.Block.Contains(e.Block) {
				continue // p is no live block, and e crosses its end
			}
			if !yield(e) {
				return
			}
		}
	}
}

// firstWithin is the first of within, nil for none.
func (s *Snapshot) firstWithin(p ipam.Place) *entry {
	for e := range s.within(p) {
		return e
	}
	return nil
}

// otherIn tells whether e's space has another entry.
func (s *Snapshot) otherIn(e *entry) bool {
	for o := range s.within(ipam.Place{Space: e.Space}) {
		if o.Place != e.Place {
			return true
		}
	}
	return false
}

// children gives the direct children of a pool that overlap b, by leaps over
// what lies in them; they may begin before b when they cross it.
func (s *Snapshot) children(p ipam.Place, b ipam.Block) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		next := startKey(append([]byte(p.Space), 0), b.First())
		for next != nil {
			key := next
			next = nil
			for e := range s.from(key) {
				if e.Space != p.Space || !e.Block.Overlaps(b) {
					return
				}
				if e.Block.Contains(p.Block) { // p and those around it that begin where b does
					continue
				}
				if !yield(e) {
					return
				}
				if after := e.Block.Last().Next(); after.IsValid() && b.ContainsAddr(after) {
					next = startKey(append([]byte(p.Space), 0), after)
				}
				break
			}
		}
	}
}

// parent is the smallest live block around p that is larger, zero for none;
// crossed is a live block that holds p's first address and crosses p.
func (s *Snapshot) parent(p ipam.Place) (up ipam.Block, crossed *entry) {
	for e := s.innermost(p.Space, p.Block.First()); e != nil; e = s.at(ipam.Place{Space: p.Space, Block: e.up}) {
		switch {
		case e.Block.Crosses(p.Block):
			crossed = e
		case e.Block != p.Block && e.Block.Contains(p.Block):
			return e.Block, crossed
		}
	}
	return ipam.Block{}, crossed
}

func (s *Snapshot) hasPool(p ipam.Place) bool { return s.poolAt(p) != nil }

// pool is a copy of a pool, an empty one where there is none.
func (s *Snapshot) pool(p ipam.Place) *pool {
	if o := s.poolAt(p); o != nil {
		c := *o
		return &c
	}
	return &pool{Place: p}
}

// poolAt is nil where there is none.
func (s *Snapshot) poolAt(p ipam.Place) *pool {
	if s.pools != nil {
		return s.pools[p]
	}
	o, _ := s.first("pool", "id", placeKey(nil, p)).(*pool)
	return o
}

// isPiece tells whether p is one of b's fewest prefixes: a prefix in b whose
// parent is not.
func isPiece(p netip.Prefix, b ipam.Block) bool {
	up, ok := ipam.Parent(p)
	return b.Contains(ipam.BlockOf(p)) && (!ok || !b.Contains(ipam.BlockOf(up)))
}
