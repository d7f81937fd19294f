package proof

import (
	"slices"
	"strings"

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
	spot    int32      // the node whose place is shown, where the cause is not; 0 is the cause
	why     string
	far     bool // the witness is not of the cause itself: an alias leads there
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
	perID    map[string]int // faults, by id
	more     map[string]int // classes that causes beyond the limit break, by id
	deferred []place
	parts    []*part            // what is told apart
	keep     map[string][]*part // parts of the walk before, by the place that they split
	used     map[int]bool       // exceptions
	claims   []claim            // room for one name's
}

func newTally(w *walker) *tally {
	return &tally{limit: w.limit, by: map[cause]*broken{}, perID: map[string]int{}, more: map[string]int{}, used: map[int]bool{}}
}

// find adds a fault; the name and type are those of its first witness.
func (t *tally) find(b broken) {
	if have := t.by[b.cause]; have != nil {
		have.meet(b)
		have.count++
		return
	}
	b.count = 1
	if t.perID[b.id] >= t.limit {
		t.more[b.id]++
		return
	}
	b.path = slices.Clone(b.path)
	t.keep1(&b)
}

// keep1 adds a cause that is new. Each id has a limit of its own, so that
// however many errors there are, none hides what blocks.
func (t *tally) keep1(b *broken) {
	t.by[b.cause] = b
	t.perID[b.id]++
	t.faults = append(t.faults, b)
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
			have.meet(*b)
			have.count += b.count
		case t.perID[b.id] >= t.limit:
			t.more[b.id] += b.count
		default:
			c := *b
			t.keep1(&c)
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

// meet takes over the witness that comes first: the same whatever the order
// in which a cause is met.
func (b *broken) meet(o broken) {
	if o.comesFirst(b) {
		n := b.count
		*b = o
		b.count, b.path = n, slices.Clone(o.path)
	}
}

func (b *broken) comesFirst(o *broken) bool {
	if b.far != o.far {
		return o.far
	}
	return earlier(b.path, b.qtype, o)
}

func earlier(path []string, qtype zones.Type, o *broken) bool {
	c := inOrder(path, o.path)
	return c < 0 || c == 0 && qtype < o.qtype
}

// flat adds up a walk's parts.
func (t *tally) flat(w *walker) *tally {
	if len(t.parts) == 0 {
		return t
	}
	out := newTally(w)
	t.into(out)
	return out
}

func (t *tally) into(out *tally) {
	out.add(t)
	for _, x := range t.parts {
		x.out.into(out)
	}
}

// kept lists the parts by the place that they split.
func (t *tally) kept() map[string][]*part {
	m := map[string][]*part{}
	for _, x := range t.parts {
		k := strings.Join(x.p.path, "\x00.")
		m[k] = append(m[k], x)
	}
	return m
}

// inOrder orders witnesses: a name that a person would ask for before one
// with a literal asterisk.
func inOrder(a, b []string) int {
	return slices.CompareFunc(a, b, func(x, y string) int {
		switch {
		case x == y:
			return 0
		case x == "*":
			return 1
		case y == "*":
			return -1
		}
		return strings.Compare(x, y)
	})
}
