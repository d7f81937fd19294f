package source

import "bytes"

// kind tells what a token of a named.conf is.
type kind uint8

const (
	blank     kind = iota // spaces, tabs, line ends
	comment               // // and # to the line's end, /* */
	word                  // an unquoted string
	quoted                // a string in quotes, over several lines if need be
	opening               // {
	closing               // }
	semicolon             // ;
	mark                  // a lone / or !, which end a word
	cutString             // a string that the file's end cuts
	cutNote               // a comment that the file's end cuts
	glued                 // a /* */ right after a word, where BIND takes the / for a mark
)

// token is a span of octets. The tokens of a file cover it (COVER).
type token struct {
	kind       kind
	start, end int
}

// lexer cuts a named.conf into tokens as BIND's isc_lex does: the characters
// { } ; " / ! end a word, # // and /* begin a comment (/* not right after a
// word), a backslash means something only before a quote inside quotes.
type lexer struct {
	buf []byte
	pos int
	lax bool // the last statement may lack its semicolon: the including file has it
	cut bool // it did
}

// next returns the next token, blanks and comments too; false at the end.
func (x *lexer) next() (token, bool) {
	if x.pos >= len(x.buf) {
		return token{start: len(x.buf), end: len(x.buf)}, false
	}
	t := token{start: x.pos}
	t.kind, t.end = scan(x.buf, x.pos)
	x.pos = t.end
	return t, true
}

// sense returns the next token that is neither blank nor comment.
func (x *lexer) sense() (token, bool) {
	for {
		t, ok := x.next()
		if !ok || t.kind != blank && t.kind != comment {
			return t, ok
		}
	}
}

// scan finds the kind and the end of the token at i.
func scan(b []byte, i int) (kind, int) {
	switch c := b[i]; {
	case isBlank(c):
		for i < len(b) && isBlank(b[i]) {
			i++
		}
		return blank, i
	case c == '{':
		return opening, i + 1
	case c == '}':
		return closing, i + 1
	case c == ';':
		return semicolon, i + 1
	case c == '!':
		return mark, i + 1
	case c == '#' || bytes.HasPrefix(b[i:], []byte("//")):
		if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
			return comment, i + n
		}
		return comment, len(b)
	case bytes.HasPrefix(b[i:], []byte("/*")):
		n := bytes.Index(b[i+2:], []byte("*/"))
		switch {
		case n < 0:
			return cutNote, len(b)
		case i > 0 && !endsWord(b[i-1]):
			return glued, i + 2 + n + 2
		}
		return comment, i + 2 + n + 2
	case c == '/':
		return mark, i + 1
	case c == '"':
		return scanString(b, i)
	}
	for i < len(b) && !endsWord(b[i]) {
		i++
	}
	return word, i
}

// scanString finds the end of the quoted string at i. A quote after a
// backslash belongs to the string, unless that backslash follows another.
func scanString(b []byte, i int) (kind, int) {
	escaped := false
	for i++; i < len(b); i++ {
		switch {
		case b[i] == '"' && !escaped:
			return quoted, i + 1
		case b[i] == '\\' && !escaped:
			escaped = true
		default:
			escaped = false
		}
	}
	return cutString, len(b)
}

// endsWord tells whether a character is none of a word.
func endsWord(c byte) bool {
	switch c {
	case '{', '}', ';', '"', '/', '!', '#':
		return true
	}
	return isBlank(c)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// value is what a word or a string stands for.
func (t token) value(b []byte) string {
	s := b[t.start:t.end]
	if t.kind != quoted {
		return string(s)
	}
	s = s[1 : len(s)-1]
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if s[i+1] != '"' {
				out = append(out, s[i]) // BIND keeps the backslash before all but a quote
			}
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}
