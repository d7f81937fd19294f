package proof

import (
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// report records a fault with what the two worlds give.
func (w *walker) report(out *tally, p *place, o, n *stand, typ zones.Type, c cause, why string) {
	if c.typ == zones.TypeDS {
		typ = c.typ // nothing else shows it
	}
	q, have := typ, out.by[c]
	far := (o.alias >= 0 || n.alias >= 0) && (c.new && w.apart(c, p) || !c.new && c.node != o.start.node && c.node != o.alias)
	if have != nil && have.far == far && late(p, have) || have != nil && far && !have.far {
		have.count++
		return
	}
	if q == 0 {
		q = freshType(o, n)
	}
	if have != nil && have.far == far && !earlier(p.path, q, have) {
		have.count++
		return
	}
	b := broken{cause: c, path: p.path, qtype: q, was: o.show(typ), is: n.show(typ), why: why, far: far}
	b.glue(o, n)
	out.find(b)
}

// apart tells whether what is at fault in NEW stands neither at a name nor
// above it: an alias leads there.
func (w *walker) apart(c cause, p *place) bool {
	if c.node < 0 {
		return false
	}
	n, t := c.node, w.new
	if t.nodes[n].label == "*" && t.nodes[n].parent >= 0 {
		n = t.nodes[n].parent
	}
	return !w.nameAt(p).Within(t.name(n))
}

// glue says which addresses went with a referral, where those are at fault.
func (b *broken) glue(o, n *stand) {
	if b.id == "D-GLUE" && n.kind == referral {
		b.why = "now " + n.glue()
		if o.kind == referral {
			b.why = "before " + o.glue() + "; " + b.why
		}
	}
}

// glue lists the addresses that go with a referral.
func (s *stand) glue() string {
	if s.kind != referral {
		return ""
	}
	var b strings.Builder
	ns := s.t.set(s.cutNode(), zones.TypeNS)
	for i := range ns.Len() {
		host := target2(ns.Data(i))
		if !host.Within(ns.Owner()) {
			continue
		}
		var at []string
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			if set := s.t.held(host, t); !set.IsZero() {
				at = append(at, text(set))
			}
		}
		if len(at) == 0 {
			at = []string{"no address"}
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s with %s", host.Text(), strings.Join(at, ", "))
	}
	return b.String()
}

// freshType is a type to ask for that neither side has: TXT where that is so,
// since dig knows it.
func freshType(o, n *stand) zones.Type {
	for _, t := range []zones.Type{zones.TypeA, zones.TypeTXT, zones.TypeLOC, 65280} {
		if a, _ := o.ask(t); a == o.kind {
			if b, _ := n.ask(t); b == n.kind {
				return t
			}
		}
	}
	return 65281
}

// show gives in one line what a resolver gets.
func (s *stand) show(typ zones.Type) string {
	s = s.on(typ)
	k, set := s.ask(typ)
	switch k {
	case data:
		return text(set)
	case referral:
		return "a referral to " + text(s.t.set(s.cutNode(), zones.TypeNS))
	case away:
		return "a chain to " + s.name.Text()
	}
	if s.alias >= 0 {
		return k.String() + " at the end of a chain by " + s.t.links[s.t.nodes[s.alias].link].target.Text()
	}
	return k.String()
}

// text lists the data of an RRset, the first few.
func text(s zones.RRset) string {
	var b strings.Builder
	for i := range s.Len() {
		if i == 3 {
			fmt.Fprintf(&b, " … (%d in all)", s.Len())
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(rdata.Text(s.Type(), s.Data(i)))
	}
	return b.String()
}

// late tells whether a place comes after a witness, so that there is no need
// to word it.
func late(p *place, have *broken) bool { return inOrder(p.path, have.path) > 0 }
