package daemon

import (
	"errors"
	"maps"

	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// change publishes one zone of one instant in another state, which delta led to
// from the state before: nothing else is compiled or compared again. The caller
// holds d.mu.
func (d *Daemon) change(at string, delta zones.Delta, z *zones.Zone) error {
	publish, err := d.prepare(at, delta, z)
	if err == nil {
		publish()
	}
	return err
}

// prepare does all of change that can fail; publish does the rest, under the same
// d.mu.
func (d *Daemon) prepare(at string, delta zones.Delta, z *zones.Zone) (publish func(), err error) {
	w := d.loaded.Worlds[at].With(z)
	images := map[*answer.Image]*answer.Image{} // listeners of one view share one
	concerns := func(r running) bool { return r.At == at && r.View == z.View() }
	for _, r := range d.running {
		before := r.image.p.Load()
		if !concerns(r) || images[before.image] != nil {
			continue
		}
		im, err := before.image.Apply(z, delta)
		if errors.Is(err, answer.ErrCompileAnew) {
			im, err = answer.Compile(w, r.View, d.o.Policy)
		}
		if err != nil {
			return nil, err
		}
		images[before.image] = im
	}
	return func() {
		was := make([]*transfer.Server, len(d.running))
		for i, r := range d.running {
			before := r.image.p.Load()
			was[i] = before.out
			if concerns(r) {
				out := before.out.With(before.out.Versions[z.Origin()].Step(delta, z, deltaRoom))
				r.image.p.Store(&published{images[before.image], out, before.updates})
			}
		}
		l := *d.loaded
		l.Worlds = maps.Clone(l.Worlds)
		l.Worlds[at] = w
		d.loaded = &l
		d.tell(was)
	}, nil
}

// image makes the image of a listener's view of a world: what it answers from now
// with what changed, or compiled.
func (d *Daemon) image(listener int, w zones.World) (*answer.Image, error) {
	l := d.o.Listeners[listener]
	if im := d.director.prepared(w, l.View); im != nil && l.At == Now {
		return im, nil
	}
	if listener < len(d.running) && d.loaded != nil {
		im, err := lead(d.running[listener].image.p.Load().image, d.loaded.Worlds[l.At], w, l.View)
		if !errors.Is(err, answer.ErrCompileAnew) {
			return im, err
		}
	}
	return answer.Compile(w, l.View, d.o.Policy)
}

// lead brings an image from one world to another of the same zones.
func lead(im *answer.Image, from, to zones.World, v zones.View) (*answer.Image, error) {
	for z := range from.In(v) {
		if to.Zone(z.ID()) == nil {
			return nil, answer.ErrCompileAnew
		}
	}
	for z := range to.In(v) {
		was := from.Zone(z.ID())
		if was == z {
			continue
		}
		if was == nil {
			return nil, answer.ErrCompileAnew
		}
		d := zones.Diff(was, z)
		if d.Empty() {
			continue
		}
		var err error
		if im, err = im.Apply(z, d); err != nil {
			return nil, err
		}
	}
	return im, nil
}
