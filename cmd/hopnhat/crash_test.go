package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/transfer"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// launch starts hopnhat for the length of the test, and does not wait for it.
func launch(t testing.TB, addr netip.AddrPort, args ...string) *life {
	t.Helper()
	return begun(t, addr, hopnhat(t), args...)
}

// begun is launch of any program.
func begun(t testing.TB, addr netip.AddrPort, path string, args ...string) *life {
	t.Helper()
	p := &life{peer: &peer{name: filepath.Base(path), addr: addr, log: &logBuffer{}}, cmd: exec.Command(path, args...), ended: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.proc = p.cmd.Process
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.end(syscall.SIGKILL) })
	return p
}

// crashAll asks for the long form of the tests of crashes: every call, and 200
// kills of each kind (make crash).
func crashAll() bool { return os.Getenv("HOPNHAT_CRASH") == "all" }

// drawn is the source of a test's draws; its seed is printed.
func drawn(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

var crashZone = zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}

// edition is a zone file that says in many places which edition it is: a mixture of
// two shows.
func edition(serial, k int) string {
	var b strings.Builder
	fmt.Fprintf(&b, smallZone, serial, fmt.Sprintf("192.0.2.%d", 1+k%250))
	fmt.Fprintf(&b, "only%d A 192.0.2.1\n", k)
	for i := range 8 {
		fmt.Fprintf(&b, "e%d TXT \"edition %d\"\n", i, k)
	}
	return b.String()
}

// editionOf tells which edition a zone is, whole.
func editionOf(t testing.TB, z *zones.Zone) int {
	t.Helper()
	s, ok := z.Lookup(zones.MustName("e0.example.vn"), zones.TypeTXT)
	k := 0
	if ok {
		if _, err := fmt.Sscanf(string(s.Data(0)[1:]), "edition %d", &k); err != nil {
			ok = false
		}
	}
	if !ok {
		t.Fatalf("a zone of no edition: serial %d", z.Serial())
	}
	if got, want := z.WithSerial(0).Digest(), editionZone(t, k).Digest(); got != want {
		t.Fatalf("serial %d is edition %d, and not wholly", z.Serial(), k)
	}
	return k
}

// editionZone is what the file of an edition says, under the serial 0.
func editionZone(t testing.TB, k int) *zones.Zone {
	t.Helper()
	tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(edition(0, k))}}, "z", zonefile.Options{Origin: crashZone.Origin})
	if tree == nil {
		t.Fatal(fs)
	}
	z, fs := tree.Zone(zones.Internet)
	if z == nil {
		t.Fatal(fs)
	}
	return z
}

// put writes a file as an editor does that exchanges it. Its time lies in the past
// and is no other's, so that it need not settle.
func put(t testing.TB, path, text string, k int) {
	t.Helper()
	tmp := write(t, path+"~", text)
	at := time.Now().Add(-24 * time.Hour).Truncate(time.Second).Add(time.Duration(k) * time.Millisecond)
	if err := os.Chtimes(tmp, at, at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

// fetched is the zone as a server gives it to a secondary; nil while it does not.
func fetched(t testing.TB, addr netip.AddrPort) *zones.Zone {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	z, _, fs := transfer.Fetch(ctx, transfer.Request{Server: addr, Zone: crashZone})
	if z == nil && !strings.Contains(fmt.Sprint(fs), "refused") && !strings.Contains(fmt.Sprint(fs), "reset") {
		t.Logf("no transfer: %v", fs)
	}
	return z
}

// keptHistory opens the history of a state folder that no server keeps. Nothing may
// be damaged; clean wants that nothing at all is found, as after a publication.
func keptHistory(t testing.TB, state string, clean bool) (h *history.History, last history.Event) {
	t.Helper()
	h, fs, err := history.Open(history.OS(filepath.Join(state, "history")))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		left := f.ID == "H-LEFT" || f.ID == "H-TORN" || f.ID == "H-HEAD"
		if f.Severity >= finding.Error || clean || !left {
			t.Errorf("the history: %v", f)
		}
	}
	for _, ev := range h.Events() {
		if len(ev.Zones) > 0 {
			last = ev
		}
	}
	for _, id := range h.IDs() {
		was := zones.Serial(0)
		for i, v := range h.Versions(id) {
			if i > 0 && !was.Before(v.Serial) {
				t.Errorf("version %d of %v has the serial %d after %d", v.N, id, v.Serial, was)
			}
			was = v.Serial
			if _, err := h.Zone(id, v.N); err != nil {
				t.Error(err)
			}
		}
	}
	return h, last
}

// published is the zone that the log says is served; nil before the first.
func published(t testing.TB, state string, clean bool) *zones.Zone {
	t.Helper()
	h, last := keptHistory(t, state, clean)
	if len(last.Zones) == 0 {
		return nil
	}
	w, err := h.World(last)
	if err != nil {
		t.Fatal(err)
	}
	return w.Zone(crashZone)
}

// TestCrashReloadAtRandom kills a server that publishes edition after edition, at
// random moments, from its start on. Each edition that is served is whole, no serial
// names two of them, none is older than one before; and the history is intact.
func TestCrashReloadAtRandom(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), freePort(t, "127.0.0.1")
	file, state := filepath.Join(dir, "example.vn.zone"), filepath.Join(dir, "var")
	r, kills := drawn(t), 150
	if crashAll() {
		kills = 200
	}
	k, last, fetches, inStart := 1, (*zones.Zone)(nil), 0, 0
	look := func(p *life) bool {
		z := fetched(t, addr)
		if z == nil {
			return false
		}
		fetches++
		if last != nil && z.Digest() != last.Digest() {
			follows(t, last, z)
			if a, b := editionOf(t, last), editionOf(t, z); b < a {
				t.Errorf("edition %d is served after %d", b, a)
			}
		}
		last = z
		return true
	}
	edit := func() {
		k++
		serial := 100 + k
		if k%3 == 0 {
			serial-- // it was forgotten to raise it
		}
		put(t, file, edition(serial, k), k)
	}
	edit()
	for n := range kills {
		p := launch(t, addr, "serve", "--listen", addr.String(), "--state", state, "--zone", "example.vn="+file, "--secondary", "127.0.0.1:9")
		if r.IntN(4) > 0 {
			eventually(t, p.peer, "an edition", func() bool {
				if len(p.ended) > 0 {
					t.Fatalf("it does not start:\n%s", p.log)
				}
				return p.answersFor("example.vn") && look(p)
			})
			if got := editionOf(t, last); got != k {
				t.Errorf("a start serves edition %d, the file has %d", got, k)
			}
			for until := time.Now().Add(time.Duration(r.Int64N(int64(100 * time.Millisecond)))); time.Now().Before(until); {
				edit()
				p.hup(t)
				look(p)
			}
		} else {
			inStart++
			time.Sleep(time.Duration(r.Int64N(int64(100 * time.Millisecond))))
		}
		if err := p.end(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		published(t, state, false)
		if t.Failed() {
			t.Fatalf("after %d kills; the log:\n%s", n+1, p.log)
		}
	}
	t.Logf("%d kills, %d of them while it started; %d editions, %d fetched", kills, inStart, k, fetches)
}
