package main

import (
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestChecksDocumented holds docs/checks.md to the code: a row for each id
// that is emitted, and none beside.
func TestChecksDocumented(t *testing.T) {
	emitted, rows := map[string]string{}, map[string]bool{}
	id := regexp.MustCompile(`"([A-Z]-[A-Z][A-Z0-9-]*)"`)
	for _, root := range []string{"../../zones", "../../resolver", "../../ipam", "../../cmd"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			b, err := os.ReadFile(name)
			for _, m := range id.FindAllStringSubmatch(string(b), -1) {
				emitted[m[1]] = name
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]-[A-Z0-9-]+) \|(.*)$`).FindAllStringSubmatch(string(b), -1) {
		if rows[m[1]] {
			t.Errorf("docs/checks.md has two rows for %s", m[1])
		}
		rows[m[1]] = true
		if strings.Count(m[2], "|") != 3 {
			t.Errorf("docs/checks.md: the row of %s has not severity, condition and how to mend", m[1])
		}
	}
	for i, name := range emitted {
		if !rows[i] {
			t.Errorf("%s emits %s, which docs/checks.md does not define", name, i)
		}
	}
	for i := range rows {
		if _, ok := emitted[i]; !ok {
			t.Errorf("docs/checks.md defines %s, which nothing emits", i)
		}
	}
	if len(rows) < 50 {
		t.Errorf("%d rows only", len(rows))
	}
}

// TestLinks: a link of a document leads to a file of the project.
func TestLinks(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../../README.md", "../../README.vi.md", "../../testdata/gialai/README.md")
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(f), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", f, m[1])
			}
		}
	}
	if n < 5 {
		t.Errorf("%d links only", n)
	}
}

// TestWalk runs the walk of each README as a newcomer would, on a copy of the
// project's sample, and holds what is printed there to what comes. A line of
// "…" stands for any number of lines.
func TestWalk(t *testing.T) {
	for _, readme := range []string{"README.md", "README.vi.md"} {
		t.Run(readme, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "testdata", "gialai"), os.DirFS(sampleDir)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(dir, "testdata", "gialai", "var")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(hopnhat(t), filepath.Join(dir, "bin", "hopnhat")); err != nil {
				t.Fatal(err)
			}
			steps := walk(t, filepath.Join("../..", readme))
			t.Chdir(dir)
			if out, err := exec.Command("bin/hopnhat", "-C", "testdata/gialai", "ip", "import").CombinedOutput(); err != nil { // as make run does
				t.Fatalf("%v\n%s", err, out)
			}
			server := start(t, "hopnhat", netip.MustParseAddrPort("127.0.0.1:5301"), []zoneFile{{origin: "gialai.gov.vn"}}, "bin/hopnhat", "serve", "testdata/gialai")
			for _, s := range steps {
				if s.command == "make run" {
					eventually(t, server, "what "+readme+" shows of make run", func() bool { return same(s.shown, server.log.String()) })
					continue
				}
				cmd := exec.Command("sh", "-c", s.command)
				out, err := cmd.Output() // warnings on standard error are not part of the walk
				if err != nil {
					t.Errorf("%s: %v", s.command, err)
				}
				if !same(s.shown, string(out)) {
					t.Errorf("$ %s\ngives\n%s\n%s says\n%s", s.command, out, readme, s.shown)
				}
			}
			if len(steps) < 5 {
				t.Errorf("%d steps only", len(steps))
			}
		})
	}
}

type step struct{ command, shown string }

// walk reads the steps of a document's console blocks.
func walk(t *testing.T, file string) (steps []step) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(b), "```") {
		text, ok := strings.CutPrefix(block, "console\n")
		if i%2 == 0 || !ok {
			continue
		}
		for line := range strings.Lines(text) {
			if cmd, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: strings.TrimSuffix(cmd, "\n")})
			} else {
				steps[len(steps)-1].shown += line
			}
		}
	}
	return steps
}

// same tells whether the output is what a document shows.
func same(shown, out string) bool {
	var b strings.Builder
	b.WriteString("^")
	for line := range strings.Lines(shown) {
		if line == "…\n" {
			b.WriteString("(?:.*\n)*")
		} else {
			b.WriteString(regexp.QuoteMeta(line))
		}
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String()).MatchString(out)
}
