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
	start  int    // of the message in out
	count  int    // of answers
	name   []byte // the owner written last, on the wire, in lower case
	labels []spot // of name: where each label begins in it, and in the message
	spare  []spot // for the next labels
}

type spot struct{ at, off int }

// reset begins a message whose head, with the question, was written from start.
func (p *packer) reset(out []byte, start int) {
	p.out, p.start, p.count = out, start, 0
	p.name, p.labels = p.name[:0], p.labels[:0]
	if len(out)-start > headerLen { // the question's name
		p.remember(out[start+headerLen:], headerLen)
	}
}

// remember takes a name that stands in the message, uncompressed, at off.
func (p *packer) remember(wire []byte, off int) {
	p.name, p.labels = p.name[:0], p.labels[:0]
	for i := 0; i < len(wire) && wire[i] != 0; i += 1 + int(wire[i]) {
		p.labels = append(p.labels, spot{i, off + i})
		for _, c := range wire[i : i+1+int(wire[i])] {
			if 'A' <= c && c <= 'Z' { // a length octet is at most 63, and so none of these
				c += 'a' - 'A'
			}
			p.name = append(p.name, c)
		}
	}
	p.name = append(p.name, 0)
}

// size is how long the message is so far.
func (p *packer) size() int { return len(p.out) - p.start }

// owner writes a name.
func (p *packer) owner(n zones.Name) {
	w := n.Wire()
	// The longest suffix that the name before has too: label by label from the end.
	var marks [128]int
	count := 0
	for i := 0; w[i] != 0; i += 1 + int(w[i]) {
		marks[count] = i
		count++
	}
	common := 0
	for common < count && common < len(p.labels) {
		i, j := marks[count-1-common], p.labels[len(p.labels)-1-common].at
		l := 1 + int(w[i])
		if string(w[i:i+l]) != string(p.name[j:j+min(l, len(p.name)-j)]) {
			break
		}
		common++
	}
	at := p.size()
	labels := p.spare[:0]
	end := len(w)
	if common > 0 {
		end = marks[count-common]
	}
	for k := range count - common {
		labels = append(labels, spot{marks[k], at + marks[k]})
	}
	p.out = append(p.out, w[:min(end, len(w))]...)
	if common > 0 {
		to := p.labels[len(p.labels)-common:] // all in reach: fits keeps messages that short
		p.out = binary.BigEndian.AppendUint16(p.out, 0xc000|uint16(to[0].off))
		for k, s := range to {
			labels = append(labels, spot{marks[count-common+k], s.off})
		}
	}
	p.name = append(p.name[:0], w...)
	p.labels, p.spare = labels, p.labels
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
