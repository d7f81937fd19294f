package cutover

import (
	"fmt"
	"slices"
	"time"
)

// Past is a step that counts as taken.
type Past struct {
	Wave string
	Kind Kind
	At   time.Time
}

// Hold is a stop of all that goes on by itself.
type Hold struct {
	Why, Who string
	Since    time.Time
}

// Approval is a person's word for the plan.
type Approval struct {
	UID int
	Who string
	At  time.Time
}

// Progress is where a cutover stands by its log. The zero value is that of an
// empty log. It is immutable.
type Progress struct {
	Plan        Hash // zero: nothing is scheduled
	ScheduledAt time.Time
	ScheduledBy string
	Approvals   []Approval // of this plan, one of each uid
	Past        []Past     // since the last close; after a rollback Lower and Add of the wave, as of then
	Verified    bool       // what a step published last was found so from outside
	Hold        *Hold
	Aborted     time.Time // zero, or since when: nothing is due until a plan is scheduled again
	RolledBack  time.Time // the same
	ForcedAt    time.Time // zero, or since when the wave at hand does not wait for its date
	Published   Event     // the last event that published something
	Now         time.Time // of the last event; where a clock was set back that of the latest

	forced int       // of Past, when it was forced
	until  time.Time // nobody holds anything but what is served from then on (LOG-EDIT)
	turned bool      // what is served came by a rollback
}

// Fold reads a log. With an error, an *EventError, it gives what the events
// before that one lead to.
func Fold(es []Event) (Progress, error) {
	var p Progress
	for i, e := range es {
		n, why := p.after(e)
		if why != "" {
			return p, &EventError{i, e, why}
		}
		p = n
	}
	return p, nil
}

// After is where a cutover stands when one more event has come. An error says why it
// cannot have come.
func (p Progress) After(e Event) (Progress, error) {
	n, why := p.after(e)
	if why != "" {
		return p, fmt.Errorf("%s: %s", e.Kind, why)
	}
	return n, nil
}

// after is After, with the reason alone.
func (p Progress) after(e Event) (n Progress, why string) {
	n = p
	n.Now = later(p.Now, e.At)
	if e.At.IsZero() {
		return n, "it has no instant"
	}
	return n, n.take(e)
}

// take changes p by an event, or tells why that cannot have come.
func (p *Progress) take(e Event) string {
	switch e.Kind {
	case Scheduled:
		return p.schedule(e)
	case Approved:
		return p.approve(e)
	case Taken:
		return p.step(e)
	case Verified:
		return p.verify(e)
	case Held:
		p.hold(e)
		return ""
	case Released:
		if p.Hold == nil {
			return "nothing was held"
		}
		p.Hold = nil
		return ""
	case Aborted:
		return p.abort(e)
	case RolledBack:
		return p.back(e)
	case Forced:
		return p.force(e)
	case Edited:
		p.publish(e)
		return ""
	case Closed:
		return p.end(e)
	}
	return "no such kind of event is known"
}

// last is the last step taken; ok is false where no wave is under way.
func (p *Progress) last() (last Past, ok bool) {
	if n := len(p.Past); n > 0 {
		last = p.Past[n-1]
	}
	return last, len(p.Past) > 0 && last.Kind != Close
}

// UnderWay tells whether a wave was begun and is not closed.
func (p Progress) UnderWay() bool {
	_, under := p.last()
	return under
}

// over tells whether the plan was aborted or rolled back.
func (p *Progress) over() bool { return !p.Aborted.IsZero() || !p.RolledBack.IsZero() }

// current tells why an event of a plan does not fit the one that is scheduled.
func (p *Progress) current(plan Hash) string {
	switch {
	case p.Plan.IsZero():
		return "nothing is scheduled"
	case plan != p.Plan:
		return "it is of the plan " + plan.String() + ", and " + p.Plan.String() + " is scheduled"
	case !p.Aborted.IsZero():
		return "the plan was aborted"
	case !p.RolledBack.IsZero():
		return "the plan was rolled back"
	}
	return ""
}

func (p *Progress) schedule(e Event) string {
	switch {
	case e.Plan.IsZero():
		return "it names no plan"
	case e.Plan == p.Plan && p.over():
		return "the plan was aborted or rolled back, and its serials are spent"
	case e.Plan == p.Plan:
		return "" // the same plan: approvals stand
	}
	p.Plan, p.ScheduledAt, p.ScheduledBy, p.Approvals = e.Plan, p.Now, e.Who, nil
	p.Aborted, p.RolledBack, p.ForcedAt, p.forced = time.Time{}, time.Time{}, time.Time{}, 0
	return ""
}

func (p *Progress) approve(e Event) string {
	if why := p.current(e.Plan); why != "" {
		return why
	}
	if !p.approved(e.UID) {
		p.Approvals = append(slices.Clip(p.Approvals), Approval{e.UID, e.Who, p.Now})
	}
	return ""
}

func (p *Progress) approved(uid int) bool {
	return slices.ContainsFunc(p.Approvals, func(a Approval) bool { return a.UID == uid })
}

func (p *Progress) step(e Event) string {
	if why := p.current(e.Plan); why != "" {
		return why
	}
	last, under := p.last()
	switch {
	case p.Hold != nil:
		return "it was held: " + p.Hold.Why
	case e.What < Lower || e.What > Close:
		return "it takes no step"
	case under && e.Wave != last.Wave:
		return "the wave before it, " + quoted(last.Wave) + ", has not ended"
	case under && e.What <= last.Kind:
		return "the step " + last.Kind.String() + " was taken before"
	case !under && e.What != Lower:
		return "a wave begins with the step " + Lower.String()
	case !under && slices.ContainsFunc(p.Past, func(s Past) bool { return s.Wave == e.Wave }):
		return "the wave " + quoted(e.Wave) + " has ended"
	}
	p.Past = append(slices.Clip(p.Past), Past{e.Wave, e.What, p.Now})
	p.publish(e)
	p.Verified, p.turned = false, false
	return ""
}

func (p *Progress) verify(e Event) string {
	if p.Published.Kind == "" {
		return "nothing was published"
	}
	if p.Verified = e.OK; !e.OK {
		p.hold(e)
	}
	return ""
}

// hold keeps the first reason.
func (p *Progress) hold(e Event) {
	if p.Hold == nil {
		p.Hold = &Hold{e.Why, e.Who, p.Now}
	}
}

func (p *Progress) abort(e Event) string {
	last, under := p.last()
	switch {
	case p.Plan.IsZero():
		return "nothing is scheduled"
	case !p.Aborted.IsZero():
		return "the plan was aborted before"
	case under && last.Kind >= Switch:
		return "the switch was made; the way back is to roll back"
	}
	p.drop(last.Wave, under)
	p.Aborted, p.RolledBack, p.ForcedAt, p.Hold = p.Now, time.Time{}, time.Time{}, nil
	p.turned = false
	if under { // otherwise a plan is given up of which nothing is served
		p.publish(e)
		p.Verified = false
	}
	return ""
}

func (p *Progress) back(e Event) string {
	last, under := p.last()
	switch {
	case p.Plan.IsZero():
		return "nothing is scheduled"
	case last.Kind > Switch:
		return "the rollback window has ended: the step " + last.Kind.String() + " was taken"
	case !under || last.Kind < Switch:
		return "the switch was not made"
	}
	p.drop(last.Wave, under)
	p.Past = append(p.Past, Past{last.Wave, Lower, p.Now}, Past{last.Wave, Add, p.Now})
	p.RolledBack, p.ForcedAt, p.Hold = p.Now, time.Time{}, nil
	p.publish(e)
	p.Verified, p.turned = false, true
	return ""
}

// drop forgets the steps of the wave under way.
func (p *Progress) drop(wave string, under bool) {
	p.Past = slices.Clone(p.Past)
	if under {
		p.Past = slices.DeleteFunc(p.Past, func(s Past) bool { return s.Wave == wave })
	}
}

func (p *Progress) force(e Event) string {
	if why := p.current(e.Plan); why != "" {
		return why
	}
	if last, under := p.last(); under && last.Kind >= Switch {
		return "the switch was made"
	}
	p.ForcedAt, p.forced = p.Now, len(p.Past)
	return ""
}

// publish notes what an event publishes, and how long what it replaced counts.
func (p *Progress) publish(e Event) {
	p.until, p.Published = later(p.until, p.Now.Add(e.Drain)), e
}

func (p *Progress) end(e Event) string {
	if last, under := p.last(); under {
		return "the wave " + quoted(last.Wave) + " has not ended"
	}
	*p = Progress{Hold: p.Hold, Published: p.Published, Now: p.Now, until: p.until}
	return ""
}
