package cli

import (
	"fmt"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// systemReport is what the plan means to one system of the plan. A name may
// belong to several systems, and then counts in each.
type systemReport struct {
	System   workspace.System
	Names    int // that it has after the cutover, in all views
	Changes  int // record sets of these names that change
	Decided  int // conflicts at these names, by their state
	Proposed int
	Open     int
}

// perSystem reports on each system, in the order of the file.
func perSystem(p *planned) []systemReport {
	out := make([]systemReport, len(p.Systems))
	for i, s := range p.Systems {
		out[i].System = s
		for z := range p.plan.After().All() {
			for n := range z.Owners() {
				if s.Covers(n) {
					out[i].Names++
				}
			}
		}
		for _, c := range p.plan.Corrections() {
			if s.Covers(c.Key.Owner) {
				out[i].Changes++
			}
		}
		for _, c := range p.plan.Conflicts() {
			if s.Covers(c.Name) {
				switch stateOf(c) {
				case conflictOpen:
					out[i].Open++
				case conflictProposed:
					out[i].Proposed++
				default:
					out[i].Decided++
				}
			}
		}
	}
	return out
}

func (r systemReport) String() string {
	s := r.System
	return fmt.Sprintf("system %d %s (%v, %s, %s): %d names, %d changes; conflicts: %d decided, %d settled by a proposal, %d open; “%s”",
		s.No, s.Key, s.State, s.Owner, s.Doc, r.Names, r.Changes, r.Decided, r.Proposed, r.Open, s.Quote)
}

// conflictState is how far a conflict is decided.
type conflictState uint8

const (
	conflictOpen conflictState = iota
	conflictProposed
	conflictDecided
)

func stateOf(c merge.Conflict) conflictState {
	switch {
	case !c.Settled:
		return conflictOpen
	case c.Decision != nil && c.Decision.State == mapping.StateProposed:
		return conflictProposed
	}
	return conflictDecided
}

// systemsOf names the systems that a name belongs to, " (system KEY, …)", or
// nothing.
func systemsOf(all []workspace.System, n zones.Name) string {
	text := ""
	for _, s := range all {
		if s.Covers(n) {
			if text != "" {
				text += ", "
			}
			text += s.Key
		}
	}
	if text == "" {
		return ""
	}
	return " (system " + text + ")"
}
