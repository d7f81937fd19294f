package merge

import (
	"cmp"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// tool is who decides where no person does.
const tool = "hopnhat"

// Source is one zone that is brought in, under the name that the
// consolidation file gives it.
type Source struct {
	Name string
	Zone *zones.Zone
}

// Input is all that a plan depends on.
type Input struct {
	World   zones.World // the zones served today, the targets among them, without the sources
	Sources []Source    // in any order
	Mapping mapping.Mapping
}

// vname is a name in a view.
type vname struct {
	view zones.View
	name zones.Name
}

// setKey names one RRset of one zone.
type setKey struct {
	zone zones.ID
	key  zones.Key
}

// flow is one RRset of a source on its way to one new name.
type flow struct {
	src  int
	set  zones.RRset // as the source has it
	cut  zones.Name  // the source's cut at or above it; zero if none
	rule *mapping.Rule
	zone zones.ID   // the target's zone of at; zero if it goes nowhere
	by   zones.Name // its new name by the rule
	at   zones.Name // its new name after decisions
	unit unitKey
	dec  *mapping.Decision
	fate Disposition
	data []string // rewritten RDATA, beside set
	note mapping.Note
}

func (f *flow) old() zones.Name  { return f.set.Owner() }
func (f *flow) typ() zones.Type  { return f.set.Type() }
func (f *flow) view() zones.View { return f.zone.View }

// stands tells whether the flow's records are to stand at its new name.
func (f *flow) stands() bool { return f.fate == Renamed || f.fate == Merged }

// fate of a target's RRset that does not simply stay.
type fate struct {
	gone bool
	zone zones.ID // where it moves when it is not gone
	at   zones.Name
	dec  *mapping.Decision
}

// merger holds the values of one run of Make.
type merger struct {
	in      Input
	srcs    []Source // by zone, then by name
	surveys []*survey
	source  map[zones.ID]int // which zone is which source
	before  zones.World
	targets map[zones.Name]bool
	matched []bool // which rules placed something

	flows []*flow           // by source, owner, type, then in the rule's order
	byOld map[claim][]*flow // by source and old owner

	units     map[unitKey]*unit
	order     []*unit
	roots     map[vname]root
	trees     map[zones.ID]map[zones.Name]bool // names of a target, empty non-terminals included
	newNames  map[vname]bool                   // where records arrive, and the names between
	labels    map[zones.Name][]mapping.Reserved
	decisions map[zones.Name][]*mapping.Decision
	used      map[*mapping.Decision]bool
	fates     map[setKey]fate
	movedTo   map[setKey][]setKey // new key -> keys that decisions move there
	retarget  map[setKey][]string // a standing zone's RDATA after rewriting
	undone    bool                // a move was taken back

	conflicts []Conflict
	finds     []finding.Finding
	cuts      []Cut
	after     zones.World
	ledger    Ledger
}

// Make computes the plan. It never fails: what is wrong stands in the
// findings, and a plan with a blocking one, or with an open conflict, is not
// publishable. The plan is never nil.
func Make(in Input) (*Plan, []finding.Finding) {
	m := newMerger(in)
	m.place()
	m.group()
	m.decide()
	m.rewrite()
	m.detect()
	m.checkMoves()
	m.build()
	m.buildOld()
	m.warnUnused()
	finding.Sort(m.finds)
	p := &Plan{
		before: m.before, after: m.after, ledger: m.ledger, conflicts: m.conflicts, cuts: m.cuts,
		input: inputDigest(m.before, m.srcs, in.Mapping),
	}
	p.corrections = m.corrections()
	p.publishable = finding.Worst(m.finds) < finding.Block &&
		!slices.ContainsFunc(m.conflicts, func(c Conflict) bool { return !c.Settled })
	return p, m.finds
}

func newMerger(in Input) *merger {
	m := &merger{
		in: in, source: map[zones.ID]int{}, targets: map[zones.Name]bool{}, before: in.World,
		matched: make([]bool, len(in.Mapping.Rules)), byOld: map[claim][]*flow{},
		units: map[unitKey]*unit{}, roots: map[vname]root{}, trees: map[zones.ID]map[zones.Name]bool{},
		newNames: map[vname]bool{}, labels: map[zones.Name][]mapping.Reserved{}, decisions: map[zones.Name][]*mapping.Decision{}, used: map[*mapping.Decision]bool{},
		fates: map[setKey]fate{}, movedTo: map[setKey][]setKey{},
		retarget: map[setKey][]string{},
	}
	sorted := slices.Clone(in.Sources)
	sorted = slices.DeleteFunc(sorted, func(s Source) bool { return s.Zone == nil })
	slices.SortStableFunc(sorted, func(a, b Source) int {
		return cmp.Or(a.Zone.ID().Compare(b.Zone.ID()), cmp.Compare(a.Name, b.Name))
	})
	for _, s := range sorted {
		id := s.Zone.ID()
		if m.before.Zone(id) != nil {
			m.block("M-SOURCE", s.Zone, fmt.Sprintf("the source %s brings the zone %v a second time", s.Name, id),
				"give each zone once, either as a source or among the zones served today")
			continue
		}
		m.source[id] = len(m.srcs)
		m.srcs = append(m.srcs, s)
		m.before = m.before.With(s.Zone)
	}
	for _, t := range in.Mapping.Targets {
		m.targets[t] = true
		found := false
		for z := range in.World.All() {
			found = found || z.Origin() == t
		}
		if !found {
			m.finds = append(m.finds, finding.Finding{
				ID: "M-TARGET", Severity: finding.Block,
				Found: fmt.Sprintf("the target %s is not among the zones served today", t.Text()),
				Mend:  "add its zone file, or take it off the targets",
			})
		}
	}
	for i := range in.Mapping.Decisions {
		d := &in.Mapping.Decisions[i]
		m.decisions[d.Name] = append(m.decisions[d.Name], d)
	}
	for _, r := range in.Mapping.Reserved {
		m.labels[r.Name] = append(m.labels[r.Name], r)
	}
	for _, s := range m.srcs {
		m.surveys = append(m.surveys, m.survey(s.Zone))
	}
	return m
}

// block reports what stops publishing, at a zone's SOA record.
func (m *merger) block(id string, z *zones.Zone, found, mend string) {
	f := finding.Finding{ID: id, Severity: finding.Block, Found: found, Mend: mend}
	if soa, ok := z.Lookup(z.Origin(), zones.TypeSOA); ok {
		f.At = soa.From(0).Place
	}
	m.finds = append(m.finds, f)
}

func (m *merger) find(id string, sev finding.Severity, at zones.Place, found, mend string) {
	m.finds = append(m.finds, finding.Finding{ID: id, Severity: sev, At: at, Found: found, Mend: mend})
}
