package merge

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/ipam"
)

func block(t interface{ Fatalf(string, ...any) }, text string) ipam.Block {
	b, err := ipam.ParseBlock(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return b
}

// row is "BLOCK CODE [NAME]", in the space tslcd unless it says SPACE:BLOCK.
func row(t *testing.T, line int, text string) Row {
	t.Helper()
	f := strings.Fields(text)
	space, b, ok := strings.Cut(f[0], "@")
	if !ok {
		space, b = "tslcd", f[0]
	}
	r := Row{At: ipam.Origin{File: "p.csv", Line: line}}
	r.Place = ipam.Place{Space: ipam.Space(space), Block: block(t, b)}
	r.Status = ipam.Active
	if len(f) > 1 && f[1] != "-" {
		c, err := ipam.ParseCode(f[1])
		if err != nil {
			t.Fatal(err)
		}
		r.Holder.Code = c
	}
	if len(f) > 2 {
		r.Names = f[2:]
	}
	return r
}

func plan(t *testing.T, name string, rows ...string) Plan {
	t.Helper()
	p := Plan{Name: name}
	for i, text := range rows {
		p.Rows = append(p.Rows, row(t, i+1, text))
	}
	return p
}

// TestOverlaps: what two provinces claim twice, and what they may.
func TestOverlaps(t *testing.T) {
	gialai := plan(t, "gialai", "10.1.0.0/16 H21", "10.1.2.0/24 H21.10", "10.9.0.10-10.9.0.20 H21", "10.8.0.1 H21.3 www.gialai.gov.vn", "10.7.0.0/24 H21", "v6@2001:db8::/32 H21", "video@10.1.0.0/16 H21.1")
	binhdinh := plan(t, "binhdinh", "10.1.2.0/24 H08", "10.9.0.15-10.9.0.30 H08", "10.8.0.1 H08 mail.binhdinh.gov.vn", "10.7.0.64/26 H08", "v6@2001:db8:8::/48 H08", "wan@10.1.0.0/16 H08")
	var got []string
	for _, o := range Overlaps(gialai, binhdinh) {
		got = append(got, fmt.Sprintf("%s %v %v %v %v", o.Space, o.Kind, o.Sides[0].Block, o.Sides[1].Block, o.Names()))
	}
	want := []string{
		"tslcd nested 10.1.0.0/16 10.1.2.0/24 []",
		"tslcd the same block 10.1.2.0/24 10.1.2.0/24 []",
		"tslcd nested 10.7.0.0/24 10.7.0.64/26 []",
		"tslcd one address 10.8.0.1 10.8.0.1 [mail.binhdinh.gov.vn www.gialai.gov.vn]",
		"tslcd crossing 10.9.0.10-10.9.0.20 10.9.0.15-10.9.0.30 []",
		"v6 nested 2001:db8::/32 2001:db8:8::/48 []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := Overlaps(gialai, binhdinh)[0].String(); s != "tslcd: nested: 10.1.0.0/16 (H21, gialai, p.csv:1) and 10.1.2.0/24 (H08, binhdinh, p.csv:1)" {
		t.Error(s)
	}
	if os := Overlaps(plan(t, "a", "10.0.0.0/8 -", "10.1.0.0/16 H21", "10.1.0.0/24 -")); len(os) != 0 {
		t.Error("a plan's own drawing:", os)
	}
}

// TestApply: each way out, and what stays open without one.
func TestApply(t *testing.T) {
	a := plan(t, "gialai", "10.1.0.0/16 H21", "10.1.2.0/24 H21.10", "10.5.0.0/24 H21")
	b := plan(t, "binhdinh", "10.1.0.0/16 H08", "10.1.3.0/24 H08.2", "10.1.3.7 H08.2.1")
	at := func(text string) ipam.Place { return ipam.Place{Space: "tslcd", Block: block(t, text)} }
	if r := Apply(nil, a, b); len(r.Open) == 0 || r.Allocations != nil {
		t.Errorf("undecided: %+v", r)
	}
	show := func(r Result) string {
		var out []string
		for _, x := range r.Allocations {
			out = append(out, x.Place.String()+" "+x.Holder.String())
		}
		return strings.Join(out, "\n")
	}
	r := Apply([]Decision{{Plan: "binhdinh", Place: at("10.1.0.0/16"), Take: Renumber, Pool: block(t, "10.0.0.0/8")}}, a, b)
	want := `10.0.0.0/16 in tslcd H08
10.0.3.0/24 in tslcd H08.2
10.0.3.7 in tslcd H08.2.1
10.1.0.0/16 in tslcd H21
10.1.2.0/24 in tslcd H21.10
10.5.0.0/24 in tslcd H21`
	if show(r) != want || len(r.Moved) != 3 || len(r.Open)+len(r.Faults) > 0 {
		t.Errorf("renumbered:\n%s\n%+v", show(r), r)
	}
	// A pool within a block that is held: what holds the pool is no obstacle.
	c := plan(t, "binhdinh", "10.5.0.0/24 H08")
	r = Apply([]Decision{{Plan: "gialai", Place: at("10.5.0.0/24"), Take: Renumber, Pool: block(t, "10.1.2.0/23")}}, a, c)
	if len(r.Moved) != 1 || r.Moved[0].To != at("10.1.3.0/24") || len(r.Open)+len(r.Faults) > 0 {
		t.Errorf("a pool that is held: %+v", r)
	}
	r = Apply([]Decision{{Plan: "gialai", Place: at("10.5.0.0/24"), Take: Renumber, Pool: block(t, "10.1.2.0/24")}}, a, c)
	if len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Error(), "finds no room in 10.1.2.0/24") {
		t.Errorf("a pool that somebody has whole: %+v", r)
	}
	r = Apply([]Decision{{Plan: "gialai", Place: at("10.1.0.0/16"), Take: Isolate, Space: "gialai-cu"}}, a, b)
	if !strings.Contains(show(r), "10.1.2.0/24 in gialai-cu H21.10") || len(r.Allocations) != 6 || len(r.Moved) != 2 {
		t.Errorf("isolated:\n%s\n%+v", show(r), r)
	}
	r = Apply([]Decision{{Plan: "gialai", Place: at("10.1.0.0/16"), Take: Return}}, a, b)
	if len(r.Allocations) != 4 || len(r.Returned) != 2 {
		t.Errorf("returned:\n%s\n%+v", show(r), r)
	}
	for _, c := range []struct {
		name string
		d    Decision
		says string
	}{
		{"no such block", Decision{Plan: "gialai", Place: at("10.77.0.0/16"), Take: Keep}, "gialai has no 10.77.0.0/16 in tslcd"},
		{"a pool without room", Decision{Plan: "binhdinh", Place: at("10.1.0.0/16"), Take: Renumber, Pool: block(t, "10.5.0.0/16")}, "finds no room in 10.5.0.0/16"},
		{"the same space", Decision{Plan: "binhdinh", Place: at("10.1.0.0/16"), Take: Isolate, Space: "tslcd"}, "name another space"},
		{"nothing", Decision{Plan: "binhdinh", Place: at("10.1.0.0/16")}, ""},
	} {
		r := Apply([]Decision{c.d}, a, b)
		if c.says == "" {
			if len(r.Open) == 0 {
				t.Errorf("%s: %+v", c.name, r)
			}
			continue
		}
		if len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Error(), c.says) || r.Allocations != nil {
			t.Errorf("%s: %v", c.name, r.Faults)
		}
	}
	for _, word := range []string{"keep", "renumber", "isolate", "return"} {
		if k, err := ParseTake(word); err != nil || k.String() != word {
			t.Error(word, k, err)
		}
	}
	if _, err := ParseTake("giữ"); err == nil {
		t.Error("a word that is none is read")
	}
}

// genPlans draws two plans in one /24, some of their blocks prefixes.
func genPlans(t *rapid.T) []Plan {
	base := netip.MustParseAddr("10.1.2.0").As4()
	addr := func(i int) netip.Addr { b := base; b[3] = byte(i); return netip.AddrFrom4(b) }
	codes := []string{"", "H21", "H21.1", "H08", "H08.2"}
	out := []Plan{{Name: "a"}, {Name: "b"}}
	for p := range out {
		for i := range rapid.IntRange(0, 6).Draw(t, "rows") {
			r := Row{At: ipam.Origin{File: out[p].Name, Line: i + 1}}
			lo := rapid.IntRange(0, 255).Draw(t, "lo")
			var err error
			if bits := rapid.IntRange(24, 34).Draw(t, "bits"); bits <= 32 {
				r.Place.Block = ipam.BlockOf(netip.PrefixFrom(addr(lo), bits))
			} else if r.Place.Block, err = ipam.NewBlock(addr(lo), addr(rapid.IntRange(lo, 255).Draw(t, "hi"))); err != nil {
				t.Fatalf("%v", err)
			}
			r.Place.Space = rapid.SampledFrom([]ipam.Space{"x", "y"}).Draw(t, "space")
			r.Status = ipam.Active
			r.Holder.Unit = rapid.SampledFrom([]string{"", "", "Sở Y tế", "Sở Nội vụ"}).Draw(t, "unit")
			if c := rapid.SampledFrom(codes).Draw(t, "code"); c != "" {
				if r.Holder.Code, err = ipam.ParseCode(c); err != nil {
					t.Fatalf("%v", err)
				}
			}
			out[p].Rows = append(out[p].Rows, r)
		}
	}
	return out
}

// addresses is a block as a set of numbers.
func addresses(b ipam.Block) (set [256]bool) {
	for a := b.First(); ; a = a.Next() {
		set[a.As4()[3]] = true
		if a == b.Last() {
			return set
		}
	}
}

// TestOverlapsTwin holds Overlaps against every pair, address by address.
func TestOverlapsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plans := genPlans(t)
		var sides []Side
		for _, p := range plans {
			for _, r := range p.Rows {
				sides = append(sides, Side{p.Name, r})
			}
		}
		want := map[string]int{}
		for i, a := range sides {
			for _, b := range sides[:i] {
				if a.Space != b.Space {
					continue
				}
				x, y := addresses(a.Block), addresses(b.Block)
				var both, onlyA, onlyB int
				for k := range x {
					switch {
					case x[k] && y[k]:
						both++
					case x[k]:
						onlyA++
					case y[k]:
						onlyB++
					}
				}
				word := ""
				outer, inner := a, b
				if onlyA == 0 {
					outer, inner = b, a
				}
				legit := outer.Plan == inner.Plan && (outer.Holder.Code.IsZero() || inner.Holder.Code.IsZero()) ||
					outer.Holder.Code.IsZero() && inner.Holder.Code.IsZero() && outer.Holder.Unit == inner.Holder.Unit && outer.Holder.Unit != "" ||
					!outer.Holder.Code.IsZero() && !inner.Holder.Code.IsZero() && strings.HasPrefix(inner.Holder.Code.String()+".", outer.Holder.Code.String()+".")
				switch {
				case both == 0:
				case onlyA > 0 && onlyB > 0:
					word = "crossing"
				case onlyA+onlyB == 0 && both == 1:
					word = "one address"
				case onlyA+onlyB == 0:
					word = "the same block"
				case !legit:
					word = "nested"
				}
				if word != "" {
					want[word+key(a, b)]++
				}
			}
		}
		got := map[string]int{}
		for _, o := range Overlaps(plans...) {
			got[o.Kind.String()+key(o.Sides[0], o.Sides[1])]++
		}
		if len(got) != len(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		for k, n := range want {
			if got[k] != n {
				t.Fatalf("%s: %d, want %d", k, got[k], n)
			}
		}
		again := []Plan{{Name: "b", Rows: slices.Clone(plans[1].Rows)}, {Name: "a", Rows: slices.Clone(plans[0].Rows)}}
		for i := range again {
			slices.Reverse(again[i].Rows)
		}
		if a, b := fmt.Sprint(Overlaps(plans...)), fmt.Sprint(Overlaps(again...)); a != b {
			t.Fatalf("another order: %s\n%s", a, b)
		}
	})
}

func key(a, b Side) string {
	x := []string{fmt.Sprint(a.Plan, a.At, a.Place), fmt.Sprint(b.Plan, b.At, b.Place)}
	slices.Sort(x)
	return " " + strings.Join(x, " | ")
}

// TestApplyLaws: whatever is decided, Apply gives every row that was not given
// back a place, and none that crosses another; or it says what is open.
func TestApplyLaws(t *testing.T) {
	done := 0
	rapid.Check(t, func(t *rapid.T) {
		plans := genPlans(t)
		var ds []Decision
		for _, o := range Overlaps(plans...) {
			s := o.Sides[rapid.IntRange(0, 1).Draw(t, "side")]
			d := Decision{Plan: s.Plan, Place: s.Place, Take: Take(rapid.IntRange(1, 4).Draw(t, "take")), Pool: block(t, "10.9.0.0/16"), Space: "z" + ipam.Space(s.Plan)}
			if !slices.ContainsFunc(ds, func(x Decision) bool { return x.Plan == d.Plan && x.Place == d.Place }) {
				ds = append(ds, d)
			}
		}
		r := Apply(ds, plans...)
		if fmt.Sprint(Apply(ds, plans...)) != fmt.Sprint(r) {
			t.Fatalf("not the same twice")
		}
		rows := len(plans[0].Rows) + len(plans[1].Rows)
		if len(r.Open)+len(r.Faults) > 0 {
			if r.Allocations != nil {
				t.Fatal("a book beside what is open")
			}
			return
		}
		if len(r.Allocations)+len(r.Returned) != rows {
			t.Fatalf("%d allocations and %d returned of %d", len(r.Allocations), len(r.Returned), rows)
		}
		for i, a := range r.Allocations {
			for _, b := range r.Allocations[:i] {
				if a.Space == b.Space && (a.Block.Crosses(b.Block) || a.Block == b.Block) {
					t.Fatalf("%v and %v", a.Place, b.Place)
				}
			}
		}
		for _, m := range r.Moved {
			if !m.From.Block.SameSize(m.To.Block) {
				t.Fatalf("%+v", m)
			}
		}
		if len(r.Moved) > 0 {
			done++
		}
	})
	if done == 0 {
		t.Error("nothing was moved in the whole run")
	}
}
