package check

import (
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// The limits of RFC 7208 4.6.4.
const (
	maxLookups = 10
	maxVoids   = 2
)

// policy is the SPF record of a name.
type policy struct {
	set   zones.RRset
	at    int    // where the record stands in set
	terms []term // that make look-ups
	err   error
	count int // records v=spf1; only one is a policy
}

// policyAt reads the SPF record that answers for a name; nil where no zone
// given answers.
func (c *checker) policyAt(n zones.Name) *policy {
	e := c.end(n)
	if e.kind != data && !e.nowhere() {
		return nil
	}
	s, ok := e.set(zones.TypeTXT)
	if !ok {
		return &policy{}
	}
	return c.policyOf(s)
}

func (c *checker) policyOf(s zones.RRset) *policy {
	if p := c.policies[s.Owner()]; p != nil {
		return p
	}
	p := &policy{set: s}
	p.at, p.count = later(s, func(d string) bool { return isSPF(join(d)) })
	if p.count == 1 {
		p.terms, p.err = parseSPF(join(s.Data(p.at)))
		if len(p.terms) > maxLookups+1 {
			p.terms = p.terms[:maxLookups+1] // it is over the limit, whatever follows
		}
	}
	c.policies[s.Owner()] = p
	return p
}

// join puts the strings of TXT data together without blanks (RFC 7208 3.3).
func join(d string) string {
	if len(d) > 0 && 1+int(d[0]) == len(d) {
		return d[1:]
	}
	var b strings.Builder
	for i := 0; i < len(d) && i+1+int(d[i]) <= len(d); i += 1 + int(d[i]) {
		b.WriteString(d[i+1 : i+1+int(d[i])])
	}
	return b.String()
}

// spf looks at the SPF records of a TXT set.
func (c *checker) spf(s zones.RRset) {
	p := c.policyOf(s)
	switch {
	case p.count == 0:
		return
	case p.count > 1: // RFC 7208 3.2, 4.5: permerror
		c.tell("S-SPF-2", s, p.at, "%d SPF records at %v; with more than one none counts (RFC 7208 4.5)", p.count, s.Owner().Text())
		return
	case p.err != nil:
		c.tell("S-SPF", s, p.at, "the SPF record of %v cannot be read: %v", s.Owner().Text(), p.err)
		return
	}
	if c.nothing(p) {
		return
	}
	for _, t := range p.terms { // RFC 7208 5.2, 6.1: no record there is permerror
		if t.name != "include" && t.name != "redirect" {
			continue
		}
		if n, ok := c.domain(p, t); ok {
			if q := c.policyAt(n); q != nil && q.count == 0 {
				c.tell("S-SPF", s, p.at, "the SPF record of %v goes on with %s, and %v has none: permerror (RFC 7208 5.2, 6.1)", s.Owner().Text(), clip(t.text), n.Text())
				return
			}
		}
	}
	if lookups, voids := c.cost(p); lookups > maxLookups || voids > maxVoids {
		if q := c.guilty(p); q != nil { // the cause is there, or in a circle
			c.greedy = append(c.greedy, s.Owner())
			c.blames[s.Owner()] = q.set.Owner()
		} else if lookups > maxLookups {
			c.tell("S-SPF-LIM", s, p.at, "the SPF record of %v needs more than %d look-ups (RFC 7208 4.6.4)", s.Owner().Text(), maxLookups)
		} else {
			c.tell("S-SPF-LIM", s, p.at, "%d look-ups of the SPF record of %v find nothing; %d are allowed (RFC 7208 4.6.4)", voids, s.Owner().Text(), maxVoids)
		}
	}
}

// endless reports SPF records that include themselves, by way of others or not.
func (c *checker) endless() {
	for _, n := range c.greedy { // the way may lead through other zones
		for n = c.blames[n]; c.blames[n].IsZero(); n = c.blames[n] {
			q := c.guilty(c.policies[n])
			if q == nil {
				break
			}
			c.blames[n] = q.set.Owner()
		}
	}
	for _, circle := range circles(c.greedy, c.blames) {
		for _, n := range circle {
			if c.near(n) == c.sp {
				p := c.policies[n]
				c.tell("S-SPF-LIM", p.set, p.at, "the SPF record of %v includes itself, so that the look-ups have no end (RFC 7208 4.6.4)", n.Text())
				break
			}
		}
	}
}

// nothing reports terms that mean the owner and find nothing there.
func (c *checker) nothing(p *policy) bool {
	owner := p.set.Owner()
	var bad []string
	for _, t := range p.terms {
		self := t.spec == "" || strings.EqualFold(strings.TrimSuffix(t.spec, "."), "%{d}")
		if !self {
			continue
		}
		found := true
		switch t.name {
		case "a": // RFC 7208 5.3
			found = c.sp.addresses(owner)
		case "mx": // RFC 7208 5.4
			_, found = c.z.Lookup(owner, zones.TypeMX)
		case "ptr": // RFC 7208 5.5: a name at or below the owner that has the address
			found = c.sp.addressBelow(owner) || len(c.sp.cuts) > 0
		}
		if !found {
			bad = append(bad, t.text)
		}
	}
	if bad == nil {
		return false
	}
	c.tell("S-SPF-SELF", p.set, p.at, "%s in the SPF record of %v means %v itself, which has no such record", clip(strings.Join(bad, " ")), owner.Text(), owner.Text())
	return true
}

// domain is the name that a term asks for; false where only a message tells.
func (c *checker) domain(p *policy, t term) (zones.Name, bool) {
	owner := p.set.Owner()
	if t.spec == "" {
		return owner, true
	}
	spec, ok := expand(t.spec, owner.Text())
	if !ok {
		return zones.Name{}, false
	}
	n, err := zones.ParseName(strings.ReplaceAll(spec, `\`, `\\`))
	return n, err == nil
}

// cost counts what a policy needs, through what it includes; a domain that no
// zone given answers for counts as the one look-up of its own. It ends above the
// limit, so that no circle and no tree of includes is long.
func (c *checker) cost(p *policy) (lookups, voids int) {
	c.tally(p, &lookups, &voids)
	return lookups, voids
}

func (c *checker) tally(p *policy, lookups, voids *int) {
	for _, t := range p.terms {
		c.steps++
		if *lookups++; *lookups > maxLookups {
			return
		}
		n, ok := c.domain(p, t)
		switch {
		case !ok:
		case t.name == "include" || t.name == "redirect":
			if q := c.policyAt(n); q != nil && q.count == 1 && q.err == nil {
				c.tally(q, lookups, voids)
			}
		case c.void(n, t.name):
			*voids++
		}
	}
}

// guilty is a policy that p includes and that is at fault by itself; nil for none.
func (c *checker) guilty(p *policy) *policy {
	for _, t := range p.terms {
		if t.name != "include" && t.name != "redirect" {
			continue
		}
		n, ok := c.domain(p, t)
		if !ok {
			continue
		}
		q := c.policyAt(n)
		if q == nil || q.count != 1 || q.err != nil {
			continue
		}
		owner := q.set.Owner()
		over, known := c.over[owner]
		if !known {
			lookups, voids := c.cost(q)
			over = lookups > maxLookups || voids > maxVoids
			c.over[owner] = over
		}
		if over {
			return q
		}
	}
	return nil
}

// void tells whether a look-up is known to find nothing.
func (c *checker) void(n zones.Name, mechanism string) bool {
	e := c.end(n)
	switch {
	case e.nowhere():
		return true
	case e.kind != data || mechanism == "ptr": // that one asks for the sender's address
		return false
	case mechanism == "mx":
		_, ok := e.set(zones.TypeMX)
		return !ok
	case mechanism == "exists": // RFC 7208 5.7: type A alone
		_, ok := e.set(zones.TypeA)
		return !ok
	}
	return !e.addressed()
}
