package simulate

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// nid is a name's number in a universe.
type nid int32

// ask is a question.
type ask struct {
	name nid
	typ  zones.Type
}

// kind is what a reply says of the name that was asked.
type kind uint8

const (
	silent   kind = iota // no answer, or REFUSED, SERVFAIL, YXDOMAIN
	nxdomain             // no such name
	nodata               // no such type at the name
	alias                // it is another's
	data                 // here it is
	referral             // ask elsewhere, outside of what is simulated
)

func (k kind) String() string {
	return [...]string{"SERVFAIL", "NXDOMAIN", "NODATA", "alias", "data", "referral"}[k]
}

// reply is what a version of a zone says, the parts that matter to a cache.
type reply struct {
	kind  kind
	ttl   int64
	next  nid    // of an alias
	hosts []nid  // that the data name
	data  uint64 // a digest of the data
	spans []span // of a denial: the NSEC records that a signed zone would send
}

// span is an NSEC record that a signed zone would have: from owner to next
// nothing is there, and of the owner no other types.
type span struct {
	apex, owner, next zones.Name
	types             []zones.Type
}

// version is one content of one zone.
type version struct {
	zone  *zones.Zone
	image *answer.Image
	chain []zones.Name // the owners of NSEC records, sorted; made when it is asked for
}

// peer is a client over TCP, which gets answers of any length.
var peer = resolver.Peer{Addr: netip.MustParseAddrPort("127.0.0.1:53"), Transport: resolver.TCP}

func newVersion(z *zones.Zone) (*version, error) {
	w, err := zones.NewWorld(z)
	if err != nil {
		return nil, err
	}
	im, err := answer.Compile(w, z.View(), answer.Policy{})
	if err != nil {
		return nil, fmt.Errorf("%v: %w", z.ID(), err)
	}
	return &version{zone: z, image: im}, nil
}

// reply gives what a version says to a question, by the engine.
func (u *universe) reply(v int32, q ask) *reply {
	k := replyKey{v, q}
	r, ok := u.replies[k]
	if !ok {
		r = u.versions[v].ask(u, q)
		u.replies[k] = r
	}
	return r
}

type replyKey struct {
	version int32
	ask     ask
}

// hostTypes name hosts whose addresses a client asks for next.
var hostTypes = []zones.Type{zones.TypeMX, zones.TypeNS, zones.TypeSRV, zones.TypeAFSDB, zones.TypeKX, zones.TypeSVCB, zones.TypeHTTPS}

// ask reads the engine's octets as a resolver does that trusts a response for
// the name that it asked for and no other: of a chain it takes the first link.
func (v *version) ask(u *universe, q ask) *reply {
	name := u.names[q.name]
	msg := binary.BigEndian.AppendUint16(append([]byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, name.Wire()...), uint16(q.typ))
	var m dns.Msg
	if err := m.Unpack(v.image.Handle(nil, append(msg, 0, 1), peer)); err != nil {
		return &reply{}
	}
	r := &reply{}
	for _, rr := range m.Answer {
		rec, ok := record(rr)
		switch {
		case !ok || rec.Owner != name:
		case rec.Type == q.typ:
			r.kind, r.ttl = data, int64(rec.TTL)
			r.data += digest(rec.Data)
			if slices.Contains(hostTypes, q.typ) {
				r.hosts = append(r.hosts, u.hosts(rec)...)
			}
		case rec.Type == zones.TypeCNAME:
			if to, _, err := zones.NameIn(rec.Data); err == nil {
				return &reply{kind: alias, ttl: int64(rec.TTL), next: u.intern(to)}
			}
		}
	}
	if r.kind == data || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return r
	}
	for _, rr := range m.Ns {
		switch rec, ok := record(rr); {
		case ok && rec.Type == zones.TypeSOA && m.Rcode == dns.RcodeNameError:
			return &reply{kind: nxdomain, ttl: int64(rec.TTL), spans: v.denials(name)}
		case ok && rec.Type == zones.TypeSOA:
			return &reply{kind: nodata, ttl: int64(rec.TTL), spans: v.denials(name)}
		case ok && rec.Type == zones.TypeNS:
			return &reply{kind: referral, ttl: int64(rec.TTL)}
		}
	}
	return r
}

// digest is a number for data.
func digest(data string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, data)
	return h.Sum64()
}

// hosts are the names inside a record; the root stands for none.
func (u *universe) hosts(r zones.Record) (out []nid) {
	names, err := rdata.Names(r.Type, r.Data)
	if err != nil {
		return nil
	}
	for _, x := range names {
		if !x.Name.IsRoot() {
			out = append(out, u.intern(x.Name))
		}
	}
	return out
}

// record is a record as this project has it.
func record(rr dns.RR) (zones.Record, bool) {
	buf := make([]byte, dns.Len(rr)+512)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return zones.Record{}, false
	}
	owner, at, err := zones.NameFromWire(buf[:n])
	if err != nil || at+10 > n {
		return zones.Record{}, false
	}
	h := rr.Header()
	return zones.Record{Owner: owner, Type: zones.Type(h.Rrtype), TTL: h.Ttl, Data: string(buf[at+10 : n])}, true
}

// nsec gives the names that own NSEC records in a signed zone: those with data
// of the zone's own, so none below a delegation or DNAME.
func (v *version) nsec() []zones.Name {
	if v.chain != nil {
		return v.chain
	}
	var hidden zones.Name
	for n := range v.zone.Owners() {
		if !hidden.IsZero() && n.Below(hidden) {
			continue
		}
		v.chain, hidden = append(v.chain, n), zones.Name{}
		_, cut := v.zone.Lookup(n, zones.TypeNS)
		_, dname := v.zone.Lookup(n, zones.TypeDNAME)
		if cut && n != v.zone.Origin() || dname {
			hidden = n
		}
	}
	return v.chain
}

// denials gives the spans that deny a name, or a type of it: its own, and that
// of the wildcard which would have answered (RFC 4035 3.1.3).
func (v *version) denials(n zones.Name) []span {
	s, ok := v.span(n)
	if !ok {
		return nil
	}
	out := []span{s}
	if s.owner != n {
		if star, err := s.encloser(n).Child("*"); err == nil {
			if s, ok = v.span(star); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// span gives the span in which a name lies, or that it owns.
func (v *version) span(n zones.Name) (span, bool) {
	chain := v.nsec()
	i, found := slices.BinarySearchFunc(chain, n, zones.Name.Compare)
	if !found {
		i--
	}
	if i < 0 {
		return span{}, false
	}
	s := span{apex: v.zone.Origin(), owner: chain[i], next: chain[(i+1)%len(chain)]}
	for _, set := range v.zone.At(s.owner) {
		s.types = append(s.types, set.Type())
	}
	return s, true
}

// covers tells whether a name lies inside a span: no such name owns anything.
// The span of a delegation or DNAME says nothing of what lies below (RFC 6840
// 4.1).
func (s *span) covers(n zones.Name) bool {
	if (s.cut() || slices.Contains(s.types, zones.TypeDNAME)) && n.Below(s.owner) {
		return false
	}
	return n.Within(s.apex) && s.owner.Compare(n) < 0 && (s.next == s.apex || n.Compare(s.next) < 0)
}

// cut tells whether the span belongs to a delegation.
func (s *span) cut() bool { return slices.Contains(s.types, zones.TypeNS) && s.owner != s.apex }

// encloser is the closest encloser of a name that the span covers: the longest
// ancestor that it shares with one of the span's ends.
func (s *span) encloser(n zones.Name) zones.Name {
	for n != s.apex && !s.owner.Within(n) && !s.next.Within(n) {
		n, _ = n.Parent()
	}
	return n
}

// lacks tells whether the name that owns the span has neither a type nor an
// alias, and is no delegation, of which the parent says nothing.
func (s *span) lacks(t zones.Type) bool {
	return !slices.Contains(s.types, t) && !slices.Contains(s.types, zones.TypeCNAME) && (!s.cut() || t == zones.TypeDS)
}
