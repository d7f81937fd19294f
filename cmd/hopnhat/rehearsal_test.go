package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

// The waves of the sample, by name and by an instant at which each is closed, and how far its
// TTLs are lowered.
var (
	sampleWaves = []string{"ten-mien", "van-ban-chung", "het-ten-phu"}
	sampleAts   = []string{"before", "after", "2026-02-01", "2026-10-01"}
)

const (
	sampleLow   = 300
	sampleTSLCD = "tslcd"
)

// rehearsal is ours with a copy of the sample, both views, and who follows it.
type rehearsal struct {
	*peer
	dir     string
	views   map[string]netip.AddrPort
	follow  []*follower
	servers []*watched
	worlds  map[string][]zones.World // by view: before, and after each wave
}

// follower is a secondary of a view.
type follower struct {
	*peer
	view, keyName, key string
}

func newRehearsal(t *testing.T) *rehearsal {
	t.Helper()
	r := &rehearsal{dir: t.TempDir(), views: map[string]netip.AddrPort{}, worlds: map[string][]zones.World{}}
	if err := os.CopyFS(r.dir, os.DirFS(sampleDir)); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"internet", sampleTSLCD} {
		r.views[v] = freePort(t, "127.0.0.1")
	}
	for _, at := range sampleAts {
		for view, zs := range exported(t, at) {
			r.worlds[view] = append(r.worlds[view], load(t, zs))
		}
	}
	return r
}

// origins are the zones of a view, which all worlds of the sample have.
func (r *rehearsal) origins(view string) (out []string) {
	for z := range r.worlds[view][0].All() {
		out = append(out, z.Origin().Text())
	}
	return out
}

// followBIND starts BIND as a secondary of a view.
func (r *rehearsal) followBIND(t *testing.T, view string) {
	t.Helper()
	dir, addr, from := t.TempDir(), freePort(t, "127.0.0.1"), r.views[view]
	f := &follower{view: view, keyName: "bind." + view}
	f.key, _ = newKey(t, dir, "hmac-sha256", f.keyName)
	var b strings.Builder
	fmt.Fprintf(&b, `include %q;
options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no; minimal-responses yes;
	min-refresh-time 1; min-retry-time 1; serial-query-rate 100; transfers-per-ns 20;
};
controls { };
`, f.key, dir, dir+"/pid", dir+"/session.key", dir, addr.Port())
	for _, o := range r.origins(view) {
		fmt.Fprintf(&b, "zone %q { type secondary; primaries { %v port %d key %s; }; file \"%s.db\"; };\n", o, from.Addr(), from.Port(), f.keyName, o)
	}
	f.peer = start(t, "BIND", addr, nil, need(t, "named"), "-g", "-n", "1", "-c", write(t, dir+"/named.conf", b.String()))
	r.follow = append(r.follow, f)
}

// followKnot starts Knot as a secondary of a view.
func (r *rehearsal) followKnot(t *testing.T, view string) {
	t.Helper()
	dir, addr, from := t.TempDir(), freePort(t, "127.0.0.1"), r.views[view]
	f := &follower{view: view, keyName: "knot." + view}
	var secret string
	f.key, secret = newKey(t, dir, "hmac-sha512", f.keyName)
	var b strings.Builder
	fmt.Fprintf(&b, `server:
    rundir: %q
    listen: "%v@%d"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
database:
    storage: %q
log:
  - target: stderr
    any: info
key:
  - id: %[5]s
    algorithm: hmac-sha512
    secret: %[6]s
remote:
  - id: hopnhat
    address: %[7]v@%[8]d
    key: %[5]s
acl:
  - id: hopnhat
    address: %[7]v
    key: %[5]s
    action: notify
template:
  - id: default
    storage: %[1]q
    master: hopnhat
    acl: hopnhat
zone:
`, dir, addr.Addr(), addr.Port(), dir, f.keyName, secret, from.Addr(), from.Port())
	for _, o := range r.origins(view) {
		fmt.Fprintf(&b, "  - domain: %q\n", o)
	}
	f.peer = start(t, "Knot", addr, nil, need(t, "knotd"), "-c", write(t, dir+"/knot.conf", b.String()))
	r.follow = append(r.follow, f)
}

// serve begins the rehearsal: the switch is so far ahead. It returns when all who
// follow have the world before.
func (r *rehearsal) serve(t *testing.T, ahead time.Duration, conf string) {
	t.Helper()
	text := "version: 1\nlisteners:\n"
	for view, at := range r.views {
		text += fmt.Sprintf("  - {address: %q, view: %s, at: now}\n", at, view)
	}
	if len(r.follow) > 0 {
		var keys, list strings.Builder
		for _, f := range r.follow {
			fmt.Fprintf(&keys, "  - %s\n", f.key)
			fmt.Fprintf(&list, "  - {name: %s, address: %q, key: %s, view: %s}\n", f.keyName, f.addr, f.keyName, f.view)
			eventually(t, f.peer, "it answers anything", func() bool {
				_, err := exchange(f.addr, "gialai.gov.vn.", dns.TypeSOA)
				return err == nil
			})
		}
		text += "keys:\n" + keys.String() + "secondaries:\n" + list.String()
	}
	write(t, filepath.Join(r.dir, "hopnhat.yaml"), text+conf)
	var zs []zoneFile
	for _, o := range r.origins("internet") {
		zs = append(zs, zoneFile{origin: o})
	}
	r.peer = start(t, "hopnhat", r.views["internet"], zs, hopnhat(t), "serve", r.dir, "--rehearse", ahead.String())
	for view, at := range r.views {
		r.servers = append(r.servers, r.watch(&peer{name: "hopnhat", addr: at}, view, true))
	}
	for _, f := range r.follow {
		eventually(t, f.peer, "it follows", func() bool {
			return !slices.ContainsFunc(r.origins(f.view), func(o string) bool { return !f.answersFor(o) })
		})
		r.servers = append(r.servers, r.watch(f.peer, f.view, false))
	}
	r.says(t, "scheduled: plan ")
}

// state is the folder of the rehearsal's state.
func (r *rehearsal) state() string { return filepath.Join(r.dir, "var", "rehearsal") }

// says waits for a line of the log.
func (r *rehearsal) says(t *testing.T, line string) {
	t.Helper()
	eventually(t, r.peer, fmt.Sprintf("the log says %q", line), func() bool { return strings.Contains(r.log.String(), line) })
}

func served(kind, wave string) string { return fmt.Sprintf("%s (%s): served from now on", kind, wave) }

// order runs a command of the cutover, which must exit so, and gives what it prints.
func (r *rehearsal) order(t *testing.T, want int, args ...string) string {
	t.Helper()
	out, errs, code := run(t, append(append([]string{"cutover"}, args...), "--state", r.state(), "--lang", "en")...)
	if code != want {
		t.Fatalf("hopnhat cutover %v exits %d, want %d:\n%s%s\n%s", args, code, want, out, errs, r.log)
	}
	return out
}

// status is what `hopnhat cutover status` says, which exits so.
func (r *rehearsal) status(t *testing.T, want int) (s control.Status) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.order(t, want, "status", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// all is what `hopnhat status` exits with, and what it says of the cutover.
func (r *rehearsal) all(t *testing.T) (alarm string, code int) {
	t.Helper()
	out, errs, code := run(t, "status", r.dir, "--state", r.state(), "--json")
	var s struct {
		Cutover *struct{ State, Alarm string }
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil || s.Cutover == nil {
		t.Fatalf("hopnhat status exits %d: %v\n%s%s", code, err, out, errs)
	}
	return s.Cutover.Alarm, code
}

// watched is a server that is asked for everything again and again.
type watched struct {
	*peer
	view    string
	ours    bool
	promise *promise
	qs      []question

	starts []time.Time // of each wave: before, its world is not promised
	turn   *atomic.Int64

	asked, again, passes atomic.Int64
	of                   [16]atomic.Int64 // answers, by the worlds that give them; 0: none alone

	mu     sync.Mutex
	faults []string
	many   int
}

func (r *rehearsal) watch(p *peer, view string, ours bool) *watched {
	w := &watched{peer: p, view: view, ours: ours, promise: newPromise(sampleLow, r.worlds[view]...)}
	w.qs = w.promise.questions()
	return w
}

// askers ask one server side by side, each its part of the questions.
const askers = 3

// begin lets all servers be asked until the function that it returns is called,
// which tells of every wrong answer.
func (r *rehearsal) begin(t *testing.T, turn *atomic.Int64) (end func()) {
	t.Helper()
	var starts []time.Time
	for _, s := range r.status(t, 0).Steps {
		if s.Kind == "lower" {
			starts = append(starts, s.At)
		}
	}
	if len(starts) != len(sampleWaves) {
		t.Fatalf("%d waves are planned, want %d", len(starts), len(sampleWaves))
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, w := range r.servers {
		w.starts, w.turn = starts, turn
		for part := range askers {
			wg.Go(func() { w.ask(ctx, part) })
		}
	}
	end = sync.OnceFunc(func() {
		stop()
		wg.Wait()
		for _, w := range r.servers {
			w.report(t)
		}
	})
	t.Cleanup(end)
	return end
}

// report tells what was wrong, and how much was asked.
func (w *watched) report(t *testing.T) {
	passes := w.passes.Load() / askers
	t.Logf("%s, %s: %d questions, each asked %d times; %d answers, %d tries more; by the worlds that give them %v",
		w.name, w.view, len(w.qs), passes, w.asked.Load(), w.again.Load(), w.shares())
	for _, f := range w.faults {
		t.Errorf("%s, %s: %s", w.name, w.view, f)
	}
	if w.many > len(w.faults) {
		t.Errorf("%s, %s: and %d more", w.name, w.view, w.many-len(w.faults))
	}
	if passes < 3 || w.asked.Load() < passes*int64(len(w.qs)) {
		t.Errorf("%s, %s: everything was asked %d times only", w.name, w.view, passes)
	}
}

// shares counts answers by the worlds that give them, one bit each.
func (w *watched) shares() map[string]int64 {
	out := map[string]int64{}
	for i := range w.of {
		if n := w.of[i].Load(); n > 0 {
			out[fmt.Sprintf("%04b", i)] = n
		}
	}
	return out
}

// alone counts the answers that one world alone gives.
func (w *watched) alone(world int) int64 { return w.of[1<<world].Load() }

func (w *watched) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.many++; len(w.faults) < 10 {
		w.faults = append(w.faults, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// stand is where the answer to a question stands: in which world, since which turn.
type stand struct {
	turn int64
	at   int
}

// ask asks a part of the questions until the context ends.
func (w *watched) ask(ctx context.Context, part int) {
	l := &line{to: w.addr}
	defer l.close()
	at := make([]stand, len(w.qs))
	for i := range at {
		at[i].turn = -1
	}
	for ; ; w.passes.Add(1) {
		for i := part; i < len(w.qs); i += askers {
			if ctx.Err() != nil {
				return
			}
			turn := w.turn.Load()
			m, tries, err := l.ask(w.qs[i])
			if ctx.Err() != nil && err != nil {
				return
			}
			w.again.Add(int64(tries - 1))
			if err != nil {
				w.wrong("%v %v: no answer in %d tries: %v", w.qs[i].name, w.qs[i].typ, tries, err)
				continue
			}
			w.asked.Add(1)
			w.hear(&at[i], w.qs[i], m, turn)
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// hear judges an answer. Each goes through the worlds in one direction: forward,
// and after a rollback (odd turns) back.
func (w *watched) hear(at *stand, q question, m *dns.Msg, turn int64) {
	last := 0
	for last < len(w.starts) && !time.Now().Before(w.starts[last]) {
		last++
	}
	v := w.promise.judge(q, m, w.ours, last)
	if v.fault != "" {
		w.wrong("%v %v: %s", q.name, q.typ, v.fault)
		return
	}
	if w.of[v.of].Add(1); v.of == 0 || turn != w.turn.Load() {
		return
	}
	worlds := len(w.promise.worlds)
	if at.turn != turn {
		*at = stand{turn, 0}
		if turn%2 == 1 {
			at.at = worlds - 1
		}
	}
	for k, step := at.at, 1-2*int(turn%2); k >= 0 && k < worlds; k += step {
		if v.of>>k&1 == 1 {
			at.at = k
			return
		}
	}
	w.wrong("%v %v: the answer of world %04b came after that of world %d", q.name, q.typ, v.of, at.at)
}

// gives asks everything once, and all must be as a world has it.
func (w *watched) gives(t *testing.T, what string, world zones.World) {
	t.Helper()
	p := newPromise(sampleLow, world)
	var faults atomic.Int64
	var wg sync.WaitGroup
	for part := range askers {
		wg.Go(func() {
			l := &line{to: w.addr}
			defer l.close()
			for i := part; i < len(w.qs); i += askers {
				m, _, err := l.ask(w.qs[i])
				v := judged{}
				if err == nil {
					v = p.judge(w.qs[i], m, w.ours, 0)
				}
				if (err != nil || v.fault != "") && faults.Add(1) < 10 {
					t.Errorf("%s: %s, %s: %v %v: %v %s", what, w.name, w.view, w.qs[i].name, w.qs[i].typ, err, v.fault)
				}
			}
		})
	}
	wg.Wait()
}

// inStep waits until all who follow have ours' serials.
func (r *rehearsal) inStep(t *testing.T) {
	t.Helper()
	for _, f := range r.follow {
		for _, o := range r.origins(f.view) {
			var ours, theirs uint32
			eventually(t, f.peer, "the serial of "+o, func() bool {
				ours, theirs = serialAt(r.views[f.view], o), serialAt(f.addr, o)
				return ours != 0 && ours == theirs
			})
		}
	}
}

func serialAt(at netip.AddrPort, origin string) uint32 {
	m, err := exchange(at, dns.Fqdn(origin), dns.TypeSOA)
	if err != nil || len(m.Answer) != 1 {
		return 0
	}
	if soa, ok := m.Answer[0].(*dns.SOA); ok {
		return soa.Serial
	}
	return 0
}

// line asks over UDP, as a resolver does of an authoritative server.
type line struct {
	to   netip.AddrPort
	conn net.Conn
	buf  [4096]byte
}

const lineTries = 3

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// ask asks up to three times, and says how often it did.
func (l *line) ask(q question) (m *dns.Msg, tries int, err error) {
	for tries = 1; ; tries++ {
		if m, err = l.once(q); err == nil || tries == lineTries {
			return m, tries, err
		}
		l.close()
	}
}

func (l *line) once(q question) (*dns.Msg, error) {
	if l.conn == nil {
		c, err := net.Dial("udp", l.to.String())
		if err != nil {
			return nil, err
		}
		l.conn = c
	}
	m := &dns.Msg{Question: []dns.Question{{Name: q.name.String(), Qtype: uint16(q.typ), Qclass: dns.ClassINET}}}
	m.Id = dns.Id()
	m.SetEdns0(1232, false)
	wire, err := m.Pack()
	if err != nil {
		return nil, err
	}
	if _, err = l.conn.Write(wire); err != nil {
		return nil, err
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		n, err := l.conn.Read(l.buf[:])
		if err != nil {
			return nil, err
		}
		a := new(dns.Msg)
		if err := a.Unpack(l.buf[:n]); err != nil {
			return nil, err
		}
		if a.Id == m.Id && a.Response && slices.Equal(a.Question, m.Question) {
			return a, nil
		}
	}
}

// TestRehearsal: the whole cutover of the sample, all waves, with BIND and Knot as
// secondaries: every old and new name is asked of all servers all the time, and at
// every moment each answer is one that is promised. At the end all give the last
// world.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t)
	r.followBIND(t, "internet")
	r.followKnot(t, "internet")
	r.followKnot(t, sampleTSLCD)
	r.serve(t, 12*time.Second, "")
	end := r.begin(t, new(atomic.Int64))
	for i, wave := range sampleWaves {
		for _, kind := range []string{"lower", "add", "switch", "remove", "restore", "close"} {
			r.says(t, served(kind, wave))
		}
		if alarm, code := r.all(t); i == 0 && alarm != "" {
			t.Errorf("hopnhat status exits %d: %s", code, alarm)
		}
	}
	r.inStep(t)
	before := map[*watched]int64{}
	for _, w := range r.servers {
		before[w] = w.passes.Load()
	}
	for _, w := range r.servers {
		eventually(t, r.peer, "everything is asked once more", func() bool { return w.passes.Load() >= before[w]+2*askers })
	}
	end()
	for _, w := range r.servers {
		w.gives(t, "after", r.worlds[w.view][len(sampleWaves)])
		if w.alone(0) == 0 || w.of[0b1110].Load() == 0 {
			t.Errorf("%s, %s: before and after were not both seen: %v", w.name, w.view, w.shares())
		}
	}
	if s := r.status(t, 0); s.State != control.Done {
		t.Errorf("the cutover is %q", s.State)
	}
	if n := strings.Count(r.log.String(), "ALARM"); n > 0 {
		t.Errorf("%d alarms:\n%s", n, r.log)
	}
}

// TestRehearsalRollback: after the switch the resolver that people use is cut off,
// so the verification cannot pass; then the switch is undone by one command. Every
// name is asked of all servers across both; at the end all give what they gave
// before the switch: the old data, and the new names too.
func TestRehearsalRollback(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t)
	r.followBIND(t, "internet")
	r.followKnot(t, "internet")
	r.followKnot(t, sampleTSLCD)
	g := newGate(t)
	r.serve(t, 12*time.Second, fmt.Sprintf("cutover: {verify: {resolvers: [{name: may, address: %q}]}}\n", g.addr))
	g.open(t, r)
	g.when(r, served("switch", sampleWaves[0]), gateCut)
	var turn atomic.Int64
	end := r.begin(t, &turn)
	r.says(t, served("switch", sampleWaves[0]))
	r.inStep(t)
	for _, w := range r.servers {
		eventually(t, r.peer, "the switch is seen at "+w.name, func() bool { return w.alone(1)+w.of[0b1110].Load() > 0 })
	}
	steps := r.steps(t)
	for _, w := range r.servers {
		w.gives(t, "after the switch", steps[w.view][1])
	}
	turn.Add(1)
	g.set(gateOpen)
	r.order(t, 0, "rollback", "--why", "diễn tập")
	r.inStep(t)
	eventually(t, r.peer, "the rollback is verified", func() bool {
		_, since, ok := strings.Cut(r.log.String(), "rolled back by ")
		return ok && strings.Contains(since, "\nverified: ")
	})
	kept := 0
	for _, w := range r.servers {
		w.gives(t, "after the rollback", steps[w.view][0])
		kept += r.kept(w, steps[w.view][0])
	}
	if kept < 1000 {
		t.Errorf("%d new names are there", kept)
	}
	end()
	if s := r.status(t, 0); s.State != control.RolledBack {
		t.Errorf("the cutover is %q", s.State)
	}
	if strings.Contains(r.log.String(), served("remove", sampleWaves[0])) {
		t.Error("it went on after the switch")
	}
}

// steps are the worlds between before and after the first wave, by view.
func (r *rehearsal) steps(t *testing.T) map[string][]zones.World {
	t.Helper()
	out := map[string][]zones.World{}
	for view, ws := range r.worlds {
		var err error
		if out[view], err = cutover.Steps(ws[0], ws[1]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// kept counts the questions of a server that the world before has no answer to and
// a step has. What both worlds of the wave answer is as before: that was asked.
func (r *rehearsal) kept(w *watched, step zones.World) (n int) {
	was, is := newPromise(sampleLow, r.worlds[w.view][0]), newPromise(sampleLow, step)
	for _, q := range w.qs {
		if was.follow(was.by[0], was.worlds[0], q) == endNoName && is.follow(is.by[0], is.worlds[0], q) == endData {
			n++
		}
	}
	return n
}

// The ways of a gate.
const (
	gateOpen int32 = iota
	gateCut        // what comes is lost
	gateLies       // each answer says that there is no such name
)

// gate is the way to a resolver.
type gate struct {
	addr netip.AddrPort
	conn net.PacketConn
	to   atomic.Pointer[netip.AddrPort]
	way  func() int32
	mu   sync.Mutex // guards way
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{addr: freePort(t, "127.0.0.1"), way: func() int32 { return gateOpen }}
	var err error
	if g.conn, err = net.ListenPacket("udp", g.addr.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.conn.Close() })
	go g.pass()
	return g
}

// open puts Unbound behind it, which asks a server for the sample's zones.
func (g *gate) open(t *testing.T, r *rehearsal) {
	t.Helper()
	// What it kept of before would outlive the short waits of a rehearsal.
	p := startUnbound(t, r.views["internet"], "cache-max-ttl: 1", r.origins("internet")...)
	g.to.Store(&p.addr)
}

// set lets it go a way from now on.
func (g *gate) set(way int32) { g.decide(func() int32 { return way }) }

// when lets it go a way as soon as the log says something, and until then be open.
func (g *gate) when(r *rehearsal, says string, way int32) {
	g.decide(func() int32 {
		if strings.Contains(r.log.String(), says) {
			return way
		}
		return gateOpen
	})
}

func (g *gate) decide(way func() int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.way = way
}

func (g *gate) now() int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.way()
}

func (g *gate) pass() {
	for {
		buf := make([]byte, 4096)
		n, from, err := g.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		to := g.to.Load()
		if way := g.now(); way != gateCut && to != nil {
			go g.carry(*to, way, buf[:n], from)
		}
	}
}

// carry takes a question to the resolver, and its answer back.
func (g *gate) carry(to netip.AddrPort, way int32, msg []byte, from net.Addr) {
	c, err := net.Dial("udp", to.String())
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err = c.Write(msg); err != nil {
		return
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	msg = buf[:n]
	if m := new(dns.Msg); way == gateLies && m.Unpack(msg) == nil {
		m.Rcode, m.Answer = dns.RcodeNameError, nil
		if msg, err = m.Pack(); err != nil {
			return
		}
	}
	_, _ = g.conn.WriteTo(msg, from)
}

// TestRehearsalHeld: a verification that fails holds: one wrong resolver of two
// after add, a cut line after the switch. What was published last goes on, one line
// gives the alarm and the way back, and a release goes on. Two wrong resolvers are
// a quorum: it goes back by itself.
func TestRehearsalHeld(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t)
	gates := []*gate{newGate(t), newGate(t)}
	add, turned := served("add", sampleWaves[0]), served("switch", sampleWaves[0])
	gates[0].when(r, add, gateLies)
	r.followKnot(t, sampleTSLCD)
	r.serve(t, 8*time.Second, fmt.Sprintf("cutover: {verify: {resolvers: [{name: may, address: %q}, {name: nha, address: %q}]}, rollback: {automatic: true, quorum: 2}}\n", gates[0].addr, gates[1].addr))
	for _, g := range gates {
		g.open(t, r)
	}
	steps := r.steps(t)
	gives := func(what string, step int) {
		t.Helper()
		for _, w := range r.servers {
			w.gives(t, what, steps[w.view][step])
		}
	}

	// One resolver of two is wrong.
	r.held(t, 1, "hopnhat cutover abort --why", "1 vantage points are wrong and 2 right")
	time.Sleep(time.Until(r.status(t, 1).Steps[2].At.Add(3 * time.Second)))
	r.held(t, 1, "hopnhat cutover abort --why", "not enough to go back by itself")
	if strings.Contains(r.log.String(), turned) {
		t.Fatalf("the switch was made although it is held:\n%s", r.log)
	}
	gives("held after add", 0)

	// It is mended, and the switch made; then the line is cut.
	for _, g := range gates {
		g.when(r, turned, gateCut)
	}
	r.order(t, 0, "release", "--why", "đã sửa")
	r.says(t, turned)
	r.held(t, 2, "hopnhat cutover rollback --why", " questions were not answered")
	if s := r.status(t, 1); s.State != control.Held || s.Published.Step != "switch" {
		t.Errorf("%q, %+v", s.State, s.Published)
	}
	gives("held after the switch", 1)

	// The line is back, and both are wrong.
	for _, g := range gates {
		g.set(gateLies)
	}
	r.order(t, 0, "release", "--why", "đường truyền đã thông")
	r.says(t, "ALARM: rolled back by itself: ")
	for _, w := range r.servers {
		w.gives(t, "rolled back", steps[w.view][0])
	}
	// They are wrong of that too, until they are mended.
	eventually(t, r.peer, "an alarm after the rollback", func() bool { return strings.Count(r.log.String(), "ALARM: the cutover is held: ") >= 3 })
	if s := r.status(t, 1); s.State != control.RolledBack || s.Held == nil {
		t.Errorf("%q, held %+v", s.State, s.Held)
	}
	for _, g := range gates {
		g.set(gateOpen)
	}
	r.order(t, 0, "release", "--why", "đã sửa")
	eventually(t, r.peer, "the rollback is verified", func() bool {
		log := r.log.String()
		return strings.Contains(log[strings.LastIndex(log, "ALARM"):], "verified: ")
	})
	if s := r.status(t, 0); s.State != control.RolledBack {
		t.Errorf("%q", s.State)
	}
	if n := strings.Count(r.log.String(), "served from now on"); n != 3 {
		t.Errorf("%d steps were taken, want 3:\n%s", n, r.log)
	}
}

// held waits for so many alarms, the last of which says all of these, and looks at
// what the commands say.
func (r *rehearsal) held(t *testing.T, alarms int, says ...string) {
	t.Helper()
	const mark = "ALARM: the cutover is held: "
	eventually(t, r.peer, fmt.Sprintf("%d alarms", alarms), func() bool { return strings.Count(r.log.String(), mark) >= alarms })
	log := r.log.String()
	if n := strings.Count(log, mark); n != alarms {
		t.Fatalf("%d alarms, want %d:\n%s", n, alarms, log)
	}
	line, _, _ := strings.Cut(log[strings.LastIndex(log, mark):], "\n")
	for _, s := range says {
		if !strings.Contains(line, s) {
			t.Errorf("the alarm does not say %q: %s", s, line)
		}
	}
	if s := r.status(t, 1); s.State != control.Held || s.Held == nil || !strings.HasPrefix(s.Rollback, says[0]) {
		t.Errorf("cutover status: %q, held %+v, the way back %q", s.State, s.Held, s.Rollback)
	}
	if alarm, code := r.all(t); code != 1 || alarm == "" {
		t.Errorf("hopnhat status exits %d, and says %q", code, alarm)
	}
}
