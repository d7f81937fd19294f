package zones

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A zone that was changed again and again is frozen anew when more than one
// in overShare of its owners differ, and at least overLeast do.
const (
	overShare = 8
	overLeast = 256
)

// Apply returns the zone after the change (DELTA). It refuses a delta of
// another zone, one that removes what is not there or adds what is. The work
// grows with the delta, not with the zone (ZONE-OVER).
func (d Delta) Apply(a *Zone) (*Zone, error) {
	if a.id != d.ID {
		return nil, fmt.Errorf("%v: %w (%v)", a.id, ErrOtherZone, d.ID)
	}
	if d.Empty() {
		return a, nil
	}
	edits := map[Key]*edit{}
	take := func(r *Record) *edit {
		k := Key{r.Owner, r.Type}
		e := edits[k]
		if e == nil {
			s, _ := a.Lookup(r.Owner, r.Type)
			e = &edit{was: s}
			edits[k] = e
		}
		return e
	}
	for i := range d.Removed {
		if r := &d.Removed[i]; !take(r).remove(r) {
			return nil, &RecordError{*r, ErrNotThere}
		}
	}
	for i := range d.Added {
		if r := &d.Added[i]; !take(r).add(r) {
			return nil, &RecordError{*r, ErrThere}
		}
	}
	g := gatherer{id: a.id}
	z := &Zone{id: a.id, soa: a.soa, sets: a.sets, owners: a.owners, count: a.count, digest: new(lazyDigest)}
	keys := slices.SortedFunc(maps.Keys(edits), Key.Compare)
	changes := make([]change, 0, len(keys))
	for len(keys) > 0 {
		owner := keys[0].Owner
		n := 1
		for n < len(keys) && keys[n].Owner == owner {
			n++
		}
		was := a.At(owner)
		c := change{owner: owner, at: a.place(owner), sets: after(was, keys[:n], edits, &g)}
		z.count.add(was, -1)
		z.count.add(c.sets, 1)
		changes = append(changes, c)
		keys = keys[n:]
	}
	errs := g.errs
	if e := edits[Key{a.id.Origin, TypeSOA}]; e != nil {
		switch {
		case !e.is.IsZero():
			var err error
			if z.soa, err = ParseSOA(e.is.Data(0)); err != nil {
				errs = append(errs, &RecordError{e.is.Record(0), err})
			}
		case len(errs) == 0:
			errs = append(errs, ErrNoSOA)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	z.over = a.over.with(changes)
	if z.over.count > overLeast && z.over.count > len(z.owners)/overShare {
		z.index(slices.AppendSeq(make([]RRset, 0, z.count.sets), z.All()))
	}
	return z, nil
}

// after gives the RRsets of an owner once those of keys, which are sorted,
// are what their edits say.
func after(was []RRset, keys []Key, edits map[Key]*edit, g *gatherer) []RRset {
	out := make([]RRset, 0, len(was)+len(keys))
	for _, k := range keys {
		for len(was) > 0 && was[0].key.Type < k.Type {
			out = append(out, was[0])
			was = was[1:]
		}
		if len(was) > 0 && was[0].key.Type == k.Type {
			was = was[1:]
		}
		e := edits[k]
		if e.is = g.set(e.records()); !e.is.IsZero() {
			out = append(out, e.is)
		}
	}
	return slices.Clip(append(out, was...))
}

// edit is an RRset under change.
type edit struct {
	was  RRset
	gone []bool // which of was go; nil: none
	come []Record
	seen map[string]bool // the data of come, once there are many
	is   RRset
}

const fewRecords = 16

// at finds a record of was by its data.
func (e *edit) at(data string) (int, bool) {
	return slices.BinarySearchFunc(e.was.all, data, func(d datum, s string) int { return strings.Compare(d.data, s) })
}

// remove notes that r goes; false when it is not there.
func (e *edit) remove(r *Record) bool {
	i, ok := e.at(r.Data)
	if !ok || e.was.ttl != r.TTL || e.gone != nil && e.gone[i] {
		return false
	}
	if e.gone == nil {
		e.gone = make([]bool, len(e.was.all))
	}
	e.gone[i] = true
	return true
}

// add notes that r comes; false when its data is there.
func (e *edit) add(r *Record) bool {
	if i, ok := e.at(r.Data); ok && (e.gone == nil || !e.gone[i]) || e.has(r.Data) {
		return false
	}
	e.come = append(e.come, *r)
	if e.seen != nil {
		e.seen[r.Data] = true
	}
	return true
}

// has tells whether data is among what comes.
func (e *edit) has(data string) bool {
	if len(e.come) < fewRecords {
		return slices.ContainsFunc(e.come, func(r Record) bool { return r.Data == data })
	}
	if e.seen == nil {
		e.seen = make(map[string]bool, 2*len(e.come))
		for i := range e.come {
			e.seen[e.come[i].Data] = true
		}
	}
	return e.seen[data]
}

// records gives what stays, then what comes.
func (e *edit) records() []Record {
	rs := make([]Record, 0, len(e.was.all)+len(e.come))
	for i := range e.was.all {
		if e.gone == nil || !e.gone[i] {
			rs = append(rs, e.was.Record(i))
		}
	}
	return append(rs, e.come...)
}
