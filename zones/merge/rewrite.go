package merge

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// rewrite gives every arriving record its new RDATA, and lets the standing
// zones' referrers follow what decisions moved.
func (m *merger) rewrite() {
	m.rewriteAll(true)
	for _, f := range m.flows {
		if f.typ() == zones.TypeCNAME && f.stands() && f.data[0] == f.at.Wire() {
			f.fate = Dropped
			f.note.By, f.note.Why = tool, "it points at its own new name: a CNAME to itself (RFC 1034 3.6.2)"
		}
	}
}

// rewriteAll does the rewriting; say tells whether to report. It is done
// again, in silence, when a move is taken back.
func (m *merger) rewriteAll(say bool) {
	for _, f := range m.flows {
		if f.zone == (zones.ID{}) {
			continue
		}
		f.data = m.rewriteSet(f.set, f.zone, say && f.stands())
	}
	clear(m.retarget)
	moved := map[zones.View]bool{}
	for k, from := range m.movedTo {
		if len(from) > 0 {
			moved[k.zone.View] = true
		}
	}
	for z := range m.in.World.All() {
		if !moved[z.View()] {
			continue
		}
		for s := range z.All() {
			id := z.ID()
			f, ok := m.fates[setKey{id, s.Key()}]
			if ok && !f.gone {
				id = f.zone
			}
			m.retarget[setKey{z.ID(), s.Key()}] = m.rewriteSet(s, id, say && !f.gone)
		}
	}
}

// rewriteSet rewrites an RRset's RDATA for a place in zone near. What cannot
// be rewritten is kept and, with say, reported.
func (m *merger) rewriteSet(s zones.RRset, near zones.ID, say bool) []string {
	out := make([]string, s.Len())
	for i := range out {
		var kept []string
		data, flags, err := rdata.Rewrite(s.Type(), s.Data(i), func(n zones.Name, r rdata.Role) (zones.Name, error) {
			to, why, err := zones.Name{}, "", error(nil)
			if s.Type() == zones.TypeDNAME {
				to, why = m.followBelow(n, near)
			} else {
				to, why, err = m.follow(n, r, near)
			}
			if why != "" {
				kept = append(kept, why)
			}
			return to, err
		})
		at := s.From(i).Place
		what := fmt.Sprintf("%s %v", s.Owner().Text(), s.Type())
		if err != nil {
			if say {
				m.find("M-LEN", finding.Block, at, fmt.Sprintf("a name in the data of %s cannot be rewritten: %v", what, err),
					"give that name a shorter new name by a rule or a decision of its own")
			}
			data = s.Data(i)
		}
		out[i] = data
		if !say {
			continue
		}
		for _, f := range flags {
			m.find("R-OPAQUE", finding.Warning, at, fmt.Sprintf("%s: %s", what, f.What), "read it and mend it by hand if it speaks of an old name")
		}
		for _, why := range kept {
			m.find("R-KEPT", finding.Warning, at, fmt.Sprintf("a name in the data of %s goes on as an old name: %s", what, why),
				"nothing, if the old name is to go on; else give it one new name")
		}
	}
	return out
}
