package merge

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
)

// followBelow follows the target of a DNAME, which stands for the names below
// it and not for itself (RFC 6672 2.2): it moves only if all of them moved in
// step, and no wildcard is among them, which names of the new place could
// stand in the way of, nor a delegation, whose servers may know the old name
// alone.
func (m *merger) followBelow(x zones.Name, near zones.ID) (to zones.Name, why string) {
	z := m.before.Nearest(near.View, x)
	if z == nil {
		return x, ""
	}
	names := 0
	step := func(old, at zones.Name) bool {
		names++
		base := at
		for range old.Labels() - x.Labels() {
			base, _ = base.Parent()
		}
		if again, err := old.Rebase(x, base); base.IsZero() || err != nil || again != at || !to.IsZero() && to != base || at.IsWildcard() {
			return false
		}
		to = base
		return true
	}
	if i, ok := m.source[z.ID()]; ok {
		if !m.stepSource(i, x, near, step) {
			return x, fmt.Sprintf("%s stays as it was: not all names below it have a new name in step", x.Text())
		}
	} else if len(m.movedTo) > 0 {
		for s := range z.All() {
			if !s.Owner().Below(x) {
				continue
			}
			f, ok := m.fates[setKey{z.ID(), s.Key()}]
			if !ok || f.gone || !step(s.Owner(), f.at) {
				return x, ""
			}
		}
	}
	if names == 0 {
		return x, ""
	}
	return to, ""
}

// stepSource calls step for each RRset below x in a source, with its new name
// in near's zone if it has one there; false as soon as one is lost or step
// says so.
func (m *merger) stepSource(src int, x zones.Name, near zones.ID, step func(old, at zones.Name) bool) bool {
	sv := m.surveys[src]
	for c := range sv.children {
		if c.Within(x) {
			return false // another zone answers there
		}
	}
	for i := 0; i < len(m.flows); i++ {
		f := m.flows[i]
		if f.src != src || !f.old().Below(x) || f.typ().IsDNSSEC() || f.typ() == zones.TypeSOA {
			continue
		}
		best := f
		for ; i+1 < len(m.flows) && m.flows[i+1].src == src && m.flows[i+1].set.Key() == f.set.Key(); i++ {
			if n := m.flows[i+1]; n.zone == near && best.zone != near {
				best = n
			}
		}
		if best.zone == (zones.ID{}) || best.fate == Superseded || best.fate == Dropped || best.typ() == zones.TypeNS || !step(best.old(), best.at) {
			return false
		}
	}
	return true
}
