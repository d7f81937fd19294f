package workspace

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// sheet is a table whose rows reserve labels.
type sheet struct {
	path   string     // a CSV file inside the workspace
	column string     // of the labels
	where  []filter   // which rows count
	holder string     // the column of the holders
	zone   zones.Name // that the labels lie in
	doc    string
	at     zones.Place
	line   string
}

// filter keeps the rows whose column has one of some values.
type filter struct {
	column string
	values []string
}

// reserved reads one entry: a name, or a sheet of labels.
func (d *decoder) reserved(n *node, c *Consolidation) {
	if n.kind == mapping_ && slices.ContainsFunc(n.keys, func(k *node) bool { return k.text == "sheet" }) {
		s := sheet{at: d.at(n)}
		_, s.line = d.place(n.line, n.col)
		d.fields(n, "a sheet of reserved labels",
			must("sheet", func(n *node) { s.path = d.path(n, "a sheet") }),
			must("column", func(n *node) { s.column = d.str(n, "the labels' column") }),
			may("where", func(n *node) {
				d.named(n, "where", func(k, n *node) {
					f := filter{column: norm.NFC.String(k.text)}
					d.listOrOne(n, "the values of "+k.text, func(n *node) { f.values = append(f.values, d.str(n, "a value")) })
					s.where = append(s.where, f)
				})
			}),
			must("holder", func(n *node) { s.holder = d.str(n, "the holders' column") }),
			must("zone", func(n *node) {
				s.zone = d.name(n, "the labels' zone")
				d.placed = append(d.placed, placed{n, s.zone})
			}),
			must("doc", func(n *node) { s.doc = d.ref(n, "documents") }))
		c.sheets = append(c.sheets, s)
		return
	}
	r := mapping.Reserved{At: d.at(n)}
	d.fields(n, "a reserved name",
		must("name", func(n *node) {
			r.Name = d.name(n, "a reserved name")
			d.placed = append(d.placed, placed{n, r.Name})
		}),
		must("holder", func(n *node) { r.Holder = d.str(n, "the holder") }),
		must("doc", func(n *node) { r.Doc = d.ref(n, "documents") }))
	c.Mapping.Reserved = append(c.Mapping.Reserved, r)
}

// opener gives a file of the workspace: its name for messages and its octets.
type opener func(path string) (name string, data []byte, err error)

// sheet reads one sheet's labels into the mapping.
func (d *decoder) sheet(s sheet, c *Consolidation, open opener) {
	if s.path == "" || s.zone.IsZero() || open == nil {
		return
	}
	name, data, err := open(s.path)
	if err != nil {
		d.add(finding.Finding{ID: "W-SHEET", Severity: finding.Error, At: s.at, Line: s.line, Found: "the sheet " + s.path + " cannot be read: " + reason(err), Mend: "put it into the workspace, or mend its name"})
		return
	}
	labels, fs := s.read(name, data)
	c.Mapping.Reserved = append(c.Mapping.Reserved, labels...)
	for _, f := range fs {
		d.report(f)
	}
}

// read returns the labels of a sheet, each with the place of its cell.
func (s sheet) read(file string, data []byte) ([]mapping.Reserved, []finding.Finding) {
	t, fs := readText(file, data)
	if t.lines == nil {
		return nil, fs
	}
	text := strings.Join(t.lines, "\n")
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.Comma = comma(t.lines[0])
	head, err := r.Read()
	if err != nil {
		return nil, append(fs, t.finding("W-SHEET", 1, 1, "no row of column names", "write the names of the columns into the first row"))
	}
	for i := range head {
		head[i] = norm.NFC.String(strings.TrimSpace(head[i]))
	}
	index := func(column string) int {
		i := slices.Index(head, column)
		if i < 0 {
			f := finding.Finding{ID: "W-SHEET", Severity: finding.Error, At: s.at, Line: s.line}
			f.Found, f.Mend = fmt.Sprintf("%s has no column %s", file, quote(column)), didYouMean(column, head)
			fs = append(fs, f)
		}
		return i
	}
	label, holder := index(s.column), index(s.holder)
	where := make([]int, len(s.where))
	for i, w := range s.where {
		where[i] = index(w.column)
	}
	if finding.Failed(fs) {
		return nil, fs
	}
	var out []mapping.Reserved
	cell := func(row []string, i int) string {
		if i >= len(row) {
			return ""
		}
		return norm.NFC.String(strings.TrimSpace(row[i]))
	}
	rows := 0
	for len(fs) < maxFinds {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			fs = append(fs, t.finding("W-SHEET", bad.Line, 1, "a row that is no CSV: "+bad.Err.Error(), `double a quote inside a quoted cell ("")`))
			break // what follows is out of step
		} else if err != nil {
			break
		}
		rows++
		keep := true
		for i, w := range s.where {
			keep = keep && slices.Contains(w.values, cell(row, where[i]))
		}
		if !keep {
			continue
		}
		line, col := t.cell(r, min(label, len(row)-1))
		fail := func(found, mend string) { fs = append(fs, t.finding("W-SHEET", line, col, found, mend)) }
		v := cell(row, label)
		if v == "" {
			fail("the column "+s.column+" is empty here", "write the unit's label, or leave the row out by where")
			continue
		}
		n, err := parseName(v)
		var bads *slip
		switch {
		case errors.As(err, &bads):
			fail(bads.found, "write one label of letters, digits and hyphens")
			continue
		case n.Labels() != 1:
			fail(quote(v)+" is not one label", "write the label alone, without dots")
			continue
		}
		full, err := s.zone.Child(n.First())
		if err != nil {
			fail(quote(v)+" does not fit under "+s.zone.Text()+": "+err.Error(), "shorten it")
			continue
		}
		h := cell(row, holder)
		if h == "" {
			fail("the column "+s.holder+" is empty in this row", "write for whom the label is")
			continue
		}
		out = append(out, mapping.Reserved{Name: full, Holder: h, Doc: s.doc, At: zones.Place{File: file, Line: line, Column: col}})
	}
	if len(out) == 0 && !finding.Failed(fs) {
		f := finding.Finding{ID: "W-SHEET", Severity: finding.Warning, At: s.at, Line: s.line}
		f.Found, f.Mend = fmt.Sprintf("none of the %d rows of %s counts", rows, file), "look at where: the values must be those of the sheet"
		fs = append(fs, f)
	}
	return out, fs
}

// comma guesses the separator from the first row: a spreadsheet under a
// Vietnamese locale writes semicolons.
func comma(head string) rune {
	best, most := ',', strings.Count(head, ",")
	for _, c := range ";\t" {
		if n := strings.Count(head, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// cell returns where a field of the row read last begins, in characters.
func (t text) cell(r *csv.Reader, i int) (line, col int) {
	line, at := r.FieldPos(i)
	if line < 1 || line > len(t.lines) {
		return 0, 0
	}
	l := t.lines[line-1]
	return line, utf8.RuneCountInString(l[:min(at-1, len(l))]) + 1
}
