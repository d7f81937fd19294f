package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// odd are owners of octets that mean something to a shell or to dig, and
// whether the command can be pasted as it is. Those that cannot fail as soon
// as they can.
var odd = []struct {
	owner  string
	pastes bool
}{
	{`a`, true},
	{`*.b`, true},
	{`\099`, true},
	{`y#z`, true},
	{`h$i`, true},
	{`j\;k`, true},
	{`l\"m`, true},
	{`t\@u`, true},
	{`\(v\)`, true},
	{`d\032e`, true},
	{`f\.g`, true},
	{`p\\q`, true},
	{`\225\187\159`, true},
	{`n'o`, true},
	{`w&x`, true},
	{`-r`, true},
	{`+s`, true},
}

// TestDigs pastes the commands of findings into a shell: each asks the
// question of the witness, whatever octets its name has.
func TestDigs(t *testing.T) {
	const plain = "zone tinh.vn\n@ NS ns1\nns1 A 192.0.2.53\n"
	text, pastes := plain, map[zones.Name]bool{}
	for _, o := range odd {
		text += o.owner + " A 192.0.2.1\n"
		n, err := zones.ParseNameIn(o.owner, zones.MustName("tinh.vn"))
		if err != nil {
			t.Fatal(err)
		}
		pastes[n] = o.pastes
	}
	own := func(s string) string { return s }
	before, after := zonesOf(t, "old", zoneLines(text), own), zonesOf(t, "new", zoneLines(plain), own)
	servers := []*peer{startNSD(t, written(t, before)), startNSD(t, written(t, after))}
	r := proof.Prove(proof.Input{Before: before, After: after}, proof.Options{Server: func(new bool) string {
		p := servers[0]
		if new {
			p = servers[1]
		}
		return fmt.Sprintf("%v -p %d", p.addr.Addr(), p.addr.Port())
	}})
	need(t, "dig")
	n := 0
	for _, f := range r.Faults {
		name := f.Witness.Name
		if f.ID == "C-RCODE" {
			continue // the empty name above the wildcard
		}
		want, known := pastes[name]
		if parent, ok := name.Parent(); !known && ok {
			star, _ := parent.Child("*")
			want, known = pastes[star]
		}
		if !known {
			t.Errorf("%v is about no owner of the table", f.Finding)
			continue
		}
		n++
		for i, d := range f.Dig {
			out, err := exec.Command("sh", "-c", d+" +tries=1").CombinedOutput()
			m, asked := exchange(servers[i].addr, name.String(), uint16(f.Witness.Type))
			if asked != nil {
				t.Fatal(asked)
			}
			status := "status: " + dns.RcodeToString[m.Rcode]
			got := err == nil && strings.Contains(string(out), status) && strings.Contains(string(out), ";"+name.String())
			if got != want {
				t.Errorf("%s: asks for %v: %v, the table says %v\n%s", d, name, got, want, out)
			}
		}
	}
	if n < len(odd) {
		t.Errorf("%d findings only", n)
	}
}
