package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Kind says why something must be decided.
type Kind uint8

// The kinds.
const (
	OtherData  Kind = iota // both have the type, with other data
	OtherTypes             // the target owns the name and has not the type that arrives
	Meeting                // two old names arrive at one new name
	BesideName             // a CNAME would stand beside other data (RFC 1034 3.6.2)
	UnderCut               // a delegation would hide what the other side has at or below it
	UnderDNAME             // a DNAME would hide what the other side has below it (RFC 6672 2.3)
	Capture                // an arriving wildcard answers what was NXDOMAIN under a name of the target
	Hole                   // a name arrives where a wildcard of the target answered
	Held                   // the label is reserved for another holder
	Child                  // a delegated child of a source: what does its new name do?
	Becomes                // a decision moves records to a name that is not free
)

type kindInfo struct{ id, word string }

// kinds is read, never written.
var kinds = [...]kindInfo{
	OtherData:  {"M-COLLIDE", "data"},
	OtherTypes: {"M-COLLIDE", "types"},
	Meeting:    {"M-COLLIDE", "meeting"},
	BesideName: {"N-CNAME-OTHER", "cname"},
	UnderCut:   {"N-CUT", "cut"},
	UnderDNAME: {"N-DNAME-OCC", "dname"},
	Capture:    {"N-WILD-CAPTURE", "wildcard"},
	Hole:       {"N-WILD-HOLE", "hole"},
	Held:       {"M-RESERVED", "reserved"},
	Child:      {"M-CHILD", "child"},
	Becomes:    {"M-COLLIDE", "becomes"},
}

// String gives one word.
func (k Kind) String() string { return kinds[min(int(k), len(kinds)-1)].word }

// ID gives the check's id (docs/checks.md).
func (k Kind) ID() string { return kinds[min(int(k), len(kinds)-1)].id }

// Arrival is one source record at the new name that its rule gives it.
type Arrival struct {
	Source string
	Old    zones.Record
	New    zones.Record
}

// Conflict is one question that a decision answers: at one RRset, at one name
// (Type 0), or with Below at a name and all below it.
type Conflict struct {
	Kind     Kind
	Zone     zones.ID
	Name     zones.Name
	Type     zones.Type
	Below    bool
	Arrivals []Arrival
	Target   []zones.Record    // what the target has there
	Holder   string            // for whom the label is reserved
	Decision *mapping.Decision // what stands in the file about it, taken or not; nil if nothing does
	Settled  bool
	Why      string // why it is a question, or why the decision does not settle it
	Line     string // the line of the consolidation file that settles it, ready to paste
}

// At is the name, and the type if one RRset alone is meant, as the
// consolidation file writes it.
func (c Conflict) At() string {
	if c.Type == 0 {
		return c.Name.Text()
	}
	return c.Name.Text() + " " + c.Type.String()
}

// String gives one line: what meets, and who decided.
func (c Conflict) String() string {
	s := fmt.Sprintf("%s (%s): %s", c.At(), c.Zone.View, c.Why)
	switch {
	case c.Settled && c.Decision != nil:
		s += fmt.Sprintf("; decided: take %s (%v)", c.Decision.Take, c.Decision.At)
	case !c.Settled:
		s += "; open"
	}
	return s
}

// raise adds a conflict. An open one leaves its flows undecided and the
// target as it stands (OPEN).
func (m *merger) raise(c Conflict, flows []*flow, members []zones.RRset) {
	for _, f := range flows {
		for i := range f.set.Len() {
			old := f.set.Record(i)
			n := old
			n.Owner, n.Data = f.by, f.data[i]
			c.Arrivals = append(c.Arrivals, Arrival{m.srcs[f.src].Name, old, n})
		}
	}
	for _, s := range members {
		c.Target = append(c.Target, s.Records()...)
	}
	var rule *mapping.Rule
	var at zones.Place
	if len(flows) > 0 {
		rule, at = flows[0].rule, flows[0].set.From(0).Place
	} else if c.Decision != nil {
		at = c.Decision.At
	}
	if c.Kind != Becomes {
		c.Line = m.decisionLine(c, rule)
	}
	if !c.Settled {
		for _, f := range flows {
			if f.fate == Renamed {
				f.fate = Undecided
				f.note.Why = "the conflict at " + c.At() + " is open"
			}
		}
		for _, s := range members {
			m.keep(setKey{c.Zone, s.Key()})
		}
		m.finds = append(m.finds, finding.Finding{
			ID: c.Kind.ID(), Severity: finding.Block,
			At: at, Count: len(c.Arrivals),
			Found: fmt.Sprintf("%s (%s): %s", c.At(), c.Zone.View, c.Why), Mend: mend(c),
		})
	}
	m.conflicts = append(m.conflicts, c)
}

// keep takes back what a decision did to an RRset of a target.
func (m *merger) keep(k setKey) {
	f, ok := m.fates[k]
	if !ok {
		return
	}
	delete(m.fates, k)
	if !f.gone {
		m.undone = true
		to := setKey{f.zone, zones.Key{Owner: f.at, Type: k.key.Type}}
		m.movedTo[to] = slices.DeleteFunc(m.movedTo[to], func(o setKey) bool { return o == k })
	}
}

func mend(c Conflict) string {
	if c.Kind == Becomes {
		return "choose a name that is free, and not reserved for another, in the decision"
	}
	return "decide it with a line such as\n" + c.Line
}

func (m *merger) sortConflicts() {
	slices.SortStableFunc(m.conflicts, func(a, b Conflict) int {
		return cmp.Or(a.Zone.Compare(b.Zone), a.Name.Compare(b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Kind, b.Kind))
	})
}

// decisionLine writes the line that settles a conflict. It takes the side
// that loses no name that stands today; the comment names the others.
func (m *merger) decisionLine(c Conflict, rule *mapping.Rule) string {
	take, other := "target", "or source, both; to keep both sides: take: source, target-becomes: NAME | take: target, source-becomes: NAME"
	extra := ""
	switch c.Kind {
	case Child:
		take, other = "source", "source: the new name is delegated to the same servers, which must serve it; target: the new name is not delegated"
	case UnderCut, UnderDNAME:
		other = "or source; to keep both sides: take: source, target-becomes: NAME | take: target, source-becomes: NAME"
	case Capture, Hole:
		other = "or source: it is wanted there"
	case Held:
		other = "or source with holder: " + quote(c.Holder) + ", if the records are that unit's"
	}
	if m.manyViews() {
		extra = ", view: " + quote(string(c.Zone.View))
	}
	why := c.Kind.String()
	if len(c.Arrivals) > 0 {
		why = fmt.Sprintf("%s brings %s", c.Arrivals[0].Old.Owner.Text(), shortData(c.Arrivals[0].New))
		if len(c.Target) > 0 {
			why += fmt.Sprintf(", %s has %s", c.Target[0].Owner.Text(), shortData(c.Target[0]))
		}
	}
	return fmt.Sprintf("  - {at: %s%s, take: %s, why: %s, %s, state: proposed} # %s",
		quote(c.At()), extra, take, quote(why), m.signature(rule), other)
}

func shortData(r zones.Record) string {
	s := r.Type.String() + " " + rdata.Text(r.Type, r.Data)
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return s
}

// signature names who decided and by which document, as the rule does: the
// person who pastes the line corrects it.
func (m *merger) signature(rule *mapping.Rule) string {
	by, doc := "", ""
	if rule != nil {
		by, doc = rule.By, rule.Doc
	} else if n := len(m.in.Mapping.Rules); n > 0 {
		by, doc = m.in.Mapping.Rules[n-1].By, m.in.Mapping.Rules[n-1].Doc
	}
	return "by: " + quote(by) + ", doc: " + quote(doc)
}

func (m *merger) manyViews() bool { return len(m.before.Views()) > 1 }

// ruleLine writes a rule that covers an owner: below the first target for
// names below the apex, none for the apex.
func (m *merger) ruleLine(z *zones.Zone, owner zones.Name) string {
	what := "drop: true"
	if len(m.in.Mapping.Targets) > 0 && owner != z.Origin() {
		if n, err := owner.Rebase(z.Origin(), m.in.Mapping.Targets[0]); err == nil {
			what = "to: " + quote(n.Text())
		}
	}
	view := ""
	if m.manyViews() {
		view = ", view: " + quote(string(z.View()))
	}
	return fmt.Sprintf("  - {from: %s%s, %s, why: %s, %s}", quote(owner.Text()), view, what, quote("no rule covered it"), m.signature(nil))
}

// quote writes a YAML flow scalar: bare if it is made of letters, digits,
// dots, hyphens, underscores and inner spaces and cannot be read as anything
// else, quoted otherwise.
func quote(s string) string {
	bare := s != "" && s[0] != ' ' && s[len(s)-1] != ' ' && s[0] != '-' && s[0] != '.' && (s[0] < '0' || s[0] > '9')
	for _, c := range s {
		bare = bare && (c == '.' || c == '-' || c == '_' || c == ' ' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		bare = false
	}
	if bare {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// list joins words: "a", "a and b", "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
