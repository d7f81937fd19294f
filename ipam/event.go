package ipam

import (
	"fmt"
	"strings"
	"time"
)

// The bounds of events and appends, chosen so that one append fits one
// transaction of etcd (128 operations, 1.5 MiB) as well as of an embedded file.
const (
	MaxEventOctets = 64 << 10   // of one event's encoding
	MaxBatch       = 100        // events of one append
	MaxBatchOctets = 1000 << 10 // of one append's encodings together
	MaxWho         = 200        // octets of Who and of Key
)

// Verb is what somebody asked for.
type Verb uint8

// The verbs. The zero value is invalid.
const (
	Allocate Verb = iota + 1 // a block gets a holder
	Reserve                  // a block is kept
	Assign                   // holder, status or another field of an allocation changes
	Release                  // a block is given back
	SplitUp                  // one allocation becomes several
	Merge                    // several become one
	Move                     // a block and all in it go to another space
	Renumber                 // a block and all in it get other addresses
	Import                   // a plan is brought in
)

var verbNames = [...]string{"", "allocate", "reserve", "assign", "release", "split", "merge", "move", "renumber", "import"}

// IsValid tells whether v is one of the verbs.
func (v Verb) IsValid() bool { return v >= Allocate && v <= Import }

// String is the word of the command line, "invalid verb" for no verb.
func (v Verb) String() string {
	if !v.IsValid() {
		return "invalid verb"
	}
	return verbNames[v]
}

// Op is the kind of a Change.
type Op uint8

// The kinds of change. The zero value is invalid.
const (
	Add   Op = iota + 1 // Allocation becomes live; its place must be free for it
	Alter               // Allocation takes the place of the live one at the same place
	Drop                // what is live at From is released
	Shift               // From and all live in it move to To, a block of the same size
	Clear               // From and all live in it are released
)

// Change is one step of an event. Which fields count depends on Op; the others
// must be zero.
type Change struct {
	Op         Op
	Allocation Allocation // Add, Alter
	From       Place      // Drop, Shift, Clear
	To         Place      // Shift
}

// Check tells what is wrong with the change by itself.
func (c Change) Check() error {
	switch c.Op {
	case Add, Alter:
		if c.From != (Place{}) || c.To != (Place{}) {
			return fmt.Errorf("a change that adds or alters, with a place it comes from or goes to")
		}
		return c.Allocation.Check()
	case Drop, Shift, Clear:
		if !c.Allocation.Equal(Allocation{}) {
			return fmt.Errorf("a change that drops or shifts, with an allocation")
		}
		if !c.From.IsValid() {
			return fmt.Errorf("a change without a place: name the space and the block")
		}
		if c.Op != Shift && c.To != (Place{}) {
			return fmt.Errorf("a change that drops, with a place to go to")
		}
		if c.Op == Shift && (!c.To.IsValid() || !c.From.Block.SameSize(c.To.Block)) {
			return fmt.Errorf("%v cannot shift to %v: give a block of the same family and size", c.From, c.To)
		}
		return nil
	}
	return fmt.Errorf("change of unknown kind %d: this program is older than the journal", c.Op)
}

// Digest is a SHA-256.
type Digest [32]byte

// Event is one entry of the journal (EVENT-WHOLE): who did what, why, by which
// document, and the steps it is made of. Revision and Before are set by Chain.
type Event struct {
	Revision uint64    // 1, 2, 3 … (CHAIN-STEP)
	Before   Digest    // of the encoding of the event before, zeros for the first (CHAIN-LINK)
	At       time.Time // to the nanosecond, UTC, from 1970 to 2261
	Verb     Verb
	Who      string // never empty
	Why      string // never empty
	Document string // may be empty
	Key      string // of an idempotent request; may be empty
	Request  Digest // of what was asked under Key; zeros without a key
	Changes  []Change
}

// Check tells what EVENT-WHOLE misses, nil when nothing does. Revision and
// Before are Chain's to check.
func (e Event) Check() error {
	if !e.Verb.IsValid() {
		return fmt.Errorf("event of unknown verb %d: this program is older than the journal", e.Verb)
	}
	if strings.TrimSpace(e.Who) == "" {
		return fmt.Errorf("nobody is named for this change: say who")
	}
	if strings.TrimSpace(e.Why) == "" {
		return fmt.Errorf("no reason is given for this change: say why")
	}
	for _, f := range [...]struct {
		text string
		most int
	}{{e.Who, MaxWho}, {e.Key, MaxWho}, {e.Why, MaxText}, {e.Document, MaxText}} {
		if err := checkText(f.text, f.most); err != nil {
			return err
		}
	}
	if e.Key == "" && e.Request != (Digest{}) {
		return fmt.Errorf("a request's digest without its key")
	}
	if !e.At.Equal(time.Unix(0, e.At.UnixNano())) || e.At.UnixNano() < 0 {
		return fmt.Errorf("instant %v is outside 1970 to 2261: set the clock", e.At)
	}
	if len(e.Changes) == 0 {
		return fmt.Errorf("an event that changes nothing")
	}
	for _, c := range e.Changes {
		if err := c.Check(); err != nil {
			return err
		}
	}
	return nil
}
