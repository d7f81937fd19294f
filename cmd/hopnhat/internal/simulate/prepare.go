package simulate

import (
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

// Prepare is the simulation of a timeline that starts from the world before:
// the primary, a secondary that is notified, one that is not, and one that is
// as late as the timeline allows for. parent is the TTL of what changes at the
// parent zone; 0 where nothing does, and then delegations stay as they are.
func Prepare(before zones.World, l cutover.Timeline, parent time.Duration) Input {
	in := Input{Served: Planned(before, l), View: zones.Internet, Models: Models(), Servers: []Server{
		{Name: "the primary"},
		{Name: "a secondary with NOTIFY", Notified: true},
		{Name: "a secondary without NOTIFY"},
	}}
	in.Claim = in.Served
	if s, ok := l.Step(cutover.Lower); ok {
		lag := s.Held.Sub(s.At)
		in.Servers = append(in.Servers, Server{Name: "a late secondary without NOTIFY", Late: true, Refresh: lag / 2, Retry: lag - lag/2})
	}
	if turn, ok := l.Step(cutover.Switch); ok && parent > 0 {
		in.Parent = Parent{Change: turn.At, Off: turn.At.Add(afterSwitch(l)), TTL: parent}
	}
	return in
}

// afterSwitch is how long after the switch the old servers are needed: the next
// step comes no sooner.
func afterSwitch(l cutover.Timeline) time.Duration {
	turned := false
	for _, s := range l.Served() {
		if turned {
			return s.After
		}
		turned = turned || s.Kind == cutover.Switch
	}
	return 0
}
