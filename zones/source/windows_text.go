package source

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// maxWindows is how many octets a Windows file may have where no limit is set:
// all of it is held in memory.
const maxWindows = 128 << 20

// decodeText gives a file's text as UTF-8 without a byte order mark. A file
// that is no UTF-16 is kept octet for octet: names may be any octets. Lines
// and columns (in characters) stay as they were.
func decodeText(b []byte) []byte {
	order := binary.ByteOrder(binary.LittleEndian)
	switch {
	case bytes.HasPrefix(b, []byte(byteOrderMark)):
		return b[len(byteOrderMark):]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		b = b[2:]
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		b, order = b[2:], binary.BigEndian
	case len(b) >= 4 && b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0: // no mark, ASCII at its head
	case len(b) >= 4 && b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0:
		order = binary.BigEndian
	default:
		return b
	}
	out := make([]byte, 0, len(b)/2+len(b)/8)
	for len(b) >= 2 {
		r := rune(order.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) && len(b) >= 2 {
			if both := utf16.DecodeRune(r, rune(order.Uint16(b))); both != utf8.RuneError {
				r, b = both, b[2:]
			}
		}
		out = utf8.AppendRune(out, r) // half a surrogate pair gives U+FFFD
	}
	if len(b) > 0 {
		out = append(out, 0) // half a character: refused as no text
	}
	return out
}

// winSpot is where something stands in a winFile.
type winSpot struct {
	offset int
	line   int // from 1
	start  int // where the line begins
}

// winFile is the text of one file.
type winFile struct {
	shown string // its name as a person knows it
	buf   []byte
}

// place gives line and column, in characters.
func (f *winFile) place(s winSpot) zones.Place {
	if s.line == 0 {
		return zones.Place{File: f.shown}
	}
	return zones.Place{File: f.shown, Line: s.line, Column: utf8.RuneCount(f.buf[s.start:s.offset]) + 1}
}

// text is the beginning of the line that a spot stands on.
func (f *winFile) text(s winSpot) string {
	if s.line == 0 {
		return ""
	}
	b := f.buf[s.start:min(len(f.buf), s.start+maxLine+1)]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	} else if len(b) > maxLine {
		b = b[:maxLine]
		for back := 1; back < utf8.UTFMax && !utf8.Valid(b) && len(b) > 0; back++ {
			b = b[:len(b)-1]
		}
	}
	return string(bytes.TrimSuffix(b, []byte("\r")))
}

// winSink gathers findings within bounds: errors up to a limit, of the others
// maxSaid of one id. What is left out is counted.
type winSink struct {
	list   []finding.Finding
	most   int // errors
	errors int
	alike  map[string]int
}

func (s *winSink) add(f finding.Finding) {
	if f.Severity >= finding.Error {
		if s.errors++; s.errors > s.most {
			return
		}
	} else {
		if s.alike == nil {
			s.alike = map[string]int{}
		}
		if s.alike[f.ID]++; s.alike[f.ID] > maxSaid {
			return
		}
	}
	s.list = append(s.list, f)
}
