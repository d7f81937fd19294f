package ipam

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Chain is the end of a journal: what the next event links to (CHAIN-LINK,
// CHAIN-STEP, CHAIN-CLOCK). It is an immutable value; the zero Chain is the
// end of an empty journal.
type Chain struct {
	Revision uint64    // of the last event, 0 for none
	Hash     Digest    // of its encoding
	At       time.Time // its instant
}

// Seal makes e the next event: it sets the revision and the link, brings an
// instant before the last one up to it, and gives the encoding and the new
// end. It fails when e is not whole or too long.
func (c Chain) Seal(e Event) (record []byte, next Chain, err error) {
	e.Revision, e.Before = c.Revision+1, c.Hash
	if e.At.Before(c.At) {
		e.At = c.At
	}
	if err := e.Check(); err != nil {
		return nil, c, err
	}
	e.At = time.Unix(0, e.At.UnixNano()).UTC() // as it is read back, so that ends compare
	record = e.Append(nil)
	if len(record) > MaxEventOctets {
		return nil, c, fmt.Errorf("one change of %d octets, where %d are the most: make it in several", len(record), MaxEventOctets)
	}
	return record, Chain{e.Revision, sha256.Sum256(record), e.At}, nil
}

// Follow reads the next record and checks its link. An error is a *ChainError.
func (c Chain) Follow(record []byte) (Event, Chain, error) {
	e, err := DecodeEvent(record)
	switch {
	case err != nil:
		return Event{}, c, &ChainError{c.Revision + 1, err.Error()}
	case e.Revision != c.Revision+1:
		return Event{}, c, &ChainError{c.Revision + 1, fmt.Sprintf("the event says of itself that it is number %d", e.Revision)}
	case e.Before != c.Hash:
		return Event{}, c, &ChainError{e.Revision, "its link does not fit the event before it: one of the two was changed"}
	case e.At.Before(c.At):
		return Event{}, c, &ChainError{e.Revision, "its instant lies before that of the event before it"}
	}
	return e, Chain{e.Revision, sha256.Sum256(record), e.At}, nil
}

// ChainError says at which event the audit fails.
type ChainError struct {
	Revision uint64
	Found    string
}

// Error names the revision and what was found.
func (e *ChainError) Error() string {
	return fmt.Sprintf("the audit fails at revision %d: %s; restore the last good backup", e.Revision, e.Found)
}
