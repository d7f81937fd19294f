package probe

import (
	"context"
	"maps"
	"net"
	"net/netip"
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

// listenBoth listens on one port of loopback over UDP and TCP. A client's
// socket may hold the port that UDP got, over TCP; then it tries another.
func listenBoth(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var err error
	for range 100 {
		pc, perr := net.ListenPacket("udp", "127.0.0.1:0")
		if perr != nil {
			t.Fatal(perr)
		}
		l, lerr := net.Listen("tcp", pc.LocalAddr().String())
		if lerr == nil {
			return pc, l
		}
		_ = pc.Close()
		err = lerr
	}
	t.Fatal(err)
	return nil, nil
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
	pc, l := listenBoth(t)
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
	context                 context.Context
}

func newStage(t testing.TB) *stage {
	w := worldOf(t, liveZone)
	s := &stage{world: w, options: Options{Timeout: time.Second}, context: context.Background()}
	s.one.world, s.two.world = w, w
	s.parent.world = worldOf(t, above)
	s.child.world = worldOf(t, childZone)
	return s
}

func (s *stage) run(t testing.TB) ([]finding.Finding, Summary) {
	t.Helper()
	s.start(t)
	return s.survey()
}

func (s *stage) survey() ([]finding.Finding, Summary) {
	return Survey(s.context, s.world, zones.Internet, s.options)
}

// start starts the servers and says where they are.
func (s *stage) start(t testing.TB) {
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
		s.options.Parents = map[zones.Name][]netip.AddrPort{}
		for z := range s.world.All() {
			s.options.Parents[z.Origin()] = []netip.AddrPort{s.parent.addr}
		}
	}
}
