package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

var testID = zones.ID{Origin: zones.MustName("example.com"), View: zones.Internet}

// zoneOf makes a zone with a serial and one A record that stands for its content.
func zoneOf(t interface{ Fatal(...any) }, serial zones.Serial, content byte) *zones.Zone {
	soa := zones.SOA{MName: zones.MustName("ns.example.com"), RName: zones.MustName("root.example.com"), Serial: serial, Refresh: 1, Retry: 1, Expire: 1, Minimum: 1}
	b := zones.NewBuilder(testID)
	b.Add(zones.Record{Owner: testID.Origin, Type: zones.TypeSOA, TTL: 60, Data: soa.Data()},
		zones.Record{Owner: testID.Origin, Type: zones.TypeA, TTL: 60, Data: string([]byte{192, 0, 2, content})})
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestNumber(t *testing.T) {
	type step struct {
		stated  zones.Serial
		content byte
		want    zones.Serial
		bumped  bool
	}
	for name, steps := range map[string][]step{
		"raised each time":             {{5, 1, 5, false}, {6, 2, 6, false}},
		"nothing changed":              {{5, 1, 5, false}, {5, 1, 5, false}},
		"forgotten once":               {{5, 1, 5, false}, {5, 2, 6, true}, {5, 2, 6, false}},
		"forgotten, then raised by 1":  {{5, 1, 5, false}, {5, 2, 6, true}, {6, 2, 6, false}},
		"the same serial, new content": {{5, 1, 5, false}, {5, 2, 6, true}, {6, 3, 7, true}},
		"lowered":                      {{5, 1, 5, false}, {4, 2, 6, true}},
		"only the serial raised":       {{5, 1, 5, false}, {9, 1, 9, false}},
		"over the edge of RFC 1982":    {{4294967295, 1, 4294967295, false}, {4294967295, 2, 1, true}, {2, 2, 2, false}},
		"back to what was before":      {{5, 1, 5, false}, {5, 2, 6, true}, {5, 1, 7, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var was served
			for i, s := range steps {
				out, now, bumped := number(was, i > 0, zoneOf(t, s.stated, s.content))
				if out.Serial() != s.want || bumped != s.bumped {
					t.Fatalf("step %d: served %d (bumped %v), want %d (%v)", i, out.Serial(), bumped, s.want, s.bumped)
				}
				was = now
			}
		})
	}
}

// TestSerialOnce is the law SERIAL-ONCE over random histories.
func TestSerialOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := map[zones.Serial]byte{}
		var was served
		var last zones.Serial
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			content := byte(rapid.IntRange(1, 4).Draw(t, "content"))
			z := zoneOf(t, zones.Serial(rapid.Uint32Range(1, 6).Draw(t, "stated")), content)
			out, now, _ := number(was, i > 0, z)
			if c, ok := seen[out.Serial()]; ok && c != content {
				t.Fatalf("serial %d carried content %d and %d", out.Serial(), c, content)
			}
			if i > 0 && out.Serial() != last && !last.Before(out.Serial()) {
				t.Fatalf("serial went from %d to %d", last, out.Serial())
			}
			seen[out.Serial()], was, last = content, now, out.Serial()
		}
	})
}

func TestSerialsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var")
	world := func(content byte) *Loaded {
		w, err := zones.NewWorld(zoneOf(t, 5, content))
		if err != nil {
			t.Fatal(err)
		}
		return &Loaded{Worlds: map[string]zones.World{Now: w}}
	}
	serial := func(l *Loaded) zones.Serial {
		t.Helper()
		ws, err := newSerials(dir, time.Now).number(l) // a server that has just started
		if err != nil {
			t.Fatal(err)
		}
		return ws[Now].Zone(testID).Serial()
	}
	if got := serial(world(1)); got != 5 {
		t.Fatalf("first start: serial %d, want 5", got)
	}
	changed := world(2)
	if got := serial(changed); got != 6 || !strings.Contains(strings.Join(changed.Notes, ""), "served as 6") {
		t.Fatalf("changed: serial %d, notes %q; want 6, said", got, changed.Notes)
	}
	if got := serial(world(2)); got != 6 {
		t.Fatalf("after a restart: serial %d, want 6", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "serials.json"), []byte(`{"version": 1, "zo`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newSerials(dir, time.Now).number(world(2)); err == nil || !strings.Contains(err.Error(), "serials.json") {
		t.Fatalf("a damaged state file must be an error that names it, got %v", err)
	}
}

// TestPublished: what was published last is read back, with the time at which
// its serial came; a zone that is served no more is left out, and keeps its
// serial all the same.
func TestPublished(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	const at = "2025-09-01 00:00:00 +07:00" // has spaces of its own
	publish := func(zs ...*zones.Zone) map[string]zones.World {
		t.Helper()
		w, err := zones.NewWorld(zs...)
		if err != nil {
			t.Fatal(err)
		}
		ws, err := newSerials(dir, clock).number(&Loaded{Worlds: map[string]zones.World{at: w}})
		if err != nil {
			t.Fatal(err)
		}
		return ws
	}
	check := func(want map[zones.ID]Published) {
		t.Helper()
		got, err := ReadPublished(dir, at)
		if err != nil || len(got) != len(want) || got[testID] != want[testID] {
			t.Fatalf("%v %v, want %v", got, err, want)
		}
	}
	check(nil)
	first := now
	publish(zoneOf(t, 5, 1))
	check(map[zones.ID]Published{testID: {5, first}})
	now = now.Add(time.Hour)
	publish(zoneOf(t, 5, 1))
	check(map[zones.ID]Published{testID: {5, first}})
	publish(zoneOf(t, 5, 2))
	check(map[zones.ID]Published{testID: {6, now}})
	publish()
	check(nil)
	if got, err := ReadPublished(dir, Now); err != nil || len(got) != 0 {
		t.Fatalf("at another instant: %v %v", got, err)
	}
	if ws := publish(zoneOf(t, 5, 3)); ws[at].Zone(testID).Serial() != 7 {
		t.Fatalf("back again: serial %d, want 7", ws[at].Zone(testID).Serial())
	}
	check(map[zones.ID]Published{testID: {7, now}})
}

// TestSerialsUnkept: the same failure to write them down has the same text, since an
// alarm is said again where it differs.
func TestSerialsUnkept(t *testing.T) {
	s := newSerials(filepath.Join(t.TempDir(), "gone"), nil)
	a, b := s.save(), s.save()
	if a == nil || b == nil || a.Error() != b.Error() || !strings.Contains(a.Error(), s.path()+": no such file") {
		t.Errorf("%v, then %v", a, b)
	}
}
