package sheet

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// Kind is what a cell holds.
type Kind uint8

// The kinds. Text is the zero value, an empty cell too.
const (
	Text   Kind = iota
	Number      // Text has its digits as stored, in full
	Date        // a number that is shown as a date or a time
	Bool
	Fault // an error value such as #REF!
)

// Cell is one cell.
type Cell struct {
	Text   string // what it says, without spaces around it; of a Date what is shown
	Kind   Kind
	Raw    string // of a Number or a Date: the stored number
	Merged bool   // the text is that of the merged area's first cell
	Struck bool   // struck through
}

// Row is one row; Cells[0] is column A. Trailing empty cells are left out.
type Row struct {
	Number int // from 1
	Hidden bool
	Cells  []Cell
}

// Cell returns a column's cell, counted from 1; the zero Cell beyond the end.
func (r Row) Cell(col int) Cell {
	if col < 1 || col > len(r.Cells) {
		return Cell{}
	}
	return r.Cells[col-1]
}

// Empty tells whether no cell has text.
func (r Row) Empty() bool {
	for _, c := range r.Cells {
		if c.Text != "" {
			return false
		}
	}
	return true
}

// Merged tells whether a cell belongs to a merged area.
func (r Row) Merged() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Merged })
}

// Sheet is one sheet of a book; a text file has one without a name.
type Sheet struct {
	Name   string
	Hidden bool
	Rows   []Row // those with text

	file string // as places have it
}

// Place says where a cell stands; column 0 is the whole row.
func (s Sheet) Place(row, col int) zones.Place {
	f := s.file
	if s.Name != "" {
		f += "[" + s.Name + "]"
	}
	return zones.Place{File: f, Line: row, Column: col}
}

// Book is a file that was read.
type Book struct {
	File     string // as places have it
	Format   string // "xlsx" or "csv"
	Encoding string // of a text file, such as "UTF-8"
	Comma    rune   // of a text file: what separates its cells
	Sheets   []Sheet
}

// Ref is what a spreadsheet calls a cell, such as B7.
func Ref(row, col int) string {
	if col < 1 {
		return fmt.Sprintf("row %d", row)
	}
	return fmt.Sprintf("%s%d", Letters(col), row)
}

// Letters is what a spreadsheet calls a column, such as B or AA.
func Letters(col int) string {
	var b []byte
	for ; col > 0; col = (col - 1) / 26 {
		b = append([]byte{byte('A' + (col-1)%26)}, b...)
	}
	return string(b)
}

// ColumnNumber reads the letters of a column; 0 if they are none.
func ColumnNumber(letters string) int {
	n := 0
	for _, c := range strings.ToUpper(letters) {
		if c < 'A' || c > 'Z' || n > 1000 {
			return 0
		}
		n = n*26 + int(c-'A') + 1
	}
	return n
}
