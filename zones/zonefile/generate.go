package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// generate reads BIND's
//
//	$GENERATE START-STOP[/STEP] OWNER [TTL] [class] type DATA
//
// In OWNER and DATA, $ is the number under way, ${OFFSET[,WIDTH[,BASE]]} that
// number plus an offset in base d, o, x, X, n or N (nibbles, least first), $$
// and \$ a plain dollar. An offset holds for the plain $ after it in the same
// word: BIND does so, and what it serves is what counts. BIND takes one word of DATA, in quotes when it has
// spaces; several words are read too, each by itself.
func (r *reader) generate(s *source, e *lexed) {
	fail := func(t token, found, mend string) { r.fail(s, "Z-GENERATE", t.spot(), found, mend) }
	toks := e.toks
	if len(toks) < 5 {
		fail(toks[0], "$GENERATE with too few words", "write $GENERATE START-STOP[/STEP] OWNER [TTL] [IN] type DATA")
		return
	}
	start, stop, step, ok := parseRange(s.text(toks[1]))
	if !ok {
		fail(toks[1], quote(s.text(toks[1]))+" is no range", "write START-STOP or START-STOP/STEP, numbers from 0 to 2147483647, STOP not below START")
		return
	}
	count := (stop-start)/step + 1
	if r.generated += int(count); r.generated > r.opts.MaxGenerate {
		fail(toks[1], fmt.Sprintf("$GENERATE makes more than %d records", r.opts.MaxGenerate), "write a smaller range")
		return
	}
	// The head is read as a record's, with a placeholder for the owner.
	owner, bad := r.owner, r.badOwner
	raw := r.ownerRaw
	h := head{}
	r.owner, r.badOwner = zones.Root(), false
	sub := lexed{toks: toks[3:], indented: true, start: e.start, end: e.end, line: e.line}
	ok = r.head(s, &sub, &h)
	r.owner, r.badOwner, r.ownerRaw = owner, bad, raw
	if !ok {
		return
	}
	data := sub.toks[h.typeAt+1:]
	if len(data) == 0 {
		fail(toks[len(toks)-1], "$GENERATE without data", "write what the records say after the type")
		return
	}
	g := generator{buf: s.buf, typ: h.typ, origin: r.st.origin, owner: s.text(toks[2]), data: data}
	for i := start; i <= stop; i += step {
		slab, n, err := g.make(r.slab, i)
		if err != nil {
			at := toks[2]
			var de *dataError
			if errors.As(err, &de) {
				at = data[0]
			}
			fail(at, fmt.Sprintf("$GENERATE for %d: %v", i, err), "mend the line, or write the records one by one")
			return
		}
		r.slab = slab
		w := rec{
			owner: n, typ: h.typ, file: uint16(s.index), how: byGenerate,
			start: e.start, end: e.end, line: toks[0].line, column: firstColumn(s.buf, e),
		}
		if !r.push(s, &w, h.ttl, h.ttlAt >= 0) {
			return
		}
	}
	if !s.proved {
		r.prove(s)
	}
}

// parseRange reads START-STOP[/STEP].
func parseRange(b []byte) (start, stop, step int64, ok bool) {
	number := func(b []byte) (int64, bool) {
		v, err := strconv.ParseUint(string(b), 10, 31)
		return int64(v), err == nil
	}
	step = 1
	head, tail, stepped := bytes.Cut(b, []byte("/"))
	if stepped {
		if step, ok = number(tail); !ok || step < 1 {
			return 0, 0, 0, false
		}
	}
	from, to, ok := bytes.Cut(head, []byte("-"))
	if !ok {
		return 0, 0, 0, false
	}
	start, ok1 := number(from)
	stop, ok2 := number(to)
	return start, stop, step, ok1 && ok2 && start <= stop
}

// dataError is an error of the data, not of the owner.
type dataError struct{ err error }

func (e *dataError) Error() string { return e.err.Error() }
func (e *dataError) Unwrap() error { return e.err }

// generator makes the records of one $GENERATE.
type generator struct {
	buf    []byte
	typ    zones.Type
	origin zones.Name
	owner  []byte
	data   []token

	text   []byte
	fields []rdata.Field
}

// make appends the RDATA for one number and gives the owner.
func (g *generator) make(dst []byte, n int64) ([]byte, zones.Name, error) {
	var err error
	if g.text, err = expand(g.text[:0], g.owner, n); err != nil {
		return dst, zones.Name{}, err
	}
	owner, err := zones.ParseNameIn(string(g.text), g.origin)
	if err != nil {
		return dst, zones.Name{}, fmt.Errorf("the owner %s: %w", quote(g.text), err)
	}
	g.fields = g.fields[:0]
	if len(g.data) == 1 {
		err = g.one(n)
	} else {
		err = g.several(n)
	}
	if err != nil {
		return dst, owner, &dataError{err}
	}
	size := len(dst)
	out, err := rdata.Append(dst, g.typ, g.fields, g.origin)
	switch {
	case err != nil:
		var fe *rdata.FieldError
		if errors.As(err, &fe) {
			err = errors.New(fe.Found)
		}
		return dst[:size], owner, &dataError{fmt.Errorf("%v: %w", g.typ, err)}
	case len(out)-size > 0xffff:
		return dst[:size], owner, &dataError{zones.ErrDataLong}
	}
	return out, owner, nil
}

// one expands the single word of data and cuts it into words again.
func (g *generator) one(n int64) error {
	t := g.data[0]
	word := g.buf[t.start:t.end]
	if t.quoted {
		word = bytes.ReplaceAll(word, []byte(`\"`), []byte(`"`))
	}
	text, err := expand(nil, word, n)
	if err != nil {
		return err
	}
	var e lexed
	x := newLexer(text)
	if x.next(&e) && (e.fault != lexFine || int(e.end) < len(text)) {
		return fmt.Errorf("%s has an unclosed quote or parenthesis", quote(text))
	}
	g.fields = fieldsOf(g.fields, text, g.typ, e.toks)
	return nil
}

// several expands each word of data by itself.
func (g *generator) several(n int64) error {
	for _, t := range g.data {
		text, err := expand(nil, g.buf[t.start:t.end], n)
		if err != nil {
			return err
		}
		g.fields = append(g.fields, rdata.Field{Text: text, Quoted: t.quoted})
	}
	return nil
}

var errModifier = errors.New("a bad ${...} (write ${OFFSET}, ${OFFSET,WIDTH} or ${OFFSET,WIDTH,BASE} with WIDTH up to 255 and BASE one of d o x X n N)")

// maxExpanded bounds what one word grows to, in octets.
const maxExpanded = 4096

// expand appends text with the number put in.
func expand(dst, text []byte, n int64) ([]byte, error) {
	offset := int64(0)
	for i := 0; i < len(text); i++ {
		switch {
		case len(dst) > maxExpanded+len(text):
			return dst, errors.New("the text grows too long")
		case text[i] == '\\' && i+1 < len(text):
			dst = append(dst, '\\', text[i+1])
			i++
		case text[i] != '$':
			dst = append(dst, text[i])
		case i+1 < len(text) && text[i+1] == '$':
			dst = append(dst, '$')
			i++
		case i+1 < len(text) && text[i+1] == '{':
			end := bytes.IndexByte(text[i:], '}')
			if end < 0 {
				return dst, errModifier
			}
			var err error
			if dst, offset, err = modify(dst, text[i+2:i+end], n); err != nil {
				return dst, err
			}
			i += end
		default:
			dst = strconv.AppendInt(dst, n+offset, 10)
		}
	}
	return dst, nil
}

// modify appends n as OFFSET[,WIDTH[,BASE]] says, and gives the offset.
func modify(dst, mod []byte, n int64) ([]byte, int64, error) {
	parts := bytes.Split(mod, []byte(","))
	offset, err := strconv.ParseInt(string(parts[0]), 10, 32)
	if err != nil || len(parts) > 3 {
		return dst, 0, errModifier
	}
	n += offset
	width, base := uint64(0), byte('d')
	if len(parts) > 1 {
		if width, err = strconv.ParseUint(string(parts[1]), 10, 8); err != nil {
			return dst, 0, errModifier
		}
	}
	if len(parts) > 2 {
		if len(parts[2]) != 1 {
			return dst, 0, errModifier
		}
		base = parts[2][0]
	}
	if n > 1<<31-1 || n < 0 && (base == 'n' || base == 'N') {
		return dst, 0, fmt.Errorf("the offset %d leads below 0 or above 2147483647", offset)
	}
	switch base {
	case 'd':
		return fmt.Appendf(dst, "%0*d", int(width), n), offset, nil
	case 'o', 'x', 'X':
		return fmt.Appendf(dst, "%0*"+string(rune(base)), int(width), uint32(n)), offset, nil
	case 'n', 'N':
		return nibbles(dst, int(width), base == 'N', n), offset, nil
	}
	return dst, 0, errModifier
}

// nibbles appends n's hexadecimal digits, least first, as labels. width counts
// digits and dots, as in BIND.
func nibbles(dst []byte, width int, upper bool, n int64) []byte {
	digits := "0123456789abcdef"
	if upper {
		digits = "0123456789ABCDEF"
	}
	for {
		dst = append(dst, digits[n&15])
		n >>= 4
		width--
		if width > 0 || n != 0 {
			dst = append(dst, '.')
			width--
		}
		if n == 0 && width <= 0 {
			return dst
		}
	}
}
