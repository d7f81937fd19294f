package transfer

import (
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// compressed says of each type whose names may come compressed (RFC 1035 3.3,
// RFC 3597 4) how its data begins: n octets that stand as they are, then the
// names, then the rest. NAPTR has strings instead (see expand). Names of newer types are
// never compressed, and a pointer there is refused with the data.
var compressed = map[zones.Type]struct{ fixed, names int }{
	zones.TypeNS:    {0, 1},
	zones.TypeMD:    {0, 1},
	zones.TypeMF:    {0, 1},
	zones.TypeCNAME: {0, 1},
	zones.TypeSOA:   {0, 2},
	zones.TypeMB:    {0, 1},
	zones.TypeMG:    {0, 1},
	zones.TypeMR:    {0, 1},
	zones.TypePTR:   {0, 1},
	zones.TypeMINFO: {0, 2},
	zones.TypeMX:    {2, 1},
	zones.TypeRP:    {0, 2},
	zones.TypeAFSDB: {2, 1},
	zones.TypeRT:    {2, 1},
	zones.TypeSIG:   {18, 1},
	zones.TypePX:    {2, 2},
	zones.TypeNXT:   {0, 1},
	zones.TypeKX:    {2, 1},
	zones.TypeSRV:   {6, 1},
	zones.TypeDNAME: {0, 1},
	zones.TypeNAPTR: {4, 1},
}

// expand returns the data of a record in the form in which zones.Record has
// it: uncompressed, names in lower case, checked against its type. Names are
// read inside the message, but may not run beyond the data. scratch is used
// for the expansion.
func (m message) expand(r record, scratch []byte) (string, bool) {
	layout, known := compressed[r.rtype]
	if !known {
		d, err := rdata.Canonical(r.rtype, m.b[r.data:r.next])
		return d, err == nil
	}
	off := r.data + layout.fixed
	if r.rtype == zones.TypeNAPTR { // three strings before the name (RFC 3403 4.1)
		for range 3 {
			if off >= r.next {
				return "", false
			}
			off += 1 + int(m.b[off])
		}
	}
	if off > r.next {
		return "", false
	}
	out := append(scratch[:0], m.b[r.data:off]...)
	for range layout.names {
		n, next, ok := readName(m.b, off)
		if !ok || next > r.next {
			return "", false
		}
		out = append(out, n.Wire()...)
		off = next
	}
	out = append(out, m.b[off:r.next]...)
	d, err := rdata.Canonical(r.rtype, out)
	return d, err == nil
}
