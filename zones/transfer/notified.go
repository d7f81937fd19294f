package transfer

import (
	"net/netip"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Teller is a primary as it may tell us of a change: by its address, or by its
// key from wherever. Both alone are enough, since all that NOTIFY does is to
// have the primary asked; and no key means that there is none to sign with.
type Teller struct {
	Address netip.Addr
	Key     zones.Name
}

// Listener hears NOTIFY (RFC 1996) for the zones that one view follows. It is an
// immutable value.
type Listener struct {
	Zones map[zones.Name][]Teller // the primaries of each zone, in their order
	Keys  map[zones.Name]Key
	Now   func() time.Time
}

// Told is a NOTIFY that deserves to be looked after.
type Told struct {
	Zone    zones.Name
	Primary int           // who told, as Listener has it
	Serial  *zones.Serial // a hint, which anyone may have forged
}

// IsNotify tells cheaply whether a message is a NOTIFY request.
func IsNotify(msg []byte) bool {
	m, err := parseHeader(msg)
	return err == nil && !m.has(bitQR) && m.bits&maskOpcode == opNotify
}

// Hear judges a NOTIFY: from a primary of the zone it is acknowledged, else
// refused (RFC 1996 3.10, 4.7). told is nil where nothing is to be done, answer
// where nothing is to be said.
func (l *Listener) Hear(msg []byte, from netip.Addr) (told *Told, answer []byte) {
	if !IsNotify(msg) {
		return nil, nil
	}
	in, ok := receiveRequest(msg, l.Keys, l.Now())
	switch {
	case !ok:
		return nil, nil
	case in.rcode != 0:
		return nil, in.errorAnswer(in.rcode, l.Now())
	case len(in.questions) != 1 || in.counts[0] != 1 || in.questions[0].qtype != zones.TypeSOA || in.questions[0].class != zones.ClassIN:
		return nil, in.errorAnswer(rcodeFormErr, l.Now()) // nothing else is defined (RFC 1996 3.7)
	}
	zone := in.questions[0].name
	tellers, ok := l.Zones[zone]
	if !ok {
		return nil, in.errorAnswer(rcodeNotAuth, l.Now())
	}
	from = from.Unmap()
	who := slices.IndexFunc(tellers, func(t Teller) bool { return in.key != nil && in.key.Name == t.Key && t.Address == from })
	if who < 0 {
		who = slices.IndexFunc(tellers, func(t Teller) bool { return t.Address == from || in.key != nil && in.key.Name == t.Key })
	}
	if who < 0 {
		return nil, in.errorAnswer(rcodeRefused, l.Now())
	}
	told = &Told{Zone: zone, Primary: who, Serial: in.hint(zone)}
	return told, in.signed(in.head(nil, bitAA, rcodeSuccess), l.Now())
}

// hint reads the SOA that may stand in the answer section (RFC 1996 3.7).
func (in *incoming) hint(zone zones.Name) *zones.Serial {
	off := in.answers
	for range in.counts[1] {
		r, err := in.record(off)
		if err != nil {
			return nil
		}
		off = r.next
		if n, _, ok := readName(in.b, r.start); !ok || n != zone || r.rtype != zones.TypeSOA || r.class != zones.ClassIN {
			continue
		}
		if data, ok := in.expand(r, nil); ok {
			s := soaSerial(zones.Record{Data: data})
			return &s
		}
	}
	return nil
}
