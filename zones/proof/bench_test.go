package proof

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
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

// merged makes two worlds of a merger: cu.example and moi.example of n/2 names
// each, and after it those of cu.example in moi.example too.
func merged(tb testing.TB, n int) Input {
	tb.Helper()
	zone := func(origin string, tags string) *zones.Zone {
		o := zones.MustName(origin)
		b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
		add := func(owner zones.Name, typ zones.Type, data string) {
			b.Add(zones.Record{Owner: owner, Type: typ, TTL: 300, Data: data})
		}
		child := func(tag rune, i int) zones.Name {
			c, err := o.Child(fmt.Sprintf("%c%07d", tag, i))
			if err != nil {
				tb.Fatal(err)
			}
			return c
		}
		add(o, zones.TypeSOA, zones.SOA{MName: o, RName: o, Serial: 1}.Data())
		add(o, zones.TypeNS, zones.MustName("ns.ngoai.vn").Wire())
		for _, tag := range tags {
			for i := range n / 2 {
				a := netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)}).As4()
				switch i % 10 {
				case 3:
					add(child(tag, i), zones.TypeCNAME, child(tag, i-3).Wire())
				case 7:
					add(child(tag, i), zones.TypeMX, "\x00\x0a"+child(tag, i-7).Wire())
				default:
					add(child(tag, i), zones.TypeA, string(a[:]))
				}
			}
		}
		z, err := b.Freeze()
		if err != nil {
			tb.Fatal(err)
		}
		return z
	}
	world := func(zs ...*zones.Zone) zones.World {
		w, err := zones.NewWorld(zs...)
		if err != nil {
			tb.Fatal(err)
		}
		return w
	}
	cu := zone("cu.example", "c")
	in := Input{Before: world(cu, zone("moi.example", "m")), After: world(cu, zone("moi.example", "mc"))}
	in.Mapping.Rules = []mapping.Rule{{From: mapping.Pattern{Name: zones.MustName("cu.example")}, Subtree: true, To: []mapping.Pattern{{Name: zones.MustName("moi.example")}}}}
	return in
}

// BenchmarkMerged is the whole of a proof of a merger but for the reading:
// continuity, carry-over, mixtures; walk leaves the planting of the trees out.
func BenchmarkMerged(b *testing.B) {
	for _, n := range sizes() {
		in := merged(b, n)
		o := Options{Mixture: true}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if r := Prove(in, o); !r.Preserved() {
					b.Fatal(r.Faults[0])
				}
			}
		})
		b.Run(fmt.Sprint(n, "/walk"), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWalker(in, Options{Workers: runtime.GOMAXPROCS(0), Limit: defaultLimit, Mixture: true}, zones.Internet)
				b.StartTimer()
				w.total(w.all(0))
			}
		})
	}
}

// BenchmarkEdit gives the median time of random edits of each operator, each
// undone by the next. The first edit, which makes the index of references, is
// not counted. Edits at the apex and of DNAMEs prove more, the last three
// everything.
func BenchmarkEdit(b *testing.B) {
	for _, n := range sizes() {
		in := merged(b, n)
		s := NewState(in, Options{Mixture: true})
		id := zones.ID{Origin: zones.MustName("moi.example"), View: zones.Internet}
		r := rand.New(rand.NewPCG(1, 2))
		z := in.After.Zone(id)
		name := func(l string) zones.Name {
			c, err := id.Origin.Child(l)
			if err != nil {
				b.Fatal(err)
			}
			return c
		}
		old := func(kind int) zones.Name { return name(fmt.Sprintf("m%07d", r.IntN(n/20)*10+kind)) }
		fresh := func() zones.Name { return name(fmt.Sprintf("x%07d", r.IntN(n))) }
		rec := func(o zones.Name, t zones.Type, data string) zones.Record {
			return zones.Record{Owner: o, Type: t, TTL: 300, Data: data}
		}
		change := func(o zones.Name, t zones.Type, data string) zones.Delta {
			set, ok := z.Lookup(o, t)
			if !ok {
				b.Fatal(o, t)
			}
			return zones.Delta{ID: id, Removed: set.Records(), Added: []zones.Record{rec(o, t, data)}}
		}
		add := func(rs ...zones.Record) zones.Delta { return zones.Delta{ID: id, Added: rs} }
		for _, op := range []struct {
			name string
			edit func() zones.Delta
		}{
			{"add a name", func() zones.Delta { return add(rec(fresh(), zones.TypeA, "\xc6\x00\x00\x01")) }},
			{"alter an address", func() zones.Delta { return change(old(0), zones.TypeA, "\xc6\xff\xff\xff") }},
			{"delete a name", func() zones.Delta {
				o := old(1)
				set, _ := z.Lookup(o, zones.TypeA)
				return zones.Delta{ID: id, Removed: set.Records()}
			}},
			{"delete a target", func() zones.Delta {
				o := old(0)
				set, _ := z.Lookup(o, zones.TypeA)
				return zones.Delta{ID: id, Removed: set.Records()}
			}},
			{"retarget an alias", func() zones.Delta { return change(old(3), zones.TypeCNAME, old(1).Wire()) }},
			{"add an exchange", func() zones.Delta { return add(rec(old(2), zones.TypeMX, "\x00\x0a"+old(4).Wire())) }},
			{"add a name below", func() zones.Delta {
				c, err := old(5).Child("b")
				if err != nil {
					b.Fatal(err)
				}
				return add(rec(c, zones.TypeA, "\xc6\x00\x00\x02"))
			}},
			{"add a wildcard", func() zones.Delta {
				c, err := old(5).Child("*")
				if err != nil {
					b.Fatal(err)
				}
				return add(rec(c, zones.TypeA, "\xc6\x00\x00\x02"))
			}},
			{"add a delegation", func() zones.Delta { return add(rec(fresh(), zones.TypeNS, zones.MustName("ns.ngoai.vn").Wire())) }},
			{"apex: a wildcard", func() zones.Delta { return add(rec(name("*"), zones.TypeA, "\xc6\x00\x00\x02")) }},
			{"apex: NS", func() zones.Delta { return add(rec(id.Origin, zones.TypeNS, zones.MustName("ns2.ngoai.vn").Wire())) }},
			{"add a DNAME", func() zones.Delta { return add(rec(fresh(), zones.TypeDNAME, zones.MustName("ngoai.vn").Wire())) }},
		} {
			b.Run(fmt.Sprint(n, "/", op.name), func(b *testing.B) {
				var times []time.Duration
				if _, err := s.Edit(zones.Delta{ID: id}); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					d := op.edit()
					for _, d := range []zones.Delta{d, {ID: id, Removed: d.Added, Added: d.Removed}} {
						at := time.Now()
						if _, err := s.Edit(d); err != nil {
							b.Fatal(err)
						}
						times = append(times, time.Since(at))
					}
				}
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-median/edit")
			})
		}
	}
}

// sizes are the sizes of worlds; HOPNHAT_BENCH_LARGE=1 adds a million names.
func sizes() []int {
	if os.Getenv("HOPNHAT_BENCH_LARGE") != "" {
		return []int{10_000, 100_000, 1_000_000}
	}
	return []int{10_000, 100_000}
}
