package proof

import (
	"errors"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// total claims that each record of a source has a rule, and that the name
// which it gives is no longer than names are.
func (w *walker) total(out *tally) {
	if len(w.rules.rules) == 0 && w.rules.sources == nil {
		return
	}
	t := w.old
	hidden := make([]bool, len(t.nodes))
	for _, a := range t.above {
		hidden[a] = true // a zone's apex stands in front of it
	}
	var buf [128]string
	for i := range t.nodes {
		m := &t.nodes[i]
		if m.parent >= 0 && m.flags&apex == 0 {
			hidden[i] = hidden[i] || hidden[m.parent] || t.nodes[m.parent].flags&(cut|dname) != 0
		}
		if hidden[i] || len(m.sets) == 0 {
			continue
		}
		source := w.rules.sources != nil && w.rules.sources[t.zones[m.zone].Origin()]
		if w.rules.sources != nil && !source {
			continue
		}
		name := m.sets[0].Owner()
		list := w.rules.covering(w.rules.fromAt(name, false))
		if !source && len(list) == 0 {
			continue
		}
		path := labelsDown(name, buf[:0])
		for _, s := range m.sets {
			y := s.Type()
			if y == zones.TypeSOA || y == zones.TypeDS || y.IsDNSSEC() || y == zones.TypeNS && m.flags&apex != 0 {
				continue
			}
			x := w.rules.first(list, y)
			if x < 0 {
				if source {
					out.find(broken{cause: cause{id: "M-TOTAL", node: int32(i), typ: 0}, path: path, qtype: y, was: text(s), is: "no new name"})
				}
				continue
			}
			for _, to := range w.rules.rules[x].To {
				if _, err := apply(w.rules.rules[x], to, name); errors.Is(err, zones.ErrNameLong) {
					out.find(broken{cause: cause{id: "M-LEN", node: int32(i), typ: 0}, path: path, qtype: y, was: text(s), is: "no new name"})
				}
			}
		}
	}
}

// spent marks the exceptions whose record NEW has no longer, though no answer
// may hang on that: an alias that led nowhere.
func (w *walker) spent(used map[int]bool) {
	for i, e := range w.rulings.list {
		if used[i] || e.View != "" && e.View != w.old.view {
			continue
		}
		o := w.old.find(e.Name)
		if o < 0 {
			continue
		}
		n := w.new.find(e.Name)
		for _, s := range w.old.nodes[o].sets {
			if (e.Type == 0 || e.Type == s.Type()) && (n < 0 || !same(s, w.new.set(n, s.Type()))) {
				used[i] = true
			}
		}
	}
}

// exceptions tells of those that expired, and of those that excuse nothing.
func (r *Report) exceptions(in Input, o Options, used map[int]bool) {
	for i, e := range in.Mapping.Exceptions {
		id, why := "", ""
		switch {
		case !o.Now.IsZero() && !e.Expires.IsZero() && e.Expires.Before(o.Now):
			id, why = "M-EXPIRE", "the exception for "+e.Name.Text()+" expired on "+e.Expires.UTC().Format("2006-01-02")
		case !used[i]:
			id, why = "M-RULE", "the exception for "+e.Name.Text()+" excuses nothing: its name answers as before"
		default:
			continue
		}
		d := defined[id]
		f := Fault{View: e.View, Class: why, Witness: Witness{Name: e.Name, OldName: e.Name, Type: e.Type}}
		f.ID, f.Severity, f.Found, f.Mend, f.At, f.Count = id, d.severity, why, d.mend, e.At, 1
		r.Faults = append(r.Faults, f)
	}
}

// idle tells of rules that carry no name of OLD: a suffix misspelt would leave
// what it was to claim unproved. Of sources the merger tells.
func (r *Report) idle(in Input) {
	if len(in.Sources) > 0 {
		return
	}
	for _, x := range in.Mapping.Rules {
		if !x.Drop && !holds(in.Before, x.From.Name) {
			why := "the rule for " + x.From.String() + " carries nothing: no zone before has such a name"
			f := Fault{Class: why, Witness: Witness{Name: x.From.Name, OldName: x.From.Name}}
			f.ID, f.Severity, f.Found, f.Mend, f.At, f.Count = "M-RULE", defined["M-RULE"].severity, why, defined["M-RULE"].mend, x.At, 1
			r.Faults = append(r.Faults, f)
		}
	}
}

// holds tells whether a world has a name at or below another.
func holds(w zones.World, n zones.Name) bool {
	for z := range w.All() {
		if z.Origin().Within(n) {
			return true
		}
		if n.Within(z.Origin()) {
			if len(z.At(n)) > 0 {
				return true
			}
			for range z.Below(n) {
				return true
			}
		}
	}
	return false
}

// pointsAt lists the names that an RRset of a pointing type points at.
func pointsAt(s zones.RRset) (out []zones.Name) {
	for i := range s.Len() {
		names, err := rdata.Names(s.Type(), s.Data(i))
		if err != nil {
			continue
		}
		for _, x := range names {
			if !x.Name.IsRoot() && !slices.Contains(out, x.Name) {
				out = append(out, x.Name)
			}
		}
	}
	return out
}
