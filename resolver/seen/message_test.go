package seen

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// manyTypes are records whose names another library packs, compressed where
// RFC 3597 4 and RFC 2782 let it.
var manyTypes = []string{
	"mail.vn. 1 IN A 10.0.0.1", "mail.vn. 1 IN AAAA 2001:db8::1", "mail.vn. 1 IN NS a.mail.vn.", "mail.vn. 1 IN CNAME b.mail.vn.",
	"mail.vn. 1 IN SOA a.mail.vn. b.mail.vn. 1 2 3 4 5", "mail.vn. 1 IN PTR c.mail.vn.", "mail.vn. 1 IN MX 10 d.mail.vn.",
	"mail.vn. 1 IN TXT \"x\" \"y\"", "mail.vn. 1 IN SRV 1 2 3 e.mail.vn.", "mail.vn. 1 IN DNAME f.mail.vn.", "mail.vn. 1 IN RP a.mail.vn. b.mail.vn.",
	"mail.vn. 1 IN AFSDB 1 g.mail.vn.", "mail.vn. 1 IN MINFO a.mail.vn. b.mail.vn.", "mail.vn. 1 IN KX 1 h.mail.vn.", "mail.vn. 1 IN RT 1 i.mail.vn.",
	"mail.vn. 1 IN PX 1 j.mail.vn. k.mail.vn.", "mail.vn. 1 IN CAA 0 issue \"ca.vn\"", "mail.vn. 1 IN HTTPS 1 . alpn=h2", "mail.vn. 1 IN NAPTR 1 2 \"u\" \"s\" \"r\" l.mail.vn.",
	"mail.vn. 1 IN MB m.mail.vn.", "mail.vn. 1 IN MG n.mail.vn.", "mail.vn. 1 IN MR o.mail.vn.", "mail.vn. 1 IN TYPE65400 \\# 3 010203",
	"mail.vn. 1 IN SIG A 13 2 3600 20300101000000 20250101000000 1 mail.vn. AAAA",
}

func TestAnswersOfManyTypes(t *testing.T) {
	for _, s := range manyTypes {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		m, found := parseMessage(reply(t, 1, "mail.vn.", rr.Header().Rrtype, 0, s))
		if found != "" || len(m.records) != 1 || m.more != 0 {
			t.Errorf("%s: %q, %d records and %d more", s, found, len(m.records), m.more)
			continue
		}
		plain := make([]byte, 1<<12)
		end, err := dns.PackRR(rr, plain, 0, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		head := len("\x04mail\x02vn\x00") + 10
		want, err := rdata.Canonical(zones.Type(rr.Header().Rrtype), plain[head:end])
		if r := m.records[0]; err != nil || r.Data != want || r.Owner != name("mail.vn") || r.TTL != 1 {
			t.Errorf("%s: %x, want %x (%v)", s, r.Data, want, err)
		}
	}
}

func TestAnswerLimits(t *testing.T) {
	m := new(dns.Msg).SetQuestion("x.vn.", dns.TypeA)
	m.Response = true
	for i := range 40 {
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: "x.vn.", Rrtype: 1, Class: 1}, A: []byte{10, 0, 0, byte(i)}})
	}
	if got, _ := parseMessage(pack(t, m)); len(got.records) != answerRecords || got.more != 40-answerRecords {
		t.Errorf("%d records and %d more", len(got.records), got.more)
	}
	m.Answer = nil
	for _, s := range []string{"x", "y", "z"} { // 512 octets each
		s = strings.Repeat(s, 255)
		m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: "x.vn.", Rrtype: 16, Class: 1}, Txt: []string{s, s}})
	}
	if got, _ := parseMessage(pack(t, m)); len(got.records) != answerOctets/512 || got.more != 1 {
		t.Errorf("%d records and %d more", len(got.records), got.more)
	}
}

func TestNameAt(t *testing.T) {
	msg := []byte("\x02vn\x00" + "\x04mail\xc0\x00" + "\xc0\x04" + "\xc0\x0d" + "\xc0\x0f" + "\x41x\x00" + "\x80\x00" + "\x05ab" + "\xc0")
	for _, c := range []struct {
		at   int
		want string
		end  int
	}{
		{0, "vn", 4},
		{4, "mail.vn", 11},
		{11, "mail.vn", 13},
		{13, "", 0}, // to itself
		{15, "", 0}, // to itself
		{17, "", 0}, // a label of 65
		{20, "", 0}, // 10xxxxxx
		{22, "", 0}, // beyond the end
		{25, "", 0}, // half a pointer
		{99, "", 0},
	} {
		n, end, ok := nameAt(msg, c.at)
		if ok != (c.want != "") || ok && (n != name(c.want) || end != c.end) {
			t.Errorf("at %d: %v, %d, %v", c.at, n, end, ok)
		}
	}
	// A chain of pointers ends, however long it is.
	chain := []byte("\x01a\x00")
	for i := range 8000 {
		chain = binary.BigEndian.AppendUint16(chain, 0xc000|uint16(max(0, 3+2*(i-1))*min(i, 1)))
	}
	if n, _, ok := nameAt(chain, len(chain)-2); !ok || n != name("a") {
		t.Errorf("a long chain: %v, %v", n, ok)
	}
}

func TestParseMessageLikeOther(t *testing.T) {
	// Where another library reads a question of a damaged message, so do we.
	good := reply(t, 7, "mail.binhdinh.gov.vn.", 1, 0, "mail.binhdinh.gov.vn. 300 IN A 10.0.0.25")
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(good)
		for range rapid.IntRange(0, 3).Draw(t, "faults") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "octet")
		}
		m, found := parseMessage(b)
		other := new(dns.Msg)
		if other.Unpack(b) != nil || len(other.Question) != 1 || other.Opcode != 0 {
			return
		}
		q := other.Question[0]
		if q.Qclass == 0 {
			return // that library takes a question that ends without type or class
		}
		if len(b) > 12 && b[12] >= 0xc0 {
			return // a compressed question: there is nothing before it to point to
		}
		want, err := zones.ParseName(q.Name)
		if err != nil {
			return
		}
		if found != "" || m.name != want || uint16(m.typ) != q.Qtype || m.id != other.Id || m.response != other.Response || m.rcode != other.Rcode&15 {
			t.Fatalf("%q, %+v\nwant %v", found, m, other)
		}
		if m.response && len(m.records)+m.more > max(len(other.Answer), int(binary.BigEndian.Uint16(b[6:]))) {
			t.Fatalf("%d records and %d more of %d", len(m.records), m.more, len(other.Answer))
		}
	})
}

func TestNetworksOfOneRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := TableLimits{Networks: rapid.IntRange(1, 4).Draw(t, "networks"), Bits4: 32}
		b, want := NewBuilder(limits), map[string]int64{}
		for range rapid.IntRange(0, 80).Draw(t, "asked") {
			a := client4.Addr().As4()
			a[3] = rapid.Byte().Draw(t, "client") % 16
			e := Entry{Name: name("vn"), Type: 1, Asked: true, Client: netip.AddrFrom4(a)}
			b.Add(e)
			want[e.Client.String()]++
			if n := len(b.rows[Key{Name: name("vn"), Type: 1}].Networks); n > 2*limits.Networks {
				t.Fatalf("%d networks", n)
			}
		}
		x := b.Table()
		wellFormed(t, x)
		for r := range x.Rows() {
			sum := r.OtherNets
			for _, n := range r.Networks {
				if sum += n.Count; n.Count > want[n.Prefix.Addr().String()] {
					t.Fatalf("%v asked %d times, not %d", n.Prefix, want[n.Prefix.Addr().String()], n.Count)
				}
			}
			if sum != r.Count || len(r.Networks) > limits.Networks || !slices.IsSortedFunc(r.Networks, func(a, b Network) int { return comparePrefix(a.Prefix, b.Prefix) }) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
