package proof

import (
	"fmt"
	"net/netip"
	"testing"

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
		case i%1000 == 7 && i < 100_000:
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

func BenchmarkWalk(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := Input{Before: big(b, n, 0), After: big(b, n+n/2, 0)}
			b.ResetTimer()
			for b.Loop() {
				if r := Prove(in, Options{}); !r.Preserved() {
					b.Fatal(r.Faults[0])
				}
			}
		})
	}
}
