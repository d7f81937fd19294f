package proof

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// mixTable: what each change to `before` makes of caches.
var mixTable = []struct {
	name string
	cut  []string
	add  string
	more string
	id   string // "" is nothing that blocks
	ask  string
}{
	{name: "nothing"},
	{name: "a plain addition", add: "them A 192.0.2.99"},
	{name: "an addition by an alias", add: "them CNAME dich\ndich A 192.0.2.99"},
	{name: "an alias turned to a new host with the same address", cut: []string{"www CNAME cong"}, add: "www CNAME cong2\ncong2 A 192.0.2.80\ncong2 AAAA 2001:db8::80", id: "T-MIX", ask: "cong2.tinh.vn. A"},
	{name: "the same when the host was there", cut: []string{"www CNAME cong"}, add: "www A 192.0.2.80\nwww AAAA 2001:db8::80"},
	{name: "an address became an alias to a new host", cut: []string{"moi A 192.0.2.11"}, add: "moi CNAME moi2\nmoi2 A 192.0.2.11", id: "T-MIX", ask: "moi2.tinh.vn. A"},
	{name: "host and alias changed places", cut: []string{"www CNAME cong", "cong A 192.0.2.80", "cong AAAA 2001:db8::80"}, add: "cong CNAME www\nwww A 192.0.2.80\nwww AAAA 2001:db8::80", id: "T-MIX"},
	{name: "a delegation to a new name of its server", cut: []string{"xa NS ns.ngoai.vn."}, add: "xa NS ns9\nns9 A 192.0.2.9", id: "C-CHANGED"},
	{name: "a child zone given up for names of the parent's", cut: []string{"zone huyen"}, add: "huyen NS ns1\nhuyen A 192.0.2.30\nwww.huyen A 192.0.2.31", id: "C-CHANGED"},
}

func TestMixture(t *testing.T) {
	old := world(t, "old", before)
	for _, c := range mixTable {
		t.Run(c.name, func(t *testing.T) {
			r := Prove(Input{Before: old, After: world(t, "new", damage(before, c.cut, c.add, c.more))}, Options{Mixture: true})
			defer func() {
				if t.Failed() {
					dump(t, r)
				}
			}()
			if c.id == "" {
				if !r.Preserved() {
					t.Fatal(ids(r))
				}
				return
			}
			if c.id == "C-CHANGED" {
				if r.Preserved() {
					t.Fatal("preserved")
				}
				return
			}
			if !slices.ContainsFunc(r.Faults, func(f Fault) bool {
				return f.ID == c.id && (c.ask == "" || f.Witness.Name.String()+" "+f.Witness.Type.String() == c.ask)
			}) {
				t.Fatalf("no %s %s, but %v", c.id, c.ask, ids(r))
			}
		})
	}
}

// TestMixtureOfServers: the servers of a delegation got new names, which
// servers that are not switched yet do not know.
func TestMixtureOfServers(t *testing.T) {
	const before = "zone cu.vn\n@ NS out.\nxa NS ns1\nns1 A 192.0.2.1\n"
	const moved = "zone cu.vn\n@ NS out.\nxa NS ns1.moi.vn.\nns1 A 192.0.2.1\nzone moi.vn\n@ NS out.\nxa NS ns1\nns1 A 192.0.2.1\n"
	const added = "zone moi.vn\n@ NS out.\nns1 A 192.0.2.1\n"
	rule := mapping.Mapping{Rules: []mapping.Rule{{
		From: mapping.Pattern{Name: zones.MustName("cu.vn"), Star: true}, To: []mapping.Pattern{{Name: zones.MustName("moi.vn"), Star: true}},
	}}}
	in := Input{Before: world(t, "old", before+"zone moi.vn\n@ NS out.\n"), After: world(t, "new", moved), Mapping: rule}
	if r := Prove(in, Options{}); !r.Preserved() {
		t.Errorf("without the mixture: %v", ids(r))
	}
	r := Prove(in, Options{Mixture: true})
	if i := slices.IndexFunc(r.Faults, func(f Fault) bool { return f.ID == "T-MIX" }); i < 0 || r.Faults[i].Witness.Name.String() != "ns1.moi.vn." || r.Faults[i].At.Line != 4 {
		dump(t, r)
		t.Error("no T-MIX about ns1.moi.vn")
	}
	in.Steps = []zones.World{world(t, "step", before+added)}
	if r := Prove(in, Options{Mixture: true}); !r.Preserved() {
		t.Errorf("with the new name first: %v", r.Faults)
	}
}

// mixedAsk follows every mixture of two worlds from a name, one step of either
// world at a time, and tells whether one of them breaks.
func mixedAsk(o, n *twin, name zones.Name, typ zones.Type, on map[zones.Name]bool) bool {
	if on[name] {
		return true
	}
	on[name] = true
	defer delete(on, name)
	for _, t := range []*twin{o, n} {
		z := t.nearest(name)
		if z == nil {
			if o.nearest(name) == nil && n.nearest(name) == nil && len(on) > 1 {
				continue // outside both worlds
			}
			return true
		}
		a := said{via: map[zones.Name]bool{}}
		next, more := t.step(&a, z, name, typ, true)
		switch {
		case more:
			if mixedAsk(o, n, next, typ, on) {
				return true
			}
		case !good(a.kind):
			return true
		}
	}
	return false
}

// TestMixtureTwin holds the mixture proof of aliases against every path of
// steps: where both worlds answer a name and some mixture breaks, the proof
// says so, or says that an answer was lost; and where it blocks by T-MIX alone
// some mixture does break.
func TestMixtureTwin(t *testing.T) {
	names := everyName(4)
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := genAliases(t)
		old, new := world(t, "old", a), world(t, "new", b)
		r := Prove(Input{Before: old, After: new}, Options{Workers: 1, Mixture: true})
		o, n := newTwin(old, zones.Internet), newTwin(new, zones.Internet)
		broken := ""
		for _, name := range names {
			for _, typ := range []zones.Type{zones.TypeA, zones.TypeTXT, zones.TypeLOC} {
				if good(o.ask(name, typ).kind) && good(n.ask(name, typ).kind) && mixedAsk(o, n, name, typ, map[zones.Name]bool{}) {
					broken = name.String() + " " + typ.String()
				}
			}
		}
		said := slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.ID == "T-MIX" })
		if said {
			seen++
		}
		if broken != "" && !said {
			t.Fatalf("%s breaks, and no T-MIX in %v\nOLD\n%s\nNEW\n%s", broken, r.Faults, a, b)
		}
		pointing := slices.ContainsFunc(r.Faults, func(f Fault) bool {
			return f.ID == "T-MIX" && f.Witness.Type == zones.TypeA && strings.Contains(f.Found, "NS")
		})
		if strings.Contains(a+b, "DNAME") {
			return // what breaks may lie deeper than the names that are asked
		}
		if said && broken == "" && !pointing {
			t.Fatalf("a T-MIX that no mixture shows: %v\nOLD\n%s\nNEW\n%s", r.Faults, a, b)
		}
	})
	if seen == 0 {
		t.Error("no mixture broke in the whole run")
	}
}

// genAliases draws two worlds of few names, most of them aliases.
func genAliases(t *rapid.T) (string, string) {
	owners := []string{"a", "b", "c", "c.a", "*.b", "*.a.c"}
	targets := append(slices.Clone(owners), "zz.b", "zz", "a.f.", "out.", "zz.b.f.")
	draw := func(label string) string {
		switch rapid.IntRange(0, 7).Draw(t, label) {
		case 0:
			return ""
		case 1, 2, 3:
			return "A 192.0.2.1"
		case 7:
			return "DNAME " + rapid.SampledFrom([]string{"b", "c", "a.c", "f.", "b.f.", "a.e."}).Draw(t, label+"d")
		}
		return "CNAME " + rapid.SampledFrom(targets).Draw(t, label+"t")
	}
	var a, b strings.Builder
	for _, z := range []string{"e", "f"} {
		for _, s := range []*strings.Builder{&a, &b} {
			s.WriteString("zone " + z + "\n@ NS out.\n")
		}
		for _, o := range owners {
			x := draw(z + o)
			y := x
			if rapid.IntRange(0, 3).Draw(t, z+o+"m") == 0 {
				y = draw(z + o + "2")
			}
			for r, s := range map[*strings.Builder]string{&a: x, &b: y} {
				if s != "" {
					r.WriteString(o + " " + s + "\n")
				}
			}
		}
	}
	return a.String(), b.String()
}

// TestInSteps: worlds that are served in turn are proved each by itself and
// with their neighbours.
func TestInSteps(t *testing.T) {
	const zone = "zone tinh.vn\n@ NS ns.ngoai.\n"
	old, new := world(t, "old", zone+"www CNAME cong\ncong A 192.0.2.1\n"), world(t, "new", zone+"www CNAME cong2\ncong2 A 192.0.2.1\ncong CNAME cong2\n")
	more, kept := world(t, "step1", zone+"www CNAME cong\ncong A 192.0.2.1\ncong2 A 192.0.2.1\n"), world(t, "step2", zone+"www CNAME cong2\ncong2 A 192.0.2.1\ncong A 192.0.2.1\n")
	lost := world(t, "lost", zone+"cong A 192.0.2.1\ncong2 A 192.0.2.1\n")
	for _, c := range []struct {
		name  string
		steps []zones.World
		id    string // "" is nothing that blocks
		says  string
	}{
		{"at once", nil, "T-MIX", "not switched yet gets nothing"},
		{"what is new first", []zones.World{more}, "", ""},
		{"in three", []zones.World{more, kept}, "", ""},
		{"a step that adds nothing", []zones.World{old}, "T-MIX", "between step 1 and step 2 of 2"},
		{"a step that switches at once", []zones.World{kept}, "T-MIX", "between step 0 and step 1 of 2"},
		{"a step that loses a name", []zones.World{more, lost, kept}, "C-LOST", "after step 2 of 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Prove(Input{Before: old, After: new, Steps: c.steps}, Options{Mixture: true})
			if c.id == "" {
				if len(r.Faults) > 0 {
					t.Error(r.Faults[0].Finding)
				}
				return
			}
			if !slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.ID == c.id && strings.Contains(f.Found, c.says) }) || r.Preserved() {
				dump(t, r)
				t.Errorf("no %s %q", c.id, c.says)
			}
			if r := Prove(Input{Before: old, After: new, Steps: c.steps}, Options{}); len(r.Faults) > 0 {
				t.Error("without the mixture:", ids(r))
			}
		})
	}
}
