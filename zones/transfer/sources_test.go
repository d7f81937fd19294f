package transfer

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// The catalog of RFC 9432 appendix A, with a group of two values and a change of owner.
const catalog = `
example. 0 IN SOA invalid. invalid. 1625079950 3600 600 2147483646 0
example. 0 IN NS invalid.
version.example. 0 IN TXT "2"
nj2xg5b.zones.example. 0 IN PTR example.com.
nvxxezj.zones.example. 0 IN PTR example.net.
group.nvxxezj.zones.example. 0 IN TXT "operator-x-foo"
group.nvxxezj.zones.example. 0 IN TXT "two " "strings"
coo.nvxxezj.zones.example. 0 IN PTR newcatz.
nfwxa33.zones.example. 0 IN PTR example.org.
ext.nfwxa33.zones.example. 0 IN TXT "passed over"
nothing.zones.example. 0 IN TXT "not a member"
group.unknown.zones.example. 0 IN TXT "of no member"
`

func TestMembers(t *testing.T) {
	ms, fs := Members(toZone(t, "example", rrs(t, catalog)))
	if len(fs) > 0 {
		t.Fatal(show(fs))
	}
	var got []string
	for _, m := range ms {
		got = append(got, fmt.Sprintf("%s %s %q %v", m.Zone.Text(), m.Label, m.Groups, !m.Owner.IsZero() && m.Owner == zones.MustName("newcatz")))
	}
	want := []string{
		`example.com nj2xg5b [] false`,
		`example.net nvxxezj ["operator-x-foo" "two strings"] true`,
		`example.org nfwxa33 [] false`,
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for name, change := range map[string][2]string{
		"no version":       {`version.example. 0 IN TXT "2"`, ``},
		"version 1":        {`TXT "2"`, `TXT "1"`},
		"two versions":     {`version.example. 0 IN TXT "2"`, "version.example. 0 IN TXT \"2\"\nversion.example. 0 IN TXT \"1\""},
		"a member twice":   {`PTR example.org.`, `PTR example.net.`},
		"a label twice":    {`nfwxa33.zones`, `nj2xg5b.zones`},
		"two owners to be": {`PTR newcatz.`, "PTR newcatz.\ncoo.nvxxezj.zones.example. 0 IN PTR other."},
	} {
		text := strings.Replace(catalog, change[0], change[1], 1)
		if text == catalog {
			t.Fatal(name)
		}
		if ms, fs := Members(toZone(t, "example", rrs(t, text))); len(ms) > 0 || !has(fs, "X-CATALOG") || !finding.Failed(fs) {
			t.Errorf("%s: %v %s", name, ms, show(fs))
		}
	}
	if ms, fs := Members(toZone(t, "example", rrs(t, sample))); len(ms) > 0 || !strings.Contains(show(fs), "no catalog zone") {
		t.Error(show(fs))
	}
}

// TestCatalogOfKnot: a catalog that Knot makes of its zones.
func TestCatalogOfKnot(t *testing.T) {
	key, dir := testKey(t), t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, "acl:\n  - id: a\n    key: %s\n    action: transfer\nzone:\n  - domain: catz.example\n    catalog-role: generate\n    acl: a\n", key.Name.Text())
	want := []string{"a.example", "b.example", "c.b.example"}
	for i, z := range want {
		path := write(t, filepath.Join(dir, z), strings.ReplaceAll(tiny, "tiny.example", z))
		fmt.Fprintf(&b, "  - domain: %s\n    file: %q\n    catalog-role: member\n    catalog-zone: catz.example\n    acl: a\n", z, path)
		if i == 1 {
			b.WriteString("    catalog-group: district\n")
		}
	}
	p := knot(t, "c.b.example", key, b.String())
	q := Request{Server: p.v6, Zone: internet("catz.example"), Key: key}
	var names, groups []string
	deadline := time.After(patience)
	for len(names) < len(want) { // Knot fills the catalog as it loads the members
		select {
		case <-deadline:
			t.Fatalf("the catalog holds %q only", names)
		case <-time.After(20 * time.Millisecond):
		}
		z, _, fs := Fetch(t.Context(), q)
		if z == nil {
			if !has(fs, "X-NOTAUTH") && !has(fs, "X-RCODE") {
				t.Fatal(show(fs))
			}
			continue
		}
		ms, fs := Members(z)
		if len(fs) > 0 {
			t.Fatal(show(fs))
		}
		names, groups = nil, nil
		for _, m := range ms {
			names = append(names, m.Zone.Text())
			groups = append(groups, m.Groups...)
		}
	}
	if !slices.Equal(names, want) || !slices.Equal(groups, []string{"district"}) {
		t.Errorf("%q %q", names, groups)
	}
	for _, n := range names {
		q.Zone = internet(n)
		if z, _, fs := Fetch(t.Context(), q); z == nil {
			t.Errorf("%s: %s", n, show(fs))
		}
	}
}

func TestParseList(t *testing.T) {
	names, fs := ParseList("f", "\ufeff# zones\r\npleiku.gov.vn\r\n\r\n  AnKhe.gov.vn.  ; old\r\npleiku.gov.vn\n")
	if len(names) != 2 || names[0] != zones.MustName("pleiku.gov.vn") || names[1] != zones.MustName("ankhe.gov.vn") {
		t.Error(names)
	}
	if len(fs) != 1 || fs[0].Severity != finding.Note || fs[0].At.String() != "f:5:1" {
		t.Error(show(fs))
	}
	for text, place := range map[string]string{"a..b": "f:1:1", "\n  a b": "f:2:3", strings.Repeat("x", 64): "f:1:1"} {
		if _, fs := ParseList("f", text); !finding.Failed(fs) || fs[0].At.String() != place {
			t.Errorf("%q: %s", text, show(fs))
		}
	}
}

func TestCompare(t *testing.T) {
	a := toZone(t, "example", rrs(t, small+"gone.example. 60 IN A 192.0.2.5\nttl.example. 60 IN A 192.0.2.6\n"))
	b := toZone(t, "example", rrs(t, strings.ReplaceAll(small, "192.0.2.1", "192.0.2.2")+"come.example. 60 IN A 192.0.2.5\nttl.example. 61 IN A 192.0.2.6\n"))
	d, fs := Compare(a, b)
	if len(d.Removed) != 3 || len(d.Added) != 3 {
		t.Errorf("%+v", d)
	}
	var got []string
	for _, f := range fs {
		if f.ID != "X-DIFF" || f.Severity != finding.Warning {
			t.Error(f)
		}
		got = append(got, f.Found)
	}
	for i, want := range []string{"come.example A stands here and not in", "gone.example A stands here and not in", "ns.example A differs: 192.0.2.1 here, 192.0.2.2 at", "ttl.example A has TTL 60 here, 61 at"} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if _, fs := Compare(a, a.WithSerial(9)); len(fs) != 1 || fs[0].Severity != finding.Note || !strings.Contains(fs[0].Found, "serial 7 here, 9 at") {
		t.Error(show(fs))
	}
	if d, fs := Compare(a, a); len(fs) > 0 || !d.Empty() {
		t.Error(show(fs))
	}
	other := toZone(t, "test", rrs(t, "test. 1 IN SOA a. b. 1 2 3 4 5\n"))
	if _, fs := Compare(a, other); !finding.Failed(fs) {
		t.Error("two zones compared as one")
	}
}

// TestCompareLaw: the delta turns one into the other, and there is a finding
// for each owner and type that the slow twin finds to differ.
func TestCompareLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *zones.Zone {
			b := zones.NewBuilder(internet("example"))
			b.Add(zones.Record{Owner: zones.MustName("example"), Type: zones.TypeSOA, TTL: 1, Data: zones.SOA{MName: zones.Root(), RName: zones.Root(), Serial: 1}.Data()})
			for range rapid.IntRange(0, 12).Draw(t, name) {
				b.Add(zones.Record{
					Owner: zones.MustName(rapid.SampledFrom([]string{"a.example", "b.example", "c.a.example"}).Draw(t, "owner")),
					Type:  zones.TypeA, TTL: rapid.Uint32Range(1, 2).Draw(t, "ttl"), Data: "\x01\x02\x03" + string(rune(rapid.IntRange(1, 3).Draw(t, "octet"))),
				})
			}
			z, err := b.Freeze()
			if err != nil {
				t.Fatal(err)
			}
			return z
		}
		a, b := draw("a"), draw("b")
		d, fs := Compare(a, b)
		if got, err := d.Apply(a); err != nil || !got.Equal(b) {
			t.Fatalf("%v", err)
		}
		want := map[zones.Key]bool{}
		for x := range a.All() {
			if y, _ := b.Lookup(x.Owner(), x.Type()); !x.Equal(y) {
				want[x.Key()] = true
			}
		}
		for y := range b.All() {
			if x, _ := a.Lookup(y.Owner(), y.Type()); !x.Equal(y) {
				want[y.Key()] = true
			}
		}
		if len(fs) != len(want) {
			t.Fatalf("%d findings, %d RRsets differ", len(fs), len(want))
		}
	})
}

// TestSerialAfter: a zone that changes while it is transferred is said; so is
// a serial that cannot be asked. The zone is taken.
func TestSerialAfter(t *testing.T) {
	for _, c := range []struct {
		name string
		soa  func(t testing.TB, c net.Conn, q *dns.Msg)
		sev  finding.Severity
		word string
	}{
		{"changed", func(t testing.TB, c net.Conn, q *dns.Msg) { soaAnswer(t, c, q, rrs(t, soa8)[0], nil) }, finding.Warning, "serial 7 was transferred, 8 stands now"},
		{"no answer", func(testing.TB, net.Conn, *dns.Msg) {}, finding.Note, "could not be asked"},
		{"REFUSED", func(t testing.TB, c net.Conn, q *dns.Msg) {
			m := new(dns.Msg).SetRcode(q, dns.RcodeRefused)
			send(c, pack(t, []*dns.Msg{m}, nil, "", start, nil)...)
		}, finding.Note, "REFUSED"},
		{"no SOA", func(t testing.TB, c net.Conn, q *dns.Msg) {
			send(c, pack(t, []*dns.Msg{new(dns.Msg).SetReply(q)}, nil, "", start, nil)...)
		}, finding.Note, "no SOA"},
		{"another question", func(t testing.TB, c net.Conn, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Question[0].Name = "other."
			m.Answer = rrs(t, soa8)
			send(c, pack(t, []*dns.Msg{m}, nil, "", start, nil)...)
		}, finding.Note, "another question"},
	} {
		play := func(t testing.TB, conn net.Conn, q *dns.Msg, raw []byte) {
			if q.Question[0].Qtype == dns.TypeSOA {
				c.soa(t, conn, q)
				return
			}
			say(small+soa7, 2)(t, conn, q, raw)
		}
		z, rep, fs := Fetch(context.Background(), request(t, "example", play))
		if z == nil || len(fs) != 1 || fs[0].ID != "X-SERIAL" || fs[0].Severity != c.sev || !strings.Contains(fs[0].Found, c.word) {
			t.Errorf("%s: %s", c.name, show(fs))
		}
		if (rep.After != nil) != (c.sev == finding.Warning) {
			t.Errorf("%s: %v", c.name, rep.After)
		}
	}
}

// TestReadName: pointers lead backwards, behind the header, and are not many.
func TestReadName(t *testing.T) {
	chain := func(n int) (msg []byte, off int) { // n pointers, each to the one before, at the end the root
		msg = append(make([]byte, headerLen), 0)
		for range n {
			off = len(msg)
			msg = append(msg, 0xc0|byte(max(headerLen, off-2)>>8), byte(max(headerLen, off-2)))
			if off == headerLen+1 {
				msg[off+1] = headerLen
			}
		}
		return msg, off
	}
	for _, c := range []struct {
		n    int
		good bool
	}{{1, true}, {maxPointers, true}, {maxPointers + 1, false}, {5000, false}} {
		msg, off := chain(c.n)
		if n, next, ok := readName(msg, off); ok != c.good || ok && (!n.IsRoot() || next != len(msg)) {
			t.Errorf("%d pointers: %v %d %v", c.n, n, next, ok)
		}
	}
	for name, body := range map[string]string{
		"into the header, where a zero octet stands": "\xc0\x02", "to itself": "\xc0\x0c", "forward": "\xc0\x0e\x00", "to the label before it": "\x01a\xc0\x0c", "half a pointer": "\xc0",
		"a reserved label": "\x80a\x00", "no end": "\x01a", "a label beyond the end": "\x05a", "256 octets": strings.Repeat("\x01a", 127) + "\x01a\x00",
	} {
		if n, _, ok := readName(append(make([]byte, headerLen), body...), headerLen); ok {
			t.Errorf("%s: %v", name, n)
		}
	}
	if n, _, ok := readName(append(make([]byte, headerLen), strings.Repeat("\x01a", 127)+"\x00"...), headerLen); !ok || len(n.Wire()) != 255 {
		t.Errorf("255 octets: %v", ok)
	}
}

// TestExpand: names that servers may compress, in all types that have them
// (RFC 3597 4), and one in a type where nobody may.
func TestExpand(t *testing.T) {
	head := append(make([]byte, headerLen), "\x07eXample\x00"...)
	name, pointer := "\x03www\x07example\x00", "\x03wWw\xc0\x0c"
	for typ, data := range map[zones.Type][2]string{
		zones.TypeNS: {pointer, name}, zones.TypeCNAME: {pointer, name}, zones.TypePTR: {pointer, name},
		zones.TypeMD: {pointer, name}, zones.TypeMF: {pointer, name}, zones.TypeMB: {pointer, name}, zones.TypeMG: {pointer, name},
		zones.TypeMR: {pointer, name}, zones.TypeDNAME: {pointer, name},
		zones.TypeMX: {"\x00\x0a" + pointer, "\x00\x0a" + name}, zones.TypeKX: {"\x00\x0a" + pointer, "\x00\x0a" + name},
		zones.TypeRT: {"\x00\x0a" + pointer, "\x00\x0a" + name}, zones.TypeAFSDB: {"\x00\x0a" + pointer, "\x00\x0a" + name},
		zones.TypeRP: {pointer + pointer, name + name}, zones.TypeMINFO: {pointer + "\xc0\x0c", name + "\x07example\x00"},
		zones.TypePX:    {"\x00\x0a" + pointer + pointer, "\x00\x0a" + name + name},
		zones.TypeSRV:   {"\x00\x01\x00\x02\x00\x03" + pointer, "\x00\x01\x00\x02\x00\x03" + name},
		zones.TypeSOA:   {pointer + pointer + strings.Repeat("\x01", 20), name + name + strings.Repeat("\x01", 20)},
		zones.TypeNAPTR: {"\x00\x01\x00\x02\x01u\x03E2U\x00" + pointer, "\x00\x01\x00\x02\x01u\x03E2U\x00" + name},
		zones.TypeNXT:   {pointer + "\x40", name + "\x40"},
		zones.TypeSIG:   {strings.Repeat("\x01", 18) + pointer + "sig", strings.Repeat("\x01", 18) + name + "sig"},
		zones.TypeHTTPS: {"\x00\x01" + pointer, ""},
	} {
		b := append(slices.Clone(head), data[0]...)
		m, r := message{b: b}, record{rtype: typ, data: len(head), next: len(b)}
		got, ok := m.expand(r, nil)
		if ok != (data[1] != "") || got != data[1] {
			t.Errorf("%v: %q %v, want %q", typ, got, ok, data[1])
		}
		for r.next--; r.next >= r.data; r.next-- { // cut anywhere it is another thing or broken, and never reads on
			if short, ok := m.expand(r, nil); ok && short == got {
				t.Errorf("%v cut at %d is taken", typ, r.next)
			}
		}
	}
}
