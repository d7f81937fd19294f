package mapping

import (
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Mapping is everything that decides where a source's records go.
type Mapping struct {
	Cutover    time.Time    // the instant of the switch
	Targets    []zones.Name // the zones that records are brought into
	Rules      []Rule       // the first that matches a record and target wins
	OldNames   []OldName    // the first that matches an old name wins
	Decisions  []Decision
	Reserved   []Reserved
	Exceptions []Exception
}

// Note says who decided, why, and by which document; At is the place in the
// consolidation file.
type Note struct {
	At  zones.Place
	Why string
	By  string // a key of people
	Doc string // a key of documents
	// Wave is the wave from which on it holds; "" is the first, the cutover.
	// Who makes a Mapping takes the entries of its instant.
	Wave string
}

// Pattern is one name ("x"), or all names of one or more labels below one
// ("*.x"). The zero Pattern matches nothing.
type Pattern struct {
	Star bool
	Name zones.Name
}

// String gives "x" or "*.x" without the final dot.
func (p Pattern) String() string {
	if p.Star {
		return "*." + p.Name.Text()
	}
	return p.Name.Text()
}

// Match tells whether the pattern covers n.
func (p Pattern) Match(n zones.Name) bool {
	if p.Star {
		return n.Below(p.Name)
	}
	return !p.Name.IsZero() && n == p.Name
}

// Rule says what becomes of the records whose owner From matches, in every
// view or in View alone.
type Rule struct {
	Note
	From    Pattern
	Subtree bool         // From's names below it too (From without a star)
	View    zones.View   // "" is every view
	Types   []zones.Type // empty is every type
	To      []Pattern    // where to; star for star; empty with Drop
	Drop    bool         // no new name; the old name still answers
	Holder  string       // the unit for which the new label is reserved
}

// Covers tells whether the rule's From matches a record of owner and type in
// a view.
func (r Rule) Covers(v zones.View, owner zones.Name, t zones.Type) bool {
	if r.View != "" && r.View != v {
		return false
	}
	if !r.From.Match(owner) && (!r.Subtree || !owner.Within(r.From.Name)) {
		return false
	}
	if len(r.Types) == 0 {
		return true
	}
	for _, x := range r.Types {
		if x == t {
			return true
		}
	}
	return false
}

// Mode is how an old name goes on answering.
type Mode uint8

// The modes. Follow is the default.
const (
	Follow   Mode = iota // derived from the new name at each edit
	AsBefore             // frozen as the source had it
	Alias                // a CNAME to the new name, where that is legal
	End                  // it answers no more: Ending gives the exceptions that this means
)

// String gives the word of the consolidation file.
func (m Mode) String() string { return [...]string{"follow", "as-before", "alias", "end"}[min(m, End)] }

// OldName gives the old names that Match covers their mode.
type OldName struct {
	Note
	Match Pattern
	View  zones.View // "" is every view
	Mode  Mode
	Until time.Time // the zero time is "open"
}

// Ending gives the exception that an old name's mode End means, if it has
// that mode.
func (m Mapping) Ending(v zones.View, owner zones.Name) (Exception, bool) {
	for _, o := range m.OldNames {
		if o.Match.Match(owner) && (o.View == "" || o.View == v) {
			return Exception{Note: o.Note, Name: owner, View: v}, o.Mode == End
		}
	}
	return Exception{}, false
}

// Take is which side of a conflict stands.
type Take uint8

// The sides. Open leaves the conflict undecided: nothing can be published.
const (
	Open   Take = iota
	Source      // the source's records stand
	Target      // the target's records stand
	Both        // the union stands
)

// String gives the word of the consolidation file; "" for Open.
func (t Take) String() string { return [...]string{"", "source", "target", "both"}[min(t, Both)] }

// State is how far a decision has come. Proposed ones are published too, and
// counted.
type State uint8

// The states.
const (
	StateOpen State = iota
	StateProposed
	StateDecided
)

// String gives the word of the consolidation file.
func (s State) String() string {
	return [...]string{"open", "proposed", "decided"}[min(s, StateDecided)]
}

// Decision settles one conflict at a name of a target, or at one RRset of it,
// or says what the new name of a source's delegated child does.
type Decision struct {
	Note
	Name          zones.Name
	Type          zones.Type // 0 is every type at Name
	View          zones.View // "" is every view
	Take          Take
	TargetBecomes zones.Name // the target's records move there; zero if not
	SourceBecomes zones.Name // the source's records move there; zero if not
	Holder        string     // the unit for which the label is reserved
	State         State
}

// Reserved is a label kept for a holder in a zone, even where no record
// stands yet: everything at and below the name is that holder's.
type Reserved struct {
	Name   zones.Name
	Holder string
	Doc    string
	At     zones.Place
}

// Exception is a name that is lost on purpose.
type Exception struct {
	Note
	Name    zones.Name
	Type    zones.Type // 0 is every type
	View    zones.View // "" is every view
	Expires time.Time
}
