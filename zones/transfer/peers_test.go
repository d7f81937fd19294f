package transfer

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// patience is how long a server may take to start or to stop: a liveness
// bound, ten times what it takes on a slow machine.
const patience = 60 * time.Second

// peer is a real server, on 127.0.0.1 and ::1 at one port.
type peer struct {
	v4, v6 netip.AddrPort
	log    *logBuffer
	proc   *os.Process
	ended  chan struct{}
}

// logBuffer gathers what a process prints; it is safe for concurrent use.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// need returns the path of a program that scripts/install-test-deps installs.
func need(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode()&0o111 != 0 {
			return p
		}
	}
	t.Fatalf("%s is not installed; run scripts/install-test-deps", name)
	return ""
}

// freePort finds a port that is free on both addresses for UDP and TCP, below
// those that the system gives to clients.
func freePort(t testing.TB) uint16 {
	t.Helper()
	free := func(host string, port int) bool {
		syscall.ForkLock.RLock() // a process that another test starts now would have the port until it begins
		defer syscall.ForkLock.RUnlock()
		addr := net.JoinHostPort(host, strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return false
		}
		defer l.Close()
		pc, err := net.ListenPacket("udp", addr)
		if err != nil {
			return false
		}
		_ = pc.Close()
		return true
	}
	for range 1000 {
		if port := 10000 + rand.IntN(20000); free("127.0.0.1", port) && free("::1", port) {
			return uint16(port)
		}
	}
	t.Fatal("no free port")
	return 0
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// run starts a server and waits until it answers for a zone; it ends with the test.
func run(t testing.TB, port uint16, zone, path string, args ...string) *peer {
	t.Helper()
	p := &peer{
		v4: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), v6: netip.AddrPortFrom(netip.IPv6Loopback(), port),
		log: &logBuffer{}, ended: make(chan struct{}),
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.proc = cmd.Process
	go func() { _ = cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		_ = p.proc.Signal(os.Interrupt)
		select {
		case <-p.ended:
		case <-time.After(patience):
			_ = p.proc.Kill()
			t.Errorf("%s does not stop", path)
		}
	})
	deadline := time.Now().Add(patience)
	for {
		if _, err := AskSOA(context.Background(), Request{Server: p.v4, Zone: internet(zone), Timeouts: Timeouts{Query: time.Second}}); err == nil {
			return p
		}
		select {
		case <-p.ended:
			t.Fatalf("%s ended:\n%.2000s", path, p.log.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer for %s:\n%.2000s", path, zone, p.log.String())
		}
	}
}

func internet(zone string) zones.ID {
	return zones.ID{Origin: zones.MustName(zone), View: zones.Internet}
}

// bind starts BIND with zone statements and a key, and with more options.
func bind(t testing.TB, zone string, key *Key, statements string, options ...string) *peer {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	conf := fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 port %d { ::1; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no; allow-transfer { none; };
	check-names primary ignore; check-integrity no; transfers-out 100; tcp-clients 200;
	%s
};
controls { };
%s
%s
`, dir, dir+"/pid", dir+"/session.key", dir, port, port, strings.Join(options, " "), bindKey(key), statements)
	return run(t, port, zone, need(t, "named"), "-g", "-n", "1", "-c", write(t, dir+"/named.conf", conf))
}

func bindKey(k *Key) string {
	return fmt.Sprintf("key %q { algorithm %s; secret %q; };", k.Name.Text(), k.Algorithm, base64.StdEncoding.EncodeToString(k.secret))
}

// knot starts Knot with acl and zone sections and a key.
func knot(t testing.TB, zone string, key *Key, sections string) *peer {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	conf := fmt.Sprintf(`server:
    rundir: %q
    listen: [ 127.0.0.1@%d, "::1@%d" ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %q
log:
  - target: stderr
    any: warning
key:
  - id: %s
    algorithm: %s
    secret: %s
template:
  - id: default
    storage: %q
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
%s
`, dir, port, port, dir, key.Name.Text(), key.Algorithm, base64.StdEncoding.EncodeToString(key.secret), dir, sections)
	return run(t, port, zone, need(t, "knotd"), "-c", write(t, dir+"/knot.conf", conf))
}

func nsd(t testing.TB, zone string, key *Key, sections string) *peer {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	conf := fmt.Sprintf(`server:
    ip-address: 127.0.0.1@%d
    ip-address: ::1@%d
    username: ""
    chroot: ""
    zonesdir: %q
    database: ""
    pidfile: %q
    xfrdfile: %q
    zonelistfile: %q
    cookie-secret-file: %q
    server-count: 1
remote-control:
    control-enable: no
key:
    name: %s
    algorithm: %s
    secret: %q
%s
`, port, port, dir, dir+"/pid", dir+"/xfrd", dir+"/zone.list", dir+"/cookies", key.Name.Text(), key.Algorithm, base64.StdEncoding.EncodeToString(key.secret), sections)
	return run(t, port, zone, need(t, "nsd"), "-d", "-c", write(t, dir+"/nsd.conf", conf))
}

// large is a master file of n records and some more, of many types, with glue
// and occluded names.
func large(t testing.TB, dir, origin string, n int) string {
	var b strings.Builder
	b.WriteString("$ORIGIN " + origin + `.
$TTL 3600
@ IN SOA ns host 2026030101 7200 900 1209600 300
@ NS ns
@ NS ns.child
ns A 192.0.2.1
ns AAAA 2001:db8::1
child NS ns.child
ns.child A 192.0.2.3
deep.below.child TXT "occluded"
dn DNAME elsewhere.example.
* TXT "a wildcard" "of two strings"
long TXT "` + strings.Repeat("x", 255) + `" "` + strings.Repeat("y", 255) + `"
odd\.dot A 192.0.2.5
octets\200\001 A 192.0.2.6
`)
	for i := 0; n > 0; i++ {
		fmt.Fprintf(&b, "host%d A 10.%d.%d.%d\n", i, i>>16, i>>8&255, i&255)
		n--
		switch i % 8 {
		case 0:
			fmt.Fprintf(&b, "host%d AAAA 2001:db8::%x\nhost%d 60 MX 10 host%d\n", i, i&0xffff, i, i/2)
			n -= 2
		case 1:
			fmt.Fprintf(&b, "_ldap._tcp.host%d SRV 0 100 389 host%d\nhost%d TXT \"v=spf1 a:host%d.big.example -all; \\195\\188\"\n", i, i, i, i)
			n -= 2
		case 2:
			fmt.Fprintf(&b, "alias%d CNAME host%d\nh%d HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1\n", i, i, i)
			n -= 2
		case 3:
			fmt.Fprintf(&b, "s%d NS ns.s%d\nns.s%d A 192.0.2.9\ns%d DS 12345 13 2 %064x\n", i, i, i, i, i)
			n -= 3
		case 4:
			fmt.Fprintf(&b, "n%d NAPTR 10 20 \"u\" \"E2U+sip\" \"!^.*$!sip:%d@big.example!\" .\nc%d CAA 0 issue \"ca.example\"\nu%d TYPE65400 \\# 3 010203\n", i, i, i, i)
			n -= 3
		}
	}
	return write(t, filepath.Join(dir, origin+".zone"), b.String())
}

// parsed builds a zone of what dig and kdig print, by miekg/dns.
func parsed(t testing.TB, out []byte) (*zones.Zone, int) {
	t.Helper()
	b, n := zones.NewBuilder(internet("big.example")), 0
	zp := dns.NewZoneParser(bytes.NewReader(out), "", "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		b.Add(toRecord(t, rr))
		if n == 0 || rr.Header().Rrtype != dns.TypeSOA { // which stands first and last
			n++
		}
	}
	if err := zp.Err(); err != nil {
		t.Fatal(err)
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z, n
}

func digs(t testing.TB, tool string, p *peer, key *Key) (*zones.Zone, int) {
	t.Helper()
	y := string(key.Algorithm) + ":" + key.Name.Text() + ":" + base64.StdEncoding.EncodeToString(key.secret)
	cmd := exec.Command(need(t, tool), "@::1", "-p", strconv.Itoa(int(p.v6.Port())), "-y", y, "big.example", "AXFR", "+noall", "+answer")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v %s", tool, err, stderr.String())
	}
	return parsed(t, out)
}
