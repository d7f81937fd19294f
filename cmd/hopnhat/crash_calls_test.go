//go:build linux && amd64

package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// reloadLife is a server of a zone file that publishes edition 1 at its start and
// edition 2 at a SIGHUP, cut at a call.
type reloadLife struct {
	*testing.T
	dir, file, state string
	addr             netip.AddrPort
	args             []string
	p                *traced
}

func newReloadLife(t *testing.T, addr netip.AddrPort, c cut) *reloadLife {
	dir := t.TempDir()
	l := &reloadLife{T: t, dir: dir, file: filepath.Join(dir, "example.vn.zone"), state: filepath.Join(dir, "var"), addr: addr}
	put(t, l.file, edition(7, 1), 1)
	l.args = []string{"serve", "--listen", addr.String(), "--state", l.state, "--zone", "example.vn=" + l.file, "--secondary", "127.0.0.1:9"}
	l.p = trace(t, c, l.args...)
	return l
}

// publishes has edition 2 published; false: it ended before.
func (l *reloadLife) publishes() bool {
	if !l.p.until(l, func(log string) bool { return strings.Contains(log, "answers for example.vn") }) {
		return false
	}
	put(l, l.file, edition(8, 2), 2)
	l.p.hup()
	return l.p.until(l, func(log string) bool {
		return strings.Contains(log, "loaded: ") || strings.Contains(log, "nothing was loaded")
	})
}

// goesOn starts it again, undisturbed, and holds what it serves against what was
// published before, the files and the history. Then it publishes once more.
func (l *reloadLife) goesOn(k int) {
	l.Helper()
	was := published(l, l.state, false)
	p := begin(l, l.addr, hopnhat(l), l.args...)
	z := fetched(l, l.addr)
	if z == nil {
		l.Fatalf("nothing is served:\n%s", p.log)
	}
	if got := editionOf(l, z); got != k {
		l.Errorf("edition %d is served, the file has %d", got, k)
	}
	follows(l, was, z)
	put(l, l.file, edition(8, 3), 3)
	p.hup(l)
	eventually(l, p.peer, "the next edition", func() bool {
		z = fetched(l, l.addr)
		return z != nil && editionOf(l, z) == 3
	})
	follows(l, was, z)
	if err := p.end(syscall.SIGTERM); err != nil {
		l.Error(err)
	}
	if h := published(l, l.state, true); h == nil || h.Digest() != z.Digest() {
		l.Errorf("the log's last publication is %v, served is serial %d", h, z.Serial())
	}
}

// follows: a serial names one content, and another content has a later serial.
func follows(t testing.TB, was, is *zones.Zone) {
	t.Helper()
	switch {
	case was == nil || was.Digest() == is.Digest():
	case !was.Serial().Before(is.Serial()):
		t.Errorf("serial %d (edition %d) after %d (edition %d)", is.Serial(), editionOf(t, is), was.Serial(), editionOf(t, was))
	}
}

// TestCrashReload kills a server at each call by which it changes a file, from its
// first start to the end of a reload; it kills it in the middle of each write; and
// it lets each call fail. What is served afterwards is one edition, whole; no serial
// is used twice; the history is intact; and the next edition is published.
func TestCrashReload(t *testing.T) {
	t.Parallel()
	addr := freePort(t, "127.0.0.1")
	r := drawn(t)
	for what, some := range map[cutKind]int{kill: 12, torn: 4, fail: 4} {
		t.Run(what.String(), func(t *testing.T) {
			n := cutReload(t, addr, cut{what: what})
			t.Logf("%d calls", n)
			if n < 60 && what != torn || n < 10 {
				t.Fatalf("%d calls are all that was seen", n)
			}
			for _, at := range calls(r, n, some) {
				t.Run(fmt.Sprint(at), func(t *testing.T) { cutReload(t, addr, cut{at, what}) })
				if t.Failed() {
					return
				}
			}
		})
	}
}

// cutReload is one life, and what comes after; it tells how many calls there were.
func cutReload(t *testing.T, addr netip.AddrPort, c cut) int {
	l := newReloadLife(t, addr, c)
	done := l.publishes()
	k := 1
	if strings.Contains(l.p.says(), "answers for") {
		k = 2 // the file's, by now
	}
	calls := l.p.seen()
	for i, call := range calls { // what a loss of power would take back is synced before it is relied upon
		if c.at == 0 && call == "rename "+filepath.Join(l.state, "serials.json") && (i+1 == len(calls) || calls[i+1] != "fsync "+l.state) {
			t.Errorf("call %d, %s, is not synced", i+1, call)
		}
	}
	met := 0 < c.at && c.at <= len(calls)
	if met {
		defer func() {
			if t.Failed() {
				t.Logf("%v call %d, %s, after\n%s\nit said:\n%s", c.what, c.at, calls[c.at-1], strings.Join(calls[max(0, c.at-6):c.at-1], "\n"), l.p.says())
			}
		}()
	}
	if c.what == fail && done {
		l.survives(met)
	}
	l.p.kill()
	if k == 2 && c.at%2 == 1 { // the edit is taken back
		put(t, l.file, edition(7, 1), 4)
		k = 1
	}
	l.goesOn(k)
	return len(calls)
}

// survives: a call failed, and the server goes on: what it serves is whole, and it
// says why it is the old edition, if it is; then the new one can be published.
func (l *reloadLife) survives(met bool) {
	l.Helper()
	z := fetched(l, l.addr)
	if z == nil {
		l.Fatal("nothing is served")
	}
	says := l.p.says()
	if editionOf(l, z) == 1 && !(met && strings.Contains(says, "nothing was loaded") &&
		(strings.Contains(says, syscall.ENOSPC.Error()) || strings.Contains(says, syscall.EIO.Error()))) {
		l.Errorf("edition 1 is served still, and it does not say why")
	}
	l.p.hup()
	l.p.until(l, func(string) bool {
		z := fetched(l, l.addr)
		return z != nil && editionOf(l, z) == 2
	})
}

// TestCrashTimeline kills a server that takes all steps of a timeline at each call by
// which it changes a file, in the middle of each write, and lets each call fail. What
// the log says is served then, by both views; and the timeline goes on to its end.
func TestCrashTimeline(t *testing.T) {
	t.Parallel()
	w := newCrashWorkspace(t)
	w.rehearsed()
	r := drawn(t)
	for what, some := range map[cutKind]int{kill: 12, torn: 4, fail: 4} {
		t.Run(what.String(), func(t *testing.T) {
			n := cutTimeline(t, w.from(t), cut{what: what})
			t.Logf("%d calls", n)
			if n < 100 && what != torn || n < 20 {
				t.Fatalf("%d calls are all that was seen", n)
			}
			drawn := calls(r, n, some)
			if what == fail && !slices.Contains(drawn, inStart) {
				drawn = append(drawn, inStart)
			}
			for _, at := range drawn {
				t.Run(fmt.Sprint(at), func(t *testing.T) { cutTimeline(t, w.from(t), cut{at, what}) })
				if t.Failed() {
					return
				}
			}
		})
	}
}

// inStart is a call by which a start of a timeline locks its serials: where it fails the
// start serves what was published last, and must try again by itself.
const inStart = 10

// calls are those of n at which a process is cut: all, or some that are drawn.
func calls(r *rand.Rand, n, some int) []int {
	all := r.Perm(n)
	if !crashAll() {
		all = all[:min(n, some)]
	}
	slices.Sort(all)
	for i := range all {
		all[i]++
	}
	return all
}

// cutTimeline is one life, and what comes after; it tells how many calls there were.
func cutTimeline(t *testing.T, w *crashWorkspace, c cut) int {
	p := trace(t, c, w.args()...)
	defer func() {
		if calls := p.seen(); t.Failed() && 0 < c.at && c.at <= len(calls) {
			t.Logf("%v call %d, %s, after\n%s\nit said:\n%s", c.what, c.at, calls[c.at-1], strings.Join(calls[max(0, c.at-6):c.at-1], "\n"), p.says())
		}
	}()
	p.until(t, func(log string) bool {
		return announced(log) == len(crashSteps) && strings.Count(log, "verified: ") >= len(crashSteps)
	})
	p.kill()
	if k := announced(p.says()); k > w.taken() {
		t.Errorf("%d steps were announced, the log has %d", k, w.taken())
	}
	w.standsStill()
	w.closes()
	return len(p.seen())
}

// TestCrashEdit kills a server at each call by which it changes a file, from its start
// to the end of an edit in both views; before anything is scheduled, and between two
// steps of a timeline. Then it finds files that it refuses, and serves what the log
// says, whole; and the edit is published when they are mended.
func TestCrashEdit(t *testing.T) {
	t.Parallel()
	r := drawn(t)
	fresh, between := newCrashWorkspace(t), newCrashWorkspace(t)
	between.rehearsed()
	for name, w := range map[string]*crashWorkspace{"unscheduled": fresh, "between steps": between} {
		t.Run(name, func(t *testing.T) {
			n := cutEdit(t, w.from(t), cut{})
			t.Logf("%d calls", n)
			if n < 30 {
				t.Fatalf("%d calls are all that was seen", n)
			}
			for _, at := range calls(r, n, 8) {
				t.Run(fmt.Sprint(at), func(t *testing.T) { cutEdit(t, w.from(t), cut{at: at}) })
				if t.Failed() {
					return
				}
			}
		})
	}
}

// cutEdit is one life, and what comes after; it tells how many calls there were.
func cutEdit(t *testing.T, w *crashWorkspace, c cut) int {
	w.configure(1)
	p := trace(t, c, w.args()...)
	defer func() {
		if t.Failed() {
			t.Logf("%v call %d; calls:\n%s\nit said:\n%s", c.what, c.at, strings.Join(p.seen(), "\n"), p.says())
		}
	}()
	if p.until(t, func(log string) bool { return strings.Contains(log, "view tslcd\n") }) {
		w.edit("tin A 192.0.2.9\n")
		p.hup()
		p.until(t, func(log string) bool {
			return strings.Contains(log, "loaded: ") || strings.Contains(log, "nothing was loaded")
		})
	}
	p.kill()
	n := len(p.seen())
	if _, last := keptHistory(w, w.state, false); len(last.Zones) > 0 {
		w.edit("@ NS ns2\nns2 A 192.0.2.9\n") // the brake refuses it
		w.standsStill()
	}
	w.edit("tin A 192.0.2.9\n")
	w.configure(1)
	q := w.begin()
	if d := w.edited(); d != "" {
		t.Errorf("the edit is not served:\n%s\n%s", d, q.log)
	}
	if err := q.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	w.last(true)
	return n
}
