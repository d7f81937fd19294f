package workspace

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// TestSamplePlans: the address plans of the sample are those that
// plans_sample_test.go draws: the text files octet by octet, the workbook row by
// row, since LibreOffice wrote it.
func TestSamplePlans(t *testing.T) {
	dir := filepath.Join(sample, "addresses")
	if *update {
		writePlans(t, dir)
	}
	for name, want := range map[string][]byte{"gialai.csv": gialaiCSV(t), "madinhdanh.csv": codesCSV(t)} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what is drawn: %v; write it with -update", name, err)
		}
	}
	tmp := t.TempDir()
	binhdinhXLSX(t, filepath.Join(tmp, "binhdinh.xlsx"))
	read := func(dir string) merge.Plan {
		p, fs := ReadPlan(os.DirFS(dir), "binhdinh.xlsx", PlanOptions{Name: "binhdinh", Space: DefaultSpace})
		if finding.Failed(fs) {
			t.Fatal(errorsOf(fs))
		}
		return p
	}
	got, want := read(dir), read(tmp)
	if len(got.Rows) != len(want.Rows) || len(got.Released) != 1 || len(want.Released) != 1 {
		t.Fatalf("%d rows and %d released, want %d and %d", len(got.Rows), len(got.Released), len(want.Rows), len(want.Released))
	}
	for i, w := range want.Rows {
		if g := got.Rows[i]; !g.Allocation.Equal(w.Allocation) || g.At != w.At {
			t.Errorf("%+v\nis drawn as %+v", g, w)
		}
	}
}

// TestSampleAddresses: what the plans hold, where they overlap, and what their
// blocks say of the names.
func TestSampleAddresses(t *testing.T) {
	w, fs := Open(sample)
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	a, fs := w.Addresses()
	if finding.Failed(fs) || len(a.Result.Open)+len(a.Result.Faults) > 0 {
		t.Fatalf("%s\nopen: %v", errorsOf(fs), a.Result.Open)
	}
	for i, p := range a.Plans {
		province := []string{"Gia Lai", "Bình Định"}[i]
		if p.Name != []string{"gialai", "binhdinh"}[i] || len(p.Released) != 1 {
			t.Errorf("plan %d: %s, %d released", i, p.Name, len(p.Released))
		}
		communes := unitsOf(t, "commune_new", province)
		if n := []int{77, 58}[i]; len(communes) != n {
			t.Errorf("%d communes of %s, want %d", len(communes), province, n)
		}
		has := map[string][]string{}
		for _, r := range p.Rows {
			what := r.System
			if !r.Block.Is4() {
				what += " 6"
			}
			has[r.Holder.Unit] = append(has[r.Holder.Unit], what)
		}
		for _, u := range communes {
			if got := strings.Join(has[u.name], ","); got != "WAN,LAN,Hội nghị truyền hình,Camera,LAN 6" {
				t.Errorf("%s has %s", u.name, got)
			}
		}
	}

	kinds := map[merge.Kind]int{}
	for _, o := range merge.Overlaps(a.Plans...) {
		if o.Sides[0].Plan == o.Sides[1].Plan {
			t.Errorf("within one plan: %v", o)
		}
		kinds[o.Kind]++
	}
	if kinds[merge.Same] < 60 || kinds[merge.Nested] < 60 || kinds[merge.Crossing] != 1 || kinds[merge.TwoHosts] != 1 {
		t.Errorf("overlaps by kind: %v", kinds)
	}
	took := map[merge.Take]int{}
	for _, d := range w.Overlaps {
		took[d.Take]++
	}
	if took[merge.Renumber] != 2 || took[merge.Isolate] != 1 || took[merge.Return] != 4 {
		t.Errorf("decisions by way: %v", took)
	}
	if got, want := len(a.Result.Allocations)+len(a.Result.Returned), len(a.Plans[0].Rows)+len(a.Plans[1].Rows); got != want {
		t.Errorf("%d allocations and returned blocks of %d rows", got, want)
	}

	plan, _ := w.Plan()
	named(t, plan.Before(), a.Plans)
	r := w.Agree(plan.After(), a.Result.Allocations, a.Organisations)
	var got []string
	for _, f := range r.Faults {
		got = append(got, f.ID+" "+f.About)
	}
	want := []string{
		"A-UNPLANNED internet: 203.0.113.0/24: 203.0.113.99 (minhchien.binhdinh.gov.vn)",
		"A-OWNER H21.11, H21.12 Sở Ngoại vụ (198.51.100.37 in internet): 198.51.100.37 (syt.gialai.gov.vn)",
		"P-NS binhdinh.gov.vn (internet): Trung tâm dữ liệu Bình Định",
		"P-NS quynhon.binhdinh.gov.vn (internet): Trung tâm dữ liệu Bình Định",
		"P-NS tuyphuoc.binhdinh.gov.vn (internet): Trung tâm dữ liệu Bình Định",
		"P-NS vancanh.binhdinh.gov.vn (internet): Trung tâm dữ liệu Bình Định",
		"P-NS binhdinh.gov.vn (tslcd): Trung tâm dữ liệu Bình Định",
		"P-NS gialai.gov.vn (tslcd): Trung tâm dữ liệu Gia Lai",
	}
	if !slices.Equal(got, want) {
		t.Errorf("names and addresses:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.Records < 1500 {
		t.Errorf("%d records only", r.Records)
	}
}

// named: each name that a row states has an address of the row's block, in the
// view of its space.
func named(t *testing.T, world zones.World, plans []merge.Plan) {
	has := map[string][]netip.Addr{}
	for z := range world.All() {
		for s := range z.All() {
			for i := range s.Len() {
				if a, ok := netip.AddrFromSlice([]byte(s.Data(i))); ok && (s.Type() == zones.TypeA || s.Type() == zones.TypeAAAA) {
					k := fmt.Sprint(z.View(), " ", s.Owner().Text())
					has[k] = append(has[k], a)
				}
			}
		}
	}
	n := 0
	for _, p := range plans {
		for _, r := range p.Rows {
			for _, name := range r.Names {
				n++
				if !slices.ContainsFunc(has[string(r.Space)+" "+name], r.Block.ContainsAddr) {
					t.Errorf("%s %v: %s has %v", p.Name, r.Place, name, has[string(r.Space)+" "+name])
				}
			}
		}
	}
	if n < 135 {
		t.Errorf("%d names in the plans", n)
	}
}

// TestSampleUndecided: without its decisions nothing comes into a book, and each
// overlap names both cells.
func TestSampleUndecided(t *testing.T) {
	w, fs := Open(sample)
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	n := *w
	n.Overlaps = nil
	a, fs := n.Addresses()
	if a.Result.Allocations != nil || len(a.Result.Open) < 100 {
		t.Fatalf("%d allocations, %d open", len(a.Result.Allocations), len(a.Result.Open))
	}
	twice := 0
	for _, f := range fs {
		if f.ID != "A-TWICE" {
			continue
		}
		twice++
		if f.Severity != finding.Block || f.At.Line == 0 || f.At.Column == 0 || !strings.Contains(f.Found, "addresses/") {
			t.Errorf("%v", f)
		}
	}
	if twice != len(a.Result.Open) {
		t.Errorf("%d findings of %d overlaps", twice, len(a.Result.Open))
	}
	host := ipam.BlockOf(netip.MustParsePrefix("203.0.113.4/32"))
	if i := slices.IndexFunc(a.Result.Open, func(o merge.Overlap) bool { return o.Sides[1].Block == host }); i < 0 || !slices.Contains(a.Result.Open[i].Names(), "ns2.gialai.gov.vn") {
		t.Error("the overlap of the name server's address does not name it")
	}
}
