package check

import (
	"gialai.gov.vn/hopnhat/zones"
)

// space is a zone with what a search needs beside its records.
type space struct {
	z       *zones.Zone
	ents    map[zones.Name]bool // names that own nothing and have names below them
	cuts    map[zones.Name]bool // owners of NS below the apex
	dnames  map[zones.Name]bool
	servers map[zones.Name]bool // names that an NS of the zone names
	hosts   map[zones.Name]bool // names at or above an address; made by addressBelow
}

func newSpace(z *zones.Zone) *space {
	sp := &space{z: z, ents: map[zones.Name]bool{}, cuts: map[zones.Name]bool{}, dnames: map[zones.Name]bool{}, servers: map[zones.Name]bool{}}
	var last zones.Name
	for s := range z.All() {
		o := s.Owner()
		switch s.Type() {
		case zones.TypeNS:
			if o != z.Origin() {
				sp.cuts[o] = true
			}
			for i := range s.Len() {
				if n, ok := oneName(s.Data(i)); ok {
					sp.servers[n] = true
				}
			}
		case zones.TypeDNAME:
			sp.dnames[o] = true
		}
		if o == last {
			continue
		}
		last = o
		for m := o; m != z.Origin(); {
			m, _ = m.Parent()
			if sp.ents[m] || len(z.At(m)) > 0 {
				break
			}
			sp.ents[m] = true
		}
	}
	return sp
}

// has tells whether a name exists in the zone (RFC 4592 2.2.2).
func (sp *space) has(n zones.Name) bool {
	return len(sp.z.At(n)) > 0 || sp.ents[n]
}

// addressBelow tells whether an address stands at n or below it.
func (sp *space) addressBelow(n zones.Name) bool {
	if sp.hosts == nil {
		sp.hosts = map[zones.Name]bool{}
		for s := range sp.z.All() {
			if t := s.Type(); t != zones.TypeA && t != zones.TypeAAAA {
				continue
			}
			for m := s.Owner(); !sp.hosts[m]; m, _ = m.Parent() {
				sp.hosts[m] = true
				if m == sp.z.Origin() {
					break
				}
			}
		}
	}
	return sp.hosts[n]
}

// addresses tells whether the zone states an address at exactly this name.
func (sp *space) addresses(n zones.Name) bool {
	_, a := sp.z.Lookup(n, zones.TypeA)
	_, aaaa := sp.z.Lookup(n, zones.TypeAAAA)
	return a || aaaa
}

// kind is where a search ends.
type kind uint8

const (
	outside  kind = iota // no zone that was given
	data                 // records of spot.node answer, a wildcard's too
	empty                // the name exists and owns nothing
	missing              // NXDOMAIN
	referral             // at or below the cut spot.node
	looped               // a circle
	long                 // a chain of DNAMEs that was not followed to its end
	grown                // a DNAME made the name too long (YXDOMAIN, RFC 6672 2.2)
)

// spot is what RFC 1034 4.3.2 finds for a name.
type spot struct {
	kind kind
	in   *space
	node zones.Name
}

// set returns the record set of a type where records answer.
func (s spot) set(t zones.Type) (zones.RRset, bool) {
	if s.kind != data {
		return zones.RRset{}, false
	}
	return s.in.z.Lookup(s.node, t)
}

// addressed tells whether an address answers.
func (s spot) addressed() bool { return s.kind == data && s.in.addresses(s.node) }

// nowhere tells whether nothing at all answers.
func (s spot) nowhere() bool { return s.kind == missing || s.kind == empty }

// index searches the zones of one view.
type index struct {
	world  zones.World
	view   zones.View
	spaces map[zones.Name]*space
	ends   map[zones.Name]end
	loops  [][]link // circles that no zone has reported yet
	steps  int      // searches made; CHECK-LINEAR is held by it
}

func newIndex(w zones.World, v zones.View) *index {
	x := &index{world: w, view: v, spaces: map[zones.Name]*space{}, ends: map[zones.Name]end{}}
	for z := range w.In(v) {
		x.spaces[z.Origin()] = newSpace(z)
	}
	return x
}

// near is the zone nearest to a name; nil where none is.
func (x *index) near(n zones.Name) *space {
	for ok := !n.IsZero(); ok; n, ok = n.Parent() {
		if sp := x.spaces[n]; sp != nil {
			return sp
		}
	}
	return nil
}

// find is one step of RFC 1034 4.3.2: no alias is followed. Where a DNAME
// stands above the name, it is returned, with the name that takes its place.
func (x *index) find(n zones.Name) (s spot, by, to zones.Name) {
	x.steps++
	sp := x.near(n)
	if sp == nil {
		return spot{}, by, to
	}
	if len(sp.cuts)+len(sp.dnames) > 0 {
		if s, by, to, ok := sp.above(n); ok {
			return s, by, to
		}
	}
	switch {
	case len(sp.z.At(n)) > 0:
		return spot{data, sp, n}, by, to
	case sp.ents[n]:
		return spot{empty, sp, n}, by, to
	}
	encloser := n
	for encloser != sp.z.Origin() && !sp.has(encloser) {
		encloser, _ = encloser.Parent()
	}
	star, err := encloser.Child("*") // RFC 4592 3.3.1
	switch {
	case err == nil && len(sp.z.At(star)) > 0:
		return spot{data, sp, star}, by, to
	case err == nil && sp.ents[star]:
		return spot{empty, sp, star}, by, to
	}
	return spot{missing, sp, n}, by, to
}

// above looks for the topmost cut at or above n, or DNAME above it.
func (sp *space) above(n zones.Name) (s spot, by, to zones.Name, ok bool) {
	for m := n; ; m, _ = m.Parent() {
		if sp.cuts[m] {
			s, by, to, ok = spot{referral, sp, m}, zones.Name{}, zones.Name{}, true
		} else if m != n && sp.dnames[m] {
			set, _ := sp.z.Lookup(m, zones.TypeDNAME)
			target, _ := oneName(set.Data(0))
			moved, err := n.Rebase(m, target)
			s, by, to, ok = spot{}, m, moved, true
			if err != nil {
				s = spot{grown, sp, m}
			}
		}
		if m == sp.z.Origin() {
			return s, by, to, ok
		}
	}
}

// link is one step of a chain: a CNAME or a DNAME in a zone.
type link struct {
	in    *space
	owner zones.Name
	typ   zones.Type
}

// end is where the chain of a name ends.
type end struct {
	spot
	hops      int        // aliases on the way, synthesised ones too
	alias     zones.Name // owner of the first CNAME on the way; zero for none
	aliasHops int        // hops from there
}

// maxDNAME bounds the DNAMEs of one chain that are followed.
const maxDNAME = 300

// end follows a name to the end of its chain. Ends are remembered, so that all
// chains together take linear time.
func (x *index) end(n zones.Name) end {
	type step struct {
		name zones.Name
		link
	}
	var path []step
	on := map[zones.Name]int{}
	var e end
	dnames := 0
	for cur := n; ; {
		var ok bool
		if e, ok = x.ends[cur]; ok {
			break
		}
		if from, ok := on[cur]; ok {
			var circle []link
			for _, s := range path[from:] {
				circle = append(circle, s.link)
			}
			x.loops = append(x.loops, circle)
			e.spot = spot{kind: looped}
			break
		}
		s, by, to := x.find(cur)
		if !to.IsZero() {
			if dnames++; dnames > maxDNAME {
				e.spot = spot{kind: long}
				if len(to.Wire()) > len(n.Wire())+maxDNAME/4 {
					e.spot.kind = grown
				}
				break
			}
			sp := x.near(cur)
			on[cur] = len(path)
			path = append(path, step{cur, link{sp, by, zones.TypeDNAME}})
			cur = to
			continue
		}
		if c, ok := s.set(zones.TypeCNAME); ok {
			if t, ok := oneName(c.Data(0)); ok {
				on[cur] = len(path)
				path = append(path, step{cur, link{s.in, s.node, zones.TypeCNAME}})
				cur = t
				continue
			}
		}
		e = end{spot: s}
		x.ends[cur] = e
		break
	}
	for i := len(path) - 1; i >= 0; i-- {
		e.hops++
		if path[i].typ == zones.TypeCNAME {
			e.alias, e.aliasHops = path[i].owner, e.hops
		}
		x.ends[path[i].name] = e
	}
	return e
}

// oneName reads data that is one name: NS, CNAME, DNAME, PTR.
func oneName(d string) (zones.Name, bool) {
	n, used, err := zones.NameIn(d)
	return n, err == nil && used == len(d)
}
