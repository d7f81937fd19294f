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
	steps []step
}

// step is a count of characters up to an octet that begins one, so that a
// column far along a line is found without counting from its beginning.
type step struct{ offset, runes int }

const stepSize = 1 << 14 // octets

const byteOrderMark = "\xef\xbb\xbf"

func newConfFile(name, shown string, buf []byte) *confFile {
	f := &confFile{name: name, shown: shown, buf: buf, lines: []int{0}, steps: []step{{}}}
	for i, c := range buf {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	for last := f.steps[0]; last.offset+stepSize < len(buf); {
		next := last.offset + stepSize
		for back := range utf8.UTFMax { // after so many octets that begin none, each is one itself
			if utf8.RuneStart(buf[next-back]) {
				next -= back
				break
			}
		}
		last = step{next, last.runes + utf8.RuneCount(buf[last.offset:next])}
		f.steps = append(f.steps, last)
	}
	return f
}

// runes counts the characters before an octet.
func (f *confFile) runes(offset int) int {
	n := sort.Search(len(f.steps), func(i int) bool { return f.steps[i].offset > offset }) - 1
	return f.steps[n].runes + utf8.RuneCount(f.buf[f.steps[n].offset:offset])
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
	return zones.Place{File: s.file.shown, Line: line, Column: s.file.runes(max(start, s.offset)) - s.file.runes(start) + 1}
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

// text is the beginning of the spot's line; none where a key's secret may
// stand in it, after that word on this line or the one before.
func (s spot) text() string {
	if s.file == nil {
		return ""
	}
	_, start := s.line()
	end := min(len(s.file.buf), start+maxLine)
	for back := 1; back < utf8.UTFMax && end < len(s.file.buf) && end > start && !utf8.RuneStart(s.file.buf[end]); back++ {
		end--
	}
	b := s.file.buf[start:end]
	if bytes.Contains(bytes.ToLower(s.file.buf[max(0, start-maxLine):start+len(b)]), []byte("secret")) {
		return ""
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return string(bytes.TrimSuffix(b[:i], []byte("\r")))
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

// maxText is how much a finding says, in characters. A path may be longer.
const maxText = 2000

// printable bounds what findings say and takes out what moves a cursor.
func printable(fs []finding.Finding) []finding.Finding {
	for i, f := range fs {
		fs[i].Found, fs[i].Mend = plain(f.Found), plain(f.Mend)
	}
	return fs
}

func plain(s string) string {
	n := 0
	s = strings.Map(func(r rune) rune {
		if n++; n > maxText {
			return -1
		}
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if n > maxText {
		s += "…"
	}
	return s
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
