package book

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

// The checker looks for a serial order of what many clients asked of one pool,
// one that fits the order in time, each reply and the journal. It shares no
// code with the book: a state is a list of blocks.

// kind of a call.
type kind string

const (
	exact   kind = "allocate"
	next    kind = "allocate next"
	release kind = "release"
	lookup  kind = "look up" // in the book as it stands
	past    kind = "look back"
)

// call is what one client asked and was answered.
type call struct {
	id         string // of the request: the Why of its event. A repeated request has the same
	key        string
	book       int   // that was asked
	start, end int64 // on one clock that all clients share
	kind       kind
	block      ipam.Block // exact, release; of one address for lookup
	bits       int        // next
	fit        Fit        // next
	instant    time.Time  // past

	outcome  outcome
	revision uint64 // of the reply
	at       time.Time
	changes  []ipam.Change
	found    []ipam.Block // lookup: none or one; past: all
	repeated bool
}

type outcome int

const (
	acked   outcome = iota
	refused         // the book says that it stands otherwise
	unknown         // an error: it may have happened
)

// history is what a run leaves.
type history struct {
	pool   ipam.Place // allocated by event 1, before the first call
	calls  []call
	events []ipam.Event // the journal
}

func (c call) isRead() bool { return c.kind == lookup || c.kind == past }

// wants gives what a call changes in a state, nil when it must be refused.
func (h *history) wants(c call, state []ipam.Block) *ipam.Change {
	put := func(b ipam.Block) *ipam.Change {
		return &ipam.Change{Op: ipam.Add, Allocation: ipam.Allocation{Place: ipam.Place{Space: h.pool.Space, Block: b}}}
	}
	switch c.kind {
	case exact:
		if inTheWay(c.block, state) {
			return nil
		}
		return put(c.block)
	case release:
		inside := func(b ipam.Block) bool { return b != c.block && c.block.Contains(b) }
		if !slices.Contains(state, c.block) || slices.ContainsFunc(state, inside) {
			return nil
		}
		return &ipam.Change{Op: ipam.Drop, From: ipam.Place{Space: h.pool.Space, Block: c.block}}
	}
	pool := h.pool.Block
	if c.bits == pool.First().BitLen() {
		pool = ipam.Hosts(pool)
	}
	find := ipam.FirstFit
	if c.fit == Best {
		find = ipam.BestFit
	}
	p, ok := find(pool, state, c.bits)
	if !ok {
		return nil
	}
	return put(ipam.BlockOf(p))
}

// inTheWay tells whether a block may not be given beside others: it is one of
// them, or crosses one.
func inTheWay(b ipam.Block, state []ipam.Block) bool {
	return slices.Contains(state, b) || slices.ContainsFunc(state, b.Crosses)
}

// states gives the blocks in the pool after each revision, from 0, by the
// events alone, and what is wrong with those.
func (h *history) states() (out [][]ipam.Block, faults []string) {
	out = append(out, nil)
	keys := map[string]uint64{}
	for i, e := range h.events {
		rev := uint64(i + 1)
		state := slices.Clone(out[i])
		if e.Revision != rev {
			faults = append(faults, fmt.Sprintf("gap: event %d says that it is %d", rev, e.Revision))
		}
		if old, used := keys[e.Key]; used && e.Key != "" {
			faults = append(faults, fmt.Sprintf("executed twice: key %q at revisions %d and %d", e.Key, old, rev))
		}
		keys[e.Key] = rev
		for _, c := range e.Changes {
			b := c.Allocation.Block
			switch {
			case rev == 1: // the pool
			case c.Op == ipam.Add && inTheWay(b, state):
				faults = append(faults, fmt.Sprintf("given twice: %v at revision %d", b, rev))
			case c.Op == ipam.Add:
				state = append(state, b)
			case c.Op == ipam.Drop && slices.Contains(state, c.From.Block):
				state = slices.DeleteFunc(state, func(b ipam.Block) bool { return b == c.From.Block })
			default:
				faults = append(faults, fmt.Sprintf("no such block: change %d at revision %d", c.Op, rev))
			}
		}
		out = append(out, state)
	}
	return out, faults
}

func sameStep(a, b ipam.Change) bool {
	return a.Op == b.Op && a.Allocation.Place == b.Allocation.Place && a.From == b.From
}

// check gives what makes a serial order impossible; each fault begins with the
// name of a law.
func (h *history) check() (faults []string) {
	states, faults := h.states()
	say := func(law, format string, args ...any) { faults = append(faults, law+": "+fmt.Sprintf(format, args...)) }
	if len(faults) > 0 {
		return faults
	}
	byID := map[string]uint64{} // event of a request
	for i, e := range h.events {
		if old, twice := byID[e.Why]; twice {
			say("executed twice", "%s at revisions %d and %d", e.Why, old, i+1)
		}
		byID[e.Why] = uint64(i + 1)
	}
	// Each event has its request, which began before others could follow it.
	began := make([]int64, len(h.events)+1) // by revision
	for i := range began {
		began[i] = math.MaxInt64
	}
	began[0], began[min(1, len(h.events))] = 0, 0
	for _, c := range h.calls {
		if rev := byID[c.id]; !c.isRead() && c.outcome != refused {
			began[rev] = min(began[rev], c.start)
		}
	}
	for rev := 2; rev < len(began); rev++ {
		if began[rev] == math.MaxInt64 {
			say("without a request", "the event of revision %d", rev)
		}
	}
	// Each acknowledged change is the event that it names, right where it stands.
	given := map[uint64]string{}
	for _, c := range h.calls {
		if c.isRead() || c.outcome != acked {
			continue
		}
		if c.revision == 0 || c.revision > uint64(len(h.events)) {
			say("not there", "%s was acknowledged at revision %d of %d", c.id, c.revision, len(h.events))
			continue
		}
		if !c.repeated {
			if other, used := given[c.revision]; used {
				say("revision reused", "%d for %s and %s", c.revision, other, c.id)
				continue
			}
			given[c.revision] = c.id
		}
		e := h.events[c.revision-1]
		want := h.wants(c, states[c.revision-1])
		switch {
		case byID[c.id] != c.revision || e.Key != c.key:
			say("not there", "%s was acknowledged at revision %d, which is %s", c.id, c.revision, e.Why)
		case !e.At.Equal(c.at) || !slices.EqualFunc(e.Changes, c.changes, sameStep):
			say("another reply", "%s at revision %d", c.id, c.revision)
		case want == nil || len(e.Changes) != 1 || !sameStep(e.Changes[0], *want):
			say("another change", "%s at revision %d made %v %v", c.id, c.revision, e.Changes[0].Allocation.Block, e.Changes[0].From.Block)
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return h.order(states, began)
}

// order gives every call the lowest revision that it can stand at: behind what
// ended before it began, before what began after it ended. Lower never stands in
// the way of a later one, so when this finds no order there is none.
func (h *history) order(states [][]ipam.Block, began []int64) (faults []string) {
	calls := slices.SortedFunc(slices.Values(h.calls), func(a, b call) int { return int(a.start - b.start) })
	stands := make([]uint64, len(calls))
	for i, c := range calls {
		low, high := uint64(1), uint64(len(h.events))
		for j, d := range calls[:i] {
			switch {
			case d.end >= c.start || d.outcome == unknown:
			case c.kind != lookup:
				low = max(low, stands[j])
			case d.book != c.book || d.kind == past: // a book may be behind its journal
			case d.repeated:
				low = max(low, d.revision)
			default:
				low = max(low, stands[j])
			}
		}
		for rev := len(began) - 1; rev > 0; rev-- {
			if began[rev] > c.end {
				high = uint64(rev - 1)
			}
		}
		change := !c.isRead() && c.outcome == acked
		switch {
		case c.outcome == unknown:
			continue
		case change && c.repeated:
			if stands[i] = max(low, c.revision); c.revision > high {
				faults = append(faults, fmt.Sprintf("out of order: %s was answered at revision %d, after %d had not begun", c.id, c.revision, c.revision))
			}
			continue
		case change:
			if stands[i] = c.revision; c.revision <= low || c.revision > high {
				faults = append(faults, fmt.Sprintf("out of order: %s stands at revision %d, by the clock it is from %d to %d", c.id, c.revision, low+1, high))
			}
			continue
		}
		rev := low
		for rev <= high && !h.explains(states, c, rev, high) {
			rev++
		}
		if stands[i] = min(rev, high); rev > high {
			law := "refused in vain"
			if c.isRead() {
				law = "stale or invented"
			}
			faults = append(faults, fmt.Sprintf("%s: %s %s, by the clock at revision %d to %d", law, c.id, c.kind, low, high))
		}
	}
	return faults
}

// explains tells whether the reply to a refused change or a reading is true at
// a revision.
func (h *history) explains(states [][]ipam.Block, c call, rev, high uint64) bool {
	switch c.kind {
	case lookup:
		var want []ipam.Block // the innermost
		for _, b := range states[rev] {
			if b.Contains(c.block) && (want == nil || want[0].Contains(b)) {
				want = []ipam.Block{b}
			}
		}
		return c.revision == rev && slices.Equal(c.found, want)
	case past:
		// The last event that is not after the instant, among those up to rev.
		at := rev
		for at > 0 && h.events[at-1].At.After(c.instant) {
			at--
		}
		return c.revision == at && maps.Equal(setOf(c.found), setOf(states[at]))
	}
	return h.wants(c, states[rev]) == nil
}

func setOf(list []ipam.Block) map[ipam.Block]bool {
	out := map[ipam.Block]bool{}
	for _, b := range list {
		out[b] = true
	}
	return out
}

// blockAt is the block of one address of 10.0.0.0/24, or n of them.
func blockAt(i, n int) ipam.Block {
	a := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	b, err := ipam.NewBlock(a(i), a(i+n-1))
	if err != nil {
		panic(err)
	}
	return b
}
