package daemon

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
)

// hands is a clock that a test moves.
type hands struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{} // closed at the next move
	jump  time.Duration // what the wall clock was set by
	reads int           // how often all clocks were read
	sync  clock.Sync
}

func newHands(at string) *hands {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return &hands{now: t, moved: make(chan struct{}), sync: clock.Synced}
}

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) read() clock.Reading {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	running := h.now.Add(-h.jump).Sub(time.Unix(1e9, 0))
	return clock.Reading{Wall: h.now, Running: running, Since: running, Sync: h.sync}
}

func (h *hands) looks() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reads
}

func (h *hands) move(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.moved)
	h.moved = make(chan struct{})
}

func (h *hands) to(at time.Time) { h.move(func() { h.now = at }) }

func (h *hands) Wait(ctx context.Context, d time.Duration) error {
	end := h.Now().Add(d)
	for {
		h.mu.Lock()
		now, moved := h.now, h.moved
		h.mu.Unlock()
		if !now.Before(end) {
			return ctx.Err()
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stage is a workspace that is served by its timeline, on a clock that the test
// moves.
type stage struct {
	*testing.T
	dir      string
	d        *Daemon
	h        *hands
	log      *lockedLog
	addr     netip.AddrPort
	socket   string // of control; "": none
	rehearse time.Duration
	loading  func() // called when the files were read, before anything comes of it; nil: nothing
}

type lockedLog struct {
	mu   sync.Mutex
	b    bytes.Buffer
	hear func(string) // nil, or what hears each write first
}

func (l *lockedLog) Write(p []byte) (int, error) {
	if l.hear != nil {
		l.hear(string(p))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// staged is the small workspace with more in its hopnhat.yaml.
func staged(t *testing.T, at, conf string) *stage {
	t.Helper()
	s := &stage{T: t, dir: small(t), h: newHands(at), log: &lockedLog{}}
	s.write("hopnhat.yaml", "version: 1\n"+conf)
	s.start()
	return s
}

func (s *stage) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

// edit replaces a text in a file.
func (s *stage) edit(name, old, text string) {
	s.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil || !strings.Contains(string(b), old) {
		s.Fatalf("%s has no %q (%v)", name, old, err)
	}
	s.write(name, strings.Replace(string(b), old, text, 1))
}

func (s *stage) start() {
	s.Helper()
	one := Stage{Listener: Listener{Address: "127.0.0.1:0", View: zones.Internet, At: Now}, Instant: workspace.Now()}
	c := Clock{Now: s.h.Now, Wait: s.h.Wait}
	// The files are settled by the machine's clock.
	files := Workspace(s.dir, []Stage{one}, SystemClock())
	load := func(ctx context.Context, prev *Loaded, over map[string][]byte) (*Loaded, error) {
		l, err := files(ctx, prev, over)
		if s.loading != nil {
			s.loading()
		}
		return l, err
	}
	d, err := Start(s.Context(), Options{
		Listeners: []Listener{one.Listener}, Load: load, State: filepath.Join(s.dir, "var"),
		Log: s.log, Directed: true, Clock: c, Read: s.h.read, Control: s.socket, Rehearse: s.rehearse,
	})
	if err != nil {
		s.Fatal(err, s.log)
	}
	s.d, s.addr = d, d.Addresses()[0]
	s.Cleanup(s.end)
}

func (s *stage) end() {
	if s.d != nil {
		if err := s.d.Close(context.Background()); err != nil {
			s.Error(err)
		}
		s.d = nil
	}
}

// ask sends a command of the control socket as a user.
func (s *stage) ask(uid int, command string, args any) (any, error) {
	s.Helper()
	return s.say(s.Context(), uid, command, args, func(string) {})
}

// say is ask with a function that hears how far it is.
func (s *stage) say(ctx context.Context, uid int, command string, args any, hear func(string)) (any, error) {
	s.Helper()
	r, err := control.NewRequest(command, args)
	if err != nil {
		s.Fatal(err)
	}
	return s.d.Handle(ctx, control.Peer{UID: uid, User: fmt.Sprint("u", uid)}, r, hear)
}

func (s *stage) must(uid int, command string, args any) {
	s.Helper()
	if _, err := s.ask(uid, command, args); err != nil {
		s.Fatalf("%s: %v\n%s", command, err, s.log)
	}
}

func (s *stage) status() control.Status {
	s.Helper()
	v, err := s.ask(0, control.StatusCommand, control.Nothing{})
	if err != nil {
		s.Fatal(err)
	}
	return v.(control.Status)
}

// until waits for a condition of the status; the clock stands.
func (s *stage) until(what string, ok func(control.Status) bool) control.Status {
	s.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s.d.director.rouse() // it may have begun to wait just before the clock was moved
		st := s.status()
		if ok(st) {
			return st
		}
		if time.Now().After(end) {
			s.Fatalf("never: %s; the state is %q, next %+v, held %+v\n%s", what, st.State, st.Next, st.Held, s.log)
		}
	}
}

// step goes to the instant of the next step, and waits until it was taken and
// verified.
func (s *stage) step(kind string) control.Step {
	s.Helper()
	st := s.until("next is "+kind, func(st control.Status) bool { return st.Next != nil && st.Next.Kind == kind && st.Next.Waits == "" })
	s.h.to(st.Next.At.Add(-time.Second))
	if got := s.until("not before", func(control.Status) bool { return true }); taken(got, kind) != nil {
		s.Fatalf("%s is taken a second early", kind)
	}
	s.h.to(st.Next.At)
	st = s.until(kind+" is taken and verified", func(st control.Status) bool {
		x := taken(st, kind)
		return x != nil && (x.Verified != nil || kind == "close")
	})
	return *taken(st, kind)
}

// taken is the first step of a kind, if it was taken.
func taken(st control.Status, kind string) *control.Step {
	for i, x := range st.Steps {
		if x.Kind == kind && !x.Taken.IsZero() {
			return &st.Steps[i]
		}
	}
	return nil
}

// a is the address that a name has at the server, with its TTL; else the rcode.
func (s *stage) a(name string) string {
	s.Helper()
	m := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
	c := &dns.Client{Timeout: 10 * time.Second}
	r, _, err := c.Exchange(m, s.addr.String())
	switch {
	case err != nil:
		s.Fatal(err)
	case len(r.Answer) == 1:
		rr := r.Answer[0].(*dns.A)
		return fmt.Sprint(rr.A, " ", rr.Hdr.Ttl)
	}
	return dns.RcodeToString[r.Rcode]
}

func (s *stage) is(name, want string) {
	s.Helper()
	if got := s.a(name); got != want {
		s.Errorf("%s is %s, want %s", name, got, want)
	}
}

func (s *stage) serial() zones.Serial {
	return s.d.Worlds()[Now].Zone(zones.ID{Origin: zones.MustName("moi.example"), View: zones.Internet}).Serial()
}

const (
	schedule = control.ScheduleCommand
	oldMail  = "mail.cu.example"
	newMail  = "mail.moi.example"
)

func because() control.Reason { return control.Reason{Why: "the test"} }
