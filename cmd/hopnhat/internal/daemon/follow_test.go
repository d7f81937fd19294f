package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

const patience = 60 * time.Second // for liveness only

type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func put(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func zoneText(serial int, more string) string {
	return fmt.Sprintf("@ 300 SOA ns host %d 3600 1 86400 60\n@ 300 NS ns\nns 300 A 192.0.2.1\n%s", serial, more)
}

// open starts a daemon on files, which follows zones.
func open(t testing.TB, at string, files map[string]string, tr Transfers, state string) (*Daemon, *log) {
	t.Helper()
	d, l, err := tryOpen(at, files, tr, state)
	if err != nil {
		t.Fatalf("%v\n%s", err, l)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d, l
}

func tryOpen(at string, files map[string]string, tr Transfers, state string) (*Daemon, *log, error) {
	var zs []ZoneFile
	for origin, path := range files {
		zs = append(zs, ZoneFile{zones.MustName(origin), path})
	}
	l := &log{}
	d, err := Start(context.Background(), Options{
		Listeners: []Listener{{Address: at, View: zones.Internet, At: Now}}, Load: ZoneFiles(zs, "/", SystemClock()), State: state, Log: l, Transfers: tr,
	})
	return d, l, err
}

func loopback() netip.Prefix { return netip.MustParsePrefix("127.0.0.0/8") }

// lets lets everybody on this machine transfer.
func lets() Transfers {
	return Transfers{Secondaries: []workspace.Secondary{{Name: "any", Address: netip.MustParseAddrPort("127.0.0.1:1"), From: []netip.Prefix{loopback()}, View: zones.Internet, Silent: true}}}
}

func follows(from netip.AddrPort, origins ...string) (t Transfers) {
	for _, o := range origins {
		t.Follows = append(t.Follows, workspace.Follow{ID: zones.ID{Origin: zones.MustName(o), View: zones.Internet}, Primaries: []netip.AddrPort{from}})
	}
	return t
}

// serial asks for a zone's serial; 0 with an error code.
func serial(d *Daemon, zone string) (zones.Serial, error) {
	soa, err := transfer.AskSOA(context.Background(), transfer.Request{Server: d.Addresses()[0], Zone: zones.ID{Origin: zones.MustName(zone), View: zones.Internet}})
	return soa.Serial, err
}

func eventually(t testing.TB, l fmt.Stringer, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; the log:\n%s", what, patience, l)
		}
	}
}

func has(d *Daemon, zone string, want zones.Serial) func() bool {
	return func() bool { got, err := serial(d, zone); return err == nil && got == want }
}

// TestFollowReload: what is followed changes with a reload; what is followed as
// before goes on, what is not any more is refused, from other primaries it goes
// on from what is there.
func TestFollowReload(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	one, two := put(t, dir+"/one", zoneText(1, "")), put(t, dir+"/two", zoneText(2, ""))
	a, _ := open(t, "127.0.0.1:0", map[string]string{"one.example": one, "two.example": two}, lets(), "")
	from := a.Addresses()[0]
	d, l := open(t, "127.0.0.1:0", nil, follows(from, "one.example"), dir+"/var")
	eventually(t, l, "one comes", has(d, "one.example", 1))
	if _, err := serial(d, "two.example"); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Errorf("two: %v", err)
	}
	d.o.Transfers = follows(from, "one.example", "two.example")
	before := d.follows.runs[zones.ID{Origin: zones.MustName("one.example"), View: zones.Internet}]
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "two comes", has(d, "two.example", 2))
	if after := d.follows.runs[zones.ID{Origin: zones.MustName("one.example"), View: zones.Internet}]; after != before {
		t.Error("one is followed anew")
	}

	// Another primary, which is not there: what there is is served on.
	d.o.Transfers = follows(netip.MustParseAddrPort("127.0.0.1:1"), "one.example")
	if err := d.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if !has(d, "one.example", 1)() {
		t.Error("one is gone")
	}
	if _, err := serial(d, "two.example"); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Errorf("two is followed no more: %v", err)
	}
	// NOTIFY reaches whoever follows now, from its primaries alone.
	soa, _ := mustZone(t, "one.example", zoneText(3, "")).Lookup(zones.MustName("one.example"), zones.TypeSOA)
	for from, want := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false} {
		q := transfer.Request{Server: d.Addresses()[0], Zone: zones.ID{Origin: zones.MustName("one.example")}, Local: netip.MustParseAddr(from)}
		if err := transfer.Notify(ctx, q, soa); (err == nil) != want {
			t.Errorf("NOTIFY from %s: %v", from, err)
		}
	}
	eventually(t, l, "it asked the new primary", func() bool { return strings.Contains(l.String(), "nothing came from 127.0.0.1:1") })
}

// TestFollowFresh: an edit at the primary comes by REFRESH, by differences.
func TestFollowFresh(t *testing.T) {
	dir := t.TempDir()
	file := put(t, dir+"/one", strings.Replace(zoneText(1, ""), "3600", "2", 1))
	a, _ := open(t, "127.0.0.1:0", map[string]string{"one.example": file}, lets(), "")
	d, l := open(t, "127.0.0.1:0", nil, follows(a.Addresses()[0], "one.example"), dir+"/var")
	eventually(t, l, "it comes", has(d, "one.example", 1))
	put(t, file, strings.Replace(zoneText(5, "www 60 A 192.0.2.9\n"), "3600", "2", 1))
	if err := a.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "the edit comes", has(d, "one.example", 5))
	if !strings.Contains(l.String(), "serial 5 came") || !strings.Contains(l.String(), "by IXFR") {
		t.Error(l)
	}
	id := zones.ID{Origin: zones.MustName("one.example"), View: zones.Internet}
	if got, want := d.Worlds()[Now].Zone(id), a.Worlds()[Now].Zone(id); !got.Equal(want) {
		t.Error("another zone")
	}
	eventually(t, l, "it is kept", func() bool {
		z, is, err := d.follows.keep.read(id)
		return err == nil && z != nil && z.Serial() == 5 && is.From == a.Addresses()[0].String()
	})
}

// TestFollowSeveral: where a primary is dead the next is asked, and one that is
// behind takes nothing back.
func TestFollowSeveral(t *testing.T) {
	dir := t.TempDir()
	quick := func(serial int) string { return strings.Replace(zoneText(serial, ""), "3600", "2", 1) }
	late, file := put(t, dir+"/late", quick(3)), put(t, dir+"/one", quick(5))
	a, _ := open(t, "127.0.0.1:0", map[string]string{"one.example": late}, lets(), "")
	b, _ := open(t, "127.0.0.1:0", map[string]string{"one.example": file}, lets(), "")
	tr := follows(netip.MustParseAddrPort("127.0.0.1:1"), "one.example")
	tr.Follows[0].Primaries = append(tr.Follows[0].Primaries, b.Addresses()[0])
	d, l := open(t, "127.0.0.1:0", nil, tr, dir+"/var")
	eventually(t, l, "it comes from the second", has(d, "one.example", 5))

	tr = follows(a.Addresses()[0], "one.example")
	tr.Follows[0].Primaries = append(tr.Follows[0].Primaries, b.Addresses()[0])
	d.o.Transfers = tr
	if err := d.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	put(t, file, quick(7))
	if err := b.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, "the second's edit comes", has(d, "one.example", 7))
	if !strings.Contains(l.String(), "the server has serial 3, which is older than 5") {
		t.Error(l)
	}
}

// TestFollowMany: after a start not all zones ask at once.
func TestFollowMany(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // a primary that takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mu sync.Mutex
	var conns []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		}
	}()
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	var origins []string
	for i := range 3 * maxAsking {
		origins = append(origins, fmt.Sprintf("z%d.example", i))
	}
	open(t, "127.0.0.1:0", nil, follows(netip.MustParseAddrPort(l.Addr().String()), origins...), "")
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(conns) }
	eventually(t, &log{}, "they ask", func() bool { return count() >= maxAsking })
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		if n := count(); n > maxAsking {
			t.Fatalf("%d ask at once", n)
		}
	}
}

// TestFollowAndFile: a zone cannot come from a file and from elsewhere; a reload
// that says so changes nothing.
func TestFollowAndFile(t *testing.T) {
	dir := t.TempDir()
	file := put(t, dir+"/one", zoneText(1, ""))
	from := netip.MustParseAddrPort("127.0.0.1:1")
	if _, _, err := tryOpen("127.0.0.1:0", map[string]string{"one.example": file}, follows(from, "one.example"), ""); err == nil || !strings.Contains(err.Error(), "has a file too") {
		t.Errorf("%v", err)
	}
	d, _ := open(t, "127.0.0.1:0", map[string]string{"one.example": file}, Transfers{}, "")
	d.o.Transfers = follows(from, "one.example", "two.example")
	if err := d.Reload(context.Background()); err == nil {
		t.Error("taken")
	}
	d.o.Transfers = Transfers{}
	if !has(d, "one.example", 1)() || len(d.follows.runs) > 0 {
		t.Error("something changed")
	}
}

// TestFollowSigned: a signed zone is not answered unsigned where others ask.
func TestFollowSigned(t *testing.T) {
	dir := t.TempDir()
	file := put(t, dir+"/one", zoneText(1, "@ 300 DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n"))
	a, _ := open(t, "127.0.0.1:0", map[string]string{"one.example": file}, lets(), "")
	state := dir + "/var"
	d, l := open(t, "0.0.0.0:0", nil, follows(a.Addresses()[0], "one.example"), state)
	eventually(t, l, "it is refused", func() bool { return strings.Contains(l.String(), "would be served unsigned") })
	if _, err := transferSerial(d); err == nil || !strings.Contains(err.Error(), "SERVFAIL") {
		t.Errorf("%v", err)
	}
	e, le := open(t, "127.0.0.1:0", nil, follows(a.Addresses()[0], "one.example"), dir+"/var2")
	eventually(t, le, "on loopback it is served", has(e, "one.example", 1))
}

func transferSerial(d *Daemon) (zones.Serial, error) {
	soa, err := transfer.AskSOA(context.Background(), transfer.Request{
		Server: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), d.Addresses()[0].Port()), Zone: zones.ID{Origin: zones.MustName("one.example")},
	})
	return soa.Serial, err
}

// TestUnavailable: which questions a followed zone that is not there makes
// SERVFAIL, beside zones that are.
func TestUnavailable(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a primary that takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files := map[string]string{"example": put(t, dir+"/example", zoneText(1, "gone 300 NS ns.elsewhere.\n")), "a.gone.example": put(t, dir+"/a", zoneText(1, ""))}
	d, _ := open(t, "127.0.0.1:0", files, follows(netip.MustParseAddrPort(l.Addr().String()), "gone.example", "alone"), "")
	for _, c := range []struct {
		name  string
		typ   zones.Type
		rcode byte
	}{
		{"example", zones.TypeA, 0},
		{"x.example", zones.TypeA, 3},
		{"gone.example", zones.TypeSOA, 2},
		{"GONE.example", zones.TypeA, 2},
		{"x.y.gone.example", zones.TypeA, 2},
		{"gone.example", zones.TypeDS, 0}, // the parent's to say
		{"x.gone.example", zones.TypeDS, 2},
		{"a.gone.example", zones.TypeA, 0},
		{"x.a.gone.example", zones.TypeA, 3},
		{"alone", zones.TypeA, 2},
		{"alone", zones.TypeDS, 2},
		{"elsewhere", zones.TypeA, 5},
	} {
		name := zones.MustName(c.name)
		wire := []byte(name.Wire())
		if c.name == "GONE.example" {
			wire = []byte("\x04GONE\x07example\x00")
		}
		msg := append([]byte{1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, wire...)
		msg = append(msg, byte(c.typ>>8), byte(c.typ), 0, 1)
		out := d.running[0].image.Handle(nil, msg, resolver.Peer{})
		if len(out) < 12 || out[3]&15 != c.rcode || out[0] != 1 || out[1] != 2 {
			t.Errorf("%s %v: %x, want rcode %d", c.name, c.typ, out, c.rcode)
		}
		if c.rcode == 2 && (out[2]&4 != 0 || !bytes.Equal(out[12:], msg[12:])) {
			t.Errorf("%s %v: SERVFAIL with AA or without the question: %x", c.name, c.typ, out)
		}
	}
}

func mustZone(t testing.TB, origin, text string) *zones.Zone {
	t.Helper()
	dir := t.TempDir()
	put(t, dir+"/z", text)
	tree, fs := zonefile.Load(os.DirFS(dir), "z", zonefile.Options{Origin: zones.MustName(origin)})
	z, more := tree.Zone(zones.Internet)
	if z == nil {
		t.Fatal(fs, more)
	}
	return z
}

// TestKeeper: what is written is read, and whatever is damaged is found.
func TestKeeper(t *testing.T) {
	k := keeper{filepath.Join(t.TempDir(), "followed")}
	z := mustZone(t, "example", zoneText(1, `odd\.dot 60 TXT "\000\255;\"" "two"`+"\nx 60 TYPE65400 \\# 3 010203\n*.w 60 MX 5 a.b\n"))
	when := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	if z, is, err := k.read(z.ID()); z != nil || err != nil || is != (kept{}) {
		t.Fatalf("nothing is there: %v %v", is, err)
	}
	was, err := k.write(z, when, "192.0.2.1:53", kept{})
	if err != nil {
		t.Fatal(err)
	}
	got, is, err := k.read(z.ID())
	if err != nil || !got.Equal(z) || is != was || !is.Confirmed.Equal(when) || is.From != "192.0.2.1:53" {
		t.Fatalf("%v %v", is, err)
	}
	// Another content: another file, and the one before is gone.
	next := z.WithSerial(2)
	is, err = k.write(next, when.Add(time.Hour), "192.0.2.1:53", was)
	if err != nil || is.File == was.File {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(k.dir); len(files) != 2 {
		t.Errorf("%v", files)
	}
	// The same content, confirmed again: the file stays.
	if again, err := k.write(next, when.Add(2*time.Hour), "192.0.2.2:53", is); err != nil || again.File != is.File {
		t.Error(err)
	}
	record := filepath.Join(k.dir, k.base(z.ID())+".json")
	for name, path := range map[string]string{"the zone": filepath.Join(k.dir, is.File), "the record": record} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			for _, b := range [][]byte{whole[:i], append(append(bytes.Clone(whole[:i]), whole[i]^1), whole[i+1:]...)} {
				put(t, path, string(b))
				z, now, err := k.read(next.ID())
				if err == nil && z != nil && !z.Equal(next) {
					t.Fatalf("%s, damaged at %d: another zone is taken", name, i)
				}
				if err == nil && (z == nil || now.Digest != is.Digest) && name == "the record" {
					t.Fatalf("%s, damaged at %d: passed over in silence", name, i)
				}
			}
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if z, _, err := k.read(next.ID()); err != nil || !z.Equal(next) {
		t.Fatal(err)
	}
	// A record of another zone, and one that leads elsewhere.
	for _, bad := range []kept{
		{keptVersion, "other", zones.Internet, 2, when, "", is.Digest, is.File},
		{keptVersion, "example", "data", 2, when, "", is.Digest, is.File},
		{keptVersion + 1, "example", zones.Internet, 2, when, "", is.Digest, is.File},
		{keptVersion, "example", zones.Internet, 2, when, "", is.Digest, "../followed/" + is.File},
	} {
		b, _ := json.Marshal(bad)
		put(t, record, string(b))
		if z, _, err := k.read(next.ID()); err == nil || z != nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// TestKeeperShared: two servers keep one zone in one folder, each at its pace.
func TestKeeperShared(t *testing.T) {
	k := keeper{t.TempDir()}
	one := mustZone(t, "example", zoneText(1, ""))
	var is [2]kept
	for step, at := range []struct{ who, serial int }{{0, 1}, {1, 1}, {0, 2}, {1, 1}, {1, 2}, {0, 2}, {1, 3}, {0, 2}} {
		z := one.WithSerial(zones.Serial(at.serial))
		var err error
		if is[at.who], err = k.write(z, time.Unix(int64(step), 0), "a", is[at.who]); err != nil {
			t.Fatal(err)
		}
		if got, _, err := k.read(z.ID()); err != nil || !got.Equal(z) {
			t.Fatalf("step %d: %v", step, err)
		}
	}
}

// TestKeeperBreaks: writing breaks off after any step; what stood before or
// what was to stand is there, whole.
func TestKeeperBreaks(t *testing.T) {
	z := mustZone(t, "example", zoneText(1, ""))
	next := z.WithSerial(2)
	for step := range 3 {
		k := keeper{t.TempDir()}
		was, err := k.write(z, time.Now(), "a", kept{})
		if err != nil {
			t.Fatal(err)
		}
		other := keeper{t.TempDir()}
		is, err := other.write(next, time.Now(), "a", kept{})
		if err != nil {
			t.Fatal(err)
		}
		copied := func(name string) {
			b, err := os.ReadFile(filepath.Join(other.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(k.dir, name), string(b))
		}
		want := z
		if step > 0 {
			copied(is.File)
		}
		if step > 1 {
			copied(k.base(z.ID()) + ".json")
			want = next
		}
		if got, _, err := k.read(z.ID()); err != nil || !got.Equal(want) {
			t.Errorf("after step %d: %v", step, err)
		}
		if was.File == is.File {
			t.Error("two contents in one file")
		}
	}
}

// TestKeeperNames: no two zones share a record, and each has a name that a file
// can have.
func TestKeeperNames(t *testing.T) {
	seen := map[string]zones.ID{}
	for _, view := range []zones.View{zones.Internet, "data"} {
		for _, origin := range []string{".", "root", "example", `a\.b`, "a.b", "0/25.2.0.192.in-addr.arpa", `\000`, strings.Repeat(strings.Repeat("x", 63)+".", 3) + "example", strings.Repeat(strings.Repeat("x", 63)+".", 3) + "example2"} {
			id := zones.ID{Origin: zones.MustName(origin), View: view}
			base := keeper{}.base(id)
			if o, ok := seen[base]; ok {
				t.Errorf("%v and %v are both %s", o, id, base)
			}
			seen[base] = id
			if base != filepath.Base(base) || len(base) > 200 || strings.ContainsAny(base, "/\x00\\") {
				t.Errorf("%q", base)
			}
		}
	}
}
