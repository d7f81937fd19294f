package clock

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2025, 9, 1, 0, 0, 0, 0, time.FixedZone("+07", 7*3600))

// script runs readings that a line each makes from the one before:
//
//	+10s          all clocks go on
//	wall-5s       and the wall is set, at once
//	sleep1h       all but the running one go on
//	sync, unsync, unknown
//	release       a person's word
//	restart       another Watch goes on from what was kept, as text
//
// It tells each event as it comes, and the fault at the end.
func script(w Watch, text string) string {
	r := Reading{Wall: start, Running: time.Hour, Since: 2 * time.Hour, Sync: Synced}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "release" {
			w = w.Release()
			continue
		}
		if words[0] == "restart" {
			var s State
			b, err := json.Marshal(w.State())
			if err == nil {
				err = json.Unmarshal(b, &s)
			}
			if err != nil {
				panic(err)
			}
			w = New(w.terms, w.last).Resumed(s)
			continue
		}
		for _, word := range words {
			d := func(prefix string) time.Duration {
				d, err := time.ParseDuration(strings.TrimPrefix(word, prefix))
				if err != nil {
					panic(err)
				}
				return d
			}
			switch {
			case word == "sync":
				r.Sync = Synced
			case word == "unsync":
				r.Sync = Unsynced
			case word == "unknown":
				r.Sync = Unknown
			case strings.HasPrefix(word, "wall"):
				r.Wall = r.Wall.Add(d("wall"))
			case strings.HasPrefix(word, "sleep"):
				r.Wall, r.Since = r.Wall.Add(d("sleep")), r.Since+d("sleep")
			default:
				r.Wall, r.Running, r.Since = r.Wall.Add(d("")), r.Running+d(""), r.Since+d("")
			}
		}
		var es []Event
		w, es = w.Observe(r)
		for _, e := range es {
			out = append(out, e.String())
		}
	}
	return strings.Join(out, "; ") + " | " + w.Fault()
}

func even(n int) string { return strings.Repeat("+10s\n", n) }

func TestWatch(t *testing.T) {
	const unsynced = "the clock is not synchronised: see that a time service runs (timedatectl, chronyc tracking)"
	back := "the clock jumped back by 5s to 2025-09-01T00:00:05+07:00"
	for _, c := range []struct {
		what, text, want string
		last             time.Time
	}{
		{what: "even", text: "+0s\n" + even(1000), want: " | "},
		{what: "no reading", text: "", want: " | "},
		{what: "back, and no time heals it", text: "+0s\n+10s wall-5s\n" + even(1000), want: back + " | " + back},
		{what: "back, released", text: "+0s\n+10s wall-5s\n+10s\nrelease\n" + even(10), want: back + " | "},
		{what: "released, and again", text: "+0s\n+10s wall-5s\nrelease\n+10s wall-5s", want: back + "; the clock jumped back by 5s to 2025-09-01T00:00:10+07:00 | the clock jumped back by 5s to 2025-09-01T00:00:10+07:00"},
		{what: "forward", text: "+0s\n+10s wall24h", want: "the clock jumped forward by 24h0m0s to 2025-09-02T00:00:10+07:00 | the clock jumped forward by 24h0m0s to 2025-09-02T00:00:10+07:00"},
		{what: "within the tolerance", text: "+0s\n+10s wall-1900ms\n" + even(10), want: " | "},
		{what: "a leap second", text: "+0s\n+10s wall-1s\n" + even(10), want: " | "},
		{what: "creeping", text: "+0s\n+10s wall1s\n+10s wall1s\n+10s wall1s", want: "the clock jumped forward by 3s to 2025-09-01T00:00:33+07:00 | the clock jumped forward by 3s to 2025-09-01T00:00:33+07:00"},
		{what: "as slow as a time service slews", text: "+0s\n" + strings.Repeat("+100s wall-50ms\n", 500), want: " | "},
		{what: "a long time without a reading", text: "+0s\n+100h wall-3m", want: " | "},
		{what: "slept", text: "+0s\n+10s sleep1h", want: "the machine slept for 1h0m0s until 2025-09-01T01:00:10+07:00 | the machine slept for 1h0m0s until 2025-09-01T01:00:10+07:00"},
		{what: "slept, and settled", text: "+0s\n+10s sleep1h\n" + even(60), want: "the machine slept for 1h0m0s until 2025-09-01T01:00:10+07:00; the clock is trusted again | "},
		{what: "slept, and not settled yet", text: "+0s\n+10s sleep1h\n" + even(59), want: "the machine slept for 1h0m0s until 2025-09-01T01:00:10+07:00 | the machine slept for 1h0m0s until 2025-09-01T01:00:10+07:00"},
		{what: "not synchronised at the start", text: "unsync\n+10s", want: unsynced + " | " + unsynced},
		{what: "and then", text: "unsync\n+10s\n+10s sync", want: unsynced + "; the clock is synchronised; the clock is trusted again | "},
		{what: "stepped right as it is synchronised", text: "unsync\n+10s\n+10s wall1h\n+10s sync\n" + even(60), want: unsynced + "; the clock jumped forward by 1h0m0s to 2025-09-01T01:00:20+07:00; the clock is synchronised; the clock is trusted again | "},
		{what: "stepped, and never synchronised", text: "unsync\n+10s wall1h\n" + even(1000), want: unsynced + "; the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00 | the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00"},
		{what: "set by hand while synchronised, which the kernel takes for not synchronised", text: "+0s\n+10s wall1h unsync\n+10s sync\n" + even(1000), want: "the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00; " + unsynced + "; the clock is synchronised | the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00"},
		{what: "excused", text: "unsync\nrelease\n" + even(100), want: unsynced + " | "},
		{what: "excused until it was synchronised once", text: "unsync\nrelease\n+10s\n+10s sync\n+10s unsync", want: unsynced + "; the clock is synchronised; " + unsynced + " | " + unsynced},
		{what: "excused, over a restart", text: "unsync\nrelease\nrestart\n+10s\n+10s", want: unsynced + "; " + unsynced + " | "},
		{what: "excused until it was synchronised once, over a restart", text: "unsync\nrelease\nrestart\n+10s sync\n+10s unsync", want: unsynced + "; " + unsynced + " | " + unsynced},
		{what: "excused, synchronised while nobody looked", text: "unsync\nrelease\nrestart\n+10s sync\nrestart\n+10s unsync", want: unsynced + "; " + unsynced + " | " + unsynced},
		{what: "back, over a restart", text: "+0s\n+10s wall-5s\nrestart\n" + even(1000), want: back + " | " + back},
		{what: "back, released, over a restart", text: "+0s\n+10s wall-5s\nrelease\nrestart\n" + even(10), want: back + " | "},
		{what: "slept, over a restart, and settled", text: "+0s\n+10s sleep1h\nrestart\n" + even(61), want: "the machine slept for 1h0m0s until 2025-09-01T01:00:10+07:00; the clock is trusted again | "},
		{what: "excused, stepped, and restarted", text: "unsync\nrelease\n+10s wall1h\nrestart\n" + even(1000), want: unsynced + "; the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00; " + unsynced + " | the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00"},
		{what: "nothing is known", text: "unknown\n" + even(100), want: " | "},
		{what: "nothing is known, and it jumps", text: "unknown\n+10s wall1h\n" + even(1000), want: "the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00 | the clock jumped forward by 1h0m0s to 2025-09-01T01:00:10+07:00"},
		{what: "later than the log", text: "+0s", want: " | ", last: start.Add(-time.Second)},
		{what: "earlier than the log", text: "+0s\n" + even(61), want: "the clock says 2025-09-01T00:00:00+07:00, which is 5m0s before the last event of the log; the clock is trusted again | ", last: start.Add(5 * time.Minute)},
		{what: "earlier than the log for longer than it takes to settle", text: "+0s\n" + even(61), want: "the clock says 2025-09-01T00:00:00+07:00, which is 1h0m0s before the last event of the log | the clock says 2025-09-01T00:00:00+07:00, which is 1h0m0s before the last event of the log", last: start.Add(time.Hour)},
		{what: "earlier than the log, released", text: "+0s\nrelease\n" + even(5), want: "the clock says 2025-09-01T00:00:00+07:00, which is 1h0m0s before the last event of the log | ", last: start.Add(time.Hour)},
	} {
		if got := script(New(Terms{}, c.last), c.text); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

// TestJumpIsSeen: whatever the readings' distances and the drift, a jump is
// noticed, once, with its sign; without one there is no fault. The expected
// comes of the jump that was put in, not of the readings.
func TestJumpIsSeen(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		at, by := -1, time.Duration(0)
		if seed%2 == 0 {
			at = 1 + rng.IntN(99)
			by = 6500*time.Millisecond + time.Duration(rng.Int64N(int64(1000*time.Hour))) // beyond tolerance, drift and what is allowed within an hour
			if rng.IntN(2) == 0 {
				by = -by
			}
		}
		perMille := rng.Float64() - 0.5 // what a time service slews by
		r := Reading{Wall: start, Sync: Synced}
		w, seen := Watch{}, ""
		for i := range 100 {
			d := time.Duration(rng.Int64N(int64(10 * time.Minute)))
			r.Running += d
			r.Since += d
			r.Wall = r.Wall.Add(d + time.Duration(float64(d)*perMille/1000))
			if i == at {
				r.Wall = r.Wall.Add(by)
			}
			var es []Event
			w, es = w.Observe(r)
			for _, e := range es {
				seen += fmt.Sprintf("%d %v %v ", i, e.Kind, e.By < 0)
			}
		}
		want := ""
		if at >= 0 {
			want = fmt.Sprintf("%d %v %v ", at, Jumped, by < 0)
		}
		if seen != want || (w.Fault() == "") != (at < 0) {
			t.Fatalf("seed %d: jump of %v at %d: seen %q, fault %q", seed, by, at, seen, w.Fault())
		}
		if w = w.Release(); w.Fault() != "" {
			t.Fatalf("seed %d: released, and still %q", seed, w.Fault())
		}
	}
}

// TestImmutable: a reading leaves the Watch that took it as it was.
func TestImmutable(t *testing.T) {
	w, _ := Watch{}.Observe(Reading{Wall: start, Sync: Synced})
	v, _ := w.Observe(Reading{Wall: start.Add(time.Hour), Running: time.Second, Sync: Synced})
	if w.Fault() != "" || v.Fault() == "" {
		t.Errorf("before %q, after %q", w.Fault(), v.Fault())
	}
	v.Release()
	if v.Fault() == "" {
		t.Error("Release changed its receiver")
	}
}

// TestSystem: the machine's clocks can be read, whichever state they are in,
// and two readings make no jump of their own.
func TestSystem(t *testing.T) {
	read := System()
	a := read()
	time.Sleep(5 * time.Millisecond)
	b := read()
	if a.Running >= b.Running || a.Since > b.Since || time.Since(b.Wall).Abs() > time.Minute {
		t.Errorf("%+v, then %+v", a, b)
	}
	w, es := Watch{}.Observe(a)
	w, more := w.Observe(b)
	t.Logf("%v; %v; %q", b.Sync, append(es, more...), w.Fault())
}
