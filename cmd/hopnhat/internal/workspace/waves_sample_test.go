package workspace

import (
	"fmt"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// told is what a world has at a name: the addresses, or the alias.
func told(w zones.World, v zones.View, zone, name string) string {
	var out []string
	for _, s := range w.Zone(zones.ID{Origin: n(zone), View: v}).At(n(name)) {
		for _, r := range s.Records() {
			switch r.Type {
			case zones.TypeA:
				out = append(out, fmt.Sprintf("%d.%d.%d.%d", r.Data[0], r.Data[1], r.Data[2], r.Data[3]))
			case zones.TypeCNAME:
				out = append(out, "alias")
			}
		}
	}
	return strings.Join(out, " ")
}

// The sample's waves: the names at the cutover, one document system early in
// 2026, the end of seven old names a year after the cutover; the review of the
// data centres is only a date. Each keeps what the one before it answered.
func TestSampleWaves(t *testing.T) {
	w, fs := Open(sample)
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	p, _ := w.Plan()
	ws, fs, err := w.Waves(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		t.Error(f)
	}
	var names []string
	for _, x := range ws {
		names = append(names, x.Name+" "+x.At.In(vietnam).Format("2/1/2006"))
	}
	if got := strings.Join(names, ", "); got != "ten-mien 1/9/2025, van-ban-chung 5/1/2026, het-ten-phu 1/9/2026" {
		t.Fatalf("waves: %s", got)
	}
	const now, old = "gialai.gov.vn", "binhdinh.gov.vn"
	for _, c := range []struct {
		view       zones.View
		zone, name string
		want       string // before, and after each wave
	}{
		{"internet", now, "qlvb.gialai.gov.vn", "198.51.100.14; 198.51.100.14; alias; alias"},
		{"internet", now, "qlvb-cu.gialai.gov.vn", "; ; 198.51.100.14; 198.51.100.14"},
		{"internet", now, "idesk.gialai.gov.vn", "; alias; alias; alias"},
		{"tslcd", now, "qlvb.gialai.gov.vn", "10.64.0.14; 10.64.0.14; alias; alias"},
		{"tslcd", now, "qlvb-cu.gialai.gov.vn", "; ; 10.64.0.14; 10.64.0.14"},
		{"internet", old, "qlvb.binhdinh.gov.vn", "alias; alias; alias; alias"},
		{"internet", old, "tttt.binhdinh.gov.vn", "alias; alias; alias; "},
		{"internet", old, "bdt.binhdinh.gov.vn", "alias; alias; alias; "},
		{"internet", old, "stttt.binhdinh.gov.vn", "203.0.113.110; 203.0.113.110; 203.0.113.110; 203.0.113.110"},
	} {
		got := []string{told(ws[0].Row[0], c.view, c.zone, c.name)}
		for _, x := range ws {
			got = append(got, told(x.Row[3], c.view, c.zone, c.name))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s (%s): %s, want %s", c.name, c.view, s, c.want)
		}
	}
	for i, in := range w.Claims(p) {
		in.Steps = ws[i].Row[1:3]
		r := proof.Prove(in, proof.Options{Mixture: true})
		if !r.Preserved() {
			t.Errorf("the wave %s loses something", ws[i].Name)
		}
		for _, f := range r.Faults {
			if f.Severity >= finding.Warning {
				t.Errorf("%s: %v", ws[i].Name, f.Finding)
			}
		}
	}
	if len(w.Holidays) != 10 {
		t.Errorf("%d holidays", len(w.Holidays))
	}
}
