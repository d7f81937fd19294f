package transfer

import (
	"encoding/binary"

	"gialai.gov.vn/hopnhat/zones"
)

// fullAt is how long a message of a transfer grows before the next begins: all
// of it can be pointed at (RFC 1035 4.1.4), and a stalled reader holds little.
const fullAt = 0x3fff

// packer writes records into messages. Owners point at the owner before them
// where they end alike, which in canonical order saves nearly all that
// compression can; data are written as they are, which every reader takes.
type packer struct {
	out    []byte
	start  int        // of the message in out
	count  int        // of answers
	name   string     // the owner written last, on the wire, in lower case
	labels []spot     // of name, leftmost first
	spare  []spot     // for the next labels
	marks  [128]uint8 // where the labels of the owner at hand begin
}

// spot is a label that stands in the message, with all that follows it.
type spot struct{ rest, off int } // octets of the name from the label on, and where they begin in the message

// reset begins a message whose head, with the question, was written from start.
func (p *packer) reset(out []byte, start int) {
	p.out, p.start, p.count = out, start, 0
	p.name, p.labels = "", p.labels[:0]
	if len(out)-start > headerLen { // the question's name
		p.remember(out[start+headerLen:], headerLen)
	}
}

// remember takes a name that stands in the message, uncompressed, at off.
func (p *packer) remember(wire []byte, off int) {
	n, _, err := zones.NameFromWire(wire)
	if err != nil {
		return
	}
	p.name = n.Wire()
	for i := 0; p.name[i] != 0; i += 1 + int(p.name[i]) {
		p.labels = append(p.labels, spot{len(p.name) - i, off + i})
	}
}

// size is how long the message is so far.
func (p *packer) size() int { return len(p.out) - p.start }

// owner writes a name: most are the one before, or stand beside it.
func (p *packer) owner(n zones.Name) {
	w := n.Wire()
	first := 1 + int(w[0])
	switch {
	case len(p.labels) == 0 || len(w) == 1:
	case w == p.name:
		p.point(p.labels[0].off)
		return
	case len(p.labels) > 1 && w[first:] == p.name[len(p.name)-p.labels[1].rest:]:
		p.labels[0] = spot{len(w), p.size()}
		p.out = append(p.out, w[:first]...)
		p.point(p.labels[1].off)
		p.name = w
		return
	}
	p.other(w)
}

// point writes a compression pointer. All of a message is in reach: fits keeps
// it that short.
func (p *packer) point(off int) { p.out = binary.BigEndian.AppendUint16(p.out, 0xc000|uint16(off)) }

// other writes any name, with the longest suffix that the name before has too
// as a pointer: label by label from the end.
func (p *packer) other(w string) {
	count := 0
	for i := 0; w[i] != 0; i += 1 + int(w[i]) {
		p.marks[count] = uint8(i)
		count++
	}
	common := 0
	for common < count && common < len(p.labels) {
		i, j := int(p.marks[count-1-common]), len(p.name)-p.labels[len(p.labels)-1-common].rest
		l := 1 + int(w[i])
		if w[i:i+l] != p.name[j:min(j+l, len(p.name))] {
			break
		}
		common++
	}
	at, end := p.size(), len(w)
	labels := p.spare[:0]
	for _, i := range p.marks[:count-common] {
		labels = append(labels, spot{len(w) - int(i), at + int(i)})
	}
	if common > 0 {
		end = int(p.marks[count-common])
	}
	p.out = append(p.out, w[:end]...)
	if common > 0 {
		to := p.labels[len(p.labels)-common:]
		p.point(to[0].off)
		labels = append(labels, to...)
	}
	p.name, p.labels, p.spare = w, labels, p.labels
}

// record writes a record of the answer section.
func (p *packer) record(owner zones.Name, t zones.Type, ttl uint32, data string) {
	p.owner(owner)
	p.out = binary.BigEndian.AppendUint16(p.out, uint16(t))
	p.out = binary.BigEndian.AppendUint16(p.out, uint16(zones.ClassIN))
	p.out = binary.BigEndian.AppendUint32(p.out, ttl)
	p.out = binary.BigEndian.AppendUint16(p.out, uint16(len(data)))
	p.out = append(p.out, data...)
	p.count++
}

// fits tells whether a record surely fits the message.
func (p *packer) fits(owner zones.Name, data string) bool {
	return p.size()+len(owner.Wire())+10+len(data) <= fullAt
}

// end writes the count and gives the message.
func (p *packer) end() []byte {
	binary.BigEndian.PutUint16(p.out[p.start+6:], uint16(p.count))
	return p.out
}
