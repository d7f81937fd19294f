package sheet

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// endless is a file system whose files never end.
type endless struct{ fs.FS }

type endlessFile struct{ fs.File }

func (e endless) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	return endlessFile{f}, err
}

func (endlessFile) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a,b\n"[i%4]
	}
	return len(p), nil
}

// holds checks the laws that every input keeps: a book or an error, never
// both, and every finding and cell with a place inside the limits.
func holds(t *testing.T, data []byte) {
	o := Options{Octets: 1 << 20, Expanded: 1 << 20, Rows: 500, Columns: 50, Cells: 5000, Findings: 20}
	b, found := read(data, o)
	if (b == nil) != finding.Failed(found) {
		t.Fatalf("a book beside an error, or neither: %v", found)
	}
	for _, f := range found {
		if !strings.HasPrefix(f.At.File, "f") || f.ID == "" || f.Found == "" {
			t.Fatalf("%+v", f)
		}
	}
	if b == nil {
		return
	}
	for _, s := range b.Sheets {
		last := 0
		for _, r := range s.Rows {
			if r.Number <= last || len(r.Cells) > o.Columns || r.Empty() {
				t.Fatalf("row %d behind %d with %d cells", r.Number, last, len(r.Cells))
			}
			last = r.Number
		}
	}
}

// FuzzCSV: no text makes the reader panic or go on for ever.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2", "\ufeffTên;IP\r\n", "\xff\xfea\x00", "sep=;\na;b", "\"a\nb\",c", "a\xcc\xec", "a\xb5\xd2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.HasPrefix(data, []byte("PK")) {
			holds(t, data)
		}
	})
}

// FuzzXLSX: the same of workbooks, from one that an office could have made.
func FuzzXLSX(f *testing.F) {
	var b bytes.Buffer
	if err := WriteXLSX(&b, Table{Headings: []string{"Tên", "IP"}, Rows: [][]string{{"a", "1"}, {"b", ""}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) { holds(t, append([]byte("PK\x03\x04"), data[min(4, len(data)):]...)) })
}

// FuzzSheet: the same of what a sheet, its strings and its styles say.
func FuzzSheet(f *testing.F) {
	f.Add(`<row r="2"><c r="A2" t="inlineStr"><is><t>www</t></is></c><c r="B2" s="1"><v>45901</v></c></row>`, `<mergeCells><mergeCell ref="A2:B3"/></mergeCells>`, `<sst><si><t>x</t></si></sst>`, `<styleSheet><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>`)
	f.Add(`<row r="3" hidden="1"><c r="B3"><f>A1</f></c><c t="e"><v>#REF!</v></c><c r="A3" t="s"><v>0</v></c></row><row/><row r="3"/>`, `<autoFilter ref="A1:B3"/>`, `<sst><si><r><t>a</t></r></si></sst>`, `<styleSheet><fonts><font><strike/></font></fonts><cellXfs><xf fontId="0"/></cellXfs></styleSheet>`)
	f.Add(`<row r="1048576"><c r="XFD1048576" t="b"><v>1</v></c></row>`, `<mergeCells><mergeCell ref="A1:XFD1048576"/><mergeCell ref="B"/></mergeCells>`, ``, ``)
	f.Fuzz(func(t *testing.T, rows, tail, strs, styles string) {
		if len(rows)+len(tail)+len(strs)+len(styles) > 1<<14 {
			return
		}
		holds(t, workbook(t, 2, rows, tail, map[string]string{"xl/sharedStrings.xml": strs, "xl/styles.xml": styles}))
	})
}
