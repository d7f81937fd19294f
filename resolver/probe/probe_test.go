package probe

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

const sample = `
example.vn.               SOA   ns.example.vn. root.example.vn. 7 3600 600 86400 300
example.vn.               NS    ns.example.vn.
example.vn.               MX    10 mail.example.vn.
example.vn.               MX    20 mail2.example.vn.
example.vn.               TXT   "v=spf1 mx -all" "second string"
ns.example.vn.            A     192.0.2.1
ns.example.vn.            AAAA  2001:db8::1
mail.example.vn.          A     192.0.2.2
mail2.example.vn.         AAAA  2001:db8::2
deep.ent.example.vn.      A     192.0.2.3
*.wild.example.vn.        A     192.0.2.4
*.wild.example.vn.        HTTPS 1 . alpn=h2
www.example.vn.           CNAME mail.example.vn.
old.example.vn.           DNAME wild.example.vn.
xa.example.vn.            NS    ns.xa.example.vn.
ns.xa.example.vn.         A     192.0.2.5
_sip._tcp.example.vn.     SRV   0 5 5060 mail.example.vn.
odd\;label.example.vn.    TYPE65400 \# 3 010203
empty.example.vn.         TYPE65401 \# 0
`

func parse(t testing.TB, text string, without int) (zones.World, zones.Record) {
	t.Helper()
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet})
	var gone zones.Record
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		owner, rest, _ := strings.Cut(line, " ")
		typ, data, _ := strings.Cut(strings.TrimSpace(rest), " ")
		ty, ok := zones.ParseType(typ)
		if !ok {
			t.Fatalf("type %q", typ)
		}
		d, err := rdata.Parse(ty, strings.TrimSpace(data), zones.Root())
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		r := zones.Record{Owner: zones.MustName(owner), Type: ty, TTL: 3600, Data: d}
		if i == without {
			gone = r
			continue
		}
		b.Add(r)
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	return w, gone
}

// serve answers on loopback straight from the oracle, over UDP and TCP; the
// world that it answers from can be swapped.
func serve(t testing.TB, world *atomic.Pointer[zones.World]) netip.AddrPort {
	t.Helper()
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		name, err := zones.ParseName(q.Question[0].Name)
		if err != nil {
			return
		}
		a := oracle.Resolve(*world.Load(), zones.Internet, name, zones.Type(q.Question[0].Qtype))
		m := new(dns.Msg)
		m.SetReply(q)
		m.Rcode, m.Authoritative = a.Rcode, a.AA
		for _, s := range []struct {
			from []zones.RRset
			to   *[]dns.RR
		}{{a.Answer, &m.Answer}, {a.Authority, &m.Ns}, {a.Additional, &m.Extra}} {
			for _, set := range s.from {
				for _, r := range set.Records() {
					rr, err := dns.NewRR(recordText(r))
					if err != nil {
						t.Errorf("%s: %v", recordText(r), err)
						return
					}
					*s.to = append(*s.to, rr)
				}
			}
		}
		_ = w.WriteMsg(m)
	})
	pc, l := listenBoth(t)
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: h}, {Listener: l, Handler: h}} {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { _ = s.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return pc.LocalAddr().(*net.UDPAddr).AddrPort()
}

func ask(t testing.TB, server netip.AddrPort, es []Expectation) []Result {
	t.Helper()
	rs, err := Client{Server: server}.Ask(context.Background(), es, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Failures(rs)
}

func TestExpectCoversAll(t *testing.T) {
	w, _ := parse(t, sample, -1)
	es := Expect(w, zones.Internet)
	asked := map[string]bool{}
	for _, e := range es {
		asked[e.Name.String()+" "+e.Type.String()] = true
	}
	for z := range w.All() {
		for s := range z.All() {
			if k := s.Owner().String() + " " + s.Type().String(); !asked[k] {
				t.Errorf("not asked: %s", k)
			}
		}
	}
	for _, k := range []string{
		"ent.example.vn. A", "_tcp.example.vn. A", "hopnhat-smoke.example.vn. A",
		"hopnhat-smoke.wild.example.vn. A", "hopnhat-smoke.wild.example.vn. HTTPS",
	} {
		if !asked[k] {
			t.Errorf("not asked: %s", k)
		}
	}
}

// TestEveryRemovalIsFound takes each record but the SOA out of the served
// world in turn; both the client and the script must name a dig that asks for
// the removed record's name, a name below it (a wildcard), or one above it.
func TestEveryRemovalIsFound(t *testing.T) {
	whole, _ := parse(t, sample, -1)
	es := Expect(whole, zones.Internet)
	var world atomic.Pointer[zones.World]
	world.Store(&whole)
	server := serve(t, &world)
	if bad := ask(t, server, es); len(bad) > 0 {
		t.Fatalf("the whole world differs: %v: %s", bad[0].Name, bad[0].Problem)
	}
	script := writeScript(t, es)
	if out, code := runScript(t, "dash", script, server); code != 0 {
		t.Fatalf("the script fails on the whole world:\n%s", out)
	}
	lines := len(strings.Split(strings.TrimSpace(sample), "\n"))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	scripted := rand.New(rand.NewPCG(seed, 0)).Perm(lines)[:8]
	for i := 1; i < lines; i++ {
		w, gone := parse(t, sample, i)
		world.Store(&w)
		bad := ask(t, server, es)
		named := false
		for _, r := range bad {
			named = named || r.Name.Within(gone.Owner) || gone.Owner.Below(r.Name) && r.Name.Labels() > 2 || r.Name.Labels() == 2
			if !strings.HasPrefix(r.Dig("127.0.0.1", server.Port()), "dig @127.0.0.1 -p ") {
				t.Errorf("not a dig: %s", r.Dig("127.0.0.1", server.Port()))
			}
		}
		if !named {
			t.Errorf("without %v %v nothing is found", gone.Owner, gone.Type)
		}
		for _, s := range scripted {
			if s == i {
				out, code := runScript(t, "dash", script, server)
				if code != 1 || !strings.Contains(out, "not ok") || !strings.Contains(out, "# dig @") {
					t.Errorf("without %v %v the script exits %d:\n%s", gone.Owner, gone.Type, code, grep(out, "not ok"))
				}
				if a, b := failedNames(out), resultNames(bad); a != b {
					t.Errorf("without %v %v the script names\n%s\nthe client names\n%s", gone.Owner, gone.Type, a, b)
				}
			}
		}
	}
}

func failedNames(tap string) string {
	var names []string
	for line := range strings.Lines(tap) {
		if rest, ok := strings.CutPrefix(line, "not ok "); ok {
			f := strings.Fields(rest)
			names = append(names, f[2]+" "+strings.TrimSuffix(f[3], ":"))
		}
	}
	return strings.Join(names, "\n")
}

func resultNames(rs []Result) string {
	var names []string
	for _, r := range rs {
		names = append(names, r.Name.String()+" "+r.Type.String())
	}
	return strings.Join(names, "\n")
}

func grep(s, sub string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.Contains(line, sub) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func writeScript(t testing.TB, es []Expectation) string {
	t.Helper()
	var b bytes.Buffer
	if err := Script(&b, es, About{Title: "test", Host: "127.0.0.1", Port: 53, First: zones.MustName("example.vn")}); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "smoke.sh")
	if err := os.WriteFile(p, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func runScript(t testing.TB, shell, script string, server netip.AddrPort) (string, int) {
	t.Helper()
	cmd := exec.Command(shell, script, server.Addr().String(), portText(server))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func portText(a netip.AddrPort) string {
	_, p, _ := net.SplitHostPort(a.String())
	return p
}

// TestScriptNeedsOnlyDig runs the script with a PATH that holds dig alone.
func TestScriptNeedsOnlyDig(t *testing.T) {
	w, _ := parse(t, sample, -1)
	var world atomic.Pointer[zones.World]
	world.Store(&w)
	server := serve(t, &world)
	dig, err := exec.LookPath("dig")
	if err != nil {
		t.Fatal("dig is missing; scripts/install-test-deps installs it")
	}
	bin := t.TempDir()
	if err := os.Symlink(dig, filepath.Join(bin, "dig")); err != nil {
		t.Fatal(err)
	}
	sh, err := exec.LookPath("dash")
	if err != nil {
		t.Fatal("dash is missing; scripts/install-test-deps installs it")
	}
	cmd := exec.Command(sh, writeScript(t, Expect(w, zones.Internet)), server.Addr().String(), portText(server))
	cmd.Env = []string{"PATH=" + bin}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

func TestNoServer(t *testing.T) {
	w, _ := parse(t, sample, -1)
	es := Expect(w, zones.Internet)
	// A bound port where nobody reads: no answer, and none refuses.
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	dead := pc.LocalAddr().(*net.UDPAddr).AddrPort()
	if _, err := (Client{Server: dead, Timeout: 1e6, Tries: 2}).Ask(context.Background(), es, nil); err == nil {
		t.Error("a dead server passed")
	}
	if out, code := runScript(t, "dash", writeScript(t, es), dead); code != 2 || !strings.Contains(out, "Bail out!") {
		t.Errorf("the script exits %d on a dead server:\n%s", code, out)
	}
}

// TestSerialMayBeLater: a server that counts up a serial is right, one that
// goes back is not.
func TestSerialMayBeLater(t *testing.T) {
	w, _ := parse(t, sample, -1)
	es := Expect(w, zones.Internet)
	id := zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}
	var world atomic.Pointer[zones.World]
	world.Store(&w)
	server := serve(t, &world)
	script := writeScript(t, es)
	for _, c := range []struct {
		serial zones.Serial
		good   bool
	}{{8, true}, {7 + 1<<30, true}, {6, false}} {
		moved := w.With(w.Zone(id).WithSerial(c.serial))
		world.Store(&moved)
		if bad := ask(t, server, es); (len(bad) == 0) != c.good {
			t.Errorf("serial %d: %d differ", c.serial, len(bad))
		}
		if out, code := runScript(t, "dash", script, server); (code == 0) != c.good {
			t.Errorf("serial %d: the script exits %d\n%s", c.serial, code, grep(out, "not ok"))
		}
	}
}

func TestTAP(t *testing.T) {
	rs := []Result{
		{Expectation{Name: zones.MustName("a.vn"), Type: zones.TypeA}, ""},
		{Expectation{Name: zones.MustName(`it's.vn`), Type: zones.TypeMX}, "answer: missing x"},
	}
	var b bytes.Buffer
	if err := TAP(&b, netip.MustParseAddrPort("127.0.0.1:5301"), rs); err != nil {
		t.Fatal(err)
	}
	want := "TAP version 13\n1..2\nok 1 - a.vn. A\nnot ok 2 - it\\039s.vn. MX: answer: missing x\n" +
		"  # dig @127.0.0.1 -p 5301 +norec -q 'it\\039s.vn.' -t MX\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
