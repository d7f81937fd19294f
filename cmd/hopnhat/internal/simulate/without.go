package simulate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

// Protection is a part of a timeline that can be left out, to see what it is
// there for.
type Protection string

// The protections.
const (
	Lowering  Protection = "lowering"  // TTLs are as before; the instants stay
	Additions Protection = "additions" // nothing is added before the switch
	Negatives Protection = "negative"  // the SOAs' TTLs stay, by which absence is kept
	Waits     Protection = "waits"     // the steps up to Remove follow each other within minutes
	OldOnes   Protection = "parent"    // the old servers go off within minutes of the switch
)

// Protections are all of them.
func Protections() []Protection {
	return []Protection{Lowering, Additions, Negatives, Waits, OldOnes}
}

// hurried is how far the steps lie apart without waits.
const hurried = time.Minute

// Planned is what a timeline serves in turn, from the world before on.
func Planned(before zones.World, l cutover.Timeline) []Served {
	out := []Served{{World: before}}
	for _, s := range l.Served() {
		if s.Kind != cutover.Close {
			out = append(out, Served{s.At, s.World})
		}
	}
	return out
}

// Without is the simulation of a timeline with a protection left out; what was
// promised stays. The waves are those of the timeline.
func (in Input) Without(ws []cutover.Wave, l cutover.Timeline, p Protection) (Input, error) {
	in.Served = in.Served[:1:1]
	var turn cutover.Step
	for _, s := range l.Served() {
		if s.Kind == cutover.Close || s.Kind == cutover.Add && p == Additions {
			continue
		}
		if turn.Wave != s.Wave || turn.At.IsZero() {
			turn = ofWave(l, s.Wave, cutover.Switch)
		}
		w := ws[slices.IndexFunc(ws, func(w cutover.Wave) bool { return w.Name == s.Wave })]
		step, err := Served{s.At, s.World}, error(nil)
		switch i := slices.Index([]cutover.Kind{cutover.Lower, cutover.Add, cutover.Switch, cutover.Remove}, s.Kind); {
		case i < 0:
		case p == Lowering:
			step.World, err = raised(s.World, w.Row[i], func(zones.Type) bool { return true })
		case p == Negatives:
			step.World, err = raised(s.World, w.Row[i], func(t zones.Type) bool { return t == zones.TypeSOA })
		case p == Waits:
			step.At = turn.At.Add(time.Duration(s.Kind-cutover.Switch) * hurried)
		}
		if err != nil {
			return in, err
		}
		in.Served = append(in.Served, step)
	}
	switch p {
	case Lowering, Additions, Negatives, Waits:
	case OldOnes:
		if in.Parent.Change.IsZero() {
			return in, errors.New("nothing changes at the parent zone, so there is nothing to leave out")
		}
		in.Parent.Off = in.Parent.Change.Add(hurried)
	default:
		return in, fmt.Errorf("no protection is called %q: there are %v", p, Protections())
	}
	return in, nil
}

// ofWave gives a wave's step of a kind.
func ofWave(l cutover.Timeline, wave string, k cutover.Kind) cutover.Step {
	steps := l.Served()
	i := slices.IndexFunc(steps, func(s cutover.Step) bool { return s.Wave == wave && s.Kind == k })
	if i < 0 {
		return cutover.Step{}
	}
	return steps[i]
}

// raised is a lowered world whose RRsets of some types have the TTLs of the
// world that it was made of.
func raised(low, of zones.World, types func(zones.Type) bool) (zones.World, error) {
	var zs []*zones.Zone
	for z := range low.All() {
		o := of.Zone(z.ID())
		b := zones.NewBuilder(z.ID())
		for r := range z.Records() {
			if o != nil && types(r.Type) {
				if s, ok := o.Lookup(r.Owner, r.Type); ok {
					r.TTL = s.TTL()
				}
			}
			b.Add(r)
		}
		z, err := b.Freeze()
		if err != nil {
			return zones.World{}, err
		}
		zs = append(zs, z)
	}
	return zones.NewWorld(zs...)
}
