package transfer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Update is a message that asks to change a zone (RFC 2136), as it came. It is
// an immutable value and does not borrow from the message that it was read of.
//
// What is to be done with it, in this order:
//
//	u, ok := ParseUpdate(msg, keys, now)  // !ok: no answer
//	rc := u.Judge(z, rules, from)         // z is the zone of u.Zone, or nil
//	d := u.Delta(z)                       // where rc is RcodeNoError
//	d = Numbered(z, d, next)              // the new serial
//	… d is written down …
//	out := u.Answer(rc, now)
//
// Judge and Delta must see one z, and nothing may change it before d is applied.
type Update struct {
	Zone          zones.Name // zero where the message names none
	Key           zones.Name // whose signature was good; zero for an unsigned message
	Prerequisites []UpdateRecord
	Changes       []UpdateRecord

	in incoming
}

// UpdateRecord is a prerequisite (RFC 2136 2.4) or a change (2.5).
//
//	            prerequisite                    change
//	class IN    the RRset has these records     add the record
//	class ANY   the RRset, or the name, is      delete the RRset, or all of the name
//	class NONE  the RRset, or the name, is not  delete the record
type UpdateRecord struct {
	Owner zones.Name
	Type  zones.Type
	Class zones.Class
	TTL   uint32 // seconds
	Data  string // in the form of zones.Record; "" where the class has none
}

// IsUpdate tells cheaply whether a message asks for an update.
func IsUpdate(msg []byte) bool {
	m, err := parseHeader(msg)
	return err == nil && !m.has(bitQR) && m.bits&maskOpcode == opUpdate
}

// ParseUpdate reads a message for which IsUpdate holds, and judges its
// signature. False for what deserves no answer; what is broken comes back as
// an Update that Judge has the code of.
func ParseUpdate(msg []byte, keys map[zones.Name]Key, now time.Time) (u *Update, ok bool) {
	if !IsUpdate(msg) {
		return nil, false
	}
	in, ok := receiveRequest(bytes.Clone(msg), keys, now)
	if !ok {
		return nil, false
	}
	u = &Update{in: in}
	if u.in.rcode == rcodeSuccess {
		u.in.rcode = u.read()
	}
	return u, true
}

// read takes the sections: zone (RFC 2136 3.1), prerequisites, changes.
func (u *Update) read() (rcode int) {
	in := &u.in
	if in.key != nil {
		u.Key = in.key.Name
	}
	if in.counts[0] != 1 || in.questions[0].qtype != zones.TypeSOA {
		return rcodeFormErr // 3.1.1
	}
	u.Zone = in.questions[0].name
	if in.questions[0].class != zones.ClassIN {
		return rcodeNotAuth // 3.1.2
	}
	off, ok := in.answers, true
	if u.Prerequisites, off, ok = in.updateSection(off, in.counts[1], false); !ok {
		return rcodeFormErr
	}
	if u.Changes, _, ok = in.updateSection(off, in.counts[2], true); !ok {
		return rcodeFormErr
	}
	return rcodeSuccess
}

// updateSection reads n records. Those of a class that has no meaning here, and
// data where the class has none, break the message as a whole, as in BIND.
func (in *incoming) updateSection(off, n int, changes bool) (out []UpdateRecord, next int, ok bool) {
	scratch := make([]byte, 0, 512)
	for range n {
		r, err := in.record(off)
		if err != nil {
			return nil, 0, false
		}
		owner, _, ok := readName(in.b, r.start)
		if !ok {
			return nil, 0, false
		}
		x := UpdateRecord{Owner: owner, Type: r.rtype, Class: r.class, TTL: r.ttl}
		switch {
		case r.rtype == zones.TypeOPT:
			return nil, 0, false
		case r.class == zones.ClassIN || changes && r.class == zones.ClassNONE:
			if x.Data, ok = in.expand(r, scratch); !ok {
				return nil, 0, false
			}
		case r.class != zones.ClassANY && r.class != zones.ClassNONE, r.data != r.next:
			return nil, 0, false
		}
		out = append(out, x)
		off = r.next
	}
	return out, off, true
}

// Judge tells what an update is answered with when it does not come to its
// changes; RcodeNoError lets it. z is the zone that it names, nil where there
// is none here. What does not depend on the zone's records is judged first, so
// that who may change nothing learns nothing: signature and form (RFC 8945
// 5.2, RFC 2136 3.1), rules (3.3), the changes' form (3.4.1), and then the
// prerequisites (3.2).
func (u *Update) Judge(z *zones.Zone, rules []UpdateRule, from netip.Addr) Rcode {
	switch {
	case u.in.rcode != rcodeSuccess:
		return Rcode(u.in.rcode)
	case z == nil || z.Origin() != u.Zone:
		return RcodeNotAuth
	}
	mine := granted(rules, u, from)
	if len(mine) == 0 {
		return RcodeRefused
	}
	if rc := u.prescan(); rc != RcodeNoError {
		return rc
	}
	for _, c := range u.Changes {
		if !permitted(mine, c, z) {
			return RcodeRefused
		}
	}
	return u.Check(z)
}

// Answer makes the answer, signed where the request was (RFC 8945 5.3). What
// ParseUpdate found wrong is said whatever the code given.
func (u *Update) Answer(rc Rcode, now time.Time) []byte {
	in := u.in
	if in.rcode != rcodeSuccess {
		rc = Rcode(in.rcode)
	}
	if in.conv != nil {
		in.again() // each answer has a conversation of its own
	}
	if in.code != 0 {
		return in.errorAnswer(int(rc), now)
	}
	out := in.head(nil, 0, int(rc))
	if in.udp > 0 { // RFC 6891 6.1.1
		out = append(out, 0, 0, byte(zones.TypeOPT), 1232>>8, 1232&0xff, 0, 0, 0, 0, 0, 0)
		binary.BigEndian.PutUint16(out[10:], 1)
	}
	return in.signed(out, now)
}

// Signed tells whether the signature was good, and what was wrong with it
// otherwise: a TSIG error (RFC 8945 3), 0 for none.
func (u *Update) Signed() (good bool, code uint16) { return u.in.key != nil, u.in.code }

// Sum identifies the message: an update that is sent again, signature and all,
// has the same.
func (u *Update) Sum() [sha256.Size]byte { return sha256.Sum256(u.in.b) }

// String says what a change does, as nsupdate would be told it.
func (r UpdateRecord) String() string {
	s := "delete " + r.Owner.String()
	switch {
	case r.Class == zones.ClassIN:
		return fmt.Sprintf("add %v %d %v %s", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data))
	case r.Class == zones.ClassNONE:
		return s + " " + r.Type.String() + " " + rdata.Text(r.Type, r.Data)
	case r.Type != zones.TypeANY:
		return s + " " + r.Type.String()
	}
	return s
}
