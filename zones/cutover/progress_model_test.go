package cutover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// director is the model of a server that carries a plan out, with people who
// do this and that. What it publishes, caches live through.
type director struct {
	t      rapid.TB
	draw   *rapid.T
	ends   []zones.World // before the first of ws, and after each
	ws     []Wave
	terms  Terms
	scheme Terms // what the plan that was scheduled last was made with
	plans  []Timeline
	seen   map[zones.ID][]zones.Serial
	log    []Event
	served []Step   // what was published, by instant
	what   []string // of served: why
	drains []time.Duration
	now    time.Time
	need   int
	forget func(e *Event, was, is zones.World, t Terms) // what a mutant leaves out of an event
	fault  string                                       // the first breach of TIME-DRAIN
	count  map[string]int
}

// names is whatever is asked for; the first two are those of services.
var names = [...]zones.Name{
	zones.MustName("w.e"), zones.MustName("s.g"),
	zones.MustName("t.f"), zones.MustName("u.e"), zones.MustName("u.f"), zones.MustName("v.f"), zones.MustName("v.e"),
	zones.MustName("n.e"), zones.MustName("n.f"), zones.MustName("n.g"), zones.MustName("c.g"), zones.MustName("d.g"),
}

func (d *director) plan() Timeline { return d.plans[len(d.plans)-1] }

func (d *director) last() zones.World { return d.served[len(d.served)-1].World }

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

// certified is T-DIGEST: a step is published under its own serials, so those
// must be later than what an edit was published under.
func (d *director) certified(w zones.World) bool {
	for z := range w.All() {
		o := d.last().Zone(z.ID())
		if o != nil && !o.Equal(z) && !o.Serial().Before(z.Serial()) {
			return false
		}
	}
	return true
}

// publish serves a world by an event.
func (d *director) publish(w zones.World, what string, e Event) {
	if !d.certified(w) {
		d.t.Fatalf("%s: a serial does not go on, and the content is another", what)
	}
	for z := range w.All() {
		d.seen[z.ID()] = append(d.seen[z.ID()], z.Serial())
	}
	was := d.last()
	if e.Kind != Taken {
		e.Drain = Settle(was, w, d.settling(was, w))
	}
	d.drains = append(d.drains, e.Drain)
	if d.forget != nil {
		d.forget(&e, was, w, d.settling(was, w))
	}
	d.served, d.what = append(d.served, Step{At: d.now, World: w}), append(d.what, what)
	d.add(e)
}

// settling is the terms of an edit: the parent's count where it is changed.
func (d *director) settling(was, is zones.World) Terms {
	t := d.terms
	if len((Row{was, is, is, is}).AtParent()) == 0 {
		t.Parent = 0
	}
	return t
}

// waves makes the waves between the ends, at the instants that they have.
func (d *director) waves(ends []zones.World) ([]Wave, error) {
	ws := slices.Clone(d.ws)
	for i := range ws {
		mid, err := Steps(ends[i], ends[i+1])
		if err != nil {
			return nil, err
		}
		ws[i].Row = Row{ends[i], mid[0], mid[1], ends[i+1]}
	}
	return ws, nil
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
	terms.Served, terms.Standing = map[zones.ID][]zones.Serial{}, p.Standing(d.last())
	for id, s := range d.seen {
		terms.Served[id] = slices.Clone(s)
	}
	l, err := PlanWaves(ws, terms)
	var overlap *OverlapError
	if errors.As(err, &overlap) {
		return // waves that an edit made longer
	}
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	if len(p.Past) == 0 && l.Start(d.now) != nil {
		return // a scheduler refuses that
	}
	if p.MaySchedule(l) != nil {
		return
	}
	d.plans, d.ws, d.scheme = append(d.plans, l), ws, terms
	d.add(Event{Kind: Scheduled, Plan: l.Sum()})
	if n := len(p.Past); n > 0 { // what is served is the new plan's step
		_, taken, err := d.progress().On(l)
		if err != nil || len(taken) == 0 {
			d.t.Fatalf("%v: %d taken", err, len(taken))
		}
		if w := l.Served()[len(taken)-1].World; w.Digest() != d.last().Digest() {
			d.t.Fatalf("the plan's step %d is another world than what is served", len(taken)-1)
		}
	}
}

// edit changes the sources: of all ends, or what only some are made of.
func (d *director) edit() {
	if len(d.ws) == 0 {
		return
	}
	c := genChange(d.draw, len(d.ends))
	from := rapid.IntRange(0, len(d.ends)-1).Draw(d.draw, "from")
	to := rapid.IntRange(from, len(d.ends)-1).Draw(d.draw, "to")
	if rapid.Bool().Draw(d.draw, "everywhere") {
		from, to = 0, len(d.ends)-1
	}
	d.edited(c, from, to)
}

// edited changes some ends. As a server does it the plan is made anew with what
// the one scheduled was made with, and the step of it that stands is published,
// at once. What no plan can be made of is refused.
func (d *director) edited(c change, from, to int) {
	ends := slices.Clone(d.ends)
	var err error
	for i := from; i <= to; i++ {
		if ends[i], err = c.of(ends[i], i); err != nil {
			return
		}
	}
	ws, err := d.waves(ends)
	if err != nil {
		return
	}
	p := d.progress()
	is := ws[0].Row[0]
	if !p.Plan.IsZero() {
		l, err := PlanWaves(ws, d.scheme)
		if err != nil {
			return
		}
		if n := len(p.Past); n > 0 {
			i := -1
			for k, s := range l.Served() {
				if s.Wave == p.Past[n-1].Wave && s.Kind <= p.Past[n-1].Kind {
					i = k
				}
			}
			if i < 0 {
				return // the wave under way would change nothing any more
			}
			is = l.Served()[i].World
		}
		d.plans = append(d.plans, l)
	}
	d.ends, d.ws = ends, ws
	if is, err = Number(d.last(), is, d.seen); err != nil {
		d.t.Fatalf("%v", err)
	}
	if len(differing(d.last(), is)) > 0 {
		d.count["published an edit"]++
		d.publish(is, "edit", Event{Kind: Edited})
	}
}

// change is what somebody does to an end.
type change struct {
	what  string
	owner zones.Name
	ttl   uint32
	host  byte // the address that is added, or is another
	at    int  // from this end on the service of the zone g is at another host
	soa   zones.SOA
}

func genChange(t *rapid.T, ends int) change {
	return change{
		what:  rapid.SampledFrom([]string{"TTL", "TTLs", "all TTLs", "add", "remove", "data", "SOA", "move", "stay"}).Draw(t, "what"),
		owner: rapid.SampledFrom(names[:]).Draw(t, "owner"),
		ttl:   rapid.SampledFrom([]uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "TTL"),
		host:  byte(rapid.IntRange(20, 40).Draw(t, "host")),
		at:    rapid.IntRange(1, ends).Draw(t, "at"),
		soa:   zones.SOA{Refresh: secs(t, 1, 3, "refresh"), Retry: secs(t, 0, 2, "retry"), Minimum: secs(t, 1, 9, "minimum")},
	}
}

func (c change) of(w zones.World, end int) (out zones.World, err error) {
	if c.what == "move" || c.what == "stay" {
		c.owner = names[1]
	}
	out = w
	for z := range w.All() {
		if c.what != "all TTLs" && z != w.Nearest(zones.Internet, c.owner) {
			continue
		}
		if z, err = c.zone(z, end); err != nil {
			return out, err
		}
		out = out.With(z)
	}
	return out, nil
}

func (c change) zone(z *zones.Zone, end int) (*zones.Zone, error) {
	b := zones.NewBuilder(z.ID())
	moves := c.what == "move" || c.what == "stay"
	if moves {
		to := "c.g"
		if c.what == "move" && end >= c.at {
			to = "d.g"
		}
		b.Add(zones.Record{Owner: c.owner, Type: zones.TypeCNAME, TTL: c.ttl, Data: zones.MustName(to).Wire()},
			zones.Record{Owner: zones.MustName(to), Type: zones.TypeA, TTL: c.ttl, Data: string([]byte{192, 0, 2, to[0]})})
	}
	if c.what == "add" && len(z.At(c.owner)) == 0 {
		b.Add(zones.Record{Owner: c.owner, Type: zones.TypeA, TTL: c.ttl, Data: string([]byte{192, 0, 2, c.host})})
	}
	for r := range z.Records() {
		apex := r.Owner == z.Origin()
		switch {
		case moves && !apex, c.what == "remove" && r.Owner == c.owner:
			continue
		case c.what == "TTLs" || c.what == "all TTLs" || c.what == "TTL" && r.Owner == c.owner:
			r.TTL = c.ttl
		case c.what == "data" && r.Owner == c.owner && r.Type == zones.TypeA:
			r.Data = string([]byte{192, 0, 2, c.host})
		case c.what == "SOA" && r.Type == zones.TypeSOA:
			soa := z.SOA()
			soa.Refresh, soa.Retry, soa.Minimum = c.soa.Refresh, c.soa.Retry, c.soa.Minimum
			r.Data, r.TTL = soa.Data(), c.ttl
		}
		b.Add(r)
	}
	return b.Freeze()
}

// act does one thing at random.
func (d *director) act() string {
	p := d.progress()
	what := rapid.SampledFrom([]string{"help", "help", "help", "help", "help", "help", "edit", "edit", "other", "other"}).Draw(d.draw, "who")
	if what == "other" {
		what = rapid.SampledFrom([]string{"wait", "wait", "wait", "verify", "verify", "verify", "approve", "approve", "hold", "release", "release", "abort", "rollback", "schedule", "schedule", "force", "close", "fail"}).Draw(d.draw, "act")
	}
	switch what {
	case "help":
		d.help(p)
	case "wait":
		d.now = d.now.Add(seconds(secs(d.draw, 1, 60, "for")))
	case "verify", "fail":
		if p.Published.Kind != "" {
			d.add(Event{Kind: Verified, OK: what == "verify", Why: "asked"})
		}
	case "approve":
		uid := rapid.IntRange(1, 3).Draw(d.draw, "uid")
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
		d.edit()
	case "schedule":
		d.schedule(seconds(secs(d.draw, 0, 90, "ahead")))
	case "close":
		if p.may("close", Event{Kind: Closed}) == nil && p.over() {
			d.add(Event{Kind: Closed})
			for _, s := range p.Past { // what is done is what the next plan starts from
				if s.Kind == Close {
					d.ws, d.ends = d.ws[1:], d.ends[1:]
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
func (d *director) help(p Progress) {
	var c Decision
	if len(d.plans) > 0 {
		c = p.Next(d.plan(), d.now, d.need)
	}
	stale := !p.Plan.IsZero() && d.plan().Sum() != p.Plan || c.Do == DoTake && !d.certified(c.Next.World)
	switch {
	case p.Hold != nil:
		d.add(Event{Kind: Released})
	case c.Do == DoNothing || c.Do == DoMissed || stale:
		d.schedule(seconds(secs(d.draw, 0, 90, "ahead")))
		if q := d.progress(); q.Plan == p.Plan {
			d.now = d.now.Add(3 * time.Second)
		}
	case len(p.Approvals) < d.need:
		d.add(Event{Kind: Approved, UID: len(p.Approvals) + 1, Plan: p.Plan})
	case p.Published.Kind != "" && !p.Verified:
		d.add(Event{Kind: Verified, OK: true})
	case c.Do == DoWait:
		d.now = c.At.Add(seconds(secs(d.draw, 0, 4, "late")))
	}
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
	if what == "rollback" && p.MayRollback() == nil {
		w, err := l.Rollback(len(taken)-1, d.last(), d.seen)
		if err != nil {
			d.t.Fatalf("%v", err)
		}
		d.publish(w, what, Event{Kind: RolledBack})
	}
	if what == "abort" && p.MayAbort(l, d.now) == nil {
		if last, under := p.last(); under && last.Kind < Switch {
			w, err := l.Abort(len(taken)-1, d.last(), d.seen)
			if err != nil {
				d.t.Fatalf("%v", err)
			}
			d.publish(w, what, Event{Kind: Aborted})
		} else {
			d.add(Event{Kind: Aborted})
		}
	}
}

// carryOn takes what Next says is due, and holds it to the log as it reads.
func (d *director) carryOn() {
	for len(d.plans) > 0 {
		p := d.progress()
		c := p.Next(d.plan(), d.now, d.need)
		d.count[c.Do.String()]++
		if c.Do == DoWait || c.Do == DoTake {
			d.punctual(p, c)
		}
		if c.Do != DoTake || !d.certified(c.Next.World) {
			return
		}
		d.lawful(c)
		d.drained(c.Next.Kind)
		d.count["take "+c.Next.Kind.String()]++
		d.publish(c.Next.World, c.Next.Kind.String(), d.plan().TakenEvent(c.Step, d.now, ""))
	}
}

// punctual is LOG-EDIT as equality: a step waits for its instant, its own wait,
// and what was published, and for nothing else.
func (d *director) punctual(p Progress, c Decision) {
	on, taken, err := p.On(d.plan())
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	want := on.Served()[c.Step].At
	if n := len(taken); n > 0 {
		want = later(want, taken[n-1].Add(c.Next.After))
	}
	for _, e := range d.log {
		if c.Next.Kind != Lower && (e.Kind == Taken || e.Kind == Edited || e.Kind == Aborted || e.Kind == RolledBack) {
			want = later(want, e.At.Add(e.Drain))
		}
	}
	if !c.At.Equal(want) {
		d.t.Fatalf("%v at %v, want %v", c.Next.Kind, c.At, want)
	}
}

// drained is TIME-DRAIN, whatever was edited: as a step comes, no cache and no
// server says anything but what is served, nor keeps it longer.
func (d *director) drained(k Kind) {
	if k == Lower || d.fault != "" {
		return
	}
	was, is := d.caches(), &caches{served: d.served[len(d.served)-1:]}
	for _, n := range names {
		only := is.said(n, d.now)
		for asked := d.now.Add(-was.most); !asked.After(d.now); asked = asked.Add(time.Second) {
			for a, end := range was.said(n, asked) {
				if kept, ok := only[a]; (asked.Equal(d.now) || d.now.Before(end)) && (!ok || kept.Before(end)) {
					d.fault = fmt.Sprintf("as %v comes %s is said to be %v %x till %v, which is not served any more", k, n.Text(), a.typ, a.data, end.Format("15:04:05"))
				}
			}
		}
	}
}

func (d *director) caches() *caches {
	return &caches{served: d.served, own: d.terms.Refresh, most: 9 * time.Second}
}

// troubled gives until when what is held may mix more than two steps: from an
// edit on, and what goes back in such a time, as long as anything that was
// replaced till then can be held. What breaks meanwhile is that person's doing,
// who did not wait; but from a step on it is the timeline's.
func (d *director) troubled() (from, until []time.Time) {
	var most, end time.Time
	for i, s := range d.served {
		most = later(most, s.At.Add(d.drains[i]))
		switch d.what[i] {
		case "", "lower":
		case "edit", "abort", "rollback":
			if d.what[i] == "edit" || !s.At.After(end) {
				end = most
				from, until = append(from, s.At), append(until, end)
			}
		default: // a step
			for k, u := range until {
				if !u.Before(s.At) {
					until[k] = s.At.Add(-1)
				}
			}
			end = time.Time{}
		}
	}
	return from, until
}

// led tells of a service that a client is led to nothing for, at an instant at
// which no edit is fresh; "" if there is none. A service that the last two
// worlds do not hold, however they are mixed, was taken away by an edit.
func (d *director) led() string {
	from, until := d.troubled()
	c := d.caches()
	end := d.now.Add(20 * time.Second)
	for at := d.served[1].At.Add(-2 * time.Second); !at.After(end); at = at.Add(time.Second) {
		fresh := false
		for i := range from {
			fresh = fresh || !at.Before(from[i]) && !at.After(until[i])
		}
		if fresh {
			d.count["seconds in which an edit was fresh"]++
			continue
		}
		for _, n := range names[:2] {
			d.count["seconds of a service"]++
			by := c.leads(n, at, 0)
			if by == "" {
				continue
			}
			i := len(d.served) - 1
			for i > 0 && at.Before(d.served[i].At) {
				i--
			}
			two := &caches{served: []Step{{World: d.served[max(0, i-1)].World}, {At: at, World: d.served[i].World}}, lag: time.Second, most: time.Second}
			if two.leads(n, at, 0) != "" {
				d.count["seconds of a service that was taken away"]++
				continue
			}
			return fmt.Sprint(at.Format("15:04:05"), ": ", by)
		}
	}
	return ""
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
		if since.IsZero() && (e.Kind == RolledBack || e.Kind == Taken) {
			since = e.At
		}
		if c.Next.Kind != Lower && d.now.Before(e.At.Add(e.Drain)) {
			d.t.Fatalf("%v %v after %v, which counts for %v", c.Next.Kind, d.now.Sub(e.At), e.Kind, e.Drain)
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

// newDirector is one before the first of some waves, whose ends are given.
func newDirector(t rapid.TB, ends []zones.World, terms Terms) *director {
	d := &director{t: t, ends: ends, terms: terms, seen: map[zones.ID][]zones.Serial{}, now: day(9, 1), count: map[string]int{}}
	for i := range len(ends) - 1 {
		d.ws = append(d.ws, Wave{Name: fmt.Sprint(i)})
	}
	var err error
	if d.ws, err = d.waves(ends); err != nil {
		t.Fatalf("%v", err)
	}
	d.served, d.what, d.drains = []Step{{At: d.now.Add(-time.Hour), World: ends[0]}}, []string{""}, []time.Duration{0}
	return d
}

// genDirector draws one.
func genDirector(t *rapid.T) *director {
	rows, _ := genRows(t, rapid.IntRange(1, 2).Draw(t, "waves"))
	rest := still(t, secs(t, 1, 9, "still TTL"))
	ends := []zones.World{rows[0][0].With(rest)}
	for _, r := range rows {
		ends = append(ends, r[3].With(rest))
	}
	terms := genTerms(t)
	terms.Grace, terms.Rollback = seconds(secs(t, 0, 60, "grace")), seconds(secs(t, 0, 90, "window"))
	d := newDirector(t, ends, terms)
	d.draw, d.need = t, rapid.IntRange(0, 2).Draw(t, "need")
	return d
}

// still is a zone that no wave changes as long as nobody edits it.
func still(t rapid.TB, ttl uint32) *zones.Zone {
	o := zones.MustName("g")
	b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
	b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: ttl, Data: zones.SOA{MName: o, RName: o, Serial: 1, Refresh: 2, Retry: 1, Expire: 30, Minimum: ttl}.Data()},
		zones.Record{Owner: names[1], Type: zones.TypeCNAME, TTL: ttl, Data: zones.MustName("c.g").Wire()},
		zones.Record{Owner: zones.MustName("c.g"), Type: zones.TypeA, TTL: ttl, Data: "\xc0\x00\x02c"})
	z, err := b.Freeze()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return z
}

func (d *director) story() string {
	var b strings.Builder
	for _, e := range d.log {
		fmt.Fprintf(&b, "%s %v %v, drain %v\n", e.At.Format("15:04:05"), e.Kind, e.What, e.Drain)
	}
	return b.String()
}
