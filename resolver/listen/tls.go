package listen

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"

	"gialai.gov.vn/hopnhat/resolver"
)

// dot is the token of DNS over TLS (ALPN, RFC 7858 as RFC 9103 7.1 uses it).
const dot = "dot"

// Credentials are what a listener over TLS shows, and whom it believes. They are
// not changed.
type Credentials struct {
	Certificate tls.Certificate
	Clients     *x509.CertPool // the authorities of clients' certificates; nil: none is believed
}

// config is how TLS is spoken here: 1.3 and no older (RFC 9103 7.1). A client is
// asked for a certificate and need not have one: what it may do without is
// the Handler's matter.
func config(o Options) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{dot},
		ClientAuth: tls.RequestClientCert,
		Time:       o.Now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c := o.TLS().Certificate
			return &c, nil
		},
	}
}

// secure agrees on TLS with a peer, in bounded time.
func (s *Server) secure(c net.Conn) (*tls.Conn, error) {
	if err := c.SetDeadline(s.options.Now().Add(s.options.Handshake)); err != nil {
		return nil, err
	}
	if s.isStopping() { // Close may have set its deadline before ours, as in run
		return nil, ErrClosed
	}
	t := tls.Server(c, s.secrets)
	return t, t.Handshake()
}

// client says what the handshake told of the peer. A certificate is looked at
// again at every connection, one that goes on from an earlier session too.
func (s *Server) client(t *tls.Conn) *resolver.Client {
	state := t.ConnectionState()
	out := &resolver.Client{Dot: state.NegotiatedProtocol == dot}
	if len(state.PeerCertificates) == 0 {
		return out
	}
	leaf := state.PeerCertificates[0]
	out.Certified = true
	out.Pin = sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	roots := s.options.TLS().Clients
	if roots == nil {
		return out
	}
	o := x509.VerifyOptions{
		Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: s.options.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, c := range state.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(o); err != nil {
		return out
	}
	for _, n := range leaf.DNSNames {
		out.Names = append(out.Names, strings.ToLower(strings.TrimSuffix(n, ".")))
	}
	return out
}
