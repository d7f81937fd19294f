package cutover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Wave is one switch of several: the world before the first is that of today,
// the world before each other one that after the wave before it.
type Wave struct {
	Name   string
	At     time.Time // the switch
	Row    Row
	Single bool // as Terms.Single, for this wave
}

// OverlapError is a wave that would begin before the one before it has ended.
type OverlapError struct {
	Wave, Before string
	At, Earliest time.Time // of the wave's switch
}

func (e *OverlapError) Error() string {
	return fmt.Sprintf("the wave %q of %s begins before the wave %q has ended: its earliest safe date is %s",
		e.Wave, e.At.Format(time.RFC3339), e.Before, e.Earliest.Format(time.RFC3339))
}

// ChainError is a wave that does not start from what the one before it leaves.
type ChainError struct {
	Wave, Before string
	Zones        []zones.ID // that differ
}

func (e *ChainError) Error() string {
	var ids []string
	for _, id := range e.Zones {
		ids = append(ids, id.String())
	}
	return fmt.Sprintf("the wave %q does not start from the world after the wave %q: %s differ; compute its worlds from that one",
		e.Wave, e.Before, strings.Join(ids, ", "))
}

// PlanWaves computes the timeline of waves that follow each other, each
// backwards and forwards from its switch (TIME-DRAIN). Whether there is still
// time for it, Start tells.
func PlanWaves(ws []Wave, t Terms) (Timeline, error) {
	if len(ws) == 0 {
		return Timeline{}, errNoWave
	}
	if err := t.fault(); err != nil {
		return Timeline{}, err
	}
	t.Holidays = slices.Clone(t.Holidays)
	l := Timeline{terms: t, before: ws[0].Row[0]}
	l.terms.Served, l.terms.Standing = nil, nil // the serials are fixed; what was seen is no part of the plan
	var notices []Step
	for i, w := range ws {
		if err := w.follows(ws[:i]); err != nil {
			return Timeline{}, err
		}
		if w.Single = w.Single || t.Single; w.Single {
			w.Row = w.Row.single()
		}
		if w.empty() {
			l.empty = append(l.empty, w.Name)
			continue
		}
		steps, err := w.steps(t)
		if err != nil {
			return Timeline{}, err
		}
		if from := len(l.served); from > 0 {
			end, begin := l.served[from-1], steps[0].At
			if begin.Before(end.At) {
				return Timeline{}, &OverlapError{w.Name, end.Wave, w.At, w.At.Add(end.At.Sub(begin))}
			}
		}
		if t.Notice > 0 {
			day := noticeDay(w.At, t.Notice, t.Holidays)
			notices = append(notices, Step{Wave: w.Name, Kind: Announce, At: day, Held: day, Alone: day})
		}
		l.waves = append(l.waves, wave{name: w.Name, at: w.At, from: len(l.served), to: len(l.served) + len(steps), rollback: t.Rollback})
		l.served = append(l.served, steps...)
	}
	if err := l.number(t); err != nil {
		return Timeline{}, err
	}
	return l.finish(notices), nil
}

// number gives the worlds their serials (STEP-SERIAL). Steps before the one
// that stands are never served again: from that one on serials go on from what
// is served.
func (l *Timeline) number(t Terms) (err error) {
	n, s := newNumberer(l.before, t.Served), t.Standing
	if s != nil {
		n = newNumberer(s.World, t.Served)
		for i, x := range l.served {
			if s.Kind > Announce && x.Wave == s.Wave && x.Kind <= s.Kind {
				l.past = i
			}
		}
		if len(l.served) == 0 || s.Kind == Announce || l.served[l.past].Wave != s.Wave {
			if l.before, err = n.next(l.before); err != nil {
				return err
			}
		}
		old := newNumberer(l.before, nil)
		for i := range l.served[:l.past] {
			if l.served[i].World, err = old.next(l.served[i].World); err != nil {
				return err
			}
		}
	}
	for i := l.past; i < len(l.served); i++ {
		if l.served[i].World, err = n.next(l.served[i].World); err != nil {
			return err
		}
	}
	return nil
}

// follows tells whether a wave can come after others.
func (w Wave) follows(others []Wave) error {
	if w.At.IsZero() {
		return &TermError{"instant" + ofWave(w.Name), "given"}
	}
	if slices.ContainsFunc(others, func(o Wave) bool { return o.Name == w.Name }) {
		return &TermError{"wave names", fmt.Sprintf("different: two are called %q", w.Name)}
	}
	if len(others) == 0 {
		return nil
	}
	last := others[len(others)-1]
	if ids := differing(last.Row[3], w.Row[0]); len(ids) > 0 {
		return &ChainError{w.Name, last.Name, ids}
	}
	return nil
}

// empty tells whether a wave's worlds are all the same.
func (w Wave) empty() bool {
	for _, v := range w.Row[1:] {
		if len(differing(w.Row[0], v)) > 0 {
			return false
		}
	}
	return true
}

// steps computes a wave's steps, whose worlds have no serials yet.
func (w Wave) steps(t Terms) ([]Step, error) {
	touched := w.Row.touched()
	var low Row
	for i, v := range w.Row {
		if w.Single && i%2 == 1 {
			low[i] = low[i-1] // the same two worlds twice: before before, after after
			continue
		}
		var err error
		if low[i], err = lowered(v, uint32(t.Low/time.Second), touched); err != nil {
			return nil, err
		}
	}
	lag, expire := w.lag(t)
	old, fast := lag+drain(w.Row[0], touched), lag+max(drain(low[0], touched), t.Parent)
	steps := []Step{{Kind: Lower, World: low[0]}}
	if w.Single {
		steps = append(steps,
			Step{Kind: Switch, World: low[3], After: max(old, fast)},
			Step{Kind: Restore, World: w.Row[3], After: fast})
	} else {
		steps = append(steps,
			Step{Kind: Add, World: low[1], After: old},
			Step{Kind: Switch, World: low[2], After: fast},
			Step{Kind: Remove, World: low[3], After: lag + max(drain(low[1], touched), t.Parent)},
			Step{Kind: Restore, World: w.Row[3], After: lag + drain(low[2], touched)})
	}
	steps = append(steps, Step{Kind: Close, World: w.Row[3], After: lag})
	turn := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == Switch })
	steps[turn].At = w.At
	for i := turn - 1; i >= 0; i-- {
		steps[i].At = steps[i+1].At.Add(-steps[i+1].After)
	}
	for i := turn + 1; i < len(steps); i++ {
		steps[i].At = steps[i-1].At.Add(steps[i].After)
		if i == turn+1 {
			steps[i].At = later(steps[i].At, w.At.Add(t.Rollback))
		}
	}
	for i := range steps {
		s := &steps[i]
		s.Wave = w.Name
		if s.Held, s.Alone = s.At.Add(lag), s.At.Add(max(lag, expire)); s.Kind == Close {
			s.Held, s.Alone = s.At, s.At // nothing new is served
		}
	}
	return steps, nil
}

// lag is how long a secondary that hears no NOTIFY takes, and how long one
// that hears nothing keeps what it has.
func (w Wave) lag(t Terms) (lag, expire time.Duration) {
	refresh, retry, expire := t.Refresh, t.Retry, t.Expire
	for _, v := range w.Row {
		for z := range v.All() {
			s := z.SOA()
			refresh, retry, expire = max(refresh, seconds(s.Refresh)), max(retry, seconds(s.Retry)), max(expire, seconds(s.Expire))
		}
	}
	return refresh + retry, expire
}
