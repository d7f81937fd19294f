package transfer

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// million makes a zone of n names of the kinds that a large zone has.
func million(tb testing.TB, n int) *zones.Zone {
	tb.Helper()
	origin := zones.MustName("lon.vn")
	b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
	add := func(owner zones.Name, typ zones.Type, data string) {
		b.Add(zones.Record{Owner: owner, Type: typ, TTL: 300, Data: data})
	}
	name := func(i int) zones.Name { return zones.MustName(fmt.Sprintf("may-%07d.lon.vn", i)) }
	add(origin, zones.TypeSOA, zones.SOA{MName: origin, RName: origin, Serial: 1, Minimum: 60}.Data())
	add(origin, zones.TypeNS, name(0).Wire())
	for i := range n {
		a := string(binary.BigEndian.AppendUint32(nil, 0x0a000000+uint32(i)))
		switch i % 20 {
		case 1:
			add(name(i), zones.TypeNS, zones.MustName("ns1.ngoai.vn").Wire())
			add(name(i), zones.TypeNS, zones.MustName("ns2.ngoai.vn").Wire())
		case 2, 3:
			add(name(i), zones.TypeCNAME, name(i-2).Wire())
		case 4, 5:
			add(name(i), zones.TypeMX, "\x00\x0a"+name(i-4).Wire())
			add(name(i), zones.TypeTXT, "\x0fv=spf1 mx -all ")
			fallthrough
		default:
			add(name(i), zones.TypeA, a)
			add(name(i), zones.TypeAAAA, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00"+a)
		}
	}
	z, err := b.Freeze()
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

// BenchmarkStream makes the messages of a transfer of a million names.
func BenchmarkStream(b *testing.B) {
	z := million(b, 1_000_000)
	s := &Server{
		View: zones.Internet, Versions: map[zones.Name]Version{z.Origin(): {Zone: z}},
		Rules: []Rule{{From: netip.MustParsePrefix("127.0.0.0/8")}}, Now: func() time.Time { return start },
	}
	msg, err := new(dns.Msg).SetAxfr("lon.vn.").Pack()
	if err != nil {
		b.Fatal(err)
	}
	octets, messages := 0, 0
	for b.Loop() {
		for m := range s.Stream(msg, Asker{Addr: netip.MustParseAddr("127.0.0.1")}) {
			octets += len(m)
			messages++
		}
	}
	b.SetBytes(int64(octets / b.N))
	b.ReportMetric(float64(messages/b.N), "messages")
}
