package sheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones/finding"
)

func read(data []byte, o Options) (*Book, []finding.Finding) {
	return Read(fstest.MapFS{"f": {Data: data}}, "f", o)
}

// texts is what the first sheet says, row by row.
func texts(b *Book) (out [][]string) {
	for _, r := range b.Sheets[0].Rows {
		var row []string
		for _, c := range r.Cells {
			row = append(row, c.Text)
		}
		out = append(out, row)
	}
	return out
}

func ids(fs []finding.Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %v %v", f.ID, f.Severity, f.At))
	}
	return strings.Join(out, "\n")
}

// trimmed leaves out what Read leaves out: spaces around, trailing empty
// cells, empty rows.
func trimmed(rows [][]string) (out [][]string) {
	for _, r := range rows {
		var row []string
		for _, c := range r {
			row = append(row, strings.TrimSpace(norm.NFC.String(c)))
		}
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) > 0 {
			out = append(out, row)
		}
	}
	return out
}

// TestBack: what Write wrote, Read reads (BACK), and no cell is a formula (INERT).
func TestBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.SampledFrom([]string{"", "=1+1", "+84 56", "-1", "@SUM(A1)", "'x", "010.1.2.3", "10100200100", "1e5", "TRUE", "xã An Lão", "a\nb", `"q"`, "a;b", "1/9/2025"}), rapid.StringOf(rapid.SampledFrom([]rune("aă=,;\"'\n 1"))))
		tab := Table{Name: "Tên miền", Headings: []string{"Tên", "Địa chỉ"}, Rows: rapid.SliceOfN(rapid.SliceOfN(cell, 2, 2), 0, 5).Draw(t, "rows")}
		want := trimmed(append([][]string{tab.Headings}, tab.Rows...))
		for format, write := range map[string]func(*bytes.Buffer) error{
			"xlsx": func(b *bytes.Buffer) error { return WriteXLSX(b, tab) },
			"csv":  func(b *bytes.Buffer) error { return WriteCSV(b, tab) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if format == "csv" {
				back, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range back {
					for _, c := range row {
						if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
							t.Fatalf("a spreadsheet computes %q", c)
						}
					}
				}
			} else {
				f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				for i, row := range tab.Rows {
					for j := range row {
						if x, err := f.GetCellFormula(tab.Name, Ref(i+2, j+1)); err != nil || x != "" {
							t.Fatalf("a formula %q, %v", x, err)
						}
					}
				}
				f.Close()
			}
			book, fs := read(b.Bytes(), Options{})
			if book == nil || len(fs) > 0 {
				t.Fatal(fs)
			}
			if got := texts(book); book.Format != format || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Fatalf("%s: got %q, want %q", format, got, want)
			}
		}
	})
}

// TestCSVTwin holds the reader against the standard library's, for text that
// both read.
func TestCSVTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "a,b,c\n" + rapid.StringOf(rapid.SampledFrom([]rune("ab,,,\n\n\"\" \r"))).Draw(t, "text")
		twin := csv.NewReader(strings.NewReader(text))
		twin.FieldsPerRecord = -1
		rows, err := twin.ReadAll()
		if err != nil || strings.Contains(text, "\r") {
			return
		}
		book, fs := read([]byte(text), Options{})
		if book == nil {
			t.Fatalf("%q: %v", text, fs)
		}
		if book.Comma != ',' {
			return
		}
		if got, want := texts(book), trimmed(rows); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Fatalf("%q: got %q, want %q", text, got, want)
		}
	})
}

// TestForms: separators, encodings, places.
func TestForms(t *testing.T) {
	const vn = "Tên miền;Địa chỉ\nđường số 1;Hoài Nhơn\n"
	u := utf16.Encode([]rune(vn))
	le, be := []byte{0xff, 0xfe}, []byte{0xfe, 0xff}
	for _, x := range u {
		le, be = append(le, byte(x), byte(x>>8)), append(be, byte(x>>8), byte(x))
	}
	// windows-1258 has tone marks of their own behind their letters.
	cp := norm.NFD.String(vn)
	for _, pair := range []string{"ê", "ư", "ơ", "â", "ô", "ă"} {
		cp = strings.ReplaceAll(cp, norm.NFD.String(pair), pair)
	}
	cp = strings.ReplaceAll(cp, "e\u0323\u0302", "ê\u0323")
	w1258, err := charmap.Windows1258.NewEncoder().String(cp)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ data, encoding string }{
		"UTF-8":      {vn, "UTF-8"},
		"BOM":        {"\ufeff" + vn, "UTF-8 with BOM"},
		"decomposed": {norm.NFD.String(vn), "UTF-8"},
		"UTF-16LE":   {string(le), "UTF-16LE"}, "UTF-16BE": {string(be), "UTF-16BE"},
		"UTF-16LE, bare": {string(le[2:]), "UTF-16LE"}, "UTF-16BE, bare": {string(be[2:]), "UTF-16BE"},
		"windows-1258": {w1258, "windows-1258"},
		"tabs":         {strings.ReplaceAll(vn, ";", "\t"), "UTF-8"},
		"sep":          {"sep=;\r\n" + vn, "UTF-8"},
	} {
		b, fs := read([]byte(c.data), Options{})
		if b == nil {
			t.Errorf("%s: %v", what, fs)
			continue
		}
		if got := fmt.Sprint(texts(b)); got != "[[Tên miền Địa chỉ] [đường số 1 Hoài Nhơn]]" || b.Encoding != c.encoding {
			t.Errorf("%s: %s in %s", what, got, b.Encoding)
		}
	}
	b, _ := read([]byte("a,b\r\n\"x\r\ny\",2\r\n\r\n3,4"), Options{Prefix: "d/"})
	rows := b.Sheets[0].Rows
	if len(rows) != 3 || rows[1].Number != 2 || rows[2].Number != 5 || rows[1].Cells[0].Text != "x\ny" {
		t.Errorf("%+v", rows)
	}
	if p := b.Sheets[0].Place(5, 2).String(); p != "d/f:5:2" {
		t.Error(p)
	}
}

// TestTraps: what is refused, by its words.
func TestTraps(t *testing.T) {
	// "Tên miền, địa chỉ, xã" in the octets of TCVN 5712 and of VNI-Windows.
	tcvn3 := "T\xaan mi\xd2n,\xae\xdea ch\xd8,x\xb7\nnh\xb5,\xae\xad\xeang,s\xe8\n"
	vniWin := "Te\xe2n mie\xe0n,\xf1\xf2a ch\xe6,xa\xf5\nnha\xf8,\xf1\xf6\xf4\xf8ng,so\xe1\n"
	for what, c := range map[string]struct{ data, want string }{
		"xls":          {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "save as .xlsx"},
		"locked":       {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.." + string(utf16le("EncryptedPackage")), "password"},
		"pdf":          {"%PDF-1.7", "PDF"},
		"html":         {"\ufeff <html><table>", "web page"},
		"empty":        {"", "empty"},
		"a broken zip": {"PK\x03\x04xxxx", "damaged"},
		"TCVN3":        {tcvn3, "TCVN3 (ABC)"},
		"VNI":          {vniWin, "VNI"},
		"other octets": {"a\xff\xfe\x81", "encoding is not known"},
		"NUL":          {strings.Repeat("\x00", 4096), "NUL"},
		"open quote":   {"a,b\n1,\"x\ny", "f:2:2: error: B2: a quote that begins here is not closed"},
		"behind":       {"a,b\n\"x\"y,2", "A2: text stands behind"},
	} {
		b, fs := read([]byte(c.data), Options{})
		if b != nil || len(fs) == 0 || !strings.Contains(fs[0].String(), c.want) || fs[0].Mend == "" {
			t.Errorf("%s: %v", what, fs)
		}
	}
	if _, fs := Read(fstest.MapFS{}, "none", Options{}); len(fs) != 1 || fs[0].ID != "T-READ" {
		t.Error(fs)
	}
}

// TestBounds: each limit ends the reading with one error (BOUNDED); TestHostile
// holds the limits themselves.
func TestBounds(t *testing.T) {
	for what, c := range map[string]struct {
		data []byte
		o    Options
		id   string
	}{
		"octets":            {[]byte("a,b"), Options{Octets: 2}, "T-LIMIT"},
		"rows":              {[]byte("a\nb\nc"), Options{Rows: 2}, "T-LIMIT"},
		"columns":           {[]byte("a,b,c"), Options{Columns: 2}, "T-LIMIT"},
		"cells":             {[]byte("a,b\nc,d"), Options{Cells: 3}, "T-LIMIT"},
		"one line of a row": {bytes.Repeat([]byte("x,"), 1<<20), Options{}, "T-LIMIT"},
	} {
		if b, fs := read(c.data, c.o); b != nil || len(fs) != 1 || fs[0].ID != c.id {
			t.Errorf("%s: %v", what, fs)
		}
	}
}

// book makes a workbook as an office keeps it.
func book(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for ref, v := range map[string]any{
		"A1": "UBND HUYỆN", "A3": "STT", "B3": "Tên miền", "C3": "Địa chỉ IP", "D3": "Ngày",
		"A4": 1, "B4": "www", "C4": "10.1.2.3", "D4": 45901,
		"A5": 2, "B5": "thu", "C5": 10100200100,
		"B6": "cu", "C6": "10.1.2.5", "B7": "an", "C7": "10.1.2.6", "B8": "gop", "C8": "10.1.2.7", "B9": "x",
		"B10": true,
	} {
		must(f.SetCellValue("Sheet1", ref, v))
	}
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	must(err)
	must(f.SetCellStyle("Sheet1", "D4", "D4", date))
	strike, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Strike: true}})
	must(err)
	must(f.SetCellStyle("Sheet1", "B6", "C6", strike))
	must(f.SetRowVisible("Sheet1", 7, false))
	must(f.MergeCell("Sheet1", "C8", "C9"))
	_, err = f.NewSheet("Ẩn")
	must(err)
	must(f.SetCellValue("Ẩn", "A1", "x"))
	must(f.SetSheetVisible("Ẩn", false))
	var b bytes.Buffer
	must(f.Write(&b))
	return b.Bytes()
}

// TestWorkbook: what a workbook hides is told, and cells say what they are.
func TestWorkbook(t *testing.T) {
	b, fs := read(book(t), Options{})
	if b == nil {
		t.Fatal(fs)
	}
	if got, want := ids(fs), `T-HIDDEN warning f[Sheet1]:7
T-STRUCK warning f[Sheet1]:6:2
T-MERGED warning f[Sheet1]:8:3
T-HIDDEN warning f[Ẩn]`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s := b.Sheets[0]
	at := func(n, col int) Cell {
		i := slices.IndexFunc(s.Rows, func(r Row) bool { return r.Number == n })
		return s.Rows[i].Cell(col)
	}
	for _, c := range []struct {
		row, col int
		want     Cell
	}{
		{4, 1, Cell{Text: "1", Kind: Number, Raw: "1"}},
		{4, 3, Cell{Text: "10.1.2.3"}},
		{5, 3, Cell{Text: "10100200100", Kind: Number, Raw: "10100200100"}},
		{6, 2, Cell{Text: "cu", Struck: true}},
		{9, 3, Cell{Text: "10.1.2.7", Merged: true}},
		{10, 2, Cell{Text: "TRUE", Kind: Bool}},
	} {
		if got := at(c.row, c.col); got != c.want {
			t.Errorf("%s: %+v, want %+v", Ref(c.row, c.col), got, c.want)
		}
	}
	if d := at(4, 4); d.Kind != Date || d.Raw != "45901" { // 2025-09-01
		t.Errorf("%+v", d)
	}
	if !b.Sheets[1].Hidden || len(b.Sheets[1].Rows) != 0 || len(b.Sheets) != 2 {
		t.Error(b.Sheets[1])
	}
}

// TestFormula: a cached value is taken, a formula without one is told.
func TestFormula(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetCellFormula("Sheet1", "B2", "A1&\"x\""); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, fs := read(b.Bytes(), Options{}); len(fs) != 1 || fs[0].ID != "T-FORMULA" || fs[0].At.String() != "f[Sheet1]:2:2" {
		t.Error(fs)
	}
}

// TestFind: headings anywhere, with or without diacritics, over two rows,
// twice, and fixed by a mapping.
func TestFind(t *testing.T) {
	columns := []Column{{"name", []string{"Tên miền", "hostname"}, true}, {"address", []string{"Địa chỉ IP", "IP"}, false}, {"note", []string{"Ghi chú"}, false}}
	for what, c := range map[string]struct {
		text string
		m    Mapping
		want string
		id   string
	}{
		"plain":           {"Tên miền,Địa chỉ IP\nx,y", Mapping{}, "1 map[address:2 name:1]", ""},
		"no diacritics":   {"STT,TEN MIEN,dia chi ip (v4)\n1,x,y", Mapping{}, "1 map[address:3 name:2]", ""},
		"further down":    {"UBND HUYỆN\n\nDanh sách\nTên  miền:,Ghi chú\nx,y", Mapping{}, "4 map[name:1 note:2]", ""},
		"two rows":        {"Tên,Địa chỉ\nmiền,IP\nx,y", Mapping{}, "2 map[address:2 name:1]", ""},
		"twice":           {"Tên miền,Hostname\nx,y", Mapping{}, "1 map[name:1]", "T-COLUMN"},
		"none":            {"a,b\nx,y", Mapping{}, "0 map[]", "T-HEADER"},
		"fixed":           {"a,b\nx,y", Mapping{Columns: map[string]string{"name": "B", "address": "a"}}, "1 map[address:1 name:2]", ""},
		"fixed, no such":  {"a,b\nx,y", Mapping{Columns: map[string]string{"name": "khong co"}}, "0 map[name:0]", "T-COLUMN"},
		"fixed, no names": {"a,b\nx,y", Mapping{Columns: map[string]string{"note": "A"}}, "1 map[note:1]", "T-COLUMN"},
	} {
		b, _ := read([]byte(c.text), Options{})
		h, fs := Find(b.Sheets[0], columns, c.m)
		if got := fmt.Sprint(h.Row, h.Columns); got != c.want && !(h.Columns == nil && c.want == "0 map[]") {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
		if got := ids(fs); c.id == "" && got != "" || c.id != "" && !strings.HasPrefix(got, c.id) {
			t.Errorf("%s: %s, want %s", what, got, c.id)
		}
	}
}

// TestOctets: against every address, tried one by one where that can be.
func TestOctets(t *testing.T) {
	number := func(s string) Cell { return Cell{Text: s, Kind: Number, Raw: s} }
	for s, want := range map[string]string{
		"10100200100":  "[10.100.200.100]",
		"192168100200": "[192.168.100.200]",
		"1010":         "[1.0.1.0]",
		"12345":        "[1.2.3.45 1.2.34.5 1.23.4.5 12.3.4.5]",
		"10001002003":  "[10.1.2.3]", // 010.001.002.003
		"999999999999": "[]", "123": "[]", "1234567890123": "[]", "-1010": "[]", "10.1": "[]",
	} {
		if got := fmt.Sprint(OctetsOf(number(s))); got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
	if OctetsOf(Cell{Text: "10100200100"}) != nil {
		t.Error("a text is no number")
	}
	rapid.Check(t, func(t *rapid.T) {
		a := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "octets")))
		s := strings.TrimLeft(strings.ReplaceAll(a.String(), ".", ""), "0")
		got := OctetsOf(number(s))
		if len(s) >= 4 && s == strings.ReplaceAll(a.String(), ".", "") && !slices.Contains(got, a) {
			t.Fatalf("%s is not among those of %s: %v", a, s, got)
		}
		for _, x := range got {
			if plain := strings.ReplaceAll(x.String(), ".", ""); plain != s {
				b := x.As4()
				if padded := strings.TrimLeft(fmt.Sprintf("%03d%03d%03d%03d", b[0], b[1], b[2], b[3]), "0"); padded != s {
					t.Fatalf("%s is not written %s", x, s)
				}
			}
		}
	})
}

// TestLetters: columns are counted as spreadsheets count them.
func TestLetters(t *testing.T) {
	for n := 1; n <= 16384; n++ {
		want, err := excelize.ColumnNumberToName(n)
		if got := Letters(n); err != nil || got != want || ColumnNumber(got) != n {
			t.Fatalf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestLibreOffice reads what a spreadsheet program made of our text.
func TestLibreOffice(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: no workbook of LibreOffice is read here")
	}
	dir := t.TempDir()
	var b bytes.Buffer
	tab := Table{Headings: []string{"Tên miền", "Địa chỉ"}, Rows: [][]string{{"www", "10.1.2.3"}, {"thu", "đường"}, {"so", "10100200100"}, {"=1+1", "x"}}}
	if err := WriteCSV(&b, tab); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f.csv"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(office, "--headless", "-env:UserInstallation=file://"+dir+"/profile", "--infilter=CSV:44,34,76,1", "--convert-to", "xlsx", "--outdir", dir, filepath.Join(dir, "f.csv"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, fs := Read(os.DirFS(dir), "f.xlsx", Options{})
	if got == nil || fmt.Sprint(texts(got)) != "[[Tên miền Địa chỉ] [www 10.1.2.3] [thu đường] [so 10100200100] ['=1+1 x]]" {
		t.Fatal(fs, got)
	}
	if c := got.Sheets[0].Rows[3].Cells[1]; c.Kind != Number || fmt.Sprint(OctetsOf(c)) != "[10.100.200.100]" {
		t.Errorf("%+v: the spreadsheet made a number of it", c)
	}
}
