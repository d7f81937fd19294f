package zones

import (
	"iter"
	"slices"
)

// change is one owner that is not as the frozen part of a zone has it: its
// RRsets now (none: it is gone), and the stretch of the frozen RRsets that
// they stand for. Where that is empty it is the place that the owner sorts to.
type change struct {
	owner Name
	sets  []RRset
	at    span
}

// overlay is a list of changes by owner, at most one for each. It is
// immutable: what a change does not touch, the list after it shares.
//
//	chunks   [a b c] [d e] [f g h i]     none is empty, none longer than chunkFull
type overlay struct {
	chunks [][]change
	count  int
}

const chunkFull = 64

// seek finds the first change of owner or of a later name.
func (o overlay) seek(owner Name) (chunk, at int, found bool) {
	chunk, found = slices.BinarySearchFunc(o.chunks, owner, func(c []change, n Name) int { return c[0].owner.Compare(n) })
	if found || chunk == 0 {
		return chunk, 0, found
	}
	chunk--
	at, found = slices.BinarySearchFunc(o.chunks[chunk], owner, func(c change, n Name) int { return c.owner.Compare(n) })
	if at == len(o.chunks[chunk]) {
		return chunk + 1, 0, false
	}
	return chunk, at, found
}

// find returns an owner's change; false where it has none.
func (o overlay) find(owner Name) (change, bool) {
	chunk, at, ok := o.seek(owner)
	if !ok {
		return change{}, false
	}
	return o.chunks[chunk][at], true
}

// from yields the changes of owner and of what comes after it.
func (o overlay) from(owner Name) iter.Seq[change] {
	return func(yield func(change) bool) {
		if len(o.chunks) == 0 {
			return
		}
		chunk, at, _ := o.seek(owner)
		for ; chunk < len(o.chunks); chunk++ {
			for _, c := range o.chunks[chunk][at:] {
				if !yield(c) {
					return
				}
			}
			at = 0
		}
	}
}

// with returns the list with changes, given by owner, in place of those that
// their owners had. One that says no more than the frozen part, an owner that
// is not there and never was, is left out.
func (o overlay) with(cs []change) overlay {
	out := overlay{chunks: make([][]change, 0, len(o.chunks)+1+len(cs)/chunkFull*2), count: o.count}
	next := 0 // the first chunk that is not in out
	for len(cs) > 0 {
		chunk, _ := slices.BinarySearchFunc(o.chunks, cs[0].owner, func(c []change, n Name) int {
			if c[0].owner.Compare(n) <= 0 {
				return -1
			}
			return 1
		})
		chunk = max(chunk-1, 0) // where the first of cs belongs
		out.chunks = append(out.chunks, o.chunks[next:min(chunk, len(o.chunks))]...)
		var old []change
		n := len(cs)
		if chunk < len(o.chunks) {
			old = o.chunks[chunk]
		}
		if next = chunk + 1; next < len(o.chunks) {
			n, _ = slices.BinarySearchFunc(cs, o.chunks[next][0].owner, func(c change, n Name) int { return c.owner.Compare(n) })
		}
		merged := mergeChanges(old, cs[:n])
		out.count += len(merged) - len(old)
		pieces := (len(merged) + chunkFull - 1) / chunkFull
		for k := range pieces {
			from, to := k*len(merged)/pieces, (k+1)*len(merged)/pieces
			out.chunks = append(out.chunks, merged[from:to:to])
		}
		cs = cs[n:]
	}
	out.chunks = append(out.chunks, o.chunks[min(next, len(o.chunks)):]...)
	return out
}

// mergeChanges merges two sorted lists; where both have an owner the second counts.
func mergeChanges(old, now []change) []change {
	out := make([]change, 0, len(old)+len(now))
	for len(old) > 0 || len(now) > 0 {
		c := 0
		switch {
		case len(now) == 0:
			return append(out, old...)
		case len(old) == 0:
			c = 1
		default:
			c = old[0].owner.Compare(now[0].owner)
		}
		if c < 0 {
			out = append(out, old[0])
			old = old[1:]
			continue
		}
		if n := now[0]; len(n.sets) > 0 || n.at.from < n.at.to {
			out = append(out, n)
		}
		now = now[1:]
		if c == 0 {
			old = old[1:]
		}
	}
	return out
}
