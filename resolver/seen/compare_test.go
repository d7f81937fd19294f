package seen

import (
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// record reads "owner TYPE data".
func record(t testing.TB, s string) zones.Record {
	t.Helper()
	f := strings.SplitN(s, " ", 3)
	typ, ok := zones.ParseType(f[1])
	if !ok {
		t.Fatalf("%s: no type", s)
	}
	d, err := rdata.Parse(typ, f[2], zones.Root())
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return zones.Record{Owner: name(f[0]), Type: typ, TTL: 3600, Data: d}
}

func zone(t testing.TB, view, origin string, lines ...string) *zones.Zone {
	t.Helper()
	b := zones.NewBuilder(zones.ID{Origin: name(origin), View: zones.View(view)})
	b.Add(record(t, origin+" SOA ns1."+origin+". root."+origin+". 1 2 3 4 5"), record(t, origin+" NS ns1."+origin+"."))
	for _, l := range lines {
		b.Add(record(t, l))
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func world(t testing.TB, zs ...*zones.Zone) zones.World {
	t.Helper()
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var binhdinh = []string{
	"ns1.binhdinh.gov.vn A 10.0.0.1",
	"mail.binhdinh.gov.vn A 10.0.0.25",
	"www.binhdinh.gov.vn CNAME web1.binhdinh.gov.vn.",
	"web1.binhdinh.gov.vn A 10.0.0.80",
	"thue.so.binhdinh.gov.vn A 10.0.0.7",
	"sotaichinh.binhdinh.gov.vn A 10.0.0.8",
	"*.cong.binhdinh.gov.vn A 10.0.0.9",
	"xa.binhdinh.gov.vn NS ns.xa.binhdinh.gov.vn.",
	"ns.xa.binhdinh.gov.vn A 10.0.9.1",
	"cu.binhdinh.gov.vn DNAME gialai.gov.vn.",
	"lau.binhdinh.gov.vn A 10.0.0.99",
}

// asks makes entries: "N name TYPE [rcode [aa] [owner TYPE data; …]]".
func asks(t testing.TB, view string, lines ...string) *Table {
	t.Helper()
	b := NewBuilder(TableLimits{})
	for _, l := range lines {
		q, records, _ := strings.Cut(l, " : ")
		f := strings.Fields(q)
		typ, _ := zones.ParseType(f[2])
		e := Entry{Name: name(f[1]), Type: typ, Client: client4.Addr(), Time: noon, View: view, Asked: true}
		if len(f) > 3 {
			a := Answer{AA: len(f) > 4, Time: noon}
			a.Rcode, _ = rcodeOf(f[3])
			if records != "" {
				a.Records = []zones.Record{record(t, records)}
			}
			e.Answer = &a
		}
		for range len(f[0]) {
			b.Add(e)
		}
	}
	return b.Table()
}

func TestCompare(t *testing.T) {
	w := world(t, zone(t, "internet", "binhdinh.gov.vn", binhdinh...), zone(t, "data", "binhdinh.gov.vn", "noibo.binhdinh.gov.vn A 10.0.0.5", "ns1.binhdinh.gov.vn TXT data"))
	for _, c := range []struct {
		what, ask string
		class     Class
		near      string
	}{
		{"an owner", "x mail.binhdinh.gov.vn A", Known, ""},
		{"another type of it", "x mail.binhdinh.gov.vn MX", Known, ""},
		{"a CNAME's owner", "x www.binhdinh.gov.vn A NOERROR aa : web1.binhdinh.gov.vn A 10.0.0.80", Known, ""},
		{"the apex", "x binhdinh.gov.vn SOA", Known, ""},
		{"an empty non-terminal (RFC 4592 2.2.2)", "x so.binhdinh.gov.vn NS", Known, ""},
		{"above a wildcard", "x cong.binhdinh.gov.vn A", Known, ""},
		{"another view", "x noibo.binhdinh.gov.vn A", Known, ""},
		{"below a DNAME", "x a.b.cu.binhdinh.gov.vn A", Known, ""},
		{"below a wildcard", "x a.cong.binhdinh.gov.vn A", Wild, "*.cong.binhdinh.gov.vn"},
		{"two labels below a wildcard", "x a.b.cong.binhdinh.gov.vn A", Wild, "*.cong.binhdinh.gov.vn"},
		{"the wildcard's own answer", "x a.cong.binhdinh.gov.vn A NOERROR aa : a.cong.binhdinh.gov.vn A 10.0.0.9", Wild, "*.cong.binhdinh.gov.vn"},
		{"another answer than the wildcard's", "x a.cong.binhdinh.gov.vn A NOERROR aa : a.cong.binhdinh.gov.vn A 10.0.0.10", Missing, ""},
		{"what the wildcard's answer leads to", "x a.cong.binhdinh.gov.vn A NOERROR aa : web1.binhdinh.gov.vn A 10.0.0.80", Wild, "*.cong.binhdinh.gov.vn"},
		{"a type that another view has", "x ns1.binhdinh.gov.vn TXT NOERROR aa : ns1.binhdinh.gov.vn TXT data", Known, ""},
		{"a slip that stood there", "x maill.binhdinh.gov.vn A NOERROR aa", Missing, ""},
		{"the cut", "x xa.binhdinh.gov.vn A", Known, ""},
		{"below a cut", "x ns.xa.binhdinh.gov.vn A", Delegated, "xa.binhdinh.gov.vn"},
		{"below a cut, answered from a zone", "x a.xa.binhdinh.gov.vn A NOERROR aa : a.xa.binhdinh.gov.vn A 10.0.9.7", Missing, ""},
		{"no such name", "x kho.binhdinh.gov.vn A", Missing, ""},
		{"a type that only the old server has", "x mail.binhdinh.gov.vn MX NOERROR aa : mail.binhdinh.gov.vn MX 10 mail.binhdinh.gov.vn.", Missing, ""},
		{"a signature that only the old server has", "x mail.binhdinh.gov.vn DNSKEY NOERROR aa : mail.binhdinh.gov.vn DNSKEY 257 3 13 AAAA", Known, ""},
		{"a slip, denied", "x maill.binhdinh.gov.vn A NXDOMAIN aa", Misspelt, "mail.binhdinh.gov.vn"},
		{"two swapped, denied", "x sotaichnih.binhdinh.gov.vn A NXDOMAIN aa", Misspelt, "sotaichinh.binhdinh.gov.vn"},
		{"a slip in the zone's name", "x mail.bindinh.gov.vn A NXDOMAIN", Misspelt, "mail.binhdinh.gov.vn"},
		{"a dot lost", "x wwwbinhdinh.gov.vn A REFUSED", Foreign, ""}, // nobody asked for www: asked more
		{"a dot lost, denied", "x wwwbinhdinh.gov.vn A NXDOMAIN", Misspelt, "www.binhdinh.gov.vn"},
		{"a slip that the old server has", "x maill.binhdinh.gov.vn A NOERROR aa : maill.binhdinh.gov.vn A 10.0.0.26", Missing, ""},
		{"a slip, nobody says", "x maill.binhdinh.gov.vn A", Missing, "mail.binhdinh.gov.vn"},
		{"a brother", "x web2.binhdinh.gov.vn A NXDOMAIN aa", Missing, ""},
		{"outside", "x vnexpress.net A NXDOMAIN", Foreign, ""},
		{"outside, resolved", "x vnexpress.net A NOERROR : vnexpress.net A 111.65.250.2", Foreign, ""},
		{"outside, answered from a zone", "x thue.gialai.vn A NOERROR aa : thue.gialai.vn A 10.4.0.1", Missing, ""},
		{"reverse", "x 9.0.0.10.in-addr.arpa PTR NXDOMAIN", Reverse, ""},
		{"reverse of a forgotten zone", "x 9.0.0.10.in-addr.arpa PTR NOERROR aa : 9.0.0.10.in-addr.arpa PTR mail.binhdinh.gov.vn.", Missing, ""},
	} {
		got := Compare(asks(t, "", c.ask), w, CompareOptions{})
		if len(got.Asked) != 1 {
			t.Fatalf("%s: %d names", c.what, len(got.Asked))
		}
		a, near := got.Asked[0], ""
		if !a.Near.IsZero() {
			near = a.Near.Text()
		}
		if a.Class != c.class || near != c.near {
			t.Errorf("%s: %s is %v, near %q; want %v, %q", c.what, a.Name, a.Class, near, c.class, c.near)
		}
	}
}

func TestCompareSlipsByCount(t *testing.T) {
	// Where no answer tells, a name that is asked more than the one it is like
	// is one of its own.
	w := world(t, zone(t, "internet", "binhdinh.gov.vn", binhdinh...))
	c := Compare(asks(t, "", "xxxx mail.binhdinh.gov.vn A", "xx maill.binhdinh.gov.vn A", "xxxxx mali.binhdinh.gov.vn A", "xxxx mial.binhdinh.gov.vn A"), w, CompareOptions{})
	if got := c.Of(Misspelt); len(got) != 2 || got[0].Name != name("mial.binhdinh.gov.vn") || got[1].Name != name("maill.binhdinh.gov.vn") {
		t.Errorf("misspelt: %v", got)
	}
	if got := c.Of(Missing); len(got) != 1 || got[0].Near != name("mail.binhdinh.gov.vn") {
		t.Errorf("missing: %v", got)
	}
}

func TestCompareViews(t *testing.T) {
	w := world(t, zone(t, "internet", "binhdinh.gov.vn", binhdinh...), zone(t, "data", "binhdinh.gov.vn", "noibo.binhdinh.gov.vn A 10.0.0.5"))
	for _, c := range []struct {
		view  string
		o     CompareOptions
		class Class
	}{
		{"", CompareOptions{}, Known},
		{"data", CompareOptions{}, Known},
		{"internet", CompareOptions{}, Missing},
		{"wan", CompareOptions{}, Known}, // unknown: any view
		{"wan", CompareOptions{Views: map[string]zones.View{"wan": "internet"}}, Missing},
		{"internet", CompareOptions{Views: map[string]zones.View{"internet": "data"}}, Known},
		{"", CompareOptions{Views: map[string]zones.View{"": "internet"}}, Missing},
		{"wan", CompareOptions{Views: map[string]zones.View{"wan": "nowhere"}}, Foreign},
	} {
		got := Compare(asks(t, c.view, "x noibo.binhdinh.gov.vn A"), w, c.o)
		if a := got.Asked[0]; a.Class != c.class {
			t.Errorf("view %q with %v: %v, want %v", c.view, c.o.Views, a.Class, c.class)
		}
	}
}

func TestUnasked(t *testing.T) {
	// An address that leads back to a name is no question for the name.
	w := world(t, zone(t, "internet", "binhdinh.gov.vn", binhdinh...), zone(t, "internet", "10.in-addr.arpa", "99.0.0.10.in-addr.arpa PTR lau.binhdinh.gov.vn."))
	c := Compare(asks(t, "", "x 99.0.0.10.in-addr.arpa PTR", "x mail.binhdinh.gov.vn A", "x www.binhdinh.gov.vn A", "x x.cong.binhdinh.gov.vn A", "x y.cu.binhdinh.gov.vn A"), w, CompareOptions{})
	var got []string
	for _, u := range c.Unasked {
		got = append(got, u.Name.Text())
	}
	// ns1 and web1 are led to, xa is a cut that nobody asked below, ns.xa lies below it.
	want := "lau.binhdinh.gov.vn thue.so.binhdinh.gov.vn sotaichinh.binhdinh.gov.vn xa.binhdinh.gov.vn"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestFindings(t *testing.T) {
	w := world(t, zone(t, "internet", "binhdinh.gov.vn", binhdinh...))
	table := asks(t, "", "xxx mail.binhdinh.gov.vn A NOERROR aa", "x kho.binhdinh.gov.vn A NOERROR aa : kho.binhdinh.gov.vn A 10.0.0.44",
		"x kho.binhdinh.gov.vn AAAA NOERROR aa", "xxxxxx luu.binhdinh.gov.vn A NXDOMAIN aa", "xx hop.binhdinh.gov.vn A",
		"x maill.binhdinh.gov.vn A NXDOMAIN aa", "x a.cong.binhdinh.gov.vn A", "xx b.cong.binhdinh.gov.vn A", "x vnexpress.net A",
		"x 1.2.1.10.in-addr.arpa PTR", "x 3.2.1.10.in-addr.arpa PTR")
	fs := Compare(table, w, CompareOptions{}).Findings(100)
	var got []string
	for _, f := range fs {
		got = append(got, f.String())
	}
	want := []string{
		"warning: kho.binhdinh.gov.vn A, AAAA was asked 2 times, last on 2025-06-20, by 10.1.2.0/24, and stands in no source; the old server answered kho.binhdinh.gov.vn. 3600 A 10.0.0.44; bring in its record, or the source that has it, before the old server goes [Q-MISSING]",
		"warning: hop.binhdinh.gov.vn A was asked 2 times, last on 2025-06-20, by 10.1.2.0/24, and stands in no source; the log does not tell the old server's answer; ask the old server for it while it stands, and those who ask what they want [Q-MISSING]",
		"note: luu.binhdinh.gov.vn A was asked 6 times, last on 2025-06-20, by 10.1.2.0/24, and stands in no source; the old server answered NXDOMAIN; nothing breaks; see whether those who ask have an old address in their settings [Q-MISSING]",
		"note: maill.binhdinh.gov.vn A was asked once, last on 2025-06-20, by 10.1.2.0/24; it looks like mail.binhdinh.gov.vn misspelt; the old server answered NXDOMAIN; tell those who ask, or give the name a record of its own [Q-SPELL]",
		"note: the wildcard *.cong.binhdinh.gov.vn in the zone binhdinh.gov.vn (internet) answers 2 names, asked 3 times in all: b.cong.binhdinh.gov.vn, a.cong.binhdinh.gov.vn; see that each of them may keep its answer; give those that matter a record of their own [Q-WILD]",
		"note: 1 name outside all zones, asked once in all: vnexpress.net; if the old server resolves for others, they need another resolver; if it served these names, a source is lacking [Q-FOREIGN]",
		"note: 2 names at or below 2.1.10.in-addr.arpa, which lies in no zone, asked 2 times in all: 1.2.1.10.in-addr.arpa, 3.2.1.10.in-addr.arpa; if these addresses are yours, make their reverse zone [Q-REVERSE]",
		"note: 6 names of the zone binhdinh.gov.vn (internet) not asked for from 2025-06-20 to 2025-06-20: cu.binhdinh.gov.vn, lau.binhdinh.gov.vn, thue.so.binhdinh.gov.vn, sotaichinh.binhdinh.gov.vn, www.binhdinh.gov.vn and 1 more; see whether they are still needed; a log of some days does not tell [Q-NEVER]",
	}
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%d\ngot  %s\nwant %s", i, g, w)
		}
	}
	if finding.Failed(fs) {
		t.Error("a comparison is no failure")
	}
	// Few are shown, the others are counted.
	n := 0
	for _, f := range Compare(table, w, CompareOptions{}).Findings(1) {
		if f.ID == "Q-MISSING" {
			n += max(1, f.Count)
		}
	}
	if n != 3 {
		t.Errorf("%d names are missing, want 3", n)
	}
	if fs := Compare(&Table{}, w, CompareOptions{}).Findings(9); len(fs) != 0 {
		t.Errorf("nothing was read, and yet: %v", fs)
	}
}

func TestGravityOrder(t *testing.T) {
	w := world(t, zone(t, "internet", "binhdinh.gov.vn"))
	c := Compare(asks(t, "", "xxxxx a-denied.binhdinh.gov.vn A NXDOMAIN aa", "xxx b-unknown.binhdinh.gov.vn A", "xxx b-failed.binhdinh.gov.vn A SERVFAIL",
		"xx c-stood.binhdinh.gov.vn A NOERROR aa", "x d-held.binhdinh.gov.vn A NOERROR aa : d-held.binhdinh.gov.vn A 10.0.0.1"), w, CompareOptions{})
	var got []string
	for _, a := range c.Of(Missing) {
		got = append(got, a.Name.First())
	}
	if s := strings.Join(got, " "); s != "d-held c-stood b-failed b-unknown a-denied" {
		t.Error(s)
	}
	if c.First != noon || c.Last != noon || c.First.Location() != time.UTC {
		t.Errorf("from %v to %v", c.First, c.Last)
	}
}
