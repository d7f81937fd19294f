package cutover

import (
	"errors"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Terms is what a timeline is computed from beside the worlds.
type Terms struct {
	Cutover time.Time // of Plan: the first server serves what is new; its zone is that of all days
	// Refresh, Retry and Expire are the secondaries' own where they differ
	// from the SOAs'; of both the longest counts.
	Refresh, Retry, Expire time.Duration
	Parent                 time.Duration // longest TTL at the parents of what changes there: NS, DS, glue, their negative answers
	Low                    time.Duration // no TTL is higher around the cutover
	Rollback               time.Duration // so long after the cutover going back is one step: nothing is removed, TTLs stay low
	Grace                  time.Duration // so much later the switch may still be made
	Notice                 int           // whole working days between the announcement and the cutover; 0: none is due
	Holidays               []time.Time   // only their dates count
	// Single leaves out Add and Remove. It holds only where Single, the
	// function, says so of the worlds.
	Single bool
	// Served is every serial that was seen of a zone: at its secondaries, in
	// what was published, in files.
	Served map[zones.ID][]zones.Serial
	// Standing is what is served when the plan is made (Progress.Standing);
	// nil: the world before the first wave, under the serials that it states.
	Standing *Standing
}

// Standing is what is served, and the step of an earlier plan that it is of;
// Kind Announce: of none, or of a wave that was aborted. Where the content is
// that of the new plan's step, the serial stays.
type Standing struct {
	Wave  string
	Kind  Kind
	World zones.World
}

// TermError is a term that no timeline can be computed from.
type TermError struct{ Term, Want string }

func (e *TermError) Error() string { return "the cutover's " + e.Term + " must be " + e.Want }

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
	return errors.Join(errs...)
}
