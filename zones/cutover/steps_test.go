package cutover

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// genWorlds draws two worlds of few names, half of the second as the first.
func genWorlds(t *rapid.T) (before, after zones.World) {
	var ws [2]zones.World
	type spec struct {
		typ  zones.Type
		data string
	}
	draw := func(label, origin string) spec {
		targets := []string{"a", "b", "c.a", "*.b", "x"}
		to := zones.MustName(rapid.SampledFrom(targets).Draw(t, label+" to") + "." + origin)
		if rapid.IntRange(0, 5).Draw(t, label+" out") == 0 {
			to = zones.MustName("x.out")
		}
		switch rapid.IntRange(0, 9).Draw(t, label) {
		case 0, 1:
			return spec{}
		case 2, 3, 4:
			return spec{zones.TypeA, string([]byte{192, 0, 2, byte(rapid.IntRange(1, 2).Draw(t, label+" a"))})}
		case 5, 6, 7:
			return spec{zones.TypeCNAME, to.Wire()}
		case 8:
			return spec{zones.TypeMX, "\x00\x0a" + to.Wire()}
		}
		return spec{zones.TypeNS, zones.MustName("ns.out").Wire()}
	}
	for i, origin := range []string{"e", "f"} {
		var bs [2]*zones.Builder
		for k := range bs {
			o := zones.MustName(origin)
			bs[k] = zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
			bs[k].Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: 60, Data: zones.SOA{MName: o, RName: o, Serial: zones.Serial(1 + k)}.Data()})
			bs[k].Add(zones.Record{Owner: o, Type: zones.TypeNS, TTL: 60, Data: zones.MustName("ns.out").Wire()})
		}
		for _, owner := range []string{"a", "b", "c.a", "*.b", "d.c.a", "x.b"} {
			x := draw(origin+owner, origin)
			y := x
			if rapid.IntRange(0, 2).Draw(t, owner+" changes") == 0 {
				y = draw(origin+owner+" new", origin)
			}
			for k, s := range []spec{x, y} {
				if s.typ != 0 {
					bs[k].Add(zones.Record{Owner: zones.MustName(owner + "." + origin), Type: s.typ, TTL: 60, Data: s.data})
				}
			}
		}
		for k := range ws {
			if i == 1 && rapid.IntRange(0, 5).Draw(t, fmt.Sprint("zone", k)) == 0 {
				continue
			}
			z, err := bs[k].Freeze()
			if err != nil {
				t.Fatalf("%v", err)
			}
			ws[k] = ws[k].With(z)
		}
	}
	// Half of the time hosts move: a new name gets the data, the old one and
	// what points at it follow.
	if rapid.Bool().Draw(t, "moves") {
		ws[1] = moved(t, ws[0])
	}
	return ws[0], ws[1]
}

// moved renames some of the names that have addresses.
func moved(t *rapid.T, w zones.World) zones.World {
	to := map[string]string{}
	for z := range w.All() {
		for n := range z.Owners() {
			if _, ok := z.Lookup(n, zones.TypeA); ok && !n.IsWildcard() && rapid.Bool().Draw(t, n.Text()+" moves") {
				up, _ := n.Parent()
				y, err := up.Child("new")
				if err != nil {
					t.Fatalf("%v", err)
				}
				to[n.Wire()] = y.Wire()
			}
		}
	}
	var out zones.World
	for z := range w.All() {
		b := zones.NewBuilder(z.ID())
		for r := range z.Records() {
			y, moves := to[r.Owner.Wire()]
			switch {
			case moves:
				b.Add(zones.Record{Owner: r.Owner, Type: zones.TypeCNAME, TTL: 60, Data: y})
				r.Owner, _, _ = zones.NameFromWire([]byte(y))
			case r.Type == zones.TypeCNAME && to[r.Data] != "":
				r.Data = to[r.Data]
			case r.Type == zones.TypeMX && to[r.Data[2:]] != "":
				r.Data = r.Data[:2] + to[r.Data[2:]]
			}
			b.Add(r)
		}
		x, err := b.Freeze()
		if err != nil {
			t.Fatalf("%v", err)
		}
		out = out.With(x)
	}
	return out
}

func dump(w zones.World) string {
	var b strings.Builder
	for z := range w.All() {
		for r := range z.Records() {
			fmt.Fprintf(&b, "%v %v %q\n", r.Owner, r.Type, r.Data)
		}
	}
	return b.String()
}

// holds tells whether a world has every record of another, but SOA.
func holds(w, of zones.World) string {
	for z := range of.All() {
		in := w.Zone(z.ID())
		if in == nil {
			return z.Origin().Text()
		}
		for r := range z.Records() {
			if s, ok := in.Lookup(r.Owner, r.Type); r.Type != zones.TypeSOA && (!ok || !s.Has(r.Data)) {
				return fmt.Sprint(r.Owner, " ", r.Type)
			}
		}
	}
	return ""
}

// TestSteps: STEP-ADD, STEP-KEEP, and what the steps are for. Where the world
// after loses nothing and one step would do, three do; where one step would
// break a mixture, three nearly always do not (what is left needs more steps:
// the proof tells).
func TestSteps(t *testing.T) {
	direct, mended, broken, lost := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		before, after := genWorlds(t)
		steps, err := Steps(before, after)
		if err != nil {
			t.Fatalf("%v", err)
		}
		text := func() string {
			return fmt.Sprintf("BEFORE\n%s\nSTEP 1\n%s\nSTEP 2\n%s\nAFTER\n%s", dump(before), dump(steps[0]), dump(steps[1]), dump(after))
		}
		if n := holds(steps[0], before); n != "" {
			t.Fatalf("STEP-ADD: %s\n%s", n, text())
		}
		if n := holds(steps[1], after); n != "" {
			t.Fatalf("STEP-KEEP: %s\n%s", n, text())
		}
		in := proof.Input{Before: before, After: after}
		if r := proof.Prove(in, proof.Options{Workers: 1}); !r.Preserved() {
			lost++
			return
		}
		one := proof.Prove(in, proof.Options{Workers: 1, Mixture: true})
		in.Steps = steps
		three := proof.Prove(in, proof.Options{Workers: 1, Mixture: true})
		switch {
		case one.Preserved() && three.Preserved():
			direct++
		case one.Preserved():
			for _, f := range three.Faults {
				if f.Severity == finding.Block {
					t.Errorf("%v\n%v", f.Finding, f.Dig)
				}
			}
			t.Fatalf("%s", text())
		case three.Preserved():
			mended++
		default:
			broken++
		}
	})
	t.Logf("%d lost, %d whole in one step, %d in three, %d in neither", lost, direct, mended, broken)
	if lost == 0 || direct == 0 || mended < 9*broken {
		t.Error("too few of a kind")
	}
}

// TestStepsOfSame: a world against itself has no steps of its own.
func TestStepsOfSame(t *testing.T) {
	w, _ := genWorlds2(t)
	steps, err := Steps(w, w)
	if err != nil || !slices.ContainsFunc(steps, func(s zones.World) bool { return s.Digest() == w.Digest() }) || steps[0].Digest() != steps[1].Digest() {
		t.Error(err, steps)
	}
}

func genWorlds2(t *testing.T) (a, b zones.World) {
	pair := rapid.Custom(func(t *rapid.T) [2]zones.World { a, b := genWorlds(t); return [2]zones.World{a, b} }).Example(1)
	return pair[0], pair[1]
}
