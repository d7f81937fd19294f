package merge

import (
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// CutState says what becomes of a delegation in a source.
type CutState uint8

// The states of cuts.
const (
	CutOpen       CutState = iota // nobody has decided
	CutFolded                     // the child is a source itself: its records take the new names
	CutCarried                    // the new name is delegated to the same servers
	CutEqual                      // the target delegates the new name to the same servers already
	CutSuperseded                 // a decision took the target's side
	CutDropped                    // a rule gives it no new name
	CutHidden                     // another delegation or a DNAME above hides it
)

var cutWords = [...]string{"open", "folded", "carried", "equal", "superseded", "dropped", "hidden"}

// String gives one word.
func (s CutState) String() string { return cutWords[min(int(s), len(cutWords)-1)] }

// Cut is one delegation below the apex of a source. Every one is listed.
type Cut struct {
	Source   string
	Zone     zones.ID
	Name     zones.Name
	Servers  []string // the NS, as text
	New      []zones.Name
	State    CutState
	Decision *mapping.Decision
	At       zones.Place
}

// listCuts gathers the cuts of all sources, by source and name.
func (m *merger) listCuts() {
	for _, f := range m.flows {
		z := m.srcs[f.src].Zone
		if f.typ() != zones.TypeNS || f.old() == z.Origin() {
			continue
		}
		if n := len(m.cuts); n > 0 && m.cuts[n-1].Name == f.old() && m.cuts[n-1].Zone == z.ID() {
			m.cuts[n-1].New = append(m.cuts[n-1].New, f.at) // a second new name of one cut
			m.cuts[n-1].State = min(m.cuts[n-1].State, m.cutState(f))
			continue
		}
		c := Cut{Source: m.srcs[f.src].Name, Zone: z.ID(), Name: f.old(), State: m.cutState(f), Decision: f.dec, At: f.set.From(0).Place}
		for i := range f.set.Len() {
			c.Servers = append(c.Servers, rdata.Text(zones.TypeNS, f.set.Data(i)))
		}
		if !f.at.IsZero() {
			c.New = append(c.New, f.at)
		}
		m.cuts = append(m.cuts, c)
	}
}

func (m *merger) cutState(f *flow) CutState {
	sv := m.surveys[f.src]
	switch {
	case f.fate == Undecided:
		return CutOpen
	case !sv.top(sv.children, f.old(), false).IsZero():
		return CutFolded
	case f.fate == Superseded:
		return CutSuperseded
	case f.fate == Dropped && f.rule == nil:
		return CutHidden
	case f.fate == Dropped:
		return CutDropped
	case f.dec == nil:
		return CutEqual
	}
	return CutCarried
}
