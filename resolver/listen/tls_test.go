package listen

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

// authority issues certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	must(t, err)
	c, err = x509.ParseCertificate(der)
	must(t, err)
	return &authority{c, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a certificate; change may change its form.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate), names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names, Subject: pkix.Name{CommonName: "in-the-subject.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) credentials(t testing.TB) func() *Credentials {
	c := &Credentials{a.issue(t, nil, "ns.example"), a.pool()}
	return func() *Credentials { return c }
}

func (a *authority) dial(t testing.TB, to netip.AddrPort, change func(*tls.Config)) (*tls.Conn, error) {
	t.Helper()
	c := &tls.Config{RootCAs: a.pool(), ServerName: "ns.example", NextProtos: []string{"dot"}}
	if change != nil {
		change(c)
	}
	raw, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(to))
	must(t, err)
	t.Cleanup(func() { _ = raw.Close() })
	must(t, raw.SetDeadline(time.Now().Add(alive)))
	conn := tls.Client(raw, c)
	return conn, conn.Handshake()
}

// teller answers with what it is told of the peer.
var teller = handlerFunc(func(dst, _ []byte, from resolver.Peer) []byte { return append(dst, told(from.TLS)...) })

func told(c *resolver.Client) string {
	if c == nil {
		return "plain"
	}
	return fmt.Sprintf("dot %v certified %v names %q pin %.4x", c.Dot, c.Certified, c.Names, c.Pin)
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		s := start(t, addr, echo, Options{TLS: a.credentials(t)})
		c, err := a.dial(t, s.Addr(), nil)
		must(t, err)
		if v := c.ConnectionState(); v.Version != tls.VersionTLS13 || v.NegotiatedProtocol != "dot" {
			t.Errorf("%s: version %x, protocol %q", addr, v.Version, v.NegotiatedProtocol)
		}
		for _, length := range []int{12, 512, firstBuffer - 1, flushAt, 65534, 65535, 14} {
			q := query(uint16(length), length)
			_, err := c.Write(framed(q))
			must(t, err)
			wantFrame(t, c, answered(q))
		}
		// A client may close its side after its queries.
		q := query(9, 40)
		_, err = c.Write(framed(q, q))
		must(t, err)
		must(t, c.CloseWrite())
		wantFrame(t, c, answered(q))
		wantFrame(t, c, answered(q))
		if _, err := readFrame(c); err != io.EOF {
			t.Errorf("%s: %v after the last answer, want an orderly end", addr, err)
		}
		// There is no UDP on the port.
		u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr()))
		must(t, err)
		must(t, u.SetDeadline(time.Now().Add(alive)))
		_, err = u.Write(q)
		must(t, err)
		if _, err := u.Read(make([]byte, 10)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: UDP: %v, want that nothing listens", addr, err)
		}
		must(t, u.Close())
	}
}

// TestTLSClient: what the Handler is told of clients.
func TestTLSClient(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	pin := func(c tls.Certificate) string {
		p := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
		return fmt.Sprintf("%.4x", p)
	}
	good := a.issue(t, nil, "Secondary.example", "b.example")
	strange := other.issue(t, nil, "secondary.example")
	late := a.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "secondary.example")
	server := a.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }, "secondary.example")
	s := start(t, "127.0.0.1:0", teller, Options{TLS: a.credentials(t)})
	believesNone := func() *Credentials { return &Credentials{Certificate: a.issue(t, nil, "ns.example")} }
	none := start(t, "127.0.0.1:0", teller, Options{TLS: believesNone})
	for name, c := range map[string]struct {
		to   *Server
		cert *tls.Certificate
		dot  bool
		want string
	}{
		"no certificate":           {s, nil, true, "dot true certified false names [] pin 00000000"},
		"no token":                 {s, nil, false, "dot false certified false names [] pin 00000000"},
		"good":                     {s, &good, true, `dot true certified true names ["secondary.example" "b.example"] pin ` + pin(good)},
		"of another authority":     {s, &strange, true, "dot true certified true names [] pin " + pin(strange)},
		"late":                     {s, &late, true, "dot true certified true names [] pin " + pin(late)},
		"of a server":              {s, &server, true, "dot true certified true names [] pin " + pin(server)},
		"where no one is believed": {none, &good, true, "dot true certified true names [] pin " + pin(good)},
	} {
		t.Run(name, func(t *testing.T) {
			cache := tls.NewLRUClientSessionCache(4)
			for i := range 3 { // the second and third go on from the first
				conn, err := a.dial(t, c.to.Addr(), func(o *tls.Config) {
					o.ClientSessionCache = cache
					if c.cert != nil {
						o.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.cert, nil }
					}
					if !c.dot {
						o.NextProtos = nil
					}
				})
				must(t, err)
				_, err = conn.Write(framed([]byte("?")))
				must(t, err)
				wantFrame(t, conn, []byte(c.want))
				if i > 0 && !conn.ConnectionState().DidResume && name != "late" { // crypto/tls takes up no session of a late certificate
					t.Error("the session is not taken up again")
				}
				must(t, conn.Close())
			}
		})
	}
}

// TestTLSRefused: what is no TLS 1.3, or not for DNS, gets nowhere, and others are
// served meanwhile.
func TestTLSRefused(t *testing.T) {
	a := newAuthority(t)
	var asked atomic.Int64
	s := start(t, "127.0.0.1:0", handlerFunc(func(dst, msg []byte, from resolver.Peer) []byte {
		asked.Add(1)
		return echo(dst, msg, from)
	}), Options{TLS: a.credentials(t), Handshake: 100 * time.Millisecond})
	if _, err := a.dial(t, s.Addr(), func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	if _, err := a.dial(t, s.Addr(), func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }); err == nil {
		t.Error("HTTP is agreed to")
	}
	for name, octets := range map[string][]byte{
		"nothing": nil, "a question in plain": framed(query(1, 40)), "HTTP": []byte("GET / HTTP/1.1\r\n\r\n"),
		"half a hello": {0x16, 3, 1, 2, 0, 1}, "noise": make([]byte, 70000),
	} {
		c := dialTCP(t, s.Addr())
		_, _ = c.Write(octets)
		b, _ := io.ReadAll(c) // the end, or a reset; before it an alert at most
		if len(b) > 7 {
			t.Errorf("%s is answered with %d octets", name, len(b))
		}
	}
	// One octet now and then does not prolong the handshake.
	c := dialTCP(t, s.Addr())
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err := c.Write([]byte{0x16}); err != nil {
			break
		}
		if time.Since(begun) > alive {
			t.Fatal("the handshake goes on")
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d questions came through", n)
	}
	if n := s.Counts().Handshakes; n < 6 {
		t.Errorf("%d handshakes failed, want 6 or more", n)
	}
	good, err := a.dial(t, s.Addr(), nil)
	must(t, err)
	_, err = good.Write(framed(query(1, 40)))
	must(t, err)
	wantFrame(t, good, answered(query(1, 40)))
}

// TestTLSBounded: handshakes that do not end are ended for those that come.
func TestTLSBounded(t *testing.T) {
	a := newAuthority(t)
	s := start(t, "127.0.0.1:0", echo, Options{TLS: a.credentials(t), Conns: 4, Handshake: time.Hour, Idle: time.Hour})
	for range 20 {
		dialTCP(t, s.Addr())
	}
	c, err := a.dial(t, s.Addr(), nil)
	must(t, err)
	_, err = c.Write(framed(query(1, 40)))
	must(t, err)
	wantFrame(t, c, answered(query(1, 40)))
	if n := s.Counts(); n.Conns > 4 || n.Evicted < 16 {
		t.Errorf("%+v", n)
	}
}

// TestTLSNewCertificate: the next connection sees a new certificate and
// authority; the one there is goes on.
func TestTLSNewCertificate(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	var now atomic.Pointer[Credentials]
	now.Store(a.credentials(t)())
	s := start(t, "127.0.0.1:0", teller, Options{TLS: now.Load})
	cert := b.issue(t, nil, "new.example")
	mine := func(c *tls.Config) { c.Certificates = []tls.Certificate{cert} }
	old, err := a.dial(t, s.Addr(), mine)
	must(t, err)
	// An answer shows that the server has ended its part of the handshake, too.
	_, err = old.Write(framed([]byte("?")))
	must(t, err)
	_, err = readFrame(old)
	must(t, err)
	now.Store(b.credentials(t)())
	if _, err := a.dial(t, s.Addr(), mine); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("the old certificate is still shown: %v", err)
	}
	fresh, err := b.dial(t, s.Addr(), mine)
	must(t, err)
	for c, names := range map[*tls.Conn]string{old: "[]", fresh: `["new.example"]`} {
		_, err = c.Write(framed([]byte("?")))
		must(t, err)
		got, err := readFrame(c)
		must(t, err)
		if !strings.Contains(string(got), "names "+names) {
			t.Errorf("%s, want the names %s", got, names)
		}
	}
}

// TestTLSNeverRead: a peer that asks and does not read is ended, without what TLS
// says as a farewell.
func TestTLSNeverRead(t *testing.T) {
	a := newAuthority(t)
	big := handlerFunc(func(dst, _ []byte, _ resolver.Peer) []byte { return append(dst, make([]byte, 60000)...) })
	s := start(t, "127.0.0.1:0", big, Options{TLS: a.credentials(t), Write: 100 * time.Millisecond})
	c, err := a.dial(t, s.Addr(), nil)
	must(t, err)
	for range 1000 {
		if _, err := c.Write(framed(query(1, 12))); err != nil {
			break
		}
	}
	for begun := time.Now(); s.Counts().Conns > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > alive {
			t.Fatal("the connection lives on")
		}
	}
}

// TestTLSClose: Close ends handshakes under way and connections that wait.
func TestTLSClose(t *testing.T) {
	a := newAuthority(t)
	s, err := Open("127.0.0.1:0", echo, Options{TLS: a.credentials(t), Handshake: time.Hour, Idle: time.Hour})
	must(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Serve(); err != nil {
			t.Error(err)
		}
	})
	dialTCP(t, s.Addr()) // never says a word
	c, err := a.dial(t, s.Addr(), nil)
	must(t, err)
	_, err = c.Write(framed(query(1, 40)))
	must(t, err)
	wantFrame(t, c, answered(query(1, 40)))
	ctx, cancel := context.WithTimeout(context.Background(), alive)
	defer cancel()
	must(t, s.Close(ctx))
	all.Wait()
	if _, err := readFrame(c); err != io.EOF {
		t.Errorf("%v, want an orderly end", err)
	}
}

// TestTLSBindError: a port that is taken is explained as ever.
func TestTLSBindError(t *testing.T) {
	a := newAuthority(t)
	s := start(t, "127.0.0.1:0", echo, Options{})
	_, err := Open(s.Addr().String(), echo, Options{TLS: a.credentials(t)})
	if b, ok := errors.AsType[*BindError](err); !ok || b.Network != "tcp" || b.Mend == "" {
		t.Errorf("%v", err)
	}
}
