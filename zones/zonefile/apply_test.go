package zonefile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
)

// delta makes one of lines "- record" and "+ record".
func delta(t testing.TB, lines ...string) zones.Delta {
	d := zones.Delta{ID: zones.ID{Origin: gialai, View: zones.Internet}}
	for _, l := range lines {
		r := rr(t, l[2:])
		if l[0] == '-' {
			d.Removed = append(d.Removed, r)
		} else {
			d.Added = append(d.Added, r)
		}
	}
	slices.SortFunc(d.Removed, zones.Record.Compare)
	slices.SortFunc(d.Added, zones.Record.Compare)
	return d
}

func TestApply(t *testing.T) {
	const block = "; the web\nwww\t60 IN A 192.0.2.1 ; first\n\t60 IN A 192.0.2.2 ; second\n\n; mail\nmail\t60 IN A 192.0.2.3\n"
	for _, c := range []struct {
		name, in string
		delta    []string
		want     string
	}{
		{"a new value keeps its line", soa + block, []string{"- www 60 A 192.0.2.2", "+ www 60 A 192.0.2.9"}, soa + strings.Replace(block, "192.0.2.2", "192.0.2.9", 1)},
		{"all of an RRset, and its owner's line", soa + block, []string{"- www 60 A 192.0.2.1", "- www 60 A 192.0.2.2"}, soa + "; the web\n\n; mail\nmail\t60 IN A 192.0.2.3\n"},
		{
			"the TTL of all", soa + block,
			[]string{"- www 60 A 192.0.2.1", "- www 60 A 192.0.2.2", "+ www 90 A 192.0.2.1", "+ www 90 A 192.0.2.2"},
			soa + strings.NewReplacer("www\t60", "www\t90", "\t60 IN A 192.0.2.2", "\t90 IN A 192.0.2.2").Replace(block),
		},
		{
			"many at once, with the serial", paddedSOA + block,
			[]string{
				"- @ 3600 SOA ns1 admin 2025010101 7200 3600 1209600 300", "+ @ 3600 SOA ns1 admin 2025010102 7200 3600 1209600 300",
				"- www 60 A 192.0.2.1", "+ www 60 AAAA 2001:db8::1", "+ new 60 A 192.0.2.7", "+ new 60 TXT \"x\"", "- mail 60 A 192.0.2.3", "+ mail 60 A 192.0.2.4",
			},
			strings.Replace(paddedSOA, "01 ;", "02 ;", 1) + "; the web\nwww\t60 IN A 192.0.2.2 ; second\n\t60 IN AAAA 2001:db8::1\n\n; mail\nmail\t60 IN A 192.0.2.4\nnew\t60 IN A 192.0.2.7\nnew\t60 IN TXT \"x\"\n",
		},
		{"two new owners at one place", soa + "a 60 A 192.0.2.1\nd 60 A 192.0.2.4\n", []string{"+ b 60 A 192.0.2.2", "+ c 60 A 192.0.2.3"}, soa + "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3\nd 60 A 192.0.2.4\n"},
		{"behind a missing newline", soa + "a 60 A 192.0.2.1", []string{"+ b 60 A 192.0.2.2", "+ c 60 A 192.0.2.3"}, soa + "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3"},
		{"in the place of the last line, without a newline", soa + "z 60 TXT x", []string{"- z 60 TXT x", "+ b 60 A 192.0.2.2"}, soa + "b 60 A   192.0.2.2\n"},
		{"the lowest TTL goes, the RRset keeps it", soa + "a 60 A 192.0.2.1\na 90 A 192.0.2.2\n", []string{"- a 60 A 192.0.2.1"}, soa + "a 60 A 192.0.2.2\n"},
		{"duplicates", soa + "a 60 A 192.0.2.1\nA 60 A 192.0.2.1\n", []string{"- a 60 A 192.0.2.1", "+ a 60 A 192.0.2.2"}, soa + "a 60 A 192.0.2.2\n"},
		{
			"a $GENERATE of which one record goes and one changes", "$TTL 60\n" + soa + "a TXT x\n$GENERATE 1-4 h$ CNAME x$.y ; hosts\nb TXT x\n",
			[]string{"- h2 60 CNAME x2.y", "- h3 60 CNAME x3.y", "+ h3 90 CNAME z"},
			"$TTL 60\n" + soa + "a TXT x\n; $GENERATE 1-4 h$ CNAME x$.y ; hosts\nh1 IN CNAME x1.y\nh3 90 IN CNAME z\nh4 IN CNAME x4.y\nb TXT x\n",
		},
		{
			"without a $TTL, at the end", soa + "a 60 TXT x\n$GENERATE 1-3 h$ A 192.0.2.$",
			[]string{"- h2 60 A 192.0.2.2", "+ h2 90 A 192.0.2.2", "+ i 60 A 192.0.2.9"},
			soa + "a 60 TXT x\ni 60 A   192.0.2.9\n; $GENERATE 1-3 h$ A 192.0.2.$\nh1 IN A 192.0.2.1\nh2 90 IN A 192.0.2.2\nh3 60 IN A 192.0.2.3\n",
		},
		{"a TTL that others would inherit goes to the end", soa + "a 60 A 192.0.2.1\nc A 192.0.2.3\n", []string{"+ b 90 A 192.0.2.2"}, soa + "a 60 A 192.0.2.1\nc A 192.0.2.3\nb 90 A 192.0.2.2\n"},
		{
			"heirs of several lines that go", soa + "a 60 A 192.0.2.1\n  AAAA 2001:db8::1\n  TXT x\nb 90 A 192.0.2.1\n  AAAA 2001:db8::1\n  TXT x\n",
			[]string{"- a 60 A 192.0.2.1", "- b 90 A 192.0.2.1"},
			soa + "a 60 AAAA 2001:db8::1\n  TXT x\nb 90 AAAA 2001:db8::1\n  TXT x\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, _ := Load(files("z", c.in), "z", Options{Origin: gialai})
			got, err := tree.Apply(delta(t, c.delta...))
			if err != nil {
				t.Fatal(err)
			}
			if b := string(got.Files()[0].Bytes()); b != c.want {
				t.Errorf("got\n%q\nwant\n%q", b, c.want)
			}
		})
	}
}

func TestApplyRefused(t *testing.T) {
	tree, _ := Load(files("z", soa+"a 60 A 192.0.2.1\n$INCLUDE i x\n$INCLUDE i y\n", "i", "$GENERATE 1-2 h$ 60 A 192.0.2.$\n"), "z", Options{Origin: gialai})
	for _, c := range []struct {
		delta []string
		err   error
		text  string
	}{
		{[]string{"- a 60 A 192.0.2.2"}, zones.ErrNotThere, ""},
		{[]string{"- a 60 A 192.0.2.1", "- a 60 A 192.0.2.1"}, zones.ErrNotThere, ""},
		{[]string{"+ a 60 A 192.0.2.1"}, zones.ErrThere, "z:2:1"},
		{[]string{"+ b 60 A 192.0.2.1", "+ b 60 A 192.0.2.1"}, zones.ErrThere, ""},
		{[]string{"+ www.example.net. 60 A 192.0.2.1"}, zones.ErrOutOfZone, ""},
		{[]string{"- h1.x 60 A 192.0.2.1"}, nil, "i:1:1: error: h1.x.gialai.gov.vn. A is made by a $GENERATE"},
		{[]string{"+ @ 60 SOA . . 2 2 3 4 5"}, zones.ErrTwoSOA, ""},
		{[]string{"+ a 60 SOA . . 2 2 3 4 5"}, zones.ErrSOAOwner, ""},
	} {
		if _, err := tree.Apply(delta(t, c.delta...)); err == nil || c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v", c.delta, err)
		}
	}
	z, _ := tree.Zone(zones.Internet)
	set, _ := z.Lookup(gialai, zones.TypeSOA)
	gone := zones.Delta{ID: z.ID(), Removed: set.Records()}
	if _, err := tree.Apply(gone); !errors.Is(err, zones.ErrNoSOA) {
		t.Errorf("%v", err)
	}
	gone.ID.Origin = zones.MustName("example")
	if _, err := tree.Apply(gone); !errors.Is(err, zones.ErrOtherZone) {
		t.Errorf("%v", err)
	}
	if same, err := tree.Apply(zones.Delta{ID: z.ID()}); err != nil || same != tree {
		t.Errorf("%v", err)
	}
}

// randomDelta changes a zone in n places: records go, come, change, RRsets get
// another TTL, the serial goes up.
func randomDelta(t testing.TB, rnd *rand.Rand, z *zones.Zone, n int) zones.Delta {
	var keys []zones.Key
	sets := map[zones.Key][]zones.Record{}
	for s := range z.All() {
		if s.Type() != zones.TypeSOA {
			keys = append(keys, s.Key())
		}
		sets[s.Key()] = s.Records()
	}
	soa := zones.Key{Owner: z.Origin(), Type: zones.TypeSOA}
	data := func(typ zones.Type, i int) (zones.Type, string) {
		switch typ {
		case zones.TypeA:
			return typ, string([]byte{198, 51, 100, byte(i)})
		case zones.TypeAAAA:
			return typ, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + string([]byte{byte(i)})
		}
		return zones.TypeTXT, string([]byte{2, 'n', byte('a' + i%26)})
	}
	for i := range n {
		k := soa
		if len(keys) > 0 {
			k = keys[rnd.IntN(len(keys))]
		}
		rs := sets[k]
		ttl := uint32(rnd.IntN(3)) * 1800
		if len(rs) > 0 && rnd.IntN(3) > 0 {
			ttl = rs[0].TTL
		}
		switch op := rnd.IntN(6); {
		case op == 0 && k != soa && len(rs) > 0:
			sets[k] = slices.Delete(slices.Clone(rs), 0, 1)
		case op == 1 && k != soa:
			sets[k] = nil
		case op == 2 || op == 3: // one more at a known or a new owner
			typ, d := data([]zones.Type{k.Type, zones.TypeA, zones.TypeTXT}[rnd.IntN(3)], i)
			owner := k.Owner
			if op == 3 {
				owner = zones.MustName(fmt.Sprintf("new%d.%s", rnd.IntN(3*n), z.Origin()))
			}
			n := zones.Key{Owner: owner, Type: typ}
			if len(sets[n]) > 0 {
				ttl = sets[n][0].TTL
			} else if _, ok := sets[n]; !ok {
				keys = append(keys, n)
			}
			sets[n] = append(slices.Clone(sets[n]), zones.Record{Owner: owner, Type: typ, TTL: ttl, Data: d})
		case op == 4: // another TTL
			for i := range rs {
				rs[i].TTL = ttl
			}
		default:
			s := z.SOA()
			s.Serial += zones.Serial(i + 1)
			sets[soa] = []zones.Record{{Owner: z.Origin(), Type: zones.TypeSOA, TTL: sets[soa][0].TTL, Data: s.Data()}}
		}
	}
	b := zones.NewBuilder(z.ID())
	for _, rs := range sets {
		b.Add(rs...)
	}
	to, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return zones.Diff(z, to)
}

// others is all of a file that is no record, in order; a directive may have
// become a comment.
func others(f *File) string {
	var b strings.Builder
	for e := range f.Entries() {
		if e.Kind != Record {
			b.WriteString(strings.ReplaceAll(string(f.Bytes()[e.Start:e.End]), "; $", "$")) // one that is written out
		}
	}
	return b.String()
}

// TestApplyRandom: on random files, a random delta gives the zone that it
// gives of the zone (DELTA); comments, blank lines and directives stay, in
// order; records apart from the delta keep their lines but for the words that
// they inherited; and the same comes of it when its records are edited one
// by one.
func TestApplyRandom(t *testing.T) {
	n, alone := 3000, 0
	for seed := range uint64(n) {
		g := randomZone(seed, forUs)
		tree, _ := Load(g.files(), "z", Options{Origin: gialai})
		z, fs := tree.Zone(zones.Internet)
		if z == nil {
			t.Fatal(fs)
		}
		rnd := rand.New(rand.NewPCG(seed, 7))
		d := randomDelta(t, rnd, z, 1+rnd.IntN(1+int(seed%40)))
		want, err := d.Apply(z)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree.Apply(d)
		if err != nil {
			t.Fatalf("seed %d: %v\n%v\n%s", seed, err, d, dump(g))
		}
		is, fs := got.Zone(zones.Internet)
		if is == nil || !is.Equal(want) {
			t.Fatalf("seed %d: %v\n%s", seed, fs, dump(g))
		}
		for i, f := range tree.Files() {
			a, b := others(f), others(got.Files()[i])
			if strings.TrimRight(a, "\r\n") != strings.TrimRight(b, "\r\n") { // a last comment may get its line end
				t.Fatalf("seed %d: lines that are no records changed\n%q\n%q", seed, a, b)
			}
		}
		if p, err := tree.plan(d); err != nil {
			t.Fatal(err)
		} else if one, ok := tree.oneByOne(p); ok {
			alone++
			if twin, _ := one.Zone(zones.Internet); !twin.Equal(want) {
				t.Fatalf("seed %d: one by one another zone", seed)
			}
		}
	}
	if alone < n/2 {
		t.Errorf("only %d of %d could be made one by one", alone, n)
	}
}

// TestNeighbours: the two ways of finding where a new owner goes agree.
func TestNeighbours(t *testing.T) {
	for seed := range uint64(300) {
		tree, _ := Load(randomZone(seed, forUs).files(), "z", Options{Origin: gialai})
		a, b := scannedNeighbours{tree}, &sortedNeighbours{t: tree, lists: map[zones.Type][]int{}}
		for _, owner := range []string{"0new", "new", "www.new", "zzz", "*", "m.so", "\\255"} {
			for _, typ := range []zones.Type{zones.TypeA, zones.TypeMX, zones.TypeTXT, zones.TypeCAA, 65400} {
				r := zones.Record{Owner: zones.MustName(owner + "." + gialai.String()), Type: typ}
				if x, y := a.of(r), b.of(r); x != y {
					t.Fatalf("seed %d: %v %v: %d and %d", seed, r.Owner, typ, x, y)
				}
			}
		}
	}
}

// FuzzApply: a random delta gives the zone that it gives of the zone, whatever
// the file looks like; only in a file that is read twice it may be refused.
func FuzzApply(f *testing.F) {
	seeds(f, func(s string) { f.Add(s, uint64(1), uint8(1)); f.Add(s, uint64(2), uint8(12)) })
	f.Fuzz(func(t *testing.T, b string, seed uint64, n uint8) {
		tree, _ := Load(twoFiles(b), "z", small)
		if tree == nil || tree.Failed() || tree.Len() > 200 {
			return
		}
		z, _ := tree.Zone(zones.Internet)
		if z == nil {
			return
		}
		d := randomDelta(t, rand.New(rand.NewPCG(seed, 1)), z, 1+int(n%32))
		want, err := d.Apply(z)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree.Apply(d)
		if err != nil {
			if !slices.ContainsFunc(tree.uses, func(n int) bool { return n > 1 }) {
				t.Fatalf("%v\n%v", err, d)
			}
			return
		}
		if is, fs := got.Zone(zones.Internet); is == nil || !is.Equal(want) {
			t.Fatalf("another zone: %v", fs)
		}
	})
}

// BenchmarkApply changes a file of 100,000 records: one value, and 1000 of all kinds.
func BenchmarkApply(b *testing.B) {
	tree, fs := Load(fstest.MapFS{"z": &fstest.MapFile{Data: []byte(bigZone(100_000))}}, "z", Options{Origin: gialai})
	if tree.Failed() {
		b.Fatal(fs)
	}
	z, _ := tree.Zone(zones.Internet)
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := randomDelta(b, rand.New(rand.NewPCG(1, 1)), z, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tree.Apply(d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(d.Removed)+len(d.Added)), "records")
		})
	}
}
