package proof

import (
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// report records a fault with what the two worlds give.
func (w *walker) report(out *tally, p *place, o, n *stand, typ zones.Type, c cause, why string) {
	q, have := typ, out.by[c]
	if have == nil || !late(p, have) {
		if q == 0 {
			q = freshType(o, n)
		}
	}
	if have != nil && (late(p, have) || !earlier(p.path, q, have)) {
		have.count++
		return
	}
	out.find(broken{cause: c, path: p.path, qtype: q, was: o.show(typ), is: n.show(typ), why: why})
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
