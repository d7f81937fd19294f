package resolver

import "encoding/binary"

// The longest name and label, in octets (RFC 1035 2.3.4).
const (
	maxName  = 255
	maxLabel = 63
)

// The types that a message may carry beside its question (RFC 6891 6.1.2,
// RFC 8945 4.2).
const (
	typeOPT  = 41
	typeTSIG = 250
)

// HeaderLen is the length of a message's header, in octets (RFC 1035 4.1.1).
const HeaderLen = 12

// The bits of the header's flags (RFC 1035 4.1.1, RFC 2535 6.1).
const (
	FlagQR = 1 << 15
	FlagAA = 1 << 10
	FlagTC = 1 << 9
	FlagRD = 1 << 8
	FlagCD = 1 << 4

	MaskOpcode = 0xf << 11
)

// Verdict is what a message deserves before any zone is looked at.
type Verdict uint8

// The verdicts, in the order in which they are given: a message that is
// broken is not asked for its version.
const (
	Good    Verdict = iota // a question to be answered
	Drop                   // no response: too short for a header, or a response itself
	NotImp                 // an opcode other than QUERY
	FormErr                // broken, or not exactly one question
	BadVers                // an EDNS version above 0 (RFC 6891 6.1.3)
	BadKey                 // signed with a key that is not known (RFC 8945 5.2.1)
)

// Query is a borrowed view of one message (QUERY-BORROWED): its slices lie in
// the message. After a verdict other than Good the fields hold what was read
// until then.
type Query struct {
	ID       uint16
	Flags    uint16
	Question []byte // the question section as it came; nil if it was not read
	Name     []byte // QNAME on the wire, as it was written
	Type     uint16 // QTYPE
	Class    uint16 // QCLASS

	HasOPT  bool
	Version uint8  // EDNS version
	Payload uint16 // octets that the asker takes over UDP (RFC 6891 6.2.3)
	DO      bool

	TSIGName          []byte // the key's name on the wire, nil without TSIG; never compressed
	TSIGAlg           []byte // the algorithm's name
	TSIGTime          []byte // time signed, 6 octets
	TSIGFudge, TSIGID uint16
}

// Opcode returns the operation code.
func (q *Query) Opcode() int { return int(q.Flags>>11) & 15 }

// Parse reads a message into q and says what it deserves (docs/behaviour.md
// 12 to 14). It never allocates and never looks behind the message's end.
func (q *Query) Parse(msg []byte) Verdict {
	*q = Query{}
	if len(msg) < HeaderLen {
		return Drop
	}
	q.ID = binary.BigEndian.Uint16(msg)
	q.Flags = binary.BigEndian.Uint16(msg[2:])
	if q.Flags&FlagQR != 0 {
		return Drop
	}
	ok := q.body(msg)
	switch {
	case q.Opcode() != 0:
		return NotImp
	case !ok:
		return FormErr
	case q.HasOPT && q.Version > 0:
		return BadVers
	case q.TSIGName != nil:
		return BadKey
	}
	return Good
}

// body reads the sections; false when something in them is broken.
func (q *Query) body(msg []byte) bool {
	counts := [4]int{}
	for i := range counts {
		counts[i] = int(binary.BigEndian.Uint16(msg[4+2*i:]))
	}
	at := HeaderLen
	if counts[0] != 1 {
		return false // RFC 9619; none without a cookie (RFC 7873 5.4)
	}
	n := plainName(msg[at:])
	if n == 0 || len(msg) < at+n+4 {
		return false
	}
	q.Question = msg[at : at+n+4]
	q.Name = msg[at : at+n]
	q.Type = binary.BigEndian.Uint16(msg[at+n:])
	q.Class = binary.BigEndian.Uint16(msg[at+n+2:])
	at += n + 4
	if counts[1] != 0 {
		return false // a question brings no answer
	}
	for section := 2; section < 4; section++ {
		for i := range counts[section] {
			end, ok := q.record(msg, at, section == 3, section == 3 && i == counts[3]-1)
			if !ok {
				return false
			}
			at = end
		}
	}
	return true
}

// record reads one record at at. OPT and TSIG belong into the additional
// section, TSIG at its end (RFC 6891 6.1.1, RFC 8945 5.1).
func (q *Query) record(msg []byte, at int, additional, last bool) (end int, ok bool) {
	n := skipName(msg, at)
	if n == 0 || len(msg) < at+n+10 {
		return 0, false
	}
	owner := msg[at : at+n]
	at += n
	typ := binary.BigEndian.Uint16(msg[at:])
	class := binary.BigEndian.Uint16(msg[at+2:])
	ttl := binary.BigEndian.Uint32(msg[at+4:])
	length := int(binary.BigEndian.Uint16(msg[at+8:]))
	at += 10
	if len(msg) < at+length {
		return 0, false
	}
	data := msg[at : at+length]
	switch typ {
	case typeOPT:
		if !additional || q.HasOPT || len(owner) != 1 || !goodOptions(data) {
			return 0, false
		}
		q.HasOPT, q.Payload, q.Version, q.DO = true, class, uint8(ttl>>16), ttl&0x8000 != 0
	case typeTSIG:
		if !additional || !last || plainName(owner) != len(owner) || !q.tsig(owner, data) {
			return 0, false
		}
	}
	return at + length, true
}

// goodOptions tells whether EDNS options fill their RDATA (RFC 6891 6.1.2).
func goodOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
			return false
		}
		b = b[4+int(binary.BigEndian.Uint16(b[2:])):]
	}
	return true
}

// tsig reads what an error to a signed query must repeat (RFC 8945 4.2, 5.3.2).
func (q *Query) tsig(owner, data []byte) bool {
	n := plainName(data)
	if n == 0 || len(data) < n+10 {
		return false
	}
	mac := int(binary.BigEndian.Uint16(data[n+8:]))
	rest := data[n+10:]
	if len(rest) < mac+6 || len(rest) != mac+6+int(binary.BigEndian.Uint16(rest[mac+4:])) {
		return false
	}
	q.TSIGName, q.TSIGAlg, q.TSIGTime = owner, data[:n], data[n:n+6]
	q.TSIGFudge = binary.BigEndian.Uint16(data[n+6:])
	q.TSIGID = binary.BigEndian.Uint16(rest[mac:])
	return true
}

// plainName measures an uncompressed name at the head of b; 0 if none is there.
func plainName(b []byte) int {
	at := 0
	for at < len(b) && at < maxName {
		l := int(b[at])
		if l > maxLabel {
			return 0
		}
		at += 1 + l
		if l == 0 {
			if at > maxName {
				return 0
			}
			return at
		}
	}
	return 0
}

// skipName measures a name that may end in a compression pointer, which must
// point backwards (RFC 1035 4.1.4); 0 if it is broken.
func skipName(msg []byte, at int) int {
	start := at
	for at < len(msg) && at-start < maxName {
		l := int(msg[at])
		switch {
		case l == 0:
			return at + 1 - start
		case l >= 0xc0:
			if at+1 >= len(msg) || (l&0x3f)<<8|int(msg[at+1]) >= start {
				return 0
			}
			return at + 2 - start
		case l > maxLabel:
			return 0
		}
		at += 1 + l
	}
	return 0
}
