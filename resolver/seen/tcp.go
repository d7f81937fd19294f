package seen

import (
	"container/list"
	"encoding/binary"
	"net/netip"
)

// flow is one direction of a connection.
type flow struct{ src, dst netip.AddrPort }

// stream is what is known of a flow: where it goes on, and the part of a
// message that has come (RFC 1035 4.2.2: each behind its length).
type stream struct {
	flow flow
	next uint32 // the sequence number that is due
	part []byte
}

// streams are the flows under way, the one used last at the back. When there
// are too many, or too much is held, the one at the front is given up.
type streams struct {
	byFlow map[flow]*list.Element
	order  *list.List // of *stream
	held   int        // octets in all parts
	limits *Limits
}

func newStreams(l *Limits) streams {
	return streams{byFlow: map[flow]*list.Element{}, order: list.New(), limits: l}
}

func (s *streams) get(f flow) *stream {
	e := s.byFlow[f]
	if e == nil {
		return nil
	}
	s.order.MoveToBack(e)
	st, _ := e.Value.(*stream)
	return st
}

func (s *streams) drop(f flow) {
	e := s.byFlow[f]
	if e == nil {
		return
	}
	if st, ok := s.order.Remove(e).(*stream); ok {
		s.held -= len(st.part)
	}
	delete(s.byFlow, f)
}

func (s *streams) start(f flow, next uint32) *stream {
	s.drop(f)
	st := &stream{flow: f, next: next}
	s.byFlow[f] = s.order.PushBack(st)
	s.trim()
	return st
}

// trim keeps to the limits; the stream at the back stays.
func (s *streams) trim() {
	for s.order.Len() > 1 && (s.order.Len() > s.limits.Streams || s.held > s.limits.Held) {
		if st, ok := s.order.Front().Value.(*stream); ok {
			s.drop(st.flow)
		}
	}
}

// tcp counts a segment (RFC 9293 3.1): as many units as messages end in it.
func (c *capture) tcp(p packet, t transport) {
	src, dst, known, ok := c.ports(t)
	switch {
	case !known:
		c.reject(p, refPacket)
		return
	case !ok:
		c.leave(leftPorts)
		return
	case len(t.data) < 20 || int(t.data[12]>>4)*4 < 20 || int(t.data[12]>>4)*4 > len(t.data):
		c.reject(p, refPacket)
		return
	}
	const fin, syn, rst = 1, 2, 4
	b, f := t.data, flow{src, dst}
	seq, flags, data := binary.BigEndian.Uint32(b[4:]), b[13], b[int(b[12]>>4)*4:]
	st := c.streams.get(f)
	if flags&syn != 0 {
		seq++
		st = c.streams.start(f, seq)
	}
	if flags&rst != 0 {
		c.streams.drop(f)
		c.leave(leftTCP)
		return
	}
	if flags&fin != 0 {
		defer c.streams.drop(f)
	}
	if len(data)+t.missing == 0 {
		c.leave(leftTCP)
		return
	}
	if st != nil {
		switch behind := int32(st.next - seq); {
		case behind < 0:
			st = nil // a gap: perhaps a message begins here
		case int(behind) >= len(data)+t.missing:
			c.leave(leftTCP) // sent again
			return
		default:
			skip := min(int(behind), len(data))
			data, seq = data[skip:], seq+uint32(skip)
		}
	}
	if st == nil {
		if !beginsMessage(data) {
			c.streams.drop(f)
			c.leave(leftGap)
			return
		}
		st = c.streams.start(f, seq)
	}
	st.next = seq + uint32(len(data)+t.missing)
	c.segment(p, st, data, t.missing > 0)
	if t.missing > 0 {
		c.streams.drop(f) // what was not kept leaves a gap
	}
	c.streams.trim()
}

// beginsMessage guesses whether a message begins here: where a stream is met
// midway nothing else tells.
func beginsMessage(b []byte) bool {
	if len(b) < 2+12 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b))
	if n < 12+5 {
		return false
	}
	m, found := parseMessage(b[2:min(len(b), 2+n)])
	return found == "" && m.opcode == 0
}

// segment adds octets to a stream and counts the messages that end in them. cut:
// the octets go on, and the capture did not keep them.
func (c *capture) segment(p packet, st *stream, data []byte, cut bool) {
	c.streams.held -= len(st.part)
	all := append(st.part, data...)
	count := 0
	for len(all) >= 2 {
		n := int(binary.BigEndian.Uint16(all))
		if len(all) < 2+n {
			break
		}
		if n > 0 {
			count++
			c.message(p, all[2:2+n], st.flow.src, st.flow.dst, refTruncTCP)
		}
		all = all[2+n:]
	}
	if cut && len(all) > 2 {
		count++
		c.message(p, all[2:], st.flow.src, st.flow.dst, refSnap)
		all = nil
	}
	if count == 0 {
		if cut {
			c.refuse(p.n, nil, refSnap, "the capture kept nothing of its message")
		} else {
			c.leave(leftTCP)
		}
	}
	switch {
	case len(all) == 0:
		all = nil
	case count > 0:
		all = append([]byte(nil), all...)
	}
	st.part = all
	c.streams.held += len(all)
}
