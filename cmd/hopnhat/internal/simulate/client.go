package simulate

import (
	"cmp"
	"slices"
	"time"
)

// client asks its questions in each second of its visits. A second in which
// none of the entries that an answer came from runs out gives the same answer
// again, so it is looked at only when one does (SIM-HELD).
type client struct {
	plan
	cache *cache
	next  []int64 // of each question: when it is looked at again
	since []int64 // and where it has led since when
	ends  []end
}

func newClient(u *universe, m Model, p plan) *client {
	n := len(p.asks)
	return &client{plan: p, cache: newCache(u, m, p.number), next: make([]int64, n), since: make([]int64, n), ends: make([]end, n)}
}

// run asks through all visits, and tells of each question where it led in which
// stretch of seconds.
func (c *client) run(told func(*question, end, window)) {
	if len(c.asks) == 0 {
		return
	}
	for _, v := range c.visits {
		for i := range c.next {
			c.next[i], c.since[i] = v.from, v.from
		}
		for now := v.from; now < v.until; now = slices.Min(c.next) {
			for i, q := range c.asks {
				if c.next[i] > now {
					continue
				}
				if c.since[i] < now {
					told(q, c.ends[i], window{c.since[i], now})
				}
				c.look(i, now, v.until)
			}
		}
		for i, q := range c.asks {
			told(q, c.ends[i], window{c.since[i], v.until})
		}
	}
}

// look asks one question at an instant; the client goes on asking until stop.
func (c *client) look(i int, now, stop int64) {
	c.cache.used, c.cache.other, c.cache.learnt = c.cache.used[:0], false, false
	e := c.cache.u.walk(c.asks[i].ask, func(q ask) found { return c.cache.look(q, now) })
	e.other = c.cache.other
	c.ends[i], c.since[i], c.next[i] = e, now, max(c.cache.advance(now, e.until, stop), now+1)
	if !c.cache.learnt {
		return
	}
	// What was made of denials of other names may be made of other ones now.
	for k := range c.asks {
		if c.ends[k].other && k != i {
			again := now
			if k < i {
				again++
			}
			c.next[k] = min(c.next[k], again)
		}
	}
}

// tally gathers what the clients of one model meet.
type tally struct {
	u         *universe
	model     Model
	failing   []window // of the client under way
	old       []window // those of questions that are owed an answer always
	questions int64
	failures  int64
	oldOnes   int64
	longest   int64
	first     *Failure
	at        int64
}

func newTally(u *universe, m Model) *tally {
	return &tally{u: u, model: m, at: forever}
}

// take counts a stretch in which a question was asked. A failure counts while
// the question is owed.
func (t *tally) take(q *question, e end, w window) {
	t.questions += w.until - w.from
	if e.good {
		return
	}
	for _, o := range q.owed {
		f := window{max(o.from, w.from), min(o.until, w.until)}
		if f.from >= f.until {
			continue
		}
		t.failing = append(t.failing, f)
		if q.always {
			t.old = append(t.old, f)
		}
		if f.from < t.at {
			t.at, t.first = f.from, t.u.tell(q, e, f.from)
		}
	}
}

// close counts the seconds in which the client under way failed.
func (t *tally) close() {
	sum, longest := union(t.failing)
	old, _ := union(t.old)
	t.failures, t.oldOnes, t.longest = t.failures+sum, t.oldOnes+old, max(t.longest, longest)
	t.failing, t.old = t.failing[:0], t.old[:0]
}

// union counts the seconds that lie in any of the windows, and those of the
// longest stretch of them.
func union(ws []window) (sum, longest int64) {
	slices.SortFunc(ws, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	var last window
	for i, w := range ws {
		if i > 0 && w.from <= last.until {
			last.until = max(last.until, w.until)
		} else {
			sum += last.until - last.from
			last = w
		}
		longest = max(longest, last.until-last.from)
	}
	return sum + last.until - last.from, longest
}

func (t *tally) result(plans []plan) Result {
	asked := map[ask]bool{}
	for _, p := range plans {
		for _, q := range p.asks {
			asked[q.ask] = true
		}
	}
	return Result{
		Model: t.model.Name(), Claimed: t.model.Claimed(), Clients: len(plans), Names: len(asked),
		Questions: t.questions, Failures: t.failures, Old: t.oldOnes, Longest: time.Duration(t.longest) * time.Second, First: t.first,
	}
}

// tell words a failure.
func (u *universe) tell(q *question, e end, at int64) *Failure {
	f := &Failure{At: time.Unix(at, 0).UTC(), Name: u.names[q.name].Text(), Type: q.typ.String(), What: e.last.String(), From: u.old.name}
	for _, n := range e.chain {
		f.Chain = append(f.Chain, u.names[n].Text())
	}
	if e.from >= 0 {
		f.From = u.servers[e.from].name
	}
	if e.loop {
		f.What = "loop"
	}
	age := max(at-e.got, 0)
	if e.kept > 0 {
		age %= e.kept // it was fetched again whenever it ran out
	}
	f.Age = time.Duration(age) * time.Second
	return f
}
