package probe

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// child is one server of a delegation that came to a new name.
type child struct {
	zone    *zones.Zone // that delegates
	cut     zones.Name
	target  target
	problem string // why it could not be asked
	lame    string // how it does not serve the new name
}

// children lists whom to ask for the delegations of Renamed.
func (s *survey) children() (out []*child) {
	for _, cut := range s.Renamed {
		z := s.world.Nearest(s.view, cut)
		if z == nil || z.Origin() == cut {
			continue
		}
		set, ok := z.Lookup(cut, zones.TypeNS)
		if !ok {
			continue
		}
		for _, t := range s.servers(hostsOf(set.Records()), nil) {
			out = append(out, &child{zone: z, cut: cut, target: t, problem: t.problem})
		}
	}
	return out
}

func (s *survey) askChild(c *child) {
	if c.problem != "" {
		return
	}
	r, err := s.whole(c.target.addr, c.cut, zones.TypeSOA, false)
	if err != nil {
		c.problem = why(err)
		return
	}
	_, c.lame = readSOA(r, c.cut)
}

func (s *survey) judgeChild(c *child, unseen *gathered) []finding.Finding {
	set, _ := c.zone.Lookup(c.cut, zones.TypeNS)
	at := set.From(0).Place
	dig := digOf(s.reached(c.target.addr), c.cut, zones.TypeSOA, "")
	switch {
	case c.problem != "":
		unseen.add(unasked{c.target.String(), c.cut, c.problem, at, dig})
	case c.lame != "":
		return []finding.Finding{{
			ID: "D-LAME-RENAMED", Severity: finding.Block, At: at, Dig: []string{dig},
			Found: fmt.Sprintf("%v does not serve the delegated %s: %s", c.target, c.cut.Text(), c.lame),
			Mend:  "tell who runs it to serve the zone under its new name, or leave the delegation out until then",
		}}
	}
	return nil
}
