package zones

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// World is the set of zones served at one instant, by view. It is immutable;
// the zero value is an empty world.
type World struct{ zones map[ID]*Zone }

// ErrTwice is a second zone of one identity in a world.
var ErrTwice = errors.New("a zone given twice")

// NewWorld gathers zones; two of one identity are refused.
func NewWorld(zs ...*Zone) (World, error) {
	w := World{make(map[ID]*Zone, len(zs))}
	for _, z := range zs {
		if w.zones[z.id] != nil {
			return World{}, fmt.Errorf("%v: %w", z.id, ErrTwice)
		}
		w.zones[z.id] = z
	}
	return w, nil
}

// With returns the world with z in place of the zone of its identity.
func (w World) With(z *Zone) World {
	m := make(map[ID]*Zone, len(w.zones)+1)
	maps.Copy(m, w.zones)
	m[z.id] = z
	return World{m}
}

// Zone returns the zone of an identity, or nil.
func (w World) Zone(id ID) *Zone { return w.zones[id] }

// All yields the zones by view, then by origin.
func (w World) All() iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for _, id := range slices.SortedFunc(maps.Keys(w.zones), ID.Compare) {
			if !yield(w.zones[id]) {
				return
			}
		}
	}
}

// In yields the zones of one view, by origin.
func (w World) In(v View) iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for z := range w.All() {
			if z.View() == v && !yield(z) {
				return
			}
		}
	}
}

// Views lists the views, sorted.
func (w World) Views() []View {
	seen := map[View]bool{}
	for id := range w.zones {
		seen[id.View] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Len counts the zones.
func (w World) Len() int { return len(w.zones) }

// Nearest returns the zone of the view whose apex is the closest ancestor of
// name, or name itself (RFC 1034 4.3.2 step 2); nil where none is.
func (w World) Nearest(v View, name Name) *Zone {
	for ok := !name.IsZero(); ok; name, ok = name.Parent() {
		if z := w.zones[ID{name, v}]; z != nil {
			return z
		}
	}
	return nil
}

// Digest covers the zones' identities and digests.
func (w World) Digest() Digest {
	h := sha256.New()
	for z := range w.All() {
		d := z.Digest()
		h.Write(d[:])
	}
	return Digest(h.Sum(nil))
}
