package workspace

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	table "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// genAllocations draws what a book can hold: texts that a spreadsheet would
// compute, quote or take for a number, among them.
func genAllocations(t *rapid.T) []ipam.Allocation {
	text := rapid.SampledFrom([]string{"", "", "Sở Y tế", "=1+1", "'=x", "-", "+84 256", "@a", `"quoted"; with, all`, "hai\ndòng", "1/2", "10100200100", "đã thu hồi", "  x "})
	var out []ipam.Allocation
	for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"10.1.2.0/24", "10.1.2.7", "10.1.2.9-10.1.2.20", "2001:db8::/48", "2001:db8::1", "0.0.0.0/0", "::/0", "10.100.200.100",
	}), 1, 8, rapid.ID).Draw(t, "blocks") {
		b, err := ipam.ParseBlock(s)
		if err != nil {
			t.Fatal(err)
		}
		a := ipam.Allocation{Place: ipam.Place{Space: rapid.SampledFrom([]ipam.Space{"tslcd", "tslcd/video", "vlan-20"}).Draw(t, "space"), Block: b}}
		a.Status = rapid.SampledFrom([]ipam.Status{ipam.Active, ipam.Planned, ipam.Reserved, ipam.Deprecated}).Draw(t, "status")
		if rapid.Bool().Draw(t, "coded") {
			a.Holder.Code, _ = ipam.ParseCode("H21.10.05")
		}
		for _, f := range []*string{&a.Holder.Unit, &a.Site, &a.System, &a.Provider, &a.Authority, &a.Note} {
			*f = text.Draw(t, "text")
		}
		if rapid.Bool().Draw(t, "dated") {
			a.Since, a.Until = ipam.Date{Year: 2025, Month: 9, Day: 1}, ipam.Date{Year: 9999, Month: 12, Day: 31}
		}
		a.Documents = rapid.SliceOfN(rapid.SampledFrom([]string{"12/QĐ-UBND", "=13", "106/KH-UBND"}), 0, 3).Draw(t, "documents")
		a.Names = rapid.SliceOfN(rapid.SampledFrom([]string{"www.gialai.gov.vn", "*.x.gialai.gov.vn", "_sip._tcp.gialai.gov.vn"}), 0, 3).Draw(t, "names")
		if a = a.Clean(); a.Check() != nil {
			t.Fatal(a.Check())
		}
		out = append(out, a)
	}
	return out
}

// TestPlanTable: what is exported is read as the same, from a workbook and from
// a text file, with the revision of each row.
func TestPlanTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := genAllocations(t)
		tab := PlanTable(list, func(p ipam.Place) uint64 { return uint64(len(p.Space)) })
		for name, write := range map[string]func(*bytes.Buffer) error{
			"p.xlsx": func(b *bytes.Buffer) error { return table.WriteXLSX(b, tab) },
			"p.csv":  func(b *bytes.Buffer) error { return table.WriteCSV(b, tab) },
		} {
			var buf bytes.Buffer
			if err := write(&buf); err != nil {
				t.Fatal(err)
			}
			p, fs := ReadPlan(fstest.MapFS{name: {Data: buf.Bytes()}}, name, PlanOptions{Name: "x", Space: "other"})
			if finding.Failed(fs) {
				t.Fatalf("%s: %v", name, fs)
			}
			if len(p.Rows) != len(list) {
				t.Fatalf("%s: %d rows of %d", name, len(p.Rows), len(list))
			}
			for i, r := range p.Rows {
				if !r.Allocation.Equal(list[i]) || r.Revision != uint64(len(list[i].Space)) {
					t.Fatalf("%s: %+v\nread as %+v", name, list[i], r)
				}
			}
		}
	})
}

// TestPlanReleased: a row that says so gives its block back.
func TestPlanReleased(t *testing.T) {
	p, fs := readPlan("Dải địa chỉ;Trạng thái;Bản sổ\n10.1.2.0/24;đã thu hồi;7\n10.1.3.0/24;;\n")
	if finding.Failed(fs) || len(p.Rows) != 1 || len(p.Released) != 1 || p.Released[0].Block.String() != "10.1.2.0/24" || p.Released[0].Revision != 7 {
		t.Errorf("%+v %v", p, fs)
	}
	_, fs = readPlan("Dải địa chỉ;Bản sổ;Từ ngày\n10.1.2.0/24;x;\n10.1.3.0/24;;31/2/2025\n")
	var ids []string
	for _, f := range fs {
		if f.Severity == finding.Error {
			ids = append(ids, f.ID)
		}
	}
	if strings.Join(ids, " ") != "A-REVISION A-DATE" {
		t.Errorf("%v", fs)
	}
}
