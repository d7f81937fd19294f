package workspace

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// maxFile bounds hopnhat.yaml, consolidation.yaml and a sheet, in octets.
const maxFile = 4 << 20

// Lines that are longer than any person writes are refused, and long ones not
// shown, in octets and characters.
const (
	maxLine  = 16 << 10
	maxShown = 600
)

const (
	saveUTF8 = "save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)"
	bom      = "\ufeff"
)

// text is a file as lines: without byte order mark, line ends all "\n".
type text struct {
	file  string
	lines []string
}

// place gives the place of a line and column, with the line to be shown.
func (t text) place(line, column int) (zones.Place, string) {
	at := zones.Place{File: t.file, Line: line, Column: column}
	if line < 1 || line > len(t.lines) || utf8.RuneCountInString(t.lines[line-1]) > maxShown {
		return at, ""
	}
	return at, t.lines[line-1]
}

func (t text) finding(id string, line, column int, found, mend string) finding.Finding {
	f := finding.Finding{ID: id, Severity: finding.Error, Found: found, Mend: mend}
	f.At, f.Line = t.place(line, column)
	return f
}

// readText checks that data is UTF-8 text that a person can have meant; with
// a finding there are no lines.
func readText(file string, data []byte) (text, []finding.Finding) {
	t := text{file: file}
	whole := func(found, mend string) (text, []finding.Finding) {
		return t, []finding.Finding{t.finding("W-TEXT", 0, 0, found, mend)}
	}
	switch {
	case len(data) > maxFile:
		return whole(fmt.Sprintf("a file of %d octets, more than %d", len(data), maxFile), "keep what people decide here, and data in sheets and zone files")
	case isUTF16(data):
		return whole(`the file is in UTF-16, which Windows calls "Unicode"`, saveUTF8)
	}
	s := strings.TrimPrefix(string(data), bom)
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	t.lines = strings.Split(s, "\n")
	var fs []finding.Finding
	for i, l := range t.lines {
		if len(l) > maxLine {
			fs = append(fs, t.finding("W-TEXT", i+1, 1, fmt.Sprintf("a line of %d octets", len(l)), "break it up, one entry a line"))
			break
		}
		if c := columnOfBad(l); c > 0 && len(fs) < 10 {
			r := []rune(l)[c-1]
			found := fmt.Sprintf("the character U+%04X, which is no text", r)
			mend := "delete it, and type the line anew if it was pasted"
			if r == utf8.RuneError {
				found, mend = "octets that are not UTF-8", "the file is in an old code page (TCVN3, VNI, windows-1258): "+saveUTF8
			}
			fs = append(fs, t.finding("W-TEXT", i+1, c, found, mend))
		}
	}
	if len(fs) > 0 {
		t.lines = nil
	}
	return t, fs
}

// isUTF16 tells by the byte order mark, or by the zero octets that ASCII has
// in UTF-16.
func isUTF16(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) ||
		len(b) > 3 && (b[0] == 0) != (b[1] == 0) && (b[0] == 0) == (b[2] == 0) && (b[1] == 0) == (b[3] == 0)
}

// columnOfBad returns the column of the first character that no text has:
// controls, marks that turn the reading direction, private use (standIns of
// yaml.go among them), broken UTF-8. 0 is none.
func columnOfBad(l string) int {
	c := 0
	for i, r := range l {
		c++
		switch {
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(l[i:]); n == 1 {
				return c
			}
		case r == '\t':
		case r < ' ', 0x7f <= r && r < 0xa0, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069,
			r == 0x2028, r == 0x2029, r == 0xfeff, 0xe000 <= r && r <= 0xf8ff, 0xfff0 <= r && r <= 0xffff:
			return c
		}
	}
	return 0
}

// nearest returns the word of list that s is most likely a slip of; "" where
// none is close.
func nearest(s string, list []string) string {
	best, at := "", max(1, utf8.RuneCountInString(s)/3)+1
	for _, w := range list {
		if n := min(len(s), len(w)); n >= 3 && w[:n] == s[:n] {
			return w // one begins the other
		}
		if d := distance(s, w); d < at {
			best, at = w, d
		}
	}
	return best
}

// distance counts the single-character edits between a and b, swapped
// neighbours as one.
func distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if len(x) > 64 || len(y) > 64 {
		return max(len(x), len(y))
	}
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		row, up, up2 := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(y); j++ {
			c := 1
			if x[i-1] == y[j-1] {
				c = 0
			}
			row[j] = min(up[j]+1, row[j-1]+1, up[j-1]+c)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], up2[j-2]+1)
			}
		}
	}
	return rows[len(x)%3][len(y)]
}

// didYouMean gives the words of a suggestion, or what may stand here.
func didYouMean(s string, list []string) string {
	if w := nearest(s, list); w != "" {
		return "did you mean " + w + "?"
	}
	if len(list) == 0 {
		return ""
	}
	return "known here: " + strings.Join(list, ", ")
}
