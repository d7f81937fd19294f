package imports

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
)

var id = zones.ID{Origin: zones.MustName("x.vn"), View: zones.Internet}

func zone(t interface{ Fatal(...any) }, records ...zones.Record) *zones.Zone {
	b := zones.NewBuilder(id)
	soa := zones.SOA{MName: zones.MustName("ns.x.vn"), RName: zones.MustName("hm.x.vn"), Serial: 1}
	b.Add(zones.Record{Owner: id.Origin, Type: zones.TypeSOA, TTL: 60, Data: soa.Data()})
	b.Add(records...)
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestDrift holds the walk against two look-ups for every key.
func TestDrift(t *testing.T) {
	records := rapid.Custom(func(t *rapid.T) []zones.Record {
		rs := make([]zones.Record, rapid.IntRange(0, 8).Draw(t, "n"))
		for i := range rs {
			rs[i] = zones.Record{
				Owner: zones.MustName(rapid.SampledFrom([]string{"a.x.vn", "b.x.vn", "x.vn"}).Draw(t, "owner")), Type: rapid.SampledFrom([]zones.Type{zones.TypeA, zones.TypeTXT}).Draw(t, "type"),
				TTL: rapid.SampledFrom([]uint32{60, 61}).Draw(t, "ttl"), Data: rapid.SampledFrom([]string{"\x01", "\x02"}).Draw(t, "data"),
			}
		}
		return rs
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := zone(t, records.Draw(t, "a")...), zone(t, records.Draw(t, "b")...)
		got := map[zones.Key]rune{}
		for _, c := range Drift(a, b) {
			got[c.Key] = c.Sign
		}
		want := map[zones.Key]rune{}
		for s := range a.All() {
			if o, ok := b.Lookup(s.Owner(), s.Type()); !ok {
				want[s.Key()] = '-'
			} else if !o.Equal(s) {
				want[s.Key()] = '~'
			}
		}
		for s := range b.All() {
			if _, ok := a.Lookup(s.Owner(), s.Type()); !ok {
				want[s.Key()] = '+'
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if (len(got) == 0) != a.Equal(b) {
			t.Fatal("no drift, and not equal")
		}
	})
	if n := len(Drift(nil, zone(t))); n != 1 {
		t.Errorf("a first import of one record set: %d changes", n)
	}
}

// TestKeep: copies stand side by side, a later one replaces its own alone, and
// a folder with something else in it is left alone.
func TestKeep(t *testing.T) {
	root := t.TempDir()
	at := time.Date(2025, 8, 20, 1, 2, 3, 0, time.UTC)
	take := func(name string, rs ...zones.Record) Taken {
		return Taken{Source: name, From: "axfr://192.0.2.1:53/x.vn", At: at, Zone: zone(t, rs...), Account: Account{In: 1, Taken: 1}}
	}
	if err := Keep(root, []Taken{take("a"), take("b")}); err != nil {
		t.Fatal(err)
	}
	if err := Keep(root, []Taken{take("b", zones.Record{Owner: id.Origin, Type: zones.TypeA, TTL: 60, Data: "\xc0\x00\x02\x01"})}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, workspace.ImportedFolder)
	for name, want := range map[string]string{"a.zone": " SOA ", "b.zone": "192.0.2.1", "a.json": `"at": "2025-08-20T01:02:03Z"`, "b.json": `"taken": 1`, "SHA256SUMS": "  b.zone\n"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v, no %q in\n%s", name, err, want, b)
		}
	}
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Keep(root, []Taken{take("a")}); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("a folder with something else in it: %v", err)
	}
	if _, err := os.Stat(mine); errors.Is(err, fs.ErrNotExist) {
		t.Error("it was removed")
	}
}

func TestAccount(t *testing.T) {
	a := Account{In: 10, Taken: 4, Duplicates: 3, LeftOut: 2, Refused: 1}
	if !a.Balanced() || (Account{In: 1}).Balanced() || a.String() != "10 records in = 4 taken + 3 duplicates + 2 left out by rule + 1 refused" {
		t.Error(a)
	}
}

// TestKeepTogether: of imports that end at the same time each keeps its copy.
func TestKeepTogether(t *testing.T) {
	root := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			one := Taken{Source: fmt.Sprint("s", i), Zone: zone(t), Account: Account{In: 1, Taken: 1}}
			if err := Keep(root, []Taken{one}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 20 {
		if _, err := os.Stat(filepath.Join(root, workspace.ImportedFolder, fmt.Sprintf("s%d.zone", i))); err != nil {
			t.Error(err)
		}
	}
}
