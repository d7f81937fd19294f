package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// BenchmarkProveFiles lets prove decide a merger of files (continuity,
// carry-over, every mixture; reading included), and named-checkzone -i none
// load the same files one after another. The old side has n names, the new one
// half as many more. It states the ratio of the times, less is better, also of
// the walk alone, which decides every class of names; the most memory that
// prove had; and how the time grows to four times the names, on the clock and
// in the program itself: the kernel takes longer to give a page when it has
// given many.
// HOPNHAT_BENCH_LARGE=1 takes a million names and four, else it is 50 000 and
// 200 000.
func BenchmarkProveFiles(b *testing.B) {
	n := 50_000
	if os.Getenv("HOPNHAT_BENCH_LARGE") != "" {
		n = 1_000_000
	}
	small, large := mergedFiles(b, n), mergedFiles(b, 4*n)
	var ours, theirs, four, walks time.Duration
	old, new := loadMerged(b, small[:2]), loadMerged(b, small[2:])
	in := proof.Input{Before: old, After: new, Mapping: mapping.Mapping{Rules: []mapping.Rule{{
		From: mapping.Pattern{Name: zones.MustName("cu.example")}, Subtree: true, To: []mapping.Pattern{{Name: zones.MustName("moi.example")}},
	}}}}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command has it
	var peak int64
	var user, user4 time.Duration
	timed(b, proveCommand(b, small)) // the program is new: its pages are read
	for b.Loop() {
		for _, f := range small {
			theirs += timed(b, exec.Command(need(b, "named-checkzone"), "-i", "none", "-q", f.origin, f.path))
		}
		c := proveCommand(b, small)
		ours += timed(b, c)
		peak = max(peak, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
		user += c.ProcessState.UserTime()
		c = proveCommand(b, large)
		four += timed(b, c)
		user4 += c.ProcessState.UserTime()
		var began time.Time // the last part of the proof that begins is the walk
		if r := proof.Prove(in, proof.Options{Mixture: true, Stage: func(string) { began = time.Now() }}); !r.Preserved() {
			b.Fatal(r.Faults[0])
		}
		walks += time.Since(began)
	}
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "time/named-checkzone")
	b.ReportMetric(walks.Seconds()/theirs.Seconds(), "walk/named-checkzone")
	b.ReportMetric(float64(peak)/1024, "MiB-peak")
	b.ReportMetric(four.Seconds()/ours.Seconds(), "time-of-4n/n")
	b.ReportMetric(user4.Seconds()/user.Seconds(), "cpu-of-4n/n")
}

// loadMerged reads zone files.
func loadMerged(b *testing.B, fs []zoneFile) (w zones.World) {
	b.Helper()
	for _, f := range fs {
		tree, found := zonefile.Load(os.DirFS(filepath.Dir(f.path)), filepath.Base(f.path), zonefile.Options{Origin: zones.MustName(f.origin)})
		if tree == nil {
			b.Fatal(found)
		}
		z, found := tree.Zone(zones.Internet)
		if z == nil {
			b.Fatal(found)
		}
		w = w.With(z)
	}
	return w
}

func proveCommand(b *testing.B, fs []zoneFile) *exec.Cmd {
	b.Helper()
	return exec.Command(hopnhat(b), "prove", "--old", fs[0].path, "--old", fs[1].path, "--new", fs[2].path, "--new", fs[3].path,
		"--map", "cu.example=moi.example", "--mixture")
}

func timed(b *testing.B, c *exec.Cmd) time.Duration {
	b.Helper()
	at := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", c, err, out)
	}
	return time.Since(at)
}

// mergedFiles writes the zones of a merger: cu.example and moi.example before,
// of n/2 names each, and after, when moi.example has the names of both.
func mergedFiles(b *testing.B, n int) []zoneFile {
	b.Helper()
	dir := b.TempDir()
	var out []zoneFile
	for _, f := range []struct{ file, origin, tags string }{
		{"old-cu", "cu.example", "c"},
		{"old-moi", "moi.example", "m"},
		{"new-cu", "cu.example", "c"},
		{"new-moi", "moi.example", "mc"},
	} {
		path := filepath.Join(dir, f.file)
		w, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		t := bufio.NewWriter(w)
		fmt.Fprintf(t, "$ORIGIN %s.\n$TTL 3600\n@ SOA ns1 q 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.1\n", f.origin)
		for _, tag := range f.tags {
			for i := range n / 2 {
				name := fmt.Sprintf("%c%07d", tag, i)
				switch i % 10 {
				case 3:
					fmt.Fprintf(t, "%s CNAME %c%07d\n", name, tag, i-3)
				case 7:
					fmt.Fprintf(t, "%s MX 10 %c%07d\n", name, tag, i-7)
				case 8:
					fmt.Fprintf(t, "%s AAAA 2001:db8::%x:%x\n", name, i>>16, i&0xffff)
				default:
					fmt.Fprintf(t, "%s A 198.%d.%d.%d\n", name, i>>16&255, i>>8&255, i&255)
				}
			}
		}
		if err := t.Flush(); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		out = append(out, zoneFile{origin: f.origin, path: path})
	}
	return out
}
