package finding

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
)

// Severity orders findings; the zero value is Note.
type Severity uint8

// The severities. A Block stops publishing until it is mended or decided; an
// Error makes the command that found it fail; a Warning and a Note do not.
const (
	Note Severity = iota
	Warning
	Error
	Block
)

// String gives the word that stands in a message.
func (s Severity) String() string {
	return [...]string{"note", "warning", "error", "blocking"}[min(s, Block)]
}

// Finding is one cause. Only ID and Found are always there.
type Finding struct {
	ID       string      // a stable id such as "Z-TTL" (docs/checks.md)
	Severity Severity    //
	At       zones.Place // the place at fault
	Line     string      // that line's text, to be shown; "" where there is none to show
	Found    string      // what was found, without a full stop
	Mend     string      // what to do, without a full stop
	Count    int         // how many records or names share the cause; 0 means one
	Dig      []string    // commands that show it
}

// Error makes a Finding an error, so that it can be returned as one.
func (f Finding) Error() string { return f.String() }

// String gives "place: severity: found; mend [ID]", and the line below it with a mark
// under the column.
func (f Finding) String() string {
	var b strings.Builder
	if !f.At.IsZero() {
		b.WriteString(f.At.String() + ": ")
	}
	b.WriteString(f.Severity.String() + ": " + f.Found)
	if f.Mend != "" {
		b.WriteString("; " + f.Mend)
	}
	if f.ID != "" {
		b.WriteString(" [" + f.ID + "]")
	}
	if f.Line != "" {
		b.WriteString("\n    " + show(f.Line))
		if f.At.Column > 0 {
			b.WriteString("\n    " + mark(f.Line, f.At.Column))
		}
	}
	return b.String()
}

// show makes a line fit to be shown: what would move a terminal's cursor, turn
// the direction of writing or stand there unseen becomes U+FFFD, and so does
// each octet that is not UTF-8.
func show(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return utf8.RuneError
		}
		return r
	}, line)
}

// mark draws a caret under the column of a line as show shows it. Tabs are
// kept, so that it lines up; combining marks (decomposed Vietnamese) take no
// room of their own.
func mark(line string, column int) string {
	var b strings.Builder
	for _, r := range line {
		if column--; column <= 0 {
			break
		}
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case !unicode.In(r, unicode.Mn, unicode.Me):
			b.WriteByte(' ')
		}
	}
	return b.String() + "^"
}

// Worst returns the highest severity; Note for an empty list.
func Worst(fs []Finding) Severity {
	w := Note
	for _, f := range fs {
		w = max(w, f.Severity)
	}
	return w
}

// Failed tells whether any finding is an Error or a Block.
func Failed(fs []Finding) bool { return Worst(fs) >= Error }

// Sort orders findings by place, then by id; equal ones keep their order.
func Sort(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line),
			cmp.Compare(a.At.Column, b.At.Column), cmp.Compare(a.ID, b.ID))
	})
}
