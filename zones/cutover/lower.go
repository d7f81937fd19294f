package cutover

import (
	"maps"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Row is the worlds that are served in turn: before, the two of Steps, after.
type Row [4]zones.World

// touched gives the zones that are not the same in the whole row, serials
// aside. Where one comes or goes, the zone above it answers for its names
// meanwhile: that too.
func (r Row) touched() map[zones.ID]bool {
	touched := map[zones.ID]bool{}
	for i := range len(r) - 1 {
		for _, id := range differing(r[i], r[i+1]) {
			touched[id] = true
		}
	}
	for id := range maps.Clone(touched) {
		up, ok := id.Origin.Parent()
		for _, v := range r {
			if !ok || v.Zone(id) != nil {
				continue
			}
			if above := v.Nearest(id.View, up); above != nil {
				touched[above.ID()] = true
			}
		}
	}
	return touched
}

// single is the row of a cutover in one step.
func (r Row) single() Row { return Row{r[0], r[0], r[3], r[3]} }

// lowered is a world with no TTL above low in the zones touched. All of their
// RRsets count, not only those that change: a cache also holds what a wildcard
// or a delegation gave for a name that comes only later.
func lowered(w zones.World, low uint32, touched map[zones.ID]bool) (zones.World, error) {
	var zs []*zones.Zone
	for z := range w.All() {
		if touched[z.ID()] {
			b := zones.NewBuilder(z.ID())
			for r := range z.Records() {
				r.TTL = min(r.TTL, low)
				b.Add(r)
			}
			var err error
			if z, err = b.Freeze(); err != nil {
				return zones.World{}, err
			}
		}
		zs = append(zs, z)
	}
	return zones.NewWorld(zs...)
}

// drain is how long a cache may keep what the zones touched answer. A negative
// answer is kept no longer than the SOA (RFC 2308 5), which is among them.
func drain(w zones.World, touched map[zones.ID]bool) time.Duration {
	var most uint32
	for z := range w.All() {
		if touched[z.ID()] {
			for s := range z.All() {
				most = max(most, s.TTL())
			}
		}
	}
	return seconds(most)
}

func seconds(s uint32) time.Duration { return time.Duration(min(s, zones.MaxTTL)) * time.Second }
