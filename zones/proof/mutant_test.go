package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// whole has every feature of a zone, a record a line: owner, type, data.
const whole1 = `@ NS ns1
@ A 192.0.2.1
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 192.0.2.53
mail A 192.0.2.25
mail AAAA 2001:db8::25
www CNAME cong
cong A 192.0.2.80
web CNAME www
a.b.sau A 192.0.2.7
*.so A 192.0.2.9
*.so MX 10 mail
*.ao CNAME cong
con NS ns.con
con DS 1 8 2 abababababababababababababababababababababababababababababababab
ns.con A 192.0.2.60
xa NS ns.ngoai.vn.
cu DNAME moi
moi A 192.0.2.11
trong.moi A 192.0.2.12
ngoai CNAME trang.ngoai.vn.
_sip._tcp SRV 1 1 5060 mail
bi-mat TXT x`

// feature is what a line shows.
func feature(owner, typ string) string {
	switch {
	case owner == "@":
		return "apex"
	case owner == "ns.con":
		return "glue"
	case owner == "a.b.sau":
		return "a name below empty names"
	case strings.HasPrefix(owner, "*") && typ == "CNAME":
		return "wildcard alias"
	case strings.HasPrefix(owner, "*"):
		return "wildcard"
	case typ == "CNAME" && owner == "web":
		return "chain"
	case typ == "CNAME":
		return "alias"
	case typ == "NS":
		return "delegation"
	case typ == "MX", typ == "SRV":
		return "pointer"
	}
	return typ
}

// line is one record of a zone's text.
type zline struct{ owner, typ, data string }

func (l zline) String() string { return l.owner + " " + l.typ + " " + l.data }

// target splits data that ends in a name.
func (l zline) target() (head, name string, ok bool) {
	switch l.typ {
	case "CNAME", "NS", "DNAME", "MX", "SRV":
		i := strings.LastIndex(l.data, " ") + 1
		return l.data[:i], l.data[i:], true
	}
	return "", "", false
}

func (l zline) to(name string) zline {
	head, _, _ := l.target()
	l.data = head + name
	return l
}

// operators make a mutant of a zone at one line; nil where they do not apply.
var operators = []struct {
	name string
	make func(ls []zline, i int) []zline
}{
	{"delete a record", func(ls []zline, i int) []zline { return slices.Delete(slices.Clone(ls), i, i+1) }},
	{"delete a name", func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(ls), func(l zline) bool { return l.owner == ls[i].owner })
	}},
	{"alter data", func(ls []zline, i int) []zline {
		l := ls[i]
		switch l.typ {
		case "A":
			l.data = "198.51.100.99"
		case "AAAA":
			l.data = "2001:db8::99"
		case "TXT":
			l.data = "khac"
		case "MX":
			l.data = strings.Replace(l.data, "10", "20", 1)
		case "SRV":
			l.data = strings.Replace(l.data, "5060", "5061", 1)
		case "DS":
			l.data = strings.Replace(l.data, "ab", "cd", 1)
		default:
			return nil
		}
		return put(ls, i, l)
	}},
	{"rename the owner", func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		l := ls[i]
		l.owner += "2"
		return put(ls, i, l)
	}},
	{"retarget inside", func(ls []zline, i int) []zline {
		if _, n, ok := ls[i].target(); !ok || n == "bi-mat" {
			return nil
		}
		return put(ls, i, ls[i].to("bi-mat"))
	}},
	{"retarget outside", func(ls []zline, i int) []zline {
		if _, _, ok := ls[i].target(); !ok {
			return nil
		}
		return put(ls, i, ls[i].to("x.ngoai.vn."))
	}},
	{"retarget to itself", func(ls []zline, i int) []zline {
		if ls[i].typ != "CNAME" || strings.HasPrefix(ls[i].owner, "*") {
			return nil
		}
		return put(ls, i, ls[i].to(ls[i].owner))
	}},
	{"leave off a dot", func(ls []zline, i int) []zline {
		_, n, ok := ls[i].target()
		if !ok || !strings.HasSuffix(n, ".") {
			return nil
		}
		return put(ls, i, ls[i].to(strings.TrimSuffix(n, ".")))
	}},
	{"add an address", func(ls []zline, i int) []zline {
		return append(slices.Clone(ls), zline{ls[i].owner, "A", "198.51.100.77"})
	}},
	{"make an empty name beside", func(ls []zline, i int) []zline {
		up := parentOf(ls[i].owner)
		return append(slices.Clone(ls), zline{"p.q" + up, "A", "198.51.100.7"})
	}},
	{"add a name below", func(ls []zline, i int) []zline {
		return append(slices.Clone(ls), zline{below("m", ls[i].owner), "A", "198.51.100.7"})
	}},
	{"add a wildcard beside", func(ls []zline, i int) []zline {
		return append(slices.Clone(ls), zline{"*" + parentOf(ls[i].owner), "A", "198.51.100.7"})
	}},
	{"add a wildcard below", func(ls []zline, i int) []zline {
		return append(slices.Clone(ls), zline{below("*", ls[i].owner), "A", "198.51.100.7"})
	}},
	{"delegate the name", func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return append(slices.Clone(ls), zline{ls[i].owner, "NS", "ns.ngoai.vn."})
	}},
	{"delegate the name above", func(ls []zline, i int) []zline {
		up := strings.TrimPrefix(parentOf(ls[i].owner), ".")
		if ls[i].owner == "@" || up == "" {
			return nil
		}
		return append(slices.Clone(ls), zline{up, "NS", "ns.ngoai.vn."})
	}},
	{"add a DNAME", func(ls []zline, i int) []zline {
		return append(slices.Clone(ls), zline{ls[i].owner, "DNAME", "ngoai.vn."})
	}},
	{"copy the apex's NS", func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return append(slices.Clone(ls), zline{ls[i].owner, "NS", "ns1"})
	}},
	{"alter the TTL", func(ls []zline, i int) []zline {
		l := ls[i]
		l.typ = "60 " + l.typ
		return put(ls, i, l)
	}},
	{"write in capitals", func(ls []zline, i int) []zline {
		l := ls[i]
		l.owner = strings.ToUpper(l.owner)
		if _, n, ok := l.target(); ok {
			l = l.to(strings.ToUpper(n))
		}
		return put(ls, i, l)
	}},
	{"say it twice", func(ls []zline, i int) []zline { return append(slices.Clone(ls), ls[i]) }},
	{"truncate", func(ls []zline, i int) []zline { return slices.Clone(ls[:max(1, i)]) }},
}

func put(ls []zline, i int, l zline) []zline {
	ls = slices.Clone(ls)
	ls[i] = l
	return ls
}

// parentOf is what stands behind an owner's first label, with its dot.
func parentOf(owner string) string {
	if _, up, ok := strings.Cut(owner, "."); ok {
		return "." + up
	}
	return ""
}

func below(label, owner string) string {
	if owner == "@" {
		return label
	}
	return label + "." + owner
}

func linesOf(text string) (out []zline) {
	for _, l := range strings.Split(text, "\n") {
		f := strings.SplitN(l, " ", 3)
		out = append(out, zline{f[0], f[1], f[2]})
	}
	return out
}

// zoneText loads lines as a zone; nil where no server would.
func zoneText(origin string, ls []zline) *zones.Zone {
	var b strings.Builder
	fmt.Fprintf(&b, "$TTL 3600\n@ SOA ns.%s. root 1 1800 900 604800 300\n", origin)
	for _, l := range ls {
		fmt.Fprintln(&b, l)
	}
	tree, fs := zonefile.Load(fstest.MapFS{origin: {Data: []byte(b.String())}}, origin, zonefile.Options{Origin: zones.MustName(origin)})
	if tree == nil || finding.Failed(fs) {
		return nil
	}
	z, fs := tree.Zone(zones.Internet)
	if finding.Failed(fs) {
		return nil
	}
	return z
}

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

// TestMutants: every operator at every line, in a zone that goes on and in the
// new names that a rule brings. Each mutant is told of, or no question shows
// it, or no server would load it.
func TestMutants(t *testing.T) {
	lines := linesOf(whole1)
	carried := slices.DeleteFunc(slices.Clone(lines), func(l zline) bool { return l.owner == "@" || l.typ == "DS" })
	ns := zline{"@", "NS", "ns.ngoai.vn."}
	own := []zline{ns, {"rieng", "A", "192.0.2.200"}, {"*.sao", "A", "192.0.2.201"}}
	world := func(zs ...*zones.Zone) zones.World {
		t.Helper()
		w, err := zones.NewWorld(zs...)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	nguon := zoneText("nguon.vn", lines)
	rule := mapping.Mapping{Rules: []mapping.Rule{{From: mapping.Pattern{Name: zones.MustName("nguon.vn"), Star: true}, To: []mapping.Pattern{{Name: zones.MustName("dich.vn"), Star: true}}}}}
	for _, c := range []struct {
		name  string
		lines []zline // that are mutated
		in    func(mutant []zline) (Input, bool)
		br    *bringer
	}{
		{"continuity", lines, func(m []zline) (Input, bool) {
			z := zoneText("nguon.vn", m)
			if z == nil {
				return Input{}, false
			}
			return Input{Before: world(nguon), After: world(z)}, true
		}, nil},
		{"carry-over", carried, func(m []zline) (Input, bool) {
			z := zoneText("dich.vn", append(slices.Clone(own), m...))
			if z == nil {
				return Input{}, false
			}
			return Input{Before: world(nguon, zoneText("dich.vn", own)), After: world(nguon, z), Mapping: rule}, true
		}, &bringer{from: zones.MustName("nguon.vn"), to: zones.MustName("dich.vn")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in, ok := c.in(c.lines)
			if !ok {
				t.Fatal("the base is no zone")
			}
			base := Prove(in, Options{Workers: 1})
			if !base.Preserved() {
				dump(t, base)
				t.Fatal("the base loses names")
			}
			features := map[string]bool{}
			for _, op := range operators {
				var dead, same, refused int
				for i, l := range c.lines {
					m := op.make(c.lines, i)
					if m == nil {
						continue
					}
					features[feature(l.owner, l.typ)] = true
					in, ok := c.in(m)
					if !ok {
						refused++
						continue
					}
					r := Prove(in, Options{Workers: 1})
					if killed(&r, &base) {
						dead++
						continue
					}
					if s := survivor(in, c.br); s != "" {
						t.Errorf("%s at %q (%s) is not told of: %s", op.name, l, feature(l.owner, l.typ), s)
					}
					same++
				}
				t.Logf("%-26s %3d told of, %3d the same to all who ask, %3d refused by servers", op.name, dead, same, refused)
				switch op.name {
				case "write in capitals", "say it twice":
					if dead > 0 || same == 0 {
						t.Errorf("%s: %d told of", op.name, dead)
					}
				case "alter the TTL":
					if c.br == nil && same > 2 { // glue, and what DNAMEs make, are not compared by TTL
						t.Errorf("%s: %d not told of", op.name, same)
					}
				case "leave off a dot":
					if dead == 0 {
						t.Errorf("%s: none told of", op.name)
					}
				default:
					if dead < 3 {
						t.Errorf("%s: only %d told of", op.name, dead)
					}
				}
			}
			t.Logf("features: %v", slices.Sorted(maps.Keys(features)))
			if len(features) < 11 {
				t.Errorf("%d features only", len(features))
			}
		})
	}
}

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
			z := zoneText("nguon.vn", ls)
			if z == nil {
				return
			}
			ws[i] = ws[i].With(z)
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
	old := zones.World{}.With(zoneText("nguon.vn", lines))
	n := 0
	for _, op := range operators {
		for i := range lines {
			m := op.make(lines, i)
			if m == nil {
				continue
			}
			z := zoneText("nguon.vn", m)
			if z == nil {
				continue
			}
			new := zones.World{}.With(z)
			r, q := Prove(Input{Before: old, After: new}, Options{Workers: 1}), Prove(Input{Before: new, After: old}, Options{Workers: 1})
			glue := slices.Contains(ids(r), "D-GLUE") || slices.Contains(ids(q), "D-GLUE") // to come is no fault
			if r.Counts.Classes != q.Counts.Classes || !glue && (r.Counts.Levels[L0] != q.Counts.Levels[L0] || r.Counts.Levels[L1] != q.Counts.Levels[L1]) {
				t.Errorf("%s at %v: %+v, and the other way %+v", op.name, lines[i], r.Counts, q.Counts)
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
	a, b := linesOf(whole1), linesOf(strings.ReplaceAll(whole1, "mail A 192.0.2.25\n", ""))
	child := zoneText("con.nguon.vn", []zline{{"@", "NS", "ns.ngoai.vn."}})
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
	lines := linesOf(whole1)
	carried := slices.DeleteFunc(slices.Clone(lines), func(l zline) bool { return l.owner == "@" || l.typ == "DS" })
	ns := zline{"@", "NS", "ns.ngoai.vn."}
	rule := mapping.Mapping{Rules: []mapping.Rule{{From: mapping.Pattern{Name: zones.MustName("nguon.vn"), Star: true}, To: []mapping.Pattern{{Name: zones.MustName("dich.vn"), Star: true}}}}}
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
