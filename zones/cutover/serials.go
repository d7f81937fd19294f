package cutover

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// SerialError is a zone of which no serial is later than all that were seen.
type SerialError struct {
	Zone    zones.ID
	Serials []zones.Serial // sorted, each once
}

func (e *SerialError) Error() string {
	seen := make([]string, len(e.Serials))
	for i, s := range e.Serials {
		seen[i] = fmt.Sprint(uint32(s))
	}
	return fmt.Sprintf("zone %v: no serial is later than all that were seen of it: %s (they lie half the circle of 2^32 apart, RFC 1982); "+
		"let the servers that hold what is not to stay fetch the zone anew, until their serials lie close together, then try again", e.Zone, strings.Join(seen, ", "))
}

// above gives the first serial later than all that were seen: the latest of
// them, and one. Where another serial is later than all, this one is too: they
// then lie on less than half the circle, and it follows their end. It is not
// 0, which some servers take for none.
//
// One, and not the date or a thousand: who edits by hand goes on from what they
// see, a plan is computed again and again before it is carried out, and a
// larger stride would eat up the half circle that secondaries follow.
func above[T ~uint8 | ~uint32](seen []T) (T, bool) {
	if len(seen) == 0 {
		return 1, true
	}
	end := seen[0]
	for _, s := range seen[1:] {
		if before(end, s) {
			end = s
		}
	}
	next := end + 1
	if next == 0 {
		next = 1
	}
	for _, s := range seen {
		if !before(s, next) {
			return 0, false
		}
	}
	return next, true
}

// before is RFC 1982 3.2 for a circle of any size.
func before[T ~uint8 | ~uint32](s, t T) bool { return s != t && t-s <= ^T(0)/2 }

// numberer gives serials to worlds that are served one after the other.
type numberer struct {
	seen   map[zones.ID][]zones.Serial
	stated map[zones.ID]*zones.Zone // of the world served last, as it came
	served zones.World              // of the world served last, with its serials
}

func newNumberer(from zones.World, seen map[zones.ID][]zones.Serial) *numberer {
	n := &numberer{map[zones.ID][]zones.Serial{}, map[zones.ID]*zones.Zone{}, from}
	for id, s := range seen {
		n.seen[id] = slices.Clone(s)
	}
	for z := range from.All() {
		n.stated[z.ID()] = z
		n.seen[z.ID()] = append(n.seen[z.ID()], z.Serial())
	}
	return n
}

// next is a world with the serials under which it is served (STEP-SERIAL).
func (n *numberer) next(w zones.World) (zones.World, error) {
	stated := map[zones.ID]*zones.Zone{}
	var zs []*zones.Zone
	for z := range w.All() {
		id := z.ID()
		stated[id] = z
		was := n.served.Zone(id)
		if was != nil && (n.stated[id] == z || same(was, z)) {
			zs = append(zs, was)
			continue
		}
		n.seen[id] = append(n.seen[id], z.Serial())
		serial, ok := above(n.seen[id])
		if !ok {
			all := slices.Sorted(slices.Values(n.seen[id]))
			return zones.World{}, &SerialError{id, slices.Compact(all)}
		}
		n.seen[id] = append(n.seen[id], serial)
		zs = append(zs, z.WithSerial(serial))
	}
	out, err := zones.NewWorld(zs...)
	if err != nil {
		return zones.World{}, err
	}
	n.stated, n.served = stated, out
	return out, nil
}

// Number gives a world the serials under which it can follow what is served:
// a zone whose content stays keeps its serial, another gets one that is later
// than all that were seen.
func Number(served, next zones.World, seen map[zones.ID][]zones.Serial) (zones.World, error) {
	return newNumberer(served, seen).next(next)
}

// same tells whether two zones have one content, serials aside.
func same(a, b *zones.Zone) bool {
	return a == b || a.Serial() == b.Serial() && a.Equal(b) || a.Serial() != b.Serial() && a.WithSerial(b.Serial()).Equal(b)
}

// differing gives the zones of two worlds that are not the same, serials aside.
func differing(a, b zones.World) []zones.ID {
	var ids []zones.ID
	for z := range a.All() {
		if o := b.Zone(z.ID()); o == nil || !same(z, o) {
			ids = append(ids, z.ID())
		}
	}
	for z := range b.All() {
		if a.Zone(z.ID()) == nil {
			ids = append(ids, z.ID())
		}
	}
	return ids
}
