package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// TestComposed: what two steps keep, both together keep.
func TestComposed(t *testing.T) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		draw := func(ls []zline, label string) []zline {
			op := rapid.SampledFrom(operators).Draw(t, label)
			m := op.make(ls, rapid.IntRange(0, len(ls)-1).Draw(t, label+" at"))
			if m == nil {
				return ls
			}
			return m
		}
		a := linesOf(whole1)
		b := draw(a, "first")
		c := draw(b, "second")
		var ws [3]zones.World
		for i, ls := range [][]zline{a, b, c} {
			w, ok := worldText("nguon.vn", ls)
			if !ok {
				return
			}
			ws[i] = w
		}
		prove := func(x, y zones.World) Report { return Prove(Input{Before: x, After: y}, Options{Workers: 1}) }
		if len(prove(ws[0], ws[1]).Faults)+len(prove(ws[1], ws[2]).Faults) > 0 {
			return
		}
		held++
		if r := prove(ws[0], ws[2]); !r.Preserved() {
			t.Fatalf("%v\n%v\n%v\n%v", r.Faults[0].Finding, a, b, c)
		}
	})
	if held == 0 {
		t.Error("no two steps were clean")
	}
}

// TestMirrored: the answers that are the same one way are the same the other
// way, and what is lost one way is a plain addition the other way, or a fault
// of its own.
func TestMirrored(t *testing.T) {
	lines := linesOf(whole1)
	old, _ := worldText("nguon.vn", lines)
	n := 0
	for _, op := range operators {
		for i := range lines {
			m := op.make(lines, i)
			if m == nil {
				continue
			}
			new, ok := worldText("nguon.vn", m)
			if !ok {
				continue
			}
			r, q := Prove(Input{Before: old, After: new}, Options{Workers: 1}), Prove(Input{Before: new, After: old}, Options{Workers: 1})
			glue := slices.Contains(ids(r), "D-GLUE") || slices.Contains(ids(q), "D-GLUE") // to come is no fault
			if r.Counts.Classes != q.Counts.Classes || !glue && (r.Counts.Levels[L0] != q.Counts.Levels[L0] || r.Counts.Levels[L1] != q.Counts.Levels[L1]) {
				t.Errorf("%s at %v: %+v, and the other way %+v", op.name, lines[i], r.Counts, q.Counts)
			}
			if op.name == "drop the zone" && lines[i].zone == "" {
				if len(q.Faults) > 0 || q.Counts.Added > 0 { // nobody had claimed it
					t.Errorf("%s at %v: a zone that came: %v", op.name, lines[i], ids(q))
				}
				continue
			}
			if slices.Contains(ids(r), "C-LOST") && q.Counts.Added == 0 && len(q.Faults) == 0 {
				t.Errorf("%s at %v: lost one way, and nothing the other way", op.name, lines[i])
			}
			n++
		}
	}
	if n < 200 {
		t.Errorf("%d mutants only", n)
	}
}

// TestShuffled: a report does not depend on the order of records or zones.
func TestShuffled(t *testing.T) {
	a, b := flat(linesOf(whole1)), flat(linesOf(strings.ReplaceAll(whole1, "mail A 192.0.2.25\n", "")))
	child := zoneText("con.nguon.vn", []zline{{owner: "@", typ: "NS", data: "ns.ngoai.vn."}})
	report := func(x, y []zline, swap bool) Report {
		w, err := zones.NewWorld(zoneText("nguon.vn", y), child)
		if swap {
			w, err = zones.NewWorld(child, zoneText("nguon.vn", y))
		}
		if err != nil {
			t.Fatal(err)
		}
		return Prove(Input{Before: zones.World{}.With(zoneText("nguon.vn", x)), After: w}, Options{Mixture: true})
	}
	want := report(a, b, false)
	rapid.Check(t, func(t *rapid.T) {
		got := report(rapid.Permutation(a).Draw(t, "old"), rapid.Permutation(b).Draw(t, "new"), rapid.Bool().Draw(t, "zones"))
		if !slices.Equal(ids(got), ids(want)) || got.Counts.Levels != want.Counts.Levels || got.Counts.Classes != want.Counts.Classes {
			t.Fatalf("%v %+v, want %v %+v", ids(got), got.Counts, ids(want), want.Counts)
		}
		for i, f := range got.Faults {
			if w := want.Faults[i].Witness; f.Witness != w {
				t.Fatalf("%v, want %v", f.Witness, w)
			}
		}
	})
}

// TestOneCause: what aliases and imported names lose by one record or zone is
// one finding, there.
func TestOneCause(t *testing.T) {
	lines := slices.DeleteFunc(linesOf(whole1), func(l zline) bool { return l.zone != "" })
	carried := flat(lines)
	ns := zline{owner: "@", typ: "NS", data: "ns.ngoai.vn."}
	rule := mapping.Mapping{Rules: []mapping.Rule{ruleTo("nguon.vn", "dich.vn")}}
	nguon := zoneText("nguon.vn", lines)
	follow := func(l zline) zline { // an old name's alias that leads to the new name
		if l.typ == "CNAME" && !strings.HasSuffix(l.data, ".") {
			l.data += ".dich.vn."
		}
		return l
	}
	var old []zline
	for _, l := range lines {
		old = append(old, follow(l))
	}
	before := zones.World{}.With(nguon).With(zoneText("dich.vn", []zline{ns}))
	for _, c := range []struct {
		name  string
		lines []zline
		more  *zones.Zone
		want  []string
	}{
		{"as it should be", carried, nil, nil},
		{"the host of three aliases", slices.DeleteFunc(slices.Clone(carried), func(l zline) bool { return l.owner == "cong" }), nil, []string{"C-LOST nguon.vn cong.dich.vn"}},
		{"a child zone", carried, zoneText("so.dich.vn", []zline{ns}), []string{"N-CHILD-ZONE so.dich.vn"}},
	} {
		after := zones.World{}.With(zoneText("nguon.vn", old)).With(zoneText("dich.vn", append([]zline{ns}, c.lines...)))
		if c.more != nil {
			after = after.With(c.more)
		}
		r := Prove(Input{Before: before, After: after, Mapping: rule}, Options{})
		var got []string
		for _, f := range r.Faults {
			if f.Severity == finding.Block {
				got = append(got, strings.TrimSuffix(fmt.Sprint(f.ID, " ", f.At.File, " ", f.Witness.Name.Text()), " "))
			}
		}
		if len(got) != len(c.want) || len(c.want) > 0 && !strings.HasPrefix(got[0], c.want[0]) {
			dump(t, r)
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSpent: an exception for an alias that led nowhere excuses no answer, and
// is not useless all the same once the alias is gone.
func TestSpent(t *testing.T) {
	const base = "zone tinh.vn\n@ NS ns.ngoai.\n"
	m := mapping.Mapping{Exceptions: []mapping.Exception{{Name: zones.MustName("sai.tinh.vn")}}}
	old := world(t, "old", base+"sai CNAME khong.tinh.vn.tinh.vn.\n")
	for text, want := range map[string]int{base: 0, base + "sai CNAME khong.tinh.vn.tinh.vn.\n": 1} {
		r := Prove(Input{Before: old, After: world(t, "new", text), Mapping: m}, Options{})
		n := 0
		for _, f := range r.Faults {
			if f.ID == "M-RULE" {
				n++
			}
		}
		if n != want {
			t.Errorf("%d times M-RULE, want %d: %v", n, want, ids(r))
		}
	}
}

// TestLimit: however many errors there are, none hides what blocks; and what is
// beyond the limit is counted, however the walk is split.
func TestLimit(t *testing.T) {
	old, text := world(t, "old", "zone e\n@ NS out.\nzz A 192.0.2.1\n"), "zone e\n@ NS out.\n"
	for i := range 9 {
		text += fmt.Sprintf("x.y%d A 192.0.2.1\n", i) // an empty name each
	}
	after := world(t, "new", text)
	for split := range 4 {
		r := Prove(Input{Before: old, After: after}, Options{Limit: 2, Workers: 1, split: split})
		if got := ids(r); r.Preserved() || !slices.Equal(got, []string{"C-LOST", "C-RCODE", "C-RCODE"}) || r.Counts.More["C-RCODE"] != 7 {
			t.Errorf("split %d: %v, preserved %v, beyond the limit %v", split, got, r.Preserved(), r.Counts.More)
		}
	}
}
