package answer

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// fixed is a small world with every feature that the compiler lays out.
const fixed = `$TTL 900
@ SOA ns h 1 2 3 4 300
@ NS ns
@ NS ns.other.vn.
@ MX 10 mail
@ MX 20 mail2
ns A 192.0.2.1
mail A 192.0.2.2
mail A 192.0.2.3
mail2 AAAA 2001:db8::2
www CNAME mail
*.cw CNAME mail
x.ent A 192.0.2.4
*.w.ent TXT "wild"
cut NS ns1.cut
cut NS ns2.cut
ns1.cut A 192.0.2.5
ns1.cut AAAA 2001:db8::5
ns2.cut A 192.0.2.6
deep.cut NS ns
cut DS 1 8 2 00
old DNAME ent
x.old A 192.0.2.7
child NS ns
`

const fixedChild = `$TTL 900
@ SOA ns.p.vn. h 1 2 3 4 300
@ NS ns.p.vn.
a A 192.0.2.8
`

func fixedWorld(t *testing.T) zones.World {
	t.Helper()
	var zs []*zones.Zone
	for origin, text := range map[string]string{"p.vn": fixed, "child.p.vn": fixedChild} {
		tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(text)}}, "z", zonefile.Options{Origin: zones.MustName(origin)})
		z, more := tree.Zone(zones.Internet)
		if z == nil {
			t.Fatal(fs, more)
		}
		zs = append(zs, z)
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestFixedOracle and TestFixedSmoke are the two nets that each seeded bug
// must be caught in.
func TestFixedOracle(t *testing.T) {
	w := fixedWorld(t)
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[zones.Name]bool{}
	for z := range w.All() {
		for n := range z.Owners() {
			for ; n.Within(z.Origin()); n, _ = n.Parent() {
				names[n] = true
				if f, err := n.Child("fresh"); err == nil {
					names[f] = true
				}
			}
		}
	}
	for n := range names {
		for _, typ := range append([]zones.Type{zones.TypeSOA, zones.TypeANY, 65400}, kinds...) {
			if d := differs(ask(t, im, n, typ), oracle.Resolve(w, zones.Internet, n, typ)); d != "" {
				t.Errorf("%v %v:\n%s", n, typ, d)
			}
		}
	}
}

func TestFixedSmoke(t *testing.T) {
	w := fixedWorld(t)
	im, err := Compile(w, zones.Internet, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := listen.Open("127.0.0.1:0", im, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve() }()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = s.Close(ctx)
	}()
	rs, err := probe.Client{Server: s.Addr(), Timeout: 30 * time.Second}.Ask(context.Background(), probe.Expect(w, zones.Internet), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range probe.Failures(rs) {
		t.Errorf("%v %v: %s\n%s", r.Name, r.Type, r.Problem, r.Dig("127.0.0.1", s.Addr().Port()))
	}
}

// seeded are bugs that a compiler like ours has had elsewhere: each replaces
// one piece of compile.go.
var seeded = []struct{ what, old, new string }{
	{"the SOA's TTL instead of the smaller of it and MINIMUM (RFC 2308 5)", "neg: z.SOA().NegativeTTL(soaTTL(z))", "neg: soaTTL(z)"},
	{"empty non-terminals are not there (RFC 4592 2.2.2)", "for n := owner; !have[n]; n, _ = n.Parent() {", "if n := owner; !have[n] {"},
	{"a wildcard below an empty non-terminal is lost", "if p, ok := c.byName[up]; ok {", "if p, ok := c.byName[up]; ok && c.im.nodes[p].count > 0 {"},
	{"the lowest cut wins instead of the highest", "case im.nodes[p].over != none:", "case im.nodes[p].over != none && n.flags&isCut == 0:"},
	{"names below a DNAME are answered (RFC 6672 2.4)", "case im.nodes[p].flags&isDNAME != 0:", "case im.nodes[p].flags&isDNAME != 0 && n.count == 0:"},
	{"the last server's glue is lost (RFC 9471)", "for k := range ns.Len() {", "for k := range ns.Len() - 1 {"},
	{"the apex is taken for a cut", "s.Type() == zones.TypeNS && !apex", "s.Type() == zones.TypeNS"},
	{"long TTLs are cut", "ttl: s.TTL()", "ttl: min(s.TTL(), 600)"},
	{"one record of a set is answered", "count: uint16(s.Len())", "count: uint16(min(s.Len(), 1))"},
	{"a wildcard CNAME is not followed (RFC 4592 4.4)", "case s.Type() == zones.TypeCNAME:", "case s.Type() == zones.TypeCNAME && !s.Owner().IsWildcard():"},
}

// TestSeededBugs builds a copy of this package with each bug and wants both
// nets to catch it.
func TestSeededBugs(t *testing.T) {
	if len(seeded) < 10 {
		t.Fatalf("%d bugs, want ten", len(seeded))
	}
	source, err := filepath.Abs("compile.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, bug := range seeded {
		t.Run(bug.what, func(t *testing.T) {
			if n := strings.Count(string(text), bug.old); n != 1 {
				t.Fatalf("%q stands %d times in compile.go, want once", bug.old, n)
			}
			dir := t.TempDir()
			copied := filepath.Join(dir, "compile.go")
			if err := os.WriteFile(copied, []byte(strings.Replace(string(text), bug.old, bug.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: copied}})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(file, overlay, 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("go", "test", "-vet=off", "-overlay", file, "-run", "^TestFixed(Oracle|Smoke)$", ".").CombinedOutput()
			if err == nil {
				t.Fatalf("nothing caught it:\n%s", out)
			}
			for _, net := range []string{"--- FAIL: TestFixedOracle", "--- FAIL: TestFixedSmoke"} {
				if !strings.Contains(string(out), net) {
					t.Errorf("want %q:\n%.2000s", net, out)
				}
			}
		})
	}
}
