package main

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
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// authority issues certificates for one test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // PEM
}

// issued is a certificate in files.
type issued struct {
	cert, key string
	pin       transfer.Pin
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "an authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(t, a.cert)
	a.file = pemFile(t, a.dir+"/ca.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

// sign signs a certificate with a key of its own; the first signs itself.
func (a *authority) sign(t testing.TB, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, with := a.cert, a.key
	if with == nil {
		with = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}

func (a *authority) issue(t testing.TB, name string, lasts time.Duration) issued {
	t.Helper()
	c, key := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(lasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(a.dir, fmt.Sprintf("%s-%d", name, time.Now().UnixNano()))
	return issued{
		pemFile(t, base+".pem", "CERTIFICATE", c.Raw), pemFile(t, base+".key", "PRIVATE KEY", der), transfer.PinOf(c),
	}
}

func pemFile(t testing.TB, path, kind string, der []byte) string {
	return write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// tsigKey makes a TSIG key as tsig-keygen does, and gives its file and secret.
func tsigKey(t testing.TB, dir, name string) (file, secret string) {
	t.Helper()
	out, err := exec.Command(need(t, "tsig-keygen"), name).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(out), `secret "`)
	secret, _, _ = strings.Cut(rest, `"`)
	return write(t, filepath.Join(dir, name+".tsig"), string(out)), secret
}

// byTLS is a secondary over TLS.
type byTLS struct {
	addr    netip.AddrPort
	key     string // of TSIG: its name, its file, its secret
	keyFile string
	secret  string
	rule    string  // behind --secondary
	mine    *issued // the certificate that it shows
}

// bindTLS starts BIND as a secondary over TLS, by the lines of the guide.
func bindTLS(t testing.TB, s byTLS, primary netip.AddrPort, a *authority, host string) *peer {
	t.Helper()
	dir, show := t.TempDir(), ""
	if s.mine != nil {
		show = fmt.Sprintf(" cert-file %q; key-file %q;", s.mine.cert, s.mine.key)
	}
	conf := fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; empty-zones-enable no; notify no;
};
controls { };
`, dir, dir+"/pid", dir+"/session.key", dir, s.addr.Port()) + instead(t, guide(t, "named.conf tls"),
		"/etc/bind/hopnhat.key", s.keyFile, "/etc/bind/authority.pem", a.file, `"ns1.example.vn";`, fmt.Sprintf("%q;%s", host, show),
		"192.0.2.53 port 853", fmt.Sprintf("%v port %d", primary.Addr(), primary.Port()), "key ns2.example.vn", "key "+s.key)
	return start(t, "BIND", s.addr, nil, need(t, "named"), "-g", "-n", "1", "-c", write(t, dir+"/named.conf", conf))
}

// nsdTLS starts NSD as a secondary over TLS, by the lines of the guide.
func nsdTLS(t testing.TB, s byTLS, primary netip.AddrPort, a *authority, host string) *peer {
	t.Helper()
	dir := t.TempDir()
	conf := instead(t, guide(t, "nsd.conf tls"), "/etc/nsd/authority.pem", a.file, "SECRET", s.secret, "ns1.example.vn", host,
		"/etc/nsd/ns4.pem", s.mine.cert, "/etc/nsd/ns4.key", s.mine.key, "192.0.2.53@853", fmt.Sprintf("%v@%d", primary.Addr(), primary.Port()),
		"allow-notify: 192.0.2.53", "allow-notify: 127.0.0.1", "name: ns4.example.vn", "name: "+s.key, " ns4.example.vn", " "+s.key)
	conf = instead(t, conf, "server:\n", fmt.Sprintf(`server:
    ip-address: %v@%d
    username: ""
    chroot: ""
    zonesdir: %q
    database: ""
    pidfile: %q
    xfrdfile: %q
    xfrdir: %q
    zonelistfile: %q
    cookie-secret-file: %q
    server-count: 1
`, s.addr.Addr(), s.addr.Port(), dir, dir+"/pid", dir+"/xfrd", dir, dir+"/zone.list", dir+"/cookies")) + "remote-control:\n    control-enable: no\n"
	return start(t, "NSD", s.addr, nil, need(t, "nsd"), "-d", "-V", "1", "-c", write(t, dir+"/nsd.conf", conf))
}

// TestTransferOverTLS: BIND and NSD follow over TLS, with a certificate of their
// own and without; each change reaches them. Nobody has the zone who comes in
// plain, without the certificate, or with another's. A new certificate of ours
// is shown after SIGHUP, a damaged one is not.
func TestTransferOverTLS(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	a, dir := newAuthority(t), t.TempDir()
	first, second := a.issue(t, "ns.example.vn", time.Hour), a.issue(t, "ns.example.vn", year)
	cert, key := filepath.Join(dir, "ns.pem"), filepath.Join(dir, "ns.key")
	show := func(c issued) {
		for to, from := range map[string]string{cert: c.cert, key: c.key} {
			b, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			write(t, to, string(b))
		}
	}
	show(first)
	strange := newAuthority(t).issue(t, "ns5.example.vn", year)
	ns3, ns4 := a.issue(t, "ns3.example.vn", year), a.issue(t, "ns4.example.vn", year)
	secondaries := []byTLS{
		{rule: "tls"},
		{rule: "tls,client=ns3.example.vn", mine: &ns3},
		{rule: "client=ns4.example.vn", mine: &ns4},
		{rule: "pin=" + strange.pin.String(), mine: &strange},
	}
	file := filepath.Join(dir, "example.vn.zone")
	write(t, file, fmt.Sprintf(smallZone, 1, "192.0.2.1"))
	plain, over := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	args := []string{
		"serve", "--listen", plain.String(), "--listen-tls", over.String(), "--tls-certificate", cert, "--tls-key", key, "--tls-clients", a.file,
		"--state", filepath.Join(dir, "var"), "--zone", "example.vn=" + file,
	}
	for i := range secondaries {
		s := &secondaries[i]
		s.addr, s.key = freePort(t, "127.0.0.1"), fmt.Sprintf("ns%d.key.example.vn", i+2)
		s.keyFile, s.secret = tsigKey(t, dir, s.key)
		args = append(args, "--key", s.keyFile, "--secondary", s.addr.String()+"="+s.key+","+s.rule)
	}
	ours := start(t, "hopnhat", plain, []zoneFile{{"example.vn", file}}, hopnhat(t), args...)
	peers := map[string]*peer{
		"BIND, strict": bindTLS(t, secondaries[0], over, a, "ns.example.vn"),
		"BIND, mutual": bindTLS(t, secondaries[1], over, a, "ns.example.vn"),
		"NSD, mutual":  nsdTLS(t, secondaries[2], over, a, "ns.example.vn"),
		"NSD, pinned":  nsdTLS(t, secondaries[3], over, a, "ns.example.vn"),
	}
	edits := 1
	reach := func() {
		t.Helper()
		for name, p := range peers {
			eventually(t, p, fmt.Sprintf("edit %d at %s", edits, name), func() bool { return p.serial() == uint32(edits) && p.www() == fmt.Sprintf("192.0.2.%d", edits) })
		}
	}
	edit := func() {
		edits++
		write(t, file, fmt.Sprintf(smallZone, edits, fmt.Sprintf("192.0.2.%d", edits)))
		ours.hup(t)
	}
	reach()
	for range 5 {
		edit()
		reach()
	}

	// A server that is not the one named is asked for nothing.
	wrong := secondaries[0]
	wrong.addr = freePort(t, "127.0.0.1")
	b := bindTLS(t, wrong, over, a, "other.example.vn")
	eventually(t, b, "BIND refuses another's certificate", func() bool { return strings.Contains(b.log.String(), "peer certificate verification failed") })

	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	pair := func(c *issued) *tls.Certificate {
		if c == nil {
			return nil
		}
		p, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			t.Fatal(err)
		}
		return &p
	}
	id := zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}
	for i, s := range secondaries {
		text, err := os.ReadFile(s.keyFile)
		if err != nil {
			t.Fatal(err)
		}
		keys, _ := transfer.ParseKeyFile(s.keyFile, string(text))
		for name, q := range map[string]transfer.Request{
			"in plain":                       {Server: plain},
			"over TLS without a certificate": {Server: over, TLS: &transfer.TLS{Name: "ns.example.vn", Roots: pool}},
			"with the next one's":            {Server: over, TLS: &transfer.TLS{Name: "ns.example.vn", Roots: pool, Certificate: pair(secondaries[(i+1)%4].mine)}},
			"with its own":                   {Server: over, TLS: &transfer.TLS{Name: "ns.example.vn", Roots: pool, Certificate: pair(s.mine)}},
		} {
			q.Zone, q.Key = id, &keys[0]
			z, _, fs := transfer.Fetch(context.Background(), q)
			may := name == "with its own" || i == 0 && name != "in plain"
			if (z != nil) != may || !may && fs[0].ID != "X-REFUSED" {
				t.Errorf("%s, %s: %v %v", s.rule, name, z != nil, fs)
			}
		}
	}

	// Plain questions are answered over TLS too (RFC 7858).
	c := dns.Client{Net: "tcp-tls", Timeout: patience, TLSConfig: &tls.Config{RootCAs: pool, ServerName: "ns.example.vn"}}
	ends := func() time.Time {
		t.Helper()
		conn, err := c.Dial(over.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		m, _, err := c.ExchangeWithConn(new(dns.Msg).SetQuestion("www.example.vn.", dns.TypeA), conn)
		if err != nil || len(m.Answer) != 1 {
			t.Fatal(err)
		}
		return conn.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter
	}
	if left := time.Until(ends()); left > 2*time.Hour || !strings.Contains(ours.log.String(), cert+" ends ") {
		t.Errorf("it ends in %v, and that is not said:\n%s", left, ours.log)
	}
	show(second)
	edit()
	reach()
	if left := time.Until(ends()); left < 24*time.Hour {
		t.Errorf("the certificate before is shown still, with %v left", left)
	}
	write(t, cert, "damaged")
	edit()
	reach()
	if left := time.Until(ends()); left < 24*time.Hour || !strings.Contains(ours.log.String(), "is still shown") {
		t.Errorf("%v left:\n%s", left, ours.log)
	}
}
