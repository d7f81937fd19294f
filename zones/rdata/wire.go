package rdata

import (
	"encoding/binary"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// span is where one field stands in data.
type span struct {
	field      field
	start, end int
}

// walk cuts data into the fields of its type; false when it does not have
// that form. visit may be nil.
func walk(layout []field, data []byte, visit func(span)) bool {
	at := 0
	for _, f := range layout {
		n, ok := size(f.kind, data[at:])
		if !ok {
			return false
		}
		if visit != nil {
			visit(span{f, at, at + n})
		}
		at += n
	}
	return at == len(data)
}

// size tells how many octets of b the field takes, and whether they are good.
func size(k kind, b []byte) (int, bool) {
	fixed := func(n int) (int, bool) { return n, len(b) >= n }
	prefixed := func(least int) (int, bool) {
		if len(b) == 0 || int(b[0]) < least || len(b) < 1+int(b[0]) {
			return 0, false
		}
		return 1 + int(b[0]), true
	}
	switch k {
	case u8, algorithm:
		return fixed(1)
	case u16, rrtype, certType:
		return fixed(2)
	case u32, seconds, ip4, instant:
		return fixed(4)
	case eui48:
		return fixed(6)
	case eui64, loc64:
		return fixed(8)
	case ip6:
		return fixed(16)
	case name:
		_, n, err := zones.NameFromWire(b)
		return n, err == nil
	case str, hexOne:
		return prefixed(0)
	case b32One:
		return prefixed(1)
	case tag:
		n, ok := prefixed(1)
		return n, ok && goodTag(b[1:n])
	case strs:
		at := 0
		for at < len(b) {
			at += 1 + int(b[at])
		}
		return len(b), at == len(b) && at > 0
	case octets:
		return len(b), true
	case hexRest, b64Rest:
		return len(b), len(b) > 0
	case bitmap:
		return len(b), goodBitmap(b)
	case params:
		return len(b), goodParams(b)
	case location:
		return len(b), goodLocation(b)
	}
	return 0, false
}

// goodBitmap tells whether windows are in order, not empty and without
// trailing zeros (RFC 4034 4.1.2).
func goodBitmap(b []byte) bool {
	last := -1
	for len(b) > 0 {
		if len(b) < 2 || int(b[0]) <= last || b[1] == 0 || b[1] > 32 || len(b) < 2+int(b[1]) || b[1+int(b[1])] == 0 {
			return false
		}
		last = int(b[0])
		b = b[2+int(b[1]):]
	}
	return true
}

// Check tells whether data has the form of its type; types that are not known
// are opaque. The error is ErrWire.
func Check(t zones.Type, data string) error {
	if len(data) > 0xffff {
		return ErrWire
	}
	if layout, known := table[t]; known {
		if !walk(layout, []byte(data), nil) {
			return ErrWire
		}
		return nil
	}
	if rare(t) {
		return checkRare(t, data)
	}
	return nil
}

// Canonical takes uncompressed RDATA from elsewhere over into our form: names
// in lower case. The error is ErrWire.
func Canonical(t zones.Type, data []byte) (string, error) {
	layout, known := table[t]
	switch {
	case !known && rare(t):
		return canonicalRare(t, string(data))
	case !known:
		return string(data), Check(t, string(data))
	}
	var folded []byte
	ok := walk(layout, data, func(s span) {
		if s.field.kind != name {
			return
		}
		n, _, _ := zones.NameFromWire(data[s.start:s.end])
		if n.Wire() != string(data[s.start:s.end]) {
			if folded == nil {
				folded = slices.Clone(data)
			}
			copy(folded[s.start:], n.Wire())
		}
	})
	switch {
	case !ok || len(data) > 0xffff:
		return "", ErrWire
	case folded != nil:
		return string(folded), nil
	}
	return string(data), nil
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
