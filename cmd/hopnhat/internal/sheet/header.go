package sheet

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// Column is a column that a caller looks for.
type Column struct {
	Key      string
	Synonyms []string // headings, with or without diacritics
	Required bool
}

// Header says where the columns are.
type Header struct {
	Row     int            // of the headings; 0 if there are none
	Columns map[string]int // by key, counted from 1
	Other   []string       // headings that mean nothing to the caller
}

// Mapping fixes what Guess would guess.
type Mapping struct {
	Sheet   string            // the sheet that is meant; "" is every one
	Row     int               // of the headings; 0 is guessed
	Columns map[string]string // by key: the column's letters or its heading; only these are then read
}

// headerRows is how far down headings are looked for.
const headerRows = 50

// Fold brings a heading to the form in which headings are compared: small
// letters, no diacritics (đ is d), nothing but letters and digits.
func Fold(s string) string {
	var b strings.Builder
	space := false
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case r == 'đ':
			r = 'd'
		case unicode.Is(unicode.Mn, r):
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Find finds the headings: the row, of the first fifty, that names most
// columns, or the one that m names. Headings over two rows are read together.
func Find(s Sheet, columns []Column, m Mapping) (Header, []finding.Finding) {
	if len(m.Columns) > 0 {
		return fixed(s, columns, m)
	}
	best, score := Header{}, 0
	var finds []finding.Finding
	for i, row := range s.Rows {
		if row.Number > headerRows && m.Row == 0 {
			break
		}
		if m.Row != 0 && row.Number != m.Row {
			continue
		}
		for _, two := range []bool{false, true} {
			if two && (i+1 >= len(s.Rows) || s.Rows[i+1].Number != row.Number+1) {
				continue
			}
			h, fs, n := match(s, i, two, columns)
			if n > score {
				best, finds, score = h, fs, n
			}
		}
	}
	var missing []string
	for _, c := range columns {
		if c.Required && best.Columns[c.Key] == 0 {
			missing = append(missing, fmt.Sprintf("%s (%s)", c.Key, strings.Join(c.Synonyms[:min(3, len(c.Synonyms))], ", ")))
		}
	}
	if len(missing) > 0 {
		finds = append(finds, finding.Finding{
			ID: "T-HEADER", Severity: finding.Error, At: s.Place(best.Row, 0),
			Found: "no row of headings names the column " + strings.Join(missing, ", "), Mend: "name the columns in a mapping file",
		})
	}
	return best, finds
}

// match reads one row, or it and the next, as headings.
func match(s Sheet, i int, two bool, columns []Column) (Header, []finding.Finding, int) {
	row := s.Rows[i]
	h := Header{Row: row.Number, Columns: map[string]int{}}
	var finds []finding.Finding
	width, n := len(row.Cells), 0
	if two {
		h.Row++
		width = max(width, len(s.Rows[i+1].Cells))
	}
	for col := 1; col <= width; col++ {
		text := row.Cell(col).Text
		key := meant(text, columns)
		if two {
			if below := s.Rows[i+1].Cell(col).Text; below != "" && below != text {
				if k := meant(below, columns); k != "" {
					key, text = k, below
				} else if k := meant(text+" "+below, columns); k != "" {
					key, text = k, text+" "+below
				}
			}
		}
		switch {
		case key == "" && text != "":
			h.Other = append(h.Other, text)
		case key == "":
		case h.Columns[key] != 0:
			first := h.Columns[key]
			finds = append(finds, finding.Finding{
				ID: "T-COLUMN", Severity: finding.Error, At: s.Place(row.Number, col),
				Found: fmt.Sprintf("%s and %s both look like the column %s (%s)", Ref(row.Number, first), Ref(row.Number, col), key, text), Mend: "say which one in a mapping file",
			})
		default:
			h.Columns[key] = col
			n++
		}
	}
	for _, c := range columns {
		if c.Required && h.Columns[c.Key] != 0 {
			n += 3
		}
	}
	return h, finds, n
}

// meant tells which column a heading means: one of the synonyms, alone or with
// a remark in parentheses behind.
func meant(text string, columns []Column) string {
	if text == "" || len(text) > 200 {
		return ""
	}
	whole := Fold(text)
	short, _, _ := strings.Cut(text, "(")
	bare := Fold(short)
	for _, want := range []string{whole, bare} {
		for _, c := range columns {
			if want != "" && want == Fold(c.Key) {
				return c.Key
			}
			for _, syn := range c.Synonyms {
				if want != "" && Fold(syn) == want {
					return c.Key
				}
			}
		}
	}
	return ""
}

// fixed takes the columns that a mapping names.
func fixed(s Sheet, columns []Column, m Mapping) (Header, []finding.Finding) {
	h := Header{Row: m.Row, Columns: map[string]int{}}
	var finds []finding.Finding
	for key, where := range m.Columns {
		found := 0
		for _, row := range s.Rows {
			if row.Number > headerRows || m.Row != 0 && row.Number != m.Row {
				continue
			}
			for i, c := range row.Cells {
				if found == 0 && c.Text != "" && Fold(c.Text) == Fold(where) {
					found = i + 1
					h.Row = max(h.Row, row.Number)
				}
			}
		}
		if found == 0 && len(where) <= 3 {
			found = ColumnNumber(where)
		}
		if found == 0 {
			finds = append(finds, finding.Finding{ID: "T-COLUMN", Severity: finding.Error, At: s.Place(m.Row, 0), Found: fmt.Sprintf("no column %q for %s", where, key), Mend: "write the column's letters, or its heading as it stands"})
		}
		h.Columns[key] = found
	}
	for _, c := range columns {
		if c.Required && m.Columns[c.Key] == "" {
			finds = append(finds, finding.Finding{ID: "T-COLUMN", Severity: finding.Error, At: s.Place(m.Row, 0), Found: "the mapping names no column for " + c.Key, Mend: "add it"})
		}
	}
	finding.Sort(finds)
	return h, finds
}
