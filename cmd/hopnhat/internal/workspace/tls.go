package workspace

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// TLS names the files of one side of TLS. They are PEM, absolute or inside the
// workspace.
type TLS struct {
	Certificate string // with those that lead to its authority behind it
	Key         string
	Authorities string // whose certificates of the other side are believed; "": none
	At          zones.Place
}

// pathTo reads the path of a file, absolute or in the workspace.
func (d *decoder) pathTo(to *string, what string) func(*node) {
	return func(n *node) { *to = read(d, n, "W-PATH", what, parseState) }
}

// listenerTLS reads what a listener shows, and whom it believes.
func (d *decoder) listenerTLS(n *node) *TLS {
	t := &TLS{At: d.at(n)}
	d.fields(n, "tls",
		must("certificate", d.pathTo(&t.Certificate, "the file of a certificate")),
		must("key", d.pathTo(&t.Key, "the file of a certificate's key")),
		may("clients", d.pathTo(&t.Authorities, "a file of authorities")))
	return t
}

// checkTLS reports secondaries that can never have a zone: no listener speaks as
// they must ask.
func (d *decoder) checkTLS(c Config) {
	if len(c.Listeners) == 0 {
		return // they are given on the command line
	}
	for _, s := range c.Secondaries {
		spoken, believed := false, false
		for _, l := range c.Listeners {
			if l.TLS != nil && l.View == s.View {
				spoken = true
				believed = believed || l.TLS.Authorities != ""
			}
		}
		switch {
		case !spoken && s.needsTLS():
			d.add(d.finding("W-VALUE", s.At.Line, s.At.Column, "the secondary "+s.Name+" must come over TLS, and no listener of the view "+string(s.View)+" speaks it",
				`add one such as {address: "192.0.2.53:853", tls: {certificate: tls/cert.pem, key: tls/key.pem}}`))
		case !believed && s.Client != "":
			d.add(d.finding("W-VALUE", s.At.Line, s.At.Column, "the secondary "+s.Name+" must show a certificate for "+s.Client+", and no listener believes one",
				"name the authorities of clients, as clients: FILE under the listener's tls:; or pin the certificate with pin:"))
		}
	}
}

// In makes the paths absolute or relative to here, from those in a workspace.
func (t TLS) In(root string) TLS {
	for _, p := range []*string{&t.Certificate, &t.Key, &t.Authorities} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(root, filepath.FromSlash(*p))
		}
	}
	return t
}

// Load reads the certificate, and the authorities where there are any.
func (t TLS) Load() (tls.Certificate, *x509.CertPool, error) {
	c, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return c, nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", t.Certificate, t.Key, err)
	}
	if t.Authorities == "" {
		return c, nil, nil
	}
	pool, err := LoadAuthorities(t.Authorities)
	return c, pool, err
}

// LoadAuthorities reads a file of certificates of authorities.
func LoadAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate: write those of the authorities there, in PEM", file)
	}
	return pool, nil
}

// ParseClient reads the DNS name of a certificate.
func ParseClient(s string) (string, error) {
	n, err := zones.ParseName(s)
	if err != nil || n.IsRoot() || n.IsWildcard() {
		return "", &slip{quote(s) + " is no name that a certificate bears", "write its DNS name, such as ns2.example.vn; a common name does not count"}
	}
	return strings.ToLower(n.Text()), nil
}

func parsePin(s string) (transfer.Pin, error) {
	p, err := transfer.ParsePin(s)
	if err != nil {
		return p, &slip{quote(s) + " is no pin", "write the Base64 of the SHA-256 of the certificate's public key, 44 characters that end in ="}
	}
	return p, nil
}
