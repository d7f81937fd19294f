package proof

import (
	"net/netip"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// longChain is the longest chain of CNAMEs that resolvers in use all follow.
const longChain = 10

// pointing types have names in their data that a client asks for next.
func pointing(t zones.Type) bool {
	switch t {
	case zones.TypeNS, zones.TypeMX, zones.TypeSRV, zones.TypeSVCB, zones.TypeHTTPS, zones.TypeCNAME, zones.TypeDNAME:
		return true
	}
	return false
}

// wellFormed looks at what NEW states at a name: what is new must be fit to
// serve, and what a record points at must not have become unfit. What OLD
// stated already, and what is as it was there, is not reported.
func (w *walker) wellFormed(out *tally, p *place, o, n *stand, cs []claim) {
	node := n.start.node
	m := &w.new.nodes[node]
	var was []zones.RRset
	if o.start.state == at && !o.start.moved {
		was = w.old.nodes[o.start.node].sets
	}
	for _, s := range m.sets {
		t := s.Type()
		addr := t == zones.TypeA || t == zones.TypeAAAA
		if addr && (w.new.view != zones.Internet || !private(s)) && !w.starred(p) || !addr && !pointing(t) && !w.starred(p) {
			continue
		}
		changed := !same(find(was, t), s)
		c := cause{new: true, node: node, typ: t}
		flag := func(id, why string, typ zones.Type) {
			c.id = id
			w.report(out, p, o, n, typ, c, why)
		}
		if changed {
			switch {
			case addr && w.new.view == zones.Internet && private(s):
				w.privates(out, p, o, n, s)
			case (t == zones.TypeNS || t == zones.TypeDNAME) && m.label == "*" && m.flags&apex == 0:
				flag("N-WILD-NS", "", t)
			}
			if w.starred(p) {
				c2 := cause{id: "N-WILD-INNER", new: true, node: node}
				w.report(out, p, o, n, t, c2, "")
			}
			if t == zones.TypeNS && m.flags&cut != 0 {
				w.delegation(out, p, o, n, node, cs)
			}
			if t == zones.TypeCNAME {
				if hops := w.new.links[m.link].hops; hops > longChain && n.kind != looped && (o.alias < 0 || w.old.links[w.old.nodes[o.alias].link].hops <= longChain) {
					flag("X-LEN", "", zones.TypeA)
				}
			}
		}
		if t == zones.TypeCNAME && beside(m.sets) && (changed || !beside(was)) {
			c.typ = 0
			flag("N-CNAME-OTHER", "", t)
		}
		if pointing(t) {
			w.points(out, p, o, n, s, find(was, t), cs)
		}
	}
}

// beside tells whether sets of one name hold data that a CNAME may not stand
// beside (RFC 2181 10.1, RFC 4034 2.5 and 3).
func beside(sets []zones.RRset) bool {
	return !find(sets, zones.TypeCNAME).IsZero() && slices.ContainsFunc(sets, func(x zones.RRset) bool {
		return x.Type() != zones.TypeCNAME && !derived(x.Type()) && x.Type() != zones.TypeKEY
	})
}

// privates tells of private addresses, once for a zone and type.
func (w *walker) privates(out *tally, p *place, o, n *stand, s zones.RRset) {
	c := cause{id: "M-PRIVATE", new: true, node: w.new.apex[n.zone()], typ: s.Type()}
	if have := out.by[c]; have != nil && late(p, have) {
		have.count++
		return
	}
	out.find(broken{cause: c, path: p.path, qtype: s.Type(), was: o.show(s.Type()), is: n.show(s.Type()), spot: n.start.node})
}

// starred tells whether an asterisk stands inside a name.
func (w *walker) starred(p *place) bool {
	for _, l := range p.path[:max(0, len(p.path)-1)] {
		if l == "*" {
			return true
		}
	}
	return false
}

func find(sets []zones.RRset, t zones.Type) zones.RRset {
	for _, s := range sets {
		if s.Type() == t {
			return s
		}
	}
	return zones.RRset{}
}

// private tells whether an address is one that the internet does not route.
func private(s zones.RRset) bool {
	for i := range s.Len() {
		if a, ok := netip.AddrFromSlice([]byte(s.Data(i))); ok && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()) {
			return true
		}
	}
	return false
}

// points looks at each name that an RRset of NEW points at.
func (w *walker) points(out *tally, p *place, o, n *stand, s, was zones.RRset, cs []claim) {
	t := s.Type()
	for i := range s.Len() {
		names, err := rdata.Names(t, s.Data(i))
		if err != nil {
			continue
		}
		changed := was.IsZero() || !was.Has(s.Data(i))
		for _, x := range names {
			y := x.Name
			if y.IsRoot() {
				continue
			}
			c := cause{new: true, node: n.start.node, typ: t}
			if changed && y.IsWildcard() {
				c.id = "N-STAR-LIT"
				w.report(out, p, o, n, t, c, y.Text())
			}
			ny := w.new.standAt(y)
			if ny.kind == refused || ny.start.state == outside {
				oy := w.old.standAt(y)
				if oy.start.state != outside && (changed || t != zones.TypeCNAME && t != zones.TypeDNAME) {
					c.id = "X-TAKEOVER"
					w.report(out, p, o, n, t, c, y.Text())
				}
				continue
			}
			if t == zones.TypeCNAME || t == zones.TypeDNAME {
				continue // chains are followed by continuity
			}
			if ny.alias >= 0 && (x.Role == rdata.Host || x.Role == rdata.Exchange) {
				oy := w.old.standAt(y)
				switch {
				case changed:
					c.id = "X-MX-CNAME"
				case oy.alias < 0:
					c = cause{id: "X-MX-CNAME", new: true, node: ny.alias}
					if w.aliased(y) {
						c.id = "M-ALIAS"
					}
				default:
					continue
				}
				w.report(out, p, o, n, t, c, y.Text())
				continue
			}
			gone := ny.kind == nxdomain && len(w.rulings.exceptions[y]) > 0 // its own loss is declared, this is not
			if gone || changed && ny.kind == nxdomain && firstWanting(w, cs, t) == nil {
				c.id = "X-DANGLE"
				w.report(out, p, o, n, t, c, y.Text())
			}
		}
	}
}

func firstWanting(w *walker, cs []claim, t zones.Type) *claim {
	for i := range cs {
		if w.wants(&cs[i], t) {
			return &cs[i]
		}
	}
	return nil
}

// aliased tells whether an old name's mode is to be an alias.
func (w *walker) aliased(n zones.Name) bool { return w.mode(n) == mapping.Alias }

// mode is how an old name goes on answering.
func (w *walker) mode(n zones.Name) mapping.Mode {
	for _, x := range w.modes {
		if (x.View == "" || x.View == w.new.view) && x.Match.Match(n) {
			return x.Mode
		}
	}
	return mapping.Follow
}

// delegation looks at a cut that is new or has other servers.
func (w *walker) delegation(out *tally, p *place, o, n *stand, node int32, cs []claim) {
	ns := w.new.set(node, zones.TypeNS)
	c := cause{id: "D-GLUE", new: true, node: node}
	if w.glueMissing(node) {
		if firstWanting(w, cs, zones.TypeNS) == nil {
			w.report(out, p, o, n, zones.TypeNS, c, "a server below the cut has no address")
		}
	} else if !w.reachable(node, map[int32]bool{}) {
		c.id = "D-CYCLE"
		w.report(out, p, o, n, zones.TypeNS, c, "")
	}
	if z := w.new.nodes[node].zone; z >= 0 {
		own := w.new.set(w.new.apex[z], zones.TypeNS)
		for i := range ns.Len() {
			if own.Has(ns.Data(i)) && (o.start.state != at || !w.copiedApex(node)) { // one that hides something is N-APEX
				c.id = "D-SELF"
				w.report(out, p, o, n, zones.TypeNS, c, target2(ns.Data(i)).Text())
				return
			}
		}
	}
}

// reachable tells whether a resolver can find an address of a delegation's
// servers.
func (w *walker) reachable(node int32, seen map[int32]bool) bool {
	if seen[node] {
		return false
	}
	seen[node] = true
	ns := w.new.set(node, zones.TypeNS)
	for i := range ns.Len() {
		host := target2(ns.Data(i))
		s := w.new.standAt(host)
		if s.kind != referral {
			return true // its own zone answers, well or ill
		}
		d := s.cutNode()
		glue := !w.new.held(host, zones.TypeA).IsZero() || !w.new.held(host, zones.TypeAAAA).IsZero()
		if glue && host.Within(w.new.name(d)) && (d == node || !seen[d]) || d != node && w.reachable(d, seen) {
			return true
		}
	}
	return false
}
