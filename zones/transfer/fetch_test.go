package transfer

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// hmacOf is the obvious twin of our signing.
func hmacOf(secret, algorithm string, b []byte) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, err
	}
	h := map[string]func() hash.Hash{
		dns.HmacSHA1: sha1.New, dns.HmacSHA224: sha256.New224, dns.HmacSHA256: sha256.New,
		dns.HmacSHA384: sha512.New384, dns.HmacSHA512: sha512.New,
	}[algorithm]
	m := hmac.New(h, key)
	m.Write(b)
	return m.Sum(nil), nil
}

// verifyQuestion lets miekg/dns verify our question; its clock is not ours,
// so that only the MAC counts.
func verifyQuestion(raw []byte, k *Key) error {
	err := dns.TsigVerify(slices.Clone(raw), base64.StdEncoding.EncodeToString(k.secret), "", false)
	if err == dns.ErrTime {
		return nil
	}
	return err
}

const sample = `
example. 3600 IN SOA ns.example. host.example. 7 7200 900 1209600 300
example. 3600 IN NS ns.example.
example. 3600 IN NS ns.child.example.
example. 3600 IN MX 10 mail.example.
ns.example. 300 IN A 192.0.2.1
ns.example. 300 IN AAAA 2001:db8::1
mail.example. 300 IN A 192.0.2.2
child.example. 300 IN NS ns.child.example.
ns.child.example. 300 IN A 192.0.2.3
deep.below.child.example. 300 IN TXT "occluded, and kept (RFC 5936 3.5)"
dn.example. 300 IN DNAME other.example.
under.dn.example. 300 IN A 192.0.2.4
_sip._tcp.example. 300 IN SRV 1 2 5060 mail.example.
n.example. 300 IN NAPTR 10 20 "u" "E2U+sip" "!^.*$!sip:a@example!" sip.example.
rp.example. 300 IN RP host.example. mail.example.
*.example. 300 IN HTTPS 1 . alpn="h2"
x.example. 300 IN TYPE65400 \# 3 010203
`

func TestFetch(t *testing.T) {
	all := func(int) bool { return true }
	for _, key := range []*Key{nil, testKey(t)} {
		for _, each := range []int{1, 2, 5, 100} {
			t.Run(fmt.Sprint(key != nil, each), func(t *testing.T) {
				rs := rrs(t, sample)
				q := request(t, "example", serve("example", rs, each, key, all))
				q.Key = key
				z, rep, fs := Fetch(context.Background(), q)
				if z == nil || len(fs) > 0 {
					t.Fatalf("no zone:\n%s", show(fs))
				}
				if want := toZone(t, "example", rs); !z.Equal(want) {
					_, d := Compare(want, z)
					t.Fatalf("not the zone that was sent:\n%s", show(d))
				}
				if rep.Records != len(rs) || rep.Taken != len(rs) || rep.Duplicates+rep.Refused != 0 {
					t.Errorf("report %+v", rep)
				}
				if rep.After == nil || *rep.After != 7 || rep.Serial != 7 {
					t.Errorf("serials %v %v", rep.Serial, rep.After)
				}
				if key != nil && rep.Signed != rep.Messages {
					t.Errorf("%d of %d messages signed", rep.Signed, rep.Messages)
				}
				seen := map[int]bool{}
				for r := range z.Records() {
					if r.From.File != "axfr://[2001:db8::53]:53/example" || r.From.Line < 1 || r.From.Line > len(rs) || seen[r.From.Line] {
						t.Errorf("place %v", r.From.Place)
					}
					seen[r.From.Line] = true
					if got := toRecord(t, rs[r.From.Line-1]); !got.Same(r) {
						t.Errorf("%v stands at %v, where %v was sent", r, r.From.Place, got)
					}
				}
			})
		}
	}
}

// TestCount: records in = taken + duplicates + refused, each refused one listed.
func TestCount(t *testing.T) {
	rs := append(rrs(t, sample), rrs(t, `
ns.example. 300 IN A 192.0.2.1
elsewhere. 300 IN A 192.0.2.9
notexample. 300 IN A 192.0.2.9
mail.example. 60 IN A 192.0.2.22
sub.example. 300 IN SOA a. b. 1 2 3 4 5
ch.example. 300 CH TXT "chaos"
`)...)
	z, rep, fs := Fetch(context.Background(), request(t, "example", serve("example", rs, 4, nil, nil)))
	if z == nil {
		t.Fatal(show(fs))
	}
	_, _, n := z.Counts()
	if rep.Records != len(rs) || rep.Refused != 4 || rep.Duplicates != 1 || rep.Taken != n || n != len(rs)-5 {
		t.Errorf("%+v", rep)
	}
	var lines []int
	for _, f := range fs {
		if f.ID == "X-ZONE" {
			lines = append(lines, f.At.Line)
		}
		if f.Severity > finding.Warning {
			t.Error(f)
		}
	}
	base := len(rrs(t, sample))
	if want := []int{base + 2, base + 3, base + 5, base + 6}; !slices.Equal(lines, want) {
		t.Errorf("refused at %v, want %v:\n%s", lines, want, show(fs))
	}
	if !has(fs, "X-DUP") || !has(fs, "X-TTL") {
		t.Error(show(fs))
	}
}

// TestLimits: each limit alone, at its edge and one below.
func TestLimits(t *testing.T) {
	rs := rrs(t, sample)
	fetch := func(l Limits) (bool, Report, []finding.Finding) {
		q := request(t, "example", serve("example", rs, 1, nil, nil))
		q.Limits = l
		z, rep, fs := Fetch(context.Background(), q)
		return z != nil, rep, fs
	}
	_, whole, _ := fetch(Limits{})
	for name, set := range map[string]func(off int) Limits{
		"octets":   func(off int) Limits { return Limits{Octets: whole.Octets + off} },
		"records":  func(off int) Limits { return Limits{Records: whole.Records + off} },
		"messages": func(off int) Limits { return Limits{Messages: whole.Messages + off} },
	} {
		if ok, _, fs := fetch(set(0)); !ok {
			t.Errorf("%s: %s", name, show(fs))
		}
		if ok, _, fs := fetch(set(-1)); ok || !has(fs, "X-LIMIT") {
			t.Errorf("%s, one below: %v %s", name, ok, show(fs))
		}
	}
}
