package transfer

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

func TestTimersOf(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		refresh, retry, expire uint32
		want                   Timers
	}{
		{7200, 900, 1209600, Timers{2 * time.Hour, 15 * time.Minute, 14 * day}},
		{0, 0, 0, Timers{2 * time.Second, time.Second, 3 * time.Second}},
		{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, Timers{28 * day, 14 * day, 168 * day}},
		{3600, 600, 60, Timers{time.Hour, 10 * time.Minute, 70 * time.Minute}}, // it would expire before it is asked for
	} {
		if got := TimersOf(zones.SOA{Refresh: c.refresh, Retry: c.retry, Expire: c.expire}); got != c.want {
			t.Errorf("%v: %v, want %v", c, got, c.want)
		}
	}
}

// followed is what the simulation of TestFollowing has: primaries that are up or
// down, a clock, and what an obvious reader of RFC 1034 4.3.5 writes down.
type followed struct {
	now     time.Time
	up      []bool
	serial  zones.Serial // of all primaries that are up
	f       Following
	have    zones.Serial
	has     bool
	answers time.Time // the last
	failed  time.Time // the last round's end; zero after an answer
	told    bool      // NOTIFY of something newer came since the last question
	tried   []int     // of the round
	soa     zones.SOA
}

// step does what Next says, and holds it against the laws.
func (w *followed) step(t *rapid.T, jitter float64) (waits time.Duration) {
	s := w.f.Next(w.now)
	timers := TimersOf(w.soa)
	end := w.answers.Add(timers.Expire)
	switch s.Do {
	case Drop:
		if !w.has || w.now.Before(end) || !w.f.Served() {
			t.Fatalf("dropped at %v, the end is %v", w.now, end)
		}
		if w.f = w.f.Dropped(); w.f.Served() {
			t.Fatal("dropped and served")
		}
	case Ask:
		since := w.now.Sub(w.answers)
		switch {
		case len(w.tried) > 0 || w.told || !w.has: // within a round; told; at the start
		case !w.failed.IsZero():
			if d := w.now.Sub(w.failed); d < timers.Retry*3/4 && since < timers.Refresh*3/4 {
				t.Fatalf("asked %v after a failure, RETRY is %v", d, timers.Retry)
			}
		case since < timers.Refresh*3/4:
			t.Fatalf("asked after %v, REFRESH is %v", since, timers.Refresh)
		}
		for _, p := range w.tried {
			if p == s.Primary {
				t.Fatalf("primary %d is asked twice in a round", p)
			}
		}
		w.told = false
		w.tried = append(w.tried, s.Primary)
		w.f = w.f.Asked(w.now)
		if again := w.f.Next(w.now); again.Do == Ask {
			t.Fatal("asks while asking")
		}
		if w.up[s.Primary] {
			w.have, w.has, w.answers, w.failed, w.tried = w.serial, true, w.now, time.Time{}, nil
			w.soa.Serial = w.serial
			w.f = w.f.Confirmed(w.soa, w.now, jitter)
		} else {
			w.f = w.f.Failed(w.now, jitter)
			if len(w.tried) == len(w.up) {
				w.failed, w.tried = w.now, nil
			}
		}
	case Wait:
		if !s.At.After(w.now) {
			t.Fatalf("waits until %v at %v", s.At, w.now)
		}
		if w.f.Served() != (w.has && w.now.Before(end)) {
			t.Fatalf("served: %v at %v, the end is %v", w.f.Served(), w.now, end)
		}
		if len(w.tried) > 0 {
			t.Fatal("waits within a round")
		}
		most := lastBoot
		if w.has {
			most = max(timers.Refresh, timers.Retry)
			if w.failed.IsZero() && s.At.After(w.answers.Add(timers.Refresh)) {
				t.Fatalf("waits until %v: beyond REFRESH after %v", s.At, w.answers)
			}
			if !w.failed.IsZero() && s.At.After(w.failed.Add(timers.Retry)) {
				t.Fatalf("waits until %v: beyond RETRY after %v", s.At, w.failed)
			}
		}
		if waits = s.At.Sub(w.now); waits > most {
			t.Fatalf("waits %v", waits)
		}
	}
	return waits
}

// TestFollowing: through any run of primaries that fall and rise, zones that
// change and NOTIFY that comes or not, a secondary asks by REFRESH and RETRY,
// each primary once a round, and serves until EXPIRE and not longer.
func TestFollowing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &followed{now: start, serial: zones.Serial(rapid.SampledFrom([]uint32{7, 0xfffffff0}).Draw(rt, "serial"))}
		w.soa = zones.SOA{Refresh: 100, Retry: 10, Expire: uint32(rapid.SampledFrom([]int{50, 150, 1000}).Draw(rt, "expire"))}
		for range rapid.IntRange(1, 3).Draw(rt, "primaries") {
			w.up = append(w.up, rapid.Bool().Draw(rt, "up"))
		}
		w.f = Follow(len(w.up), w.now)
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			var waits time.Duration
			for i := 0; waits == 0; i++ { // until it waits
				if waits = w.step(rt, rapid.Float64Range(0, 0.999).Draw(rt, "jitter")); i > 2*len(w.up)+2 {
					rt.Fatal("it never waits")
				}
			}
			switch rapid.IntRange(0, 40).Draw(rt, "event") {
			case 0:
				i := rapid.IntRange(0, len(w.up)-1).Draw(rt, "which")
				w.up[i] = !w.up[i]
			case 1:
				w.serial++
			case 2: // NOTIFY with a hint
				hint := w.serial - zones.Serial(rapid.IntRange(0, 1).Draw(rt, "behind"))
				from := rapid.IntRange(0, len(w.up)-1).Draw(rt, "from")
				before := w.f
				f, ask := w.f.Notified(&hint, from, w.now)
				if ask != (!w.f.Served() || w.have.Before(hint)) {
					rt.Fatalf("NOTIFY with %d where %d is there: %v", hint, w.have, ask)
				}
				if w.f = f; !ask && w.f != before {
					rt.Fatal("no news, and something changed")
				}
				if s := f.Next(w.now.Add(pause)); ask && (s.Do != Drop && (s.Do != Ask || s.Primary != from)) {
					rt.Fatalf("told, and %v", s)
				}
				w.told = w.told || ask
			case 3: // without
				w.f, _ = w.f.Notified(nil, 0, w.now)
				w.told = true
			default: // as long as it wants, or a while
				w.now = w.now.Add(time.Duration(rapid.Int64Range(1, int64(waits)).Draw(rt, "while")))
				if s := w.f.Next(w.now); s.Do == Wait && rapid.Bool().Draw(rt, "all") {
					w.now = s.At
				}
			}
		}
	})
}

// TestFollowingWhileAsking: NOTIFY during a question, and EXPIRE.
func TestFollowingWhileAsking(t *testing.T) {
	soa := zones.SOA{Serial: 7, Refresh: 100, Retry: 10, Expire: 1000}
	serial := func(s zones.Serial) *zones.Serial { return &s }
	asking := Follow(2, start).Asked(start).Confirmed(soa, start, 0)
	at := start.Add(100 * time.Second)
	asking = asking.Asked(at)

	f, ask := asking.Notified(serial(9), 1, at)
	if !ask || f.Next(at).Do != Wait {
		t.Fatal("two questions at once")
	}
	soa.Serial = 8 // came, and is not yet what NOTIFY told of
	f = f.Confirmed(soa, at, 0)
	if s := f.Next(at.Add(pause)); s.Do != Ask {
		t.Errorf("not asked again: %v", s)
	}
	f = f.Asked(at.Add(pause)).Confirmed(soa, at.Add(pause), 0)
	if s := f.Next(at.Add(99 * time.Second)); s.Do != Wait {
		t.Errorf("asked a third time: %v", s)
	}
	f, _ = asking.Notified(serial(8), 1, at)
	if s := f.Confirmed(soa, at, 0).Next(at.Add(pause)); s.Do != Wait {
		t.Errorf("asked again for what came: %v", s)
	}

	end := start.Add(1000 * time.Second) // in the middle of a long transfer
	if s := asking.Next(end); s.Do != Drop {
		t.Errorf("at EXPIRE: %v", s)
	}
	if s := asking.Dropped().Next(end); s != (Step{}) {
		t.Errorf("then %v", s)
	}
	if f := asking.Dropped().Confirmed(soa, end, 0); !f.Served() {
		t.Error("not served when it came")
	}
}

// TestResume: the clock of EXPIRE goes on over a restart.
func TestResume(t *testing.T) {
	soa := zones.SOA{Serial: 7, Refresh: 100, Retry: 10, Expire: 1000}
	for _, c := range []struct {
		confirmed time.Duration // before now
		served    bool
	}{{0, true}, {999 * time.Second, true}, {1000 * time.Second, false}, {-time.Hour, true}} {
		f := Follow(1, start).Resume(soa, start.Add(-c.confirmed), start)
		s := f.Next(start)
		if (s.Do == Ask) != c.served || (s.Do == Drop) == c.served {
			t.Errorf("%v: %v", c.confirmed, s)
		}
		if s := f.Next(start.Add(1001 * time.Second)); s.Do != Drop {
			t.Errorf("%v: outlives EXPIRE: %v", c.confirmed, s)
		}
	}
}

// TestFollowingBoot: who never had the zone asks less and less often.
func TestFollowingBoot(t *testing.T) {
	f, now := Follow(1, start), start
	var last time.Duration
	for range 100 {
		f = f.Asked(now).Failed(now, 0)
		d := f.Next(now).At.Sub(now)
		if d < last || d > lastBoot || f.Served() {
			t.Fatalf("waits %v after %v", d, last)
		}
		last, now = d, now.Add(d)
	}
	if last != lastBoot {
		t.Errorf("waits %v in the end", last)
	}
}
