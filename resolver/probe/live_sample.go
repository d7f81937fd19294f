package probe

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// samples draws the questions for each zone: the same for the same seed. A
// server that serves all zones is asked about Questions in all, in parts as
// the zones are large, and never fewer than leastSample a zone.
func (s *survey) samples(zs []*zones.Zone) map[*zones.Zone][]Expectation {
	all := map[*zones.Zone][]Expectation{}
	total := 0
	for _, e := range Expect(s.world, s.view) {
		if z := s.zoneOf(e); z != nil {
			all[z] = append(all[z], e)
			total++
		}
	}
	out := map[*zones.Zone][]Expectation{}
	for _, z := range zs {
		es := all[z]
		n := max(leastSample, s.Questions*len(es)/max(total, 1))
		out[z] = draw(es, z, min(n, s.Questions), s.Seed)
	}
	return out
}

// zoneOf is the zone that answers: DS at an apex is the parent's, where it is
// served too (RFC 4035 3.1.4.1).
func (s *survey) zoneOf(e Expectation) *zones.Zone {
	z := s.world.Nearest(s.view, e.Name)
	if z == nil || e.Type != zones.TypeDS || e.Name != z.Origin() {
		return z
	}
	if up, ok := e.Name.Parent(); ok {
		if p := s.world.Nearest(s.view, up); p != nil {
			return p
		}
	}
	return z
}

// class is a kind of question.
type class int

const (
	apex class = iota
	plainName
	alias
	wildcard
	redirected // by a DNAME
	empty      // an empty non-terminal, or a type that is not there
	referral
	nonexistent
	classes
)

// classOf tells a question's class by its answer.
func classOf(e Expectation, z *zones.Zone) class {
	a := e.Want
	switch {
	case e.Name == z.Origin():
		return apex
	case len(a.Answer) == 0 && a.Rcode == rcodeNXDomain:
		return nonexistent
	case !a.AA:
		return referral
	case len(a.Answer) == 0:
		return empty
	case a.Answer[0].Type() == zones.TypeDNAME && a.Answer[0].Owner() != e.Name:
		return redirected
	case len(z.At(e.Name)) == 0:
		return wildcard
	case a.Answer[0].Type() == zones.TypeCNAME && e.Type != zones.TypeCNAME:
		return alias
	}
	return plainName
}

// draw draws n questions: in turn one of each class, so that a class is
// lacking only where n is smaller than their number. They come back in the
// order of es.
func draw(es []Expectation, z *zones.Zone, n int, seed uint64) []Expectation {
	if len(es) <= n {
		return es
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(z.Origin().Wire()))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	var by [classes][]int
	for i, e := range es {
		c := classOf(e, z)
		by[c] = append(by[c], i)
	}
	for _, is := range by {
		r.Shuffle(len(is), func(i, j int) { is[i], is[j] = is[j], is[i] })
	}
	var drawn []int
	for round := 0; len(drawn) < n; round++ {
		for _, is := range by {
			if round < len(is) && len(drawn) < n {
				drawn = append(drawn, is[round])
			}
		}
	}
	slices.Sort(drawn)
	out := make([]Expectation, n)
	for i, d := range drawn {
		out[i] = es[d]
	}
	return out
}
