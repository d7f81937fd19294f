package listen

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// batchConn is what ipv4.PacketConn and ipv6.PacketConn have in common.
type batchConn interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// batched reads and writes batches by recvmmsg and sendmmsg.
type batched struct {
	conn    batchConn
	in      [batch]ipv4.Message
	out     [batch]ipv4.Message
	queued  int
	buffers [batch][1][]byte // Buffers of out
	spaces  [batch][]byte
}

func newDatagrams(c *net.UDPConn, at netip.AddrPort) datagrams {
	b := &batched{}
	oob := 0 // a socket bound to one address is not told it with each datagram
	if at.Addr().Is4() {
		b.conn = ipv4.NewPacketConn(c)
		if at.Addr().IsUnspecified() {
			oob = unix.CmsgSpace(unix.SizeofInet4Pktinfo)
		}
	} else {
		b.conn = ipv6.NewPacketConn(c)
		if at.Addr().IsUnspecified() {
			oob = unix.CmsgSpace(unix.SizeofInet6Pktinfo)
		}
	}
	// Pages that no datagram was long enough to reach are never touched.
	msgs := make([]byte, batch*(maxMessage+1+stagger))
	answers := make([]byte, batch*(answerSpace+stagger))
	oobs := make([]byte, batch*oob)
	for i := range batch {
		b.in[i].Buffers = [][]byte{piece(msgs, i, maxMessage+1+stagger)[:maxMessage]}
		b.in[i].OOB = piece(oobs, i, oob)
		b.out[i].Buffers = b.buffers[i][:]
		b.spaces[i] = piece(answers, i, answerSpace+stagger)[:0:answerSpace]
	}
	return b
}

func piece(b []byte, i, size int) []byte { return b[i*size : (i+1)*size : (i+1)*size] }

func (b *batched) read() (int, error) {
	n, err := b.conn.ReadBatch(b.in[:], 0)
	return max(n, 0), err
}

func (b *batched) message(i int) ([]byte, netip.AddrPort) {
	m := &b.in[i]
	a, ok := m.Addr.(*net.UDPAddr)
	if !ok {
		return nil, netip.AddrPort{}
	}
	return m.Buffers[0][:m.N], a.AddrPort()
}

func (b *batched) space(i int) []byte { return b.spaces[i] }

func (b *batched) answer(i int, msg []byte) {
	in, out := &b.in[i], &b.out[b.queued]
	out.Buffers[0], out.Addr = msg, in.Addr
	out.OOB = source(in.OOB[:min(in.NN, len(in.OOB))])
	b.queued++
}

func (b *batched) later(i int) func([]byte) error {
	in := &b.in[i]
	to := in.Addr
	from := source(append([]byte(nil), in.OOB[:min(in.NN, len(in.OOB))]...))
	return func(msg []byte) error {
		n, err := b.conn.WriteBatch([]ipv4.Message{{Buffers: [][]byte{msg}, Addr: to, OOB: from}}, 0)
		if err == nil && n < 1 {
			return nothingSent(nil)
		}
		return err
	}
}

func (b *batched) flush(lost func(netip.AddrPort, error)) {
	rest := b.out[:b.queued]
	b.queued = 0
	for len(rest) > 0 {
		n, err := b.conn.WriteBatch(rest, 0)
		n = max(n, 0)
		if err != nil || n == 0 {
			// It is always the first of the rest that failed.
			lost(rest[n].Addr.(*net.UDPAddr).AddrPort(), errors.Join(err, nothingSent(err)))
			n++
		}
		rest = rest[n:]
	}
}

func nothingSent(err error) error {
	if err == nil {
		return errors.New("the system took no datagram")
	}
	return nil
}

// source turns the control message that came with a query, in place, into the
// one that makes the answer leave from the address asked (LISTEN-SOURCE):
//
//	IP_PKTINFO    ifindex:4 spec_dst:4 addr:4    spec_dst becomes the source
//	IPV6_PKTINFO  addr:16 ifindex:4              addr becomes the source
//
// The interface is forgotten, so that the answer goes where the routes say;
// a link-local address means nothing without it. nil lets the kernel choose.
func source(oob []byte) []byte {
	if len(oob) < unix.SizeofCmsghdr {
		return nil
	}
	h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
	if err != nil || len(rest) > 0 {
		return nil
	}
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		binary.NativeEndian.PutUint32(data[:4], 0)
		return oob
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		a := netip.AddrFrom16([16]byte(data[:16]))
		if a.IsMulticast() {
			return nil
		}
		if !a.IsLinkLocalUnicast() {
			binary.NativeEndian.PutUint32(data[16:20], 0)
		}
		return oob
	}
	return nil
}
