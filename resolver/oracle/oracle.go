package oracle

import (
	"gialai.gov.vn/hopnhat/zones"
)

// The response codes that an answer may have (RFC 1035 4.1.1, RFC 6672 2.2).
const (
	NoError  = 0
	NXDomain = 3
	Refused  = 5
	YXDomain = 6
)

// Answer is what a server must say. The sets stand in the order of the
// message; synthesised ones have the owner that was asked for. Additional
// holds in-domain glue alone.
type Answer struct {
	Rcode                         int
	AA                            bool
	Answer, Authority, Additional []zones.RRset
}

// Resolver answers from one view of a world. It is immutable.
type Resolver struct {
	world  zones.World
	view   zones.View
	exists map[*zones.Zone]map[zones.Name]bool // owners and empty non-terminals
}

// New prepares a resolver.
func New(w zones.World, v zones.View) *Resolver {
	r := &Resolver{w, v, map[*zones.Zone]map[zones.Name]bool{}}
	for z := range w.In(v) {
		names := map[zones.Name]bool{z.Origin(): true}
		for owner := range z.Owners() {
			for n := owner; n != z.Origin(); n, _ = n.Parent() {
				names[n] = true
			}
		}
		r.exists[z] = names
	}
	return r
}

// Resolve answers one question of class IN; for many, use New once.
func Resolve(w zones.World, v zones.View, qname zones.Name, t zones.Type) Answer {
	return New(w, v).Resolve(qname, t)
}

// zoneFor finds the zone that answers (RFC 1034 4.3.2 step 2): the one whose
// apex is nearest above the name; for DS at an apex the parent's, if it is
// served too (RFC 4035 3.1.4.1).
func (r *Resolver) zoneFor(name zones.Name, t zones.Type) *zones.Zone {
	z := r.world.Nearest(r.view, name)
	if z != nil && t == zones.TypeDS && name == z.Origin() {
		if up, ok := name.Parent(); ok {
			if parent := r.world.Nearest(r.view, up); parent != nil {
				return parent
			}
		}
	}
	return z
}

// Resolve answers one question of class IN.
func (r *Resolver) Resolve(qname zones.Name, t zones.Type) Answer {
	z := r.zoneFor(qname, t)
	if z == nil {
		return Answer{Rcode: Refused}
	}
	q := &question{Resolver: r, zone: z, typ: t, answer: Answer{AA: true}, visited: map[zones.Name]bool{}}
	for name, more := qname, true; more; {
		q.visited[name] = true
		name, more = q.step(name)
		// A chain stays in its zone, and shows each record once.
		more = more && !q.visited[name] && r.zoneFor(name, t) == z
	}
	return q.answer
}

// question is one resolution under way.
type question struct {
	*Resolver
	zone    *zones.Zone
	typ     zones.Type
	answer  Answer
	visited map[zones.Name]bool
}

// step is RFC 1034 4.3.2 step 3 for one name: it walks down from the apex,
// label by label. It returns the name that a CNAME or DNAME leads to.
func (q *question) step(name zones.Name) (next zones.Name, follow bool) {
	path := pathDown(q.zone.Origin(), name)
	for i, node := range path {
		last := i == len(path)-1
		if !q.exists[q.zone][node] {
			encloser, _ := node.Parent()
			return q.wildcard(name, encloser)
		}
		// Step 3b: a cut. DS belongs to the parent's side of it (RFC 4035 3.1.4.1).
		if ns, ok := q.zone.Lookup(node, zones.TypeNS); ok && node != q.zone.Origin() && !(last && q.typ == zones.TypeDS) {
			q.referral(ns)
			return next, false
		}
		// RFC 6672 3.2: a DNAME redirects what is below its owner, not the owner.
		if dname, ok := q.zone.Lookup(node, zones.TypeDNAME); ok && !last {
			return q.dname(name, dname)
		}
	}
	return q.at(name, name)
}

// pathDown lists the names from the apex to name, both included.
func pathDown(apex, name zones.Name) []zones.Name {
	path := []zones.Name{name}
	for n := name; n != apex; {
		n, _ = n.Parent()
		path = append([]zones.Name{n}, path...)
	}
	return path
}

// wildcard is step 3c: the name is not there; the asterisk below the closest
// encloser is the source of synthesis, if it exists (RFC 4592 3.3.1). One
// that owns nothing but has names below it exists too.
func (q *question) wildcard(name, encloser zones.Name) (zones.Name, bool) {
	star, err := encloser.Child("*")
	if err != nil || !q.exists[q.zone][star] {
		q.answer.Rcode = NXDomain
		q.negative()
		return zones.Name{}, false
	}
	return q.at(name, star)
}

// at answers from the node src, which is name itself or a wildcard for it.
func (q *question) at(name, src zones.Name) (next zones.Name, follow bool) {
	if ns, ok := q.zone.Lookup(src, zones.TypeNS); ok && src != name && q.typ != zones.TypeDS {
		q.referral(renamed(ns, name)) // NS at a wildcard: undefined (RFC 4592 4.2), taken as a cut
		return next, false
	}
	sets := q.zone.At(src)
	if q.typ == zones.TypeANY && len(sets) > 0 {
		q.add(renamed(sets[0], name)) // one RRset (RFC 8482 4.1): the lowest type
		return next, false
	}
	if cname, ok := q.zone.Lookup(src, zones.TypeCNAME); ok && q.typ != zones.TypeCNAME {
		q.add(renamed(cname, name))
		target, _, err := zones.NameIn(cname.Data(0))
		return target, err == nil
	}
	if set, ok := q.zone.Lookup(src, q.typ); ok {
		q.add(renamed(set, name))
		return next, false
	}
	q.negative()
	return next, false
}

// dname is RFC 6672 3.2: the DNAME, and a CNAME made of it with its TTL.
func (q *question) dname(name zones.Name, dname zones.RRset) (next zones.Name, follow bool) {
	if !q.has(dname) {
		q.add(dname)
	}
	target, _, err := zones.NameIn(dname.Data(0))
	if err != nil {
		return next, false
	}
	next, err = name.Rebase(dname.Owner(), target)
	if err != nil {
		q.answer.Rcode = YXDomain // RFC 6672 2.2: the name grew too long
		return next, false
	}
	cname, err := zones.NewRRset(zones.Record{Owner: name, Type: zones.TypeCNAME, TTL: dname.TTL(), Data: next.Wire(), From: dname.From(0)})
	if err != nil {
		return next, false
	}
	q.add(cname)
	return next, q.typ != zones.TypeCNAME && q.typ != zones.TypeANY
}

func (q *question) has(s zones.RRset) bool {
	for _, a := range q.answer.Answer {
		if a.Key() == s.Key() {
			return true
		}
	}
	return false
}

func (q *question) add(s zones.RRset) { q.answer.Answer = append(q.answer.Answer, s) }

// renamed is a set with the owner that was asked for (RFC 4592 3.3.2).
func renamed(s zones.RRset, owner zones.Name) zones.RRset {
	rs := s.Records()
	for i := range rs {
		rs[i].Owner = owner
	}
	out, err := zones.NewRRset(rs...)
	if err != nil {
		return s
	}
	return out
}

// negative puts the SOA into the authority, with the TTL of negative answers
// (RFC 2308 3, 5).
func (q *question) negative() {
	soa, _ := q.zone.Lookup(q.zone.Origin(), zones.TypeSOA)
	r := soa.Record(0)
	r.TTL = q.zone.SOA().NegativeTTL(soa.TTL())
	set, err := zones.NewRRset(r)
	if err == nil {
		q.answer.Authority = append(q.answer.Authority, set)
	}
}

// referral is RFC 1034 4.3.2 step 3b with the glue of RFC 9471 2.1: addresses
// of servers at or below the cut. The answer is authoritative only for the
// chain that led here.
func (q *question) referral(ns zones.RRset) {
	q.answer.AA = len(q.answer.Answer) > 0
	q.answer.Authority = append(q.answer.Authority, ns)
	for _, r := range ns.Records() {
		host, _, err := zones.NameIn(r.Data)
		if err != nil || !host.Within(ns.Owner()) {
			continue
		}
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			if s, ok := q.zone.Lookup(host, t); ok {
				q.answer.Additional = append(q.answer.Additional, s)
			}
		}
	}
}
