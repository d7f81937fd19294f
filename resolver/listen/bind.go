package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// portTries is how often port 0 is tried until it is free for TCP too.
const portTries = 32

// bind opens the UDP sockets, then TCP on the port that they got.
func bind(at netip.AddrPort, sockets int) ([]*net.UDPConn, *net.TCPListener, error) {
	for try := 1; ; try++ {
		udp, err := bindUDP(at, sockets)
		if err != nil {
			return nil, nil, &BindError{Network: "udp", Addr: at, Err: err}
		}
		port := udp[0].LocalAddr().(*net.UDPAddr).AddrPort().Port()
		tcpAt := netip.AddrPortFrom(at.Addr(), port)
		tcp, err := bindTCP(tcpAt)
		if err == nil {
			return udp, tcp, nil
		}
		for _, c := range udp {
			_ = c.Close()
		}
		if at.Port() != 0 || !errors.Is(err, syscall.EADDRINUSE) || try == portTries {
			return nil, nil, &BindError{Network: "tcp", Addr: tcpAt, Err: err}
		}
	}
}

// network names the family. Go sets IPV6_V6ONLY for udp6 and tcp6 (LISTEN-FAMILY).
func network(transport string, a netip.Addr) string {
	if a.Is4() {
		return transport + "4"
	}
	return transport + "6"
}

// listenUDP opens one socket; control, where not nil, is called before bind.
func listenUDP(at netip.AddrPort, control func(fd uintptr) error) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		if control == nil {
			return nil
		}
		return controlFD(c, control)
	}}
	c, err := lc.ListenPacket(context.Background(), network("udp", at.Addr()), at.String())
	if err != nil {
		return nil, err
	}
	u := c.(*net.UDPConn)
	// A burst should wait in the kernel, not be lost there. The system may give less.
	_ = u.SetReadBuffer(4 << 20)
	_ = u.SetWriteBuffer(1 << 20)
	return u, nil
}

func bindTCP(at netip.AddrPort) (*net.TCPListener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // no DNS client speaks it
	lc.KeepAlive = -1         // Idle ends a dead connection sooner
	l, err := lc.Listen(context.Background(), network("tcp", at.Addr()), at.String())
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// controlFD calls f with c's descriptor, which stays open meanwhile.
func controlFD(c syscall.RawConn, f func(fd uintptr) error) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = f(fd) }); e != nil {
		return e
	}
	return err
}
