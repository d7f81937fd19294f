package merge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Every line that an open question prints is YAML in the form of the
// consolidation file, and pasted as it is it settles the question.
func TestPaste(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	pasted := map[Kind]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := parseTalk(t, parseArchive(string(text)))
		p, _ := Make(in)
		var lines []string
		for _, c := range p.Conflicts() {
			if !c.Settled && c.Line != "" && !strings.HasPrefix(filepath.Base(file), "bad") {
				lines = append(lines, c.Line)
				pasted[c.Kind]++
			}
		}
		in.Mapping.Decisions = append(in.Mapping.Decisions, paste(t, lines)...)
		p, _ = Make(in)
		for _, c := range p.Conflicts() {
			if !c.Settled && !strings.HasPrefix(filepath.Base(file), "bad") {
				t.Errorf("%s: %v is open after pasting its line", file, c)
			}
		}
	}
	for k := OtherData; k < Becomes; k++ {
		if pasted[k] == 0 {
			t.Errorf("no archive has an open question of the kind %v", k)
		}
	}
}

func paste(t *testing.T, lines []string) (ds []mapping.Decision) {
	t.Helper()
	var rows []struct {
		At, View, Take, Why, By, Doc, State, Holder string
	}
	if err := yaml.UnmarshalWithOptions([]byte(strings.Join(lines, "\n")), &rows, yaml.Strict()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(lines, "\n"))
	}
	if len(rows) != len(lines) {
		t.Fatalf("%d rows of %d lines", len(rows), len(lines))
	}
	for i, r := range rows {
		n, ty, _ := strings.Cut(r.At, " ")
		d := mapping.Decision{
			Name: zones.MustName(n), View: zones.View(r.View), Holder: r.Holder, State: mapping.StateProposed,
			Note: mapping.Note{At: zones.Place{File: "pasted", Line: i + 1}, Why: r.Why, By: r.By, Doc: r.Doc},
		}
		if ty != "" {
			d.Type, _ = zones.ParseType(ty)
		}
		switch r.Take {
		case "source":
			d.Take = mapping.Source
		case "target":
			d.Take = mapping.Target
		case "both":
			d.Take = mapping.Both
		}
		if d.Why == "" || r.State != "proposed" {
			t.Errorf("not a whole decision: %s", lines[i])
		}
		ds = append(ds, d)
	}
	return ds
}

// A record that no rule covers prints a rule in the file's form.
func TestPasteRule(t *testing.T) {
	text, err := os.ReadFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, fs := Make(parseTalk(t, parseArchive(string(text))))
	var line string
	for _, f := range fs {
		if f.ID == "M-TOTAL" && f.Severity == finding.Block {
			_, line, _ = strings.Cut(f.Mend, "\n")
		}
	}
	var rows []struct{ From, To, View, Why, By, Doc string }
	if err := yaml.UnmarshalWithOptions([]byte(line), &rows, yaml.Strict()); err != nil || len(rows) != 1 {
		t.Fatalf("%q: %v", line, err)
	}
	if r := rows[0]; r.From != "none.binhdinh.gov.vn" || r.To != "none.gialai.gov.vn" || r.By != "skhcn" || r.Doc != "kh106" {
		t.Errorf("%+v", r)
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"", "mail.gialai.gov.vn MX", "*.x", "no", "a: b", `\"`, "Xã An Lão", "#x", " x", "12", "-x", "a\tb", `a\.b.vn`} {
		var got struct{ X string }
		if err := yaml.Unmarshal([]byte("{x: "+quote(s)+"}"), &got); err != nil || got.X != s {
			t.Errorf("%q: %s gives %q, %v", s, quote(s), got.X, err)
		}
	}
}
