package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// checkLedger runs the check from outside: shell, awk and named-compilezone.
// office is the folder of the soffice that it uses.
func checkLedger(t testing.TB, office, workspace, out string) (said string, ok bool) {
	t.Helper()
	need(t, "named-compilezone")
	cmd := exec.Command(need(t, "dash"), "../../scripts/check-ledger", workspace, out)
	cmd.Env = append(os.Environ(), "PATH="+office+string(os.PathListSeparator)+os.Getenv("PATH"))
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code > 1 {
		t.Fatalf("check-ledger exits %d: %s", code, b)
	}
	return string(b), err == nil
}

// officeOnce is a folder with a soffice that asks LibreOffice once for each
// book, and then gives what it made of that one again.
func officeOnce(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "soffice"), fmt.Sprintf(`#!/bin/sh
set -e
for book; do :; done
kept=%[1]s/$(sha256sum <"$book" | cut -c 1-64)
[ -e "$kept" ] || { mkdir "$kept.new"; (cd "$kept.new" && %[2]s "$@"); mv "$kept.new" "$kept"; }
cp "$kept"/* .
`, dir, need(t, "soffice")))
	if err := os.Chmod(filepath.Join(dir, "soffice"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func exportSample(t testing.TB, workspace string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if _, errs, code := run(t, "export", workspace, "--out", out); code != 0 {
		t.Fatalf("export exits %d: %s", code, errs)
	}
	return out
}

// TestLedgerFromOutside: zones compiled by BIND's tool and the consolidation
// file alone give the zones of after and the ledger; a record that is lost,
// changed or counted twice, and a source that lost one make the check fail,
// and it names the zone and the type.
func TestLedgerFromOutside(t *testing.T) {
	t.Parallel()
	office, out := officeOnce(t), exportSample(t, sampleDir)
	said, ok := checkLedger(t, office, sampleDir, out)
	t.Log(strings.TrimSpace(said))
	if !ok || !strings.HasPrefix(said, "the ledger is right: 1136 source records, ") {
		t.Fatalf("on the sample:\n%s", said)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))

	// A record goes from the merger's output.
	for _, c := range []struct{ file, typ string }{
		{"internet/gialai.gov.vn", "A"},
		{"internet/gialai.gov.vn", "AAAA"},
		{"internet/gialai.gov.vn", "CNAME"},
		{"internet/gialai.gov.vn", "MX"},
		{"internet/gialai.gov.vn", "TXT"},
		{"internet/gialai.gov.vn", "NS"},
		{"internet/gialai.gov.vn", "SRV"},
		{"internet/gialai.org.vn", "A"},
		{"tslcd/gialai.gov.vn", "A"},
		{"internet/binhdinh.gov.vn", "CNAME"},
		{"internet/binhdinh.gov.vn", "SRV"}, // one of several at a name, which still has its type
		{"internet/binhdinh.gov.vn", "TXT"},
		{"internet/quynhon.binhdinh.gov.vn", "A"},
		{"tslcd/binhdinh.gov.vn", "A"},
	} {
		t.Run("lost "+c.file+" "+c.typ, func(t *testing.T) {
			dir := copied(t, out)
			file := filepath.Join(dir, "zones", c.file+".zone")
			gone := withoutLine(t, file, r, regexp.MustCompile(`(?m)^\S+ +\S+ +IN +`+c.typ+` .*\n`))
			said, ok := checkLedger(t, office, sampleDir, dir)
			if ok || !names(said, c.file, c.typ) {
				t.Errorf("without %q:\n%s", gone, said)
			}
		})
	}

	// Any record of any zone goes.
	t.Run("lost anywhere", func(t *testing.T) {
		files, err := filepath.Glob(filepath.Join(out, "zones", "*", "*.zone"))
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			dir := copied(t, out)
			rel, err := filepath.Rel(out, files[r.IntN(len(files))])
			if err != nil {
				t.Fatal(err)
			}
			gone := withoutLine(t, filepath.Join(dir, rel), r, regexp.MustCompile(`(?m)^\S+ +\S+ +IN .*\n`))
			file := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(rel), "zones/"), ".zone")
			if said, ok := checkLedger(t, office, sampleDir, dir); ok || !names(said, file, strings.Fields(gone)[3]) {
				t.Errorf("%s without %q:\n%s", rel, gone, said)
			}
		}
	})

	// A name in data did not follow its records.
	t.Run("not rewritten", func(t *testing.T) {
		for _, c := range []struct{ typ, from, to string }{
			{"MX", " mail.gialai.gov.vn.\n", " mail.binhdinh.gov.vn.\n"},
			{"TXT", "include:_spf.gialai.gov.vn ", "include:_spf.binhdinh.gov.vn "},
			{"MX", " mailcu.gialai.gov.vn.\n", " mail.gialai.gov.vn.\n"},
		} {
			dir := copied(t, out)
			file := filepath.Join(dir, "zones", "internet", "gialai.gov.vn.zone")
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), c.from) {
				t.Fatalf("the zone holds no %q", c.from)
			}
			write(t, file, strings.Replace(string(b), c.from, c.to, 1))
			if said, ok := checkLedger(t, office, sampleDir, dir); ok || !names(said, "internet/gialai.gov.vn", c.typ) {
				t.Errorf("with %q:\n%s", c.to, said)
			}
		}
	})

	b, err := os.ReadFile(filepath.Join(out, "ledger.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	ledger := string(b)
	lines := map[string][]string{}
	for line := range strings.Lines(ledger) {
		kind, _, _ := strings.Cut(line, "\t")
		lines[kind] = append(lines[kind], line)
	}
	draw := func(kind string) (line string, f []string) {
		line = lines[kind][r.IntN(len(lines[kind]))]
		return line, strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	}
	withLedger := func(t *testing.T, line, instead string) (said string, ok bool) {
		t.Helper()
		dir := copied(t, out)
		write(t, filepath.Join(dir, "ledger.tsv"), strings.Replace(ledger, line, instead, 1))
		return checkLedger(t, office, sampleDir, dir)
	}

	// A record is counted twice, or not: in any column of any sum.
	for _, by := range []int{1, -1} {
		for _, kind := range []string{"source", "target"} {
			t.Run(fmt.Sprintf("%s sum %+d", kind, by), func(t *testing.T) {
				for range 4 {
					line, f := draw(kind)
					col := 4 + r.IntN(len(f)-4)
					n, err := strconv.Atoi(f[col])
					if err != nil {
						t.Fatal(err)
					}
					f[col] = strconv.Itoa(n + by)
					said, ok := withLedger(t, line, strings.Join(f, "\t")+"\n")
					if want := fmt.Sprintf("%s (%s) %s, as a %s: the ledger says %d ", strings.TrimSuffix(f[2], "."), f[1], f[3], kind, n+by); ok || !strings.Contains(said, want) {
						t.Errorf("with %q:\n%s", f, said)
					}
				}
			})
		}
	}

	// A line stands twice, or not at all, or tells another fate.
	for _, k := range []struct {
		kind            string
		zone, typ, fate int // columns
		fates           [2]string
	}{
		{"entry", 3, 5, 8, [2]string{"superseded", "renamed"}},
		{"trace", 2, 4, 7, [2]string{"removed", "kept"}},
		{"source", 2, 3, 0, [2]string{}},
		{"target", 2, 3, 0, [2]string{}},
	} {
		t.Run("line of "+k.kind, func(t *testing.T) {
			for _, what := range []string{"twice", "missing", "other fate"} {
				line, f := draw(k.kind)
				zone, typ := f[k.zone-1]+"/"+strings.TrimSuffix(f[k.zone], "."), f[k.typ]
				instead := ""
				switch {
				case what == "twice":
					instead = line + line
				case what == "other fate" && k.fate == 0:
					continue
				case what == "other fate":
					other := k.fates[0]
					if f[k.fate] == other {
						other = k.fates[1]
					}
					f[k.fate] = other
					instead = strings.Join(f, "\t") + "\n"
				}
				if said, ok := withLedger(t, line, instead); ok || !names(said, zone, typ) {
					t.Errorf("%s: %q:\n%s", what, line, said)
				}
			}
		})
	}

	// A source has one record less than the ledger accounts for.
	t.Run("a source lost a record", func(t *testing.T) {
		w := copied(t, sampleDir)
		gone := withoutLine(t, filepath.Join(w, "sources", "binhdinh", "db.binhdinh.xa"), r, regexp.MustCompile(`(?m)^[a-z]\S*\s.*\bCNAME\s+\S+\s*\n`)) // an alias is alone, so no line behind it inherits its owner
		if said, ok := checkLedger(t, office, w, out); ok || !strings.Contains(said, "binhdinh.gov.vn (internet) CNAME") {
			t.Errorf("without %q:\n%s", gone, said)
		}
	})

	// A decision is another than the one that the plan was made with.
	t.Run("another decision", func(t *testing.T) {
		w := copied(t, sampleDir)
		file := filepath.Join(w, "consolidation.yaml")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, strings.Replace(string(b), "{at: baocao.gialai.gov.vn, take: target,", "{at: baocao.gialai.gov.vn, take: source,", 1))
		if said, ok := checkLedger(t, office, w, out); ok || !strings.Contains(said, "baocao") {
			t.Errorf("%s", said)
		}
	})
}

// names tells whether the check says where a fault is: VIEW/ORIGIN and the
// type. A zone that lost its SOA or an apex NS does not load at all; then
// named-compilezone names the type.
func names(said, zone, typ string) bool {
	view, origin, _ := strings.Cut(zone, "/")
	at := origin + " (" + view + ")"
	return strings.Contains(said, at+" "+typ+":") || strings.Contains(said, at+" "+typ+",") ||
		strings.Contains(said, at+": ") && strings.Contains(said, "does not load") && regexp.MustCompile(`\b`+typ+`\b`).MatchString(said)
}

func copied(t testing.TB, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withoutLine removes one of the matching lines of a file and returns it.
func withoutLine(t testing.TB, file string, r *rand.Rand, re *regexp.Regexp) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := re.FindAllIndex(b, -1)
	if len(all) == 0 {
		t.Fatalf("%s has no line like %v", file, re)
	}
	at := all[r.IntN(len(all))]
	gone := string(b[at[0]:at[1]])
	write(t, file, string(b[:at[0]])+string(b[at[1]:]))
	return gone
}
