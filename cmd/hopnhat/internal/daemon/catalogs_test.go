package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

func catalogID(name string) zones.ID {
	return zones.ID{Origin: zones.MustName(name), View: zones.Internet}
}

// madeOf has catalogs made of zones, and gives them with their members by name.
func madeOf(t *testing.T, c *catalogs, confs []workspace.Catalog, follows []workspace.Follow, origins ...string) (map[string]*zones.Zone, map[string]string) {
	t.Helper()
	var zs []*zones.Zone
	for _, o := range origins {
		zs = append(zs, mustZone(t, o, zoneText(1, "")))
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	l := &Loaded{Worlds: map[string]zones.World{Now: w}, Transfers: Transfers{Catalogs: confs, Follows: follows}}
	if err := c.into(l); err != nil {
		t.Fatal(err)
	}
	made, members := map[string]*zones.Zone{}, map[string]string{}
	for _, conf := range confs {
		z := l.Worlds[Now].Zone(conf.ID)
		ms, fs := transfer.Members(z)
		if len(fs) > 0 {
			t.Fatal(fs)
		}
		made[conf.ID.Origin.Text()] = z
		for _, m := range ms {
			members[conf.ID.Origin.Text()+"/"+m.Zone.Text()] = m.Label
		}
	}
	return made, members
}

// TestCatalogsStay: labels stay over restarts, and a zone that comes again has
// another one; the serial goes up with each change and with no other, even when
// the clock goes back.
func TestCatalogsStay(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1_800_000_000, 0)
	begin := func() *catalogs { return &catalogs{dir: dir, now: func() time.Time { return now }} }
	confs := []workspace.Catalog{{ID: catalogID("cat.")}}
	z1, m1 := madeOf(t, begin(), confs, nil, "a.vn", "b.vn")
	if len(m1) != 2 || z1["cat"].Serial() != 1_800_000_000 {
		t.Fatalf("%v %d", m1, z1["cat"].Serial())
	}
	now = now.Add(time.Hour)
	if z, m := madeOf(t, begin(), confs, nil, "b.vn", "a.vn"); !z["cat"].Equal(z1["cat"]) || fmt.Sprint(m) != fmt.Sprint(m1) {
		t.Errorf("a restart changed it: %v, serial %d", m, z["cat"].Serial())
	}
	now = now.Add(-24 * time.Hour)
	z2, m2 := madeOf(t, begin(), confs, nil, "a.vn")
	if !z1["cat"].Serial().Before(z2["cat"].Serial()) || m2["cat/a.vn"] != m1["cat/a.vn"] || len(m2) != 1 {
		t.Errorf("%v, serial %d after %d", m2, z2["cat"].Serial(), z1["cat"].Serial())
	}
	z3, m3 := madeOf(t, begin(), confs, nil, "a.vn", "b.vn")
	if !z2["cat"].Serial().Before(z3["cat"].Serial()) || m3["cat/a.vn"] != m1["cat/a.vn"] || m3["cat/b.vn"] == m1["cat/b.vn"] || m3["cat/b.vn"] == "" {
		t.Errorf("%v, before %v", m3, m1)
	}
	// A zone that comes from elsewhere stands there too, a catalog of others does not.
	_, m4 := madeOf(t, begin(), confs, []workspace.Follow{{ID: catalogID("c.vn")}, {ID: catalogID("theirs.vn"), Catalog: true}}, "a.vn", "b.vn")
	if m4["cat/c.vn"] == "" || len(m4) != 3 {
		t.Errorf("%v", m4)
	}
}

// TestCatalogsHandOver: a zone that is handed over takes its label along, and keeps
// it when the old owner has let go.
func TestCatalogsHandOver(t *testing.T) {
	c := &catalogs{now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	a, b := workspace.Catalog{ID: catalogID("a."), Zones: []zones.Name{zones.MustName("x.vn"), zones.MustName("y.vn")}}, workspace.Catalog{ID: catalogID("b."), Zones: []zones.Name{zones.MustName("z.vn")}}
	_, m := madeOf(t, c, []workspace.Catalog{a, b}, nil, "x.vn", "y.vn", "z.vn")
	label := m["a/x.vn"]
	a.Moves = []workspace.Move{{To: b.ID.Origin, Zones: []zones.Name{zones.MustName("x.vn")}}}
	z, m := madeOf(t, c, []workspace.Catalog{a, b}, nil, "x.vn", "y.vn", "z.vn")
	if ms, _ := transfer.Members(z["a"]); len(ms) != 2 || ms[0].Owner != b.ID.Origin || m["a/x.vn"] != label {
		t.Errorf("%+v", ms)
	}
	b.Zones = append(b.Zones, zones.MustName("x.vn"))
	_, m = madeOf(t, c, []workspace.Catalog{a, b}, nil, "x.vn", "y.vn", "z.vn")
	if m["a/x.vn"] != label || m["b/x.vn"] != label || m["b/z.vn"] == label {
		t.Errorf("%v", m)
	}
	a.Zones, a.Moves = a.Zones[1:], nil
	_, m = madeOf(t, c, []workspace.Catalog{a, b}, nil, "x.vn", "y.vn", "z.vn")
	if m["b/x.vn"] != label || m["a/x.vn"] != "" {
		t.Errorf("%v", m)
	}
}

// TestCatalogsDamaged: a damaged file is an error, and not the loss of all labels; a
// catalog cannot have a zone's name.
func TestCatalogsDamaged(t *testing.T) {
	dir := t.TempDir()
	confs := []workspace.Catalog{{ID: catalogID("cat.")}}
	madeOf(t, &catalogs{dir: dir, now: time.Now}, confs, nil, "a.vn")
	path := filepath.Join(dir, "catalogs.json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := zones.NewWorld(mustZone(t, "a.vn", zoneText(1, "")), mustZone(t, "cat", zoneText(1, "")))
	into := func(confs []workspace.Catalog, w zones.World) error {
		return (&catalogs{dir: dir, now: time.Now}).into(&Loaded{Worlds: map[string]zones.World{Now: w}, Transfers: Transfers{Catalogs: confs}})
	}
	if err := into(confs, w); err == nil || !strings.Contains(err.Error(), "has the name of a zone") {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{string(whole[:len(whole)/2]), "", strings.Replace(string(whole), `"version": 1`, `"version": 2`, 1)} {
		put(t, path, bad)
		if err := into([]workspace.Catalog{{ID: catalogID("other.")}}, w); err == nil || !strings.Contains(err.Error(), "catalogs.json") || !strings.Contains(err.Error(), "restore the file") {
			t.Errorf("%q: %v", bad, err)
		}
		if now, _ := os.ReadFile(path); string(now) != bad {
			t.Errorf("the damaged file was written over: %s", now)
		}
	}
}

// TestCatalogHidden: of a catalog only those hear who may transfer it, signed or
// not, in any case of letters; of other zones everybody.
func TestCatalogHidden(t *testing.T) {
	file := put(t, t.TempDir()+"/a.vn", zoneText(1, ""))
	tr := lets() // 127.0.0.0/8
	tr.Catalogs = []workspace.Catalog{{ID: catalogID("cat.a.vn.")}}
	d, _ := open(t, "127.0.0.1:0", map[string]string{"a.vn": file}, tr, "")
	h := d.running[0].image
	for _, c := range []struct {
		name  string
		from  string
		rcode byte
	}{
		{"\x03cat\x01a\x02vn\x00", "127.0.0.1:1", 0},
		{"\x03cat\x01a\x02vn\x00", "192.0.2.1:1", 5},
		{"\x07VERSION\x03CAT\x01A\x02VN\x00", "192.0.2.1:1", 5},
		{"\x04none\x03cat\x01a\x02vn\x00", "192.0.2.1:1", 5},
		{"\x04none\x03cat\x01a\x02vn\x00", "127.9.9.9:1", 3},
		{"\x04xcat\x01a\x02vn\x00", "192.0.2.1:1", 3},
		{"\x02ns\x01a\x02vn\x00", "192.0.2.1:1", 0},
	} {
		msg := append([]byte{1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, c.name...)
		msg = append(msg, 0, 16, 0, 1)
		out := h.Handle(nil, msg, resolver.Peer{Addr: netip.MustParseAddrPort(c.from)})
		if len(out) < 12 || out[3]&15 != c.rcode {
			t.Errorf("%q from %s: %x, want rcode %d", c.name, c.from, out, c.rcode)
		}
	}
}

// TestSubscriptionsKept: what catalogs gave is read as it was written, and a file
// that is damaged is told and begun anew.
func TestSubscriptionsKept(t *testing.T) {
	dir := t.TempDir()
	s, err := newSubscriptions(dir)
	if err != nil || len(s.held) > 0 {
		t.Fatalf("%v %v", s, err)
	}
	odd := transfer.Holding{Catalog: zones.MustName(`c\.at.`), Label: "\x00\xff.x", Groups: []string{"", "\xfe", "a b"}}
	s.take(zones.Internet, zones.MustName(`odd\.dot.vn`), odd)
	s.take("tslcd", zones.Root(), transfer.Holding{Catalog: zones.MustName("b."), Label: "l"})
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	again, err := newSubscriptions(dir)
	if err != nil || len(again.held) != 2 {
		t.Fatalf("%v %v", again, err)
	}
	got := again.held[zones.Internet][zones.MustName(`odd\.dot.vn`)]
	if got.Catalog != odd.Catalog || got.Label != odd.Label || !slices.Equal(got.Groups, odd.Groups) || again.held["tslcd"][zones.Root()].Label != "l" {
		t.Errorf("%+v", again.held)
	}
	whole, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", string(whole[:len(whole)-9]), strings.Replace(string(whole), `"version": 1`, `"version": 9`, 1), strings.Replace(string(whole), `"catalog": "b"`, `"catalog": "b..b"`, 1)} {
		put(t, s.file, bad)
		if s, err := newSubscriptions(dir); err == nil || len(s.held) > 0 || !strings.Contains(err.Error(), "members.json") {
			t.Errorf("%q: %v %v", bad, s.held, err)
		}
	}
}

// TestFollowedCatalog: ours by the catalog of ours. A zone that gets a file here is
// served from the file; the catalog's comes back when the file goes; the catalog
// that is followed no more takes its zones along.
func TestFollowedCatalog(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	files := map[string]string{"a.vn": put(t, dir+"/a", zoneText(1, "")), "b.vn": put(t, dir+"/b", zoneText(2, ""))}
	tr := lets()
	tr.Catalogs = []workspace.Catalog{{ID: catalogID("cat.")}}
	primary, _ := open(t, "127.0.0.1:0", files, tr, "")
	from := primary.Addresses()[0]
	catalog := follows(from, "cat")
	catalog.Follows[0].Catalog = true
	d, l := open(t, "127.0.0.1:0", nil, catalog, dir+"/var")
	eventually(t, l, "a comes", has(d, "a.vn", 1))
	eventually(t, l, "b comes", has(d, "b.vn", 2))

	mine := put(t, dir+"/mine", zoneText(77, ""))
	d.o.Load = ZoneFiles([]ZoneFile{{zones.MustName("b.vn"), mine}}, "/", SystemClock())
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "b is ours", has(d, "b.vn", 77))
	if !strings.Contains(l.String(), "b.vn, a member of the catalog cat, is configured here otherwise") {
		t.Error(l)
	}
	if !has(d, "a.vn", 1)() {
		t.Error("a is gone")
	}
	d.o.Load = ZoneFiles(nil, "/", SystemClock())
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "b comes from the catalog again", has(d, "b.vn", 2))

	d.o.Transfers = follows(from, "a.vn")
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "a is followed by itself", has(d, "a.vn", 1))
	if _, err := serial(d, "b.vn"); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Errorf("b: %v", err)
	}
	if _, err := serial(d, "cat"); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Errorf("cat: %v", err)
	}
}
