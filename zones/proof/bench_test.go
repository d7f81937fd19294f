package proof

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// big makes a world of one zone with n hosts, an alias for every tenth and
// wildcard for every thousandth; every odd-th address is another.
func big(tb testing.TB, n, odd int) zones.World {
	tb.Helper()
	origin := zones.MustName("lon.vn")
	b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
	add := func(owner zones.Name, typ zones.Type, data string) {
		b.Add(zones.Record{Owner: owner, Type: typ, TTL: 300, Data: data})
	}
	add(origin, zones.TypeSOA, zones.SOA{MName: origin, RName: origin, Serial: 1}.Data())
	add(origin, zones.TypeNS, zones.MustName("ns.ngoai.vn").Wire())
	child := func(n zones.Name, l string) zones.Name {
		c, err := n.Child(l)
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	for i := range n {
		host := child(origin, fmt.Sprintf("h%07d", i))
		v := uint32(i)
		if odd > 0 && i%odd == 0 {
			v++
		}
		a := netip.AddrFrom4([4]byte{10, byte(v >> 16), byte(v >> 8), byte(v)}).As4()
		switch {
		case i%10 == 3:
			add(host, zones.TypeCNAME, child(origin, fmt.Sprintf("h%07d", i-3)).Wire())
		case i%1000 == 7 && i < 10_000:
			add(child(host, "*"), zones.TypeA, string(a[:]))
		default:
			add(host, zones.TypeA, string(a[:]))
		}
	}
	z, err := b.Freeze()
	if err != nil {
		tb.Fatal(err)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func BenchmarkPlant(b *testing.B) {
	w := big(b, 100_000, 0)
	b.ResetTimer()
	for b.Loop() {
		plant(w, zones.Internet)
	}
}

// BenchmarkProve is the whole of a proof but for the reading: both trees, and
// the walk; with a renaming and with mixtures too.
func BenchmarkProve(b *testing.B) {
	for _, n := range sizes() {
		in := Input{Before: big(b, n, 0), After: big(b, n+n/2, 0)}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if r := Prove(in, Options{}); !r.Preserved() {
					b.Fatal(r.Faults[0])
				}
			}
		})
		b.Run(fmt.Sprint(n, "-mixture"), func(b *testing.B) {
			for b.Loop() {
				if r := Prove(in, Options{Mixture: true}); !r.Preserved() {
					b.Fatal(r.Faults[0])
				}
			}
		})
	}
}

// BenchmarkEdit gives the time of one edit of a random name, in a world of a
// million names: an address that becomes another, a name that comes and goes.
func BenchmarkEdit(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := Input{Before: big(b, n, 0), After: big(b, n+n/2, 0)}
			s := NewState(in, Options{})
			id := zones.ID{Origin: zones.MustName("lon.vn"), View: zones.Internet}
			r := rand.New(rand.NewPCG(1, 2))
			record := func(l, data string) zones.Record {
				c, err := id.Origin.Child(l)
				if err != nil {
					b.Fatal(err)
				}
				return zones.Record{Owner: c, Type: zones.TypeA, TTL: 300, Data: data}
			}
			var undo *zones.Delta
			var times []time.Duration
			first := true
			for b.Loop() {
				d := zones.Delta{ID: id}
				if undo != nil {
					d, undo = *undo, nil
				} else {
					d.Added = []zones.Record{record(fmt.Sprintf("m%07d", r.IntN(n)), "\x0a\x00\x00\x01")}
					undo = &zones.Delta{ID: id, Removed: d.Added}
				}
				at := time.Now()
				if _, err := s.Edit(d); err != nil {
					b.Fatal(err)
				}
				if !first { // the first makes the index of references
					times = append(times, time.Since(at))
				}
				first = false
			}
			if len(times) > 0 {
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "ns-median/op")
			}
		})
	}
}

// sizes are the sizes of worlds; HOPNHAT_BENCH_LARGE=1 adds a million names.
func sizes() []int {
	if os.Getenv("HOPNHAT_BENCH_LARGE") != "" {
		return []int{10_000, 100_000, 1_000_000}
	}
	return []int{10_000, 100_000}
}
