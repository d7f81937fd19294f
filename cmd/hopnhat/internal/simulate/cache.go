package simulate

import (
	"gialai.gov.vn/hopnhat/zones"
)

// nothing is the type under which a cache keeps that a name is not there.
const nothing zones.Type = 0

// servfail is for how long a failure is kept, in seconds (RFC 9520 3.2: 1 to
// 300).
const servfail = 5

// entry is an answer that is kept: until end, not included.
type entry struct {
	*reply
	got, end, kept int64
	from           int
}

// node is what a cache holds of a name.
type node struct {
	types   []zones.Type
	entries []entry
}

// at gives what is held under a key; nil if nothing ever was.
func (c *cache) at(k ask) *entry {
	if int(k.name) >= len(c.nodes) {
		return nil
	}
	n := &c.nodes[k.name]
	for i, t := range n.types {
		if t == k.typ {
			return &n.entries[i]
		}
	}
	return nil
}

// put keeps an entry in place of what was held under its key.
func (c *cache) put(k ask, e entry) {
	if old := c.at(k); old != nil {
		*old = e
		return
	}
	if need := int(k.name) + 1 - len(c.nodes); need > 0 {
		c.nodes = append(c.nodes, make([]node, need)...)
	}
	n := &c.nodes[k.name]
	n.types, n.entries = append(n.types, k.typ), append(n.entries, e)
}

// cache is one client's resolver. It is not safe for concurrent use.
type cache struct {
	u       *universe
	model   Model
	client  uint64
	nodes   []node           // by name
	spans   []heldSpan       // of Aggressive
	parents map[int32]heldNS // of ParentCentric, by zone
	used    []ask            // the keys of the entries that the walk under way used
	other   bool             // that walk also used a span, or a name above
	learnt  bool             // that walk brought an answer
	epoch   int              // of the last fetch
	older   int64            // when the last entry of an epoch before runs out
	newest  int64            // when the last one of this epoch does
}

type heldSpan struct {
	span
	got, end int64
	from     int
}

type heldNS struct {
	old bool
	end int64
}

func newCache(u *universe, m Model, client uint64) *cache {
	return &cache{u: u, model: m, client: client, nodes: make([]node, len(u.names)), parents: map[int32]heldNS{}}
}

// keys are where an answer to a question may be kept. One about DS comes from
// the zone above, so it speaks of DS alone.
func keys(q ask) [3]ask {
	if q.typ == zones.TypeDS {
		return [3]ask{q, q, q}
	}
	return [3]ask{q, {q.name, nothing}, {q.name, zones.TypeCNAME}}
}

// look answers a question at an instant from the cache, or from a server.
func (c *cache) look(q ask, t int64) found {
	for _, k := range keys(q) {
		if e := c.at(k); e != nil && t < e.end {
			c.used = append(c.used, k)
			return found{e.reply, e.got, e.kept, e.end, e.from}
		}
	}
	switch c.model.denial() {
	case below:
		if f, ok := c.denied(q, t); ok {
			return f
		}
	case spans:
		if f, ok := c.synthesised(q, t); ok {
			return f
		}
	}
	if old, ok := c.outrun(q, t); ok {
		c.fetch(q, t)
		c.other = true
		return found{old.reply, old.got, 0, t + 1, old.from}
	}
	return c.fetch(q, t)
}

// denied looks for a name above that is not there (RFC 8020).
func (c *cache) denied(q ask, t int64) (found, bool) {
	n := c.u.names[q.name]
	for up, ok := n.Parent(); ok; up, ok = up.Parent() {
		i, known := c.u.number[up]
		if !known {
			continue
		}
		if e := c.at(ask{i, nothing}); e != nil && t < e.end {
			c.other = true
			return found{e.reply, e.got, e.kept, e.end, e.from}, true
		}
	}
	return found{}, false
}

// synthesised makes a negative answer of spans (RFC 8198 5.1, 5.2).
func (c *cache) synthesised(q ask, t int64) (found, bool) {
	n := c.u.names[q.name]
	say := func(k kind, by ...*heldSpan) (found, bool) {
		f := found{reply: &reply{kind: k}, until: forever}
		for _, s := range by {
			f.until, f.got, f.from = min(f.until, s.end), s.got, s.from
		}
		c.other = true
		return f, true
	}
	if s := c.span(t, func(s *span) bool { return s.owner == n && s.lacks(q.typ) }); s != nil {
		return say(nodata, s)
	}
	s := c.span(t, func(s *span) bool { return s.covers(n) })
	switch {
	case s == nil:
		return found{}, false
	case s.next.Below(n):
		return say(nodata, s)
	}
	star, err := s.encloser(n).Child("*")
	if err != nil {
		return found{}, false
	}
	if w := c.span(t, func(s *span) bool { return s.covers(star) }); w != nil {
		return say(nxdomain, s, w)
	}
	if w := c.span(t, func(s *span) bool { return s.owner == star && s.lacks(q.typ) }); w != nil {
		return say(nodata, s, w)
	}
	return found{}, false
}

func (c *cache) span(t int64, is func(*span) bool) *heldSpan {
	for i := range c.spans {
		if s := &c.spans[i]; t < s.end && is(&s.span) {
			return s
		}
	}
	return nil
}

// outrun gives the youngest answer that has run out and may still be given.
func (c *cache) outrun(q ask, t int64) (old entry, ok bool) {
	if c.model.stale() == 0 {
		return old, false
	}
	for _, k := range keys(q) {
		if e := c.at(k); e != nil && t < e.end+c.model.stale() && (!ok || e.got > old.got) {
			old, ok = *e, true
		}
	}
	return old, ok
}

// fetch asks a server and keeps what it says.
func (c *cache) fetch(q ask, t int64) found {
	s, name := c.server(q, t)
	r := &reply{}
	if t < s.off {
		if v := c.u.held(q, func(z int32) int32 { return s.zones[z].at(t) }); v != absent {
			r = c.u.reply(v, q)
		}
	}
	kept := c.model.keep(r.ttl, r.kind == nxdomain || r.kind == nodata)
	k := q
	switch r.kind {
	case silent:
		kept = servfail
	case nxdomain:
		k = keys(q)[1]
	case alias:
		k = keys(q)[2]
	}
	e := entry{r, t, t + kept, kept, name}
	c.put(k, e)
	c.learnt = true
	c.used = append(c.used, k)
	if c.model.denial() == spans {
		c.take(r.spans, e)
	}
	c.turn(t)
	if c.newest = max(c.newest, e.end); s == &c.u.old {
		c.older = max(c.older, e.end) // it stands apart from those that calm speaks of
	}
	return found{r, t, kept, max(e.end, t+1), name}
}

// take keeps spans, and forgets those that ran out.
func (c *cache) take(spans []span, e entry) {
	live := c.spans[:0]
	for _, s := range c.spans {
		if e.got < s.end {
			live = append(live, s)
		}
	}
	c.spans = live
	for _, s := range spans {
		c.spans = append(c.spans, heldSpan{s, e.got, e.end, e.from})
	}
}

// turn notes that an epoch has begun.
func (c *cache) turn(t int64) {
	if n, _ := c.u.calm[c.model.route()].epoch(t); n != c.epoch {
		c.epoch, c.older, c.newest = n, max(c.older, c.newest), 0
	}
}

// server draws whom to ask, and gives its number for people: that of the old
// servers is -1.
func (c *cache) server(q ask, t int64) (*server, int) {
	switch c.model.route() {
	case laggard:
		return &c.u.servers[c.u.laggard], c.u.laggard
	case parents:
		if c.delegation(c.u.above[q.name], t).old {
			return &c.u.old, -1
		}
	}
	i := int(draw(c.u.in.Seed, c.client, uint64(q.name), uint64(q.typ), uint64(t)) % uint64(len(c.u.servers)))
	return &c.u.servers[i], i
}

// delegation is what the parent said of the topmost zone above a name.
func (c *cache) delegation(above []int32, t int64) heldNS {
	top := above[len(above)-1]
	d, ok := c.parents[top]
	if !ok || t >= d.end {
		d = heldNS{t < c.u.change, t + c.u.parent}
		c.parents[top] = d
	}
	return d
}

// advance lets the entries that a walk used run on to the end of a stretch in
// which nothing can change: the servers agree, all that the cache holds was
// fetched from them as they are now, and the client asks again in each second.
// Then each entry is fetched again in the second in which it runs out, and is
// what it was. Where an answer denies other names too this does not hold of
// negative answers, which may come from another entry next time, nor of zones
// that are not delegated, which the zone above denies. advance returns until
// when the walk's end stands.
func (c *cache) advance(t, until, stop int64) int64 {
	c.turn(t)
	calm := &c.u.calm[c.model.route()]
	n, change := calm.epoch(t)
	denies := c.model.denial() != itself
	if c.other || c.older > t || !calm.agreed(n) || denies && !c.u.delegated {
		return until
	}
	if c.model.route() == parents && !c.turned() {
		return until
	}
	stop = min(stop, change)
	end := int64(forever)
	for _, k := range c.used {
		e := c.at(k)
		if e.kept < 1 || e.kind == silent || denies && (e.kind == nxdomain || e.kind == nodata) {
			return until
		}
		if e.end < stop {
			more := (stop - e.end + e.kept - 1) / e.kept * e.kept
			e.end, e.got = e.end+more, e.got+more
			c.newest = max(c.newest, e.end)
		}
		end = min(end, e.end)
	}
	return end
}

// turned tells whether all delegations that are held are the new ones.
func (c *cache) turned() bool {
	for _, d := range c.parents {
		if d.old {
			return false
		}
	}
	return len(c.parents) > 0
}
