package seen

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const (
	tcpFIN = 1
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

func overTCP(src, dst netip.AddrPort, seq uint32, flags byte, b []byte) []byte {
	return ethernet(ip(src.Addr(), dst.Addr(), 6, segment(src, dst, seq, flags, b)))
}

// framed puts the length before a message (RFC 1035 4.2.2).
func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func TestTCP(t *testing.T) {
	q1, q2 := framed(ask(t, 1, "a.vn.", 1)), framed(ask(t, 2, "b.vn.", 1))
	a1 := framed(reply(t, 1, "a.vn.", 1, 0, "a.vn. 1 IN A 10.0.0.1"))
	both := slices.Concat(q1, q2)
	seq := uint32(0xfffffff0) // it wraps around soon
	n := func(b []byte) uint32 { return uint32(len(b)) }
	c := func(seq uint32, flags byte, b []byte) []byte { return overTCP(client4, server4, seq, flags, b) }
	s := func(seq uint32, flags byte, b []byte) []byte { return overTCP(server4, client4, seq, flags, b) }
	start := c(seq-1, tcpSYN, nil)
	for _, x := range []struct {
		what    string
		packets [][]byte
		taken   int64
		left    map[string]int64
		refused map[string]int64
	}{
		{"a whole conversation", [][]byte{
			start, s(99, tcpSYN|tcpACK, nil), c(seq, tcpACK, nil), c(seq, tcpACK, q1), s(100, tcpACK, a1), c(seq+n(q1), tcpFIN|tcpACK, nil),
		}, 1, map[string]int64{leftTCP: 4, leftResponses: 1}, nil},
		{"two in one segment", [][]byte{start, c(seq, tcpACK, both)}, 2, map[string]int64{leftTCP: 1}, nil},
		{"one in two segments", [][]byte{start, c(seq, tcpACK, q1[:9]), c(seq+9, tcpACK, q1[9:])}, 1, map[string]int64{leftTCP: 2}, nil},
		{"the length alone", [][]byte{start, c(seq, tcpACK, q1[:2]), c(seq+2, tcpACK, q1[2:])}, 1, map[string]int64{leftTCP: 2}, nil},
		{"half the length", [][]byte{start, c(seq, tcpACK, q1[:1]), c(seq+1, tcpACK, q1[1:])}, 1, map[string]int64{leftTCP: 2}, nil},
		{"sent again", [][]byte{start, c(seq, tcpACK, q1), c(seq, tcpACK, q1), c(seq+n(q1), tcpACK, q2)}, 2, map[string]int64{leftTCP: 2}, nil},
		{"sent again with more", [][]byte{start, c(seq, tcpACK, q1), c(seq, tcpACK, both)}, 2, map[string]int64{leftTCP: 1}, nil},
		{"a stream met midway", [][]byte{c(seq, tcpACK, q1), c(seq+n(q1), tcpACK, q2)}, 2, nil, nil},
		{"a stream met inside a message", [][]byte{c(seq, tcpACK, q1[5:])}, 0, map[string]int64{leftGap: 1}, nil},
		{"a gap, then a message", [][]byte{start, c(seq, tcpACK, q1[:9]), c(seq+n(q1), tcpACK, q2)}, 1, map[string]int64{leftTCP: 2}, nil},
		{"a gap, then none", [][]byte{start, c(seq+500, tcpACK, q1[9:])}, 0, map[string]int64{leftTCP: 1, leftGap: 1}, nil},
		{"an end", [][]byte{start, c(seq, tcpACK|tcpFIN, q1[:9]), c(seq+9, tcpACK, q1[9:])}, 0, map[string]int64{leftTCP: 2, leftGap: 1}, nil},
		{"a reset", [][]byte{start, c(seq, tcpACK, q1[:9]), c(seq+9, tcpRST, nil), c(seq+9, tcpACK, q1[9:])}, 0, map[string]int64{leftTCP: 3, leftGap: 1}, nil},
		{"no DNS in it", [][]byte{start, c(seq, tcpACK, []byte("\x00\x05hello\x00\x02"))}, 0, map[string]int64{leftTCP: 1}, map[string]int64{refTruncTCP: 1}},
		{"data with the SYN (RFC 7413)", [][]byte{c(seq-1, tcpSYN, q1)}, 1, nil, nil},
		{"ports used again", [][]byte{start, c(seq, tcpACK, q1[:9]), c(70, tcpSYN, nil), c(71, tcpACK, q2)}, 1, map[string]int64{leftTCP: 3}, nil},
	} {
		r := read(t, little(linkEthernet, x.packets...), Options{})
		ok := r.Taken == x.taken
		for why, n := range x.left {
			ok = ok && r.count(r.LeftOut, why) == n
		}
		for why, n := range x.refused {
			ok = ok && r.count(r.Refused, why) == n
		}
		if !ok || len(r.LeftOut) != len(x.left) || len(r.Refused) != len(x.refused) {
			t.Errorf("%s: %+v\n%s", x.what, r.Account, r.text())
		}
	}
}

func TestTCPInAnyPieces(t *testing.T) {
	// However a stream is cut up, whatever is sent again: each message counts once.
	var all []byte
	for i := range 8 {
		all = append(all, framed(ask(t, uint16(i), fmt.Sprintf("n%d.vn.", i), 1))...)
	}
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Uint32().Draw(t, "seq")
		packets := [][]byte{overTCP(client4, server4, seq-1, tcpSYN, nil)}
		for at := 0; at < len(all); {
			from := max(0, at-rapid.IntRange(0, 20).Draw(t, "again"))
			to := min(len(all), at+rapid.IntRange(1, 90).Draw(t, "more"))
			packets = append(packets, overTCP(client4, server4, seq+uint32(from), tcpACK, all[from:to]))
			at = to
		}
		var names []string
		acc, fs := Read(memory(little(linkEthernet, packets...)), "log", Options{}, func(e Entry) { names = append(names, e.Name.First()) })
		if want := []string{"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"}; !slices.Equal(names, want) || acc.Taken != 8 {
			t.Fatalf("%v\n%+v\n%v", names, acc, fs)
		}
	})
}

func TestTCPLimits(t *testing.T) {
	// SEEN-BOUND: many streams that begin a message of 65535 octets and go no
	// further; what is held stays under the limit, the last one is still read.
	l := Limits{Streams: 50, Held: 1 << 16}
	c := &capture{ledger: newLedger(&Options{Limits: l.orDefault(), Ports: []uint16{53}}, "log", nil)}
	c.streams = newStreams(&c.o.Limits)
	c.acc.Unit = "packet"
	half := append([]byte{0xff, 0xff}, ask(t, 1, "a.vn.", 1)...)
	half = append(half, make([]byte, 1000)...)
	for i := range 1000 {
		src := netip.AddrPortFrom(client4.Addr(), uint16(10000+i))
		c.packet(packet{n: int64(i + 1), link: linkEthernet, data: overTCP(src, server4, 1, tcpACK, half)})
		held := 0
		for e := c.streams.order.Front(); e != nil; e = e.Next() {
			st, _ := e.Value.(*stream)
			held += len(st.part)
		}
		if held != c.streams.held || held > l.Held+len(half) || c.streams.order.Len() > l.Streams || len(c.streams.byFlow) != c.streams.order.Len() {
			t.Fatalf("%d octets held, said %d, in %d streams", held, c.streams.held, c.streams.order.Len())
		}
	}
}

func TestTCPSnap(t *testing.T) {
	p := overTCP(client4, server4, 1, tcpACK, framed(ask(t, 1, "a.vn.", 1)))
	whole := 14 + 20 + 32 + 2 + 12 + len("\x01a\x02vn\x00") + 4
	for snap := range len(p) {
		r := read(t, pcapFile(binary.LittleEndian, false, linkEthernet, snap, p), Options{})
		if (snap >= whole) != (r.Taken == 1) {
			t.Fatalf("%d octets: %+v\n%s", snap, r.Account, r.text())
		}
	}
}
