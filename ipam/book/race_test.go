package book

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// crowd is many clients of one pool, and what they log.
type crowd struct {
	books   []*Book
	tick    func() int64
	mu      sync.Mutex
	history history
	instant []time.Time  // of acknowledged changes
	seen    []ipam.Block // that were given
	keyed   []call       // acknowledged with a key
}

// asks sends one call, and logs it with its reply.
func (w *crowd) asks(t *testing.T, c call) call {
	ctx := context.Background()
	b, by := w.books[c.book], By{Who: "an", Why: c.id, Key: c.key}
	place := ipam.Place{Space: w.history.pool.Space, Block: c.block}
	a := ipam.Allocation{Place: place, Status: ipam.Active}
	var r Receipt
	var err error
	c.start = w.tick()
	switch c.kind {
	case exact:
		r, err = b.Allocate(ctx, by, a)
	case next:
		r, err = b.AllocateNext(ctx, by, a, w.history.pool, c.bits, c.fit)
	case release:
		r, err = b.Release(ctx, by, place, false)
	case lookup:
		s := b.Now()
		got, ok := s.Lookup(place.Space, c.block.First())
		if c.revision = s.Revision(); ok && got.Place != w.history.pool {
			c.found = []ipam.Block{got.Block}
		}
	case past:
		var s *Snapshot
		if s, err = b.At(ctx, c.instant); err == nil {
			c.revision = s.Revision()
			for a := range s.Within(w.history.pool) {
				if a.Place != w.history.pool {
					c.found = append(c.found, a.Block)
				}
			}
		}
	}
	c.end = w.tick()
	var state *StateError
	switch {
	case err == nil && !c.isRead():
		c.revision, c.at, c.changes, c.repeated = r.Revision, r.At, r.Changes, r.Repeated
	case errors.As(err, &state):
		c.outcome = refused
	case err != nil:
		c.outcome = unknown
		t.Errorf("%s: %v", c.id, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history.calls = append(w.history.calls, c)
	if c.outcome == acked && !c.isRead() {
		w.instant = append(w.instant, c.at)
		if c.kind != release && !c.repeated {
			w.seen = append(w.seen, c.changes[0].Allocation.Block)
		}
		if c.key != "" {
			w.keyed = append(w.keyed, c)
		}
	}
	return c
}

// draw makes a call up.
func (w *crowd) draw(rng *rand.Rand, client, n int) call {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := call{id: fmt.Sprintf("client %d call %d", client, n), book: rng.IntN(len(w.books))}
	if rng.IntN(4) == 0 {
		c.key = c.id
	}
	switch op := rng.IntN(12); {
	case op < 2:
		size := 1 << rng.IntN(3)
		c.kind, c.block = exact, blockAt(rng.IntN(256/size)*size, size)
	case op < 6:
		c.kind, c.bits, c.fit = next, 30+rng.IntN(3), Fit(rng.IntN(2))
	case op < 9 && len(w.seen) > 0:
		c.kind, c.block = release, w.seen[rng.IntN(len(w.seen))]
	case op == 9 && len(w.keyed) > 0: // somebody's request again, perhaps through another book
		old := w.keyed[rng.IntN(len(w.keyed))]
		c.id, c.key, c.kind, c.block, c.bits, c.fit = old.id, old.key, old.kind, old.block, old.bits, old.fit
	case op == 10 && len(w.instant) > 0:
		c.kind, c.key, c.instant = past, "", w.instant[rng.IntN(len(w.instant))]
	default:
		c.kind, c.key, c.block = lookup, "", blockAt(rng.IntN(256), 1)
	}
	return c
}

// run lets the clients loose on books over a journal and checks what comes of it.
func run(t *testing.T, seed uint64, clients, each int, journals ...ipam.Journal) {
	t.Helper()
	ctx := context.Background()
	var now atomic.Int64
	clock := func() time.Time { return time.Unix(1_750_000_000, now.Add(1)) }
	var ticks atomic.Int64
	w := &crowd{tick: func() int64 { return ticks.Add(1) }, history: history{pool: ipam.Place{Space: "a", Block: blockAt(0, 256)}}}
	for i, j := range journals {
		b, err := Open(ctx, j, clock)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := b.Allocate(ctx, By{Who: "an", Why: "the pool"}, ipam.Allocation{Place: w.history.pool, Status: ipam.Active}); err != nil {
				t.Fatal(err)
			}
		}
		w.books = append(w.books, b)
	}
	// Two clients send the same request with one key, many times.
	var wg sync.WaitGroup
	for client := range clients {
		rng := rand.New(rand.NewPCG(seed, uint64(client)))
		wg.Go(func() {
			for n := range each {
				if c := w.draw(rng, client, n); n%5 != 4 {
					w.asks(t, c)
					continue
				}
				w.asks(t, call{
					id: fmt.Sprintf("pair %d call %d", client/2, n), key: fmt.Sprintf("pair %d call %d", client/2, n),
					book: client % len(w.books), kind: next, bits: 32,
				})
			}
		})
	}
	wg.Wait()
	w.history.judge(t, journals[0])
	for _, b := range w.books {
		if _, err := b.Verify(ctx); err != nil {
			t.Error(err)
		}
	}
}

// judge reads the journal and lets the checker look for a serial order.
func (h *history) judge(t *testing.T, j ipam.Journal) {
	t.Helper()
	for r, err := range j.Read(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := ipam.DecodeEvent(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		h.events = append(h.events, e)
	}
	found := h.check()
	for _, f := range found[:min(10, len(found))] {
		t.Error(f)
	}
	count := map[string]int{}
	for _, c := range h.calls {
		switch {
		case c.outcome == refused:
			count["refused"]++
		case c.repeated:
			count["repeated"]++
		case c.isRead():
			count["read"]++
		default:
			count["changed"]++
		}
	}
	for _, what := range []string{"refused", "repeated", "read", "changed"} {
		if count[what] == 0 {
			t.Errorf("no call was %s: the clients asked too little", what)
		}
	}
	t.Logf("%d calls, %d events, %v", len(h.calls), len(h.events), count)
}

func TestManyWritersInMemory(t *testing.T) {
	for seed := range uint64(3) {
		var store journaltest.Store
		run(t, seed, 64, 15, store.Open())
	}
}

func TestManyWritersOnDisk(t *testing.T) {
	j, err := bolt.Open(filepath.Join(t.TempDir(), "book.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, 7, 64, 15, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// Two books, as of two programs, write one journal at the same time.
func TestTwoBooksOnOneJournal(t *testing.T) {
	for seed := range uint64(3) {
		var store journaltest.Store
		run(t, seed, 64, 15, store.Open(), store.Open())
	}
}
