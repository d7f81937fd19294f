package clock

import (
	"fmt"
	"slices"
	"time"
)

// Sync is what the system knows of its clock.
type Sync int

// The zero value says nothing.
const (
	Unknown Sync = iota
	Synced
	Unsynced
)

func (s Sync) String() string { return [...]string{"unknown", "synchronised", "not synchronised"}[s] }

// Reading is all clocks at one instant.
type Reading struct {
	Wall    time.Time
	Running time.Duration // since an instant that stays the same; stands still while the machine sleeps
	Since   time.Duration // goes on while it sleeps; 0 where there is no such clock
	Sync    Sync
}

// Terms are what is allowed. Zero values are replaced by the defaults beside
// them.
type Terms struct {
	Tolerance time.Duration // between the wall clock and the running one; 2 s
	PerMille  int           // more for each thousand of the time that passed; 1, which is twice what a time service slews by
	Settle    time.Duration // a clock that is trusted again has been even for so long; 10 min
}

func (t Terms) complete() Terms {
	if t.Tolerance <= 0 {
		t.Tolerance = 2 * time.Second
	}
	if t.PerMille <= 0 {
		t.PerMille = 1
	}
	if t.Settle <= 0 {
		t.Settle = 10 * time.Minute
	}
	return t
}

// Kind is what was noticed.
type Kind int

// The kinds of events.
const (
	Jumped Kind = iota
	Slept
	Earlier        // than the last event of the log
	Unsynchronised // it is not, or not any more
	Synchronised   // it is again
	Trusted        // all is well again
)

// words name the kinds, in their order.
func words() []string {
	return []string{"jumped", "slept", "earlier", "unsynchronised", "synchronised", "trusted"}
}

func (k Kind) String() string { return words()[k] }

// MarshalText gives the kind's word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes the word of a kind.
func (k *Kind) UnmarshalText(b []byte) error {
	i := slices.Index(words(), string(b))
	if i < 0 {
		return fmt.Errorf("%q is nothing that a clock does", b)
	}
	*k = Kind(i)
	return nil
}

// Event is what a reading showed.
type Event struct {
	Kind Kind          `json:"kind"`
	At   time.Time     `json:"at"` // on the wall
	By   time.Duration `json:"by"` // of a jump: forward, or back where negative; of sleep: how long; of Earlier: how much
}

// Rounded is By as people read it.
func (e Event) Rounded() time.Duration { return e.By.Round(10 * time.Millisecond) }

// String is a sentence without its full stop.
func (e Event) String() string {
	by := e.Rounded().Abs()
	switch e.Kind {
	case Jumped:
		way := "forward"
		if e.By < 0 {
			way = "back"
		}
		return fmt.Sprintf("the clock jumped %s by %v to %s", way, by, e.At.Format(time.RFC3339))
	case Slept:
		return fmt.Sprintf("the machine slept for %v until %s", by, e.At.Format(time.RFC3339))
	case Earlier:
		return fmt.Sprintf("the clock says %s, which is %v before the last event of the log", e.At.Format(time.RFC3339), by)
	case Unsynchronised:
		return "the clock is not synchronised: see that a time service runs (timedatectl, chronyc tracking)"
	case Synchronised:
		return "the clock is synchronised"
	}
	return "the clock is trusted again"
}

// window is how long an anchor serves to find a clock that creeps away.
const window = time.Hour

// Watch is what is known of a clock. The zero Watch trusts the first reading;
// New makes one that has a log to hold it against. It is immutable.
type Watch struct {
	terms Terms
	last  time.Time // of the log; zero: nothing to hold against

	began  bool
	prev   Reading // the last one
	anchor Reading // an older one that creeping is found by (CLOCK-JUMP)
	even   Reading // the first since the last jump or sleep, or since it is synchronised

	jumped  *Event // of a synchronised clock (CLOCK-TRUST)
	unsure  *Event // of one that settles by itself (CLOCK-CURE)
	excused bool   // a person accepted that it is not synchronised (CLOCK-SYNC)
}

// New makes a Watch. last is the time of the newest event of the log; zero
// where there is none.
func New(t Terms, last time.Time) Watch { return Watch{terms: t, last: last} }

// State is what a Watch of a program that begins again must know. The zero State is
// that of a clock that nothing was found against.
type State struct {
	Jumped  *Event `json:"jumped,omitempty"`
	Unsure  *Event `json:"unsure,omitempty"`
	Excused bool   `json:"excused,omitempty"`
}

// State is what is to be kept of a Watch over a restart.
func (w Watch) State() State { return State{w.jumped, w.unsure, w.excused} }

// Resumed is a Watch that goes on from what was kept (CLOCK-KEPT).
func (w Watch) Resumed(s State) Watch {
	w.jumped, w.unsure, w.excused = s.Jumped, s.Unsure, s.Excused
	return w
}

// Observe takes a reading. Readings come a few seconds or minutes apart; the
// events are those that this one showed.
func (w Watch) Observe(r Reading) (Watch, []Event) {
	w.terms = w.terms.complete()
	r.Wall = r.Wall.Round(0) // without a monotonic reading of its own
	if r.Since == 0 {
		r.Since = r.Running
	}
	trusted := w.Fault() == "" // before this reading
	var out []Event
	note := func(k Kind, by time.Duration) Event {
		e := Event{k, r.Wall, by}
		out = append(out, e)
		return e
	}
	if !w.began {
		w.began, w.prev, w.anchor, w.even = true, r, r, r
		w.prev.Sync = Unknown
		if early := w.last.Sub(r.Wall); !w.last.IsZero() && early > w.terms.Tolerance {
			e := note(Earlier, -early)
			w.unsure = &e
		}
	}
	if slept := (r.Since - w.prev.Since) - (r.Running - w.prev.Running); slept > w.terms.Tolerance {
		e := note(Slept, slept)
		w.unsure, w.even = &e, r
	}
	if by, off := w.off(r); off {
		e := note(Jumped, by)
		if w.prev.Sync == Synced {
			w.jumped = &e
		} else {
			w.unsure = &e
		}
		w.anchor, w.even = r, r
	}
	switch {
	case r.Sync == Unsynced && w.prev.Sync != Unsynced:
		note(Unsynchronised, 0)
	case r.Sync == Synced && w.prev.Sync == Unsynced:
		note(Synchronised, 0)
	}
	w.excused = w.excused && r.Sync != Synced
	if r.Sync != Synced {
		w.even = r
	}
	if r.Since-w.anchor.Since >= window {
		w.anchor = r
	}
	w.prev = r
	if w.unsure != nil && r.Since-w.even.Since >= w.terms.Settle && !r.Wall.Before(w.last) {
		w.unsure = nil
	}
	if !trusted && w.Fault() == "" {
		note(Trusted, 0)
	}
	return w, out
}

// off tells by how much the wall clock left the others since the reading
// before, or else since the anchor; false within the tolerance.
func (w Watch) off(r Reading) (time.Duration, bool) {
	for _, from := range []Reading{w.prev, w.anchor} {
		passed := r.Since - from.Since
		by := r.Wall.Sub(from.Wall) - passed
		if by.Abs() > w.terms.Tolerance+passed/1000*time.Duration(w.terms.PerMille) {
			return by, true
		}
	}
	return 0, false
}

// Trouble is why the clock is not to be trusted with a date; nil when it is.
func (w Watch) Trouble() *Event {
	switch {
	case w.jumped != nil:
		return w.jumped
	case w.unsure != nil:
		return w.unsure
	case w.prev.Sync == Unsynced && !w.excused:
		return &Event{Kind: Unsynchronised}
	}
	return nil
}

// Fault says what the trouble is; "" where there is none.
func (w Watch) Fault() string {
	if e := w.Trouble(); e != nil {
		return e.String()
	}
	return ""
}

// Release is a person's word that the time is right as it stands. What happens
// after it is a fault again; a clock that is not synchronised stays excused until
// it has been synchronised once.
func (w Watch) Release() Watch {
	w.jumped, w.unsure, w.excused = nil, nil, w.prev.Sync == Unsynced
	if w.began {
		w.anchor, w.last = w.prev, time.Time{}
	}
	return w
}
