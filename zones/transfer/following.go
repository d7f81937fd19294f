package transfer

import (
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Timers are how often a secondary asks (RFC 1034 4.3.5, RFC 1035 3.3.13).
type Timers struct {
	Refresh time.Duration // from one confirmation to the next question
	Retry   time.Duration // after all primaries failed
	Expire  time.Duration // from the last confirmation to when the zone is no longer served
}

// Bounds of timers: an SOA may say anything, and neither a storm of questions
// nor a zone that is never asked for again is what its owner means.
const (
	leastRefresh = 2 * time.Second
	mostRefresh  = 28 * 24 * time.Hour
	leastRetry   = time.Second
	mostRetry    = 14 * 24 * time.Hour
	mostExpire   = 24 * 7 * 24 * time.Hour

	// Waits of who never had the zone, and so no SOA: the first, doubled with
	// each round up to the last.
	firstBoot = 2 * time.Second
	lastBoot  = 5 * time.Minute

	// pause stands between two rounds of questions, whatever NOTIFY says.
	pause = 500 * time.Millisecond
)

// TimersOf reads the timers of an SOA, within bounds; a zone does not expire
// before it was asked for again.
func TimersOf(soa zones.SOA) Timers {
	within := func(seconds uint32, least, most time.Duration) time.Duration {
		return max(least, min(most, time.Duration(seconds)*time.Second))
	}
	t := Timers{Refresh: within(soa.Refresh, leastRefresh, mostRefresh), Retry: within(soa.Retry, leastRetry, mostRetry)}
	t.Expire = within(soa.Expire, t.Refresh+t.Retry, max(mostExpire, t.Refresh+t.Retry))
	return t
}

// Following is where a secondary stands with one zone (RFC 1034 4.3.5). It is
// an immutable value and knows no clock: who has one tells what happened when,
// and does what Next says.
//
//	         due                            confirmed, or the newer zone came
//	waiting ------> asking primary i ----------------------------> waiting for REFRESH
//	                  | failed
//	                  +--> primary i+1 at once; after the last: waiting for RETRY
//	NOTIFY of something newer: due at once, the primary that told first
//	EXPIRE after the last confirmation: dropped, until a primary answers again
//
// The jitter of its methods lies in [0,1): it takes up to a quarter off a wait,
// so that zones do not ask in step.
type Following struct {
	primaries int

	has       bool // there is a zone
	serial    zones.Serial
	timers    Timers
	confirmed time.Time // when a primary last answered well
	dropped   bool      // and expired since

	due     time.Time // when to ask; not looked at while asking
	planned time.Time // when REFRESH is due, whatever fails before
	asking  bool
	asked   time.Time // when the round began
	first   int       // the primary that the round begins with
	turn    int       // how many of the round have failed
	failed  int       // rounds without an answer since the last confirmation
	again   bool      // NOTIFY came while asking
	wanted  *zones.Serial
}

// Follow begins to follow a zone that some number of primaries have, of which
// nothing is there yet.
func Follow(primaries int, now time.Time) Following {
	return Following{primaries: max(1, primaries), due: now}
}

// Resume is Follow for a zone that was kept since a primary last confirmed it.
func (f Following) Resume(soa zones.SOA, confirmed, now time.Time) Following {
	if confirmed.After(now) {
		confirmed = now // the clock was set back: not to outlive EXPIRE
	}
	f.has, f.serial, f.timers, f.confirmed = true, soa.Serial, TimersOf(soa), confirmed
	return f
}

// Act is what is to be done.
type Act uint8

// What there is to do.
const (
	Wait Act = iota // until At, or until something happens; zero: the latter
	Ask             // the primary: tell Asked, then Confirmed or Failed
	Drop            // the zone is not to be served any more: tell Dropped
)

// Step says what to do next.
type Step struct {
	Do      Act
	At      time.Time
	Primary int // which to ask, from 0
}

// Next says what to do now.
func (f Following) Next(now time.Time) Step {
	end := f.confirmed.Add(f.timers.Expire)
	alive := f.has && !f.dropped
	switch {
	case alive && !now.Before(end):
		return Step{Do: Drop}
	case !f.asking && !now.Before(f.due):
		return Step{Do: Ask, Primary: (f.first + f.turn) % f.primaries}
	case f.asking && alive:
		return Step{At: end}
	case f.asking:
		return Step{}
	case alive && end.Before(f.due):
		return Step{At: end}
	}
	return Step{At: f.due}
}

// Served tells whether there is a zone that has not expired.
func (f Following) Served() bool { return f.has && !f.dropped }

// Since tells when a primary last answered well, and how many rounds of
// questions have failed since.
func (f Following) Since() (confirmed time.Time, failed int) { return f.confirmed, f.failed }

// Dropped is f once the zone is no longer served.
func (f Following) Dropped() Following {
	f.dropped = true
	return f
}

// Asked is f once the primary of Next is being asked.
func (f Following) Asked(now time.Time) Following {
	if f.turn == 0 {
		f.asked = now
	}
	f.asking = true
	return f
}

// Confirmed is f once a primary answered: with nothing newer, or with the zone
// of this SOA.
func (f Following) Confirmed(soa zones.SOA, now time.Time, jitter float64) Following {
	f.asking, f.first, f.turn, f.failed, f.dropped = false, 0, 0, 0, false
	f.has, f.serial, f.timers, f.confirmed = true, soa.Serial, TimersOf(soa), now
	f.planned = now.Add(sooner(f.timers.Refresh, jitter))
	f.due = f.planned
	if f.again && (f.wanted == nil || f.serial.Before(*f.wanted)) { // once: a forged NOTIFY is not to be believed for ever
		f.due = later(now, f.asked.Add(pause))
	}
	f.again, f.wanted = false, nil
	return f
}

// Failed is f once a primary did not answer, or with nothing of use.
func (f Following) Failed(now time.Time, jitter float64) Following {
	f.asking = false
	if f.turn++; f.turn < f.primaries {
		f.due = now
		return f
	}
	f.turn, f.first = 0, 0
	f.failed++
	switch {
	case f.again:
		f.due = later(now, f.asked.Add(pause))
	case f.has:
		f.due = now.Add(sooner(f.timers.Retry, jitter))
		if f.planned.After(now) && f.planned.Before(f.due) {
			f.due = f.planned
		}
	default:
		f.due = now.Add(sooner(min(lastBoot, firstBoot<<min(f.failed-1, 16)), jitter))
	}
	f.again, f.wanted = false, nil
	return f
}

// Notified is f once a primary told of a change (RFC 1996), with the serial as
// a hint where it gave one. What is no news is not asked for: ask tells.
func (f Following) Notified(serial *zones.Serial, primary int, now time.Time) (_ Following, ask bool) {
	if f.Served() && serial != nil && !f.serial.Before(*serial) {
		return f, false
	}
	if f.asking {
		f.again = true
		if serial == nil || f.wanted == nil || f.wanted.Before(*serial) {
			f.wanted = serial
		}
		return f, true
	}
	if f.turn == 0 {
		f.first = primary % f.primaries
	}
	if at := later(now, f.asked.Add(pause)); at.Before(f.due) {
		f.due = at
	}
	return f, true
}

func sooner(d time.Duration, jitter float64) time.Duration {
	return d - time.Duration(float64(d)/4*max(0, min(1, jitter)))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
