package publish

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// Sum is the hash of a plan. An edit has the zero Sum.
type Sum = cutover.Hash

// Merged is a change that nobody has proved yet.
type Merged struct {
	sum    Sum
	from   zones.World // of an edit: what is served
	steps  []zones.World
	claims []proof.Input
	found  []finding.Finding
}

// Plan is a change in several steps. Each step is one of the worlds of the claims:
// a step of one, or what it ends with. What was found besides is held against it
// too.
func Plan(sum Sum, steps []zones.World, claims []proof.Input, found []finding.Finding) Merged {
	return Merged{sum: sum, steps: steps, claims: claims, found: found}
}

// Edit is a change in one step. The RRsets that it changes are its claims; what
// answers otherwise besides, because of them, is lost.
func Edit(from, to zones.World) Merged {
	m := Merged{from: from, steps: []zones.World{to}}
	if keys := declared(from, to); len(keys) > 0 { // where nothing differs there is nothing to prove
		m.claims = []proof.Input{{Before: from, After: to, Declared: keys}}
	}
	return m
}

// declared are the RRsets that are not the same in two worlds.
func declared(from, to zones.World) []zones.Key {
	seen := map[zones.Key]bool{}
	changed(from, to, func(_ zones.ID, k zones.Key, _, _ bool) { seen[k] = true })
	keys := make([]zones.Key, 0, len(seen))
	for k := range seen {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, zones.Key.Compare)
	return keys
}

// Sum is the plan's hash.
func (m Merged) Sum() Sum { return m.sum }

// LostError is a change that the proof, or what was found besides, stands against.
type LostError struct{ Findings []finding.Finding }

func (e *LostError) Error() string {
	var b strings.Builder
	for i, f := range e.Findings {
		if i == shown {
			fmt.Fprintf(&b, "… and %d more\n", len(e.Findings)-shown)
			break
		}
		b.WriteString(f.String() + "\n")
		for _, d := range f.Dig {
			b.WriteString("    " + d + "\n")
		}
	}
	return b.String() + "it is not published: mend that, or decide it"
}

const shown = 5 // findings of a message

// Proved is a change whose worlds answer as they must.
type Proved struct {
	m     Merged
	certs []proof.Certificate
	good  map[*zones.Zone]bool // the very zones that were certified
}

// proved is a change with what was certified of it.
func (m Merged) proved(certs []proof.Certificate) Proved {
	p := Proved{m, certs, map[*zones.Zone]bool{}}
	for _, in := range m.claims {
		for _, w := range append(slices.Clone(in.Steps), in.After) {
			for z := range w.All() {
				p.good[z] = true
			}
		}
	}
	return p
}

// Prove decides the change's claims; of a plan the mixtures of neighbouring steps
// too. The error is a *LostError.
func (m Merged) Prove(now time.Time) (Proved, error) {
	var certs []proof.Certificate
	var against []finding.Finding
	for _, f := range m.found {
		if f.Severity >= finding.Block {
			against = append(against, f)
		}
	}
	for _, in := range m.claims {
		var r proof.Report
		if (m.sum == Sum{}) {
			r = proof.Prove(in, proof.Options{Now: now})
		} else {
			var c proof.Certificate
			c, r = proof.Certify(in, proof.Options{Mixture: true, Now: now})
			certs = append(certs, c)
		}
		for _, f := range r.Faults {
			if f.Severity >= finding.Block {
				against = append(against, f.Finding)
			}
		}
	}
	if len(against) > 0 {
		return Proved{}, &LostError{against}
	}
	return m.proved(certs), nil
}

// ErrStale is T-FENCE: what is to be published is not what was proved or approved.
var ErrStale = errors.New("the inputs changed since the plan was made; make and approve it again (hopnhat cutover schedule)")

// Known takes a plan for proved whose certificates were made by Prove, under the
// hash that both have: the hash binds every zone of every step.
func (m Merged) Known(sum Sum, certs []proof.Certificate) (Proved, error) {
	if m.sum != sum || sum == (Sum{}) || len(certs) != len(m.claims) {
		return Proved{}, ErrStale
	}
	for _, c := range certs {
		if c.Verdict != "preserved" {
			return Proved{}, ErrStale
		}
	}
	return m.proved(certs), nil
}

// Certificates say what was proved, one for each claim.
func (p Proved) Certificates() []proof.Certificate { return slices.Clone(p.certs) }

// Sum is the plan's hash.
func (p Proved) Sum() Sum { return p.m.sum }

// Steps are the worlds of the change, in turn.
func (p Proved) Steps() []zones.World { return slices.Clone(p.m.steps) }

// Approved is a change that may be published.
type Approved struct{ p Proved }

// UnapprovedError is a plan that too few have approved.
type UnapprovedError struct {
	Sum        Sum
	Have, Need int
}

func (e *UnapprovedError) Error() string {
	return fmt.Sprintf("the plan is approved by %d of %d people; each of them says: hopnhat cutover approve %.16s", e.Have, e.Need, e.Sum)
}

// ApprovePlan lets a plan on whose hash so many different users agree.
func (p Proved) ApprovePlan(sum Sum, users []int, need int) (Approved, error) {
	if p.m.sum != sum || sum == (Sum{}) {
		return Approved{}, ErrStale
	}
	users = slices.Clone(users)
	slices.Sort(users)
	if n := len(slices.Compact(users)); n < need {
		return Approved{}, &UnapprovedError{sum, n, need}
	}
	return Approved{p}, nil
}

// ApproveEdit lets an edit that the brake lets, or for which somebody has a
// reason. The error is a *BrakeError.
func (p Proved) ApproveEdit(b Brake, reason string) (Approved, error) {
	if p.m.sum != (Sum{}) {
		return Approved{}, ErrStale
	}
	if fs := b.Check(p.m.from, p.m.steps[0]); len(fs) > 0 && reason == "" {
		return Approved{}, &BrakeError{fs}
	}
	return Approved{p}, nil
}

// Compiled is a step that can be published at once. I is what it was compiled to.
type Compiled[I any] struct {
	world  zones.World
	images I
}

// World is what is served when the step is published.
func (c Compiled[I]) World() zones.World { return c.world }

// Compile makes ready the change's step i (from 0). compile gives the images, and
// the world as they answer it: T-DIGEST holds it against what was proved.
func Compile[I any](a Approved, i int, compile func(zones.World) (I, zones.World, error)) (Compiled[I], error) {
	steps := a.p.m.steps
	if i < 0 || i >= len(steps) {
		return Compiled[I]{}, fmt.Errorf("the change has no step %d", i)
	}
	images, w, err := compile(steps[i])
	if err != nil {
		return Compiled[I]{}, err
	}
	if a.p.m.sum != (Sum{}) {
		if err := a.p.certifies(w); err != nil {
			return Compiled[I]{}, err
		}
	}
	return Compiled[I]{w, images}, nil
}

// DigestError is T-DIGEST.
type DigestError struct{ Zone string }

func (e *DigestError) Error() string {
	return fmt.Sprintf("what would be served of %s is not what was certified; make the plan again (hopnhat cutover schedule)", e.Zone)
}

// certifies holds a world against what was certified, to the serial: by the zone
// itself where it is the same value, else by its digest.
func (p Proved) certifies(w zones.World) error {
	type zone struct{ origin, view, sum string }
	certified := map[zone]bool{}
	for _, c := range p.certs {
		for _, zs := range append(slices.Clone(c.Steps), c.Before, c.After) {
			for _, z := range zs {
				certified[zone{z.Origin, z.View, z.ZONEMD}] = true
			}
		}
	}
	for z := range w.All() {
		if !p.good[z] && !certified[zone{z.Origin().String(), string(z.View()), fmt.Sprintf("%x", proof.ZONEMD(z))}] {
			return &DigestError{z.ID().String()}
		}
	}
	return nil
}

// Published is a step that is served.
type Published struct{ world zones.World }

// World is what is served.
func (p Published) World() zones.World { return p.world }

// Publish makes the step what is served (ORDER): fence tells a last time that the
// inputs are those that were looked at, commit puts on disk what a start needs, and
// swap, which cannot fail, turns the listeners.
func (c Compiled[I]) Publish(fence func() error, commit func(zones.World) error, swap func(zones.World, I)) (Published, error) {
	if err := fence(); err != nil {
		return Published{}, err
	}
	if err := commit(c.world); err != nil {
		return Published{}, err
	}
	swap(c.world, c.images)
	return Published{c.world}, nil
}

// Back is the way back that a person takes, to a world that was served before or
// beside which the one that is served was proved. Neither proof nor brake stands in
// its way; a reason must be given.
func Back(from, to zones.World, reason string) (Approved, error) {
	if strings.TrimSpace(reason) == "" {
		return Approved{}, errors.New("going back needs a reason (--why)")
	}
	return Approved{Proved{m: Merged{from: from, steps: []zones.World{to}}}}, nil
}
