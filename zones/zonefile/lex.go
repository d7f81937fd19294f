package zonefile

import (
	"bytes"

	"gialai.gov.vn/hopnhat/zones"
)

// What an octet means to the tokenizer (RFC 1035 5.1).
const (
	octetPlain = iota // part of a token
	octetSpace        // space, tab
	octetLF
	octetCR
	octetComment // ;
	octetQuote   // "
	octetOpen    // (
	octetClose   // )
	octetEscape  // \
)

// meaning is read, never written.
var meaning = [256]uint8{
	' ': octetSpace, '\t': octetSpace, '\n': octetLF, '\r': octetCR, ';': octetComment,
	'"': octetQuote, '(': octetOpen, ')': octetClose, '\\': octetEscape,
}

// token is one word of an entry. The octets [start,end) are its text with
// escapes intact, without the outer quotes.
//
//	www  "a b" k="v w"
//	^^^   ^^^  ^^ ^^^
//	plain      plain, then quoted and glued
type token struct {
	start, end uint32
	line       uint32
	quoted     bool
	glued      bool // no space in front of it, after another token
	cut        bool // a comment follows without a space
}

// from is where the token's first octet stands, the quote included.
func (t token) from() uint32 {
	if t.quoted {
		return t.start - 1
	}
	return t.start
}

// to is where the token ends, the quote included.
func (t token) to() uint32 {
	if t.quoted {
		return t.end + 1
	}
	return t.end
}

// spot is where something stands in a file.
type spot struct{ offset, line uint32 }

func (t token) spot() spot  { return spot{t.from(), t.line} }
func (e *lexed) spot() spot { return spot{e.at, e.atLine} }

// What can be wrong with an entry before its tokens mean anything.
type lexFault uint8

const (
	lexFine lexFault = iota
	lexQuote
	lexOpen
	lexClose
	lexCR
)

// lexed is one entry: whole lines, from a line's first octet to the end of
// the line on which no parenthesis is open. toks is the lexer's and holds
// until the next call.
type lexed struct {
	start, end uint32 // octets, line end included
	line       uint32 // of the first octet
	indented   bool   // begins with a space or a tab: the owner is left out
	fault      lexFault
	at, atLine uint32 // where the fault was found, or where what is unclosed was opened
	open       uint32 // where the first parenthesis opens, when lines > 1 or fault is lexOpen
	openLine   uint32
	lines      uint32 // line ends seen
	toks       []token
}

// lexer cuts a file into entries in one pass. Every octet belongs to exactly
// one entry (LOSSLESS).
type lexer struct {
	buf    []byte
	pos    int
	line   uint32
	toks   []token
	wasted int  // octets read in vain for a parenthesis that is never closed
	strict bool // too much was wasted: an open parenthesis ends at the next record
}

// byteOrderMark is U+FEFF in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

func newLexer(buf []byte) *lexer { return &lexer{buf: buf, line: 1, toks: make([]token, 0, 16)} }

// next reads one entry; false at the end of the file.
func (x *lexer) next(e *lexed) bool {
	buf := x.buf
	if x.pos >= len(buf) {
		return false
	}
	*e = lexed{start: uint32(x.pos), line: x.line}
	pos, toks := x.pos, x.toks[:0]
	if pos == 0 && bytes.HasPrefix(buf, []byte(byteOrderMark)) {
		pos = len(byteOrderMark)
	}
	e.indented = pos < len(buf) && meaning[buf[pos]] == octetSpace
	depth := 0
scan:
	for pos < len(buf) {
		switch meaning[buf[pos]] {
		case octetSpace:
			pos++
		case octetLF:
			pos++
			x.line++
			e.lines++
			if depth == 0 || x.strict && startsAnew(buf[pos:]) {
				break scan
			}
		case octetCR:
			if pos+1 < len(buf) && buf[pos+1] != '\n' {
				e.fail(lexCR, pos, x.line)
			}
			pos++
		case octetComment:
			if n := len(toks); n > 0 && int(toks[n-1].to()) == pos {
				toks[n-1].cut = true
			}
			if i := bytes.IndexByte(buf[pos:], '\n'); i >= 0 {
				pos += i
			} else {
				pos = len(buf)
			}
		case octetOpen:
			if depth == 0 && e.openLine == 0 {
				e.open, e.openLine = uint32(pos), x.line
			}
			depth++
			pos++
		case octetClose:
			if depth == 0 {
				e.fail(lexClose, pos, x.line)
			} else {
				depth--
			}
			pos++
		case octetQuote:
			t := token{start: uint32(pos + 1), line: x.line, quoted: true, glued: glued(toks, pos)}
			pos++
			for pos < len(buf) && buf[pos] != '"' && buf[pos] != '\n' {
				if buf[pos] == '\\' && pos+1 < len(buf) && buf[pos+1] != '\n' {
					pos++
				}
				pos++
			}
			if pos >= len(buf) || buf[pos] == '\n' {
				e.fail(lexQuote, int(t.start)-1, x.line)
				break
			}
			t.end = uint32(pos)
			toks = append(toks, t)
			pos++
		default:
			t := token{start: uint32(pos), line: x.line, glued: glued(toks, pos)}
			for pos < len(buf) {
				if m := meaning[buf[pos]]; m != octetPlain {
					if m != octetEscape {
						break
					}
					if pos+1 < len(buf) && buf[pos+1] != '\n' && buf[pos+1] != '\r' {
						pos++
					}
				}
				pos++
			}
			t.end = uint32(pos)
			toks = append(toks, t)
		}
	}
	x.toks = toks
	e.toks = toks
	if depth > 0 {
		if e.fault != lexQuote { // a quote that swallowed the ")" is the nearer cause
			e.fault, e.at, e.atLine = lexOpen, e.open, e.openLine
		}
		if !x.strict {
			stop := pos
			pos = x.recover(e)
			x.waste(stop - pos)
		}
	}
	x.pos = pos
	e.end = uint32(pos)
	return true
}

func glued(toks []token, pos int) bool {
	return len(toks) > 0 && int(toks[len(toks)-1].to()) == pos
}

// fail notes the first fault of an entry.
func (e *lexed) fail(f lexFault, pos int, line uint32) {
	if e.fault == lexFine {
		e.fault, e.at, e.atLine = f, uint32(pos), line
	}
}

// recover finds where an entry ends whose parenthesis is never closed: at the
// first later line that is blank or starts like a record.
func (x *lexer) recover(e *lexed) int {
	pos, line := int(e.open), e.openLine
	for {
		i := bytes.IndexByte(x.buf[pos:], '\n')
		if i < 0 {
			x.line = line
			return len(x.buf)
		}
		pos += i + 1
		line++
		if startsAnew(x.buf[pos:]) {
			x.line = line
			return pos
		}
	}
}

// rewind sets the lexer back to the start of a line.
func (x *lexer) rewind(pos int, line uint32) {
	x.waste(x.pos - pos)
	x.pos, x.line = pos, line
}

// waste counts octets that are read again: so many are few for a file with a
// handful of faults, and a file of nothing else is still read in linear time.
func (x *lexer) waste(n int) {
	x.wasted += n
	x.strict = x.strict || x.wasted > 16*len(x.buf)+1<<16
}

// startsAnew tells whether the line at the head of b is blank or starts like
// a record or a directive. It is a guess, used only to go on after a fault.
func startsAnew(b []byte) bool {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return true
	}
	return startsRecord(b)
}

// startsRecord tells whether a line looks like a record or a directive:
// [owner] [TTL] [class] type and something after it.
func startsRecord(line []byte) bool {
	if line[0] == '$' {
		return true
	}
	if meaning[line[0]] > octetSpace && line[0] != '\\' {
		return false
	}
	indented := meaning[line[0]] == octetSpace
	word := func() (w []byte) {
		line = bytes.TrimLeft(line, " \t\r")
		i := bytes.IndexAny(line, " \t\r;\"()")
		if i < 0 {
			i = len(line)
		}
		w, line = line[:i], line[i:]
		return w
	}
	if !indented {
		word()
	}
	for range 3 {
		w := word()
		if len(w) == 0 || len(w) > 16 {
			return false
		}
		if _, ok := parseTTL(w); ok {
			continue
		}
		if _, ok := parseClass(w); ok {
			continue
		}
		if t, ok := zones.ParseType(string(w)); !ok || !t.IsData() {
			return false
		}
		// A list of types (NSEC) is no record; a record has something after its type.
		after := word()
		_, list := zones.ParseType(string(after))
		return !list && (len(after) > 0 || len(bytes.TrimSpace(line)) > 0)
	}
	return false
}
