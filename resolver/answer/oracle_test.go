package answer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

var tcp = resolver.Peer{Addr: netip.MustParseAddrPort("127.0.0.1:5353"), Transport: resolver.TCP}

// ask builds a query, has it answered and unpacks the response.
func ask(t interface{ Fatalf(string, ...any) }, im *Image, name zones.Name, typ zones.Type) *dns.Msg {
	q := new(dns.Msg)
	q.Id = 4711
	q.Question = []dns.Question{{Name: name.String(), Qtype: uint16(typ), Qclass: dns.ClassINET}}
	q.SetEdns0(1232, false)
	b, err := q.Pack()
	if err != nil {
		t.Fatalf("%v: %v", name, err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(im.Handle(nil, b, tcp)); err != nil {
		t.Fatalf("%v %v: the response cannot be unpacked: %v", name, typ, err)
	}
	if m.Id != q.Id || !m.Response || len(m.Question) != 1 || m.Question[0] != q.Question[0] || m.IsEdns0() == nil {
		t.Fatalf("%v %v: header, question or OPT are wrong: %v", name, typ, m)
	}
	return m
}

// sets groups the records of a section into sets, in the order of the message.
func sets(rrs []dns.RR) string {
	var out []string
	for i := 0; i < len(rrs); {
		h := rrs[i].Header()
		var set []string
		for ; i < len(rrs) && rrs[i].Header().Name == h.Name && rrs[i].Header().Rrtype == h.Rrtype; i++ {
			if h.Rrtype == dns.TypeOPT {
				continue
			}
			buf := make([]byte, 2048)
			n, err := dns.PackRR(rrs[i], buf, 0, nil, false)
			if err != nil {
				set = append(set, err.Error())
				continue
			}
			owner, at, _ := zones.NameFromWire(buf[:n])
			set = append(set, fmt.Sprintf("%v %d %v %x", owner, rrs[i].Header().Ttl, zones.Type(h.Rrtype), buf[at+10:n]))
		}
		slices.Sort(set)
		out = append(out, set...)
	}
	return strings.Join(out, "\n  ")
}

func wanted(ss []zones.RRset) string {
	var out []string
	for _, s := range ss {
		var set []string
		for _, r := range s.Records() {
			set = append(set, fmt.Sprintf("%v %d %v %x", r.Owner, r.TTL, r.Type, r.Data))
		}
		slices.Sort(set)
		out = append(out, set...)
	}
	return strings.Join(out, "\n  ")
}

// differs holds one answer against the oracle's; "" when they are the same.
func differs(m *dns.Msg, a oracle.Answer) string {
	got := fmt.Sprintf("rcode %d aa %v tc %v\n  %s\n -\n  %s\n -\n  %s", m.Rcode, m.Authoritative, m.Truncated, sets(m.Answer), sets(m.Ns), sets(m.Extra))
	want := fmt.Sprintf("rcode %d aa %v tc false\n  %s\n -\n  %s\n -\n  %s", a.Rcode, a.AA, wanted(a.Answer), wanted(a.Authority), wanted(a.Additional))
	if got == want {
		return ""
	}
	return "got " + got + "\nwant " + want
}

// The alphabet of random worlds: names of up to four labels over it, below
// example., whose child c.example. may be a zone of its own.
var alphabet = []string{"a", "b", "c", "*"}

var apex = zones.MustName("example")

func randomName(t *rapid.T, most int) zones.Name {
	n := apex
	for range rapid.IntRange(0, most).Draw(t, "depth") {
		n, _ = n.Child(rapid.SampledFrom(alphabet).Draw(t, "label"))
	}
	return n
}

var kinds = []zones.Type{zones.TypeA, zones.TypeAAAA, zones.TypeTXT, zones.TypeMX, zones.TypeCNAME, zones.TypeNS, zones.TypeDNAME, zones.TypeDS}

// randomWorld draws a zone example. and perhaps c.example. beside it. Rules of
// zones that servers refuse to load are kept: nothing beside a CNAME, one DNAME.
func randomWorld(t *rapid.T) zones.World {
	var zs []*zones.Zone
	origins := []zones.Name{apex}
	if rapid.Bool().Draw(t, "child") {
		c, _ := apex.Child("c")
		origins = append(origins, c)
	}
	for _, origin := range origins {
		zs = append(zs, randomZone(t, origin, nil))
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return w
}

// randomZone draws a zone with some of the records that one before it had.
func randomZone(t *rapid.T, origin zones.Name, before *zones.Zone) *zones.Zone {
	b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
	soa := zones.SOA{MName: origin, RName: origin, Serial: 1, Minimum: uint32(rapid.SampledFrom([]int{30, 90}).Draw(t, "minimum"))}
	have := map[zones.Key]bool{}
	owns := map[zones.Name]bool{origin: true}
	most := 10
	if before != nil {
		if soa.Serial = before.Serial(); rapid.IntRange(0, 3).Draw(t, "another serial") > 0 {
			soa.Serial++
		}
		most = 4
		one := rapid.IntRange(1, 4).Draw(t, "one in so many goes")
		for s := range before.All() {
			if s.Type() != zones.TypeSOA && rapid.IntRange(0, one).Draw(t, "goes") > 0 {
				b.AddSet(s)
				have[s.Key()] = true
				owns[s.Owner()] = true
			}
		}
	}
	b.Add(zones.Record{Owner: origin, Type: zones.TypeSOA, TTL: 60, Data: soa.Data()})
	for range rapid.IntRange(0, most).Draw(t, "records") {
		owner := randomName(t, 4)
		typ := rapid.SampledFrom(kinds).Draw(t, "type")
		if !owner.Within(origin) || have[zones.Key{Owner: owner, Type: zones.TypeCNAME}] || typ == zones.TypeCNAME && owns[owner] {
			continue
		}
		if (typ == zones.TypeDNAME || typ == zones.TypeDS) && have[zones.Key{Owner: owner, Type: typ}] {
			continue
		}
		target := randomName(t, 3)
		if rapid.IntRange(0, 5).Draw(t, "out") == 0 {
			target = zones.MustName("elsewhere")
		}
		data := ""
		switch typ {
		case zones.TypeA:
			data = string([]byte{192, 0, 2, byte(rapid.IntRange(1, 3).Draw(t, "octet"))})
		case zones.TypeAAAA:
			data = strings.Repeat("\x01", 16)
		case zones.TypeTXT:
			data = "\x01x"
		case zones.TypeMX:
			data = "\x00\x0a" + target.Wire()
		case zones.TypeDS:
			data = "\x00\x01\x08\x02\x00"
		default:
			data = target.Wire()
		}
		have[zones.Key{Owner: owner, Type: typ}] = true
		owns[owner] = true
		b.Add(zones.Record{Owner: owner, Type: typ, TTL: 60 + uint32(typ), Data: data})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return z
}

// everyName lists all names over the alphabet and a fresh label, to a depth.
func everyName(depth int) []zones.Name {
	names := []zones.Name{apex}
	for level := names; depth > 0; depth-- {
		var next []zones.Name
		for _, n := range level {
			for _, l := range append([]string{"z"}, alphabet...) {
				c, _ := n.Child(l)
				next = append(next, c)
			}
		}
		names = append(names, next...)
		level = next
	}
	return append(names, zones.MustName("elsewhere"), zones.Root())
}

// TestAsOracle is the law AS-ORACLE: on random worlds, every name to a depth
// and every type present, a fresh one, SOA and ANY.
func TestAsOracle(t *testing.T) {
	names := everyName(4)
	types := append([]zones.Type{zones.TypeSOA, zones.TypeANY, 65400}, kinds...)
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t)
		im, err := Compile(w, zones.Internet, Policy{})
		if err != nil {
			t.Fatalf("%v", err)
		}
		r := oracle.New(w, zones.Internet)
		for range 40 {
			name := rapid.SampledFrom(names).Draw(t, "qname")
			for _, typ := range types {
				if d := differs(ask(t, im, name, typ), r.Resolve(name, typ)); d != "" {
					t.Fatalf("%v %v:\n%s\nin\n%s", name, typ, d, dump(w))
				}
			}
		}
	})
}

// TestWildcardCutGlue: a server of a wildcard's NS that is the wildcard itself
// is no server below the name that was asked for.
func TestWildcardCutGlue(t *testing.T) {
	b := zones.NewBuilder(zones.ID{Origin: apex, View: zones.Internet})
	star := zones.MustName("*.example")
	b.Add(zones.Record{Owner: apex, Type: zones.TypeSOA, TTL: 60, Data: zones.SOA{MName: apex, RName: apex, Serial: 1}.Data()})
	b.Add(zones.Record{Owner: star, Type: zones.TypeNS, TTL: 60, Data: star.Wire()})
	b.Add(zones.Record{Owner: star, Type: zones.TypeA, TTL: 60, Data: "\xc0\x00\x02\x01"})
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for name, glue := range map[string]int{"z.example": 0, "*.example": 1, "a.*.example": 1} {
		m := ask(t, im, zones.MustName(name), zones.TypeA)
		if d := differs(m, oracle.New(w, zones.Internet).Resolve(zones.MustName(name), zones.TypeA)); d != "" {
			t.Error(name, d)
		}
		n := 0
		for _, rr := range m.Extra {
			if rr.Header().Rrtype == dns.TypeA {
				n++
			}
		}
		if n != glue {
			t.Errorf("%s: %d addresses beside the referral, want %d", name, n, glue)
		}
	}
}

func dump(w zones.World) string {
	var b strings.Builder
	for z := range w.All() {
		for r := range z.Records() {
			fmt.Fprintf(&b, "%v %d %v %s\n", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data))
		}
	}
	return b.String()
}
