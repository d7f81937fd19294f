package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/transfer"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

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
