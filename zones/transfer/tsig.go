package transfer

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// fudge is how far two clocks may lie apart (RFC 8945 10).
const fudge = 300 * time.Second

// maxUnsigned is how many messages without a signature may stand between two
// with one (RFC 8945 5.3.1).
const maxUnsigned = 99

// Codes of the TSIG error field (RFC 8945 3).
const (
	tsigBadSig   = 16
	tsigBadKey   = 17
	tsigBadTime  = 18
	tsigBadTrunc = 22
)

// tsig is a TSIG record (RFC 8945 4.2). mac and other borrow from the message.
type tsig struct {
	key, algorithm zones.Name
	time           uint64 // seconds since 1970, 48 bits
	fudge          uint16 // seconds
	mac            []byte
	origID         uint16
	code           uint16
	other          []byte
}

func (m message) tsig(r record) (tsig, bool) {
	b := m.b[r.data:r.next]
	alg, n, err := zones.NameFromWire(b)
	key, _, ok := readName(m.b, r.start)
	if err != nil || !ok || r.class != zones.ClassANY || r.ttl != 0 {
		return tsig{}, false
	}
	b = b[n:]
	if len(b) < 10 {
		return tsig{}, false
	}
	t := tsig{
		key: key, algorithm: alg,
		time:  uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:])),
		fudge: binary.BigEndian.Uint16(b[6:]),
	}
	n = int(binary.BigEndian.Uint16(b[8:]))
	if b = b[10:]; len(b) < n+6 {
		return tsig{}, false
	}
	t.mac, b = b[:n], b[n:]
	t.origID, t.code = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	n = int(binary.BigEndian.Uint16(b[4:]))
	if b = b[6:]; len(b) != n {
		return tsig{}, false
	}
	t.other = b
	return t, true
}

// appendTimers appends the part that stands in every digest (RFC 8945 4.3.3, 5.3.1).
func (t tsig) appendTimers(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(t.time>>32))
	dst = binary.BigEndian.AppendUint32(dst, uint32(t.time))
	return binary.BigEndian.AppendUint16(dst, t.fudge)
}

// appendVariables appends what stands in the digest of a first message (RFC 8945 4.3.3).
func (t tsig) appendVariables(dst []byte) []byte {
	dst = append(dst, t.key.Wire()...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(zones.ClassANY))
	dst = append(dst, 0, 0, 0, 0) // TTL
	dst = t.appendTimers(append(dst, t.algorithm.Wire()...))
	dst = binary.BigEndian.AppendUint16(dst, t.code)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(t.other)))
	return append(dst, t.other...)
}

// appendRecord appends the record itself.
func (t tsig) appendRecord(dst []byte) []byte {
	dst = append(dst, t.key.Wire()...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(zones.TypeTSIG))
	dst = binary.BigEndian.AppendUint16(dst, uint16(zones.ClassANY))
	dst = append(dst, 0, 0, 0, 0) // TTL
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(t.algorithm.Wire())+16+len(t.mac)+len(t.other)))
	dst = t.appendTimers(append(dst, t.algorithm.Wire()...))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(t.mac)))
	dst = binary.BigEndian.AppendUint16(append(dst, t.mac...), t.origID)
	dst = binary.BigEndian.AppendUint16(dst, t.code)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(t.other)))
	return append(dst, t.other...)
}

// conversation is the state that ties the messages of one exchange together:
// each MAC covers the one before it (RFC 8945 5.3). One side signs with it, the other
// verifies. It is not safe for concurrent use.
//
//	request: message, variables                    -> MAC 0
//	answer:  MAC 0, message, variables             -> MAC 1
//	then:    MAC n, unsigned messages, message, timers -> MAC n+1
type conversation struct {
	key      Key
	mac      hash.Hash
	messages int // signed ones so far, the request counted
	unsigned int // messages since the last signed one
}

func newConversation(k Key) *conversation {
	return &conversation{key: k, mac: hmac.New(k.Algorithm.hash(), k.secret)}
}

// sum ends the digest of a message: octets with the TSIG record taken out and the
// original id put in, then what the record says. It begins the next digest.
func (c *conversation) sum(head [headerLen]byte, rest []byte, t tsig) []byte {
	c.mac.Write(head[:])
	c.mac.Write(rest)
	if c.messages < 2 {
		c.mac.Write(t.appendVariables(nil))
	} else {
		c.mac.Write(t.appendTimers(nil))
	}
	s := c.mac.Sum(nil)
	c.mac.Reset()
	c.mac.Write(binary.BigEndian.AppendUint16(nil, uint16(len(s))))
	c.mac.Write(s)
	c.messages++
	c.unsigned = 0
	return s
}

// sign appends a TSIG record to a message and returns it.
func (c *conversation) sign(msg []byte, now time.Time) []byte {
	t := tsig{
		key: c.key.Name, algorithm: c.key.Algorithm.wire(), time: uint64(now.Unix()) & (1<<48 - 1),
		fudge: uint16(fudge / time.Second), origID: binary.BigEndian.Uint16(msg),
	}
	t.mac = c.sum([headerLen]byte(msg), msg[headerLen:], t)
	binary.BigEndian.PutUint16(msg[10:], binary.BigEndian.Uint16(msg[10:])+1)
	return t.appendRecord(msg)
}

// tsigError is a signature that does not hold, or that the other side did
// not accept; allow tells that what the server lets us do may be the cause.
type tsigError struct {
	what, mend string
	allow      bool
}

func wrong(what, mend string) *tsigError { return &tsigError{what: what, mend: mend} }

func (e *tsigError) Error() string { return e.what }

// verify holds a message against the conversation; rec is its TSIG record or
// nil. The order of checks is that of RFC 8945 5.2: key, MAC, time.
func (c *conversation) verify(m message, rec *record, now time.Time) error {
	if rec == nil {
		if c.messages < 2 {
			return wrong(
				"the server answered without a signature",
				fmt.Sprintf("let the server use the key %s, or leave the key out if it asks for none", c.key.Name.Text()),
			)
		}
		if c.unsigned++; c.unsigned > maxUnsigned {
			return wrong(fmt.Sprintf("more than %d messages in a row without a signature (RFC 8945 5.3.1)", maxUnsigned), "transfer again; if it stays so, someone else answers")
		}
		c.mac.Write(m.b)
		return nil
	}
	t, ok := m.tsig(*rec)
	switch {
	case !ok:
		return wrong("a TSIG record that is broken", "transfer again; if it stays so, the server or something on the way is at fault")
	case t.code == tsigBadKey, t.code == tsigBadSig, t.code == tsigBadTrunc,
		t.code == tsigBadTime && len(t.mac) == 0: // NSD 4.6 does not sign it
		return c.refused(t, now)
	case t.key != c.key.Name:
		return wrong(fmt.Sprintf("the answer is signed with the key %s, not with %s", t.key.Text(), c.key.Name.Text()), "name the same key on both sides")
	case t.algorithm != c.key.Algorithm.wire():
		return wrong(
			fmt.Sprintf("the answer is signed with %s, not with %v", t.algorithm.Text(), c.key.Algorithm),
			"write the same algorithm on both sides",
		)
	case len(t.mac) != c.mac.Size():
		return wrong(fmt.Sprintf("a signature of %d octets where %v has %d", len(t.mac), c.key.Algorithm, c.mac.Size()), "let the server send whole signatures: no truncation, such as hmac-sha256-128")
	}
	head := [headerLen]byte(m.b)
	binary.BigEndian.PutUint16(head[:], t.origID)
	binary.BigEndian.PutUint16(head[10:], uint16(m.counts[3]-1))
	if !hmac.Equal(c.sum(head, m.b[headerLen:rec.start], t), t.mac) {
		return wrong("the signature of the answer is wrong", "compare the secrets of "+c.key.Name.Text()+" on both sides; if they are equal, the answer was changed on the way")
	}
	if t.code == tsigBadTime {
		return c.refused(t, now)
	}
	if d := now.Unix() - int64(t.time); d > int64(t.fudge) || -d > int64(t.fudge) {
		return wrong(
			fmt.Sprintf("the answer was signed at %s, %v from now", instant(t.time), apart(d)),
			"set both clocks (chrony, or w32tm /resync on Windows): they may differ by "+fudge.String(),
		)
	}
	if t.code != 0 || len(t.other) != 0 {
		return wrong(fmt.Sprintf("a signed answer with the TSIG error %d", t.code), "look at the server's log")
	}
	return nil
}

// end tells whether the last message may be the last: it must be signed.
func (c *conversation) end() error {
	if c.unsigned > 0 {
		return wrong("the last message is not signed (RFC 8945 5.3.1)", "transfer again; if it stays so, someone else answers")
	}
	return nil
}

// refused explains why the server did not accept our signature (RFC 8945 5.2).
func (c *conversation) refused(t tsig, now time.Time) *tsigError {
	key, alg := c.key.Name.Text(), c.key.Algorithm
	switch t.code {
	case tsigBadKey:
		return &tsigError{
			"BADKEY: the server does not know the key " + key + ", or knows it with another algorithm than " + string(alg),
			fmt.Sprintf("name and algorithm must be equal on both sides, such as key %q { algorithm %s; secret \"…\"; } on BIND; Knot says BADKEY too where no acl names the key", key, alg),
			true,
		}
	case tsigBadSig:
		return wrong(
			"BADSIG: the server knows the key "+key+" and finds our signature wrong",
			"the secret differs: copy it anew from the server's key statement, all of it, with the = at its end",
		)
	case tsigBadTrunc:
		return wrong(
			"BADTRUNC: the server does not take signatures of this length",
			"write the algorithm on the server without a number of bits: "+string(alg),
		)
	}
	found := "BADTIME: the clocks differ by more than " + fudge.String()
	if len(t.other) == 6 {
		server := uint64(binary.BigEndian.Uint16(t.other))<<32 | uint64(binary.BigEndian.Uint32(t.other[2:]))
		found = fmt.Sprintf("BADTIME: the server's clock says %s, ours %s: %v apart", instant(server), instant(uint64(now.Unix())), apart(int64(server)-now.Unix()))
	}
	return wrong(found, "set the clock that is wrong (chrony, or w32tm /resync on Windows); they may differ by "+fudge.String())
}

func instant(s uint64) string { return time.Unix(int64(s), 0).UTC().Format("2006-01-02 15:04:05 UTC") }

// apart gives a difference in seconds as a duration without a sign, at most
// 100 years, since a server's word may be anything in 48 bits.
func apart(s int64) time.Duration {
	const most = 100 * 365 * 24 * 3600
	return time.Duration(min(max(s, -s), most)) * time.Second
}
