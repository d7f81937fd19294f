package check

import (
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// soa begins a zone whose one server lies outside.
const soa = "$TTL 3600\n@ SOA ns.other.example. hm.other.example. 1 10800 3600 604800 3600\n@ NS ns.other.example.\n"

// TestSeveral: what shows only where other zones are known. The first zone is
// checked, the others are looked into; alone it has no finding. Its own text
// begins in line 4.
func TestSeveral(t *testing.T) {
	for _, c := range []struct {
		what, want  string
		zone        [2]string // origin, text
		beside, but [2]string // a zone that brings the finding out, and one near to it that does not
	}{
		{
			"reports to another organisation (RFC 7489 7.1)", "S-DMARC-EXT:4",
			[2]string{"a.gov.vn", "_dmarc TXT \"v=DMARC1; p=none; rua=mailto:x@a.gov.vn,mailto:y@thu.b.gov.vn!10m\"\n"},
			[2]string{"b.gov.vn", "thu A 192.0.2.1\n"},
			[2]string{"b.gov.vn", "thu A 192.0.2.1\na.gov.vn._report._dmarc.thu TXT \"v=DMARC1\"\n"},
		},
		{
			"reports, by a wildcard (RFC 7489 7.1)", "S-DMARC-EXT:4",
			[2]string{"a.gov.vn", "_dmarc.sub TXT \"v=DMARC1; p=none; RUF = mailto:y@b.gov.vn\"\n"},
			[2]string{"b.gov.vn", "*._report._dmarc TXT \"v=DMARC2\"\n"},
			[2]string{"b.gov.vn", "*._report._dmarc TXT \"v=DMARC1;\"\n"},
		},
		{
			"the address of a name of an address (RFC 1912 2.1)", "S-FCRDNS:4",
			[2]string{"2.0.192.in-addr.arpa", "1 PTR www.a.example.\n"},
			[2]string{"a.example", "www A 192.0.2.2\n"},
			[2]string{"a.example", "www A 192.0.2.2\nwww A 192.0.2.1\n"},
		},
		{
			"the name of an address that has none", "S-FCRDNS:4",
			[2]string{"2.0.192.in-addr.arpa", "1 PTR www.a.example.\n"},
			[2]string{"a.example", "ww A 192.0.2.1\n"},
			[2]string{"a.example", "* A 192.0.2.1\n"},
		},
		{
			"the same for IPv6 (RFC 3596 2.5)", "S-FCRDNS:4",
			[2]string{"8.b.d.0.1.0.0.2.ip6.arpa", strings.Repeat("0.", 15) + "1.0.0.0.0.f.0.0.0 PTR www.a.example.\n"},
			[2]string{"a.example", "www AAAA 2001:db8:f00::1\n"},
			[2]string{"a.example", "www AAAA 2001:db8:f:0:1000::\n"},
		},
		{
			"an exchanger without PTR", "S-FCRDNS:5",
			[2]string{"a.example", "@ MX 10 mail\nmail A 192.0.2.1\nx MX 1 mail\n"},
			[2]string{"2.0.192.in-addr.arpa", "2 PTR mail.a.example.\n"},
			[2]string{"2.0.192.in-addr.arpa", "1 PTR mail.a.example.\n"},
		},
		{
			"an alias into another zone", "X-DANGLE:4",
			[2]string{"a.example", "www CNAME www.b.example.\n"},
			[2]string{"b.example", "w A 192.0.2.1\n"},
			[2]string{"b.example", "www A 192.0.2.1\n"},
		},
		{
			"a circle through another zone", "X-LOOP:4",
			[2]string{"a.example", "www CNAME www.b.example.\n"},
			[2]string{"b.example", "www CNAME www.a.example.\n"},
			[2]string{"b.example", "www CNAME www.c.example.\n"},
		},
		{
			"look-ups through another zone (RFC 7208 4.6.4)", "S-SPF-LIM:4",
			[2]string{"a.example", "@ TXT \"v=spf1 include:b.example" + strings.Repeat(" a:x.example", 5) + " -all\"\n"},
			[2]string{"b.example", "@ TXT \"v=spf1" + strings.Repeat(" a:x.example", 5) + " -all\"\n"},
			[2]string{"b.example", "@ TXT \"v=spf1" + strings.Repeat(" a:x.example", 4) + " -all\"\n"},
		},
		{
			"includes in a circle through another zone", "S-SPF-LIM:4",
			[2]string{"b.example", "@ TXT \"v=spf1 include:a.example -all\"\n"},
			[2]string{"a.example", "@ TXT \"v=spf1 include:b.example -all\"\n"},
			[2]string{"a.example", "@ TXT \"v=spf1 include:c.example -all\"\n"},
		},
		{
			"a child that is served answers (RFC 1034 4.3.2)", "X-DANGLE:6",
			[2]string{"a.example", "sub NS ns.other.example.\nsub2 NS ns.other.example.\nwww CNAME www.sub\n"},
			[2]string{"sub.a.example", "w A 192.0.2.1\n"},
			[2]string{"sub.a.example", "www A 192.0.2.1\n"},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			z := parse(t, c.zone[0], soa+c.zone[1])
			if fs := Zone(z, Options{}); len(fs) > 0 {
				t.Errorf("alone: %v", fs)
			}
			for _, b := range []struct {
				zone [2]string
				want string
			}{{c.beside, c.want}, {c.but, ""}} {
				w, err := zones.NewWorld(parse(t, b.zone[0], soa+b.zone[1]))
				if err != nil {
					t.Fatal(err)
				}
				fs := Zone(z, Options{Beside: w})
				if got := brief(fs); got != b.want {
					t.Errorf("beside %s: %q, want %q\n%v", b.zone[1], got, b.want, fs)
				}
			}
		})
	}
}

// TestWorld: all zones are checked, one circle is told once, and a world is
// whole, so that D-SELF can be told.
func TestWorld(t *testing.T) {
	world := func(zs ...*zones.Zone) zones.World {
		w, err := zones.NewWorld(zs...)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	a := parse(t, "a.example", soa+"www CNAME www.b.example.\nsub NS ns.other.example.\nsub2 NS ns.third.example.\n")
	b := parse(t, "b.example", soa+"www CNAME www.a.example.\nx CNAME y\n")
	fs := World(world(a, b), Options{})
	var got []string
	for _, f := range fs {
		got = append(got, f.ID+" "+f.At.String())
	}
	if want := []string{"X-LOOP a.example.zone:4:1", "D-SELF a.example.zone:5:1", "X-DANGLE b.example.zone:5:1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	sub := parse(t, "sub.a.example", soa)
	if fs := World(world(a, parse(t, "b.example", soa+"www A 192.0.2.1\n"), sub), Options{}); len(fs) > 0 {
		t.Errorf("a good world: %v", fs)
	}
	// The child answers for itself, and its parent's glue is the parent's matter.
	up := parse(t, "c.example", soa+"sub NS ns.sub\nns.sub A 192.0.2.1\n_dmarc TXT \"v=DMARC1; p=none; rua=mailto:a@sub.c.example\"\n")
	down := parse(t, "sub.c.example", soa+"_dmarc TXT \"v=DMARC1; p=none; rua=mailto:a@c.example\"\n")
	if fs := World(world(up, down), Options{}); len(fs) > 0 {
		t.Errorf("parent and child: %v", fs)
	}
	if World(zones.World{}, Options{}) != nil {
		t.Error("nothing is something")
	}
}

// TestApex: what is wrong with the zone as a whole stands at its SOA.
func TestApex(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"@ SOA ns hm 1 10800 3600 604800 3600\nns A 192.0.2.1\n", "G-NS:1"}, // RFC 1034 4.2.1
		{"@ SOA ns hm 1 3600 3600 604800 3600\n@ NS ns\nns A 192.0.2.1\n", "G-SOA:1"},
		{"@ SOA ns hm 1 10800 3600 14400 3600\n@ NS ns\nns A 192.0.2.1\n", "G-SOA:1"},
		{"@ SOA ns hm 1 4294967295 4294967294 4294967295 3600\n@ NS ns\nns A 192.0.2.1\n", "G-SOA:1"},
		{"@ SOA ns hm 1 10800 3600 14401 3600\n@ NS ns\nns A 192.0.2.1\n", ""},
		{"@ SOA ns hm 1 10800 3600 14401 3600\nexample.vn NS ns\nns A 192.0.2.1\n", "Z-DOUBLE:2"},
		{"@ SOA ns.example.vn hm 1 10800 3600 14401 3600\n@ NS ns\nns A 192.0.2.1\n", "Z-DOUBLE:1"},
	} {
		if got := brief(Zone(parse(t, "example.vn", "$TTL 60\n"+c.text), Options{})); got != strings.NewReplacer(":1", ":2", ":2", ":3").Replace(c.want) {
			t.Errorf("%q: %s", c.text, got)
		}
	}
}

// TestView: the data network may have private addresses.
func TestView(t *testing.T) {
	z := parse(t, "example.vn", head+"a A 10.0.0.1\n")
	b := zones.NewBuilder(zones.ID{Origin: z.Origin(), View: "tslcd"})
	for s := range z.All() {
		b.AddSet(s)
	}
	other, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	if fs := Zone(other, Options{}); len(fs) > 0 {
		t.Errorf("%v", fs)
	}
}

// TestCounts: one cause has one finding, with the number of what it touches;
// findings of one id are listed up to Max, the others are counted.
func TestCounts(t *testing.T) {
	fs := Zone(parse(t, "example.vn", head+"a A 10.0.0.1\nb A 10.0.0.2\n$ORIGIN example.vn\nc A 192.0.2.1\nd A 192.0.2.1\ne.*.x.example.vn. A 192.0.2.1\nf.*.x.example.vn. A 192.0.2.1\n"), Options{})
	if brief(fs) != "M-PRIVATE:5 Z-DOUBLE:8 N-WILD-INNER:10" {
		t.Fatalf("%v", fs)
	}
	for _, f := range fs {
		if f.Count != 2 {
			t.Errorf("%d of %v", f.Count, f)
		}
	}
	fs = Zone(parse(t, "example.vn", head+many("x%d CNAME gone\n", 50)), Options{Max: 3})
	if len(fs) != 3 || !slices.ContainsFunc(fs, func(f finding.Finding) bool { return strings.Contains(f.Found, "47 more") }) {
		t.Errorf("%v", fs)
	}
}

// TestDefined: every id has a severity that fails or warns, and says how to mend.
func TestDefined(t *testing.T) {
	for id, d := range defined {
		if d.mend == "" || d.severity < finding.Warning || strings.HasSuffix(d.mend, ".") {
			t.Errorf("%s: %v", id, d)
		}
	}
}
