package daemon

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
)

// alive is a bound for liveness.
const alive = time.Minute

// notes is a log that can be read while it is written.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

// lines are those that hold a text.
func (n *notes) lines(text string) (out []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range strings.Lines(n.b.String()) {
		if strings.Contains(l, text) {
			out = append(out, l)
		}
	}
	return out
}

// secondaryAt acknowledges NOTIFY at an address, or refuses it, and gives what it
// was told: zones and serials.
func secondaryAt(t *testing.T, addr string, rcode int) (at netip.AddrPort, told func() []string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	s := &dns.Server{PacketConn: pc, MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		got = append(got, q.Question[0].Name)
		mu.Unlock()
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, rcode))
	})}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return netip.MustParseAddrPort(pc.LocalAddr().String()), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

// TestNotifier: a secondary that is not there is spoken of once, however many
// zones there are, and told when it is back; one that refuses is spoken of for each
// zone; neither delays who hears.
func TestNotifier(t *testing.T) {
	log := &notes{}
	n := newNotifier(log)
	defer n.close()
	good, told := secondaryAt(t, "127.0.0.1:0", dns.RcodeSuccess)
	bad, _ := secondaryAt(t, "127.0.0.1:0", dns.RcodeRefused)
	gone, _ := secondaryAt(t, "127.0.0.1:0", dns.RcodeSuccess)
	away := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), gone.Port())
	var all []string
	for i := range 100 {
		origin := zones.MustName(fmt.Sprintf("z%d.example", i))
		b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
		soa := zones.SOA{MName: zones.MustName("ns.example.com"), RName: zones.MustName("root.example.com"), Serial: 7, Refresh: 1, Retry: 1, Expire: 1, Minimum: 1}
		b.Add(zones.Record{Owner: origin, Type: zones.TypeSOA, TTL: 60, Data: soa.Data()})
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, dns.Fqdn(origin.Text()))
		for _, s := range []workspace.Secondary{{Name: "good", Address: good}, {Name: "bad", Address: bad}, {Name: "away", Address: away}} {
			n.tell(Now, news{to: s, from: locals(s.Address.Addr(), []netip.Addr{netip.MustParseAddr("127.0.0.1")}), z: z})
		}
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(alive); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within %v:\n%s", what, alive, log.lines(""))
			}
		}
	}
	until("all who hear are told", func() bool { return len(told()) == len(all) })
	until("who is away is spoken of", func() bool { return len(log.lines("away (")) > 0 })
	until("each refusal is spoken of", func() bool { return len(log.lines("bad (")) == len(all) })
	_, back := secondaryAt(t, away.String(), dns.RcodeSuccess)
	until("who is back is told of all", func() bool { return len(back()) == len(all) })
	until("who is back is spoken of", func() bool { return len(log.lines("hears NOTIFY again")) > 0 })
	for _, got := range [][]string{told(), back()} {
		slices.Sort(got)
		slices.Sort(all)
		for i := range got {
			if got[i] != all[i] {
				t.Fatalf("told of %s, want %s", got[i], all[i])
			}
		}
	}
	// Two, and two more for each that failed while others were heard already.
	if l := log.lines("away ("); len(l) < 2 || len(l) > 10 {
		t.Errorf("of who was away and came back it says %d lines, want about 2:\n%s", len(l), l)
	}
	if l := log.lines("good ("); len(l) != 0 {
		t.Errorf("of who heard it says:\n%s", l)
	}
}

// TestLocals: a secondary is told from the addresses of its own family that can
// reach it, each once; else the system chooses.
func TestLocals(t *testing.T) {
	for _, c := range []struct{ to, from, want string }{
		{"192.0.2.54", "192.0.2.53 2001:db8::53 10.0.0.1 192.0.2.53", "192.0.2.53 10.0.0.1"},
		{"2001:db8::54", "192.0.2.53 2001:db8::53", "2001:db8::53"},
		{"2001:db8::54", "192.0.2.53", "invalid IP"},
		{"192.0.2.54", "0.0.0.0 ::", "invalid IP"},
		{"192.0.2.54", "127.0.0.1", "invalid IP"}, // a loopback address reaches this machine alone
		{"127.0.0.1", "127.0.0.1 192.0.2.53", "127.0.0.1 192.0.2.53"},
		{"::ffff:192.0.2.54", "192.0.2.53", "192.0.2.53"},
	} {
		var from []netip.Addr
		for _, a := range strings.Fields(c.from) {
			from = append(from, netip.MustParseAddr(a))
		}
		var got []string
		for _, a := range locals(netip.MustParseAddr(c.to), from) {
			got = append(got, a.String())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("to %s from %s: %s, want %s", c.to, c.from, s, c.want)
		}
	}
}
