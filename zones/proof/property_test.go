package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// genRecords draws the lines of one small zone.
func genRecords(t *rapid.T, label string) []string {
	label1 := rapid.SampledFrom([]string{"a", "b", "c", "*"})
	owner := func(l string) string {
		n := rapid.IntRange(0, 3).Draw(t, l+"n")
		if n == 0 {
			return "@"
		}
		var ls []string
		for range n {
			ls = append(ls, label1.Draw(t, l))
		}
		return strings.Join(ls, ".")
	}
	name := func(l string) string {
		switch rapid.IntRange(0, 9).Draw(t, l+"w") {
		case 0:
			return "out."
		case 1:
			return "a.f."
		case 2:
			return "c.e."
		case 3:
			return "e."
		}
		o := owner(l)
		if o == "@" {
			return "a"
		}
		return o
	}
	var out []string
	for i := range rapid.IntRange(0, 7).Draw(t, label+"len") {
		o := owner(fmt.Sprint(label, i, "o"))
		l := fmt.Sprint(label, i)
		switch rapid.IntRange(0, 11).Draw(t, l+"k") {
		case 0, 1, 2, 3:
			out = append(out, fmt.Sprintf("%s A 192.0.2.%d", o, rapid.IntRange(1, 2).Draw(t, l)))
		case 4:
			out = append(out, o+" TXT t")
		case 5, 6:
			out = append(out, o+" CNAME "+name(l))
		case 7, 8:
			out = append(out, o+" DNAME "+name(l))
		case 9, 10:
			if strings.HasPrefix(o, "*") {
				continue
			}
			out = append(out, o+" NS "+name(l))
		case 11:
			out = append(out, o+" DS 1 8 2 "+strings.Repeat("ab", 32))
		}
	}
	return out
}

// genZone makes lines fit to be a zone: CNAME and DNAME once, CNAME alone.
func fit(lines []string) string {
	one := map[string]bool{}
	var cnames []string
	for _, l := range lines {
		f := strings.Fields(l)
		if f[1] == "CNAME" {
			cnames = append(cnames, f[0])
		}
	}
	var out []string
	for _, l := range lines {
		f := strings.Fields(l)
		if f[0] == "@" && f[1] == "CNAME" {
			continue
		}
		if slices.Contains(cnames, f[0]) && f[1] != "CNAME" && f[0] != "@" {
			continue
		}
		if k := f[0] + f[1]; f[1] == "CNAME" || f[1] == "DNAME" {
			if one[k] {
				continue
			}
			one[k] = true
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n") + "\n"
}

// mutate changes lines a little.
func mutate(t *rapid.T, label string, lines []string) []string {
	out := slices.Clone(lines)
	for i := range rapid.IntRange(0, 2).Draw(t, label+"m") {
		l := fmt.Sprint(label, "m", i)
		more := genRecords(t, l)
		switch k := rapid.IntRange(0, 2).Draw(t, l); {
		case k == 0 && len(out) > 0:
			j := rapid.IntRange(0, len(out)-1).Draw(t, l+"at")
			out = slices.Delete(out, j, j+1)
		case len(more) > 0:
			out = append(out, more[0])
		}
	}
	return out
}

func genWorlds(t *rapid.T) (string, string) {
	e, f, c, b := genRecords(t, "e"), genRecords(t, "f"), genRecords(t, "c"), genRecords(t, "b")
	e2, f2, c2, b2 := mutate(t, "e", e), mutate(t, "f", f), mutate(t, "c", c), mutate(t, "b", b)
	put := func(l string, e, f, c, b []string) string {
		s := "zone e\n@ NS out.\n" + fit(e) + "zone f\n@ NS out.\n" + fit(f)
		if rapid.IntRange(0, 2).Draw(t, l+"c") == 0 {
			s += "zone c.e\n@ NS out.\n" + fit(c)
		}
		if rapid.IntRange(0, 4).Draw(t, l+"b") == 0 {
			s += "zone a.b.e\n@ NS out.\n" + fit(b)
		}
		return s
	}
	return put("1", e, f, c, b), put("2", e2, f2, c2, b2)
}

// everyName lists the names of up to depth labels over the alphabet.
func everyName(depth int) []zones.Name {
	level := []zones.Name{zones.Root()}
	out := level
	for d := range depth {
		var next []zones.Name
		for _, n := range level {
			for _, l := range []string{"a", "b", "c", "*", "zz", "e", "f"} {
				if top := l == "e" || l == "f"; top != (d == 0) {
					continue
				}
				m, _ := n.Child(l)
				next = append(next, m)
			}
		}
		out = append(out, next...)
		level = next
	}
	return out
}

var askedTypes = []zones.Type{zones.TypeA, zones.TypeTXT, zones.TypeNS, zones.TypeDS, zones.TypeLOC}

// TestTwin holds the proof's verdict and every witness against the twin.
func TestTwin(t *testing.T) {
	names := everyName(4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := genWorlds(t)
		old, new := world(t, "old", a), world(t, "new", b)
		r := Prove(Input{Before: old, After: new}, Options{Workers: 1})
		o, n := newTwin(old, zones.Internet), newTwin(new, zones.Internet)
		broken := ""
		for _, name := range names {
			for _, typ := range askedTypes {
				if x, y := o.ask(name, typ), n.ask(name, typ); breaks(x, y) {
					broken = fmt.Sprintf("%v %v: %v %q -> %v %q", name, typ, x.kind, x.data, y.kind, y.data)
				}
			}
		}
		if broken != "" && r.Preserved() {
			for _, f := range r.Faults {
				t.Logf("%v", f.Finding)
			}
			t.Fatalf("the twin: %s; the proof: preserved %v\nOLD\n%s\nNEW\n%s", broken, r.Preserved(), a, b)
		}
		for _, f := range r.Faults {
			x, y := o.ask(f.Witness.OldName, f.Witness.Type), n.ask(f.Witness.Name, f.Witness.Type)
			if stated[f.ID] {
				continue // about what a record says, not about an answer that differs
			}
			if f.Witness.Type == zones.TypeDS && f.ID == "C-CHANGED" { // a DS that came with a delegation that goes on
				x, y = o.ask(f.Witness.OldName, zones.TypeA), n.ask(f.Witness.Name, zones.TypeA)
			}
			if f.Severity == finding.Block && !breaks(x, y) || x.kind == y.kind && x.data == y.data && slices.Equal(x.glue, y.glue) {
				t.Fatalf("a witness that the twin does not confirm: %v: %v %q, %v %q\nOLD\n%s\nNEW\n%s", f.Finding, x.kind, x.data, y.kind, y.data, a, b)
			}
		}
	})
}

// stated are the ids about what NEW states, whether or not an answer differs.
var stated = map[string]bool{
	"X-DANGLE": true, "X-MX-CNAME": true, "X-TAKEOVER": true, "X-LEN": true, "N-WILD-INNER": true, "N-STAR-LIT": true, "N-WILD-NS": true,
	"N-CNAME-OTHER": true, "M-PRIVATE": true, "M-ALIAS": true, "D-CYCLE": true, "D-SELF": true, "D-GLUE": true, "T-MIX": true,
}
