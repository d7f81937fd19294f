package merge

import (
	"cmp"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/ipam"
)

// Row is one line of an address plan, with the place where it is written.
type Row struct {
	ipam.Allocation
	At       ipam.Origin
	Revision uint64 // of the book that the row was exported from, 0 for one written by hand
}

// Plan is what one organisation keeps, under a name such as "gialai".
type Plan struct {
	Name     string
	Rows     []Row
	Released []Row // that say that their block was given back; nothing is held there
}

// Kind says how two blocks overlap.
type Kind uint8

// The kinds. The zero value is invalid.
const (
	Same     Kind = 1 + iota // one block, two holders
	Nested                   // a block within one of a holder that does not contain its own
	Crossing                 // each has addresses that the other lacks
	TwoHosts                 // one address, two hosts
)

// String is the word that people read.
func (k Kind) String() string {
	return [...]string{"invalid", "the same block", "nested", "crossing", "one address"}[min(k, TwoHosts)]
}

// Side is a row of a plan.
type Side struct {
	Plan string
	Row
}

// Overlap is a pair of rows that cannot stand together. The first side is that
// of the block that comes first (ipam.Block.Compare), then of the plan's name.
type Overlap struct {
	Kind  Kind
	Space ipam.Space
	Sides [2]Side
}

// Names are the names that point at either side, sorted.
func (o Overlap) Names() []string {
	names := slices.Concat(o.Sides[0].Names, o.Sides[1].Names)
	slices.Sort(names)
	return slices.Compact(names)
}

// String is "space: kind: block (holder, plan, place) and block (…)".
func (o Overlap) String() string {
	side := func(s Side) string {
		text := s.Block.String() + " (" + cmp.Or(s.Holder.String(), "no holder") + ", " + s.Plan
		if !s.At.IsZero() {
			text += ", " + s.At.String()
		}
		return text + ")"
	}
	return fmt.Sprintf("%s: %v: %s and %s", o.Space, o.Kind, side(o.Sides[0]), side(o.Sides[1]))
}

// Overlaps finds what plans claim twice (OVERLAP-ALL, OVERLAP-ONCE), by space
// and block. The work grows with the rows and how deep they nest.
func Overlaps(plans ...Plan) []Overlap {
	var all []Side
	for _, p := range plans {
		for _, r := range p.Rows {
			if r.Place.IsValid() {
				all = append(all, Side{p.Name, r})
			}
		}
	}
	slices.SortStableFunc(all, compareSides)
	var out []Overlap
	var open []Side // those that a later block may still overlap
	for i, s := range all {
		if i > 0 && all[i-1].Space != s.Space {
			open = open[:0]
		}
		open = slices.DeleteFunc(open, func(o Side) bool {
			return o.Block.Is4() != s.Block.Is4() || o.Block.Last().Less(s.Block.First())
		})
		for _, o := range open {
			if k := kind(o, s); k != 0 {
				out = append(out, Overlap{k, s.Space, [2]Side{o, s}})
			}
		}
		open = append(open, s)
	}
	return out
}

// compareSides orders by place, plan, where it is written, and holder.
func compareSides(a, b Side) int {
	return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.Plan, b.Plan), cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Sheet, b.At.Sheet),
		cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Cell, b.At.Cell), cmp.Compare(a.Holder.String(), b.Holder.String()))
}

// kind tells how two sides overlap, a first; 0 is not at all.
func kind(a, b Side) Kind {
	switch {
	case !a.Block.Overlaps(b.Block):
		return 0
	case a.Block.Crosses(b.Block):
		return Crossing
	case a.Block == b.Block && a.Block.IsAddr():
		return TwoHosts
	case a.Block == b.Block:
		return Same
	case a.Plan == b.Plan && (a.Holder.Code.IsZero() || b.Holder.Code.IsZero()), above(a.Holder, b.Holder):
		return 0 // a network and what is drawn inside it; names alone do not tell who is above whom
	}
	return Nested
}

// above tells whether a holder's blocks may hold blocks of another.
func above(outer, inner ipam.Holder) bool {
	if !outer.Code.IsZero() && !inner.Code.IsZero() {
		return outer.Code.Contains(inner.Code)
	}
	return outer == inner && !outer.IsZero()
}
