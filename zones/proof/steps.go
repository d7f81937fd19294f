package proof

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
)

// stepPart is what a walk proves of worlds that are served in turn.
type stepPart uint8

const (
	whole      stepPart = iota // everything: OLD and NEW
	lasting                    // OLD and a step: the step answers as OLD does
	neighbours                 // two steps: no mixture of them breaks
)

// steps proves the worlds between OLD and NEW: each answers as OLD does, and
// no mixture of two that follow each other breaks. A fault that the two ends
// have already is not told again.
func (r *Report) steps(ends *walker, in Input, o Options) {
	v := ends.old.view
	worlds := append(append([]zones.World{in.Before}, in.Steps...), in.After)
	told := map[string]bool{}
	for _, f := range r.Faults {
		told[stepKey(f)] = true
	}
	before := ends.old
	for i := 1; i < len(worlds); i++ {
		o.begin("view %s: mixtures of step %d and step %d of %d", v, i-1, i, len(worlds)-1)
		w := &walker{judge: ends.with(before, ends.new), limit: o.Limit, modes: ends.modes, split: ends.split, rulings: ends.rulings}
		last := i == len(worlds)-1
		if !last {
			w.judge = ends.with(before, plant(worlds[i], v))
		}
		next := w.new
		w.rules, w.part, w.mixes = &ruleTree{from: []fromNode{{}}, to: []toNode{{}}}, neighbours, true
		t := w.all(o.Workers)
		w.between(Input{Before: worlds[i-1], After: worlds[i]}, t)
		r.step(w, t, o, told, fmt.Sprintf("between step %d and step %d of %d", i-1, i, len(worlds)-1))
		if !last {
			w = &walker{judge: ends.with(ends.old, next), limit: o.Limit, modes: ends.modes, split: ends.split, rulings: ends.rulings, rules: ends.rules, part: lasting}
			r.step(w, w.all(o.Workers), o, told, fmt.Sprintf("after step %d of %d", i, len(worlds)-1))
		}
		before = next
	}
}

// step words what one walk found.
func (r *Report) step(w *walker, t *tally, o Options, told map[string]bool, when string) {
	from := len(r.Faults)
	r.tell(w, t, o)
	kept := r.Faults[:from]
	for _, f := range r.Faults[from:] {
		if k := stepKey(f); !told[k] {
			told[k] = true
			f.Found += "; " + when
			kept = append(kept, f)
		}
	}
	r.Faults = kept
}

func stepKey(f Fault) string {
	if f.At.IsZero() {
		return fmt.Sprint(f.ID, f.View, f.Witness.Name, f.Witness.Type)
	}
	return fmt.Sprint(f.ID, f.View, f.At)
}
