package proof

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// seededTable are bugs put into a copy of the checker: the tests of this
// package must catch each. bug takes the place of the first good.
var seededTable = []struct{ name, file, good, bug string }{
	{"a wildcard below an empty name answers", "cursor.go", "\tcase miss:\n\t\treturn t.star(c.node)", "\tcase miss:\n\t\tif t.nodes[c.node].parent >= 0 && t.star(c.node) < 0 {\n\t\t\treturn t.star(t.nodes[c.node].parent)\n\t\t}\n\t\treturn t.star(c.node)"},
	{"an empty name does not exist", "tree.go", "t.grow(node{label: labels[k], parent: stack[k], zone: id, link: -1, flags: exists})", "t.grow(node{label: labels[k], parent: stack[k], zone: id, link: -1, flags: exists * uint8(min(1, len(labels)-1-k^1&1)&1)})"},
	{"a cut is no cut", "cursor.go", "case t.nodes[n].flags&cut != 0:\n\t\t\tc.state = under", "case t.nodes[n].flags&cut != 0 && next < 0:\n\t\t\tc.state = under"},
	{"a wildcard's delegation answers", "answer.go", "case s.t.nodes[s.src].flags&cut != 0:\n\t\treturn referral", "case s.t.nodes[s.src].flags&cut != 0 && s.t.nodes[s.src].kids > 0:\n\t\treturn referral"},
	{"a label that nobody has is not asked for", "walk.go", "\tw.check(out, &q)\n\t// A DNAME's class", "\tif len(p.path) > 2 {\n\t\treturn\n\t}\n\tw.check(out, &q)\n\t// A DNAME's class"},
	{"a circle has an end", "links.go", "end, last, hops = cursor{state: loop, node: -1, pos: -1}, zones.Name{}, 0", "end, last, hops = cursor{state: outside, node: -1, pos: -1}, zones.Name{}, 0"},
	{"glue is not compared", "compare.go", "if lost := glueLost(ot, o, nt, n); lost {", "if lost := glueLost(ot, o, nt, n); lost && false {"},
	{"one datum of two is enough", "compare.go", "\tif a.Len() != b.Len() {\n\t\treturn false\n\t}", "\tif a.Len() > b.Len() {\n\t\treturn false\n\t}"},
	{"DS is asked of the child", "answer.go", "if typ != zones.TypeDS {\n\t\treturn s\n\t}", "if typ != zones.TypeDS || true {\n\t\treturn s\n\t}"},
	{"NXDOMAIN and an empty answer alike hide a wildcard's capture", "claims.go", "case ok == nxdomain && synthesised(", "case ok == nodata && synthesised("},
	{"rules in the wrong order", "rules.go", "\tfor _, i := range list {\n\t\tif ts", "\tfor j := range list {\n\t\ti := list[len(list)-1-j]\n\t\tif ts"},
	{"an apex's NS are carried", "carry.go", "|| t == zones.TypeNS && n.flags&apex != 0 {", "{"},
	{"old wildcards claim nothing", "carry.go", "\t\tif c.own < 0 {\n\t\t\tcontinue\n\t\t}", "\t\tif c.own < 0 || c.start.state == miss {\n\t\t\tcontinue\n\t\t}"},
	{"a renamed host may have any address", "compare.go", "return nk == data && same(os, ns)", "return nk == data && os.Len() == ns.Len()"},
	{"an expired exception excuses", "rulings.go", "if !r.expired[i] {", "if true {"},
	{"only the old records make mixtures", "mixture.go", "if !y.IsZero() {\n\t\t\tw.heldBy", "if false {\n\t\t\tw.heldBy"},
	{"circles of both worlds pass", "mixture.go", "\t\t\tif y == n {\n\t\t\t\treturn true", "\t\t\tif y == n && false {\n\t\t\t\treturn true"},
	{"an edit forgets who points there", "edit.go", "\t\tx.pointers(n, m.below, add)", "\t\t_ = n"},
	{"an edit of a wildcard touches itself alone", "edit.go", "\tif k.Owner.IsWildcard() {\n\t\tif e, ok", "\tif k.Owner.IsWildcard() && false {\n\t\tif e, ok"},
	{"the mixture of the last two steps is left out", "steps.go", "for i := 1; i < len(worlds); i++ {", "for i := 1; i < len(worlds)-1; i++ {"},
	{"a step need not answer", "steps.go", "\t\tif !last {\n\t\t\tw = &walker", "\t\tif false {\n\t\t\tw = &walker"},
	{"a TTL is data", "claims.go", "x.TTL() != y.TTL() || !same(*x, *y)", "!same(*x, *y)"},
	{"nothing lies below a wildcard's parent", "walk.go", "len(t.children(m)) == 0:", "len(t.children(m)) <= 1:"},
	{"a finger loses its place", "tree.go", "f.at = lo + i\n", "f.at = lo + i + 1\n"},
	{"an alias is blamed for its target", "claims.go", "if c, why, is := w.blameEnd(o, n, typ); is {", "if c, why, is := w.blameEnd(o, n, typ); is && false {"},
	{"a child zone is not the cause for imported names", "carry.go", "if a := w.newApex(o, n); a >= 0 {", "if a := w.newApex(o, n); a >= 0 && false {"},
	{"an exception's record is never gone", "total.go", "(n < 0 || !same(s, w.new.set(n, s.Type())))", "n < -1"},
	{"a decision excuses whatever comes", "settle.go", "if w.follows(out, p, d, o, n, typ, cs) {", "if w.follows(out, p, d, o, n, typ, cs) || true {"},
	{"an old name may answer as any other", "settle.go", "\tif w.mode(name) != mapping.Follow {\n\t\treturn false\n\t}", "\tif w.mode(name) == mapping.Follow {\n\t\treturn true\n\t}"},
	{"what is forgotten is remembered", "state.go", "\t\tj.sem.Delete(m.name)\n", "\t\t_ = m\n"},
	{"what lies below is remembered", "state.go", "\t\tif m.below {\n\t\t\tj.met", "\t\tif false {\n\t\t\tj.met"},
	{"an exchange may be an alias", "edges.go", "if ny.alias >= 0 && (x.Role == rdata.Host || x.Role == rdata.Exchange) {", "if false {"},
	{"too many errors hide what blocks", "tally.go", "\tif t.perID[b.id] >= t.limit {", "\tif len(t.faults) >= t.limit {"},
	{"no zone answers below a circle of DNAMEs", "links.go", "m >= 0 && len(seen) > 1 &&", "m >= 0 && len(seen) > 1000 &&"},
	{"a DNAME reaches into a zone that is nearer", "links.go", "c, from := t.nearest(labels)\n", "c, from := t.start(), 0\n"},
	{"two names before DNAMEs are enough", "cursor.go", "\t\tfor _, l := range more {\n\t\t\tto.lits", "\t\tfor _, l := range more {\n\t\t\tif len(to.lits) > 1 {\n\t\t\t\tbreak\n\t\t\t}\n\t\t\tto.lits"},
	{"a wildcard's DS at an apex is no capture", "claims.go", "synthesised(o.on(typ), n.on(typ)):", "synthesised(o, n):"},
	{"a name taken out still stands", "edit.go", "t.patch[p] = slices.Delete(ks, i, i+1)", "_ = i"},
}

// TestSeeded runs the tests over each seeded copy. It takes a minute or two:
// HOPNHAT_PROVE_BUGS=1 runs all, else it only holds that each bug still has
// its place.
func TestSeeded(t *testing.T) {
	all := os.Getenv("HOPNHAT_PROVE_BUGS") != ""
	if !all {
		t.Log("set HOPNHAT_PROVE_BUGS=1 to run the tests over each seeded copy")
	}
	for _, c := range seededTable {
		t.Run(c.name, func(t *testing.T) {
			text, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), c.good) {
				t.Fatalf("%s has no %q", c.file, c.good)
			}
			if !all {
				return
			}
			dir := t.TempDir()
			copied := filepath.Join(dir, c.file)
			if err := os.WriteFile(copied, []byte(strings.Replace(string(text), c.good, c.bug, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			here, err := filepath.Abs(c.file)
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {here: copied}})
			if err != nil {
				t.Fatal(err)
			}
			list := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("go", "test", "-vet=off", "-overlay", list, "-count=1", "-failfast", "-timeout=100s",
				"-run", "TestFaults|TestCarry|TestMixture|TestInSteps|TestSelf|TestIncremental|TestTwin|TestParentDS|TestMutants|TestOneCause|TestSpent|TestEditMeaning|TestEditAbove|TestStated|TestTotal|TestLimit|TestFoundByBrute", ".", "-rapid.nofailfile", "-rapid.shrinktime=1ms").CombinedOutput()
			switch {
			case strings.Contains(string(out), "[build failed]"):
				t.Fatalf("the bug does not build:\n%s", out)
			case err == nil:
				t.Errorf("no test caught it:\n%s", out)
			}
		})
	}
}
