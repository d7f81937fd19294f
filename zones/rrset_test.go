package zones

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genRecord draws single records that differ in little.
func genRecord() *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		return Record{
			Owner: MustName(rapid.SampledFrom([]string{"a.vn", "b.vn", "vn"}).Draw(t, "owner")),
			Type:  rapid.SampledFrom([]Type{TypeA, TypeTXT, 65400}).Draw(t, "type"),
			TTL:   rapid.SampledFrom([]uint32{0, 1, MaxTTL, 1<<32 - 1}).Draw(t, "ttl"),
			Data:  rapid.SampledFrom([]string{"", "\x00", "\x01", "\x01\x00", "\xff"}).Draw(t, "data"),
			From:  Provenance{Place: Place{File: "f", Line: rapid.IntRange(1, 9).Draw(t, "line")}},
		}
	})
}

// TestRecordOrder: owner, type, RDATA and TTL, each by number or octets; equal
// means the same record, wherever it comes from.
func TestRecordOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genRecord().Draw(t, "a"), genRecord().Draw(t, "b")
		switch rapid.IntRange(0, 3).Draw(t, "alike") {
		case 0: // but for the TTL
			b.Owner, b.Type, b.Data = a.Owner, a.Type, a.Data
		case 1: // but for TTL and RDATA
			b.Owner, b.Type = a.Owner, a.Type
		}
		want := cmp.Or(compare(a.Owner, b.Owner), cmp.Compare(a.Type, b.Type), bytes.Compare([]byte(a.Data), []byte(b.Data)), cmp.Compare(a.TTL, b.TTL))
		if got := sign(a.Compare(b)); got != want || sign(b.Compare(a)) != -want {
			t.Fatalf("%v against %v: %d, want %d", a, b, got, want)
		}
		if a.Same(b) != (want == 0) {
			t.Fatalf("%v and %v are the same: %v", a, b, a.Same(b))
		}
		k, l := Key{a.Owner, a.Type}, Key{b.Owner, b.Type}
		if got := sign(k.Compare(l)); got != cmp.Or(compare(a.Owner, b.Owner), cmp.Compare(a.Type, b.Type)) {
			t.Fatalf("%v against %v: %d", k, l, got)
		}
	})
}

// TestCanonicalData is RFC 4034 6.3: RDATA stand by their octets from the
// left, unsigned, and where one ends it stands before the longer.
func TestCanonicalData(t *testing.T) {
	want := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x01", "\x7f", "\x7f\xff\xff", "\x80", "\xff", "\xff\x00"}
	rs := make([]Record, len(want))
	for i, d := range want {
		rs[len(rs)-1-i] = Record{Owner: MustName("a.vn"), Type: 65400, Data: d}
	}
	s, err := NewRRset(rs...)
	if err != nil || s.Len() != len(want) {
		t.Fatalf("%v, %v", s, err)
	}
	for i, d := range want {
		if s.Data(i) != d {
			t.Errorf("%d: %q, want %q", i, s.Data(i), d)
		}
	}
}

// TestRRsetTTL: the lowest TTL of all holds, duplicates included (RFC 2181
// 5.2), and one above 2^31-1 counts as 0 (RFC 2181 8).
func TestRRsetTTL(t *testing.T) {
	for _, c := range []struct {
		ttls []uint32
		want uint32
	}{
		{[]uint32{300}, 300},
		{[]uint32{300, 60, 3600}, 60},
		{[]uint32{60, 300}, 60},
		{[]uint32{0, 300}, 0},
		{[]uint32{MaxTTL}, 1<<31 - 1},
		{[]uint32{1 << 31}, 0},
		{[]uint32{1<<32 - 1, 300}, 0},
		{[]uint32{MaxTTL, 300}, 300},
	} {
		for _, data := range []string{"abcdefgh", "aaaaaaaa"} { // distinct, and all duplicates
			var rs []Record
			for i, ttl := range c.ttls {
				rs = append(rs, Record{Owner: MustName("a.vn"), Type: TypeTXT, TTL: ttl, Data: data[i : i+1]})
			}
			if s, err := NewRRset(rs...); err != nil || s.TTL() != c.want || s.Record(0).TTL != c.want {
				t.Errorf("TTLs %v: %d (%v), want %d", c.ttls, s.TTL(), err, c.want)
			}
		}
	}
}

// TestRRsetProvenance: each RDATA keeps the place of the first record that
// states it, in whatever order the records come.
func TestRRsetProvenance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.StringMatching("[abc]{0,2}"), 1, 12).Draw(t, "data")
		var rs []Record
		first := map[string]Provenance{}
		for i, d := range data {
			r := Record{Owner: MustName("a.vn"), Type: TypeTXT, TTL: 60, Data: d, From: Provenance{Place: Place{"f", i + 1, 1}, Rule: Place{"rule", i, 2}, Decision: Place{"decision", i, 3}}}
			rs = append(rs, r)
			if _, ok := first[d]; !ok {
				first[d] = r.From
			}
		}
		given := slices.Clone(rs)
		s, err := NewRRset(rs...)
		if err != nil || s.Len() != len(first) {
			t.Fatalf("%d RDATA of %d (%v)", s.Len(), len(first), err)
		}
		for i, r := range s.Records() {
			if s.From(i) != first[s.Data(i)] || r != s.Record(i) || r.From != s.From(i) || r.Data != s.Data(i) || r.Owner != s.Owner() || r.Type != s.Type() {
				t.Fatalf("%q comes from %v, want %v", s.Data(i), s.From(i), first[s.Data(i)])
			}
		}
		if !slices.Equal(rs, given) {
			t.Fatal("the records given were changed")
		}
		for _, d := range []string{"", "a", "ab", "cc", "d", "abc"} {
			if _, want := first[d]; s.Has(d) != want {
				t.Fatalf("has %q: %v", d, !want)
			}
		}
		again, err := NewRRset(s.Records()...)
		if err != nil || !again.Equal(s) {
			t.Fatalf("the RRset's records make another one: %v", err)
		}
	})
}

// TestRRsetRefuses: what cannot stand in a zone is in no RRset either.
func TestRRsetRefuses(t *testing.T) {
	good := Record{Owner: MustName("a.vn"), Type: TypeTXT, Data: strings.Repeat("x", 0xffff)}
	if _, err := NewRRset(good); err != nil {
		t.Errorf("65535 octets: %v", err)
	}
	long := good
	long.Data += "x"
	for want, rs := range map[error][]Record{ErrDataLong: {{Owner: good.Owner, Type: TypeTXT}, long}, ErrNameEmpty: {{Type: TypeTXT}}} {
		if s, err := NewRRset(rs...); !errors.Is(err, want) || !s.IsZero() {
			t.Errorf("%v, want %v", err, want)
		}
	}
	for _, typ := range []Type{0, TypeOPT, TypeTSIG, TypeAXFR, TypeANY} {
		if _, err := NewRRset(Record{Owner: good.Owner, Type: typ}); err == nil || !strings.Contains(err.Error(), typ.String()) {
			t.Errorf("%v is taken as data (%v)", typ, err)
		}
	}
}
