package seen

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// The kinds of links that are read, by their LINKTYPE_ number.
const (
	linkNull     = 0 // loopback: a family in the octet order of the machine
	linkEthernet = 1
	linkRaw      = 101
	linkLoop     = 108 // loopback: a family in network order
	linkSLL      = 113 // Linux "any"
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// ipOf goes down to the IP packet. why is one of left… or ref…; "" is good.
func ipOf(p packet) (ip []byte, why string) {
	b, ether := p.data, 0
	short := func(n int) bool { return len(b) < n }
	switch p.link {
	case linkEthernet:
		if short(14) {
			return nil, refPacket
		}
		ether, b = int(binary.BigEndian.Uint16(b[12:])), b[14:]
	case linkSLL:
		if short(16) {
			return nil, refPacket
		}
		ether, b = int(binary.BigEndian.Uint16(b[14:])), b[16:]
	case linkSLL2:
		if short(20) {
			return nil, refPacket
		}
		ether, b = int(binary.BigEndian.Uint16(b)), b[20:]
	case linkNull, linkLoop:
		if short(4) {
			return nil, refPacket
		}
		family := binary.BigEndian.Uint32(b)
		if family > 0xffff { // the machine was little-endian
			family = binary.LittleEndian.Uint32(b)
		}
		b = b[4:]
		switch family {
		case 2:
			ether = etherIPv4
		case 10, 24, 28, 30: // AF_INET6 of Linux, NetBSD, FreeBSD, macOS
			ether = etherIPv6
		}
	case linkRaw, 12, 14, linkIPv4, linkIPv6: // 12, 14: DLT_RAW of some systems
		if short(1) {
			return nil, refPacket
		}
		if ether = etherIPv4; b[0]>>4 == 6 {
			ether = etherIPv6
		}
	default:
		return nil, leftLink
	}
	for range 4 { // VLAN tags (IEEE 802.1Q)
		if ether != 0x8100 && ether != 0x88a8 && ether != 0x9100 {
			break
		}
		if short(4) {
			return nil, refPacket
		}
		ether, b = int(binary.BigEndian.Uint16(b[2:])), b[4:]
	}
	if ether != etherIPv4 && ether != etherIPv6 {
		return nil, leftNotIP
	}
	return b, ""
}

// transport is what an IP packet carries.
type transport struct {
	src, dst netip.Addr
	proto    byte
	data     []byte
	missing  int // octets of data that the capture did not keep
}

// transportOf goes through the IP header, its options and extension headers.
func transportOf(b []byte) (t transport, why string) {
	if len(b) == 0 {
		return t, refPacket
	}
	switch b[0] >> 4 {
	case 4:
		return transport4(b)
	case 6:
		return transport6(b)
	}
	return t, refPacket
}

// transport4 is RFC 791 3.1.
func transport4(b []byte) (t transport, why string) {
	if len(b) < 20 {
		return t, refPacket
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // the network card cuts it up later
		total = len(b)
	}
	if head < 20 || total < head || len(b) < head {
		return t, refPacket
	}
	t.src, t.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 { // more fragments, or an offset
		return t, leftFragment
	}
	t.proto = b[9]
	t.missing = max(0, total-len(b))
	t.data = b[head:min(total, len(b))]
	return t, ""
}

// transport6 is RFC 8200 3 and 4.
func transport6(b []byte) (t transport, why string) {
	if len(b) < 40 {
		return t, refPacket
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total == 40 {
		total = len(b)
	}
	t.src, t.dst = netip.AddrFrom16([16]byte(b[8:24])).Unmap(), netip.AddrFrom16([16]byte(b[24:40])).Unmap()
	t.proto = b[6]
	t.missing = max(0, total-len(b))
	t.data = b[40:min(total, len(b))]
	for range 16 {
		size := 0
		switch t.proto {
		case 0, 43, 60, 135, 139, 140: // hop-by-hop, routing, destination, mobility, HIP, shim6
			if len(t.data) >= 2 {
				size = 8 + int(t.data[1])*8
			}
		case 51: // authentication (RFC 4302 2.2)
			if len(t.data) >= 2 {
				size = 8 + int(t.data[1])*4
			}
		case 44: // a fragment, unless it is all there is (RFC 6946)
			if size = 8; len(t.data) >= size && binary.BigEndian.Uint16(t.data[2:])&0xfff9 != 0 {
				return t, leftFragment
			}
		default:
			return t, ""
		}
		if size == 0 || len(t.data) < size {
			return t, refPacket
		}
		t.proto, t.data = t.data[0], t.data[size:]
	}
	return t, refPacket
}

// packet counts one packet: the way down from the link to port 53.
func (c *capture) packet(p packet) {
	ip, why := ipOf(p)
	if why != "" {
		c.reject(p, why)
		return
	}
	t, why := transportOf(ip)
	if why != "" {
		c.reject(p, why)
		return
	}
	switch t.proto {
	case 17:
		c.udp(p, t)
	case 6:
		c.tcp(p, t)
	default:
		c.leave(leftNotUDP)
	}
}

// reject books a packet that carries no message.
func (c *capture) reject(p packet, why string) {
	switch {
	case why != refPacket:
		c.leave(why)
	case p.cut:
		c.refuse(p.n, nil, refSnap, "the capture kept too little of it to see what it is")
	default:
		c.refuse(p.n, nil, refPacket, "its headers are broken")
	}
}

// ports reads the two ports at the head of UDP and TCP.
func (c *capture) ports(t transport) (src, dst netip.AddrPort, known, ok bool) {
	if len(t.data) < 4 {
		return src, dst, false, false
	}
	src = netip.AddrPortFrom(t.src, binary.BigEndian.Uint16(t.data))
	dst = netip.AddrPortFrom(t.dst, binary.BigEndian.Uint16(t.data[2:]))
	return src, dst, true, slices.Contains(c.o.Ports, src.Port()) || slices.Contains(c.o.Ports, dst.Port())
}

// udp counts a datagram (RFC 768).
func (c *capture) udp(p packet, t transport) {
	src, dst, known, ok := c.ports(t)
	switch {
	case !known:
		c.reject(p, refPacket)
		return
	case !ok:
		c.leave(leftPorts)
		return
	case len(t.data) < 8:
		c.reject(p, refPacket)
		return
	}
	size := int(binary.BigEndian.Uint16(t.data[4:]))
	if size < 8 || size > len(t.data) && !p.cut {
		c.reject(packet{n: p.n}, refPacket)
		return
	}
	why := refMessage
	if size > len(t.data) {
		why = refSnap
	}
	c.message(p, t.data[8:min(size, len(t.data))], src, dst, why)
}

// message counts a DNS message that went from src to dst.
func (c *capture) message(p packet, b []byte, src, dst netip.AddrPort, why string) {
	client, server := src, dst
	if response := len(b) > 2 && b[2]&0x80 != 0; response || len(b) <= 2 && !slices.Contains(c.o.Ports, dst.Port()) {
		client, server = dst, src
	}
	if !slices.Contains(c.o.Ports, server.Port()) {
		c.leave(leftPorts)
		return
	}
	c.bookMessage(p.n, b, Entry{Time: p.time, Client: client.Addr(), Server: server.Addr()}, client.Port(), why)
}
