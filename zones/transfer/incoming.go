package transfer

import (
	"crypto/hmac"
	"encoding/binary"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// incoming is a request that came to us, and what its signature is worth. One
// with a key is answered signed: conv is that conversation, opened by the
// request.
type incoming struct {
	message
	layout
	key  *Key          // whose signature was good; nil for an unsigned request
	conv *conversation // to sign the answer with; nil for unsigned answers

	rcode int    // not 0: the request is to be answered with this alone
	code  uint16 // of TSIG, with rcode NOTAUTH
	bad   tsig   // the signature that code is about
}

// receiveRequest reads a request and judges its signature in the order of RFC 8945
// 5.2: form, key, MAC, time. False for what deserves no answer: too short, or
// an answer itself.
func receiveRequest(b []byte, keys map[zones.Name]Key, now time.Time) (in incoming, ok bool) {
	m, err := parseHeader(b)
	if err != nil || m.has(bitQR) {
		return in, false
	}
	in.message = m
	if in.layout, err = m.layout(); err != nil {
		in.layout = layout{}
		in.rcode = rcodeFormErr
		return in, true
	}
	if in.layout.tsig == nil {
		return in, true
	}
	t, ok := m.tsig(*in.layout.tsig)
	if !ok {
		in.rcode = rcodeFormErr
		return in, true
	}
	key, known := keys[t.key]
	if !known || t.algorithm != key.Algorithm.wire() {
		in.refuse(t, tsigBadKey)
		return in, true
	}
	conv := newConversation(key)
	size := conv.mac.Size()
	switch {
	case len(t.mac) > size || len(t.mac) < max(10, size/2): // RFC 8945 5.2.2.1
		in.rcode = rcodeFormErr
		return in, true
	case len(t.mac) < size:
		in.refuse(t, tsigBadTrunc)
		return in, true
	}
	head := [headerLen]byte(m.b)
	binary.BigEndian.PutUint16(head[:], t.origID)
	binary.BigEndian.PutUint16(head[10:], uint16(m.counts[3]-1))
	if !hmac.Equal(conv.sum(head, m.b[headerLen:in.layout.tsig.start], t), t.mac) {
		in.refuse(t, tsigBadSig)
		return in, true
	}
	if d := now.Unix() - int64(t.time); d > int64(t.fudge) || -d > int64(t.fudge) {
		in.refuse(t, tsigBadTime)
		in.conv = conv // this one error is signed (RFC 8945 5.2.3)
		return in, true
	}
	in.key, in.conv = &key, conv
	return in, true
}

func (in *incoming) refuse(t tsig, code uint16) {
	in.rcode, in.code, in.bad = rcodeNotAuth, code, t
}

// again brings a new conversation to where the request left it.
func (in *incoming) again() bool {
	t, ok := in.message.tsig(*in.layout.tsig)
	if !ok {
		return false
	}
	in.conv = newConversation(in.conv.key)
	head := [headerLen]byte(in.b)
	binary.BigEndian.PutUint16(head[:], t.origID)
	binary.BigEndian.PutUint16(head[10:], uint16(in.counts[3]-1))
	in.conv.sum(head, in.b[headerLen:in.layout.tsig.start], t)
	return true
}

// payload is how many octets the asker takes over UDP (RFC 6891 6.2.5).
func (in *incoming) payload() int { return max(512, int(in.udp)) }

// plain is the request without its TSIG record, as who asks unsigned would
// have sent it. It is a copy.
func (in *incoming) plain() []byte {
	end := len(in.b)
	if in.layout.tsig != nil {
		end = in.layout.tsig.start
	}
	out := append([]byte(nil), in.b[:end]...)
	if in.layout.tsig != nil {
		binary.BigEndian.PutUint16(out[10:], uint16(in.counts[3]-1))
		if t, ok := in.message.tsig(*in.layout.tsig); ok {
			binary.BigEndian.PutUint16(out, t.origID)
		}
	}
	return out
}

// head begins an answer: header and question.
func (in *incoming) head(dst []byte, bits uint16, rcode int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, in.id)
	dst = binary.BigEndian.AppendUint16(dst, bitQR|in.bits&(maskOpcode|1<<8)|bits|uint16(rcode))
	n := uint16(0)
	if len(in.questions) == 1 && in.counts[0] == 1 {
		n = 1
	}
	dst = binary.BigEndian.AppendUint16(dst, n)
	dst = append(dst, 0, 0, 0, 0, 0, 0)
	if n == 1 {
		dst = append(dst, in.b[headerLen:in.answers]...)
	}
	return dst
}

// errorAnswer is the answer to what cannot be served, signed as RFC 8945 5.3.2
// asks: an error of the key or the MAC is not, one of the time is.
func (in *incoming) errorAnswer(rcode int, now time.Time) []byte {
	out := in.head(nil, 0, rcode)
	if in.code == 0 {
		return in.signed(out, now)
	}
	t := tsig{
		key: in.bad.key, algorithm: in.bad.algorithm, time: in.bad.time, fudge: in.bad.fudge,
		origID: in.id, code: in.code,
	}
	if in.code == tsigBadTime {
		t.other = binary.BigEndian.AppendUint16(nil, uint16(uint64(now.Unix())>>32))
		t.other = binary.BigEndian.AppendUint32(t.other, uint32(now.Unix()))
		t.mac = in.conv.sum([headerLen]byte(out), out[headerLen:], t)
	}
	binary.BigEndian.PutUint16(out[10:], binary.BigEndian.Uint16(out[10:])+1)
	return t.appendRecord(out)
}

// signed signs an answer whose request was.
func (in *incoming) signed(msg []byte, now time.Time) []byte {
	if in.conv == nil || in.key == nil {
		return msg
	}
	return in.conv.sign(msg, now)
}
