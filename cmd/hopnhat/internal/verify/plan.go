package verify

import (
	"iter"
	"math/rand/v2"
	"slices"
	"sync"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
)

// side is one world in one view.
type side struct {
	world zones.World
	view  zones.View
	*oracle.Resolver
}

func newSide(w zones.World, v zones.View) side { return side{w, v, oracle.New(w, v)} }

// zoneOf is the zone that answers a question; nil where none does. The DS of an
// apex is the parent's, where that is served too (RFC 4035 3.1.4.1).
func (s side) zoneOf(k zones.Key) *zones.Zone {
	z := s.world.Nearest(s.view, k.Owner)
	if up, ok := k.Owner.Parent(); ok && z != nil && k.Type == zones.TypeDS && k.Owner == z.Origin() {
		if parent := s.world.Nearest(s.view, up); parent != nil {
			return parent
		}
	}
	return z
}

// scene is a view as it is served now, as it was, and what can be asked of it.
// Its methods are safe for concurrent use.
type scene struct {
	now, was side
	same     map[zones.Name]bool // origins of zones that answer as they did, serials apart
	keys     []zones.Key         // questions of both worlds, in canonical order

	// kinds gives, beside keys, the number of each one's class, and whether the
	// step changed its answer. It walks over all of them once, when it is first
	// asked for.
	kinds func() (classes []uint32, changed []bool)
	// known tells in the same way which of them each world could judge at a
	// resolver.
	known func() (now, was []bool)
}

func newScene(t Task, v zones.View) *scene {
	s := &scene{now: newSide(t.World, v), was: newSide(t.Before, v), same: map[zones.Name]bool{}}
	s.keys = merged(probe.Questions(t.World, v), probe.Questions(t.Before, v))
	for z := range t.World.In(v) {
		if b := t.Before.Zone(z.ID()); b != nil && (b == z || onlySerial(b, z)) {
			s.same[z.Origin()] = true
		}
	}
	s.kinds, s.known = sync.OnceValues(s.findKinds), sync.OnceValues(s.findKnown)
	return s
}

func (s *scene) findKinds() ([]uint32, []bool) {
	classes, changed := make([]uint32, len(s.keys)), make([]bool, len(s.keys))
	numbers := map[class]uint32{}
	for i, k := range s.keys {
		a := s.now.Resolve(k.Owner, k.Type)
		c := s.now.classOf(k, a)
		n, ok := numbers[c]
		if !ok {
			n = uint32(len(numbers))
			numbers[c] = n
		}
		classes[i], changed[i] = n, s.changed(k, a)
	}
	return classes, changed
}

func (s *scene) findKnown() (now, was []bool) {
	now, was = make([]bool, len(s.keys)), make([]bool, len(s.keys))
	for i, k := range s.keys {
		now[i] = s.now.judges(k)
		was[i] = now[i] && (s.unchanged(k) || s.was.judges(k) || s.was.world.Nearest(s.was.view, k.Owner) == nil)
	}
	return now, was
}

// merged is the union of two sorted rows without duplicates.
func merged(a, b []zones.Key) []zones.Key {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	out := make([]zones.Key, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		c := 0
		if a[0] != b[0] {
			c = a[0].Compare(b[0])
		}
		if c <= 0 {
			out = append(out, a[0])
		} else {
			out = append(out, b[0])
		}
		if c <= 0 {
			a = a[1:]
		}
		if c >= 0 {
			b = b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// onlySerial tells whether the serial is all that two versions differ by.
func onlySerial(a, b *zones.Zone) bool {
	next, stop := iter.Pull(a.All())
	defer stop()
	for t := range b.All() {
		if s, ok := next(); !ok || !sameSet(s, t) {
			return false
		}
	}
	_, more := next()
	return !more
}

// sameSet compares RRsets; of an SOA the serial does not count.
func sameSet(s, t zones.RRset) bool {
	if s.Type() != zones.TypeSOA || t.Type() != zones.TypeSOA {
		return s.Equal(t)
	}
	p, perr := zones.ParseSOA(s.Data(0))
	q, qerr := zones.ParseSOA(t.Data(0))
	q.Serial = p.Serial
	return perr == nil && qerr == nil && p == q && s.Key() == t.Key() && s.TTL() == t.TTL()
}

// changed tells whether the step changed the answer to a question, serials
// apart; now is the answer of now.
func (s *scene) changed(k zones.Key, now oracle.Answer) bool {
	return !s.unchanged(k) && !alike(now, s.was.Resolve(k.Owner, k.Type))
}

// unchanged tells cheaply of most questions that the step did not change the
// answer: an answer comes out of one zone, but for DS.
func (s *scene) unchanged(k zones.Key) bool {
	a, b := s.now.world.Nearest(s.now.view, k.Owner), s.was.world.Nearest(s.was.view, k.Owner)
	return k.Type != zones.TypeDS && a != nil && b != nil && a.Origin() == b.Origin() && s.same[a.Origin()]
}

// alike compares answers; of an SOA the serial does not count.
func alike(a, b oracle.Answer) bool {
	sets := func(x, y []zones.RRset) bool { return slices.EqualFunc(x, y, sameSet) }
	return a.Rcode == b.Rcode && a.AA == b.AA && sets(a.Answer, b.Answer) && sets(a.Authority, b.Authority) && sets(a.Additional, b.Additional)
}

// outcome is a kind of answer.
type outcome uint8

const (
	data outcome = iota
	apex
	wildcard
	noData
	emptyNonTerminal
	noName
	referral
	refused
	tooLong
	away // the chain leads out of its zone
)

// class is what answers are told apart by (ASK-CLASS): the zone, what the
// name leads through, how it ends, and the type where that says something.
type class struct {
	zone         zones.Name
	alias, dname bool
	end          outcome
	typ          zones.Type
}

// classOf tells the class of a question by its answer.
func (s side) classOf(k zones.Key, a oracle.Answer) class {
	z := s.world.Nearest(s.view, k.Owner)
	if z == nil {
		return class{end: refused}
	}
	c := class{zone: z.Origin()}
	last := k.Owner
	for _, set := range a.Answer {
		switch {
		case set.Type() == zones.TypeDNAME && k.Type != zones.TypeDNAME:
			c.dname = true
		case set.Type() == zones.TypeCNAME && k.Type != zones.TypeCNAME:
			c.alias = true
			last, _, _ = zones.NameIn(set.Data(0))
		}
	}
	c.end = end(z, last, k.Type, a)
	switch c.end {
	case data, apex, wildcard:
		c.typ = k.Type
	}
	return c
}

// end tells how a chain ends at a name.
func end(z *zones.Zone, last zones.Name, t zones.Type, a oracle.Answer) outcome {
	there := !last.IsZero() && len(z.At(last)) > 0
	switch {
	case a.Rcode == oracle.YXDomain:
		return tooLong
	case a.Rcode == oracle.NXDomain:
		return noName
	case slices.ContainsFunc(a.Authority, func(s zones.RRset) bool { return s.Type() == zones.TypeNS }):
		return referral
	case len(a.Authority) > 0 && !there && hasBelow(z, last):
		return emptyNonTerminal
	case len(a.Authority) > 0:
		return noData
	case !last.Within(z.Origin()):
		return away
	case last == z.Origin():
		return apex
	case !there:
		return wildcard
	}
	return data
}

// hasBelow tells whether names below one that owns nothing make it be there.
func hasBelow(z *zones.Zone, n zones.Name) bool {
	for range z.Below(n) {
		return true
	}
	return false
}

// choice is what is asked of a point.
type choice struct {
	keys    []zones.Key // what changed first, then in canonical order
	of      int         // questions that there are
	changed int         // of them, those that the step changed; of a sample
	sampled bool        // not all is asked
}

// choose takes the questions for a point: everything up to all, else what the
// step changed, one of each class, and a random sample. can tells by the place
// in keys which questions can be judged there.
func (s *scene) choose(t Task, all int, can func(int) bool) choice {
	var able []int
	for i := range s.keys {
		if can(i) {
			able = append(able, i)
		}
	}
	c := choice{of: len(able)}
	if len(able) <= all {
		for _, i := range able {
			c.keys = append(c.keys, s.keys[i])
		}
		return c
	}
	classes, changed := s.kinds()
	rng := rand.New(rand.NewPCG(t.Seed, 0x9e3779b97f4a7c15))
	turned, rest := draw{room: t.Changed, rng: rng}, draw{room: t.Sample, rng: rng}
	kinds := map[uint32]*draw{}
	for _, i := range able {
		if changed[i] {
			turned.add(i)
		} else {
			rest.add(i)
		}
		if kinds[classes[i]] == nil {
			kinds[classes[i]] = &draw{room: 1, rng: rng}
		}
		kinds[classes[i]].add(i)
	}
	c.changed = turned.seen
	others := rest.kept
	for _, d := range kinds {
		others = append(others, d.kept...)
	}
	slices.Sort(turned.kept)
	slices.Sort(others)
	others = slices.DeleteFunc(slices.Compact(others), func(i int) bool {
		_, found := slices.BinarySearch(turned.kept, i)
		return found
	})
	for _, i := range slices.Concat(turned.kept, others) {
		c.keys = append(c.keys, s.keys[i])
	}
	c.sampled = len(c.keys) < c.of
	return c
}

// draw keeps a random sample of what it is given, all alike (reservoir).
type draw struct {
	room, seen int
	kept       []int
	rng        *rand.Rand
}

func (d *draw) add(i int) {
	d.seen++
	if len(d.kept) < d.room {
		d.kept = append(d.kept, i)
	} else if at := d.rng.IntN(d.seen); at < d.room {
		d.kept[at] = i
	}
}
