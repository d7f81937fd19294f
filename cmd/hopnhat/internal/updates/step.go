package updates

import (
	"encoding/binary"
	"errors"

	"gialai.gov.vn/hopnhat/zones"
)

// Kind tells what an entry of the journal is.
type Kind byte

// The kinds.
const (
	Update  Kind = 1 // a step made by a dynamic update
	Hand    Kind = 2 // a step made by people, in the file
	Written Kind = 3 // the file was written: it holds all steps before
)

// Entry is one entry of the journal: a step from one serial to a later one, or
// the sum of the files' octets as they were written.
type Entry struct {
	Kind  Kind
	Delta zones.Delta // of a step; the SOA goes and comes in it
	// Of Written: the serial of the state that was written, and the sum of the
	// files' octets.
	Serial zones.Serial
	Sum    [32]byte
}

// serials gives the serials before and after a step.
func (e Entry) serials() (from, to zones.Serial) {
	return serialOf(e.Delta.Removed, e.Delta.ID.Origin), serialOf(e.Delta.Added, e.Delta.ID.Origin)
}

func serialOf(rs []zones.Record, origin zones.Name) zones.Serial {
	for _, r := range rs {
		if r.Type == zones.TypeSOA && r.Owner == origin {
			if soa, err := zones.ParseSOA(r.Data); err == nil {
				return soa.Serial
			}
		}
	}
	return 0
}

var errEntry = errors.New("an entry that cannot be read")

// append writes the entry:
//
//	kind 1, then for a step: removed 4, records, added 4, records; for Written: serial 4, sum 32
//	record: owner's octets 1, owner, type 2, TTL 4, data's octets 2, data
func (e Entry) append(b []byte) []byte {
	b = append(b, byte(e.Kind))
	if e.Kind == Written {
		b = binary.BigEndian.AppendUint32(b, uint32(e.Serial))
		return append(b, e.Sum[:]...)
	}
	for _, rs := range [][]zones.Record{e.Delta.Removed, e.Delta.Added} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(rs)))
		for _, r := range rs {
			b = append(b, byte(len(r.Owner.Wire())))
			b = append(b, r.Owner.Wire()...)
			b = binary.BigEndian.AppendUint16(b, uint16(r.Type))
			b = binary.BigEndian.AppendUint32(b, r.TTL)
			b = binary.BigEndian.AppendUint16(b, uint16(len(r.Data)))
			b = append(b, r.Data...)
		}
	}
	return b
}

// parseEntry reads what append wrote. It keeps nothing of b.
func parseEntry(b []byte, id zones.ID) (Entry, error) {
	if len(b) == 0 {
		return Entry{}, errEntry
	}
	e := Entry{Kind: Kind(b[0])}
	b = b[1:]
	switch e.Kind {
	case Written:
		if len(b) != 4+len(e.Sum) {
			return Entry{}, errEntry
		}
		e.Serial = zones.Serial(binary.BigEndian.Uint32(b))
		copy(e.Sum[:], b[4:])
		return e, nil
	case Update, Hand:
	default:
		return Entry{}, errEntry
	}
	e.Delta.ID = id
	for _, rs := range []*[]zones.Record{&e.Delta.Removed, &e.Delta.Added} {
		if len(b) < 4 {
			return Entry{}, errEntry
		}
		n := binary.BigEndian.Uint32(b)
		b = b[4:]
		for range n {
			r, rest, ok := parseRecord(b)
			if !ok || !r.Owner.Within(id.Origin) {
				return Entry{}, errEntry
			}
			*rs, b = append(*rs, r), rest
		}
	}
	if len(b) > 0 {
		return Entry{}, errEntry
	}
	return e, nil
}

func parseRecord(b []byte) (r zones.Record, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0])+8 {
		return r, nil, false
	}
	n := int(b[0])
	owner, used, err := zones.NameFromWire(b[1 : 1+n])
	if err != nil || used != n {
		return r, nil, false
	}
	b = b[1+n:]
	r = zones.Record{Owner: owner, Type: zones.Type(binary.BigEndian.Uint16(b)), TTL: binary.BigEndian.Uint32(b[2:])}
	size := int(binary.BigEndian.Uint16(b[6:]))
	if len(b) < 8+size {
		return r, nil, false
	}
	r.Data = string(b[8 : 8+size])
	return r, b[8+size:], true
}
