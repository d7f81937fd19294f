package decisions

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

const sample = "../../../../testdata/gialai"

// open reads a workspace that must be whole.
func open(t interface {
	Helper()
	Fatal(...any)
}, dir string,
) *workspace.Workspace {
	t.Helper()
	w, fs := workspace.Open(dir)
	if w == nil || !w.Whole() {
		t.Fatal(dir, fs)
	}
	return w
}

// edited turns rows into what a table gives back.
func edited(rows []Row) (out []Edited) {
	for i, r := range rows {
		e := Edited{Fields: map[string]string{}, At: zones.Place{File: "t.xlsx", Line: i + 2, Column: 1}, Cells: map[string]zones.Place{}, Refs: map[string]string{}}
		for j, c := range Columns() {
			if c.Key != "" {
				e.Fields[c.Key] = r[j]
				e.Cells[c.Key] = zones.Place{File: "t.xlsx", Line: i + 2, Column: j + 1}
				e.Refs[c.Key] = string(rune('A'+j)) + "x"
			}
		}
		out = append(out, e)
	}
	return out
}

func text(t interface{ Fatal(...any) }, dir string) []byte {
	b, err := os.ReadFile(filepath.Join(dir, workspace.ConsolidationFile))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBack: a table that nobody edited changes nothing (BACK), in the sample
// and where nothing is decided yet.
func TestBack(t *testing.T) {
	for _, dir := range []string{sample, "../../../../testdata/undecided"} {
		w := open(t, dir)
		p, _ := w.Plan()
		rows := Rows(w, p)
		if want := len(w.Mapping.Decisions) + p.Open(); len(rows) != want || len(rows) < 5 {
			t.Errorf("%s: %d rows of %d decisions and %d open conflicts", dir, len(rows), len(w.Mapping.Decisions), p.Open())
		}
		b := text(t, dir)
		out, changes, fs := Apply(w, b, edited(rows))
		if string(out) != string(b) || len(changes)+len(fs) != 0 {
			t.Errorf("%s: %v %v", dir, changes, fs)
		}
	}
}

// TestLines: whatever is edited, only the lines of edited decisions differ,
// new ones stand behind the last, and reading the result gives what the table
// says (LINES).
func TestLines(t *testing.T) {
	w := open(t, sample)
	p, _ := w.Plan()
	all, b := Rows(w, p), text(t, sample)
	was := strings.SplitAfter(string(b), "\n")
	rapid.Check(t, func(t *rapid.T) {
		rows := edited(all)
		touched := map[int]bool{}
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			i := rapid.IntRange(0, len(rows)-1).Draw(t, "row")
			why := rapid.SampledFrom([]string{"ý kiến mới", `nó nói "không": xem # 3`, "a, b", "{x}", "yes", "- 1", "'x", "0123"}).Draw(t, "why")
			rows[i].Fields = maps.Clone(rows[i].Fields)
			rows[i].Fields[Why] = why
			touched[i] = true
		}
		for i, n := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"moi1", "moi2", "moi3"}), 0, 3, rapid.ID[string]).Draw(t, "new") {
			rows = append(rows, Edited{Fields: map[string]string{At: strings.ToUpper(n) + ".gialai.gov.vn. a", Take: "Bên  Giữ", Why: "mới", By: "skhcn", Doc: "mau"}, At: zones.Place{File: "t.xlsx", Line: len(rows) + i}})
		}
		out, changes, fs := Apply(w, b, rows)
		if finding.Failed(fs) {
			t.Fatal(fs)
		}
		if len(changes) != len(touched)+len(rows)-len(all) {
			t.Fatalf("%d changes of %d edited rows and %d new ones", len(changes), len(touched), len(rows)-len(all))
		}
		for i := range touched { // each edited line holds its reason, once read
			k := keyOf(rows[i].Fields)
			j := slices.IndexFunc(changes, func(c Change) bool { return c.Key == k })
			if j < 0 || changes[j].Sign != '~' {
				t.Fatal(k, changes)
			}
		}
		now := strings.SplitAfter(string(out), "\n")
		d := 0
		for _, line := range was { // all lines but the edited ones are there, in order
			i := slices.Index(now[d:], line)
			if i < 0 {
				if !slices.ContainsFunc(changes, func(c Change) bool { return c.Old == strings.TrimSpace(line) }) {
					t.Fatalf("the line %q is gone", line)
				}
				continue
			}
			d += i + 1
		}
		if len(now) != len(was)+len(rows)-len(all) {
			t.Fatalf("%d lines of %d, with %d new", len(now), len(was), len(rows)-len(all))
		}
		again, changes, fs := Apply(reread(t, out), out, rows)
		if string(again) != string(out) || len(changes) != 0 {
			t.Fatalf("the second time: %v %v", changes, fs)
		}
	})
}

// reread opens the sample with another consolidation file.
func reread(t *rapid.T, text []byte) *workspace.Workspace {
	dir, err := os.MkdirTemp("", "decisions")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, workspace.ConsolidationFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// TestWrong: each slip is told by its cell, all at once, and the text stays.
func TestWrong(t *testing.T) {
	w := open(t, sample)
	p, _ := w.Plan()
	b := text(t, sample)
	for _, c := range []struct {
		key, value, want string
	}{
		{Take, "sorce", "Gx: "},
		{By, "ai do", "Lx: "},
		{Doc, "khong", "Mx: "},
		{State, "maybe", "Nx: "},
		{TargetBecomes, "x.example", "Hx: "},
		{At, "", "Ax: the row has no name"},
	} {
		rows := edited(Rows(w, p))
		rows[3].Fields = maps.Clone(rows[3].Fields)
		rows[3].Fields[c.key] = c.value
		if c.key == TargetBecomes {
			rows[3].Fields[Take] = "source"
		}
		out, changes, fs := Apply(w, b, rows)
		if string(out) != string(b) || changes != nil || len(fs) == 0 {
			t.Fatalf("%s: %q is taken: %v", c.key, c.value, changes)
		}
		if f := fs[0]; f.At.File != "t.xlsx" || f.At.Line != 5 || !strings.HasPrefix(f.Found, c.want) {
			t.Errorf("%s: %q: %v, want %s", c.key, c.value, f, c.want)
		}
	}
	rows := edited(Rows(w, p))
	rows = append(rows, rows[0])
	if _, _, fs := Apply(w, b, rows); len(fs) != 1 || fs[0].ID != "T-TWICE" {
		t.Error(fs)
	}
	if _, _, fs := Apply(w, b, edited(Rows(w, p))[1:]); len(fs) != 1 || fs[0].ID != "T-KEPT" || fs[0].Severity != finding.Note {
		t.Error(fs)
	}
}

// TestWrongInNew: in a file without decisions, a slip that is seen when the
// edited file is read again is told by its own row, the first as the last.
func TestWrongInNew(t *testing.T) {
	w := open(t, "../../../../testdata/undecided")
	p, _ := w.Plan()
	b := text(t, "../../../../testdata/undecided")
	for i := range Rows(w, p) {
		rows := edited(Rows(w, p))
		for j := range rows {
			rows[j].Fields[Take], rows[j].Fields[Why], rows[j].Fields[By], rows[j].Fields[Doc] = "target", "x", "an", "bb1"
		}
		rows[i].Fields[By] = "ai do"
		out, _, fs := Apply(w, b, rows)
		if string(out) != string(b) || len(fs) != 1 || fs[0].At.Line != i+2 || fs[0].At.Column != 12 || !strings.HasPrefix(fs[0].Found, "Lx: ") {
			t.Errorf("row %d: %v", i+2, fs)
		}
	}
}

// TestForms: decisions in other forms of YAML, and a file that has none.
func TestForms(t *testing.T) {
	for what, c := range map[string]struct{ text, want string }{
		"a comment behind, CRLF": {"decisions:\r\n- {at: www.moi.example, take: target, why: \"a } b\", by: an, doc: bb1} # xem } đây\r\n", "decisions:\r\n- {at: www.moi.example, take: source, why: x, by: an, doc: bb1, state: decided} # xem } đây\r\n- {at: b.moi.example, take: both, why: x, by: an, doc: bb1}\r\n"},
		"no decisions yet":       {"rules: []\n", "rules: []\ndecisions:\n  - {at: www.moi.example, take: source, why: x, by: an, doc: bb1, state: decided}\n  - {at: b.moi.example, take: both, why: x, by: an, doc: bb1}\n"},
		"no last newline":        {"decisions:\n  - {at: www.moi.example, state: open}", "decisions:\n  - {at: www.moi.example, take: source, why: x, by: an, doc: bb1, state: decided}\n  - {at: b.moi.example, take: both, why: x, by: an, doc: bb1}\n"},
		"several lines":          {"decisions:\n  - at: www.moi.example\n    state: open\n", "T-LINE"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			head := "version: 1\ncutover: 1/9/2025 00:00\ntargets: [moi.example]\ndocuments: {bb1: Biên bản 1}\npeople: {an: Chị An}\n"
			for name, s := range map[string]string{
				workspace.ConfigFile: "version: 1\nlisteners: [{address: \"127.0.0.1:5300\", view: internet, at: before}]\n", workspace.ConsolidationFile: head + c.text,
				"zones/moi.example.zone": "$TTL 300\n@ SOA ns q 7 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n",
			} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			w := open(t, dir)
			f := func(at, take, state string) Edited {
				return Edited{Fields: map[string]string{At: at, Take: take, State: state, Why: "x", By: "an", Doc: "bb1"}}
			}
			out, _, fs := Apply(w, text(t, dir), []Edited{f("www.moi.example", "source", "decided"), f("b.moi.example", "both", "")})
			if len(fs) > 0 && fs[0].ID == c.want {
				return
			}
			if got := string(out)[len(head):]; got != c.want || finding.Failed(fs) {
				t.Errorf("%v\ngot  %q\nwant %q", fs, got, c.want)
			}
		})
	}
}
