package listen

import (
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// bindUDP opens up to n sockets on one port, among which the kernel shares the
// peers out.
//
// The first is bound without SO_REUSEPORT, which fails when anyone at all has
// the port (LISTEN-ALONE): with it, a second process of the same user would get
// a part of the queries and nobody would be told. The option is set afterwards,
// so that the others can join.
func bindUDP(at netip.AddrPort, n int) ([]*net.UDPConn, error) {
	first, err := listenUDP(at, prepare(at))
	if err != nil {
		return nil, err
	}
	all := []*net.UDPConn{first}
	if n == 1 {
		return all, nil
	}
	raw, err := first.SyscallConn()
	if err != nil || controlFD(raw, shareAddress) != nil {
		return all, nil // one socket answers too
	}
	got := first.LocalAddr().(*net.UDPAddr).AddrPort()
	at = netip.AddrPortFrom(at.Addr(), got.Port())
	for len(all) < n {
		c, err := listenUDP(at, func(fd uintptr) error {
			if err := shareAddress(fd); err != nil {
				return err
			}
			return prepare(at)(fd)
		})
		if err != nil {
			break
		}
		all = append(all, c)
	}
	return all, nil
}

func shareAddress(fd uintptr) error {
	return unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// prepare sets what a socket needs before it is bound: a datagram that is
// queued without the address asked (LISTEN-SOURCE) never gets it.
func prepare(at netip.AddrPort) func(uintptr) error {
	return func(fd uintptr) error {
		level, told, mtu, omit := unix.IPPROTO_IP, unix.IP_PKTINFO, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT
		if at.Addr().Is6() {
			level, told, mtu, omit = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT
		}
		// A forged "packet too big" must not make the kernel fragment answers
		// (RFC 9715 section 3.1). A kernel without this goes on.
		_ = unix.SetsockoptInt(int(fd), level, mtu, omit)
		if !at.Addr().IsUnspecified() {
			return nil // it answers from its one address without being told
		}
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), level, told, 1))
	}
}
