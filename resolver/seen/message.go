package seen

import (
	"encoding/binary"
	"slices"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// The limits of an answer that is held.
const (
	answerRecords = 16
	answerOctets  = 1024 // of RDATA
)

// message is what a log needs of a DNS message (RFC 1035 4.1).
type message struct {
	id       uint16
	response bool
	opcode   int
	rcode    int
	aa       bool
	name     zones.Name
	typ      zones.Type
	class    zones.Class
	records  []zones.Record
	more     int
}

// parseMessage reads a message; found says why there is none. Its question
// must be whole. Of the answer section what can be read is taken: a capture
// may have cut it.
func parseMessage(b []byte) (m message, found string) {
	if len(b) < resolver.HeaderLen {
		return m, "it is shorter than a DNS header"
	}
	flags := binary.BigEndian.Uint16(b[2:])
	m.id = binary.BigEndian.Uint16(b)
	m.response = flags&resolver.FlagQR != 0
	m.opcode = int(flags&resolver.MaskOpcode) >> 11
	m.rcode = int(flags & 15)
	m.aa = flags&resolver.FlagAA != 0
	if m.opcode != 0 {
		return m, ""
	}
	if n := binary.BigEndian.Uint16(b[4:]); n != 1 {
		return m, "it has not exactly one question"
	}
	name, n, err := zones.NameFromWire(b[resolver.HeaderLen:])
	if err != nil {
		return m, "its question has no whole name"
	}
	at := resolver.HeaderLen + n
	if len(b) < at+4 {
		return m, "it ends inside its question"
	}
	m.name = name
	m.typ = zones.Type(binary.BigEndian.Uint16(b[at:]))
	m.class = zones.Class(binary.BigEndian.Uint16(b[at+2:]))
	if m.response {
		m.readAnswer(b, at+4, int(binary.BigEndian.Uint16(b[6:])))
	}
	return m, ""
}

// readAnswer reads the answer section, as far as it is there.
func (m *message) readAnswer(b []byte, at, count int) {
	size := 0
	for i := range count {
		owner, next, ok := nameAt(b, at)
		if !ok || len(b) < next+10 {
			m.more += count - i
			break
		}
		r := zones.Record{
			Owner: owner, Type: zones.Type(binary.BigEndian.Uint16(b[next:])),
			TTL: binary.BigEndian.Uint32(b[next+4:]),
		}
		end := next + 10 + int(binary.BigEndian.Uint16(b[next+8:]))
		if end > len(b) {
			m.more += count - i
			break
		}
		at = end
		data, ok := dataAt(b, next+10, end, r.Type)
		if size += len(data); !ok || len(m.records) == answerRecords || size > answerOctets {
			m.more++
			continue
		}
		r.Data = data
		m.records = append(m.records, r)
	}
	slices.SortFunc(m.records, zones.Record.Compare)
	m.records = slices.CompactFunc(m.records, zones.Record.Same)
}

// nameAt reads a name that may be compressed (RFC 1035 4.1.4) and tells where
// it ends. A pointer must lead back behind all that was read before it.
func nameAt(b []byte, at int) (zones.Name, int, bool) {
	wire := make([]byte, 0, zones.MaxName)
	end, floor := -1, at
	for {
		if at >= len(b) {
			return zones.Name{}, 0, false
		}
		n := int(b[at])
		switch {
		case n >= 0xc0:
			if at+1 >= len(b) {
				return zones.Name{}, 0, false
			}
			if end < 0 {
				end = at + 2
			}
			to := n&0x3f<<8 | int(b[at+1])
			if to >= floor {
				return zones.Name{}, 0, false
			}
			at, floor = to, to
			continue
		case n > zones.MaxLabel, at+1+n > len(b), len(wire)+1+n > zones.MaxName:
			return zones.Name{}, 0, false
		}
		wire = append(wire, b[at:at+1+n]...)
		if at += 1 + n; n == 0 {
			break
		}
	}
	if end < 0 {
		end = at
	}
	name, _, err := zones.NameFromWire(wire)
	return name, end, err == nil
}

// compressed says of the types whose names may be compressed (RFC 3597 4) what
// their RDATA is made of: n is a name, a number that many octets, * the rest.
var compressed = map[zones.Type]string{
	zones.TypeNS: "n", zones.TypeMD: "n", zones.TypeMF: "n", zones.TypeCNAME: "n", zones.TypeSOA: "nn*", zones.TypeMB: "n",
	zones.TypeMG: "n", zones.TypeMR: "n", zones.TypePTR: "n", zones.TypeMINFO: "nn", zones.TypeMX: "2n", zones.TypeRP: "nn",
	zones.TypeAFSDB: "2n", zones.TypeRT: "2n", zones.TypePX: "2nn", zones.TypeSRV: "6n", zones.TypeNXT: "n*", zones.TypeSIG: "18n*",
	zones.TypeDNAME: "n", zones.TypeKX: "2n",
}

// dataAt reads RDATA at [at, end) into the form that zones.Record holds.
func dataAt(b []byte, at, end int, t zones.Type) (string, bool) {
	out, form := make([]byte, 0, end-at+zones.MaxName), compressed[t]
	for i := 0; i < len(form); i++ {
		switch c := form[i]; {
		case c == 'n':
			name, next, ok := nameAt(b[:end], at)
			if !ok {
				return "", false
			}
			out = append(out, name.Wire()...)
			at = next
		case c == '*':
			out = append(out, b[at:end]...)
			at = end
		default:
			n := int(c - '0')
			if n == 1 { // "18"
				i++
				n = 18
			}
			if at+n > end {
				return "", false
			}
			out = append(out, b[at:at+n]...)
			at += n
		}
	}
	if form == "" {
		out = append(out, b[at:end]...)
	} else if at != end {
		return "", false
	}
	data, err := rdata.Canonical(t, out)
	return data, err == nil
}

// answer is what the message says.
func (m *message) answer() *Answer {
	return &Answer{Rcode: m.rcode, AA: m.aa, Records: m.records, More: m.more}
}

// bookMessage counts a message of a frame or packet. what names it in findings.
func (l *ledger) bookMessage(n int64, b []byte, e Entry, port uint16, why string) {
	m, found := parseMessage(b)
	switch {
	case found != "":
		l.refuse(n, nil, why, found)
		return
	case m.opcode != 0:
		l.leave(leftOpcode)
		return
	case m.class != zones.ClassIN:
		l.leave(leftClass)
		return
	case !l.o.wants(e.Server):
		l.leave(leftServers)
		return
	}
	e.At, e.Name, e.Type = l.place(n), m.name, m.typ
	p := parsed{entry: e, port: port, id: m.id}
	if m.response {
		p.verdict = isAnswer
		p.entry.Answer = m.answer()
	}
	l.book(n, nil, p)
}
