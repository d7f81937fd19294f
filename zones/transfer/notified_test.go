package transfer

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// TestHear: who may tell of a change, and what is answered, as miekg/dns reads it.
func TestHear(t *testing.T) {
	key := testKey(t)
	other, err := ParseKey("other.example:hmac-sha512:" + secret64)
	if err != nil {
		t.Fatal(err)
	}
	wrong := *key
	wrong.secret = []byte("another secret, 32 octets long!!")
	first, second, stranger := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("198.51.100.9")
	l := &Listener{
		Zones: map[zones.Name][]Teller{zones.MustName("example"): {{Address: first}, {Address: second, Key: key.Name}}},
		Keys:  map[zones.Name]Key{key.Name: *key, other.Name: other},
		Now:   func() time.Time { return start },
	}
	notify := func(zone string, serial uint32) *dns.Msg {
		m := new(dns.Msg).SetNotify(zone)
		m.Id = testID
		if serial > 0 {
			m.Answer = []dns.RR{rrs(t, version{serial: serial}.soa())[0]}
		}
		return m
	}
	of := func(zone string, f func(m *dns.Msg)) *dns.Msg { m := notify(zone, 9); f(m); return m }
	for _, c := range []struct {
		name  string
		msg   *dns.Msg
		from  netip.Addr
		key   *Key
		at    time.Time
		who   int // -1: nothing is done
		hint  uint32
		rcode int
	}{
		{"the first", notify("example.", 9), first, nil, start, 0, 9, 0},
		{"mapped", notify("example.", 9), netip.AddrFrom16(first.As16()), nil, start, 0, 9, 0},
		{"in capitals", notify("EXAMPLE.", 9), first, nil, start, 0, 9, 0},
		{"without a hint", notify("example.", 0), first, nil, start, 0, 0, 0},
		{"the second, unsigned", notify("example.", 9), second, nil, start, 1, 9, 0},
		{"the second, signed", notify("example.", 9), second, key, start, 1, 9, 0},
		{"the second, from another address", notify("example.", 9), stranger, key, start, 1, 9, 0},
		{"another key from a listed address", notify("example.", 9), first, &other, start, 0, 9, 0},
		{"a hint of another zone", of("example.", func(m *dns.Msg) { m.Answer[0].Header().Name = "a.example." }), first, nil, start, 0, 0, 0},
		{"a stranger", notify("example.", 9), stranger, nil, start, -1, 0, dns.RcodeRefused},
		{"a stranger with another key", notify("example.", 9), stranger, &other, start, -1, 0, dns.RcodeRefused},
		{"another secret", notify("example.", 9), second, &wrong, start, -1, 0, dns.RcodeNotAuth},
		{"an old signature", notify("example.", 9), second, key, start.Add(-time.Hour), -1, 0, dns.RcodeNotAuth},
		{"a zone that is not followed", notify("a.example.", 0), first, nil, start, -1, 0, dns.RcodeNotAuth},
		{"of another type", of("example.", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }), first, nil, start, -1, 0, dns.RcodeFormatError},
		{"of another class", of("example.", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), first, nil, start, -1, 0, dns.RcodeFormatError},
		{"no question", of("example.", func(m *dns.Msg) { m.Question = nil }), first, nil, start, -1, 0, dns.RcodeFormatError},
		{"two questions", of("example.", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), first, nil, start, -1, 0, dns.RcodeFormatError},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.msg.Pack()
			if err != nil {
				t.Fatal(err)
			}
			mac := ""
			if c.key != nil {
				b = newConversation(*c.key).sign(b, c.at)
				q := new(dns.Msg)
				if err := q.Unpack(b); err != nil {
					t.Fatal(err)
				}
				mac = q.IsTsig().MAC
			}
			if !IsNotify(b) {
				t.Fatal("no NOTIFY")
			}
			told, out := l.Hear(b, c.from)
			if (told != nil) != (c.who >= 0) || told != nil && (told.Primary != c.who || told.Zone != zones.MustName("example")) {
				t.Fatalf("told %+v", told)
			}
			if told != nil && ((told.Serial != nil) != (c.hint > 0) || told.Serial != nil && uint32(*told.Serial) != c.hint) {
				t.Errorf("hint %v", told.Serial)
			}
			m := new(dns.Msg)
			if err := m.Unpack(out); err != nil {
				t.Fatal(err)
			}
			if m.Id != testID || !m.Response || m.Opcode != dns.OpcodeNotify || m.Rcode != c.rcode || m.Rcode == 0 && !m.Authoritative || len(m.Answer) > 0 {
				t.Errorf("%v", m)
			}
			if m.Rcode == 0 && (len(m.Question) != 1 || m.Question[0] != c.msg.Question[0]) {
				t.Errorf("question %v", m.Question)
			}
			if c.key != nil && (c.rcode == 0 || c.rcode == dns.RcodeRefused) {
				if err := dns.TsigVerify(out, secret64, mac, false); err != nil && err != dns.ErrTime {
					t.Errorf("the answer's signature: %v", err)
				}
			}
			if len(out) > len(b)+20 {
				t.Errorf("%d octets answer %d", len(out), len(b))
			}
		})
	}
	for name, b := range map[string][]byte{"short": {1, 2, 3}, "an answer": func() []byte {
		b, _ := of("example.", func(m *dns.Msg) { m.Response = true }).Pack()
		return b
	}(), "a query": query(testID, zones.MustName("example"), zones.TypeSOA)} {
		if told, out := l.Hear(b, first); IsNotify(b) || told != nil || out != nil {
			t.Errorf("%s is heard", name)
		}
	}
}

// FuzzHear: nothing panics, only what names a followed zone from its primary is
// heard, and each answer is one that miekg/dns reads.
func FuzzHear(f *testing.F) {
	primary := netip.MustParseAddr("192.0.2.1")
	l := &Listener{Zones: map[zones.Name][]Teller{zones.MustName("example"): {{Address: primary}}}, Now: func() time.Time { return start }}
	for _, serial := range []uint32{0, 9} {
		m := new(dns.Msg).SetNotify("example.")
		if serial > 0 {
			m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.", Mbox: "b.", Serial: serial}}
		}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		told, out := l.Hear(b, primary)
		if !IsNotify(b) && (told != nil || out != nil) {
			t.Fatal("heard")
		}
		if told == nil {
			return
		}
		q, m := new(dns.Msg), new(dns.Msg)
		if err := m.Unpack(out); err != nil || m.Rcode != 0 {
			t.Fatalf("%v %v", err, m)
		}
		if q.Unpack(b) == nil && (len(q.Question) != 1 || dns.CanonicalName(q.Question[0].Name) != "example.") {
			t.Fatalf("heard of %v", q.Question)
		}
	})
}
