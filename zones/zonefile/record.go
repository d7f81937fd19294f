package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
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
		if r.owner.IsZero() && r.lenient {
			r.owner, r.t.orphans = zones.Root(), true
		}
		if r.owner.IsZero() && !h.drop {
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

// doubles tells whether a name without its final dot, text, ends like the
// origin that was put behind it: x.gov.vn under gialai.gov.vn.
func (r *reader) doubles(n zones.Name, text []byte) bool {
	tail := r.st.tail
	if tail == "" || text[len(text)-1] == '.' || len(text) == 1 && text[0] == '@' {
		return false
	}
	wire, origin := n.Wire(), r.st.origin.Wire()
	rel := len(wire) - len(origin) // octets of the labels that the text gave
	at := rel - len(tail)
	if at < 0 || wire[at:rel] != tail {
		return false
	}
	i := 0
	for i < at {
		i += 1 + int(wire[i])
	}
	return i == at
}

// rawOctets reports owners with octets above 127: they are kept, and resolvers
// that speak IDNA ask for another name.
func (r *reader) rawOctets(s *source, t token, n zones.Name) {
	wire := n.Wire()
	ascii := true
	for i := range len(wire) {
		if wire[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii || r.raw[n] {
		return
	}
	if r.raw == nil {
		r.raw = map[zones.Name]bool{}
	}
	r.raw[n] = true
	b := s.text(t)
	if bytes.Contains(b, []byte("\u00a0")) || bytes.Contains(b, []byte("\u200b")) || bytes.Contains(b, []byte("\ufeff")) {
		r.warn(s, "Z-SPACE", t.spot(), "the owner "+quote(b)+" has an invisible space in it (U+00A0, U+200B or U+FEFF), which is part of the name", "write a plain space, or remove it")
		return
	}
	found := "the owner " + quote(b) + " has octets above 127, which are kept as they are"
	mend := ""
	if a, ok := aLabel(n); ok {
		mend = "resolvers that speak IDNA ask for " + a + ": state that name too if it is meant"
	} else {
		mend = "it is no IDNA name: only who asks for these very octets finds it"
	}
	r.report(s, "Z-UTF8", finding.Note, t.spot(), found, mend)
}

// aLabel gives the ASCII form of a name of raw UTF-8 labels (RFC 5891).
func aLabel(n zones.Name) (string, bool) {
	var labels []string
	for m := n; !m.IsRoot() && !m.IsZero(); m, _ = m.Parent() {
		if !utf8.ValidString(m.First()) || strings.Contains(m.First(), ".") {
			return "", false
		}
		labels = append(labels, m.First())
	}
	p := idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.Transitional(false))
	a, err := p.ToASCII(strings.Join(labels, "."))
	return a, err == nil
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

// typeFault reports a word that stands where TTL, class or type should.
func (r *reader) typeFault(s *source, e *lexed, h *head, i int) {
	t := e.toks[i]
	b := s.text(t)
	found := quote(b) + " stands where a type is expected"
	mend := "write [owner] [TTL] [IN] type data; an unknown type is TYPEnnn"
	first := commonType(s.text(e.toks[0]))
	switch typ, ok := zones.ParseType(string(b)); {
	case ok && !typ.IsData():
		found = typ.String() + " is not a type of data"
		mend = "remove the record: such types stand in questions or messages only"
	case len(b) > 0 && '0' <= b[0] && b[0] <= '9' && h.ttlAt < 0 && !bytes.ContainsAny(b, ".:"):
		found = quote(b) + " is no TTL"
		mend = "write seconds (0 to 2147483647) or 1W2D3H4M5S"
	case len(b) > 0 && '0' <= b[0] && b[0] <= '9' && h.ttlAt >= 0 && !bytes.ContainsAny(b, ".:"):
		found = quote(b) + " after the TTL " + string(s.text(e.toks[h.ttlAt])) + ", where a type is expected"
		mend = "write one TTL only"
	case bytes.Contains(b, []byte(":")):
		mend = "the type is missing: write AAAA in front of an IPv6 address"
	case len(b) > 0 && '0' <= b[0] && b[0] <= '9':
		mend = "the type is missing: write A in front of an IPv4 address"
	case h.ownerAt == 0 && (first != 0 || equalFold(s.text(e.toks[0]), "in")):
		mend = quote(s.text(e.toks[0])) + " at the start of the line is taken for the owner: put a space in front of it, or write the owner"
	}
	r.fail(s, "Z-TYPE", t.spot(), found, mend)
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

// dataFault reports RDATA that could not be read.
func (r *reader) dataFault(s *source, e *lexed, h *head, err error) {
	toks := e.toks[h.typeAt+1:]
	at := e.toks[len(e.toks)-1].spot()
	found, mend := err.Error(), ""
	var fe *rdata.FieldError
	if errors.As(err, &fe) {
		found, mend = fe.Found, fe.Mend
		if fe.Index >= 0 && fe.Index < len(toks) {
			at = toks[fe.Index].spot()
		}
	}
	r.fail(s, "Z-RDATA", at, h.typ.String()+": "+found, mend)
}

// swallowed recognises a record that failed because its parenthesis was
// closed only by a later record's: it reports where it was opened, and
// reading goes on at the first line inside that starts like a record.
func (r *reader) swallowed(s *source, e *lexed) bool {
	if e.lines < 2 || e.openLine == 0 {
		return false
	}
	pos, line := int(e.open), e.openLine
	for {
		i := bytes.IndexByte(s.buf[pos:e.end], '\n')
		if i < 0 {
			return false
		}
		pos += i + 1
		line++
		if pos >= int(e.end) {
			return false
		}
		rest := s.buf[pos:e.end]
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			rest = rest[:end]
		}
		if len(rest) == 0 || meaning[rest[0]] == octetSpace || !startsRecord(rest) {
			continue
		}
		r.fail(s, "Z-PAREN", spot{e.open, e.openLine}, fmt.Sprintf("the parenthesis opened here is not closed before line %d, which starts like a record", line),
			"put ) after the record's last field (a ) behind a ; is part of the comment)")
		r.lex.rewind(pos, line)
		return true
	}
}

// look warns of what a record means that was hardly meant.
func (r *reader) look(s *source, e *lexed, h *head, data int) {
	toks := e.toks[h.typeAt+1:]
	switch h.typ {
	case zones.TypeTXT, zones.TypeSPF:
		for _, t := range toks {
			if t.cut && !t.quoted {
				r.cut(s, t)
			}
		}
		return
	case zones.TypeA, zones.TypeAAAA:
		return
	}
	if r.st.tail == "" {
		return
	}
	for _, t := range toks {
		b := s.text(t)
		if t.quoted || len(b) < 2 || b[len(b)-1] == '.' || b[len(b)-1]|0x20 != r.st.tail[len(r.st.tail)-1] {
			continue
		}
		n, err := zones.ParseNameIn(string(b), r.st.origin)
		if err != nil || !r.doubles(n, b) || !names(h.typ, string(r.dataFrom(data)), n) {
			continue
		}
		r.warn(s, "Z-DOUBLE", t.spot(), fmt.Sprintf("the target %s has no final dot and becomes %v", quote(b), n),
			"end it with a dot: "+withDot(string(b)))
	}
}

// dataFrom is the RDATA read last, which may be strings already.
func (r *reader) dataFrom(data int) []byte {
	if len(r.slabEnds) == 0 {
		return []byte(r.t.recs[len(r.t.recs)-1].data)
	}
	return r.slab[data:]
}

// names tells whether n stands in the RDATA.
func names(t zones.Type, data string, n zones.Name) bool {
	in, err := rdata.Names(t, data)
	if err != nil {
		return false
	}
	for _, e := range in {
		if e.Name == n {
			return true
		}
	}
	return false
}

// cut warns of a semicolon that ends an unquoted text: v=DKIM1; k=rsa.
func (r *reader) cut(s *source, t token) {
	rest := s.buf[t.end:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	rest = bytes.TrimRight(rest, " \t\r)")
	r.warn(s, "Z-CUT", spot{t.end, t.line}, "the ; begins a comment here: "+quote(rest)+" is not part of the text",
		`put the text in quotes: "`+string(s.text(t))+`; ..."`)
}
