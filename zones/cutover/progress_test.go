package cutover

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// director is the model of a server that carries a plan out, with people who
// do this and that. What it publishes, caches live through.
type director struct {
	t       *rapid.T
	ws      []Wave
	terms   Terms
	plans   []Timeline
	seen    map[zones.ID][]zones.Serial
	log     []Event
	served  []Step // what was published, by instant
	now     time.Time
	need    int
	service zones.Name
}

func (d *director) plan() Timeline { return d.plans[len(d.plans)-1] }

func (d *director) progress() Progress {
	p, err := Fold(d.log)
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	return p
}

func (d *director) add(e Event) {
	e.At = d.now
	d.log = append(d.log, e)
}

// publish serves a world, whose serials must not go back.
func (d *director) publish(w zones.World, what string) {
	was := d.served[len(d.served)-1].World
	for z := range w.All() {
		o := was.Zone(z.ID())
		if o != nil && !o.Equal(z) && !o.Serial().Before(z.Serial()) {
			d.t.Fatalf("%s: %v goes from serial %d to %d with other content", what, z.ID(), o.Serial(), z.Serial())
		}
		d.seen[z.ID()] = append(d.seen[z.ID()], z.Serial())
	}
	d.served = append(d.served, Step{At: d.now, World: w})
}

// schedule makes a plan anew, with the first switch so far ahead.
func (d *director) schedule(ahead time.Duration) {
	p := d.progress()
	if len(d.ws) == 0 {
		return
	}
	ws := slices.Clone(d.ws)
	done := 0
	for _, s := range p.Past {
		if s.Kind == Close {
			done++
		}
	}
	for i := range ws {
		ws[i].At = d.now.Add(ahead + time.Duration(max(0, i-done))*200*time.Second - time.Duration(max(0, done-i))*400*time.Second)
	}
	terms := d.terms
	terms.Served, terms.Standing = d.seen, p.Standing(d.served[len(d.served)-1].World)
	l, err := PlanWaves(ws, terms)
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	if len(p.Past) == 0 && l.Start(d.now) != nil {
		return // a scheduler refuses that
	}
	if p.MaySchedule(l) != nil {
		return
	}
	d.plans = append(d.plans, l)
	d.add(Event{Kind: Scheduled, Plan: l.Sum()})
	if n := len(p.Past); n > 0 { // what is served is the new plan's step
		_, taken, err := d.progress().On(l)
		if err != nil || len(taken) == 0 {
			d.t.Fatalf("%v: %d taken", err, len(taken))
		}
		if w := l.Served()[len(taken)-1].World; w.Digest() != d.served[len(d.served)-1].World.Digest() {
			d.t.Fatalf("the plan's step %d is another world than what is served", len(taken)-1)
		}
	}
}

// act does one thing at random.
func (d *director) act() string {
	p := d.progress()
	if rapid.IntRange(0, 9).Draw(d.t, "help") > 1 {
		return d.help(p)
	}
	what := rapid.SampledFrom([]string{"wait", "wait", "wait", "verify", "verify", "verify", "approve", "approve", "hold", "release", "release", "abort", "rollback", "edit", "schedule", "schedule", "force", "close", "fail"}).Draw(d.t, "act")
	switch what {
	case "wait":
		d.now = d.now.Add(seconds(secs(d.t, 1, 60, "for")))
	case "verify", "fail":
		if p.Published.Kind != "" {
			d.add(Event{Kind: Verified, OK: what == "verify", Why: "asked"})
		}
	case "approve":
		uid := rapid.IntRange(1, 3).Draw(d.t, "uid")
		if p.MayApprove(p.Plan, uid) == nil {
			d.add(Event{Kind: Approved, UID: uid, Plan: p.Plan})
		}
	case "hold":
		d.add(Event{Kind: Held, Why: "by hand"})
	case "release":
		if p.MayRelease() == nil {
			d.add(Event{Kind: Released})
		}
	case "edit":
		d.add(Event{Kind: Edited, Drain: seconds(secs(d.t, 0, 5, "drain"))})
	case "schedule":
		d.schedule(seconds(secs(d.t, 0, 90, "ahead")))
	case "close":
		if p.may("close", Event{Kind: Closed}) == nil && p.over() {
			d.add(Event{Kind: Closed})
			for _, s := range p.Past { // what is done is what the next plan starts from
				if s.Kind == Close {
					d.ws = d.ws[1:]
				}
			}
		}
	case "force":
		if p.MayForce() == nil {
			d.add(Event{Kind: Forced, Plan: p.Plan})
		}
	case "abort", "rollback":
		d.goBack(p, what)
	}
	return what
}

// help does what brings the cutover on.
func (d *director) help(p Progress) string {
	var c Decision
	if len(d.plans) > 0 {
		c = p.Next(d.plan(), d.now, d.need)
	}
	switch {
	case p.Hold != nil:
		d.add(Event{Kind: Released})
	case c.Do == DoNothing || c.Do == DoMissed:
		d.schedule(seconds(secs(d.t, 0, 90, "ahead")))
		if q := d.progress(); q.Plan == p.Plan {
			d.now = d.now.Add(3 * time.Second)
		}
	case len(p.Approvals) < d.need:
		d.add(Event{Kind: Approved, UID: len(p.Approvals) + 1, Plan: p.Plan})
	case p.Published.Kind != "" && !p.Verified:
		d.add(Event{Kind: Verified, OK: true})
	case c.Do == DoWait:
		d.now = c.At.Add(seconds(secs(d.t, 0, 4, "late")))
	}
	return "help"
}

func (d *director) goBack(p Progress, what string) {
	if len(d.plans) == 0 {
		return
	}
	l := d.plan()
	_, taken, err := p.On(l)
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	now := d.served[len(d.served)-1].World
	if what == "rollback" && p.MayRollback() == nil {
		w, err := l.Rollback(len(taken)-1, now, d.seen)
		if err != nil {
			d.t.Fatalf("%v", err)
		}
		d.publish(w, what)
		d.add(Event{Kind: RolledBack})
	}
	if what == "abort" && p.MayAbort(l, d.now) == nil {
		if last, under := p.last(); under && last.Kind < Switch {
			w, err := l.Abort(len(taken)-1, now, d.seen)
			if err != nil {
				d.t.Fatalf("%v", err)
			}
			d.publish(w, what)
		}
		d.add(Event{Kind: Aborted})
	}
}

// carryOn takes what Next says is due, and holds it to the log as it reads.
func (d *director) carryOn(count map[string]int) {
	for len(d.plans) > 0 {
		p := d.progress()
		c := p.Next(d.plan(), d.now, d.need)
		count[c.Do.String()]++
		if c.Do != DoTake {
			return
		}
		d.lawful(c)
		count["take "+c.Next.Kind.String()]++
		d.publish(c.Next.World, c.Next.Kind.String())
		d.add(d.plan().TakenEvent(c.Step, d.now, ""))
	}
}

// lawful is LOG-SAFE, LOG-EDIT and LOG-AGAIN, read off the log backwards.
func (d *director) lawful(c Decision) {
	plan := d.plan().Sum()
	approved, verified, since, published := map[int]bool{}, 0, time.Time{}, false
	for i := len(d.log) - 1; i >= 0; i-- {
		e := d.log[i]
		if e.Kind == Approved && e.Plan == plan {
			approved[e.UID] = true
		}
		if e.Kind == Verified && verified == 0 && !published {
			if verified = 1; !e.OK {
				verified = -1
			}
		}
		if e.Kind == Taken || e.Kind == RolledBack || e.Kind == Aborted {
			published = true
		}
		if since.IsZero() && (e.Kind == Edited || e.Kind == RolledBack || e.Kind == Taken) {
			since = e.At
		}
	}
	if len(approved) < d.need {
		d.t.Fatalf("%v with %d approvals", c.Next.Kind, len(approved))
	}
	if c.Next.Kind != Lower && verified != 1 {
		d.t.Fatalf("%v, and what is served was not verified", c.Next.Kind)
	}
	if c.Next.Kind != Lower && d.now.Before(since.Add(c.Next.After)) {
		d.t.Fatalf("%v %v after what is served came, not %v", c.Next.Kind, d.now.Sub(since), c.Next.After)
	}
	held, scheduled := false, Hash{}
	for _, e := range d.log {
		switch e.Kind {
		case Held:
			held = true
		case Verified:
			held = held || !e.OK
		case Released:
			held = false
		case Aborted, RolledBack:
			held, scheduled = false, Hash{}
		case Closed:
			scheduled = Hash{}
		case Scheduled:
			scheduled = e.Plan
		}
	}
	if held || scheduled != plan {
		d.t.Fatalf("%v: held %v, scheduled %v", c.Next.Kind, held, scheduled)
	}
}

// TestProgress: whatever people do, and whenever, no client is led to nothing,
// no serial goes back, and the laws hold.
func TestProgress(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		rows, service := genRows(t, rapid.IntRange(1, 2).Draw(t, "waves"))
		d := &director{t: t, terms: genTerms(t), seen: map[zones.ID][]zones.Serial{}, now: day(9, 1), need: rapid.IntRange(0, 2).Draw(t, "need"), service: service}
		d.terms.Grace, d.terms.Rollback = seconds(secs(t, 0, 60, "grace")), seconds(secs(t, 0, 90, "window"))
		for i, r := range rows {
			d.ws = append(d.ws, Wave{Name: fmt.Sprint(i), Row: r})
		}
		d.served = []Step{{At: d.now.Add(-time.Hour), World: rows[0][0]}}
		for range rapid.IntRange(10, 100).Draw(t, "acts") {
			count[d.act()]++
			d.carryOn(count)
		}
		if len(d.served) > 1 {
			lag, _ := Wave{Row: rows[0]}.lag(d.terms)
			c := &caches{served: d.served, lag: lag, from: d.served[1].At.Add(-2 * time.Second), until: d.served[len(d.served)-1].At.Add(lag + 12*time.Second), most: 9 * time.Second}
			if by := c.broken(service); by != "" {
				for _, e := range d.log {
					t.Logf("%v %v %v", e.At.Format("15:04:05"), e.Kind, e.What)
				}
				t.Fatalf("%s", by)
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
		if err != nil || q.Plan != p.Plan || len(q.Past) != len(p.Past) || !q.Now.Equal(p.Now) || !reflect.DeepEqual(q.Hold == nil, p.Hold == nil) {
			t.Fatalf("a log that was written and read folds to something else: %v", err)
		}
	})
	t.Log(count)
	for _, k := range []string{"wait", "take lower", "take add", "take switch", "take remove", "take restore", "take close", "hold", "missed", "nothing", "done"} {
		if count[k] == 0 {
			t.Errorf("never: %s", k)
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
