package merge

import (
	"errors"
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// place sends every RRset of every source on its way, or says why it stays.
func (m *merger) place() {
	for i := range m.srcs {
		m.placeSource(i)
	}
	for _, f := range m.flows {
		m.byOld[f.claim()] = append(m.byOld[f.claim()], f)
	}
}

func (m *merger) placeSource(i int) {
	z, sv := m.srcs[i].Zone, m.surveys[i]
	travels := func(cut zones.Name) bool {
		r := m.rule(z.View(), cut, zones.TypeNS)
		return r >= 0 && !m.in.Mapping.Rules[r].Drop
	}
	uncovered := map[zones.Name]int{} // owner -> where its finding stands
	for set := range z.All() {
		f := &flow{src: i, set: set}
		r := m.rule(z.View(), set.Owner(), set.Type())
		if r >= 0 {
			m.matched[r] = true
		}
		var why string
		if why, f.cut = sv.keptBack(set, travels); why != "" {
			f.fate, f.note = Dropped, mapping.Note{By: tool, Why: why}
			m.flows = append(m.flows, f)
			continue
		}
		if r < 0 {
			f.fate, f.note = Undecided, mapping.Note{By: tool, Why: "no rule covers it"}
			m.flows = append(m.flows, f)
			if at, ok := uncovered[set.Owner()]; ok {
				m.finds[at].Count += set.Len()
				continue
			}
			uncovered[set.Owner()] = len(m.finds)
			m.finds = append(m.finds, finding.Finding{
				ID: "M-TOTAL", Severity: finding.Block,
				At: set.From(0).Place, Count: set.Len(),
				Found: fmt.Sprintf("no rule covers %v %v", set.Owner().Text(), set.Type()),
				Mend:  "add a rule such as\n" + m.ruleLine(z, set.Owner()),
			})
			continue
		}
		rule := &m.in.Mapping.Rules[r]
		f.rule, f.note = rule, rule.Note
		if rule.Drop {
			f.fate = Dropped
			m.flows = append(m.flows, f)
			continue
		}
		m.placeBy(f, z, rule)
	}
}

// placeBy appends one flow for each new name that the rule gives.
func (m *merger) placeBy(f *flow, z *zones.Zone, rule *mapping.Rule) {
	what := fmt.Sprintf("%v %v", f.old().Text(), f.typ())
	at := f.set.From(0).Place
	seen := map[zones.Name]bool{}
	skipped := false // a target that this view does not have
	bad := false
	for _, to := range rule.To {
		n, err := rebase(rule, f.old(), to)
		var id zones.ID
		if err == nil {
			id, err = m.targetOf(z.View(), n)
		}
		switch {
		case errors.Is(err, errNoView):
			skipped = true
		case errors.Is(err, zones.ErrNameLong):
			bad = true
			m.find("M-LEN", finding.Block, at, fmt.Sprintf("%s would have a new name of more than 255 octets by the rule %v -> %v (%v)",
				what, rule.From, to, rule.At), "give it a shorter new name by a rule of its own")
		case err != nil:
			bad = true
			m.find("M-TARGET", finding.Block, at, fmt.Sprintf("%s cannot be placed by the rule %v -> %v (%v): %v",
				what, rule.From, to, rule.At, err), "choose a new name in one of the targets")
		case !seen[n]:
			seen[n] = true
			g := *f
			g.zone, g.by, g.at = id, n, n
			m.flows = append(m.flows, &g)
		}
	}
	if len(seen) > 0 {
		return
	}
	if !bad {
		why := "the rule says neither to nor drop"
		if skipped {
			why = fmt.Sprintf("the view %s has none of the zones that the rule names", z.View())
		}
		m.find("M-TARGET", finding.Block, at, fmt.Sprintf("%s cannot be placed by the rule %v (%v): %s", what, rule.From, rule.At, why),
			"add the zone to that view, or limit the rule by view: and say what this view does")
	}
	f.fate, f.note.Why = Undecided, "its rule gives no name in a target"
	m.flows = append(m.flows, f)
}

// rule returns the index of the first rule that covers a record (FIRST-RULE),
// -1 where none does.
func (m *merger) rule(v zones.View, owner zones.Name, t zones.Type) int {
	for i := range m.in.Mapping.Rules {
		if m.in.Mapping.Rules[i].Covers(v, owner, t) {
			return i
		}
	}
	return -1
}

var (
	errStar   = errors.New("a rule has a star on both sides or on neither")
	errNoView = errors.New("no zone of that view holds the name")
)

// rebase gives an owner's new name: star for star, exact for exact, and
// below it with subtree.
func rebase(r *mapping.Rule, owner zones.Name, to mapping.Pattern) (zones.Name, error) {
	if r.From.Star != to.Star {
		return zones.Name{}, errStar
	}
	return owner.Rebase(r.From.Name, to.Name)
}

// targetOf returns the target that holds a name in a view: the nearest zone,
// which hides what a zone above it says (RFC 1034 4.3.2 step 2).
func (m *merger) targetOf(v zones.View, n zones.Name) (zones.ID, error) {
	z := m.before.Nearest(v, n)
	if z != nil && m.targets[z.Origin()] {
		return z.ID(), nil
	}
	if z == nil {
		for t := range m.targets {
			if n.Within(t) {
				return zones.ID{}, errNoView
			}
		}
		return zones.ID{}, fmt.Errorf("%s lies outside every target", n.Text())
	}
	return zones.ID{}, fmt.Errorf("%s lies in %s, which is not a target", n.Text(), z.Origin().Text())
}
