package book

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

// story makes histories by hand.
type story struct {
	history
	tick int64
}

func (s *story) event(why, key string, c ipam.Change) ipam.Event {
	e := ipam.Event{Revision: uint64(len(s.events) + 1), At: time.Unix(1000+int64(len(s.events)), 0), Why: why, Key: key, Changes: []ipam.Change{c}}
	s.events = append(s.events, e)
	return e
}

// call adds a call with a time of its own; an acknowledged change makes its event.
func (s *story) call(c call) {
	c.start, c.end = s.tick+1, s.tick+2
	s.tick += 2
	if !c.isRead() && c.outcome == acked && !c.repeated {
		change := ipam.Change{Op: ipam.Add, Allocation: ipam.Allocation{Place: ipam.Place{Space: "a", Block: c.block}}}
		if c.kind == release {
			change = ipam.Change{Op: ipam.Drop, From: ipam.Place{Space: "a", Block: c.block}}
		}
		e := s.event(c.id, c.key, change)
		c.revision, c.at, c.changes = e.Revision, e.At, e.Changes
	}
	s.calls = append(s.calls, c)
}

// good is a history without a fault: calls 0 to 8, events 1 to 6.
func good() *story {
	s := &story{history: history{pool: ipam.Place{Space: "a", Block: blockAt(0, 256)}}}
	s.event("the pool", "", ipam.Change{Op: ipam.Add, Allocation: ipam.Allocation{Place: s.pool}})
	s.call(call{id: "one", kind: next, bits: 30, block: blockAt(0, 4)})                                                                                 // 0, revision 2
	s.call(call{id: "two", kind: exact, block: blockAt(9, 1), key: "k"})                                                                                // 1, revision 3
	s.call(call{id: "taken", kind: exact, block: blockAt(9, 1), outcome: refused})                                                                      // 2
	s.call(call{id: "three", kind: next, bits: 30, block: blockAt(4, 4)})                                                                               // 3, revision 4
	s.call(call{id: "look", kind: lookup, block: blockAt(5, 1), revision: 4, found: []ipam.Block{blockAt(4, 4)}})                                       // 4
	s.call(call{id: "back", kind: release, block: blockAt(0, 4)})                                                                                       // 5, revision 5
	s.call(call{id: "then", kind: past, instant: time.Unix(1002, 500), revision: 3, found: []ipam.Block{blockAt(9, 1), blockAt(0, 4)}})                 // 6
	s.call(call{id: "two", kind: exact, block: blockAt(9, 1), key: "k", repeated: true, revision: 3, at: s.events[2].At, changes: s.events[2].Changes}) // 7
	s.call(call{id: "four", kind: next, bits: 31, fit: Best, block: blockAt(10, 2)})                                                                    // 8, revision 6
	return s
}

// Each faulty history is a good one with one lie, and the checker names it.
func TestCheckerRejects(t *testing.T) {
	for name, c := range map[string]struct {
		lie func(*story)
		law string
	}{
		"an address given twice": {func(s *story) {
			s.call(call{id: "five", kind: exact, block: blockAt(9, 1)})
		}, "given twice"},
		"a block given across another": {func(s *story) {
			s.call(call{id: "five", kind: exact, block: blockAt(11, 8)})
		}, "given twice"},
		"an acknowledged write that is missing": {func(s *story) {
			s.events = s.events[:5]
		}, "not there"},
		"an acknowledged write that another one took the place of": {func(s *story) {
			s.events[5].Why = "else"
		}, "not there"},
		"a revision acknowledged twice": {func(s *story) {
			c := s.calls[8]
			c.id, c.start, c.end = "five", s.tick+1, s.tick+2
			s.calls = append(s.calls, c)
		}, "revision reused"},
		"a reply out of the order in time": {func(s *story) { // "three" begins after "four" ended
			s.calls[3].start, s.calls[3].end = s.tick+1, s.tick+2
		}, "out of order"},
		"a released block that is still held": {func(s *story) {
			s.events[4].Changes = []ipam.Change{{Op: ipam.Add, Allocation: ipam.Allocation{Place: ipam.Place{Space: "a", Block: blockAt(40, 1)}}}}
			s.calls[5].changes = s.events[4].Changes
		}, "another change"},
		"a release that is acknowledged and not written": {func(s *story) {
			s.events[4].Changes = []ipam.Change{{Op: ipam.Add, Allocation: ipam.Allocation{Place: ipam.Place{Space: "a", Block: blockAt(40, 1)}}}}
		}, "another reply"},
		"a free block skipped by first fit": {func(s *story) {
			s.call(call{id: "five", kind: next, bits: 32, block: blockAt(2, 1)}) // 1 is free
		}, "another change"},
		"a smaller gap skipped by best fit": {func(s *story) {
			s.call(call{id: "five", kind: next, bits: 32, fit: Best, block: blockAt(2, 1)}) // of two: 1 is a gap of one
		}, "another change"},
		"a key executed twice": {func(s *story) {
			s.call(call{id: "five", kind: exact, block: blockAt(50, 1), key: "k"})
		}, "executed twice"},
		"a request executed twice": {func(s *story) {
			s.call(call{id: "one", kind: next, bits: 30, block: blockAt(0, 4)})
		}, "executed twice"},
		"a repeated key with another receipt": {func(s *story) {
			s.calls[7].at = s.calls[7].at.Add(1)
		}, "another reply"},
		"a stale reading of an instant": {func(s *story) {
			s.calls[6].found = s.calls[6].found[:1]
		}, "stale or invented"},
		"a reading of an instant that misses an event": {func(s *story) {
			s.calls[6].revision, s.calls[6].found = 2, s.calls[6].found[1:]
		}, "stale or invented"},
		"a stale look-up": {func(s *story) {
			s.calls[4].revision, s.calls[4].found = 3, nil
		}, "stale or invented"},
		"a look-up of what is to come": {func(s *story) {
			s.calls[4].revision = 5
		}, "stale or invented"},
		"refused though free": {func(s *story) {
			s.call(call{id: "five", kind: exact, block: blockAt(60, 1), outcome: refused})
		}, "refused in vain"},
		"refused though it is held": {func(s *story) {
			s.call(call{id: "five", kind: release, block: blockAt(9, 1), outcome: refused})
		}, "refused in vain"},
		"refused for what came later": {func(s *story) { // 9 is taken by revision 3
			s.calls[2].start, s.calls[2].end = -1, 0
		}, "refused in vain"},
		"refused, where two refusals need the other order": {func(s *story) {
			// While 60 is taken and given back, one client finds it taken, then free of
			// a release, though the first of the two came after the other.
			at := s.tick
			s.call(call{id: "five", kind: exact, block: blockAt(60, 1)})
			s.call(call{id: "six", kind: release, block: blockAt(60, 1)})
			s.calls[9].start, s.calls[9].end, s.calls[10].start, s.calls[10].end = at+1, at+20, at+2, at+21
			s.call(call{id: "seven", kind: exact, block: blockAt(60, 1), outcome: refused})
			s.call(call{id: "eight", kind: lookup, block: blockAt(60, 1), revision: 6})
			s.calls[11].start, s.calls[11].end, s.calls[12].start, s.calls[12].end = at+3, at+4, at+5, at+6
		}, "stale or invented"},
		"an event without a request": {func(s *story) {
			s.event("nobody", "", ipam.Change{Op: ipam.Add, Allocation: ipam.Allocation{Place: ipam.Place{Space: "a", Block: blockAt(70, 1)}}})
		}, "without a request"},
		"an event of a refused request": {func(s *story) {
			s.calls[8].outcome = refused
		}, "without a request"},
		"a gap in the revisions": {func(s *story) {
			s.events[5].Revision = 7
		}, "gap"},
	} {
		s := good()
		c.lie(s)
		found := s.check()
		if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, c.law+":") }) {
			t.Errorf("%s: the checker says %q, want %q", name, found, c.law)
		}
	}
}

// What may happen is accepted: the good history, and calls that overlap in time.
func TestCheckerAccepts(t *testing.T) {
	for name, change := range map[string]func(*story){
		"good": func(*story) {},
		"an answer that came late": func(s *story) {
			s.calls[0].end = 100
		},
		"replies in the other order, of calls at the same time": func(s *story) {
			three, look, back := &s.calls[3], &s.calls[4], &s.calls[5]
			three.end, look.start, look.end, back.start, back.end = 12, 8, 12, 9, 11
		},
		"refused for a block that is given back meanwhile": func(s *story) {
			s.call(call{id: "five", kind: exact, block: blockAt(0, 4), outcome: refused})
			c, back := &s.calls[9], s.calls[5]
			c.start, c.end = back.start, back.end
		},
		"a change whose answer was an error, made": func(s *story) {
			s.calls[8].outcome = unknown
		},
		"a change whose answer was an error, not made": func(s *story) {
			s.call(call{id: "five", kind: exact, block: blockAt(9, 1), outcome: unknown})
		},
		"another book that is behind": func(s *story) {
			s.calls[4].book, s.calls[4].revision, s.calls[4].found = 1, 3, nil
		},
		"a reading of an instant that is not over": func(s *story) {
			s.call(call{id: "five", kind: past, instant: time.Unix(2000, 0), revision: 5, found: []ipam.Block{blockAt(9, 1), blockAt(4, 4)}})
			c, last := &s.calls[9], s.calls[8]
			c.start, c.end = last.start, last.end
		},
	} {
		s := good()
		change(s)
		if found := s.check(); len(found) > 0 {
			t.Errorf("%s: the checker says %q", name, found)
		}
	}
}
