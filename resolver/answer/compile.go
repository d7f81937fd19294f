package answer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// ErrTooLarge is a view whose wire does not fit 32-bit offsets.
var ErrTooLarge = errors.New("the zones of one view take more than 4 GiB")

// Compile lays one view of a world out for answering. A view without zones
// gives an image that refuses everything.
func Compile(w zones.World, v zones.View, p Policy) (*Image, error) {
	c := &compiler{im: &Image{policy: p, seed: maphash.MakeSeed(), view: v}}
	for z := range w.In(v) {
		if err := c.zone(z); err != nil {
			return nil, fmt.Errorf("%v: %w", z.ID(), err)
		}
	}
	c.index()
	c.im.live, c.im.compiled = c.im.sizes(), c.im.sizes()
	return c.im, nil
}

type compiler struct {
	im     *Image
	byName map[zones.Name]uint32 // nodes of the zone under way
}

// zone adds one zone: its nodes in canonical order, so that a name stands
// after all above it.
func (c *compiler) zone(z *zones.Zone) error {
	im := c.im
	id := uint32(len(im.zones))
	im.zones = append(im.zones, zone{neg: z.SOA().NegativeTTL(soaTTL(z))})
	c.byName = map[zones.Name]uint32{}
	for _, n := range existing(z) {
		if err := c.node(z, id, n); err != nil {
			return err
		}
	}
	im.zones[id].apex = c.byName[z.Origin()]
	c.stars()
	c.hide(z)
	c.glue(z)
	return nil
}

func soaTTL(z *zones.Zone) uint32 {
	s, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	return s.TTL()
}

// existing lists owners and empty non-terminals, in canonical order.
func existing(z *zones.Zone) []zones.Name {
	var names []zones.Name
	have := map[zones.Name]bool{z.Origin(): true}
	names = append(names, z.Origin())
	for owner := range z.Owners() {
		for n := owner; !have[n]; n, _ = n.Parent() {
			have[n] = true
			names = append(names, n)
		}
	}
	slices.SortFunc(names, zones.Name.Compare)
	return names
}

func (c *compiler) node(z *zones.Zone, id uint32, name zones.Name) error {
	im := c.im
	sets := z.At(name)
	n := node{
		zone: id, name: uint32(len(im.arena)), size: uint8(len(name.Wire())),
		sets: uint32(len(im.sets)), count: uint16(len(sets)), star: none, over: none,
	}
	im.arena = append(im.arena, name.Wire()...)
	apex := name == z.Origin()
	n.flags = flagsOf(sets, apex)
	for _, s := range sets {
		if apex && s.Type() == zones.TypeSOA {
			im.zones[id].soa = uint32(len(im.sets))
		}
		if err := im.set(s, none); err != nil {
			return err
		}
	}
	c.byName[name] = uint32(len(im.nodes))
	im.nodes = append(im.nodes, n)
	return nil
}

// flagsOf tells what a name with these RRsets is.
func flagsOf(sets []zones.RRset, apex bool) (flags uint8) {
	if apex {
		flags |= isApex
	}
	for _, s := range sets {
		switch {
		case s.Type() == zones.TypeNS && !apex:
			flags |= isCut
		case s.Type() == zones.TypeDNAME:
			flags |= isDNAME
		case s.Type() == zones.TypeCNAME:
			flags |= isCNAME
		}
	}
	return flags
}

// set adds an RRset; data is where its data stands already, none if nowhere.
func (im *Image) set(s zones.RRset, data uint32) error {
	if s.Len() > math.MaxUint16 {
		return fmt.Errorf("%v: %d records in one set", s.Key(), s.Len())
	}
	im.sets = append(im.sets, set{typ: s.Type(), count: uint16(s.Len()), ttl: s.TTL(), data: data})
	if data != none {
		return nil
	}
	im.sets[len(im.sets)-1].data = uint32(len(im.arena))
	for i := range s.Len() {
		im.arena = binary.BigEndian.AppendUint16(im.arena, uint16(len(s.Data(i))))
		im.arena = append(im.arena, s.Data(i)...)
	}
	if uint64(len(im.arena)) > math.MaxUint32-zones.MaxName {
		return ErrTooLarge
	}
	return nil
}

// stars links each node to the wildcard right below it.
func (c *compiler) stars() {
	for name, i := range c.byName {
		if up, ok := name.Parent(); ok && name.IsWildcard() {
			if p, ok := c.byName[up]; ok {
				c.im.nodes[p].star = i
			}
		}
	}
}

// hide computes over, from the apex down: what hides the parent hides the
// child; else a DNAME at the parent does; else the node's own cut.
func (c *compiler) hide(z *zones.Zone) {
	im := c.im
	for i := im.zones[len(im.zones)-1].apex; i < uint32(len(im.nodes)); i++ {
		n := &im.nodes[i]
		name := c.name(n)
		if name != z.Origin() {
			up, _ := name.Parent()
			p := c.byName[up]
			switch {
			case im.nodes[p].over != none:
				n.over = im.nodes[p].over
			case im.nodes[p].flags&isDNAME != 0:
				n.over = p
			}
		}
		if n.over == none && n.flags&isCut != 0 {
			n.over = i
		}
	}
}

func (c *compiler) name(n *node) zones.Name {
	name, _, err := zones.NameFromWire(c.im.arena[n.name : n.name+uint32(n.size)])
	if err != nil {
		panic("answer: a name that was compiled cannot be read") // it was written by node
	}
	return name
}

// glue finds the glue of each cut.
func (c *compiler) glue(z *zones.Zone) {
	im := c.im
	find := func(n zones.Name) uint32 {
		if at, ok := c.byName[n]; ok {
			return at
		}
		return none
	}
	for i := im.zones[len(im.zones)-1].apex; i < uint32(len(im.nodes)); i++ {
		if im.nodes[i].flags&isCut != 0 {
			cut := c.name(&im.nodes[i])
			ns, _ := z.Lookup(cut, zones.TypeNS)
			im.glueOf(i, cut, ns, find)
		}
	}
}

// glueOf finds, for the node of a cut, the servers at or below it that have
// addresses in the zone (RFC 9471 2.1).
func (im *Image) glueOf(i uint32, cut zones.Name, ns zones.RRset, find func(zones.Name) uint32) {
	s := &im.sets[im.find(i, zones.TypeNS)]
	s.glue, s.glues = uint32(len(im.glue)), 0
	for k := range ns.Len() {
		host, _, err := zones.NameIn(ns.Data(k))
		if err != nil || !host.Within(cut) {
			continue
		}
		if at := find(host); at != none {
			im.glue = append(im.glue, at)
			s.glues++
		}
	}
}

// index fills the two tables.
func (c *compiler) index() {
	im := c.im
	im.apexes, im.names = newTable(len(im.zones)), newTable(len(im.nodes))
	for i, z := range im.zones {
		im.apexes.put(im.hash(im.nameOf(z.apex), 0), uint32(i))
	}
	for i := range im.nodes {
		im.names.put(im.hash(im.nameOf(uint32(i)), im.nodes[i].zone), uint32(i))
	}
}
