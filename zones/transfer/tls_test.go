package transfer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// authority issues certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	if err == nil {
		der, err = x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	}
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) issue(t testing.TB, until time.Time, names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	var der []byte
	if err == nil {
		der, err = x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	}
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: c}
}

func pemFile(t testing.TB, path, kind string, der []byte) string {
	return write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

func keyFile(t testing.TB, path string, c *tls.Certificate) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, path, "PRIVATE KEY", der)
}

// TestRuleTLS: a rule that asks for TLS, a name or a pin lets nobody have a zone
// that came otherwise; one that does not, lets both.
func TestRuleTLS(t *testing.T) {
	z := toZone(t, "example.", rrs(t, "@ 300 IN SOA ns host 1 7200 900 1209600 300\n@ 300 IN NS ns\nns 300 IN A 192.0.2.1\n"))
	var pin, other Pin
	pin[0], other[0] = 1, 2
	by := func(names []string, p Pin) Asker { return Asker{Addr: asker.Addr, TLS: true, Names: names, Pin: p} }
	askers := map[string]Asker{
		"plain": asker, "tls": by(nil, Pin{}), "known": by([]string{"x.example", "two.example"}, pin),
		"pinned": by(nil, pin), "strange": by([]string{"three.example"}, other),
		"elsewhere": {Addr: netip.MustParseAddr("192.0.2.8"), TLS: true, Names: []string{"two.example"}, Pin: pin},
	}
	for name, c := range map[string]struct {
		rule Rule
		let  string // who may
	}{
		"none":     {Rule{}, "plain tls known pinned strange"},
		"TLS":      {Rule{TLS: true}, "tls known pinned strange"},
		"name":     {Rule{Client: "two.example"}, "known"},
		"pin":      {Rule{Pin: pin}, "known pinned"},
		"both":     {Rule{TLS: true, Client: "two.example", Pin: pin}, "known"},
		"contrary": {Rule{Client: "two.example", Pin: other}, ""},
	} {
		s := serverOf(Version{Zone: z}, nil)
		c.rule.From = s.Rules[0].From
		s.Rules[0] = c.rule
		for who, a := range askers {
			msg, _ := ask(t, new(dns.Msg).SetAxfr("example."), nil, start)
			var m dns.Msg
			for b := range s.Stream(msg, a) {
				if err := m.Unpack(b); err != nil {
					t.Fatal(err)
				}
			}
			want := dns.RcodeRefused
			if strings.Contains(" "+c.let+" ", " "+who+" ") {
				want = dns.RcodeSuccess
			}
			if m.Rcode != want || (len(m.Answer) == 4) != (want == dns.RcodeSuccess) {
				t.Errorf("rule %s, asker %s: %s with %d records, want %s", name, who, dns.RcodeToString[m.Rcode], len(m.Answer), dns.RcodeToString[want])
			}
		}
	}
}

func TestPin(t *testing.T) {
	c := newAuthority(t).issue(t, time.Now().Add(time.Hour), "ns.example")
	p := PinOf(c.Leaf)
	for _, s := range []string{p.String(), "sha256/" + p.String()} {
		if got, err := ParsePin(s); err != nil || got != p || got.IsZero() {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "sha256/", p.String()[1:], p.String() + "AAAA", "not Base64 at all, for sure it is not, no ="} {
		if _, err := ParsePin(s); err == nil || !strings.Contains(err.Error(), "44 characters") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestPinByOpenSSL: the pin is as RFC 7858 A and every manual makes it.
func TestPinByOpenSSL(t *testing.T) {
	c := newAuthority(t).issue(t, time.Now().Add(time.Hour), "ns.example")
	file := pemFile(t, t.TempDir()+"/cert.pem", "CERTIFICATE", c.Certificate[0])
	ssl := need(t, "openssl")
	out, err := exec.Command("sh", "-c", fmt.Sprintf("%[1]s x509 -in %[2]s -pubkey -noout | %[1]s pkey -pubin -outform der | %[1]s dgst -sha256 -binary | %[1]s base64", ssl, file)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != PinOf(c.Leaf).String() {
		t.Errorf("openssl says %s, PinOf %v", got, PinOf(c.Leaf))
	}
}

// secured serves a zone over TLS for one test, as conf says.
func secured(t *testing.T, z *zones.Zone, soa dns.RR, conf *tls.Config) netip.AddrPort {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", conf)
	if err != nil {
		t.Fatal(err)
	}
	s := serverOf(Version{Zone: z}, nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			for buf := make([]byte, maxMsg); ; {
				b, err := readFrame(c, buf)
				if err != nil {
					break
				}
				if seq := s.Stream(b, asker); seq != nil {
					for m := range seq {
						_, _ = c.Write(frame(m))
					}
					continue
				}
				var m dns.Msg
				if err := m.Unpack(b); err != nil {
					break
				}
				r := new(dns.Msg).SetReply(&m)
				r.Answer = []dns.RR{soa}
				out, _ := r.Pack()
				_, _ = c.Write(frame(out))
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// TestFetchTLS: nothing is asked of a server that is not shown to be the right
// one, and the finding says why.
func TestFetchTLS(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	rs := rrs(t, "@ 300 IN SOA ns host 1 7200 900 1209600 300\n@ 300 IN NS ns\nns 300 IN A 192.0.2.1\n")
	z := toZone(t, "example.", rs)
	soon := time.Now().Add(time.Hour)
	good, late := a.issue(t, soon, "ns.example"), a.issue(t, time.Now().Add(-time.Hour), "ns.example")
	mine := a.issue(t, soon, "secondary.example")
	conf := func(c *tls.Certificate, change func(*tls.Config)) *tls.Config {
		o := &tls.Config{Certificates: []tls.Certificate{*c}, NextProtos: []string{"dot"}}
		if change != nil {
			change(o)
		}
		return o
	}
	mutual := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.pool() }
	name := TLS{Name: "ns.example", Roots: a.pool()}
	for what, c := range map[string]struct {
		conf  *tls.Config
		ask   TLS
		id    string // "" where the zone comes
		words string
	}{
		"name":               {conf(good, nil), name, "", ""},
		"pin":                {conf(good, nil), TLS{Pins: []Pin{{1}, PinOf(good.Leaf)}}, "", ""},
		"pin, late":          {conf(late, nil), TLS{Pins: []Pin{PinOf(late.Leaf)}}, "", ""},
		"name and pin":       {conf(good, nil), TLS{Name: "ns.example", Roots: a.pool(), Pins: []Pin{PinOf(good.Leaf)}}, "", ""},
		"mutual":             {conf(good, mutual), TLS{Name: "ns.example", Roots: a.pool(), Certificate: mine}, "", ""},
		"nothing to hold to": {conf(good, nil), TLS{Roots: a.pool()}, "X-CONNECT", "no name and no pin"},
		"another name":       {conf(good, nil), TLS{Name: "ns2.example", Roots: a.pool()}, "X-TLS", "common name does not count"},
		"another authority":  {conf(good, nil), TLS{Name: "ns.example", Roots: other.pool()}, "X-TLS", "file of the authority"},
		"late":               {conf(late, nil), name, "X-TLS", "renew"},
		"another pin":        {conf(good, nil), TLS{Pins: []Pin{{1}}}, "X-TLS", "not expected"},
		"name, not the pin":  {conf(good, nil), TLS{Name: "ns.example", Roots: a.pool(), Pins: []Pin{{1}}}, "X-TLS", "not expected"},
		"TLS 1.2":            {conf(good, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), name, "X-TLS", "protocol version"},
		"no token":           {conf(good, func(c *tls.Config) { c.NextProtos = nil }), name, "X-TLS", "RFC 9103 7.1"},
		"HTTP's token":       {conf(good, func(c *tls.Config) { c.NextProtos = []string{"h2"} }), name, "X-TLS", "no application protocol"},
		"mutual, without":    {conf(good, mutual), name, "X-TLS", "certificate of ours"},
		"mutual, strange":    {conf(good, mutual), TLS{Name: "ns.example", Roots: a.pool(), Certificate: other.issue(t, soon, "secondary.example")}, "X-TLS", "accept our certificate"},
	} {
		t.Run(what, func(t *testing.T) {
			q := Request{Server: secured(t, z, rs[0], c.conf), Zone: internet("example."), TLS: &c.ask}
			got, _, fs := Fetch(context.Background(), q)
			if c.id == "" {
				if got == nil || !got.Equal(z) || len(fs) > 0 {
					t.Fatalf("%v\n%s", got, show(fs))
				}
				if out, fs := Refresh(context.Background(), q, z); out.How != Current || len(fs) > 0 {
					t.Errorf("%v\n%s", out.How, show(fs))
				}
				return
			}
			if got != nil || len(fs) != 1 || fs[0].ID != c.id || !strings.Contains(fs[0].String(), c.words) {
				t.Errorf("want %s with %q:\n%s", c.id, c.words, show(fs))
			}
			if out, fs := Refresh(context.Background(), q, z); out.How != Failed || len(fs) != 1 || fs[0].ID != c.id {
				t.Errorf("%v\n%s", out.How, show(fs))
			}
		})
	}
	// What speaks no TLS, and what says nothing.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	q := Request{Server: l.Addr().(*net.TCPAddr).AddrPort(), Zone: internet("example."), TLS: &name, Timeouts: Timeouts{Connect: 200 * time.Millisecond}}
	if _, _, fs := Fetch(context.Background(), q); len(fs) != 1 || fs[0].ID != "X-TIMEOUT" {
		t.Errorf("silence: %s", show(fs))
	}
	q.Timeouts = Timeouts{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 mail.example ESMTP\r\n"))
			_, _ = io.ReadAll(c)
			_ = c.Close()
		}
	}()
	if _, _, fs := Fetch(context.Background(), q); len(fs) != 1 || fs[0].ID != "X-TLS" || !strings.Contains(fs[0].Mend, "853") {
		t.Errorf("mail: %s", show(fs))
	}
}

// TestTLSFrom: a real primary, whose zone comes over TLS: whole, and by what
// changed; with a certificate of ours where it wants one, and not without.
func TestTLSFrom(t *testing.T) {
	key, a, dir := testKey(t), newAuthority(t), t.TempDir()
	cert := a.issue(t, time.Now().Add(time.Hour), "ns.example")
	mine := a.issue(t, time.Now().Add(time.Hour), "secondary.example")
	ca := pemFile(t, dir+"/ca.pem", "CERTIFICATE", a.cert.Raw)
	strict, mutual := freePort(t), freePort(t)
	p := bind(t, "big.example", key, fmt.Sprintf(`tls strict { cert-file %[1]q; key-file %[2]q; };
tls mutual { cert-file %[1]q; key-file %[2]q; ca-file %[3]q; };
zone big.example { type primary; file %[4]q; allow-transfer transport tls { key %[5]q; }; allow-update { key %[5]q; }; };
`, pemFile(t, dir+"/cert.pem", "CERTIFICATE", cert.Certificate[0]), keyFile(t, dir+"/key.pem", cert), ca, large(t, dir, "big.example", 3000), key.Name.Text()),
		fmt.Sprintf("listen-on port %d tls strict { 127.0.0.1; }; listen-on port %d tls mutual { 127.0.0.1; };", strict, mutual))
	loopback := netip.MustParseAddr("127.0.0.1")
	over := func(port uint16, o *TLS) Request {
		return Request{Server: netip.AddrPortFrom(loopback, port), Zone: internet("big.example"), Key: key, TLS: o}
	}
	if z, _, fs := Fetch(context.Background(), over(p.v4.Port(), nil)); z != nil {
		t.Fatalf("in plain: %s", show(fs))
	}
	asStrict := &TLS{Name: "ns.example", Roots: a.pool()}
	asMutual := &TLS{Name: "ns.example", Roots: a.pool(), Certificate: mine}
	for name, q := range map[string]Request{"strict": over(strict, asStrict), "mutual": over(mutual, asMutual)} {
		out, fs := Refresh(context.Background(), q, nil)
		if out.How != Whole || len(fs) > 0 {
			t.Fatalf("%s: %v\n%s", name, out.How, show(fs))
		}
		z := out.Zone
		updates(t, p, key, "big.example", []string{"add " + name + ".big.example. 60 A 192.0.2.1"})
		out, fs = Refresh(context.Background(), q, z)
		if out.How != Stepped || len(fs) > 0 {
			t.Fatalf("%s: %v\n%s", name, out.How, show(fs))
		}
		if _, ok := out.Zone.Lookup(zones.MustName(name+".big.example."), zones.TypeA); !ok {
			t.Errorf("%s: what was added is not there", name)
		}
	}
	if z, _, fs := Fetch(context.Background(), over(mutual, asStrict)); z != nil || !strings.Contains(fs[0].Mend, "certificate of ours") {
		t.Errorf("without a certificate: %s", show(fs))
	}
	if z, _, fs := Fetch(context.Background(), over(strict, &TLS{Name: "ns2.example", Roots: a.pool()})); z != nil || fs[0].ID != "X-TLS" {
		t.Errorf("another name: %s", show(fs))
	}
}
