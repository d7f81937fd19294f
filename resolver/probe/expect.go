package probe

import (
	"slices"
	"strconv"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
)

// Expectation is one question and the answer that the world gives to it.
type Expectation struct {
	Name zones.Name
	Type zones.Type
	Want oracle.Answer
}

// fresh is the label that stands for every name that is not there. A zone
// that owns it gets the next one, fresh by number.
const fresh = "hopnhat-smoke"

// Expect lists what to ask of a server that serves one view of w, in
// canonical order (EXPECT-ALL).
func Expect(w zones.World, v zones.View) []Expectation {
	asked := map[zones.Key]bool{}
	ask := func(n zones.Name, t zones.Type) { asked[zones.Key{Owner: n, Type: t}] = true }
	for z := range w.In(v) {
		owned := map[zones.Name]bool{}
		for s := range z.All() {
			owned[s.Owner()] = true
			ask(s.Owner(), s.Type())
			if s.Type() == zones.TypeCNAME {
				ask(s.Owner(), zones.TypeA) // the chain, not the alias alone
			}
		}
		for n := range owned {
			for up, ok := n.Parent(); ok && up.Below(z.Origin()); up, ok = up.Parent() {
				if !owned[up] {
					ask(up, zones.TypeA) // an empty non-terminal
				}
			}
		}
		below := func(n zones.Name, t zones.Type) {
			if f, ok := freshBelow(n, owned); ok {
				ask(f, t)
			}
		}
		below(z.Origin(), zones.TypeA)
		for n := range owned {
			if _, ok := z.Lookup(n, zones.TypeDNAME); ok {
				below(n, zones.TypeA)
			}
			if !n.IsWildcard() {
				continue
			}
			up, _ := n.Parent()
			for _, s := range z.At(n) {
				below(up, s.Type())
				if s.Type() == zones.TypeCNAME {
					below(up, zones.TypeA)
				}
			}
		}
	}
	keys := make([]zones.Key, 0, len(asked))
	for k := range asked {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, zones.Key.Compare)
	r := oracle.New(w, v)
	es := make([]Expectation, len(keys))
	for i, k := range keys {
		es[i] = Expectation{k.Owner, k.Type, r.Resolve(k.Owner, k.Type)}
	}
	return es
}

// freshBelow returns a name right below n that is not owned; false when no
// name fits there.
func freshBelow(n zones.Name, owned map[zones.Name]bool) (zones.Name, bool) {
	for i := 0; ; i++ {
		label := fresh
		if i > 0 {
			label += strconv.Itoa(i)
		}
		f, err := n.Child(label)
		if err != nil {
			return zones.Name{}, false
		}
		if !owned[f] {
			return f, true
		}
	}
}
