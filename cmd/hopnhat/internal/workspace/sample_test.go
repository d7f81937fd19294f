package workspace

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sample = "../../../../testdata/gialai"

// The sample opens without an error and its plan can be published.
func TestSample(t *testing.T) {
	w, fs := Open(sample)
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	p, fs := w.Plan()
	if s := errorsOf(fs); s != "" || !p.Publishable() {
		t.Fatalf("publishable %v\n%s", p.Publishable(), s)
	}
	if err := p.Ledger().Check(p.Before(), p.After()); err != nil {
		t.Error(err)
	}
	if got, want := InVietnamese(w.Mapping.Cutover), "0 giờ 00 thứ Hai, ngày 1 tháng 9 năm 2025"; got != want {
		t.Errorf("cutover %s, want %s", got, want)
	}
	var no []int
	for _, s := range w.Systems {
		no = append(no, s.No)
		for _, n := range s.Names {
			found := false
			for z := range p.After().All() {
				for o := range z.Owners() {
					found = found || n.Match(o)
				}
			}
			if !found {
				t.Errorf("%v: the system %s has the name %s, which is in no zone after", s.At, s.Key, n)
			}
		}
	}
	slices.Sort(no)
	if !slices.Equal(no, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) {
		t.Errorf("the systems of the plan: %v", no)
	}
	if len(w.Mapping.Reserved) != 135 {
		t.Errorf("%d reserved labels, want those of the 135 new communes", len(w.Mapping.Reserved))
	}
	if p.Before().Digest() == p.After().Digest() {
		t.Error("nothing changes at the cutover")
	}
}

// Without its decisions the sample's plan is open; the lines that it prints,
// pasted as they are, are read without an error and close it.
func TestPaste(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, ConsolidationFile)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	within := false
	for _, l := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(l, "decisions:") {
			within = true
			lines = append(lines, "decisions:")
			continue
		}
		if within = within && (l == "" || strings.ContainsAny(l[:1], " #\r")); !within {
			lines = append(lines, l)
		}
	}
	at := slices.Index(lines, "decisions:") + 1
	if at == 0 {
		t.Fatal("the sample has no decisions")
	}
	for round := range 6 {
		write(t, dir, map[string]string{ConsolidationFile: strings.Join(lines, "\n")})
		w, fs := Open(dir)
		if s := errorsOf(fs); s != "" {
			t.Fatalf("round %d:\n%s", round, s)
		}
		p, _ := w.Plan()
		if round == 0 && p.Open() == 0 {
			t.Fatal("without decisions nothing is open")
		}
		if p.Open() == 0 {
			if !p.Publishable() {
				t.Error("nothing is open, and the plan cannot be published")
			}
			return
		}
		for _, c := range p.Conflicts() {
			if !c.Settled {
				lines = slices.Insert(lines, at, c.Line)
			}
		}
	}
	t.Error("after six rounds of pasting conflicts are still open")
}
