package finding

import (
	"cmp"
	"slices"
	"strings"

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

// show replaces control characters, which would move a terminal's cursor.
func show(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r == 0x7f || r == 0xfeff || 0x80 <= r && r < 0xa0) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(line, "\ufffd"))
}

// mark draws a caret under the column, keeping tabs so that it lines up.
func mark(line string, column int) string {
	var b strings.Builder
	for _, r := range line {
		if column--; column <= 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
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
