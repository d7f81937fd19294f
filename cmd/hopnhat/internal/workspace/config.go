package workspace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Config is what hopnhat.yaml says. It must not be changed.
type Config struct {
	Listeners []Listener
	Zones     []ZoneFile // empty: the files of the folder zones, by convention
	State     string     // folder of the server's own state, "var" by default
	Policy    Policy
	Resolver  netip.AddrPort // asked whether a parent holds DS; invalid: nobody is asked

	KeyFiles    []KeyFile // of TSIG
	Secondaries []Secondary
	Updates     []Updates
	Follows     []Follow // the zones that come from elsewhere
	Catalogs    []Catalog

	Cutover Cutover // how the server carries it out
	Control Control
}

// KeyFile is a file with TSIG keys, as tsig-keygen prints them.
type KeyFile struct {
	Path string // absolute, or inside the workspace, with slashes
	At   zones.Place
}

// Listener is one address that answers one view at one instant.
type Listener struct {
	Address string // IP and port
	View    zones.View
	At      Instant
	HasAt   bool // the file names the instant
	TLS     *TLS // nil: UDP and TCP
	Place   zones.Place
}

// ZoneFile is one zone served today.
type ZoneFile struct {
	File  string // inside the workspace, with slashes
	ID    zones.ID
	Place zones.Place // in hopnhat.yaml; the zero Place by convention
}

// Policy is what the server says of itself; "" refuses to say it.
type Policy struct {
	Version string // version.bind
	ID      string // id.server
}

// readConfig reads hopnhat.yaml. The Config is of use only without an error.
func readConfig(file string, data []byte) (Config, []finding.Finding) {
	d := &decoder{parsed: parse(file, data)}
	c := Config{State: "var", Cutover: defaultCutover()}
	if !d.rooted() {
		return c, d.done()
	}
	d.fields(d.root, file,
		must("version", d.version),
		may("listeners", func(n *node) {
			d.list(n, "listeners", func(n *node) { c.Listeners = append(c.Listeners, d.listener(n)) })
		}),
		may("zones", func(n *node) {
			d.list(n, "zones", func(n *node) { c.Zones = append(c.Zones, d.zoneFile(n)) })
		}),
		may("state", func(n *node) { c.State = read(d, n, "W-PATH", "the state folder", parseState) }),
		may("resolver", func(n *node) {
			if a := read(d, n, "W-VALUE", "the resolver", parseAddress); a != "" {
				c.Resolver = netip.MustParseAddrPort(a)
			}
		}),
		may("keys", func(n *node) {
			d.listOrOne(n, "keys", func(n *node) {
				c.KeyFiles = append(c.KeyFiles, KeyFile{read(d, n, "W-PATH", "a key file", parseState), d.at(n)})
			})
		}),
		may("secondaries", func(n *node) {
			d.list(n, "secondaries", func(n *node) { c.Secondaries = append(c.Secondaries, d.secondary(n)) })
		}),
		may("updates", func(n *node) {
			d.list(n, "updates", func(n *node) { c.Updates = append(c.Updates, d.updates(n)) })
		}),
		may("follow", func(n *node) {
			d.list(n, "follow", func(n *node) { c.Follows = append(c.Follows, d.follow(n)) })
		}),
		may("catalogs", func(n *node) {
			d.list(n, "catalogs", func(n *node) { c.Catalogs = append(c.Catalogs, d.catalog(n)) })
		}),
		may("cutover", func(n *node) { c.Cutover = d.cutover(n) }),
		may("control", func(n *node) { c.Control = d.control(n) }),
		may("policy", func(n *node) {
			d.fields(n, "policy",
				may("version", func(n *node) { c.Policy.Version = read(d, n, "W-VALUE", "the version text", parseTXT) }),
				may("id", func(n *node) { c.Policy.ID = read(d, n, "W-VALUE", "the server's id", parseTXT) }))
		}),
	)
	d.checkConfig(c)
	return c, d.done()
}

// rooted tells whether there is anything to decode, and says so if not.
func (d *decoder) rooted() bool {
	if d.root == nil && !d.failed() {
		d.add(d.finding("W-KEY", 1, 1, "the file is empty", "begin with version: 1"))
	}
	return d.root != nil
}

// done returns the findings by place. Where a value could not be read as
// YAML, what else is said of that place is only its echo.
func (d *decoder) done() []finding.Finding {
	finding.Sort(d.finds)
	syntax := map[zones.Place]bool{}
	for _, f := range d.finds {
		if f.ID == "W-YAML" && f.Severity == finding.Error {
			syntax[f.At] = true
		}
	}
	return slices.DeleteFunc(d.finds, func(f finding.Finding) bool {
		return syntax[f.At] && (f.ID != "W-YAML" || f.Severity < finding.Error)
	})
}

func (d *decoder) version(n *node) {
	if s := d.str(n, "version"); s != "" && s != "1" {
		d.fail("W-VALUE", n, "version "+quote(s)+" of the file is not known to this program", "write version: 1, or use a newer program")
	}
}

func (d *decoder) listener(n *node) Listener {
	l := Listener{View: zones.Internet, Place: d.at(n)}
	d.fields(n, "a listener",
		must("address", func(n *node) { l.Address = read(d, n, "W-VALUE", "an address", parseAddress) }),
		may("view", func(n *node) { l.View = d.view(n) }),
		may("at", func(n *node) { l.At, l.HasAt = read(d, n, "W-DATE", "an instant", ParseInstant), true }),
		may("tls", func(n *node) { l.TLS = d.listenerTLS(n) }))
	return l
}

// parseAddress reads IP:port. Names are refused: what they mean is not the
// configuration's to say.
func parseAddress(s string) (string, error) {
	a, err := netip.ParseAddrPort(s)
	if err == nil {
		return a.String(), nil
	}
	mend := "write such as 127.0.0.1:5300, or [::1]:5300 in quotes"
	host, port, ok := strings.Cut(s, ":")
	if ip, err := netip.ParseAddr(s); err == nil {
		mend = `write "` + netip.AddrPortFrom(ip, 53).String() + `"`
	} else if ok && host == "localhost" {
		mend = "write 127.0.0.1:" + port
	} else if ok && host == "" || s == "*" {
		mend = `write "0.0.0.0:` + port + `" for IPv4 and a second listener "[::]:` + port + `" for IPv6`
	}
	return "", &slip{quote(s) + " is no address with a port", mend}
}

func (d *decoder) zoneFile(n *node) ZoneFile {
	z := ZoneFile{ID: zones.ID{View: zones.Internet}, Place: d.at(n)}
	d.fields(n, "a zone",
		must("file", func(n *node) { z.File = d.path(n, "a zone's file") }),
		must("origin", func(n *node) { z.ID.Origin = d.name(n, "a zone's origin") }),
		may("view", func(n *node) { z.ID.View = d.view(n) }))
	return z
}

func parseState(s string) (string, error) {
	if strings.Contains(s, `\`) {
		return "", &slip{quote(s) + " is written with backslashes", "write " + strings.ReplaceAll(s, `\`, "/")}
	}
	return s, nil
}

// parseTXT reads a text that one character string of a TXT record carries
// (RFC 1035 3.3.14).
func parseTXT(s string) (string, error) {
	if len(s) > 255 {
		return "", &slip{fmt.Sprintf("a text of %d octets, more than 255", len(s)), "shorten it"}
	}
	return s, nil
}

// checkConfig reports what is wrong between the values.
func (d *decoder) checkConfig(c Config) {
	address := map[string]int{}
	for _, l := range c.Listeners {
		if first := address[l.Address]; first > 0 && !strings.HasSuffix(l.Address, ":0") {
			d.add(d.finding("W-VALUE", l.Place.Line, l.Place.Column, "a second listener at "+l.Address, fmt.Sprintf("give it another port; the first stands in line %d", first)))
		} else if l.Address != "" {
			address[l.Address] = l.Place.Line
		}
	}
	d.checkFollows(c)
	d.checkCatalogs(c)
	d.checkTLS(c)
	d.checkQuorum(c)
	ids := map[zones.ID]int{}
	for _, z := range c.Zones {
		if first := ids[z.ID]; first > 0 {
			d.add(d.finding("W-VALUE", z.Place.Line, z.Place.Column, "a second file for the zone "+z.ID.String(), fmt.Sprintf("keep one; the first stands in line %d", first)))
		} else if !z.ID.Origin.IsZero() {
			ids[z.ID] = z.Place.Line
		}
	}
}
