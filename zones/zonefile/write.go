package zonefile

import (
	"encoding/hex"
	"strconv"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Write returns the canonical master file of a zone: $ORIGIN and $TTL, the
// SOA, then all other records in canonical order, owners relative, a TTL and
// the class on each line, columns aligned. Equal zones give equal files.
// BIND, Knot and NSD load it as it is: types whose mnemonics one of them does
// not know are written in the form of RFC 3597.
func Write(z *zones.Zone) []byte {
	soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	w := writer{origin: z.Origin()}
	ttls := 0
	for s := range z.All() {
		w.owners = max(w.owners, len(s.Owner().In(w.origin)))
		ttls = max(ttls, len(strconv.FormatUint(uint64(s.TTL()), 10)))
	}
	w.owners = min(w.owners, 40) + 1
	w.ttls = ttls + 1
	w.buf = append(w.buf, "$ORIGIN "...)
	w.buf = w.origin.AppendText(w.buf)
	w.buf = append(w.buf, "\n$TTL "...)
	w.buf = strconv.AppendUint(w.buf, uint64(soa.TTL()), 10)
	w.buf = append(w.buf, '\n')
	w.set(soa)
	for s := range z.All() {
		if s.Key() != soa.Key() {
			w.set(s)
		}
	}
	return w.buf
}

// writer is a file under way.
type writer struct {
	buf          []byte
	origin       zones.Name
	owners, ttls int // widths of the columns
}

// types is the width of the column of types.
const types = 8

func (w *writer) set(s zones.RRset) {
	owner := s.Owner().In(w.origin)
	for i := range s.Len() {
		w.cell(owner, w.owners)
		w.cell(strconv.FormatUint(uint64(s.TTL()), 10), w.ttls)
		w.buf = append(w.buf, "IN "...)
		if known(s.Type()) {
			w.cell(s.Type().String(), types)
			w.buf = rdata.AppendText(w.buf, s.Type(), s.Data(i))
		} else {
			w.cell("TYPE"+strconv.Itoa(int(s.Type())), types)
			w.buf = appendGeneric(w.buf, s.Data(i))
		}
		w.buf = append(w.buf, '\n')
	}
}

// cell appends text and fills its column, with one space at least.
func (w *writer) cell(text string, width int) {
	w.buf = append(w.buf, text...)
	for n := len(text); ; n++ {
		w.buf = append(w.buf, ' ')
		if n+1 >= width {
			return
		}
	}
}

// appendGeneric appends RDATA in the form of RFC 3597 5.
func appendGeneric(dst []byte, data string) []byte {
	dst = append(dst, `\# `...)
	dst = strconv.AppendInt(dst, int64(len(data)), 10)
	if data != "" {
		dst = append(dst, ' ')
		dst = hex.AppendEncode(dst, []byte(data))
	}
	return dst
}

// known tells whether BIND 9.18, Knot 3.2 and NSD 4.6 all read the type's
// mnemonic (tried in November 2026).
func known(t zones.Type) bool {
	switch t {
	case zones.TypeA, zones.TypeNS, zones.TypeCNAME, zones.TypeSOA, zones.TypePTR, zones.TypeHINFO, zones.TypeMINFO,
		zones.TypeMX, zones.TypeTXT, zones.TypeRP, zones.TypeAFSDB, zones.TypeRT, zones.TypeAAAA, zones.TypeLOC,
		zones.TypeSRV, zones.TypeNAPTR, zones.TypeKX, zones.TypeCERT, zones.TypeDNAME, zones.TypeAPL, zones.TypeDS,
		zones.TypeSSHFP, zones.TypeIPSECKEY, zones.TypeRRSIG, zones.TypeNSEC, zones.TypeDNSKEY, zones.TypeDHCID,
		zones.TypeNSEC3, zones.TypeNSEC3PARAM, zones.TypeTLSA, zones.TypeSMIMEA, zones.TypeCDS, zones.TypeCDNSKEY,
		zones.TypeOPENPGPKEY, zones.TypeCSYNC, zones.TypeZONEMD, zones.TypeSVCB, zones.TypeHTTPS, zones.TypeSPF,
		zones.TypeNID, zones.TypeL32, zones.TypeL64, zones.TypeLP, zones.TypeEUI48, zones.TypeEUI64, zones.TypeURI, zones.TypeCAA:
		return true
	}
	return false
}
