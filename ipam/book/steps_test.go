package book

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/ipam"
)

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

// operation is one random request: do asks the book, model the twin.
type operation struct {
	what  string // all that is asked for
	do    func(By) (Receipt, error)
	model func() bool
}

// asked is an operation that succeeded with a key.
type asked struct {
	operation
	key string
	got Receipt
}

// said is all of an allocation that the operations draw, but its place.
func said(a ipam.Allocation) string { return fmt.Sprint(a.Status, " ", a.Holder, " ", a.Names) }

func (w *twin) draw(t *rapid.T, b *Book) operation {
	ctx := context.Background()
	p := w.drawPlace(t)
	a := drawAllocation(t, p)
	bits := p.Block.First().BitLen() - rapid.IntRange(0, 4).Draw(t, "host bits")
	put := func(a ipam.Allocation) bool {
		ok := w.mayAdd(a.Place)
		if ok {
			w.live[a.Place] = a
		}
		return ok
	}
	switch rapid.IntRange(0, 10).Draw(t, "op") {
	case 0, 1:
		return operation{
			fmt.Sprintf("allocate %v: %s", p, said(a)),
			func(by By) (Receipt, error) { return b.Allocate(ctx, by, a) },
			func() bool { return put(a) },
		}
	case 2:
		fit := Fit(rapid.IntRange(0, 1).Draw(t, "fit"))
		return operation{
			fmt.Sprintf("allocate next /%d in %v by fit %d: %s", bits, p, fit, said(a)),
			func(by By) (Receipt, error) { return b.AllocateNext(ctx, by, a, p, bits, fit) },
			func() bool {
				got, ok := w.next(p, bits, fit)
				a := a
				a.Block = ipam.BlockOf(got)
				return ok && put(a)
			},
		}
	case 3:
		return operation{
			fmt.Sprintf("assign %v: %s", p, said(a)),
			func(by By) (Receipt, error) { return b.Assign(ctx, by, a) },
			func() bool {
				old, ok := w.live[p]
				if ok = ok && old.Status.CanBecome(a.Status) && !old.Equal(a); ok {
					w.live[p] = a
				}
				return ok
			},
		}
	case 4:
		all := rapid.Bool().Draw(t, "all")
		return operation{
			fmt.Sprint("release ", p, " all ", all),
			func(by By) (Receipt, error) { return b.Release(ctx, by, p, all) },
			func() bool {
				inner := w.within(p)
				if _, ok := w.live[p]; !ok || !all && len(inner) > 1 {
					return false
				}
				for _, a := range inner {
					delete(w.live, a.Place)
				}
				return true
			},
		}
	case 5:
		return operation{
			fmt.Sprint("split ", p, " into /", bits),
			func(by By) (Receipt, error) { return b.Split(ctx, by, p, bits) },
			func() bool { return w.split(p, bits) },
		}
	case 6:
		blocks := []ipam.Block{p.Block}
		for range rapid.IntRange(1, 2).Draw(t, "others") {
			blocks = append(blocks, w.drawPlace(t).Block)
		}
		return operation{
			fmt.Sprintf("merge %v in %s: %s", ipam.SortedBlocks(blocks), p.Space, said(a)),
			func(by By) (Receipt, error) { return b.Merge(ctx, by, p.Space, blocks, a) },
			func() bool { return w.merge(p.Space, blocks, a) },
		}
	case 7:
		to := rapid.SampledFrom(spaces).Draw(t, "to space")
		return operation{
			fmt.Sprint("move ", p, " to ", to),
			func(by By) (Receipt, error) { return b.Move(ctx, by, p, to) },
			func() bool { return w.shift(p, ipam.Place{Space: to, Block: p.Block}) },
		}
	case 8:
		reserved := a
		reserved.Status = ipam.Reserved
		return operation{
			fmt.Sprintf("reserve %v: %s", p, said(reserved)),
			func(by By) (Receipt, error) { return b.Reserve(ctx, by, a) },
			func() bool { return put(reserved) },
		}
	case 9:
		on := uint64(len(w.past)) - uint64(rapid.SampledFrom([]int{1, 1, 1, 1, 0, 2}).Draw(t, "on"))
		changes := w.drawChanges(t)
		return operation{
			"import" + saidOf(changes),
			func(by By) (Receipt, error) { return b.Import(ctx, by, on, changes) },
			func() bool { return w.plan(on, changes) },
		}
	default:
		to := drawShift(t, p)
		return operation{
			fmt.Sprint("renumber ", p, " to ", to),
			func(by By) (Receipt, error) { return b.Renumber(ctx, by, p, to) },
			func() bool { return w.shift(p, to) },
		}
	}
}

// saidOf leaves the order out, and the revision: a plan is the same without.
func saidOf(changes []ipam.Change) string {
	var lines []string
	for _, c := range changes {
		if c.Op == ipam.Drop {
			lines = append(lines, fmt.Sprint(" drop ", c.From))
		} else {
			lines = append(lines, fmt.Sprint(" put ", c.Op, c.Allocation.Place, ": ", said(c.Allocation)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, ";")
}

func (w *twin) drawChanges(t *rapid.T) (out []ipam.Change) {
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		p := w.drawPlace(t)
		c := ipam.Change{Op: rapid.SampledFrom([]ipam.Op{ipam.Drop, ipam.Alter, ipam.Add}).Draw(t, "op of change")}
		if c.Op == ipam.Drop {
			c.From = p
		} else {
			c.Allocation = drawAllocation(t, p)
		}
		out = append(out, c)
	}
	return out
}

// drawShift draws a place of p's size.
func drawShift(t *rapid.T, p ipam.Place) ipam.Place {
	net, n := nets[0], 0
	if !p.Block.Is4() {
		net = nets[1]
	}
	for i := range size {
		if p.Block.ContainsAddr(addrOf(net, i)) {
			n++
		}
	}
	i := rapid.IntRange(0, size-n).Draw(t, "to")
	return ipam.Place{Space: rapid.SampledFrom(spaces).Draw(t, "to space"), Block: blockOf(net, i, i+n-1)}
}

// step does one random request to both, and tells what it was.
func (w *twin) step(t *rapid.T, b *Book) string {
	if len(w.keys) > 0 && rapid.IntRange(0, 9).Draw(t, "repeat") == 0 {
		return w.repeat(t, b)
	}
	op, by := w.draw(t, b), By{Who: "an", Why: "test"}
	if rapid.IntRange(0, 3).Draw(t, "keyed") == 0 {
		by.Key = fmt.Sprint("key ", len(w.past))
	}
	before := maps.Clone(w.live)
	right := op.model()
	r, err := op.do(by)
	if (err == nil) != right {
		t.Fatalf("%s: %v, want success %v; live %v", op.what, err, right, slices.Collect(maps.Keys(before)))
	}
	if !right {
		return op.what
	}
	w.past, w.at = append(w.past, maps.Clone(w.live)), append(w.at, r.At)
	if r.Revision != uint64(len(w.past)-1) || r.Repeated || len(r.Changes) == 0 {
		t.Fatalf("%s: receipt %+v", op.what, r)
	}
	for _, a := range r.Allocated() {
		if !w.live[a.Place].Equal(a) {
			t.Fatalf("%s: the receipt says %+v, the twin %+v", op.what, a, w.live[a.Place])
		}
	}
	if by.Key != "" {
		w.keys = append(w.keys, asked{op, by.Key, r})
	}
	return op.what
}

// repeat asks once more with a key that was used (BOOK-KEY).
func (w *twin) repeat(t *rapid.T, b *Book) string {
	old := rapid.SampledFrom(w.keys).Draw(t, "key")
	by := By{Who: "an", Why: "test", Key: old.key}
	op, same := old.operation, rapid.IntRange(0, 2).Draw(t, "same") > 0
	if !same && rapid.Bool().Draw(t, "other person") {
		by.Who = "binh"
	} else if !same {
		op = w.draw(t, b)
		same = op.what == old.what
	}
	r, err := op.do(by)
	switch {
	case !same && err == nil:
		t.Fatalf("%s of %q was used again for %s: %+v", old.key, old.what, op.what, r)
	case same && (err != nil || !r.Repeated || r.Moment != old.got.Moment || !slices.EqualFunc(r.Changes, old.got.Changes, sameChange)):
		t.Fatalf("%s again: %+v, %v; want %+v", old.what, r, err, old.got)
	}
	return "again: " + op.what
}
