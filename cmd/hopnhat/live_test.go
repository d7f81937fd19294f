package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// above writes a zone that delegates the zones of w right below it as they
// state it themselves, glue included; edit may change the text.
func above(t *testing.T, w zones.World, origin string, edit func(string) string) zoneFile {
	t.Helper()
	apex := zones.MustName(origin)
	var b strings.Builder
	fmt.Fprintf(&b, "$TTL 3600\n%s. SOA a.%s. root.%s. 1 3600 600 86400 300\n%s. NS a.%s.\na.%s. A 127.0.0.1\n", origin, origin, origin, origin, origin, origin)
	for z := range w.In(zones.Internet) {
		if up, _ := z.Origin().Parent(); up != apex {
			continue
		}
		ns, _ := z.Lookup(z.Origin(), zones.TypeNS)
		for _, r := range ns.Records() {
			host, _, err := zones.NameFromWire([]byte(r.Data))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%v NS %v\n", z.Origin(), host)
			for _, typ := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
				set, _ := z.Lookup(host, typ)
				for _, a := range set.Records() {
					ip, _ := netip.AddrFromSlice([]byte(a.Data))
					fmt.Fprintf(&b, "%v %v %v\n", host, typ, ip)
				}
			}
		}
	}
	text := b.String()
	if edit != nil {
		if text = edit(text); text == b.String() {
			t.Fatal("the edit changes nothing")
		}
	}
	return zoneFile{origin, write(t, filepath.Join(t.TempDir(), origin+".zone"), text)}
}

// edited copies zone files, one of them changed.
func edited(t *testing.T, zs []zoneFile, origin string, edit func(string) string) []zoneFile {
	t.Helper()
	out := slices.Clone(zs)
	i := slices.IndexFunc(out, func(z zoneFile) bool { return z.origin == origin })
	b, err := os.ReadFile(out[i].path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	changed := edit(text)
	if changed == text {
		t.Fatalf("the edit of %s changes nothing", origin)
	}
	out[i].path = write(t, filepath.Join(t.TempDir(), origin+".zone"), changed)
	return out
}

// udpOnly passes datagrams on to a server; over TCP nobody listens at its port.
func udpOnly(t *testing.T, to netip.AddrPort) netip.AddrPort {
	t.Helper()
	at := freePort(t, "127.0.0.1")
	pc, err := net.ListenPacket("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			c, err := net.Dial("udp", to.String())
			if err != nil {
				continue
			}
			if _, err = c.Write(buf[:n]); err == nil {
				if n, err = c.Read(buf); err == nil {
					_, _ = pc.WriteTo(buf[:n], from)
				}
			}
			_ = c.Close()
		}
	}()
	return at
}

// silent is a port where datagrams are taken and never answered.
func silent(t *testing.T) netip.AddrPort {
	t.Helper()
	at := freePort(t, "127.0.0.1")
	pc, err := net.ListenPacket("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	return at
}

// TestSurveyOfPeers: the world after the cutover on Knot and NSD, below a
// parent on BIND: what is as it was proved is good, each fault has its id, and
// what is not seen is never good.
func TestSurveyOfPeers(t *testing.T) {
	t.Parallel()
	after, before := exported(t, "after")["internet"], exported(t, "before")["internet"]
	w := load(t, after)
	const target = "gialai.gov.vn"
	knot, nsd := startKnot(t, after), startNSD(t, after)
	parent := startBIND(t, []zoneFile{above(t, w, "gov.vn", nil), above(t, w, "org.vn", nil)})

	// Every name server is Knot, but for the second of the target, NSD.
	second := zones.MustName("ns2." + target)
	servers := map[zones.Name]netip.AddrPort{}
	for z := range w.In(zones.Internet) {
		ns, _ := z.Lookup(z.Origin(), zones.TypeNS)
		for _, r := range ns.Records() {
			if host, _, err := zones.NameFromWire([]byte(r.Data)); err == nil {
				servers[host] = knot.addr
			}
		}
	}
	if servers[second] != knot.addr {
		t.Fatalf("%v is no name server of the sample", second)
	}
	var cut zones.Name // a delegation with servers of its own below the target
	for s := range w.Zone(zones.ID{Origin: zones.MustName(target), View: zones.Internet}).All() {
		if s.Type() == zones.TypeNS && s.Owner() != zones.MustName(target) {
			if host, _, err := zones.NameFromWire([]byte(s.Data(0))); err == nil && host.Within(s.Owner()) && s.Len() == 1 {
				cut = s.Owner()
				servers[host] = knot.addr
				break
			}
		}
	}
	if cut.IsZero() {
		t.Fatal("the sample delegates nothing to one server of its own")
	}

	blank := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "$") || strings.HasPrefix(line, "@ ") || strings.HasPrefix(line, "ns") {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	altered := func(text string) string { return strings.Replace(text, "198.51.100.10\n", "198.51.100.11\n", 1) }
	gov := func(edit func(string) string) func(t *testing.T, o *probe.Options) {
		return func(t *testing.T, o *probe.Options) {
			o.Reach[netip.MustParseAddr("127.0.0.1")] = startBIND(t, []zoneFile{above(t, w, "gov.vn", edit), above(t, w, "org.vn", nil)}).addr
			o.Resolver = o.Reach[netip.MustParseAddr("127.0.0.1")]
		}
	}
	with := func(server func(t *testing.T) netip.AddrPort) func(t *testing.T, o *probe.Options) {
		return func(t *testing.T, o *probe.Options) {
			for i := range o.Servers {
				if o.Servers[i].Name == second {
					o.Servers[i].Addr = server(t)
				}
			}
		}
	}
	only := func(origin string, zs []zoneFile) []zoneFile {
		return slices.DeleteFunc(slices.Clone(zs), func(z zoneFile) bool { return z.origin != origin })
	}
	delegated := zoneFile{cut.Text(), write(t, filepath.Join(t.TempDir(), "child"), fmt.Sprintf("%v 60 SOA ns.%v root.%v 1 2 3 4 5\n%v 60 NS ns.%v\nns.%v 60 A 192.0.2.1\n", cut, cut, cut, cut, cut, cut))}

	for _, c := range []struct {
		name string
		want []string // ids, each with the zone or server that it must name
		set  func(t *testing.T, o *probe.Options)
	}{
		{"all well", nil, func(*testing.T, *probe.Options) {}},
		{"an old version", []string{"T-SERIAL blocking " + target}, with(func(t *testing.T) netip.AddrPort {
			return startNSD(t, append(only(target, before), only("gialai.org.vn", after)...)).addr
		})},
		{"an almost empty zone", []string{"T-EMPTY blocking " + target}, with(func(t *testing.T) netip.AddrPort { return startNSD(t, edited(t, after, target, blank)).addr })},
		{"lame", []string{"T-LAME blocking " + target}, with(func(t *testing.T) netip.AddrPort { return startNSD(t, only("gialai.org.vn", after)).addr })},
		{"silent", []string{"T-UNSEEN warning ns2." + target}, with(silent)},
		{"UDP alone", []string{"T-TCP error " + target}, with(func(t *testing.T) netip.AddrPort { return udpOnly(t, nsd.addr) })},
		{"transferred, one record altered", []string{"T-DIGEST blocking " + target}, with(func(t *testing.T) netip.AddrPort { return startBIND(t, edited(t, after, target, altered)).addr })},
		{"other glue", []string{"T-PARENT blocking ns2." + target}, gov(func(text string) string {
			return strings.Replace(text, "ns2."+target+". A ", "ns2."+target+". A 192.0.2.99 ; ", 1)
		})},
		{"no glue", []string{"T-PARENT blocking ns2." + target}, gov(func(text string) string {
			return strings.ReplaceAll(text, "ns2."+target+". A", "; ")
		})},
		{"a server less at the parent", []string{"T-PARENT error ns2." + target}, gov(func(text string) string {
			return strings.Replace(text, target+". NS ns2", "; ", 1)
		})},
		{"a DS at the parent", []string{"D-SIGNED blocking " + target}, gov(func(text string) string {
			return text + target + ". DS 12345 13 2 " + strings.Repeat("0123456789abcdef", 4) + "\n"
		})},
		{"the parent is silent", []string{"T-UNSEEN warning the parent's server a.gov.vn", "T-UNSEEN warning the parent's server a.org.vn"}, func(t *testing.T, o *probe.Options) {
			o.Reach[netip.MustParseAddr("127.0.0.1")] = silent(t)
		}},
		{"a delegation that its server does not know", []string{"D-LAME-RENAMED blocking " + cut.Text()}, func(_ *testing.T, o *probe.Options) {
			o.Renamed = []zones.Name{cut}
		}},
		{"a delegation that its server knows", nil, func(t *testing.T, o *probe.Options) {
			o.Renamed = []zones.Name{cut}
			addr := startNSD(t, []zoneFile{delegated}).addr
			for i := range o.Servers {
				if o.Servers[i].Name.Within(cut) {
					o.Servers[i].Addr = addr
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := probe.Options{Resolver: parent.addr, Seed: 1, Reach: map[netip.Addr]netip.AddrPort{netip.MustParseAddr("127.0.0.1"): parent.addr}}
			for _, host := range slices.SortedFunc(maps.Keys(servers), zones.Name.Compare) {
				o.Servers = append(o.Servers, probe.Server{Name: host, Addr: servers[host]})
				if host == second {
					o.Servers[len(o.Servers)-1].Addr = nsd.addr
				}
			}
			c.set(t, &o)
			fs, sum := probe.Survey(context.Background(), w, zones.Internet, o)
			var got []string
			for _, f := range fs {
				got = append(got, f.ID+" "+f.Severity.String())
			}
			for _, want := range c.want {
				f := strings.SplitN(want, " ", 3)
				if !slices.ContainsFunc(fs, func(g finding.Finding) bool {
					return g.ID == f[0] && g.Severity.String() == f[1] && strings.Contains(g.Found, f[2])
				}) {
					t.Errorf("lacks %s", want)
				}
			}
			if len(got) != len(c.want) || sum.Good() != (c.want == nil) {
				t.Errorf("good %v, findings %v, want %v", sum.Good(), got, c.want)
			}
			for _, f := range fs {
				t.Log(f.String())
				if t.Failed() {
					t.Log(f.Dig)
				}
			}
			if t.Failed() {
				for _, z := range sum.Zones {
					t.Logf("%+v", z)
				}
			}
		})
	}
}
