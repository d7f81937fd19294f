package zonefile

import (
	"bytes"
	"errors"
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

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
