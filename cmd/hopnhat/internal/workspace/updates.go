package workspace

import (
	"errors"
	"net/netip"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// Updates are changes that an asker may make (RFC 2136).
type Updates struct {
	View zones.View
	transfer.UpdateRule
	From []netip.Prefix // empty: from wherever, signed
	At   zones.Place
}

// Rules are what they come to.
func (u Updates) Rules() (out []transfer.UpdateRule) {
	from := u.From
	if len(from) == 0 {
		from = Anywhere()
	}
	for _, p := range from {
		r := u.UpdateRule
		r.From = p
		out = append(out, r)
	}
	return out
}

// Anywhere are the prefixes that hold every address.
func Anywhere() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

func (d *decoder) updates(n *node) Updates {
	u := Updates{View: zones.Internet, At: d.at(n)}
	d.fields(n, "a rule for updates",
		may("key", func(n *node) { u.Key = d.name(n, "a key's name") }),
		may("from", func(n *node) {
			d.listOrOne(n, "from", func(n *node) { u.From = append(u.From, read(d, n, "W-VALUE", "a network", parseNetwork)) })
		}),
		may("view", func(n *node) { u.View = d.view(n) }),
		may("zones", func(n *node) {
			d.listOrOne(n, "zones", func(n *node) { u.Zones = append(u.Zones, d.name(n, "a zone")) })
		}),
		must("names", func(n *node) {
			d.listOrOne(n, "names", func(n *node) { u.Names = append(u.Names, read(d, n, "W-NAME", "a name", ParsePattern)) })
		}),
		may("types", func(n *node) {
			d.listOrOne(n, "types", func(n *node) { u.Types = append(u.Types, d.typ(n)) })
		}))
	if u.Key.IsZero() && len(u.From) == 0 {
		d.fail("W-VALUE", n, "anybody could change these names", "name a key, or the networks that may change them unsigned (from)")
	}
	return u
}

// ParsePattern reads the names that a rule for updates speaks of.
func ParsePattern(s string) (transfer.NamePattern, error) {
	p, err := transfer.ParseNamePattern(s)
	switch {
	case errors.Is(err, transfer.ErrTwoStars):
		return p, &slip{quote(s) + " has two stars", "one stands for any number of labels: write two patterns"}
	case err != nil:
		return p, &slip{quote(s) + " is no name: " + err.Error(), `write such as www.gialai.gov.vn, "*.lan.gialai.gov.vn" or "_acme-challenge.*.gialai.gov.vn"`}
	}
	return p, nil
}
