package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/publish"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/verify"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/history"
)

// TestTimeline: a plan that two people approved is carried out by itself, step by
// step, each at its instant and not before; and over restarts.
func TestTimeline(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 2}\n")
	s.is(newMail, "NXDOMAIN")
	s.is(oldMail, "198.51.100.3 300")
	before := s.serial()
	s.must(0, schedule, because())
	st := s.status()
	if st.State != control.Scheduled || st.Plan == nil || len(st.Steps) != 6 || st.Approvals.Needed != 2 {
		t.Fatalf("%+v", st)
	}
	sum := control.Approve{Plan: st.Plan.Hash}
	if _, err := s.ask(1, control.ApproveCommand, control.Approve{Plan: strings.Repeat("0", 64)}); err == nil {
		t.Error("another plan is approved")
	}
	s.must(1, control.ApproveCommand, sum)
	if _, err := s.ask(1, control.ApproveCommand, sum); err == nil {
		t.Error("one user approves twice")
	}
	// With one approval no step is taken.
	s.h.to(st.Steps[0].At.Add(time.Second))
	s.until("held for want of an approval", func(st control.Status) bool {
		return st.State == control.Held && st.Release == "" && st.Held.Cause == control.ByApprovals && strings.Contains(s.log.String(), "ALARM: the cutover is held: the plan has 1 of 2 approvals")
	})
	s.is(oldMail, "198.51.100.3 300")
	s.must(2, control.ApproveCommand, sum)
	s.until("lowered", func(st control.Status) bool {
		x := taken(st, "lower")
		return x != nil && x.Verified != nil && x.Verified.OK
	})
	s.step("add")
	s.is(newMail, "198.51.100.3 300")
	serial := s.serial()
	if !before.Before(serial) {
		t.Errorf("serial %d after %d", serial, before)
	}
	// A start goes on where the log stands, with the very same zones.
	was := s.d.Worlds()[Now].Digest()
	s.end()
	s.start()
	if is := s.d.Worlds()[Now].Digest(); is != was || s.serial() != serial {
		t.Errorf("a start serves %v under serial %d, not %v under %d", is, s.serial(), was, serial)
	}
	turn := s.step("switch")
	// The first step was held up by a second, and the drains count from it.
	if want := "2025-09-01T00:00:01+07:00"; turn.Taken.Format(time.RFC3339) != want {
		t.Errorf("switched at %v", turn.Taken)
	}
	if st := s.status(); st.Rollback == "" || !st.Certificate.Fits {
		t.Errorf("after the switch: %+v, %+v", st.Rollback, st.Certificate)
	}
	s.step("remove")
	if st := s.status(); st.Rollback != "" {
		t.Errorf("the window is over, and the way back is %s", st.Rollback)
	}
	s.step("restore")
	s.step("close")
	s.until("done", func(st control.Status) bool { return st.State == control.Done })
	s.is(newMail, "198.51.100.3 300")
	s.is(oldMail, "198.51.100.3 300")
	if _, err := s.ask(0, control.RollbackCommand, because()); err == nil {
		t.Error("rolled back after the end")
	}
	s.end()
	s.start()
	s.is(newMail, "198.51.100.3 300")
	s.until("done after a start", func(st control.Status) bool { return st.State == control.Done })
}

// TestFewerApprovals: who takes an approval out of the configuration is not silent.
func TestFewerApprovals(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 2}\n")
	s.write("hopnhat.yaml", "version: 1\ncutover: {approvals: 1}\n")
	v, err := s.ask(0, control.ReloadCommand, control.Reload{})
	const says = "the approvals that a plan needs were 2 before, and are 1 from now on"
	if r, ok := v.(control.Reloaded); err != nil || !ok || !slices.Contains(r.Notes, says) || !strings.Contains(s.log.String(), says) {
		t.Errorf("%+v, %v\n%s", v, err, s.log)
	}
}

// TestBack: before the switch a plan is aborted, after it rolled back: old data
// under higher serials, the new names kept; and scheduled again.
func TestBack(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.edit("consolidation.yaml", "targets:", "decisions:\n  - {at: www.moi.example, take: source, why: x, by: an, doc: bb1, state: decided}\ntargets:")
	s.edit("zones/moi.example.zone", "ns0 A", "www A 192.0.2.80\nns0 A")
	s.edit("sources/cu.zone", "mail A", "www A 198.51.100.80\nmail A")
	if err := s.d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	const www = "www.moi.example"
	s.must(0, schedule, because())
	if _, err := s.ask(0, control.RollbackCommand, because()); err == nil {
		t.Error("rolled back before the switch")
	}
	s.step("lower")
	s.must(0, control.AbortCommand, because())
	s.is(newMail, "NXDOMAIN")
	s.until("aborted", func(st control.Status) bool { return st.State == control.Aborted })

	s.must(0, schedule, because())
	s.until("lowered again, since its instant is here", func(st control.Status) bool { x := taken(st, "lower"); return x != nil && x.Verified != nil })
	s.step("add")
	s.is(www, "192.0.2.80 300")
	s.step("switch")
	s.is(www, "198.51.100.80 300")
	if _, err := s.ask(0, control.AbortCommand, because()); err == nil {
		t.Error("aborted after the switch")
	}
	serial := s.serial()
	s.must(0, control.RollbackCommand, because())
	s.is(www, "192.0.2.80 300")
	s.is(newMail, "198.51.100.3 300")
	if !serial.Before(s.serial()) {
		t.Errorf("rolled back from serial %d to %d", serial, s.serial())
	}
	s.until("rolled back", func(st control.Status) bool { return st.State == control.RolledBack })
	if !strings.Contains(s.log.String(), "rolled back by u0: the test") {
		t.Error("the log does not say so")
	}
	s.end()
	s.start()
	s.is(www, "192.0.2.80 300")
	// Its date lies behind; another is needed.
	if _, err := s.ask(0, schedule, because()); err == nil {
		t.Error("scheduled for a date that has passed")
	}
	s.edit("consolidation.yaml", "2025-09-01 00:00", "2025-09-15 00:00")
	s.must(0, schedule, because())
	s.step("switch")
	s.is(www, "198.51.100.80 300")
}

// TestStale is T-FENCE: an edit makes the plan another, of which nothing is taken
// before it is scheduled again. The edit itself is published.
func TestStale(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 1}\n")
	s.edit("consolidation.yaml", "targets:", "timeline: {grace: 6h}\ntargets:")
	s.must(0, schedule, because())
	sum := control.Approve{Plan: s.status().Plan.Hash}
	s.must(1, control.ApproveCommand, sum)
	s.step("lower")
	next := s.status().Next.At
	// Saved, and not loaded: the step due finds it.
	s.edit("sources/cu.zone", "198.51.100.3", "198.51.100.33")
	s.h.to(next.Add(time.Minute))
	st := s.until("held", func(st control.Status) bool {
		return st.State == control.Held && st.Stale != "" && st.Held.Cause == control.ByPlan
	})
	if taken(st, "add") != nil {
		t.Fatal("a step of a stale plan is taken")
	}
	s.is(oldMail, "198.51.100.33 300")
	s.is(newMail, "NXDOMAIN")
	if _, err := s.ask(1, control.ApproveCommand, sum); !errors.Is(err, publish.ErrStale) {
		t.Errorf("the stale plan is approved: %v", err)
	}
	s.must(0, schedule, because())
	st = s.status()
	if st.Plan.Hash == sum.Plan || len(st.Approvals.By) != 0 {
		t.Errorf("scheduled again: plan %s, approved by %v", st.Plan.Hash, st.Approvals.By)
	}
	s.must(1, control.ApproveCommand, control.Approve{Plan: st.Plan.Hash})
	s.step("add")
	s.is(newMail, "198.51.100.33 300")
}

// TestEditDrains is LOG-EDIT: an edit keeps the date where what it replaced is
// forgotten by then, however long the TTLs were before the first step; and one
// that lowers a TTL before the first step has the next one wait for the old TTL.
// Secondaries of these zones have an edit within 70 minutes.
func TestEditDrains(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.edit("sources/cu.zone", "mail A", "mail 86400 A")
	s.must(0, control.ReloadCommand, control.Reload{})
	s.must(0, schedule, because())
	s.step("lower")
	s.h.to(time.Date(2025, 8, 31, 14, 0, 0, 0, time.UTC)) // 21:00 there
	s.edit("zones/moi.example.zone", "ns0 A", "www A 192.0.2.80\nns0 A")
	s.must(0, control.ReloadCommand, control.Reload{})
	s.is("www.moi.example", "192.0.2.80 300")
	s.must(0, schedule, because())
	s.step("add")
	if at := s.step("switch").Taken.Format(time.RFC3339); at != "2025-09-01T00:00:00+07:00" {
		t.Errorf("an edit three hours before has the switch made at %s", at)
	}

	s = staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 1}\n")
	s.edit("consolidation.yaml", "targets:", "timeline: {grace: 24h}\ntargets:")
	s.edit("sources/cu.zone", "mail A", "mail 86400 A")
	s.must(0, control.ReloadCommand, control.Reload{})
	s.must(0, schedule, because()) // announced, and approved by nobody
	s.h.to(time.Date(2025, 8, 31, 11, 0, 0, 0, time.UTC))
	s.edit("sources/cu.zone", "mail 86400 A", "mail A")
	s.must(0, control.ReloadCommand, control.Reload{})
	s.end()
	s.start()
	s.must(0, schedule, because())
	s.must(1, control.ApproveCommand, control.Approve{Plan: s.status().Plan.Hash})
	s.step("lower")
	next := s.until("next is add", func(st control.Status) bool { return st.Next != nil && st.Next.Kind == "add" && st.Next.Waits == "" }).Next
	if want := time.Date(2025, 9, 1, 12, 10, 0, 0, time.UTC); !next.At.Equal(want) {
		t.Errorf("add comes at %v, and the old TTL is forgotten at %v", next.At, want)
	}
}

// TestWaves: each wave has steps of its own; one that may is a single instant where
// the fewest steps are asked for; and a rollback of it serves what stood before.
func TestWaves(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.edit("consolidation.yaml", "targets:", `timeline: {steps: fewest}
waves:
  - {name: ten, at: cutover, systems: []}
  - {name: het, at: 2025-12-01 00:00 +07:00, systems: []}
exceptions:
  - {name: mail.cu.example, owner: an, why: hết hạn, expires: 31/12/2035, wave: het}
targets:`)
	s.must(0, schedule, because())
	var kinds []string
	for _, x := range s.status().Steps {
		kinds = append(kinds, x.Wave+" "+x.Kind)
	}
	want := "ten lower, ten switch, ten restore, ten close, het lower, het switch, het restore, het close"
	if got := strings.Join(kinds, ", "); got != want {
		t.Fatalf("steps: %s, want %s", got, want)
	}
	s.step("lower")
	s.step("switch")
	s.is(newMail, "198.51.100.3 300")
	s.must(0, control.RollbackCommand, because())
	s.is(newMail, "NXDOMAIN")
	s.end()
	s.start()
	s.is(newMail, "NXDOMAIN")
	s.edit("consolidation.yaml", "2025-09-01 00:00", "2025-09-22 00:00")
	s.must(0, schedule, because())
	s.step("switch")
	s.is(newMail, "198.51.100.3 300")
	s.step("restore")
	s.is(oldMail, "198.51.100.3 300")
	s.step("close")
	for _, kind := range []string{"lower", "switch"} {
		st := s.until("the next wave's "+kind, func(st control.Status) bool {
			return st.Next != nil && st.Next.Wave == "het" && st.Next.Kind == kind && st.Next.Waits == ""
		})
		s.h.to(st.Next.At)
		s.until("it is taken", func(st control.Status) bool { return st.Next == nil || st.Next.Kind != kind })
	}
	s.is(oldMail, "NXDOMAIN")
	s.is(newMail, "198.51.100.3 300")
}

// TestMissed: a switch whose grace has passed is not made by itself.
func TestMissed(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.must(0, schedule, because())
	s.step("lower")
	s.end()
	s.h.to(time.Date(2025, 9, 2, 0, 0, 0, 0, time.UTC))
	s.start()
	s.until("missed", func(st control.Status) bool {
		return st.State == control.Missed && strings.Contains(s.log.String(), "ALARM: the cutover is held: the switch of 2025-09-01T00:00:00+07:00 was not made in time")
	})
	s.is(newMail, "NXDOMAIN")
	s.must(0, control.NowCommand, because())
	s.until("added", func(st control.Status) bool { x := taken(st, "add"); return x != nil && x.Verified != nil })
	s.step("switch")
}

// TestTooNear: a date that leaves no time is refused, with one that does.
func TestTooNear(t *testing.T) {
	s := staged(t, "2025-08-31T16:30:00Z", "cutover: {approvals: 0}\n")
	_, err := s.ask(0, schedule, because())
	if err == nil || !strings.Contains(err.Error(), "too near") || !strings.Contains(err.Error(), "earliest safe one is 2025-09-1") {
		t.Errorf("half an hour before: %v", err)
	}
}

// TestClockHolds: a clock that jumped is not believed at the switch.
func TestClockHolds(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.must(0, schedule, because())
	s.step("lower")
	s.step("add")
	at := s.status().Next.At
	s.h.to(at.Add(-time.Hour))
	read := s.h.looks()
	s.until("the clock is looked at an hour before", func(st control.Status) bool { return st.State == control.Waiting && s.h.looks() > read })
	s.h.move(func() { s.h.now, s.h.jump = at.Add(time.Second), 59*time.Minute })
	st := s.until("held", func(st control.Status) bool { return st.State == control.Held })
	if taken(st, "switch") != nil || !strings.Contains(s.log.String(), "ALARM: no switch is made: the clock jumped forward by") {
		t.Errorf("%+v\n%s", st.Held, s.log)
	}
	s.must(0, control.ReleaseCommand, because())
	s.until("switched", func(st control.Status) bool { return taken(st, "switch") != nil })
}

// TestHeldByHand: while somebody holds it no step is taken, over restarts too, and
// what is served goes on; then it goes on by itself.
func TestHeldByHand(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	if _, err := s.ask(0, control.HoldCommand, because()); err == nil || !strings.Contains(err.Error(), "nothing is scheduled") {
		t.Errorf("with nothing scheduled: %v", err)
	}
	s.must(0, schedule, because())
	s.step("lower")
	s.must(0, control.HoldCommand, control.Reason{Why: "mail is looked at"})
	if _, err := s.ask(0, control.HoldCommand, because()); err == nil || !strings.Contains(err.Error(), "mail is looked at (u0)") {
		t.Errorf("held twice: %v", err)
	}
	s.end()
	s.start()
	at := s.status().Steps[1].At
	s.h.to(at.Add(time.Second))
	st := s.until("an alarm", func(st control.Status) bool {
		return strings.Contains(s.log.String(), "ALARM: the cutover is held: mail is looked at (u0)")
	})
	if taken(st, "add") != nil || st.State != control.Held || st.Held.Why != "mail is looked at (u0)" || !strings.HasPrefix(st.Release, "hopnhat cutover release ") || !st.Alarms() {
		t.Errorf("%+v", st)
	}
	s.is(oldMail, "198.51.100.3 300")
	s.is(newMail, "NXDOMAIN")
	s.must(0, control.ReleaseCommand, because())
	s.until("goes on", func(st control.Status) bool { return taken(st, "add") != nil && !st.Alarms() })
	s.is(newMail, "198.51.100.3 300")
}

// liar answers every question with NXDOMAIN, until it is told to be silent.
type liar struct {
	addr   netip.AddrPort
	silent bool
	mu     sync.Mutex
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{addr: netip.MustParseAddrPort(c.LocalAddr().String())}
	srv := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.silent {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeNameError))
		}
	})}
	go func() { _ = srv.ActivateAndServe() }()
	t.Cleanup(func() { _ = srv.Shutdown() })
	return l
}

// unkept is a disk that is too full for what a verification says.
type unkept struct {
	history.FS
	full *atomic.Bool
}

func (d unkept) Append(name string) (history.File, error) {
	f, err := d.FS.Append(name)
	return unkeptFile{f, d}, err
}

type unkeptFile struct {
	history.File
	disk unkept
}

func (f unkeptFile) Write(b []byte) (int, error) {
	if f.disk.full.Load() && bytes.Contains(b, []byte(cutover.Verified)) {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(b)
}

// TestVerificationUnkept: what a verification says and cannot be written down is an
// alarm, after the last step too, until another one is kept.
func TestVerificationUnkept(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	disk := unkept{history.OS(filepath.Join(s.dir, "var", HistoryFolder)), new(atomic.Bool)}
	h, _, err := history.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	s.d.mu.Lock()
	s.d.past.h = h
	s.d.mu.Unlock()
	s.must(0, schedule, because())
	for _, kind := range []string{"lower", "add", "switch", "remove", "restore", "close"} {
		at := s.until("next is "+kind, func(st control.Status) bool { return st.Next != nil && st.Next.Kind == kind && st.Next.Waits == "" }).Next.At
		disk.full.Store(kind == "lower" || kind == "close")
		s.h.to(at)
		if disk.full.Load() {
			s.until(kind+" is held", func(st control.Status) bool {
				return taken(st, kind) != nil && st.State == control.Held && st.Release == "" && strings.Contains(st.Held.Why, "no space left")
			})
			disk.full.Store(false)
			s.h.to(at.Add(verifyAgain))
		}
		s.until(kind+" is verified", func(st control.Status) bool {
			x := taken(st, kind)
			return x != nil && x.Verified != nil && x.Verified.OK && st.State != control.Held
		})
	}
	if n := strings.Count(s.log.String(), "ALARM"); n != 2 {
		t.Errorf("%d alarms\n%s", n, s.log)
	}
}

// TestVerificationHolds: a resolver that does not see what was published holds the
// timeline; one that is taken out of the configuration does not.
func TestVerificationHolds(t *testing.T) {
	l := newLiar(t)
	resolvers := fmt.Sprintf("cutover:\n  approvals: 0\n  verify: {within: 1s, resolvers: [{name: r1, address: %q}]}\n", l.addr.String())
	s := staged(t, "2025-08-20T00:00:00Z", resolvers)
	s.must(0, schedule, because())
	s.h.to(s.status().Steps[0].At)
	st := s.until("held", func(st control.Status) bool { return st.State == control.Held })
	if x := taken(st, "lower"); x == nil || x.Verified == nil || x.Verified.OK || !st.Alarms() {
		t.Errorf("%+v", st.Steps)
	}
	if n := strings.Count(s.log.String(), "ALARM"); n != 1 || !strings.Contains(s.log.String(), "to go back: hopnhat cutover abort") {
		t.Errorf("%d alarms\n%s", n, s.log)
	}
	s.is(oldMail, "198.51.100.3 300")
	s.h.to(st.Steps[1].At.Add(time.Second))
	if st := s.until("still held", func(st control.Status) bool { return st.State == control.Held }); taken(st, "add") != nil {
		t.Error("a step is taken while it is held")
	}
	// Over a restart it is still held.
	s.end()
	s.start()
	st = s.until("held after a start", func(st control.Status) bool { return st.State == control.Held })
	x := taken(st, "lower")
	if st.Held.Cause != control.ByVerification || st.Held.Verdict == nil || x.Verified.Verdict == nil {
		t.Fatalf("what the verification found is not known in numbers: %+v, %+v", st.Held, x.Verified)
	}
	f := st.Held.Verdict.Faults[0]
	if f.Kind != verify.WrongAnswers || f.Role != "resolver" || f.Name != "r1" || f.Address != l.addr.String() || f.Count == 0 || f.Got == "" || st.Held.Why != "the verification failed: "+verify.Fault(f).String() {
		t.Errorf("%+v of %q", f, st.Held.Why)
	}
	s.write("hopnhat.yaml", "version: 1\ncutover: {approvals: 0}\n")
	s.must(0, control.ReloadCommand, control.Reload{})
	s.must(0, control.ReleaseCommand, because())
	s.until("goes on", func(st control.Status) bool { return taken(st, "add") != nil })
}

// TestRollsBackByItself: where that is configured, so many wrong vantage points
// lead back; silent ones do not.
func TestRollsBackByItself(t *testing.T) {
	a, b := newLiar(t), newLiar(t)
	conf := fmt.Sprintf("cutover:\n  approvals: 0\n  rollback: {automatic: true, quorum: 2}\n  verify: {within: 1s, resolvers: [{name: r1, address: %q}, {name: r2, address: %q}]}\n", a.addr.String(), b.addr.String())
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprint("silent ", silent), func(t *testing.T) {
			s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
			s.must(0, schedule, because())
			s.step("lower")
			s.step("add")
			a.mu.Lock()
			a.silent = silent
			a.mu.Unlock()
			b.mu.Lock()
			b.silent = silent
			b.mu.Unlock()
			s.write("hopnhat.yaml", "version: 1\n"+conf)
			s.must(0, control.ReloadCommand, control.Reload{})
			s.h.to(s.status().Next.At)
			want := control.RolledBack
			if silent {
				want = control.Held
			}
			s.until(string(want), func(st control.Status) bool { return st.State == want })
			if back := strings.Contains(s.log.String(), "ALARM: rolled back by itself"); back == silent {
				t.Errorf("rolled back by itself: %v\n%s", back, s.log)
			}
			s.until("what is wrong now is an alarm too", func(st control.Status) bool { return st.Held != nil && st.Alarms() })
		})
	}
}

// TestEditNow: an edit is proved against what is served, and braked; a start with a
// bad one serves what was published last.
func TestEditNow(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "")
	var lines strings.Builder
	for i := range 30 {
		fmt.Fprintf(&lines, "h%d A 192.0.2.7\n", i)
	}
	file, err := os.ReadFile(filepath.Join(s.dir, "zones/moi.example.zone"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(file) + lines.String() + "*.sao A 192.0.2.9\n"
	s.write("zones/moi.example.zone", good)
	s.must(3, control.ReloadCommand, control.Reload{Why: "thêm máy", Document: "bb1"})
	s.is("h3.moi.example", "192.0.2.7 300")
	last, _ := s.d.past.last()
	if last.Who != "u3" || last.Why != "thêm máy" || last.Document != "bb1" {
		t.Errorf("the log has %+v", last.Entry)
	}
	for name, text := range map[string]string{
		"an empty non-terminal under a wildcard": good + "x.y.sao A 192.0.2.10\n",
		"more than a tenth goes":                 string(file) + "*.sao A 192.0.2.9\n",
		"a syntax error":                         good + "x A 192.0.2.300\n",
	} {
		s.write("zones/moi.example.zone", text)
		if _, err := s.ask(3, control.ReloadCommand, control.Reload{}); err == nil && name != "a syntax error" {
			t.Errorf("%s is published", name)
		}
		s.is("h3.moi.example", "192.0.2.7 300")
		s.is("a.y.sao.moi.example", "192.0.2.9 300")
		s.is("x.moi.example", "NXDOMAIN")
	}
	s.write("zones/moi.example.zone", string(file)+"*.sao A 192.0.2.9\n")
	s.end()
	s.start()
	s.is("h3.moi.example", "192.0.2.7 300")
	if !strings.Contains(s.log.String(), "served as it was published last") {
		t.Error("the start does not say so", s.log)
	}
	s.must(3, control.ReloadCommand, control.Reload{Override: "the machines are gone"})
	s.is("h3.moi.example", "NXDOMAIN")
	if last, _ := s.d.past.last(); !strings.Contains(last.Why, "override: the machines are gone") {
		t.Errorf("the log has %+v", last.Entry)
	}
}

// TestScheduleNeedsSerials: a plan is not made as long as a secondary does not tell
// its serials; those that it tells are passed.
func TestScheduleNeedsSerials(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := c.LocalAddr().String()
	conf := fmt.Sprintf("cutover: {approvals: 0}\nsecondaries: [{name: ns2, address: %q, from: [127.0.0.1]}]\n", addr)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s := staged(t, "2025-08-20T00:00:00Z", conf)
	if _, err := s.ask(0, schedule, because()); err == nil || !strings.Contains(err.Error(), "ns2 ("+addr+") does not tell its serial of") {
		t.Fatalf("with a secondary that is down: %v", err)
	}
	if c, err = net.ListenPacket("udp", addr); err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	srv := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		soa, err := dns.NewRR(q.Question[0].Name + " 60 SOA ns q 4000 60 60 600 60")
		if err != nil {
			panic(err)
		}
		m.Answer = []dns.RR{soa}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = srv.ActivateAndServe() }()
	t.Cleanup(func() { _ = srv.Shutdown() })
	s.must(0, schedule, because())
	for _, ch := range s.status().Plan.Changes {
		if ch.To <= 4000 {
			t.Errorf("%s would be served under the serial %d, and ns2 has 4000", ch.Zone, ch.To)
		}
	}
}
