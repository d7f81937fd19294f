package zones

import (
	"errors"
	"fmt"
	"slices"
)

// Delta is the difference between two versions of a zone, in records: what
// goes and what comes, each in canonical order (the shape of IXFR, RFC 1995).
// A record whose TTL alone changes goes and comes.
type Delta struct {
	ID      ID
	Removed []Record
	Added   []Record
}

// Errors of deltas.
var (
	ErrOtherZone = errors.New("the delta is of another zone")
	ErrNotThere  = errors.New("the delta removes a record that is not there")
	ErrThere     = errors.New("the delta adds a record that is there")
)

// Empty tells whether nothing changes.
func (d Delta) Empty() bool { return len(d.Removed)+len(d.Added) == 0 }

// Diff returns what turns a into b. The two have one identity, else the
// result speaks of b's and Apply refuses a.
func Diff(a, b *Zone) Delta {
	d := Delta{ID: b.id}
	i, j := 0, 0
	for i < len(a.sets) || j < len(b.sets) {
		c := 0
		switch {
		case i == len(a.sets):
			c = 1
		case j == len(b.sets):
			c = -1
		default:
			c = a.sets[i].key.Compare(b.sets[j].key)
		}
		switch {
		case c < 0:
			d.Removed = append(d.Removed, a.sets[i].Records()...)
			i++
		case c > 0:
			d.Added = append(d.Added, b.sets[j].Records()...)
			j++
		default:
			x, y := a.sets[i], b.sets[j]
			for k := range x.Len() {
				if x.ttl != y.ttl || !y.Has(x.Data(k)) {
					d.Removed = append(d.Removed, x.Record(k))
				}
			}
			for k := range y.Len() {
				if x.ttl != y.ttl || !x.Has(y.Data(k)) {
					d.Added = append(d.Added, y.Record(k))
				}
			}
			i++
			j++
		}
	}
	return d
}

// Apply returns the zone after the change (DELTA). It refuses a delta of
// another zone, one that removes what is not there or adds what is.
func (d Delta) Apply(a *Zone) (*Zone, error) {
	if a.id != d.ID {
		return nil, fmt.Errorf("%v: %w (%v)", a.id, ErrOtherZone, d.ID)
	}
	changed := map[Key][]Record{}
	take := func(k Key) {
		if _, ok := changed[k]; !ok {
			s, _ := a.Lookup(k.Owner, k.Type)
			changed[k] = s.Records()
		}
	}
	for _, r := range d.Removed {
		k := Key{r.Owner, r.Type}
		take(k)
		i := slices.IndexFunc(changed[k], r.Same)
		if i < 0 {
			return nil, &RecordError{r, ErrNotThere}
		}
		changed[k] = slices.Delete(changed[k], i, i+1)
	}
	for _, r := range d.Added {
		k := Key{r.Owner, r.Type}
		take(k)
		if slices.ContainsFunc(changed[k], func(o Record) bool { return o.Data == r.Data }) {
			return nil, &RecordError{r, ErrThere}
		}
		changed[k] = append(changed[k], r)
	}
	b := NewBuilder(a.id)
	for _, s := range a.sets {
		if _, ok := changed[s.key]; !ok {
			b.AddSet(s)
		}
	}
	for _, rs := range changed {
		b.Add(rs...)
	}
	return b.Freeze()
}
