package listen

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// single reads and writes one datagram a system call, on every system. Where
// the system does not tell the address asked (Windows), LISTEN-SOURCE holds
// only for a socket bound to one address.
type single struct {
	recv   func(b []byte) (n int, asked net.IP, ifindex int, from net.Addr, err error)
	send   func(b []byte, source net.IP, ifindex int, to net.Addr) error
	in     []byte
	out    []byte
	n      int
	asked  net.IP
	index  int
	from   net.Addr
	queued []byte
}

func newSingle(c *net.UDPConn, at netip.AddrPort) datagrams {
	d := &single{in: make([]byte, maxMessage), out: make([]byte, 0, answerSpace)}
	told := at.Addr().IsUnspecified()
	if at.Addr().Is4() {
		p := ipv4.NewPacketConn(c)
		told = told && p.SetControlMessage(ipv4.FlagDst, true) == nil
		d.recv = func(b []byte) (int, net.IP, int, net.Addr, error) {
			n, cm, from, err := p.ReadFrom(b)
			if cm == nil {
				cm = &ipv4.ControlMessage{}
			}
			return n, cm.Dst, 0, from, err
		}
		d.send = func(b []byte, source net.IP, _ int, to net.Addr) error {
			var cm *ipv4.ControlMessage
			if told && source != nil && !source.IsMulticast() && !source.Equal(net.IPv4bcast) {
				cm = &ipv4.ControlMessage{Src: source}
			}
			_, err := p.WriteTo(b, cm, to)
			return err
		}
		return d
	}
	p := ipv6.NewPacketConn(c)
	told = told && p.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true) == nil
	d.recv = func(b []byte) (int, net.IP, int, net.Addr, error) {
		n, cm, from, err := p.ReadFrom(b)
		if cm == nil {
			cm = &ipv6.ControlMessage{}
		}
		return n, cm.Dst, cm.IfIndex, from, err
	}
	d.send = func(b []byte, source net.IP, ifindex int, to net.Addr) error {
		var cm *ipv6.ControlMessage
		if told && source != nil && !source.IsMulticast() {
			cm = &ipv6.ControlMessage{Src: source}
			if source.IsLinkLocalUnicast() {
				cm.IfIndex = ifindex
			}
		}
		_, err := p.WriteTo(b, cm, to)
		return err
	}
	return d
}

func (d *single) read() (int, error) {
	n, asked, index, from, err := d.recv(d.in)
	if err != nil {
		return 0, err
	}
	d.n, d.asked, d.index, d.from = n, asked, index, from
	return 1, nil
}

func (d *single) message(int) ([]byte, netip.AddrPort) { return d.in[:d.n], addrPort(d.from) }

func (d *single) space(int) []byte { return d.out }

func (d *single) answer(_ int, msg []byte) { d.queued = msg }

func (d *single) later(int) func([]byte) error {
	asked, index, from := append(net.IP(nil), d.asked...), d.index, d.from
	return func(msg []byte) error { return d.send(msg, asked, index, from) }
}

func (d *single) flush(lost func(netip.AddrPort, error)) {
	if d.queued == nil {
		return
	}
	if err := d.send(d.queued, d.asked, d.index, d.from); err != nil {
		lost(addrPort(d.from), err)
	}
	d.queued = nil
}

// addrPort gives the zero AddrPort for what is no UDP address.
func addrPort(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := u.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
