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
	keys := Questions(w, v)
	r := oracle.New(w, v)
	es := make([]Expectation, len(keys))
	for i, k := range keys {
		es[i] = Expectation{k.Owner, k.Type, r.Resolve(k.Owner, k.Type)}
	}
	return es
}

// Questions lists what Expect asks, without the answers.
func Questions(w zones.World, v zones.View) []zones.Key {
	var keys []zones.Key
	ask := func(n zones.Name, t zones.Type) { keys = append(keys, zones.Key{Owner: n, Type: t}) }
	for z := range w.In(v) {
		below := func(n zones.Name, t zones.Type) {
			if f, ok := freshBelow(n, z); ok {
				ask(f, t)
			}
		}
		below(z.Origin(), zones.TypeA)
		for n, sets := range z.Names() {
			for up, ok := n.Parent(); ok && up.Below(z.Origin()) && len(z.At(up)) == 0; up, ok = up.Parent() {
				ask(up, zones.TypeA) // an empty non-terminal
			}
			for _, s := range sets {
				ask(n, s.Type())
				switch s.Type() {
				case zones.TypeCNAME:
					ask(n, zones.TypeA) // the chain, not the alias alone
				case zones.TypeDNAME:
					below(n, zones.TypeA)
				}
			}
			if !n.IsWildcard() {
				continue
			}
			up, _ := n.Parent()
			for _, s := range sets {
				below(up, s.Type())
				if s.Type() == zones.TypeCNAME {
					below(up, zones.TypeA)
				}
			}
		}
	}
	slices.SortFunc(keys, zones.Key.Compare)
	return slices.Compact(keys)
}

// freshBelow returns a name right below n that owns nothing; false when no
// name fits there.
func freshBelow(n zones.Name, z *zones.Zone) (zones.Name, bool) {
	for i := 0; ; i++ {
		label := fresh
		if i > 0 {
			label += strconv.Itoa(i)
		}
		f, err := n.Child(label)
		if err != nil {
			return zones.Name{}, false
		}
		if len(z.At(f)) == 0 {
			return f, true
		}
	}
}
