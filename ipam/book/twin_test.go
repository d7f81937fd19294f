package book

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// compare holds every reading of a snapshot against the map.
func (w *twin) compare(t *rapid.T, s *Snapshot, live map[ipam.Place]ipam.Allocation) {
	old := &twin{live: live}
	want := slices.SortedFunc(maps.Values(live), func(a, b ipam.Allocation) int { return a.Compare(b.Place) })
	same(t, "All", slices.Collect(s.All()), want)
	for _, sp := range spaces {
		for _, net := range nets {
			for i := range size {
				a := addrOf(net, i)
				around := old.overlapping(ipam.Place{Space: sp, Block: ipam.BlockOfAddr(a)})
				got, ok := s.Lookup(sp, a)
				if ok != (len(around) > 0) || ok && got.Place != around[len(around)-1] {
					t.Fatalf("Lookup(%s, %v) = %v %v, want the last of %v", sp, a, got.Place, ok, around)
				}
			}
		}
	}
	// Some place, live or not.
	p := old.drawPlace(t)
	same(t, "Within", slices.Collect(s.Within(p)), old.within(p))
	var above, children []ipam.Allocation
	var used []ipam.Block
	for _, q := range old.overlapping(p) {
		switch {
		case q == p:
		case q.Block.Contains(p.Block):
			above = append(above, live[q])
		default:
			used = append(used, q.Block)
			if p.Block.Contains(q.Block) && !slices.ContainsFunc(children, func(c ipam.Allocation) bool { return c.Block.Contains(q.Block) }) {
				children = append(children, live[q])
			}
		}
	}
	if got := s.Used(p); got.Int64() != count(used, p.Block) {
		t.Fatalf("Used(%v) = %v, want %d", p, got, count(used, p.Block))
	}
	same(t, "Above", s.Above(p), above)
	same(t, "Children", slices.Collect(s.Children(p)), children)
	if got, want := slices.Collect(s.Free(p)), ipam.Free(p.Block, used); !slices.Equal(got, want) {
		t.Fatalf("Free(%v) = %v, want %v", p, got, want)
	}
	code, _ := ipam.ParseCode(rapid.SampledFrom([]string{"H08", "H21", "H21.10", "H21.10.05"}).Draw(t, "unit"))
	byPlace := func(a, b ipam.Allocation) int { return a.Compare(b.Place) }
	same(t, "Held", slices.SortedFunc(s.Held(code), byPlace), keep(want, func(a ipam.Allocation) bool { return code.Contains(a.Holder.Code) }))
	name := rapid.SampledFrom([]string{"www", "ww", "mail"}).Draw(t, "name")
	same(t, "Named", slices.SortedFunc(s.Named(name), byPlace), keep(want, func(a ipam.Allocation) bool { return slices.Contains(a.Names, name) }))
}

func keep(list []ipam.Allocation, wanted func(ipam.Allocation) bool) (out []ipam.Allocation) {
	for _, a := range list {
		if wanted(a) {
			out = append(out, a)
		}
	}
	return out
}

func same(t *rapid.T, what string, got, want []ipam.Allocation) {
	t.Helper()
	if !slices.EqualFunc(got, want, ipam.Allocation.Equal) {
		t.Fatalf("%s gives %v\nwant %v", what, places(got), places(want))
	}
}

func places(list []ipam.Allocation) (out []string) {
	for _, a := range list {
		out = append(out, fmt.Sprint(a.Place, " ", said(a)))
	}
	return out
}

// ticking is a clock that gives a second more at each call.
func ticking() func() time.Time {
	at := time.Unix(1_750_000_000, 0)
	return func() time.Time {
		at = at.Add(time.Second)
		return at
	}
}

// count counts the addresses of pool that used has, one by one.
func count(used []ipam.Block, pool ipam.Block) (n int64) {
	for _, net := range nets {
		for i := range size {
			a := addrOf(net, i)
			if pool.ContainsAddr(a) && slices.ContainsFunc(used, func(b ipam.Block) bool { return b.ContainsAddr(a) }) {
				n++
			}
		}
	}
	return n
}

// faults looks at the tables of a snapshot by brute force (BOOK-NEST, BOOK-ONE,
// BOOK-UP, BOOK-TOP).
func faults(s *Snapshot) (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	entries := slices.Collect(s.from(nil))
	around := func(b ipam.Block, space ipam.Space) (inner *entry) { // the smallest larger one
		for _, e := range entries {
			if e.Space == space && e.Block != b && e.Block.Contains(b) && (inner == nil || inner.Block.Contains(e.Block)) {
				inner = e
			}
		}
		return inner
	}
	children := map[ipam.Place][]ipam.Block{}
	pieces := map[ipam.Space]map[netip.Prefix]*entry{}
	for i, e := range entries {
		for _, f := range entries[:i] {
			if e.Place == f.Place || e.Space == f.Space && e.Block.Crosses(f.Block) {
				say("%v beside %v", e.Place, f.Place)
			}
		}
		up := around(e.Block, e.Space)
		if want := (ipam.Block{}); up != nil && e.up != up.Block || up == nil && e.up != want {
			say("%v lies in %v by its entry", e.Place, e.up)
		}
		above := ipam.Place{Space: e.Space, Block: e.up}
		children[above] = append(children[above], e.Block)
		if e.since.Revision == 0 || e.since.Revision > s.Revision() {
			say("%v since revision %d of %d", e.Place, e.since.Revision, s.Revision())
		}
		if pieces[e.Space] == nil {
			pieces[e.Space] = map[netip.Prefix]*entry{}
		}
		for _, p := range e.Block.Prefixes() {
			if old := pieces[e.Space][p]; old == nil || old.Block.Contains(e.Block) {
				pieces[e.Space][p] = e
			}
		}
	}
	pools, err := s.tx.Get("pool", "id_prefix")
	if err != nil {
		return []string{err.Error()}
	}
	n := 0
	for o := pools.Next(); o != nil; o = pools.Next() {
		p := o.(*pool)
		n++
		for _, net := range nets {
			all := ipam.BlockOf(net)
			if got, want := slices.Collect(p.taken.Free(all)), ipam.Free(all, children[p.Place]); !slices.Equal(got, want) {
				say("the pool %v has %v free, its children leave %v", p.Place, got, want)
			}
		}
	}
	if n != len(children) {
		say("%d pools, %d blocks and spaces with something in them", n, len(children))
	}
	if len(s.tops) != len(pieces) {
		say("%d tries for %d spaces", len(s.tops), len(pieces))
	}
	for space, table := range s.tops {
		if table.Size() != len(pieces[space]) {
			say("%d prefixes in the trie of %s, want %d", table.Size(), space, len(pieces[space]))
		}
		for p, e := range table.All() {
			if pieces[space][p] != e {
				say("the trie of %s leads %v to %v", space, p, e.Place)
			}
		}
	}
	return out
}

// drawnClock gives instants that stand still or go back now and then.
func drawnClock(t *rapid.T) func() time.Time {
	steps := rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 0, -1, 5}), 1, 8).Draw(t, "clock")
	at, n := time.Unix(1_750_000_000, 0).UTC(), 0
	return func() time.Time {
		at = at.Add(time.Duration(steps[n%len(steps)]) * time.Second)
		n++
		return at
	}
}

// lasting joins what is the same before and after an event: a block that was
// given back and given again alike, which the twin cannot see.
func lasting(list []Version) (out []Version) {
	for _, v := range list {
		i := slices.IndexFunc(out, func(w Version) bool { return w.Until == v.Since && w.Allocation.Equal(v.Allocation) })
		if i >= 0 {
			out[i].Until = v.Until
		} else {
			out = append(out, v)
		}
	}
	return out
}

func (w *twin) compareHistory(t *rapid.T, s *Snapshot, p ipam.Place) {
	text := func(list []Version) (out []string) {
		for _, v := range list {
			out = append(out, fmt.Sprint(v.Place, " ", said(v.Allocation), " ", v.Since.Revision, v.Since.At.UnixNano(), " ", v.Until.Revision, v.Until.At.UnixNano()))
		}
		slices.Sort(out)
		return out
	}
	got := s.History(p)
	if !slices.IsSortedFunc(got, func(a, b Version) int { return int(a.Since.Revision) - int(b.Since.Revision) }) {
		t.Fatalf("History(%v) is not in order", p)
	}
	if got, want := text(lasting(got)), text(w.history(p)); !slices.Equal(got, want) {
		t.Fatalf("History(%v) = %v\nwant %v", p, got, want)
	}
}

func TestBookAgainstTwin(t *testing.T) {
	for range 4 { // of the usual hundred runs each
		rapid.Check(t, againstTwin)
	}
}

func againstTwin(t *rapid.T) {
	var store journaltest.Store
	ctx := context.Background()
	b, err := Open(ctx, store.Open(), drawnClock(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &twin{live: map[ipam.Place]ipam.Allocation{}, at: []time.Time{{}}}
	w.past = append(w.past, maps.Clone(w.live))
	snapshots := map[uint64]*Snapshot{}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		what := w.step(t, b)
		t.Log(what)
		s := b.Now()
		if s.Revision() != uint64(len(w.past)-1) {
			t.Fatalf("%s: revision %d, want %d", what, s.Revision(), len(w.past)-1)
		}
		snapshots[s.Revision()] = s
		w.compare(t, s, w.live)
		if found := faults(s); len(found) > 0 {
			t.Fatalf("%s: %q", what, found)
		}
	}
	// Snapshots stay as they were.
	for _, rev := range slices.Sorted(maps.Keys(snapshots)) {
		w.compare(t, snapshots[rev], w.past[rev])
	}
	// The journal gives the same book again, in all that Verify compares and more.
	if end, err := b.Verify(ctx); err != nil || end.Revision != b.Now().Revision() {
		t.Fatal(end, err)
	}
	again, err := Open(ctx, store.Open(), ticking())
	if err != nil {
		t.Fatal(err)
	}
	w.compare(t, again.Now(), w.live)
	if found := faults(again.Now()); len(found) > 0 {
		t.Fatalf("read again: %q", found)
	}
	// Any past instant, by both ways.
	rev := rapid.IntRange(0, len(w.past)-1).Draw(t, "look back")
	instant := w.at[rev].Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "later")) * time.Millisecond)
	for rev+1 < len(w.at) && !w.at[rev+1].After(instant) {
		rev++
	}
	s, err := b.At(ctx, instant)
	if err != nil || s.Revision() != uint64(rev) {
		t.Fatalf("At(%v) is revision %d, want %d; %v", instant, s.Revision(), rev, err)
	}
	w.compare(t, s, w.past[rev])
	p := w.drawPlace(t)
	var want []ipam.Allocation
	for _, q := range (&twin{live: w.past[rev]}).overlapping(p) {
		want = append(want, w.past[rev][q])
	}
	same(t, "Snapshot.At", b.Now().At(p, instant), want)
	same(t, "Snapshot.At of the book read again", again.Now().At(p, instant), want)
	w.compareHistory(t, b.Now(), p)
	w.compareHistory(t, again.Now(), p)
	n := 0
	for v := range again.Now().Live() {
		n++
		for rev := int(v.Since.Revision); rev < len(w.past); rev++ {
			if !w.past[rev][v.Place].Equal(v.Allocation) || !v.Since.At.Equal(w.at[v.Since.Revision]) {
				t.Fatalf("Live gives %v since %v; at revision %d stood %s", v.Place, v.Since, rev, said(w.past[rev][v.Place]))
			}
		}
	}
	if n != len(w.live) {
		t.Fatalf("Live gives %d of %d", n, len(w.live))
	}
}
