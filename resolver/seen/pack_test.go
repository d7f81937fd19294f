package seen

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// result is all that Read gives.
type result struct {
	Account
	entries []Entry
	finds   []finding.Finding
}

// read reads one log from memory and holds SEEN-SUM.
func read(t testing.TB, b []byte, o Options) result {
	t.Helper()
	var r result
	r.Account, r.finds = Read(fstest.MapFS{"log": {Data: b}}, "log", o, func(e Entry) { r.entries = append(r.entries, e) })
	holdSum(t, r)
	return r
}

func holdSum(t testing.TB, r result) {
	t.Helper()
	left, refused := r.Sums()
	if r.In != r.Taken+left+refused {
		t.Fatalf("in %d, but taken %d + left out %d + refused %d", r.In, r.Taken, left, refused)
	}
	asked := int64(0)
	for _, e := range r.entries {
		if e.Name.IsZero() {
			t.Fatal("an entry without a name")
		}
		if e.Asked {
			asked++
		}
	}
	if asked != r.Taken {
		t.Fatalf("%d questions handed on, %d taken", asked, r.Taken)
	}
}

func (r result) count(list []Tally, why string) int64 {
	for _, t := range list {
		if t.Why == why {
			return t.Count
		}
	}
	return 0
}

func (r result) has(id string) bool {
	for _, f := range r.finds {
		if f.ID == id {
			return true
		}
	}
	return false
}

func (r result) text() string {
	var b strings.Builder
	for _, f := range r.finds {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func zip(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ask packs a question.
func ask(t testing.TB, id uint16, name string, typ uint16) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.Id = id
	m.RecursionDesired = true
	m.Question = []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET}}
	m.SetEdns0(1232, false)
	return pack(t, m)
}

// reply packs an answer, compressed.
func reply(t testing.TB, id uint16, name string, typ uint16, rcode int, rrs ...string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.Id = id
	m.Response, m.Authoritative, m.Compress, m.Rcode = true, true, true, rcode
	m.Question = []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET}}
	for _, s := range rrs {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return pack(t, m)
}

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	client4 = netip.MustParseAddrPort("10.1.2.3:4711")
	server4 = netip.MustParseAddrPort("10.0.0.1:53")
	client6 = netip.MustParseAddrPort("[2001:db8:1:2::3]:4711")
	server6 = netip.MustParseAddrPort("[2001:db8::1]:53")
	noon    = time.Date(2025, 6, 20, 5, 12, 44, 123456000, time.UTC)
)

// udp packs a datagram from src to dst, without its IP header.
func udp(src, dst netip.AddrPort, b []byte) []byte {
	h := binary.BigEndian.AppendUint16(nil, src.Port())
	h = binary.BigEndian.AppendUint16(h, dst.Port())
	h = binary.BigEndian.AppendUint16(h, uint16(8+len(b)))
	return append(binary.BigEndian.AppendUint16(h, 0), b...)
}

// segment packs a TCP segment, with 12 octets of options.
func segment(src, dst netip.AddrPort, seq uint32, flags byte, b []byte) []byte {
	h := binary.BigEndian.AppendUint16(nil, src.Port())
	h = binary.BigEndian.AppendUint16(h, dst.Port())
	h = binary.BigEndian.AppendUint32(h, seq)
	h = append(h, 0, 0, 0, 0, 8<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	h = append(h, make([]byte, 12)...)
	return append(h, b...)
}

// ip packs an IP packet; options go behind the header of IPv4.
func ip(src, dst netip.Addr, proto byte, b []byte, options ...byte) []byte {
	if src.Is4() {
		h := []byte{0x40 | byte(5+len(options)/4), 0}
		h = binary.BigEndian.AppendUint16(h, uint16(20+len(options)+len(b)))
		h = append(h, 0, 0, 0, 0, 64, proto, 0, 0)
		h = append(append(h, src.AsSlice()...), dst.AsSlice()...)
		return append(append(h, options...), b...)
	}
	h := binary.BigEndian.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(b)))
	h = append(h, proto, 64)
	return append(append(append(h, src.AsSlice()...), dst.AsSlice()...), b...)
}

func ethernet(b []byte) []byte {
	typ := uint16(etherIPv4)
	if b[0]>>4 == 6 {
		typ = etherIPv6
	}
	return append(binary.BigEndian.AppendUint16(make([]byte, 12), typ), b...)
}

// datagram packs DNS over UDP over IP over Ethernet.
func datagram(src, dst netip.AddrPort, b []byte) []byte {
	return ethernet(ip(src.Addr(), dst.Addr(), 17, udp(src, dst, b)))
}

// pcapFile writes a capture; packets are 1 ms apart.
func pcapFile(order binary.AppendByteOrder, nano bool, link uint32, snap int, packets ...[]byte) []byte {
	magic, unit := uint32(0xa1b2c3d4), time.Microsecond
	if nano {
		magic, unit = 0xa1b23c4d, time.Nanosecond
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = order.AppendUint32(order.AppendUint32(b, 0), 0)
	b = order.AppendUint32(order.AppendUint32(b, uint32(snap)), link)
	for i, p := range packets {
		at := noon.Add(time.Duration(i) * time.Millisecond)
		b = order.AppendUint32(b, uint32(at.Unix()))
		b = order.AppendUint32(b, uint32(at.Nanosecond()/int(unit)))
		b = order.AppendUint32(b, uint32(min(snap, len(p))))
		b = order.AppendUint32(b, uint32(len(p)))
		b = append(b, p[:min(snap, len(p))]...)
	}
	return b
}

func little(link uint32, packets ...[]byte) []byte {
	return pcapFile(binary.LittleEndian, false, link, 1<<18, packets...)
}

func name(s string) zones.Name { return zones.MustName(s) }

func questionLine(n int, who string) string {
	return fmt.Sprintf("20-Jun-2025 09:12:%02d.123 queries: info: client @0x7f21 %s#4711 (x%d.vn): query: x%d.vn IN A +E(0)K (10.0.0.1)\n", n%60, who, n, n)
}

// memory is a file system with one log.
func memory(b []byte) fstest.MapFS { return fstest.MapFS{"log": {Data: b}} }
