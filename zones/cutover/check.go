package cutover

import (
	"fmt"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Check holds a timeline, as it stands there, against the inequalities that
// make it safe. It computes them again from the steps' worlds and instants and
// shares no code with Plan. Of a timeline that was forced or planned on the
// way, the steps that were taken count as they were.
func Check(l Timeline, t Terms) []finding.Finding {
	c := checker{terms: t}
	before := l.before
	for _, w := range l.waves {
		steps := l.served[w.from:w.to]
		c.wave(before, steps, min(max(0, l.past-w.from), len(steps)))
		before = steps[len(steps)-1].World
	}
	finding.Sort(c.found)
	return c.found
}

type checker struct {
	terms Terms
	found []finding.Finding
}

func (c *checker) tell(id string, s finding.Severity, mend, format string, args ...any) {
	c.found = append(c.found, finding.Finding{ID: id, Severity: s, Found: fmt.Sprintf(format, args...), Mend: mend})
}

// wave checks one wave; serials of its first steps, which an earlier plan
// took, are not looked at.
func (c *checker) wave(before zones.World, steps []Step, past int) {
	worlds := []zones.World{before}
	for _, s := range steps {
		worlds = append(worlds, s.World)
	}
	moving := changing(worlds)
	c.order(steps)
	c.drains(worlds, steps, moving)
	c.low(steps, moving)
	c.window(steps)
	c.serials(worlds[past:])
	c.expire(worlds, steps)
	c.parents(before, worlds[len(worlds)-1])
	c.sticky(before, worlds[len(worlds)-1])
	c.keys(worlds)
	c.signatures(worlds, steps)
}

// lacks tells whether a zone lacks a record of another, serial and TTLs aside.
func lacks(o, z *zones.Zone) bool {
	for r := range z.Records() {
		if r.Type == zones.TypeSOA {
			s := z.SOA()
			s.Serial = o.Serial()
			r.Data = s.Data()
		}
		if set, ok := o.Lookup(r.Owner, r.Type); !ok || !set.Has(r.Data) {
			return true
		}
	}
	return false
}

// changing gives the zones whose records change in a row of worlds, TTLs
// aside, and those around a zone that comes or goes.
func changing(worlds []zones.World) map[zones.ID]bool {
	moving := map[zones.ID]bool{}
	for i, w := range worlds[1:] {
		for _, pair := range [2][2]zones.World{{worlds[i], w}, {w, worlds[i]}} {
			for z := range pair[0].All() {
				o := pair[1].Zone(z.ID())
				if o == z {
					continue
				}
				if o == nil {
					moving[z.ID()] = true
					if up, ok := z.Origin().Parent(); ok {
						if above := pair[1].Nearest(z.View(), up); above != nil {
							moving[above.ID()] = true
						}
					}
					continue
				}
				if lacks(o, z) {
					moving[z.ID()] = true
				}
			}
		}
	}
	return moving
}

func (c *checker) order(steps []Step) {
	for i, s := range steps[1:] {
		if p := steps[i]; s.At.Before(p.At) || s.Kind <= p.Kind {
			c.tell("T-DRAIN", finding.Block, "plan again", "the step %q%s of %s comes before %q of %s", s.Kind, ofWave(s.Wave), stamp(s.At), p.Kind, stamp(p.At))
		}
	}
}

// drains: at a step's instant, nothing of the world before the last one is held.
func (c *checker) drains(worlds []zones.World, steps []Step, moving map[zones.ID]bool) {
	var refresh, retry time.Duration
	for _, w := range worlds {
		for z := range w.All() {
			refresh, retry = max(refresh, seconds(z.SOA().Refresh)), max(retry, seconds(z.SOA().Retry))
		}
	}
	lag := max(c.terms.Refresh, refresh) + max(c.terms.Retry, retry)
	for i := 1; i < len(steps); i++ {
		s, p := steps[i], steps[i-1]
		if s.Kind == Close {
			continue
		}
		end := p.At.Add(lag) // the last secondary turns to p
		for z := range worlds[i-1].All() {
			if !moving[z.ID()] {
				continue
			}
			for set := range z.All() {
				if over := end.Add(seconds(set.TTL())); s.At.Before(over) {
					c.tell("T-DRAIN", finding.Block, "a later instant; plan again", "the step %q%s of %s comes while caches may hold %v of before %q, until %s",
						s.Kind, ofWave(s.Wave), stamp(s.At), set.Key(), p.Kind, stamp(over))
					break
				}
			}
			soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
			if over := end.Add(seconds(min(soa.TTL(), z.SOA().Minimum))); s.Kind == Switch && s.At.Before(over) {
				c.tell("T-NEG", finding.Block, "a later switch", "the switch%s of %s comes while caches may hold that a new name of %v is missing, until %s", ofWave(s.Wave), stamp(s.At), z.ID(), stamp(over))
			}
		}
		around := s.Kind == Switch || p.Kind == Switch
		if over := end.Add(c.terms.Parent); around && s.At.Before(over) {
			c.tell("T-DRAIN", finding.Block, "a later instant; plan again", "the step %q%s of %s comes while what the parent says may be held, until %s", s.Kind, ofWave(s.Wave), stamp(s.At), stamp(over))
		}
	}
}

// low: from lower on until the TTLs are restored none is above the low one.
func (c *checker) low(steps []Step, moving map[zones.ID]bool) {
	for _, s := range steps {
		if s.Kind >= Restore {
			continue
		}
		for z := range s.World.All() {
			for set := range z.All() {
				if moving[z.ID()] && seconds(set.TTL()) > c.terms.Low {
					c.tell("T-DRAIN", finding.Block, "lower it before", "at the step %q%s %v has the TTL %d, and the low one is %d", s.Kind, ofWave(s.Wave), set.Key(), set.TTL(), c.terms.Low/time.Second)
				}
			}
		}
	}
}

func (c *checker) window(steps []Step) {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == Switch })
	if i < 0 || i+1 == len(steps) {
		return
	}
	if end := steps[i].At.Add(c.terms.Rollback); steps[i+1].At.Before(end) {
		c.tell("T-ROLL", finding.Block, "a later instant for it", "the step %q%s of %s comes before the rollback window ends, %s", steps[i+1].Kind, ofWave(steps[i+1].Wave), stamp(steps[i+1].At), stamp(end))
	}
}

func (c *checker) serials(worlds []zones.World) {
	for i, w := range worlds[1:] {
		for z := range w.All() {
			p := worlds[i].Zone(z.ID())
			if p == z || p != nil && p.Digest() == z.Digest() || c.stands(z) {
				continue
			}
			above := slices.Clone(c.terms.Served[z.ID()])
			if p != nil {
				above = append(above, p.Serial())
			}
			for _, s := range above {
				if d := uint32(z.Serial()) - uint32(s); d == 0 || d >= 1<<31 {
					c.tell("T-SERIAL", finding.Block, "plan again", "%v changes under the serial %d, which is not later than %d", z.ID(), z.Serial(), s)
					break
				}
			}
		}
	}
}

// stands tells whether a zone is served already, as it is.
func (c *checker) stands(z *zones.Zone) bool {
	if c.terms.Standing == nil {
		return false
	}
	o := c.terms.Standing.World.Zone(z.ID())
	return o == z || o != nil && o.Serial() == z.Serial() && o.Digest() == z.Digest()
}

func (c *checker) expire(worlds []zones.World, steps []Step) {
	told, alone := map[zones.ID]bool{}, time.Duration(0)
	for _, w := range worlds {
		for z := range w.All() {
			s := z.SOA()
			alone = max(alone, c.terms.Expire, seconds(s.Expire))
			if lag := max(c.terms.Refresh, seconds(s.Refresh)) + max(c.terms.Retry, seconds(s.Retry)); seconds(s.Expire) <= lag && !told[z.ID()] {
				told[z.ID()] = true
				c.tell("T-EXPIRE", finding.Error, "a longer EXPIRE", "%v expires at a secondary after %d s, before it asks again (REFRESH and RETRY: %d s)", z.ID(), s.Expire, lag/time.Second)
			}
		}
	}
	for i, s := range steps[1:] {
		if end := s.At.Add(alone); s.Kind == Remove {
			c.tell("T-EXPIRE", finding.Warning, "look at every secondary before, with hopnhat status", "a secondary that is cut off goes on serving what the step %q%s of %s has removed, until %s", s.Kind, ofWave(s.Wave), stamp(s.At), stamp(end))
		} else if s.Kind == Restore && steps[i].Kind == Switch {
			c.tell("T-EXPIRE", finding.Warning, "look at every secondary before, with hopnhat status", "a secondary that is cut off goes on serving what the switch%s of %s has changed, until %s", ofWave(s.Wave), stamp(steps[i].At), stamp(steps[i].At.Add(alone)))
		}
	}
}

func (c *checker) parents(before, after zones.World) {
	for _, id := range (Row{before, before, after, after}).AtParent() {
		if c.terms.Parent == 0 {
			c.tell("T-PARENT", finding.Error, "give the longest TTL of the parent's NS, DS and glue, and have the parent change them", "what the parent of %v states of it changes with the cutover, and no TTL of the parent is given", id)
			continue
		}
		c.tell("T-PARENT", finding.Warning, "have the parent change its NS and glue once the switch is made, and not before", "what the parent of %v states of it changes with the cutover", id)
	}
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }
