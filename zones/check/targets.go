package check

import (
	"fmt"
	"net/netip"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// longChain is the longest chain of CNAMEs that resolvers in use all follow.
const longChain = 10

// targets looks at each name that a record set points at.
func (c *checker) targets(s zones.RRset) {
	switch s.Type() {
	case zones.TypeNS, zones.TypeMX, zones.TypeSRV, zones.TypeSVCB, zones.TypeHTTPS, zones.TypeCNAME, zones.TypeDNAME, zones.TypeKX, zones.TypeAFSDB:
	case zones.TypeA, zones.TypeAAAA, zones.TypeTXT, zones.TypeRRSIG, zones.TypeNSEC:
		return
	default:
		c.literal(s)
		return
	}
	for i := range s.Len() {
		names, err := rdata.Names(s.Type(), s.Data(i))
		if err != nil {
			continue
		}
		for _, e := range names {
			c.target(s, i, e)
		}
	}
}

// literal looks for asterisks and doubled origins in names that no client asks for next.
func (c *checker) literal(s zones.RRset) {
	for i := range s.Len() {
		names, _ := rdata.Names(s.Type(), s.Data(i))
		for _, e := range names {
			if !c.star(s, i, e.Name) {
				c.twice(s, i, e.Name)
			}
		}
	}
}

// star reports data that name an asterisk, which is asked for as it stands
// (RFC 4592 3.3: only owners are synthesised).
func (c *checker) star(s zones.RRset, i int, n zones.Name) bool {
	if !n.IsWildcard() {
		return false
	}
	c.tell("N-STAR-LIT", s, i, "the data of %v name %v: the asterisk is asked for literally", s.Key(), n.Text())
	return true
}

// target looks at one name.
func (c *checker) target(s zones.RRset, i int, e rdata.Embedded) {
	n, t := e.Name, s.Type()
	if n.IsRoot() {
		// In service form "." is the owner (RFC 9460 2.5.2); elsewhere it is "none".
		if t != zones.TypeHTTPS || priority(s.Data(i)) == 0 || strings.HasPrefix(s.Owner().First(), "_") {
			return
		}
		n = s.Owner()
	}
	if c.star(s, i, n) || t == zones.TypeCNAME && strings.HasPrefix(s.Owner().First(), "_acme-challenge") {
		return // what a challenge leads to comes and goes (RFC 8555 8.4)
	}
	if (e.Role == rdata.Host || e.Role == rdata.Exchange || t == zones.TypeSRV) && dotted(n) { // RFC 1035 3.3.9, 3.3.11: a name
		c.tell("G-ADDR", s, i, "%v names %v, an address where a host's name must stand", s.Key(), n.Text())
		return
	}
	if t == zones.TypeCNAME || t == zones.TypeDNAME {
		return // alias and dname look at these
	}
	if t == zones.TypeNS && s.Owner() != c.z.Origin() && n.Within(s.Owner()) {
		return // glue, the delegation's matter
	}
	end := c.end(n)
	if end.kind == outside || end.kind == looped || end.kind == long || end.kind == grown {
		if !end.alias.IsZero() && (e.Role == rdata.Host || e.Role == rdata.Exchange) {
			c.tell("X-MX-CNAME", s, i, "%v names %v, which is an alias (RFC 2181 10.3)", s.Key(), n.Text())
		}
		return
	}
	switch {
	case !end.alias.IsZero() && (e.Role == rdata.Host || e.Role == rdata.Exchange):
		c.tell("X-MX-CNAME", s, i, "%v names %v, which is an alias (RFC 2181 10.3)", s.Key(), n.Text())
	case !end.alias.IsZero() && end.nowhere(), end.kind == referral:
		// The alias is at fault; the child answers, and glue is the delegation's matter.
	case end.kind == missing && c.addressBy(n) && (e.Role == rdata.Host || e.Role == rdata.Exchange || t == zones.TypeSRV):
		c.tell("G-ADDR", s, i, "%v names an address where a host's name must stand, which makes it %v", s.Key(), n.Text())
	case end.kind == missing:
		if !c.lost(s, i, n) {
			c.tell("X-DANGLE", s, i, "%v names %v, which does not exist", s.Key(), n.Text())
		}
	case end.addressed():
	case (t == zones.TypeSVCB || t == zones.TypeHTTPS) && priority(s.Data(i)) == 0 && end.kind == data && (stated(end, zones.TypeSVCB) || stated(end, zones.TypeHTTPS)):
		// An alias form goes on to other service records (RFC 9460 2.4.2).
	case n == s.Owner() && doubles(n, c.z.Origin()): // the owner's missing dot, which was reported
	default:
		c.tell("G-ADDR", s, i, "%v names %v, which has no address", s.Key(), n.Text())
	}
}

func stated(e end, t zones.Type) bool {
	_, ok := e.set(t)
	return ok
}

// dotted tells whether a name is an IPv4 address written as one.
func dotted(n zones.Name) bool {
	a, err := netip.ParseAddr(n.Text())
	return err == nil && a.Is4()
}

// addressBy tells whether what stands before the origin is an address.
func (c *checker) addressBy(n zones.Name) bool {
	rest, err := n.Rebase(c.z.Origin(), zones.Root())
	return err == nil && dotted(rest)
}

// alias looks at a CNAME.
func (c *checker) alias(s zones.RRset) {
	if s.Len() > 1 { // RFC 2181 10.1
		at, n := later(s, func(string) bool { return true })
		c.tell("N-CNAME-OTHER", s, at, "%d CNAME records at %v (RFC 2181 10.1)", n, s.Owner().Text())
		return
	}
	n, _ := oneName(s.Data(0))
	if n.IsWildcard() || strings.HasPrefix(s.Owner().First(), "_acme-challenge") {
		return
	}
	c.chain(s, n)
}

// chain looks where the chain from a CNAME's target leads.
func (c *checker) chain(s zones.RRset, n zones.Name) {
	c.end(s.Owner())
	c.reportLoops()
	e := c.end(n)
	switch {
	case e.kind == looped:
	case e.nowhere() && e.alias.IsZero():
		if !c.lost(s, 0, n) {
			c.tell("X-DANGLE", s, 0, "%v leads to %v, which %s", s.Key(), n.Text(), map[bool]string{true: "does not exist", false: "owns no records"}[e.kind == missing])
		}
	case e.hops+1 > longChain && e.aliasHops <= longChain:
		c.tell("X-LEN", s, 0, "the chain from %v has %d aliases; resolvers follow %d", s.Owner().Text(), e.hops+1, longChain)
	}
}

// dname looks at a DNAME (RFC 6672).
func (c *checker) dname(s zones.RRset) {
	if s.Len() > 1 { // RFC 6672 2.4
		at, n := later(s, func(string) bool { return true })
		c.tell("N-CNAME-OTHER", s, at, "%d DNAME records at %v (RFC 6672 2.4)", n, s.Owner().Text())
		return
	}
	t, _ := oneName(s.Data(0))
	if t.Below(s.Owner()) {
		c.tell("X-DNAME-GROW", s, 0, "%v leads below itself, to %v: each step makes the name longer", s.Key(), t.Text())
		return
	}
	if n, err := s.Owner().Child("\x00"); err == nil { // a label that nobody owns
		e := c.end(n)
		c.reportLoops()
		switch e.kind {
		case looped:
			return
		case grown, long:
			if moved, err := n.Rebase(s.Owner(), t); err == nil {
				if _, by, _ := c.find(moved); !by.IsZero() {
					c.growing = append(c.growing, s.Owner())
					c.grows[s.Owner()] = by
				}
			}
			return
		}
	}
	if to, _, moved := c.find(t); moved.IsZero() && to.kind == missing && !c.lost(s, 0, t) {
		c.tell("X-DANGLE", s, 0, "%v leads to %v, which does not exist", s.Key(), t.Text())
	}
}

// growths reports circles of DNAMEs that were not followed to their end: each
// round makes the names longer, or the circle itself is very long.
func (c *checker) growths() {
	for _, circle := range circles(c.growing, c.grows) {
		more := 0
		for _, n := range circle {
			s, ok := c.z.Lookup(n, zones.TypeDNAME)
			if !ok {
				more = 0
				break // through another zone
			}
			more += len(s.Data(0)) - len(n.Wire())
		}
		s, ok := c.z.Lookup(circle[0], zones.TypeDNAME)
		switch {
		case !ok || len(circle) == 1: // another zone's, or it was reported
		case more > 0:
			c.tell("X-DNAME-GROW", s, 0, "%v makes names longer without end, by way of %v", s.Key(), circle[1].Text())
		default:
			c.tell("X-LOOP", s, 0, "the chain from %v goes in a circle of %d aliases", s.Key(), len(circle))
		}
	}
}

// reportLoops reports circles that were found since, each once, at the first of
// its records in canonical order that this zone holds.
func (c *checker) reportLoops() {
	var rest [][]link
	for _, circle := range c.loops {
		var first *link
		known := false
		for i, l := range circle {
			if l.in != c.sp {
				continue
			}
			known = known || c.circles[l.owner]
			c.circles[l.owner] = true
			if first == nil || l.owner.Compare(first.owner) < 0 {
				first = &circle[i]
			}
		}
		switch {
		case first == nil:
			rest = append(rest, circle) // another zone's
		case !known:
			s, _ := c.z.Lookup(first.owner, first.typ)
			c.tell("X-LOOP", s, 0, "the chain from %v goes in a circle of %d aliases", s.Key(), len(circle))
		}
	}
	c.loops = rest
}

// beside looks at what stands with a CNAME (RFC 1034 3.6.2; RFC 4035 2.5:
// the records of signing may).
func (c *checker) beside(n zones.Name, sets []zones.RRset) {
	alias, ok := c.z.Lookup(n, zones.TypeCNAME)
	if !ok {
		return
	}
	for _, s := range sets {
		switch s.Type() {
		case zones.TypeCNAME, zones.TypeRRSIG, zones.TypeNSEC, zones.TypeSIG, zones.TypeNXT, zones.TypeKEY:
			continue
		}
		c.tell("N-CNAME-OTHER", alias, 0, "a CNAME stands at %v beside %v (RFC 1034 3.6.2)", n.Text(), s.Type())
		return
	}
}

// lost tells whether a name that leads nowhere does so because a final dot is
// missing: its own, which is reported here, or that of the owner meant, which
// doubledOwner reports.
func (c *checker) lost(s zones.RRset, i int, n zones.Name) bool {
	if c.strayed(n) {
		return true
	}
	if !doubles(n, c.z.Origin()) {
		return false
	}
	c.say("Z-DOUBLE", finding.Error, s.From(i).Place, fmt.Sprintf("%v names %v, which ends in the zone's name twice and does not exist", s.Key(), n.Text()))
	return true
}

// strayed tells whether a name stands in the zone with the origin behind it once
// more; the finding of doubled owners is an error then.
func (c *checker) strayed(n zones.Name) bool {
	m, err := n.Rebase(zones.Root(), c.z.Origin())
	if err != nil || !doubles(m, c.z.Origin()) || !c.sp.has(m) {
		return false
	}
	if s, by, _ := c.find(m); !by.IsZero() || s.kind == referral && m != s.node {
		return false // hidden
	}
	c.missed = true
	return true
}

// twice reports any name in data that ends in its own origin twice.
func (c *checker) twice(s zones.RRset, i int, n zones.Name) bool {
	if !doubles(n, c.z.Origin()) {
		return false
	}
	c.tell("Z-DOUBLE", s, i, "%v names %v, which ends in the zone's name twice", s.Key(), n.Text())
	return true
}

// doubles tells whether a name ends in the origin twice: www.a.vn.a.vn.
func doubles(n, origin zones.Name) bool {
	w, o := n.Wire(), origin.Wire()
	tail := o[:len(o)-1]
	d := len(w) - len(o)
	if tail == "" || d < len(tail) || w[d-len(tail):d] != tail || w[d:] != o {
		return false
	}
	i := 0
	for i < d-len(tail) {
		i += 1 + int(w[i])
	}
	return i == d-len(tail)
}

// doubledOwner reports owners that end in the origin twice: one $ORIGIN without
// its dot makes many.
func (c *checker) doubledOwner(s zones.RRset) {
	if c.doubled == 0 {
		c.doubled = 1 + c.say("Z-DOUBLE", defined["Z-DOUBLE"].severity, s.From(0).Place, fmt.Sprintf("the owner %v ends in the zone's name twice", s.Owner().Text()))
		return
	}
	f := &c.out[c.doubled-1]
	f.Count++
}

// innerStar reports an asterisk that is not the first label (RFC 4592 2.1.1),
// once for all names below it.
func (c *checker) innerStar(n zones.Name, s zones.RRset) {
	var star zones.Name
	for m, ok := n.Parent(); ok && m.Below(c.z.Origin()); m, ok = m.Parent() {
		if m.IsWildcard() {
			star = m
		}
	}
	if star.IsZero() {
		return
	}
	if at, ok := c.stars[star]; ok {
		if at >= 0 {
			c.out[at].Count++
		}
		return
	}
	c.stars[star] = c.say("N-WILD-INNER", defined["N-WILD-INNER"].severity, s.From(0).Place,
		fmt.Sprintf("the asterisk of %v is not the first label: the name is no wildcard (RFC 4592 2.1.1), and makes %v exist", n.Text(), star.Text()))
}
