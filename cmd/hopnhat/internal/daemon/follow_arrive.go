package daemon

import (
	"context"
	"sync"

	"gialai.gov.vn/hopnhat/zones"
)

// arrivals are zones that came whole and wait to be published. A catalog, or a
// start, brings thousands at once, and to publish each by itself would compile all
// that are there for every one of them: who gets Daemon.mu publishes all that wait.
type arrivals struct {
	mu   sync.Mutex // guards list
	list []*arrival
}

// arrival is one of them. What it came to is guarded by Daemon.mu.
type arrival struct {
	f    *follower
	zone *zones.Zone
	done bool
	err  error
}

func (as *arrivals) add(a *arrival) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = append(as.list, a)
}

func (as *arrivals) take() []*arrival {
	as.mu.Lock()
	defer as.mu.Unlock()
	list := as.list
	as.list = nil
	return list
}

// arrive publishes a zone that came whole, with others that wait.
func (d *Daemon) arrive(f *follower, z *zones.Zone) error {
	a := &arrival{f: f, zone: z}
	d.follows.arriving.add(a)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !a.done {
		d.admit(d.follows.arriving.take())
	}
	return a.err
}

// admit publishes zones that came whole, those of a view in one step. The caller
// holds d.mu.
func (d *Daemon) admit(list []*arrival) {
	views := map[zones.View][]*arrival{}
	for _, a := range list {
		a.done = true
		if d.follows.runs[a.f.conf.ID] != a.f || a.f.ctx.Err() != nil {
			a.err = context.Canceled // another one follows the zone now
		} else if a.err = d.openly(a.zone); a.err == nil {
			views[a.zone.View()] = append(views[a.zone.View()], a)
		}
	}
	for v, as := range views {
		if err := d.showAll(v, as); err != nil {
			for _, a := range as { // one of them is at fault
				a.err = d.showAll(v, []*arrival{a})
			}
		}
		for _, a := range as {
			if a.err == nil {
				a.f.zone, a.f.served = a.zone, true
			}
		}
	}
	d.follows.tell(d.loaded.Transfers.Keys)
	for _, a := range list {
		if a.err == nil && a.f.conf.Catalog {
			d.subscribe(a.f.conf.ID, a.zone)
		}
	}
}

func (d *Daemon) showAll(v zones.View, as []*arrival) error {
	return d.show(func(w zones.World) zones.World {
		for _, a := range as {
			w = w.With(a.zone)
		}
		return w
	}, v)
}
