package daemon

import (
	"errors"
	"maps"

	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// change publishes one zone of one instant in another state, which d led to from
// the state before: nothing else is compiled or compared again. The caller holds
// d.mu.
func (d *Daemon) change(at string, delta zones.Delta, z *zones.Zone) error {
	w := d.loaded.Worlds[at].With(z)
	images := map[*answer.Image]*answer.Image{} // listeners of one view share one
	for _, r := range d.running {
		if r.At != at || r.View != z.View() {
			continue
		}
		before := r.image.p.Load()
		if images[before.image] != nil {
			continue
		}
		im, err := before.image.Apply(z, delta)
		if errors.Is(err, answer.ErrCompileAnew) {
			im, err = answer.Compile(w, r.View, d.o.Policy)
		}
		if err != nil {
			return err
		}
		images[before.image] = im
	}
	was := make([]*transfer.Server, len(d.running))
	for i, r := range d.running {
		before := r.image.p.Load()
		was[i] = before.out
		if r.At != at || r.View != z.View() {
			continue
		}
		out := before.out.With(before.out.Versions[z.Origin()].Next(z, deltaRoom))
		r.image.p.Store(&published{images[before.image], out, before.updates})
	}
	l := *d.loaded
	l.Worlds = maps.Clone(l.Worlds)
	l.Worlds[at] = w
	d.loaded = &l
	d.tell(was)
	return nil
}
