package sheet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// flat is an OpenDocument spreadsheet as one text, which LibreOffice reads: a
// list of names as a clerk keeps it, with everything that a workbook can hide.
const flat = `<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.spreadsheet">
<office:automatic-styles>
<number:date-style style:name="D"><number:day/><number:text>/</number:text><number:month/><number:text>/</number:text><number:year number:style="long"/></number:date-style>
<style:style style:name="struck" style:family="table-cell"><style:text-properties style:text-line-through-style="solid" style:text-line-through-type="single"/></style:style>
<style:style style:name="day" style:family="table-cell" style:data-style-name="D"/>
<style:style style:name="hidden" style:family="table"><style:table-properties table:display="false"/></style:style>
</office:automatic-styles>
<office:body><office:spreadsheet>
<table:table table:name="Danh sách">
<table:table-row>%[1]s</table:table-row>
<table:table-row><table:table-cell/></table:table-row>
<table:table-row>%[2]s</table:table-row>
<table:table-row>%[3]s</table:table-row>
<table:table-row table:visibility="collapse">%[4]s</table:table-row>
<table:table-row table:visibility="filter">%[5]s</table:table-row>
<table:table-row><table:table-cell table:style-name="struck" office:value-type="string"><text:p>bỏ</text:p></table:table-cell><table:table-cell table:style-name="struck" office:value-type="string"><text:p>192.0.2.4</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>gộp</text:p></table:table-cell><table:table-cell table:number-rows-spanned="2" table:number-columns-spanned="1" office:value-type="string"><text:p>192.0.2.5</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>gộp2</text:p></table:table-cell><table:covered-table-cell/></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>số</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="10100200100"/></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>ngày</text:p></table:table-cell><table:table-cell table:style-name="day" office:value-type="date" office:date-value="2025-09-01"/></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>hàm</text:p></table:table-cell><table:table-cell table:formula="of:=&quot;192.0.2.&quot;&amp;&quot;6&quot;" office:value-type="string"/></table:table-row>
%[6]s
</table:table>
<table:table table:name="Ẩn" table:style-name="hidden"><table:table-row>%[3]s</table:table-row></table:table>
<table:database-ranges><table:database-range table:name="loc" table:target-range-address="'Danh sách'.A3:'Danh sách'.B12" table:display-filter-buttons="true"/></table:database-ranges>
</office:spreadsheet></office:body></office:document>
`

// madeByOffice gives the workbook that LibreOffice makes of it; more are rows.
func madeByOffice(t *testing.T, more string) string {
	t.Helper()
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: no workbook of LibreOffice is read here")
	}
	cells := func(texts ...string) string {
		var b strings.Builder
		for _, s := range texts {
			fmt.Fprintf(&b, `<table:table-cell office:value-type="string"><text:p>%s</text:p></table:table-cell>`, s)
		}
		return b.String()
	}
	dir := t.TempDir()
	text := fmt.Sprintf(flat, cells("UBND HUYỆN"), cells("Tên miền", "Địa chỉ"), cells("www", "192.0.2.1"), cells("an", "192.0.2.2"), cells("lọc", "192.0.2.3"), more)
	if err := os.WriteFile(filepath.Join(dir, "f.fods"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(office, "--headless", "-env:UserInstallation=file://"+dir+"/profile", "--convert-to", "xlsx", "--outdir", dir, filepath.Join(dir, "f.fods"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestOfficeTraps: what a real spreadsheet program writes where rows are hidden
// and filtered, text is struck through, cells are merged and a sheet is hidden;
// of numbers, dates and formulas.
func TestOfficeTraps(t *testing.T) {
	b, fs := Read(os.DirFS(madeByOffice(t, "")), "f.xlsx", Options{})
	if b == nil {
		t.Fatal(fs)
	}
	var said []string
	for _, f := range fs {
		found, _, _ := strings.Cut(f.Found, ";")
		said = append(said, fmt.Sprintf("%s %v %v %s", f.ID, f.Severity, f.At, found))
	}
	want := `T-HIDDEN warning f.xlsx[Danh sách]:5 rows are hidden, by hand or by a filter: 5-6
T-STRUCK warning f.xlsx[Danh sách]:7:1 rows with text struck through: 7
T-MERGED warning f.xlsx[Danh sách]:8:2 merged cells: B8:B9
T-HIDDEN warning f.xlsx[Ẩn] a hidden sheet, which is not read`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	rows := `[[UBND HUYỆN] [Tên miền Địa chỉ] [www 192.0.2.1] [an 192.0.2.2] [lọc 192.0.2.3] [bỏ 192.0.2.4] [gộp 192.0.2.5] [gộp2 192.0.2.5] [số 10100200100] [ngày 1/9/2025] [hàm 192.0.2.6]]`
	if got := fmt.Sprint(texts(b)); got != rows {
		t.Errorf("got  %s\nwant %s", got, rows)
	}
	last := b.Sheets[0].Rows
	for i, want := range []string{"[10.100.200.100] true", "[] true", "[] false"} {
		as, lost := LostDots(last[len(last)-3+i].Cells[1])
		if got := fmt.Sprint(as, lost); got != want {
			t.Errorf("%+v: %s, want %s", last[len(last)-3+i].Cells[1], got, want)
		}
	}
}

// TestOfficeFaults: formulas that came to nothing are told one by one.
func TestOfficeFaults(t *testing.T) {
	fault := `<table:table-row><table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell><table:table-cell table:formula="of:=1/0" office:value-type="string"/></table:table-row>`
	b, fs := Read(os.DirFS(madeByOffice(t, fault+fault)), "f.xlsx", Options{})
	got := ""
	for _, f := range fs {
		if f.ID == "T-FORMULA" {
			got += fmt.Sprint(f.At, " ", f.Found, "\n")
		}
	}
	if want := "f.xlsx[Danh sách]:13:2 B13: the error #DIV/0!\nf.xlsx[Danh sách]:14:2 B14: the error #DIV/0!\n"; b != nil || got != want {
		t.Errorf("got\n%swant\n%s%v", got, want, fs)
	}
}
