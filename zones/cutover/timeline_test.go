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

var hanoi = time.FixedZone("+07:00", 7*3600)

func day(m time.Month, d int) time.Time { return time.Date(2025, m, d, 0, 0, 0, 0, hanoi) }

// secs draws a number of seconds.
func secs(t *rapid.T, from, to int, label string) uint32 {
	return uint32(rapid.IntRange(from, to).Draw(t, label))
}

// genRow draws a service, w.e, that turns from the host t.f to u.f or u.e; the
// old host goes. Beside it stands one that stays.
func genRow(t *rapid.T) (row Row, service zones.Name) {
	rows, service := genRows(t, 1)
	return rows[0], service
}

// genRows is genRow for waves: then the service turns to v.f or v.e, and so on.
func genRows(t *rapid.T, n int) (rows []Row, service zones.Name) {
	ends := make([]zones.World, n+1)
	hosts := []string{"t.f"}
	for _, h := range []string{"u", "v", "x"}[:n] {
		hosts = append(hosts, h+rapid.SampledFrom([]string{".f", ".e"}).Draw(t, h))
	}
	end := genEnds(t)
	for k := range ends {
		ends[k] = end(k, hosts[k])
	}
	for k := range n {
		mid, err := Steps(ends[k], ends[k+1])
		if err != nil {
			t.Fatalf("%v", err)
		}
		rows = append(rows, Row{ends[k], mid[0], mid[1], ends[k+1]})
	}
	return rows, zones.MustName("w.e")
}

// genEnds draws times, and gives worlds with them in which w.e is an alias of a
// host whose address and serial are of a number.
func genEnds(t *rapid.T) func(k int, host string) zones.World {
	name := zones.MustName
	soa := zones.SOA{MName: name("ns.out"), RName: name("x.out"), Refresh: secs(t, 1, 3, "refresh"), Retry: secs(t, 0, 2, "retry"), Expire: 30, Minimum: secs(t, 1, 9, "minimum")}
	ttls := map[string]uint32{}
	for _, k := range []string{"soa", "service", "host"} {
		ttls[k] = secs(t, 1, 9, k+" TTL")
	}
	return func(k int, host string) zones.World { return endOf(t, soa, ttls, k, host) }
}

// endOf is the k-th world of genEnds.
func endOf(t rapid.TB, soa zones.SOA, ttls map[string]uint32, k int, host string) (w zones.World) {
	name := zones.MustName
	for _, origin := range []string{"e", "f"} {
		o, to := name(origin), name(host)
		b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
		soa.Serial = zones.Serial(1 + k)
		b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: ttls["soa"], Data: soa.Data()},
			zones.Record{Owner: o, Type: zones.TypeNS, TTL: 1, Data: name("ns.out").Wire()})
		if to.Within(o) {
			b.Add(zones.Record{Owner: to, Type: zones.TypeA, TTL: ttls["host"], Data: string([]byte{192, 0, 2, byte(1 + k)})})
		}
		if origin == "e" {
			b.Add(zones.Record{Owner: name("w.e"), Type: zones.TypeCNAME, TTL: ttls["service"], Data: to.Wire()})
		}
		z, err := b.Freeze()
		if err != nil {
			t.Fatalf("%v", err)
		}
		w = w.With(z)
	}
	return w
}

func genTerms(t *rapid.T) Terms {
	return Terms{
		Cutover:  day(9, 1),
		Refresh:  seconds(secs(t, 0, 4, "own refresh")),
		Parent:   seconds(secs(t, 0, 3, "parent")),
		Low:      seconds(secs(t, 1, 5, "low")),
		Rollback: seconds(secs(t, 0, 30, "rollback")),
	}
}

// watch lets caches live through steps: Lower to Restore, after the world before.
func watch(row Row, steps []Step, lag time.Duration) *caches {
	served := append([]Step{{World: row[0]}}, steps...)
	return &caches{served: served, lag: lag, from: steps[0].At.Add(-2 * time.Second), until: steps[len(steps)-1].At.Add(lag + 12*time.Second), most: 9 * time.Second}
}

// TestTimelineCaches: TIME-DRAIN. No client is ever led to nothing with the
// timeline; without one of its protections some client is.
func TestTimelineCaches(t *testing.T) {
	lowering, negative := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		row, service := genRow(t)
		terms := genTerms(t)
		l, err := Plan(row, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		steps := l.Steps()[:5]
		lag := steps[0].Held.Sub(steps[0].At)
		soa := row[0].Zone(zones.ID{Origin: zones.MustName("e"), View: zones.Internet}).SOA()
		if want := max(terms.Refresh, seconds(soa.Refresh)) + seconds(soa.Retry); lag != want {
			t.Fatalf("lag %v, want %v", lag, want)
		}
		if by := watch(row, steps, lag).broken(service); by != "" {
			t.Fatalf("with the timeline: %s", by)
		}

		// The mixture: W1 is never served.
		without := slices.Delete(slices.Clone(steps), 1, 2)
		if watch(row, without, lag).broken(service) == "" {
			t.Error("without W1 nothing breaks")
		}

		// Old TTLs: the same instants, TTLs as ever.
		high := slices.Clone(steps)
		for i := range high {
			high[i].World = row[min(i, 3)]
		}
		set, _ := row[0].Nearest(zones.Internet, service).Lookup(service, zones.TypeCNAME)
		if seconds(set.TTL()) > steps[3].At.Sub(steps[2].At)-lag {
			lowering++
			if watch(row, high, lag).broken(service) == "" {
				t.Error("without lowered TTLs nothing breaks")
			}
		}

		// The negative TTL: W2 as soon as the last secondary has W1.
		early := slices.Clone(steps)
		for i := 2; i < len(early); i++ {
			early[i].At = early[i].At.Add(lag - early[1].At.Add(steps[2].After).Sub(early[1].At))
		}
		low := steps[0].World.Nearest(zones.Internet, service)
		apex, _ := low.Lookup(low.Origin(), zones.TypeSOA)
		if low.SOA().NegativeTTL(apex.TTL()) > 1 { // one second is the twin's step: it ends as the switch comes
			negative++
			if watch(row, early, lag).broken(service) == "" {
				t.Error("without waiting for negative answers nothing breaks")
			}
		}
	})
	if lowering == 0 || negative == 0 {
		t.Errorf("too few of a kind: %d with high TTLs, %d with long negative answers", lowering, negative)
	}
}

// TestTimelineLate: who takes each step some time after it is due, as State
// tells, leads no client to nothing either, whether or not the switch is missed.
func TestTimelineLate(t *testing.T) {
	missed, done := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		ws, service := genWaves(t)
		terms := genTerms(t)
		terms.Grace = seconds(secs(t, 0, 9, "grace"))
		l, err := PlanWaves(ws, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		row := ws[0].Row
		var steps []Step
		var taken []time.Time
		lag := l.Steps()[0].Held.Sub(l.Steps()[0].At)
		s := l.State(l.Steps()[0].At)
		for s.Phase != Done {
			now := s.At.Add(seconds(secs(t, 0, 4, "late")))
			if s = l.State(now, taken...); s.Phase == Missed {
				missed++
				break
			}
			if s.Phase != Due {
				t.Fatalf("%v after it was due: %v", s.Next.Kind, s.Phase)
			}
			if turn := l.wave(len(taken)).at; s.Next.Kind == Switch && now.After(turn.Add(terms.Grace)) {
				t.Fatalf("a switch %v after the cutover", now.Sub(turn))
			}
			s.Next.At = now
			steps, taken = append(steps, s.Next), append(taken, now)
			s = l.State(now, taken...)
		}
		if s.Phase == Done {
			done++
		}
		if len(steps) > 0 {
			if by := watch(row, steps, lag).broken(service); by != "" {
				t.Fatalf("%s", by)
			}
		}
	})
	if missed == 0 || done == 0 {
		t.Errorf("too few of a kind: %d missed, %d done", missed, done)
	}
}

// TestTimelineOrder: the instants as they are stated, and the worlds: TTLs
// aside they are those of the row, which the proof is of.
func TestTimelineOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := genWorlds(t)
		mid, err := Steps(before, after)
		if err != nil {
			t.Fatalf("%v", err)
		}
		row := Row{before, mid[0], mid[1], after}
		terms := genTerms(t)
		terms.Low = seconds(secs(t, 1, 90, "low"))
		l, err := Plan(row, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		s := l.Steps()
		if len(s) == 0 {
			if len(differing(before, after)) > 0 || len(l.Empty()) != 1 {
				t.Fatalf("no steps, and the worlds differ")
			}
			return
		}
		for i, w := range append(row[:], after, after) {
			if s[i].Kind != Lower+Kind(i) || i > 0 && s[i].At.Before(s[i-1].At.Add(s[i].After)) {
				t.Fatalf("step %d: %+v", i, s[i])
			}
			if a, b := holds(s[i].World, w), holds(w, s[i].World); a != "" || b != "" {
				t.Fatalf("step %v: %s %s", s[i].Kind, a, b)
			}
			for z := range s[i].World.All() {
				low := false // may stay as it is only where the whole row has it so
				for _, v := range row {
					o := v.Zone(z.ID())
					low = low || o == nil || o.WithSerial(0).Digest() != z.WithSerial(0).Digest()
				}
				for x := range z.All() {
					was, _ := w.Zone(z.ID()).Lookup(x.Owner(), x.Type())
					want := was.TTL()
					if i < 4 && low {
						want = min(want, uint32(terms.Low/time.Second))
					}
					if x.TTL() != want {
						t.Fatalf("step %v: %v has the TTL %d, want %d", s[i].Kind, x.Key(), x.TTL(), want)
					}
				}
			}
		}
		if s[2].At != terms.Cutover || s[3].At.Before(terms.Cutover.Add(terms.Rollback)) || s[5].At != s[4].Held || s[5].World.Digest() != s[4].World.Digest() || len(differing(s[5].World, after)) > 0 {
			t.Fatalf("%+v", s)
		}
		if r := proof.Prove(proof.Input{Before: before, After: s[0].World}, proof.Options{Workers: 1}); !r.Preserved() {
			t.Fatalf("lowered TTLs lose something")
		}
	})
}

// TestNotice: seven whole working days lie between the notice and the stop.
func TestNotice(t *testing.T) {
	holidays := []time.Time{day(8, 30), day(8, 31), day(9, 1), day(9, 2)}
	for _, c := range []struct {
		stop time.Time
		days int
		want time.Time
	}{
		{day(9, 1), 7, day(8, 20)},
		{day(9, 1).Add(23 * time.Hour), 7, day(8, 20)},
		{day(9, 3), 7, day(8, 20)}, // the holidays between are no working days
		{day(9, 4), 7, day(8, 21)},
		{day(8, 28), 3, day(8, 22)}, // the third day before is a Monday: Friday, not Sunday
	} {
		if got := noticeDay(c.stop, c.days, holidays); !got.Equal(c.want) {
			t.Errorf("%v, %d days: %v, want %v", c.stop, c.days, got, c.want)
		}
	}
}

func sample(t *testing.T, change func(*Terms)) (Timeline, error) {
	row := rapid.Custom(func(t *rapid.T) Row { r, _ := genRow(t); return r }).Example(1)
	terms := Terms{
		Cutover: day(9, 1), Refresh: time.Hour, Retry: 10 * time.Minute, Low: time.Minute, Rollback: 24 * time.Hour,
		Grace: time.Minute, Notice: 7, Holidays: []time.Time{day(8, 30), day(8, 31), day(9, 1), day(9, 2)},
	}
	change(&terms)
	return Plan(row, terms)
}

// TestStart: a start too near is refused, and the cutover that the refusal
// names is taken, and none before it.
func TestStart(t *testing.T) {
	l, err := sample(t, func(*Terms) {})
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Steps()[0]; s.Kind != Announce || !s.At.Equal(day(8, 20)) {
		t.Fatalf("%+v", s)
	}
	if err := l.Start(day(8, 21).Add(-1)); err != nil {
		t.Error("on the last day:", err)
	}
	for _, notice := range []int{0, 1, 7} {
		for _, now := range []time.Time{day(8, 21), day(8, 22).Add(time.Hour), day(8, 31), day(9, 1).Add(-time.Hour), day(9, 5)} {
			set := func(c time.Time) func(*Terms) { return func(t *Terms) { t.Notice, t.Cutover = notice, c } }
			at := day(8, 21) // too near for all of them
			l, err := sample(t, set(at))
			if err != nil {
				t.Fatal(err)
			}
			var near *TooNearError
			if err := l.Start(now); !errors.As(err, &near) || !near.Cutover.Equal(at) {
				t.Fatalf("%v: %v", now, err)
			}
			for _, c := range []struct {
				at time.Time
				ok bool
			}{{near.Earliest, true}, {near.Earliest.Add(-1), false}} {
				l, err := sample(t, set(c.at))
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Start(now); (err == nil) != c.ok {
					t.Errorf("notice %d, now %v, cutover %v: %v", notice, now, c.at, err)
				}
			}
		}
	}
}

// TestState: TIME-MISSED.
func TestState(t *testing.T) {
	l, err := sample(t, func(*Terms) {})
	if err != nil {
		t.Fatal(err)
	}
	at := func(k Kind) time.Time { s, _ := l.Step(k); return s.At }
	all := []time.Time{at(Lower), at(Add), at(Switch), at(Remove), at(Restore), at(Close)}
	late := slices.Clone(all[:2])
	late[1] = late[1].Add(30 * time.Second)
	later := slices.Clone(late)
	later[1] = later[1].Add(31 * time.Second)
	for _, c := range []struct {
		name  string
		now   time.Time
		taken []time.Time
		want  Phase
		next  Kind
		at    time.Time
	}{
		{"before all", at(Lower).Add(-1), nil, Waiting, Lower, at(Lower)},
		{"lower", at(Lower), nil, Due, Lower, at(Lower)},
		{"lower too late for the date", at(Lower).Add(61 * time.Second), nil, Missed, Lower, at(Lower)},
		{"between", at(Switch).Add(-1), all[:2], Waiting, Switch, at(Switch)},
		{"the switch", at(Switch), all[:2], Due, Switch, at(Switch)},
		{"within the grace", at(Switch).Add(time.Minute), all[:2], Due, Switch, at(Switch)},
		{"past", at(Switch).Add(time.Minute + 1), all[:2], Missed, Switch, at(Switch)},
		{"past, days ago", at(Switch).AddDate(0, 0, 9), nil, Missed, Lower, at(Lower)},
		{"W1 was late, and so is W2", at(Switch), late, Waiting, Switch, at(Switch).Add(30 * time.Second)},
		{"W1 was too late", at(Switch), later, Missed, Switch, at(Switch).Add(61 * time.Second)},
		{"switched long ago", at(Switch).AddDate(0, 0, 9), all[:3], Due, Remove, at(Remove)},
		{"done", at(Close), all, Done, 0, time.Time{}},
	} {
		s := l.State(c.now, c.taken...)
		if s.Phase != c.want || s.Next.Kind != c.next || !s.At.Equal(c.at) {
			t.Errorf("%s: %v %v %v", c.name, s.Phase, s.Next.Kind, s.At)
		}
	}
}

// TestTerms: what no timeline can be made from is refused by name.
func TestTerms(t *testing.T) {
	for _, c := range []struct {
		term   string
		change func(*Terms)
	}{
		{"low TTL", func(t *Terms) { t.Low = 0 }},
		{"low TTL", func(t *Terms) { t.Low = 1500 * time.Millisecond }},
		{"refresh", func(t *Terms) { t.Refresh = -1 }},
		{"parent's TTL", func(t *Terms) { t.Parent = longest + 1 }},
		{"notice", func(t *Terms) { t.Notice = -1 }},
		{"instant", func(t *Terms) { t.Cutover = time.Time{} }},
	} {
		var e *TermError
		if _, err := sample(t, c.change); !errors.As(err, &e) || e.Term != c.term {
			t.Errorf("%s: %v", c.term, err)
		}
	}
}

// plain is a zone of one host.
func plain(t *testing.T, origin, host string, last byte) *zones.Zone {
	o := zones.MustName(origin)
	b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
	b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: 3600, Data: zones.SOA{MName: o, RName: o, Serial: 1, Refresh: 600, Retry: 120, Expire: 86400, Minimum: 300}.Data()},
		zones.Record{Owner: zones.MustName(host), Type: zones.TypeA, TTL: 7200, Data: string([]byte{192, 0, 2, last})})
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestInstants is worked by hand: secondaries lag 600 + 120 s, old TTLs run
// out in 7200 s, lowered ones in 60 s, the parent's in 1800 s.
func TestInstants(t *testing.T) {
	before, after := zones.World{}.With(plain(t, "e", "h.e", 1)), zones.World{}.With(plain(t, "e", "h.e", 2))
	for _, c := range []struct {
		parent, rollback time.Duration
		want             [5]string
	}{
		{0, 0, [5]string{"31 21:35:00", "31 23:47:00", "01 00:00:00", "01 00:13:00", "01 00:26:00"}},
		{1800 * time.Second, 0, [5]string{"31 21:06:00", "31 23:18:00", "01 00:00:00", "01 00:42:00", "01 00:55:00"}},
		{0, 24 * time.Hour, [5]string{"31 21:35:00", "31 23:47:00", "01 00:00:00", "02 00:00:00", "02 00:13:00"}},
	} {
		l, err := Plan(Row{before, before, after, after}, Terms{Cutover: day(9, 1), Low: time.Minute, Parent: c.parent, Rollback: c.rollback})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range l.Steps()[:5] {
			if got := s.At.Format("02 15:04:05"); got != c.want[i] || s.Held.Sub(s.At) != 720*time.Second || s.Alone.Sub(s.At) != 24*time.Hour {
				t.Errorf("parent %v, rollback %v: %v at %s, want %s; %+v", c.parent, c.rollback, s.Kind, got, c.want[i], s)
			}
		}
	}
}

// TestLowerAbove: a zone that comes takes names from the one above, which
// itself stays; one beside it keeps its TTLs.
func TestLowerAbove(t *testing.T) {
	before := zones.World{}.With(plain(t, "e", "h.sub.e", 1)).With(plain(t, "f", "h.f", 1))
	after := before.With(plain(t, "sub.e", "h.sub.e", 2))
	l, err := Plan(Row{before, after, after, after}, Terms{Cutover: day(9, 1), Low: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := l.Step(Lower)
	for origin, want := range map[string]uint32{"e": 60, "f": 7200} {
		z := s.World.Zone(zones.ID{Origin: zones.MustName(origin), View: zones.Internet})
		for x := range z.All() {
			if x.Type() == zones.TypeA && x.TTL() != want {
				t.Errorf("%v: %d, want %d", x.Key(), x.TTL(), want)
			}
		}
	}
}
