package cutover

import (
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Rollback gives the world that is served when step n of Served, a switch, is
// undone: the content of the step before it, under serials later than all
// those of the plan and all that were seen meanwhile, so that no serial of the
// plan ever has two contents.
func (l Timeline) Rollback(n int, served zones.World, seen map[zones.ID][]zones.Serial) (zones.World, error) {
	return Number(served, l.worldBefore(n), l.spent(seen))
}

// Abort gives the world that is served when the wave of step n is given up
// before its switch: the one before the wave, numbered as Rollback does.
func (l Timeline) Abort(n int, served zones.World, seen map[zones.ID][]zones.Serial) (zones.World, error) {
	return Number(served, l.worldBefore(l.wave(n).from), l.spent(seen))
}

func (l Timeline) worldBefore(n int) zones.World {
	if n == 0 {
		return l.before
	}
	return l.served[n-1].World
}

// spent is the serials that were seen and those of the plan.
func (l Timeline) spent(seen map[zones.ID][]zones.Serial) map[zones.ID][]zones.Serial {
	all := map[zones.ID][]zones.Serial{}
	for id, s := range seen {
		all[id] = append(all[id], s...)
	}
	for _, s := range l.served {
		for z := range s.World.All() {
			all[z.ID()] = append(all[z.ID()], z.Serial())
		}
	}
	return all
}

// Settle is how long caches and secondaries may hold what an edit replaces
// (Event.Drain).
func Settle(was, is zones.World, t Terms) time.Duration {
	row := Row{was, is, is, is}
	touched := row.touched()
	if len(touched) == 0 {
		return 0
	}
	lag, _ := Wave{Row: row}.lag(t)
	return lag + max(drain(was, touched), t.Parent)
}
