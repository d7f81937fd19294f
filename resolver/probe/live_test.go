package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

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

// theKey is that of the example of RFC 4509 2.3, at another owner.
const theKey = "example.vn. DNSKEY 256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==\n"

func dsOf(t *testing.T, key string) string {
	rr, err := dns.NewRR(strings.Replace(key, "DNSKEY", "3600 IN DNSKEY", 1))
	if err != nil {
		t.Fatal(err)
	}
	ds := rr.(*dns.DNSKEY).ToDS(dns.SHA256)
	return fmt.Sprintf("example.vn. DS %d %d %d %s\n", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest)
}

// signed puts a signer before both servers, and its DS at the parent.
func signed(t *testing.T, s *stage) {
	s.options.Signed = []zones.Name{zones.MustName("example.vn")}
	s.parent.world = worldOf(t, above+dsOf(t, theKey))
	s.one.world = worldOf(t, strings.Replace(liveZone, " 7 3600", " 8 3600", 1)+theKey)
	s.two.world = s.one.world
}

// TestSurvey: each fault has its id, and what is not seen is never good.
func TestSurvey(t *testing.T) {
	older := strings.Replace(liveZone, " 7 3600", " 6 3600", 1)
	later := strings.Replace(liveZone, " 7 3600", " 8 3600", 1)
	altered := strings.Replace(liveZone, "192.0.2.3", "192.0.2.33", 1)
	blank := strings.Join(strings.Split(strings.TrimSpace(liveZone), "\n")[:3], "\n") + "\n"
	cases := []struct {
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
		{"all half the circle away", "T-SERIAL blocking, T-SERIAL blocking", func(s *stage) {
			s.two.world = worldOf(t, strings.Replace(liveZone, " 7 3600", fmt.Sprintf(" %d 3600", uint32(7+1<<31)), 1))
			s.one.world = s.two.world
		}},
		{"an older version of fewer names", "T-SERIAL blocking", func(s *stage) {
			s.two.world = worldOf(t, without(older, "mail.example.vn.          ", "deep.", "*.wild", "out."))
		}},
		{"one version over UDP, another over TCP", "T-SERIAL blocking", func(s *stage) {
			s.two.change = func(network string, m *dns.Msg) *dns.Msg {
				for _, rr := range slices.Concat(m.Answer, m.Ns) {
					if soa, ok := rr.(*dns.SOA); ok && network == "tcp" {
						soa.Serial = 8
					}
				}
				return m
			}
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
		{"a part of the zone, transferred", "T-EMPTY blocking", func(s *stage) {
			s.two.axfr, s.two.world = true, worldOf(t, without(liveZone, "deep.", "*.wild", "out."))
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
		{"follows an alias out of the zone to no name", "", func(s *stage) {
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg {
				if m.Question[0].Name == "out.example.vn." && m.Question[0].Qtype == dns.TypeA {
					m.Rcode = dns.RcodeNameError
				}
				return m
			}
		}},
		{"a server elsewhere than its address", "", func(s *stage) {
			s.two.refuser = true
			s.options.Servers = []Server{{zones.MustName("ns2.example.vn"), netip.MustParseAddrPort("192.0.2.6:53")}}
			s.child.world = s.world
		}},
		{"a server of a delegation elsewhere than its address", "", func(s *stage) {
			s.options.Servers = []Server{{zones.MustName("ns.new.example.vn"), netip.MustParseAddrPort("192.0.2.6:53")}}
		}},
		{"a zone without servers", "T-UNSEEN warning, T-UNSEEN warning", func(s *stage) {
			s.world = worldOf(t, without(liveZone, "NS    ns1", "NS    ns2"))
			s.parent.silent = true
		}},
		{"other servers at the parent", "T-PARENT blocking, T-PARENT blocking, T-UNSEEN warning", func(s *stage) {
			s.parent.world = worldOf(t, without(above, "example.vn.        NS")+"example.vn. NS elsewhere.example.org.\n")
		}},
		{"a server in another zone needs no glue", "", func(s *stage) {
			other := "other.vn. SOA a. b. 1 2 3 4 5\nother.vn. NS ns1.example.vn.\n"
			s.world = worldOf(t, liveZone, other)
			s.one.world, s.two.world = s.world, s.world
			s.parent.world = worldOf(t, without(above, "192.0.2.1")+"other.vn. NS ns1.example.vn.\nns1.example.vn. A 192.0.2.1\n")
			s.options.Resolver, s.options.Parents = netip.AddrPort{}, nil
		}},
		{"the parent is silent on DS", "T-UNSEEN warning", func(s *stage) {
			s.parent.change = func(_ string, m *dns.Msg) *dns.Msg {
				if m.Question[0].Qtype == dns.TypeDS {
					return nil
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
		{"DS, and a signer in front", "", func(s *stage) { signed(t, s); s.one.axfr = true }},
		{"DS, and a server past the signer", "D-SIGNED blocking", func(s *stage) {
			signed(t, s)
			s.two.world = worldOf(t, later)
		}},
		{"DS of another key", "K-DS blocking", func(s *stage) {
			signed(t, s)
			s.parent.world = worldOf(t, above+dsOf(t, strings.Replace(theKey, "AQOe", "AQOf", 1)))
		}},
		{"DS, and a server that hides its keys", "T-UNSEEN warning", func(s *stage) {
			signed(t, s)
			s.two.change = func(_ string, m *dns.Msg) *dns.Msg {
				if m.Question[0].Qtype == dns.TypeDNSKEY {
					m.Rcode, m.Answer = dns.RcodeServerFailure, nil
				}
				return m
			}
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
	}
	// Most of the time goes by waiting for those who never answer: together.
	stages, finds, sums := make([]*stage, len(cases)), make([][]finding.Finding, len(cases)), make([]Summary, len(cases))
	for i, c := range cases {
		stages[i] = newStage(t)
		c.set(stages[i])
		stages[i].start(t)
	}
	(&survey{Options: Options{Parallel: 8}}).each(len(cases), func(i int) { finds[i], sums[i] = stages[i].survey() })
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, fs, sum := stages[i], finds[i], sums[i]
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

// TestSurveyStoppedBetween: a survey that is stopped between UDP and TCP does
// not blame the server.
func TestSurveyStoppedBetween(t *testing.T) {
	for _, after := range []int64{1, 3} { // before the SOA is answered, within the sample
		s := newStage(t)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var n atomic.Int64
		s.two.change = func(network string, m *dns.Msg) *dns.Msg {
			if network == "tcp" && n.Add(1) == after {
				cancel()
				return nil
			}
			return m
		}
		s.one.silent = true
		s.options.Servers = []Server{{zones.MustName("ns1.example.vn"), netip.MustParseAddrPort("192.0.2.2:53")}}
		s.options.Timeout = time.Hour
		s.context = ctx
		fs, sum := s.run(t)
		if says(fs) != "T-UNSEEN warning" || sum.Good() {
			t.Errorf("%v", fs)
		}
		if x := sum.Zones[0].Servers; len(x) != 1 || len(x[0].Names) != 2 || x[0].TCP.Problem != errStopped.Error() || x[0].TCP.Unanswered != 0 || !x[0].UDP.Whole() {
			t.Errorf("%+v", x)
		}
	}
}

// TestGivenUp: a server that falls silent is given up after a few questions.
func TestGivenUp(t *testing.T) {
	s := newStage(t)
	s.options.Tries, s.options.Timeout = 1, 500*time.Millisecond
	s.two.change = func(network string, m *dns.Msg) *dns.Msg {
		if network == "udp" && m.Question[0].Qtype != dns.TypeSOA {
			return nil
		}
		return m
	}
	fs, sum := s.run(t)
	if x := sum.Zones[0].Servers[1]; says(fs) != "T-UNSEEN warning" || x.UDP.Unanswered < patience || x.UDP.Asked > 2*patience || !x.TCP.Whole() {
		t.Errorf("%v, %+v", fs, x)
	}
}

// TestOlderContent: the differences of an older version are counted without
// its serial.
func TestOlderContent(t *testing.T) {
	s := newStage(t)
	s.two.world = worldOf(t, strings.Replace(liveZone, " 7 3600", " 6 3600", 1))
	s.options.Renamed = []zones.Name{zones.MustName("example.vn")} // an apex is no delegation
	_, sum := s.run(t)
	if x := sum.Zones[0].Servers; len(x) != 2 || x[1].UDP.Differed != 0 || x[1].UDP.Agreed == 0 || x[1].Good() || len(sum.Children) != 0 {
		t.Errorf("%+v", sum)
	}
}

// TestSamples: a small zone is not passed over beside a large one.
func TestSamples(t *testing.T) {
	w := worldOf(t, liveZone, strings.ReplaceAll(liveZone, "example.vn.", "example.org."))
	s := &survey{Options: Options{Questions: leastSample + 1}, world: w, view: zones.Internet}
	var zs []*zones.Zone
	for z := range w.All() {
		zs = append(zs, z)
	}
	for z, es := range s.samples(zs) {
		if len(es) != leastSample {
			t.Errorf("%v: %d questions", z.Origin(), len(es))
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
	var dials atomic.Int64
	s.options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "udp" {
			dials.Add(1)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	_, sum := s.run(t)
	for _, x := range sum.Zones[0].Servers {
		if x.UDP.Asked != leastSample || x.TCP.Asked != leastSample || !x.Good() {
			t.Errorf("%d and %d questions, %d allowed", x.UDP.Asked, x.TCP.Asked, leastSample)
		}
	}
	if dials.Load() != 2+2*(1+leastSample) {
		t.Errorf("%d sockets for UDP: each question has its own", dials.Load())
	}
	// Both transports: the SOA and the sample; a refused transfer.
	if n := s.one.asked.Load(); n != 2*(1+leastSample)+1 {
		t.Errorf("%d questions came in", n)
	}
}
