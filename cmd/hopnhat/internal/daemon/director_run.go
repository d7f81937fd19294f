package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gialai.gov.vn/hopnhat/zones/cutover"
)

const (
	tick        = time.Second      // so often the clock is looked at, and what is due
	verifyAgain = 10 * time.Second // so long after a verification that could not be kept another begins
)

// direct runs the timeline until ctx ends.
func (dir *director) direct(ctx context.Context) {
	dir.beginRehearsal(ctx)
	for ctx.Err() == nil {
		dir.d.mu.Lock()
		dir.watch()
		at := dir.step(ctx)
		dir.d.mu.Unlock()
		waiting, stop := context.WithCancel(ctx)
		go func() {
			select {
			case <-dir.wake:
			case <-waiting.Done():
			}
			stop()
		}()
		_ = dir.d.clock.Wait(waiting, at.Sub(dir.d.clock.Now()))
		stop()
	}
}

// rouse has what is due looked at now.
func (dir *director) rouse() {
	select {
	case dir.wake <- struct{}{}:
	default:
	}
}

// step does what is due, and says when to look again. The caller holds d.mu.
func (dir *director) step(ctx context.Context) time.Time {
	now := dir.d.clock.Now()
	if dir.plan == nil || dir.d.loaded == nil {
		return now.Add(tick)
	}
	if dir.progress.Hold == nil && dir.unverified() && now.Sub(dir.asked) >= verifyAgain {
		dir.verify() // a start found it so, or what it said could not be kept
	}
	next := dir.next()
	switch next.Do {
	case cutover.DoTake:
		dir.due(ctx, next.Step)
	case cutover.DoMissed:
		dir.alarmed(next.Why + " (hopnhat cutover schedule, or hopnhat cutover now --why …)")
	case cutover.DoHold:
		switch {
		case dir.progress.Hold == nil && dir.plan.proved == nil && !dir.near():
			dir.alarm = "" // there is time to schedule it again
		case dir.progress.Hold != nil || !dir.unverified():
			dir.alarmed(next.Why)
		}
	case cutover.DoWait:
		if !dir.unverified() {
			dir.alarm = ""
		}
		dir.prepare(next, now)
		if next.At.Before(now.Add(tick)) {
			return next.At
		}
	}
	return now.Add(tick)
}

// next is what is to be done now.
func (dir *director) next() cutover.Decision {
	next := dir.progress.Next(dir.plan.timeline, dir.d.clock.Now(), dir.need())
	if dir.plan.spent && (next.Do == cutover.DoWait || next.Do == cutover.DoTake || next.Do == cutover.DoMissed) {
		return cutover.Decision{Do: cutover.DoHold, Why: "what is served has later serials by now than the plan goes on from; schedule anew"}
	}
	return next
}

// staleAlarm is how long before a later wave a plan that is to be made again is an
// alarm.
const staleAlarm = 3 * 24 * time.Hour

// near tells whether a plan that is to be made again cannot wait: anywhere but between
// two waves, which may lie months apart and have edits of all kinds.
func (dir *director) near() bool {
	on, taken, err := dir.progress.On(dir.plan.timeline)
	if err != nil || dir.progress.UnderWay() || len(taken) == 0 || len(taken) == len(on.Served()) {
		return true
	}
	return on.Served()[len(taken)].At.Before(dir.d.clock.Now().Add(staleAlarm))
}

// spend tells the plan that what it goes on from is not what is served any more.
func (dir *director) spend() {
	if p := dir.plan; p != nil && p.proved != nil && !dir.asPlanned() {
		dir.plan = &plan{timeline: p.timeline, terms: p.terms, spent: true}
	}
}

// unverified tells whether what a step published last waits for its verification.
func (dir *director) unverified() bool {
	p := dir.progress
	return publishes(p.Published.Kind) && len(p.Past) > 0 && !p.Verified
}

// due takes a step, or says what keeps it from being taken.
func (dir *director) due(ctx context.Context, i int) {
	what := dir.plan.timeline.Served()[i]
	if why := dir.clockFault(); why != "" && what.Kind == cutover.Switch {
		dir.alarm, dir.alarmAt = why, dir.d.clock.Now() // watch has said it
		return
	}
	err := dir.take(i)
	if errors.Is(err, errFence) {
		if err = dir.d.reloaded(ctx, nil, Note{UID: -1}); err == nil {
			dir.rouse() // the plan may be another by now
			return
		}
	}
	if err != nil {
		dir.alarmed(fmt.Sprintf("the step %q is due and not taken: %v", what.Kind, err))
		return
	}
	dir.alarm = ""
	dir.say("%s: %v", words(what), "served from now on")
	dir.verify()
}

func words(s cutover.Step) string {
	if s.Wave == "" {
		return s.Kind.String()
	}
	return s.Kind.String() + " (" + s.Wave + ")"
}

// alarmed says once what somebody must look at.
func (dir *director) alarmed(why string) {
	if why == dir.alarm {
		return
	}
	dir.alarm, dir.alarmAt = why, dir.d.clock.Now()
	dir.say("%s", dir.withWayBack("ALARM: the cutover is held: "+oneLine(why)))
}

func (dir *director) say(format string, args ...any) {
	fmt.Fprintf(dir.d.o.Log, format+"\n", args...)
}
