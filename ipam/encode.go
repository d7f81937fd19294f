package ipam

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// eventFormat is the first octet of an encoding. A changed layout gets another.
const eventFormat = 1

// Append appends the canonical encoding of e to dst (EVENT-CANON). It does not
// check e; DecodeEvent accepts it when Check does.
//
//	octet    format, 1
//	8        revision, big endian
//	32       digest of the event before
//	8        instant, nanoseconds since 1970, big endian
//	octet    verb
//	text     who, why, document, key        text: uvarint length, octets
//	32       digest of the request, only when the key is not empty
//	uvarint  number of changes, then each:
//	  octet  op
//	  place  from, and for a shift to       place: text space; octet 4 or 6; first, last
//	  or, for add and alter, the allocation: place; octet status; text code; six
//	  texts; two dates (octet 0, or 1, year of 2 octets, month, day); two lists
//	  (uvarint number, texts)
func (e Event) Append(dst []byte) []byte {
	dst = append(dst, eventFormat)
	dst = binary.BigEndian.AppendUint64(dst, e.Revision)
	dst = append(dst, e.Before[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.At.UnixNano()))
	dst = append(dst, byte(e.Verb))
	for _, s := range [...]string{e.Who, e.Why, e.Document, e.Key} {
		dst = appendText(dst, s)
	}
	if e.Key != "" {
		dst = append(dst, e.Request[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Changes)))
	for _, c := range e.Changes {
		dst = append(dst, byte(c.Op))
		switch c.Op {
		case Add, Alter:
			dst = appendAllocation(dst, c.Allocation)
		case Shift:
			dst = appendPlace(appendPlace(dst, c.From), c.To)
		default:
			dst = appendPlace(dst, c.From)
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendPlace(dst []byte, p Place) []byte {
	dst = appendText(dst, string(p.Space))
	if p.Block.Is4() {
		dst = append(dst, 4)
	} else {
		dst = append(dst, 6)
	}
	return append(append(dst, p.Block.first.AsSlice()...), p.Block.last.AsSlice()...)
}

func appendAllocation(dst []byte, a Allocation) []byte {
	dst = append(appendPlace(dst, a.Place), byte(a.Status))
	dst = appendText(dst, a.Holder.Code.text)
	for _, s := range a.texts() {
		dst = appendText(dst, *s)
	}
	for _, d := range [...]Date{a.Since, a.Until} {
		if d.IsZero() {
			dst = append(dst, 0)
			continue
		}
		dst = binary.BigEndian.AppendUint16(append(dst, 1), uint16(d.Year))
		dst = append(dst, byte(d.Month), byte(d.Day))
	}
	for _, list := range [...][]string{a.Documents, a.Names} {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, s := range list {
			dst = appendText(dst, s)
		}
	}
	return dst
}

// DecodeEvent reads one encoding, all of it, and checks the event. Octets that
// Append would not write for the same event are refused (EVENT-CANON).
func DecodeEvent(data []byte) (Event, error) {
	if len(data) > MaxEventOctets {
		return Event{}, fmt.Errorf("an event of %d octets, where %d are the most", len(data), MaxEventOctets)
	}
	if len(data) > 0 && data[0] != eventFormat {
		return Event{}, fmt.Errorf("event format %d, where %d is known: damaged, or written by a newer program", data[0], eventFormat)
	}
	d := decoder{rest: data}
	d.take(1)
	e := Event{Revision: binary.BigEndian.Uint64(d.take(8))}
	copy(e.Before[:], d.take(32))
	e.At = time.Unix(0, int64(binary.BigEndian.Uint64(d.take(8)))).UTC()
	e.Verb = Verb(d.take(1)[0])
	e.Who, e.Why, e.Document, e.Key = d.text(), d.text(), d.text(), d.text()
	if e.Key != "" {
		copy(e.Request[:], d.take(32))
	}
	for n := d.uvarint(); n > 0 && !d.short; n-- {
		c := Change{Op: Op(d.take(1)[0])}
		switch c.Op {
		case Add, Alter:
			c.Allocation = d.allocation()
		case Shift:
			c.From, c.To = d.place(), d.place()
		default:
			c.From = d.place()
		}
		e.Changes = append(e.Changes, c)
	}
	switch {
	case d.short:
		return Event{}, fmt.Errorf("an event that breaks off after %d octets", len(data))
	case len(d.rest) > 0:
		return Event{}, fmt.Errorf("an event with %d octets behind its end", len(d.rest))
	}
	if err := e.Check(); err != nil {
		return Event{}, err
	}
	if !bytes.Equal(e.Append(make([]byte, 0, len(data))), data) {
		return Event{}, fmt.Errorf("an event in an encoding that is not the canonical one")
	}
	return e, nil
}

// decoder takes values off the front. After it ran short it gives zeros, so
// that its user need not ask after each step.
type decoder struct {
	rest  []byte
	short bool
}

var zeros [32]byte // read only

// take gives the next n octets, n at most 32.
func (d *decoder) take(n int) []byte {
	if len(d.rest) < n {
		d.rest, d.short = nil, true
		return zeros[:n]
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.rest, d.short = nil, true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.rest, d.short = nil, true
		return ""
	}
	out := string(d.rest[:n])
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) place() Place {
	p := Place{Space: Space(d.text())}
	n := 16
	if d.take(1)[0] == 4 {
		n = 4
	}
	first, _ := netip.AddrFromSlice(d.take(n))
	last, _ := netip.AddrFromSlice(d.take(n))
	p.Block, _ = NewBlock(first, last) // the zero Block does not pass Check
	return p
}

func (d *decoder) allocation() Allocation {
	a := Allocation{Place: d.place(), Status: Status(d.take(1)[0])}
	if s := d.text(); s != "" {
		a.Holder.Code, _ = ParseCode(s) // another spelling is not canonical
	}
	for _, s := range a.texts() {
		*s = d.text()
	}
	for _, date := range [...]*Date{&a.Since, &a.Until} {
		if d.take(1)[0] != 0 {
			*date = Date{Year: int(binary.BigEndian.Uint16(d.take(2)))}
			date.Month, date.Day = time.Month(d.take(1)[0]), int(d.take(1)[0])
		}
	}
	for _, list := range [...]*[]string{&a.Documents, &a.Names} {
		for n := d.uvarint(); n > 0 && !d.short; n-- {
			*list = append(*list, d.text())
		}
	}
	return a
}
