package cutover

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Do is what is to be done now.
type Do int

// What can be done.
const (
	DoNothing Do = iota // nothing is scheduled, or it was aborted or rolled back
	DoWait              // until an instant
	DoTake              // take the step
	DoHold              // nothing, until somebody does what Why asks for
	DoMissed            // as DoHold: the switch is missed; a new date, or Forced
	DoDone              // all steps are taken
)

func (d Do) String() string {
	return [...]string{"nothing", "wait", "take", "hold", "missed", "done"}[d]
}

// Decision is what a director does now.
type Decision struct {
	Do   Do
	Step int       // the next one, in Served; not of nothing and done, nor where the plan is another
	Next Step      // that step
	At   time.Time // when it can be taken
	Why  string    // of nothing, hold and missed
}

// Next decides what is to be done now with the plan l, where need different
// people must approve of it (LOG-SAFE).
func (p Progress) Next(l Timeline, now time.Time, need int) Decision {
	switch {
	case p.Plan.IsZero():
		return Decision{Why: "nothing is scheduled"}
	case !p.Aborted.IsZero():
		return Decision{Why: "the plan was aborted; schedule anew"}
	case !p.RolledBack.IsZero():
		return Decision{Why: "the plan was rolled back; schedule anew"}
	}
	on, taken, err := p.On(l)
	switch {
	case err == nil && len(taken) > 0 && len(taken) == len(on.served):
		return Decision{Do: DoDone} // of whatever plan: nothing is left of it
	case l.Sum() != p.Plan:
		return Decision{Do: DoHold, Why: "the plan is not the one that was scheduled; schedule anew"}
	case err != nil:
		return Decision{Do: DoHold, Why: err.Error()}
	}
	n := len(taken)
	s := on.state(now, taken, p.earliest(on, n))
	d := Decision{DoWait, n, s.Next, s.At, ""}
	switch {
	case p.Hold != nil:
		d.Do, d.Why = DoHold, p.Hold.Why
	case s.Phase == Missed:
		d.Do, d.Why = DoMissed, fmt.Sprintf("the switch of %s was not made in time; set a new date and schedule, or switch now", on.wave(n).at.Format(time.RFC3339))
	case s.Phase == Waiting:
	case len(p.Approvals) < need:
		d.Do, d.Why = DoHold, fmt.Sprintf("the plan has %d of %d approvals", len(p.Approvals), need)
	case n > 0 && !p.Verified && on.served[n-1].Kind != Close:
		d.Do, d.Why = DoHold, fmt.Sprintf("the step %q was not verified yet", on.served[n-1].Kind)
	default:
		d.Do = DoTake
	}
	return d
}

// On gives the plan as it is carried out, with what was forced, and when its
// first steps were taken: those of Served up to the kind that the wave under
// way stands at. An error says that the plan cannot follow what was taken.
func (p Progress) On(l Timeline) (Timeline, []time.Time, error) {
	taken, err := taken(p.Past, l)
	if err != nil || p.ForcedAt.IsZero() {
		return l, taken, err
	}
	first := instants(p.Past[:p.forced], l)
	return l.forced(later(p.ForcedAt, p.until), len(first), taken), taken, nil
}

// taken gives the instants of the steps of a plan that were taken, which must
// be its first ones.
func taken(past []Past, l Timeline) ([]time.Time, error) {
	at := instants(past, l)
	for _, s := range l.served[len(at):] {
		if _, ok := covers(past, s); ok {
			n := l.served[len(at)]
			return nil, fmt.Errorf("the plan has the step %q%s before others that were taken; schedule what goes on from them", n.Kind, ofWave(n.Wave))
		}
	}
	if n := len(past); n > 0 && past[n-1].Kind != Close && !slices.Contains(l.Waves(), past[n-1].Wave) {
		return nil, fmt.Errorf("the plan lacks the wave %s, which is under way; schedule one that has it, or abort", quoted(past[n-1].Wave))
	}
	return at, nil
}

// instants is taken of the plan's steps up to the first that was not.
func instants(past []Past, l Timeline) (at []time.Time) {
	for _, s := range l.served {
		t, ok := covers(past, s)
		if !ok {
			break
		}
		at = append(at, t)
	}
	return at
}

// covers tells whether a step counts as taken, and since when: its wave took a
// step of its kind, or of a later one.
func covers(past []Past, s Step) (at time.Time, ok bool) {
	for _, d := range past {
		if d.Wave != s.Wave {
			continue
		}
		if d.Kind <= s.Kind || at.IsZero() {
			at = d.At
		}
		ok = ok || d.Kind >= s.Kind
	}
	return at, ok
}

// earliest is the instant before which step n cannot be taken because of what
// was published so far (LOG-EDIT).
func (p Progress) earliest(l Timeline, n int) time.Time {
	if n >= len(l.served) || l.served[n].Kind == Lower {
		return time.Time{}
	}
	return p.until
}

// NotNowError is something that cannot be done now.
type NotNowError struct {
	What, Why string
	Earliest  time.Time // zero: not by waiting
}

func (e *NotNowError) Error() string {
	if e.Earliest.IsZero() {
		return fmt.Sprintf("%s: not possible: %s", e.What, e.Why)
	}
	return fmt.Sprintf("%s: not possible before %s: %s", e.What, e.Earliest.Format(time.RFC3339), e.Why)
}

// may tells whether the log could go on with an event.
func (p Progress) may(what string, e Event) error {
	e.At = p.Now
	if why := p.take(e); why != "" {
		return &NotNowError{What: what, Why: why}
	}
	return nil
}

// MayAbort tells whether a plan can be given up, and where a wave of it is under
// way (UnderWay) the world before that be served again. After a rollback that waits
// until nobody holds what the switch served.
func (p Progress) MayAbort(l Timeline, now time.Time) error {
	if err := p.may("abort", Event{Kind: Aborted}); err != nil {
		return err
	}
	switch _, taken, err := p.On(l); {
	case err == nil && len(taken) > 0 && len(taken) == len(l.served):
		return &NotNowError{What: "abort", Why: "all steps are taken; a record comes back by hopnhat zone edit, a version of a zone by hopnhat zone restore"}
	case p.turned && now.Before(p.until):
		return &NotNowError{"abort", "caches may still hold what the switch served", p.until}
	}
	return nil
}

// MayRollback tells whether what Add served can be served again: from the
// switch until the step after it is taken.
func (p Progress) MayRollback() error { return p.may("rollback", Event{Kind: RolledBack}) }

// MayForce tells whether the wave at hand can be switched without its date.
// The earliest instant of each step is then that of Timeline.Forced.
func (p Progress) MayForce() error {
	if p.Hold != nil {
		return &NotNowError{What: "switch now", Why: "it is held (" + p.Hold.Why + "); release it first"}
	}
	return p.may("switch now", Event{Kind: Forced, Plan: p.Plan})
}

// MayApprove tells whether somebody can approve of a plan.
func (p Progress) MayApprove(plan Hash, uid int) error {
	if p.approved(uid) && plan == p.Plan {
		i := slices.IndexFunc(p.Approvals, func(a Approval) bool { return a.UID == uid })
		return &NotNowError{What: "approve", Why: p.Approvals[i].Who + " has approved of this plan, and counts once"}
	}
	return p.may("approve", Event{Kind: Approved, Plan: plan, UID: uid})
}

// MayHold tells whether there is something to hold that is not held yet.
func (p Progress) MayHold() error {
	switch {
	case p.Hold != nil:
		return &NotNowError{What: "hold", Why: "it is held: " + p.Hold.Why}
	case p.Plan.IsZero() || p.over():
		return &NotNowError{What: "hold", Why: "nothing is scheduled"}
	}
	return p.may("hold", Event{Kind: Held})
}

// MayRelease tells whether something is held.
func (p Progress) MayRelease() error { return p.may("release", Event{Kind: Released}) }

// MayStart tells whether there is time for a plan that is scheduled now: before the
// first step of the wave at hand that is as for Timeline.Start; and a switch that
// was rolled back wants a new date.
func (p Progress) MayStart(l Timeline, now time.Time) error {
	on, taken, err := p.On(l)
	if err != nil {
		return err
	}
	last, under := p.last()
	if !under {
		return l.start(now, len(taken))
	}
	for _, s := range l.served {
		if !p.RolledBack.IsZero() && s.Wave == last.Wave && s.Kind == Switch && !s.At.After(now) {
			return &NotNowError{What: "schedule", Why: "the switch of " + s.At.Format(time.RFC3339) + ofWave(s.Wave) + " was rolled back; write a new date for it"}
		}
	}
	if on.state(now, taken, p.earliest(on, len(taken))).Phase == Missed {
		return &NotNowError{What: "schedule", Why: "the switch cannot be made in time after what was done so far; write a later date, or say hopnhat cutover now"}
	}
	return nil
}

// MaySchedule tells whether a plan can follow what was taken.
func (p Progress) MaySchedule(l Timeline) error {
	if err := p.may("schedule", Event{Kind: Scheduled, Plan: l.Sum()}); err != nil {
		return err
	}
	if _, err := taken(p.Past, l); err != nil {
		return &NotNowError{What: "schedule", Why: err.Error()}
	}
	return nil
}

// Standing is what a plan that is made now goes on from (Terms.Standing),
// given what is served.
func (p Progress) Standing(served zones.World) *Standing {
	last, _ := p.last()
	return &Standing{last.Wave, last.Kind, served}
}

func quoted(s string) string { return strconv.Quote(s) }
