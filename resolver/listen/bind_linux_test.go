package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// wantBindError opens addr, which must fail with all the words in its message.
func wantBindError(t *testing.T, addr string, words ...string) {
	t.Helper()
	s, err := Open(addr, echo, Options{})
	if err == nil {
		_ = s.Close(t.Context())
		t.Fatalf("%s could be opened", addr)
	}
	if _, ok := errors.AsType[*BindError](err); !ok {
		t.Fatalf("%T: %v", err, err)
	}
	wantWords(t, err.Error(), words...)
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

// The holder is this very process.
func TestBusy(t *testing.T) {
	me := fmt.Sprintf("listen.test (pid %d) holds ", os.Getpid())
	u, err := listenUDP(netip.MustParseAddrPort("127.0.0.1:0"), nil)
	must(t, err)
	defer u.Close()
	held := u.LocalAddr().String()
	port := held[strings.LastIndexByte(held, ':'):]
	wantBindError(t, held, "cannot listen on "+held+" (udp): "+me+held+"; stop it", "another address or port")
	wantBindError(t, "0.0.0.0"+port, me+held)

	l, err := bindTCP(netip.MustParseAddrPort("[::1]:0"))
	must(t, err)
	defer l.Close()
	held = l.Addr().String()
	wantBindError(t, held, "cannot listen on "+held+" (tcp): "+me+held)
}

// LISTEN-ALONE: SO_REUSEPORT lets the sockets of one Server share a port, and
// those of another program of the same user would like to share it too.
func TestBusyWithSharedPort(t *testing.T) {
	shared, err := listenUDP(netip.MustParseAddrPort("127.0.0.1:0"), shareAddress)
	must(t, err)
	defer shared.Close()
	wantBindError(t, shared.LocalAddr().String(), "(udp)", fmt.Sprintf("(pid %d)", os.Getpid()))

	s := start(t, "127.0.0.1:0", echo, Options{Sockets: 4})
	wantBindError(t, s.Addr().String(), "(udp)", fmt.Sprintf("(pid %d)", os.Getpid()))
	wantBindError(t, fmt.Sprintf("0.0.0.0:%d", s.Addr().Port()), "holds "+s.Addr().String())
}

// A second process says who the first is, and the first notices nothing.
func TestBusyWithOtherProcess(t *testing.T) {
	c := childCommand(t, "hold 127.0.0.1:0", nil)
	line := firstLine(t, c)
	addr, ok := strings.CutPrefix(line, "open ")
	if !ok {
		t.Fatalf("the child says %q", line)
	}
	wantBindError(t, addr, fmt.Sprintf("listen.test (pid %d) holds %s; ", c.Process.Pid, addr))
}

// Who may not look into another user's process is told how to.
func TestBusyUnreadable(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process of another user")
	}
	s := start(t, "127.0.0.1:0", echo, Options{})
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := childCommand(t, s.Addr().String(), nobody).Output()
	must(t, err)
	wantWords(t, string(out), "a process of user id 0 holds "+s.Addr().String(),
		fmt.Sprintf("`ss -lunp 'sport = :%d'` as root", s.Addr().Port()))
}

// Port 53 without the privilege for it.
func TestForbidden(t *testing.T) {
	want := []string{"(udp): permission denied", "ports below 1024", "setcap cap_net_bind_service=+ep /", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "a port from 1024"}
	if os.Getuid() != 0 {
		if first := firstFree(os.DirFS("/proc")); first <= 53 {
			t.Skipf("net.ipv4.ip_unprivileged_port_start is %d: this user may have port 53", first)
		}
		wantBindError(t, "0.0.0.0:53", want...)
		return
	}
	// A network namespace of its own has the default sysctl, and port 53 free.
	for _, addr := range []string{"0.0.0.0:53", "[::]:53"} {
		out, err := childCommand(t, addr, &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Cloneflags: syscall.CLONE_NEWNET,
		}).Output()
		skipWithoutNamespace(t, err)
		wantWords(t, string(out), append(want, addr)...)
	}
}

func skipWithoutNamespace(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) {
		t.Skipf("no network namespace can be made here: %v", err)
	}
	must(t, err)
}

func TestNoSuchAddress(t *testing.T) {
	// RFC 5737 and RFC 3849: addresses that no machine has.
	for _, addr := range []string{"198.51.100.77:0", "[2001:db8::77]:0"} {
		wantBindError(t, addr, "cannot listen on "+addr, "`ip address`")
	}
	wantBindError(t, "[fe80::77]:0", "%eth0")
}

func TestIPv6SwitchedOff(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can switch IPv6 off in a network namespace")
	}
	out, err := childCommand(t, "no-ipv6 [::1]:5300", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}).Output()
	skipWithoutNamespace(t, err)
	wantWords(t, string(out), "cannot listen on [::1]:5300", "IPv6 is switched off", "disable_ipv6=0")
}

// LISTEN-FAMILY: both can be had on one port, so neither takes the other's.
func TestFamilies(t *testing.T) {
	var s4, s6 *Server
	for try := 1; s4 == nil; try++ {
		s6 = start(t, "[::]:0", echo, Options{})
		at := netip.AddrPortFrom(netip.IPv4Unspecified(), s6.Addr().Port()).String()
		free, err := Open(at, echo, Options{})
		if errors.Is(err, syscall.EADDRINUSE) && try < 20 {
			continue // an IPv4 client has this port by chance
		}
		must(t, err)
		must(t, free.Close(t.Context()))
		at4 := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s6.Addr().Port())
		if c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at4)); err == nil {
			_ = c.Close()
			t.Errorf("[::] listens on IPv4 too")
		}
		s4 = start(t, at, echo, Options{})
	}
	at4 := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s4.Addr().Port())
	askTCP(t, at4)
	askUDP(t, at4, query(1, 12))
	at6 := netip.AddrPortFrom(netip.IPv6Loopback(), s4.Addr().Port())
	askTCP(t, at6)
	askUDP(t, at6, query(1, 12))
}

func TestSource(t *testing.T) {
	four := func(spec, addr [4]byte) []byte {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: 7, Spec_dst: spec, Addr: addr})
	}
	six := func(addr string, index uint32) []byte {
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: netip.MustParseAddr(addr).As16(), Ifindex: index})
	}
	one, two := [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 255}
	for name, c := range map[string]struct{ in, want []byte }{
		"IPv4, the local address kept, the interface not": {four(one, two), func() []byte { b := four(one, two); clear(b[16:20]); return b }()},
		"IPv6":            {six("2001:db8::1", 7), six("2001:db8::1", 0)},
		"IPv6 link-local": {six("fe80::1", 7), six("fe80::1", 7)},
		"IPv6 multicast":  {six("ff02::1", 7), nil},
		"none":            {nil, nil},
		"cut":             {four(one, two)[:20], nil},
		"cut header":      {four(one, two)[:5], nil},
		"two":             {append(four(one, two), six("2001:db8::1", 7)...), nil},
		"another":         {unix.UnixRights(1), nil},
	} {
		if got := source(c.in); string(got) != string(c.want) {
			t.Errorf("%s: %x, want %x", name, got, c.want)
		}
	}
}

type counted struct {
	datagrams
	n *atomic.Int64
}

func (c counted) read() (int, error) {
	n, err := c.datagrams.read()
	c.n.Add(int64(n))
	return n, err
}

// Every socket has its share of the clients, the first too, which was bound
// alone (LISTEN-ALONE).
func TestSocketsShare(t *testing.T) {
	const sockets, clients = 4, 400
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0"} {
		s, err := Open(addr, echo, Options{Sockets: sockets})
		must(t, err)
		var got [sockets]atomic.Int64
		if len(s.sockets) != sockets {
			t.Fatalf("%d sockets", len(s.sockets))
		}
		for i := range s.sockets {
			s.sockets[i] = counted{s.sockets[i], &got[i]}
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		to := netip.AddrPortFrom(netip.IPv6Loopback(), s.Addr().Port())
		if s.Addr().Addr().Is4() {
			to = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.Addr().Port())
		}
		for range clients {
			askUDP(t, to, query(1, 12))
		}
		must(t, s.Close(t.Context()))
		must(t, <-served)
		sum := int64(0)
		for i := range got {
			sum += got[i].Load()
			if got[i].Load() == 0 {
				t.Errorf("%s: socket %d had no query of %d", addr, i, clients)
			}
		}
		if sum != clients {
			t.Errorf("%s: %d queries read, %d asked", addr, sum, clients)
		}
	}
}
