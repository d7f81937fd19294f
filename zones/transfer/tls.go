package transfer

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Pin is the SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7858 4.2). The
// zero Pin is none.
type Pin [sha256.Size]byte

// IsZero tells whether there is no pin.
func (p Pin) IsZero() bool { return p == Pin{} }

func (p Pin) String() string { return base64.StdEncoding.EncodeToString(p[:]) }

// ParsePin reads a pin as RFC 7858 A writes it, in Base64.
func ParsePin(s string) (Pin, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "sha256/"))
	if err != nil || len(b) != sha256.Size {
		return Pin{}, fmt.Errorf("%q is no pin: write the Base64 of a SHA-256, 44 characters that end in =", s)
	}
	return Pin(b), nil
}

// PinOf is the pin of a certificate.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// TLS says how a server is asked over TLS (RFC 9103): strictly, so Name or Pins
// is needed. It is not changed.
type TLS struct {
	Name        string         // that the server's certificate must bear, from an authority of Roots
	Roots       *x509.CertPool // nil: those of the system
	Pins        []Pin          // one of which the server's certificate must have; without Name that alone counts
	Certificate *tls.Certificate
}

func (t *TLS) strict() bool { return t.Name != "" || len(t.Pins) > 0 }

// config is how TLS is spoken: 1.3 and no older (RFC 9103 7.1).
func (t *TLS) config(now func() time.Time) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"dot"},
		ServerName: t.Name,
		RootCAs:    t.Roots,
		Time:       now,
		// Without a name the pin alone says who is right; VerifyConnection holds it.
		InsecureSkipVerify: t.Name == "",
		VerifyConnection: func(s tls.ConnectionState) error {
			if p := PinOf(s.PeerCertificates[0]); len(t.Pins) > 0 && !slices.Contains(t.Pins, p) {
				return fmt.Errorf("the server's certificate has the pin %v, which is not expected", p)
			}
			return nil
		},
	}
	if t.Certificate != nil {
		// Given whomever the server names as authorities: it may ask for a pin alone.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.Certificate, nil }
	}
	return c
}

// tlsError is why there is no TLS.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return "no TLS with the server: " + e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// agree makes TLS of a connection, which is closed with an error.
func (t *TLS) agree(ctx context.Context, conn net.Conn, now func() time.Time) (net.Conn, error) {
	c := tls.Client(conn, t.config(now))
	err := c.HandshakeContext(ctx)
	if err == nil && c.ConnectionState().NegotiatedProtocol != "dot" {
		err = errNoDot
	}
	if err != nil {
		_ = conn.Close()
		if isTimeout(err) || ctx.Err() != nil {
			return nil, err
		}
		return nil, &tlsError{err}
	}
	return c, nil
}

var errNoDot = errors.New(`the server does not say that it speaks DNS (ALPN "dot", RFC 9103 7.1)`)

// isAlert tells whether the other side of TLS ended it with a reason.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// mend says what to do about an error of TLS.
func (t *TLS) mend(err error) string {
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "name the file of the authority that gave the server its certificate"
	case errors.As(err, new(x509.HostnameError)):
		return "write the name that the server's certificate bears; a common name does not count"
	case errors.As(err, new(x509.CertificateInvalidError)):
		return "renew the server's certificate, or set this machine's clock"
	case errors.As(err, new(tls.RecordHeaderError)):
		return "nothing there speaks TLS: its port is 853 as a rule"
	case errors.Is(err, errNoDot):
		return "look at what answers there"
	case isAlert(err) && t.Certificate == nil:
		return "the server may want a certificate of ours: name one with its key"
	case isAlert(err):
		return "let the server accept our certificate: its authority, its name, its dates"
	}
	return "look at the server's certificate, its name and its pin"
}
