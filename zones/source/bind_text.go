package source

import (
	"bytes"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// confFile is one configuration file.
type confFile struct {
	name  string // inside the file system
	shown string // as a person knows it
	buf   []byte
	lines []int // where each line begins
}

const byteOrderMark = "\xef\xbb\xbf"

func newConfFile(name, shown string, buf []byte) *confFile {
	f := &confFile{name: name, shown: shown, buf: buf, lines: []int{0}}
	for i, c := range buf {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// spot is an octet of a configuration file.
type spot struct {
	file   *confFile
	offset int
}

// place gives line and column, in characters.
func (s spot) place() zones.Place {
	if s.file == nil {
		return zones.Place{}
	}
	line, start := s.line()
	return zones.Place{File: s.file.shown, Line: line, Column: utf8.RuneCount(s.file.buf[start:max(start, s.offset)]) + 1}
}

// line gives the number of the spot's line and where its text begins.
func (s spot) line() (int, int) {
	n := sort.SearchInts(s.file.lines, s.offset+1)
	start := s.file.lines[n-1]
	if start == 0 && bytes.HasPrefix(s.file.buf, []byte(byteOrderMark)) {
		start = len(byteOrderMark)
	}
	return n, start
}

// maxLine is how much of a line is shown, in octets.
const maxLine = 400

// text is the spot's line. A line that may hold a key's secret is not shown.
func (s spot) text() string {
	if s.file == nil {
		return ""
	}
	_, start := s.line()
	b := s.file.buf[start:]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	b = bytes.TrimSuffix(b, []byte("\r"))
	if bytes.Contains(bytes.ToLower(b), []byte("secret")) {
		return ""
	}
	if len(b) > maxLine {
		cut := maxLine
		for cut > maxLine-utf8.UTFMax && !utf8.RuneStart(b[cut]) {
			cut--
		}
		b = b[:cut]
	}
	return string(b)
}

// finding makes a finding about a spot.
func (s spot) finding(id string, sev finding.Severity, found, mend string) finding.Finding {
	return finding.Finding{ID: id, Severity: sev, At: s.place(), Line: s.text(), Found: found, Mend: mend}
}

// quote shows what a file says, shortened, with nothing that moves a cursor.
func quote(s string) string {
	const most = 80
	var b strings.Builder
	b.WriteByte('"')
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = '\ufffd'
		}
		b.WriteRune(r)
	}
	return b.String() + `"`
}

// shown is the name of a file as a person knows it.
func shown(prefix, name string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix + name
	}
	return prefix + "/" + name
}

// argument writes a word for a command line.
func argument(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+=@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
