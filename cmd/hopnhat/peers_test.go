package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// patience is how long a server may take to start or to stop: a liveness
// bound, ten times what it takes on a slow machine.
const patience = 60 * time.Second

// zoneFile is a zone to be served from a file.
type zoneFile struct{ origin, path string }

// peer is a server under test.
type peer struct {
	name string
	addr netip.AddrPort
	log  *logBuffer
	proc *os.Process
	gone chan struct{} // closed when the process has ended
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

// freePort finds a port of an address that is free for UDP and TCP. It lies
// below those that the system gives to clients: dig and name servers both
// share ports among the sockets of one user (SO_REUSEPORT), so dig could get
// the server's own port as its source, and then hears its own question as the
// answer. None is given twice: a server that has yet to start has it.
func freePort(t testing.TB, host string) netip.AddrPort {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort(host, strconv.Itoa(10000+rand.IntN(20000)))
		if _, given := ports.LoadOrStore(addr, true); !given && isFree(addr) {
			return netip.MustParseAddrPort(addr)
		}
	}
	t.Fatalf("no free port on %s", host)
	return netip.AddrPort{}
}

// ports are those that freePort has given in this process.
var ports sync.Map

func isFree(addr string) bool {
	syscall.ForkLock.RLock() // a process that another test starts now would have the port until it begins
	defer syscall.ForkLock.RUnlock()
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

// loopback is any of the addresses that lead back to this machine: two tests
// that start servers at the same time hardly find the same one. BIND listens
// on addresses of interfaces alone, that is 127.0.0.1.
func loopback() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
}

// start runs a server until the test ends and waits for it to answer for
// every zone.
func start(t testing.TB, name string, addr netip.AddrPort, zs []zoneFile, path string, args ...string) *peer {
	t.Helper()
	p := &peer{name: name, addr: addr, log: &logBuffer{}, gone: make(chan struct{})}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.proc = cmd.Process
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Errorf("%s does not stop", name)
		}
	})
	deadline := time.Now().Add(patience)
	for _, z := range zs {
		for !p.answersFor(z.origin) {
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("%s ended (%v):\n%s", name, err, p.log)
			case <-time.After(50 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not answer for %s:\n%s", name, z.origin, p.log)
			}
		}
	}
	return p
}

// kill ends it with no time to write anything, and waits until it holds its
// ports and files no more.
func (p *peer) kill() {
	_ = p.proc.Kill()
	<-p.gone
}

func (p *peer) answersFor(origin string) bool {
	m, err := exchange(p.addr, dns.Fqdn(origin), dns.TypeSOA)
	return err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1
}

// exchange asks once over UDP, as a resolver with EDNS does.
func exchange(server netip.AddrPort, name string, typ uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.Id = dns.Id()
	q.Question = []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET}}
	q.SetEdns0(1232, false)
	c := dns.Client{Timeout: 2 * time.Second, UDPSize: 4096}
	var m *dns.Msg
	var err error
	for range 5 {
		if m, _, err = c.Exchange(q, server.String()); err == nil {
			return m, nil
		}
		var ne net.Error
		if !errors.As(err, &ne) {
			return nil, err
		}
	}
	return nil, err
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// startBIND, startKnot and startNSD wait for zs; refused are zones that the
// server is expected not to load, so that it answers SERVFAIL for them.
func startBIND(t testing.TB, zs []zoneFile, refused ...zoneFile) *peer {
	t.Helper()
	addr, dir := freePort(t, "127.0.0.1"), t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, `options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; allow-query { any; }; notify no; dnssec-validation no; empty-zones-enable no;
	minimal-responses yes; zero-no-soa-ttl no; tcp-clients 200;
};
controls { };
`, dir, dir+"/pid", dir+"/session.key", dir, addr.Port())
	for _, z := range slices.Concat(zs, refused) {
		fmt.Fprintf(&b, "zone %q { type primary; file %q; };\n", z.origin, z.path)
	}
	return start(t, "BIND", addr, zs, need(t, "named"), "-g", "-n", "1", "-c", write(t, dir+"/named.conf", b.String()))
}

func startKnot(t testing.TB, zs []zoneFile, refused ...zoneFile) *peer {
	t.Helper()
	addr, dir := freePort(t, loopback()), t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, `server:
    rundir: %q
    listen: %v@%d
    udp-workers: 1
    tcp-workers: 1
database:
    storage: %q
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: %q
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
`, dir, addr.Addr(), addr.Port(), dir, dir)
	for _, z := range slices.Concat(zs, refused) {
		fmt.Fprintf(&b, "  - domain: %q\n    file: %q\n", z.origin, z.path)
	}
	return start(t, "Knot", addr, zs, need(t, "knotd"), "-c", write(t, dir+"/knot.conf", b.String()))
}

func startNSD(t testing.TB, zs []zoneFile, refused ...zoneFile) *peer {
	t.Helper()
	addr, dir := freePort(t, loopback()), t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, `server:
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
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
`, addr.Addr(), addr.Port(), dir, dir+"/pid", dir+"/xfrd", dir+"/zone.list", dir+"/cookies")
	for _, z := range slices.Concat(zs, refused) {
		fmt.Fprintf(&b, "zone:\n    name: %q\n    zonefile: %q\n", z.origin, z.path)
	}
	return start(t, "NSD", addr, zs, need(t, "nsd"), "-d", "-c", write(t, dir+"/nsd.conf", b.String()))
}

// scratch lives as long as the tests of this package.
var scratch string

// binary builds hopnhat once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	p := filepath.Join(scratch, "hopnhat")
	out, err := exec.Command("go", "build", "-o", p, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return p, nil
})

func hopnhat(t testing.TB) string {
	t.Helper()
	p, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hopnhat-test-")
	if err != nil {
		panic(err)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func startOurs(t testing.TB, zs []zoneFile) *peer {
	t.Helper()
	addr := freePort(t, "127.0.0.1")
	args := []string{"serve", "--listen", addr.String(), "--state", t.TempDir(), "--include-root", "/"}
	for _, z := range zs {
		args = append(args, "--zone", z.origin+"="+z.path)
	}
	return start(t, "hopnhat", addr, zs, hopnhat(t), args...)
}

// run runs the built hopnhat and returns what it prints and its exit code.
func run(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(hopnhat(t), args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

const sampleDir = "../../testdata/gialai"

// exported exports the sample at an instant and lists its zones by view.
func exported(t testing.TB, at string) map[string][]zoneFile {
	t.Helper()
	dir := filepath.Join(t.TempDir(), at)
	if _, errs, code := run(t, "export", sampleDir, "--at", at, "--out", dir); code != 0 {
		t.Fatalf("export --at %s exits %d:\n%s", at, code, errs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "zones", "*", "*.zone"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the export holds no zone file (%v)", err)
	}
	slices.Sort(files)
	byView := map[string][]zoneFile{}
	for _, f := range files {
		view := filepath.Base(filepath.Dir(f))
		byView[view] = append(byView[view], zoneFile{strings.TrimSuffix(filepath.Base(f), ".zone"), f})
	}
	return byView
}
