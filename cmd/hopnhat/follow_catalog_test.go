package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// followsCatalogs is ours, which has zones by the catalogs of another server alone.
func followsCatalogs(t *testing.T, addr netip.AddrPort, state, keyFile string, from netip.AddrPort, catalogs ...string) *life {
	t.Helper()
	args := []string{"serve", "--listen", addr.String(), "--state", state, "--key", keyFile}
	for _, c := range catalogs {
		args = append(args, "--follow-catalog", fmt.Sprintf("%s=%v=%s", c, from, catalogKey))
	}
	return begin(t, addr, hopnhat(t), args...)
}

// TestFollowCatalogsOfBIND: what ours follows is what two catalogs of BIND name:
// zones come, go and come again, one gets a new label and is fetched anew although
// its serial went back, one that both name stays where it is and then changes its
// owner, with what is kept of it; a catalog that is broken changes nothing; after a
// restart without BIND all is served as before.
func TestFollowCatalogsOfBIND(t *testing.T) {
	t.Parallel()
	dir, addr, from := t.TempDir(), freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	keyFile, _ := tsigKey(t, dir, catalogKey)
	var zs strings.Builder
	for _, n := range []string{"a.catalog", "b.catalog"} {
		file := write(t, filepath.Join(dir, n), "@ 0 SOA invalid. invalid. 1 3600 600 86400 0\n@ 0 NS invalid.\nversion 0 TXT \"2\"\nm1.zones 0 PTR example.vn.\n")
		if n == "b.catalog" {
			write(t, file, "@ 0 SOA invalid. invalid. 1 3600 600 86400 0\n@ 0 NS invalid.\nversion 0 TXT \"2\"\n")
		}
		fmt.Fprintf(&zs, "zone %q { type primary; file %q; allow-update { key %s; }; };\n", n, file, catalogKey)
	}
	put := func(zone string, serial int, www string) {
		write(t, filepath.Join(dir, zone), fmt.Sprintf(smallZone, serial, www))
	}
	for i, z := range []string{"example.vn", "two.vn", "three.vn"} {
		put(z, 100, fmt.Sprintf("192.0.2.%d", i+1))
		fmt.Fprintf(&zs, "zone %q { type primary; file %q; };\n", z, filepath.Join(dir, z))
	}
	conf := write(t, dir+"/named.conf", fmt.Sprintf(`include %[1]q;
options {
	directory %[2]q; pid-file %[3]q; session-keyfile %[4]q; managed-keys-directory %[2]q;
	listen-on port %[5]d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; empty-zones-enable no; allow-transfer { key %[6]s; };
	notify explicit; also-notify { 127.0.0.1 port %[7]d; }; notify-delay 0;
};
controls { };
%[8]s`, keyFile, dir, dir+"/pid", dir+"/session.key", from.Port(), catalogKey, addr.Port(), zs.String()))
	bind := start(t, "BIND", from, []zoneFile{{"example.vn", ""}}, need(t, "named"), "-g", "-n", "1", "-c", conf)
	change := func(catalog string, lines ...string) {
		t.Helper()
		cmd := exec.Command(need(t, "nsupdate"), "-k", keyFile)
		cmd.Stdin = strings.NewReader(fmt.Sprintf("server 127.0.0.1 %d\nzone %s\nupdate %s\nsend\n", from.Port(), catalog, strings.Join(lines, "\nupdate ")))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("nsupdate: %v\n%s", err, out.String())
		}
	}
	state := filepath.Join(dir, "var")
	ours := followsCatalogs(t, addr, state, keyFile, from, "a.catalog", "b.catalog")
	is := func(what, zone, www string) {
		t.Helper()
		eventually(t, ours.peer, what+": "+zone, func() bool { return ours.of(zone) == www })
	}
	says := func(words string) {
		t.Helper()
		eventually(t, ours.peer, words, func() bool { return strings.Contains(ours.log.String(), words) })
	}
	came := func(what, catalog string) {
		t.Helper()
		serial := bind.serialOf(catalog + ".")
		if serial == 0 {
			t.Fatalf("BIND does not tell the serial of %s", catalog)
		}
		says(fmt.Sprintf("%s (internet): serial %d came", catalog, serial))
	}
	is("at first", "example.vn", "192.0.2.1")

	change("a.catalog", "add m2.zones.a.catalog. 0 PTR two.vn.", "add m3.zones.a.catalog. 0 PTR three.vn.", `add group.m3.zones.a.catalog. 0 TXT "g"`)
	is("it comes", "two.vn", "192.0.2.2")
	is("it comes", "three.vn", "192.0.2.3")
	kept := func(zone string) int {
		files, err := filepath.Glob(filepath.Join(state, "followed", zone+"*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	eventually(t, ours.peer, "it is kept", func() bool { return kept("two.vn") == 2 })

	change("a.catalog", "delete m2.zones.a.catalog. PTR")
	is("it goes", "two.vn", "")
	if m := askedFrom(t, "127.0.0.1", addr, "two.vn.", dns.TypeSOA); m.Rcode != dns.RcodeRefused {
		t.Errorf("of a zone that left: %s", dns.RcodeToString[m.Rcode])
	}
	if n := kept("two.vn"); n > 0 {
		t.Errorf("%d files are kept of a zone that left", n)
	}
	// BIND has another zone of that name meanwhile, with a lower serial.
	put("two.vn", 5, "192.0.2.22")
	if err := bind.proc.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, bind, "BIND reads its zones", func() bool { return bind.of("two.vn") == "192.0.2.22" })
	change("a.catalog", "add m4.zones.a.catalog. 0 PTR two.vn.")
	is("it comes again", "two.vn", "192.0.2.22")

	// Both name it: it stays, and then it is handed over, state and all.
	change("b.catalog", "add m3.zones.b.catalog. 0 PTR three.vn.")
	says("three.vn, a member of the catalog b.catalog, came by the catalog a.catalog, and stays as it is")
	before := strings.Count(ours.log.String(), "three.vn (internet): serial")
	change("a.catalog", "add coo.m3.zones.a.catalog. 0 PTR b.catalog.")
	says("three.vn (internet) was handed over by the catalog a.catalog to b.catalog")
	change("a.catalog", "delete coo.m3.zones.a.catalog. PTR", "delete m3.zones.a.catalog. PTR", "delete group.m3.zones.a.catalog. TXT")
	came("the old owner lets go", "a.catalog")
	is("the old owner lets go", "three.vn", "192.0.2.3")
	if n := strings.Count(ours.log.String(), "three.vn (internet): serial"); n != before {
		t.Error("it was fetched anew")
	}

	// A new label: what there is of the zone is fetched anew.
	change("b.catalog", "delete m3.zones.b.catalog. PTR", "add m9.zones.b.catalog. 0 PTR three.vn.")
	says("three.vn (internet) begins anew: the catalog b.catalog gives it a new label")
	is("anew", "three.vn", "192.0.2.3")
	eventually(t, ours.peer, "it is fetched", func() bool { return strings.Count(ours.log.String(), "three.vn (internet): serial") == before+1 })

	// A catalog that is broken changes nothing, until it is mended.
	change("a.catalog", "delete version.a.catalog. TXT", "delete m1.zones.a.catalog. PTR")
	says("the catalog a.catalog (internet), serial")
	is("of a broken catalog", "example.vn", "192.0.2.1")
	change("a.catalog", `add version.a.catalog. 0 TXT "2"`, "add m1.zones.a.catalog. 0 PTR example.vn.")
	came("it is mended", "a.catalog")

	// What catalogs say is for nobody here.
	if m := askedFrom(t, "127.0.0.2", addr, "m9.zones.b.catalog.", dns.TypePTR); m.Rcode != dns.RcodeRefused {
		t.Errorf("a catalog tells everybody: %v", m)
	}

	// Without its primary it begins with what it had.
	eventually(t, ours.peer, "all is kept", func() bool {
		for _, z := range []string{"a.catalog", "b.catalog", "example.vn", "two.vn", "three.vn"} {
			if kept(z) != 2 {
				return false
			}
		}
		return true
	})
	time.Sleep(1500 * time.Millisecond) // the last of them is kept with a second's delay
	if err := bind.proc.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	eventually(t, bind, "BIND ends", func() bool { return !bind.answersFor("example.vn") })
	if err := ours.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := ours.begin(); err != nil {
		t.Fatal(err)
	}
	for zone, www := range map[string]string{"example.vn": "192.0.2.1", "two.vn": "192.0.2.22", "three.vn": "192.0.2.3"} {
		is("after a restart", zone, www)
	}
}

// TestFollowCatalogOfKnot: a catalog that Knot makes of its zones, as they come and
// go in its configuration.
func TestFollowCatalogOfKnot(t *testing.T) {
	t.Parallel()
	dir, addr, from := t.TempDir(), freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	keyFile, secret := tsigKey(t, dir, catalogKey)
	conf := filepath.Join(dir, "knot.conf")
	configure := func(origins ...string) {
		var b strings.Builder
		fmt.Fprintf(&b, `server:
    rundir: %[1]q
    pidfile: %[2]q
    listen: %[3]v@%[4]d
    udp-workers: 1
    tcp-workers: 1
database:
    storage: %[1]q
log:
  - target: stderr
    any: info
key:
  - id: %[5]s
    algorithm: hmac-sha256
    secret: %[6]s
remote:
  - id: hopnhat
    address: %[7]v@%[8]d
acl:
  - id: hopnhat
    key: %[5]s
    action: transfer
zone:
  - domain: danh-muc.vn
    storage: %[1]q
    catalog-role: generate
    acl: hopnhat
    notify: hopnhat
`, dir, dir+"/pid", from.Addr(), from.Port(), catalogKey, secret, addr.Addr(), addr.Port())
		for i, z := range origins {
			file := write(t, filepath.Join(dir, z+".zone"), fmt.Sprintf(smallZone, 1, fmt.Sprintf("192.0.2.%d", i+1)))
			fmt.Fprintf(&b, "  - domain: %s\n    file: %q\n    catalog-role: member\n    catalog-zone: danh-muc.vn\n    acl: hopnhat\n    notify: hopnhat\n", z, file)
		}
		write(t, conf, b.String())
	}
	configure("example.vn", "two.vn")
	knot := start(t, "Knot", from, []zoneFile{{"example.vn", ""}}, need(t, "knotd"), "-c", conf)
	ours := followsCatalogs(t, addr, filepath.Join(dir, "var"), keyFile, from, "danh-muc.vn")
	is := func(what, zone, www string) {
		t.Helper()
		eventually(t, ours.peer, what+": "+zone+"; Knot:\n"+knot.log.String(), func() bool { return ours.of(zone) == www })
	}
	is("at first", "example.vn", "192.0.2.1")
	is("at first", "two.vn", "192.0.2.2")
	configure("example.vn", "two.vn", "three.vn")
	knot.hup(t)
	is("it comes", "three.vn", "192.0.2.3")
	configure("example.vn", "two.vn")
	knot.hup(t)
	is("it goes", "three.vn", "")
	is("it stays", "two.vn", "192.0.2.2")
}
