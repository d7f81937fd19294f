package zones

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// slowApply is the obvious Apply: all records of the zone go into a builder
// anew, but for the RRsets that change.
func slowApply(d Delta, a *Zone) (*Zone, error) {
	if a.id != d.ID {
		return nil, fmt.Errorf("%v: %w (%v)", a.id, ErrOtherZone, d.ID)
	}
	changed := map[Key][]Record{}
	take := func(k Key) {
		if _, ok := changed[k]; !ok {
			changed[k] = nil
			for r := range a.Records() {
				if r.Owner == k.Owner && r.Type == k.Type {
					changed[k] = append(changed[k], r)
				}
			}
		}
	}
	for _, r := range d.Removed {
		k := Key{r.Owner, r.Type}
		take(k)
		i := slices.IndexFunc(changed[k], r.Same)
		if i < 0 {
			return nil, &RecordError{r, ErrNotThere}
		}
		changed[k] = slices.Delete(changed[k], i, i+1)
	}
	for _, r := range d.Added {
		k := Key{r.Owner, r.Type}
		take(k)
		if slices.ContainsFunc(changed[k], func(o Record) bool { return o.Data == r.Data }) {
			return nil, &RecordError{r, ErrThere}
		}
		changed[k] = append(changed[k], r)
	}
	b := NewBuilder(a.id)
	for r := range a.Records() {
		if _, ok := changed[Key{r.Owner, r.Type}]; !ok {
			b.Add(r)
		}
	}
	for _, rs := range changed {
		b.Add(rs...)
	}
	return b.Freeze()
}

// slowDiff is the obvious Diff: what the one has and the other lacks.
func slowDiff(a, b *Zone) Delta {
	minus := func(x, y *Zone) (out []Record) {
		have := map[Record]bool{}
		for r := range y.Records() {
			r.From = Provenance{}
			have[r] = true
		}
		for r := range x.Records() {
			bare := r
			if bare.From = (Provenance{}); !have[bare] {
				out = append(out, r)
			}
		}
		return out
	}
	return Delta{ID: b.id, Removed: minus(a, b), Added: minus(b, a)}
}

func sameDelta(x, y Delta) bool {
	return x.ID == y.ID && slices.Equal(x.Removed, y.Removed) && slices.Equal(x.Added, y.Added)
}

// sameZone holds all that a zone says against another with the same records
// that was frozen, where ask are names to look at, there or not.
func sameZone(t interface{ Fatalf(string, ...any) }, z, want *Zone, ask []Name) {
	equal := func(x, y RRset) bool { return x.Equal(y) && slices.Equal(x.Records(), y.Records()) }
	equals := func(x, y []RRset) bool { return slices.EqualFunc(x, y, equal) }
	if !equals(slices.Collect(z.All()), slices.Collect(want.All())) {
		t.Fatalf("the RRsets are %v, want %v", slices.Collect(z.All()), slices.Collect(want.All()))
	}
	if got, w := slices.Collect(z.Records()), slices.Collect(want.Records()); !slices.Equal(got, w) {
		t.Fatalf("the records are %v, want %v", got, w)
	}
	if got, w := slices.Collect(z.Owners()), slices.Collect(want.Owners()); !slices.Equal(got, w) {
		t.Fatalf("the owners are %v, want %v", got, w)
	}
	owners := slices.Collect(want.Owners())
	i := 0
	for n, sets := range z.Names() {
		if n != owners[i] || !equals(sets, want.At(n)) || cap(sets) != len(sets) {
			t.Fatalf("name %d is %v with %v, want %v with %v", i, n, sets, owners[i], want.At(n))
		}
		i++
	}
	for _, n := range append(ask, owners...) {
		if !equals(z.At(n), want.At(n)) {
			t.Fatalf("at %v stand %v, want %v", n, z.At(n), want.At(n))
		}
		for _, k := range []Type{TypeSOA, TypeA, TypeTXT, 65400} {
			x, okX := z.Lookup(n, k)
			y, okY := want.Lookup(n, k)
			if okX != okY || !equal(x, y) {
				t.Fatalf("%v %v is %v %v, want %v %v", n, k, x, okX, y, okY)
			}
		}
	}
	for _, n := range ask {
		var below []Name
		for o := range z.Below(n) {
			below = append(below, o)
		}
		if w := slices.DeleteFunc(slices.Clone(owners), func(o Name) bool { return !o.Within(n) }); !slices.Equal(below, w) {
			t.Fatalf("below %v stand %v, want %v", n, below, w)
		}
	}
	o1, s1, r1 := z.Counts()
	o2, s2, r2 := want.Counts()
	if o1 != o2 || s1 != s2 || r1 != r2 || z.ID() != want.ID() || z.SOA() != want.SOA() || z.Serial() != want.Serial() {
		t.Fatalf("counts %d %d %d, SOA %v; want %d %d %d, %v", o1, s1, r1, z.SOA(), o2, s2, r2, want.SOA())
	}
	if z.Digest() != want.Digest() || !z.Equal(want) || !want.Equal(z) {
		t.Fatalf("the digest is %v, want %v", z.Digest(), want.Digest())
	}
}

// askedNames are all names that genRecords draws, and some that it does not.
func askedNames() []Name {
	names := []Name{Root(), MustName("vn"), MustName("y.vn"), testID.Origin}
	for _, l := range []string{"a", "b", "*", "c\xff", "0", "zz"} {
		n, _ := testID.Origin.Child(l)
		names = append(names, n)
		for _, m := range []string{"a", "b", "*", "c\xff", "0", "zz"} {
			o, _ := n.Child(m)
			names = append(names, o)
		}
	}
	return names
}

// genDelta draws a change of a zone: mostly one that fits, and some that
// remove what is not there, add what is, or what no zone can hold.
func genDelta(z *Zone) *rapid.Generator[Delta] {
	return rapid.Custom(func(t *rapid.T) Delta {
		d := Delta{ID: z.id}
		all := slices.Collect(z.Records())
		for _, r := range rapid.Permutation(all).Draw(t, "order")[:rapid.IntRange(0, len(all)).Draw(t, "removed")] {
			if r.Type == TypeSOA && rapid.IntRange(0, 9).Draw(t, "SOA") > 0 {
				s, _ := ParseSOA(r.Data)
				s.Serial++
				n := r
				n.Data = s.Data()
				d.Added = append(d.Added, n)
			}
			d.Removed = append(d.Removed, r)
		}
		come := genRecords(z.id).Draw(t, "added")
		if rapid.IntRange(0, 3).Draw(t, "fitting") > 0 {
			b := NewBuilder(z.id)
			gone := map[Record]bool{}
			for _, r := range d.Removed {
				gone[r] = true
			}
			have := map[string]bool{}
			for _, r := range all {
				if !gone[r] {
					have[fmt.Sprint(r.Owner, r.Type, r.Data)] = true
				}
			}
			for _, r := range come {
				if k := fmt.Sprint(r.Owner, r.Type, r.Data); !have[k] {
					have[k] = true
					b.Add(r)
				}
			}
			come = b.records
		} else if rapid.Bool().Draw(t, "impossible") {
			bad := Record{Owner: testID.Origin, Type: TypeTXT, Data: "bad", From: Provenance{Place: Place{File: "bad", Line: 1}}}
			switch rapid.IntRange(0, 6).Draw(t, "fault") {
			case 0:
				bad.Owner = MustName("y.vn")
			case 1:
				bad.Owner = Name{}
			case 2:
				bad.Type = TypeOPT
			case 3:
				bad.Owner, bad.Type = MustName("a.x.vn"), TypeSOA
			case 4:
				bad = soaRecord(testID, 99)
			case 5:
				bad.Type, bad.Data = TypeSOA, "broken"
			case 6:
				bad.Data = string(make([]byte, 1<<16))
			}
			come = append(come, bad, bad)[:len(come)+rapid.IntRange(1, 2).Draw(t, "times")]
		}
		d.Added = append(d.Added, come...)
		if rapid.Bool().Draw(t, "shuffled") {
			d.Added = rapid.Permutation(d.Added).Draw(t, "order of the added")
		}
		return d
	})
}

// deltaLaw: change by change a zone is what the slow twin makes of it, or is
// refused in the same words; Diff is its twin too; and no zone on the way
// changes.
func deltaLaw(t *rapid.T) {
	ask := askedNames()
	z := freezeOf(t, testID, 1, genRecords(testID).Draw(t, "records"))
	want := z
	zs, wants := []*Zone{z}, []*Zone{want}
	for range rapid.IntRange(1, 5).Draw(t, "steps") {
		if rapid.IntRange(0, 4).Draw(t, "serial") == 0 {
			s := Serial(rapid.Uint32().Draw(t, "to"))
			b := NewBuilder(want.id)
			for r := range want.Records() {
				if r.Type == TypeSOA {
					soa := want.SOA()
					soa.Serial = s
					r.Data = soa.Data()
				}
				b.Add(r)
			}
			y, err := b.Freeze()
			if err != nil {
				t.Fatal(err)
			}
			z, want = z.WithSerial(s), y
		} else {
			d := genDelta(z).Draw(t, "delta")
			x, err := d.Apply(z)
			y, slow := slowApply(d, want)
			if (err == nil) != (slow == nil) || (x == nil) != (err != nil) || err != nil && err.Error() != slow.Error() {
				t.Fatalf("%v is refused with %v, want %v", d, err, slow)
			}
			if err != nil {
				continue
			}
			z, want = x, y
		}
		zs, wants = append(zs, z), append(wants, want)
	}
	for i := range zs {
		sameZone(t, zs[i], wants[i], ask)
		for j := range zs {
			if d := Diff(zs[i], zs[j]); !sameDelta(d, slowDiff(wants[i], wants[j])) {
				t.Fatalf("from %d to %d: %v, want %v", i, j, d, slowDiff(wants[i], wants[j]))
			}
		}
	}
}

func TestApplyTwin(t *testing.T) { rapid.Check(t, deltaLaw) }
func FuzzApplyTwin(f *testing.F) { f.Fuzz(rapid.MakeFuzz(deltaLaw)) }

// host is the i-th name of a large zone, on one of two levels.
func host(i int) Name {
	n := testID.Origin
	if i%3 == 0 {
		n, _ = n.Child(fmt.Sprintf("s%d", i%7))
	}
	n, _ = n.Child(fmt.Sprintf("h%05d", i))
	return n
}

func hostRecord(i int, data string) Record {
	return Record{Owner: host(i), Type: TypeA, TTL: 300, Data: data, From: Provenance{Place: Place{File: "h", Line: i + 1}}}
}

// randomDelta changes some names of a zone of hosts: adds, alters, removes.
func randomDelta(r *rand.Rand, z *Zone, span, names int) Delta {
	d := Delta{ID: z.id}
	soa, _ := z.Lookup(z.id.Origin, TypeSOA)
	d.Removed = append(d.Removed, soa.Record(0))
	next := z.SOA()
	next.Serial++
	to := soa.Record(0)
	to.Data = next.Data()
	d.Added = append(d.Added, to)
	seen := map[int]bool{}
	for range names {
		i := r.IntN(span)
		if seen[i] {
			continue
		}
		seen[i] = true
		s, ok := z.Lookup(host(i), TypeA)
		if ok {
			d.Removed = append(d.Removed, s.Records()...)
		}
		if !ok || r.IntN(2) == 0 {
			d.Added = append(d.Added, hostRecord(i, fmt.Sprintf("%08x", r.Uint64())[:4]))
		}
	}
	return d
}

// TestApplyLong takes a zone of a thousand names through hundreds of changes,
// small and large, so that lists of changes split, shrink and are frozen anew.
func TestApplyLong(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	var rs []Record
	for i := range 1000 {
		if i%2 == 0 {
			rs = append(rs, hostRecord(i, "1234"))
		}
	}
	z := freezeOf(t, testID, 1, rs)
	model := map[Key][]Record{}
	for s := range z.All() {
		model[s.Key()] = s.Records()
	}
	ask := []Name{testID.Origin, host(0), host(3), host(500), host(501), MustName("s3.x.vn"), MustName("zz.x.vn")}
	frozen, most := 0, 0
	for step := range 400 {
		d := randomDelta(r, z, 1000, []int{1, 1, 2, 3, 40, 400}[r.IntN(6)])
		next, err := d.Apply(z)
		if err != nil {
			t.Fatal(err)
		}
		if next.over.count == 0 {
			frozen++
		}
		most = max(most, next.over.count)
		for k := 1; k < len(next.over.chunks); k++ {
			if c := next.over.chunks[k]; len(c) == 0 || len(c) > chunkFull || next.over.chunks[k-1][0].owner.Compare(c[0].owner) >= 0 {
				t.Fatalf("step %d: chunk %d holds %d changes, or is out of order", step, k, len(c))
			}
		}
		for _, r := range d.Removed {
			delete(model, Key{r.Owner, r.Type})
		}
		for _, r := range d.Added {
			model[Key{r.Owner, r.Type}] = []Record{r}
		}
		if step%10 == 0 || next.over.count == 0 {
			b := NewBuilder(testID)
			for _, rs := range model {
				b.Add(rs...)
			}
			want, err := b.Freeze()
			if err != nil {
				t.Fatal(err)
			}
			sameZone(t, next, want, ask)
			if got := Diff(z, next); !sameDelta(got, slowDiff(z, next)) {
				t.Fatalf("step %d: %v", step, got)
			}
		}
		z = next
	}
	if frozen == 0 || most <= chunkFull {
		t.Errorf("frozen anew %d times, most changes %d: the test misses what it is for", frozen, most)
	}
}

// TestApplyManyRecords: an RRset of thousands of records loses and gains
// thousands at once, and a record is not taken twice.
func TestApplyManyRecords(t *testing.T) {
	record := func(i int) Record {
		return Record{Owner: host(1), Type: TypeTXT, TTL: 60, Data: fmt.Sprintf("%05d", i)}
	}
	var rs []Record
	d := Delta{ID: testID}
	for i := range 20_000 {
		if i < 10_000 {
			rs = append(rs, record(i))
		}
		if i < 5_000 {
			d.Removed = append(d.Removed, record(i))
		}
		if i >= 10_000 {
			d.Added = append(d.Added, record(i))
		}
	}
	z := freezeOf(t, testID, 1, rs)
	got, err := d.Apply(z)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := got.Lookup(host(1), TypeTXT)
	if s.Len() != 15_000 || s.Data(0) != "05000" || s.Data(14_999) != "19999" {
		t.Errorf("%d records, from %q", s.Len(), s.Data(0))
	}
	twice := Delta{ID: testID, Added: append(slices.Clone(d.Added), record(12_345))}
	if _, err := twice.Apply(z); !errors.Is(err, ErrThere) {
		t.Errorf("added twice: %v", err)
	}
}

// TestApplyConcurrently: readers of one zone, and changes of it, side by side.
func TestApplyConcurrently(t *testing.T) {
	var rs []Record
	for i := range 300 {
		rs = append(rs, hostRecord(i, "1234"))
	}
	z := freezeOf(t, testID, 1, rs)
	for range 3 { // the first is frozen, the others are not
		want := z.WithSerial(z.Serial()).Digest()
		var wg sync.WaitGroup
		next := make([]*Zone, 4)
		for g := range next {
			wg.Add(1)
			go func() {
				defer wg.Done()
				n := 0
				for range z.Records() {
					n++
				}
				if _, _, records := z.Counts(); z.Digest() != want || n != records {
					t.Errorf("%d records, digest %v", n, z.Digest())
				}
				y, err := randomDelta(rand.New(rand.NewPCG(uint64(g), 1)), z, 400, 30).Apply(z)
				if err != nil {
					t.Error(err)
				}
				next[g] = y
			}()
		}
		wg.Wait()
		z = next[0]
	}
}

// BenchmarkApply changes one name of a hundred thousand, with the serial.
func BenchmarkApply(b *testing.B) {
	var rs []Record
	for i := range 100_000 {
		rs = append(rs, hostRecord(i, "1234"))
	}
	first := freezeOf(b, testID, 1, rs)
	for name, apply := range map[string]func(Delta, *Zone) (*Zone, error){
		"ours": func(d Delta, z *Zone) (*Zone, error) { return d.Apply(z) }, "slow twin": slowApply,
	} {
		b.Run(name, func(b *testing.B) {
			z := first
			r := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				next, err := apply(randomDelta(r, z, 100_000, 1), z)
				if err != nil {
					b.Fatal(err)
				}
				z = next
			}
		})
	}
}

// BenchmarkFreeze and BenchmarkRead are what a change must not slow down: the
// making and the reading of a frozen zone, and beside it of a changed one.
func BenchmarkFreeze(b *testing.B) {
	var rs []Record
	for i := range 100_000 {
		rs = append(rs, hostRecord(i, "1234"))
	}
	b.ReportAllocs()
	for b.Loop() {
		freezeOf(b, testID, 1, rs)
	}
}

func BenchmarkRead(b *testing.B) {
	var rs []Record
	for i := range 100_000 {
		rs = append(rs, hostRecord(i, "1234"))
	}
	frozen := freezeOf(b, testID, 1, rs)
	changed, err := randomDelta(rand.New(rand.NewPCG(1, 1)), frozen, 100_000, 1000).Apply(frozen)
	if err != nil {
		b.Fatal(err)
	}
	names := make([]Name, 1<<12)
	for i := range names {
		names[i] = host(i * 23)
	}
	for what, z := range map[string]*Zone{"frozen": frozen, "changed": changed} {
		b.Run("At/"+what, func(b *testing.B) {
			i := 0
			for b.Loop() {
				_ = z.At(names[i&(1<<12-1)])
				i++
			}
		})
		b.Run("All/"+what, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for s := range z.All() {
					n += s.Len()
				}
			}
		})
		b.Run("Names/"+what, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for _, sets := range z.Names() {
					n += len(sets)
				}
			}
		})
		b.Run("Diff/"+what, func(b *testing.B) {
			other := z.WithSerial(2)
			for b.Loop() {
				Diff(z, other)
			}
		})
	}
}
