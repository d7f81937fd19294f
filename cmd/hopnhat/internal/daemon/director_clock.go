package daemon

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/history"
)

// evClock is the kind of an event that says what was found of the clock, or that it
// was released. It is none of the cutover's.
const evClock = "clock"

// clockEvent is its data.
type clockEvent struct {
	Clock    clock.State `json:"clock"`
	Released bool        `json:"released,omitempty"` // by a person: the time is right as it stands
}

// watch looks at the clock. What keeps the switch from being made is said once, with
// an alarm; a lack of synchronisation only where a switch is near. The caller holds
// d.mu.
func (dir *director) watch() {
	var events []clock.Event
	dir.clock, events = dir.clock.Observe(dir.read())
	alarm := dir.clockFault()
	if alarm != "" && dir.clock.Trouble().Kind == clock.Unsynchronised && !dir.switches() {
		alarm = ""
	}
	for _, e := range events {
		if (dir.clocked() || e.Kind == clock.Jumped) && e.String() != alarm {
			dir.say("%v", e)
		}
	}
	if alarm != "" && alarm != dir.clockAlarm {
		line := "ALARM: no switch is made: " + alarm + "; look at the time and set it right, then: hopnhat cutover release --why … " + dir.here()
		dir.say("%s", dir.withWayBack(line))
	}
	dir.clockAlarm = alarm
	unkept := ""
	if dir.clocked() && !reflect.DeepEqual(dir.clock.State(), dir.kept) {
		if err := dir.keepClock(Note{UID: -1}, false); err != nil {
			unkept = fmt.Sprintf("what was found of the clock cannot be kept over a restart: %v", err)
		}
	}
	if unkept != "" && unkept != dir.unkept {
		dir.say("%s", unkept)
	}
	dir.unkept = unkept
}

// keepClock writes down what a restart must know of the clock.
func (dir *director) keepClock(n Note, released bool) error {
	past, s := dir.d.past, dir.clock.State()
	_, err := past.log(history.Event{Kind: evClock, Entry: past.entry(n)}, clockEvent{s, released})
	if err == nil {
		dir.kept = s
	}
	return err
}

// soon is how long before a switch the clock must be synchronised.
const soon = 24 * time.Hour

// switches tells whether a switch is to be made soon.
func (dir *director) switches() bool {
	if dir.plan == nil || !dir.progress.Aborted.IsZero() || !dir.progress.RolledBack.IsZero() {
		return false
	}
	on, taken, err := dir.progress.On(dir.plan.timeline)
	by := dir.d.clock.Now().Add(soon)
	return err == nil && slices.ContainsFunc(on.Served()[len(taken):], func(s cutover.Step) bool { return s.Kind == cutover.Switch && s.At.Before(by) })
}

// clocked tells whether the switch waits for a clock that can be trusted.
func (dir *director) clocked() bool {
	return dir.rehearse == 0 && dir.d.loaded != nil && dir.d.loaded.workspace.Config.Cutover.Clock
}

// clockFault says why the switch is not made by the clock as it is; "" where it is
// good.
func (dir *director) clockFault() string {
	if !dir.clocked() {
		return ""
	}
	return dir.clock.Fault()
}

// releaseClock takes the clock for good as it is now, after a restart too.
func (dir *director) releaseClock(n Note) error {
	dir.clock, dir.clockAlarm = dir.clock.Release(), ""
	if err := dir.keepClock(n, true); err != nil {
		return fmt.Errorf("it is released, but a restart will not know it: %w", err)
	}
	return nil
}
