package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Options bound a reading. A zero field stands for the default.
type Options struct {
	Prefix   string // goes before the file's name in places
	Octets   int64  // of the file: 64 MiB
	Expanded int64  // of what a workbook unpacks to: 64 MiB
	Rows     int    // of a sheet: 200,000
	Columns  int    // of a row: 256
	Cells    int    // of the book: 1,000,000
	Findings int    // 200
}

func (o Options) orDefault() Options {
	or := func(p *int, d int) {
		if *p <= 0 {
			*p = d
		}
	}
	or(&o.Rows, 200_000)
	or(&o.Columns, 256)
	or(&o.Cells, 1_000_000)
	or(&o.Findings, 200)
	if o.Octets <= 0 {
		o.Octets = 64 << 20
	}
	if o.Expanded <= 0 {
		o.Expanded = 64 << 20
	}
	return o
}

// reader gathers a book.
type reader struct {
	o     Options
	book  *Book
	finds []finding.Finding
	more  int // findings that were not kept
	cells int
	work  int // rows and cells that were looked at, empty ones too
}

// Read reads a file. The book is nil when a finding is an error.
func Read(fsys fs.FS, name string, o Options) (*Book, []finding.Finding) {
	r := &reader{o: o.orDefault(), book: &Book{File: o.Prefix + name}}
	data, err := r.load(fsys, name)
	switch {
	case err != nil:
		var f finding.Finding
		if !errors.As(err, &f) {
			f = finding.Finding{ID: "T-READ", Severity: finding.Error, Found: "it cannot be read: " + err.Error(), Mend: "look at the path and the file's rights"}
		}
		f.At = zones.Place{File: r.book.File}
		r.add(f)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		r.book.Format = "xlsx"
		r.xlsx(data)
	default:
		r.book.Format = "csv"
		r.csv(data)
	}
	if r.more > 0 {
		r.finds = append(r.finds, finding.Finding{ID: "T-LIMIT", Severity: finding.Note, At: zones.Place{File: r.book.File}, Count: r.more, Found: fmt.Sprintf("%d more findings are not shown", r.more), Mend: "mend those above first"})
	}
	if finding.Failed(r.finds) {
		return nil, r.finds
	}
	return r.book, r.finds
}

func (r *reader) add(f finding.Finding) {
	if len(r.finds) >= r.o.Findings {
		if r.more++; f.Severity >= finding.Error && !finding.Failed(r.finds) {
			r.finds = append(r.finds, f)
		}
		return
	}
	r.finds = append(r.finds, f)
}

func (r *reader) fail(id string, at zones.Place, found, mend string) {
	r.add(finding.Finding{ID: id, Severity: finding.Error, At: at, Found: found, Mend: mend})
}

// tooMany is a limit that a file goes beyond.
func tooMany(what string) finding.Finding {
	return finding.Finding{ID: "T-LIMIT", Severity: finding.Error, Found: what, Mend: "split the file, or save only what is needed in a new one"}
}

// load reads the file within its limit, and refuses what is known not to be a
// table that can be read.
func (r *reader) load(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, r.o.Octets+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > r.o.Octets {
		return nil, tooMany(fmt.Sprintf("it has more than %d octets", r.o.Octets))
	}
	refuse := func(found, mend string) ([]byte, error) {
		return nil, finding.Finding{ID: "T-FORMAT", Severity: finding.Error, Found: found, Mend: mend}
	}
	ole := []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") // MS-CFB 2.2
	head := strings.ToLower(string(data[:min(len(data), 512)]))
	switch {
	case len(data) == 0:
		return refuse("the file is empty", "give the file as the office keeps it")
	case bytes.HasPrefix(data, ole) && bytes.Contains(data, utf16le("EncryptedPackage")):
		return refuse("the workbook is locked with a password", "open it in the spreadsheet, take the password off, save as .xlsx")
	case bytes.HasPrefix(data, ole):
		return refuse("an .xls of old Excel", "open it in the spreadsheet and save as .xlsx")
	case strings.HasPrefix(head, "pk\x03\x04") && strings.Contains(head, "mimetypeapplication/vnd.oasis"):
		return refuse("an .ods of LibreOffice", "open it in the spreadsheet and save as .xlsx")
	case strings.HasPrefix(head, "pk\x03\x04") && bytes.Contains(data, []byte("xl/workbook.bin")):
		return refuse("an .xlsb (binary workbook)", "open it in the spreadsheet and save as .xlsx")
	case strings.HasPrefix(head, "%pdf"):
		return refuse("a PDF", "ask for the table that it was made from, as .xlsx or .csv")
	case strings.HasPrefix(strings.TrimLeft(head, "\xef\xbb\xbf \r\n\t"), "<"):
		return refuse("a web page or XML, whatever its name ends with ("+path.Ext(name)+")", "open it in the spreadsheet and save as .xlsx")
	}
	return data, nil
}

func utf16le(s string) []byte {
	var b []byte
	for _, c := range []byte(s) {
		b = append(b, c, 0)
	}
	return b
}

// put adds a row, unless it is empty; false when there are too many cells.
func (r *reader) put(s *Sheet, row Row) bool {
	for len(row.Cells) > 0 && row.Cells[len(row.Cells)-1] == (Cell{}) {
		row.Cells = row.Cells[:len(row.Cells)-1]
	}
	if row.Empty() {
		return true
	}
	if r.cells += len(row.Cells); r.cells > r.o.Cells || len(s.Rows) >= r.o.Rows {
		f := tooMany(fmt.Sprintf("more than %d rows, or %d cells", r.o.Rows, r.o.Cells))
		f.At = s.Place(row.Number, 0)
		r.add(f)
		return false
	}
	s.Rows = append(s.Rows, row)
	return true
}
