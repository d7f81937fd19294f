package check

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// hidden counts the records that a cut or DNAME keeps from being answered
// (RFC 1034 4.3.2 step 3b, RFC 6672 2.4).
type hidden struct {
	by    zones.RRset // the NS or DNAME; zero where nothing hides
	count int
	first zones.Record
}

// below tells whether the walk stands below what hides.
func (c *checker) below(n zones.Name) bool {
	return !c.by.IsZero() && n.Below(c.by.Owner())
}

// enter looks whether a name hides what lies below it.
func (c *checker) enter(n zones.Name, sets []zones.RRset) {
	ns, cut := c.z.Lookup(n, zones.TypeNS)
	cut = cut && n != c.z.Origin()
	d, redirect := c.z.Lookup(n, zones.TypeDNAME)
	if n.IsWildcard() && n != c.z.Origin() && (cut || redirect) { // RFC 4592 4.2, 4.4
		s := ns
		if !cut {
			s = d
		}
		c.tell("N-WILD-NS", s, 0, "%v at a wildcard: what it means is not defined (RFC 4592 4)", s.Key())
	}
	switch {
	case cut:
		c.hidden = hidden{by: ns}
		c.hide(sets)
	case redirect:
		c.hidden = hidden{by: d}
	}
}

// hide counts what cannot be answered of a name at a cut, or below what hides.
func (c *checker) hide(sets []zones.RRset) {
	cut := c.by.Type() == zones.TypeNS
	at := sets[0].Owner() == c.by.Owner()
	for _, s := range sets {
		switch t := s.Type(); {
		case cut && (t == zones.TypeA || t == zones.TypeAAAA) && c.sp.servers[s.Owner()]:
			continue // glue (RFC 1034 4.2.1)
		case at && (t == zones.TypeNS || t == zones.TypeDS):
			continue // the parent's side of the cut (RFC 4035 3.1.4.1)
		case t == zones.TypeRRSIG || t == zones.TypeNSEC || t == zones.TypeNSEC3:
			continue // the signer made them
		}
		if c.count == 0 {
			c.first = s.Record(0)
		}
		c.count += s.Len()
	}
}

// leave reports what was hidden, once for each cut or DNAME.
func (c *checker) leave() {
	if c.count > 0 {
		id, where := "N-DNAME-OCC", "below it"
		if c.by.Type() == zones.TypeNS {
			id, where = "N-CUT", "at or below it"
		}
		first := zones.Key{Owner: c.first.Owner, Type: c.first.Type}.String()
		if p := c.first.From.Place; !p.IsZero() {
			first += " at " + p.String()
		}
		i := c.say(id, defined[id].severity, c.by.From(0).Place, fmt.Sprintf("%v hides %d records %s; the first is %s", c.by.Key(), c.count, where, first))
		if i >= 0 {
			c.out[i].Count = c.count
		}
	}
	c.hidden = hidden{}
}

// delegation looks at the NS of a cut.
func (c *checker) delegation(ns zones.RRset) {
	owner := ns.Owner()
	if owner.IsWildcard() {
		return // N-WILD-NS says it all
	}
	own, _ := c.z.Lookup(c.z.Origin(), zones.TypeNS)
	child := c.spaces[owner] != nil
	self := false
	for i := range ns.Len() {
		t, ok := oneName(ns.Data(i))
		if !ok {
			continue
		}
		if t.Within(owner) && !c.sp.addresses(t) { // RFC 1034 4.2.1: glue is required
			c.glueless[owner] = true
			if !c.lost(ns, i, t) {
				c.tell("D-GLUE", ns, i, "the server %v of %v lies below the delegation and has no address here", t.Text(), owner.Text())
			}
		}
		if c.opts.Whole && !child && !self && own.Has(ns.Data(i)) {
			self = true
			c.tell("D-SELF", ns, i, "%v is delegated to %v, which serves this zone and not the child", owner.Text(), t.Text())
		}
	}
}

// cycles looks for delegations whose servers all lie below each other's cuts,
// without an address on the way (RFC 1034 4.2.1: then no one can reach the zones).
func (c *checker) cycles() {
	needs := map[zones.Name][]zones.Name{} // a cut that is not reached by itself, and the cuts that would lead there
	feeds := map[zones.Name][]zones.Name{} // the reverse
	var reached []zones.Name
	var order []zones.Name
	if len(c.sp.cuts) == 0 {
		return
	}
	for owner := range c.z.Owners() {
		if !c.sp.cuts[owner] {
			continue
		}
		if s, _, _, _ := c.sp.above(owner); s.kind != referral || s.node != owner {
			continue // hidden itself
		}
		ns, _ := c.z.Lookup(owner, zones.TypeNS)
		var via []zones.Name
		direct := c.glueless[owner] || c.spaces[owner] != nil
		for i := range ns.Len() {
			t, ok := oneName(ns.Data(i))
			if !ok || direct {
				direct = true
				break
			}
			s, _, _ := c.find(t)
			if s.kind != referral || s.in != c.sp || c.sp.addresses(t) {
				direct = true // answered elsewhere, well or ill, or glue
				break
			}
			via = append(via, s.node)
		}
		if direct {
			reached = append(reached, owner)
			continue
		}
		order = append(order, owner)
		needs[owner] = via
		for _, v := range via {
			feeds[v] = append(feeds[v], owner)
		}
	}
	for len(reached) > 0 {
		n := reached[len(reached)-1]
		reached = reached[:len(reached)-1]
		for _, m := range feeds[n] {
			if needs[m] != nil {
				delete(needs, m)
				reached = append(reached, m)
			}
		}
	}
	next := map[zones.Name]zones.Name{}
	for n, via := range needs {
		next[n] = via[0]
	}
	for _, circle := range circles(order, next) {
		ns, _ := c.z.Lookup(circle[0], zones.TypeNS)
		c.tell("D-CYCLE", ns, 0, "%v and %v need each other's addresses, and there is no glue", circle[0].Text(), next[circle[0]].Text())
	}
}

// circles lists the circles that one comes into by following next, each once,
// from its member that is first in canonical order.
func circles(starts []zones.Name, next map[zones.Name]zones.Name) (out [][]zones.Name) {
	seen := map[zones.Name]int{} // the walk that saw a name
	for walk, n := range starts {
		for seen[n] == 0 {
			seen[n] = walk + 1
			to, ok := next[n]
			if !ok {
				break
			}
			n = to
		}
		if _, ok := next[n]; !ok || seen[n] != walk+1 {
			continue
		}
		circle := []zones.Name{n} // the walk came round to n
		for m := next[n]; m != n; m = next[m] {
			circle = append(circle, m)
		}
		first := 0
		for i, m := range circle {
			if m.Compare(circle[first]) < 0 {
				first = i
			}
		}
		out = append(out, append(circle[first:], circle[:first]...))
	}
	return out
}

// apex looks at the records that make a zone.
func (c *checker) apex() {
	soa, _ := c.z.Lookup(c.z.Origin(), zones.TypeSOA)
	if _, ok := c.z.Lookup(c.z.Origin(), zones.TypeNS); !ok && !c.strayed(c.z.Origin()) { // RFC 1034 4.2.1
		c.tell("G-NS", soa, 0, "the zone has no NS record at its apex %v", c.z.Origin().Text())
	}
	f := c.z.SOA()
	// RFC 1912 2.2: retry is a fraction of refresh, expire outlasts many of both.
	switch {
	case f.Retry >= f.Refresh:
		c.say("G-SOA", finding.Warning, soa.From(0).Place, fmt.Sprintf("the SOA's retry, %d s, is not below its refresh, %d s (RFC 1912 2.2)", f.Retry, f.Refresh))
	case uint64(f.Expire) <= uint64(f.Refresh)+uint64(f.Retry):
		c.say("G-SOA", finding.Warning, soa.From(0).Place, fmt.Sprintf("the SOA's expire, %d s, is not above refresh and retry together, %d s: secondaries give the zone up early (RFC 1912 2.2)", f.Expire, uint64(f.Refresh)+uint64(f.Retry)))
	}
}
