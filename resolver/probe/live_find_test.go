package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

const everybody = `
.                      SOA   a.root. root. 1 3600 600 86400 300
a.vn.                  A     192.0.2.9
ns.elsewhere.org.      A     192.0.2.2
ns.elsewhere.org.      A     192.0.2.6
alias.elsewhere.org.   CNAME ns.elsewhere.org.
`

// TestResolver: the parent's servers and the addresses of servers outside the
// world are found through a resolver, each name asked for once.
func TestResolver(t *testing.T) {
	resolver := fake{world: worldOf(t, everybody)}
	var mu sync.Mutex
	asked := map[string]int{}
	of := "vn."
	resolver.change = func(_ string, m *dns.Msg) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		asked[m.Question[0].Name+" "+dns.TypeToString[m.Question[0].Qtype]]++
		if !m.RecursionDesired {
			t.Errorf("%s is asked without recursion", m.Question[0].Name)
		}
		m.Authoritative, m.RecursionAvailable = false, true
		if m.Question[0].Name == "vn." && m.Question[0].Qtype == dns.TypeNS {
			ns, err := dns.NewRR(of + " 60 NS a.vn.")
			if err != nil {
				t.Error(err)
			}
			m.Rcode, m.Answer, m.Ns = 0, []dns.RR{ns}, nil
		}
		return m
	}
	resolver.start(t)
	text := strings.Replace(liveZone, "NS    ns2.example.vn.", "NS    ns.elsewhere.org.", 1)
	parent := strings.Replace(above, "NS    ns2.example.vn.", "NS    ns.elsewhere.org.", 1)
	for _, c := range []struct {
		name, want string
		set        func(*stage)
	}{
		{"all well", "", func(s *stage) {}},
		{"one of a server's two addresses lags", "T-DIGEST blocking", func(s *stage) {
			s.child.world = worldOf(t, strings.Replace(text, "192.0.2.3", "192.0.2.33", 1))
		}},
		{"the resolver speaks of another name", "T-UNSEEN warning", func(*stage) {
			mu.Lock()
			defer mu.Unlock()
			of = "other."
		}},
		{"the resolver refuses", "T-UNSEEN warning, T-UNSEEN warning", func(s *stage) { s.options.Resolver = s.one.addr }},
	} {
		t.Run(c.name, func(t *testing.T) {
			mu.Lock()
			clear(asked)
			of = "vn."
			mu.Unlock()
			s := newStage(t)
			s.world = worldOf(t, text)
			s.one.world, s.two.world, s.child.world, s.parent.world = s.world, s.world, s.world, worldOf(t, parent)
			s.options.Resolver = resolver.addr
			if c.name == "the resolver refuses" {
				bad := fake{refuser: true}
				bad.start(t)
				s.options.Resolver = bad.addr
			} else {
				c.set(s)
			}
			fs, sum := s.run(t)
			if says(fs) != c.want || sum.Good() != (c.want == "") {
				t.Errorf("got %q, good %v, want %q: %v", says(fs), sum.Good(), c.want, fs)
			}
			mu.Lock()
			defer mu.Unlock()
			for q, n := range asked {
				if n != 1 {
					t.Errorf("%s is asked %d times", q, n)
				}
			}
		})
	}
}

// TestNoRoute: what no packet leaves this machine for is one finding for all
// servers and zones.
func TestNoRoute(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
	}
	w := worldOf(t, liveZone, strings.ReplaceAll(liveZone, "example.vn.", "example.org."))
	parents := map[zones.Name][]netip.AddrPort{}
	for z := range w.All() {
		parents[z.Origin()] = []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::9]:53")}
	}
	fs, sum := Survey(context.Background(), w, zones.Internet, Options{Dial: dial, Parents: parents})
	if len(fs) != 1 || fs[0].ID != "T-UNSEEN" || fs[0].Count != 6 || sum.Good() || strings.Count(fs[0].Found, "2001:db8::9") != 1 {
		t.Errorf("%v", fs)
	}
}

// TestDSFits: a DS that is the digest of a key is right, any other is not
// (RFC 4509 2.3, the example).
func TestDSFits(t *testing.T) {
	key := "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw=="
	good := "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A"
	bad := strings.Replace(good, "D4", "D5", 1)
	w := worldOf(t, "dskey.example.com. SOA a. b. 1 2 3 4 5\ndskey.example.com. DNSKEY "+key)
	z := w.Zone(zones.ID{Origin: zones.MustName("dskey.example.com"), View: zones.Internet})
	s := &survey{world: w, view: zones.Internet}
	record := func(text string) zones.Record {
		d, err := rdata.Parse(zones.TypeDS, text, zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		return zones.Record{Owner: z.Origin(), Type: zones.TypeDS, TTL: 60, Data: d}
	}
	for _, c := range []struct {
		ds   []zones.Record
		want string
	}{
		{nil, ""},
		{[]zones.Record{record(good)}, ""},
		{[]zones.Record{record(bad)}, "K-DS blocking"},
		{[]zones.Record{record(bad), record(good)}, ""},
		{[]zones.Record{record(strings.Replace(good, "60485", "60486", 1))}, "K-DS blocking"},
	} {
		if got := says(s.dsFaults(z, said{ds: c.ds})); got != c.want {
			t.Errorf("%d DS: %q, want %q", len(c.ds), got, c.want)
		}
	}
}

// TestReadDelegation: what a parent's server may answer, and what it means.
func TestReadDelegation(t *testing.T) {
	w := worldOf(t, liveZone)
	z := w.Zone(zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet})
	ns, _ := z.Lookup(z.Origin(), zones.TypeNS)
	soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	glue, _ := z.Lookup(zones.MustName("ns1.example.vn"), zones.TypeA)
	stray, _ := z.Lookup(zones.MustName("mail.example.vn"), zones.TypeA)
	for _, c := range []struct {
		name string
		r    Reply
		want string // "problem", "none", "own" or the number of servers and addresses
	}{
		{"a referral", Reply{Authority: ns.Records(), Additional: glue.Records()}, "2 1"},
		{"other additional data", Reply{Authority: ns.Records(), Additional: append(glue.Records(), stray.Records()...)}, "2 1"},
		{"the set as an answer without authority", Reply{Answer: ns.Records()}, "2 0"},
		{"the zone itself", Reply{AA: true, Answer: ns.Records()}, "own"},
		{"no such name", Reply{Rcode: 3, AA: true, Authority: soa.Records()}, "none"},
		{"no data", Reply{AA: true, Authority: soa.Records()}, "none"},
		{"no such name, without authority", Reply{Rcode: 3}, "problem"},
		{"refused", Reply{Rcode: 5}, "problem"},
		{"failed, with a set", Reply{Rcode: 2, Authority: ns.Records()}, "problem"},
		{"referred to the root", Reply{Authority: stray.Records()}, "problem"},
		{"nothing", Reply{}, "problem"},
	} {
		a := readDelegation(c.r, z.Origin())
		got := fmt.Sprintf("%d %d", len(a.ns), len(slices.Concat(a.glue[zones.MustName("ns1.example.vn")], a.glue[zones.MustName("mail.example.vn")])))
		switch {
		case a.problem != "":
			got = "problem"
		case a.none != "":
			got = "none"
		case a.own:
			got = "own"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestTooFew: the share is held at its edges.
func TestTooFew(t *testing.T) {
	for _, c := range []struct {
		missing, of, percent int
		want                 bool
	}{
		{0, 0, 10, false},
		{0, 10, 10, false},
		{1, 1, 10, true},
		{1, 10, 10, false}, // one name is an alteration
		{3, 30, 10, true},
		{3, 31, 10, false},
		{89, 100, 90, false},
		{90, 100, 90, true},
	} {
		if got := tooFew(c.missing, c.of, c.percent); got != c.want {
			t.Errorf("%d of %d at %d: %v", c.missing, c.of, c.percent, got)
		}
	}
}

// TestUnderWay: as many servers are asked at once as allowed, never more.
func TestUnderWay(t *testing.T) {
	const allowed = 3
	var mu sync.Mutex
	now, most, done := 0, 0, 0
	full := make(chan struct{})
	s := &survey{Options: Options{Parallel: allowed}}
	s.each(50, func(int) {
		mu.Lock()
		if now++; now == allowed && most < allowed {
			close(full)
		}
		most = max(most, now)
		mu.Unlock()
		<-full
		runtime.Gosched()
		mu.Lock()
		now--
		done++
		mu.Unlock()
	})
	if most != allowed || now != 0 || done != 50 {
		t.Errorf("%d at once, %d allowed; %d of 50 done", most, allowed, done)
	}
}

// TestHear: what is an answer to our question.
func TestHear(t *testing.T) {
	name, good := zones.MustName("a.example.vn"), func() *dns.Msg {
		m := new(dns.Msg)
		m.SetQuestion("A.example.VN.", dns.TypeA)
		m.Id, m.Response = 7, true
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "a.example.vn.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, 1)}}
		return m
	}
	for _, c := range []struct {
		name string
		edit func(*dns.Msg)
		want error
	}{
		{"as it should be", func(*dns.Msg) {}, nil},
		{"another id", func(m *dns.Msg) { m.Id = 8 }, errNotOurs},
		{"a question", func(m *dns.Msg) { m.Response = false }, errNotOurs},
		{"another opcode", func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, errNotOurs},
		{"another name", func(m *dns.Msg) { m.Question[0].Name = "b.example.vn." }, errNotOurs},
		{"another type", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }, errNotOurs},
		{"another class", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, errNotOurs},
		{"no question", func(m *dns.Msg) { m.Question = nil }, errNotOurs},
		{"two questions", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, errNotOurs},
		{"refused without a question", func(m *dns.Msg) { m.Question, m.Answer, m.Rcode = nil, nil, dns.RcodeRefused }, nil},
		{"a record of another class", func(m *dns.Msg) { m.Answer[0].Header().Class = dns.ClassCHAOS }, errUnreadable},
		{"cut", func(m *dns.Msg) { m.Truncated = true }, errCut},
	} {
		m := good()
		c.edit(m)
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hear(b, 7, name, zones.TypeA); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if c.want == nil {
			if _, err := hear(b[:len(b)-1], 7, name, zones.TypeA); err == nil && len(m.Answer) > 0 {
				t.Errorf("%s: taken without its last octet", c.name)
			}
		}
	}
}

// TestReadSOA: what is an authoritative answer for a zone's SOA.
func TestReadSOA(t *testing.T) {
	zone := zones.MustName("example.vn")
	w := worldOf(t, liveZone, "vn. SOA a. b. 1 2 3 4 5")
	own, _ := w.Zone(zones.ID{Origin: zone, View: zones.Internet}).Lookup(zone, zones.TypeSOA)
	other, _ := w.Zone(zones.ID{Origin: zones.MustName("vn"), View: zones.Internet}).Lookup(zones.MustName("vn"), zones.TypeSOA)
	broken := own.Record(0)
	broken.Data = broken.Data[1:]
	for _, c := range []struct {
		name string
		r    Reply
		good bool
	}{
		{"as it should be", Reply{AA: true, Answer: own.Records()}, true},
		{"without authority", Reply{Answer: own.Records()}, false},
		{"another zone's", Reply{AA: true, Answer: other.Records()}, false},
		{"in the authority alone", Reply{AA: true, Authority: own.Records()}, false},
		{"broken", Reply{AA: true, Answer: []zones.Record{broken}}, false},
		{"failed", Reply{Rcode: 2, AA: true, Answer: own.Records()}, false},
		{"nothing", Reply{}, false},
	} {
		if soa, lame := readSOA(c.r, zone); (lame == "") != c.good || c.good && soa.Serial != 7 {
			t.Errorf("%s: serial %d, %q", c.name, soa.Serial, lame)
		}
	}
}

// TestReadDS: no DS is known of a parent that does not answer with authority.
func TestReadDS(t *testing.T) {
	zone := zones.MustName("example.vn")
	ds := zones.Record{Owner: zone, Type: zones.TypeDS, Data: "\x00\x01\x0d\x02abcd"}
	stray := ds
	stray.Owner = zones.MustName("example.org")
	for _, c := range []struct {
		name string
		r    Reply
		n    int
		good bool
	}{
		{"one", Reply{AA: true, Answer: []zones.Record{ds}}, 1, true},
		{"none", Reply{AA: true}, 0, true},
		{"another name's", Reply{AA: true, Answer: []zones.Record{stray}}, 0, true},
		{"a referral", Reply{}, 0, false},
		{"refused", Reply{Rcode: 5}, 0, false},
	} {
		if got, problem := readDS(c.r, zone); len(got) != c.n || (problem == "") != c.good {
			t.Errorf("%s: %d DS, %q", c.name, len(got), problem)
		}
	}
}
