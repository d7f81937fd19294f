package sheet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// xlsx reads a workbook.
func (r *reader) xlsx(data []byte) {
	top := zones.Place{File: r.book.File}
	defer func() { // the library meets files that nobody's spreadsheet wrote
		if p := recover(); p != nil {
			r.fail("T-FORMAT", top, "the workbook is damaged", "open it in the spreadsheet and save it again")
		}
	}()
	switch f, err := r.measure(data); {
	case err != nil:
		r.fail("T-FORMAT", top, "the workbook is damaged: "+err.Error(), "open it in the spreadsheet and save it again")
		return
	case f.ID != "":
		f.At = top
		r.add(f)
		return
	}
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: r.o.Expanded, UnzipXMLSizeLimit: r.o.Expanded})
	if err != nil {
		r.fail("T-FORMAT", top, "it is no workbook: "+strings.TrimSpace(err.Error()), "open it in the spreadsheet and save as .xlsx")
		return
	}
	defer f.Close()
	for _, name := range f.GetSheetList() {
		s := Sheet{Name: name, file: r.book.File}
		if visible, err := f.GetSheetVisible(name); err == nil && !visible {
			s.Hidden = true
			r.add(finding.Finding{ID: "T-HIDDEN", Severity: finding.Warning, At: s.Place(0, 0), Found: "a hidden sheet, which is not read", Mend: "show it in the spreadsheet if its rows are meant"})
			r.book.Sheets = append(r.book.Sheets, s)
			continue
		}
		ok, err := r.sheet(f, &s)
		if err != nil {
			r.fail("T-FORMAT", s.Place(0, 0), "the sheet is damaged: "+strings.TrimSpace(err.Error()), "open it in the spreadsheet and save it again")
		}
		r.book.Sheets = append(r.book.Sheets, s)
		if err != nil || !ok {
			return
		}
	}
}

// merge is a merged area.
type merge struct{ top, left, bottom, right int }

func (r *reader) sheet(f *excelize.File, s *Sheet) (bool, error) {
	it, err := f.Rows(s.Name)
	if err != nil {
		return false, nil // a sheet of charts
	}
	defer it.Close()
	merges, err := r.merges(f, s)
	if err != nil {
		return false, err
	}
	struck := map[int]bool{}   // by style
	dates := map[int]bool{}    // by style
	known := map[int]bool{}    // styles that were looked at
	firsts := map[merge]Cell{} // what merged areas say
	var here []merge           // the merged areas of the row
	var hidden, struckRows, merged told
	seen := map[merge]bool{} // merged areas that were told
	for n := 1; it.Next(); n++ {
		if n > 1<<20 {
			return false, errors.New("more rows than a sheet can have")
		}
		raw, err := it.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return false, err
		}
		row := Row{Number: n, Hidden: it.GetRowOpts().Hidden}
		if len(raw) > r.o.Columns {
			for _, x := range raw[r.o.Columns:] {
				if x != "" {
					t := tooMany(fmt.Sprintf("more than %d columns", r.o.Columns))
					t.At = s.Place(n, r.o.Columns+1)
					r.add(t)
					return false, nil
				}
			}
			raw = raw[:r.o.Columns]
		}
		for i, text := range raw {
			c := Cell{Text: strings.TrimSpace(text)}
			ref := Ref(n, i+1)
			if c.Text != "" {
				style, err := f.GetCellStyle(s.Name, ref)
				if err != nil {
					return false, err
				}
				if !known[style] {
					known[style] = true
					struck[style], dates[style] = look(f, style)
				}
				if c, err = value(f, s.Name, ref, c, dates[style]); err != nil {
					return false, err
				}
				c.Struck = struck[style]
			} else if formula, err := f.GetCellFormula(s.Name, ref); err == nil && formula != "" {
				c.Kind = Fault
				r.fault(s, n, i+1, "a formula without a value")
			}
			if c.Kind == Fault && c.Text != "" {
				r.fault(s, n, i+1, "the error "+c.Text)
			}
			row.Cells = append(row.Cells, c)
		}
		for len(merges) > 0 && merges[0].top <= n {
			here, merges = append(here, merges[0]), merges[1:]
		}
		here = slices.DeleteFunc(here, func(m merge) bool { return m.bottom < n })
		if r.work += 1 + len(raw) + len(here); r.work > mostWork {
			f := tooMany("the sheets of the workbook hold too much")
			f.At = s.Place(n, 0)
			r.add(f)
			return false, nil
		}
		for _, m := range here {
			for col := m.left; col <= m.right && col <= r.o.Columns; col++ {
				if n == m.top && col == m.left {
					firsts[m] = row.Cell(col)
					continue
				}
				first := firsts[m]
				if first.Text == "" {
					break
				}
				for len(row.Cells) < col {
					row.Cells = append(row.Cells, Cell{})
				}
				first.Merged = true
				row.Cells[col-1] = first
				if !seen[m] {
					seen[m] = true
					merged.area(s.Place(m.top, m.left), Ref(m.top, m.left)+":"+Ref(m.bottom, m.right))
				}
			}
		}
		if row.Hidden && !row.Empty() {
			hidden.row(s.Place(n, 0), n)
		}
		for i, c := range row.Cells {
			if c.Struck {
				struckRows.row(s.Place(n, i+1), n)
				break
			}
		}
		if !r.put(s, row) {
			return false, nil
		}
	}
	r.tell("T-HIDDEN", &hidden, "rows are hidden, by hand or by a filter: %v; they are read like the others", "delete them if they are not meant")
	r.tell("T-STRUCK", &struckRows, "rows with text struck through: %v; they are read like the others", "delete them if they are not meant")
	r.tell("T-MERGED", &merged, "merged cells: %v; each says what the first of its area says", "undo the merge if that is not meant")
	return true, it.Error()
}

// fault reports a formula that says nothing.
func (r *reader) fault(s *Sheet, row, col int, what string) {
	r.fail("T-FORMULA", s.Place(row, col), Ref(row, col)+": "+what, "mend the formula, or copy the column and paste it as values")
}

// merges lists the merged areas, which are apart, by their first rows.
func (r *reader) merges(f *excelize.File, s *Sheet) ([]merge, error) {
	list, err := f.GetMergeCells(s.Name, true)
	if err != nil {
		return nil, err
	}
	var out []merge
	for _, m := range list {
		left, top, err := excelize.CellNameToCoordinates(m.GetStartAxis())
		if err != nil {
			return nil, err
		}
		right, bottom, err := excelize.CellNameToCoordinates(m.GetEndAxis())
		if err != nil {
			return nil, err
		}
		out = append(out, merge{top, left, bottom, right})
	}
	slices.SortFunc(out, func(a, b merge) int { return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(a.left, b.left)) })
	return out, nil
}

// look tells of a style whether it strikes text through, and whether it shows
// numbers as dates or times.
func look(f *excelize.File, style int) (struck, date bool) {
	st, err := f.GetStyle(style)
	if err != nil || st == nil {
		return false, false
	}
	struck = st.Font != nil && st.Font.Strike
	switch n := st.NumFmt; {
	case n >= 14 && n <= 22, n >= 27 && n <= 36, n >= 45 && n <= 47, n >= 50 && n <= 58: // ECMA-376-1 18.8.30
		date = true
	}
	if st.CustomNumFmt != nil {
		quoted := false
		for _, c := range strings.ToLower(*st.CustomNumFmt) {
			if c == '"' {
				quoted = !quoted
			}
			date = date || !quoted && strings.ContainsRune("ydh", c)
		}
	}
	return struck, date
}

// value tells what a cell with text is.
func value(f *excelize.File, sheet, ref string, c Cell, date bool) (Cell, error) {
	t, err := f.GetCellType(sheet, ref)
	if err != nil {
		return c, err
	}
	switch t {
	case excelize.CellTypeBool:
		c.Kind = Bool
		c.Text = map[string]string{"1": "TRUE", "0": "FALSE"}[c.Text]
	case excelize.CellTypeError:
		c.Kind = Fault
	case excelize.CellTypeDate:
		c.Kind, c.Raw = Date, c.Text
	case excelize.CellTypeNumber, excelize.CellTypeUnset, excelize.CellTypeFormula:
		if strings.HasPrefix(c.Text, "#") && strings.HasSuffix(c.Text, "!") {
			c.Kind = Fault
			return c, nil
		}
		v, err := strconv.ParseFloat(c.Text, 64)
		if err != nil {
			return c, nil // a formula's text
		}
		c.Kind, c.Raw = Number, c.Text
		c.Text = plain(c.Text, v)
		if date {
			c.Kind = Date
			shown, err := f.GetCellValue(sheet, ref)
			if err != nil {
				return c, err
			}
			c.Text = strings.TrimSpace(shown)
			if t, err := excelize.ExcelDateToTime(v, false); err == nil && t.Format("01-02-06") == c.Text {
				c.Text = t.Format("2/1/2006") // the day as the machine's region has it, which the file does not know
			}
		}
	}
	return c, nil
}

// plain writes a number in full, without an exponent.
func plain(s string, v float64) string {
	if strings.ContainsAny(s, "eE") {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return s
}
