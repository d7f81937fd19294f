package book

import (
	"fmt"
	"maps"
	"time"
	"unique"

	"github.com/gaissmai/bart"
	"github.com/hashicorp/go-memdb"

	"gialai.gov.vn/hopnhat/ipam"
)

// Moment is an event: its revision and its instant.
type Moment struct {
	Revision uint64
	At       time.Time
}

// entry is a live allocation. It is never changed once it is in a table.
type entry struct {
	ipam.Allocation
	since Moment
	up    ipam.Block // the live block that this one lies directly in, zero for none
}

// pool holds the addresses of the blocks that lie directly in a live block, or
// directly in a space when Block is zero. No two of those overlap (BOOK-NEST).
type pool struct {
	ipam.Place
	taken ipam.Set
}

// answered is a request that came with a key, and the events it made.
type answered struct {
	key         string
	request     ipam.Digest
	first, last uint64
}

type lookups = map[ipam.Space]*bart.Table[*entry]

// fold is a snapshot in the making: events go in, a Snapshot comes out. One
// goroutine uses it.
type fold struct {
	db    *memdb.MemDB
	tx    *memdb.Txn
	tops  lookups // innermost live block by prefix; shared with snapshots unless alone
	alone bool    // no snapshot shares tops, so they change in place
	pools pools   // while alone, in place of the table: each event changes one
	end   ipam.Chain
}

type pools = map[ipam.Place]*pool

// newFold begins with nothing.
func newFold() *fold {
	db, err := memdb.NewMemDB(schema())
	if err != nil {
		panic(err) // the schema is a constant
	}
	return &fold{db: db, tx: db.Txn(true), tops: lookups{}, alone: true, pools: pools{}}
}

// fold begins with s. Only one fold of a snapshot may be published, the
// writer's.
func (s *Snapshot) fold() *fold {
	return &fold{db: s.db, tx: s.db.Txn(true), tops: maps.Clone(s.tops), end: s.end}
}

// publish makes the snapshot; the fold is at its end.
func (f *fold) publish() *Snapshot {
	for _, p := range f.pools {
		f.insert("pool", p)
	}
	f.pools = nil
	f.tx.Commit()
	return &Snapshot{db: f.db, tx: f.db.Txn(false), tops: f.tops, end: f.end}
}

// view reads what the fold has so far. It is valid until the next event.
func (f *fold) view() *Snapshot {
	return &Snapshot{db: f.db, tx: f.tx, tops: f.tops, pools: f.pools, end: f.end}
}

// follow folds the next record in. After an error the fold is of no use.
func (f *fold) follow(record []byte) error {
	e, end, err := f.end.Follow(record)
	if err != nil {
		return err
	}
	return f.apply(e, end)
}

// apply folds an event in that was sealed or followed; end is the chain behind it.
func (f *fold) apply(e ipam.Event, end ipam.Chain) error {
	at := Moment{e.Revision, e.At}
	for _, c := range e.Changes {
		if err := f.change(c, at); err != nil {
			return fmt.Errorf("revision %d: %w", e.Revision, err)
		}
	}
	if e.Key != "" {
		if err := f.keep(e); err != nil {
			return fmt.Errorf("revision %d: %w", e.Revision, err)
		}
	}
	f.end = end
	return nil
}

// keep notes the key of an event; those of one request follow each other (BOOK-KEY).
func (f *fold) keep(e ipam.Event) error {
	a := answered{e.Key, e.Request, e.Revision, e.Revision}
	if old, ok := f.view().first("key", "id", []byte(e.Key)).(*answered); ok {
		if a.first = old.first; old.last+1 != e.Revision || old.request != e.Request {
			return fmt.Errorf("key %q was used at revision %d already (BOOK-KEY)", e.Key, old.last)
		}
	}
	f.insert("key", &a)
	return nil
}

func (f *fold) change(c ipam.Change, at Moment) error {
	switch c.Op {
	case ipam.Add:
		return f.add(&entry{Allocation: shared(c.Allocation), since: at})
	case ipam.Alter:
		old := f.view().at(c.Allocation.Place)
		if old == nil {
			return notLive(c.Allocation.Place)
		}
		if !old.Status.CanBecome(c.Allocation.Status) {
			return fmt.Errorf("%v is %v and cannot become %v (STATUS-WAY)", old.Place, old.Status, c.Allocation.Status)
		}
		f.close(old, at)
		e := &entry{Allocation: shared(c.Allocation), since: at, up: old.up}
		f.insert("live", e)
		f.point(e, func(cur *entry) bool { return cur == old })
		return nil
	case ipam.Drop:
		old := f.view().at(c.From)
		if old == nil {
			return notLive(c.From)
		}
		f.close(old, at)
		f.drop(old)
		return nil
	case ipam.Clear, ipam.Shift:
		return f.shift(c, at)
	}
	return fmt.Errorf("change of unknown kind %d: this program is older than the journal", c.Op)
}

func notLive(p ipam.Place) error { return &StateError{p, "nothing is allocated there"} }

// shared lets equal texts of many allocations share their memory.
func shared(a ipam.Allocation) ipam.Allocation {
	a.Space = unique.Make(a.Space).Value()
	for _, s := range []*string{&a.Holder.Unit, &a.Site, &a.System, &a.Provider, &a.Authority} {
		*s = unique.Make(*s).Value()
	}
	return a
}

// shift takes a block and all in it away, and for a Shift puts them back at
// their new place.
func (f *fold) shift(c ipam.Change, at Moment) error {
	v := f.view()
	if v.at(c.From) == nil {
		return notLive(c.From)
	}
	var all []*entry
	for e := range v.within(c.From) {
		all = append(all, e)
	}
	for i := len(all) - 1; i >= 0; i-- { // inner before outer
		f.close(all[i], at)
		f.drop(f.view().at(all[i].Place))
	}
	if c.Op == ipam.Clear {
		return nil
	}
	if other := f.view().firstWithin(c.To); other != nil {
		return &StateError{other.Place, "already allocated where the block would go: release or move it first"}
	}
	for _, e := range all {
		moved := &entry{Allocation: e.Allocation, since: at}
		moved.Space = unique.Make(c.To.Space).Value()
		var ok bool
		if moved.Block, ok = e.Block.Shift(c.From.Block, c.To.Block); !ok {
			return fmt.Errorf("%v does not fit %v", c.From, c.To)
		}
		if err := f.add(moved); err != nil {
			return err
		}
	}
	return nil
}

// add makes e live (BOOK-NEST, BOOK-ONE).
func (f *fold) add(e *entry) error {
	v := f.view()
	if old := v.at(e.Place); old != nil {
		return taken(old)
	}
	up, crossed := v.parent(e.Place)
	if crossed != nil {
		return crossing(e.Place, crossed.Place)
	}
	outer := v.pool(ipam.Place{Space: e.Space, Block: up})
	e.up = up
	mine := &pool{Place: e.Place}
	if outer.taken.Overlaps(e.Block) {
		// Some of the outer block's children become children of e.
		var inner []*entry
		for c := range v.children(ipam.Place{Space: e.Space, Block: up}, e.Block) {
			if !e.Block.Contains(c.Block) {
				return crossing(e.Place, c.Place)
			}
			inner = append(inner, c)
		}
		for _, c := range inner {
			lower := *c
			lower.up = e.Block
			f.insert("live", &lower)
			f.point(&lower, func(cur *entry) bool { return cur == c })
			outer.taken = must(outer.taken.Without(c.Block))
			mine.taken = must(mine.taken.With(c.Block))
		}
		f.keepPool(mine)
	}
	outer.taken = must(outer.taken.With(e.Block))
	f.keepPool(outer)
	f.insert("live", e)
	// Where a piece of e is one of an inner block too, the inner one stays.
	f.point(e, func(cur *entry) bool { return cur == nil || !e.Block.Contains(cur.Block) })
	return nil
}

// drop takes a live entry away; its children become those of the block around.
func (f *fold) drop(e *entry) {
	v := f.view()
	outer := v.pool(ipam.Place{Space: e.Space, Block: e.up})
	outer.taken = must(outer.taken.Without(e.Block))
	var inner []*entry
	for c := range v.children(e.Place, e.Block) {
		inner = append(inner, c)
	}
	above := v.at(ipam.Place{Space: e.Space, Block: e.up})
	for _, c := range inner {
		higher := *c
		higher.up = e.up
		f.insert("live", &higher)
		f.point(&higher, func(cur *entry) bool { return cur == c })
		outer.taken = must(outer.taken.With(c.Block))
	}
	if v.hasPool(e.Place) {
		f.dropPool(e.Place)
	}
	empty := !outer.taken.Overlaps(e.up)
	if !e.up.IsValid() {
		empty = len(inner) == 0 && !f.view().otherIn(e)
	}
	if empty { // e was the last in it
		f.dropPool(outer.Place)
	} else {
		f.keepPool(outer)
	}
	f.delete("live", e)
	f.unpoint(e, above)
}

// close moves a live entry into the past.
func (f *fold) close(e *entry, at Moment) {
	if e.since.Revision == at.Revision {
		return // it lived within one event: nobody ever saw it
	}
	f.insert("past", &Version{Allocation: e.Allocation, Since: e.since, Until: at})
}

// point makes the look-ups of e's pieces lead to e where replaces agrees. A
// piece of a range can be one of an inner block too; the table then leads to
// the innermost. (A piece is a largest prefix in its block, so it is one in
// each block between, and there is no need to look further than one level.)
func (f *fold) point(e *entry, replaces func(cur *entry) bool) {
	t := f.tops[e.Space]
	if t == nil {
		t = &bart.Table[*entry]{}
	}
	for _, p := range e.Block.Prefixes() {
		cur, ok := t.Get(p)
		if !ok {
			cur = nil
		}
		switch {
		case !replaces(cur):
		case f.alone:
			t.Insert(p, e)
		default:
			t = t.InsertPersist(p, e)
		}
	}
	f.tops[e.Space] = t
}

// unpoint takes e out of the look-ups; above is the block around it, nil for none.
func (f *fold) unpoint(e, above *entry) {
	t := f.tops[e.Space]
	for _, p := range e.Block.Prefixes() {
		if cur, ok := t.Get(p); !ok || cur != e {
			continue
		}
		keep := above != nil && isPiece(p, above.Block)
		switch {
		case keep && f.alone:
			t.Insert(p, above)
		case keep:
			t = t.InsertPersist(p, above)
		case f.alone:
			t.Delete(p)
		default:
			t = t.DeletePersist(p)
		}
	}
	if f.tops[e.Space] = t; t.Size() == 0 {
		delete(f.tops, e.Space)
	}
}

func must(s ipam.Set, err error) ipam.Set {
	if err != nil {
		panic(fmt.Sprintf("the book's pools and its allocations disagree: %v", err)) // a fault of this package
	}
	return s
}

func (f *fold) keepPool(p *pool) {
	if f.pools != nil {
		f.pools[p.Place] = p
	} else {
		f.insert("pool", p)
	}
}

func (f *fold) dropPool(p ipam.Place) {
	if f.pools != nil {
		delete(f.pools, p)
	} else {
		f.delete("pool", &pool{Place: p})
	}
}

// insert and delete cannot fail: the indexes accept each object of their table.
func (f *fold) insert(table string, o any) {
	if err := f.tx.Insert(table, o); err != nil {
		panic(err)
	}
}

func (f *fold) delete(table string, o any) {
	if err := f.tx.Delete(table, o); err != nil {
		panic(err)
	}
}
