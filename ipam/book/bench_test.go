package book

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
)

// The book of the benchmarks: a pool cut into slots of one prefix length, of
// every eight the last one free, in the others blocks of several lengths, one
// event each.
type benchBook struct {
	name    string
	pool    ipam.Place
	lengths []int // of the blocks in turn; the first is that of the slots
	n       int
	path    string
}

// slot is prefix number i of the slots.
func (x benchBook) slot(i int) netip.Addr {
	raw, unit := x.pool.Block.First().AsSlice(), x.lengths[0]
	for at, shift := (unit+7)/8-1, (8-unit%8)%8; i > 0; at-- {
		raw[at] |= byte(i << shift)
		i, shift = i>>(8-shift), 0
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// block is that of allocation i; hole an address in a free slot, of the pool alone.
func (x benchBook) block(i int) ipam.Block {
	return ipam.BlockOf(netip.PrefixFrom(x.slot(i+i/7), x.lengths[i%len(x.lengths)]))
}

func (x benchBook) hole(i int) netip.Addr { return x.slot(i/7*8 + 7) }

func (x benchBook) allocation(i int) ipam.Allocation {
	code, _ := ipam.ParseCode(fmt.Sprintf("H21.%02d.%02d", i%97, i%13))
	a := ipam.Allocation{
		Place: ipam.Place{Space: x.pool.Space, Block: x.block(i)}, Status: ipam.Active,
		Holder: ipam.Holder{Code: code, Unit: fmt.Sprint("unit ", i%97)},
		Site:   fmt.Sprint("site ", i%20), System: fmt.Sprint("system ", i%300), Note: fmt.Sprint("line ", i),
	}
	if i%3 == 0 {
		a.Names = []string{fmt.Sprintf("host%d.gialai.gov.vn", i)}
	}
	return a
}

// write makes the journal of the book.
func (x benchBook) write(b *testing.B) {
	b.Helper()
	j, err := bolt.Open(x.path, bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var records [][]byte
	var end ipam.Chain
	flush := func() {
		if err := j.Append(context.Background(), end.Revision-uint64(len(records)), records); err != nil {
			b.Fatal(err)
		}
		records = records[:0]
	}
	for i := -1; i < x.n; i++ {
		a := ipam.Allocation{Place: x.pool, Status: ipam.Active}
		if i >= 0 {
			a = x.allocation(i)
		}
		record, next, err := end.Seal(ipam.Event{
			At: time.Unix(1_750_000_000+int64(i), 0), Verb: ipam.Allocate, Who: "an@gialai.gov.vn", Why: "request of the unit", Document: "123/STTTT",
			Changes: []ipam.Change{add(a)},
		})
		if err != nil {
			b.Fatal(err)
		}
		records, end = append(records, record), next
		if len(records) == ipam.MaxBatch {
			flush()
		}
	}
	flush()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}

func (x benchBook) open(b *testing.B) (*bolt.Journal, *Book) {
	b.Helper()
	l := NewLoader()
	j, err := bolt.Open(x.path, bolt.Options{See: l.See})
	if err != nil {
		b.Fatal(err)
	}
	book, err := l.Open(context.Background(), j, j.End(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	return j, book
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// HOPNHAT_BENCH_LARGE adds a book of a million allocations.
func BenchmarkBook(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if os.Getenv("HOPNHAT_BENCH_LARGE") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		for _, x := range []benchBook{
			{name: "10.0.0.0-8", pool: place(b, "10.0.0.0/8"), lengths: []int{29, 30, 31, 32}, n: n},
			{name: "2001-db8--32", pool: place(b, "2001:db8::/32"), lengths: []int{64, 80, 127, 128}, n: n},
		} {
			b.Run(fmt.Sprintf("%s/%dk", x.name, n/1000), func(b *testing.B) {
				x.path = filepath.Join(b.TempDir(), "book.db")
				x.write(b)
				b.Run("open", x.benchOpen)
				before := heap()
				j, book := x.open(b)
				perAllocation := float64(heap()-before) / float64(n)
				b.Run("lookup", func(b *testing.B) { x.benchLookup(b, book, perAllocation) })
				b.Run("next", func(b *testing.B) { x.benchNext(b, book) })
				if x.pool.Block.Is4() {
					b.Run("allocate", func(b *testing.B) { x.benchAllocate(b, book, 1) })
					b.Run("allocate-64", func(b *testing.B) { x.benchAllocate(b, book, 64) })
				}
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func (x benchBook) benchOpen(b *testing.B) {
	for b.Loop() {
		j, book := x.open(b)
		if book.Now().Revision() != uint64(x.n+1) {
			b.Fatalf("revision %d", book.Now().Revision())
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(x.n)*float64(b.N)/b.Elapsed().Seconds(), "allocations/s")
}

func (x benchBook) benchLookup(b *testing.B, book *Book, perAllocation float64) {
	s := book.Now()
	var asked []netip.Addr
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1 << 12 { // half of them in no block but the pool
		asked = append(asked, x.block(rng.IntN(x.n)).Last(), x.hole(rng.IntN(x.n)))
	}
	ask := func(lookup func(netip.Addr) (ipam.Allocation, bool)) (each float64) {
		const times = 200_000
		start := time.Now()
		for i := range times {
			if _, ok := lookup(asked[i%len(asked)]); !ok {
				b.Fatal(asked[i%len(asked)])
			}
		}
		return float64(time.Since(start)) / times
	}
	// The peers in the same run: how many times the book's time they take.
	ours := ask(func(a netip.Addr) (ipam.Allocation, bool) { return s.Lookup(x.pool.Space, a) })
	memdb, maps := ask(newBitTable(b, s).lookup)/ours, ask(newLengthMaps(s).lookup)/ours
	i := 0
	for b.Loop() {
		if _, ok := s.Lookup(x.pool.Space, asked[i%len(asked)]); !ok {
			b.Fatal(asked[i%len(asked)])
		}
		i++
	}
	b.ReportMetric(perAllocation, "heap-B/allocation")
	b.ReportMetric(memdb, "memdb/ours")
	b.ReportMetric(maps, "maps/ours")
}

func (x benchBook) benchNext(b *testing.B, book *Book) {
	s := book.Now()
	i := 0
	for b.Loop() {
		// One that a hole holds, and one that none holds, by both fits.
		if _, err := s.Next(x.pool, x.lengths[0]-i%2, Fit(i/2%2)); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func (x benchBook) benchAllocate(b *testing.B, book *Book, writers int) {
	ctx := context.Background()
	a := ipam.Allocation{Status: ipam.Active}
	before := book.Now().Revision()
	b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
	allocate := func() {
		if _, err := book.AllocateNext(ctx, by, a, x.pool, x.lengths[1], First); err != nil {
			b.Error(err)
		}
	}
	b.ResetTimer()
	if writers == 1 {
		for range b.N {
			allocate()
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				allocate()
			}
		})
	}
	b.ReportMetric(float64(book.Now().Revision()-before)/b.Elapsed().Seconds(), "allocations/s")
}
