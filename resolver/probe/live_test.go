package probe

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// liveZone has two servers, and every class of question.
const liveZone = `
example.vn.               SOA   ns1.example.vn. root.example.vn. 7 3600 600 86400 300
example.vn.               NS    ns1.example.vn.
example.vn.               NS    ns2.example.vn.
example.vn.               MX    10 mail.example.vn.
ns1.example.vn.           A     192.0.2.1
ns2.example.vn.           A     192.0.2.2
mail.example.vn.          A     192.0.2.3
mail.example.vn.          AAAA  2001:db8::3
deep.ent.example.vn.      A     192.0.2.4
*.wild.example.vn.        A     192.0.2.5
www.example.vn.           CNAME mail.example.vn.
out.example.vn.           CNAME www.example.org.
old.example.vn.           DNAME wild.example.vn.
new.example.vn.           NS    ns.new.example.vn.
ns.new.example.vn.        A     192.0.2.6
`

// above is the zone above it.
const above = `
vn.                SOA   a.vn. root.vn. 1 3600 600 86400 300
vn.                NS    a.vn.
a.vn.              A     192.0.2.9
example.vn.        NS    ns1.example.vn.
example.vn.        NS    ns2.example.vn.
ns1.example.vn.    A     192.0.2.1
ns2.example.vn.    A     192.0.2.2
`

// childZone is what the server of new.example.vn serves.
const childZone = `
new.example.vn.     SOA   ns.new.example.vn. root.new.example.vn. 1 3600 600 86400 300
new.example.vn.     NS    ns.new.example.vn.
ns.new.example.vn.  A     192.0.2.6
`

// worldOf makes a world of zones in the form of liveZone; the first owner is
// the origin.
func worldOf(t testing.TB, texts ...string) zones.World {
	t.Helper()
	w, err := zones.NewWorld()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		var b *zones.Builder
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			f := strings.Fields(line)
			ty, ok := zones.ParseType(f[1])
			d, err := rdata.Parse(ty, strings.Join(f[2:], " "), zones.Root())
			if !ok || err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			owner := zones.MustName(f[0])
			if b == nil {
				b = zones.NewBuilder(zones.ID{Origin: owner, View: zones.Internet})
			}
			b.Add(zones.Record{Owner: owner, Type: ty, TTL: 3600, Data: d})
		}
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		w = w.With(z)
	}
	return w
}

// fake is an authoritative server on loopback. What it is to do wrong is set
// before it is asked.
type fake struct {
	addr    netip.AddrPort
	world   zones.World
	axfr    bool                                      // transfers are allowed
	change  func(network string, m *dns.Msg) *dns.Msg // nil: no answer
	asked   atomic.Int64
	udp     *dns.Server
	tcp     *dns.Server
	noTCP   bool
	silent  bool
	octets  []byte // what comes instead of any answer, behind the id
	refuser bool
}

func rrs(t testing.TB, sets ...zones.RRset) (out []dns.RR) {
	for _, set := range sets {
		for _, r := range set.Records() {
			rr, err := dns.NewRR(recordText(r))
			if err != nil {
				t.Errorf("%s: %v", recordText(r), err)
			}
			out = append(out, rr)
		}
	}
	return out
}

func (f *fake) start(t testing.TB) {
	t.Helper()
	// A client's socket may hold the port that UDP got, over TCP.
	var pc net.PacketConn
	var l net.Listener
	var err error
	for range 100 {
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		_ = pc.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	f.addr = pc.LocalAddr().(*net.UDPAddr).AddrPort()
	if f.silent || f.noTCP {
		_ = l.Close()
	}
	if f.silent {
		t.Cleanup(func() { _ = pc.Close() })
		return
	}
	f.udp = &dns.Server{PacketConn: pc, Handler: f.handler(t, "udp")}
	servers := []*dns.Server{f.udp}
	if !f.noTCP {
		f.tcp = &dns.Server{Listener: l, Handler: f.handler(t, "tcp")}
		servers = append(servers, f.tcp)
	}
	for _, s := range servers {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { _ = s.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() { _ = s.Shutdown() })
	}
}

func (f *fake) handler(t testing.TB, network string) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		f.asked.Add(1)
		m := new(dns.Msg)
		m.SetReply(q)
		name, err := zones.ParseName(q.Question[0].Name)
		if err != nil {
			return
		}
		if f.octets != nil {
			_, _ = w.Write(append([]byte{byte(q.Id >> 8), byte(q.Id)}, f.octets...))
			return
		}
		switch z := f.world.Nearest(zones.Internet, name); {
		case f.refuser || z == nil:
			m.Rcode = dns.RcodeRefused
		case q.Question[0].Qtype == dns.TypeAXFR && (!f.axfr || z.Origin() != name):
			m.Rcode = dns.RcodeRefused
		case q.Question[0].Qtype == dns.TypeAXFR:
			m.Authoritative = true
			soa, _ := z.Lookup(name, zones.TypeSOA)
			m.Answer = rrs(t, soa)
			for set := range z.All() {
				if set.Type() != zones.TypeSOA {
					m.Answer = append(m.Answer, rrs(t, set)...)
				}
			}
			m.Answer = append(m.Answer, rrs(t, soa)...)
		default:
			a := oracle.Resolve(f.world, zones.Internet, name, zones.Type(q.Question[0].Qtype))
			m.Rcode, m.Authoritative = a.Rcode, a.AA
			m.Answer, m.Ns, m.Extra = rrs(t, a.Answer...), rrs(t, a.Authority...), rrs(t, a.Additional...)
		}
		if f.change != nil {
			m = f.change(network, m)
		}
		if m != nil {
			_ = w.WriteMsg(m)
		}
	})
}

// stage is a zone, its two servers, its parent's and a delegation's.
type stage struct {
	one, two, parent, child fake
	world                   zones.World
	options                 Options
}

func newStage(t testing.TB) *stage {
	w := worldOf(t, liveZone)
	s := &stage{world: w, options: Options{Timeout: 250 * time.Millisecond}}
	s.one.world, s.two.world = w, w
	s.parent.world = worldOf(t, above)
	s.child.world = worldOf(t, childZone)
	return s
}

func (s *stage) run(t testing.TB) ([]finding.Finding, Summary) {
	t.Helper()
	for _, f := range []*fake{&s.one, &s.two, &s.parent, &s.child} {
		f.start(t)
	}
	reach := map[netip.Addr]netip.AddrPort{
		netip.MustParseAddr("192.0.2.1"): s.one.addr,
		netip.MustParseAddr("192.0.2.2"): s.two.addr,
		netip.MustParseAddr("192.0.2.6"): s.child.addr,
		netip.MustParseAddr("192.0.2.9"): s.parent.addr,
	}
	maps.Copy(reach, s.options.Reach)
	s.options.Reach = reach
	if s.options.Parents == nil && !s.options.Resolver.IsValid() {
		s.options.Parents = map[zones.Name][]netip.AddrPort{zones.MustName("example.vn"): {s.parent.addr}}
	}
	return Survey(context.Background(), s.world, zones.Internet, s.options)
}

// without takes the lines that begin with one of the owners, or hold the
// text, out of a zone.
func without(text string, drop ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(drop, func(d string) bool { return strings.Contains(line, d) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func says(fs []finding.Finding) string {
	var ts []string
	for _, f := range fs {
		ts = append(ts, f.ID+" "+f.Severity.String())
	}
	slices.Sort(ts)
	return strings.Join(ts, ", ")
}

// TestSurvey: each fault has its id, and what is not seen is never good.
func TestSurvey(t *testing.T) {
	older := strings.Replace(liveZone, " 7 3600", " 6 3600", 1)
	later := strings.Replace(liveZone, " 7 3600", " 8 3600", 1)
	altered := strings.Replace(liveZone, "192.0.2.3", "192.0.2.33", 1)
	blank := strings.Join(strings.Split(strings.TrimSpace(liveZone), "\n")[:3], "\n") + "\n"
	for _, c := range []struct {
		name, want string
		set        func(*stage)
	}{
		{"all well", "", func(*stage) {}},
		{"all well, transferred", "", func(s *stage) { s.one.axfr, s.two.axfr = true, true }},
		{"an altered record, transferred", "T-DIGEST blocking", func(s *stage) { s.two.axfr, s.two.world = true, worldOf(t, altered) }},
		{"an altered record, sampled", "T-DIGEST blocking", func(s *stage) { s.two.world = worldOf(t, altered) }},
		{"a record more, seen by a transfer alone", "T-DIGEST blocking", func(s *stage) {
			s.two.axfr, s.two.world = true, worldOf(t, liveZone+"more.example.vn. A 192.0.2.7\n")
		}},
		{"an older version", "T-SERIAL blocking", func(s *stage) { s.two.world = worldOf(t, strings.Replace(older, "192.0.2.3", "192.0.2.33", 1)) }},
		{"an older version, transferred", "T-SERIAL blocking", func(s *stage) { s.two.axfr, s.two.world = true, worldOf(t, older) }},
		{"a serial half the circle away", "T-SERIAL blocking", func(s *stage) {
			s.two.world = worldOf(t, strings.Replace(liveZone, " 7 3600", fmt.Sprintf(" %d 3600", uint32(7+1<<31)), 1))
		}},
		{"all later", "T-SERIAL error", func(s *stage) { s.one.world = worldOf(t, later); s.two.world = s.one.world }},
		{"one later", "T-SERIAL blocking", func(s *stage) { s.two.world = worldOf(t, later) }},
		{"almost empty", "T-EMPTY blocking", func(s *stage) { s.two.world = worldOf(t, blank) }},
		{"almost empty, transferred", "T-EMPTY blocking", func(s *stage) { s.two.axfr, s.two.world = true, worldOf(t, blank) }},
		{"almost empty and older", "T-EMPTY blocking, T-SERIAL blocking", func(s *stage) {
			s.two.world = worldOf(t, strings.Replace(blank, " 7 3600", " 6 3600", 1))
		}},
		{"a part of the zone", "T-EMPTY blocking", func(s *stage) {
			s.two.world = worldOf(t, without(liveZone, "\nmail", "mail.example.vn.          ", "deep.", "*.wild", "out."))
		}},
		{"refused", "T-LAME blocking", func(s *stage) { s.two.refuser = true }},
		{"without authority", "T-LAME blocking", func(s *stage) {
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg { m.Authoritative = false; return m }
		}},
		{"failing", "T-LAME blocking", func(s *stage) {
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg {
				m.Rcode, m.Answer, m.Ns = dns.RcodeServerFailure, nil, nil
				return m
			}
		}},
		{"the parent's server is listed", "T-LAME blocking", func(s *stage) { s.two.world = worldOf(t, above) }},
		{"almost empty, and every answer over UDP cut", "T-EMPTY blocking", func(s *stage) {
			s.two.world = worldOf(t, blank)
			s.two.change = func(network string, m *dns.Msg) *dns.Msg {
				if network == "udp" {
					m.Truncated, m.Answer, m.Ns, m.Extra = true, nil, nil, nil
				}
				return m
			}
		}},
		{"refused over TCP alone", "T-LAME blocking", func(s *stage) {
			s.two.change = func(network string, m *dns.Msg) *dns.Msg {
				if network == "tcp" {
					m.Rcode, m.Answer, m.Ns, m.Extra = dns.RcodeRefused, nil, nil, nil
				}
				return m
			}
		}},
		{"silent", "T-UNSEEN warning", func(s *stage) { s.two.silent = true }},
		{"no TCP", "T-TCP error", func(s *stage) { s.two.noTCP = true }},
		{"TCP alone", "T-UNSEEN warning", func(s *stage) {
			s.two.change = func(network string, m *dns.Msg) *dns.Msg {
				if network == "udp" {
					return nil
				}
				return m
			}
		}},
		{"always truncated", "", func(s *stage) {
			s.two.change = func(network string, m *dns.Msg) *dns.Msg {
				if network == "udp" {
					m.Truncated, m.Answer, m.Ns, m.Extra = true, nil, nil, nil
				}
				return m
			}
		}},
		{"truncated, and no TCP", "T-UNSEEN warning", func(s *stage) {
			s.two.noTCP = true
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg {
				m.Truncated, m.Answer, m.Ns, m.Extra = true, nil, nil, nil
				return m
			}
		}},
		{"wrong over TCP alone", "T-DIGEST blocking", func(s *stage) {
			s.two.change = func(network string, m *dns.Msg) *dns.Msg {
				if network == "tcp" && m.Question[0].Qtype == dns.TypeMX {
					m.Answer = nil
				}
				return m
			}
		}},
		{"silent on some questions", "T-UNSEEN warning", func(s *stage) {
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg {
				if m.Question[0].Qtype == dns.TypeMX {
					return nil
				}
				return m
			}
		}},
		{"garbage", "T-UNSEEN warning", func(s *stage) {
			s.two.octets = append([]byte{0x84, 0, 0, 1, 0, 9, 0, 0, 0, 0}, "\xc0\x0c\xff"...)
		}},
		{"an answer to another question", "T-UNSEEN warning", func(s *stage) {
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg { m.Question[0].Name = "evil.example.vn."; return m }
		}},
		{"follows an alias out of the zone", "", func(s *stage) {
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg {
				if n := len(m.Answer); n == 1 && m.Question[0].Qtype == dns.TypeA && m.Answer[0].Header().Rrtype == dns.TypeCNAME && m.Question[0].Name == "out.example.vn." {
					m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: "www.example.org.", Rrtype: dns.TypeA, Class: 1, Ttl: 5}, A: net.IPv4(192, 0, 2, 77).To4()})
				}
				return m
			}
		}},
		{"glue missing", "T-PARENT blocking", func(s *stage) { s.parent.world = worldOf(t, without(above, "192.0.2.2")) }},
		{"other glue", "T-LAME blocking, T-PARENT blocking", func(s *stage) {
			// Who sits at the glue's address is asked too.
			s.parent.world = worldOf(t, strings.Replace(above, "192.0.2.2", "192.0.2.6", 1))
		}},
		{"an address less in the glue", "T-PARENT error", func(s *stage) {
			s.world = worldOf(t, liveZone+"ns2.example.vn. A 192.0.2.1\n")
			s.one.world, s.two.world = s.world, s.world
		}},
		{"an address more in the glue", "T-LAME blocking, T-PARENT blocking", func(s *stage) {
			s.parent.world = worldOf(t, above+"ns2.example.vn. A 192.0.2.6\n")
		}},
		{"a server less at the parent", "T-PARENT error", func(s *stage) { s.parent.world = worldOf(t, without(above, "ns2")) }},
		{"a server more at the parent", "T-PARENT blocking, T-UNSEEN warning", func(s *stage) {
			s.parent.world = worldOf(t, above+"example.vn. NS elsewhere.example.org.\n")
		}},
		{"no delegation", "T-PARENT blocking", func(s *stage) { s.parent.world = worldOf(t, without(above, "example.vn.  ")) }},
		{"DS for an unsigned zone", "D-SIGNED blocking", func(s *stage) {
			s.parent.world = worldOf(t, above+"example.vn. DS 12345 13 2 "+strings.Repeat("ab", 32)+"\n")
		}},
		{"DS, and a signer in front", "", func(s *stage) {
			s.parent.world = worldOf(t, above+"example.vn. DS 12345 13 2 "+strings.Repeat("ab", 32)+"\n")
			s.options.Signed = []zones.Name{zones.MustName("example.vn")}
			s.one.world = worldOf(t, later+"example.vn. DNSKEY 256 3 13 "+strings.Repeat("AAAA", 21)+"AA==\n")
			s.two.world, s.one.axfr = s.one.world, true
		}},
		{"a signer in front, and a record altered behind it", "T-DIGEST blocking", func(s *stage) {
			s.options.Signed = []zones.Name{zones.MustName("example.vn")}
			s.one.world = worldOf(t, strings.Replace(later, "192.0.2.3", "192.0.2.33", 1))
			s.two.world, s.one.axfr = worldOf(t, later), true
		}},
		{"the parent is silent", "T-UNSEEN warning", func(s *stage) { s.parent.silent = true }},
		{"the parent refuses", "T-UNSEEN warning", func(s *stage) { s.parent.refuser = true }},
		{"the parent is not known", "T-UNSEEN warning", func(s *stage) { s.options.Parents = map[zones.Name][]netip.AddrPort{} }},
		{"a hidden server that lags", "T-SERIAL blocking", func(s *stage) {
			s.child.world = worldOf(t, older)
			s.options.Servers = []Server{{zones.MustName("hidden.example.org"), netip.MustParseAddrPort("192.0.2.6:53")}}
		}},
		{"a renamed delegation", "", func(s *stage) { s.options.Renamed = []zones.Name{zones.MustName("new.example.vn")} }},
		{"a renamed delegation, lame", "D-LAME-RENAMED blocking", func(s *stage) {
			s.options.Renamed, s.child.world = []zones.Name{zones.MustName("new.example.vn")}, zones.World{}
		}},
		{"a renamed delegation, silent", "T-UNSEEN warning", func(s *stage) {
			s.options.Renamed, s.child.silent = []zones.Name{zones.MustName("new.example.vn")}, true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			c.set(s)
			fs, sum := s.run(t)
			if got := says(fs); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
				for _, f := range fs {
					t.Log(f, f.Dig)
				}
			}
			if sum.Good() != (c.want == "") {
				t.Errorf("good: %v, with %q: %+v", sum.Good(), c.want, sum)
			}
			for _, z := range sum.Zones {
				for _, x := range z.Servers {
					if (x.Transfer == SameRecords) != (x.Digest == z.Digest) && s.options.Signed == nil && x.Current {
						t.Errorf("a transfer is %v, its digest %s, that of the proof %s", x.Transfer, x.Digest, z.Digest)
					}
				}
			}
			for _, f := range fs {
				if f.Found == "" || f.Mend == "" || len(f.Dig) == 0 && f.ID != "T-UNSEEN" {
					t.Errorf("a finding without words: %+v", f)
				}
			}
		})
	}
}

// TestSurveyStopped: a context that ends stops the asking soon, and what was
// not asked is not good.
func TestSurveyStopped(t *testing.T) {
	s := newStage(t)
	s.options.Timeout = time.Hour
	s.two.silent, s.parent.silent = true, true
	for _, f := range []*fake{&s.one, &s.two, &s.parent} {
		f.start(t)
	}
	s.options.Reach = map[netip.Addr]netip.AddrPort{netip.MustParseAddr("192.0.2.1"): s.one.addr, netip.MustParseAddr("192.0.2.2"): s.two.addr}
	s.options.Servers = []Server{{zones.MustName("ns1.example.vn"), s.one.addr}, {zones.MustName("ns2.example.vn"), s.two.addr}}
	s.options.Parents = map[zones.Name][]netip.AddrPort{zones.MustName("example.vn"): {s.parent.addr}}
	ctx, cancel := context.WithCancel(context.Background())
	dial := &net.Dialer{}
	s.options.Dial = func(c context.Context, network, address string) (net.Conn, error) {
		if address == s.parent.addr.String() {
			cancel()
		}
		return dial.DialContext(c, network, address)
	}
	fs, sum := Survey(ctx, s.world, zones.Internet, s.options)
	if sum.Good() || finding.Worst(fs) != finding.Warning {
		t.Errorf("stopped, and good: %v, %v", sum.Good(), fs)
	}
	for _, f := range fs {
		if f.ID != "T-UNSEEN" || !strings.Contains(f.Found, "stopped") {
			t.Errorf("not said to be stopped: %v", f)
		}
	}
}

// TestDraw: the sample has every class, is the same for one seed, another for
// another, and never larger than asked.
func TestDraw(t *testing.T) {
	w := worldOf(t, liveZone)
	z := w.Zone(zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet})
	es := Expect(w, zones.Internet)
	var all [classes]int
	for _, e := range es {
		all[classOf(e, z)]++
	}
	for c, n := range all {
		if n == 0 {
			t.Errorf("the zone has no question of class %d", c)
		}
	}
	key := func(es []Expectation) (s string) {
		for _, e := range es {
			s += e.Name.String() + e.Type.String() + " "
		}
		return s
	}
	distinct := map[string]bool{}
	for seed := range uint64(20) {
		for n := range len(es) + 2 {
			got := draw(es, z, n, seed)
			if len(got) != min(n, len(es)) || key(got) != key(draw(es, z, n, seed)) {
				t.Fatalf("%d drawn of %d, or another sample for one seed", len(got), n)
			}
			var by [classes]int
			for _, e := range got {
				by[classOf(e, z)]++
			}
			if n >= int(classes) && slices.Contains(by[:], 0) {
				t.Errorf("a sample of %d lacks a class: %v", n, by)
			}
		}
		distinct[key(draw(es, z, 12, seed))] = true
	}
	if len(distinct) < 10 {
		t.Errorf("20 seeds give %d samples", len(distinct))
	}
}

// TestSampleBound: a server is not asked more than is allowed.
func TestSampleBound(t *testing.T) {
	s := newStage(t)
	s.options.Questions = leastSample
	_, sum := s.run(t)
	for _, x := range sum.Zones[0].Servers {
		if x.UDP.Asked != leastSample || x.TCP.Asked != leastSample || !x.Good() {
			t.Errorf("%d and %d questions, %d allowed", x.UDP.Asked, x.TCP.Asked, leastSample)
		}
	}
	// Both transports: the SOA and the sample; a refused transfer.
	if n := s.one.asked.Load(); n != 2*(1+leastSample)+1 {
		t.Errorf("%d questions came in", n)
	}
}
