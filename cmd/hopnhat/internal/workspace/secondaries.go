package workspace

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// Secondary is a server that follows this one.
type Secondary struct {
	Name    string
	Address netip.AddrPort // that NOTIFY goes to, and whose serial is asked
	From    []netip.Prefix // that its transfers come from; the address alone where none is given
	Key     zones.Name     // that it signs with; the zero Name: unsigned
	View    zones.View
	Zones   []zones.Name // empty: all of the view
	Silent  bool         // no NOTIFY: it asks by its refresh
	TLS     bool         // transfers go over TLS alone
	Client  string       // DNS name that its certificate bears; with Pin it has one
	Pin     transfer.Pin // of its certificate
	At      zones.Place
}

func (s Secondary) needsTLS() bool { return s.TLS || s.Client != "" || !s.Pin.IsZero() }

// Follows tells whether a secondary has a zone.
func (s Secondary) Follows(id zones.ID) bool {
	return s.View == id.View && (len(s.Zones) == 0 || slices.Contains(s.Zones, id.Origin))
}

// Rules are the transfers that it may have.
func (s Secondary) Rules() []transfer.Rule {
	from := s.From
	if len(from) == 0 {
		a := s.Address.Addr().Unmap()
		from = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	}
	var out []transfer.Rule
	for _, p := range from {
		out = append(out, transfer.Rule{From: p, Key: s.Key, Zones: s.Zones, TLS: s.TLS, Client: s.Client, Pin: s.Pin})
	}
	return out
}

func (d *decoder) secondary(n *node) Secondary {
	s := Secondary{View: zones.Internet, At: d.at(n)}
	d.fields(n, "a secondary",
		must("name", func(n *node) { s.Name = d.str(n, "a secondary's name") }),
		must("address", func(n *node) { s.Address = read(d, n, "W-VALUE", "a server", parseServer) }),
		may("from", func(n *node) {
			d.listOrOne(n, "from", func(n *node) { s.From = append(s.From, read(d, n, "W-VALUE", "a network", parseNetwork)) })
		}),
		may("key", func(n *node) { s.Key = d.name(n, "a key's name") }),
		may("view", func(n *node) { s.View = d.view(n) }),
		may("zones", func(n *node) {
			d.listOrOne(n, "zones", func(n *node) { s.Zones = append(s.Zones, d.name(n, "a zone")) })
		}),
		may("notify", func(n *node) { s.Silent = !d.bool(n, "notify") }),
		may("tls", func(n *node) { s.TLS = d.bool(n, "tls") }),
		may("client", func(n *node) { s.Client = read(d, n, "W-VALUE", "a certificate's name", ParseClient) }),
		may("pin", func(n *node) { s.Pin = read(d, n, "W-VALUE", "a pin", parsePin) }))
	return s
}

// parseNetwork reads an address or a prefix.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, &slip{quote(s) + " is no address or network", "write such as 192.0.2.53 or 192.0.2.0/24"}
	}
	if p != p.Masked() {
		return p, &slip{quote(s) + " has bits behind its length", "write " + p.Masked().String()}
	}
	return p, nil
}

// TransferKeys reads the key files, and says of secondaries whose key is in none.
func (w *Workspace) TransferKeys() (map[zones.Name]transfer.Key, []finding.Finding) {
	out := map[zones.Name]transfer.Key{}
	var finds []finding.Finding
	for _, f := range w.Config.KeyFiles {
		file := filepath.FromSlash(f.Path)
		if !filepath.IsAbs(file) {
			file = filepath.Join(w.Root, file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			finds = append(finds, finding.Finding{ID: "W-FILE", Severity: finding.Error, At: f.At, Found: "the key file " + f.Path + " cannot be read: " + reason(errors.Unwrap(err)), Mend: "make one with tsig-keygen NAME > FILE, readable by the server alone"})
			continue
		}
		keys, fs := transfer.ParseKeyFile(f.Path, string(text))
		finds = append(finds, fs...)
		for _, k := range keys {
			out[k.Name] = k
		}
	}
	for _, u := range w.Config.Updates {
		if _, ok := out[u.Key]; !u.Key.IsZero() && !ok {
			finds = append(finds, finding.Finding{ID: "W-REF", Severity: finding.Error, At: u.At, Found: fmt.Sprintf("no key file holds the key %s of this rule for updates", u.Key.Text()), Mend: "name its file under keys:"})
		}
	}
	for _, s := range w.Config.Secondaries {
		if _, ok := out[s.Key]; !s.Key.IsZero() && !ok {
			finds = append(finds, finding.Finding{ID: "W-REF", Severity: finding.Error, At: s.At, Found: fmt.Sprintf("no key file holds the key %s of the secondary %s", s.Key.Text(), s.Name), Mend: "name its file under keys:"})
		}
	}
	return out, append(finds, missingKeys(w.Config.Follows, out)...)
}
