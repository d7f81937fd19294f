package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/source"
	"gialai.gov.vn/hopnhat/zones/transfer"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// listing is how all zones of a server are found: the lines for
// consolidation.yaml are printed, so that every zone that comes in stands
// there to be read and decided.
type listing struct {
	server  string
	catalog string
	zones   string
	conf    string
	key     string
	view    string
}

func (l *listing) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.server, "server", "", "print a source line for each zone of this server, `ADDRESS[:PORT]`, found by one of the next three; nothing is taken")
	f.StringVar(&l.catalog, "catalog", "", "with --server: the catalog `ZONE` (RFC 9432), transferred from it")
	f.StringVar(&l.zones, "zones", "", "with --server: a `FILE` with the name of a zone on each line")
	f.StringVar(&l.conf, "named-conf", "", "with --server: the named.conf `FILE` of a BIND server")
	f.StringVar(&l.key, "key", "", "with --server: the `FILE` with the TSIG key")
	f.StringVar(&l.view, "view", string(zones.Internet), "with --server: the `VIEW` that the zones are served in")
}

// print lists the zones, each with what the server says of it.
func (l *listing) print(ctx context.Context, e *env) error {
	server, err := parseServer(l.server, "--server")
	if err != nil {
		return err
	}
	q := transfer.Request{Server: server, Now: e.now}
	if l.key != "" {
		text, err := os.ReadFile(l.key)
		if err != nil {
			return err
		}
		keys, fs := transfer.ParseKeyFile(l.key, string(text))
		if err := e.failed(fs); err != nil {
			return err
		}
		q.Key = &keys[0]
	}
	names, err := l.names(ctx, e, q)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, "sources:")
	missing := 0
	for _, n := range names {
		q.Zone = zones.ID{Origin: n, View: zones.View(l.view)}
		line := l.line(n, server)
		if soa, err := transfer.AskSOA(ctx, q); err != nil {
			missing++
			fmt.Fprintf(e.out, "  # %s   # %v does not answer for it: %v\n", line, server, err)
		} else {
			fmt.Fprintf(e.out, "  %s   # serial %d\n", line, soa.Serial)
		}
	}
	fmt.Fprintf(e.err, "%d zones, %d of them not served by %v\n", len(names), missing, server)
	return nil
}

func (l *listing) line(n zones.Name, server netip.AddrPort) string {
	key := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, n.Text())
	s := fmt.Sprintf("%s: {zone: %q, ", key, n.Text())
	if l.view != string(zones.Internet) {
		s += "view: " + l.view + ", "
	}
	s += fmt.Sprintf("axfr: %q", server)
	if l.key != "" {
		s += fmt.Sprintf(", key: keys/%s", filepath.Base(l.key))
	}
	return s + "}"
}

// names reads which zones the server is said to have.
func (l *listing) names(ctx context.Context, e *env, q transfer.Request) ([]zones.Name, error) {
	switch {
	case l.catalog != "" && l.zones == "" && l.conf == "":
		n, err := zones.ParseName(l.catalog)
		if err != nil {
			return nil, fmt.Errorf("--catalog %s: %w", l.catalog, err)
		}
		q.Zone = zones.ID{Origin: n, View: zones.View(l.view)}
		z, _, fs := transfer.Fetch(ctx, q)
		if err := e.failed(fs); err != nil {
			return nil, err
		}
		members, fs := transfer.Members(z)
		if err := e.failed(fs); err != nil {
			return nil, err
		}
		var out []zones.Name
		for _, m := range members {
			out = append(out, m.Zone)
		}
		return out, nil
	case l.zones != "" && l.catalog == "" && l.conf == "":
		text, err := os.ReadFile(l.zones)
		if err != nil {
			return nil, err
		}
		names, fs := transfer.ParseList(l.zones, string(text))
		return names, e.failed(fs)
	case l.conf != "" && l.catalog == "" && l.zones == "":
		dir, name := filepath.Split(l.conf)
		if dir == "" {
			dir = "."
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		conf, fs := source.ReadConf(os.DirFS(dir), name, zonefile.Options{Prefix: filepath.ToSlash(filepath.Clean(dir)) + "/", Root: abs})
		if finding.Failed(fs) || conf == nil {
			return nil, e.failed(fs)
		}
		var out []zones.Name
		seen := map[zones.Name]bool{}
		for _, z := range conf.Zones() {
			if (z.Type == "primary" || z.Type == "secondary") && z.Class == "IN" && !seen[z.Name] {
				seen[z.Name] = true
				out = append(out, z.Name)
			}
		}
		return out, nil
	}
	return nil, errors.New("--server needs one of --catalog ZONE, --zones FILE, --named-conf FILE")
}
