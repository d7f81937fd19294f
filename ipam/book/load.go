package book

import (
	"context"
	"fmt"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

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
			return nil, notFolding(err)
		}
	}
	return f.publish(), nil
}

func notFolding(err error) error {
	return fmt.Errorf("the journal does not fold: %w; restore the last good backup", err)
}

// Loader opens a book with the events that a journal checks when it is opened,
// so that they are read once:
//
//	l := book.NewLoader()
//	j, err := bolt.Open(path, bolt.Options{See: l.See})
//	b, err := l.Open(ctx, j, j.End(), time.Now)
//
// One goroutine uses it, for one book.
type Loader struct {
	fold *fold
	err  error
}

// NewLoader begins with nothing.
func NewLoader() *Loader { return &Loader{fold: newFold()} }

// See folds the next event, whose link to the one before was checked.
func (l *Loader) See(e ipam.Event) {
	if l.err == nil {
		l.err = l.fold.apply(e, ipam.Chain{Revision: e.Revision, At: e.At})
	}
}

// Open gives the book of the events that were seen, which end in end, and of
// what the journal has behind them.
func (l *Loader) Open(ctx context.Context, j ipam.Journal, end ipam.Chain, clock func() time.Time) (*Book, error) {
	if l.err != nil {
		return nil, notFolding(l.err)
	}
	if l.fold.end.Revision != end.Revision {
		return nil, fmt.Errorf("events up to revision %d were seen, where the journal ends at %d", l.fold.end.Revision, end.Revision)
	}
	l.fold.end = end
	for r, err := range j.Read(ctx, end.Revision) {
		if err != nil {
			return nil, err
		}
		if err := l.fold.follow(r.Data); err != nil {
			return nil, notFolding(err)
		}
	}
	b := &Book{journal: j, clock: clock}
	b.now.Store(l.fold.publish())
	return b, nil
}
