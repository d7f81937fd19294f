package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
)

// begin is start with a listener of the world after beside it, which it gives.
func (s *stage) begin() string {
	s.Helper()
	stages := []Stage{
		{Listener{Address: "127.0.0.1:0", View: zones.Internet, At: Now}, workspace.Now()},
		{Listener{Address: "127.0.0.1:0", View: zones.Internet, At: "after"}, workspace.After()},
	}
	d, err := Start(s.Context(), Options{
		Listeners: []Listener{stages[0].Listener, stages[1].Listener}, Load: Workspace(s.dir, stages, SystemClock()), State: filepath.Join(s.dir, "var"),
		Log: s.log, Directed: true, Clock: Clock{Now: s.h.Now, Wait: s.h.Wait}, Read: s.h.read,
	})
	if err != nil {
		s.Fatal(err, s.log)
	}
	s.d, s.addr = d, d.Addresses()[0]
	s.Cleanup(s.end)
	return d.Addresses()[1].String()
}

// TestStartWithBadFiles: a start in the middle of a timeline, on files that cannot be
// used, serves what was published last, and refuses at other instants. Nobody takes a
// step, and what is wrong by now is what the status says. With files that are mended all
// is as it was, to the serial.
func TestStartWithBadFiles(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.must(0, schedule, because())
	s.step("lower")
	s.step("add")
	next := s.until("next is the switch", func(st control.Status) bool { return st.Next != nil && st.Next.Kind == "switch" }).Next.At
	s.end()
	after := s.begin()
	soa := func(addr string) string {
		t.Helper()
		r, err := dns.Exchange(new(dns.Msg).SetQuestion("moi.example.", dns.TypeSOA), addr)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(dns.RcodeToString[r.Rcode], r.Answer)
	}
	was, wasAfter := soa(s.addr.String()), soa(after)
	s.end()

	s.edit("zones/moi.example.zone", "ns0 A 192.0.2.1\n", "ns0 A 192.0.2\n")
	after = s.begin()
	if got := soa(s.addr.String()); got != was {
		t.Errorf("now has %s, want %s", got, was)
	}
	if got := soa(after); got != "REFUSED[]" || !strings.Contains(s.log.String(), `nothing is known of the world at "after"`) {
		t.Errorf("after has %s\n%s", got, s.log)
	}
	s.is(newMail, "198.51.100.3 300")
	held := func(says string) {
		t.Helper()
		if st := s.status(); st.State != control.Held || !st.Alarms() || st.Held.Cause != control.ByFiles || !strings.Contains(st.Held.Why, says) {
			t.Errorf("it is %q, held %+v, want %q", st.State, st.Held, says)
		}
	}
	held("moi.example.zone:4:7: error")
	for command, args := range map[string]any{control.NowCommand: because(), control.AbortCommand: because(), control.ScheduleCommand: because()} {
		if _, err := s.ask(0, command, args); err == nil || !strings.Contains(err.Error(), "moi.example.zone:4:7: error") {
			t.Errorf("%s: %v", command, err)
		}
	}
	s.must(0, control.HoldCommand, because())
	s.must(0, control.ReleaseCommand, because())
	held("moi.example.zone:4:7: error")
	s.h.to(next)
	s.edit("consolidation.yaml", "targets: [moi.example]", "targets: [moi.example")
	if err := s.d.Reload(context.Background()); err == nil {
		t.Error("it is loaded")
	}
	held("consolidation.yaml:5:10: error")
	if len(failedOf(s.d)) == 0 {
		t.Error("it does not look for files that are mended")
	}
	s.is(newMail, "198.51.100.3 300")
	if st := s.status(); len(s.d.director.progress.Past) != 2 {
		t.Errorf("a step was taken: %+v", st)
	}
	if got := soa(s.addr.String()); got != was {
		t.Errorf("now has %s, want %s", got, was)
	}

	s.edit("consolidation.yaml", "targets: [moi.example", "targets: [moi.example]")
	s.edit("zones/moi.example.zone", "ns0 A 192.0.2\n", "ns0 A 192.0.2.1\n")
	if err := s.d.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := soa(after); got != wasAfter {
		t.Errorf("after has %s, want %s", got, wasAfter)
	}
	s.until("the switch", func(st control.Status) bool { return taken(st, "switch") != nil && st.State != control.Held })
}

func failedOf(d *Daemon) []stamp {
	failed, _ := d.failedFiles()
	return failed
}
