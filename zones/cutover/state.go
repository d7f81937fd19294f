package cutover

import (
	"slices"
	"time"
)

// Phase is how a timeline stands.
type Phase int

// The phases.
const (
	Waiting Phase = iota // for the next step's instant
	Due                  // the next step is to be taken now
	Missed               // the switch was not made and can't be any more: nothing goes on by itself
	Done
)

func (p Phase) String() string { return [...]string{"waiting", "due", "missed", "done"}[p] }

// State is how a timeline stands at an instant.
type State struct {
	Phase Phase
	Next  Step      // not of Done; of Missed the first that was not taken
	At    time.Time // when Next can be taken, by when the last was
}

// State tells how the timeline stands now, given when the steps of Served were
// taken, from the first on. A step that came late makes the next ones late; a
// switch that would come more than the grace after its instant is missed, and
// the waves behind it wait (TIME-MISSED).
func (l Timeline) State(now time.Time, taken ...time.Time) State {
	return l.state(now, taken, time.Time{})
}

// state is State where the next step also comes no sooner than an instant.
func (l Timeline) state(now time.Time, taken []time.Time, earliest time.Time) State {
	n := len(taken)
	if n >= len(l.served) {
		return State{Phase: Done}
	}
	next, w := l.served[n], l.wave(n)
	at := later(next.At, earliest)
	if n > 0 {
		at = later(at, taken[n-1].Add(next.After))
	}
	if next.Kind <= Switch && !w.free {
		turn := later(at, now)
		for _, s := range l.served[n+1 : w.to] {
			if s.Kind <= Switch {
				turn = later(s.At, turn.Add(s.After))
			}
		}
		if turn.After(w.at.Add(l.terms.Grace)) {
			return State{Missed, next, at}
		}
	}
	if now.Before(at) {
		return State{Waiting, next, at}
	}
	return State{Due, next, at}
}

// Forced is the timeline when the wave at hand is not to wait for its date:
// the same steps, each as early as is safe from now on, given when the first
// ones were taken. Its switch is never missed. The waves behind keep their
// dates.
func (l Timeline) Forced(now time.Time, taken ...time.Time) Timeline {
	return l.forced(now, len(taken), taken)
}

// forced is Forced of the wave that step n, the first that was not taken when
// it was forced, belongs to.
func (l Timeline) forced(now time.Time, n int, taken []time.Time) Timeline {
	if n >= len(l.served) {
		return l
	}
	w := l.wave(n)
	at := make([]time.Time, 0, w.to-w.from)
	var turn time.Time
	for i, s := range l.served[w.from:w.to] {
		k := w.from + i
		switch {
		case k < len(taken):
			s.At = taken[k]
		case i == 0:
			s.At = later(now, last(taken))
		default:
			s.At = later(now, at[i-1].Add(s.After))
			if !turn.IsZero() && l.served[k-1].Kind == Switch {
				s.At = later(s.At, turn.Add(w.rollback))
			}
		}
		if s.Kind == Switch {
			turn = s.At
		}
		at = append(at, s.At)
	}
	w.at, w.free = turn, true
	return l.moved(func(k int) (time.Time, time.Duration) {
		if k < w.from || k >= w.to {
			return l.served[k].At, l.served[k].After
		}
		return at[k-w.from], l.served[k].After
	}, func(o wave) wave {
		if o.name == w.name {
			return w
		}
		return o
	})
}

func last(ts []time.Time) (t time.Time) {
	if len(ts) > 0 {
		t = ts[len(ts)-1]
	}
	return t
}

// Rehearsed is the timeline for a rehearsal: the same worlds, the first switch
// at an instant, and gaps in place of the waits. What comes before that switch
// begins no sooner than start and moves together where there is no room. It
// announces nothing, and no switch of it is missed.
func (l Timeline) Rehearsed(start time.Time, gap time.Duration, switchAt time.Time) Timeline {
	turn := slices.IndexFunc(l.served, func(s Step) bool { return s.Kind == Switch })
	if turn < 0 {
		return l
	}
	switchAt = later(switchAt, start)
	before := min(gap, switchAt.Sub(start)/time.Duration(turn))
	instant := func(k int) time.Time {
		if k < turn {
			return switchAt.Add(-time.Duration(turn-k) * before)
		}
		return switchAt.Add(time.Duration(k-turn) * gap)
	}
	m := l.moved(func(k int) (time.Time, time.Duration) { return instant(k), 0 }, func(w wave) wave {
		for k := w.from; k < w.to; k++ {
			if l.served[k].Kind == Switch {
				w.at = instant(k)
			}
		}
		w.rollback, w.free = 0, true
		return w
	})
	for k := range m.served {
		m.served[k].Held, m.served[k].Alone = m.served[k].At, m.served[k].At
	}
	return m.finish(nil)
}

// moved is the timeline with other instants.
func (l Timeline) moved(at func(int) (time.Time, time.Duration), change func(wave) wave) Timeline {
	var notices []Step
	for _, s := range l.all {
		if s.Kind == Announce {
			notices = append(notices, s)
		}
	}
	l.served, l.waves = slices.Clone(l.served), slices.Clone(l.waves)
	for k := range l.served {
		s := &l.served[k]
		held, alone := s.Held.Sub(s.At), s.Alone.Sub(s.At)
		s.At, s.After = at(k)
		s.Held, s.Alone = s.At.Add(held), s.At.Add(alone)
	}
	for i := range l.waves {
		l.waves[i] = change(l.waves[i])
	}
	return l.finish(notices)
}
