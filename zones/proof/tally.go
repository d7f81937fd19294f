package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// cause is what is at fault, once for all that it breaks (PROOF-CAUSE).
type cause struct {
	id   string
	new  bool       // of NEW's tree, else OLD's
	node int32      // -1: nothing
	typ  zones.Type // 0: the whole name
	// carry tells a record of OLD whose new name is at fault from one whose own
	// name is.
	carry bool
}

// broken is one fault while it is gathered.
type broken struct {
	cause
	count   int
	path    []string // the first name that shows it, from the root down
	qtype   zones.Type
	from    zones.Name // carry-over: the old name that was to come here
	was, is string     // what comes
	why     string
}

// tally gathers what a walk finds. The first witness of each cause is kept.
type tally struct {
	limit    int
	levels   [L4 + 1]int
	classes  int
	added    int // plain additions
	decided  int // differences that a decision asks for
	faults   []*broken
	by       map[cause]*broken
	more     map[string]int // causes beyond the limit, by id
	deferred []place
	used     map[int]bool // exceptions
	claims   []claim      // room for one name's
}

func newTally(w *walker) *tally {
	return &tally{limit: w.limit, by: map[cause]*broken{}, more: map[string]int{}, used: map[int]bool{}}
}

// find adds a fault; the name and type are those of its first witness.
func (t *tally) find(b broken) {
	if have := t.by[b.cause]; have != nil {
		have.count++
		return
	}
	if len(t.faults) >= t.limit {
		t.more[b.id]++
		return
	}
	b.count = 1
	b.path = slices.Clone(b.path)
	t.by[b.cause] = &b
	t.faults = append(t.faults, &b)
}

// add takes over what a later part of the same walk found.
func (t *tally) add(o *tally) {
	for i, n := range o.levels {
		t.levels[i] += n
	}
	t.classes += o.classes
	t.added += o.added
	t.decided += o.decided
	for _, b := range o.faults {
		switch have := t.by[b.cause]; {
		case have != nil:
			have.count += b.count
		case len(t.faults) >= t.limit:
			t.more[b.id]++
		default:
			t.by[b.cause] = b
			t.faults = append(t.faults, b)
		}
	}
	for id, n := range o.more {
		t.more[id] += n
	}
	for i := range o.used {
		t.used[i] = true
	}
	t.deferred = append(t.deferred, o.deferred...)
}
