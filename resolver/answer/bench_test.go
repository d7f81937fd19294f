package answer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// large makes a zone of n names: hosts with one or two addresses, aliases,
// exchanges, texts, one delegation in twenty, and a wildcard for each thousand.
func large(tb testing.TB, n int) *zones.Zone {
	tb.Helper()
	origin := zones.MustName("lon.vn")
	b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
	add := func(owner zones.Name, typ zones.Type, data string) {
		b.Add(zones.Record{Owner: owner, Type: typ, TTL: 300, Data: data})
	}
	under := func(n zones.Name, l string) zones.Name {
		c, err := n.Child(l)
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	add(origin, zones.TypeSOA, zones.SOA{MName: origin, RName: origin, Serial: 1, Minimum: 60}.Data())
	add(origin, zones.TypeNS, under(origin, "h0000000").Wire())
	add(origin, zones.TypeNS, zones.MustName("ns.ngoai.vn").Wire())
	add(origin, zones.TypeMX, "\x00\x0a"+under(origin, "h0000000").Wire())
	for i := range n {
		name := largeName(i)
		a := string(binary.BigEndian.AppendUint32(nil, 0x0a000000+uint32(i)))
		switch {
		case i%1000 == 999:
			add(under(name, "*"), zones.TypeA, a)
		case i%20 == 13:
			add(name, zones.TypeNS, under(name, "ns").Wire())
			add(under(name, "ns"), zones.TypeA, a)
		case i%10 == 3:
			add(name, zones.TypeCNAME, largeName(i-3).Wire())
		case i%10 == 7:
			add(name, zones.TypeMX, "\x00\x0a"+largeName(i-7).Wire())
			add(name, zones.TypeTXT, "\x06v=spf1")
		case i%2 == 0:
			add(name, zones.TypeAAAA, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00"+a)
			fallthrough
		default:
			add(name, zones.TypeA, a)
		}
	}
	z, err := b.Freeze()
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

func largeName(i int) zones.Name { return zones.MustName(fmt.Sprintf("h%07d.lon.vn", i)) }

// questions asks for names of a large zone: hits, aliases, other types, names
// below delegations and wildcards, and of every seven one that is not there.
func questions(n int) [][]byte {
	r := rand.New(rand.NewPCG(1, 1))
	var out [][]byte
	for k := range 1 << 12 {
		i := r.IntN(n)
		name := largeName(i)
		switch {
		case k%7 == 0:
			name = zones.MustName(fmt.Sprintf("x%07d.lon.vn", i))
		case i%20 == 13 || i%1000 == 999:
			name, _ = name.Child("www")
		}
		typ := zones.TypeA
		if k%5 == 0 {
			typ = zones.TypeAAAA
		}
		q := []byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1}
		q = append(q, name.Wire()...)
		q = append(q, 0, byte(typ), 0, 1)
		out = append(out, append(q, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0))
	}
	return out
}

// BenchmarkAnswer is the hot path.
func BenchmarkAnswer(b *testing.B) {
	const n = 100_000
	w, err := zones.NewWorld(large(b, n))
	if err != nil {
		b.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		b.Fatal(err)
	}
	qs := questions(n)
	b.Run("compiled", func(b *testing.B) { answerAll(b, im, qs) })
}

func answerAll(b *testing.B, im *Image, qs [][]byte) {
	buf := make([]byte, 0, 4096)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		buf = im.Handle(buf[:0], qs[i&(1<<12-1)], udp)
		i++
	}
}

// BenchmarkCompile lays out a zone of a hundred thousand names.
func BenchmarkCompile(b *testing.B) {
	w, err := zones.NewWorld(large(b, 100_000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(w, zones.Internet, Policy{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdate is a dynamic update of one name of a hundred thousand, in
// all that is done before it is answered from: the zone, the image, the deltas
// for secondaries. It states the median and the worst of them all, with what
// is tidied up now and then; and beside them the answers of such an image.
func BenchmarkUpdate(b *testing.B) {
	const n = 100_000
	first := large(b, n)
	w, err := zones.NewWorld(first)
	if err != nil {
		b.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("one name", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 1))
		z, im, v := first, im, transfer.Version{Zone: first}
		var took []time.Duration
		anew := 0
		b.ReportAllocs()
		for b.Loop() {
			d := update(r, z, n, 1)
			start := time.Now()
			next, err := d.Apply(z)
			if err != nil {
				b.Fatal(err)
			}
			after, err := im.Apply(next, d)
			if errors.Is(err, ErrCompileAnew) {
				anew++
				after, err = Compile(w.With(next), zones.Internet, Policy{})
			}
			if err != nil {
				b.Fatal(err)
			}
			z, im, v = next, after, v.Step(d, next, 1_000_000)
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "µs/median")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "µs/p99")
		b.ReportMetric(float64(took[len(took)-1].Nanoseconds())/1e3, "µs/worst")
		b.ReportMetric(float64(anew), "compiled-anew")
		if len(v.Deltas) == 0 {
			b.Fatal("no delta was kept")
		}
	})
	r := rand.New(rand.NewPCG(2, 2))
	d := update(r, first, n, 500)
	next, err := d.Apply(first)
	if err != nil {
		b.Fatal(err)
	}
	changed, err := im.Apply(next, d)
	if err != nil {
		b.Fatal(err)
	}
	qs := questions(n)
	b.Run("answers after", func(b *testing.B) { answerAll(b, changed, qs) })
}
