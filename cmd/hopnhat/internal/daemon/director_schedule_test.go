package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

const proving = "proving"

// within fails the test where something does not come.
func within[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(time.Minute):
		t.Fatalf("never: %s", what)
	}
	return v
}

// scheduling is a schedule that waits where it begins to prove, each time.
type scheduling struct {
	there, on chan struct{}
	said      []string
	end       chan error
}

func (s *stage) scheduling(ctx context.Context) *scheduling {
	b := &scheduling{there: make(chan struct{}), on: make(chan struct{}), end: make(chan error, 1)}
	go func() {
		_, err := s.say(ctx, 0, schedule, because(), func(text string) {
			b.said = append(b.said, text)
			if strings.HasPrefix(text, proving) {
				b.there <- struct{}{}
				<-b.on
			}
		})
		b.end <- err
	}()
	return b
}

// TestScheduleWaitsForNobody: while a plan is made, the server tells its status,
// publishes edits and takes commands; the plan is then made anew of what is there.
func TestScheduleWaitsForNobody(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	b := s.scheduling(t.Context())
	within(t, "it proves", b.there)
	if st := s.status(); st.State != control.None {
		t.Errorf("the state is %q", st.State)
	}
	if _, err := s.ask(1, schedule, because()); err == nil || !strings.Contains(err.Error(), "another plan is being made") {
		t.Errorf("two plans are made at once: %v", err)
	}
	s.edit("zones/moi.example.zone", "ns0 A", "h1 A 192.0.2.7\nns0 A")
	s.must(1, control.ReloadCommand, control.Reload{})
	s.is("h1.moi.example", "192.0.2.7 300")
	b.on <- struct{}{}
	within(t, "it proves again", b.there)
	b.on <- struct{}{}
	if err := within(t, "it ends", b.end); err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(b.said, "; "); !strings.Contains(said, "while the plan was made the files were changed, or read again, so it is made anew") {
		t.Errorf("said: %s", said)
	}
	if st := s.status(); st.State != control.Waiting || st.Stale != "" {
		t.Errorf("the state is %q, %s", st.State, st.Stale)
	}
	s.step("lower")
	s.step("add")
	s.is("h1.moi.example", "192.0.2.7 300")
	s.is(newMail, "198.51.100.3 300")
}

// TestScheduleRefuses: what comes each time that a plan is made keeps it from being
// scheduled, and nothing is written down.
func TestScheduleRefuses(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	b := s.scheduling(t.Context())
	for i := range mostDrafts {
		within(t, "it proves", b.there)
		s.edit("zones/moi.example.zone", "ns0 A", fmt.Sprintf("h%d A 192.0.2.7\nns0 A", i)) // and nobody reads it
		b.on <- struct{}{}
	}
	err := within(t, "it ends", b.end)
	if err == nil || !strings.Contains(err.Error(), "the files were changed") || !strings.Contains(err.Error(), "nothing is scheduled") {
		t.Errorf("scheduled although the files were changed each time: %v", err)
	}
	if _, err := s.d.past.h.File(proofFile, 1); s.status().State != control.None || err == nil {
		t.Errorf("the state is %q; a certificate is kept: %v", s.status().State, err == nil)
	}
	s.must(0, schedule, because())
}

// TestScheduleSeesEvents: an event of the log that comes while a plan is made is
// part of it.
func TestScheduleSeesEvents(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.must(0, schedule, because())
	s.step("lower")
	b := s.scheduling(t.Context())
	within(t, "it proves", b.there)
	s.step("add")
	b.on <- struct{}{}
	within(t, "it proves again", b.there)
	b.on <- struct{}{}
	if err := within(t, "it ends", b.end); err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(b.said, "; "); !strings.Contains(said, "event") {
		t.Errorf("said: %s", said)
	}
	if on := s.d.director.scheme.Standing; on.Kind != cutover.Add {
		t.Errorf("the plan goes on from %v", on.Kind)
	}
	s.step("switch")
	s.is(newMail, "198.51.100.3 300")
}

// TestScheduleIsGivenUp: who goes away need not wait for the plan, of which nothing
// is written down; until it has come to its end there is no other.
func TestScheduleIsGivenUp(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	ctx, leave := context.WithCancel(t.Context())
	b := s.scheduling(ctx)
	within(t, "it proves", b.there)
	leave()
	if err := within(t, "it ends", b.end); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if _, err := s.ask(1, schedule, because()); err == nil {
		t.Error("two plans are made at once")
	}
	b.on <- struct{}{}
	s.until("the plan that was given up has come to its end", func(st control.Status) bool {
		s.d.mu.Lock()
		defer s.d.mu.Unlock()
		return !s.d.director.drafting
	})
	if st := s.status(); st.State != control.None {
		t.Errorf("the state is %q", st.State)
	}
	s.must(1, schedule, because())
}

// TestScheduleEndsWithTheServer: a server that stops does not wait for a plan, of the
// command or of a rehearsal, nor writes it down afterwards.
func TestScheduleEndsWithTheServer(t *testing.T) {
	for _, rehearse := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprint(rehearse), func(t *testing.T) {
			l := newLiar(t)
			there, on := make(chan struct{}), make(chan struct{})
			var once sync.Once
			s := &stage{T: t, dir: small(t), h: newHands("2025-08-20T00:00:00Z"), log: &lockedLog{}}
			s.log.hear = func(text string) {
				if strings.Contains(text, "has no serial of") {
					once.Do(func() { close(there) })
					<-on
				}
			}
			s.write("hopnhat.yaml", fmt.Sprintf("version: 1\ncutover: {approvals: 0}\nsecondaries: [{name: ns2, address: %q, from: [127.0.0.1]}]\n", l.addr))
			s.socket, s.rehearse = filepath.Join(s.dir, control.File), rehearse
			s.start()
			ended := make(chan error, 1)
			if rehearse == 0 {
				r, err := control.NewRequest(schedule, because())
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					_, err := control.Call(context.Background(), s.socket, r, nil)
					ended <- err
				}()
			}
			within(t, "it has asked for serials", there)
			closed := make(chan error, 1)
			d := s.d
			s.d = nil
			go func() { closed <- d.Close(context.Background()) }()
			if err := within(t, "the server stops", closed); err != nil {
				t.Error(err)
			}
			if rehearse == 0 {
				if err := within(t, "the client is told", ended); err == nil {
					t.Error("the client is told that all is well")
				}
			}
			n := len(d.past.h.Events())
			close(on)
			eventually(t, s.log, "what was left behind ends", func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return !d.director.drafting
			})
			if is := len(d.past.h.Events()); is != n {
				t.Errorf("%d events were written after the end", is-n)
			}
		})
	}
}
