package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// followedZone is the zone of these tests, as docs/secondaries.md has it.
const followedZone = "example.vn"

// secondary is a real server that follows ours, by the lines of the guide. It
// can be killed and started again on what it kept.
type secondary struct {
	*peer
	key     string // file, as tsig-keygen writes it
	keyName string
	again   func(zs ...zoneFile) *peer          // waits until it answers for these
	takes   func(log string) (whole, parts int) // how often it took the zone, by its log
}

// guide takes the block of a kind out of docs/secondaries.md; the guide in
// Vietnamese must show the same.
func guide(t testing.TB, kind string) string {
	t.Helper()
	var found string
	for _, file := range []string{"secondaries.md", "secondaries.vi.md"} {
		data, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, ok := strings.Cut(string(data), "\n```"+kind+"\n")
		text, _, closed := strings.Cut(rest, "\n```\n")
		if !ok || !closed {
			t.Fatalf("docs/%s has no block %s", file, kind)
		}
		if found != "" && found != text {
			t.Fatalf("docs/%s shows another block %s than docs/secondaries.md", file, kind)
		}
		found = text
	}
	return found + "\n"
}

// instead puts each value of pairs in the place of the one before it, which must be there.
func instead(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("docs/secondaries.md does not say %q in\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// newKey makes a key as the guide says, and gives its file and its secret.
func newKey(t testing.TB, dir, algorithm, name string) (file, secret string) {
	t.Helper()
	out, err := exec.Command(need(t, "tsig-keygen"), "-a", algorithm, name).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(out), `secret "`)
	secret, _, _ = strings.Cut(rest, `"`)
	return write(t, filepath.Join(dir, name+".key"), string(out)), secret
}

// counts finds transfers in a log.
func counts(whole, parts string) func(string) (int, int) {
	w, p := regexp.MustCompile(whole), regexp.MustCompile(parts)
	return func(log string) (int, int) { return len(w.FindAllString(log, -1)), len(p.FindAllString(log, -1)) }
}

var nsdSize = regexp.MustCompile(`received update to serial .* of (\d+) bytes in`)

// sizes tells them apart by size, since NSD says no more: the zone of newModel
// never has less than that.
func sizes(log string) (whole, parts int) {
	for _, m := range nsdSize.FindAllStringSubmatch(log, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= wholeSize {
			whole++
		} else {
			parts++
		}
	}
	return whole, parts
}

const wholeSize = 30000

// secondaryBIND follows over IPv4. It does not start yet.
func secondaryBIND(t testing.TB, primary netip.AddrPort) *secondary {
	dir, addr := t.TempDir(), freePort(t, "127.0.0.1")
	s := &secondary{keyName: "ns2." + followedZone, takes: counts("got nonincremental response", "got incremental response")}
	s.key, _ = newKey(t, dir, "hmac-sha256", s.keyName)
	conf := fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no;
	min-refresh-time 1; min-retry-time 1; transfer-message-size 20480;
};
controls { };
logging { channel all { stderr; severity info; }; channel more { stderr; severity debug 3; }; category default { all; }; category xfer-in { more; }; };
`, dir, dir+"/pid", dir+"/session.key", dir, addr.Port()) + instead(t, guide(t, "named.conf"),
		"/etc/bind/hopnhat.key", s.key, "192.0.2.53 key", fmt.Sprintf("%v port %d key", primary.Addr(), primary.Port()))
	file := write(t, dir+"/named.conf", conf)
	s.peer = &peer{name: "BIND", addr: addr}
	s.again = func(zs ...zoneFile) *peer {
		return start(t, "BIND", addr, zs, need(t, "named"), "-f", "-n", "1", "-c", file)
	}
	return s
}

// secondaryKnot follows over IPv6.
func secondaryKnot(t testing.TB, primary netip.AddrPort) *secondary {
	dir, addr := t.TempDir(), freePort(t, "::1")
	s := &secondary{keyName: "ns3." + followedZone, takes: counts("AXFR, incoming.* finished", "IXFR, incoming.* finished")}
	var secret string
	s.key, secret = newKey(t, dir, "hmac-sha512", s.keyName)
	at := fmt.Sprintf("address: %v@%d", primary.Addr(), primary.Port())
	text := instead(t, guide(t, "knot.conf"), "SECRET", secret, "acl: from-hopnhat\n", "acl: [ from-hopnhat, test ]\n",
		"acl:\n  - id: from-hopnhat\n    address: 192.0.2.53\n", fmt.Sprintf("acl:\n  - id: test\n    address: ::1\n    action: transfer\n  - id: from-hopnhat\n    address: %v\n", primary.Addr()))
	text = instead(t, text, "address: 192.0.2.53", at)
	conf := fmt.Sprintf(`server:
    rundir: %q
    listen: "%v@%d"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %q
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: %q
`, dir, addr.Addr(), addr.Port(), dir, dir) + text
	file := write(t, dir+"/knot.conf", conf)
	s.peer = &peer{name: "Knot", addr: addr}
	s.again = func(zs ...zoneFile) *peer {
		return start(t, "Knot", addr, zs, need(t, "knotd"), "-c", file)
	}
	return s
}

// secondaryNSD follows over IPv4.
func secondaryNSD(t testing.TB, primary netip.AddrPort) *secondary {
	dir, addr := t.TempDir(), freePort(t, "127.0.0.1")
	s := &secondary{keyName: "ns4." + followedZone, takes: sizes}
	var secret string
	s.key, secret = newKey(t, dir, "hmac-sha256", s.keyName)
	conf := fmt.Sprintf(`server:
    ip-address: %v@%d
    username: ""
    chroot: ""
    zonesdir: %q
    database: ""
    pidfile: %q
    xfrdfile: %q
    zonelistfile: %q
    cookie-secret-file: %q
    server-count: 1
    verbosity: 3
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
`, addr.Addr(), addr.Port(), dir, dir+"/pid", dir+"/xfrd", dir+"/zone.list", dir+"/cookies") + instead(t, guide(t, "nsd.conf"),
		"SECRET", secret, "request-xfr: 192.0.2.53", fmt.Sprintf("request-xfr: %v@%d", primary.Addr(), primary.Port()),
		"allow-notify: 192.0.2.53", fmt.Sprintf("allow-notify: %v", primary.Addr())) + "    provide-xfr: 127.0.0.1 NOKEY\n"
	file := write(t, dir+"/nsd.conf", conf)
	s.peer = &peer{name: "NSD", addr: addr}
	s.again = func(zs ...zoneFile) *peer {
		return start(t, "NSD", addr, zs, need(t, "nsd"), "-d", "-c", file)
	}
	return s
}

// start starts it, or starts it again.
func (s *secondary) start() { s.peer = s.again(zoneFile{origin: followedZone}) }

// stop ends it by a signal, and waits until it and its children hold the port no more.
func (p *peer) stop(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.proc.Signal(sig); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	for over := false; !over || !isFree(p.addr.String()); {
		select {
		case <-p.gone:
			over = true
			time.Sleep(10 * time.Millisecond)
		case <-deadline:
			t.Fatalf("%s is still there after %v", p.name, sig)
		}
	}
}

// serialNow is the serial that it answers, 0 for none.
func (p *peer) serialNow() uint32 {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(followedZone), dns.TypeSOA)
	m, _, err := (&dns.Client{Timeout: time.Second}).Exchange(q, p.addr.String())
	if err != nil || len(m.Answer) != 1 {
		return 0
	}
	soa, ok := m.Answer[0].(*dns.SOA)
	if !ok {
		return 0
	}
	return soa.Serial
}

// axfrOf takes a whole zone from a server by AXFR, as a sorted list of
// records in a canonical spelling. The client is not ours.
func axfrOf(t testing.TB, p *peer, keyFile string) []string {
	t.Helper()
	tr := &dns.Transfer{DialTimeout: patience, ReadTimeout: patience}
	q := new(dns.Msg).SetAxfr(dns.Fqdn(followedZone))
	if keyFile != "" {
		name, algorithm, secret := readKey(t, keyFile)
		tr.TsigSecret = map[string]string{name: secret}
		q.SetTsig(name, algorithm, 300, time.Now().Unix())
	}
	ch, err := tr.In(q, p.addr.String())
	if err != nil {
		t.Fatalf("AXFR from %s: %v", p.name, err)
	}
	set := map[string]bool{}
	for e := range ch {
		if e.Error != nil {
			t.Fatalf("AXFR from %s: %v", p.name, e.Error)
		}
		for _, rr := range e.RR {
			set[spelled(rr)] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// spelled gives a record in one spelling.
func spelled(rr dns.RR) string {
	rr = dns.Copy(rr)
	rr.Header().Name = dns.CanonicalName(rr.Header().Name)
	rr.Header().Rdlength = 0
	return rr.String()
}

func readKey(t testing.TB, file string) (name, algorithm, secret string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)key "([^"]+)".*algorithm ([a-z0-9-]+);.*secret "([^"]+)"`).FindStringSubmatch(string(text))
	if m == nil {
		t.Fatalf("%s is no key file", file)
	}
	return dns.Fqdn(m[1]), dns.Fqdn(m[2]), m[3]
}

// primary is ours, with the secondaries of a workspace.
type primary struct {
	*peer
	v4, v6 netip.AddrPort
	dir    string
	again  func() *peer
}

// newPrimary writes a workspace without secondaries yet; serve starts it.
func newPrimary(t testing.TB) *primary {
	t.Helper()
	v4 := freePort(t, "127.0.0.1")
	v6 := freePort(t, "::1")
	return &primary{v4: v4, v6: v6, dir: t.TempDir()}
}

// serve starts it with the three secondaries of the guide; more is added to the
// line of each.
func (p *primary) serve(t testing.TB, more string, ss ...*secondary) {
	t.Helper()
	text := guide(t, "yaml secondaries")
	for i, s := range ss {
		at := []string{"192.0.2.54", `"2001:db8::55"`, "192.0.2.56"}[i]
		text = instead(t, text, "keys/"+strings.TrimSuffix(s.keyName, "."+followedZone)+".key", s.key, at, strconv.Quote(s.addr.String()), s.keyName+"}", s.keyName+more+"}")
	}
	text = fmt.Sprintf("version: 1\nlisteners:\n  - {address: %q}\n  - {address: %q}\n", p.v4, p.v6) + text
	write(t, filepath.Join(p.dir, "hopnhat.yaml"), text)
	p.again = func() *peer {
		return start(t, "hopnhat", p.v4, []zoneFile{{origin: followedZone}}, hopnhat(t), "serve", p.dir)
	}
	p.peer = p.again()
}

// serveFile starts it on the zone's file alone; the key of the first secondary
// may update everything in it.
func (p *primary) serveFile(t testing.TB, ss ...*secondary) {
	t.Helper()
	args := []string{
		"serve", "--listen", p.v4.String(), "--listen", p.v6.String(), "--state", filepath.Join(p.dir, "var"),
		"--zone", followedZone + "=" + p.file(), "--update", ss[0].keyName + "=*." + followedZone + ":ANY",
	}
	for _, s := range ss {
		args = append(args, "--key", s.key, "--secondary", s.addr.String()+"="+s.keyName)
	}
	p.again = func() *peer {
		return start(t, "hopnhat", p.v4, []zoneFile{{origin: followedZone}}, hopnhat(t), args...)
	}
	p.peer = p.again()
}

func (p *primary) file() string { return filepath.Join(p.dir, "zones", followedZone+".zone") }

// update lets nsupdate send n random changes, one an update, signed.
func (p *primary) update(t testing.TB, r *rand.Rand, z *model, n int, keyFile string) {
	t.Helper()
	text := fmt.Sprintf("server %v %d\nzone %s\n", p.v4.Addr(), p.v4.Port(), followedZone)
	for range n {
		text += z.update(r)
	}
	cmd := exec.Command(need(t, "nsupdate"), "-v", "-k", keyFile)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("nsupdate: %v\n%s\nof\n%s\nours:\n%s", err, out, text, tail(p.log))
	}
	z.serial = p.serialNow()
}

// publish writes the zone file, tells ours, and waits until it answers the serial.
func (p *primary) publish(t testing.TB, z *model) {
	t.Helper()
	p.write(t, z)
	p.hup(t)
	eventually(t, p.peer, "a publish", func() bool { return p.serialNow() == z.serial })
}

// write replaces the zone file, as an editor that saved a second ago.
func (p *primary) write(t testing.TB, z *model) {
	t.Helper()
	file := p.file()
	write(t, file+".new", z.text())
	past := time.Now().Add(-time.Second)
	if err := os.Chtimes(file+".new", past, past); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// inStep waits until all have ours' zone, and says how long each took.
func (p *primary) inStep(t testing.TB, z *model, ss ...*secondary) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(ss))
	begun := time.Now()
	for left := len(ss); left > 0; time.Sleep(5 * time.Millisecond) {
		for i, s := range ss {
			if took[i] == 0 && s.serialNow() == z.serial {
				took[i] = time.Since(begun)
				left--
			}
			if took[i] == 0 && time.Since(begun) > patience {
				t.Fatalf("%s has serial %d and not %d after %v; its log:\n%s\nours:\n%s", s.name, s.serialNow(), z.serial, patience, tail(s.log), tail(p.log))
			}
		}
	}
	return took
}

// same holds what each server transfers against the model, record by record.
func (p *primary) same(t testing.TB, z *model, ss ...*secondary) {
	t.Helper()
	want := z.records(t)
	if d := unlike(want, axfrOf(t, p.peer, ss[0].key)); d != "" {
		t.Fatalf("ours: %s", d)
	}
	for _, s := range ss {
		if d := unlike(want, axfrOf(t, s.peer, "")); d != "" {
			t.Fatalf("%s: %s", s.name, d)
		}
	}
}

func unlike(want, got []string) string {
	var b strings.Builder
	for _, r := range want {
		if _, ok := slices.BinarySearch(got, r); !ok {
			fmt.Fprintf(&b, "\nlacks    %s", r)
		}
	}
	for _, r := range got {
		if _, ok := slices.BinarySearch(want, r); !ok {
			fmt.Fprintf(&b, "\nhas also %s", r)
		}
	}
	if b.Len() > 2000 {
		return b.String()[:2000] + "…"
	}
	return b.String()
}

func tail(l *logBuffer) string {
	s := l.String()
	return s[max(0, len(s)-3000):]
}
