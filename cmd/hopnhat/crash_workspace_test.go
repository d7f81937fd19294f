package main

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/history"
)

// crashWorkspace is a small workspace of two views and four zones that runs a
// timeline, and its state folder.
type crashWorkspace struct {
	testing.TB
	dir, state string
	addrs      map[zones.View]netip.AddrPort
	puts       int // files that were put, each with a time of its own
}

const (
	crashRules = `version: 1
cutover: 2099-01-05 00:00 +07:00
targets: [gialai.gov.vn]
documents: {kh106: Kế hoạch 106}
people: {skhcn: Sở Khoa học và Công nghệ}
sources:
  binhdinh: {zone: binhdinh.gov.vn, file: sources/internet.zone}
  noibo: {zone: binhdinh.gov.vn, view: tslcd, file: sources/tslcd.zone}
rules:
  - {from: binhdinh.gov.vn, drop: true, why: gốc, by: skhcn, doc: kh106}
  - {from: "*.binhdinh.gov.vn", to: "*.gialai.gov.vn", why: bổ sung, by: skhcn, doc: kh106}
decisions:
  - {at: ns1.gialai.gov.vn, take: target, why: máy chủ tên, by: skhcn, doc: kh106}
  - {at: www.gialai.gov.vn, take: source, target-becomes: www-cu.gialai.gov.vn, why: Cổng chung, by: skhcn, doc: kh106}
`
	crashTarget = "$TTL 600\n@ SOA ns1 hostmaster 7 60 30 6000 60\n@ NS ns1\n@ MX 10 mail\nns1 A 192.0.2.1\nwww A 192.0.2.2\nmail A 192.0.2.3\n"
	crashSource = "$TTL 600\n@ SOA ns1 hostmaster 7 60 30 6000 60\n@ NS ns1\nns1 A 198.51.100.1\nwww A 198.51.100.2\nthu A 198.51.100.3\ncong CNAME www\n"
)

func newCrashWorkspace(t testing.TB) *crashWorkspace {
	dir := t.TempDir()
	w := &crashWorkspace{TB: t, dir: filepath.Join(dir, "ws"), state: filepath.Join(dir, "var"), addrs: map[zones.View]netip.AddrPort{
		zones.Internet: freePort(t, "127.0.0.1"), "tslcd": freePort(t, "127.0.0.1"),
	}}
	w.put("consolidation.yaml", crashRules)
	for _, name := range []string{"zones/gialai.gov.vn.zone", "zones/tslcd/gialai.gov.vn.zone"} {
		w.put(name, crashTarget)
	}
	for _, name := range []string{"sources/internet.zone", "sources/tslcd.zone"} {
		w.put(name, crashSource)
	}
	w.configure(0)
	return w
}

func (w *crashWorkspace) put(name, text string) {
	w.puts++
	put(w, filepath.Join(w.dir, name), text, w.puts)
}

func (w *crashWorkspace) read(name string) string {
	w.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// configure says how many people must approve of the plan: with more than none the
// timeline stands still, and what the log says is served can be looked at.
func (w *crashWorkspace) configure(approvals int) {
	w.put("hopnhat.yaml", fmt.Sprintf(`version: 1
listeners:
  - {address: %q, view: internet, at: now}
  - {address: %q, view: tslcd, at: now}
cutover: {approvals: %d, clock: unchecked, brake: {share: 0%%}, verify: {within: 60s, sample: 1}}
`, w.addrs[zones.Internet], w.addrs["tslcd"], approvals))
}

func (w *crashWorkspace) args() []string { return []string{"serve", w.dir, "--state", w.state} }

// rehearsed makes the state folder as a rehearsal leaves it that was killed when it
// had taken its first step; the instants of all the others pass soon.
func (w *crashWorkspace) rehearsed() {
	w.Helper()
	real := filepath.Join(w.TempDir(), "var")
	p := &life{peer: &peer{name: "hopnhat", addr: w.addrs[zones.Internet], log: &logBuffer{}}, path: hopnhat(w), args: []string{"serve", w.dir, "--rehearse", "1s", "--state", real}}
	if err := p.beginFor("gialai.gov.vn"); err != nil {
		w.Fatal(err)
	}
	eventually(w, p.peer, "the first step", func() bool { return strings.Contains(p.log.String(), "lower (cutover): served") })
	if err := p.end(syscall.SIGKILL); err != nil {
		w.Fatal(err)
	}
	real = filepath.Join(real, "rehearsal")
	if err := os.Remove(filepath.Join(real, "control.sock")); err != nil {
		w.Fatal(err)
	}
	if err := os.CopyFS(w.state, os.DirFS(real)); err != nil {
		w.Fatal(err)
	}
}

// from is another workspace like this one, with a copy of its state folder.
func (w *crashWorkspace) from(t testing.TB) *crashWorkspace {
	c := *w
	dir := t.TempDir()
	c.TB, c.dir, c.state = t, filepath.Join(dir, "ws"), filepath.Join(dir, "var")
	for to, of := range map[string]string{c.dir: w.dir, c.state: w.state} {
		if _, err := os.Stat(of); os.IsNotExist(err) {
			continue // no server has had it yet
		}
		if err := os.CopyFS(to, os.DirFS(of)); err != nil {
			t.Fatal(err)
		}
	}
	c.configure(0)
	return &c
}

// launch starts a server of it for the length of the test.
func (w *crashWorkspace) launch() *life {
	w.Helper()
	return launch(w, w.addrs[zones.Internet], w.args()...)
}

// ready waits until a server that was launched answers.
func (w *crashWorkspace) ready(p *life) {
	w.Helper()
	eventually(w, p.peer, "it answers", func() bool {
		if len(p.ended) > 0 {
			w.Fatalf("it ended:\n%s", p.log)
		}
		return p.answersFor("gialai.gov.vn")
	})
}

// begin starts a server of it that answers.
func (w *crashWorkspace) begin() *life {
	w.Helper()
	p := w.launch()
	w.ready(p)
	return p
}

// last is what the log says is served, and by which event.
func (w *crashWorkspace) last(clean bool) (zones.World, history.Event) {
	w.Helper()
	h, last := keptHistory(w, w.state, clean)
	world, err := h.World(last)
	if err != nil {
		w.Fatal(err)
	}
	return world, last
}

// rrsets is what a world, or a server, has by name and type.
type rrsets map[string]string

// serves holds both servers against a world: every RRset of it, and of more worlds
// that it is not.
func (w *crashWorkspace) serves(world zones.World, more ...zones.World) (differ string) {
	w.Helper()
	for view, addr := range w.addrs {
		want := stated(world, view)
		all := maps.Clone(want)
		for _, m := range more {
			for k := range stated(m, view) {
				if _, ok := all[k]; !ok {
					all[k] = ""
				}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(all)) {
			var name string
			var typ uint16
			if _, err := fmt.Sscan(k, &name, &typ); err != nil {
				w.Fatal(err)
			}
			m, err := exchange(addr, name, typ)
			if err != nil {
				w.Fatal(err)
			}
			var got []string
			for _, rr := range m.Answer {
				if rr.Header().Rrtype == typ && strings.EqualFold(rr.Header().Name, name) {
					got = append(got, wireText(w, rr))
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != want[k] {
				differ += fmt.Sprintf("%s in %s: %s, want %s\n", k, view, s, want[k])
			}
		}
	}
	return differ
}

// stated are the RRsets of a view of a world, those at and below cuts left out.
func stated(world zones.World, view zones.View) rrsets {
	out := rrsets{}
	for z := range world.In(view) {
		for s := range z.All() {
			var all []string
			for i := range s.Len() {
				all = append(all, fmt.Sprintf("%d:%x", s.TTL(), s.Data(i)))
			}
			slices.Sort(all)
			out[fmt.Sprintf("%s. %d", s.Owner().Text(), s.Type())] = strings.Join(all, " ")
		}
	}
	return out
}

func wireText(t testing.TB, rr dns.RR) string {
	b := make([]byte, dns.MaxMsgSize)
	n, err := dns.PackRR(rr, b, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d:%x", rr.Header().Ttl, b[n-int(rr.Header().Rdlength):n])
}

// crashSteps are the kinds of the steps behind the first, in turn.
var crashSteps = []string{"add", "switch", "remove", "restore", "close"}

// announced is how many of them a server said it took.
func announced(log string) int {
	n := 0
	for n < len(crashSteps) && strings.Contains(log, crashSteps[n]+" (cutover): served") {
		n++
	}
	return n
}

// taken is how many of them the log has; no other kind of publication may be there.
func (w *crashWorkspace) taken() (n int) {
	w.Helper()
	h, _ := keptHistory(w, w.state, false)
	publications := 0
	for _, ev := range h.Events() {
		if len(ev.Zones) > 0 {
			publications++
		}
	}
	return publications - 2 // the first start, and lower
}

// standsStill starts it with the timeline stopped: what is served is what the log
// said before, whole, in all views, to the serial; and nothing was published by the
// start.
func (w *crashWorkspace) standsStill() {
	w.Helper()
	was, event := w.last(false)
	w.configure(1)
	p := w.begin()
	if d := w.serves(was, w.others()...); d != "" {
		w.Errorf("event %d (%s) says what is served, and it is not:\n%s\n%s", event.N, event.Kind, d, p.log)
	}
	if err := p.end(syscall.SIGKILL); err != nil {
		w.Error(err)
	}
	if _, now := w.last(false); now.N != event.N {
		w.Errorf("a start published: event %d (%s) after %d (%s)", now.N, now.Kind, event.N, event.Kind)
	}
	w.configure(0)
}

// edit writes both views' files of the target, with more at their ends.
func (w *crashWorkspace) edit(more string) {
	for _, name := range []string{"zones/gialai.gov.vn.zone", "zones/tslcd/gialai.gov.vn.zone"} {
		w.put(name, crashTarget+more)
	}
}

// edited tells how what is served differs from the log, and that from an edit.
func (w *crashWorkspace) edited() string {
	w.Helper()
	world, _ := w.last(false)
	for view := range w.addrs {
		if stated(world, view)["tin.gialai.gov.vn. 1"] == "" {
			return "the history of " + string(view) + " lacks the edit"
		}
	}
	return w.serves(world, w.others()...)
}

// others are all worlds that were published.
func (w *crashWorkspace) others() (ws []zones.World) {
	w.Helper()
	h, _ := keptHistory(w, w.state, false)
	for _, ev := range h.Events() {
		if len(ev.Zones) == 0 {
			continue
		}
		world, err := h.World(ev)
		if err != nil {
			w.Fatal(err)
		}
		ws = append(ws, world)
	}
	return ws
}

// closes starts it and waits for the timeline's end.
func (w *crashWorkspace) closes() {
	w.Helper()
	p := w.begin()
	eventually(w, p.peer, "the timeline's end", func() bool { return w.taken() == len(crashSteps) })
	world, _ := w.last(false)
	if d := w.serves(world, w.others()...); d != "" {
		w.Errorf("at the end:\n%s\n%s", d, p.log)
	}
	if strings.Contains(p.log.String(), "ALARM") {
		w.Errorf("an alarm without a cause:\n%s", p.log)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		w.Error(err)
	}
	w.last(true)
}

// TestCrashTimelineAtRandom kills a server that takes step after step, at random
// moments, from its start on: what it serves then is one step, whole, in all views.
func TestCrashTimelineAtRandom(t *testing.T) {
	t.Parallel()
	w := newCrashWorkspace(t)
	w.rehearsed()
	r, kills := drawn(t), 50
	if crashAll() {
		kills = 200
	}
	for n := 0; n < kills && !t.Failed(); {
		one := w.from(t)
		for n < kills && !t.Failed() && one.taken() < len(crashSteps) {
			p := one.launch()
			if r.IntN(3) > 0 {
				one.ready(p)
			} // else it may be killed while it starts
			time.Sleep(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
			if err := p.end(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			n++
			if k := announced(p.log.String()); k > one.taken() {
				t.Errorf("%d steps were announced, the log has %d", k, one.taken())
			}
			one.standsStill()
			if t.Failed() {
				t.Logf("the server that was killed said:\n%s", p.log)
			}
		}
		one.closes()
	}
}
