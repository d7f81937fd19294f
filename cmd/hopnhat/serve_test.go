package main

import (
	"fmt"
	"net"
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

const smallZone = `$TTL 300
@	IN SOA ns hm %d 3600 600 86400 300
@	IN NS ns
ns	IN A 192.0.2.1
www	IN A %s
`

// serveFile starts hopnhat on one zone file and returns the server and how to
// ask it.
func serveFile(t *testing.T, host, file, state string) *peer {
	t.Helper()
	addr := freePort(t, host)
	zs := []zoneFile{{"example.vn", file}}
	return start(t, "hopnhat", addr, zs, hopnhat(t), "serve", "--listen", addr.String(), "--state", state, "--zone", "example.vn.="+file)
}

// eventually waits for a condition; the bound is for liveness only.
func eventually(t testing.TB, p *peer, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; the log:\n%s", what, patience, p.log)
		}
	}
}

func (p *peer) www() string {
	m, err := exchange(p.addr, "www.example.vn.", dns.TypeA)
	if err != nil || len(m.Answer) != 1 {
		return fmt.Sprint(err)
	}
	return m.Answer[0].(*dns.A).A.String()
}

func (p *peer) serial() uint32 {
	m, err := exchange(p.addr, "example.vn.", dns.TypeSOA)
	if err != nil || len(m.Answer) != 1 {
		return 0
	}
	return m.Answer[0].(*dns.SOA).Serial
}

func (p *peer) hup(t testing.TB) {
	t.Helper()
	if err := p.proc.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// TestReload is the life of a zone file under a running server: changed with
// and without a new serial, broken, half-written, mended, over a restart.
func TestReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, state := filepath.Join(dir, "example.vn.zone"), filepath.Join(dir, "var")
	put := func(serial int, www string) { write(t, file, fmt.Sprintf(smallZone, serial, www)) }
	put(7, "192.0.2.10")
	p := serveFile(t, "127.0.0.1", file, state)
	if p.www() != "192.0.2.10" || p.serial() != 7 {
		t.Fatalf("at start: %s, serial %d", p.www(), p.serial())
	}

	put(8, "192.0.2.11")
	p.hup(t)
	eventually(t, p, "a change with a new serial", func() bool { return p.www() == "192.0.2.11" && p.serial() == 8 })

	put(8, "192.0.2.12")
	p.hup(t)
	eventually(t, p, "a change under the old serial", func() bool { return p.www() == "192.0.2.12" && p.serial() == 9 })
	eventually(t, p, "the raised serial is said", func() bool { return strings.Contains(p.log.String(), "served as 9") })

	write(t, file, fmt.Sprintf(smallZone, 10, "192.0.2.999"))
	p.hup(t)
	eventually(t, p, "a bad file is told of", func() bool {
		return strings.Contains(p.log.String(), "example.vn.zone:5:") && strings.Contains(p.log.String(), "still served")
	})
	if p.www() != "192.0.2.12" || p.serial() != 9 {
		t.Errorf("after a bad file: %s, serial %d; the last good version must go on", p.www(), p.serial())
	}

	// An editor writes the first half; the rest comes later, and no signal with it.
	whole := fmt.Sprintf(smallZone, 20, "192.0.2.20")
	write(t, file, whole[:len(whole)-12])
	p.hup(t)
	write(t, file, whole)
	eventually(t, p, "a half-written file", func() bool { return p.www() == "192.0.2.20" && p.serial() == 20 })

	put(20, "192.0.2.21")
	q := serveFile(t, "127.0.0.1", file, state) // a server that starts anew on the same state
	if q.www() != "192.0.2.21" || q.serial() != 21 {
		t.Errorf("after a restart: %s, serial %d; want 192.0.2.21 under 21", q.www(), q.serial())
	}
}

// TestBadStart: a zone that cannot be read at the start is an error with its place.
func TestBadStart(t *testing.T) {
	file := write(t, t.TempDir()+"/x.zone", fmt.Sprintf(smallZone, 7, "192.0.2.300"))
	_, errs, code := run(t, "serve", "--listen", freePort(t, "127.0.0.1").String(), "--state", t.TempDir(), "--zone", "example.vn="+file)
	if code != 1 || !strings.Contains(errs, "x.zone:5:") || !strings.Contains(errs, "192.0.2.300") {
		t.Errorf("exit %d:\n%s", code, errs)
	}
}

// TestIPv6Only serves on ::1 and on nothing else.
func TestIPv6Only(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "example.vn.zone"), fmt.Sprintf(smallZone, 7, "192.0.2.10"))
	p := serveFile(t, "::1", file, filepath.Join(dir, "var"))
	if got := p.www(); got != "192.0.2.10" {
		t.Errorf("over UDP: %s", got)
	}
	c := dns.Client{Net: "tcp", Timeout: patience}
	q := new(dns.Msg).SetQuestion("www.example.vn.", dns.TypeA)
	if m, _, err := c.Exchange(q, p.addr.String()); err != nil || len(m.Answer) != 1 {
		t.Errorf("over TCP: %v", err)
	}
	four := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), p.addr.Port())
	if conn, err := net.DialTimeout("tcp", four.String(), time.Second); err == nil {
		_ = conn.Close()
		t.Error("it answers on IPv4 too")
	}
}

// TestPortTaken: the error names who holds the port.
func TestPortTaken(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "example.vn.zone"), fmt.Sprintf(smallZone, 7, "192.0.2.10"))
	p := serveFile(t, "127.0.0.1", file, filepath.Join(dir, "var"))
	_, errs, code := run(t, "serve", "--listen", p.addr.String(), "--state", t.TempDir(), "--zone", "example.vn="+file)
	if code != 1 || !strings.Contains(errs, "hopnhat") || !strings.Contains(errs, fmt.Sprintf("pid %d", p.proc.Pid)) {
		t.Errorf("exit %d, want 1 and the holder hopnhat, pid %d:\n%s", code, p.proc.Pid, errs)
	}
}

// TestPortForbidden: port 53 without the right to it says what to set.
func TestPortForbidden(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give up the right to port 53 for a child; run as root")
	}
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "example.vn.zone"), fmt.Sprintf(smallZone, 7, "192.0.2.10"))
	public := filepath.Join(dir, "hopnhat")
	b, err := os.ReadFile(hopnhat(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(public, b, 0o755); err != nil {
		t.Fatal(err)
	}
	for p := dir; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(state, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	// In a network namespace of its own the low ports are forbidden whatever
	// this machine allows.
	script := `echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start; ip link set lo up; exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --inh-caps -all "$@"`
	cmd := exec.Command(need(t, "unshare"), "-n", "sh", "-c", script, "sh",
		public, "serve", "--listen", "127.0.0.1:53", "--state", state, "--zone", "example.vn="+file)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cap_net_bind_service") && !strings.Contains(string(out), "CAP_NET_BIND_SERVICE") {
		t.Errorf("%v:\n%s", err, out)
	}
}
