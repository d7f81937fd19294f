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

// odd are owners of octets that mean something to a shell or to dig.
var odd = []string{
	`a`,
	`*.b`,
	`\099`,
	`y#z`,
	`h$i`,
	`j\;k`,
	`l\"m`,
	`t\@u`,
	`\(v\)`,
	`d\032e`,
	`f\.g`,
	`p\\q`,
	`\225\187\159`,
	`n'o`,
	`w&x`,
	`-r`,
	`+s`,
}

// TestDigs pastes the commands of findings into a shell: each asks the
// question of the witness, whatever octets its name has.
func TestDigs(t *testing.T) {
	const plain = "zone tinh.vn\n@ NS ns1\nns1 A 192.0.2.53\n"
	text, known := plain, map[zones.Name]bool{}
	for _, o := range odd {
		text += o + " A 192.0.2.1\n"
		n, err := zones.ParseNameIn(o, zones.MustName("tinh.vn"))
		if err != nil {
			t.Fatal(err)
		}
		known[n] = true
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
		is := known[name]
		if parent, ok := name.Parent(); !is && ok {
			star, _ := parent.Child("*")
			is = known[star]
		}
		if !is {
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
			got := err == nil && strings.Contains(string(out), status) && asksFor(string(out)) == name
			if !got {
				t.Errorf("%s: does not ask for %v\n%s", d, name, out)
			}
		}
	}
	if n < len(odd) {
		t.Errorf("%d findings only", n)
	}
}

// asksFor is the name of the question that dig shows.
func asksFor(out string) zones.Name {
	_, rest, _ := strings.Cut(out, ";; QUESTION SECTION:\n;")
	text, _, _ := strings.Cut(rest, "\t")
	n, _ := zones.ParseName(strings.TrimSpace(text))
	return n
}
