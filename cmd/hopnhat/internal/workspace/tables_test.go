package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// workbook makes a workspace whose one source is a table, and opens it.
func workbook(t *testing.T, fill func(f *excelize.File) error) (*Workspace, []string) {
	t.Helper()
	dir := t.TempDir()
	f := excelize.NewFile()
	defer f.Close()
	if err := fill(f); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		ConfigFile:               "version: 1\nlisteners: [{address: \"127.0.0.1:5300\", view: internet, at: before}]\n",
		ConsolidationFile:        "version: 1\ncutover: 1/9/2025 00:00\ntargets: [moi.example]\nsources: {tp: {zone: tp.cu.example, sheet: tp.xlsx, name-servers: [ns.cu.example]}}\n",
		"zones/moi.example.zone": "$TTL 300\n@ SOA ns q 7 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n",
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(filepath.Join(dir, "tp.xlsx")); err != nil {
		t.Fatal(err)
	}
	w, fs := Open(dir)
	var told []string
	for _, f := range fs {
		if f.ID != "T-GUESS" {
			told = append(told, fmt.Sprintf("%s %v %s", strings.TrimPrefix(f.At.String(), dir+"/"), f.ID, f.Found+"; "+f.Mend))
		}
	}
	return w, told
}

func cells(sheet string, m map[string]any) func(*excelize.File) error {
	return func(f *excelize.File) error {
		for ref, v := range m {
			if err := f.SetCellValue(sheet, ref, v); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestWorkbook: what a spreadsheet did to addresses is told by the cell, and
// the address offered where only one is possible.
func TestWorkbook(t *testing.T) {
	w, told := workbook(t, func(f *excelize.File) error {
		if _, err := f.NewSheet("Hướng dẫn"); err != nil {
			return err
		}
		if err := f.SetCellValue("Hướng dẫn", "A1", "điền vào cột B"); err != nil {
			return err
		}
		date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		if err != nil {
			return err
		}
		if err := cells("Sheet1", map[string]any{
			"A2": "Tên miền", "B2": "Địa chỉ IP", "A3": "www", "B3": 10100200100, "A4": "thu", "B4": 12345, "A5": "tin", "B5": 45901, "A6": "tot", "B6": "10.1.2.3",
		})(f); err != nil {
			return err
		}
		return f.SetCellStyle("Sheet1", "B5", "B5", date)
	})
	if w.Brought("tp") != nil {
		t.Error("the zone is taken")
	}
	want := []struct{ at, word string }{
		{"tp.xlsx[Hướng dẫn] T-HEADER", "the sheet is not read"},
		{"tp.xlsx[Sheet1]:3:2 T-NUMBER B3: the number 10100200100", "it can only have been 10.100.200.100"},
		{"tp.xlsx[Sheet1]:4:2 T-NUMBER B4: the number 12345", "look the address up"},
		{"tp.xlsx[Sheet1]:5:2 T-NUMBER B5: the date", "look the address up"},
	}
	var left []string
	for _, s := range told {
		if strings.Contains(s, "tp.xlsx") {
			left = append(left, s)
		}
	}
	for _, x := range want {
		found := false
		for _, s := range left {
			found = found || strings.HasPrefix(s, x.at) && strings.Contains(s, x.word)
		}
		if !found {
			t.Errorf("no %s … %s in\n%s", x.at, x.word, strings.Join(left, "\n"))
		}
	}
	if a := w.ReadOf("tp").Account; a.Sum().Refused != 3 || a.In != a.Sum().Taken+3 {
		t.Errorf("%+v", a)
	}

	w, told = workbook(t, cells("Sheet1", map[string]any{"A1": "TEN MIEN", "B1": "dia chi", "A2": "www", "B2": "10.1.2.3", "A3": "*.khu", "B3": "2001:db8::1"}))
	z := w.Brought("tp")
	if z == nil || len(told) > 0 {
		t.Fatal(told)
	}
	for n, typ := range map[string]zones.Type{"www.tp.cu.example": zones.TypeA, "*.khu.tp.cu.example": zones.TypeAAAA} {
		s, ok := z.Lookup(zones.MustName(n), typ)
		if !ok || s.From(0).Place.Line < 2 || !strings.HasSuffix(s.From(0).Place.File, "tp.xlsx[Sheet1]") {
			t.Errorf("%s: %v", n, s)
		}
	}
}

// TestQuoted: a text of a cell comes back octet for octet.
func TestQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringN(250, 600, 600)).Draw(t, "text")
		data, err := rdata.Parse(zones.TypeTXT, quoted(s), zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		var back strings.Builder
		for i := 0; i < len(data); i += 1 + int(data[i]) {
			back.WriteString(data[i+1 : i+1+int(data[i])])
		}
		if back.String() != s {
			t.Fatalf("%q came back as %q", s, back.String())
		}
	})
}
