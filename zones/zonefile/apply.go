package zonefile

import (
	"fmt"
	"math"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// Apply makes all the changes of a delta as one edit: the files are read again
// once (EDIT-NET). What it gives is the zone that d.Apply gives of Tree.Zone,
// and it refuses what that refuses, but for the TTLs of removed records, which
// are not compared. Of an RRset a record that goes and one that comes are one
// line that changes, in canonical order; what else goes takes its line along,
// what else comes is written as Add writes it. A $GENERATE of whose records one
// goes or changes is written out, record by record, and stays as a comment.
func (t *Tree) Apply(d zones.Delta) (*Tree, error) {
	if err := t.editable(); err != nil {
		return nil, err
	}
	if apex := t.apex(); apex != d.ID.Origin {
		return nil, fmt.Errorf("%v: %w (%v)", apex, zones.ErrOtherZone, d.ID)
	}
	p, err := t.plan(d)
	if err != nil {
		return nil, err
	}
	if p.empty() {
		return t, nil
	}
	var first error
	for _, how := range []rewriting{styled, plain, whole} {
		n, err := t.carryOut(p, how)
		if err == nil {
			return n, nil
		}
		if first == nil {
			first = err
		}
	}
	if n, ok := t.oneByOne(p); ok {
		return n, nil
	}
	if t.unrollHeirs(p) {
		if n, err := t.carryOut(p, styled); err == nil {
			return n, nil
		}
	}
	return nil, first
}

// unrollHeirs plans to write out each $GENERATE that inherits its TTL from the
// record before it: it cannot be given its own.
func (t *Tree) unrollHeirs(p *plan) (found bool) {
	for i := range t.recs {
		r := &t.recs[i]
		if r.how&byGenerate != 0 && r.how&ttlLeftOut != 0 && !t.states[r.state].ttlSeen && t.uses[r.file] == 1 && !p.unroll[r.span()] {
			p.unroll[r.span()] = true
			found = true
		}
	}
	return found
}

// plan is what an edit does to which record.
type plan struct {
	owners  map[zones.Name][]int // the records of each owner concerned, in the order of the files
	becomes map[int]zones.Record // what a record's line is to say
	drop    []int                // records whose lines go, in ascending order
	insert  []zones.Record       // by owner and type
	unroll  map[spanOf]bool      // each $GENERATE that is written out
}

// spanOf names an entry.
type spanOf struct {
	file  uint16
	start uint32
}

func (r *rec) span() spanOf { return spanOf{r.file, r.start} }

func (p *plan) empty() bool { return len(p.becomes)+len(p.drop)+len(p.insert) == 0 }

// change is what a delta does to one RRset.
type change struct{ removed, added []zones.Record }

func (t *Tree) plan(d zones.Delta) (*plan, error) {
	p := &plan{owners: map[zones.Name][]int{}, becomes: map[int]zones.Record{}, unroll: map[spanOf]bool{}}
	sets := map[zones.Key]*change{}
	of := func(r zones.Record) *change {
		k := zones.Key{Owner: r.Owner, Type: r.Type}
		c := sets[k]
		if c == nil {
			c = &change{}
			sets[k] = c
			p.owners[r.Owner] = nil
		}
		return c
	}
	for _, r := range d.Removed {
		c := of(r)
		c.removed = append(c.removed, r)
	}
	for _, r := range d.Added {
		c := of(r)
		c.added = append(c.added, r)
	}
	for i := range t.recs {
		if at, ok := p.owners[t.recs[i].owner]; ok {
			p.owners[t.recs[i].owner] = append(at, i)
		}
	}
	keys := make([]zones.Key, 0, len(sets))
	for k := range sets {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, zones.Key.Compare)
	for _, k := range keys {
		if err := t.planSet(p, k, sets[k], d.ID.Origin); err != nil {
			return nil, err
		}
	}
	slices.Sort(p.drop)
	return p, nil
}

// planSet plans the edit of one RRset. Its TTL is the lowest that its records
// have in the files (RFC 2181 5.2).
func (t *Tree) planSet(p *plan, k zones.Key, c *change, apex zones.Name) error {
	lines, lowest := map[string][]int{}, uint32(math.MaxUint32)
	for _, i := range p.owners[k.Owner] {
		if r := &t.recs[i]; r.typ == k.Type {
			lines[r.data] = append(lines[r.data], i)
			lowest = min(lowest, r.ttl)
		}
	}
	goes, comes := map[string]bool{}, map[string]bool{}
	for _, r := range c.removed {
		if len(lines[r.Data]) == 0 || goes[r.Data] {
			return &zones.RecordError{Record: r, Err: zones.ErrNotThere}
		}
		for _, i := range lines[r.Data] {
			if err := t.touch(p, i); err != nil {
				return err
			}
		}
		goes[r.Data] = true
	}
	ttl := lowest
	if len(goes) == len(lines) {
		ttl = math.MaxUint32
	}
	for _, r := range c.added {
		if err := t.suits(r); err != nil {
			return err
		}
		if !r.Owner.Within(apex) {
			return &zones.RecordError{Record: r, Err: zones.ErrOutOfZone}
		}
		if at := lines[r.Data]; len(at) > 0 && !goes[r.Data] {
			return t.there(r, &t.recs[at[0]])
		}
		if comes[r.Data] {
			return &zones.RecordError{Record: r, Err: zones.ErrThere}
		}
		comes[r.Data] = true
		ttl = min(ttl, cappedTTL(r.TTL))
	}
	if k.Type == zones.TypeSOA {
		if err := t.oneSOA(k, len(lines)-len(goes)+len(comes), apex); err != nil {
			return err
		}
	}
	free, fresh := make([]zones.Record, 0, len(c.removed)), make([]zones.Record, 0, len(c.added))
	for _, r := range c.removed {
		if !comes[r.Data] {
			free = append(free, r)
		}
	}
	for _, r := range c.added {
		r.TTL = ttl
		if goes[r.Data] {
			p.put(lines[r.Data], r)
		} else {
			fresh = append(fresh, r)
		}
	}
	for n, r := range free {
		if n < len(fresh) {
			p.put(lines[r.Data], fresh[n])
		} else {
			p.drop = append(p.drop, lines[r.Data]...)
		}
	}
	p.insert = append(p.insert, fresh[min(len(free), len(fresh)):]...)
	if len(c.added) > 0 || len(goes) == len(lines) {
		return nil
	}
	return t.keepTTL(p, lines, goes, ttl)
}

// oneSOA refuses to leave a zone without its SOA, or with two (ZONE-SOA).
func (t *Tree) oneSOA(k zones.Key, left int, apex zones.Name) error {
	err := zones.ErrTwoSOA
	switch {
	case k.Owner != apex:
		err = zones.ErrSOAOwner
	case left == 1:
		return nil
	case left == 0:
		err = zones.ErrNoSOA
	}
	return &zones.RecordError{Record: zones.Record{Owner: k.Owner, Type: k.Type}, Err: err}
}

// put makes the first of a record's lines another record; duplicates go.
func (p *plan) put(lines []int, r zones.Record) {
	p.becomes[lines[0]] = r
	p.drop = append(p.drop, lines[1:]...)
}

// keepTTL gives what is left of an RRset the TTL that the zone has of it, when
// none of the lines that are left says so.
func (t *Tree) keepTTL(p *plan, lines map[string][]int, goes map[string]bool, ttl uint32) error {
	var left []int
	for data, at := range lines {
		if goes[data] {
			continue
		}
		for _, i := range at {
			if t.recs[i].ttl == ttl {
				return nil
			}
			left = append(left, i)
		}
	}
	slices.Sort(left)
	for _, i := range left {
		if err := t.touch(p, i); err != nil {
			return err
		}
		r := &t.recs[i]
		p.becomes[i] = zones.Record{Owner: r.owner, Type: r.typ, TTL: ttl, Data: r.data}
	}
	return nil
}

// touch plans that a record's line changes.
func (t *Tree) touch(p *plan, i int) error {
	if r := &t.recs[i]; r.how&byGenerate != 0 && t.uses[r.file] == 1 {
		p.unroll[r.span()] = true
		return nil
	}
	return t.mayEdit(i)
}

// carryOut makes the splices of a plan and reads the result.
func (t *Tree) carryOut(p *plan, how rewriting) (*Tree, error) {
	pieces := t.pieces(p, how)
	edits := make([]splice, 0, len(pieces)+len(p.drop)+2*len(p.becomes))
	for _, x := range pieces {
		edits = append(edits, x.splice)
	}
	edits = append(edits, t.deletions(slices.DeleteFunc(slices.Clone(p.drop), func(i int) bool { return t.recs[i].how&byGenerate != 0 }))...)
	edits = append(edits, t.unrolled(p, how)...)
	want := make([]rec, 0, len(t.recs)+len(pieces))
	drop := p.drop
	for i := range t.recs {
		switch new, ok := p.becomes[i]; {
		case len(drop) > 0 && drop[0] == i:
			drop = drop[1:]
		case ok:
			r := t.recs[i]
			if r.how&byGenerate == 0 {
				es, err := t.rewrite(i, new, how)
				if err != nil {
					return nil, err
				}
				edits = append(edits, es...)
			}
			r.data, r.ttl = new.Data, new.TTL
			want = append(want, r)
		default:
			want = append(want, t.recs[i])
		}
		for len(pieces) > 0 && pieces[0].after == i {
			want = append(want, pieces[0].rec())
			pieces = pieces[1:]
		}
	}
	for _, x := range pieces { // at the end of the main file
		want = append(want, x.rec())
	}
	return t.settleAll(edits, want)
}

// maxOneByOne bounds the edits that are made one after another, each with a
// reading of its own, where all at once do not come out.
const maxOneByOne = 64

// oneByOne is the slow way: it tries more places and ways for each record.
func (t *Tree) oneByOne(p *plan) (*Tree, bool) {
	if len(p.becomes)+len(p.drop)+len(p.insert) > maxOneByOne || len(p.unroll) > 0 {
		return nil, false
	}
	n, display := t, t.display()
	type line struct {
		zones.Key
		data string
	}
	done := map[line]bool{} // duplicates go with the first
	for i := range t.recs {
		r := t.recs[i].record(display)
		new, changes := p.becomes[i]
		_, goes := slices.BinarySearch(p.drop, i)
		l := line{zones.Key{Owner: r.Owner, Type: r.Type}, r.Data}
		if !changes && !goes || done[l] {
			continue
		}
		done[l] = true
		var err error
		if changes {
			n, err = n.Change(r, new)
		} else {
			n, err = n.Remove(r)
		}
		if err != nil {
			return nil, false
		}
	}
	n, err := n.Add(p.insert...)
	return n, err == nil
}
