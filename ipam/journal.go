package ipam

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Journal keeps the events of one book, in order, each under its revision: 1,
// 2, 3 … A revision is also the key, so any ordered store that compares and
// swaps can be one. All methods may be called from several goroutines, and
// several processes where the store allows it.
type Journal interface {
	// Head is the revision of the last event, 0 when there is none.
	Head(ctx context.Context) (uint64, error)

	// Append adds records, encodings of events, behind revision after: the
	// first becomes after+1. When another revision is the last, nothing is
	// added and the error is ErrConflict. It returns nil only when all records
	// are safe (JOURNAL-CAS, JOURNAL-KEPT); after another error they may be
	// there or not, all or none, and the caller reads to find out. Records
	// beyond the bounds of CheckBatch are refused. The journal keeps no
	// reference to the octets.
	Append(ctx context.Context, after uint64, records [][]byte) error

	// Read gives the records behind revision after, in order, to the last one
	// there is when Read comes to it. After an error it stops.
	Read(ctx context.Context, after uint64) iter.Seq2[Record, error]

	// Watch is Read that waits for more at the end, until ctx is done (its
	// error comes last) or the journal is closed (ErrClosed comes last).
	Watch(ctx context.Context, after uint64) iter.Seq2[Record, error]

	// Close gives back what the journal holds. The second call does nothing.
	Close() error
}

// Record is one entry as it is stored.
type Record struct {
	Revision uint64
	Data     []byte // the canonical encoding of an event; the reader's to keep
}

// ErrConflict: somebody else appended first; read on and try again.
var ErrConflict = errors.New("the journal has moved on: read its new events and try again")

// ErrClosed: the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// CheckBatch tells what an append may not be: empty, or larger than MaxBatch,
// MaxBatchOctets and MaxEventOctets allow. Every journal holds to it.
func CheckBatch(records [][]byte) error {
	if len(records) == 0 {
		return errors.New("an append without an event")
	}
	if len(records) > MaxBatch {
		return fmt.Errorf("%d events in one append, where %d are the most: append in parts", len(records), MaxBatch)
	}
	sum := 0
	for _, r := range records {
		if len(r) == 0 || len(r) > MaxEventOctets {
			return fmt.Errorf("an event of %d octets, where 1 to %d are allowed", len(r), MaxEventOctets)
		}
		sum += len(r)
	}
	if sum > MaxBatchOctets {
		return fmt.Errorf("%d octets in one append, where %d are the most: append in parts", sum, MaxBatchOctets)
	}
	return nil
}
