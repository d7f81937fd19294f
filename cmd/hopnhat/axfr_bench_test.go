package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// BenchmarkAXFR takes a zone of a million names over TCP from ours and from
// Knot, in turns, and states ours as a ratio of Knot's: time until the last
// record, and processor time of the server; less is better. Who asks counts
// records and does no more.
func BenchmarkAXFR(b *testing.B) {
	z, records := axfrZone(b, b.TempDir(), 1_000_000)
	ours, dir := freePort(b, "127.0.0.1"), b.TempDir()
	theirs := freePort(b, "127.0.0.1")
	peers := []*peer{
		start(b, "hopnhat", ours, []zoneFile{z}, hopnhat(b), "serve", "--listen", ours.String(), "--state", b.TempDir(),
			"--include-root", "/", "--zone", z.origin+"="+z.path, "--secondary", "127.0.0.1"),
		start(b, "Knot", theirs, []zoneFile{z}, need(b, "knotd"), "-c", write(b, dir+"/knot.conf", fmt.Sprintf(`server:
    rundir: %[1]q
    listen: 127.0.0.1@%[2]d
    udp-workers: 1
    tcp-workers: 1
database:
    storage: %[1]q
log:
  - target: stderr
    any: warning
acl:
  - id: all
    address: 127.0.0.1
    action: transfer
zone:
  - domain: %[3]s
    file: %[4]q
    acl: all
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
`, dir, theirs.Port(), z.origin, z.path))),
	}
	took, cpu := map[string][]float64{}, map[string]float64{}
	for b.Loop() {
		for _, p := range peers {
			before, begun := ticks(b, p.proc.Pid), time.Now()
			if n := takeAXFR(b, p.addr, z.origin); n != records+1 { // the SOA ends it too
				b.Fatalf("%s: %d records, want %d", p.name, n, records+1)
			}
			took[p.name] = append(took[p.name], float64(time.Since(begun)))
			cpu[p.name] += float64(ticks(b, p.proc.Pid) - before)
		}
	}
	middle := func(name string) float64 {
		slices.Sort(took[name])
		return took[name][len(took[name])/2]
	}
	for _, p := range peers {
		b.Logf("%s: %.0f ms for %d records", p.name, middle(p.name)/1e6, records)
	}
	b.ReportMetric(middle("hopnhat")/middle("Knot"), "time/Knot")
	b.ReportMetric(cpu["hopnhat"]/cpu["Knot"], "cpu/Knot")
}

// axfrZone writes a zone of n names of the kinds that a large zone has, and
// counts its records.
func axfrZone(b *testing.B, dir string, n int) (z zoneFile, records int) {
	b.Helper()
	z = zoneFile{"lon.vn", filepath.Join(dir, "lon.vn.zone")}
	f, err := os.Create(z.path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	line := func(format string, args ...any) {
		fmt.Fprintf(w, format+"\n", args...)
		records++
	}
	fmt.Fprintln(w, "$ORIGIN lon.vn.\n$TTL 300")
	line("@ SOA ns.ngoai.vn. hm 1 7200 900 1209600 60")
	line("@ NS ns.ngoai.vn.")
	for i := range n {
		name := fmt.Sprintf("may-%07d", i)
		switch i % 20 {
		case 1:
			line("%s NS ns1.ngoai.vn.", name)
			line("%s NS ns2.ngoai.vn.", name)
		case 2, 3:
			line("%s CNAME may-%07d", name, i-2)
		case 4, 5:
			line("%s MX 10 may-%07d", name, i-4)
			line("%s TXT \"v=spf1 mx -all\"", name)
			line("%s A 10.%d.%d.%d", name, i>>16, i>>8&255, i&255)
		case 6:
			line("_sip._tcp.%s SRV 1 2 5060 may-%07d", name, i)
			line("%s A 10.%d.%d.%d", name, i>>16, i>>8&255, i&255)
		case 7:
			if i%1000 == 7 {
				line("*.%s A 10.%d.%d.%d", name, i>>16, i>>8&255, i&255)
			}
			line("%s A 10.%d.%d.%d", name, i>>16, i>>8&255, i&255)
		default:
			line("%s A 10.%d.%d.%d", name, i>>16, i>>8&255, i&255)
			line("%s AAAA 2001:db8::%x:%x", name, i>>16, i&0xffff)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return z, records
}

// takeAXFR takes a zone and counts its records, the last SOA too. It ends with
// the message whose last record is of the first one's type and owner: this zone
// has one SOA, and that is all that follows it.
func takeAXFR(b *testing.B, server netip.AddrPort, origin string) (records int) {
	b.Helper()
	c, err := net.DialTimeout("tcp", server.String(), patience)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		b.Fatal(err)
	}
	msg, err := new(dns.Msg).SetAxfr(dns.Fqdn(origin)).Pack()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.Write(append([]byte{byte(len(msg) >> 8), byte(len(msg))}, msg...)); err != nil {
		b.Fatal(err)
	}
	in := bufio.NewReaderSize(c, 256<<10)
	var frame []byte
	for {
		var size [2]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			b.Fatalf("after %d records: %v", records, err)
		}
		n := int(size[0])<<8 | int(size[1])
		frame = slices.Grow(frame[:0], n)[:n]
		if _, err := io.ReadFull(in, frame); err != nil {
			b.Fatalf("after %d records: %v", records, err)
		}
		if rcode := frame[3] & 15; rcode != 0 {
			b.Fatalf("refused with code %d", rcode)
		}
		records += int(frame[6])<<8 | int(frame[7])
		// The SOA's data end with five numbers, which no other record's here do.
		if end := len(frame) - 20; records > 1 && end > 0 && slices.Equal(frame[end:], soaNumbers) {
			return records
		}
	}
}

// soaNumbers are the last fields of axfrZone's SOA.
var soaNumbers = []byte{0, 0, 0, 1, 0, 0, 0x1c, 0x20, 0, 0, 3, 0x84, 0, 0x12, 0x75, 0, 0, 0, 0, 60}
