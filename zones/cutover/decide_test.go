package cutover

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// TestNext goes through one cutover by hand: what is decided after each event.
// Waits as in TestInstants: 2 h 12 min before add, 13 min before the others.
func TestNext(t *testing.T) {
	before, after := zones.World{}.With(plain(t, "e", "h.e", 1)), zones.World{}.With(plain(t, "e", "h.e", 2))
	terms := Terms{Cutover: day(9, 1), Low: time.Minute, Rollback: time.Hour, Grace: time.Minute}
	l, err := Plan(Row{before, before, after, after}, terms)
	if err != nil {
		t.Fatal(err)
	}
	terms.Cutover = day(9, 3)
	terms.Served = map[zones.ID][]zones.Serial{{Origin: zones.MustName("e"), View: zones.Internet}: {99}}
	m, err := Plan(Row{before, before, after, after}, terms)
	if err != nil {
		t.Fatal(err)
	}
	var log []Event
	step := l.Served()
	now := step[0].At.Add(-time.Hour)
	on := l
	expect := func(what string, do Do, at time.Time) {
		t.Helper()
		p, err := Fold(log)
		if err != nil {
			t.Fatal(what, err)
		}
		if d := p.Next(on, now, 2); d.Do != do || !at.IsZero() && !d.At.Equal(at) {
			t.Errorf("%s: %v at %v (%s), want %v at %v", what, d.Do, d.At, d.Why, do, at)
		}
	}
	add := func(e Event) { e.At = now; log = append(log, e) }
	never := time.Time{}
	expect("an empty log", DoNothing, never)
	add(Event{Kind: Scheduled, Plan: l.Sum()})
	expect("scheduled", DoWait, step[0].At)
	on = m
	expect("another plan", DoHold, never)
	on = l
	now = step[0].At
	add(Event{Kind: Approved, Plan: l.Sum(), UID: 1})
	add(Event{Kind: Approved, Plan: l.Sum(), UID: 1})
	expect("approved twice by one", DoHold, never)
	add(Event{Kind: Approved, Plan: l.Sum(), UID: 2})
	expect("approved by two", DoTake, step[0].At)
	add(Event{Kind: Held, Why: "by hand"})
	expect("held", DoHold, never)
	add(Event{Kind: Released})
	add(l.TakenEvent(0, now, ""))
	expect("lowered", DoWait, step[1].At)
	now = step[1].At
	expect("not verified", DoHold, never)
	add(Event{Kind: Verified, OK: false, Why: "a server is silent"})
	expect("found wrong", DoHold, never)
	add(Event{Kind: Verified, OK: true})
	expect("found right, and held still", DoHold, never)
	add(Event{Kind: Released})
	expect("released", DoTake, step[1].At)
	add(l.TakenEvent(1, now, ""))
	add(Event{Kind: Verified, OK: true})
	now = now.Add(5 * time.Minute)
	add(Event{Kind: Edited, Drain: 8 * time.Minute})
	expect("an edit counts no longer than what it replaced", DoWait, step[2].At)
	now = now.Add(2 * time.Minute)
	add(Event{Kind: Edited, Drain: 20 * time.Minute})
	add(Event{Kind: Edited, Drain: time.Minute})
	edited := now.Add(20 * time.Minute)
	expect("of edits the one that counts longest", DoMissed, edited)
	add(Event{Kind: Forced, Plan: l.Sum()})
	expect("forced, the edit counts all the same", DoWait, edited)
	now = edited
	expect("over", DoTake, never)
	add(l.TakenEvent(2, now, ""))
	add(Event{Kind: Verified, OK: true})
	turn := now
	expect("switched: the window", DoWait, turn.Add(time.Hour))
	now = now.Add(10 * time.Minute)
	p, _ := Fold(log)
	if p.MayRollback() != nil || p.MayAbort(l, now) == nil || p.MayForce() == nil {
		t.Error("after the switch: roll back, nothing else")
	}
	add(Event{Kind: RolledBack, Drain: 13 * time.Minute})
	expect("rolled back", DoNothing, never)
	p, _ = Fold(log)
	var wait *NotNowError
	if err := p.MayAbort(l, now); !errors.As(err, &wait) || !wait.Earliest.Equal(now.Add(13*time.Minute)) {
		t.Errorf("abort right after a rollback: %v", err)
	}
	if err := p.MayAbort(l, wait.Earliest); err != nil {
		t.Error(err)
	}
	add(Event{Kind: Verified, OK: true})
	if err := p.MaySchedule(l); err == nil {
		t.Error("the plan that was rolled back again")
	}
	if err := p.MaySchedule(m); err != nil {
		t.Error(err)
	}
	add(Event{Kind: Scheduled, Plan: m.Sum()})
	on = m
	expect("scheduled again", DoWait, m.Served()[2].At)
	now = m.Served()[2].At
	expect("approvals are void", DoHold, never)
	add(Event{Kind: Approved, Plan: m.Sum(), UID: 1})
	add(Event{Kind: Approved, Plan: m.Sum(), UID: 2})
	expect("the switch again", DoTake, m.Served()[2].At)
	now = now.Add(time.Minute + 1)
	expect("too late", DoMissed, never)
}

// TestRollbackSerials: going back gives the content of the step before, under
// serials that no step of the plan has.
func TestRollbackSerials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row, _ := genRow(t)
		l, err := Plan(row, genTerms(t))
		if err != nil {
			t.Fatalf("%v", err)
		}
		served := l.Served()
		for _, c := range []struct {
			n    int
			like zones.World
			back func(int, zones.World, map[zones.ID][]zones.Serial) (zones.World, error)
		}{{2, served[1].World, l.Rollback}, {1, row[0], l.Abort}, {0, row[0], l.Abort}} {
			now := served[c.n].World
			w, err := c.back(c.n, now, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if len(differing(w, c.like)) > 0 {
				t.Fatalf("another content")
			}
			for z := range w.All() {
				if same(z, now.Zone(z.ID())) {
					if z.Serial() != now.Zone(z.ID()).Serial() {
						t.Fatalf("%v has another serial, and its content stays", z.ID())
					}
					continue
				}
				if slices.ContainsFunc(served, func(s Step) bool { return !s.World.Zone(z.ID()).Serial().Before(z.Serial()) }) {
					t.Fatalf("%v: %d is not later than all of the plan", z.ID(), z.Serial())
				}
			}
		}
	})
}

// TestDrain: what an edit says of its wait counts for every step after it but
// lower, which waits for nothing; after the plan was given up too.
func TestDrain(t *testing.T) {
	before, after := zones.World{}.With(plain(t, "e", "h.e", 1)), zones.World{}.With(plain(t, "e", "h.e", 2))
	l, err := Plan(Row{before, before, after, after}, Terms{Cutover: day(9, 1), Low: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	lower := l.Served()[0].At
	log := []Event{{Kind: Scheduled, At: lower.Add(-2 * time.Hour), Plan: l.Sum()}, {Kind: Edited, At: lower.Add(-time.Hour), Drain: 9 * time.Hour}, {Kind: Aborted, At: lower.Add(-time.Hour)}, {Kind: Closed, At: lower.Add(-time.Hour)}, {Kind: Scheduled, At: lower.Add(-time.Hour), Plan: l.Sum()}}
	over := lower.Add(8 * time.Hour)
	for _, want := range []time.Time{lower, over} {
		p, err := Fold(log)
		if err != nil {
			t.Fatal(err)
		}
		if d := p.Next(l, lower, 0); !d.At.Equal(want) {
			t.Errorf("%v at %v, want %v", d.Next.Kind, d.At, want)
		}
		log = append(log, l.TakenEvent(0, lower, ""))
	}
}
