package cutover

import (
	"fmt"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// caches is the slow twin of a timeline: all that TTL-respecting caches can
// hold, second by second, when they may have asked any server for anything at
// any time before. A server turns to a step's world at its instant, or as late
// as lag after it; it may do so zone by zone.
type caches struct {
	served []Step // by instant; before the first its world is served
	lag    time.Duration
	own    time.Duration // where lag is 0: refresh of the secondaries, if the SOA that they hold has no longer one
	from   time.Time
	until  time.Time
	most   time.Duration // the longest TTL of all
}

// answer is what is said of a name: an address, another name, or nothing (0).
type answer struct {
	typ  zones.Type
	data string
}

// said gives what some server says of a name at an instant, and until when
// that may be kept.
func (c *caches) said(name zones.Name, at time.Time) map[answer]time.Time {
	all := map[answer]time.Time{}
	for i, s := range c.served {
		if i > 0 && at.Before(s.At) {
			break
		}
		z := s.World.Nearest(zones.Internet, name)
		if i+1 < len(c.served) && at.After(c.served[i+1].At.Add(c.late(z))) {
			continue
		}
		soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
		a, ttl := answer{}, z.SOA().NegativeTTL(soa.TTL())
		for _, set := range z.At(name) {
			if t := set.Type(); t == zones.TypeA || t == zones.TypeCNAME {
				a, ttl = answer{t, set.Data(0)}, set.TTL()
			}
		}
		if end := at.Add(seconds(ttl)); all[a].Before(end) {
			all[a] = end
		}
	}
	return all
}

// late is how long after another version came a zone may still be served.
func (c *caches) late(z *zones.Zone) time.Duration {
	if c.lag > 0 {
		return c.lag
	}
	return max(c.own, seconds(z.SOA().Refresh)) + seconds(z.SOA().Retry)
}

// held gives what a client can be told of a name at an instant, by a cache or
// by a server.
func (c *caches) held(name zones.Name, at time.Time) map[answer]bool {
	all := map[answer]bool{}
	for asked := at.Add(-c.most); !asked.After(at); asked = asked.Add(time.Second) {
		for a, end := range c.said(name, asked) {
			if asked.Equal(at) || at.Before(end) {
				all[a] = true
			}
		}
	}
	return all
}

// broken tells the first instant at which a client that asks one of the names
// can be led to nothing, and how; "" if there is none.
func (c *caches) broken(names ...zones.Name) string {
	for at := c.from; !at.After(c.until); at = at.Add(time.Second) {
		for _, n := range names {
			if by := c.leads(n, at, 0); by != "" {
				return fmt.Sprint(at.Sub(c.from), ": ", by)
			}
		}
	}
	return ""
}

func (c *caches) leads(n zones.Name, at time.Time, depth int) string {
	if depth > 6 {
		return n.Text() + " loops"
	}
	for a := range c.held(n, at) {
		switch a.typ {
		case 0:
			return n.Text() + " is not there"
		case zones.TypeCNAME:
			to, _, _ := zones.NameFromWire([]byte(a.data))
			if by := c.leads(to, at, depth+1); by != "" {
				return n.Text() + " > " + by
			}
		}
	}
	return ""
}
