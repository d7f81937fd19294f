package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// questions are names that can tell worlds apart: every name of both with its
// empty non-terminals, and below each a fresh one, two fresh ones, a literal
// asterisk and each label that stands anywhere.
func questions(ws ...zones.World) []zones.Name {
	seen := map[zones.Name]bool{}
	labels := map[string]bool{"x": true, "*": true}
	for _, w := range ws {
		for z := range w.All() {
			for o := range z.Owners() {
				labels[o.First()] = true
				for n, ok := o, true; ok && n.Within(z.Origin()); n, ok = n.Parent() {
					seen[n] = true
				}
			}
		}
	}
	out := slices.Collect(maps.Keys(seen))
	for n := range maps.Clone(seen) {
		for l := range labels {
			if c, err := n.Child(l); err == nil && !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
		if c, err := n.Child("x"); err == nil {
			if c, err = c.Child("x"); err == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// killed tells whether a proof says something that it did not say before.
func killed(r, base *Report) bool {
	known := map[string]bool{}
	key := func(f Fault) string {
		return fmt.Sprint(f.ID, f.Witness.Name, f.Witness.Type, f.Count, f.Witness.New)
	}
	for _, f := range base.Faults {
		known[key(f)] = true
	}
	return slices.ContainsFunc(r.Faults, func(f Fault) bool { return !known[key(f)] }) || r.Counts.Levels[L1] != base.Counts.Levels[L1]
}

// survivor asks both worlds everything; it returns an answer that a proof
// should have told of.
func survivor(in Input, br *bringer) string {
	o, n := newTwin(in.Before, zones.Internet), newTwin(in.After, zones.Internet)
	for _, q := range questions(in.Before, in.After) {
		for _, typ := range []zones.Type{zones.TypeA, zones.TypeAAAA, zones.TypeMX, zones.TypeTXT, zones.TypeSRV, zones.TypeNS, zones.TypeDS, zones.TypeLOC} {
			x, y := o.ask(q, typ), n.ask(q, typ)
			if breaks(x, y) && (br == nil || br.renamed(x.data) != br.renamed(y.data) && !claimed(*br, q, typ)) {
				return fmt.Sprintf("%v %v: %v %q -> %v %q", q, typ, x.kind, x.data, y.kind, y.data)
			}
			if br == nil {
				continue
			}
			p, err := q.Rebase(br.to, br.from)
			if err != nil || p == br.from {
				continue
			}
			br.old = o
			c, ok := br.want(p, typ)
			c.data = strings.ReplaceAll(c.data, br.from.Wire(), br.to.Wire()) // names inside data
			if ok && bringsNot(*br, c, y) {
				return fmt.Sprintf("%v %v -> %v: %v %q -> %v %q", p, typ, q, c.kind, c.data, y.kind, y.data)
			}
		}
	}
	return ""
}

// ruleTo carries everything below one name below another.
func ruleTo(from, to string) mapping.Rule {
	return mapping.Rule{From: mapping.Pattern{Name: zones.MustName(from), Star: true}, To: []mapping.Pattern{{Name: zones.MustName(to), Star: true}}}
}

// mutable is a world that mutants are made of, and the proof of each.
type mutable struct {
	name  string
	lines []zline
	in    func(mutant []zline) (Input, bool)
	br    *bringer
}

// mutables are a zone that goes on, and the new names that a rule brings.
func mutables(t fataler) []mutable {
	t.Helper()
	lines := linesOf(whole1)
	source, ok := worldText("nguon.vn", lines)
	own := []zline{{owner: "@", typ: "NS", data: "ns.ngoai.vn."}, {owner: "rieng", typ: "A", data: "192.0.2.200"}, {owner: "*.sao", typ: "A", data: "192.0.2.201"}}
	target := zoneText("dich.vn", own)
	if !ok || target == nil {
		t.Fatalf("the base is no world")
	}
	return []mutable{
		{"continuity", lines, func(m []zline) (Input, bool) {
			w, ok := worldText("nguon.vn", m)
			return Input{Before: source, After: w}, ok
		}, nil},
		{"carry-over", flat(lines), func(m []zline) (Input, bool) {
			m = slices.Clone(m)
			for _, l := range own {
				m = append(m, l)
				if !slices.ContainsFunc(m, func(l zline) bool { return l.zone == "" }) {
					return Input{}, false
				}
			}
			w, ok := worldText("dich.vn", m)
			for z := range source.All() {
				w = w.With(z)
			}
			return Input{Before: source.With(target), After: w, Mapping: mapping.Mapping{Rules: []mapping.Rule{ruleTo("nguon.vn", "dich.vn")}}}, ok
		}, &bringer{from: zones.MustName("nguon.vn"), to: zones.MustName("dich.vn")}},
	}
}

// TestMutants: every operator at every line of every feature. Each mutant is
// told of, or no question shows it, or no server would load it; and no operator
// leaves a feature out that it can do something with.
func TestMutants(t *testing.T) {
	for _, c := range mutables(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in, ok := c.in(c.lines)
			if !ok {
				t.Fatal("the base is no world")
			}
			base := Prove(in, Options{Workers: 1})
			if !base.Preserved() {
				dump(t, base)
				t.Fatal("the base loses names")
			}
			features := map[string]bool{}
			for _, l := range c.lines {
				features[l.feature()] = true
			}
			all := 0
			for _, op := range operators {
				var dead, same, refused int
				cells := map[string]int{}
				for i, l := range c.lines {
					m := op.make(c.lines, i)
					if m == nil {
						continue
					}
					in, ok := c.in(m)
					if !ok {
						refused++
						continue
					}
					cells[l.feature()]++
					all++
					r := Prove(in, Options{Workers: 1})
					if r.Preserved() { // what blocks must be told as such, whatever else is
						if s := survivor(in, c.br); s != "" {
							t.Errorf("%s at %q (%s) does not block: %s", op.name, l, l.feature(), s)
						}
					}
					if killed(&r, &base) {
						dead++
					} else {
						same++
					}
				}
				t.Logf("%-26s %3d told of, %3d the same to all who ask, %3d refused by servers", op.name, dead, same, refused)
				for f := range features {
					if empty, n := slices.Contains(op.not, f), cells[f]; empty == (n > 0) {
						t.Errorf("%s at %s: %d mutants; said to have nothing to do: %v", op.name, f, n, empty)
					}
				}
				switch op.name {
				case "write in capitals", "say it twice":
					if dead > 0 || same == 0 {
						t.Errorf("%s: %d told of", op.name, dead)
					}
				case "alter the TTL":
					if c.br == nil && same > 3 { // glue, what DNAMEs make, and what a served child hides, are not compared by TTL
						t.Errorf("%s: %d not told of", op.name, same)
					}
				default:
					if dead < 3 {
						t.Errorf("%s: only %d told of", op.name, dead)
					}
				}
			}
			t.Logf("%d mutants of %d operators at %d features: %v", all, len(operators), len(features), slices.Sorted(maps.Keys(features)))
		})
	}
}
