package book

import (
	"context"
	"fmt"

	"gialai.gov.vn/hopnhat/ipam"
)

// Verify reads the whole journal again: the chain must hold, the events must
// fold, and to what the book shows. It gives the end of the chain.
func (b *Book) Verify(ctx context.Context) (ipam.Chain, error) {
	now := b.Now()
	fresh, err := read(ctx, b.journal, func(e ipam.Event) bool { return e.Revision <= now.end.Revision })
	if err != nil {
		return ipam.Chain{}, err
	}
	if fresh.end != now.end {
		return ipam.Chain{}, &ipam.ChainError{Revision: fresh.end.Revision, Found: fmt.Sprintf("the journal holds another history than the book, which stands at revision %d", now.end.Revision)}
	}
	if p, same := sameEntries(fresh, now); !same {
		return ipam.Chain{}, &StateError{p, "the book in memory is not what its journal says: start the program again"}
	}
	return now.end, nil
}

// sameEntries tells whether two snapshots show the same, else where they differ.
func sameEntries(a, b *Snapshot) (ipam.Place, bool) {
	var left, right []*entry
	for e := range a.from(nil) {
		left = append(left, e)
	}
	for e := range b.from(nil) {
		right = append(right, e)
	}
	for i := range max(len(left), len(right)) {
		switch {
		case i >= len(left):
			return right[i].Place, false
		case i >= len(right) || !left[i].Equal(right[i].Allocation) || left[i].up != right[i].up || left[i].since.Revision != right[i].since.Revision:
			return left[i].Place, false
		}
	}
	return ipam.Place{}, true
}
