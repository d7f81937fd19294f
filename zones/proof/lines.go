package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// renames knows where the mapping sends names of one view.
type renames struct {
	rules []mapping.Rule
	moves map[zones.Name][]zones.Name // by decisions
}

func newRenames(m mapping.Mapping, v zones.View) *renames {
	r := &renames{moves: map[zones.Name][]zones.Name{}}
	for _, x := range m.Rules {
		if x.View == "" || x.View == v {
			r.rules = append(r.rules, x)
		}
	}
	for _, d := range m.Decisions {
		if d.View != "" && d.View != v {
			continue
		}
		for _, to := range []zones.Name{d.TargetBecomes, d.SourceBecomes} {
			if !to.IsZero() {
				r.moves[d.Name] = append(r.moves[d.Name], to)
			}
		}
	}
	return r
}

func (r *renames) empty() bool { return len(r.rules) == 0 && len(r.moves) == 0 }

// apply gives a rule's image of a name that its From covers, by one To.
func apply(r mapping.Rule, to mapping.Pattern, n zones.Name) (zones.Name, error) {
	if r.From.Star || r.Subtree {
		return n.Rebase(r.From.Name, to.Name)
	}
	return to.Name, nil
}

func covers(r mapping.Rule, n zones.Name) bool {
	return r.From.Match(n) || r.Subtree && n.Within(r.From.Name)
}

// images lists the names that a name's records may have gone to: by the rule
// for each type, and on from there by decisions.
func (r *renames) images(n zones.Name) []zones.Name {
	var out []zones.Name
	for _, x := range r.rules {
		if !covers(x, n) {
			continue
		}
		for _, to := range x.To {
			if y, err := apply(x, to, n); err == nil {
				out = append(out, y)
			}
		}
		if len(x.Types) == 0 {
			break
		}
	}
	for _, y := range append(out, n) {
		out = append(out, r.moved(y)...)
	}
	return out
}

// moved lists where decisions move what stands at a name: with the name
// itself, or with a delegation or DNAME above it.
func (r *renames) moved(n zones.Name) (out []zones.Name) {
	if len(r.moves) == 0 {
		return nil
	}
	for up, ok := n, true; ok; up, ok = up.Parent() {
		for _, to := range r.moves[up] {
			if y, err := n.Rebase(up, to); err == nil {
				out = append(out, y)
			}
		}
	}
	return out
}

// may tells whether y may stand for x.
func (r *renames) may(x, y zones.Name) bool {
	return x == y || slices.Contains(r.images(x), y)
}
