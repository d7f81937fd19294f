package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// checkLedger runs the check from outside: shell, awk and named-compilezone.
func checkLedger(t testing.TB, workspace, out string) (said string, ok bool) {
	t.Helper()
	need(t, "named-compilezone")
	cmd := exec.Command(need(t, "dash"), "../../scripts/check-ledger", workspace, out)
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code > 1 {
		t.Fatalf("check-ledger exits %d: %s", code, b)
	}
	return string(b), err == nil
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
// file alone give the sums of the ledger; a record that is lost, one that is
// counted twice, and a source that lost one make the check fail, and it names
// the zone and the type.
func TestLedgerFromOutside(t *testing.T) {
	out := exportSample(t, sampleDir)
	said, ok := checkLedger(t, sampleDir, out)
	t.Log(strings.TrimSpace(said))
	if !ok || !strings.HasPrefix(said, "the ledger is right: 1126 source records, ") {
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
		{"internet/quynhon.binhdinh.gov.vn", "A"},
	} {
		t.Run("lost "+c.file+" "+c.typ, func(t *testing.T) {
			dir := copied(t, out)
			file := filepath.Join(dir, "zones", c.file+".zone")
			gone := withoutLine(t, file, r, regexp.MustCompile(`(?m)^\S+ +\S+ +IN +`+c.typ+` .*\n`))
			said, ok := checkLedger(t, sampleDir, dir)
			view, origin, _ := strings.Cut(c.file, "/")
			if ok || !strings.Contains(said, origin+" ("+view+") "+c.typ) {
				t.Errorf("without %q:\n%s", gone, said)
			}
		})
	}

	// A record is counted twice: in one sum, and in each column of a line.
	t.Run("counted twice", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(out, "ledger.tsv"))
		if err != nil {
			t.Fatal(err)
		}
		var sums []string
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "source\t") || strings.HasPrefix(line, "target\t") {
				sums = append(sums, line)
			}
		}
		for range 12 {
			line := sums[r.IntN(len(sums))]
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			col := 4 + r.IntN(7) // both kinds of line have that many counts that are derived
			var n int
			if _, err := fmt.Sscan(f[col], &n); err != nil {
				t.Fatal(err)
			}
			f[col] = fmt.Sprint(n + 1)
			dir := copied(t, out)
			write(t, filepath.Join(dir, "ledger.tsv"), strings.Replace(string(b), line, strings.Join(f, "\t")+"\n", 1))
			said, ok := checkLedger(t, sampleDir, dir)
			if want := fmt.Sprintf("%s (%s) %s, as a %s: the ledger says %d ", strings.TrimSuffix(f[2], "."), f[1], f[3], f[0], n+1); ok || !strings.Contains(said, want) {
				t.Errorf("with %q:\n%s", f, said)
			}
		}
	})

	// A source has one record less than the ledger accounts for.
	t.Run("a source lost a record", func(t *testing.T) {
		w := copied(t, sampleDir)
		gone := withoutLine(t, filepath.Join(w, "sources", "binhdinh", "db.binhdinh.xa"), r, regexp.MustCompile(`(?m)^[a-z]\S*\s.*\bCNAME\s+\S+\s*\n`)) // an alias is alone, so no line behind it inherits its owner
		if said, ok := checkLedger(t, w, out); ok || !strings.Contains(said, "binhdinh.gov.vn (internet) CNAME") {
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
		if said, ok := checkLedger(t, w, out); ok || !strings.Contains(said, "baocao") {
			t.Errorf("%s", said)
		}
	})
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
