package book

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
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

// Open folds the journal. The book does not close it. The clock gives the
// instants of new events.
func Open(ctx context.Context, j ipam.Journal, clock func() time.Time) (*Book, error) {
	s, err := read(ctx, j, func(ipam.Event) bool { return true })
	if err != nil {
		return nil, err
	}
	b := &Book{journal: j, clock: clock}
	b.now.Store(s)
	return b, nil
}

// read folds the events of a journal for as long as wanted agrees.
func read(ctx context.Context, j ipam.Journal, wanted func(ipam.Event) bool) (*Snapshot, error) {
	f := newFold()
	for r, err := range j.Read(ctx, 0) {
		if err != nil {
			return nil, err
		}
		e, end, err := f.end.Follow(r.Data)
		if err != nil {
			return nil, err
		}
		if !wanted(e) {
			break
		}
		if err := f.apply(e, end); err != nil {
			return nil, fmt.Errorf("the journal does not fold: %w; restore the last good backup", err)
		}
	}
	return f.publish(), nil
}

// Now is the book as it stands.
func (b *Book) Now() *Snapshot { return b.now.Load() }

// At is the book as it stood at t, after all events of that instant. It reads
// the journal from its start; Snapshot.At answers for one place at once.
func (b *Book) At(ctx context.Context, t time.Time) (*Snapshot, error) {
	return read(ctx, b.journal, func(e ipam.Event) bool { return !e.At.After(t) })
}

// request waits in the queue for whoever writes next.
type request struct {
	by     By
	verb   ipam.Verb
	digest ipam.Digest // of what is asked, zeros without a key
	plan   func(*Snapshot) ([]ipam.Change, error)
	done   chan struct{}
	got    Receipt
	err    error
}

// change makes one change. Asked says what was asked for, the same for the
// same request; plan turns it into changes of a snapshot, and may be called
// several times.
func (b *Book) change(ctx context.Context, by By, verb ipam.Verb, asked any, plan func(*Snapshot) ([]ipam.Change, error)) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	r := &request{by: by, verb: verb, plan: plan, done: make(chan struct{})}
	if by.Key != "" {
		text, err := json.Marshal([]any{verb, by, asked})
		if err != nil {
			return Receipt{}, err
		}
		r.digest = sha256.Sum256(text)
	}
	b.queueing.Lock()
	b.queue = append(b.queue, r)
	b.queueing.Unlock()

	b.writing.Lock()
	for !r.isDone() { // somebody else may have made it, with others
		b.serve(context.WithoutCancel(ctx))
	}
	b.writing.Unlock()
	return r.got, r.err
}

func (r *request) isDone() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *request) finish(err error) {
	r.err = err
	close(r.done)
}

// serve makes one append of the requests that wait, as many as fit. The
// caller holds writing.
func (b *Book) serve(ctx context.Context) {
	b.queueing.Lock()
	waiting := b.queue
	b.queue = nil
	b.queueing.Unlock()

	for len(waiting) > 0 {
		waiting = b.attempt(ctx, waiting)
	}
}

// batch is one append in the making.
type batch struct {
	fold    *fold
	records [][]byte
	events  []sealed
	octets  int
	members []*request
}

type sealed struct {
	event ipam.Event
	end   ipam.Chain
}

// attempt plans requests, appends and publishes, and gives those that are not
// finished.
func (b *Book) attempt(ctx context.Context, waiting []*request) (left []*request) {
	t := &batch{fold: b.Now().fold()}
	for i, r := range waiting {
		fits, err := b.join(ctx, t, r)
		if err != nil {
			r.finish(err)
		} else if !fits {
			left = waiting[i:]
			break
		}
	}
	if len(t.records) == 0 {
		t.fold.tx.Abort()
		return left
	}
	base := b.Now().end
	err := b.journal.Append(ctx, base.Revision, t.records)
	if err == nil {
		b.now.Store(t.fold.publish()) // BOOK-FIRST
	} else {
		// Another program was first, or nobody knows what is on the disk: read.
		t.fold.tx.Abort()
		cerr := b.catchUp(ctx)
		switch {
		case cerr == nil && b.has(ctx, t):
			err = nil
		case cerr == nil && errors.Is(err, ipam.ErrConflict) && b.Now().end != base:
			return append(t.members, left...)
		default:
			err = errors.Join(err, cerr)
		}
	}
	for _, r := range t.members {
		r.finish(err)
		if err != nil {
			r.got = Receipt{}
		}
	}
	return left
}

// has tells whether the events of t are in the journal after all.
func (b *Book) has(ctx context.Context, t *batch) bool {
	last := t.events[len(t.events)-1].end
	now := b.Now().end
	if now.Revision < last.Revision {
		return false
	}
	if now == last {
		return true
	}
	for r, err := range b.journal.Read(ctx, last.Revision-1) {
		return err == nil && r.Revision == last.Revision && sha256.Sum256(r.Data) == last.Hash
	}
	return false
}

// join plans r on top of t. It does not fit when t is full; then nothing happened.
func (b *Book) join(ctx context.Context, t *batch, r *request) (fits bool, err error) {
	if r.by.Key != "" {
		if a, ok := t.fold.view().first("key", "id", []byte(r.by.Key)).(*answered); ok {
			return b.repeat(ctx, t, r, a)
		}
	}
	changes, err := r.plan(t.fold.view())
	if err != nil {
		return true, err
	}
	head := ipam.Event{
		At: b.clock(), Verb: r.verb, Who: r.by.Who, Why: r.by.Why, Document: r.by.Document,
		Key: r.by.Key, Request: r.digest, Changes: changes,
	}
	parts, err := cut(head)
	if err != nil {
		return true, err
	}
	end := t.fold.end
	var events []sealed
	var records [][]byte
	octets := 0
	for _, e := range parts {
		record, next, err := end.Seal(e)
		if err != nil {
			return true, err
		}
		e.Revision, e.Before, e.At = next.Revision, end.Hash, next.At
		end = next
		events, records, octets = append(events, sealed{e, next}), append(records, record), octets+len(record)
	}
	if len(t.records) > 0 && (len(t.records)+len(records) > ipam.MaxBatch || t.octets+octets > ipam.MaxBatchOctets) {
		return false, nil
	}
	if err := ipam.CheckBatch(records); err != nil {
		return true, err
	}
	for _, e := range events {
		if err := t.fold.apply(e.event, e.end); err != nil {
			return true, errors.Join(undone(err), t.again(b))
		}
	}
	t.events, t.records, t.octets = append(t.events, events...), append(t.records, records...), t.octets+octets
	t.members = append(t.members, r)
	r.got = Receipt{Moment: Moment{end.Revision, end.At}, Changes: changes}
	return true, nil
}

// undone takes the revision away from the error of an event that never got one.
func undone(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// again begins the fold anew after an event spoiled it, with those before it.
func (t *batch) again(b *Book) error {
	t.fold.tx.Abort()
	t.fold = b.Now().fold()
	for _, e := range t.events {
		if err := t.fold.apply(e.event, e.end); err != nil {
			return err
		}
	}
	return nil
}

// cut parts an event that is too long into several; the first has the key.
func cut(e ipam.Event) ([]ipam.Event, error) {
	if len(e.Changes) == 0 {
		return nil, errors.New("nothing to change: the book has it so already")
	}
	head := e
	head.Changes = nil
	const room = ipam.MaxEventOctets - 64
	base := len(head.Append(nil))
	var parts []ipam.Event
	size := 0
	for i, c := range e.Changes {
		one := ipam.Event{At: e.At, Changes: e.Changes[i : i+1]}
		n := len(one.Append(nil))
		if len(parts) == 0 || size+n > room {
			if len(parts) == 1 {
				head.Key, head.Request = "", ipam.Digest{}
			}
			parts, size = append(parts, head), base
		}
		last := &parts[len(parts)-1]
		last.Changes, size = append(last.Changes, c), size+n
	}
	return parts, nil
}

// repeat answers a request whose key was used before (BOOK-KEY).
func (b *Book) repeat(ctx context.Context, t *batch, r *request, a *answered) (bool, error) {
	if a.request != r.digest {
		return true, fmt.Errorf("key %q was used at revision %d for another request: give each request a key of its own", a.key, a.revision)
	}
	if a.revision > b.Now().end.Revision {
		return false, nil // it waits beside the first: answered in the next round
	}
	for rec, err := range b.journal.Read(ctx, a.revision-1) {
		if err != nil {
			return true, err
		}
		e, err := ipam.DecodeEvent(rec.Data)
		if err != nil {
			return true, err
		}
		r.got = Receipt{Moment{e.Revision, e.At}, e.Changes, true}
		break
	}
	r.finish(nil)
	return true, nil
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
