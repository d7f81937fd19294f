package answer

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

var udp = resolver.Peer{Addr: netip.MustParseAddrPort("127.0.0.1:5353"), Transport: resolver.UDP}

func imageOf(t testing.TB, origin, text string, p Policy) *Image {
	t.Helper()
	tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(text)}}, "z", zonefile.Options{Origin: zones.MustName(origin)})
	z, more := tree.Zone(zones.Internet)
	if z == nil {
		t.Fatal(fs, more)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, p)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// octets joins hexadecimal texts; blanks are for the reader.
func octets(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	// www.p.vn. A IN
	wwwA = "03777777 0170 02766e 00 0001 0001"
	opt  = "00 0029 04d0 00000000 0000"
)

// TestWire gives messages octet by octet and says what the header of the
// response must be: "rcode flags counts", "" for no response. Flags are in
// hexadecimal, without the rcode.
func TestWire(t *testing.T) {
	im := imageOf(t, "p.vn", fixed, Policy{})
	for _, c := range []struct {
		clause, what string
		msg          []string
		want         string
	}{
		{"13", "a plain question", []string{"1234 0100 0001 0000 0000 0000", wwwA}, "0 8500 1 3 0 0"},
		{"13", "RD and CD are echoed, RA and AD never set", []string{"1234 01b0 0001 0000 0000 0000", wwwA}, "0 8510 1 3 0 0"},
		{"13", "with EDNS", []string{"1234 0000 0001 0000 0000 0001", wwwA, opt}, "0 8400 1 3 0 1"},
		{"13", "EDNS version 1: BADVERS is 16, its upper bits stand in the OPT", []string{"1234 0000 0001 0000 0000 0001", wwwA, "00 0029 04d0 00 01 0000 0000"}, "16 8000 1 0 0 1"},
		{"13", "two OPT records", []string{"1234 0000 0001 0000 0000 0002", wwwA, opt, opt}, "1 8000 1 0 0 1"},
		{"13", "an OPT with an owner", []string{"1234 0000 0001 0000 0000 0001", wwwA, "0161 00 0029 04d0 00000000 0000"}, "1 8000 1 0 0 0"},
		{"13", "an option longer than its RDATA", []string{"1234 0000 0001 0000 0000 0001", wwwA, "00 0029 04d0 00000000 0006 000a 0008 0102"}, "1 8000 1 0 0 0"},
		{"13", "unknown options and flags", []string{"1234 0000 0001 0000 0000 0001", wwwA, "00 0029 04d0 00004fff 0006 fde9 0002 0102"}, "0 8400 1 3 0 1"},
		{"13", "an OPT in the answer section", []string{"1234 0000 0001 0001 0000 0000", wwwA, opt}, "1 8000 1 0 0 0"},
		{"14", "opcode 3, only a header", []string{"1234 1800 0000 0000 0000 0000"}, "4 9800 0 0 0 0"},
		{"14", "UPDATE", []string{"1234 2800 0001 0000 0000 0000", "0170 02766e 00 0006 0001"}, "4 a800 1 0 0 0"},
		{"14", "NOTIFY with EDNS", []string{"1234 2000 0001 0000 0000 0001", wwwA, opt}, "4 a000 1 0 0 1"},
		{"14", "a response", []string{"1234 8000 0001 0000 0000 0000", wwwA}, ""},
		{"14", "eleven octets", []string{"1234 0100 0001 0000 0000 00"}, ""},
		{"14", "no octet", nil, ""},
		{"14", "a question that is cut off", []string{"1234 0100 0001 0000 0000 0000", "03777777 0170"}, "1 8100 0 0 0 0"},
		{"14", "a record that is cut off", []string{"1234 0100 0001 0000 0000 0001", wwwA, "00 0029 04d0"}, "1 8100 1 0 0 0"},
		{"14", "a pointer in the question", []string{"1234 0100 0001 0000 0000 0000", "c00c 0001 0001"}, "1 8100 0 0 0 0"},
		{"14", "a label of 64 octets", []string{"1234 0100 0001 0000 0000 0000", "40", strings.Repeat("61", 64), "00 0001 0001"}, "1 8100 0 0 0 0"},
		{"14", "a name of 256 octets", []string{"1234 0100 0001 0000 0000 0000", strings.Repeat("3f"+strings.Repeat("61", 63), 3), "3e" + strings.Repeat("61", 62), "00 0001 0001"}, "1 8100 0 0 0 0"},
		{"C5", "QDCOUNT 2", []string{"1234 0000 0002 0000 0000 0000", wwwA, wwwA}, "1 8000 0 0 0 0"},
		{"C6", "QDCOUNT 0", []string{"1234 0000 0000 0000 0000 0000"}, "1 8000 0 0 0 0"},
		{"15", "TSIG with a key that is not known", []string{
			"1234 0000 0001 0000 0000 0001", wwwA,
			"036b6579 00 00fa 00ff 00000000 001a 00 000000000001 012c 0009 112233445566778899 1234 0000 0000",
		}, "9 8000 1 0 0 1"},
		{"15", "TSIG whose MAC is longer than its RDATA", []string{
			"1234 0000 0001 0000 0000 0001", wwwA,
			"036b6579 00 00fa 00ff 00000000 001a 00 000000000001 012c 00ff 112233445566778899 1234 0000 0000",
		}, "1 8000 1 0 0 0"},
		{"15", "TSIG that is not the last record", []string{
			"1234 0000 0001 0000 0000 0002", wwwA,
			"036b6579 00 00fa 00ff 00000000 0011 00 000000000001 012c 0000 1234 0000 0000", opt,
		}, "1 8000 1 0 0 0"},
		{"17", "a zone that is not served", []string{"1234 0000 0001 0000 0000 0000", "0161 00 0001 0001"}, "5 8000 1 0 0 0"},
		{"17", "the same with EDNS: an OPT with EDE 20", []string{"1234 0000 0001 0000 0000 0001", "0161 00 0001 0001", opt}, "5 8000 1 0 0 1"},
		{"16", "class CH, version.bind, by policy refused", []string{"1234 0000 0001 0000 0000 0000", "0776657273696f6e 0462696e64 00 0010 0003"}, "5 8000 1 0 0 0"},
		{"16", "class HS", []string{"1234 0000 0001 0000 0000 0000", "03777777 0170 02766e 00 0001 0004"}, "5 8000 1 0 0 0"},
		{"17", "AXFR", []string{"1234 0000 0001 0000 0000 0000", "0170 02766e 00 00fc 0001"}, "5 8000 1 0 0 0"},
		{"17", "IXFR with its SOA", []string{"1234 0000 0001 0000 0001 0000", "0170 02766e 00 00fb 0001", "c00c 0006 0001 00000000 0016 00 00 00000001 00000000 00000000 00000000 00000000"}, "5 8000 1 0 0 0"},
		{"11", "capitals", []string{"1234 0000 0001 0000 0000 0000", "03575757 0150 02764e 00 0001 0001"}, "0 8400 1 3 0 0"},
	} {
		t.Run(c.clause+" "+c.what, func(t *testing.T) {
			msg := octets(t, c.msg...)
			out := im.Handle(nil, msg, udp)
			if len(out) == 0 {
				if c.want != "" {
					t.Fatalf("no response, want %s", c.want)
				}
				return
			}
			m := new(dns.Msg)
			if err := m.Unpack(out); err != nil {
				t.Fatalf("%x: %v", out, err)
			}
			flags := int(out[2])<<8 | int(out[3])
			rcode := m.Rcode
			got := fmt.Sprintf("%d %x %d %d %d %d", rcode, flags&^15, len(m.Question), len(m.Answer), len(m.Ns), len(m.Extra))
			if got != c.want {
				t.Errorf("got %s, want %s\n%v", got, c.want, m)
			}
			if q := int(out[5]); q == 1 && !bytes.HasPrefix(out[12:], msg[12:12+4]) {
				t.Error("the question is not echoed octet for octet")
			}
		})
	}
}

// TestBadKey: NOTAUTH, and a TSIG with BADKEY and an empty MAC (RFC 8945 5.2.1).
func TestBadKey(t *testing.T) {
	im := imageOf(t, "p.vn", fixed, Policy{})
	q := new(dns.Msg).SetQuestion("www.p.vn.", dns.TypeA)
	q.SetTsig("nobody.", dns.HmacSHA256, 300, 1700000000)
	b, _, err := dns.TsigGenerate(q, "c2VjcmV0", "", false)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(im.Handle(nil, b, udp)); err != nil {
		t.Fatal(err)
	}
	ts := m.IsTsig()
	if m.Rcode != dns.RcodeNotAuth || ts == nil || ts.Error != dns.RcodeBadKey || ts.MACSize != 0 || ts.Hdr.Name != "nobody." ||
		ts.Algorithm != dns.HmacSHA256 || ts.TimeSigned != 1700000000 || ts.OrigId != q.Id || len(m.Answer) != 0 {
		t.Errorf("%v", m)
	}
}

// TestEDE: REFUSED carries the extended error 20 (RFC 8914 4.21).
func TestEDE(t *testing.T) {
	im := imageOf(t, "p.vn", fixed, Policy{})
	q := new(dns.Msg).SetQuestion("elsewhere.vn.", dns.TypeA)
	q.SetEdns0(4096, true)
	b, _ := q.Pack()
	m := new(dns.Msg)
	if err := m.Unpack(im.Handle(nil, b, udp)); err != nil {
		t.Fatal(err)
	}
	o := m.IsEdns0()
	if m.Rcode != dns.RcodeRefused || o == nil || len(o.Option) != 1 || o.Option[0].(*dns.EDNS0_EDE).InfoCode != 20 || o.UDPSize() != 1232 || !o.Do() {
		t.Errorf("%v", m)
	}
}

func TestChaos(t *testing.T) {
	im := imageOf(t, "p.vn", fixed, Policy{Version: "hopnhat", ID: "ns1"})
	for name, want := range map[string]string{"version.bind.": "hopnhat", "VERSION.server.": "hopnhat", "id.server.": "ns1", "hostname.bind.": "ns1", "authors.bind.": ""} {
		q := new(dns.Msg)
		q.Question = []dns.Question{{Name: name, Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}
		b, _ := q.Pack()
		m := new(dns.Msg)
		if err := m.Unpack(im.Handle(nil, b, udp)); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(m.Answer) == 1 {
			got = m.Answer[0].(*dns.TXT).Txt[0]
		}
		if got != want || (want == "") != (m.Rcode == dns.RcodeRefused) {
			t.Errorf("%s: %q (%s), want %q", name, got, dns.RcodeToString[m.Rcode], want)
		}
	}
}

// big has one RRset of 40 addresses, a delegation with much glue, and a
// chain of aliases to the first.
func big() string {
	var b strings.Builder
	b.WriteString("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nalias CNAME many\nd NS n0.d\n")
	for i := range 60 {
		fmt.Fprintf(&b, "many AAAA 2001:db8::%x\n", i+1)
		if i < 30 {
			fmt.Fprintf(&b, "d NS n%d.d\nn%d.d A 192.0.2.%d\nn%d.d AAAA 2001:db8:1::%x\n", i, i, i+1, i, i+1)
		}
	}
	return b.String()
}

// TestTruncation is clauses 9 and 15: whole RRsets, TC, never more octets than
// the asker takes, everything over TCP.
func TestTruncation(t *testing.T) {
	im := imageOf(t, "p.vn", big(), Policy{})
	for _, c := range []struct {
		name    string
		payload uint16 // 0 is without EDNS
		peer    resolver.Peer
		tc      bool
		answers int
		most    int
	}{
		{"many.p.vn.", 0, udp, true, 0, 512},
		{"many.p.vn.", 1232, udp, true, 0, 1232},
		{"many.p.vn.", 65535, udp, true, 0, 1232},
		{"many.p.vn.", 100, udp, true, 0, 512},
		{"many.p.vn.", 0, tcp, false, 60, 65535},
		{"alias.p.vn.", 1232, udp, true, 1, 1232},
		{"alias.p.vn.", 1232, tcp, false, 61, 65535},
		{"x.d.p.vn.", 1232, udp, true, 0, 1232},
		{"x.d.p.vn.", 1232, tcp, false, 0, 65535},
	} {
		q := new(dns.Msg).SetQuestion(c.name, dns.TypeAAAA)
		if c.payload > 0 {
			q.SetEdns0(c.payload, false)
		}
		b, _ := q.Pack()
		out := im.Handle(nil, b, c.peer)
		m := new(dns.Msg)
		if err := m.Unpack(out); err != nil {
			t.Fatal(err)
		}
		if m.Truncated != c.tc || len(m.Answer) != c.answers || len(out) > c.most || (m.IsEdns0() != nil) != (c.payload > 0) {
			t.Errorf("%s with %d over %v: tc %v, %d answers, %d octets; want %v, %d, at most %d", c.name, c.payload, c.peer.Transport, m.Truncated, len(m.Answer), len(out), c.tc, c.answers, c.most)
		}
		if c.name == "x.d.p.vn." && !c.tc && len(m.Extra) != 61 {
			t.Errorf("over TCP %d additional records, want 60 of glue and the OPT", len(m.Extra))
		}
	}
}

// TestLongChain: a chain of 40 aliases is answered whole over TCP, in the
// oracle's way, and may allocate.
func TestLongChain(t *testing.T) {
	var b strings.Builder
	b.WriteString("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nc40 A 192.0.2.2\n")
	for i := range 40 {
		fmt.Fprintf(&b, "c%d CNAME c%d\n", i, i+1)
	}
	im := imageOf(t, "p.vn", b.String(), Policy{})
	m := ask(t, im, zones.MustName("c0.p.vn"), zones.TypeA)
	if len(m.Answer) != 41 || m.Answer[40].Header().Rrtype != dns.TypeA {
		t.Errorf("%d records", len(m.Answer))
	}
}

// TestNoAlloc pins NO-ALLOC.
func TestNoAlloc(t *testing.T) {
	im := imageOf(t, "p.vn", fixed, Policy{})
	dst := make([]byte, 0, 65535)
	for _, name := range []string{"www.p.vn.", "nothing.p.vn.", "a.cut.p.vn.", "a.b.old.p.vn.", "f.cw.p.vn.", "elsewhere."} {
		q := new(dns.Msg).SetQuestion(name, dns.TypeA)
		q.SetEdns0(1232, false)
		b, _ := q.Pack()
		if n := testing.AllocsPerRun(100, func() { im.Handle(dst, b, udp) }); n > 0 {
			t.Errorf("%s: %v allocations an answer", name, n)
		}
	}
}

// FuzzHandle: no message panics; what comes back is a response to it, fits,
// can be unpacked, and never answers a response.
func FuzzHandle(f *testing.F) {
	im := imageOf(f, "p.vn", fixed, Policy{Version: "v"})
	for _, name := range []string{"www.p.vn.", "x.old.p.vn.", "a.cut.p.vn.", "."} {
		q := new(dns.Msg).SetQuestion(name, dns.TypeA)
		b, _ := q.Pack()
		f.Add(b)
		q.SetEdns0(1232, true)
		b, _ = q.Pack()
		f.Add(b)
		q.SetTsig("k.", dns.HmacSHA256, 300, 1)
		b, _, _ = dns.TsigGenerate(q, "c2VjcmV0", "", false)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, peer := range []resolver.Peer{udp, tcp} {
			out := im.Handle(nil, msg, peer)
			if len(out) == 0 {
				if len(msg) >= 12 && msg[2]&0x80 == 0 {
					t.Fatalf("no response to %x", msg)
				}
				continue
			}
			if len(msg) < 12 || msg[2]&0x80 != 0 {
				t.Fatalf("%x was answered", msg)
			}
			if len(out) < 12 || out[0] != msg[0] || out[1] != msg[1] || out[2]&0x80 == 0 || peer == udp && len(out) > 1232 && len(msg) < 600 {
				t.Fatalf("%x got %x", msg, out)
			}
			if err := new(dns.Msg).Unpack(out); err != nil {
				t.Fatalf("%x got %x: %v", msg, out, err)
			}
		}
	})
}
