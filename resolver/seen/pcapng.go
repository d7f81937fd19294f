package seen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"time"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// The blocks of pcapng (draft-ietf-opsawg-pcapng 4) that are read; others are
// passed over.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete, still met
	blockSimple    = 3
	blockEnhanced  = 6
)

// maxInterfaces bounds what a section may define.
const maxInterfaces = 4096

// ngInterface is what a packet's interface says about it.
type ngInterface struct {
	link   int
	snap   uint32
	perSec uint64 // ticks of its clock in a second
	offset int64  // seconds to be added
}

// readPCAPNG reads sections, each with its octet order and interfaces:
//
//	type 4 | length 4 | body | padding to 4 | length 4
func (c *capture) readPCAPNG() error {
	var order binary.ByteOrder = binary.BigEndian
	var faces []ngInterface
	for {
		var h [12]byte
		if _, err := io.ReadFull(c.in, h[:8]); err != nil {
			return err
		}
		body := int64(0)
		if binary.BigEndian.Uint32(h[:]) == blockSection {
			if _, err := io.ReadFull(c.in, h[8:]); err != nil {
				return io.ErrUnexpectedEOF
			}
			switch binary.BigEndian.Uint32(h[8:]) {
			case 0x1a2b3c4d:
				order = binary.BigEndian
			case 0x4d3c2b1a:
				order = binary.LittleEndian
			default:
				return c.broken("a section whose octet order cannot be told")
			}
			faces, body = nil, 4
		}
		size := int64(order.Uint32(h[4:]))
		if size < 12+body || size%4 != 0 {
			return c.broken(fmt.Sprintf("a block of %d octets", size))
		}
		rest := size - 12 - body
		kind := order.Uint32(h[:])
		if body > 0 {
			kind = blockSection
		}
		var err error
		switch kind {
		case blockInterface:
			faces, err = c.face(order, faces, rest)
		case blockEnhanced, blockPacket, blockSimple:
			err = c.ngPacket(order, faces, kind, rest)
		default:
			err = c.skip(rest)
		}
		if err == nil {
			err = c.skip(4) // the length again
		}
		if err != nil {
			return err
		}
	}
}

// broken ends the reading: nothing tells where the next block begins.
func (c *capture) broken(what string) error {
	return finding.Finding{
		ID: "Q-LIMIT", Severity: finding.Error, At: c.place(c.n + 1),
		Found: what + ": the file is damaged from here on",
		Mend:  "take the capture again, or cut it before this packet (editcap -r)",
	}
}

// skip passes over octets that must be there.
func (c *capture) skip(n int64) error {
	if _, err := io.CopyN(io.Discard, c.in, n); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// face reads an interface description (4.2) with its options if_tsresol and
// if_tsoffset.
func (c *capture) face(order binary.ByteOrder, faces []ngInterface, size int64) ([]ngInterface, error) {
	if size < 8 || len(faces) == maxInterfaces {
		return nil, c.broken("an interface that is broken or one too many")
	}
	b, err := c.take(uint32(min(size, math.MaxUint32)))
	if err != nil {
		return nil, err
	}
	f := ngInterface{link: int(order.Uint16(b)), snap: order.Uint32(b[4:]), perSec: 1e6}
	for b = b[8:]; len(b) >= 4; {
		code, n := order.Uint16(b), int(order.Uint16(b[2:]))
		if b = b[4:]; code == 0 || n > len(b) {
			break
		}
		switch {
		case code == 9 && n == 1:
			if f.perSec = resolution(b[0]); f.perSec == 0 {
				return nil, c.broken("an interface with a clock finer than can be")
			}
		case code == 14 && n == 8:
			f.offset = int64(order.Uint64(b))
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return append(faces, f), nil
}

// resolution reads if_tsresol: 10 to the minus n, or 2 to the minus n.
func resolution(v byte) uint64 {
	n := int(v & 0x7f)
	base := uint64(10)
	if v&0x80 != 0 {
		base = 2
	}
	r := uint64(1)
	for range n {
		if r > math.MaxUint64/base {
			return 0
		}
		r *= base
	}
	return r
}

// at gives the instant of a count of ticks; zero where it lies past the year 9999.
func (f ngInterface) at(ticks uint64) time.Time {
	sec, part := ticks/f.perSec, ticks%f.perSec
	ns := new(big.Int).SetUint64(part)
	ns.Div(ns.Mul(ns, big.NewInt(1e9)), new(big.Int).SetUint64(f.perSec))
	if sec > lastSecond || f.offset > lastSecond || f.offset < -lastSecond {
		return time.Time{}
	}
	return time.Unix(int64(sec)+f.offset, ns.Int64())
}

// ngPacket reads an enhanced (4.3), a simple (4.4) or an obsolete packet block.
func (c *capture) ngPacket(order binary.ByteOrder, faces []ngInterface, kind uint32, size int64) error {
	head := int64(20)
	if kind == blockSimple {
		head = 4
	}
	if size < head {
		return c.broken("a packet block without its head")
	}
	var h [20]byte
	if _, err := io.ReadFull(c.in, h[:head]); err != nil {
		return io.ErrUnexpectedEOF
	}
	face, held, whole := uint32(0), uint32(0), order.Uint32(h[:])
	switch kind {
	case blockEnhanced:
		face, held, whole = order.Uint32(h[:]), order.Uint32(h[12:]), order.Uint32(h[16:])
	case blockPacket:
		face, held, whole = uint32(order.Uint16(h[:])), order.Uint32(h[12:]), order.Uint32(h[16:])
	}
	if int64(face) >= int64(len(faces)) {
		return c.broken("a packet of an interface that is not described")
	}
	f := faces[face]
	if kind == blockSimple {
		held = whole
		if f.snap > 0 {
			held = min(held, f.snap)
		}
	}
	if int64(held) > size-head {
		return c.broken("a packet longer than its block")
	}
	data, err := c.take(held)
	if err != nil {
		return err
	}
	c.n++
	p := packet{n: c.n, link: f.link, cut: held < whole, data: data}
	if kind != blockSimple {
		p.time = f.at(uint64(order.Uint32(h[4:]))<<32 | uint64(order.Uint32(h[8:])))
	}
	c.packet(p)
	return c.skip(size - head - int64(held))
}
