package verify

import (
	"math/rand/v2"
	"slices"

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

// scene is a view as it is served now, as it was, and what can be asked of it.
type scene struct {
	now, was side
	same     map[zones.Name]bool // origins of zones that answer as they did, serials apart
	keys     []zones.Key         // questions of both worlds, in canonical order
}

func newScene(t Task, v zones.View) *scene {
	s := &scene{now: newSide(t.World, v), was: newSide(t.Before, v), same: map[zones.Name]bool{}}
	s.keys = merged(probe.Questions(t.World, v), probe.Questions(t.Before, v))
	for z := range t.World.In(v) {
		if b := t.Before.Zone(z.ID()); b != nil && (b == z || onlySerial(b, z)) {
			s.same[z.Origin()] = true
		}
	}
	return s
}

// merged is the union of two sorted rows.
func merged(a, b []zones.Key) []zones.Key {
	out := slices.Concat(a, b)
	slices.SortFunc(out, zones.Key.Compare)
	return slices.Compact(out)
}

// onlySerial tells whether the serial is all that two versions differ by.
func onlySerial(a, b *zones.Zone) bool {
	d := zones.Diff(a.WithSerial(0), b.WithSerial(0))
	return d.Empty()
}

// changed tells whether the step changed the answer to a question, serials
// apart; now is the answer of now.
func (s *scene) changed(k zones.Key, now oracle.Answer) bool {
	a, b := s.now.world.Nearest(s.now.view, k.Owner), s.was.world.Nearest(s.was.view, k.Owner)
	if a != nil && b != nil && a.Origin() == b.Origin() && s.same[a.Origin()] && k.Type != zones.TypeDS {
		return false
	}
	return !alike(now, s.was.Resolve(k.Owner, k.Type))
}

// alike compares answers; of an SOA the serial does not count.
func alike(a, b oracle.Answer) bool {
	sets := func(x, y []zones.RRset) bool {
		return slices.EqualFunc(x, y, func(s, t zones.RRset) bool {
			if s.Type() != zones.TypeSOA || t.Type() != zones.TypeSOA {
				return s.Equal(t)
			}
			p, perr := zones.ParseSOA(s.Data(0))
			q, qerr := zones.ParseSOA(t.Data(0))
			q.Serial = p.Serial
			return perr == nil && qerr == nil && p == q && s.Key() == t.Key() && s.TTL() == t.TTL()
		})
	}
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
	changed int         // of them, those that the step changed
	sampled bool        // not all is asked
}

// choose takes the questions for a point: everything up to all, else what the
// step changed, one of each class, and a random sample. can tells which
// questions can be judged there.
func (s *scene) choose(t Task, all int, can func(zones.Key) bool) choice {
	var c choice
	whole := all > 0 && s.few(all, can)
	rng := rand.New(rand.NewPCG(t.Seed, 0x9e3779b97f4a7c15))
	turned, rest := draw{room: t.Changed, rng: rng}, draw{room: t.Sample, rng: rng}
	if whole {
		turned.room, rest.room = all, all
	}
	classes := map[class]zones.Key{}
	seen := map[class]uint64{}
	for _, k := range s.keys {
		if !can(k) {
			continue
		}
		c.of++
		a := s.now.Resolve(k.Owner, k.Type)
		if s.changed(k, a) {
			turned.add(k)
		} else {
			rest.add(k)
		}
		if whole {
			continue
		}
		cl := s.now.classOf(k, a)
		if seen[cl]++; rng.Uint64N(seen[cl]) == 0 {
			classes[cl] = k
		}
	}
	c.changed = turned.seen
	others := rest.kept
	for _, k := range classes {
		others = append(others, k)
	}
	slices.SortFunc(turned.kept, zones.Key.Compare)
	slices.SortFunc(others, zones.Key.Compare)
	taken := make(map[zones.Key]bool, len(turned.kept))
	for _, k := range turned.kept {
		taken[k] = true
	}
	others = slices.DeleteFunc(slices.Compact(others), func(k zones.Key) bool { return taken[k] })
	c.keys = append(turned.kept, others...)
	c.sampled = len(c.keys) < c.of
	return c
}

// few tells whether there are no more than most questions.
func (s *scene) few(most int, can func(zones.Key) bool) bool {
	n := 0
	for _, k := range s.keys {
		if can(k) {
			if n++; n > most {
				return false
			}
		}
	}
	return true
}

// draw keeps a random sample of what it is given, all alike (reservoir).
type draw struct {
	room, seen int
	kept       []zones.Key
	rng        *rand.Rand
}

func (d *draw) add(k zones.Key) {
	d.seen++
	if len(d.kept) < d.room {
		d.kept = append(d.kept, k)
	} else if i := d.rng.IntN(d.seen); i < d.room {
		d.kept[i] = k
	}
}
