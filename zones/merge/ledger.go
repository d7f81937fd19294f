package merge

import (
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Disposition is what becomes of a source record at a new name.
type Disposition uint8

// The dispositions. Undecided stands in plans only that cannot be published.
const (
	Renamed    Disposition = iota // stands at its new name
	Merged                        // stands there beside or equal to the target's
	Superseded                    // a decision took the other side
	Dropped                       // has no new name: By and Why say who and why
	Undecided                     // a conflict is open, or no rule places it
)

var dispositions = [...]string{"renamed", "merged", "superseded", "dropped", "undecided"}

// String gives one word.
func (d Disposition) String() string { return dispositions[min(int(d), len(dispositions)-1)] }

// Old is how an old name goes on.
type Old struct {
	Mode  mapping.Mode // what it is in fact: an old name that has no one new name is AsBefore whatever was asked
	Ended bool         // an exception ends it
	Until time.Time    // the zero time is "open"
}

// String gives one word.
func (o Old) String() string {
	if o.Ended {
		return "ended"
	}
	return o.Mode.String()
}

// Entry is one source record at one new name (LEDGER-ONE).
type Entry struct {
	Source      string
	Zone        zones.ID     // the source's
	Record      zones.Record // as the source has it
	Disposition Disposition
	Duplicate   bool         // it adds nothing: an equal record stands there already, the target's or an earlier entry's
	Target      zones.ID     // the zone of the new name; zero if there is none
	New         zones.Record // as it stands, or would have stood; zero without a new name
	Rule        zones.Place
	Decision    zones.Place
	By          string // who dropped or superseded it; whose rule carried it
	Doc         string
	Why         string
	Old         Old
}

// Stands tells whether the record is in the world after at its new name.
func (e Entry) Stands() bool { return e.Disposition == Renamed || e.Disposition == Merged }

// Fate is what becomes of a record that is served today.
type Fate uint8

// The fates.
const (
	Kept       Fate = iota // stands as it stood
	Retargeted             // stands; names in its data follow records that a decision moved
	Moved                  // a decision moved it to another name
	Removed                // a decision took the source's side
	Numbered               // the SOA, with a later serial
)

var fates = [...]string{"kept", "retargeted", "moved", "removed", "numbered"}

// String gives one word.
func (f Fate) String() string { return fates[min(int(f), len(fates)-1)] }

// Trace is one record of a zone served today (LEDGER-TRACE). Zones that are
// neither targets nor changed have none.
type Trace struct {
	Zone      zones.ID
	Record    zones.Record // as it stands today
	Fate      Fate
	Duplicate bool     // it became equal to another record of the zone
	To        zones.ID // the zone of New
	New       zones.Record
	Decision  zones.Place
	By        string
	Doc       string
	Why       string
}

// Ledger is the double entry of a plan: what became of each source record,
// and of each record served today. It is immutable.
type Ledger struct {
	entries []Entry
	traces  []Trace
}

// Entries returns the entries by source zone, record and new name. The slice
// must not be changed.
func (l Ledger) Entries() []Entry { return l.entries[:len(l.entries):len(l.entries)] }

// Traces returns the traces by zone and record. The slice must not be
// changed.
func (l Ledger) Traces() []Trace { return l.traces[:len(l.traces):len(l.traces)] }
