package merge

import (
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// survey is what must be known of a source zone before its records travel.
type survey struct {
	zone     *zones.Zone
	names    map[zones.Name]bool // owners and empty non-terminals
	cuts     map[zones.Name]bool // owners of NS below the apex
	dnames   map[zones.Name]bool
	hosts    map[zones.Name]bool // what the NS of cuts point at: glue if below a cut
	children map[zones.Name]bool // apexes below this one that are sources themselves
}

func (m *merger) survey(z *zones.Zone) *survey {
	s := &survey{
		zone: z, names: tree(z), cuts: map[zones.Name]bool{}, dnames: map[zones.Name]bool{},
		hosts: map[zones.Name]bool{}, children: map[zones.Name]bool{},
	}
	for set := range z.All() {
		switch {
		case set.Type() == zones.TypeDNAME:
			s.dnames[set.Owner()] = true
		case set.Type() == zones.TypeNS && set.Owner() != z.Origin():
			s.cuts[set.Owner()] = true
			for i := range set.Len() {
				if es, err := rdata.Names(zones.TypeNS, set.Data(i)); err == nil && len(es) == 1 {
					s.hosts[es[0].Name] = true
				}
			}
		}
	}
	for _, o := range m.srcs {
		if o.Zone.View() == z.View() && o.Zone.Origin().Below(z.Origin()) {
			s.children[o.Zone.Origin()] = true
		}
	}
	return s
}

// tree gathers a zone's owners and the empty non-terminals above them.
func tree(z *zones.Zone) map[zones.Name]bool {
	t := map[zones.Name]bool{}
	for n := range z.Owners() {
		for ok := true; ok && n.Within(z.Origin()) && !t[n]; n, ok = n.Parent() {
			t[n] = true
		}
	}
	return t
}

// top returns the highest name of set at or above n, below the apex (or the
// apex itself with apex); zero where there is none. The highest cut hides
// what is below it (RFC 1034 4.3.2).
func (s *survey) top(set map[zones.Name]bool, n zones.Name, apex bool) (found zones.Name) {
	if len(set) == 0 {
		return zones.Name{}
	}
	for ok := true; ok && n != s.zone.Origin(); n, ok = n.Parent() {
		if set[n] {
			found = n
		}
	}
	if apex && set[s.zone.Origin()] {
		found = s.zone.Origin()
	}
	return found
}

// keptBack says why an RRset never travels (KEPT-BACK), "" if it may, and
// which cut it lies at or under. travels tells whether a cut's NS have a rule
// that carries them.
func (s *survey) keptBack(set zones.RRset, travels func(cut zones.Name) bool) (why string, cut zones.Name) {
	owner, t, apex := set.Owner(), set.Type(), s.zone.Origin()
	switch {
	case t == zones.TypeSOA:
		return "the target keeps its own SOA (RFC 1035 3.3.13)", cut
	case t == zones.TypeNS && owner == apex:
		return "an apex NS would cut the new zone at its new name (RFC 1034 4.2.1)", cut
	case t.IsDNSSEC():
		return "signing data are made anew by who signs the new zone (RFC 4034)", cut
	}
	if child := s.top(s.children, owner, false); !child.IsZero() {
		return "the child zone " + child.Text() + " is a source itself and places its own records", cut
	}
	if d := s.top(s.dnames, owner, true); !d.IsZero() && d != owner {
		return "hidden by the DNAME at " + d.Text() + " (RFC 6672 2.3)", cut
	}
	if t == zones.TypeDS {
		return "a DS is valid for its own owner alone (RFC 4034 5.1.4)", cut
	}
	cut = s.top(s.cuts, owner, false)
	switch {
	case cut.IsZero() || t == zones.TypeNS && owner == cut:
		return "", cut
	case (t == zones.TypeA || t == zones.TypeAAAA) && s.hosts[owner]:
		if !travels(cut) {
			return "glue of the delegation " + cut.Text() + ", which is not carried", cut
		}
		return "", cut
	}
	return "hidden by the delegation of " + cut.Text() + " (RFC 1034 4.3.2)", cut
}
