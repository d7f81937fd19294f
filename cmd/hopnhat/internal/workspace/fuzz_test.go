package workspace

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// FuzzConsolidation holds that no input panics or hangs, that every finding
// points into the file and shows the line it points at, and that a file
// without an error gives a mapping whose values are all good.
func FuzzConsolidation(f *testing.F) {
	form, err := os.ReadFile("testdata/form/consolidation.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(form)
	files, _ := filepath.Glob("testdata/slips/*.txtar")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{"", "a: *b\n? c\n: d", "version: 1\n---\n%YAML", "[[[[", "{{{{", "- - - -", "a: |\n b\n  c", "\ufeffa: \"\n\n'", "a: !!binary &x <<: *x", "rules:\n - a\n  - b\n- c", "a:\r\tb"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return // size is bounded elsewhere; here the time of one run is
		}
		c, fs := readConsolidation("c.yaml", data, nil)
		text, _ := readText("c.yaml", data)
		for _, x := range fs {
			l, col := x.At.Line, x.At.Column
			switch {
			case x.Found == "" || x.ID == "" || x.At.File != "c.yaml":
				t.Errorf("an empty finding: %#v", x)
			case text.lines == nil:
			case l == 0 && col == 0:
			case l < 1 || l > len(text.lines) || col < 1 || col > utf8.RuneCountInString(text.lines[l-1])+1:
				t.Errorf("a place outside the file: %v", x)
			case x.Line != "" && x.Line != text.lines[l-1]:
				t.Errorf("another line is shown: %v", x)
			}
		}
		if finding.Failed(fs) {
			return
		}
		if c.Mapping.Cutover.IsZero() || len(c.Mapping.Targets) == 0 && len(c.Mapping.Rules) > 0 && len(c.Mapping.Rules[0].To) > 0 {
			t.Error("no error, and cutover or targets are missing")
		}
		for _, r := range c.Mapping.Rules {
			if r.From.Name.IsZero() || r.Drop == (len(r.To) > 0) || r.Why == "" || r.By == "" || r.Doc == "" {
				t.Errorf("no error, and a rule is not whole: %+v", r)
			}
		}
		for _, x := range c.Mapping.Decisions {
			if x.Name.IsZero() || (x.Take != 0) != (x.State != 0) {
				t.Errorf("no error, and a decision is not whole: %+v", x)
			}
		}
	})
}
