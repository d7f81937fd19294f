package verify

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// link is what a world has at one name of a chain, without what comes after.
type link struct {
	target  zones.Name  // an alias leads there, a DNAME's too
	set     zones.RRset // the data asked for
	rcode   int         // of a negative answer, and of one that grew too long
	ttl     uint32      // of what stands here
	ends    bool        // no alias
	away    bool        // handed over to others
	unknown bool        // in no zone of the world
}

// link looks at one name.
func (s side) link(n zones.Name, t zones.Type) link {
	a := s.Resolve(n, t)
	if a.Rcode == oracle.Refused {
		return link{unknown: true}
	}
	for _, set := range a.Answer {
		switch {
		case set.Owner() != n: // a DNAME above
		case set.Type() == zones.TypeCNAME && t != zones.TypeCNAME:
			if target, _, err := zones.NameIn(set.Data(0)); err == nil {
				return link{target: target, ttl: set.TTL()}
			}
		case set.Type() == t:
			return link{ends: true, set: set, ttl: set.TTL()}
		}
	}
	if slices.ContainsFunc(a.Authority, func(s zones.RRset) bool { return s.Type() == zones.TypeNS }) {
		return link{away: true}
	}
	return link{ends: true, rcode: a.Rcode}
}

// longestChain is how many aliases in a row are followed (Unbound gives up at
// 11, BIND at 16).
const longestChain = 16

// judges tells whether a resolver's answer to a question can be judged: all of
// the chain lies in zones of the world.
func (s side) judges(k zones.Key) bool {
	switch k.Type {
	case zones.TypeRRSIG, zones.TypeNSEC, zones.TypeNSEC3, zones.TypeDNSKEY: // a signer's
		return false
	case zones.TypeDS: // the parent's side of an apex
		if z := s.world.Nearest(s.view, k.Owner); z != nil && z.Origin() == k.Owner {
			return false
		}
	}
	for n, i := k.Owner, 0; i < longestChain; i++ {
		switch l := s.link(n, k.Type); {
		case l.away, l.unknown:
			return false
		case l.ends:
			return true
		default:
			n = l.target
		}
	}
	return false
}

// atResolver judges an answer of a resolver, name by name along the chain. At
// each, what one of the worlds has is right: a resolver puts an alias that it
// kept together with data that it asked for just now. Where one hands over to
// others no more can be said.
func atResolver(k zones.Key, r probe.Reply, worlds ...side) judged {
	var j judged
	n := k.Owner
	for i := 0; ; i++ {
		var here []link
		for _, w := range worlds {
			switch l := w.link(n, k.Type); {
			case l.away:
				return j
			case !l.unknown:
				here = append(here, l)
			}
		}
		if len(here) == 0 {
			return j
		}
		target, got, ttl := at(r, n, k.Type)
		fits, ttls := false, uint32(0)
		for _, l := range here {
			if l.matches(target, got, r.Rcode) {
				fits, ttls = true, max(ttls, l.ttl)
			}
		}
		switch {
		case !fits || i == longestChain:
			return judged{want: sayAll(here, n, k.Type), got: said(r)}
		case target.IsZero():
			j.raised = j.raised || ttl > ttls
			return j
		}
		j.raised = j.raised || ttl > ttls
		n = target
	}
}

// sayAll says what would be right at a name.
func sayAll(ls []link, n zones.Name, t zones.Type) string {
	out := ls[0].say(n, t)
	for _, l := range ls[1:] {
		if s := l.say(n, t); s != out {
			out += ", or as before " + s
		}
	}
	return out
}

// at takes what an answer holds at one name: an alias, or data, and the highest
// TTL of them.
func at(r probe.Reply, n zones.Name, t zones.Type) (target zones.Name, got []string, ttl uint32) {
	for _, g := range r.Answer {
		if g.Owner != n {
			continue
		}
		switch {
		case g.Type == t:
			got = append(got, g.Data)
			ttl = max(ttl, g.TTL)
		case g.Type == zones.TypeCNAME:
			target, _, _ = zones.NameIn(g.Data)
			ttl = max(ttl, g.TTL)
		}
	}
	return target, got, ttl
}

// matches tells whether an answer at a name is this one. Of an SOA the serial
// does not count. A code of a chain is that of its end.
func (l link) matches(target zones.Name, got []string, rcode int) bool {
	switch {
	case rcode != oracle.NoError && rcode != oracle.NXDomain && rcode != l.rcode:
		return false
	case !l.ends:
		return target == l.target && len(got) == 0
	case !target.IsZero():
		return false
	case l.set.IsZero():
		return len(got) == 0 && rcode == l.rcode
	case rcode != oracle.NoError || len(got) == 0:
		return false
	}
	var want []string
	for i := range l.set.Len() {
		want = append(want, l.set.Data(i))
	}
	if l.set.Type() == zones.TypeSOA {
		want, got = apart(want), apart(got)
	}
	slices.Sort(want)
	got = slices.Clone(got)
	slices.Sort(got)
	return slices.Equal(want, slices.Compact(got))
}

// apart sets the serials of SOA data to 0.
func apart(data []string) []string {
	out := slices.Clone(data)
	for i, d := range out {
		if soa, err := zones.ParseSOA(d); err == nil {
			soa.Serial = 0
			out[i] = soa.Data()
		}
	}
	return out
}

func (l link) say(n zones.Name, t zones.Type) string {
	switch {
	case !l.ends:
		return fmt.Sprintf("%s CNAME %v", n.Text(), l.target)
	case l.set.IsZero():
		return rcodeText(l.rcode) + " without " + t.String()
	}
	s := ""
	for i := range l.set.Len() {
		if i == most {
			return s + fmt.Sprintf(" and %d more", l.set.Len()-most)
		}
		if i > 0 {
			s += ", "
		}
		s += rdata.Text(t, l.set.Data(i))
	}
	return fmt.Sprintf("%s %v %s", n.Text(), t, s)
}
