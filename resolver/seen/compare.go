package seen

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// CompareOptions say how a table is held against a world. The zero value is
// good where the views have the same names in both, or the logs name none.
type CompareOptions struct {
	// Views says which view of the world a view of the log stands for. One that
	// is not listed stands for the world's of the same name, or else for all.
	Views map[string]zones.View
	Spell int // names that are looked at for misspelling, those asked most first: 5000
}

// Asked is one name of a table, with all the types of one class together.
type Asked struct {
	Row                // of all Types together; its Type is 0
	Class Class        //
	Zone  zones.ID     // where it lies; zero if outside all zones
	Near  zones.Name   // see Class; of a Missing name the known one that it resembles
	Types []zones.Type // that were asked, sorted
}

// Gravity orders what the old server said, from what weighs most.
type Gravity uint8

// The gravities.
const (
	Held    Gravity = iota // it answered with records
	Stood                  // it answered NOERROR: the name was there
	Unknown                // the log has no answer, or only of other codes
	Denied                 // it answered NXDOMAIN, whenever it answered
)

// Gravity tells what the old server said.
func (a Asked) Gravity() Gravity {
	codes := map[int]int64{}
	for _, c := range a.Rcodes {
		codes[c.Code] = c.Count
	}
	switch {
	case a.Positive > 0:
		return Held
	case codes[rcodeNoError] > 0:
		return Stood
	case codes[rcodeNXDomain] > 0:
		return Denied
	}
	return Unknown
}

const (
	rcodeNoError  = 0
	rcodeNXDomain = 3
)

// Unasked is a name of the world that no row of the table asks for.
type Unasked struct {
	Zone  zones.ID
	Name  zones.Name
	Types []zones.Type
	From  zones.Provenance // of its first record
}

// Sum counts one class.
type Sum struct {
	Class   Class
	Names   int // a name of two views or classes counts twice
	Queries int64
}

// Comparison is what a table says about a world. It is immutable: its slices
// must not be changed.
type Comparison struct {
	Asked       []Asked   // by class, gravity, count (most first), key
	Unasked     []Unasked // by zone, name
	First, Last time.Time // of the table; zero if it tells no time
	Lost        Lost      // of the table
}

// Of returns the asked names of one class, in order.
func (c *Comparison) Of(class Class) []Asked {
	from, _ := slices.BinarySearchFunc(c.Asked, class, func(a Asked, c Class) int { return cmp.Compare(a.Class, c) })
	to, _ := slices.BinarySearchFunc(c.Asked, class+1, func(a Asked, c Class) int { return cmp.Compare(a.Class, c) })
	return c.Asked[from:to:to]
}

// Sums counts each class, also those of which there is nothing (SEEN-ALL).
func (c *Comparison) Sums() []Sum {
	out := make([]Sum, 0, Reverse+1)
	for class := Known; class <= Reverse; class++ {
		s := Sum{Class: class}
		for _, a := range c.Of(class) {
			s.Names, s.Queries = s.Names+1, plus(s.Queries, a.Count)
		}
		out = append(out, s)
	}
	return out
}

// groupKey is what rows must share to be one Asked.
type groupKey struct {
	name  zones.Name
	view  string
	class Class
	zone  zones.ID
	near  zones.Name
}

// Compare holds a table against a world. Each row of the table is in exactly
// one Asked (SEEN-ALL).
func Compare(t *Table, w zones.World, o CompareOptions) *Comparison {
	g := newGrounds(w)
	if o.Spell <= 0 {
		o.Spell = 5000
	}
	c := &Comparison{Lost: t.Lost()}
	groups := map[groupKey]*Asked{}
	for r := range t.Rows() {
		c.First, c.Last = earlier(c.First, r.First), later(c.Last, r.Last)
		k := g.group(r, g.viewsOf(r.View, o.Views))
		a := groups[k]
		typ := r.Type
		r.Type = 0
		if a == nil {
			groups[k] = &Asked{Row: r, Class: k.class, Zone: k.zone, Near: k.near, Types: []zones.Type{typ}}
			continue
		}
		a.Row = a.plus(r)
		a.Types = append(a.Types, typ) // rows come by type
	}
	for _, a := range groups {
		c.Asked = append(c.Asked, *a)
	}
	slices.SortFunc(c.Asked, Asked.compare)
	c.spell(g, o)
	c.Unasked = g.unasked(t, o)
	return c
}

func (a Asked) compare(b Asked) int {
	return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Gravity(), b.Gravity()), byCount(a.Row, b.Row),
		a.Near.Compare(b.Near), a.Zone.Compare(b.Zone))
}

// group tells the class of one row.
func (g *grounds) group(r Row, views []zones.View) groupKey {
	s := g.best(views, r.Name)
	k := groupKey{name: r.Name, view: r.View, class: s.class}
	if s.zone != nil {
		k.zone = s.zone.ID()
	}
	switch s.class {
	case Known, Wild:
		if s.lacks(r) && !g.heldElsewhere(views, r) {
			k.class = Missing
		} else if s.class == Wild {
			k.near = s.at
		}
	case Delegated:
		k.near = s.at
		fallthrough
	case Foreign, Reverse:
		if authoritative(r) { // the old server has a zone there that no source has
			k.class, k.near = Missing, zones.Name{}
		}
	}
	return k
}

// heldElsewhere tells whether another of the views holds what one lacks.
func (g *grounds) heldElsewhere(views []zones.View, r Row) bool {
	return slices.ContainsFunc(views, func(v zones.View) bool {
		s := g.stand(v, r.Name)
		return (s.class == Known || s.class == Wild) && !s.lacks(r)
	})
}

// authoritative tells whether the old server answered out of a zone of its own
// (RFC 1035 4.1.1, AA).
func authoritative(r Row) bool {
	return r.Answer != nil && r.Answer.AA && r.Answer.Rcode == rcodeNoError
}

// unasked lists the names that were not asked for, but for those that need no
// question: apexes, what lies below a cut, and what other records lead to.
func (g *grounds) unasked(t *Table, o CompareOptions) []Unasked {
	asked := map[zones.ID]struct{}{} // names, by view: no zones
	note := func(v zones.View, n zones.Name) { asked[zones.ID{Origin: n, View: v}] = struct{}{} }
	for r := range t.Rows() {
		for _, v := range g.viewsOf(r.View, o.Views) {
			note(v, r.Name)
			if s := g.stand(v, r.Name); s.class == Wild || s.class == Known {
				note(v, s.at) // the wildcard, the owner of a DNAME
			}
		}
	}
	for z := range g.world.All() {
		for r := range z.Records() {
			if r.Type == zones.TypePTR || r.Type == zones.TypeSOA {
				continue
			}
			names, _ := rdata.Names(r.Type, r.Data) // broken data leads nowhere
			for _, n := range names {
				note(z.View(), n.Name)
			}
		}
	}
	var out []Unasked
	for z := range g.world.All() {
		for n := range z.Owners() {
			_, ok := asked[zones.ID{Origin: n, View: z.View()}]
			s := g.stand(z.View(), n)
			if ok || n == z.Origin() || s.class != Known || s.zone != z || s.at != n {
				continue
			}
			sets := z.At(n)
			out = append(out, Unasked{z.ID(), n, each(sets, zones.RRset.Type), sets[0].From(0)})
		}
	}
	return out
}

// counted sums up how often each name was asked, whatever its type and view.
func (c *Comparison) counted() map[zones.Name]int64 {
	out := map[zones.Name]int64{}
	for _, a := range c.Asked {
		out[a.Name] = plus(out[a.Name], a.Count)
	}
	return out
}

// spell sets those apart that look misspelt.
func (c *Comparison) spell(g *grounds, o CompareOptions) {
	var idx []int
	for i, a := range c.Asked {
		if (a.Class == Missing || a.Class == Foreign) && a.Gravity() >= Unknown {
			idx = append(idx, i)
		}
	}
	slices.SortFunc(idx, func(i, j int) int { return byCount(c.Asked[i].Row, c.Asked[j].Row) })
	idx = idx[:min(len(idx), o.Spell)]
	if len(idx) == 0 {
		return
	}
	count, books := c.counted(), map[zones.View]*speller{}
	for _, i := range idx {
		a := &c.Asked[i]
		var best near
		for _, v := range g.viewsOf(a.View, o.Views) {
			if books[v] == nil {
				books[v] = newSpeller(slices.Collect(maps.Keys(g.spellable(v))))
			}
			best = best.or(books[v].nearest(a.Name, count))
		}
		if best.name.IsZero() {
			continue
		}
		// A name that is asked more than the one it resembles, and that nobody
		// denied, is hardly a slip.
		slip := a.Gravity() == Denied || a.Count <= count[best.name]
		switch {
		case slip:
			a.Class, a.Near = Misspelt, best.name
		case a.Class == Missing:
			a.Near = best.name
		}
	}
	slices.SortFunc(c.Asked, Asked.compare)
}

// spellable are the names of a view that a person may have meant.
func (g *grounds) spellable(v zones.View) map[zones.Name]struct{} {
	out := map[zones.Name]struct{}{}
	for z := range g.world.In(v) {
		if isReverse(z.Origin()) {
			continue
		}
		for n := range z.Owners() {
			if !n.IsWildcard() && g.stand(v, n).class == Known {
				out[n] = struct{}{}
			}
		}
	}
	return out
}
