package workspace

import (
	"fmt"
	"net/netip"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// Follow is a zone that this server has from others, as their secondary.
type Follow struct {
	ID        zones.ID
	Primaries []netip.AddrPort // in the order in which they are asked
	Key       zones.Name       // that questions are signed with; the zero Name: unsigned
	TLS       *FollowTLS       // nil: they are asked over UDP and TCP
	Catalog   bool             // a catalog (RFC 9432): the zones that it names are followed too, from the same primaries
	At        zones.Place
}

// Same tells whether two say the same, wherever they stand.
func (f Follow) Same(o Follow) bool {
	return f.ID == o.ID && f.Catalog == o.Catalog && f.Key == o.Key && f.TLS.Same(o.TLS) && slices.Equal(f.Primaries, o.Primaries)
}

// Tellers are the primaries as they may tell of a change.
func (f Follow) Tellers() (ts []transfer.Teller) {
	for _, p := range f.Primaries {
		ts = append(ts, transfer.Teller{Address: p.Addr().Unmap(), Key: f.Key})
	}
	return ts
}

func (d *decoder) follow(n *node) Follow {
	f := Follow{ID: zones.ID{View: zones.Internet}, At: d.at(n)}
	var catalog zones.Name
	whole := d.fields(n, "a followed zone",
		may("zone", func(n *node) { f.ID.Origin = d.name(n, "a followed zone") }),
		may("catalog", func(n *node) { catalog = d.name(n, "a followed catalog") }),
		must("from", func(n *node) {
			d.listOrOne(n, "from", func(n *node) {
				if a := read(d, n, "W-VALUE", "a primary", parsePrimary); a.IsValid() {
					f.Primaries = append(f.Primaries, a)
				}
			})
		}),
		may("key", func(n *node) { f.Key = d.name(n, "a key's name") }),
		may("view", func(n *node) { f.ID.View = d.view(n) }),
		may("tls", func(n *node) { f.TLS = d.followTLS(n) }))
	switch {
	case !whole:
	case f.ID.Origin.IsZero() == catalog.IsZero() && !d.failed():
		d.fail("W-KEY", n, "what is followed has either the key zone or the key catalog", "keep one, such as {zone: example.vn, from: 192.0.2.53}")
	case !catalog.IsZero():
		f.ID.Origin, f.Catalog = catalog, true
	}
	f.SetPorts()
	return f
}

// parsePrimary is parseServer that leaves the port open where none is given.
func parsePrimary(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 0), nil
	}
	return parseServer(s)
}

// SetPorts gives the primaries without a port the usual one.
func (f *Follow) SetPorts() {
	usual := uint16(53)
	if f.TLS != nil {
		usual = 853
	}
	for i, p := range f.Primaries {
		if p.Port() == 0 {
			f.Primaries[i] = netip.AddrPortFrom(p.Addr(), usual)
		}
	}
}

// checkFollows reports what is wrong between followed zones and the others.
func (d *decoder) checkFollows(c Config) {
	files, seen := map[zones.ID]int{}, map[zones.ID]int{}
	for _, z := range c.Zones {
		files[z.ID] = z.Place.Line
	}
	for _, f := range c.Follows {
		if f.ID.Origin.IsZero() {
			continue
		}
		if line := files[f.ID]; line > 0 {
			d.add(d.finding("W-VALUE", f.At.Line, f.At.Column, "the followed zone "+f.ID.String()+" has a file too", fmt.Sprintf("keep one of them; the file is named in line %d", line)))
		}
		if first := seen[f.ID]; first > 0 {
			d.add(d.finding("W-VALUE", f.At.Line, f.At.Column, "the zone "+f.ID.String()+" is followed twice", fmt.Sprintf("name all its primaries under from: in line %d", first)))
		} else {
			seen[f.ID] = f.At.Line
		}
	}
}

// missingKeys says of followed zones whose key is in no file.
func missingKeys(follows []Follow, keys map[zones.Name]transfer.Key) (finds []finding.Finding) {
	for _, f := range follows {
		if _, ok := keys[f.Key]; !f.Key.IsZero() && !ok {
			finds = append(finds, finding.Finding{ID: "W-REF", Severity: finding.Error, At: f.At, Found: fmt.Sprintf("no key file holds the key %s of the followed zone %s", f.Key.Text(), f.ID.Origin.Text()), Mend: "name its file under keys:"})
		}
	}
	return finds
}
