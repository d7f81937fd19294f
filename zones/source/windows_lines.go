package source

import (
	"bytes"
)

// winWord is one word of an entry, escapes intact, outer quotes gone.
type winWord struct {
	text   []byte
	quoted bool
	at     winSpot
}

// What can be wrong with an entry before its words mean anything.
const (
	entryFine = iota
	entryQuote
	entryOpen
	entryClose
	entryCR
	entryLong
)

// winEntry is a line, or the lines that parentheses hold together. words hold
// until the next entry.
type winEntry struct {
	at       winSpot // of its first octet
	indented bool    // begins with a space or a tab: the owner is left out
	words    []winWord
	fault    int
	faultAt  winSpot
}

// maxWords is how many words an entry may have: more than RDATA of 65535
// octets can be written with.
const maxWords = 1 << 16

// winLexer cuts a .dns file or a listing into entries (RFC 1035 5.1).
type winLexer struct {
	buf    []byte
	at     winSpot // of the next entry
	words  []winWord
	wasted int // octets read in vain for a parenthesis that is never closed
}

func newWinLexer(buf []byte) *winLexer { return &winLexer{buf: buf, at: winSpot{line: 1}} }

// rest is the line that comes next, without its end.
func (x *winLexer) rest() []byte {
	b := x.buf[x.at.offset:]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return b
}

// pass goes over the next line without cutting it.
func (x *winLexer) pass() {
	n := x.at.offset + len(x.rest())
	if n < len(x.buf) {
		n++
	}
	x.at = winSpot{offset: n, line: x.at.line + 1, start: n}
}

// done tells whether everything was read.
func (x *winLexer) done() bool { return x.at.offset >= len(x.buf) }

// next reads one entry. An entry whose parenthesis is never closed ends with
// its first line.
func (x *winLexer) next(e *winEntry) {
	start := x.at
	x.entry(e, false)
	if e.fault != entryOpen {
		return
	}
	x.wasted += x.at.offset - start.offset
	fault := e.faultAt
	x.at = start
	x.entry(e, true)
	e.fault, e.faultAt = entryOpen, fault
}

// patience is how many octets may be read in vain: enough for a file with a
// few faults, and a file of nothing else is still read in linear time.
func (x *winLexer) patience() int { return 16*len(x.buf) + 1<<16 }

// entry reads up to the line end at which no parenthesis is open, or, with
// line, up to the first line end.
func (x *winLexer) entry(e *winEntry, line bool) {
	buf, s := x.buf, x.at
	*e = winEntry{at: s}
	words := x.words[:0]
	e.indented = buf[s.offset] == ' ' || buf[s.offset] == '\t'
	line = line || x.wasted >= x.patience() // too much was read in vain: no record spreads over lines
	depth, open := 0, winSpot{}
	add := func(w winWord) {
		if len(words) == maxWords {
			e.fail(entryLong, w.at)
			return
		}
		words = append(words, w)
	}
scan:
	for s.offset < len(buf) {
		switch buf[s.offset] {
		case ' ', '\t':
			s.offset++
		case '\n':
			s.offset++
			s.line++
			s.start = s.offset
			if depth == 0 || line {
				break scan
			}
			if startsOwner(buf[s.offset:]) {
				break scan // the parenthesis swallows records
			}
		case '\r':
			if s.offset+1 < len(buf) && buf[s.offset+1] != '\n' {
				e.fail(entryCR, s)
			}
			s.offset++
		case ';':
			s.offset = lineEnd(buf, s.offset)
		case '(':
			if depth++; depth == 1 {
				open = s
			}
			s.offset++
		case ')':
			if depth--; depth < 0 {
				e.fail(entryClose, s)
				depth = 0
			}
			s.offset++
		case '"':
			end := s.offset + 1
			for end < len(buf) && buf[end] != '"' && buf[end] != '\n' {
				if buf[end] == '\\' && end+1 < len(buf) && buf[end+1] != '\n' {
					end++
				}
				end++
			}
			if end >= len(buf) || buf[end] == '\n' {
				e.fail(entryQuote, s)
				s.offset = min(end, len(buf))
				continue
			}
			add(winWord{buf[s.offset+1 : end], true, s})
			s.offset = end + 1
		default:
			end := s.offset
			for end < len(buf) && !ends(buf[end]) {
				if buf[end] == '\\' && end+1 < len(buf) && buf[end+1] != '\n' && buf[end+1] != '\r' {
					end++
				}
				end++
			}
			add(winWord{buf[s.offset:end], false, s})
			s.offset = end
		}
	}
	if depth > 0 && e.fault != entryQuote {
		e.fault, e.faultAt = entryOpen, open
	}
	x.words, x.at = words, s
	e.words = words
}

// startsOwner tells whether a line inside parentheses begins like a record.
// Windows begins such lines with tabs; people begin them with a number, a text
// or the closing parenthesis.
func startsOwner(line []byte) bool {
	return len(line) > 0 && bytes.IndexByte([]byte(" \t\r\n\"();0123456789"), line[0]) < 0
}

func (e *winEntry) fail(fault int, at winSpot) {
	if e.fault == entryFine {
		e.fault, e.faultAt = fault, at
	}
}

// ends tells whether an octet ends a word.
func ends(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ';', '(', ')', '"':
		return true
	}
	return false
}

func lineEnd(buf []byte, from int) int {
	if i := bytes.IndexByte(buf[from:], '\n'); i >= 0 {
		return from + i
	}
	return len(buf)
}
