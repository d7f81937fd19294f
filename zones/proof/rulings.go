package proof

import (
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// rulings are what people decided and declared, for one view.
type rulings struct {
	decisions  map[zones.Name][]mapping.Decision
	exceptions map[zones.Name][]int // of list
	list       []mapping.Exception
	expired    []bool
	declared   map[zones.Key]bool
	reserved   map[zones.Name]mapping.Reserved
}

func newRulings(in Input, v zones.View, now time.Time) *rulings {
	r := &rulings{
		decisions: map[zones.Name][]mapping.Decision{}, exceptions: map[zones.Name][]int{},
		declared: map[zones.Key]bool{}, reserved: map[zones.Name]mapping.Reserved{},
		list: in.Mapping.Exceptions, expired: make([]bool, len(in.Mapping.Exceptions)),
	}
	for _, d := range in.Mapping.Decisions {
		if (d.View == "" || d.View == v) && (d.Take != mapping.Open || !d.SourceBecomes.IsZero() || !d.TargetBecomes.IsZero()) {
			r.decisions[d.Name] = append(r.decisions[d.Name], d)
		}
	}
	for i, e := range in.Mapping.Exceptions {
		if e.View != "" && e.View != v {
			continue
		}
		r.expired[i] = !now.IsZero() && !e.Expires.IsZero() && e.Expires.Before(now)
		if !r.expired[i] {
			r.exceptions[e.Name] = append(r.exceptions[e.Name], i)
		}
	}
	for _, k := range in.Declared {
		r.declared[k] = true
	}
	for _, x := range in.Mapping.Reserved {
		r.reserved[x.Name] = x
	}
	return r
}

// holder is the reservation that a name falls under, or nil.
func (r *rulings) holder(n zones.Name) *mapping.Reserved {
	for ok := true; ok; n, ok = n.Parent() {
		if x, is := r.reserved[n]; is {
			return &x
		}
	}
	return nil
}

// holds tells whether a decision at the place gives the label to a holder.
func (r *rulings) holds(w *walker, p *place, holder string) bool {
	return slices.ContainsFunc(r.decisions[w.nameAt(p)], func(d mapping.Decision) bool { return d.Holder == holder })
}

// pick is the decision of a name for a type, or nil.
func (r *rulings) pick(n zones.Name, typ zones.Type) *mapping.Decision {
	ds := r.decisions[n]
	for i := range ds {
		if ds[i].Type == 0 || ds[i].Type == typ {
			return &ds[i]
		}
	}
	return nil
}

// decision is the decision that settles what meets at p, or nil: at the name
// itself, or at the wildcard, delegation or DNAME by which a side answers.
func (r *rulings) decision(w *walker, p *place, typ zones.Type, o, n *stand, c *claim) *mapping.Decision {
	if len(r.decisions) == 0 {
		return nil
	}
	if d := r.pick(w.nameAt(p), typ); d != nil {
		return d
	}
	for _, s := range []*stand{o, n} {
		if s == nil {
			continue
		}
		if m := s.owner(p.path); m >= 0 {
			if d := r.pick(s.t.name(m), typ); d != nil {
				return d
			}
		}
	}
	if c != nil && c.own >= 0 {
		if own, err := w.old.name(c.own).Rebase(c.base.from, c.base.to); err == nil {
			return r.pick(own, typ)
		}
	}
	return nil
}

// owner is the node whose record answers first; -1 where none does.
func (s *stand) owner(path []string) int32 {
	switch {
	case s.start.moved:
		return s.t.dnameOn(path)
	case s.start.state == under:
		return s.start.node
	case s.alias >= 0:
		return s.alias
	}
	return s.t.source(s.start)
}

// excused tells whether a difference is declared: an exception for the name,
// or for the wildcard, delegation, DNAME or gone zone behind it; or an edit
// that names the record.
func (r *rulings) excused(out *tally, w *walker, p *place, typ zones.Type, o, n *stand, old zones.Name) bool {
	if len(r.exceptions) == 0 && len(r.declared) == 0 {
		return false
	}
	path := p.path
	if old.IsZero() {
		old = w.nameAt(p)
	} else {
		path = labelsDown(old, nil)
	}
	names := []zones.Name{old}
	if m := o.owner(path); m >= 0 {
		names = append(names, o.t.name(m))
	}
	if c, gone := w.goneZone(o); gone {
		names = append(names, w.old.name(c.node))
	}
	for _, x := range names {
		for _, i := range r.exceptions[x] {
			if e := &r.list[i]; e.Type == 0 || e.Type == typ {
				out.used[i] = true
				out.levels[L4]++
				return true
			}
		}
	}
	if len(r.declared) == 0 {
		return false
	}
	if m := n.owner(p.path); m >= 0 {
		names = append(names, n.t.name(m))
	}
	for _, x := range names {
		if r.declared[zones.Key{Owner: x, Type: typ}] || r.declared[zones.Key{Owner: x, Type: zones.TypeCNAME}] ||
			r.declared[zones.Key{Owner: x, Type: zones.TypeDNAME}] || r.declared[zones.Key{Owner: x, Type: zones.TypeNS}] {
			out.levels[L4]++
			return true
		}
	}
	return false
}
