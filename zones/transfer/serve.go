package transfer

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Rule lets an asker transfer zones: all that it names must fit. The zero
// Prefix fits no address; without a key the request need not be signed.
type Rule struct {
	From   netip.Prefix
	Key    zones.Name   // that the request must be signed with; the zero Name asks for none
	Zones  []zones.Name // empty: all of the view
	TLS    bool         // over TLS alone (RFC 9103)
	Client string       // DNS name that the client's certificate bears, in lower case; with Pin it is mutual TLS
	Pin    Pin          // of the client's certificate; the zero Pin asks for none
}

// Asker is who asks.
type Asker struct {
	Addr  netip.Addr
	TLS   bool     // by TLS, agreed on for DNS (RFC 9103 7.1); else what follows is empty
	Names []string // DNS names of its certificate that were verified, in lower case
	Pin   Pin      // of its certificate; zero: it has none
}

// fits tells whether an asker came the way that a rule asks for.
func (r Rule) fits(a Asker) bool {
	switch {
	case !r.From.Contains(a.Addr.Unmap()):
		return false
	case !a.TLS:
		return !r.TLS && r.Client == "" && r.Pin.IsZero()
	}
	return (r.Client == "" || slices.Contains(a.Names, r.Client)) && (r.Pin.IsZero() || r.Pin == a.Pin)
}

// Server answers what secondaries ask of one view: transfers (RFC 5936, 1995),
// and anything else that is signed (RFC 8945), for which it asks Inner. It is
// an immutable value; a change of the zones makes another.
type Server struct {
	View     zones.View
	Versions map[zones.Name]Version // by origin
	Rules    []Rule
	Keys     map[zones.Name]Key
	Closed   []zones.Name  // zones that nobody is told of but who may transfer them, by address: catalogs (RFC 9432 7)
	Slots    chan struct{} // room for transfers that run at once (cap); nil for no limit
	Wait     time.Duration // how long a transfer waits for room before it is told SERVFAIL
	Now      func() time.Time
}

// With is the server with another version of one zone.
func (s *Server) With(v Version) *Server {
	n := *s
	n.Versions = maps.Clone(s.Versions)
	n.Versions[v.Zone.Origin()] = v
	return &n
}

// allows tells whether a request may have a zone.
func (s *Server) allows(in *incoming, zone zones.Name, from Asker) bool {
	for _, r := range s.Rules {
		if !r.fits(from) || len(r.Zones) > 0 && !slices.Contains(r.Zones, zone) {
			continue
		}
		if r.Key.IsZero() || in.key != nil && in.key.Name == r.Key {
			return true
		}
	}
	return false
}

// Hides tells whether a name, as it stands in a question, is of a closed zone and
// no rule names the asker's address and zone. It does not allocate for other names.
func (s *Server) Hides(qname []byte, from Asker) bool {
	for _, zone := range s.Closed {
		w := zone.Wire()
		if len(qname) < len(w) || !strings.EqualFold(string(qname[len(qname)-len(w):]), w) {
			continue
		}
		if n, _, err := zones.NameFromWire(qname); err != nil || !n.Within(zone) {
			continue
		}
		return !slices.ContainsFunc(s.Rules, func(r Rule) bool {
			return r.From.Contains(from.Addr.Unmap()) && (len(r.Zones) == 0 || slices.Contains(r.Zones, zone))
		})
	}
	return false
}

// IsTransfer tells cheaply whether a message asks for AXFR or IXFR.
func IsTransfer(msg []byte) bool {
	m, err := parseHeader(msg)
	if err != nil || m.has(bitQR) || m.bits&maskOpcode != 0 || m.counts[0] != 1 {
		return false
	}
	off, ok := skipName(msg, headerLen)
	if !ok || off+4 > len(msg) {
		return false
	}
	t := zones.Type(uint16(msg[off])<<8 | uint16(msg[off+1]))
	return t == zones.TypeAXFR || t == zones.TypeIXFR
}

// Stream gives the messages that answer a transfer over TCP, nil when msg asks
// for none. Each message is valid until the next is asked for. Who stops
// reading early gives back all the same.
func (s *Server) Stream(msg []byte, from Asker) iter.Seq[[]byte] {
	if !IsTransfer(msg) {
		return nil
	}
	return func(yield func([]byte) bool) {
		in, ok := receiveRequest(msg, s.Keys, s.Now())
		if !ok {
			return
		}
		v, soa, rcode := s.asked(&in, from)
		if rcode != rcodeSuccess {
			yield(in.errorAnswer(rcode, s.Now()))
			return
		}
		if !s.enter() {
			yield(in.errorAnswer(rcodeServFail, s.Now())) // it asks again
			return
		}
		defer s.leave()
		s.send(&in, v, soa, yield)
	}
}

// enter waits for room, since most transfers take milliseconds.
func (s *Server) enter() bool {
	if s.Slots == nil {
		return true
	}
	select {
	case s.Slots <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(s.Wait)
	defer t.Stop()
	select {
	case s.Slots <- struct{}{}:
		return true
	case <-t.C:
		return false
	}
}

func (s *Server) leave() {
	if s.Slots != nil {
		<-s.Slots
	}
}

// asked finds the zone that a transfer is about, and for IXFR the SOA that the
// asker has.
func (s *Server) asked(in *incoming, from Asker) (v Version, soa *zones.Serial, rcode int) {
	if in.rcode != 0 {
		return v, nil, in.rcode
	}
	if len(in.questions) != 1 || in.counts[0] != 1 || in.counts[1] != 0 {
		return v, nil, rcodeFormErr
	}
	q := in.questions[0]
	v, ok := s.Versions[q.name]
	switch {
	case q.class != zones.ClassIN:
		return v, nil, rcodeRefused
	case !s.allows(in, q.name, from):
		return v, nil, rcodeRefused
	case !ok:
		return v, nil, rcodeNotAuth // RFC 5936 2.2.1
	case q.qtype == zones.TypeAXFR:
		return v, nil, rcodeSuccess
	}
	serial, ok := in.serial(q.name)
	if !ok {
		return v, nil, rcodeFormErr // RFC 1995 3: the SOA stands in the authority section
	}
	return v, &serial, rcodeSuccess
}

// serial reads the serial of the SOA in the authority section of an IXFR question.
func (in *incoming) serial(zone zones.Name) (zones.Serial, bool) {
	if in.counts[2] != 1 {
		return 0, false
	}
	r, err := in.record(in.answers)
	if err != nil || r.rtype != zones.TypeSOA || r.class != zones.ClassIN {
		return 0, false
	}
	if n, _, ok := readName(in.b, r.start); !ok || n != zone {
		return 0, false
	}
	data, ok := in.expand(r, nil)
	return soaSerial(zones.Record{Data: data}), ok
}

// send gives the messages of a transfer.
func (s *Server) send(in *incoming, v Version, has *zones.Serial, yield func([]byte) bool) {
	st := sending{server: s, in: in, yield: yield, bits: bitAA}
	st.begin()
	soa, _ := v.Zone.Lookup(v.Zone.Origin(), zones.TypeSOA)
	now := soa.Record(0)
	if has != nil && !has.Before(v.Zone.Serial()) { // it has this one, or a later one
		st.add(now)
		st.end()
		return
	}
	if has != nil {
		if ds, ok := v.since(*has); ok {
			st.add(now)
			for _, d := range ds {
				st.part(d.Removed, d.ID.Origin)
				st.part(d.Added, d.ID.Origin)
			}
			st.add(now)
			st.end()
			return
		}
	}
	st.add(now)
	for owner, sets := range v.Zone.Names() {
		for i := range sets {
			set := &sets[i]
			if set.Type() == zones.TypeSOA && owner == v.Zone.Origin() {
				continue
			}
			for k := range set.Len() {
				st.write(owner, set.Type(), set.TTL(), set.Data(k))
			}
		}
		if st.over {
			return
		}
	}
	st.add(now)
	st.end()
}

// sending is a transfer under way.
type sending struct {
	server *Server
	in     *incoming
	yield  func([]byte) bool
	bits   uint16
	p      packer
	buf    []byte
	over   bool // the reader is gone
}

func (st *sending) begin() {
	st.buf = st.in.head(st.buf[:0], st.bits, rcodeSuccess)
	st.p.reset(st.buf, 0)
}

func (st *sending) add(r zones.Record) { st.write(r.Owner, r.Type, r.TTL, r.Data) }

// part is one half of a delta: its SOA, then the rest (RFC 1995 4).
func (st *sending) part(rs []zones.Record, origin zones.Name) {
	soa, ok := apexSOA(rs, origin)
	if ok {
		st.add(soa)
	}
	for _, r := range rs {
		if r.Type != zones.TypeSOA || r.Owner != origin {
			st.add(r)
		}
	}
}

func (st *sending) write(owner zones.Name, t zones.Type, ttl uint32, data string) {
	if st.over {
		return
	}
	if st.p.count > 0 && !st.p.fits(owner, data) {
		st.flush()
		st.begin()
	}
	st.p.record(owner, t, ttl, data)
}

func (st *sending) flush() {
	msg := st.p.end()
	msg = st.in.signed(msg, st.server.Now())
	st.buf = msg
	if !st.over && !st.yield(msg) {
		st.over = true
	}
}

func (st *sending) end() {
	if !st.over {
		st.flush()
	}
}

// Answer answers one message for which Parse found no plain answer: a transfer
// over UDP, or anything signed. Inner answers what is left of a signed question
// when its signature is good; over udp what grows too long with its own is cut to
// a header that says so. False when the message is not for it.
func (s *Server) Answer(msg []byte, from Asker, udp bool, inner func(msg []byte) []byte) (out []byte, ok bool) {
	in, ok := receiveRequest(msg, s.Keys, s.Now())
	if !ok || in.layout.tsig == nil && !IsTransfer(msg) {
		return nil, false
	}
	if in.rcode != 0 {
		return in.errorAnswer(in.rcode, s.Now()), true
	}
	if IsTransfer(msg) {
		return s.overUDP(&in, from), true
	}
	out = inner(in.plain())
	if len(out) < headerLen {
		return nil, true
	}
	signed := in.signed(out, s.Now())
	if udp && len(signed) > in.payload() { // the signature took the room (RFC 8945 5.3)
		in.again()
		signed = in.signed(in.head(nil, bitTC, rcodeSuccess), s.Now())
	}
	return signed, true
}

// overUDP answers a transfer over UDP: AXFR is not defined there (RFC 5936
// 4.2); IXFR gets the current SOA alone, which tells who is behind to come by
// TCP (RFC 1995 2).
func (s *Server) overUDP(in *incoming, from Asker) []byte {
	v, soa, rcode := s.asked(in, from)
	if rcode == rcodeSuccess && soa == nil {
		rcode = rcodeFormErr
	}
	if rcode != rcodeSuccess {
		return in.errorAnswer(rcode, s.Now())
	}
	var out []byte
	st := sending{server: s, in: in, bits: bitAA, yield: func(b []byte) bool { out = append([]byte(nil), b...); return true }}
	st.begin()
	rec, _ := v.Zone.Lookup(v.Zone.Origin(), zones.TypeSOA)
	st.add(rec.Record(0))
	st.end()
	return out
}
