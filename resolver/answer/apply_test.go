package answer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
)

// plain is a query without EDNS.
func plain(name zones.Name, typ zones.Type) []byte {
	q := append([]byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, name.Wire()...)
	return append(q, byte(typ>>8), byte(typ), 0, 1)
}

// sameAnswers holds an image against another, octet by octet.
func sameAnswers(t interface{ Fatalf(string, ...any) }, im, want *Image, names []zones.Name, types []zones.Type, w zones.World) {
	for _, name := range names {
		for _, typ := range types {
			if x, y := im.Handle(nil, plain(name, typ), tcp), want.Handle(nil, plain(name, typ), tcp); !bytes.Equal(x, y) {
				t.Fatalf("%v %v: %x\nwant %x\nin\n%s", name, typ, x, y, dump(w))
			}
		}
	}
	z1, n1, s1, _ := im.Counts()
	z2, n2, s2, _ := want.Counts()
	if z1 != z2 || n1 != n2 || s1 != s2 {
		t.Fatalf("%d zones, %d names, %d RRsets; want %d, %d, %d", z1, n1, s1, z2, n2, s2)
	}
}

// applyLaw: change by change an image answers as one that is compiled of the
// same world, and as the oracle; and the images before it as they did.
func applyLaw(t *rapid.T) {
	names := everyName(3)
	types := append([]zones.Type{zones.TypeSOA, zones.TypeANY, 65400}, kinds...)
	compile := func(w zones.World) *Image {
		im, err := Compile(w, zones.Internet, Policy{})
		if err != nil {
			t.Fatalf("%v", err)
		}
		return im
	}
	w := randomWorld(t)
	im := compile(w)
	ims, worlds := []*Image{im}, []zones.World{w}
	for range rapid.IntRange(1, 4).Draw(t, "steps") {
		from := len(ims) - 1
		if rapid.IntRange(0, 5).Draw(t, "from an older one") == 0 {
			from = rapid.IntRange(0, from).Draw(t, "which") // it has a follower already
		}
		im, w := ims[from], worlds[from]
		z := rapid.SampledFrom(slices.Collect(w.All())).Draw(t, "zone")
		d := zones.Diff(z, randomZone(t, z.Origin(), z))
		next, err := d.Apply(z)
		if err != nil {
			t.Fatalf("%v", err)
		}
		got, err := im.Apply(next, d)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if rapid.Bool().Draw(t, "folded") {
			got.fold()
		}
		ims, worlds = append(ims, got), append(worlds, w.With(next))
	}
	for i, im := range ims {
		asked := rapid.SliceOfN(rapid.SampledFrom(names), 12, 12).Draw(t, "names")
		for z := range worlds[i].All() {
			asked = slices.AppendSeq(asked, z.Owners())
		}
		sameAnswers(t, im, compile(worlds[i]), asked, types, worlds[i])
		r := oracle.New(worlds[i], zones.Internet)
		for _, name := range asked[:5] {
			for _, typ := range types {
				if d := differs(ask(t, im, name, typ), r.Resolve(name, typ)); d != "" {
					t.Fatalf("%v %v:\n%s\nin\n%s", name, typ, d, dump(worlds[i]))
				}
			}
		}
	}
}

func TestApplyAsCompiled(t *testing.T) { rapid.Check(t, applyLaw) }
func FuzzApplyAsCompiled(f *testing.F) { f.Fuzz(rapid.MakeFuzz(applyLaw)) }

// TestApplyEverywhere makes one change of each kind at each name of the small
// world that has every feature, and takes it back: both ways as compiled.
func TestApplyEverywhere(t *testing.T) {
	w := fixedWorld(t)
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	types := append([]zones.Type{zones.TypeSOA, zones.TypeANY, 65400}, kinds...)
	changes := 0
	for z := range w.All() {
		seen := map[zones.Name]bool{}
		var ask []zones.Name
		for o := range z.Owners() {
			for n := o; n.Within(z.Origin()) && !seen[n]; n, _ = n.Parent() {
				seen[n] = true
				fresh, _ := n.Child("fresh")
				star, _ := n.Child("*")
				below, _ := star.Child("below")
				ask = append(ask, n, fresh, star, below)
			}
		}
		for _, n := range ask {
			for _, typ := range append([]zones.Type{0}, kinds...) {
				d := zones.Delta{ID: z.ID()}
				if s, ok := z.Lookup(n, typ); ok {
					d.Removed = s.Records()
				} else if typ == 0 { // all of the name goes
					for _, s := range z.At(n) {
						if s.Type() != zones.TypeSOA {
							d.Removed = append(d.Removed, s.Records()...)
						}
					}
				} else if typ != zones.TypeCNAME || len(z.At(n)) == 0 {
					host, _ := n.Child("ns1")
					data := map[zones.Type]string{
						zones.TypeA: "\x01\x02\x03\x04", zones.TypeAAAA: strings.Repeat("\x01", 16), zones.TypeTXT: "\x01x",
						zones.TypeMX: "\x00\x0a" + host.Wire(), zones.TypeDS: "\x00\x01\x08\x02\x00",
					}[typ]
					if data == "" {
						data = host.Wire()
					}
					d.Added = []zones.Record{{Owner: n, Type: typ, TTL: 77, Data: data}}
				}
				if d.Empty() {
					continue
				}
				changes++
				next, err := d.Apply(z)
				if err != nil {
					t.Fatal(err)
				}
				got, err := im.Apply(next, d)
				if err != nil {
					t.Fatal(err)
				}
				want, err := Compile(w.With(next), zones.Internet, Policy{})
				if err != nil {
					t.Fatal(err)
				}
				sameAnswers(t, got, want, ask, types, w.With(next))
				back := zones.Delta{ID: d.ID, Removed: d.Added, Added: d.Removed}
				was, err := back.Apply(next)
				if err != nil {
					t.Fatal(err)
				}
				if got, err = got.Apply(was, back); err != nil {
					t.Fatal(err)
				}
				sameAnswers(t, got, im, ask, types, w)
			}
		}
	}
	if changes < 500 {
		t.Errorf("%d changes only", changes)
	}
}

// update is a change of some names of a large zone: hosts that come, go and
// move, aliases, delegations with glue, wildcards, names below names.
func update(r *rand.Rand, z *zones.Zone, span, names int) zones.Delta {
	d := zones.Delta{ID: z.ID()}
	soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	to := soa.Record(0)
	next := z.SOA()
	next.Serial++
	to.Data = next.Data()
	d.Removed, d.Added = soa.Records(), []zones.Record{to}
	seen := map[zones.Name]bool{}
	for range names {
		n := largeName(r.IntN(span))
		if seen[n] {
			continue
		}
		seen[n] = true
		for o, sets := range z.Below(n) {
			if o == n || r.IntN(2) == 0 {
				for _, s := range sets {
					d.Removed = append(d.Removed, s.Records()...)
				}
			} else {
				seen[o] = true // it stays
			}
		}
		add := func(o zones.Name, typ zones.Type, data string) {
			if o == n || !seen[o] {
				d.Added = append(d.Added, zones.Record{Owner: o, Type: typ, TTL: 300, Data: data})
			}
		}
		a := fmt.Sprintf("%08x", r.Uint32())[:4]
		below, _ := n.Child([]string{"ns", "*", "www"}[r.IntN(3)])
		switch r.IntN(7) {
		case 0: // it is gone
		case 1:
			add(n, zones.TypeCNAME, largeName(r.IntN(span)).Wire())
		case 2:
			add(n, zones.TypeNS, below.Wire())
			add(below, zones.TypeA, a)
		case 3:
			add(below, zones.TypeA, a)
		case 4:
			add(n, zones.TypeDNAME, largeName(r.IntN(span)).Wire())
		default:
			add(n, zones.TypeA, a)
		}
	}
	return d
}

// TestApplyLong takes an image of thousands of names through thousands of
// changes, small and large, so that the names that changed are folded in, the
// tables grow, and the image asks to be compiled anew.
func TestApplyLong(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 2))
	const span = 3000
	z := large(t, span/2)
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, folded, grown := 0, 0, 0
	for step := range 6000 {
		d := update(r, z, span, []int{1, 1, 1, 2, 5, 100}[r.IntN(6)])
		if z, err = d.Apply(z); err != nil {
			t.Fatal(err)
		}
		w = w.With(z)
		next, err := im.Apply(z, d)
		switch {
		case errors.Is(err, ErrCompileAnew):
			compiled++
			if next, err = Compile(w, zones.Internet, Policy{}); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		case next.patch.used < im.patch.used:
			folded++
			if len(next.names.slots) > len(im.names.slots) {
				grown++
			}
		}
		im = next
		if step%400 == 0 {
			want, err := Compile(w, zones.Internet, Policy{})
			if err != nil {
				t.Fatal(err)
			}
			var ask []zones.Name
			for range 500 {
				n := largeName(r.IntN(span))
				for _, l := range []string{"ns", "*", "www"} {
					c, _ := n.Child(l)
					ask = append(ask, c)
				}
				ask = append(ask, n)
			}
			sameAnswers(t, im, want, ask, []zones.Type{zones.TypeA, zones.TypeNS, zones.TypeANY}, w)
		}
	}
	if compiled == 0 || folded == 0 || grown == 0 {
		t.Errorf("compiled anew %d times, folded %d times, %d times into a larger table: the test misses what it is for", compiled, folded, grown)
	}
}

// TestApplyRefuses: what does not follow from the image asks for Compile.
func TestApplyRefuses(t *testing.T) {
	z := large(t, 100)
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	d := update(rand.New(rand.NewPCG(1, 1)), z, 100, 1)
	one, err := d.Apply(z)
	if err != nil {
		t.Fatal(err)
	}
	e := update(rand.New(rand.NewPCG(2, 2)), one, 100, 1)
	two, err := e.Apply(one)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Compile(w, "tslcd", Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		im *Image
		z  *zones.Zone
		d  zones.Delta
	}{
		"a step left out":      {im, two, e},
		"a delta of another":   {im, one, zones.Delta{ID: zones.ID{Origin: z.Origin(), View: "tslcd"}}},
		"an image without it":  {other, one, d},
		"a name out of a zone": {im, z, zones.Delta{ID: z.ID(), Removed: []zones.Record{{Owner: zones.MustName("vn"), Type: zones.TypeA}}}},
	} {
		if got, err := c.im.Apply(c.z, c.d); !errors.Is(err, ErrCompileAnew) || got != nil {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	if got, err := im.Apply(z, zones.Delta{ID: z.ID()}); err != nil || got != im {
		t.Errorf("no change: %v", err)
	}
	all := zones.Delta{ID: z.ID()} // a DNAME at the apex hides everything
	big := large(t, 3*fewNames)
	all.Added = []zones.Record{{Owner: z.Origin(), Type: zones.TypeDNAME, TTL: 1, Data: zones.MustName("y.vn").Wire()}}
	hidden, err := all.Apply(big)
	if err != nil {
		t.Fatal(err)
	}
	if im, err = Compile(w.With(big), zones.Internet, Policy{}); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Apply(hidden, all); !errors.Is(err, ErrCompileAnew) {
		t.Errorf("a change of all names: %v", err)
	}
}

// TestApplyBesideReaders: who reads an image is not disturbed by those that
// are made of it, one after another and several of one (IMAGE-FIXED).
func TestApplyBesideReaders(t *testing.T) {
	const n = 500
	z := large(t, n)
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	first, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	qs := questions(n)[:300]
	read := func(im *Image) [][]byte {
		var out [][]byte
		for _, q := range qs {
			out = append(out, im.Handle(nil, q, udp))
		}
		return out
	}
	var wg sync.WaitGroup
	watch := func(im *Image) {
		want := read(im)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 20 {
				if got := read(im); !slices.EqualFunc(got, want, bytes.Equal) {
					t.Error("an image changed its answers")
				}
			}
		}()
	}
	watch(first)
	for g := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(uint64(g), 1))
			im, z := first, z
			for range 200 {
				d := update(r, z, n, 3)
				next, err := d.Apply(z)
				if err != nil {
					t.Error(err)
					return
				}
				if im, err = im.Apply(next, d); err != nil {
					t.Error(err)
					return
				}
				z = next
				_ = im.Handle(nil, qs[0], udp)
			}
			want, err := Compile(w.With(z), zones.Internet, Policy{})
			if err != nil || !slices.EqualFunc(read(im), read(want), bytes.Equal) {
				t.Errorf("after 200 changes other answers than compiled (%v)", err)
			}
		}()
	}
	watch(first)
	wg.Wait()
}

// TestApplyNoAlloc: NO-ALLOC holds of an image that changes made.
func TestApplyNoAlloc(t *testing.T) {
	z := large(t, 1000)
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	d := update(rand.New(rand.NewPCG(1, 1)), z, 1000, 200)
	next, err := d.Apply(z)
	if err != nil {
		t.Fatal(err)
	}
	if im, err = im.Apply(next, d); err != nil {
		t.Fatal(err)
	}
	qs := questions(1000)
	buf := make([]byte, 0, 4096)
	i := 0
	if n := testing.AllocsPerRun(1000, func() { buf = im.Handle(buf[:0], qs[i&(1<<12-1)], udp); i++ }); n != 0 {
		t.Errorf("%v allocations a query", n)
	}
}
