package cutover

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// TestProgress: whatever people do, edits among it, and whenever, each step
// finds caches that hold what is served alone, no client is led to nothing by
// the timeline, no serial goes back, and the laws hold.
func TestProgress(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := genDirector(t)
		d.count = count
		for range rapid.IntRange(10, 100).Draw(t, "acts") {
			count[d.act()]++
			d.carryOn()
		}
		if d.fault != "" {
			t.Fatalf("%s\n%s", d.fault, d.story())
		}
		if len(d.served) > 1 {
			if by := d.led(); by != "" {
				t.Fatalf("%s\n%s", by, d.story())
			}
		}
		b, err := json.Marshal(d.log)
		if err != nil {
			t.Fatalf("%v", err)
		}
		var again []Event
		if err := json.Unmarshal(b, &again); err != nil || len(again) != len(d.log) {
			t.Fatalf("%v", err)
		}
		p := d.progress()
		q, err := Fold(again)
		if err != nil || q.Plan != p.Plan || len(q.Past) != len(p.Past) || !q.Now.Equal(p.Now) || !q.until.Equal(p.until) || !reflect.DeepEqual(q.Hold == nil, p.Hold == nil) {
			t.Fatalf("a log that was written and read folds to something else: %v", err)
		}
	})
	for _, k := range slices.Sorted(maps.Keys(count)) {
		t.Log(k, count[k])
	}
	for _, k := range []string{"wait", "take lower", "take add", "take switch", "take remove", "take restore", "take close", "hold", "missed", "nothing", "done", "published an edit"} {
		if count[k] == 0 {
			t.Errorf("never: %s", k)
		}
	}
	if all := count["seconds of a service"]; count["seconds of a service that was taken away"] > all/2 {
		t.Errorf("of %d seconds too many say nothing", all)
	}
}

// to goes on till a step of a kind was taken.
func (d *director) to(k Kind) {
	for range 100 {
		p := d.progress()
		if c := p.Next(d.plan(), d.now, 0); c.Do == DoWait {
			d.now = c.At
		}
		if !p.Verified && p.Published.Kind != "" {
			d.add(Event{Kind: Verified, OK: true})
		}
		if d.carryOn(); d.what[len(d.what)-1] == k.String() {
			return
		}
	}
	d.t.Fatalf("never: %v\n%s", k, d.story())
}

// TestForgotten: each event's Drain matters. Without it, or a part of it, a step
// comes while something else than what is served is held.
func TestForgotten(t *testing.T) {
	type forget func(e *Event, was, is zones.World, t Terms)
	of := func(k EventKind) forget {
		return func(e *Event, _, _ zones.World, _ Terms) {
			if e.Kind == k {
				e.Drain = 0
			}
		}
	}
	edit := func(f func(was, is zones.World, t Terms) time.Duration) forget {
		return func(e *Event, was, is zones.World, t Terms) {
			if e.Kind == Edited {
				e.Drain = f(was, is, t)
			}
		}
	}
	move := change{what: "move", ttl: 9, at: 1}
	for _, c := range []struct {
		what       string
		old, fresh uint32 // TTLs before and after
		do         func(d *director)
		forget     forget
	}{
		{"TTLs are edited down after they were lowered, and the plan made anew no longer knows the old ones", 9, 9, func(d *director) {
			d.to(Lower)
			for _, n := range names[2:4] {
				d.edited(change{what: "TTLs", owner: n, ttl: 1}, 0, 1)
			}
			d.schedule(0)
			d.to(Add)
		}, of(Taken)},
		{"a zone joins the switch, and its TTLs were never lowered", 3, 3, func(d *director) {
			d.to(Add)
			d.now = d.now.Add(20 * time.Second)
			d.edited(move, 0, 1)
			d.schedule(0)
			d.to(Switch)
		}, of(Edited)},
		{"the same, and only what the edit brings counts", 3, 3, func(d *director) {
			d.to(Add)
			d.now = d.now.Add(20 * time.Second)
			d.edited(move, 0, 1)
			d.schedule(0)
			d.to(Switch)
		}, edit(func(was, is zones.World, t Terms) time.Duration { return Settle(is, was, t) })},
		{"an edit just before the switch, and secondaries have it at once", 3, 3, func(d *director) {
			d.to(Add)
			d.now = d.now.Add(20 * time.Second)
			d.edited(change{what: "add", owner: names[7], ttl: 3}, 0, 1)
			d.schedule(0)
			d.to(Switch)
		}, edit(func(was, is zones.World, _ Terms) time.Duration { return drain(was, Row{was, is, is, is}.touched()) })},
		{"the same, and nothing is in caches", 3, 3, func(d *director) {
			d.to(Add)
			d.now = d.now.Add(20 * time.Second)
			d.edited(change{what: "add", owner: names[7], ttl: 3}, 0, 1)
			d.schedule(0)
			d.to(Switch)
		}, edit(func(was, is zones.World, t Terms) time.Duration {
			lag, _ := Wave{Row: Row{was, is, is, is}}.lag(t)
			return lag
		})},
		{"an edit has secondaries ask more often from then on", 3, 3, func(d *director) {
			d.to(Add)
			d.now = d.now.Add(20 * time.Second)
			for _, n := range []zones.Name{names[0], names[2], names[1]} {
				d.edited(change{what: "SOA", owner: n, ttl: 9, soa: zones.SOA{Refresh: 1, Minimum: 1}}, 0, 1)
			}
			d.schedule(0)
			d.to(Switch)
		}, edit(func(was, is zones.World, t Terms) time.Duration {
			lag, _ := Wave{Row: Row{is, is, is, is}}.lag(t)
			return lag + drain(was, Row{was, is, is, is}.touched())
		})},
		{"two edits, of which the second one drains sooner", 3, 3, func(d *director) {
			d.to(Add)
			d.now = d.now.Add(20 * time.Second)
			d.edited(move, 0, 1)
			d.edited(change{what: "add", owner: names[7], ttl: 3}, 0, 1)
			d.schedule(0)
			d.to(Switch)
		}, func(e *Event, was, _ zones.World, _ Terms) {
			if e.Kind == Edited && len(was.Zone(zones.ID{Origin: zones.MustName("g"), View: zones.Internet}).At(zones.MustName("d.g"))) == 0 {
				e.Drain = 0 // as if the second took the place of the first
			}
		}},
		{"aborted after what came had longer TTLs than what was, and begun anew at once", 1, 5, func(d *director) {
			d.to(Add)
			d.goBack(d.progress(), "abort")
			d.schedule(10 * time.Second)
			d.to(Add)
		}, of(Aborted)},
		{"rolled back, and switched again at once", 1, 5, func(d *director) {
			d.to(Switch)
			d.now = d.now.Add(20 * time.Second)
			d.goBack(d.progress(), "rollback")
			d.schedule(0)
			d.to(Switch)
		}, of(RolledBack)},
	} {
		for _, forgets := range []bool{false, true} {
			soa := zones.SOA{MName: names[0], RName: names[0], Refresh: 2, Retry: 1, Expire: 30, Minimum: 9}
			w := func(k int, host string, ttl uint32) zones.World {
				return endOf(t, soa, map[string]uint32{"soa": ttl, "service": ttl, "host": ttl}, k, host).With(still(t, 9))
			}
			d := newDirector(t, []zones.World{w(0, "t.f", c.old), w(1, "u.f", c.fresh)}, Terms{Low: 5 * time.Second, Grace: time.Hour, Rollback: time.Minute})
			if forgets {
				d.forget = c.forget
			}
			d.schedule(time.Minute)
			c.do(d)
			if (d.fault != "") != forgets {
				t.Errorf("%s: forgotten %v: %q\n%s", c.what, forgets, d.fault, d.story())
			}
		}
	}
}

// TestFoldRefuses: what cannot have happened is an error that names the event,
// and what came before it stands.
func TestFoldRefuses(t *testing.T) {
	a, b := Hash{1}, Hash{2}
	sched := Event{Kind: Scheduled, Plan: a}
	take := func(k Kind) Event { return Event{Kind: Taken, Plan: a, Wave: "w", What: k} }
	upTo := func(k Kind, more ...Event) []Event {
		es := []Event{sched}
		for x := Lower; x <= k; x++ {
			es = append(es, take(x))
		}
		return append(es, more...)
	}
	of := func(k EventKind) Event { return Event{Kind: k, Plan: a} }
	for _, c := range []struct {
		name string
		es   []Event
		bad  bool
	}{
		{"nothing", nil, false},
		{"an unknown kind", []Event{{Kind: "lost"}}, true},
		{"a step without a plan", []Event{take(Lower)}, true},
		{"a plan without a name", []Event{{Kind: Scheduled}}, true},
		{"the switch first", []Event{sched, take(Switch)}, true},
		{"an announcement", []Event{sched, take(Announce)}, true},
		{"no kind at all", []Event{sched, take(99)}, true},
		{"a step again", upTo(Add, take(Add)), true},
		{"a step back", upTo(Add, take(Lower)), true},
		{"all steps", upTo(Close, of(Closed)), false},
		{"a single step", []Event{sched, take(Lower), take(Switch), take(Restore), take(Close)}, false},
		{"another plan's step", []Event{sched, {Kind: Taken, Plan: b, Wave: "w", What: Lower}}, true},
		{"another wave's step", upTo(Add, Event{Kind: Taken, Plan: a, Wave: "v", What: Lower}), true},
		{"the next wave", upTo(Close, Event{Kind: Taken, Plan: a, Wave: "v", What: Lower}), false},
		{"a wave again", upTo(Close, take(Lower)), true},
		{"a step while it is held", upTo(Add, of(Held), take(Switch)), true},
		{"released", upTo(Add, of(Held), of(Released), take(Switch)), false},
		{"a step after a failed verification", upTo(Add, of(Verified), take(Switch)), true},
		{"released without a hold", []Event{of(Released)}, true},
		{"verified without anything", []Event{sched, of(Verified)}, true},
		{"approved without a plan", []Event{of(Approved)}, true},
		{"another plan approved", []Event{sched, {Kind: Approved, Plan: b}}, true},
		{"aborted without a plan", []Event{of(Aborted)}, true},
		{"aborted twice", []Event{sched, of(Aborted), of(Aborted)}, true},
		{"aborted after the switch", upTo(Switch, of(Aborted)), true},
		{"aborted after the rollback", upTo(Switch, of(RolledBack), of(Aborted)), false},
		{"a step after an abort", upTo(Add, of(Aborted), take(Switch)), true},
		{"the aborted plan again", upTo(Add, of(Aborted), sched), true},
		{"another plan after an abort", upTo(Add, of(Aborted), Event{Kind: Scheduled, Plan: b}, Event{Kind: Taken, Plan: b, Wave: "w", What: Lower}), false},
		{"after an abort in the middle", upTo(Add, of(Aborted), Event{Kind: Scheduled, Plan: b}, Event{Kind: Taken, Plan: b, Wave: "w", What: Switch}), true},
		{"rolled back before the switch", upTo(Add, of(RolledBack)), true},
		{"rolled back after the removal", upTo(Remove, of(RolledBack)), true},
		{"rolled back twice", upTo(Switch, of(RolledBack), of(RolledBack)), true},
		{"a step after a rollback", upTo(Switch, of(RolledBack), take(Switch)), true},
		{"another plan after a rollback goes on with the switch", upTo(Switch, of(RolledBack), Event{Kind: Scheduled, Plan: b}, Event{Kind: Taken, Plan: b, Wave: "w", What: Switch}), false},
		{"forced without a plan", []Event{of(Forced)}, true},
		{"forced after the switch", upTo(Switch, of(Forced)), true},
		{"closed in a wave", upTo(Add, of(Closed)), true},
		{"all anew after the close", upTo(Close, of(Closed), sched, take(Lower)), false},
	} {
		for i := range c.es {
			c.es[i].At = day(9, 1)
		}
		p, err := Fold(c.es)
		if (err != nil) != c.bad {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !c.bad {
			continue
		}
		n := len(c.es) - 1
		var e *EventError
		if !errors.As(err, &e) || e.Index != n || e.Event != c.es[n] || !strings.Contains(err.Error(), fmt.Sprint("event ", n+1)) {
			t.Errorf("%s: %v does not name the event %d", c.name, err, n+1)
		}
		if q, err := Fold(c.es[:n]); err != nil || !reflect.DeepEqual(p, q) {
			t.Errorf("%s: what came before does not stand: %v", c.name, err)
		}
	}
}

// FuzzFold: no log makes it panic, and a log folds one event at a time as it
// does at once.
func FuzzFold(f *testing.F) {
	f.Add([]byte("s1l1l2l3"))
	f.Add([]byte("s1t1t2t3r0s2t3"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all := []EventKind{Scheduled, Approved, Taken, Taken, Taken, Verified, Held, Released, Aborted, RolledBack, Forced, Edited, Closed, "x"}
		var es []Event
		for i := 0; i+1 < len(b); i += 2 {
			x := int(b[i+1])
			es = append(es, Event{Kind: all[int(b[i])%len(all)], At: day(1, 1).Add(time.Duration(x) * time.Minute), Plan: Hash{byte(x % 3)}, What: Kind(x%9 - 1), Wave: string(rune('a' + x/100)), UID: x % 4, OK: x%5 > 0})
		}
		p, err := Fold(es)
		var e *EventError
		n := len(es)
		if errors.As(err, &e) {
			n = e.Index
		}
		for i := 1; i < len(p.Past); i++ {
			if a, b := p.Past[i-1], p.Past[i]; b.At.Before(a.At) || a.Wave == b.Wave && a.Kind >= b.Kind || a.Wave != b.Wave && a.Kind != Close {
				t.Fatalf("%v then %v", a, b)
			}
		}
		if q, err := Fold(es[:n]); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%v", err)
		}
		p.Next(Timeline{}, day(1, 1), 1)
	})
}
