package daemon

import "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"

// watch looks at the clock.
func (dir *director) watch() {
	var events []clock.Event
	dir.clock, events = dir.clock.Observe(dir.read())
	for _, e := range events {
		if dir.clocked() || e.Kind == clock.Jumped {
			dir.say("%v", e)
		}
	}
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

// releaseClock takes the clock for good as it is now.
func (dir *director) releaseClock() { dir.clock = dir.clock.Release() }
