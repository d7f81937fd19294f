package daemon

import (
	"errors"
	"fmt"
	"time"

	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

// ahead is how long before its instant a step is compiled, so that at the instant
// nothing is left but to write it down and to turn.
const ahead = 2 * time.Minute

// ready is a step that was compiled before its instant.
type ready struct {
	sum    cutover.Hash
	step   int
	world  zones.World // with the zones that are served besides
	images map[zones.View]*answer.Image
}

// prepare compiles the next step when its instant is near. The caller holds d.mu.
func (dir *director) prepare(next cutover.Decision, now time.Time) {
	sum := dir.progress.Plan
	if next.At.Sub(now) > ahead || dir.plan.proved == nil || dir.preparing || dir.ready != nil && dir.ready.sum == sum && dir.ready.step == next.Step {
		return
	}
	r := &ready{sum: sum, step: next.Step, world: next.Next.World, images: map[zones.View]*answer.Image{}}
	for z := range dir.d.loaded.Worlds[Now].All() {
		if dir.served.Zone(z.ID()) == nil {
			r.world = r.world.With(z)
		}
	}
	views := map[zones.View]bool{}
	for _, l := range dir.d.o.Listeners {
		views[l.View] = views[l.View] || l.At == Now
	}
	dir.ready, dir.preparing = nil, true
	dir.d.wg.Go(func() {
		var errs []error
		for v, is := range views {
			if !is {
				continue
			}
			im, err := answer.Compile(r.world, v, dir.d.o.Policy)
			if err != nil {
				errs = append(errs, fmt.Errorf("view %s: %w", v, err))
			}
			r.images[v] = im
		}
		dir.d.mu.Lock()
		defer dir.d.mu.Unlock()
		if dir.preparing = false; len(errs) > 0 {
			dir.alarmed(fmt.Sprintf("the step %q cannot be compiled: %v", next.Next.Kind, errors.Join(errs...)))
			return
		}
		dir.ready = r
	})
}

// prepared gives the image of a world that was compiled ahead; nil where none was.
func (dir *director) prepared(w zones.World, v zones.View) *answer.Image {
	if dir == nil || dir.ready == nil || !sameWorlds(dir.ready.world, w) {
		return nil
	}
	return dir.ready.images[v]
}
