package seen

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// talk is a conversation in four packets: a question and its answer over IPv4,
// a question alone over IPv6, an answer alone.
func talk(t testing.TB) [][]byte {
	return [][]byte{
		datagram(client4, server4, ask(t, 7, "Mail.binhdinh.gov.vn.", 1)),
		datagram(server4, client4, reply(t, 7, "Mail.binhdinh.gov.vn.", 1, 0, "mail.binhdinh.gov.vn. 300 IN CNAME m.binhdinh.gov.vn.", "m.binhdinh.gov.vn. 300 IN A 10.0.0.25")),
		datagram(client6, server6, ask(t, 8, "kho.binhdinh.gov.vn.", 28)),
		datagram(server4, client4, reply(t, 9, "so.binhdinh.gov.vn.", 2, 3)),
	}
}

func holdTalk(t *testing.T, what string, r result) {
	t.Helper()
	if r.Format != FormatCapture || r.Unit != "packet" || r.In != 4 || r.Taken != 3 || r.count(r.LeftOut, leftResponses) != 1 || len(r.finds) > 0 {
		t.Errorf("%s: %+v\n%s", what, r.Account, r.text())
		return
	}
	q, a, six, alone := r.entries[0], r.entries[1], r.entries[2], r.entries[3]
	if q.Name != name("mail.binhdinh.gov.vn") || q.Client != client4.Addr() || q.Server != server4.Addr() || !q.Time.Equal(noon) || !q.Asked {
		t.Errorf("%s: the question %+v", what, q)
	}
	lines := a.Answer.Lines()
	if a.Asked || !slices.Equal(lines, []string{"m.binhdinh.gov.vn. 300 A 10.0.0.25", "mail.binhdinh.gov.vn. 300 CNAME m.binhdinh.gov.vn."}) {
		t.Errorf("%s: the answer %v of %+v", what, lines, a)
	}
	if six.Client != client6.Addr() || six.Type != 28 || six.At.String() != "log: packet 3" || !six.Time.Equal(noon.Add(2*time.Millisecond)) {
		t.Errorf("%s: over IPv6 %+v", what, six)
	}
	if !alone.Asked || alone.Answer.Rcode != 3 || alone.Client != client4.Addr() {
		t.Errorf("%s: the answer alone %+v", what, alone)
	}
}

func TestPCAP(t *testing.T) {
	for what, b := range map[string][]byte{
		"little-endian":              little(linkEthernet, talk(t)...),
		"big-endian":                 pcapFile(binary.BigEndian, false, linkEthernet, 1<<18, talk(t)...),
		"little-endian, nanoseconds": pcapFile(binary.LittleEndian, true, linkEthernet, 1<<18, talk(t)...),
		"big-endian, nanoseconds":    pcapFile(binary.BigEndian, true, linkEthernet, 1<<18, talk(t)...),
		"gzip":                       zip(t, little(linkEthernet, talk(t)...)),
		"a checksum's length":        little(linkEthernet|0x24000000, talk(t)...),
	} {
		holdTalk(t, what, read(t, b, Options{}))
	}
}

// relink puts another link's head before the IP packet of an Ethernet frame.
func relink(frames [][]byte, head func(ether uint16) []byte) (out [][]byte) {
	for _, f := range frames {
		out = append(out, append(head(binary.BigEndian.Uint16(f[12:])), f[14:]...))
	}
	return out
}

func TestLinks(t *testing.T) {
	be, le := binary.BigEndian, binary.LittleEndian
	family := func(order binary.AppendByteOrder, six uint32) func(uint16) []byte {
		return func(ether uint16) []byte {
			if ether == etherIPv6 {
				return order.AppendUint32(nil, six)
			}
			return order.AppendUint32(nil, 2)
		}
	}
	for _, c := range []struct {
		what string
		link uint32
		head func(uint16) []byte
	}{
		{"raw", linkRaw, func(uint16) []byte { return nil }},
		{"DLT_RAW of BSD", 12, func(uint16) []byte { return nil }},
		{"Linux cooked", linkSLL, func(e uint16) []byte { return be.AppendUint16(make([]byte, 14), e) }},
		{"Linux cooked 2", linkSLL2, func(e uint16) []byte { return append(be.AppendUint16(nil, e), make([]byte, 18)...) }},
		{"loopback of FreeBSD", linkNull, family(le, 28)},
		{"loopback of macOS, big-endian", linkNull, family(be, 30)},
		{"loopback of OpenBSD", linkLoop, family(be, 24)},
		{"a VLAN", linkEthernet, func(e uint16) []byte {
			return be.AppendUint16(append(make([]byte, 12), 0x81, 0, 0, 7), e)
		}},
		{"a VLAN in a VLAN", linkEthernet, func(e uint16) []byte {
			return be.AppendUint16(append(make([]byte, 12), 0x88, 0xa8, 0, 7, 0x81, 0, 0, 9), e)
		}},
	} {
		holdTalk(t, c.what, read(t, little(c.link, relink(talk(t), c.head)...), Options{}))
	}
}

// ngBlock packs a block of pcapng.
func ngBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	body = append(bytes.Clone(body), make([]byte, (4-len(body)%4)%4)...)
	b := order.AppendUint32(order.AppendUint32(nil, kind), uint32(12+len(body)))
	return order.AppendUint32(append(b, body...), uint32(12+len(body)))
}

func ngSection(order binary.AppendByteOrder) []byte {
	b := order.AppendUint32(nil, 0x1a2b3c4d)
	b = order.AppendUint16(order.AppendUint16(b, 1), 0)
	return ngBlock(order, blockSection, append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
}

// ngFace describes an interface; options are code, value.
func ngFace(order binary.AppendByteOrder, link uint16, snap uint32, options ...[]byte) []byte {
	b := order.AppendUint16(order.AppendUint16(nil, link), 0)
	b = order.AppendUint32(b, snap)
	for _, o := range options {
		b = order.AppendUint16(order.AppendUint16(b, uint16(o[0])), uint16(len(o)-1))
		b = append(append(b, o[1:]...), make([]byte, (4-(len(o)-1)%4)%4)...)
	}
	return ngBlock(order, blockInterface, order.AppendUint32(b, 0))
}

func ngEnhanced(order binary.AppendByteOrder, face uint32, ticks uint64, p []byte) []byte {
	b := order.AppendUint32(nil, face)
	b = order.AppendUint32(order.AppendUint32(b, uint32(ticks>>32)), uint32(ticks))
	b = order.AppendUint32(order.AppendUint32(b, uint32(len(p))), uint32(len(p)))
	b = append(append(b, p...), make([]byte, (4-len(p)%4)%4)...)
	return ngBlock(order, blockEnhanced, append(b, 0, 1, 0, 3, 'h', 'i', '!', 0, 0, 0, 0, 0)) // a comment
}

func TestPCAPNG(t *testing.T) {
	for _, c := range []struct {
		what   string
		order  binary.AppendByteOrder
		ticks  func(time.Time) uint64
		option [][]byte
	}{
		{"microseconds", binary.LittleEndian, func(t time.Time) uint64 { return uint64(t.UnixMicro()) }, nil},
		{"big-endian", binary.BigEndian, func(t time.Time) uint64 { return uint64(t.UnixMicro()) }, [][]byte{{9, 6}}},
		{"nanoseconds", binary.LittleEndian, func(t time.Time) uint64 { return uint64(t.UnixNano()) }, [][]byte{{2, 'e', 't', 'h', '0'}, {9, 9}}},
		{"an offset", binary.LittleEndian, func(t time.Time) uint64 { return uint64(t.UnixMicro() - 1000*1e6) }, [][]byte{{14, 0xe8, 3, 0, 0, 0, 0, 0, 0}}},
	} {
		b := append(ngSection(c.order), ngBlock(c.order, 0xbad, []byte("whatever"))...)
		b = append(b, ngFace(c.order, linkEthernet, 0, c.option...)...)
		for i, p := range talk(t) {
			b = append(b, ngEnhanced(c.order, 0, c.ticks(noon.Add(time.Duration(i)*time.Millisecond)), p)...)
		}
		holdTalk(t, c.what, read(t, b, Options{}))
		holdTalk(t, c.what+", gzip", read(t, zip(t, b), Options{}))
	}
}

func TestPCAPNGBinaryClock(t *testing.T) {
	// if_tsresol with its high bit: 2 to the minus 10.
	b := slices.Concat(ngSection(binary.LittleEndian), ngFace(binary.LittleEndian, linkEthernet, 0, []byte{9, 0x8a}),
		ngEnhanced(binary.LittleEndian, 0, uint64(noon.Unix())<<10|512, talk(t)[0]))
	r := read(t, b, Options{})
	if want := time.Unix(noon.Unix(), 5e8); r.Taken != 1 || !r.entries[0].Time.Equal(want) {
		t.Errorf("%+v\n%s", r.entries, r.text())
	}
}

func TestPCAPNGSections(t *testing.T) {
	// Two sections of different octet order, with interfaces of their own; a
	// simple and an obsolete packet block.
	le, be := binary.LittleEndian, binary.BigEndian
	p := talk(t)
	simple := append(be.AppendUint32(nil, uint32(len(p[2]))), p[2]...)
	old := be.AppendUint16(be.AppendUint16(nil, 0), 0)
	us := uint64(noon.UnixMicro())
	old = be.AppendUint32(be.AppendUint32(old, uint32(us>>32)), uint32(us))
	old = append(be.AppendUint32(be.AppendUint32(old, uint32(len(p[3]))), uint32(len(p[3]))), p[3]...)
	b := slices.Concat(ngSection(le), ngFace(le, linkRaw, 0), ngFace(le, linkEthernet, 0),
		ngEnhanced(le, 1, us, p[0]), ngEnhanced(le, 0, us, p[1][14:]),
		ngSection(be), ngFace(be, linkEthernet, 0), ngBlock(be, blockSimple, simple), ngBlock(be, blockPacket, old))
	r := read(t, b, Options{})
	if r.In != 4 || r.Taken != 3 || len(r.finds) > 0 || !r.entries[2].Time.IsZero() || !r.entries[3].Time.Equal(noon) {
		t.Errorf("%+v\n%+v\n%s", r.Account, r.entries, r.text())
	}
}

func TestPCAPNGSnap(t *testing.T) {
	// Of a simple block only the interface says how much was kept.
	p := talk(t)[0]
	body := binary.LittleEndian.AppendUint32(nil, uint32(len(p)))
	b := slices.Concat(ngSection(binary.LittleEndian), ngFace(binary.LittleEndian, linkEthernet, 40),
		ngBlock(binary.LittleEndian, blockSimple, append(body, p[:40]...)))
	if r := read(t, b, Options{}); r.Taken != 0 || r.count(r.Refused, refSnap) != 1 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

func TestPCAPNGTraps(t *testing.T) {
	le := binary.LittleEndian
	head := slices.Concat(ngSection(le), ngFace(le, linkEthernet, 0), ngEnhanced(le, 0, 1, talk(t)[0]))
	for what, bad := range map[string][]byte{
		"a block of 4 GiB":             {9, 9, 9, 9, 0xfc, 0xff, 0xff, 0xff},
		"a block without its head":     {9, 9, 9, 9, 4, 0, 0, 0},
		"a length that is no multiple": {9, 9, 9, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0},
		"another interface":            ngEnhanced(le, 1, 1, talk(t)[0]),
		"a packet longer than its block": func() []byte {
			b := ngEnhanced(le, 0, 1, talk(t)[0])
			le.PutUint32(b[20:], 0xfffffff0)
			return b
		}(),
		"no octet order":        {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4},
		"a clock finer than is": ngFace(le, linkEthernet, 0, []byte{9, 99}),
		"a short interface":     ngBlock(le, blockInterface, []byte{1, 0, 0, 0}),
		"a short packet":        ngBlock(le, blockEnhanced, []byte{1, 0, 0, 0}),
		"an interface too long": slices.Concat(le.AppendUint32(le.AppendUint32(nil, blockInterface), 1<<31), make([]byte, 64)),
	} {
		r := read(t, append(bytes.Clone(head), bad...), Options{})
		if r.Taken != 1 || !r.has("Q-LIMIT") && !r.has("Q-CUT") {
			t.Errorf("%s: %+v\n%s", what, r.Account, r.text())
		}
	}
}

func TestPacketTraps(t *testing.T) {
	q := ask(t, 7, "x.vn.", 1)
	v4 := func(b []byte, options ...byte) []byte {
		return ethernet(ip(client4.Addr(), server4.Addr(), 17, b, options...))
	}
	v6 := func(proto byte, b []byte) []byte { return ethernet(ip(client6.Addr(), server6.Addr(), proto, b)) }
	u4, u6 := udp(client4, server4, q), udp(client6, server6, q)
	fragment := v4(u4)
	fragment[14+6] = 0x20
	noLength := v4(u4)
	noLength[14+2], noLength[14+3] = 0, 0
	other := netip.MustParseAddrPort("10.0.0.1:5353")
	for _, c := range []struct {
		what string
		p    []byte
		why  string // "" is taken
	}{
		{"plain", v4(u4), ""},
		{"options of IPv4", v4(u4, 1, 1, 1, 1), ""},
		{"padding behind it", append(v4(u4), make([]byte, 20)...), ""},
		{"no length (segmentation offload)", noLength, ""},
		{"extension headers", v6(0, append([]byte{60, 0, 0, 0, 0, 0, 0, 0, 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, u6...)), ""},
		{"an atomic fragment (RFC 6946)", v6(44, append([]byte{17, 0, 0, 0, 1, 2, 3, 4}, u6...)), ""},
		{"a fragment", fragment, leftFragment},
		{"a fragment of IPv6", v6(44, append([]byte{17, 0, 0, 1, 1, 2, 3, 4}, u6...)), leftFragment},
		{"ARP", append(make([]byte, 12), 8, 6, 0, 1), leftNotIP},
		{"ICMP", ethernet(ip(client4.Addr(), server4.Addr(), 1, []byte{8, 0, 0, 0})), leftNotUDP},
		{"another port", datagram(client4, other, q), leftPorts},
		{"an answer from another port", datagram(other, server4, reply(t, 7, "x.vn.", 1, 0)), leftPorts},
		{"no DNS", datagram(client4, server4, []byte("hello")), refMessage},
		{"an empty datagram", datagram(client4, server4, nil), refMessage},
		{"no question", datagram(client4, server4, make([]byte, 12)), refMessage},
		{"a question cut", datagram(client4, server4, q[:15]), refMessage},
		{"a short Ethernet frame", []byte{1, 2, 3}, refPacket},
		{"nothing", nil, refPacket},
		{"an IPv4 header of 4 octets", append(append(make([]byte, 12), 8, 0), 0x41, 0, 0, 9), refPacket},
		{"IPv4 that says IPv5", append(append(make([]byte, 12), 8, 0), append([]byte{0x55}, make([]byte, 40)...)...), refPacket},
		{"a short UDP header", v4([]byte{0x12, 0x67, 0, 53}), refPacket},
		{"a UDP length of 7", v4([]byte{0x12, 0x67, 0, 53, 0, 7, 0, 0, 1, 2, 3, 4}), refPacket},
		{"a UDP length beyond", v4([]byte{0x12, 0x67, 0, 53, 9, 9, 0, 0, 1, 2, 3, 4}), refPacket},
		{"endless extension headers", v6(0, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 0}, 40)), refPacket},
		{"a cut extension header", v6(0, []byte{17}), refPacket},
		{"a short TCP header", ethernet(ip(client4.Addr(), server4.Addr(), 6, []byte{0x12, 0x67, 0, 53, 1, 2})), refPacket},
	} {
		r := read(t, little(linkEthernet, c.p), Options{})
		if c.why == "" && r.Taken != 1 || c.why != "" && r.count(r.LeftOut, c.why)+r.count(r.Refused, c.why) != 1 || r.In != 1 {
			t.Errorf("%s: want %q\n%+v\n%s", c.what, c.why, r.Account, r.text())
		}
	}
	if r := read(t, little(147, []byte("whatever")), Options{}); r.count(r.LeftOut, leftLink) != 1 {
		t.Errorf("a link of a kind of its own: %+v", r.Account)
	}
	if r := read(t, little(linkEthernet, datagram(client4, other, q)), Options{Ports: []uint16{53, 5353}}); r.Taken != 1 {
		t.Errorf("a port that was asked for: %+v", r.Account)
	}
}

func TestSnapLength(t *testing.T) {
	// tcpdump -s 96 cuts answers; the question in them is often whole.
	p := datagram(server4, client4, reply(t, 7, "x.vn.", 1, 0, "x.vn. 1 IN A 10.0.0.1", "x.vn. 1 IN A 10.0.0.2", "x.vn. 1 IN A 10.0.0.3"))
	for snap := range len(p) {
		r := read(t, pcapFile(binary.LittleEndian, false, linkEthernet, snap, p), Options{})
		whole := snap >= 14+20+8+12+len("\x01x\x02vn\x00")+4
		if whole != (r.Taken == 1) || !whole && r.count(r.Refused, refSnap) != 1 {
			t.Fatalf("%d octets: %+v\n%s", snap, r.Account, r.text())
		}
		if a := func() *Answer { return append(r.entries, Entry{})[0].Answer }(); whole && len(a.Records)+a.More != 3 {
			t.Fatalf("%d octets: %d records and %d more", snap, len(a.Records), a.More)
		}
	}
}

func TestPCAPCut(t *testing.T) {
	b := little(linkEthernet, talk(t)...)
	for n := 4; n < len(b); n++ {
		r := read(t, b[:n], Options{})
		if r.Format != FormatCapture || r.Taken > 3 || len(r.finds) == 0 && n != len(b[:24])+16+len(talk(t)[0]) && !wholePackets(n, talk(t)) {
			t.Fatalf("%d octets: %+v\n%s", n, r.Account, r.text())
		}
	}
	huge := little(linkEthernet, talk(t)[0])
	huge = append(huge, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if r := read(t, huge, Options{}); r.Taken != 1 || !r.has("Q-LIMIT") {
		t.Errorf("a packet of 4 GiB: %+v\n%s", r.Account, r.text())
	}
}

// wholePackets tells whether a file cut after n octets ends between packets.
func wholePackets(n int, packets [][]byte) bool {
	at := 24
	for _, p := range packets {
		if n == at {
			return true
		}
		at += 16 + len(p)
	}
	return n == at
}
