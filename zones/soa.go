package zones

import (
	"encoding/binary"
	"errors"
)

// SOA is the start of authority (RFC 1035 3.3.13). Times are seconds.
type SOA struct {
	MName, RName Name
	Serial       Serial
	Refresh      uint32
	Retry        uint32
	Expire       uint32
	Minimum      uint32
}

// ErrSOA is a broken SOA RDATA.
var ErrSOA = errors.New("a broken SOA record")

// ParseSOA reads the RDATA of an SOA record.
func ParseSOA(data string) (SOA, error) {
	b := []byte(data)
	m, i, err := NameFromWire(b)
	if err != nil {
		return SOA{}, ErrSOA
	}
	r, j, err := NameFromWire(b[i:])
	if err != nil || len(b) != i+j+20 {
		return SOA{}, ErrSOA
	}
	u := func(k int) uint32 { return binary.BigEndian.Uint32(b[i+j+4*k:]) }
	return SOA{m, r, Serial(u(0)), u(1), u(2), u(3), u(4)}, nil
}

// Data returns the RDATA on the wire.
func (s SOA) Data() string {
	b := make([]byte, 0, len(s.MName.wire)+len(s.RName.wire)+20)
	b = append(b, s.MName.wire...)
	b = append(b, s.RName.wire...)
	for _, v := range []uint32{uint32(s.Serial), s.Refresh, s.Retry, s.Expire, s.Minimum} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return string(b)
}

// NegativeTTL returns how long a negative answer may be kept, in seconds: the
// smaller of the SOA's own TTL and its MINIMUM (RFC 2308 5).
func (s SOA) NegativeTTL(ttl uint32) uint32 { return min(ttl, s.Minimum) }
