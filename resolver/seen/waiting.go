package seen

import (
	"net/netip"

	"gialai.gov.vn/hopnhat/zones"
)

// waitKey is what a question and its answer have in common.
type waitKey struct {
	client netip.AddrPort
	id     uint16
	name   zones.Name
	typ    zones.Type
}

// waiting holds the last questions, to know their answers again. When it is
// full the oldest leaves: should its answer still come, it counts twice.
type waiting struct {
	size int
	held map[waitKey]waitCount
	ring []waitKey // in the order of asking; grows to size, then goes round
	next int       // the oldest, once the ring is full
}

// waitCount says how often a key stands in the ring: open + answered.
type waitCount struct{ open, answered int }

func newWaiting(size int) *waiting { return &waiting{size: size, held: map[waitKey]waitCount{}} }

// put adds a question.
func (w *waiting) put(k waitKey) {
	if len(w.ring) < w.size {
		w.ring = append(w.ring, k)
	} else {
		w.forget(w.ring[w.next])
		w.ring[w.next] = k
		w.next = (w.next + 1) % w.size
	}
	c := w.held[k]
	c.open++
	w.held[k] = c
}

// take answers a question and tells whether one was open.
func (w *waiting) take(k waitKey) bool {
	c := w.held[k]
	if c.open == 0 {
		return false
	}
	c.open, c.answered = c.open-1, c.answered+1
	w.held[k] = c
	return true
}

// forget drops the oldest question of a key; the oldest is answered first.
func (w *waiting) forget(k waitKey) {
	c := w.held[k]
	if c.answered > 0 {
		c.answered--
	} else {
		c.open--
	}
	if c == (waitCount{}) {
		delete(w.held, k)
		return
	}
	w.held[k] = c
}
