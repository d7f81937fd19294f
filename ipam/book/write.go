package book

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"

	"gialai.gov.vn/hopnhat/ipam"
)

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
	if r.err = err; err != nil {
		r.got = Receipt{}
	}
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
	refused []*request // finished when the append is: what refused them may be in it
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
			r.err, t.refused = err, append(t.refused, r)
		} else if !fits {
			left = waiting[i:]
			break
		}
	}
	base := b.Now().end
	if len(t.records) == 0 {
		t.fold.tx.Abort()
		return append(b.refuse(ctx, t.refused, base), left...)
	}
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
			return slices.DeleteFunc(waiting, (*request).isDone)
		default:
			err = errors.Join(err, cerr)
		}
	}
	for _, r := range t.members {
		r.finish(err)
	}
	if err != nil {
		return append(t.refused, left...)
	}
	for _, r := range t.refused {
		r.finish(r.err)
	}
	return left
}

// refuse finishes requests that the book at base refused, unless another
// program has moved the journal on: then it reads, and they are planned anew.
func (b *Book) refuse(ctx context.Context, refused []*request, base ipam.Chain) (again []*request) {
	if len(refused) == 0 {
		return nil
	}
	head, err := b.journal.Head(ctx)
	if err == nil && head != base.Revision {
		err = b.catchUp(ctx)
	}
	if err == nil && b.Now().end != base {
		return refused
	}
	for _, r := range refused {
		r.finish(errors.Join(r.err, err))
	}
	return nil
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
	events, records, octets, err := seal(t.fold.end, parts)
	if err != nil {
		return true, err
	}
	if len(t.records) > 0 && (len(t.records)+len(records) > ipam.MaxBatch || t.octets+octets > ipam.MaxBatchOctets) {
		return false, nil
	}
	if err := ipam.CheckBatch(records); err != nil {
		return true, tooMuch(parts, records)
	}
	for _, e := range events {
		if err := t.fold.apply(e.event, e.end); err != nil {
			return true, errors.Join(undone(err), t.again(b))
		}
	}
	t.events, t.records, t.octets = append(t.events, events...), append(t.records, records...), t.octets+octets
	t.members = append(t.members, r)
	end := t.fold.end
	r.got = Receipt{Moment: Moment{end.Revision, end.At}, Changes: changes}
	return true, nil
}

// seal makes the parts the events behind end.
func seal(end ipam.Chain, parts []ipam.Event) (events []sealed, records [][]byte, octets int, err error) {
	for _, e := range parts {
		record, next, err := end.Seal(e)
		if err != nil {
			return nil, nil, 0, err
		}
		e.Revision, e.Before, e.At = next.Revision, end.Hash, next.At
		end = next
		events, records, octets = append(events, sealed{e, next}), append(records, record), octets+len(record)
	}
	return events, records, octets, nil
}

// tooMuch says how many of the changes one append holds.
func tooMuch(parts []ipam.Event, records [][]byte) error {
	fit, all, room := 0, 0, ipam.MaxBatchOctets
	for i, p := range parts {
		all += len(p.Changes)
		if i < ipam.MaxBatch && room > 0 {
			fit += sort.Search(len(p.Changes), func(n int) bool {
				p.Changes = p.Changes[:n+1]
				return len(p.Append(nil)) > room
			})
		}
		room -= len(records[i])
	}
	return fmt.Errorf("%d changes do not fit one append, which is whole or not at all: the first %d do; make them in parts", all, fit)
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

// cut parts an event that is too long into several, alike in all but the changes.
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
		return true, fmt.Errorf("key %q was used at revision %d for another request: give each request a key of its own", a.key, a.first)
	}
	if a.last > b.Now().end.Revision {
		return false, nil // it waits beside the first: answered in the next round
	}
	r.got = Receipt{Repeated: true} // not what a plan left that lost its race
	for rec, err := range b.journal.Read(ctx, a.first-1) {
		if err != nil {
			return true, err
		}
		if rec.Revision > a.last {
			break
		}
		e, err := ipam.DecodeEvent(rec.Data)
		if err != nil {
			return true, err
		}
		r.got.Moment, r.got.Changes = Moment{e.Revision, e.At}, append(r.got.Changes, e.Changes...)
	}
	r.finish(nil)
	return true, nil
}
