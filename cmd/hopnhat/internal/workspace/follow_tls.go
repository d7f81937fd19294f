package workspace

import (
	"crypto/tls"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// FollowTLS says how the primaries of a zone are asked over TLS (RFC 9103):
// strictly, so what their certificate must be is said by Name, by Pins, or both.
type FollowTLS struct {
	Name  string         // DNS name that it bears, from an authority of Files, else of the system
	Pins  []transfer.Pin // one of which it has
	Files TLS            // our own certificate where they ask for one, and the authorities
}

// Same tells whether two say the same; each may be nil.
func (t *FollowTLS) Same(o *FollowTLS) bool {
	if t == nil || o == nil {
		return t == o
	}
	a, b := t.Files, o.Files
	a.At, b.At = zones.Place{}, zones.Place{}
	return t.Name == o.Name && slices.Equal(t.Pins, o.Pins) && a == b
}

// Check tells what is missing; nil where nothing is.
func (t *FollowTLS) Check() error {
	switch {
	case t.Name == "" && len(t.Pins) == 0:
		return &slip{"nothing says which certificate the primary has", "write the name that it bears, or its pin: over TLS without either anybody can answer"}
	case (t.Files.Certificate == "") != (t.Files.Key == ""):
		return &slip{"a certificate without its key, or a key without its certificate", "name both files, or none"}
	}
	return nil
}

// Load reads the files: each time anew, so that a renewed certificate counts.
func (t *FollowTLS) Load() (*transfer.TLS, error) {
	out := &transfer.TLS{Name: t.Name, Pins: t.Pins}
	var err error
	if t.Files.Authorities != "" {
		if out.Roots, err = LoadAuthorities(t.Files.Authorities); err != nil {
			return nil, err
		}
	}
	if t.Files.Certificate != "" {
		c, err := tls.LoadX509KeyPair(t.Files.Certificate, t.Files.Key)
		if err != nil {
			return nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", t.Files.Certificate, t.Files.Key, err)
		}
		out.Certificate = &c
	}
	return out, nil
}

func (d *decoder) followTLS(n *node) *FollowTLS {
	t := &FollowTLS{Files: TLS{At: d.at(n)}}
	d.fields(n, "tls",
		may("name", func(n *node) { t.Name = read(d, n, "W-VALUE", "a certificate's name", ParseClient) }),
		may("pin", func(n *node) {
			d.listOrOne(n, "pin", func(n *node) { t.Pins = append(t.Pins, read(d, n, "W-VALUE", "a pin", parsePin)) })
		}),
		may("authorities", d.pathTo(&t.Files.Authorities, "a file of authorities")),
		may("certificate", d.pathTo(&t.Files.Certificate, "the file of a certificate")),
		may("key", d.pathTo(&t.Files.Key, "the file of a certificate's key")))
	if err, ok := t.Check().(*slip); ok && !d.failed() {
		d.fail("W-VALUE", n, err.found, err.mend)
	}
	return t
}

// Follows are the zones that come from elsewhere, with the paths of their files
// absolute or relative to here.
func (w *Workspace) Follows() []Follow {
	out := slices.Clone(w.Config.Follows)
	for i, f := range out {
		if f.TLS != nil {
			t := *f.TLS
			t.Files = t.Files.In(w.Root)
			out[i].TLS = &t
		}
	}
	return out
}
