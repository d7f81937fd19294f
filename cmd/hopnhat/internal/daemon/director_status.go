package daemon

import (
	"fmt"
	"os"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// status says how all stands. The caller holds d.mu.
func (d *Daemon) status() control.Status {
	s := control.Status{
		Format: control.StatusFormat, Time: d.clock.Now(), Server: os.Getpid(), Folder: d.o.State, State: control.None,
		Steps: []control.Step{}, Zones: []control.Zone{}, Findings: []control.Finding{}, Approvals: control.Approvals{By: []control.Approval{}},
	}
	at := Now
	if _, ok := d.loaded.Worlds[Now]; !ok {
		at = d.o.Listeners[0].At
	}
	for z := range d.loaded.Worlds[at].All() {
		s.Zones = append(s.Zones, control.Zone{Zone: z.Origin().Text(), View: string(z.View()), Serial: uint32(z.Serial()), Digest: z.Digest().String()})
	}
	if d.loaded.workspace != nil {
		s.Folder = d.loaded.workspace.Dir
	}
	for _, n := range d.loaded.planFound {
		if n.Severity >= finding.Error {
			s.Findings = append(s.Findings, control.Finding{ID: n.ID, Severity: n.Severity.String(), Text: n.Found})
		}
	}
	if d.director != nil {
		d.director.status(&s)
	}
	return s
}

// status adds how the timeline stands.
func (dir *director) status(s *control.Status) {
	p := dir.progress
	loc := dir.location()
	s.Time = s.Time.In(loc)
	if p.Published.Kind != "" {
		s.Published = &control.Published{At: p.Published.At.In(loc), Who: p.Published.Who, Why: p.Published.Why}
		switch p.Published.Kind {
		case cutover.Taken:
			s.Published.Step, s.Published.Wave = p.Published.What.String(), p.Published.Wave
		case cutover.RolledBack, cutover.Aborted:
			s.Published.Step = string(p.Published.Kind)
		}
	}
	s.Rollback = dir.wayBack()
	if p.Hold != nil || dir.clockAlarm != "" { // release takes both for good
		s.Release = "hopnhat cutover release --why … " + dir.here()
	}
	if e := dir.clock.Trouble(); e != nil && dir.clockAlarm != "" {
		s.Clock = &control.Clock{Kind: e.Kind.String(), Says: e.String()}
		if e.Kind != clock.Unsynchronised {
			s.Clock.At, s.Clock.By = e.At.In(loc), e.Rounded().String()
		}
	}
	if p.Hold != nil {
		s.Held = &control.Hold{Why: p.Hold.Why, Since: p.Hold.Since.In(loc)}
		s.Held.Cause, s.Held.Verdict = dir.heldBy()
	}
	switch {
	case !p.Aborted.IsZero():
		s.State = control.Aborted
	case !p.RolledBack.IsZero():
		s.State = control.RolledBack
	}
	s.Approvals.Needed = dir.need()
	for _, a := range p.Approvals {
		s.Approvals.By = append(s.Approvals.By, control.Approval{User: a.Who, UID: a.UID, At: a.At.In(loc)})
	}
	if dir.lost != "" {
		s.State = control.Held
	}
	if why := dir.d.loaded.lacks; why != "" {
		s.State, s.Held = control.Held, &control.Hold{Why: why, Since: s.Time, Cause: control.ByFiles}
	}
	if dir.plan == nil {
		return
	}
	dir.planned(s, loc)
	if s.State == control.None {
		s.State = dir.state(s)
	}
	if s.State == control.Missed {
		s.Plan.Window = time.Time{}
	}
	if s.Held == nil && s.State == control.Held {
		next := dir.next()
		s.Held = &control.Hold{Why: next.Why, Since: s.Time}
		if dir.alarm != "" {
			s.Held.Why, s.Held.Since = dir.alarm, dir.alarmAt.In(loc)
		}
		s.Held.Cause = dir.cause(next, s.Held.Why)
	}
}

// location is the time zone that people speak in here: that of the cutover's date.
func (dir *director) location() *time.Location {
	if w := dir.d.loaded.workspace; !w.Mapping.Cutover.IsZero() {
		return w.Mapping.Cutover.Location()
	}
	return time.Local
}

// heldBy is the failed verification that holds the timeline, if one does.
func (dir *director) heldBy() (control.Cause, *control.Verdict) {
	for i, e := range slices.Backward(dir.events) {
		switch {
		case e.Kind == cutover.Released || e.Kind == cutover.Held && e.Why == dir.progress.Hold.Why:
			return "", nil
		case e.Kind == cutover.Verified && !e.OK && e.Why == dir.progress.Hold.Why:
			return control.ByVerification, dir.verdicts[i]
		}
	}
	return "", nil
}

// cause is the word for a text that says why the next step is not taken; "" where
// there is none.
func (dir *director) cause(next cutover.Decision, why string) control.Cause {
	switch {
	case why != "" && why == dir.clockAlarm:
		return control.ByClock
	case why == "" || why != next.Why || next.Do != cutover.DoHold || dir.progress.Hold != nil:
		return ""
	case dir.plan.proved == nil:
		return control.ByPlan
	case len(dir.progress.Approvals) < dir.need():
		return control.ByApprovals
	case dir.unverified():
		return control.Unverified
	}
	return ""
}

// state is the word for how the timeline stands.
func (dir *director) state(s *control.Status) control.State {
	next := dir.next()
	if next.Do == cutover.DoWait || next.Do == cutover.DoTake || next.Do == cutover.DoHold || next.Do == cutover.DoMissed {
		if next.Step < len(dir.plan.timeline.Served()) && dir.plan.proved != nil {
			s.Next = &control.Next{Wave: next.Next.Wave, Kind: next.Next.Kind.String(), At: next.At.In(s.Time.Location()), Waits: next.Why}
			s.Next.Cause = dir.cause(next, next.Why)
		}
	}
	switch next.Do {
	case cutover.DoWait, cutover.DoTake, cutover.DoDone:
		if dir.alarm != "" {
			return control.Held // something keeps a step from being taken, or from being known as right
		}
	}
	switch next.Do {
	case cutover.DoWait:
		if len(dir.progress.Approvals) < dir.need() {
			return control.Scheduled
		}
		return control.Waiting
	case cutover.DoTake:
		return control.Due
	case cutover.DoMissed:
		at, grace := dir.missed()
		s.Missed = &control.Miss{At: at.In(s.Time.Location()), Grace: grace.String()}
		return control.Missed
	case cutover.DoDone:
		return control.Done
	case cutover.DoHold:
		if s.Next != nil && dir.progress.Hold == nil && dir.alarm == "" && (dir.verifying || dir.unverified()) {
			s.Next.Waits, s.Next.Cause = "the verification of the step before", control.Unverified
			return control.Waiting
		}
		if dir.plan.proved == nil {
			s.Stale = "the files lead to another plan than the one that was scheduled: schedule it again (hopnhat cutover schedule)"
			if dir.plan.spent {
				s.Stale = next.Why + " (hopnhat cutover schedule)"
			}
			if dir.progress.Hold == nil && !dir.near() {
				return control.Waiting
			}
		}
		return control.Held
	}
	return control.None
}

// missed is the switch that was not made in time, and its grace.
func (dir *director) missed() (time.Time, time.Duration) {
	i, err := dir.index(dir.plan.timeline)
	if err != nil {
		return time.Time{}, 0
	}
	for _, s := range dir.plan.timeline.Served()[i+1:] {
		if s.Kind == cutover.Switch {
			return s.At, dir.d.loaded.workspace.Terms().Grace
		}
	}
	return time.Time{}, 0
}

// planned adds the plan and its steps.
func (dir *director) planned(s *control.Status, loc *time.Location) {
	p, tl := dir.progress, dir.plan.timeline
	on, taken, err := p.On(tl)
	if err != nil {
		on = tl
	}
	cp := &control.Plan{
		Hash: p.Plan.String(), Cutover: dir.d.loaded.workspace.Mapping.Cutover, Made: p.ScheduledAt.In(loc), By: p.ScheduledBy,
		Preserved: dir.scheme.Verdict == "preserved", Verdict: dir.scheme.Verdict, Changes: []control.Change{},
	}
	if a, ok := tl.Step(cutover.Announce); ok {
		cp.Announce = a.At
	}
	served := on.Served()
	soonest := dir.next().At // of the step at hand, by what was taken so far
	for i, step := range served {
		one := control.Step{Wave: step.Wave, Kind: step.Kind.String(), At: step.At.In(loc), Earliest: step.At.In(loc)}
		if i < len(taken) {
			one.Taken, one.Verified = taken[i].In(loc), dir.verifiedStep(i, loc)
		} else {
			if i > len(taken) {
				soonest = soonest.Add(step.After)
			}
			if soonest.Before(step.At) {
				soonest = step.At
			}
			one.Earliest = soonest.In(loc)
		}
		s.Steps = append(s.Steps, one)
	}
	// The wave at hand: that of the step to come, or of the switch that can be undone.
	at := min(len(taken), len(served)-1)
	if p.MayRollback() == nil {
		at--
	}
	for i, x := range served {
		if x.Kind != cutover.Switch || x.Wave != served[at].Wave {
			continue
		}
		cp.Cutover = x.At.In(loc)
		if at <= i && p.RolledBack.IsZero() && p.Aborted.IsZero() {
			cp.Window = served[i+1].At.In(loc)
		}
	}
	if n := len(served); n > 0 {
		cp.Changes = changes(dir.d.loaded.plan.Before(), served[n-1].World)
	}
	s.Plan = cp
	s.Certificate = &control.Certificate{File: fmt.Sprintf("%s, version %d", proofFile, dir.scheme.Proof), Fits: dir.plan.proved != nil && dir.asPlanned(), Digest: dir.served.Digest().String()}
}

// asPlanned tells whether what is served is the world of the step taken last, to
// the serial (T-DIGEST).
func (dir *director) asPlanned() bool {
	i, err := dir.index(dir.plan.timeline)
	if err != nil {
		return false
	}
	if i < 0 {
		return sameWorlds(dir.served, dir.plan.timeline.At(time.Time{}))
	}
	return sameWorlds(dir.served, dir.plan.timeline.Served()[i].World)
}

// verifiedStep is what the last verification of a step said; nil: there was none.
func (dir *director) verifiedStep(step int, loc *time.Location) *control.Verified {
	var out *control.Verified
	on := false
	for i, e := range dir.events {
		switch {
		case e.Kind == cutover.Scheduled && e.Plan != dir.progress.Plan:
			on, out = false, nil
		case publishes(e.Kind):
			if on = e.Kind == cutover.Taken && e.Step == step; on {
				out = nil
			}
		case e.Kind == cutover.Verified && on:
			out = &control.Verified{At: e.At.In(loc), OK: e.OK, Says: e.Why, Verdict: dir.verdicts[i]}
		}
	}
	return out
}
