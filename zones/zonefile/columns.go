package zonefile

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// tabStop is how wide a tab is at most, in characters.
const tabStop = 8

// width is the column reached after text that begins at column from, both
// from 0, in characters, with tabs.
func width(from int, text []byte) int {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		if r == '\t' {
			from += tabStop - from%tabStop
		} else {
			from++
		}
	}
	return from
}

// pad is the space from column at to column target, at least one character,
// with tabs where the gap that it is modelled on has one.
func pad(at, target int, model []byte) string {
	tabs := bytes.IndexByte(model, '\t') >= 0
	if at >= target {
		if tabs {
			return "\t"
		}
		return " "
	}
	var b strings.Builder
	if tabs {
		for next := at + tabStop - at%tabStop; next <= target; next += tabStop {
			b.WriteByte('\t')
			at = next
		}
	}
	for ; at < target; at++ {
		b.WriteByte(' ')
	}
	return b.String()
}

// column is the column of an octet in its line, from 0, with tabs.
func column(buf []byte, at uint32) int {
	start := bytes.LastIndexByte(buf[:at], '\n') + 1
	if start == 0 && bytes.HasPrefix(buf, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
	}
	return width(0, buf[start:at])
}

// gapAfter is the run of spaces and tabs that begins at an octet.
func gapAfter(buf []byte, at uint32) []byte {
	end := at
	for end < uint32(len(buf)) && meaning[buf[end]] == octetSpace {
		end++
	}
	return buf[at:end]
}

// gapBefore is the run of spaces and tabs that ends at an octet.
func gapBefore(buf []byte, at uint32) []byte {
	start := at
	for start > 0 && meaning[buf[start-1]] == octetSpace {
		start--
	}
	return buf[start:at]
}

// replace puts text in the place of a word, and keeps what follows it on the
// line in its column where the gap between them allows it.
func replace(buf []byte, file int, t token, text string) splice {
	if t.glued && text[0] != '"' {
		text = " " + text
	}
	s := splice{file, t.from(), t.to(), text}
	gap := gapAfter(buf, t.to())
	end := t.to() + uint32(len(gap))
	if end >= uint32(len(buf)) || buf[end] == '\n' || buf[end] == '\r' {
		return s // nothing follows
	}
	if len(gap) == 0 {
		if buf[end] != ';' && buf[end] != '(' && buf[end] != ')' {
			s.text += " " // another word was glued to it
		}
		return s
	}
	if len(gap) == 1 && gap[0] == ' ' && !(buf[end] == ';' && alignedComment(buf, end)) {
		return s // not a column
	}
	s.to = end
	s.text += pad(width(column(buf, t.from()), []byte(text)), column(buf, end), gap)
	return s
}

// alignedComment tells whether the line before or after has a comment in the
// column of the one at an octet.
func alignedComment(buf []byte, at uint32) bool {
	want := column(buf, at)
	start := bytes.LastIndexByte(buf[:at], '\n') + 1
	before := buf[:max(start-1, 0)]
	before = before[bytes.LastIndexByte(before, '\n')+1:]
	var after []byte
	if i := bytes.IndexByte(buf[at:], '\n'); i >= 0 {
		after, _, _ = bytes.Cut(buf[int(at)+i+1:], []byte("\n"))
	}
	for _, line := range [][]byte{before, after} {
		if i := bytes.IndexByte(line, ';'); i > 0 && width(0, line[:i]) == want {
			return true
		}
	}
	return false
}
