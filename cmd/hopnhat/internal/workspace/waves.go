package workspace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// stage is a wave after the first that changes names, with the entries that
// name it.
type stage struct {
	wave    Wave
	entries mapping.Mapping
}

// entryWave reads the wave from which on an entry holds.
func (d *decoder) entryWave(n *node) string {
	s := d.ref(n, "waves")
	if s != "" {
		d.waved = append(d.waved, n)
	}
	return s
}

// stage takes the entries of later waves out of the mapping of the cutover,
// and reports waves that no entry can name.
func (d *decoder) stage(c *Consolidation) {
	byName := map[string]Wave{}
	for _, w := range c.Waves {
		if first, ok := byName[w.Name]; ok && w.Name != "" {
			d.add(d.finding("W-VALUE", w.At.Line, w.At.Column, "a second wave "+quote(w.Name), fmt.Sprintf("give it another name; the first stands in line %d", first.At.Line)))
			continue
		}
		byName[w.Name] = w
	}
	for _, n := range d.waved {
		if w, ok := byName[d.str(n, "a wave")]; ok && !w.Date.IsZero() && w.Date.Before(c.Mapping.Cutover) {
			d.fail("W-RULE", n, "the wave "+w.Name+" lies before the cutover, and no name changes before that", "name the cutover's wave or a later one, or leave wave out")
		}
	}
	for _, o := range c.Mapping.OldNames {
		if w, ok := byName[o.Wave]; ok && o.Mode == mapping.End && w.Date.Equal(c.Mapping.Cutover) {
			d.add(d.finding("W-RULE", o.At.Line, o.At.Column, "an old name that ends at the cutover itself", "write it under exceptions, where each name that is lost is told"))
		}
	}
	stages := map[string]*stage{}
	of := func(n mapping.Note) *mapping.Mapping {
		w, ok := byName[n.Wave]
		if !ok || !w.Date.After(c.Mapping.Cutover) {
			return nil // of the cutover
		}
		if stages[n.Wave] == nil {
			stages[n.Wave] = &stage{wave: w}
		}
		return &stages[n.Wave].entries
	}
	m := &c.Mapping
	m.Rules = shared(m.Rules, func(x mapping.Rule) mapping.Note { return x.Note }, of, func(m *mapping.Mapping) *[]mapping.Rule { return &m.Rules })
	m.OldNames = shared(m.OldNames, func(x mapping.OldName) mapping.Note { return x.Note }, of, func(m *mapping.Mapping) *[]mapping.OldName { return &m.OldNames })
	m.Decisions = shared(m.Decisions, func(x mapping.Decision) mapping.Note { return x.Note }, of, func(m *mapping.Mapping) *[]mapping.Decision { return &m.Decisions })
	m.Exceptions = shared(m.Exceptions, func(x mapping.Exception) mapping.Note { return x.Note }, of, func(m *mapping.Mapping) *[]mapping.Exception { return &m.Exceptions })
	for _, s := range stages {
		c.stages = append(c.stages, *s)
	}
	slices.SortFunc(c.stages, func(a, b stage) int {
		return cmp.Or(a.wave.Date.Compare(b.wave.Date), cmp.Compare(a.wave.At.Line, b.wave.At.Line), cmp.Compare(a.wave.Name, b.wave.Name))
	})
	for i := 1; i < len(c.stages); i++ {
		if a, b := c.stages[i-1].wave, c.stages[i].wave; a.Date.Equal(b.Date) {
			d.add(d.finding("W-RULE", b.At.Line, b.At.Column, fmt.Sprintf("the waves %s and %s both change names at one instant", a.Name, b.Name), "let the entries name one of them, or give them two dates"))
		}
	}
}

// shared leaves what belongs to the cutover, and puts the rest where it
// belongs.
func shared[T any](list []T, note func(T) mapping.Note, of func(mapping.Note) *mapping.Mapping, at func(*mapping.Mapping) *[]T) (first []T) {
	for _, x := range list {
		if m := of(note(x)); m != nil {
			*at(m) = append(*at(m), x)
		} else {
			first = append(first, x)
		}
	}
	return first
}

// overlaid is a mapping with the entries of a later wave: they are looked at
// first, and replace decisions and exceptions on the same.
func overlaid(m, later mapping.Mapping) mapping.Mapping {
	m.Rules = slices.Concat(later.Rules, m.Rules)
	m.OldNames = slices.Concat(later.OldNames, m.OldNames)
	replaced := func(name zones.Name, t zones.Type, v zones.View, by zones.Name, byType zones.Type, byView zones.View) bool {
		return name == by && (byType == 0 || byType == t) && (byView == "" || byView == v)
	}
	old := slices.DeleteFunc(slices.Clone(m.Decisions), func(x mapping.Decision) bool {
		return slices.ContainsFunc(later.Decisions, func(y mapping.Decision) bool {
			return replaced(x.Name, x.Type, x.View, y.Name, y.Type, y.View)
		})
	})
	m.Decisions = slices.Concat(later.Decisions, old)
	gone := slices.DeleteFunc(slices.Clone(m.Exceptions), func(x mapping.Exception) bool {
		return slices.ContainsFunc(later.Exceptions, func(y mapping.Exception) bool {
			return replaced(x.Name, x.Type, x.View, y.Name, y.Type, y.View)
		})
	})
	m.Exceptions = slices.Concat(later.Exceptions, gone)
	return m
}

// ended is a mapping with an exception for each old name whose mode is to end.
func (w *Workspace) ended(m mapping.Mapping) mapping.Mapping {
	if !slices.ContainsFunc(m.OldNames, func(o mapping.OldName) bool { return o.Mode == mapping.End }) {
		return m
	}
	m.Exceptions = slices.Clip(m.Exceptions)
	for _, p := range w.parts {
		if p.source == "" || p.zone == nil {
			continue
		}
		for n := range p.zone.Owners() {
			if x, ok := m.Ending(p.id.View, n); ok {
				m.Exceptions = append(m.Exceptions, x)
			}
		}
	}
	return m
}

// stagesBy counts the waves after the first that lie at or before an instant.
func (c *Consolidation) stagesBy(t time.Time) int {
	n := 0
	for _, s := range c.stages {
		if !s.wave.Date.After(t) {
			n++
		}
	}
	return n
}

// made is a stage with its worlds.
type made struct {
	stage
	mapping       mapping.Mapping // all that holds then, without the exceptions of earlier waves: their names are gone already
	before, after zones.World
	ledger        merge.Ledger
}

// staged makes the worlds of the first n waves after the cutover; each starts
// from the world after the one before.
func (w *Workspace) staged(first *merge.Plan, n int) (out []made, finds []finding.Finding) {
	told := map[string]bool{}
	world, m := first.After(), w.Mapping
	for _, s := range w.stages[:n] {
		m = overlaid(m, s.entries)
		full := w.ended(m)
		claimed := full
		claimed.Exceptions = slices.DeleteFunc(slices.Clone(full.Exceptions), func(x mapping.Exception) bool { return x.Wave != s.wave.Name })
		plan, fs := w.merge(full)
		for _, f := range fs {
			// What an earlier wave's entry does no more is what the later one is for.
			if key := f.String(); !told[key] && (f.ID != "M-RULE" || f.Severity == finding.Block || s.holds(f.At)) {
				told[key] = true
				f.Found = "from the wave " + s.wave.Name + " on: " + f.Found
				finds = append(finds, f)
			}
		}
		after := follows(world, plan.After())
		out = append(out, made{s, claimed, world, after, plan.Ledger()})
		world = after
	}
	return out, finds
}

// news leaves out what holds at the cutover too, which Plan tells.
func (w *Workspace) news(finds []finding.Finding) []finding.Finding {
	_, fs := w.merge(w.Mapping)
	return slices.DeleteFunc(finds, func(f finding.Finding) bool {
		return slices.ContainsFunc(fs, func(g finding.Finding) bool {
			return f.ID == g.ID && f.At == g.At && f.Severity == g.Severity && strings.HasSuffix(f.Found, g.Found)
		})
	})
}

// holds tells whether an entry of the stage stands at a place.
func (s stage) holds(at zones.Place) bool {
	e := s.entries
	return slices.ContainsFunc(e.Rules, func(x mapping.Rule) bool { return x.At == at }) ||
		slices.ContainsFunc(e.OldNames, func(x mapping.OldName) bool { return x.At == at }) ||
		slices.ContainsFunc(e.Decisions, func(x mapping.Decision) bool { return x.At == at }) ||
		slices.ContainsFunc(e.Exceptions, func(x mapping.Exception) bool { return x.At == at })
}

// follows is a world with serials that follow those of another: a zone with
// other records has a later one, a zone with the same is the same.
func follows(prev, next zones.World) zones.World {
	for z := range next.All() {
		was := prev.Zone(z.ID())
		switch {
		case was == nil:
		case z.WithSerial(was.Serial()).Equal(was):
			next = next.With(was)
		case !was.Serial().Before(z.Serial()):
			next = next.With(z.WithSerial(was.Serial().Next()))
		}
	}
	return next
}

// Waves gives the waves that change names, by date, the cutover first: each
// with the four worlds that are served in turn. The findings are those of the
// waves after the first; those of the first Plan gives.
func (w *Workspace) Waves(plan *merge.Plan) ([]cutover.Wave, []finding.Finding, error) {
	later, finds := w.staged(plan, len(w.stages))
	if len(later) > 0 {
		finds = w.news(finds)
	}
	all := append([]made{{stage{wave: w.firstWave()}, w.Mapping, plan.Before(), plan.After(), plan.Ledger()}}, later...)
	var out []cutover.Wave
	for _, x := range all {
		steps, err := cutover.Steps(x.before, x.after)
		if err != nil {
			return nil, finds, fmt.Errorf("the wave %s: %w", x.wave.Name, err)
		}
		one := cutover.Wave{Name: x.wave.Name, At: x.wave.Date, Row: cutover.Row{x.before, steps[0], steps[1], x.after}}
		if w.Consolidation.Timeline.Fewest {
			one.Single = cutover.Single(w.claim(x.before, x.after, x.mapping), proof.Options{})
		}
		out = append(out, one)
	}
	return out, finds, nil
}

// Ledgers are those of the waves that change names, in the order of Waves.
func (w *Workspace) Ledgers(plan *merge.Plan) []merge.Ledger {
	out := []merge.Ledger{plan.Ledger()}
	later, _ := w.staged(plan, len(w.stages))
	for _, x := range later {
		out = append(out, x.ledger)
	}
	return out
}

// firstWave is the wave of the cutover; the file need not name it.
func (c *Consolidation) firstWave() Wave {
	first := Wave{Name: "cutover", Date: c.Mapping.Cutover, Cutover: true, State: mapping.StateDecided}
	for _, w := range c.Waves {
		if w.Cutover || w.Date.Equal(c.Mapping.Cutover) {
			return w
		}
	}
	return first
}

// Claims are what must hold of each wave, in the order of Waves, without the
// steps: that what was served before it goes on as the entries of then say.
func (w *Workspace) Claims(plan *merge.Plan) []proof.Input {
	later, _ := w.staged(plan, len(w.stages))
	out := []proof.Input{w.claim(plan.Before(), plan.After(), w.Mapping)}
	for _, x := range later {
		out = append(out, w.claim(x.before, x.after, x.mapping))
	}
	return out
}

func (w *Workspace) claim(before, after zones.World, m mapping.Mapping) proof.Input {
	in := proof.Input{Before: before, After: after, Mapping: m}
	for _, p := range w.parts {
		if p.source != "" && p.zone != nil {
			in.Sources = append(in.Sources, p.id)
		}
	}
	return in
}
