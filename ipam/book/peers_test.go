package book

import (
	"net/netip"
	"testing"

	"github.com/hashicorp/go-memdb"

	"gialai.gov.vn/hopnhat/ipam"
)

// The peers of the look-up in the benchmarks: what the book would do without bart.

// bitTable keeps prefixes in go-memdb, under their bits as octets 0 and 1, for
// its LongestPrefix.
type bitTable struct{ tx *memdb.Txn }

type bitRow struct {
	bits string
	a    ipam.Allocation
}

func bitsOf(a netip.Addr, n int) string {
	raw, out := a.AsSlice(), make([]byte, n)
	for i := range out {
		out[i] = raw[i/8] >> (7 - i%8) & 1
	}
	return string(out)
}

func newBitTable(t testing.TB, s *Snapshot) bitTable {
	t.Helper()
	key := byKey[*bitRow]{func(r *bitRow) []byte { return []byte(r.bits) }}
	db, err := memdb.NewMemDB(&memdb.DBSchema{Tables: map[string]*memdb.TableSchema{"bits": {
		Name: "bits", Indexes: map[string]*memdb.IndexSchema{"id": {Name: "id", Unique: true, Indexer: key}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	tx := db.Txn(true)
	for a := range s.All() {
		for _, p := range a.Block.Prefixes() {
			if err := tx.Insert("bits", &bitRow{bitsOf(p.Addr(), p.Bits()), a}); err != nil {
				t.Fatal(err)
			}
		}
	}
	tx.Commit()
	return bitTable{db.Txn(false)}
}

func (b bitTable) lookup(a netip.Addr) (ipam.Allocation, bool) {
	o, err := b.tx.LongestPrefix("bits", "id_prefix", []byte(bitsOf(a, a.BitLen())))
	if err != nil || o == nil {
		return ipam.Allocation{}, false
	}
	return o.(*bitRow).a, true
}

// lengthMaps is a map for each prefix length, asked from the longest down.
type lengthMaps [129]map[netip.Prefix]ipam.Allocation

func newLengthMaps(s *Snapshot) *lengthMaps {
	var m lengthMaps
	for a := range s.All() {
		for _, p := range a.Block.Prefixes() {
			if m[p.Bits()] == nil {
				m[p.Bits()] = map[netip.Prefix]ipam.Allocation{}
			}
			m[p.Bits()][p] = a
		}
	}
	return &m
}

func (m *lengthMaps) lookup(a netip.Addr) (ipam.Allocation, bool) {
	for bits := a.BitLen(); bits >= 0; bits-- {
		if m[bits] == nil {
			continue
		}
		p, _ := a.Prefix(bits)
		if got, ok := m[bits][p]; ok {
			return got, true
		}
	}
	return ipam.Allocation{}, false
}

// The peers are peers: they find what the book finds.
func TestPeersFindTheSame(t *testing.T) {
	b, _ := newBook(t)
	for _, text := range []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.7", "192.0.2.0-192.0.2.9", "2001:db8::/32", "2001:db8::7"} {
		if _, err := b.Allocate(t.Context(), by, active(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	s := b.Now()
	bits, maps := newBitTable(t, s), newLengthMaps(s)
	for _, text := range []string{"10.1.2.7", "10.1.2.8", "10.1.3.0", "10.9.9.9", "11.0.0.0", "192.0.2.9", "192.0.2.10", "2001:db8::7", "2001:db8:9::", "2001:db9::"} {
		a := netip.MustParseAddr(text)
		want, ok := s.Lookup("tslcd", a)
		if got, is := bits.lookup(a); is != ok || !got.Equal(want) {
			t.Errorf("%s: go-memdb gives %v, the book %v", text, got.Place, want.Place)
		}
		if got, is := maps.lookup(a); is != ok || !got.Equal(want) {
			t.Errorf("%s: the maps give %v, the book %v", text, got.Place, want.Place)
		}
	}
}
