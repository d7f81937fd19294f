package zonefile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// sink gathers findings within bounds: errors up to a limit, of the others
// maxAlike of one id. What is left out is counted.
type sink struct {
	list      []finding.Finding
	maxErrors int
	errors    int
	alike     map[string]int
	failed    bool
}

// maxAlike is how many warnings or notes of one id are listed one by one.
const maxAlike = 100

// maxLine is how much of a line is shown, in octets.
const maxLine = 400

func (s *sink) add(f finding.Finding) {
	if f.Severity >= finding.Error {
		s.failed = true
		if s.errors++; s.errors > s.maxErrors {
			return
		}
	} else {
		if s.alike == nil {
			s.alike = map[string]int{}
		}
		if s.alike[f.ID]++; s.alike[f.ID] > maxAlike {
			return
		}
	}
	s.list = append(s.list, f)
}

// close returns the findings by place, with a line for what was left out.
func (s *sink) close(at zones.Place) []finding.Finding {
	finding.Sort(s.list)
	if n := s.errors - s.maxErrors; n > 0 {
		s.list = append(s.list, finding.Finding{
			ID: "Z-LIMIT", Severity: finding.Error, At: at, Count: n,
			Found: fmt.Sprintf("%d more errors, not listed", n), Mend: "mend those above and read the file again",
		})
	}
	for _, id := range []string{"M-TTL", "Z-CUT", "Z-DOUBLE", "Z-DUP", "Z-NOTTL", "Z-SPACE", "Z-TTLMAX", "Z-UTF8"} {
		if n := s.alike[id] - maxAlike; n > 0 {
			s.list = append(s.list, finding.Finding{
				ID: id, At: at, Count: n, Found: fmt.Sprintf("%d more of the same kind, not listed", n),
			})
		}
	}
	return s.list
}

// lineAt returns the line of buf in which an octet stands and the column of
// that octet in characters, both without the byte order mark.
func lineAt(buf []byte, offset int) (line string, column int) {
	start := bytes.LastIndexByte(buf[:offset], '\n') + 1
	end := len(buf)
	if i := bytes.IndexByte(buf[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	if start == 0 && bytes.HasPrefix(buf, []byte(byteOrderMark)) {
		start = min(len(byteOrderMark), end)
	}
	offset = max(offset, start)
	text := bytes.TrimSuffix(buf[start:end], []byte("\r"))
	if len(text) > maxLine {
		cut := maxLine
		for cut > maxLine-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return string(text), utf8.RuneCount(buf[start:offset]) + 1
}

// quote shows what a file says, shortened, with nothing that moves a cursor.
// Backslashes stay single, as in the file.
func quote(b []byte) string {
	const most = 60
	out := []byte{'"'}
	for n := 0; len(b) > 0; n++ {
		if n == most {
			return string(out) + `…"`
		}
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, b[0])
		case unicode.IsPrint(r):
			out = append(out, b[:size]...)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[size:]
	}
	return string(append(out, '"'))
}

// withDot is text with a final dot.
func withDot(text string) string { return strings.TrimSuffix(text, ".") + "." }
