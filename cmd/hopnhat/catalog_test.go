package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// catalogServer is ours on a workspace that makes catalogs.
type catalogServer struct {
	*life
	dir     string
	key     string // of TSIG: its file and secret
	secret  string
	follows []netip.AddrPort
}

const catalogKey = "danh-muc.example.vn"

// catalogZone is a zone with a serial and what www is.
func (c *catalogServer) zone(t testing.TB, origin string, serial int, www string) {
	t.Helper()
	write(t, filepath.Join(c.dir, "zones", origin+".zone"), fmt.Sprintf(smallZone, serial, www))
}

// configure writes hopnhat.yaml.
func (c *catalogServer) configure(t testing.TB, catalogs string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nlisteners: [{address: %q}]\nkeys: [%s]\nsecondaries:\n", c.addr, c.key)
	for i, a := range c.follows {
		fmt.Fprintf(&b, "  - {name: ns%d, address: %q, key: %s}\n", i+2, a, catalogKey)
	}
	write(t, filepath.Join(c.dir, "hopnhat.yaml"), b.String()+catalogs)
}

// again ends ours and starts it anew.
func (c *catalogServer) again(t *testing.T) {
	t.Helper()
	if err := c.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.begin(); err != nil {
		t.Fatal(err)
	}
}

// startCatalogs starts ours with example.vn and two.vn; so many servers follow.
func startCatalogs(t *testing.T, followers int, catalogs string) *catalogServer {
	t.Helper()
	c := &catalogServer{life: &life{peer: &peer{addr: freePort(t, "127.0.0.1")}}, dir: filepath.Join(t.TempDir(), "w")}
	c.key, c.secret = tsigKey(t, t.TempDir(), catalogKey)
	for range followers {
		c.follows = append(c.follows, freePort(t, "127.0.0.1"))
	}
	c.zone(t, "example.vn", 1, "192.0.2.1")
	c.zone(t, "two.vn", 100, "192.0.2.2")
	write(t, filepath.Join(c.dir, "consolidation.yaml"), "version: 1\ntargets: [example.vn]\ncutover: 2030-01-01 00:00\n")
	c.configure(t, catalogs)
	c.life = begin(t, c.addr, hopnhat(t), "serve", c.dir)
	return c
}

// catalogBIND starts BIND, which is told of the catalogs alone, by the lines of the
// guide for each.
func catalogBIND(t *testing.T, c *catalogServer, addr netip.AddrPort, catalogs ...string) *peer {
	t.Helper()
	dir := t.TempDir()
	text := instead(t, guide(t, "named.conf catalog"), "/etc/bind/hopnhat.key", c.key,
		"192.0.2.53 key ns2.example.vn", fmt.Sprintf("%v port %d key %s", c.addr.Addr(), c.addr.Port(), catalogKey))
	_, rest, _ := strings.Cut(text, "catalog-zones {\n")
	line, _, _ := strings.Cut(rest, "\n")
	head, statement, _ := strings.Cut(text, "\nzone ")
	each := func(s string) (out string) {
		for _, n := range catalogs {
			out += strings.ReplaceAll(s, "catalog.example.vn", n) + "\n"
		}
		return out
	}
	conf := instead(t, head, line, each(strings.TrimSuffix(line, ";")+" min-update-interval 1;"), "options {\n", fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; empty-zones-enable no; notify no;
`, dir, dir+"/pid", dir+"/session.key", dir, addr.Port())) + each("\nzone "+statement) + "controls { };\n"
	return start(t, "BIND", addr, nil, need(t, "named"), "-g", "-n", "1", "-c", write(t, dir+"/named.conf", conf))
}

// catalogKnot starts Knot, which is told of the catalog alone, by the lines of the
// guide, and of a group whose zones are kept in files of another name.
func catalogKnot(t *testing.T, c *catalogServer, addr netip.AddrPort, catalog string) (p *peer, dir string) {
	t.Helper()
	dir = t.TempDir()
	text := instead(t, guide(t, "knot.conf catalog"), "SECRET", c.secret, "ns3.example.vn", catalogKey, "catalog.example.vn", catalog)
	text = instead(t, text, "  - id: hopnhat\n    address: 192.0.2.53\n", fmt.Sprintf("  - id: hopnhat\n    address: %v@%d\n", c.addr.Addr(), c.addr.Port()))
	text = instead(t, text, "address: 192.0.2.53\n", fmt.Sprintf("address: %v\n", c.addr.Addr()), "catalog-template: member", "catalog-template: [member, rieng]",
		"template:\n", fmt.Sprintf(`template:
  - id: default
    storage: %[1]q
  - id: rieng
    storage: %[1]q
    file: "%%s.rieng"
    zonefile-sync: 0
    master: hopnhat
    acl: from-hopnhat
`, dir), "- id: member\n", fmt.Sprintf("- id: member\n    storage: %q\n", dir))
	conf := fmt.Sprintf(`server:
    rundir: %[1]q
    listen: %[2]v@%[3]d
    udp-workers: 1
    tcp-workers: 1
database:
    storage: %[1]q
log:
  - target: stderr
    any: info
`, dir, addr.Addr(), addr.Port()) + text
	return start(t, "Knot", addr, nil, need(t, "knotd"), "-c", write(t, dir+"/knot.conf", conf)), dir
}

// of is what www of a zone is there, "" where it is not served.
func (p *peer) of(zone string) string {
	m, err := exchange(p.addr, "www."+zone+".", dns.TypeA)
	if err != nil || len(m.Answer) != 1 {
		return ""
	}
	return m.Answer[0].(*dns.A).A.String()
}

// TestCatalog: BIND and Knot are told of the catalog alone and serve the zones that
// stand in it: those that come, no longer those that go, and anew those that come
// again, although their serial is lower than it was; over a restart of ours nothing
// changes for them.
func TestCatalog(t *testing.T) {
	t.Parallel()
	c := startCatalogs(t, 2, "catalogs: [{zone: danh-muc.vn, groups: [{group: rieng, zones: [three.vn]}]}]\n")
	bind := catalogBIND(t, c, c.follows[0], "danh-muc.vn")
	knot, files := catalogKnot(t, c, c.follows[1], "danh-muc.vn")
	serve := func(what string, want map[string]string) {
		t.Helper()
		for _, p := range []*peer{bind, knot} {
			for zone, www := range want {
				eventually(t, p, fmt.Sprintf("%s: %s of %s at %s; ours says:\n%s\n", what, www, zone, p.name, c.log), func() bool { return p.of(zone) == www })
			}
		}
	}
	serve("at first", map[string]string{"example.vn": "192.0.2.1", "two.vn": "192.0.2.2"})
	c.zone(t, "three.vn", 7, "192.0.2.3")
	c.hup(t)
	serve("one more", map[string]string{"three.vn": "192.0.2.3"})
	c.zone(t, "three.vn", 8, "192.0.2.33")
	c.hup(t)
	serve("its change", map[string]string{"three.vn": "192.0.2.33"})
	if err := os.Remove(filepath.Join(c.dir, "zones", "two.vn.zone")); err != nil {
		t.Fatal(err)
	}
	c.hup(t)
	serve("one less", map[string]string{"two.vn": "", "example.vn": "192.0.2.1"})
	c.zone(t, "two.vn", 5, "192.0.2.22")
	c.hup(t)
	serve("it comes again", map[string]string{"two.vn": "192.0.2.22"})
	// The zone of the group is kept as Knot keeps those of that group.
	eventually(t, knot, "the zone of the group in its file", func() bool {
		b, err := os.ReadFile(filepath.Join(files, "three.vn.rieng"))
		return err == nil && strings.Contains(string(b), "192.0.2.33")
	})
	for _, other := range []string{"example.vn.rieng", "two.vn.rieng"} {
		if _, err := os.Stat(filepath.Join(files, other)); err == nil {
			t.Errorf("%s is there too", other)
		}
	}

	// What the catalog says is for those who may have it.
	for from, want := range map[string]int{"127.0.0.1": dns.RcodeSuccess, "127.0.0.2": dns.RcodeRefused} {
		for _, name := range []string{"danh-muc.vn.", "Version.Danh-muc.VN.", "nothing.zones.danh-muc.vn."} {
			m := askedFrom(t, from, c.addr, name, dns.TypeTXT)
			if refused := m.Rcode == dns.RcodeRefused; refused != (want == dns.RcodeRefused) {
				t.Errorf("%s from %s: %s", name, from, dns.RcodeToString[m.Rcode])
			}
		}
		if m := askedFrom(t, from, c.addr, "www.example.vn.", dns.TypeA); len(m.Answer) != 1 {
			t.Errorf("a zone from %s: %v", from, m)
		}
	}

	// Over a restart the labels stay: nobody fetches a zone anew.
	labels := func() string { return c.catalog(t, "danh-muc.vn") }
	before, log := labels(), len(bind.log.String())
	c.again(t)
	c.zone(t, "example.vn", 2, "192.0.2.11")
	c.hup(t)
	serve("after a restart", map[string]string{"example.vn": "192.0.2.11", "two.vn": "192.0.2.22", "three.vn": "192.0.2.33"})
	if after := labels(); after != before {
		t.Errorf("before the restart:\n%s\nafter:\n%s", before, after)
	}
	if said := bind.log.String()[log:]; strings.Contains(said, "deleting zone") || strings.Contains(said, "adding zone") {
		t.Errorf("BIND:\n%s", said)
	}
}

// askedFrom asks over UDP from an address of this machine.
func askedFrom(t *testing.T, from string, server netip.AddrPort, name string, typ uint16) *dns.Msg {
	t.Helper()
	c := dns.Client{Timeout: patience, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}}
	m, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, typ), server.String())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// catalog is a catalog as it is handed out.
func (c *catalogServer) catalog(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(c.key)
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := transfer.ParseKeyFile(c.key, string(text))
	z, _, fs := transfer.Fetch(context.Background(), transfer.Request{Server: c.addr, Zone: zones.ID{Origin: zones.MustName(name), View: zones.Internet}, Key: &keys[0]})
	if z == nil {
		t.Fatal(fs)
	}
	return string(zonefile.Write(z))
}

// TestCatalogOwner: BIND follows two catalogs of ours; a zone passes from one to the
// other and keeps being served, and what BIND has of it stays as far as BIND lets
// it: it always begins a zone anew that changes its catalog.
func TestCatalogOwner(t *testing.T) {
	t.Parallel()
	const both = "catalogs:\n  - {zone: a.danh-muc.vn, zones: [%s]%s}\n  - {zone: b.danh-muc.vn, zones: [%s]}\n"
	c := startCatalogs(t, 1, fmt.Sprintf(both, "example.vn, two.vn", "", "example.vn"))
	bind := catalogBIND(t, c, c.follows[0], "a.danh-muc.vn", "b.danh-muc.vn")
	is := func(what, zone, www string) {
		t.Helper()
		eventually(t, bind, what+"; ours says:\n"+c.log.String(), func() bool { return bind.of(zone) == www })
	}
	is("at first", "example.vn", "192.0.2.1")
	is("at first", "two.vn", "192.0.2.2")
	const moves = ", moves: [{to: b.danh-muc.vn, zones: [two.vn]}]"
	c.configure(t, fmt.Sprintf(both, "example.vn, two.vn", moves, "example.vn"))
	told := strings.Count(bind.log.String(), "catz: updating catalog zone 'a.danh-muc.vn'")
	c.hup(t)
	eventually(t, bind, "BIND has the old catalog", func() bool {
		return strings.Count(bind.log.String(), "catz: updating catalog zone 'a.danh-muc.vn'") > told
	})
	c.configure(t, fmt.Sprintf(both, "example.vn, two.vn", moves, "two.vn"))
	c.hup(t)
	eventually(t, bind, "the change of ownership; ours says:\n"+c.log.String(), func() bool {
		said := bind.log.String()
		return strings.Contains(said, "deleting zone 'two.vn' from catalog 'a.danh-muc.vn' - success") &&
			strings.Contains(said, "adding zone 'two.vn' from catalog 'b.danh-muc.vn' - success")
	})
	is("it passes over", "two.vn", "192.0.2.2")
	c.configure(t, fmt.Sprintf(both, "example.vn", "", "two.vn"))
	c.hup(t)
	c.zone(t, "two.vn", 101, "192.0.2.22")
	c.hup(t)
	is("the old owner has let go", "two.vn", "192.0.2.22")
	c.configure(t, fmt.Sprintf(both, "example.vn", "", "example.vn"))
	c.hup(t)
	is("the new one too", "two.vn", "")
	is("nothing else changed", "example.vn", "192.0.2.1")
}
