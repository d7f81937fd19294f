package transfer

import (
	"fmt"
	"maps"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Holding is what a zone came by that a catalog has us follow.
type Holding struct {
	Catalog zones.Name
	Label   string
	Groups  []string // sorted
}

// Holdings are the zones that catalogs have us follow, by name. They are not
// changed. No zone has two catalogs.
type Holdings map[zones.Name]Holding

// Doing is what a change of a catalog asks for.
type Doing uint8

// What a change of a catalog can ask for.
const (
	Join    Doing = iota // follow a zone that was not followed
	Leave                // end that, and forget the zone and what is kept of it
	Reset                // forget what is kept of the zone and begin anew; by a new label, or a new catalog with another label
	Hand                 // the zone has a new catalog, and what is kept of it stays
	Regroup              // its groups changed
)

func (d Doing) String() string { return [...]string{"join", "leave", "reset", "hand", "regroup"}[d] }

// CatalogStep is one thing to do.
type CatalogStep struct {
	Do   Doing
	Zone zones.Name
	Was  Holding // zero with Join
	Now  Holding // zero with Leave
}

// Catalog is a catalog as it was read last without a fault.
type Catalog struct {
	Name    zones.Name
	Members []Member
}

// Follow says what the new version of a catalog changes of what is held (RFC 9432
// 5). It is called with catalogs that Members read without a fault alone: one
// that is broken or has expired changes nothing (5.1).
//
// others are the other catalogs that are followed, as they were read last; own
// tells of zones that are configured otherwise. Steps stand by name. A zone is
// never taken from another catalog or from the configuration but by a change of
// ownership (4.3.1): the catalog that has it names this one, and this one has it
// as a member; what else would take it is a finding and goes by (5.2). When a
// zone leaves, the first of the others that has it as a member gets it: to wait
// until that one changes would serve nobody.
func (h Holdings) Follow(c Catalog, others []Catalog, own func(zones.Name) bool) (Holdings, []CatalogStep, []finding.Finding) {
	out := maps.Clone(h)
	if out == nil {
		out = Holdings{}
	}
	var finds []finding.Finding
	now := map[zones.Name]Member{}
	for _, m := range c.Members {
		now[m.Zone] = m
		was, held := h[m.Zone]
		switch {
		case own(m.Zone):
			finds = append(finds, clash(c.Name, m, "is configured here otherwise", "remove it there or here"))
		case !held || was.Catalog == c.Name || given(others, was, m.Zone) == c.Name:
			out[m.Zone] = m.held(c.Name)
		case m.Owner == was.Catalog:
			// It was handed over, and the old owner has not taken it off yet.
		default:
			finds = append(finds, clash(c.Name, m, "came by the catalog "+was.Catalog.Text(),
				"to hand it over, let that catalog name "+c.Name.Text()+" as its new owner (coo, RFC 9432 4.3.1); else remove it from one of both"))
		}
	}
	for zone, was := range h {
		_, member := now[zone]
		switch {
		case own(zone):
			delete(out, zone)
		case !member && was.Catalog == c.Name:
			delete(out, zone)
			if next, ok := heir(others, zone, c.Name); ok {
				out[zone] = next
			}
		}
	}
	return out, h.steps(out), finds
}

func (m Member) held(catalog zones.Name) Holding {
	return Holding{Catalog: catalog, Label: m.Label, Groups: m.Groups}
}

// given tells whom the catalog that holds a zone gives it to.
func given(others []Catalog, was Holding, zone zones.Name) zones.Name {
	for _, o := range others {
		if o.Name == was.Catalog {
			if m, ok := o.member(zone); ok {
				return m.Owner
			}
		}
	}
	return zones.Name{}
}

// heir finds the first catalog that has a zone as a member, and did not give it to
// the one that it leaves.
func heir(others []Catalog, zone, left zones.Name) (Holding, bool) {
	for _, o := range others {
		if m, ok := o.member(zone); ok && m.Owner != left {
			return m.held(o.Name), true
		}
	}
	return Holding{}, false
}

// member finds a member; they stand by name.
func (c Catalog) member(zone zones.Name) (Member, bool) {
	i, ok := slices.BinarySearchFunc(c.Members, zone, func(m Member, n zones.Name) int { return m.Zone.Compare(n) })
	if !ok {
		return Member{}, false
	}
	return c.Members[i], true
}

// steps leads from one state to another.
func (h Holdings) steps(to Holdings) []CatalogStep {
	var out []CatalogStep
	for zone, was := range h {
		now, stays := to[zone]
		s := CatalogStep{Zone: zone, Was: was, Now: now}
		switch {
		case !stays:
			s.Do = Leave
		case was.Label != now.Label:
			s.Do = Reset
		case was.Catalog != now.Catalog:
			s.Do = Hand
		case !slices.Equal(was.Groups, now.Groups):
			s.Do = Regroup
		default:
			continue
		}
		out = append(out, s)
	}
	for zone, now := range to {
		if _, was := h[zone]; !was {
			out = append(out, CatalogStep{Do: Join, Zone: zone, Now: now})
		}
	}
	slices.SortFunc(out, func(a, b CatalogStep) int { return a.Zone.Compare(b.Zone) })
	return out
}

func clash(catalog zones.Name, m Member, why, mend string) finding.Finding {
	return finding.Finding{
		ID: "X-CATALOG", Severity: finding.Warning, At: m.From,
		Found: fmt.Sprintf("%s, a member of the catalog %s, %s, and stays as it is (RFC 9432 5.2)", m.Zone.Text(), catalog.Text(), why),
		Mend:  mend,
	}
}
