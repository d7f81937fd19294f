package answer

import (
	"bytes"

	"gialai.gov.vn/hopnhat/zones"
)

func (im *Image) nameOf(i uint32) []byte {
	n := &im.nodes[i]
	return im.arena[n.name : n.name+uint32(n.size)]
}

// findNode returns a zone's node of exactly this name, in lower case.
func (im *Image) findNode(name []byte, zone uint32) uint32 {
	h := im.hash(name, zone)
	if im.patch.used > 0 {
		if k := im.lookup(&im.patch, h, name, zone); k != none {
			return im.unlessGone(k)
		}
	}
	return im.unlessGone(im.lookup(&im.names, h, name, zone))
}

func (im *Image) lookup(t *table, h uint32, name []byte, zone uint32) uint32 {
	for i := h & t.mask; t.slots[i] != 0; i = (i + 1) & t.mask {
		k := t.slots[i] - 1
		if im.nodes[k].zone == zone && bytes.Equal(im.nameOf(k), name) {
			return k
		}
	}
	return none
}

func (im *Image) unlessGone(k uint32) uint32 {
	if k != none && im.nodes[k].flags&isGone != 0 {
		return none
	}
	return k
}

// findApex returns the zone with exactly this apex.
func (im *Image) findApex(name []byte) uint32 {
	for i := im.hash(name, 0) & im.apexes.mask; im.apexes.slots[i] != 0; i = (i + 1) & im.apexes.mask {
		k := im.apexes.slots[i] - 1
		if bytes.Equal(im.nameOf(im.zones[k].apex), name) {
			return k
		}
	}
	return none
}

// nearest returns the zone whose apex is the closest at or above name
// (RFC 1034 4.3.2 step 2).
func (im *Image) nearest(name []byte) uint32 {
	for len(name) > 0 {
		if z := im.findApex(name); z != none {
			return z
		}
		name = name[1+int(name[0]):]
	}
	return none
}

// zoneFor is nearest, but DS at an apex belongs to the parent, if it is
// served too (RFC 4035 3.1.4.1).
func (im *Image) zoneFor(name []byte, t zones.Type) uint32 {
	z := im.nearest(name)
	if z == none || t != zones.TypeDS || len(name) == 1 || !bytes.Equal(im.nameOf(im.zones[z].apex), name) {
		return z
	}
	if parent := im.nearest(name[1+int(name[0]):]); parent != none {
		return parent
	}
	return z
}

// closest returns the deepest node at or above name in its zone, and whether
// it is name itself. The zone's apex lies at or above name.
func (im *Image) closest(name []byte, zone uint32) (at uint32, exact bool) {
	for rest := name; ; rest = rest[1+int(rest[0]):] {
		if k := im.findNode(rest, zone); k != none {
			return k, len(rest) == len(name)
		}
	}
}

// find returns a node's RRset of a type; none if it has none.
func (im *Image) find(i uint32, t zones.Type) uint32 {
	n := &im.nodes[i]
	for k := n.sets; k < n.sets+uint32(n.count); k++ {
		if im.sets[k].typ == t {
			return k
		}
	}
	return none
}
