package transfer

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones/finding"
)

const tiny = `$ORIGIN tiny.example.
@ 3600 IN SOA ns host 5 7200 900 1209600 300
@ 3600 IN NS ns
ns 300 IN A 192.0.2.1
`

// between cuts a text out, and takes so many leading blanks off its lines.
func between(t *testing.T, s, from, to string, indent int) string {
	t.Helper()
	_, s, ok := strings.Cut(s, from)
	s, _, also := strings.Cut(s, to)
	if !ok || !also {
		t.Fatalf("nothing between %q and %q", from, to)
	}
	return strings.ReplaceAll("\n"+s, "\n"+strings.Repeat(" ", indent), "\n")
}

// TestLinesWork: what a refusal says to set is set, as it is printed, on the
// real server, and the transfer passes; with a key and without.
func TestLinesWork(t *testing.T) {
	key, zone := testKey(t), write(t, t.TempDir()+"/tiny.example.zone", tiny)
	type server struct {
		name   string
		closed func() *peer
		open   func(mend string) *peer
	}
	for _, s := range []server{
		{"BIND", func() *peer {
			return bind(t, "tiny.example", key, fmt.Sprintf("zone tiny.example { type primary; file %q; };", zone))
		}, func(mend string) *peer {
			line := strings.TrimSpace(between(t, mend, "then rndc reconfig:\n", "\n", 0))
			return bind(t, "tiny.example", key, strings.Replace(line, "…", fmt.Sprintf("type primary; file %q;", zone), 1))
		}},
		{"Knot", func() *peer {
			return knot(t, "tiny.example", key, fmt.Sprintf("zone:\n  - domain: tiny.example\n    file: %q\n", zone))
		}, func(mend string) *peer {
			lines := between(t, mend, "then knotc reload:\n", "  NSD,", 4)
			return knot(t, "tiny.example", key, lines+fmt.Sprintf("    file: %q\n", zone))
		}},
		{"NSD", func() *peer {
			return nsd(t, "tiny.example", key, fmt.Sprintf("zone:\n    name: tiny.example\n    zonefile: %q\n", zone))
		}, func(mend string) *peer {
			lines := between(t, mend, "then nsd-control reconfig:\n", "  Windows", 4)
			return nsd(t, "tiny.example", key, lines+fmt.Sprintf("    zonefile: %q\n", zone))
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			for _, k := range []*Key{nil, key} {
				for _, local := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
					ask := func(p *peer) Request {
						q := Request{Server: p.v4, Zone: internet("tiny.example"), Key: k, Local: local}
						if local.Is6() {
							q.Server = p.v6
						}
						return q
					}
					z, _, fs := Fetch(context.Background(), ask(s.closed()))
					if z != nil || len(fs) != 1 || !slices.Contains([]string{"X-REFUSED", "X-NOTAUTH", "X-TSIG"}, fs[0].ID) {
						t.Fatalf("closed: %s", show(fs))
					}
					z, rep, more := Fetch(context.Background(), ask(s.open(fs[0].Mend)))
					if z == nil || len(more) > 0 || rep.Records != 3 {
						t.Errorf("with key %v from %v, the lines were set:\n%s\n%s", k != nil, local, fs[0].Mend, show(more))
					}
				}
			}
		})
	}
}

// TestWrongKeys: what real servers say to a key that is unknown, or has another
// secret or algorithm, to a clock that is wrong, and to a zone they lack.
func TestWrongKeys(t *testing.T) {
	key, zone := testKey(t), write(t, t.TempDir()+"/tiny.example.zone", tiny)
	make := func(text string) *Key {
		k, err := ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		return &k
	}
	servers := map[string]*peer{
		"BIND": bind(t, "tiny.example", key, fmt.Sprintf("zone tiny.example { type primary; file %q; allow-transfer { key %s; }; };", zone, key.Name.Text())),
		"Knot": knot(t, "tiny.example", key, fmt.Sprintf("acl:\n  - id: a\n    key: %s\n    action: transfer\nzone:\n  - domain: tiny.example\n    file: %q\n    acl: a\n", key.Name.Text(), zone)),
		"NSD":  nsd(t, "tiny.example", key, fmt.Sprintf("zone:\n    name: tiny.example\n    zonefile: %q\n    provide-xfr: ::1 %s\n", zone, key.Name.Text())),
	}
	for _, c := range []struct {
		name  string
		bend  func(q *Request)
		words string // a pattern
	}{
		{"unknown", func(q *Request) { q.Key = make("other.example:hmac-sha256:" + secret64) }, `BADKEY.*other\.example|REFUSED`}, // NSD looks at its ACL first
		{"other secret", func(q *Request) { q.Key = make(key.Name.Text() + ":hmac-sha256:MDEyMzQ1Njc4OWFiY2RlZg==") }, `BADSIG`},
		{"other algorithm", func(q *Request) { q.Key = make(key.Name.Text() + ":hmac-sha512:" + secret64) }, `BADKEY|BADSIG|REFUSED`},
		{"late", func(q *Request) { q.Now = func() time.Time { return time.Now().Add(time.Hour) } }, `BADTIME.*apart|from now`},
		{"another zone", func(q *Request) { q.Zone = internet("none.example") }, `NOTAUTH|REFUSED`},
	} {
		for name, p := range servers {
			q := Request{Server: p.v6, Zone: internet("tiny.example"), Key: key}
			c.bend(&q)
			z, _, fs := Fetch(context.Background(), q)
			if z != nil || len(fs) != 1 || fs[0].Severity != finding.Error {
				t.Fatalf("%s %s: %s", name, c.name, show(fs))
			}
			first, _, _ := strings.Cut(fs[0].String(), "\n")
			t.Logf("%s, %s: %s", name, c.name, first)
			if !regexp.MustCompile(c.words).MatchString(fs[0].Found) {
				t.Errorf("%s, %s: not %s: %s", name, c.name, c.words, fs[0].Found)
			}
		}
	}
}
