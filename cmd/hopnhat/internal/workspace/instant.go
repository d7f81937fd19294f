package workspace

import (
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// Instant is a moment of the plan: before the cutover, after it, or a time
// that is held against it. Now alone means what a server serves by its
// timeline: which step that is, the server knows. It is comparable by Equal;
// the zero value is Before.
type Instant struct {
	after bool
	now   bool
	at    time.Time // zero for before, after and now
}

// Before and After are the worlds on the two sides of the cutover.
func Before() Instant { return Instant{} }

// After is the world from the cutover on.
func After() Instant { return Instant{after: true} }

// Now is the world of the step that a server took last.
func Now() Instant { return Instant{now: true} }

// ParseInstant reads before, after, now, or an instant as ParseTime does.
// Where no server is asked, ParseFixed refuses now.
func ParseInstant(s string) (Instant, error) {
	switch s {
	case "before":
		return Before(), nil
	case "after":
		return After(), nil
	case "now":
		return Now(), nil
	}
	t, err := ParseTime(s)
	if err != nil {
		return Instant{}, &slip{quote(s) + " is neither before nor after nor a date", dateForms}
	}
	return Instant{at: t}, nil
}

// ParseFixed reads an instant that files alone answer: not now.
func ParseFixed(s string) (Instant, error) {
	i, err := ParseInstant(s)
	if err == nil && i.now {
		return Instant{}, &slip{"now is the step that a running server took last, which no file tells", "write before, after or a date; what is served now, hopnhat cutover status tells"}
	}
	return i, err
}

// String gives the form that ParseInstant reads.
func (i Instant) String() string {
	switch {
	case !i.at.IsZero():
		return i.at.Format("2006-01-02 15:04:05 -07:00")
	case i.after:
		return "after"
	case i.now:
		return "now"
	}
	return "before"
}

// IsNow tells whether the instant is Now.
func (i Instant) IsNow() bool { return i.now }

// Date gives the instant's date, where it is one.
func (i Instant) Date() (time.Time, bool) { return i.at, !i.at.IsZero() }

// Equal tells whether two instants mean the same.
func (i Instant) Equal(j Instant) bool {
	return i.after == j.after && i.now == j.now && i.at.Equal(j.at)
}

// IsAfter tells whether the instant lies at or after a cutover. Without a
// cutover (the zero time) only after itself does. Now does not: without a
// schedule it is the world before.
func (i Instant) IsAfter(cutover time.Time) bool {
	if i.at.IsZero() {
		return i.after
	}
	return !cutover.IsZero() && !i.at.Before(cutover)
}

// WorldAt returns the world of an instant. A date is answered by the step that
// the timeline has for it; where there is no timeline, by the last wave before
// it. Of Now it is the world before, which a server without a schedule serves.
func (w *Workspace) WorldAt(p *merge.Plan, i Instant) zones.World {
	at, dated := i.Date()
	if dated {
		if l, err := w.Timeline(p, nil); err == nil {
			return l.At(at)
		}
	}
	if !i.IsAfter(w.Mapping.Cutover) {
		return p.Before()
	}
	if n := w.stagesBy(at); dated && n > 0 {
		made, _ := w.staged(p, n)
		return made[n-1].after
	}
	return p.After()
}

// Changes tells whether at an instant names may answer other than before the
// cutover: after it, and at a date from the step on that adds what is new.
func (w *Workspace) Changes(p *merge.Plan, i Instant) bool {
	at, dated := i.Date()
	if !dated || i.IsAfter(w.Mapping.Cutover) {
		return i.IsAfter(w.Mapping.Cutover)
	}
	l, err := w.Timeline(p, nil)
	if err != nil {
		return false // as WorldAt has it
	}
	return slices.ContainsFunc(l.Served(), func(s cutover.Step) bool { return s.Kind > cutover.Lower && !s.At.After(at) })
}
