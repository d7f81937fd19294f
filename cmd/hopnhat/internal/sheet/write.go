package sheet

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Table is a table to be written.
type Table struct {
	Name     string // of the sheet
	Headings []string
	Widths   []float64 // in characters; missing ones are guessed
	Rows     [][]string
}

// WriteXLSX writes a workbook with one sheet: bold headings that stay in sight,
// a filter, every cell a text, so that no spreadsheet computes or rounds it.
func WriteXLSX(w io.Writer, t Table) error {
	f := excelize.NewFile()
	defer f.Close()
	name := t.Name
	if name == "" {
		name = "Sheet1"
	}
	if err := f.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	head, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}, NumFmt: 49})
	if err != nil {
		return err
	}
	body, err := f.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}, NumFmt: 49}) // 49 is text
	if err != nil {
		return err
	}
	sw, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	for i, h := range t.Headings {
		width := 8.0
		if i < len(t.Widths) && t.Widths[i] > 0 {
			width = t.Widths[i]
		} else {
			width = max(width, min(40, float64(utf8.RuneCountInString(h))+2))
			for _, r := range t.Rows {
				if i < len(r) {
					width = max(width, min(60, float64(utf8.RuneCountInString(r[i]))+2))
				}
			}
		}
		if err := sw.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	put := func(row int, cells []string, style int) error {
		values := make([]any, len(cells))
		for i, c := range cells {
			if utf8.RuneCountInString(c) > excelize.TotalCellChars {
				return fmt.Errorf("%s: a text of more than %d characters does not fit a cell", Ref(row, i+1), excelize.TotalCellChars)
			}
			if c != "" {
				values[i] = excelize.Cell{StyleID: style, Value: c}
			}
		}
		return sw.SetRow(fmt.Sprintf("A%d", row), values)
	}
	if err := put(1, t.Headings, head); err != nil {
		return err
	}
	for i, r := range t.Rows {
		if err := put(i+2, r, body); err != nil {
			return err
		}
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	if len(t.Rows) > 0 {
		if err := f.AutoFilter(name, fmt.Sprintf("A1:%s", Ref(len(t.Rows)+1, len(t.Headings))), nil); err != nil {
			return err
		}
	}
	return f.Write(w)
}

// WriteCSV writes RFC 4180 with a byte order mark, so that spreadsheets know
// it for UTF-8. A text that a spreadsheet would compute gets an apostrophe in
// front, and Unguard takes it away; spaces around a text are left out.
func WriteCSV(w io.Writer, t Table) error {
	var b strings.Builder
	b.WriteString("\ufeff")
	for _, row := range append([][]string{t.Headings}, t.Rows...) {
		for i, c := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			c = guard(strings.TrimSpace(c))
			if strings.ContainsAny(c, ",;\t|\"\r\n") {
				c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
			b.WriteString(c)
		}
		b.WriteString("\r\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// guard keeps a spreadsheet from computing a text.
func guard(s string) string {
	if s != "" && strings.ContainsRune("=+-@'\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Unguard takes the apostrophe away that WriteCSV puts in front of a text.
func Unguard(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@'\t\r", rune(s[1])) {
		return s[1:]
	}
	return s
}
