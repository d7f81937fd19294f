package proof

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Input is all that a proof depends on. The zero Mapping claims continuity of
// every zone of Before, and nothing else.
type Input struct {
	Before, After zones.World
	Mapping       mapping.Mapping
	// Steps are the worlds that are served in turn between Before and After.
	// Each must answer as Before does, and the mixture is proved of every two
	// neighbours instead of Before and After.
	Steps []zones.World
	// Sources are the zones of Before whose records the rules carry, each of
	// which then needs a rule. Empty: the rules carry what they cover of any
	// zone, and nothing needs one.
	Sources []zones.ID
	// Declared are the RRsets that an edit itself names: a difference there is
	// an exception (L4), anywhere else it is not.
	Declared []zones.Key
}

// Options say how to run; the zero value is good.
type Options struct {
	Workers int                   // goroutines; 0 is one for each processor. The report does not depend on it
	Limit   int                   // faults kept of each id, for each view and relation; 0 is 10000. The rest are counted
	Mixture bool                  // prove also that no mixture of the two worlds breaks
	Strict  bool                  // every error blocks
	Stage   func(what string)     // told when a part of the proof begins; may be nil
	Now     time.Time             // exceptions that expire before it no longer hold; the zero time lets all hold
	split   int                   // for tests: names in a part of the walk
	Server  func(new bool) string // the server that a dig asks; nil gives @old and @new
}

// Fault is one root cause with a witness.
type Fault struct {
	finding.Finding
	View    zones.View
	Class   string // the names concerned, in words
	Subject string // the record or name at fault, "" where none is
	InNew   bool   // it stands in NEW
	Why     string // more about this one; may be ""
	Witness Witness
}

// Witness is one question whose answers differ.
type Witness struct {
	Name     zones.Name // what to ask
	Type     zones.Type
	OldName  zones.Name // what to ask the old server, where a renaming is at fault; else Name
	Old, New string     // what comes
}

// Counts says what was decided.
type Counts struct {
	Nodes   [2]int         // names of the two worlds' trees, empty non-terminals included
	Classes int            // classes of names
	Levels  [L4 + 1]int    // answers (class and type) by level
	Added   int            // classes that answer where nothing did
	Decided int            // differences that a decision asks for
	More    map[string]int // classes that root causes beyond Options.Limit break, by id
}

// Report is what a proof finds. Faults stand by severity, id, name and view.
type Report struct {
	Faults []Fault
	Counts Counts
	Before zones.Digest
	After  zones.Digest
}

// Preserved tells whether nothing blocks.
func (r *Report) Preserved() bool {
	for _, f := range r.Faults {
		if f.Severity == finding.Block {
			return false
		}
	}
	return true
}

// Findings lists the faults as findings.
func (r *Report) Findings() []finding.Finding {
	fs := make([]finding.Finding, len(r.Faults))
	for i, f := range r.Faults {
		fs[i] = f.Finding
	}
	return fs
}

// defaultLimit is how many root causes of one id are kept for each view.
const defaultLimit = 10000

// Prove decides the claim (doc.go) for every view.
func Prove(in Input, o Options) Report {
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := Report{Before: in.Before.Digest(), After: in.After.Digest()}
	used := map[int]bool{}
	for _, v := range viewsOf(in) {
		proveView(&r, in, o, v, used)
	}
	r.exceptions(in, o, used)
	r.idle(in)
	r.sort()
	return r
}

func (o *Options) begin(what string, args ...any) {
	if o.Stage != nil {
		o.Stage(fmt.Sprintf(what, args...))
	}
}

// viewsOf lists the views of both worlds.
func viewsOf(in Input) []zones.View {
	views := in.Before.Views()
	for _, v := range in.After.Views() {
		if !slices.Contains(views, v) {
			views = append(views, v)
		}
	}
	slices.Sort(views)
	return views
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.ID, b.ID), a.Witness.Name.Compare(b.Witness.Name), cmp.Compare(a.View, b.View),
			cmp.Compare(a.Witness.Type, b.Witness.Type), cmp.Compare(a.Found, b.Found))
	})
}

// newWalker plants both trees of a view.
func newWalker(in Input, o Options, v zones.View) *walker {
	var old, new *tree
	if o.Workers > 1 {
		var g sync.WaitGroup
		g.Add(1)
		go func() { defer g.Done(); old = plant(in.Before, v) }()
		new = plant(in.After, v)
		g.Wait()
	} else {
		old, new = plant(in.Before, v), plant(in.After, v)
	}
	return &walker{
		judge: &judge{old: old, new: new, ren: newRenames(in.Mapping, v), sem: &sync.Map{}},
		rules: newRuleTree(in, v), rulings: newRulings(in, v, o.Now),
		limit: o.Limit, modes: in.Mapping.OldNames, mixes: o.Mixture && len(in.Steps) == 0, split: cmp.Or(o.split, defaultSplit),
	}
}

func proveView(r *Report, in Input, o Options, v zones.View, used map[int]bool) {
	o.begin("view %s: the names of both worlds", v)
	w := newWalker(in, o, v)
	o.begin("view %s: every name, old and new", v)
	t := w.all(o.Workers)
	w.total(t)
	if w.mixes {
		w.between(in, t)
	}
	r.take(w, t, o)
	for i := range t.used {
		used[i] = true
	}
	w.spent(used)
	if o.Mixture && len(in.Steps) > 0 {
		r.steps(w, in, o)
	}
}

// take turns a tally into the report's terms.
func (r *Report) take(w *walker, t *tally, o Options) {
	c := &r.Counts
	c.Nodes[0] += len(w.old.nodes)
	c.Nodes[1] += len(w.new.nodes)
	c.Classes += t.classes
	c.Added += t.added
	c.Decided += t.decided
	for i, n := range t.levels {
		c.Levels[i] += n
	}
	r.tell(w, t, o)
}

// tell words what a walk found.
func (r *Report) tell(w *walker, t *tally, o Options) {
	for id, n := range t.more {
		if r.Counts.More == nil {
			r.Counts.More = map[string]int{}
		}
		r.Counts.More[id] += n
	}
	for _, b := range t.faults {
		r.Faults = append(r.Faults, w.fault(b, o))
	}
}

// fault words one root cause.
func (w *walker) fault(b *broken, o Options) Fault {
	d := defined[b.id]
	f := Fault{View: w.old.view}
	f.ID, f.Severity, f.Mend, f.Count = b.id, d.severity, d.mend, b.count
	if o.Strict && f.Severity == finding.Error {
		f.Severity = finding.Block
	}
	name := join(b.path, len(b.path), zones.Root())
	f.Witness = Witness{Name: name, Type: b.qtype, OldName: name, Old: b.was, New: b.is}
	if !b.from.IsZero() {
		f.Witness.OldName = b.from
	}
	t, side := w.old, "old"
	if b.new {
		t, side = w.new, "new"
	}
	subject := name.Text()
	if b.node >= 0 {
		spot := cmp.Or(b.spot, b.node)
		subject = t.name(spot).Text()
		f.At = t.place(spot, b.typ)
	}
	if b.typ != 0 {
		subject += " " + b.typ.String()
	}
	f.Subject, f.InNew, f.Why = subject, b.new, b.why
	f.Found = fmt.Sprintf("%s (%s): %s: %s %v gave %s, gives %s", subject, side, d.says, name.Text(), b.qtype, b.was, b.is)
	if b.why != "" {
		f.Found += " (" + b.why + ")"
	}
	f.Class = fmt.Sprintf("%s, as %s shows", d.says, name.Text())
	server := o.Server
	if server == nil {
		server = func(new bool) string {
			if new {
				return "new"
			}
			return "old"
		}
	}
	f.Dig = []string{
		"dig @" + server(false) + " " + finding.Ask(f.Witness.OldName, b.qtype),
		"dig @" + server(true) + " " + finding.Ask(name, b.qtype),
	}
	return f
}

// place is where a node's record is stated: of the type, else the first, else
// that of the first name below.
func (t *tree) place(n int32, typ zones.Type) zones.Place {
	for {
		m := &t.nodes[n]
		for _, s := range m.sets {
			if s.Type() == typ || typ == 0 {
				return s.From(0).Place
			}
		}
		if len(m.sets) > 0 {
			return m.sets[0].From(0).Place
		}
		if m.kids == 0 {
			return zones.Place{}
		}
		n = t.kids[m.kid]
	}
}
