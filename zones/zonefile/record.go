package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// head is what stands in front of a record's RDATA:
//
//	[owner] [TTL] [class] type
//	[owner] [class] [TTL] type
type head struct {
	owner           zones.Name
	ttl             uint32
	typ             zones.Type
	ownerAt, ttlAt  int // index of the token, -1 where it is left out
	classAt, typeAt int
	drop            bool // the owner is at fault: the rest is read only to report its faults
}

// record reads one record (RFC 1035 5.1).
func (r *reader) record(s *source, e *lexed) {
	var h head
	if !r.head(s, e, &h) {
		return
	}
	data := len(r.slab)
	fields := fieldsOf(r.fields[:0], s.buf, h.typ, e.toks[h.typeAt+1:])
	r.fields = fields[:0]
	slab, err := rdata.Append(r.slab, h.typ, fields, r.st.origin)
	if err == nil && len(slab)-data > 0xffff {
		err = zones.ErrDataLong
	}
	if err != nil {
		r.slab = r.slab[:data]
		if !r.swallowed(s, e) {
			r.dataFault(s, e, &h, err)
		}
		return
	}
	if h.drop {
		return
	}
	if !s.proved {
		r.prove(s)
	}
	r.slab = slab
	w := rec{
		owner: h.owner, typ: h.typ, file: uint16(s.index),
		start: e.start, end: e.end, line: e.toks[0].line, column: firstColumn(s.buf, e),
	}
	if h.ownerAt < 0 {
		w.how |= ownerLeftOut
	}
	if !r.push(s, &w, h.ttl, h.ttlAt >= 0) {
		return
	}
	r.look(s, e, &h, data)
}

// push adds a record whose RDATA was appended to the slab last.
func (r *reader) push(s *source, w *rec, ttl uint32, stated bool) bool {
	if len(r.t.recs) >= r.opts.MaxRecords {
		r.fail(s, "Z-LIMIT", spot{w.start, w.line}, fmt.Sprintf("more than %d records", r.opts.MaxRecords), "raise the limit, or split the zone")
		r.full = true
		return false
	}
	w.state = r.stateIndex()
	i := int32(len(r.t.recs))
	switch {
	case stated:
		w.ttl = ttl
	case r.st.ttlSeen:
		w.ttl = r.st.ttl
	case r.lastSeen:
		w.ttl = r.lastTTL
	default:
		r.noTTL = append(r.noTTL, i)
	}
	if !stated {
		w.how |= ttlLeftOut
	}
	if w.typ == zones.TypeSOA && r.soa < 0 {
		r.soa = i
	}
	r.t.recs = append(r.t.recs, *w)
	r.slabEnds = append(r.slabEnds, uint32(len(r.slab)))
	if len(r.slab) >= slabSize {
		r.flush()
	}
	return true
}

// firstColumn is the column of an entry's first word. What stands in front of
// it on its line is spaces, tabs and parentheses.
func firstColumn(buf []byte, e *lexed) uint32 {
	at := int(e.toks[0].from())
	start := int(e.start)
	if e.toks[0].line != e.line {
		start = bytes.LastIndexByte(buf[:at], '\n') + 1
	} else if start == 0 && bytes.HasPrefix(buf, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
	}
	return uint32(at - start + 1)
}

// head reads what stands in front of the RDATA; false when a fault was reported.
func (r *reader) head(s *source, e *lexed, h *head) bool {
	toks := e.toks
	*h = head{ownerAt: -1, ttlAt: -1, classAt: -1, typeAt: -1}
	i := 0
	if e.indented {
		h.drop = r.badOwner
		if r.owner.IsZero() && !h.drop && !r.lenient {
			r.fail(s, "Z-OWNER", toks[0].spot(), "the line begins with a space, but there is no owner before it to go on with", "write the owner at the very start of the line")
			return false
		}
		h.owner = r.owner
	} else {
		if !r.readOwner(s, toks[0]) {
			r.badOwner, h.drop = true, true
		}
		h.owner, h.ownerAt, i = r.owner, 0, 1
	}
	for ; i < len(toks); i++ {
		b := s.text(toks[i])
		if toks[i].quoted || len(b) == 0 {
			r.typeFault(s, e, h, i)
			return false
		}
		if c := b[0]; '0' <= c && c <= '9' {
			if h.ttlAt >= 0 || !r.readTTL(s, toks[i], &h.ttl) {
				r.typeFault(s, e, h, i)
				return false
			}
			h.ttlAt = i
			continue
		}
		if t := commonType(b); t != 0 {
			h.typ, h.typeAt = t, i
			break
		}
		if c, ok := parseClass(b); ok && h.classAt < 0 {
			if c != zones.ClassIN {
				r.fail(s, "Z-CLASS", toks[i].spot(), "the class "+strings.ToUpper(string(b)), "write IN or leave the class out: zones of other classes are not served")
				return false
			}
			h.classAt = i
			continue
		}
		t, ok := zones.ParseType(string(b))
		if !ok || !t.IsData() {
			r.typeFault(s, e, h, i)
			return false
		}
		h.typ, h.typeAt = t, i
		break
	}
	if h.typeAt < 0 {
		r.fail(s, "Z-TYPE", toks[len(toks)-1].spot(), "the line ends without a type", "write [owner] [TTL] [IN] type data")
		return false
	}
	if h.ttlAt >= 0 {
		r.lastTTL, r.lastSeen = h.ttl, true
	}
	return true
}

// commonType knows the types that most lines have, without a look-up.
func commonType(b []byte) zones.Type {
	switch len(b) {
	case 1:
		if b[0]|0x20 == 'a' {
			return zones.TypeA
		}
	case 2:
		switch [2]byte{b[0] | 0x20, b[1] | 0x20} {
		case [2]byte{'n', 's'}:
			return zones.TypeNS
		case [2]byte{'m', 'x'}:
			return zones.TypeMX
		}
	case 3:
		switch [3]byte{b[0] | 0x20, b[1] | 0x20, b[2] | 0x20} {
		case [3]byte{'t', 'x', 't'}:
			return zones.TypeTXT
		case [3]byte{'p', 't', 'r'}:
			return zones.TypePTR
		case [3]byte{'s', 'r', 'v'}:
			return zones.TypeSRV
		}
	case 4:
		if equalFold(b, "aaaa") {
			return zones.TypeAAAA
		}
	case 5:
		if equalFold(b, "cname") {
			return zones.TypeCNAME
		}
	}
	return 0
}

// readOwner reads an owner and makes it the current one.
func (r *reader) readOwner(s *source, t token) bool {
	b := s.text(t)
	if r.ownerRaw != nil && bytes.Equal(b, r.ownerRaw) {
		return true
	}
	n, err := r.parseName(b)
	if err != nil {
		found, mend := "the owner "+quote(b)+": "+err.Error(), "write a name of labels of 1 to 63 octets, 255 in all"
		if errors.Is(err, zones.ErrNameRelative) {
			mend = "end the name with a dot, or write a $ORIGIN before it"
		}
		r.fail(s, "Z-OWNER", t.spot(), found, mend)
		return false
	}
	r.setOwner(n, b)
	if r.doubles(n, b) {
		r.warn(s, "Z-DOUBLE", t.spot(), fmt.Sprintf("the owner %s has no final dot and becomes %v", quote(b), n),
			"end it with a dot: "+withDot(string(b)))
	}
	r.rawOctets(s, t, n)
	return true
}

// parseName is zones.ParseNameIn with one allocation for what needs no
// second look; all else, faults too, goes the long way.
func (r *reader) parseName(b []byte) (zones.Name, error) {
	origin := r.st.origin.Wire()
	w := r.wire[:1]
	start, absolute := 0, false
	if len(b)+1+len(origin) > len(r.wire) || len(b) == 1 && (b[0] == '@' || b[0] == '.') {
		return zones.ParseNameIn(string(b), r.st.origin)
	}
	for i, c := range b {
		switch c {
		case '\\':
			return zones.ParseNameIn(string(b), r.st.origin)
		case '.':
			n := len(w) - start - 1
			if n == 0 || n > zones.MaxLabel {
				return zones.ParseNameIn(string(b), r.st.origin)
			}
			w[start] = byte(n)
			if absolute = i == len(b)-1; !absolute {
				start = len(w)
				w = append(w, 0)
			}
		default:
			w = append(w, c)
		}
	}
	if absolute {
		w = append(w, 0)
	} else {
		n := len(w) - start - 1
		if n == 0 || n > zones.MaxLabel || origin == "" {
			return zones.ParseNameIn(string(b), r.st.origin)
		}
		w[start] = byte(n)
		w = append(w, origin...)
	}
	n, _, err := zones.NameFromWire(w)
	return n, err
}

// readTTL reads a TTL; one above zones.MaxTTL is 0 with a warning (RFC 2181 8).
func (r *reader) readTTL(s *source, t token, ttl *uint32) bool {
	v, ok := parseTTL(s.text(t))
	if !ok {
		return false
	}
	if v > zones.MaxTTL {
		r.warn(s, "Z-TTLMAX", t.spot(), fmt.Sprintf("the TTL %s is above 2147483647 and counts as 0 (RFC 2181 8)", s.text(t)), "write a smaller one")
		v = 0
	}
	*ttl = v
	return true
}

// fieldsOf makes the fields of the RDATA. In SVCB and HTTPS a quoted value
// belongs to the key that it follows without a space (RFC 9460 2.1).
func fieldsOf(dst []rdata.Field, buf []byte, typ zones.Type, toks []token) []rdata.Field {
	join := typ == zones.TypeSVCB || typ == zones.TypeHTTPS
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if join && !t.quoted && i+1 < len(toks) && toks[i+1].glued && toks[i+1].quoted && buf[t.end-1] == '=' {
			t.end = toks[i+1].to()
			i++
		}
		dst = append(dst, rdata.Field{Text: buf[t.start:t.end], Quoted: t.quoted})
	}
	return dst
}
