package cutover

import (
	"fmt"
	"time"
)

// EventKind is what happened to a cutover.
type EventKind string

// The kinds of events.
const (
	Scheduled  EventKind = "scheduled"  // a plan was made; from now on it is the plan
	Approved   EventKind = "approved"   // somebody approved the plan
	Taken      EventKind = "taken"      // a step is served
	Verified   EventKind = "verified"   // what is served was asked for from outside
	Held       EventKind = "held"       // nothing goes on by itself
	Released   EventKind = "released"   // it goes on
	Aborted    EventKind = "aborted"    // before the switch: the world before is served again
	RolledBack EventKind = "rolledback" // after it: what Add served is served again
	Forced     EventKind = "forced"     // the wave at hand does not wait for its date
	Edited     EventKind = "edited"     // an edit was published in the world that is served
	Closed     EventKind = "closed"     // all is done, or the plan is given up; the next one starts anew
)

// Event is one line of the log. What a kind of event does not need may be
// there and says nothing.
type Event struct {
	Kind EventKind `json:"kind"`
	At   time.Time `json:"at"`
	Who  string    `json:"who,omitempty"`
	UID  int       `json:"uid"`
	Why  string    `json:"why,omitempty"`
	Plan Hash      `json:"plan,omitzero"` // of scheduled, approved, taken and forced
	Step int       `json:"step"`          // of taken: in Served of that plan
	Wave string    `json:"wave,omitempty"`
	What Kind      `json:"what,omitempty"` // of taken: the step's kind
	OK   bool      `json:"ok"`             // of verified
	// Drain is, of taken, edited, aborted and rolled back, how long caches and
	// secondaries may hold what was replaced: of a step by its plan, which an
	// edit may change, of the others by Settle.
	Drain time.Duration `json:"drain,omitempty"`
	World string        `json:"world,omitempty"` // of what was published: its name in the history
}

// TakenEvent is the event of taking a step of Served.
func (l Timeline) TakenEvent(step int, at time.Time, who string) Event {
	s := l.served[step]
	e := Event{Kind: Taken, At: at, Who: who, Plan: l.Sum(), Step: step, Wave: s.Wave, What: s.Kind}
	if step+1 < l.wave(step).to {
		e.Drain = l.served[step+1].After
	}
	return e
}

// EventError is an event that cannot have come after those before it.
type EventError struct {
	Index int
	Event Event
	Why   string
}

func (e *EventError) Error() string {
	return fmt.Sprintf("the log's event %d, %q of %s: %s", e.Index+1, string(e.Event.Kind), e.Event.At.Format(time.RFC3339), e.Why)
}
