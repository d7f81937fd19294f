package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

const (
	tries      = 3   // of a question: two more after the first
	ownAtOnce  = 2   // questions under way at an own listener, which answers customers too
	atOnce     = 8   // at any other
	enough     = 24  // silent ones in a row, after which a point is given up
	tooMany    = 240 // silent ones in all, after which it is given up too
	lookAgain  = 500 * time.Millisecond
	lookLatest = 15 * time.Second // the longest wait between two looks at a secondary's serials
)

// Run asks all points, side by side, and tells what it saw; say hears a
// sentence about each point when it is through, from several goroutines. A
// context that ends stops it; what was not asked by then is Cut.
func Run(ctx context.Context, t Task, clock Clock, say func(string)) Report {
	t = t.complete()
	scenes := map[zones.View]*scene{}
	for _, p := range t.Points {
		if scenes[p.View] == nil && ctx.Err() == nil {
			scenes[p.View] = newScene(t, p.View)
		}
	}
	r := Report{Points: make([]PointReport, len(t.Points))}
	var all sync.WaitGroup
	for i, p := range t.Points {
		all.Go(func() {
			v := visit{ctx: ctx, task: t, clock: clock, scene: scenes[p.View], report: PointReport{Point: p}}
			if v.scene != nil {
				v.run()
			}
			v.report.Cut = ctx.Err() != nil
			r.Points[i] = v.report
			say(v.report.String())
		})
	}
	all.Wait()
	return r
}

// String says what was seen at a point.
func (p PointReport) String() string {
	s := fmt.Sprintf("%v: %d questions, %d right, %d wrong, %d not answered", p.Point, p.Asked, p.Right, p.Wrong, p.Silent)
	if p.Held > 0 {
		s += fmt.Sprintf("; it held the serials after %v", p.Held.Round(10*time.Millisecond))
	}
	if p.Note != "" {
		s += "; " + p.Note
	}
	for _, f := range p.faults() {
		s += "; " + f.what()
	}
	return s
}

// visit is one point being asked.
type visit struct {
	ctx    context.Context
	task   Task
	clock  Clock
	scene  *scene
	report PointReport
	knows  func(*zones.Zone) bool // the point serves the zone as it is published

	mu     sync.Mutex   // guards report while questions are under way
	silent atomic.Int64 // in a row
	lost   atomic.Int64 // silent ones in all
}

func (v *visit) run() {
	p := v.report.Point
	behind := map[zones.Name]bool{}
	if p.Kind == Secondary && !v.await(behind) {
		return
	}
	most := 0
	if p.Kind == Own {
		most = v.task.Most
	}
	v.knows = func(z *zones.Zone) bool { return p.covers(z.ID()) && !behind[z.Origin()] }
	c := v.scene.choose(v.task, most, v.can())
	v.report.Of, v.report.Idle = c.of, c.of == 0 && p.Kind != Secondary
	if c.sampled {
		v.report.Note = fmt.Sprintf("a sample of %d questions of %d was taken: every kind of answer, of %d that changed up to %d, %d at random", len(c.keys), c.of, c.changed, v.task.Changed, v.task.Sample)
	}
	v.ask(c.keys)
}

// can tells which questions can be judged at the point: it serves the zone, and
// holds what was published.
func (v *visit) can() func(int) bool {
	p, s := v.report.Point, v.scene
	judged := func(int) bool { return true }
	if p.Kind == Resolver {
		now, was := s.known()
		judged = func(i int) bool { return now[i] && (was[i] || v.drained()) }
	}
	return func(i int) bool {
		z := s.now.zoneOf(s.keys[i])
		if z == nil {
			return p.Kind == Own // it refuses
		}
		return v.knows(z) && judged(i)
	}
}

// drained tells whether a resolver can hold nothing of the world before.
func (v *visit) drained() bool { return !v.clock.Now().Before(v.task.Drained) }

// await waits until a secondary holds the serials of all its zones, or the time
// is up; behind hears of those that it does not hold. False means that there is
// nothing to ask.
func (v *visit) await(behind map[zones.Name]bool) bool {
	p, began := v.report.Point, v.clock.Now()
	var left []*zones.Zone
	for z := range v.task.World.In(p.View) {
		if p.covers(z.ID()) {
			left = append(left, z)
		}
	}
	all := len(left)
	if all == 0 {
		v.report.Idle = true
		return false
	}
	var last []transfer.Standing
	for pause := lookAgain; ; pause = min(2*pause, lookLatest) {
		before := len(left)
		left, last = v.look(left)
		over := v.clock.Now().Sub(began)
		if len(left) < before {
			v.report.Held = over
		}
		if len(left) == 0 || over >= v.task.Within || v.ctx.Err() != nil || v.clock.Wait(v.ctx, min(pause, v.task.Within-over)) != nil {
			break
		}
	}
	if v.ctx.Err() != nil {
		return false
	}
	for i, z := range left {
		behind[z.Origin()] = true
		v.late(z, last[i])
	}
	return len(left) < all
}

// look asks for serials and keeps the zones that are not held. One that does not
// answer for the first is not asked for the others.
func (v *visit) look(zs []*zones.Zone) (left []*zones.Zone, standing []transfer.Standing) {
	p := v.report.Point
	qs := make([]transfer.Request, len(zs))
	for i, z := range zs {
		qs[i] = transfer.Request{Server: p.reached(), Zone: z.ID(), Key: p.Key, Dial: v.task.Dial, Timeouts: transfer.Timeouts{Query: v.task.Timeout}}
	}
	seen := transfer.Poll(v.ctx, qs[:1])
	if seen[0].Err != nil && !seen[0].Answered {
		return zs, slices.Repeat(seen, len(zs))
	}
	for i, s := range append(seen, transfer.Poll(v.ctx, qs[1:])...) {
		if s.Err != nil || s.SOA.Serial.Before(zs[i].Serial()) {
			left, standing = append(left, zs[i]), append(standing, s)
		}
	}
	return left, standing
}

// late notes a zone that was not held in time: behind, silent, or answered for
// with an error.
func (v *visit) late(z *zones.Zone, s transfer.Standing) {
	k := zones.Key{Owner: z.Origin(), Type: zones.TypeSOA}
	switch {
	case s.Err == nil:
		v.report.Behind = append(v.report.Behind, Behind{z.ID(), z.Serial(), s.SOA.Serial})
	case s.Answered:
		v.note(k, judged{want: fmt.Sprintf("the SOA with serial %d", z.Serial()), got: s.Err.Error()})
	default:
		v.note(k, judged{}, s.Err)
	}
}

// ask puts the questions, several at once.
func (v *visit) ask(keys []zones.Key) {
	n := atOnce
	if v.report.Point.Kind == Own {
		n = ownAtOnce
	}
	client := probe.Client{Server: v.report.Point.reached(), Timeout: v.task.Timeout, Tries: tries}
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, len(keys)) {
		all.Go(func() {
			l := client.NewLine(v.ctx, v.task.Dial)
			defer l.Close()
			for i := next.Add(1) - 1; i < int64(len(keys)) && v.ctx.Err() == nil && !v.hopeless(); i = next.Add(1) - 1 {
				v.one(l, keys[i])
			}
		})
	}
	all.Wait()
	if v.hopeless() {
		v.say(fmt.Sprintf("it was given up after %d questions without an answer", v.lost.Load()))
	}
}

// hopeless tells whether a point is given up.
func (v *visit) hopeless() bool { return v.silent.Load() >= enough || v.lost.Load() >= tooMany }

func (v *visit) say(s string) {
	if v.report.Note != "" {
		s = v.report.Note + "; " + s
	}
	v.report.Note = s
}

// one puts a question and notes what came.
func (v *visit) one(l *probe.Line, k zones.Key) {
	kind := v.report.Point.Kind
	r, err := l.Ask(k.Owner, k.Type, kind == Resolver)
	switch {
	case v.ctx.Err() != nil:
	case errors.Is(err, probe.ErrUnreadable):
		v.note(k, judged{want: "an answer that can be read", got: err.Error()})
	case err != nil:
		v.note(k, judged{}, err)
	case kind != Resolver:
		v.note(k, v.scene.now.atServer(k, r, kind == Own, v.knows))
	case v.drained():
		v.note(k, atResolver(k, r, v.scene.now))
	default:
		v.note(k, atResolver(k, r, v.scene.now, v.scene.was))
	}
}

// note counts an answer, or its absence, and shows the first that are wrong.
func (v *visit) note(k zones.Key, j judged, absent ...error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Asked++
	if len(absent) > 0 {
		v.report.Silent++
		v.silent.Add(1)
		v.lost.Add(1)
		return
	}
	v.silent.Store(0)
	if j.right() {
		v.report.Right++
		if j.raised {
			v.report.Raised++
		}
		return
	}
	v.report.Wrong++
	if len(v.report.Shown) < shown {
		v.report.Shown = append(v.report.Shown, Wrong{k.Owner, k.Type, j.want, j.got, v.dig(k)})
	}
}

// dig is the command that shows an answer.
func (v *visit) dig(k zones.Key) string {
	p := v.report.Point
	recurse := "+norec"
	if p.Kind == Resolver {
		recurse = "+rec"
	}
	return fmt.Sprintf("dig @%v -p %d %s -q %s -t %v", p.reached().Addr(), p.reached().Port(), recurse, finding.Shell(k.Owner.String()), k.Type)
}
