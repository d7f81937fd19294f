package zones

import (
	"errors"
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
// result speaks of b's and Apply refuses a. Of two zones that share a frozen
// part only what lies beside it is compared (ZONE-OVER).
func Diff(a, b *Zone) Delta {
	d := Delta{ID: b.id}
	if len(a.sets) == 0 || len(b.sets) == 0 || &a.sets[0] != &b.sets[0] {
		d.between(cursor{runs: slices.Collect(a.runs(Name{}))}, cursor{runs: slices.Collect(b.runs(Name{}))})
		return d
	}
	var owners []Name
	for _, z := range []*Zone{a, b} {
		for c := range z.over.from(Name{}) {
			owners = append(owners, c.owner)
		}
	}
	slices.SortFunc(owners, Name.Compare)
	for _, n := range slices.Compact(owners) {
		d.between(cursor{runs: [][]RRset{a.At(n)}}, cursor{runs: [][]RRset{b.At(n)}})
	}
	return d
}

// cursor walks over RRsets that come in stretches.
type cursor struct {
	runs [][]RRset
	at   int // in the first
}

// peek gives the RRset at hand; nil at the end.
func (c *cursor) peek() *RRset {
	for len(c.runs) > 0 && c.at == len(c.runs[0]) {
		c.runs, c.at = c.runs[1:], 0
	}
	if len(c.runs) == 0 {
		return nil
	}
	return &c.runs[0][c.at]
}

// between adds what turns the RRsets of a into those of b.
func (d *Delta) between(a, b cursor) {
	for {
		x, y := a.peek(), b.peek()
		c := 0
		switch {
		case x == nil && y == nil:
			return
		case x == nil:
			c = 1
		case y == nil:
			c = -1
		default:
			c = x.key.Compare(y.key)
		}
		switch {
		case c < 0:
			d.Removed = append(d.Removed, x.Records()...)
		case c > 0:
			d.Added = append(d.Added, y.Records()...)
		default:
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
		}
		if c <= 0 {
			a.at++
		}
		if c >= 0 {
			b.at++
		}
	}
}
