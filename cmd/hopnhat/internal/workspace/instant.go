package workspace

import (
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// Instant is a moment of the plan: before the cutover, after it, or a time
// that is held against it. It never means the wall clock. It is comparable by
// Equal; the zero value is Before.
type Instant struct {
	after bool
	at    time.Time // zero for before and after
}

// Before and After are the worlds on the two sides of the cutover.
func Before() Instant { return Instant{} }

// After is the world from the cutover on.
func After() Instant { return Instant{after: true} }

// ParseInstant reads before, after, or an instant as ParseTime does.
func ParseInstant(s string) (Instant, error) {
	switch s {
	case "before":
		return Before(), nil
	case "after":
		return After(), nil
	case "now":
		return Instant{}, &slip{"now is not known: instants are those of the plan, not of the clock", "write before, after or a date"}
	}
	t, err := ParseTime(s)
	if err != nil {
		return Instant{}, &slip{quote(s) + " is neither before nor after nor a date", dateForms}
	}
	return Instant{at: t}, nil
}

// String gives the form that ParseInstant reads.
func (i Instant) String() string {
	switch {
	case !i.at.IsZero():
		return i.at.Format("2006-01-02 15:04:05 -07:00")
	case i.after:
		return "after"
	}
	return "before"
}

// Equal tells whether two instants mean the same.
func (i Instant) Equal(j Instant) bool { return i.after == j.after && i.at.Equal(j.at) }

// IsAfter tells whether the instant lies at or after a cutover. Without a
// cutover (the zero time) only after itself does.
func (i Instant) IsAfter(cutover time.Time) bool {
	if i.at.IsZero() {
		return i.after
	}
	return !cutover.IsZero() && !i.at.Before(cutover)
}

// WorldAt returns the world of an instant.
func (w *Workspace) WorldAt(p *merge.Plan, i Instant) zones.World {
	if i.IsAfter(w.Mapping.Cutover) {
		return p.After()
	}
	return p.Before()
}
