package merge

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/ipam"
)

// Take is what becomes of one side of an overlap.
type Take uint8

// The ways out. The zero value is invalid.
const (
	Keep     Take = 1 + iota // it stands; the other side must go another way
	Renumber                 // it gets the next free block of its size in a pool
	Isolate                  // it moves to a space of its own
	Return                   // it is given back
)

var takes = [...]string{"", "keep", "renumber", "isolate", "return"}

// String is the word of the consolidation file.
func (t Take) String() string { return takes[min(t, Return)] }

// ParseTake reads the word of the consolidation file.
func ParseTake(text string) (Take, error) {
	if i := slices.Index(takes[1:], text); i >= 0 {
		return Take(i + 1), nil
	}
	return 0, fmt.Errorf("%q is no way out of an overlap: write keep, renumber, isolate or return", text)
}

// Decision says what becomes of a block of one plan.
type Decision struct {
	Plan  string
	Place ipam.Place
	Take  Take
	Pool  ipam.Block // Renumber: where the new block is looked for
	Space ipam.Space // Isolate: where to
	By    string
	Why   string
	At    ipam.Origin
}

// Moved is a block that takes other addresses or another space.
type Moved struct {
	Plan     string
	From, To ipam.Place
}

// Result is one book's worth of allocations; or what is open.
type Result struct {
	Allocations []ipam.Allocation // by place; nil with anything open
	Moved       []Moved           // by plan and place
	Returned    []Side
	Open        []Overlap // that no decision settles
	Faults      []Fault   // decisions that cannot be carried out
}

// Fault is a decision that cannot be carried out.
type Fault struct {
	At    ipam.Origin // of the decision
	Found string      // what is wrong, without a full stop
	Mend  string      // what to do, without a full stop
}

// Error is "place: found: mend".
func (f Fault) Error() string {
	s := f.Found + ": " + f.Mend
	if !f.At.IsZero() {
		s = f.At.String() + ": " + s
	}
	return s
}

// Apply carries decisions out and tells what they leave open (APPLY-WHOLE).
// What is kept is placed first; then what is isolated, then what is renumbered,
// in the order of the decisions, so that equal input gives equal books.
func Apply(decisions []Decision, plans ...Plan) Result {
	var a applying
	for _, p := range plans {
		for _, r := range p.Rows {
			a.sides = append(a.sides, Side{p.Name, r})
		}
	}
	slices.SortStableFunc(a.sides, compareSides)
	a.gone = make([]bool, len(a.sides))
	for _, t := range []Take{Keep, Return, Isolate, Renumber} {
		for _, d := range decisions {
			if d.Take == t {
				a.decide(d)
			}
		}
	}
	rest := map[string]*Plan{}
	var names []string
	for i, s := range a.sides {
		if a.gone[i] {
			continue
		}
		if rest[s.Plan] == nil {
			rest[s.Plan] = &Plan{Name: s.Plan}
			names = append(names, s.Plan)
		}
		rest[s.Plan].Rows = append(rest[s.Plan].Rows, s.Row)
	}
	var left []Plan
	for _, n := range names {
		left = append(left, *rest[n])
	}
	out := Result{Moved: a.moved, Returned: a.returned, Open: Overlaps(left...), Faults: a.faults}
	if len(out.Open)+len(out.Faults) > 0 {
		return out
	}
	for _, p := range left {
		for _, r := range p.Rows {
			out.Allocations = append(out.Allocations, r.Allocation)
		}
	}
	slices.SortFunc(out.Allocations, func(x, y ipam.Allocation) int { return x.Place.Compare(y.Place) })
	return out
}

// applying is Apply under way.
type applying struct {
	sides    []Side
	gone     []bool
	moved    []Moved
	returned []Side
	faults   []Fault
}

func (a *applying) fail(d Decision, mend, format string, args ...any) {
	a.faults = append(a.faults, Fault{d.At, fmt.Sprintf(format, args...), mend})
}

// decide carries one decision out.
func (a *applying) decide(d Decision) {
	at := slices.IndexFunc(a.sides, func(s Side) bool { return s.Plan == d.Plan && s.Place == d.Place })
	if at < 0 {
		a.fail(d, "name a block as the plan has it", "%s has no %v", d.Plan, d.Place)
		return
	}
	to := d.Place
	switch d.Take {
	case Keep:
		return
	case Return:
		a.each(d, func(i int) {
			a.gone[i] = true
			a.returned = append(a.returned, a.sides[i])
		})
		return
	case Isolate:
		if !d.Space.IsValid() || d.Space == d.Place.Space {
			a.fail(d, "name another space", "%v of %s goes to the space %q", d.Place, d.Plan, d.Space)
			return
		}
		to.Space = d.Space
	case Renumber:
		if _, ok := d.Place.Block.Prefix(); !ok {
			a.fail(d, "renumber its prefixes one by one", "%v of %s is a range and no prefix", d.Place, d.Plan)
			return
		}
		b, ok := a.room(d)
		if !ok {
			a.fail(d, "give a larger pool", "%v of %s finds no room in %v", d.Place, d.Plan, d.Pool)
			return
		}
		to.Block = b
	default:
		a.fail(d, "write keep, renumber, isolate or return", "no way out is named for %v of %s", d.Place, d.Plan)
		return
	}
	a.each(d, func(i int) {
		s := &a.sides[i]
		from := s.Place
		b, ok := from.Block.Shift(d.Place.Block, to.Block)
		if !ok {
			a.fail(d, "decide about it by itself", "%v of %s cannot follow %v", from, d.Plan, d.Place)
			return
		}
		s.Place = ipam.Place{Space: to.Space, Block: b}
		a.moved = append(a.moved, Moved{d.Plan, from, s.Place})
	})
}

// room is the next free block for one that is renumbered: of its pool, outside
// its own place too, since the old addresses are left to the other side
// (ROOM-FREE).
func (a *applying) room(d Decision) (ipam.Block, bool) {
	p, ok := d.Place.Block.Prefix()
	if !ok || !d.Pool.IsValid() || d.Pool.Is4() != d.Place.Block.Is4() {
		return ipam.Block{}, false
	}
	var used []ipam.Block
	for i, s := range a.sides {
		if !a.gone[i] && s.Space == d.Place.Space && s.Block.Overlaps(d.Pool) && !s.Block.Contains(d.Pool) {
			used = append(used, s.Block)
		}
	}
	found, ok := ipam.FirstFit(d.Pool, used, p.Bits())
	b := ipam.BlockOf(found)
	if ok && b == d.Pool {
		for i, s := range a.sides {
			if !a.gone[i] && s.Space == d.Place.Space && s.Block == b {
				return ipam.Block{}, false // the pool is held itself
			}
		}
	}
	return b, ok
}

// each visits a decision's block and what its plan has inside it (MOVE-ALONG).
func (a *applying) each(d Decision, visit func(i int)) {
	for i, s := range a.sides {
		if !a.gone[i] && s.Plan == d.Plan && s.Space == d.Place.Space && d.Place.Block.Contains(s.Block) {
			visit(i)
		}
	}
}
