package merge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

var asked = []zones.Type{zones.TypeA, zones.TypeAAAA, zones.TypeTXT, zones.TypeMX}

// below lists a zone's names over {a, b, *, fresh} to a depth.
func below(apex string, depth int) []zones.Name {
	out := []zones.Name{zones.MustName(apex)}
	if depth > 0 {
		for _, l := range []string{"a", "b", "*", "fresh"} {
			out = append(out, below(l+"."+apex, depth-1)...)
		}
	}
	return out
}

// direct is an answer without TTLs; data tells whether it is more than "no",
// also at the end of a chain: there a plain addition is no interference.
func direct(r *oracle.Resolver, q zones.Name, t zones.Type) (s string, data bool) {
	a := r.Resolve(q, t)
	var b strings.Builder
	fmt.Fprintf(&b, "rcode %d aa %v\n", a.Rcode, a.AA)
	for _, sets := range [][]zones.RRset{a.Answer, a.Authority} {
		for _, s := range sets {
			if s.Type() == zones.TypeSOA {
				return b.String(), false
			}
			data = true
			for i := range s.Len() {
				fmt.Fprintf(&b, "%v %v %s\n", s.Owner(), s.Type(), rdata.Text(s.Type(), s.Data(i)))
			}
		}
	}
	return b.String(), data
}

// terminal follows CNAMEs from zone to zone and says where they end, with the
// data there but for names in them.
func terminal(w zones.World, r *oracle.Resolver, q zones.Name, t zones.Type, only ...zones.ID) (s string, data bool) {
	for range 12 {
		if z := w.Nearest(view, q); z != nil && len(only) > 0 && !slices.Contains(only, z.ID()) {
			return "by way of a target", false
		}
		if w.Nearest(view, q) == nil {
			return "outside: " + q.String(), true
		}
		a := r.Resolve(q, t)
		if len(a.Answer) == 0 {
			if len(a.Authority) > 0 && a.Authority[0].Type() == zones.TypeNS {
				return "referral " + a.Authority[0].Owner().String(), true
			}
			return "no", false
		}
		last := a.Answer[len(a.Answer)-1]
		if last.Type() != zones.TypeCNAME || t == zones.TypeCNAME {
			if last.Type() == zones.TypeDNAME {
				return "yx", false
			}
			for i := range last.Len() {
				d := rdata.Text(t, last.Data(i))
				if strings.Contains(d, "spf1") || t == zones.TypeMX {
					d = "names"
				}
				s += d + " "
			}
			return s, true
		}
		to, _, _ := zones.NameFromWire([]byte(last.Data(0)))
		if z := w.Nearest(view, to); z != nil && z == w.Nearest(view, q) {
			if len(a.Authority) > 0 && a.Authority[0].Type() == zones.TypeNS {
				return "referral " + a.Authority[0].Owner().String(), true
			}
			return "no", false // followed in its zone and ended there, or a loop
		}
		q = to
	}
	return "loop", false
}

// settle decides every open question for one side.
func settle(in Input, take mapping.Take) *Plan {
	for round := range 6 {
		if round == 3 {
			take = mapping.Target // what the first choice cannot settle
		}
		p, _ := Make(in)
		if p.Open() == 0 {
			return p
		}
		for _, c := range p.Conflicts() {
			if c.Settled {
				continue
			}
			same := func(d mapping.Decision) bool { return d.Name == c.Name && d.Type == c.Type }
			if c.Decision != nil { // it was not enough
				same = func(d mapping.Decision) bool { return d.At == c.Decision.At }
			}
			ds := slices.Clone(in.Mapping.Decisions)
			i := slices.IndexFunc(ds, same)
			if i < 0 {
				i = len(ds)
				ds = append(ds, mapping.Decision{Name: c.Name, Type: c.Type, Note: mapping.Note{By: "p", Why: "asked", At: zones.Place{File: "d", Line: i + 1}}})
			}
			ds[i].Take = take
			in.Mapping.Decisions = ds
		}
	}
	return nil
}

// Where every question is decided for the target, nothing that answered
// before may answer otherwise after: not in the targets (non-interference,
// with open questions too), not under an old name (continuity), and each
// record that stands at a new name answers there as it did at the old one
// (carry-over). The resolver is the naive one; it knows nothing of the merger.
func TestSemantics(t *testing.T) { rapid.Check(t, semantics) }

func semantics(t *rapid.T) {
	d := drawing{t, false, rapid.Bool().Draw(t, "wild")}
	in := d.input()
	p, _ := Make(in)
	interference(t, p)
	take := rapid.SampledFrom([]mapping.Take{mapping.Target, mapping.Target, mapping.Source}).Draw(t, "take")
	if p = settle(in, take); p == nil {
		t.Fatal("the questions have no end")
	}
	if take == mapping.Target {
		interference(t, p)
	}
	before, after := oracle.New(p.Before(), view), oracle.New(p.After(), view)
	var only []zones.ID // where a target's name is taken, what leads there is named by the decision
	if take == mapping.Source {
		only = []zones.ID{id("s"), id("c.s"), id("o")}
	}
	for _, q := range below("s", 3) {
		for _, ty := range asked {
			was, data := terminal(p.Before(), before, q, ty, only...)
			if is, _ := terminal(p.After(), after, q, ty); data && was != is {
				t.Fatalf("continuity: %v %v\nwas %s\nis  %s\n%s", q, ty, was, is, printAll(p, nil))
			}
		}
	}
	type set struct {
		old setKey
		at  zones.Name
	}
	key := func(e Entry) set {
		return set{setKey{e.Zone, zones.Key{Owner: e.Record.Owner, Type: e.Record.Type}}, e.New.Owner}
	}
	lost := map[set]bool{} // an RRset of which a part does not stand
	for _, e := range p.Ledger().Entries() {
		lost[key(e)] = lost[key(e)] || !e.Stands()
		if e.Stands() {
			was, _ := p.Before().Zone(e.Zone).Lookup(e.Record.Owner, e.Record.Type)
			is, _ := p.After().Zone(e.Target).Lookup(e.New.Owner, e.New.Type)
			lost[key(e)] = lost[key(e)] || was.Len() != is.Len() // the target's RRset, which has this record too
		}
	}
	for _, e := range p.Ledger().Entries() {
		if lost[key(e)] || !slices.Contains(append(asked, zones.TypeCNAME), e.Record.Type) {
			continue
		}
		types := []zones.Type{e.Record.Type}
		if e.Record.Type == zones.TypeCNAME {
			types = asked
		}
		for _, ty := range types {
			was, data := terminal(p.Before(), before, e.Record.Owner, ty, only...)
			is, _ := terminal(p.After(), after, e.New.Owner, ty)
			if strings.HasPrefix(was, "referral ") && strings.HasPrefix(is, "referral ") {
				continue // the delegation itself has a new name
			}
			if data && was != is {
				t.Fatalf("carry-over: %v -> %v %v\nwas %s\nis  %s\n%s", e.Record.Owner, e.New.Owner, ty, was, is, printAll(p, nil))
			}
		}
	}
}

func interference(t *rapid.T, p *Plan) {
	before, after := oracle.New(p.Before(), view), oracle.New(p.After(), view)
	for _, zone := range []string{"t", "x"} {
		if p.Before().Zone(id(zone)) == nil {
			continue
		}
		for _, q := range below(zone, 3) {
			for _, ty := range append(asked, zones.TypeNS, zones.TypeDNAME) {
				was, data := direct(before, q, ty)
				if is, _ := direct(after, q, ty); data && was != is {
					t.Fatalf("non-interference: %v %v\nwas %sis  %s%s", q, ty, was, is, printAll(p, nil))
				}
			}
		}
	}
}
