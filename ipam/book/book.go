package book

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

// Book is open on a journal. Its methods may be called from any goroutine;
// readers never wait.
type Book struct {
	journal ipam.Journal
	clock   func() time.Time
	now     atomic.Pointer[Snapshot]

	queueing sync.Mutex
	queue    []*request // guarded by queueing

	writing sync.Mutex // held by who changes the book: folds, appends, publishes
}

// By says who asks for a change, and why.
type By struct {
	Who      string // never empty
	Why      string // never empty
	Document string
	Key      string // makes the request safe to repeat (BOOK-KEY); may be empty
}

// Receipt is what a change did.
type Receipt struct {
	Moment
	Changes  []ipam.Change // also those of a request that took several events
	Repeated bool          // the change was made by an earlier request with the same key
}

// Allocated gives the allocations that were added or altered.
func (r Receipt) Allocated() []ipam.Allocation {
	var out []ipam.Allocation
	for _, c := range r.Changes {
		if c.Op == ipam.Add || c.Op == ipam.Alter {
			out = append(out, c.Allocation)
		}
	}
	return out
}

// Now is the book as it stands.
func (b *Book) Now() *Snapshot { return b.now.Load() }

// At is the book as it stood at t, after all events of that instant. It reads
// the journal from its start; Snapshot.At answers for one place at once.
func (b *Book) At(ctx context.Context, t time.Time) (*Snapshot, error) {
	return read(ctx, b.journal, func(e ipam.Event) bool { return !e.At.After(t) })
}

// catchUp folds what others appended. The caller holds writing.
func (b *Book) catchUp(ctx context.Context) error {
	f := b.Now().fold()
	from := f.end.Revision
	for r, err := range b.journal.Read(ctx, from) {
		if err == nil {
			err = f.follow(r.Data)
		}
		if err != nil {
			f.tx.Abort()
			return err
		}
	}
	if f.end.Revision == from {
		f.tx.Abort()
		return nil
	}
	b.now.Store(f.publish())
	return nil
}

// Follow keeps the book current with what other programs append, until ctx is
// done or the journal is closed; it gives that error.
func (b *Book) Follow(ctx context.Context) error {
	for r, err := range b.journal.Watch(ctx, b.Now().Revision()) {
		if err != nil {
			return err
		}
		if r.Revision <= b.Now().Revision() {
			continue
		}
		b.writing.Lock()
		err := b.catchUp(ctx)
		b.writing.Unlock()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
