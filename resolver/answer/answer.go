package answer

import (
	"bytes"
	"encoding/binary"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
)

// The response codes (RFC 1035 4.1.1, RFC 6672 2.2, RFC 6891 9, RFC 8945 3).
const (
	noError  = 0
	formErr  = 1
	servFail = 2
	nxDomain = 3
	notImp   = 4
	refused  = 5
	yxDomain = 6
	notAuth  = 9
	badVers  = 16
	badKey   = 17
)

// longChain is how many names of a chain are remembered without allocating.
const longChain = 16

// walk is the resolution of one question.
type walk struct {
	writer
	zone    uint32
	typ     zones.Type
	rcode   int
	aa      bool
	buf     [zones.MaxName]byte // the name under way, in lower case
	size    int
	visited [longChain][zones.MaxName]byte // names met so far; a name's wire form ends itself
	chain   int
	more    [][]byte          // those that do not fit visited
	dnames  [longChain]uint32 // DNAME sets that stand in the answer
	redir   int
}

// Handle answers one message (resolver.Handler).
func (im *Image) Handle(dst, msg []byte, from resolver.Peer) []byte {
	var q resolver.Query
	switch v := q.Parse(msg); v {
	case resolver.Drop:
		return dst
	case resolver.Good:
		return im.Answer(dst, &q, from)
	default:
		return im.fault(dst, &q, v, from)
	}
}

// Answer appends the response to a question that Parse found good.
func (im *Image) Answer(dst []byte, q *resolver.Query, from resolver.Peer) []byte {
	if out, done := im.special(dst, q, from); done {
		return out
	}
	var w walk
	w.im = im
	w.typ = zones.Type(q.Type)
	w.size = len(q.Name)
	for i, c := range q.Name {
		w.buf[i] = lower(c) // a length octet is below 'A'
	}
	w.begin(dst, q, from)
	if w.zone = im.zoneFor(w.qname(), w.typ); w.zone == none {
		return w.end(q, refused, 0, notAuthoritative)
	}
	w.aa = true
	for w.step() {
	}
	flags := uint16(0)
	if w.aa {
		flags = resolver.FlagAA
	}
	return w.end(q, w.rcode, flags, -1)
}

// qname is the name under way, in lower case.
func (w *walk) qname() []byte { return w.buf[:w.size] }

// step is RFC 1034 4.3.2 step 3 for the name under way; true when a chain
// goes on, with the next name.
func (w *walk) step() bool {
	w.visit()
	at, exact := w.im.closest(w.qname(), w.zone)
	n := &w.im.nodes[at]
	if over := n.over; over != none {
		switch {
		case w.im.nodes[over].flags&isCut == 0:
			return w.redirect(over)
		case exact && over == at && w.typ == zones.TypeDS: // the parent's side of the cut answers
		default:
			w.referral(over, w.im.nameOf(over))
			return false
		}
	} else if !exact && n.flags&isDNAME != 0 {
		return w.redirect(at)
	}
	if exact {
		return w.from(at)
	}
	if n.star == none {
		w.rcode = nxDomain
		w.negative()
		return false
	}
	star := &w.im.nodes[n.star]
	if star.flags&isCut != 0 && w.typ != zones.TypeDS {
		w.referral(n.star, w.qname()) // NS at a wildcard (RFC 4592 4.2), taken as a cut
		return false
	}
	return w.from(n.star)
}

// from answers from a node: the name's own, or a wildcard for it.
func (w *walk) from(i uint32) bool {
	n := &w.im.nodes[i]
	if w.typ == zones.TypeANY && n.count > 0 {
		w.put(n.sets) // one RRset (RFC 8482 4.1)
		return false
	}
	if n.flags&isCNAME != 0 && w.typ != zones.TypeCNAME {
		s := w.im.find(i, zones.TypeCNAME)
		if !w.put(s) {
			return false
		}
		return w.follow(w.im.arena[w.im.sets[s].data+2:][:w.im.first(s)])
	}
	if s := w.im.find(i, w.typ); s != none {
		w.put(s)
		return false
	}
	w.negative()
	return false
}

// first is the length of an RRset's first RDATA.
func (im *Image) first(s uint32) int {
	return int(binary.BigEndian.Uint16(im.arena[im.sets[s].data:]))
}

func (w *walk) put(s uint32) bool { return w.set(answerSection, w.qname(), s, w.im.sets[s].ttl) }

// follow takes a chain to its next name, unless that leaves the zone or was
// met before.
func (w *walk) follow(target []byte) bool {
	if w.im.zoneFor(target, w.typ) != w.zone || w.met(target) {
		return false
	}
	w.size = copy(w.buf[:], target)
	return true
}

// visit remembers the name under way.
func (w *walk) visit() {
	if w.chain < longChain {
		copy(w.visited[w.chain][:], w.qname())
		w.chain++
		return
	}
	w.more = append(w.more, bytes.Clone(w.qname()))
}

func (w *walk) met(name []byte) bool {
	for i := range w.chain {
		if bytes.HasPrefix(w.visited[i][:], name) { // the root's octet ends both
			return true
		}
	}
	for _, v := range w.more {
		if bytes.Equal(v, name) {
			return true
		}
	}
	return false
}

// redirect is RFC 6672 3.2: the DNAME once, and a CNAME made of it with its
// TTL; a name that grows too long is YXDOMAIN.
func (w *walk) redirect(owner uint32) bool {
	s := w.im.find(owner, zones.TypeDNAME)
	ttl := w.im.sets[s].ttl
	if !w.stated(s) && !w.set(answerSection, w.im.nameOf(owner), s, ttl) {
		return false
	}
	head := len(w.qname()) - int(w.im.nodes[owner].size)
	target := w.im.arena[w.im.sets[s].data+2:][:w.im.first(s)]
	if head+len(target) > zones.MaxName {
		w.rcode = yxDomain
		return false
	}
	var next [zones.MaxName]byte
	n := copy(next[:], w.qname()[:head])
	n += copy(next[n:], target)
	back, known := len(w.out), w.known
	w.record(w.qname(), zones.TypeCNAME, ttl, next[:n])
	if w.at() > w.limit {
		return w.undo(back, known)
	}
	w.count[answerSection]++
	return w.typ != zones.TypeCNAME && w.typ != zones.TypeANY && w.follow(next[:n])
}

// stated tells whether a DNAME stands in the answer already, and notes it.
func (w *walk) stated(s uint32) bool {
	for _, d := range w.dnames[:min(w.redir, longChain)] {
		if d == s {
			return true
		}
	}
	if w.redir < longChain {
		w.dnames[w.redir] = s
		w.redir++
	}
	return false
}

// negative adds the SOA under the TTL of negative answers (RFC 2308 3, 5).
func (w *walk) negative() {
	z := &w.im.zones[w.zone]
	w.set(authoritySection, w.im.nameOf(z.apex), z.soa, z.neg)
}

// referral adds a cut's NS and all in-domain glue; what does not fit sets TC
// (RFC 9471 2.1). The answer is authoritative only for a chain that led here.
func (w *walk) referral(cut uint32, owner []byte) {
	w.aa = w.count[answerSection] > 0
	s := w.im.find(cut, zones.TypeNS)
	set := &w.im.sets[s]
	if !w.writer.set(authoritySection, owner, s, set.ttl) {
		return
	}
	if !bytes.Equal(owner, w.im.nameOf(cut)) {
		return // a wildcard's NS: nothing exists below the name asked for
	}
	for _, host := range w.im.glue[set.glue : set.glue+uint32(set.glues)] {
		for _, t := range [...]zones.Type{zones.TypeA, zones.TypeAAAA} {
			if a := w.im.find(host, t); a != none && !w.writer.set(additionalSection, w.im.nameOf(host), a, w.im.sets[a].ttl) {
				return
			}
		}
	}
}
