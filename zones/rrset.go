package zones

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxTTL is the highest TTL; above it a TTL counts as 0 (RFC 2181 8).
const MaxTTL = 1<<31 - 1

// Record is one resource record of class IN. Data is the RDATA on the wire:
// uncompressed, names in lower case, at most 65535 octets.
type Record struct {
	Owner Name
	Type  Type
	TTL   uint32 // seconds
	Data  string
	From  Provenance
}

// lifetime is the TTL; one of more than MaxTTL counts as 0 (RFC 2181 8).
func (r *Record) lifetime() uint32 {
	if r.TTL > MaxTTL {
		return 0
	}
	return r.TTL
}

// Same tells whether two records are equal but for where they come from.
func (r Record) Same(s Record) bool {
	return r.Owner == s.Owner && r.Type == s.Type && r.TTL == s.TTL && r.Data == s.Data
}

// Compare orders records by owner, type, RDATA, TTL.
func (r Record) Compare(s Record) int {
	if c := r.Owner.Compare(s.Owner); c != 0 {
		return c
	}
	if r.Type != s.Type {
		return int(r.Type) - int(s.Type)
	}
	if c := strings.Compare(r.Data, s.Data); c != 0 {
		return c
	}
	switch {
	case r.TTL < s.TTL:
		return -1
	case r.TTL > s.TTL:
		return 1
	}
	return 0
}

// fault tells why no RRset can hold r; nil if one can.
func (r Record) fault() error {
	switch {
	case r.Owner.IsZero():
		return ErrNameEmpty
	case !r.Type.IsData():
		return fmt.Errorf("%v is not a type of data", r.Type)
	case len(r.Data) > 0xffff:
		return ErrDataLong
	}
	return nil
}

// Key names an RRset within a zone. It is comparable.
type Key struct {
	Owner Name
	Type  Type
}

// String gives "owner TYPE" without the owner's final dot.
func (k Key) String() string { return k.Owner.Text() + " " + k.Type.String() }

// Compare orders keys by owner, then by type number.
func (k Key) Compare(l Key) int {
	if c := k.Owner.Compare(l.Owner); c != 0 {
		return c
	}
	return int(k.Type) - int(l.Type)
}

// RRset is all records of one owner and type (RRSET-ONE). It is immutable;
// the zero value holds nothing and is returned where no RRset stands.
type RRset struct {
	key Key
	ttl uint32
	all []datum // in canonical order (RFC 4034 6.3), no duplicates
}

// datum is one RDATA and where it comes from, in little room: a zone has
// millions.
type datum struct {
	data         string
	file         string
	line, column int32
	by           *[2]Place // rule and decision; nil where there is neither
}

func newDatum(r *Record) datum {
	d := datum{data: r.Data, file: r.From.File, line: int32(r.From.Line), column: int32(r.From.Column)}
	if !r.From.Rule.IsZero() || !r.From.Decision.IsZero() {
		d.by = &[2]Place{r.From.Rule, r.From.Decision}
	}
	return d
}

func (d *datum) from() Provenance {
	p := Provenance{Place: Place{d.file, int(d.line), int(d.column)}}
	if d.by != nil {
		p.Rule, p.Decision = d.by[0], d.by[1]
	}
	return p
}

// Errors of RRsets.
var (
	ErrRRsetEmpty = errors.New("an RRset without RDATA")
	ErrRRsetMixed = errors.New("records of different owners or types in one RRset")
	ErrDataLong   = errors.New("RDATA of more than 65535 octets")
)

// NewRRset makes an RRset of records of one owner and type. Duplicates
// collapse to the first; where TTLs differ the lowest is taken (RFC 2181
// 5.2), and TTLs above MaxTTL count as 0 (RFC 2181 8).
func NewRRset(records ...Record) (RRset, error) {
	if len(records) == 0 {
		return RRset{}, ErrRRsetEmpty
	}
	rs := slices.Clone(records)
	slices.SortStableFunc(rs, func(a, b Record) int { return strings.Compare(a.Data, b.Data) })
	s := RRset{key: Key{rs[0].Owner, rs[0].Type}, ttl: MaxTTL}
	for _, r := range rs {
		if r.Owner != s.key.Owner || r.Type != s.key.Type {
			return RRset{}, ErrRRsetMixed
		}
		if err := r.fault(); err != nil {
			return RRset{}, err
		}
		s.ttl = min(s.ttl, r.lifetime())
		if n := len(s.all); n > 0 && s.all[n-1].data == r.Data {
			continue
		}
		s.all = append(s.all, newDatum(&r))
	}
	return s, nil
}

// IsZero tells whether s holds nothing.
func (s RRset) IsZero() bool { return len(s.all) == 0 }

// Key returns owner and type.
func (s RRset) Key() Key { return s.key }

// Owner returns the owner.
func (s RRset) Owner() Name { return s.key.Owner }

// Type returns the type.
func (s RRset) Type() Type { return s.key.Type }

// TTL returns the TTL in seconds.
func (s RRset) TTL() uint32 { return s.ttl }

// Len counts the RDATA.
func (s RRset) Len() int { return len(s.all) }

// Data returns the i-th RDATA on the wire, in canonical order.
func (s RRset) Data(i int) string { return s.all[i].data }

// From tells where the i-th RDATA comes from.
func (s RRset) From(i int) Provenance { return s.all[i].from() }

// Record returns the i-th record.
func (s RRset) Record(i int) Record {
	return Record{Owner: s.key.Owner, Type: s.key.Type, TTL: s.ttl, Data: s.all[i].data, From: s.all[i].from()}
}

// Records returns all records, in canonical order.
func (s RRset) Records() []Record {
	rs := make([]Record, len(s.all))
	for i := range rs {
		rs[i] = s.Record(i)
	}
	return rs
}

// Has tells whether data is among the RDATA.
func (s RRset) Has(data string) bool {
	_, ok := slices.BinarySearchFunc(s.all, data, func(d datum, data string) int { return strings.Compare(d.data, data) })
	return ok
}

// Equal tells whether owner, type, TTL and RDATA are equal; provenance is not
// compared.
func (s RRset) Equal(t RRset) bool { return s.ttl == t.ttl && s.SameData(t) }

// SameData is Equal without the TTL.
func (s RRset) SameData(t RRset) bool {
	return s.key == t.key && slices.EqualFunc(s.all, t.all, func(a, b datum) bool { return a.data == b.data })
}
