package daemon

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// mostKnown is how many steps are taken from a journal at the start.
const mostKnown = 10_000

// known gives a server that begins the deltas that the journals of updates still
// have, so that secondaries go on with IXFR after a restart. The caller holds d.mu.
func (d *Daemon) known(l *Loaded, at string, s *transfer.Server) *transfer.Server {
	if l.workspace != nil || at != Now || len(s.Rules) == 0 {
		return s // a workspace's zones are derived from those of its journals
	}
	for id, h := range d.updater.homes {
		if v, ok := s.Versions[id.Origin]; ok && id.View == s.View {
			s = s.With(stepped(v.Zone, h.file.Steps()))
		}
	}
	return s
}

// stepped is the version of a zone with the steps that lead to it: as many of the
// last as can be taken back from it.
func stepped(z *zones.Zone, steps []zones.Delta) transfer.Version {
	steps = steps[max(0, len(steps)-mostKnown):]
	zs := []*zones.Zone{z} // the newest first
	for _, d := range slices.Backward(steps) {
		before, err := d.Inverse().Apply(zs[len(zs)-1])
		if err != nil {
			break
		}
		zs = append(zs, before)
	}
	slices.Reverse(zs)
	v := transfer.Version{Zone: zs[0]}
	for i, d := range steps[len(steps)-len(zs)+1:] {
		v = v.Step(d, zs[i+1], deltaRoom)
	}
	return v
}
