package workspace

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	table "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// FuzzPlan: whatever a text file holds, it is read or refused; a row that is read
// is a whole allocation with a place, an error has the file and says what to do.
func FuzzPlan(f *testing.F) {
	f.Add([]byte("Dải địa chỉ;Mặt nạ;Mã;Trạng thái;Từ ngày\n10.1.2.0;255.255.255.0;H21;đang dùng;1/9/2025\n10.1.3.1-9;;;;\n"))
	f.Add([]byte("\ufeffMạng,Đến,VRF\r\n10.1.2.3,10.1.2.9,a b\r\n::ffff:10.0.0.1,,\r\n"))
	f.Add([]byte("IP\t\n10100200100\t\n2001:db8::/129\t"))
	f.Add([]byte("IP;Tên miền;Văn bản;Bản sổ\n10.0.0.0/8;A.b,,c ;x\x00y;-1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, fs := ReadPlan(fstest.MapFS{"p.csv": {Data: data}}, "p.csv", PlanOptions{Name: "x", Space: "tslcd"})
		for _, r := range p.Rows {
			if err := r.Check(); err != nil || r.At.Line == 0 || r.At.Column == 0 {
				t.Errorf("%+v: %v", r, err)
			}
		}
		for _, x := range fs {
			if x.Severity >= finding.Error && (x.At.File == "" || x.Mend == "") {
				t.Errorf("%v", x)
			}
		}
	})
}

// TestWorkbookSlips: the slips of a clerk in a workbook name file, sheet and cell.
func TestWorkbookSlips(t *testing.T) {
	var b bytes.Buffer
	if err := table.WriteXLSX(&b, table.Table{
		Name: "Xã, phường", Headings: []string{"TT", "Dải IP", "Mã đơn vị", "Tình trạng", "VLAN", "Từ ngày"},
		Rows: [][]string{
			{"1", "10.1.2.0/24", "H21", "đang dùng", "", "1/7/2025"},
			{"2", "10.1.2.9/24", "H21", "", "", ""},
			{"3", "10.1.3.0/24", "21.H", "", "", ""},
			{"4", "10.1.4.0/24", "", "có", "", ""},
			{"5", "10.1.5.0/24", "", "", "video?", ""},
			{"6", "10.1.6.0/24", "", "", "", "30/2/2025"},
			{"7", "10100200100", "", "", "", ""},
		},
	}); err != nil {
		t.Fatal(err)
	}
	p, fs := ReadPlan(fstest.MapFS{"a.xlsx": {Data: b.Bytes()}}, "a.xlsx", PlanOptions{Name: "x", Space: "tslcd", Prefix: "gialai/addresses/"})
	var got []string
	for _, f := range fs {
		if f.Severity >= finding.Error {
			got = append(got, f.String())
		}
	}
	want := []string{
		`gialai/addresses/a.xlsx[Xã, phường]:3:2: error: B3: "10.1.2.9/24": `,
		`gialai/addresses/a.xlsx[Xã, phường]:4:3: error: C4: "21.H": `,
		`gialai/addresses/a.xlsx[Xã, phường]:5:4: error: D5: "có" is no status; `,
		`gialai/addresses/a.xlsx[Xã, phường]:6:5: error: E6: "video?": `,
		`gialai/addresses/a.xlsx[Xã, phường]:7:6: error: F7: "30/2/2025": `,
		`gialai/addresses/a.xlsx[Xã, phường]:8:2: error: B8: the number 10100200100 stands where an address should be; write 10.100.200.100 `,
	}
	if len(got) != len(want) || len(p.Rows) != 1 {
		t.Fatalf("%d rows, %d errors:\n%s", len(p.Rows), len(got), strings.Join(got, "\n"))
	}
	for i, w := range want {
		if !strings.HasPrefix(got[i], w) {
			t.Errorf("%s\nwant %s…", got[i], w)
		}
	}
}
