package history

import (
	"fmt"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// gialai is a zone with a number of hosts.
func gialai(t testing.TB, view zones.View, serial zones.Serial, hosts int) *zones.Zone {
	t.Helper()
	id := zones.ID{Origin: zones.MustName("gialai.gov.vn"), View: view}
	b := zones.NewBuilder(id)
	soa := zones.SOA{MName: id.Origin, RName: id.Origin, Serial: serial, Refresh: 3600, Retry: 600, Expire: 86400, Minimum: 60}
	b.Add(zones.Record{Owner: id.Origin, Type: zones.TypeSOA, TTL: 300, Data: soa.Data()})
	for i := range hosts {
		b.Add(record(t, fmt.Sprintf("host%d.gialai.gov.vn", i), zones.TypeA, fmt.Sprintf("192.0.2.%d", i%256)))
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func record(t testing.TB, owner string, typ zones.Type, text string) zones.Record {
	t.Helper()
	d, err := rdata.Parse(typ, text, zones.Name{})
	if err != nil {
		t.Fatal(err)
	}
	return zones.Record{Owner: zones.MustName(owner), Type: typ, TTL: 300, Data: d}
}

// an is an entry of a minute.
func an(minute int) Entry {
	return Entry{At: time.Date(2025, 8, 31, 17, minute, 0, 0, time.UTC), Who: "an", Why: "thêm <máy>", Document: "12/QĐ-UBND"}
}

func reopen(t testing.TB, fsys FS) *History {
	t.Helper()
	h, fs, err := Open(fsys)
	if err != nil || len(fs) > 0 {
		t.Fatalf("%v %v", fs, err)
	}
	return h
}

// TestLife: what was recorded is read back, by the history that recorded it
// and by one that was opened later.
func TestLife(t *testing.T) {
	fsys := OS(t.TempDir() + "/var/history")
	h := reopen(t, fsys)
	var want []*zones.Zone
	for i := range 15 {
		z := gialai(t, zones.Internet, zones.Serial(i+1), 20+i)
		want = append(want, z)
		v, err := h.Record(z, an(i))
		if err != nil || v.N != i+1 || v.Parent != i || v.Serial != z.Serial() || v.Entry != an(i) || v.Digest != Digest(z) {
			t.Fatalf("%+v %v", v, err)
		}
		if again, err := h.Record(gialai(t, zones.Internet, zones.Serial(i+1), 20+i), an(50)); err != nil || again != v {
			t.Fatalf("the same zone again: %+v %v", again, err)
		}
	}
	if n, err := h.RecordFile("consolidation.yaml", []byte("a: b\n"), an(1)); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	id := want[0].ID()
	ev, err := h.Append(Event{Kind: "publish", Entry: an(2), Zones: []Ref{{id, 15}}, Data: []byte(`{"a": "<"}`)})
	if err != nil || ev.N != 1 || string(ev.Data) != `{"a":"<"}` {
		t.Fatalf("%+v %v", ev, err)
	}
	for _, g := range []*History{h, reopen(t, fsys)} {
		for i, z := range want {
			got, err := g.Zone(id, i+1)
			if err != nil || !got.Equal(z) {
				t.Fatalf("version %d: %v", i+1, err)
			}
		}
		if vs := g.Versions(id); len(vs) != 15 || vs[14].Entry != an(14) || vs[14].Added != 2 || vs[14].Removed != 1 {
			t.Errorf("%+v", vs)
		}
		if b, err := g.File("consolidation.yaml", 1); err != nil || string(b) != "a: b\n" {
			t.Error(string(b), err)
		}
		evs := g.Events()
		if len(evs) != 1 || evs[0].Kind != "publish" || string(evs[0].Data) != string(ev.Data) || evs[0].Entry != ev.Entry {
			t.Fatalf("%+v", evs)
		}
		if w, err := g.World(evs[0]); err != nil || !w.Zone(id).Equal(want[14]) {
			t.Error(err)
		}
	}
}
