package proof

import (
	"gialai.gov.vn/hopnhat/zones"
)

// kind is what a resolver gets in the end.
type kind uint8

const (
	refused  kind = iota // no zone holds the name
	nxdomain             //
	nodata               //
	data                 //
	referral             //
	away                 // a chain left for a name outside all zones
	looped               // a chain in a circle
	overlong             // YXDOMAIN: a DNAME made the name too long
)

// String gives what dig shows of it.
func (k kind) String() string {
	return [...]string{"REFUSED", "NXDOMAIN", "NOERROR without data", "data", "a referral", "a chain to another's name", "a chain in a circle", "YXDOMAIN"}[k]
}

// stand is what answers for one name, whatever the type: where the cursor
// is, and where a chain of CNAMEs leads from there.
type stand struct {
	t     *tree
	start cursor
	alias int32      // the node whose CNAME answers first; -1
	end   cursor     // start, or the chain's end
	src   int32      // the node that answers at end; -1
	kind  kind       // for a type that nothing on the way has
	name  zones.Name // away
	size  int        // octets of the name asked for
}

// stand finds what answers at a cursor. path is the name that was asked for
// and size its length in octets.
func (t *tree) stand(c cursor, path []string, size int) stand {
	s := stand{t: t, start: c, alias: -1, end: c, size: size}
	if c.over > 0 && size+int(c.over) > zones.MaxName {
		s.src, s.kind = -1, overlong
		return s
	}
	s.src = t.source(c)
	if c.state == outside && c.moved {
		s.name = external(c, path)
	}
	if s.src >= 0 && t.nodes[s.src].flags&(cname|cut) == cname {
		s.alias = s.src
		l := &t.links[t.nodes[s.src].link]
		s.end, s.name = l.end, l.last
		s.src = t.source(s.end)
	}
	s.kind = s.rest()
	return s
}

// rest is the kind for a type that nothing has.
func (s *stand) rest() kind {
	switch s.end.state {
	case outside:
		if s.alias >= 0 || s.end.moved {
			return away
		}
		return refused
	case under:
		return referral
	case loop:
		return looped
	case grows:
		return overlong
	}
	switch {
	case s.src < 0:
		return nxdomain
	case s.t.nodes[s.src].flags&cut != 0:
		return referral
	}
	return nodata
}

// cutNode is the delegation of a referral.
func (s *stand) cutNode() int32 {
	if s.end.state == under {
		return s.end.node
	}
	return s.src
}

// ask gives kind and RRset for one type.
func (s *stand) ask(typ zones.Type) (kind, zones.RRset) {
	s = s.on(typ)
	k := s.kind
	if typ == zones.TypeDS && k == referral && s.end.state == at && s.src == s.end.node {
		k = nodata // DS is the parent's: it is answered at the cut
	}
	if k == nodata {
		if set := s.t.set(s.src, typ); !set.IsZero() {
			return data, set
		}
	}
	return k, zones.RRset{}
}

// on is what answers for a type: s, but for DS at an apex the parent's side
// (RFC 4035 3.1.4.1), if that is served.
func (s *stand) on(typ zones.Type) *stand {
	if typ != zones.TypeDS {
		return s
	}
	for range 8 {
		up, ok := s.t.up[s.end.node]
		if !ok || s.end.state != at || up.state == outside && !up.moved {
			return s
		}
		name := s.t.name(s.end.node)
		p := s.t.stand(up, labelsDown(name, nil), len(name.Wire()))
		s = &p
	}
	return &stand{t: s.t, kind: looped, alias: -1, src: -1, end: cursor{state: loop, node: -1, pos: -1}, start: s.start}
}
