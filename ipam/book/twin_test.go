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

// twin is the slow obvious book: a map, and a copy of it for each revision.
type twin struct {
	live map[ipam.Place]ipam.Allocation
	past []map[ipam.Place]ipam.Allocation // by revision, from 0
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

// The universe of the random operations: two spaces, a /27 and a /123.
var nets = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/27"), netip.MustParsePrefix("2001:db8::/123")}

const size = 32

func addrOf(net netip.Prefix, i int) netip.Addr {
	raw := net.Addr().AsSlice()
	raw[len(raw)-1] += byte(i)
	a, _ := netip.AddrFromSlice(raw)
	return a
}

func blockOf(net netip.Prefix, i, j int) ipam.Block {
	b, err := ipam.NewBlock(addrOf(net, i), addrOf(net, j))
	if err != nil {
		panic(err)
	}
	return b
}

func drawBlock(t *rapid.T, net netip.Prefix) ipam.Block {
	if rapid.IntRange(0, 3).Draw(t, "range") > 0 {
		n := rapid.IntRange(0, 5).Draw(t, "host bits")
		i := rapid.IntRange(0, size>>n-1).Draw(t, "start") << n
		return blockOf(net, i, i+1<<n-1)
	}
	i := rapid.IntRange(0, size-1).Draw(t, "from")
	return blockOf(net, i, rapid.IntRange(i, size-1).Draw(t, "to"))
}

var spaces = []ipam.Space{"a", "ab"}

// drawPlace draws a place, often one that is live.
func (w *twin) drawPlace(t *rapid.T) ipam.Place {
	if live := slices.SortedFunc(maps.Keys(w.live), ipam.Place.Compare); len(live) > 0 && rapid.IntRange(0, 2).Draw(t, "known") > 0 {
		return rapid.SampledFrom(live).Draw(t, "place")
	}
	return ipam.Place{Space: rapid.SampledFrom(spaces).Draw(t, "space"), Block: drawBlock(t, rapid.SampledFrom(nets).Draw(t, "net"))}
}

func drawAllocation(t *rapid.T, p ipam.Place) ipam.Allocation {
	a := ipam.Allocation{Place: p, Status: rapid.SampledFrom([]ipam.Status{ipam.Planned, ipam.Reserved, ipam.Active, ipam.Deprecated}).Draw(t, "status")}
	a.Holder.Code, _ = ipam.ParseCode(rapid.SampledFrom([]string{"H08", "H21.10", "H21.100", "H21.10.05"}).Draw(t, "code"))
	a.Names = rapid.SampledFrom([][]string{nil, {"www"}, {"mail", "www"}, {"ww"}}).Draw(t, "names")
	return a
}

// step does one random operation to both, and tells what it was.
func (w *twin) step(t *rapid.T, b *Book) string {
	ctx, by := context.Background(), By{Who: "an", Why: "test"}
	var err error
	var right bool
	var what string
	p := w.drawPlace(t)
	switch op := rapid.IntRange(0, 8).Draw(t, "op"); op {
	case 0, 1:
		a := drawAllocation(t, p)
		what = fmt.Sprint("allocate ", p)
		_, err = b.Allocate(ctx, by, a)
		if right = w.mayAdd(p); right {
			w.live[p] = a
		}
	case 2:
		a := drawAllocation(t, p)
		bits := p.Block.First().BitLen() - rapid.IntRange(0, 4).Draw(t, "host bits")
		fit := Fit(rapid.IntRange(0, 1).Draw(t, "fit"))
		what = fmt.Sprint("allocate next /", bits, " in ", p)
		want, ok := w.next(p, bits, fit)
		var r Receipt
		r, err = b.AllocateNext(ctx, by, a, p, bits, fit)
		if right = ok; right {
			a.Place = ipam.Place{Space: p.Space, Block: ipam.BlockOf(want)}
			w.live[a.Place] = a
			if err == nil && !r.Allocated()[0].Equal(a) {
				t.Fatalf("%s gave %v, want %v", what, r.Allocated()[0].Place, a.Place)
			}
		}
	case 3:
		a := drawAllocation(t, p)
		what = fmt.Sprint("assign ", p)
		_, err = b.Assign(ctx, by, a)
		old, ok := w.live[p]
		if right = ok && old.Status.CanBecome(a.Status) && !old.Equal(a); right {
			w.live[p] = a
		}
	case 4:
		all := rapid.Bool().Draw(t, "all")
		what = fmt.Sprint("release ", p, " all ", all)
		_, err = b.Release(ctx, by, p, all)
		_, ok := w.live[p]
		inner := w.within(p)
		if right = ok && (all || len(inner) == 1); right {
			for _, a := range inner {
				delete(w.live, a.Place)
			}
		}
	case 5:
		bits := p.Block.First().BitLen() - rapid.IntRange(0, 4).Draw(t, "host bits")
		what = fmt.Sprint("split ", p, " into /", bits)
		_, err = b.Split(ctx, by, p, bits)
		right = w.split(p, bits)
	case 6:
		q := w.drawPlace(t)
		a := drawAllocation(t, p)
		what = fmt.Sprint("merge ", p, " and ", q.Block)
		_, err = b.Merge(ctx, by, p.Space, []ipam.Block{p.Block, q.Block}, a)
		right = w.merge(p, ipam.Place{Space: p.Space, Block: q.Block}, a)
	case 7:
		to := rapid.SampledFrom(spaces).Draw(t, "to space")
		what = fmt.Sprint("move ", p, " to ", to)
		_, err = b.Move(ctx, by, p, to)
		right = w.shift(p, ipam.Place{Space: to, Block: p.Block})
	default:
		to := ipam.Place{Space: rapid.SampledFrom(spaces).Draw(t, "to space")}
		net := nets[0]
		if !p.Block.Is4() {
			net = nets[1]
		}
		n := 0
		for i := range size {
			if p.Block.ContainsAddr(addrOf(net, i)) {
				n++
			}
		}
		i := rapid.IntRange(0, size-n).Draw(t, "to")
		to.Block = blockOf(net, i, i+n-1)
		what = fmt.Sprint("renumber ", p, " to ", to)
		_, err = b.Renumber(ctx, by, p, to)
		right = w.shift(p, to)
	}
	if (err == nil) != right {
		t.Fatalf("%s: %v, want success %v; live %v", what, err, right, w.within(ipam.Place{Space: p.Space, Block: p.Block}))
	}
	if err == nil {
		w.past = append(w.past, maps.Clone(w.live))
	}
	return what
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

func (w *twin) merge(p, q ipam.Place, a ipam.Allocation) bool {
	x, ok := w.live[p]
	y, ok2 := w.live[q]
	joined, err := ipam.Join(p.Block, q.Block)
	if !ok || !ok2 || err != nil || x.Holder != y.Holder || !x.Status.CanBecome(a.Status) || !y.Status.CanBecome(a.Status) {
		return false
	}
	if _, taken := w.live[ipam.Place{Space: p.Space, Block: joined}]; taken {
		return false
	}
	delete(w.live, p)
	delete(w.live, q)
	a.Place = ipam.Place{Space: p.Space, Block: joined}
	w.live[a.Place] = a
	return true
}

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
		out = append(out, fmt.Sprint(a.Place, " ", a.Status, " ", a.Holder, " ", a.Names))
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

func TestBookAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var store journaltest.Store
		ctx := context.Background()
		b, err := Open(ctx, store.Open(), ticking())
		if err != nil {
			t.Fatal(err)
		}
		w := &twin{live: map[ipam.Place]ipam.Allocation{}}
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
		}
		// Snapshots stay as they were.
		for _, rev := range slices.Sorted(maps.Keys(snapshots)) {
			w.compare(t, snapshots[rev], w.past[rev])
		}
		// The journal gives the same book again, in all that Verify compares and more.
		if _, err := b.Verify(ctx); err != nil {
			t.Fatal(err)
		}
		again, err := Open(ctx, store.Open(), ticking())
		if err != nil {
			t.Fatal(err)
		}
		w.compare(t, again.Now(), w.live)
		// Any past instant, by both ways.
		rev := rapid.IntRange(0, len(w.past)-1).Draw(t, "look back")
		instant := time.Unix(1, 0)
		for r, err := range store.Open().Read(ctx, 0) {
			if e, derr := ipam.DecodeEvent(r.Data); err == nil && derr == nil && r.Revision <= uint64(rev) {
				instant = e.At
			}
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
	})
}
