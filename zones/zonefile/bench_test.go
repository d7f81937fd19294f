package zonefile

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/miekg/dns"
)

// bigZone writes a file of about n records as administrators write them.
func bigZone(n int) string {
	var b strings.Builder
	b.WriteString("$TTL 3600\n@\tIN SOA ns1 admin (\n\t2026112301 ; serial\n\t7200 3600 1209600 300 )\n\tIN NS ns1\nns1\tIN A 192.0.2.1\n")
	for i := 0; i < n; {
		u := fmt.Sprintf("xa%d", i)
		fmt.Fprintf(&b, "\n; %s: Ủy ban nhân dân xã\n%s\t\tIN\tA\t10.%d.%d.%d\n\t\tIN\tAAAA\t2001:db8:%x::%x\n\t\tIN\tMX\t10 mail.%s\n", u, u, i>>16&255, i>>8&255, i&255, i>>16, i&0xffff, u)
		fmt.Fprintf(&b, "\t\tIN\tTXT\t\"v=spf1 mx a:mail.%s.gialai.gov.vn -all\"\nwww.%s\t300\tIN\tCNAME\t%s\nmail.%s\tIN\tA\t10.%d.%d.%d\n", u, u, u, u, i>>16&255, i>>8&255, i&255)
		fmt.Fprintf(&b, "_sip._tcp.%s IN SRV 0 5 5060 sip.gialai.gov.vn.\n%s IN CAA 0 issue \"ca.example.net\"\n", u, u)
		i += 8
	}
	return b.String()
}

// BenchmarkLoad reads a file of 100,000 records; miekg is the same file by
// the ZoneParser of miekg/dns. Both give ns per record, so that the ratio is
// plain.
func BenchmarkLoad(b *testing.B) {
	text := bigZone(100_000)
	fsys := fstest.MapFS{"z": &fstest.MapFile{Data: []byte(text)}}
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		records := 0
		for b.Loop() {
			tree, fs := Load(fsys, "z", Options{Origin: gialai})
			if tree.Failed() || len(fs) > 0 {
				b.Fatal(len(fs), fs[0])
			}
			records += tree.Len()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
	})
	b.Run("miekg", func(b *testing.B) {
		b.ReportAllocs()
		records := 0
		for b.Loop() {
			p := dns.NewZoneParser(strings.NewReader(text), gialai.String(), "z")
			for _, ok := p.Next(); ok; _, ok = p.Next() {
				records++
			}
			if p.Err() != nil {
				b.Fatal(p.Err())
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
	})
}

// BenchmarkTokenize is the tokenizer alone.
func BenchmarkTokenize(b *testing.B) {
	text := []byte(bigZone(100_000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		x := newLexer(text)
		for e := (lexed{}); x.next(&e); {
		}
	}
}
