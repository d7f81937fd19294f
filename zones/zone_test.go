package zones

import (
	"cmp"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var testID = ID{MustName("x.vn"), Internet}

func soaRecord(id ID, serial Serial) Record {
	s := SOA{MName: MustName("ns.x.vn"), RName: MustName("hm.x.vn"), Serial: serial, Refresh: 1, Retry: 2, Expire: 3, Minimum: 4}
	return Record{Owner: id.Origin, Type: TypeSOA, TTL: 300, Data: s.Data(), From: Provenance{Place: Place{File: "soa", Line: 1}}}
}

// genRecords draws the records of a zone, few owners, types and data, so that
// RRsets have several records and duplicates; without the SOA.
func genRecords(id ID) *rapid.Generator[[]Record] {
	return rapid.Custom(func(t *rapid.T) []Record {
		n := rapid.IntRange(0, 14).Draw(t, "records")
		rs := make([]Record, n)
		for i := range rs {
			owner := id.Origin
			for range rapid.IntRange(0, 2).Draw(t, "labels") {
				owner, _ = owner.Child(rapid.SampledFrom([]string{"a", "b", "*", "c\xff"}).Draw(t, "label"))
			}
			rs[i] = Record{
				Owner: owner, Type: rapid.SampledFrom([]Type{TypeA, TypeTXT, 65400}).Draw(t, "type"),
				TTL:  rapid.SampledFrom([]uint32{0, 60, 300, MaxTTL, MaxTTL + 1}).Draw(t, "ttl"),
				Data: rapid.SampledFrom([]string{"", "\x01", "\x01\x02", "\x02", "\xff"}).Draw(t, "data"),
				From: Provenance{Place: Place{File: "f", Line: i + 1}},
			}
		}
		return rs
	})
}

func freezeOf(t interface{ Fatal(...any) }, id ID, serial Serial, rs []Record) *Zone {
	b := NewBuilder(id)
	b.Add(rs...)
	b.Add(soaRecord(id, serial))
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// naive is the obvious zone: for each owner and type the set of RDATA with
// the first record that states it, and the lowest TTL.
type naiveSet struct {
	ttl  uint32
	from map[string]int // RDATA -> line of the first record
}

func naive(rs []Record) map[Key]naiveSet {
	m := map[Key]naiveSet{}
	for _, r := range rs {
		k := Key{r.Owner, r.Type}
		s, ok := m[k]
		if !ok {
			s = naiveSet{MaxTTL, map[string]int{}}
		}
		ttl := r.TTL
		if ttl > MaxTTL {
			ttl = 0 // RFC 2181 8
		}
		s.ttl = min(s.ttl, ttl)
		if _, ok := s.from[r.Data]; !ok {
			s.from[r.Data] = r.From.Line
		}
		m[k] = s
	}
	return m
}

// TestZoneTwin holds a frozen zone against the obvious one: its sets, their
// data in canonical order (RFC 4034 6.3) with the line of each, its counts,
// its owners in order, and what Lookup and At find.
func TestZoneTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := genRecords(testID).Draw(t, "records")
		z := freezeOf(t, testID, 7, rs)
		want := naive(append(slices.Clone(rs), soaRecord(testID, 7)))
		keys := slices.SortedFunc(maps.Keys(want), func(a, b Key) int {
			return cmp.Or(compare(a.Owner, b.Owner), cmp.Compare(a.Type, b.Type))
		})
		i, records := 0, 0
		for s := range z.All() {
			if i >= len(keys) || s.Key() != keys[i] {
				t.Fatalf("set %d is %v; want the keys %v", i, s.Key(), keys)
			}
			w := want[keys[i]]
			data := slices.Sorted(maps.Keys(w.from))
			if s.TTL() != w.ttl || s.Len() != len(data) {
				t.Fatalf("%v: TTL %d, %d records; want %d, %d", s.Key(), s.TTL(), s.Len(), w.ttl, len(data))
			}
			for j, d := range data {
				line := w.from[d]
				if keys[i].Type == TypeSOA {
					line = 1
				}
				if s.Data(j) != d || s.From(j).Line != line || !s.Has(d) || s.Record(j).Data != d {
					t.Fatalf("%v: record %d is %q of line %d, want %q of %d", s.Key(), j, s.Data(j), s.From(j).Line, d, line)
				}
				records++
			}
			if s.Has("no such data") {
				t.Fatal("Has finds what is not there")
			}
			got, ok := z.Lookup(s.Owner(), s.Type())
			if !ok || !got.Equal(s) {
				t.Fatalf("Lookup does not find %v", s.Key())
			}
			i++
		}
		owners := map[Name]int{}
		for k := range want {
			owners[k.Owner]++
		}
		ow, sets, recs := z.Counts()
		if i != len(keys) || sets != len(keys) || ow != len(owners) || recs != records {
			t.Fatalf("%d owners, %d sets, %d records; want %d, %d, %d", ow, sets, recs, len(owners), len(keys), records)
		}
		order := slices.Collect(z.Owners())
		if !slices.IsSortedFunc(order, compare) || len(order) != len(owners) {
			t.Fatalf("owners %v", order)
		}
		for n, c := range owners {
			if len(z.At(n)) != c {
				t.Fatalf("%d sets at %v, want %d", len(z.At(n)), n, c)
			}
		}
		if _, ok := z.Lookup(MustName("nobody.x.vn"), TypeA); ok || len(z.At(MustName("nobody.x.vn"))) != 0 {
			t.Fatal("found what is not there")
		}
	})
}

// TestDigest: it depends on the records alone, and on each of them.
func TestDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := genRecords(testID).Draw(t, "records")
		z := freezeOf(t, testID, 7, rs)
		shuffled := slices.Clone(rs)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i := range shuffled {
			shuffled[i].From = Provenance{Place: Place{File: "elsewhere", Line: i}}
		}
		same := freezeOf(t, testID, 7, append(shuffled, rs...)) // duplicates too
		if same.Digest() != z.Digest() || !same.Equal(z) {
			t.Fatal("order, places or duplicates change the digest")
		}
		if len(rs) > 0 {
			changed := slices.Clone(rs)
			i := rapid.IntRange(0, len(rs)-1).Draw(t, "changed")
			changed[i].TTL = 1
			if (freezeOf(t, testID, 7, changed).Digest() == z.Digest()) != equalNaive(naive(rs), naive(changed)) {
				t.Fatal("a TTL does not change the digest")
			}
		}
		other := genRecords(testID).Draw(t, "other")
		y := freezeOf(t, testID, 7, other)
		if (y.Digest() == z.Digest()) != equalNaive(naive(rs), naive(other)) {
			t.Fatalf("digests equal: %v", y.Digest() == z.Digest())
		}
		if freezeOf(t, testID, 8, rs).Digest() == z.Digest() || freezeOf(t, ID{testID.Origin, "tslcd"}, 7, rs).Digest() == z.Digest() {
			t.Fatal("serial or view do not change the digest")
		}
	})
}

func equalNaive(a, b map[Key]naiveSet) bool {
	return maps.EqualFunc(a, b, func(x, y naiveSet) bool {
		return x.ttl == y.ttl && slices.Equal(slices.Sorted(maps.Keys(x.from)), slices.Sorted(maps.Keys(y.from)))
	})
}

// TestFreezeErrors: every record at fault is named, and there is no zone.
func TestFreezeErrors(t *testing.T) {
	at := func(line int) Provenance { return Provenance{Place: Place{File: "x.zone", Line: line, Column: 1}} }
	b := NewBuilder(testID)
	b.Add(
		soaRecord(testID, 1), soaRecord(testID, 2),
		Record{Owner: MustName("y.vn"), Type: TypeA, Data: "\x01\x02\x03\x04", From: at(3)},
		Record{Owner: MustName("a.x.vn"), Type: TypeSOA, Data: soaRecord(testID, 1).Data, From: at(4)},
		Record{Owner: MustName("b.x.vn"), Type: TypeOPT, From: at(5)},
		Record{Owner: MustName("c.x.vn"), Type: TypeTXT, Data: strings.Repeat("x", 65536), From: at(6)},
		Record{Type: TypeA, From: at(7)},
	)
	z, err := b.Freeze()
	for _, want := range []error{ErrTwoSOA, ErrOutOfZone, ErrSOAOwner, ErrDataLong, ErrNameEmpty} {
		if !errors.Is(err, want) {
			t.Errorf("no word of %q", want)
		}
	}
	for _, want := range []string{"x.zone:3:1: y.vn. A: ", "x.zone:4:1: a.x.vn. SOA: ", "x.zone:5:1: b.x.vn. OPT: ", "x.zone:6:1: c.x.vn. TXT: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nsays nothing of %q", err, want)
		}
	}
	var one *RecordError
	if z != nil || !errors.As(err, &one) {
		t.Errorf("a zone %v, and %v", z, err)
	}
	if _, err := NewBuilder(testID).Freeze(); !errors.Is(err, ErrNoSOA) {
		t.Errorf("without an SOA: %v", err)
	}
	broken := NewBuilder(testID)
	r := soaRecord(testID, 1)
	r.Data = r.Data[:len(r.Data)-1]
	broken.Add(r)
	if _, err := broken.Freeze(); !errors.Is(err, ErrSOA) {
		t.Errorf("a broken SOA: %v", err)
	}
}

func TestNewRRset(t *testing.T) {
	a := Record{Owner: MustName("a.vn"), Type: TypeA, TTL: 300, Data: "\x01\x02\x03\x04"}
	if _, err := NewRRset(); !errors.Is(err, ErrRRsetEmpty) {
		t.Error(err)
	}
	for _, b := range []Record{{Owner: MustName("b.vn"), Type: TypeA}, {Owner: a.Owner, Type: TypeAAAA}} {
		if _, err := NewRRset(a, b); !errors.Is(err, ErrRRsetMixed) {
			t.Errorf("%v: %v", b, err)
		}
	}
	b := a
	b.Data, b.TTL = "\x01\x02\x03\x03", 60
	s, err := NewRRset(a, b, a)
	if err != nil || s.Len() != 2 || s.TTL() != 60 || s.Data(0) != b.Data || s.Key().String() != "a.vn A" {
		t.Errorf("%v, %v", s, err)
	}
	if !s.SameData(s) || s.Equal(RRset{}) || !(RRset{}).IsZero() || s.IsZero() {
		t.Error("equality")
	}
	long, _ := NewRRset(a)
	if s.SameData(long) {
		t.Error("one record is the same as two")
	}
	d := a
	d.TTL = 1
	short, _ := NewRRset(d)
	if long.Equal(short) || !long.SameData(short) {
		t.Error("the TTL belongs to Equal and not to SameData")
	}
}

func TestWithSerial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := genRecords(testID).Draw(t, "records")
		z := freezeOf(t, testID, 7, rs)
		to := Serial(rapid.Uint32().Draw(t, "serial"))
		y, want := z.WithSerial(to), freezeOf(t, testID, to, rs)
		if !y.Equal(want) || y.Serial() != to || z.Serial() != 7 || !z.Equal(freezeOf(t, testID, 7, rs)) {
			t.Fatalf("serial %d: %v; the old zone has %d", to, y.Equal(want), z.Serial())
		}
		got, _ := y.Lookup(testID.Origin, TypeSOA)
		if s, err := ParseSOA(got.Data(0)); err != nil || s != y.SOA() || got.From(0) != soaRecord(testID, 7).From {
			t.Fatalf("%v, %v", s, err)
		}
	})
}

// TestDelta: Diff and Apply are one (DELTA); a delta holds no record that is
// in both; the way back undoes it.
func TestDelta(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := freezeOf(t, testID, Serial(rapid.IntRange(1, 2).Draw(t, "serial a")), genRecords(testID).Draw(t, "a"))
		b := freezeOf(t, testID, Serial(rapid.IntRange(1, 2).Draw(t, "serial b")), genRecords(testID).Draw(t, "b"))
		d := Diff(a, b)
		got, err := d.Apply(a)
		if err != nil || !got.Equal(b) {
			t.Fatalf("Diff(a, b).Apply(a): %v", err)
		}
		if d.Empty() != a.Equal(b) || !Diff(a, a).Empty() {
			t.Fatalf("empty %v, equal %v", d.Empty(), a.Equal(b))
		}
		back := Delta{ID: d.ID, Removed: d.Added, Added: d.Removed}
		if got, err := back.Apply(b); err != nil || !got.Equal(a) {
			t.Fatalf("the way back: %v", err)
		}
		// Each side is exactly what the other lacks, in canonical order.
		minus := func(x, y *Zone) (out []Record) {
			for r := range x.Records() {
				if !slices.ContainsFunc(slices.Collect(y.Records()), r.Same) {
					out = append(out, r)
				}
			}
			return out
		}
		if w := minus(a, b); !slices.EqualFunc(d.Removed, w, Record.Same) {
			t.Fatalf("removed %v, want %v", d.Removed, w)
		}
		if w := minus(b, a); !slices.EqualFunc(d.Added, w, Record.Same) {
			t.Fatalf("added %v, want %v", d.Added, w)
		}
	})
}

func TestDeltaRefuses(t *testing.T) {
	a := Record{Owner: MustName("a.x.vn"), Type: TypeA, TTL: 60, Data: "\x01\x02\x03\x04"}
	z := freezeOf(t, testID, 1, []Record{a})
	other := a
	other.TTL = 61
	for what, c := range map[string]struct {
		d    Delta
		want error
	}{
		"another zone":             {Delta{ID: ID{testID.Origin, "tslcd"}}, ErrOtherZone},
		"not there":                {Delta{ID: testID, Removed: []Record{{Owner: a.Owner, Type: TypeA, TTL: 60, Data: "\x01\x02\x03\x05"}}}, ErrNotThere},
		"there with another TTL":   {Delta{ID: testID, Removed: []Record{other}}, ErrNotThere},
		"removed twice":            {Delta{ID: testID, Removed: []Record{a, a}}, ErrNotThere},
		"there already":            {Delta{ID: testID, Added: []Record{a}}, ErrThere},
		"there, added with a TTL":  {Delta{ID: testID, Added: []Record{other}}, ErrThere},
		"added twice":              {Delta{ID: testID, Removed: []Record{a}, Added: []Record{a, a}}, ErrThere},
		"the SOA alone goes":       {Delta{ID: testID, Removed: []Record{soaRecord(testID, 1)}}, ErrNoSOA},
		"an owner out of the zone": {Delta{ID: testID, Added: []Record{{Owner: MustName("vn"), Type: TypeA}}}, ErrOutOfZone},
	} {
		if got, err := c.d.Apply(z); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNearest holds a world against a walk over all its zones; views never
// meet.
func TestNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := map[ID]bool{}
		var zs []*Zone
		for range rapid.IntRange(0, 6).Draw(t, "zones") {
			id := ID{MustName(rapid.SampledFrom([]string{".", "vn", "x.vn", "a.x.vn", "b.x.vn", "c.a.x.vn"}).Draw(t, "origin")), rapid.SampledFrom([]View{Internet, "tslcd"}).Draw(t, "view")}
			if !seen[id] {
				seen[id] = true
				zs = append(zs, freezeOf(t, id, 1, nil))
			}
		}
		w, err := NewWorld(zs...)
		if err != nil {
			t.Fatal(err)
		}
		n := MustName(rapid.SampledFrom([]string{".", "vn", "com", "x.vn", "z.a.x.vn", "c.a.x.vn", "d.c.a.x.vn", "xx.vn"}).Draw(t, "name"))
		v := rapid.SampledFrom([]View{Internet, "tslcd", "no view"}).Draw(t, "view")
		var want *Zone
		for _, z := range zs {
			if z.View() == v && n.Within(z.Origin()) && (want == nil || z.Origin().Labels() > want.Origin().Labels()) {
				want = z
			}
		}
		if got := w.Nearest(v, n); got != want {
			t.Fatalf("nearest to %v in %v: %v, want %v", n, v, got, want)
		}
		count := 0
		for _, view := range w.Views() {
			for z := range w.In(view) {
				count++
				if z.View() != view || w.Zone(z.ID()) != z {
					t.Fatalf("%v in the view %v", z.ID(), view)
				}
			}
		}
		all := slices.Collect(w.All())
		if count != len(zs) || w.Len() != len(zs) || len(all) != len(zs) || !slices.IsSortedFunc(all, func(a, b *Zone) int { return a.ID().Compare(b.ID()) }) {
			t.Fatalf("%d zones in views, %d in all, %d given", count, len(all), len(zs))
		}
		if len(zs) > 0 {
			if _, err := NewWorld(append(zs, zs[0])...); !errors.Is(err, ErrTwice) {
				t.Fatalf("a zone twice: %v", err)
			}
			y := zs[0].WithSerial(9)
			x := w.With(y)
			if x.Zone(y.ID()) != y || w.Zone(y.ID()) != zs[0] || x.Len() != w.Len() || x.Digest() == w.Digest() {
				t.Fatal("With does not replace, or changes the old world")
			}
		}
	})
	if (World{}).Nearest(Internet, MustName("vn")) != nil || (World{}).Len() != 0 {
		t.Error("the empty world holds something")
	}
}

// TestSerial holds RFC 1982 3.2: its examples for 32 bits, and the laws.
func TestSerial(t *testing.T) {
	for _, c := range []struct {
		a, b Serial
		want bool
	}{
		{1, 2, true},
		{2, 1, false},
		{1, 1, false},
		{0, 1 << 31, false},
		{1 << 31, 0, false},
		{0, 1<<31 - 1, true},
		{1<<32 - 1, 0, true},
		{0, 1<<32 - 1, false},
		{1<<32 - 1, 1<<31 - 2, true},
		{2025081803, 2025082001, true},
	} {
		if c.a.Before(c.b) != c.want {
			t.Errorf("%d before %d: want %v", c.a, c.b, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := Serial(rapid.Uint32().Draw(t, "a")), Serial(rapid.Uint32().Draw(t, "b"))
		if rapid.Bool().Draw(t, "half a turn") {
			b = a + 1<<31
		}
		// RFC 1982 3.2 in its own words, by integers without wrapping.
		i, j := int64(a), int64(b)
		want := i < j && j-i < 1<<31 || i > j && i-j > 1<<31
		if a.Before(b) != want {
			t.Fatalf("%d before %d: want %v", a, b, want)
		}
		if n := a.Next(); !a.Before(n) || n == 0 {
			t.Fatalf("after %d comes %d", a, n)
		}
	})
}

func TestSOA(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint32()
		s := SOA{genName().Draw(t, "m"), genName().Draw(t, "r"), Serial(u.Draw(t, "serial")), u.Draw(t, "refresh"), u.Draw(t, "retry"), u.Draw(t, "expire"), u.Draw(t, "minimum")}
		if got, err := ParseSOA(s.Data()); err != nil || got != s {
			t.Fatalf("%v reads back as %v (%v)", s, got, err)
		}
		if _, err := ParseSOA(s.Data()[:rapid.IntRange(0, len(s.Data())-1).Draw(t, "cut")]); !errors.Is(err, ErrSOA) {
			t.Fatalf("a cut SOA: %v", err)
		}
		if _, err := ParseSOA(s.Data() + "x"); !errors.Is(err, ErrSOA) {
			t.Fatalf("a long SOA: %v", err)
		}
		ttl := u.Draw(t, "ttl")
		if got := s.NegativeTTL(ttl); got > ttl || got > s.Minimum || got != ttl && got != s.Minimum {
			t.Fatalf("negative TTL %d of %d and %d", got, ttl, s.Minimum)
		}
	})
}

func TestType(t *testing.T) {
	for text, want := range map[string]Type{"A": 1, "aaaa": 28, "TYPE65400": 65400, "type1": 1, "TYPE0": 0, "HTTPS": 65} {
		if got, ok := ParseType(text); !ok || got != want {
			t.Errorf("%s is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "TYPE", "TYPE65536", "TYPE-1", "TYPE 1", "NOSUCH", "TYPE01x", "TYPE+1"} {
		if got, ok := ParseType(text); ok {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
	for i := range 1 << 16 {
		if got, ok := ParseType(Type(i).String()); !ok || got != Type(i) {
			t.Errorf("%d prints as %v, which reads as %d", i, Type(i), got)
		}
	}
}

func TestPlace(t *testing.T) {
	for want, p := range map[string]Place{"": {}, "f": {File: "f"}, "f:3": {"f", 3, 0}, "f:3:4": {"f", 3, 4}} {
		if p.String() != want || p.IsZero() != (want == "") {
			t.Errorf("%v prints as %q, want %q", p, p.String(), want)
		}
	}
}
