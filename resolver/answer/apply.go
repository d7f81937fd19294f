package answer

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// ErrCompileAnew is a change that an image does not take: the view is to be
// compiled, which gives the same answers in a tidy image.
var ErrCompileAnew = errors.New("the view is to be compiled anew")

const (
	slack     = 1 << 16 // pieces and octets that changes may always leave behind
	mostPatch = 1 << 10 // names in Image.patch before they go into Image.names
	fewNames  = 1 << 12 // names that a change may always touch; of more, a quarter of all
)

// Apply returns the image after a change: d led the zone of its identity, as
// im has it, to z. The work grows with the names that change; those of a
// delegation or DNAME take with them what stands below. im goes on answering
// as before (IMAGE-FIXED).
//
// What changes is written behind what im reads, in the slices that both
// share, and what is there no more stays until ErrCompileAnew asks to tidy up.
//
//	nodes  [ compiled                 | changes ... ]
//	        names: hash of names          patch: hash of names that changed
func (im *Image) Apply(z *zones.Zone, d zones.Delta) (*Image, error) {
	id := im.findApex([]byte(z.Origin().Wire()))
	if id == none || z.View() != im.view || z.ID() != d.ID || !im.leadsOn(id, z, d) {
		return nil, fmt.Errorf("%v: %w: the image does not have the zone before the change", z.ID(), ErrCompileAnew)
	}
	p := patcher{was: im, z: z, id: id, most: fewNames + im.live.nodes/4, touched: map[zones.Name]touch{}}
	for _, rs := range [][]zones.Record{d.Removed, d.Added} {
		for i := range rs {
			if !p.touch(rs[i].Owner) {
				return nil, fmt.Errorf("%v: %w: the change touches %d names and more", z.ID(), ErrCompileAnew, p.most)
			}
		}
	}
	if len(p.touched) == 0 {
		return im, nil
	}
	p.next = im.successor(len(p.touched))
	if err := p.write(); err != nil {
		return nil, fmt.Errorf("%v: %w", z.ID(), err)
	}
	if n := p.next; n.patch.used > mostPatch {
		n.fold()
	}
	if p.next.untidy() {
		return nil, fmt.Errorf("%v: %w: earlier changes left too much behind", z.ID(), ErrCompileAnew)
	}
	return p.next, nil
}

// leadsOn tells whether the image has the SOA that d starts from.
func (im *Image) leadsOn(id uint32, z *zones.Zone, d zones.Delta) bool {
	s, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	soa := s.Data(0)
	for i := range d.Removed {
		if r := &d.Removed[i]; r.Type == zones.TypeSOA {
			soa = r.Data
		}
	}
	have := im.zones[id].soa
	return string(im.arena[im.sets[have].data+2:][:im.first(have)]) == soa
}

// successor is an image like im that may be written to behind what im reads.
// The first one shares im's slices; any other has its own.
func (im *Image) successor(changes int) *Image {
	next := &Image{
		policy: im.policy, seed: im.seed, view: im.view,
		arena: im.arena, nodes: im.nodes, sets: im.sets, glue: im.glue, zones: slices.Clone(im.zones),
		apexes: im.apexes, names: im.names, live: im.live, compiled: im.compiled,
	}
	if !im.followed.CompareAndSwap(false, true) {
		next.arena, next.nodes = slices.Clip(im.arena), slices.Clip(im.nodes)
		next.sets, next.glue = slices.Clip(im.sets), slices.Clip(im.glue)
	}
	if n := im.patch.used + changes; 2*n <= len(im.patch.slots) {
		next.patch = im.patch
		next.patch.slots = slices.Clone(im.patch.slots)
	} else {
		next.patch = newTable(2 * n)
		for _, s := range im.patch.slots {
			if s != 0 {
				next.file(&next.patch, s-1)
			}
		}
	}
	return next
}

// untidy tells whether changes left more behind than half of what was compiled.
func (im *Image) untidy() bool {
	now, was := im.sizes(), im.compiled
	return now.nodes > was.nodes+was.nodes/2+slack || now.sets > was.sets+was.sets/2+slack ||
		now.octets > was.octets+was.octets/2+slack || now.glue > was.glue+was.glue/2+slack
}

// fold files what changed where the other names are.
func (im *Image) fold() {
	if t := im.names; 4*(t.used+im.patch.used) > 3*len(t.slots) {
		im.names = newTable(im.live.nodes + im.patch.used)
		for _, s := range t.slots {
			if s != 0 && im.nodes[s-1].flags&isGone == 0 {
				im.file(&im.names, s-1)
			}
		}
	} else {
		im.names.slots = slices.Clone(t.slots)
	}
	for _, s := range im.patch.slots {
		if s != 0 {
			im.file(&im.names, s-1)
		}
	}
	im.patch = table{}
}

// file puts a node into a table, in place of one of the same name.
func (im *Image) file(t *table, k uint32) {
	n, name := &im.nodes[k], im.nameOf(k)
	i := im.hash(name, n.zone) & t.mask
	for ; t.slots[i] != 0; i = (i + 1) & t.mask {
		if o := t.slots[i] - 1; im.nodes[o].zone == n.zone && bytes.Equal(im.nameOf(o), name) {
			t.slots[i] = k + 1
			return
		}
	}
	t.slots[i] = k + 1
	t.used++
}

// patcher makes an image of another and a change of one zone.
type patcher struct {
	was, next *Image
	z         *zones.Zone
	id        uint32 // the zone's
	most      int    // names that it may touch
	touched   map[zones.Name]touch
}

// touch is one name whose node is made anew.
type touch struct {
	was   uint32 // its node before, none if there was none
	now   uint32 // its node after
	there bool   // it exists after: it owns records, or something below it does
	whole bool   // all below it was touched
}

// touch notes that a name's node is to be made anew, and those of the names
// that show it: empty names above that come or go with it, the name above a
// wildcard, and all below the highest delegation or DNAME at or above. It is
// false when that is too much.
func (p *patcher) touch(n zones.Name) bool {
	if _, ok := p.touched[n]; ok {
		return true
	}
	if !n.Within(p.z.Origin()) || len(p.touched) >= p.most {
		return false
	}
	t := touch{was: p.was.findNode([]byte(n.Wire()), p.id), now: none, there: n == p.z.Origin() || p.there(n)}
	p.touched[n] = t
	if n != p.z.Origin() && t.there != (t.was != none) || n.IsWildcard() {
		if up, _ := n.Parent(); up.Within(p.z.Origin()) {
			exists := up == p.z.Origin() || t.there || p.there(up)
			if had := p.was.findNode([]byte(up.Wire()), p.id) != none; (exists != had || n.IsWildcard()) && !p.touch(up) {
				return false
			}
		}
	}
	top := zones.Name{}
	if p.hides(n) {
		top = n
	}
	for a := n; a.Within(p.z.Origin()); {
		if k := p.was.findNode([]byte(a.Wire()), p.id); k != none && p.was.nodes[k].flags&(isCut|isDNAME) != 0 {
			top = a
		}
		var ok bool
		if a, ok = a.Parent(); !ok {
			break
		}
	}
	return top.IsZero() || p.touch(top) && p.below(top)
}

// there tells whether a name exists in the zone after the change.
func (p *patcher) there(n zones.Name) bool {
	for range p.z.Below(n) {
		return true
	}
	return false
}

// hides tells whether a name is a delegation or has a DNAME after the change.
func (p *patcher) hides(n zones.Name) bool {
	for _, s := range p.z.At(n) {
		if s.Type() == zones.TypeDNAME || s.Type() == zones.TypeNS && n != p.z.Origin() {
			return true
		}
	}
	return false
}

// below touches all names below one.
func (p *patcher) below(top zones.Name) bool {
	t := p.touched[top]
	if t.whole {
		return true
	}
	t.whole = true
	p.touched[top] = t
	for owner := range p.z.Below(top) {
		for n := owner; n != top; n, _ = n.Parent() {
			if _, ok := p.touched[n]; ok {
				continue
			}
			if len(p.touched) >= p.most {
				return false
			}
			p.touched[n] = touch{was: p.was.findNode([]byte(n.Wire()), p.id), now: none, there: true}
		}
	}
	return true
}

// write makes the nodes, each after those above it, and then what points from
// one to another.
func (p *patcher) write() error {
	im := p.next
	names := make([]zones.Name, 0, len(p.touched))
	for n := range p.touched {
		names = append(names, n)
	}
	slices.SortFunc(names, zones.Name.Compare)
	for _, name := range names {
		t := p.touched[name]
		switch {
		case t.there:
			if err := p.node(name, &t); err != nil {
				return err
			}
			p.touched[name] = t
		case t.was != none:
			old := &im.nodes[t.was]
			im.live.nodes--
			im.live.sets -= int(old.count)
			im.nodes = append(im.nodes, node{zone: p.id, name: old.name, size: old.size, flags: isGone, star: none, over: none})
			im.file(&im.patch, uint32(len(im.nodes)-1))
		}
	}
	var star [zones.MaxName + 2]byte
	find := func(n zones.Name) uint32 { return im.findNode([]byte(n.Wire()), p.id) }
	for name, t := range p.touched {
		if !t.there {
			continue
		}
		n := &im.nodes[t.now]
		n.star = im.findNode(append(append(star[:0], 1, '*'), name.Wire()...), p.id)
		if n.flags&isCut != 0 {
			ns, _ := p.z.Lookup(name, zones.TypeNS)
			im.glueOf(t.now, name, ns, find)
		}
	}
	return nil
}

// node makes the node of a name that exists.
func (p *patcher) node(name zones.Name, t *touch) error {
	im := p.next
	sets := p.z.At(name)
	apex := name == p.z.Origin()
	n := node{zone: p.id, size: uint8(len(name.Wire())), count: uint16(len(sets)), flags: flagsOf(sets, apex), star: none, over: none}
	if t.was != none {
		n.name = im.nodes[t.was].name
		im.live.sets -= int(im.nodes[t.was].count)
	} else {
		n.name = uint32(len(im.arena))
		im.arena = append(im.arena, name.Wire()...)
		im.live.nodes++
	}
	im.live.sets += len(sets)
	n.sets = uint32(len(im.sets))
	for _, s := range sets {
		if apex && s.Type() == zones.TypeSOA {
			im.zones[p.id].soa = uint32(len(im.sets))
		}
		if err := im.set(s, p.data(t.was, s)); err != nil {
			return err
		}
	}
	t.now = uint32(len(im.nodes))
	if !apex {
		n.over = p.over(name)
	}
	if n.over == none && n.flags&isCut != 0 {
		n.over = t.now
	}
	if apex {
		im.zones[p.id].apex, im.zones[p.id].neg = t.now, p.z.SOA().NegativeTTL(soaTTL(p.z))
	}
	im.nodes = append(im.nodes, n)
	im.file(&im.patch, t.now)
	return nil
}

// over tells what hides a name below the apex, itself aside; the node above
// it stands already.
func (p *patcher) over(name zones.Name) uint32 {
	up, _ := name.Parent()
	k := p.next.findNode([]byte(up.Wire()), p.id)
	switch n := &p.next.nodes[k]; {
	case n.over != none:
		return n.over
	case n.flags&isDNAME != 0:
		return k
	}
	return none
}

// data finds the data of an RRset where those of the node before begin with
// the same; none where they do not.
func (p *patcher) data(was uint32, s zones.RRset) uint32 {
	if was == none {
		return none
	}
	k := p.was.find(was, s.Type())
	if k == none {
		return none
	}
	at := p.was.sets[k].data
	rest := p.was.arena[at:]
	for i := range s.Len() {
		d := s.Data(i)
		if len(rest) < 2+len(d) || int(rest[0])<<8|int(rest[1]) != len(d) || string(rest[2:2+len(d)]) != d {
			return none
		}
		rest = rest[2+len(d):]
	}
	return at
}
