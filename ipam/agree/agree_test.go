package agree

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// tb is what tests, fuzz targets and drawn ones have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func name(t tb, s string) zones.Name {
	t.Helper()
	n, err := zones.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func code(t tb, s string) ipam.Code {
	t.Helper()
	c, err := ipam.ParseCode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// zone makes a zone of "owner TYPE data" lines; TYPE is A, AAAA, NS or TXT, and
// the line's number is its place.
func zone(t tb, view, origin string, lines ...string) *zones.Zone {
	t.Helper()
	o := name(t, origin)
	b := zones.NewBuilder(zones.ID{Origin: o, View: zones.View(view)})
	soa := o.Wire() + o.Wire() + strings.Repeat("\x00\x00\x00\x01", 5)
	b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: 60, Data: soa})
	for i, l := range lines {
		f := strings.Fields(l)
		r := zones.Record{Owner: name(t, f[0]), TTL: 60, From: zones.Provenance{Place: zones.Place{File: view + "/" + origin, Line: i + 1}}}
		switch f[1] {
		case "NS":
			r.Type, r.Data = zones.TypeNS, name(t, f[2]).Wire()
		case "TXT":
			r.Type, r.Data = zones.TypeTXT, "\x01x"
		default:
			a := netip.MustParseAddr(f[2])
			r.Type, r.Data = zones.TypeA, string(a.AsSlice())
			if a.Is6() {
				r.Type = zones.TypeAAAA
			}
		}
		b.Add(r)
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func world(t tb, zs ...*zones.Zone) zones.World {
	t.Helper()
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// held makes allocations of "space block code unit site" lines; - is nothing.
func held(t tb, lines ...string) (out []ipam.Allocation) {
	t.Helper()
	for _, l := range lines {
		f := strings.Fields(l + " - - -")
		b, err := ipam.ParseBlock(f[1])
		if err != nil {
			t.Fatal(err)
		}
		a := ipam.Allocation{Place: ipam.Place{Space: ipam.Space(f[0]), Block: b}, Status: ipam.Active}
		if f[2] != "-" {
			a.Holder.Code = code(t, f[2])
		}
		if f[3] != "-" {
			a.Holder.Unit = f[3]
		}
		if f[4] != "-" {
			a.Site = f[4]
		}
		out = append(out, a)
	}
	return out
}

// told are the findings, one a line: id, place, what was found.
func told(r Report) string {
	var b strings.Builder
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "%s %v %s:%d %d: %s\n", f.ID, f.Severity, f.At.File, f.At.Line, f.Count, f.Found)
	}
	return b.String()
}

// TestCheck is a small world with one fault of each kind, and beside each what
// looks like it and is none.
func TestCheck(t *testing.T) {
	w := world(t,
		zone(t, "internet", "tinh.vn",
			"tinh.vn NS ns1.tinh.vn", "tinh.vn NS ns2.tinh.vn",
			"ns1.tinh.vn A 192.0.2.1", "ns2.tinh.vn A 192.0.2.2",
			"www.tinh.vn A 192.0.2.10", "www.tinh.vn AAAA 2001:db8::10",
			"mail.tinh.vn A 192.0.2.11",
			"a.tinh.vn A 198.51.100.1", "b.tinh.vn A 198.51.100.2", "c.tinh.vn A 198.51.100.200",
			"d.tinh.vn A 198.51.101.7", "e.tinh.vn AAAA 2001:db8:1::1",
			"x.yte.tinh.vn A 203.0.113.9", "y.yte.tinh.vn A 203.0.113.10",
			"noi.yte.tinh.vn A 192.0.2.77", "noi.tinh.vn A 10.0.0.9"),
		zone(t, "tslcd", "tinh.vn",
			"tinh.vn NS ns1.tinh.vn", "tinh.vn NS ns2.tinh.vn",
			"ns1.tinh.vn A 10.0.0.1", "ns2.tinh.vn A 10.1.0.1",
			"cam.tinh.vn A 10.9.0.5", "yte.tinh.vn A 10.0.0.5"),
		zone(t, "tslcd", "toi.vn", // every server where there is no power
			"toi.vn NS n1.toi.vn", "toi.vn NS n2.toi.vn", "n1.toi.vn A 10.1.0.2", "n2.toi.vn A 10.2.0.2"),
		zone(t, "internet", "ngoai.vn", "ngoai.vn NS ns1.tinh.vn", "ngoai.vn NS ns.elsewhere.example"),
	)
	in := Input{
		World: w,
		Held: held(t,
			"internet 192.0.2.0/24 H21 - dc1", "internet 192.0.2.64/26 - - -", "internet 203.0.113.0/24 H21.10", "internet 2001:db8::/48 H21",
			"tslcd 10.0.0.0/16 H21 - dc1", "tslcd 10.1.0.0/16 H21 - Hai", "tslcd 10.2.0.0/16 H21 - dc3",
			"tslcd/camera 10.9.0.0/24 H21.20", "tslcd/camera 10.9.0.128/25 H21.30"),
		Organisations: []Organisation{
			{Name: name(t, "tinh.vn"), Code: code(t, "H21"), Was: []ipam.Code{code(t, "H08")}},
			{Name: name(t, "yte.tinh.vn"), Code: code(t, "H21.11"), Was: []ipam.Code{code(t, "H08.05")}},
		},
		Sites: []Site{{Key: "dc1", BackupPower: true}, {Key: "dc2", Title: "hai"}, {Key: "dc3"}},
		Systems: []System{
			{Key: "cong", No: 3, Names: []mapping.Pattern{{Name: name(t, "www.tinh.vn")}}},
			{Key: "thu", No: 5, Names: []mapping.Pattern{{Name: name(t, "mail.tinh.vn")}, {Name: name(t, "a.tinh.vn")}}, At: zones.Place{File: "c", Line: 9}},
			{Key: "y-te", No: 1, Names: []mapping.Pattern{{Star: true, Name: name(t, "yte.tinh.vn")}}},
			{Key: "khong", No: 2},
		},
	}
	got := Check(in)
	want := `A-TWICE blocking :0 0: 10.9.0.128/25 in tslcd/camera is held by H21.30, and lies in 10.9.0.0/24 of H21.20
A-UNPLANNED error internet/tinh.vn:16 1: internet: an address of 10.0.0.0/24 in no block of the book: 10.0.0.9 (noi.tinh.vn); 10.0.0.9 lies in 10.0.0.0/16 in tslcd, which this view does not reach
A-UNPLANNED error internet/tinh.vn:8 3: internet: 3 addresses of 198.51.100.0/24 in no block of the book: 198.51.100.1 (a.tinh.vn), 198.51.100.2 (b.tinh.vn), 198.51.100.200 (c.tinh.vn) (of thu)
A-UNPLANNED error internet/tinh.vn:11 1: internet: an address of 198.51.101.0/24 in no block of the book: 198.51.101.7 (d.tinh.vn)
A-UNPLANNED error internet/tinh.vn:12 1: internet: an address of 2001:db8:1::/64 in no block of the book: 2001:db8:1::1 (e.tinh.vn)
A-OWNER warning internet/tinh.vn:13 2: 2 names of H21.11 at addresses of H21.10 (203.0.113.0/24 in internet): 203.0.113.9 (x.yte.tinh.vn), 203.0.113.10 (y.yte.tinh.vn) (of y-te)
P-NS error internet/tinh.vn:1 0: tinh.vn (internet): every name server stands at one site: dc1
P-NS error tslcd/toi.vn:1 0: toi.vn (tslcd): every name server stands where there is no backup power: hai, dc3
P-V6 warning c:9 0: system 5 thu: none of its 2 names has an address of IPv6
P-V6 warning :0 0: system 1 y-te: none of its 3 names has an address of IPv6
`
	if told(got) != want {
		t.Errorf("got\n%swant\n%s", told(got), want)
	}
	var sums []string
	for _, s := range got.Systems {
		sums = append(sums, fmt.Sprint(s.Key, s.Names, s.V6, s.Unplanned, s.Strange))
	}
	if g, w := strings.Join(sums, " "), "cong1 1 0 0 thu2 0 1 0 y-te3 0 0 2 khong0 0 0 0"; g != w {
		t.Errorf("systems %s, want %s", g, w)
	}
	if got.Records != 20 {
		t.Errorf("%d records", got.Records)
	}

	rng := rand.New(rand.NewPCG(1, 2)) // AGREE-SAME
	for range 20 {
		rng.Shuffle(len(in.Held), func(i, j int) { in.Held[i], in.Held[j] = in.Held[j], in.Held[i] })
		rng.Shuffle(len(in.Organisations), func(i, j int) {
			in.Organisations[i], in.Organisations[j] = in.Organisations[j], in.Organisations[i]
		})
		if again := Check(in); told(again) != want {
			t.Fatalf("shuffled:\n%s", told(again))
		}
	}
}

// TestKin: who is a stranger to whom, closed codes included.
func TestKin(t *testing.T) {
	o := newOwners([]Organisation{
		{Name: name(t, "tinh.vn"), Code: code(t, "H21"), Was: []ipam.Code{code(t, "H08")}},
		{Name: name(t, "yte.tinh.vn"), Code: code(t, "H21.11"), Was: []ipam.Code{code(t, "H08.05"), code(t, "H21.05")}},
	})
	for _, c := range []struct {
		a, b string
		kin  bool
	}{
		{"H21", "H21.11", true},
		{"H21.11", "H21", true},
		{"H21.11", "H21.12", false},
		{"H21.11", "H21.1", false},
		{"H21.11", "H08.05", true},
		{"H21.11", "H08.05.02", true},
		{"H21.11", "H21.05", true},
		{"H21.12", "H08.05", false},
		{"H21.12", "H08.77", true}, // only that H08 became H21 is known
		{"H21.11", "H30", false},
	} {
		if got := o.kin(code(t, c.a), code(t, c.b)); got != c.kin {
			t.Errorf("kin(%s, %s) is %v", c.a, c.b, got)
		}
		if got := o.kin(code(t, c.b), code(t, c.a)); got != c.kin {
			t.Errorf("kin(%s, %s) is %v", c.b, c.a, got)
		}
	}
}

// slow is A-UNPLANNED and A-OWNER by looking at every block for every record.
func slow(in Input) (unplanned, strange int) {
	code := func(space ipam.Space, a netip.Addr) (ipam.Code, bool) {
		var all []ipam.Allocation
		for _, h := range in.Held {
			if h.Space == space && h.Block.ContainsAddr(a) {
				all = append(all, h)
			}
		}
		slices.SortFunc(all, func(x, y ipam.Allocation) int { return x.Block.Size().Cmp(y.Block.Size()) })
		for _, h := range all {
			if !h.Holder.IsZero() {
				return h.Holder.Code, true
			}
		}
		return ipam.Code{}, len(all) > 0
	}
	for z := range in.World.All() {
		for set := range z.All() {
			if set.Type() != zones.TypeA && set.Type() != zones.TypeAAAA {
				continue
			}
			var owner ipam.Code
			best := -1
			for _, o := range in.Organisations {
				if set.Owner().Within(o.Name) && o.Name.Labels() > best {
					owner, best = o.Code, o.Name.Labels()
				}
			}
			for i := range set.Len() {
				a, _ := netip.AddrFromSlice([]byte(set.Data(i)))
				found, fine := false, best < 0
				for _, space := range []ipam.Space{"v", "v/x", "w"} {
					if string(z.View()) != strings.Split(string(space), "/")[0] {
						continue
					}
					c, ok := code(space, a)
					found = found || ok
					fine = fine || ok && (c.IsZero() || c.Contains(owner) || owner.Contains(c))
				}
				switch {
				case !found:
					unplanned++
				case !fine:
					strange++
				}
			}
		}
	}
	return unplanned, strange
}

// TestTwin holds Check against its slow twin over drawn worlds and books.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { twin(t, rapid.Int64().Draw(t, "seed")) })
}

// FuzzTwin is the same law for the fuzzer.
func FuzzTwin(f *testing.F) {
	f.Add(int64(1))
	f.Fuzz(func(t *testing.T, seed int64) { twin(t, seed) })
}

func twin(t tb, seed int64) {
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	addr := func() string {
		if rng.IntN(3) == 0 {
			return fmt.Sprintf("2001:db8::%x", rng.IntN(32))
		}
		return fmt.Sprintf("10.0.0.%d", rng.IntN(32))
	}
	var zs []*zones.Zone
	for _, view := range []string{"v", "w"} {
		lines := []string{"a.vn NS ns.a.vn"}
		seen := map[string]bool{}
		for range rng.IntN(20) {
			l := fmt.Sprintf("%s A %s", []string{"a.vn", "b.a.vn", "c.b.a.vn", "d.a.vn"}[rng.IntN(4)], addr())
			if !seen[l] {
				lines = append(lines, l)
			}
			seen[l] = true
		}
		zs = append(zs, zone(t, view, "a.vn", lines...))
	}
	in := Input{World: world(t, zs...)}
	codes := []string{"H1", "H1.1", "H1.2", "-", "H2"}
	for _, space := range []string{"v", "v/x", "w"} {
		var have []ipam.Allocation
		for range rng.IntN(8) {
			bits := 27 + rng.IntN(6)
			h := held(t, fmt.Sprintf("%s %v %s", space, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(rng.IntN(32))}), bits).Masked(), codes[rng.IntN(5)]))[0]
			if rng.IntN(3) == 0 {
				six := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(rng.IntN(32))})
				h.Block = ipam.BlockOf(netip.PrefixFrom(six, 96+bits).Masked())
			}
			if !slices.ContainsFunc(have, func(x ipam.Allocation) bool { return x.Block == h.Block }) {
				have = append(have, h)
			}
		}
		in.Held = append(in.Held, have...)
	}
	for _, n := range []string{"a.vn", "b.a.vn", "d.a.vn"} {
		if c := codes[rng.IntN(5)]; c != "-" {
			in.Organisations = append(in.Organisations, Organisation{Name: name(t, n), Code: code(t, c)})
		}
	}
	in.Systems = []System{{Key: "all", Names: []mapping.Pattern{{Name: name(t, "a.vn")}, {Star: true, Name: name(t, "a.vn")}}}}
	r := Check(in)
	var unplanned, strange int
	for _, f := range r.Faults {
		switch f.ID {
		case "A-UNPLANNED":
			unplanned += f.Count
		case "A-OWNER":
			strange += f.Count
		}
	}
	u, s := slow(in)
	if unplanned != u || strange != s || r.Systems[0].Unplanned != u || r.Systems[0].Strange != s {
		t.Fatalf("%d unplanned and %d strange, of the system %d and %d; want %d and %d\n%s", unplanned, strange, r.Systems[0].Unplanned, r.Systems[0].Strange, u, s, told(r))
	}
	if !slices.IsSortedFunc(r.Faults, func(a, b Fault) int { return cmp.Compare(order(a.Finding), order(b.Finding)) }) {
		t.Fatalf("not in the order of the checks:\n%s", told(r))
	}
}

func order(f finding.Finding) int {
	return slices.Index([]string{"A-TWICE", "A-UNPLANNED", "A-OWNER", "P-NS", "P-V6"}, f.ID)
}
