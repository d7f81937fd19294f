package transfer

import (
	"encoding/binary"
	"errors"

	"gialai.gov.vn/hopnhat/zones"
)

const (
	headerLen = 12
	maxMsg    = 0xffff
)

// Response codes (RFC 1035 4.1.1, RFC 2136 2.2).
const (
	rcodeSuccess  = 0
	rcodeFormErr  = 1
	rcodeServFail = 2
	rcodeNXDomain = 3
	rcodeNotImp   = 4
	rcodeRefused  = 5
	rcodeNotAuth  = 9
)

// Bits of the second word of a header (RFC 1035 4.1.1).
const (
	bitQR      = 1 << 15
	maskOpcode = 0xf << 11
	bitAA      = 1 << 10
	bitTC      = 1 << 9
	maskRcode  = 0xf
)

// errMessage is a message whose parts do not fit together.
var errMessage = errors.New("the message is broken")

type question struct {
	name  zones.Name
	qtype zones.Type
	class zones.Class
}

// record is a record as it lies in a message: its owner (at start) is not read
// yet, and its data may hold compressed names.
type record struct {
	start      int // of the record
	rtype      zones.Type
	class      zones.Class
	ttl        uint32
	data, next int // of its data, and of what follows
}

// message is a view of a DNS message; it borrows the octets it was made of.
type message struct {
	b      []byte
	id     uint16
	bits   uint16
	counts [4]int // questions, answers, authority, additional
}

func (m message) rcode() int     { return int(m.bits & maskRcode) }
func (m message) has(b int) bool { return int(m.bits)&b == b }

func parseHeader(b []byte) (message, error) {
	if len(b) < headerLen {
		return message{}, errMessage
	}
	m := message{b: b, id: binary.BigEndian.Uint16(b), bits: binary.BigEndian.Uint16(b[2:])}
	for i := range m.counts {
		m.counts[i] = int(binary.BigEndian.Uint16(b[4+2*i:]))
	}
	return m, nil
}

// question reads the question at off.
func (m message) question(off int) (question, int, error) {
	n, off, ok := readName(m.b, off)
	if !ok || off+4 > len(m.b) {
		return question{}, 0, errMessage
	}
	q := question{n, zones.Type(binary.BigEndian.Uint16(m.b[off:])), zones.Class(binary.BigEndian.Uint16(m.b[off+2:]))}
	return q, off + 4, nil
}

// record reads the record at off.
func (m message) record(start int) (record, error) {
	off, ok := skipName(m.b, start)
	if !ok || off+10 > len(m.b) {
		return record{}, errMessage
	}
	u16 := func(i int) int { return int(binary.BigEndian.Uint16(m.b[off+i:])) }
	r := record{
		start: start, rtype: zones.Type(u16(0)), class: zones.Class(u16(2)), ttl: binary.BigEndian.Uint32(m.b[off+4:]),
		data: off + 10, next: off + 10 + u16(8),
	}
	if r.next > len(m.b) {
		return record{}, errMessage
	}
	return r, nil
}

// layout is where the parts of a message stand.
type layout struct {
	questions []question // two at most, more are not kept
	answers   int        // where the answer section begins
	tsig      *record
	udp       uint16 // octets that an OPT record lets an answer over UDP have, 0 without one
}

// layout walks the whole message: its sections must fill it to the last octet,
// and a TSIG record must be the last one (RFC 8945 5.1).
func (m message) layout() (l layout, err error) {
	off := headerLen
	for range m.counts[0] {
		var q question
		if q, off, err = m.question(off); err != nil {
			return layout{}, err
		}
		if len(l.questions) < 2 {
			l.questions = append(l.questions, q)
		}
	}
	l.answers = off
	for section := 1; section < 4; section++ {
		for i := range m.counts[section] {
			r, err := m.record(off)
			if err != nil {
				return layout{}, err
			}
			off = r.next
			if r.rtype == zones.TypeOPT {
				l.udp = uint16(r.class)
			}
			if r.rtype == zones.TypeTSIG {
				if section != 3 || i != m.counts[3]-1 {
					return layout{}, errMessage
				}
				l.tsig = &r
			}
		}
	}
	if off != len(m.b) {
		return layout{}, errMessage
	}
	return l, nil
}

// query builds a question message without additional records.
func query(id uint16, zone zones.Name, t zones.Type) []byte {
	b := make([]byte, headerLen, headerLen+zones.MaxName+4)
	binary.BigEndian.PutUint16(b, id)
	b[5] = 1
	b = append(b, zone.Wire()...)
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	return binary.BigEndian.AppendUint16(b, uint16(zones.ClassIN))
}
