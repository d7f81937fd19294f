package cutover

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Kind is what happens at a step.
type Kind int

// The kinds of steps. All but the first are taken in this order.
const (
	Announce Kind = iota // by the end of the day
	Lower                // TTLs go down
	Add                  // what comes is there beside what stands; not of a single step
	Switch               // what points at it changes: the cutover
	Remove               // the rollback window ends: what goes is gone; not of a single step
	Restore              // TTLs are as in the world after; of a single step the window ends here
	Close                // every secondary has them
)

var kinds = [...]string{"announce", "lower", "add", "switch", "remove", "restore", "close"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kinds) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kinds[k]
}

// MarshalText gives the word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes the word.
func (k *Kind) UnmarshalText(b []byte) error {
	i := slices.Index(kinds[:], string(b))
	if i < 0 {
		return fmt.Errorf("%q is no step of a cutover: one of %v is", b, kinds)
	}
	*k = Kind(i)
	return nil
}

// Step is one instant of a timeline, and what is served from it on.
type Step struct {
	Wave  string
	Kind  Kind
	At    time.Time     // TIME-DRAIN; of Announce the day's start
	After time.Duration // no sooner than so long after the step before in the wave was taken
	World zones.World   // with the serials under which it is served
	Held  time.Time     // every secondary that hears from us has the world by then
	Alone time.Time     // one that is cut off has expired what it had by then
}

// Timeline is the steps of all waves. It is immutable; that of no wave has
// nothing to do.
type Timeline struct {
	terms  Terms
	before zones.World
	waves  []wave
	empty  []string
	served []Step // without Announce
	past   int    // of served: before the step that stood when this was planned
	all    []Step // by instant
	sum    *lazySum
}

// wave is what a timeline keeps of a wave with steps.
type wave struct {
	name     string
	at       time.Time // the switch, as it was asked for
	from, to int       // served[from:to]
	rollback time.Duration
	free     bool // a late switch is not missed
}

// Plan computes the timeline of one wave, at Terms.Cutover.
func Plan(row Row, t Terms) (Timeline, error) {
	return PlanWaves([]Wave{{At: t.Cutover, Row: row}}, t)
}

// finish computes what follows from the steps served.
func (l Timeline) finish(notices []Step) Timeline {
	l.all = slices.Concat(notices, l.served)
	slices.SortStableFunc(l.all, func(a, b Step) int { return a.At.Compare(b.At) })
	world := l.before
	for i := range l.all {
		// An announcement after the lowering finds the lowered world served.
		if l.all[i].Kind == Announce {
			l.all[i].World = world
		}
		world = l.all[i].World
	}
	l.sum = new(lazySum)
	return l
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Steps gives all steps by instant, the announcements too.
func (l Timeline) Steps() []Step { return slices.Clone(l.all) }

// Served gives the steps that are taken, in order, of all waves: all but the
// announcements. State and Event.Step count in it.
func (l Timeline) Served() []Step { return slices.Clone(l.served) }

// Step gives the first step of a kind; there is none of Announce where none is
// due, and none of Add and Remove in a single step.
func (l Timeline) Step(k Kind) (Step, bool) {
	i := slices.IndexFunc(l.all, func(s Step) bool { return s.Kind == k })
	if i < 0 {
		return Step{}, false
	}
	return l.all[i], true
}

// Waves names the waves that have steps, in their order.
func (l Timeline) Waves() []string {
	var names []string
	for _, w := range l.waves {
		names = append(names, w.name)
	}
	return names
}

// Empty names the waves that change nothing, and so have no steps.
func (l Timeline) Empty() []string { return slices.Clone(l.empty) }

// At gives the world that is planned for an instant.
func (l Timeline) At(instant time.Time) zones.World {
	w := l.before
	for _, s := range l.served {
		if s.At.After(instant) {
			break
		}
		w = s.World
	}
	return w
}

// Worlds gives for each of Waves the worlds that are served in turn: before,
// those of the steps, after. The serials are those that are served.
func (l Timeline) Worlds() [][]zones.World {
	var all [][]zones.World
	before := l.before
	for _, w := range l.waves {
		row := []zones.World{before}
		for _, s := range l.served[w.from:w.to] {
			if s.Kind != Close {
				row = append(row, s.World)
			}
		}
		all, before = append(all, row), row[len(row)-1]
	}
	return all
}

// wave gives the wave that a served step belongs to.
func (l Timeline) wave(i int) wave {
	return l.waves[slices.IndexFunc(l.waves, func(w wave) bool { return i < w.to })]
}

// TooNearError is a cutover for whose preparation no time is left.
type TooNearError struct {
	Wave              string
	Cutover, Earliest time.Time
	Kind              Kind // the first that would have come before now
}

func (e *TooNearError) Error() string {
	return fmt.Sprintf("the cutover of %s%s is too near (its step %q is already past): the earliest safe one is %s",
		e.Cutover.Format(time.RFC3339), ofWave(e.Wave), e.Kind, e.Earliest.Format(time.RFC3339))
}

func ofWave(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (wave %q)", name)
}

// Start tells whether the timeline can be started now, with nothing done yet:
// nil, or a *TooNearError with the earliest safe cutover of the wave that
// comes too soon.
func (l Timeline) Start(now time.Time) error { return l.start(now, 0) }

// start is Start where the first n steps, all of some waves, were taken. What is
// announced of later waves was looked at when the first one started.
func (l Timeline) start(now time.Time, n int) error {
	for _, s := range l.all {
		if n > 0 && (s.Kind == Announce || slices.ContainsFunc(l.served[:n], func(o Step) bool { return o.Wave == s.Wave })) {
			continue
		}
		end := s.At
		if s.Kind == Announce {
			end = s.At.AddDate(0, 0, 1).Add(-1)
		}
		if now.After(end) {
			w := l.waves[slices.IndexFunc(l.waves, func(w wave) bool { return w.name == s.Wave })]
			return &TooNearError{w.name, w.at, l.earliest(w, now), s.Kind}
		}
	}
	return nil
}

// earliest is the first cutover of a wave, for the same worlds, that Start takes.
func (l Timeline) earliest(w wave, now time.Time) time.Time {
	c := now.In(w.at.Location())
	today := midnight(c)
	for _, s := range l.served[w.from:w.to] {
		if s.Kind == Add || s.Kind == Switch {
			c = c.Add(s.After)
		}
	}
	if l.terms.Notice > 0 {
		for noticeDay(c, l.terms.Notice, l.terms.Holidays).Before(today) {
			c = midnight(c).AddDate(0, 0, 1)
		}
	}
	return c
}

// errNoWave says that a plan was asked for of nothing.
var errNoWave = errors.New("a plan of no wave: give at least one")
