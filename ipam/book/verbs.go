package book

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"gialai.gov.vn/hopnhat/ipam"
)

// Fit says which free block a pool gives.
type Fit uint8

// The fits.
const (
	First Fit = iota // the lowest
	Best             // in the smallest gap that can hold it
)

// MaxParts is the most blocks that one Split makes.
const MaxParts = 1024

// adding checks an allocation and gives the change that adds it.
func adding(s *Snapshot, a ipam.Allocation) ([]ipam.Change, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	if old := s.at(a.Place); old != nil {
		return nil, taken(old)
	}
	return []ipam.Change{{Op: ipam.Add, Allocation: a}}, nil
}

// Allocate makes exactly this allocation. A block that is taken, or crosses a
// taken one, is a *StateError.
func (b *Book) Allocate(ctx context.Context, by By, a ipam.Allocation) (Receipt, error) {
	a = a.Clean()
	return b.change(ctx, by, ipam.Allocate, a, func(s *Snapshot) ([]ipam.Change, error) { return adding(s, a) })
}

// Reserve is Allocate with the status Reserved.
func (b *Book) Reserve(ctx context.Context, by By, a ipam.Allocation) (Receipt, error) {
	a = a.Clean()
	a.Status = ipam.Reserved
	return b.change(ctx, by, ipam.Reserve, a, func(s *Snapshot) ([]ipam.Change, error) { return adding(s, a) })
}

// AllocateNext gives a free block of that prefix length in pool what a says;
// the place of a is found and need not be set. Single addresses (32 or 128
// bits) leave out those of ipam.Hosts. A pool without room is a *StateError.
func (b *Book) AllocateNext(ctx context.Context, by By, a ipam.Allocation, pool ipam.Place, bits int, fit Fit) (Receipt, error) {
	a = a.Clean()
	a.Place = ipam.Place{}
	asked := []any{a, pool, bits, fit}
	verb := ipam.Allocate
	if a.Status == ipam.Reserved {
		verb = ipam.Reserve
	}
	return b.change(ctx, by, verb, asked, func(s *Snapshot) ([]ipam.Change, error) {
		p, err := s.Next(pool, bits, fit)
		if err != nil {
			return nil, err
		}
		a := a
		a.Place = ipam.Place{Space: pool.Space, Block: ipam.BlockOf(p)}
		return adding(s, a)
	})
}

// Next is the free prefix that AllocateNext would give.
func (s *Snapshot) Next(pool ipam.Place, bits int, fit Fit) (netip.Prefix, error) {
	set, err := s.poolOf(pool)
	if err != nil {
		return netip.Prefix{}, err
	}
	block := pool.Block
	width := block.First().BitLen()
	if bits < 0 || bits > width {
		return netip.Prefix{}, &StateError{pool, fmt.Sprintf("/%d is no length of its family: give 0 to %d", bits, width)}
	}
	if bits == width {
		block = ipam.Hosts(block)
	}
	find := set.FirstFit
	if fit == Best {
		find = set.BestFit
	}
	p, ok := find(block, bits)
	if !ok || s.at(ipam.Place{Space: pool.Space, Block: ipam.BlockOf(p)}) != nil {
		return netip.Prefix{}, &StateError{pool, fmt.Sprintf("no free /%d is left: release one, or name another pool", bits)}
	}
	return p, nil
}

// Assign changes what is said of a live block: holder, status, names … The
// status must be one that ipam.Status.CanBecome allows.
func (b *Book) Assign(ctx context.Context, by By, a ipam.Allocation) (Receipt, error) {
	a = a.Clean()
	return b.change(ctx, by, ipam.Assign, a, func(s *Snapshot) ([]ipam.Change, error) {
		if err := altering(s, a); err != nil {
			return nil, err
		}
		return []ipam.Change{{Op: ipam.Alter, Allocation: a}}, nil
	})
}

// altering tells why what is live at a's place cannot become a, nil when it can.
func altering(s *Snapshot, a ipam.Allocation) error {
	if err := a.Check(); err != nil {
		return err
	}
	old := s.at(a.Place)
	switch {
	case old == nil:
		return notLive(a.Place)
	case old.Equal(a):
		return &StateError{a.Place, "already so: nothing to change"}
	case !old.Status.CanBecome(a.Status):
		return &StateError{a.Place, fmt.Sprintf("is %v and cannot become %v (STATUS-WAY)", old.Status, a.Status)}
	}
	return nil
}

// Release gives a block back, and with all also what lies in it; without, what
// lies in it is a *StateError.
func (b *Book) Release(ctx context.Context, by By, p ipam.Place, all bool) (Receipt, error) {
	return b.change(ctx, by, ipam.Release, []any{p, all}, func(s *Snapshot) ([]ipam.Change, error) {
		if s.at(p) == nil {
			return nil, notLive(p)
		}
		if all {
			return []ipam.Change{{Op: ipam.Clear, From: p}}, nil
		}
		for e := range s.within(p) {
			if e.Block != p.Block {
				return nil, &StateError{p, fmt.Sprintf("%v lies in it: release that first, or all at once", e.Block)}
			}
		}
		return []ipam.Change{{Op: ipam.Drop, From: p}}, nil
	})
}

// Split makes the allocation of a prefix into those of its parts of that
// length, alike in all else. What lies in it must lie in the parts.
func (b *Book) Split(ctx context.Context, by By, p ipam.Place, bits int) (Receipt, error) {
	return b.change(ctx, by, ipam.SplitUp, []any{p, bits}, func(s *Snapshot) ([]ipam.Change, error) {
		old := s.at(p)
		if old == nil {
			return nil, notLive(p)
		}
		prefix, ok := p.Block.Prefix()
		if !ok {
			return nil, &StateError{p, "a range that is no prefix: release it and allocate its parts"}
		}
		n := bits - prefix.Bits()
		if n < 1 || n > 10 || bits > prefix.Addr().BitLen() {
			return nil, &StateError{p, fmt.Sprintf("cannot be split into parts of /%d: give /%d to /%d", bits, prefix.Bits()+1, min(prefix.Bits()+10, prefix.Addr().BitLen()))}
		}
		for c := range s.children(p, p.Block) {
			if !withinPart(c.Block, bits) {
				return nil, &StateError{c.Place, fmt.Sprintf("does not lie inside one /%d: release it first, or split into longer parts", bits)}
			}
		}
		changes := []ipam.Change{{Op: ipam.Drop, From: p}}
		for part := range ipam.Split(prefix, bits) {
			a := old.Allocation
			a.Block = ipam.BlockOf(part)
			changes = append(changes, ipam.Change{Op: ipam.Add, Allocation: a})
		}
		return changes, nil
	})
}

// withinPart tells whether a block lies in one prefix of that length and is smaller.
func withinPart(b ipam.Block, bits int) bool {
	part, err := b.First().Prefix(bits)
	return err == nil && ipam.BlockOf(part).Contains(b) && ipam.BlockOf(part) != b
}

// Merge makes the allocations of adjacent blocks in one space into one; all
// but the place is as a says. They must have one holder and no status that
// cannot become a's.
func (b *Book) Merge(ctx context.Context, by By, space ipam.Space, blocks []ipam.Block, a ipam.Allocation) (Receipt, error) {
	a = a.Clean()
	a.Place = ipam.Place{}
	blocks = ipam.SortedBlocks(blocks)
	return b.change(ctx, by, ipam.Merge, []any{space, blocks, a}, func(s *Snapshot) ([]ipam.Change, error) {
		if len(blocks) < 2 {
			return nil, fmt.Errorf("a merger of %d blocks: name two or more", len(blocks))
		}
		joined, err := ipam.Join(blocks...)
		if err != nil {
			return nil, err
		}
		var changes []ipam.Change
		var first *entry
		for _, block := range blocks {
			p := ipam.Place{Space: space, Block: block}
			old := s.at(p)
			switch {
			case old == nil:
				return nil, notLive(p)
			case first != nil && old.Holder != first.Holder:
				return nil, &StateError{p, fmt.Sprintf("held by %v, where %v is held by %v: assign them to one holder first", old.Holder, first.Block, first.Holder)}
			case !old.Status.CanBecome(a.Status):
				return nil, &StateError{p, fmt.Sprintf("is %v and cannot become %v (STATUS-WAY)", old.Status, a.Status)}
			}
			if first == nil {
				first = old
			}
			changes = append(changes, ipam.Change{Op: ipam.Drop, From: p})
		}
		a := a
		a.Place = ipam.Place{Space: space, Block: joined}
		added, err := adding(s, a)
		return append(changes, added...), err
	})
}

// Move takes a block and all in it to another space, the addresses unchanged.
// Nothing may be allocated at or in them there.
func (b *Book) Move(ctx context.Context, by By, p ipam.Place, to ipam.Space) (Receipt, error) {
	return b.shift(ctx, by, ipam.Move, p, ipam.Place{Space: to, Block: p.Block})
}

// Renumber gives a block and all in it other addresses: to is a block of the
// same family and size, where nothing else is allocated.
func (b *Book) Renumber(ctx context.Context, by By, p, to ipam.Place) (Receipt, error) {
	return b.shift(ctx, by, ipam.Renumber, p, to)
}

func (b *Book) shift(ctx context.Context, by By, verb ipam.Verb, from, to ipam.Place) (Receipt, error) {
	return b.change(ctx, by, verb, []any{from, to}, func(s *Snapshot) ([]ipam.Change, error) {
		c := ipam.Change{Op: ipam.Shift, From: from, To: to}
		if err := c.Check(); err != nil {
			return nil, err
		}
		if s.at(from) == nil {
			return nil, notLive(from)
		}
		if from == to {
			return nil, &StateError{from, "already there: nothing to change"}
		}
		return []ipam.Change{c}, nil
	})
}

// Import makes the adds, alters and drops of a plan that was made on revision
// on of the book: whole, or not at all. When the book stands at another
// revision it is a *StaleError. A request that is repeated with its key is
// answered all the same, whatever on it names. The order does not count: drops
// come first, then alters, then adds. One append's bounds (ipam.CheckBatch) hold
// some thousands of changes; the error says how many.
func (b *Book) Import(ctx context.Context, by By, on uint64, changes []ipam.Change) (Receipt, error) {
	sorted := slices.Clone(changes)
	for i := range sorted {
		sorted[i].Allocation = sorted[i].Allocation.Clean()
	}
	slices.SortStableFunc(sorted, func(a, b ipam.Change) int {
		return cmp.Or(cmp.Compare(importRank(a.Op), importRank(b.Op)), placeOf(a).Compare(placeOf(b)))
	})
	return b.change(ctx, by, ipam.Import, sorted, func(s *Snapshot) ([]ipam.Change, error) {
		if s.end.Revision != on {
			return nil, &StaleError{On: on, Now: s.end.Revision}
		}
		for i, c := range sorted {
			if err := importing(s, c); err != nil {
				return nil, err
			}
			if i > 0 && c.Op == sorted[i-1].Op && placeOf(c) == placeOf(sorted[i-1]) {
				return nil, &StateError{placeOf(c), "stands twice in the plan: plan one change for it"}
			}
		}
		return sorted, nil
	})
}

func importRank(op ipam.Op) int { return slices.Index([]ipam.Op{ipam.Drop, ipam.Alter, ipam.Add}, op) }

// placeOf is the place that a change is about.
func placeOf(c ipam.Change) ipam.Place {
	if c.Op == ipam.Add || c.Op == ipam.Alter {
		return c.Allocation.Place
	}
	return c.From
}

// importing tells what is wrong with a change of a plan; what it needs of
// those before it the fold tells.
func importing(s *Snapshot, c ipam.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	switch c.Op {
	case ipam.Add, ipam.Drop:
		return nil
	case ipam.Alter:
		return altering(s, c.Allocation)
	}
	return fmt.Errorf("%v: an import adds, alters and drops: move, renumber or release by itself", c.From)
}
