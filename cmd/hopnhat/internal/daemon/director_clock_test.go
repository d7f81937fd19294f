package daemon

import (
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

// beforeSwitch is a stage at the instant at which its switch can be prepared; said are
// the alarms since.
func beforeSwitch(t *testing.T) (s *stage, at time.Time, alarms func() []string) {
	s = staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.must(0, schedule, because())
	s.step("lower")
	s.step("add")
	at = s.status().Next.At
	s.h.to(at.Add(-time.Hour))
	s.looked()
	return s, at, func() (as []string) {
		for line := range strings.Lines(s.log.String()) {
			if strings.HasPrefix(line, "ALARM") && !strings.Contains(line, "held: the test") { // that is of a person
				as = append(as, line)
			}
		}
		return as
	}
}

// looked waits until the clock was looked at, as it is now, and what that says is done.
func (s *stage) looked() {
	s.Helper()
	n := s.h.looks()
	s.until("the clock is looked at", func(control.Status) bool { return s.h.looks() > n+1 })
}

// again ends the server and starts it.
func (s *stage) again() {
	s.Helper()
	s.end()
	s.start()
	s.looked()
}

func isOne(t *testing.T, alarms []string, n int, text string) {
	t.Helper()
	if len(alarms) != n || !strings.Contains(alarms[n-1], text) {
		t.Errorf("%d alarms, want %d, the last with %q:\n%s", len(alarms), n, text, strings.Join(alarms, ""))
	}
}

// TestClockAlarms: a clock that is set while the server runs is told at once, in one
// line and by the status, long before the switch that it holds; and over a restart.
func TestClockAlarms(t *testing.T) {
	for _, by := range []time.Duration{-30 * time.Minute, 30 * time.Minute} {
		t.Run(by.String(), func(t *testing.T) {
			s, at, alarms := beforeSwitch(t)
			if as, st := alarms(), s.status(); len(as) > 0 || st.Alarms() {
				t.Fatalf("alarms of a good clock: %q", as)
			}
			s.h.move(func() { s.h.now, s.h.jump = s.h.now.Add(by), by })
			s.looked()
			way := map[bool]string{true: "no switch is made: the clock jumped back by 30m0s", false: "no switch is made: the clock jumped forward by 30m0s"}[by < 0]
			isOne(t, alarms(), 1, way)
			if st := s.status(); !st.Alarms() || st.State != control.Waiting || st.Clock == nil || st.Clock.Kind != "jumped" || st.Clock.By != by.String() {
				t.Errorf("the state is %q, of the clock %+v", st.State, st.Clock)
			}
			s.must(0, control.HoldCommand, because())
			s.must(0, control.ReleaseCommand, because())
			if st := s.status(); st.Clock == nil {
				t.Error("the clock is released by the release of what a person held")
			}
			s.again()
			isOne(t, alarms(), 2, way)
			s.h.to(at.Add(time.Second))
			st := s.until("held", func(st control.Status) bool { return st.State == control.Held })
			if taken(st, "switch") != nil || st.Release == "" || !strings.Contains(st.Held.Why, "the clock jumped") {
				t.Errorf("held: %+v", st.Held)
			}
			isOne(t, alarms(), 2, way)
			s.must(0, control.ReleaseCommand, because())
			if st := s.status(); st.Clock != nil {
				t.Errorf("released, and still %+v", st.Clock)
			}
			s.until("switched", func(st control.Status) bool { return taken(st, "switch") != nil })
			isOne(t, alarms(), 2, way)
		})
	}
}

// TestClockReleaseStays: what was released is so after a restart, as long as it
// would be without one.
func TestClockReleaseStays(t *testing.T) {
	const unsynced = "no switch is made: the clock is not synchronised"
	s, at, alarms := beforeSwitch(t)
	s.h.move(func() { s.h.sync = clock.Unsynced })
	s.looked()
	isOne(t, alarms(), 1, unsynced)
	s.must(0, control.ReleaseCommand, because())
	s.again()
	isOne(t, alarms(), 1, unsynced)
	if st := s.status(); st.Alarms() {
		t.Errorf("a restart has forgotten the release: %+v", st.Clock)
	}
	// Once it was synchronised that is over, which a restart knows too.
	s.h.move(func() { s.h.sync = clock.Synced })
	s.looked()
	s.end()
	s.h.move(func() { s.h.sync = clock.Unsynced })
	s.start()
	s.looked()
	isOne(t, alarms(), 2, unsynced)
	s.h.to(at)
	s.until("held", func(st control.Status) bool { return st.State == control.Held })
	s.must(0, control.ReleaseCommand, because())
	s.until("switched", func(st control.Status) bool { return taken(st, "switch") != nil })
}

// TestClockUnsynchronisedLongBefore: days before the switch nobody is called for a clock
// that is not synchronised; a day before it somebody is.
func TestClockUnsynchronisedLongBefore(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.h.move(func() { s.h.sync = clock.Unsynced })
	s.must(0, schedule, because())
	s.looked()
	at := s.status().Plan.Cutover
	s.h.to(at.Add(-25 * time.Hour))
	s.looked()
	if st := s.status(); st.Alarms() || strings.Contains(s.log.String(), "ALARM") || !strings.Contains(s.log.String(), "the clock is not synchronised") {
		t.Errorf("%+v\n%s", st.Clock, s.log)
	}
	s.h.to(at.Add(-23 * time.Hour))
	s.looked()
	if st := s.status(); !st.Alarms() || !strings.Contains(s.log.String(), "ALARM: no switch is made: the clock is not synchronised") {
		t.Errorf("%+v\n%s", st.Clock, s.log)
	}
}

// TestClockBeforeTheLog: a start at a time before what the log has is told in one
// line, and holds the switch; released, it is not told again by the next start.
func TestClockBeforeTheLog(t *testing.T) {
	s, _, alarms := beforeSwitch(t)
	s.must(0, schedule, because()) // an event of now
	s.end()
	s.h.to(s.h.Now().Add(-48 * time.Hour))
	s.start()
	s.looked()
	isOne(t, alarms(), 1, "before the last event of the log")
	if st := s.status(); st.Clock == nil || st.Clock.Kind != "earlier" || !st.Alarms() {
		t.Errorf("of the clock: %+v", st.Clock)
	}
	s.must(0, control.ReleaseCommand, because())
	s.again()
	isOne(t, alarms(), 1, "before the last event of the log")
}
