package cutover

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// genWaves draws waves of genRows that follow each other with little between.
func genWaves(t *rapid.T) ([]Wave, zones.Name) {
	rows, service := genRows(t, rapid.IntRange(1, 3).Draw(t, "waves"))
	var ws []Wave
	for i, r := range rows {
		ws = append(ws, Wave{Name: string(rune('1' + i)), At: day(9, 1).Add(time.Duration(i) * 130 * time.Second), Row: r})
	}
	return ws, service
}

// TestWavesCaches: TIME-DRAIN over several waves, packed as closely as the
// refusals allow.
func TestWavesCaches(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		ws, service := genWaves(t)
		for i := range ws[1:] {
			ws[i+1].At = ws[i].At.Add(time.Second)
		}
		terms := genTerms(t)
		var l Timeline
		for {
			var err error
			var e *OverlapError
			if l, err = PlanWaves(ws, terms); !errors.As(err, &e) {
				if err != nil {
					t.Fatalf("%v", err)
				}
				break
			}
			moved++
			w := &ws[e.Wave[0]-'1']
			if !w.At.Equal(e.At) || !e.Earliest.After(w.At) {
				t.Fatalf("%v", e)
			}
			w.At = e.Earliest.Add(-1)
			if _, err := PlanWaves(ws, terms); !errors.As(err, &e) {
				t.Fatalf("before the earliest instant: %v", err)
			}
			w.At = e.Earliest
		}
		steps := l.Served()
		if len(steps) != 6*len(ws) || len(l.Worlds()) != len(ws) {
			t.Fatalf("%d steps of %d waves", len(steps), len(ws))
		}
		lag := steps[0].Held.Sub(steps[0].At)
		if by := watch(ws[0].Row, steps, lag).broken(service); by != "" {
			t.Fatalf("%s", by)
		}
		before := ws[0].Row[0]
		for i, row := range l.Worlds() {
			if row[0].Digest() != before.Digest() || len(row) != 6 || len(differing(row[5], ws[i].Row[3])) > 0 {
				t.Fatalf("the worlds of wave %d", i)
			}
			before = row[5]
		}
		for i, s := range steps {
			if got := l.At(s.At); got.Digest() != s.World.Digest() && (i+1 == len(steps) || !steps[i+1].At.Equal(s.At)) {
				t.Fatalf("at step %d", i)
			}
		}
		if l.At(steps[0].At.Add(-1)).Digest() != ws[0].Row[0].Digest() {
			t.Fatalf("before all")
		}
	})
	if moved == 0 {
		t.Error("no wave was too early")
	}
}

// TestWavesRefused: what cannot follow is refused by name.
func TestWavesRefused(t *testing.T) {
	rows := rapid.Custom(func(t *rapid.T) []Row { r, _ := genRows(t, 2); return r }).Example(1)
	terms := Terms{Low: time.Second}
	one, two := Wave{Name: "one", At: day(9, 1), Row: rows[0]}, Wave{Name: "two", At: day(10, 1), Row: rows[1]}
	if l, err := PlanWaves([]Wave{one, two}, terms); err != nil || !slices.Equal(l.Waves(), []string{"one", "two"}) {
		t.Fatal(err)
	}
	var chain *ChainError
	if _, err := PlanWaves([]Wave{one, {Name: "two", At: day(10, 1), Row: rows[0]}}, terms); !errors.As(err, &chain) || chain.Before != "one" || len(chain.Zones) == 0 {
		t.Error(err)
	}
	var term *TermError
	if _, err := PlanWaves([]Wave{one, {Name: "one", At: day(10, 1), Row: rows[1]}}, terms); !errors.As(err, &term) {
		t.Error(err)
	}
	if _, err := PlanWaves([]Wave{one, {Name: "two", Row: rows[1]}}, terms); !errors.As(err, &term) {
		t.Error(err)
	}
	if _, err := PlanWaves(nil, terms); err == nil {
		t.Error("a plan of no wave")
	}
	same := rows[0][3]
	l, err := PlanWaves([]Wave{one, {Name: "none", At: day(9, 1), Row: Row{same, same, same, same}}, two}, terms)
	if err != nil || !slices.Equal(l.Empty(), []string{"none"}) || !slices.Equal(l.Waves(), []string{"one", "two"}) {
		t.Error(err, l.Empty())
	}
}

// TestSingle: where the proof passes with nothing between, one step is enough
// for every cache; where it does not, some client finds nothing.
func TestSingle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := genEnds(t)
		before := end(0, "t.f")
		terms := genTerms(t)
		terms.Single = true
		for _, c := range []struct {
			after   zones.World
			allowed bool
		}{{end(1, "t.f"), true}, {end(1, "u.f"), false}} {
			in := proof.Input{Before: before, After: c.after, Steps: []zones.World{before}, Declared: []zones.Key{
				{Owner: zones.MustName("t.f"), Type: zones.TypeA}, {Owner: zones.MustName("w.e"), Type: zones.TypeCNAME}, {Owner: zones.MustName("w.e"), Type: zones.TypeA},
			}}
			if got := Single(in, proof.Options{Workers: 1}); got != c.allowed {
				t.Fatalf("allowed: %v", got)
			}
			in.Steps = nil
			if r := proof.Prove(in, proof.Options{Workers: 1}); !r.Preserved() {
				t.Fatalf("refused for another reason than mixtures: %v", r.Faults)
			}
			l, err := Plan(Row{before, {}, {}, c.after}, terms)
			if err != nil {
				t.Fatalf("%v", err)
			}
			var kinds []Kind
			for _, s := range l.Served() {
				kinds = append(kinds, s.Kind)
			}
			if !slices.Equal(kinds, []Kind{Lower, Switch, Restore, Close}) || len(l.Worlds()[0]) != 4 {
				t.Fatalf("%v", kinds)
			}
			steps := l.Served()
			if steps[2].At.Before(terms.Cutover.Add(terms.Rollback)) {
				t.Fatalf("the window ends with the restoring")
			}
			lag := steps[0].Held.Sub(steps[0].At)
			if by := watch(Row{before}, steps, lag).broken(zones.MustName("w.e")); (by == "") != c.allowed {
				t.Fatalf("allowed: %v; %q", c.allowed, by)
			}
			held := watch(Row{before}, steps, lag)
			for i, s := range steps { // TIME-DRAIN: no data of a step before the last one
				if i == 0 || i == 3 {
					continue
				}
				for a := range held.held(zones.MustName("w.e"), s.At) {
					now, _ := s.World.Nearest(zones.Internet, zones.MustName("w.e")).Lookup(zones.MustName("w.e"), zones.TypeCNAME)
					was, _ := steps[i-1].World.Nearest(zones.Internet, zones.MustName("w.e")).Lookup(zones.MustName("w.e"), zones.TypeCNAME)
					if a.data != now.Data(0) && a.data != was.Data(0) {
						t.Fatalf("step %d", i)
					}
				}
			}
		}
	})
}

// TestSingleInstants is worked by hand, as TestInstants: the waits of add and
// switch become the longer of both.
func TestSingleInstants(t *testing.T) {
	before, after := zones.World{}.With(plain(t, "e", "h.e", 1)), zones.World{}.With(plain(t, "e", "h.e", 2))
	for _, c := range []struct {
		parent, rollback time.Duration
		want             [4]string
	}{
		{0, 0, [4]string{"31 21:48:00", "01 00:00:00", "01 00:13:00", "01 00:25:00"}},
		{3 * time.Hour, 0, [4]string{"31 20:48:00", "01 00:00:00", "01 03:12:00", "01 03:24:00"}},
		{0, 24 * time.Hour, [4]string{"31 21:48:00", "01 00:00:00", "02 00:00:00", "02 00:12:00"}},
	} {
		l, err := PlanWaves([]Wave{{At: day(9, 1), Row: Row{before, {}, {}, after}, Single: true}}, Terms{Low: time.Minute, Parent: c.parent, Rollback: c.rollback})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range l.Served() {
			if got := s.At.Format("02 15:04:05"); got != c.want[i] {
				t.Errorf("parent %v, rollback %v: %v at %s, want %s", c.parent, c.rollback, s.Kind, got, c.want[i])
			}
		}
	}
}

// TestRehearsed: the worlds are those of the plan, the gaps are kept, nothing
// is missed, and each step is due when its instant comes.
func TestRehearsed(t *testing.T) {
	rows := rapid.Custom(func(t *rapid.T) []Row { r, _ := genRows(t, 2); return r }).Example(1)
	l, err := PlanWaves([]Wave{{"one", day(9, 1), rows[0], false}, {"two", day(10, 1), rows[1], false}}, Terms{Low: time.Second, Notice: 7, Rollback: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	start, gap := day(7, 1), 4*time.Second
	for _, c := range []struct{ ahead, first time.Duration }{{20 * time.Second, 12 * time.Second}, {6 * time.Second, 0}, {0, 0}, {-time.Hour, 0}} {
		r := l.Rehearsed(start, gap, start.Add(c.ahead))
		steps := r.Served()
		turn := start.Add(max(c.ahead, 0))
		if !steps[2].At.Equal(turn) || !steps[0].At.Equal(start.Add(c.first)) || len(r.Steps()) != len(steps) {
			t.Errorf("%v: %v %v", c.ahead, steps[0].At, steps[2].At)
		}
		var taken []time.Time
		for i, s := range steps {
			if i > 2 && s.At.Sub(steps[i-1].At) != gap || s.World.Digest() != l.Served()[i].World.Digest() {
				t.Errorf("%v: step %d", c.ahead, i)
			}
			if i > 0 && s.At.Before(steps[i-1].At) {
				t.Errorf("%v: step %d comes before the one before it", c.ahead, i)
			}
			late := s.At.Add(time.Minute)
			if st := r.State(late, taken...); st.Phase != Due || st.Next.Kind != s.Kind {
				t.Errorf("%v: step %d: %v", c.ahead, i, st.Phase)
			}
			taken = append(taken, s.At)
		}
	}
}

// TestForcedCaches: switching now, wherever the timeline stands, leads no
// client to nothing, takes no step later than each instant allows, and is not
// missed; the window is kept.
func TestForcedCaches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ws, service := genWaves(t)
		terms := genTerms(t)
		l, err := PlanWaves(ws, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		n := rapid.IntRange(0, 2).Draw(t, "taken")
		steps := l.Served()[:n]
		var taken []time.Time
		for _, s := range steps {
			taken = append(taken, s.At)
		}
		now := l.Served()[0].At.Add(seconds(secs(t, 0, 60, "now")))
		if n > 0 {
			now = later(now, taken[n-1])
		}
		if rapid.Bool().Draw(t, "missed") {
			now = later(now, ws[0].At.Add(time.Hour))
		}
		f := l.Forced(now, taken...)
		if (f.Sum() == l.Sum()) || len(f.Served()) != len(l.Served()) {
			t.Fatalf("the same plan")
		}
		for i := n; i < 6; i++ {
			s := f.State(now, taken...)
			if s.Phase == Missed || s.Phase == Done {
				t.Fatalf("step %d: %v", i, s.Phase)
			}
			if s.Phase == Waiting && i == n && s.At != taken[n-1].Add(s.Next.After) {
				t.Fatalf("the next step waits for more than its wait")
			}
			s.Next.At = s.At
			steps, taken, now = append(steps, s.Next), append(taken, s.At), s.At
			if !s.At.Equal(f.Served()[i].At) {
				t.Fatalf("step %d: %v, and %v was forced", i, s.At, f.Served()[i].At)
			}
		}
		if steps[3].At.Before(steps[2].At.Add(terms.Rollback)) {
			t.Fatalf("the window is cut short")
		}
		lag := l.Served()[0].Held.Sub(l.Served()[0].At)
		if by := watch(ws[0].Row, steps, lag).broken(service); by != "" {
			t.Fatalf("%s", by)
		}
	})
}
