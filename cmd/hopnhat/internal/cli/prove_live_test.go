package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

func liveWorld(t *testing.T, lines ...string) zones.World {
	t.Helper()
	return zonesOf(t, "example.vn", append([]string{"example.vn. SOA ns.example.vn. root.example.vn. 7 3600 600 86400 300", "example.vn. NS ns.example.vn."}, lines...)...)
}

// zonesOf is a world of one zone.
func zonesOf(t *testing.T, origin string, lines ...string) zones.World {
	t.Helper()
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName(origin), View: zones.Internet})
	for _, l := range lines {
		f := strings.Fields(l)
		typ, _ := zones.ParseType(f[1])
		d, err := rdata.Parse(typ, strings.Join(f[2:], " "), zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: zones.MustName(f[0]), Type: typ, TTL: 60, Data: d})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestLiveFlags(t *testing.T) {
	read := func(args ...string) (probe.Options, error) {
		var o liveOptions
		c := &cobra.Command{}
		o.flags(c)
		if err := c.ParseFlags(args); err != nil {
			return probe.Options{}, err
		}
		if err := o.check(); err != nil {
			return probe.Options{}, err
		}
		return o.probe(probe.Options{Resolver: netip.MustParseAddrPort("192.0.2.53:53")})
	}
	got, err := read("--live", "--live-server", "ns1.example.vn=192.0.2.1", "--live-server", "ns2.example.vn=[2001:db8::2]:5353",
		"--live-parent", "example.vn=192.0.2.9", "--live-parent", "example.vn=192.0.2.10:54", "--live-seed", "9", "--live-questions", "30")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Servers) != 2 || got.Servers[0].Addr != netip.MustParseAddrPort("192.0.2.1:53") || got.Servers[1].Addr != netip.MustParseAddrPort("[2001:db8::2]:5353") ||
		got.Servers[1].Name != zones.MustName("ns2.example.vn") || len(got.Parents[zones.MustName("example.vn")]) != 2 ||
		got.Seed != 9 || got.Questions != 30 || got.Resolver != netip.MustParseAddrPort("192.0.2.53:53") {
		t.Errorf("%+v", got)
	}
	if got, err = read("--live", "--live-resolver", "127.0.0.1:5353"); err != nil || got.Resolver != netip.MustParseAddrPort("127.0.0.1:5353") {
		t.Errorf("%v, %v", got.Resolver, err)
	}
	for _, c := range []struct{ args, want string }{
		{"--live-server ns1.example.vn=192.0.2.1", "give --live too"},
		{"--live --live-server 192.0.2.1", "write a name and an address"},
		{"--live --live-server ns1=", "write a name and an address"},
		{"--live --live-server a..b=192.0.2.1", "is no name"},
		{"--live --live-parent example.vn=localhost", "write an address and a port"},
		{"--live --live-resolver x", "write an address and a port"},
		{"--live --live-questions 0", "write 1 or more"},
	} {
		if _, err := read(strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestNewCuts(t *testing.T) {
	before := liveWorld(t, "old.example.vn. NS ns.old.example.vn.")
	after := liveWorld(t, "old.example.vn. NS ns.old.example.vn.", "new.example.vn. NS ns.old.example.vn.")
	got := newCuts(before, after, zones.Internet)
	if len(got) != 1 || got[0] != zones.MustName("new.example.vn") {
		t.Errorf("%v", got)
	}
	if got := newCuts(after, after, zones.Internet); len(got) != 0 {
		t.Errorf("%v are new, and were there", got)
	}
}

// TestLiveUnseen: where nobody answers nothing is good, in words and in JSON.
func TestLiveUnseen(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0") // never read
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	o := liveOptions{on: true, questions: 20, servers: []string{"ns.example.vn=" + pc.LocalAddr().String()}, parents: []string{"example.vn=" + pc.LocalAddr().String()}}
	s, err := (&env{}).live(context.Background(), liveWorld(t, "ns.example.vn. A 192.0.2.1"), o, probe.Options{Timeout: 1e6, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	s.print(&b)
	for _, want := range []string{"[T-UNSEEN]", "    dig @127.0.0.1 -p ", "NOT SEEN", "NOT SHOWN: 0 of 1 servers of zones were seen to serve what was proved\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not said:\n%s", want, b.String())
		}
	}
	out, err := json.Marshal(s.json())
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Good  bool
		Zones []struct {
			Good    bool
			Digest  string
			Servers []struct {
				Good bool
				UDP  struct {
					Asked   int
					Problem string
				}
			}
		}
		Findings []struct{ ID, Severity string }
	}
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	if v.Good || len(v.Zones) != 1 || v.Zones[0].Good || v.Zones[0].Digest == "" || len(v.Zones[0].Servers) != 1 || v.Zones[0].Servers[0].Good ||
		v.Zones[0].Servers[0].UDP.Problem == "" || len(v.Findings) == 0 || v.Findings[0].ID != "T-UNSEEN" || v.Findings[0].Severity != "warn" {
		t.Errorf("%s", out)
	}
}

// TestLiveServed: the table of one zone on one server below its parent.
func TestLiveServed(t *testing.T) {
	serve := func(w zones.World) string {
		im, err := answer.Compile(w, zones.Internet, answer.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := listen.Open("127.0.0.1:0", im, listen.Options{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = s.Serve() }()
		t.Cleanup(func() {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return s.Addr().String()
	}
	w := liveWorld(t, "ns.example.vn. A 192.0.2.1", "www.example.vn. A 192.0.2.2")
	parent := zonesOf(t, "vn", "vn. SOA a. b. 1 2 3 4 5", "vn. NS a.vn.", "example.vn. NS ns.example.vn.", "ns.example.vn. A 192.0.2.1")
	child := serve(w)
	o := liveOptions{on: true, questions: 200, servers: []string{"ns.example.vn=" + child}, parents: []string{"example.vn=" + serve(parent)}}
	s, err := (&env{}).live(context.Background(), w, o, probe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	s.print(&b)
	want := "zone        server         address          serial  UDP     TCP     transfer  serves\n" +
		"example.vn  (the parent)                            1 of 1                    as the zone says\n" +
		"example.vn  ns.example.vn  " + child + "  7       5 of 5  5 of 5  -         as proved\n" +
		"SERVED AS PROVED: 1 zones on 1 servers\n"
	if b.String() != want || !s.good() {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if !s.json().Zones[0].Servers[0].Good {
		t.Errorf("%+v", s.json())
	}
}
