package transfer

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

func patterns(t testing.TB, texts ...string) (out []NamePattern) {
	for _, s := range texts {
		p, err := ParseNamePattern(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		out = append(out, p)
	}
	return out
}

func TestNamePattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string // as it is written, and as it is printed
		yes, no       []string
	}{
		{"www.example", "www.example.", []string{"www.example", "WWW.Example."}, []string{"example", "a.www.example", "www.example.net"}},
		{"*.example", "*.example.", []string{"example", "a.example", "b.a.example", "*.example"}, []string{"badexample", "net"}},
		{"_acme-challenge.*.Example.", "_acme-challenge.*.example.", []string{"_acme-challenge.example", "_acme-challenge.www.example", "_acme-challenge.a.b.example"}, []string{"example", "www.example", "x._acme-challenge.example", "x_acme-challenge.example", "_acme-challenge.example.net", "_acme-challenge.badexample"}},
		{"a.b.*.c", "a.b.*.c.", []string{"a.b.c", "a.b.b.c", "a.b.x.c"}, []string{"a.c", "b.c", "c", "a.x.b.c"}},
		{"a.*.a", "a.*.a.", []string{"a.a", "a.b.a"}, []string{"a"}}, // head and tail do not overlap
		{"*", "*.", []string{".", "a", "a.b"}, nil},
		{"a.*", "a.*.", []string{"a", "a.b"}, []string{".", "b.a"}},
		{`\*.example`, `\*.example.`, []string{"*.example"}, []string{"a.example", "example"}},
		{`a.\*.example`, `a.\*.example.`, []string{"a.*.example"}, []string{"a.b.example"}},
		{`*.\042.example`, `*.\*.example.`, []string{"*.example", "a.*.example"}, []string{"a.b.example"}},
		{`a\.*.example`, `a\.*.example.`, []string{`a\.*.example`}, []string{"a.x.example"}},
		{"a*.example", "a*.example.", []string{"a*.example"}, []string{"ab.example"}},
	} {
		p := patterns(t, c.pattern)[0]
		if p.String() != c.text {
			t.Errorf("%s is printed %s", c.pattern, p)
		}
		for _, n := range c.yes {
			if !p.Match(zones.MustName(n)) {
				t.Errorf("%s does not match %s", c.pattern, n)
			}
		}
		for _, n := range c.no {
			if p.Match(zones.MustName(n)) {
				t.Errorf("%s matches %s", c.pattern, n)
			}
		}
	}
	for s, want := range map[string]error{
		"*.*": ErrTwoStars, "*.a.*.b": ErrTwoStars, "": zones.ErrNameEmpty, "a..*.b": zones.ErrLabelEmpty, "*..b": zones.ErrLabelEmpty, ".*": zones.ErrNameEmpty,
		strings.Repeat("a.", 70) + "*." + strings.Repeat("b.", 70): zones.ErrNameLong,
	} {
		if p, err := ParseNamePattern(s); !errors.Is(err, want) {
			t.Errorf("%q: %v %v", s, p, err)
		}
	}
	if (NamePattern{}).Match(zones.Root()) || (NamePattern{}).Match(zones.Name{}) {
		t.Error("the zero pattern matches")
	}
}

// FuzzNamePattern: a pattern reads back as itself, and matches what its twin
// does, which compares labels.
func FuzzNamePattern(f *testing.F) {
	for _, s := range []string{"*.example", "a.*.b", `\*.a`, `a\.*.b`, "*", "a.*", `*.\042`, "."} {
		f.Add(s, "a.b.example")
		f.Add(s, "a.b")
	}
	f.Fuzz(func(t *testing.T, s, name string) {
		p, err := ParseNamePattern(s)
		if err != nil {
			return
		}
		if again, err := ParseNamePattern(p.String()); err != nil || again != p {
			t.Fatalf("%q is printed %s: %v", s, p, err)
		}
		n, err := zones.ParseName(name)
		if err != nil {
			return
		}
		labels := func(wire string) (out []string) {
			for len(wire) > 0 && wire[0] > 0 {
				out = append(out, wire[1:1+wire[0]])
				wire = wire[1+wire[0]:]
			}
			return out
		}
		head, tail, is := labels(p.head), labels(p.tail.Wire()), labels(n.Wire())
		want := n == p.tail
		if p.star {
			want = len(is) >= len(head)+len(tail)
			for i := range head {
				want = want && is[i] == head[i]
			}
			for i := range tail {
				want = want && is[len(is)-len(tail)+i] == tail[i]
			}
		}
		if p.Match(n) != want {
			t.Fatalf("%s and %v: %v", p, n, !want)
		}
	})
}

func TestUpdateRules(t *testing.T) {
	z := toZone(t, "upd.example", rrs(t, updateSample))
	key := testKey(t)
	acme := UpdateRule{From: netip.MustParsePrefix("192.0.2.0/24"), Key: key.Name, Names: patterns(t, "_acme-challenge.*.www.upd.example"), Types: []zones.Type{zones.TypeTXT}}
	all := UpdateRule{From: acme.From, Key: key.Name}
	www := UpdateRule{From: acme.From, Key: key.Name, Names: patterns(t, "www.upd.example"), Types: []zones.Type{zones.TypeA}}
	wwwTXT := www
	wwwTXT.Types = []zones.Type{zones.TypeTXT}
	for _, c := range []struct {
		name   string
		rules  []UpdateRule
		from   string
		signed bool
		lines  string
		want   Rcode
	}{
		{"no rule", nil, "192.0.2.7", true, "a 60 IN A 192.0.2.1", RcodeRefused},
		{"its own name", []UpdateRule{acme}, "192.0.2.7", true, "_acme-challenge.www 60 IN TXT \"x\"", RcodeNoError},
		{"below its own name", []UpdateRule{acme}, "192.0.2.7", true, "_acme-challenge.a.www 0 ANY TXT | _acme-challenge.a.www 60 IN TXT \"x\"", RcodeNoError},
		{"an address as IPv6 writes it", []UpdateRule{acme}, "::ffff:192.0.2.7", true, "_acme-challenge.www 60 IN TXT \"x\"", RcodeNoError},
		{"another's", []UpdateRule{acme}, "192.0.2.7", true, "_acme-challenge 60 IN TXT \"x\"", RcodeRefused},
		{"one of its own, one of another's", []UpdateRule{acme}, "192.0.2.7", true, "_acme-challenge.www 60 IN TXT \"x\" | www 60 IN TXT \"x\"", RcodeRefused},
		{"another type", []UpdateRule{acme}, "192.0.2.7", true, "_acme-challenge.www 60 IN A 192.0.2.1", RcodeRefused},
		{"unsigned", []UpdateRule{acme}, "192.0.2.7", false, "_acme-challenge.www 60 IN TXT \"x\"", RcodeRefused},
		{"from elsewhere", []UpdateRule{acme}, "192.0.3.7", true, "_acme-challenge.www 60 IN TXT \"x\"", RcodeRefused},
		{"nothing to change, and no right", []UpdateRule{acme}, "192.0.3.7", true, "", RcodeRefused},
		{"nothing to change", []UpdateRule{acme}, "192.0.2.7", true, "", RcodeNoError},
		{"another zone's rule", []UpdateRule{{From: acme.From, Key: key.Name, Zones: []zones.Name{zones.MustName("example")}}}, "192.0.2.7", true, "a 60 IN A 192.0.2.1", RcodeRefused},
		{"the zone's rule", []UpdateRule{{From: acme.From, Key: key.Name, Zones: []zones.Name{z.Origin()}}}, "192.0.2.7", true, "a 60 IN A 192.0.2.1", RcodeNoError},
		{"another key's rule", []UpdateRule{{From: acme.From, Key: zones.MustName("other.example")}}, "192.0.2.7", true, "a 60 IN A 192.0.2.1", RcodeRefused},
		{"by address alone", []UpdateRule{{From: acme.From}}, "192.0.2.7", false, "a 60 IN A 192.0.2.1", RcodeNoError},
		{"by address alone, signed", []UpdateRule{{From: acme.From}}, "192.0.2.7", true, "a 60 IN A 192.0.2.1", RcodeNoError},
		{"the zero rule", []UpdateRule{{}}, "0.0.0.0", false, "a 60 IN A 192.0.2.1", RcodeRefused},
		{"all types, not the SOA", []UpdateRule{all}, "192.0.2.7", true, "@ 60 IN SOA ns admin 101 1 1 1 1", RcodeRefused},
		{"nor NS", []UpdateRule{all}, "192.0.2.7", true, "a 0 ANY NS", RcodeRefused},
		{"nor what signs", []UpdateRule{all}, "192.0.2.7", true, "a 0 ANY RRSIG", RcodeRefused},
		{"every type", anyone(key), "192.0.2.7", true, "a 0 ANY NS | @ 60 IN SOA ns admin 101 1 1 1 1 | a 0 ANY RRSIG", RcodeNoError},
		{"all of a name, of which it may some", []UpdateRule{www}, "192.0.2.7", true, "www 0 ANY ANY", RcodeRefused},
		{"all of a name, of which it may all", []UpdateRule{www, wwwTXT}, "192.0.2.7", true, "www 0 ANY ANY", RcodeNoError},
		{"all of a name that is not", []UpdateRule{acme}, "192.0.2.7", true, "_acme-challenge.www 0 ANY ANY", RcodeNoError},
		{"all of another's that is not", []UpdateRule{acme}, "192.0.2.7", true, "none 0 ANY ANY", RcodeRefused},
		{"all of the apex, where SOA and NS stay", []UpdateRule{all}, "192.0.2.7", true, "@ 0 ANY ANY", RcodeNoError},
		{"all of a cut", []UpdateRule{all}, "192.0.2.7", true, "cut 0 ANY ANY", RcodeRefused},
		{"broken, by who may not", []UpdateRule{acme}, "192.0.3.7", true, "www 1 ANY A", RcodeRefused},
		{"broken, by who may", []UpdateRule{acme}, "192.0.2.7", true, "www 1 ANY A", RcodeFormErr},
	} {
		msg := updateMessage(1, "upd.example", nil, lines(t, c.lines))
		if c.signed {
			msg = newConversation(*key).sign(msg, start)
		}
		if got := parsedUpdate(t, msg, key).Judge(z, c.rules, netip.MustParseAddr(c.from)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// Who may change nothing learns nothing by prerequisites.
	u := parsedUpdate(t, updateMessage(1, "upd.example", lines(t, "www 0 NONE ANY"), lines(t, "www 0 ANY A")))
	if got := u.Judge(z, []UpdateRule{{From: acme.From, Names: acme.Names}}, netip.MustParseAddr("192.0.2.7")); got != RcodeRefused {
		t.Errorf("%v", got)
	}
	if got := u.Check(z); got != RcodeYXDomain {
		t.Errorf("%v", got)
	}
}
