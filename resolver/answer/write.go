package answer

import (
	"encoding/binary"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
)

const (
	plainUDP = 512  // octets over UDP without EDNS (RFC 1035 4.2.1)
	mostUDP  = 1232 // octets over UDP with EDNS, whatever the asker takes
	mostTCP  = 65535
	optLen   = 11 // an OPT record without options
	edeLen   = 6  // the option for one extended error without text (RFC 8914 2)
	targets  = 48 // how many names a message's later names may point to
)

// writer puts one response together. Offsets count from the message's start.
type writer struct {
	im     *Image
	out    []byte
	start  int // where the message begins in out
	limit  int // octets that the message may have, the OPT not counted
	names  [targets]uint16
	hashes [targets]uint32
	known  int // how many of names are set
	count  [3]uint16
	cut    bool // TC
}

func (w *writer) at() int { return len(w.out) - w.start }

// begin writes header and question.
func (w *writer) begin(dst []byte, q *resolver.Query, from resolver.Peer) {
	w.start = len(dst)
	w.out = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	w.out = append(w.out, q.Question...)
	w.limit = limit(q, from)
	if len(q.Question) > 0 {
		var s suffixes
		s.of(q.Name)
		w.learn(resolver.HeaderLen, &s, s.n)
	}
}

// limit is how long a response may be, less its OPT.
func limit(q *resolver.Query, from resolver.Peer) int {
	n := plainUDP
	switch {
	case from.Transport == resolver.TCP:
		n = mostTCP
	case q.HasOPT:
		n = min(max(plainUDP, int(q.Payload)), mostUDP)
	}
	if q.HasOPT {
		n -= optLen
	}
	return n
}

// same tells whether the name at an offset of the message is name, without
// regard to case.
func (w *writer) same(at int, name []byte) bool {
	msg := w.out[w.start:]
	for {
		l := int(msg[at])
		if l >= 0xc0 {
			at = (l&0x3f)<<8 | int(msg[at+1])
			continue
		}
		if l != int(name[0]) {
			return false
		}
		if l == 0 {
			return true
		}
		for i := 1; i <= l; i++ {
			if lower(msg[at+i]) != lower(name[i]) {
				return false
			}
		}
		at += 1 + l
		name = name[1+l:]
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// suffixes are a name's suffixes, the whole name first: where each begins and
// a hash of it without regard to case.
type suffixes struct {
	at   [128]uint8
	hash [128]uint32
	n    int
}

func (s *suffixes) of(name []byte) {
	s.n = 0
	for i := 0; name[i] != 0; i += 1 + int(name[i]) {
		s.at[s.n] = uint8(i)
		s.n++
	}
	h := uint32(2166136261)
	for k := s.n - 1; k >= 0; k-- {
		i := int(s.at[k])
		for _, c := range name[i : i+1+int(name[i])] {
			h = (h ^ uint32(lower(c))) * 16777619
		}
		s.hash[k] = h
	}
}

// learn remembers the first n suffixes of the name at an offset as targets
// for later pointers (RFC 1035 4.1.4), which reach 0x3fff.
func (w *writer) learn(first int, s *suffixes, n int) {
	for k := range n {
		at := first + int(s.at[k])
		if w.known == targets || at > 0x3fff {
			return
		}
		w.names[w.known], w.hashes[w.known] = uint16(at), s.hash[k]
		w.known++
	}
}

// name writes a name, by a pointer as far as one is known.
func (w *writer) name(name []byte) {
	var s suffixes
	s.of(name)
	first := w.at()
	for k := range s.n {
		if p := w.pointer(name[s.at[k]:], s.hash[k]); p >= 0 {
			w.out = append(w.out, name[:s.at[k]]...)
			w.out = binary.BigEndian.AppendUint16(w.out, 0xc000|uint16(p))
			w.learn(first, &s, k)
			return
		}
	}
	w.out = append(w.out, name...)
	w.learn(first, &s, s.n)
}

func (w *writer) pointer(name []byte, hash uint32) int {
	for k, at := range w.names[:w.known] {
		if w.hashes[k] == hash && w.same(int(at), name) {
			return int(at)
		}
	}
	return -1
}

// The sections of a response.
const (
	answerSection = iota
	authoritySection
	additionalSection
)

// set writes an RRset whole or not at all, under an owner; false and TC when
// it does not fit (RFC 2181 9).
func (w *writer) set(section int, owner []byte, i uint32, ttl uint32) bool {
	if w.cut {
		return false
	}
	s := &w.im.sets[i]
	back, known := len(w.out), w.known
	data := int(s.data)
	for range s.count {
		n := int(binary.BigEndian.Uint16(w.im.arena[data:]))
		w.record(owner, s.typ, ttl, w.im.arena[data+2:data+2+n])
		data += 2 + n
		if w.at() > w.limit {
			return w.undo(back, known)
		}
	}
	w.count[section] += s.count
	return true
}

func (w *writer) undo(back, known int) bool {
	w.out, w.known, w.cut = w.out[:back], known, true
	return false
}

// record writes one record of class IN. Names inside are compressed in the
// types of RFC 1035 alone (RFC 3597 4).
func (w *writer) record(owner []byte, t zones.Type, ttl uint32, data []byte) {
	w.name(owner)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(t))
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(zones.ClassIN))
	w.out = binary.BigEndian.AppendUint32(w.out, ttl)
	at := len(w.out)
	w.out = append(w.out, 0, 0)
	switch t {
	case zones.TypeNS, zones.TypeCNAME, zones.TypePTR:
		w.name(data)
	case zones.TypeMX:
		w.out = append(w.out, data[:2]...)
		w.name(data[2:])
	case zones.TypeSOA:
		m := nameLen(data)
		r := nameLen(data[m:])
		w.name(data[:m])
		w.name(data[m : m+r])
		w.out = append(w.out, data[m+r:]...)
	default:
		w.out = append(w.out, data...)
	}
	binary.BigEndian.PutUint16(w.out[at:], uint16(len(w.out)-at-2))
}

func nameLen(b []byte) int {
	at := 0
	for b[at] != 0 {
		at += 1 + int(b[at])
	}
	return at + 1
}

// end fills the header, writes the OPT, and returns the response. extended is
// an extended error to add, -1 for none (RFC 8914).
func (w *writer) end(q *resolver.Query, rcode int, flags uint16, extended int) []byte {
	additional := w.count[additionalSection]
	if q.HasOPT {
		additional++
		w.out = append(w.out, 0)
		w.out = binary.BigEndian.AppendUint16(w.out, uint16(zones.TypeOPT))
		w.out = binary.BigEndian.AppendUint16(w.out, mostUDP)
		do := uint16(0)
		if q.DO {
			do = 0x8000 // echoed (RFC 3225 3)
		}
		w.out = append(w.out, byte(rcode>>4), 0)
		w.out = binary.BigEndian.AppendUint16(w.out, do)
		if extended >= 0 {
			w.out = append(w.out, 0, edeLen, 0, 15, 0, 2)
			w.out = binary.BigEndian.AppendUint16(w.out, uint16(extended))
		} else {
			w.out = append(w.out, 0, 0)
		}
	}
	if w.cut {
		flags |= resolver.FlagTC
	}
	h := w.out[w.start:]
	questions := uint16(0)
	if len(q.Question) > 0 {
		questions = 1
	}
	binary.BigEndian.PutUint16(h, q.ID)
	binary.BigEndian.PutUint16(h[2:], responseFlags(q)|flags|uint16(rcode&15))
	binary.BigEndian.PutUint16(h[4:], questions)
	binary.BigEndian.PutUint16(h[6:], w.count[answerSection])
	binary.BigEndian.PutUint16(h[8:], w.count[authoritySection])
	binary.BigEndian.PutUint16(h[10:], additional)
	return w.out
}

// responseFlags are QR, the opcode, RD and CD as they were asked; RA and AD
// are never set.
func responseFlags(q *resolver.Query) uint16 {
	return resolver.FlagQR | q.Flags&(resolver.MaskOpcode|resolver.FlagRD|resolver.FlagCD)
}
