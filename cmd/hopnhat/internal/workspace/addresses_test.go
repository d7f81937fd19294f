package workspace

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func readPlan(text string) (merge.Plan, []finding.Finding) {
	return ReadPlan(fstest.MapFS{"p.csv": {Data: []byte(text)}}, "p.csv", PlanOptions{Name: "gialai", Space: "tslcd", Prefix: "w/"})
}

// TestReadPlan: the ways in which offices write blocks, holders and statuses.
func TestReadPlan(t *testing.T) {
	p, fs := readPlan(`QUY HOẠCH ĐỊA CHỈ IP MẠNG TSLCD;;;;;;;;
;;;;;;;;
STT;Dải địa chỉ;Mặt nạ;Mã định danh;Đơn vị;Trạng thái;VRF;Văn bản;Tên miền
1;10.1.2.0/24;;H21.10;Sở Y tế;đang dùng;;12/QĐ, 13/QĐ;www.syt.gialai.gov.vn
2;10.1.3.0;255.255.255.0;000.00.11.H21;Sở Nội vụ;Dự phòng;;;
3;10.1.4.10 - 20;;;Trung tâm;;video;;
4;2001:DB8:0:1::/64;;H21;UBND tỉnh;quy hoạch;;;
5;10.1.5.7;;;;sẽ thu hồi;;;
6;10.1.6.0/24;;H21.12;;đã thu hồi;;;
;;;;Tổng số: 5;;;;
`)
	if finding.Failed(fs) {
		t.Fatal(fs)
	}
	var got []string
	for _, r := range p.Rows {
		got = append(got, fmt.Sprintf("%v %v %q %v %v line %d", r.Place, r.Status, r.Holder.String(), r.Documents, r.Names, r.At.Line))
	}
	want := []string{
		`10.1.2.0/24 in tslcd active "H21.10 Sở Y tế" [12/QĐ 13/QĐ] [www.syt.gialai.gov.vn] line 4`,
		`10.1.3.0/24 in tslcd reserved "H21.11 Sở Nội vụ" [] [] line 5`,
		`10.1.4.10-10.1.4.20 in video active "Trung tâm" [] [] line 6`,
		`2001:db8:0:1::/64 in tslcd planned "H21 UBND tỉnh" [] [] line 7`,
		`10.1.5.7 in tslcd deprecated "" [] [] line 8`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestReadPlanSlips: each slip is told by its cell, all at once.
func TestReadPlanSlips(t *testing.T) {
	_, fs := readPlan(`Dải địa chỉ;Mã định danh;Trạng thái;VRF
10.1.2.5/24;H21;;
10.1.300.0/24;H21;;
10.010.1.0/24;H21;;
10100200100;H21;;
10.1.7.0/24;H21..5;;
10.1.8.0/24;H21;mất;
10.1.9.0/24;H21;;a?b
`)
	var got []string
	for _, f := range fs {
		if f.Severity >= finding.Error {
			got = append(got, f.String())
		}
	}
	want := []struct{ place, says, id string }{
		{"w/p.csv:2:1", "10.1.2.0/24 for the network", "A-BLOCK"},
		{"w/p.csv:3:1", "300 is above 255", "A-BLOCK"},
		{"w/p.csv:4:1", "leading zero", "A-BLOCK"},
		{"w/p.csv:5:1", "10.100.200.100", "T-NUMBER"},
		{"w/p.csv:6:2", "an empty group", "A-HOLDER"},
		{"w/p.csv:7:3", "is no status", "A-STATUS"},
		{"w/p.csv:8:4", "no space has in its name", "A-SPACE"},
	}
	if len(got) != len(want) {
		t.Fatalf("%d errors, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, w := range want {
		if !strings.HasPrefix(got[i], w.place+": ") || !strings.Contains(got[i], w.says) || !strings.Contains(got[i], "["+w.id+"]") {
			t.Errorf("%s\nwant %v", got[i], w)
		}
	}
	if _, fs := readPlan("a;b\n1;2\n"); !finding.Failed(fs) {
		t.Error("a table without blocks is read")
	}
}

// TestOverlapFinding: both places are said, and the names that point there.
func TestOverlapFinding(t *testing.T) {
	a, _ := readPlan("Dải địa chỉ;Mã định danh;Tên miền\n10.1.2.0/24;H21;www.gialai.gov.vn\n")
	b := a
	b.Name = "binhdinh"
	b.Rows = append([]merge.Row(nil), a.Rows...)
	b.Rows[0].At.File = "w/q.csv"
	os := merge.Overlaps(a, b)
	if len(os) != 1 {
		t.Fatal(os)
	}
	want := "w/p.csv:2:1: blocking: tslcd: the same block: 10.1.2.0/24 (H21, gialai), and 10.1.2.0/24 (H21, binhdinh) at w/q.csv:2:1; names that point there: www.gialai.gov.vn; " +
		"keep one of them, and renumber the other to a pool, isolate it in a space of its own, or give it back [A-TWICE]"
	if got := OverlapFinding(os[0]).String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
