package cutover

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Terms is what a timeline is computed from beside the worlds.
type Terms struct {
	Cutover time.Time // the first server serves what is new; its zone is that of all days
	// Refresh, Retry and Expire are the secondaries' own where they differ
	// from the SOAs'; of both the longest counts.
	Refresh, Retry, Expire time.Duration
	Parent                 time.Duration // longest TTL at the parents of what changes there: NS, DS, glue, their negative answers
	Low                    time.Duration // no TTL is higher around the cutover
	Rollback               time.Duration // after the cutover, TTLs stay low so that going back is quick
	Grace                  time.Duration // so much later the switch may still be made
	Notice                 int           // whole working days between the announcement and the cutover; 0: none is due
	Holidays               []time.Time   // only their dates count
}

// Kind is what happens at a step.
type Kind int

// The kinds of steps. All but the first are taken in this order.
const (
	Announce Kind = iota // by the end of the day
	Lower                // TTLs go down
	Add                  // what comes is there beside what stands
	Switch               // what points at it changes: the cutover
	Remove               // what goes is gone
	Restore              // TTLs are as in the world after
	Close                // the rollback window ends
)

func (k Kind) String() string {
	return [...]string{"announce", "lower", "add", "switch", "remove", "restore", "close"}[k]
}

// Step is one instant of a timeline, and what is served from it on.
type Step struct {
	Kind  Kind
	At    time.Time     // TIME-DRAIN; of Announce the day's start
	After time.Duration // no sooner than so long after the step of the kind before was taken
	World zones.World
	Held  time.Time // every secondary that hears from us has the world by then
	Alone time.Time // one that is cut off has expired what it had by then
}

// Timeline is the steps by instant. It is immutable.
type Timeline struct {
	terms Terms
	steps []Step
}

// TermError is a term that no timeline can be computed from.
type TermError struct{ Term, Want string }

func (e *TermError) Error() string { return "the cutover's " + e.Term + " must be " + e.Want }

// TooNearError is a cutover for whose preparation no time is left.
type TooNearError struct {
	Cutover, Earliest time.Time
	Kind              Kind // the first that would have come before now
}

func (e *TooNearError) Error() string {
	return fmt.Sprintf("the cutover of %s is too near (its step %q is already past): the earliest safe one is %s",
		e.Cutover.Format(time.RFC3339), e.Kind, e.Earliest.Format(time.RFC3339))
}

const longest = zones.MaxTTL * time.Second

func (t Terms) fault() error {
	var errs []error
	want := func(ok bool, term, what string) {
		if !ok {
			errs = append(errs, &TermError{term, what})
		}
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"refresh", t.Refresh}, {"retry", t.Retry}, {"expire", t.Expire}, {"parent's TTL", t.Parent}, {"rollback window", t.Rollback}, {"grace", t.Grace}} {
		want(d.d >= 0 && d.d <= longest, d.name, "from 0 to 2147483647 s")
	}
	want(t.Low >= time.Second && t.Low <= longest && t.Low%time.Second == 0, "low TTL", "whole seconds from 1 to 2147483647")
	want(t.Notice >= 0 && t.Notice <= 366, "notice", "from 0 to 366 working days")
	want(!t.Cutover.IsZero(), "instant", "given")
	return errors.Join(errs...)
}

// Plan computes the timeline backwards and forwards from the cutover
// (TIME-DRAIN). Whether there is still time for it, Start tells.
func Plan(row Row, t Terms) (Timeline, error) {
	if err := t.fault(); err != nil {
		return Timeline{}, err
	}
	touched := row.touched()
	var low Row
	for i, w := range row {
		var err error
		if low[i], err = lowered(w, uint32(t.Low/time.Second), touched); err != nil {
			return Timeline{}, err
		}
	}
	refresh, retry, expire := t.Refresh, t.Retry, t.Expire
	for _, w := range row {
		for z := range w.All() {
			s := z.SOA()
			refresh, retry, expire = max(refresh, seconds(s.Refresh)), max(retry, seconds(s.Retry)), max(expire, seconds(s.Expire))
		}
	}
	lag := refresh + retry
	lower := Step{Kind: Lower, World: low[0]}
	add := Step{Kind: Add, World: low[1], After: lag + drain(row[0], touched)}
	turn := Step{Kind: Switch, World: low[2], After: lag + max(drain(low[0], touched), t.Parent), At: t.Cutover}
	remove := Step{Kind: Remove, World: low[3], After: lag + max(drain(low[1], touched), t.Parent)}
	restore := Step{Kind: Restore, World: row[3], After: lag + drain(low[2], touched)}
	end := Step{Kind: Close, World: row[3]}
	add.At = turn.At.Add(-turn.After)
	lower.At = add.At.Add(-add.After)
	remove.At = turn.At.Add(remove.After)
	restore.At = later(remove.At.Add(restore.After), turn.At.Add(t.Rollback))
	end.At = restore.At
	steps := []Step{lower, add, turn, remove, restore, end}
	if t.Notice > 0 {
		steps = append([]Step{{Kind: Announce, World: row[0], At: noticeDay(t.Cutover, t.Notice, t.Holidays)}}, steps...)
	}
	for i := range steps {
		s := &steps[i]
		if s.Held, s.Alone = s.At.Add(lag), s.At.Add(max(lag, expire)); s.Kind == Announce || s.Kind == Close {
			s.Held, s.Alone = s.At, s.At // nothing new is served
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	// An announcement after the lowering finds the lowered world served.
	for i := 1; i < len(steps); i++ {
		if steps[i].Kind == Announce {
			steps[i].World = steps[i-1].World
		}
	}
	t.Holidays = slices.Clone(t.Holidays)
	return Timeline{t, steps}, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Steps gives the steps by instant.
func (l Timeline) Steps() []Step { return slices.Clone(l.steps) }

// Step gives the step of a kind; there is none of Announce where none is due.
func (l Timeline) Step(k Kind) (Step, bool) {
	i := slices.IndexFunc(l.steps, func(s Step) bool { return s.Kind == k })
	if i < 0 {
		return Step{}, false
	}
	return l.steps[i], true
}

// Start tells whether the timeline can be started now, with nothing done yet:
// nil, or a *TooNearError with the earliest safe cutover.
func (l Timeline) Start(now time.Time) error {
	for _, s := range l.steps {
		end := s.At
		if s.Kind == Announce {
			end = s.At.AddDate(0, 0, 1).Add(-1)
		}
		if now.After(end) {
			return &TooNearError{l.terms.Cutover, l.earliest(now), s.Kind}
		}
	}
	return nil
}

// earliest is the first cutover, for the same worlds, that Start takes.
func (l Timeline) earliest(now time.Time) time.Time {
	c := now.In(l.terms.Cutover.Location())
	today := midnight(c)
	for _, k := range []Kind{Add, Switch} {
		s, _ := l.Step(k)
		c = c.Add(s.After)
	}
	if l.terms.Notice > 0 {
		for noticeDay(c, l.terms.Notice, l.terms.Holidays).Before(today) {
			c = midnight(c).AddDate(0, 0, 1)
		}
	}
	return c
}

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

// State tells how the timeline stands now, given when the steps that change
// what is served were taken, in their order from Lower on. A step that came
// late makes the next ones late; a switch that would come more than the grace
// after the cutover is missed (TIME-MISSED).
func (l Timeline) State(now time.Time, taken ...time.Time) State {
	if len(taken) > int(Close-Lower) {
		return State{Phase: Done}
	}
	next, ok := l.Step(Lower + Kind(len(taken)))
	if !ok {
		return State{Phase: Missed} // of the zero Timeline
	}
	at := next.At
	if n := len(taken); n > 0 {
		at = later(at, taken[n-1].Add(next.After))
	}
	if next.Kind <= Switch {
		turn := later(at, now)
		for k := next.Kind + 1; k <= Switch; k++ {
			s, _ := l.Step(k)
			turn = later(s.At, turn.Add(s.After))
		}
		if turn.After(l.terms.Cutover.Add(l.terms.Grace)) {
			return State{Missed, next, at}
		}
	}
	if now.Before(at) {
		return State{Waiting, next, at}
	}
	return State{Due, next, at}
}
