package zones

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFreezeEveryFault: each record at fault is named by its own line, however
// many of them make one RRset, and no other record is.
func TestFreezeEveryFault(t *testing.T) {
	tooLong := strings.Repeat("x", 1<<16)
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder(testID)
		b.Add(soaRecord(testID, 1))
		want := map[int]error{}
		last := 1 + rapid.IntRange(0, 12).Draw(t, "records")
		for line := 2; line <= last; line++ {
			r := Record{Owner: MustName("a.x.vn"), Type: TypeTXT, Data: string(rune('a' + line)), From: Provenance{Place: Place{File: "f", Line: line}}}
			switch rapid.IntRange(0, 8).Draw(t, "fault") {
			case 0:
				r.Owner, want[line] = MustName("y.vn"), ErrOutOfZone
			case 1:
				r.Owner, want[line] = MustName("vn"), ErrOutOfZone
			case 2:
				r.Data, want[line] = tooLong, ErrDataLong
			case 3:
				r.Owner, want[line] = Name{}, ErrNameEmpty
			case 4:
				r.Type, r.Data, want[line] = TypeSOA, soaRecord(testID, 1).Data, ErrSOAOwner
			case 5:
				r.Owner, r.Type, r.Data, want[line] = testID.Origin, TypeSOA, soaRecord(testID, Serial(line)).Data, ErrTwoSOA
				if line == 2 { // the first in another form: a duplicate, which collapses
					r.Data = soaRecord(testID, 1).Data
					delete(want, line)
				}
			case 6:
				r.Type, want[line] = TypeANY, nil // an error of no name
			}
			b.Add(r)
		}
		z, err := b.Freeze()
		if (err == nil) != (len(want) == 0) || (z == nil) != (err != nil) {
			t.Fatalf("%v, with %d faults", err, len(want))
		}
		if err == nil {
			return
		}
		said := map[int]error{}
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			var one *RecordError
			if !errors.As(e, &one) || said[one.Record.From.Line] != nil {
				t.Fatalf("%v: not of a record, or said twice", e)
			}
			said[one.Record.From.Line] = one.Err
		}
		for line, e := range want {
			if got := said[line]; got == nil || e != nil && got != e {
				t.Fatalf("line %d: %v, want %v", line, got, e)
			}
		}
		if len(said) != len(want) {
			t.Fatalf("said %v, want %v", said, want)
		}
	})
}

// TestFreezeCNAME: what a file states is held as it is. A CNAME beside other
// data, or two of them, is for the reader and the merger to judge: both must
// be able to show it.
func TestFreezeCNAME(t *testing.T) {
	www := MustName("www.x.vn")
	z := freezeOf(t, testID, 1, []Record{
		{Owner: www, Type: TypeCNAME, Data: MustName("a.x.vn").Wire()},
		{Owner: www, Type: TypeCNAME, Data: MustName("b.x.vn").Wire()},
		{Owner: www, Type: TypeA, Data: "\xc0\x00\x02\x01"},
	})
	if sets := z.At(www); len(sets) != 2 || sets[0].Type() != TypeA || sets[1].Len() != 2 {
		t.Errorf("%v", sets)
	}
}

// TestZoneIsFrozen: nothing that a caller does with what it gave or got
// changes a zone, an RRset or a world.
func TestZoneIsFrozen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := genRecords(testID).Draw(t, "records")
		given := slices.Clone(rs)
		b := NewBuilder(testID)
		b.Add(soaRecord(testID, 1))
		b.Add(rs...)
		if b.Len() != len(rs)+1 {
			t.Fatalf("the builder counts %d of %d", b.Len(), len(rs)+1)
		}
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rs, given) {
			t.Fatal("the records given were changed")
		}
		before, digest := slices.Collect(z.Records()), z.Digest()

		for i := range rs {
			rs[i] = Record{}
		}
		b.Add(Record{Owner: MustName("late.x.vn"), Type: TypeA})
		late, err := b.Freeze()
		if err != nil || late.Equal(z) {
			t.Fatalf("a builder goes on after Freeze: %v", err)
		}
		for s := range z.All() {
			out := s.Records()
			for i := range out {
				out[i].Data = "changed"
			}
			_ = append(z.At(s.Owner()), RRset{})
		}
		z.WithSerial(9)
		if !slices.Equal(before, slices.Collect(z.Records())) || z.Digest() != digest {
			t.Fatal("the zone was changed")
		}

		// The records of a zone make the zone again, singly or by sets.
		again, sets := NewBuilder(testID), NewBuilder(testID)
		again.Add(before...)
		for s := range z.All() {
			sets.AddSet(s)
		}
		x, err1 := again.Freeze()
		y, err2 := sets.Freeze()
		if err1 != nil || err2 != nil || !slices.Equal(slices.Collect(x.Records()), before) || !slices.Equal(slices.Collect(y.Records()), before) {
			t.Fatalf("the zone's records make another: %v, %v", err1, err2)
		}
	})
}

// TestDigestFrames: octets that move over the border of a field, with their
// sum unchanged, make another digest.
func TestDigestFrames(t *testing.T) {
	txt := func(owner string, data ...string) (rs []Record) {
		for _, d := range data {
			rs = append(rs, Record{Owner: MustName(owner), Type: TypeTXT, TTL: 60, Data: d})
		}
		return rs
	}
	seen := map[Digest]int{}
	for i, rs := range [][]Record{
		nil,
		txt("x.vn", ""),
		txt("x.vn", "ab", "c"),
		txt("x.vn", "a", "bc"),
		txt("x.vn", "abc"),
		txt("x.vn", "a", "b", "c"),
		txt("a.x.vn", "bc", "a"),
		append(txt("a.x.vn", "bc"), txt("b.x.vn", "a")...),
		append(txt("a.x.vn", "a"), txt("b.x.vn", "bc")...),
		txt("x.vn", "\x00\x00\x00\x01a", "b"),
		txt("x.vn", "\x00\x00\x00\x01a\x00\x00\x00\x01b"),
		{{Owner: MustName("x.vn"), Type: TypeSPF, TTL: 60, Data: "abc"}},
		{{Owner: MustName("x.vn"), Type: TypeTXT, TTL: 61, Data: "abc"}},
	} {
		d := freezeOf(t, testID, 1, rs).Digest()
		if j, ok := seen[d]; ok {
			t.Errorf("zones %d and %d have one digest", i, j)
		}
		seen[d] = i
		if s := d.String(); len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
			t.Errorf("the digest is written %q", s)
		}
	}
	z := freezeOf(t, testID, 1, nil)
	for _, id := range []ID{{testID.Origin, "internet2"}, {testID.Origin, ""}, {MustName("vn"), Internet}} {
		if freezeOf(t, id, 1, nil).Digest() == z.Digest() {
			t.Errorf("%v has the digest of %v", id, testID)
		}
	}
}

// TestZoneWalks: every walk can be left after any step.
func TestZoneWalks(t *testing.T) {
	z := freezeOf(t, testID, 1, []Record{
		{Owner: MustName("a.x.vn"), Type: TypeA, Data: "1"},
		{Owner: MustName("a.x.vn"), Type: TypeA, Data: "2"},
		{Owner: MustName("b.x.vn"), Type: TypeA, Data: "1"},
	})
	w, err := NewWorld(z, freezeOf(t, ID{testID.Origin, "tslcd"}, 1, nil), freezeOf(t, ID{MustName("y.vn"), Internet}, 1, nil))
	if err != nil {
		t.Fatal(err)
	}
	for stop := 1; stop <= 2; stop++ {
		n := [5]int{}
		for range z.All() {
			if n[0]++; n[0] == stop {
				break
			}
		}
		for range z.Records() {
			if n[1]++; n[1] == stop {
				break
			}
		}
		for range z.Owners() {
			if n[2]++; n[2] == stop {
				break
			}
		}
		for range w.All() {
			if n[3]++; n[3] == stop {
				break
			}
		}
		for range w.In(Internet) {
			if n[4]++; n[4] == stop {
				break
			}
		}
		if n != [5]int{stop, stop, stop, stop, stop} {
			t.Errorf("left after %d: %v", stop, n)
		}
	}
}
