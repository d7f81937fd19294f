package daemon

import (
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

// twoWaves is the small workspace with a second wave, three months later, that ends
// an old name.
func twoWaves(t *testing.T) *stage {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.edit("consolidation.yaml", "targets:", `waves:
  - {name: ten, at: cutover, systems: []}
  - {name: het, at: 2025-12-01 00:00 +07:00, systems: []}
exceptions:
  - {name: mail.cu.example, owner: an, why: hết hạn, expires: 31/12/2035, wave: het}
targets:`)
	s.must(0, schedule, because())
	return s
}

// wave takes steps of a wave.
func (s *stage) wave(name string, kinds ...string) {
	s.Helper()
	for _, kind := range kinds {
		st := s.until("the next is "+kind+" of "+name, func(st control.Status) bool {
			return st.Next != nil && st.Next.Wave == name && st.Next.Kind == kind && st.Next.Waits == ""
		})
		s.h.to(st.Next.At)
		s.until(kind+" of "+name+" is verified", func(st control.Status) bool {
			for _, x := range st.Steps {
				if x.Wave == name && x.Kind == kind {
					return !x.Taken.IsZero() && x.Verified != nil && x.Verified.OK
				}
			}
			return false
		})
	}
}

func (s *stage) reload() {
	s.Helper()
	s.must(0, control.ReloadCommand, control.Reload{})
}

// alarms is how many lines of alarm there were.
func (s *stage) alarms() int { return strings.Count(s.log.String(), "ALARM") }

// TestBetweenWaves: what a wave that is closed made stays, whatever is given up of
// the waves behind it; and an edit months before the next one is no alarm.
func TestBetweenWaves(t *testing.T) {
	s := twoWaves(t)
	s.wave("ten", "lower", "add", "switch", "remove", "restore", "close")
	s.is(newMail, "198.51.100.3 300")
	if st := s.status(); st.Rollback != "" {
		t.Errorf("the way back from a closed wave is %s", st.Rollback)
	}
	s.edit("zones/moi.example.zone", "ns0 A", "www A 192.0.2.80\nns0 A")
	s.reload()
	st := s.until("the edit makes the plan stale", func(st control.Status) bool { return st.Stale != "" })
	if st.Alarms() || s.alarms() > 0 {
		t.Errorf("an edit three months before the next step: %s\n%s", st.State, s.log)
	}
	s.is("www.moi.example", "192.0.2.80 300")
	serial := s.serial()
	for range 2 { // over a start too
		if st := s.status(); st.State != control.Aborted {
			s.must(0, control.AbortCommand, because())
		}
		s.is(newMail, "198.51.100.3 300")
		s.is(oldMail, "198.51.100.3 300")
		if st := s.status(); st.State != control.Aborted || s.serial() != serial {
			t.Errorf("%s, serial %d after %d", st.State, s.serial(), serial)
		}
		s.end()
		s.start()
	}
	s.must(0, schedule, because())
	s.is(newMail, "198.51.100.3 300")
	s.wave("het", "lower", "add")
	// In the middle of the second wave an edit, and a plan that goes on.
	s.edit("zones/moi.example.zone", "192.0.2.80", "192.0.2.81")
	s.reload()
	s.until("the edit is an alarm", func(st control.Status) bool { return st.Stale != "" && st.Alarms() })
	s.must(0, schedule, because())
	if st := s.status(); st.Alarms() || st.Stale != "" {
		t.Errorf("scheduled again: %s, %+v", st.State, st.Held)
	}
	s.wave("het", "switch", "remove", "restore", "close")
	s.is(oldMail, "NXDOMAIN")
	s.until("done", func(st control.Status) bool { return st.State == control.Done })

	// After the end nothing of it is in the way of an edit, nor can be undone at once.
	n := s.alarms()
	s.edit("zones/moi.example.zone", "192.0.2.81", "192.0.2.82")
	s.reload()
	s.is("www.moi.example", "192.0.2.82 300")
	s.h.to(s.h.Now().Add(24 * time.Hour))
	if st := s.until("done, edited", func(st control.Status) bool { return st.State == control.Done }); st.Alarms() || s.alarms() > n {
		t.Errorf("an edit after the end is an alarm: %+v\n%s", st.Held, s.log)
	}
	for command, why := range map[string]string{control.AbortCommand: "all steps are taken", control.RollbackCommand: "the rollback window has ended"} {
		if _, err := s.ask(0, command, because()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s after the end: %v", command, err)
		}
	}
	s.is(newMail, "198.51.100.3 300")
}

// TestSpentSerials: an edit that is undone leaves the files as they were planned, and
// the serials spent. The plan is stale from then on, not at the step that cannot be
// taken.
func TestSpentSerials(t *testing.T) {
	for _, lowered := range []bool{false, true} {
		s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
		s.must(0, schedule, because())
		if lowered {
			s.step("lower")
		} else {
			s.h.to(s.status().Next.At.Add(-24 * time.Hour))
		}
		s.edit("zones/moi.example.zone", "ns0 A", "www A 192.0.2.80\nns0 A")
		s.reload()
		s.edit("zones/moi.example.zone", "www A 192.0.2.80\n", "")
		s.reload()
		for range 2 {
			st := s.until("held", func(st control.Status) bool { return st.State == control.Held && st.Stale != "" })
			if !strings.Contains(st.Held.Why, "later serials") {
				t.Errorf("lowered %v: %+v", lowered, st.Held)
			}
			s.end()
			s.start()
		}
		s.must(0, schedule, because())
		if !lowered {
			s.step("lower")
		}
		s.step("add")
		s.step("switch")
	}
}

// TestRolledBackDate: a switch that was rolled back is not made again at once by the
// date that it had, however long the grace.
func TestRolledBackDate(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.edit("consolidation.yaml", "targets:", "timeline: {grace: 48h}\ndecisions:\n  - {at: www.moi.example, take: source, why: x, by: an, doc: bb1, state: decided}\ntargets:")
	s.edit("zones/moi.example.zone", "ns0 A", "www A 192.0.2.80\nns0 A")
	s.edit("sources/cu.zone", "mail A", "www A 198.51.100.80\nmail A")
	s.must(0, schedule, because())
	s.step("lower")
	s.step("add")
	s.step("switch")
	s.must(0, control.RollbackCommand, because())
	s.until("verified", func(st control.Status) bool {
		return strings.Contains(s.log.String(), "rolled back by") && !st.Alarms()
	})
	s.h.to(s.h.Now().Add(6 * time.Hour)) // nobody holds anything of it
	if _, err := s.ask(0, schedule, because()); err == nil || !strings.Contains(err.Error(), "write a new date") {
		t.Errorf("scheduled with the old date: %v", err)
	}
	s.edit("consolidation.yaml", "2025-09-01 00:00", "2025-09-22 00:00")
	s.must(0, schedule, because())
	for i, x := range s.status().Steps {
		if v := x.Verified; v != nil && x.Taken.IsZero() {
			t.Errorf("the step %d is not taken, and verified at %v", i, v.At)
		}
	}
	s.step("switch")
}
