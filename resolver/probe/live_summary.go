package probe

import (
	"net/netip"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// Summary counts what a survey saw, for the one who must sign.
type Summary struct {
	View     zones.View
	Zones    []ZoneSummary // by origin
	Children []ChildSummary
}

// ZoneSummary is what was seen of one zone.
type ZoneSummary struct {
	ID      zones.ID
	Serial  zones.Serial // that was proved
	Digest  string       // of what was proved
	Parent  Count        // servers of the parent: Asked, Agreed, Differed, Unanswered; Problem where none is known
	Servers []ServerSummary
}

// ServerSummary is what was seen of one server for one zone.
type ServerSummary struct {
	Names    []zones.Name
	Address  netip.AddrPort // invalid where none is known
	UDP, TCP Count
	Lame     string         // how it does not serve the zone; ""
	Bogus    string         // why validating resolvers refuse its answers; ""
	Serials  []zones.Serial // that it gave
	Transfer Transferred
	Digest   string // of what was transferred; "" without a transfer
	Refused  string // why there was no transfer; ""
	Current  bool   // its serial is the one that was proved, or a signer's
}

// Transferred tells what came of a transfer.
type Transferred uint8

// What may come of a transfer.
const (
	NotTransferred Transferred = iota // not tried, not allowed, or not whole
	SameRecords
	OtherRecords
)

// String gives a word for a table.
func (t Transferred) String() string {
	return [...]string{"-", "same", "differs"}[min(t, OtherRecords)]
}

// Count counts questions over one transport. What is neither Agreed nor
// Differed is not seen.
type Count struct {
	Asked, Agreed, Differed, Unanswered int
	Truncated                           int    // answers over UDP that only TCP gives whole; not in Asked
	Problem                             string // why none or no more were asked; ""
}

// Whole tells whether all that was asked agreed.
func (c Count) Whole() bool {
	return c.Problem == "" && c.Asked+c.Truncated > 0 && c.Agreed == c.Asked
}

// ChildSummary is what was seen of one server of a delegation that came to a
// new name.
type ChildSummary struct {
	Cut     zones.Name
	Names   []zones.Name
	Address netip.AddrPort
	Lame    string // how it does not serve the name; ""
	Problem string // why it could not be asked; ""
}

// Good tells whether the server was seen whole, over UDP and TCP, and serves
// what was proved.
func (s ServerSummary) Good() bool {
	return s.Lame == "" && s.Bogus == "" && s.Current && s.UDP.Whole() && s.TCP.Whole() && s.Transfer != OtherRecords
}

// Good tells whether the parent and every server of the zone were seen, and
// are as they should be.
func (z ZoneSummary) Good() bool {
	if _, above := z.ID.Origin.Parent(); above && !z.Parent.Whole() {
		return false
	}
	for _, s := range z.Servers {
		if !s.Good() {
			return false
		}
	}
	return len(z.Servers) > 0
}

// Good tells whether everything was seen and is as it should be. What was not
// seen is not good.
func (s Summary) Good() bool {
	for _, z := range s.Zones {
		if !z.Good() {
			return false
		}
	}
	for _, c := range s.Children {
		if c.Lame != "" || c.Problem != "" {
			return false
		}
	}
	return len(s.Zones) > 0
}

func (s *survey) summarise(z *zones.Zone, d delegation, vs []*visit) ZoneSummary {
	out := ZoneSummary{ID: z.ID(), Serial: z.Serial(), Digest: s.Digest(z), Parent: s.countParent(z, d)}
	for _, v := range vs {
		x := ServerSummary{
			Names: v.target.names, Address: v.target.addr, UDP: v.udp.Count, TCP: v.tcp.Count,
			Lame: v.lame, Bogus: v.bogus, Serials: v.serials, Refused: v.transfer,
			Current: v.heard && v.lame == "" && s.current(v),
		}
		if v.served != nil {
			x.Digest, x.Transfer = s.Digest(v.served), SameRecords
			if !v.delta.Empty() {
				x.Transfer = OtherRecords
			}
		}
		out.Servers = append(out.Servers, x)
	}
	return out
}

func (s *survey) countParent(z *zones.Zone, d delegation) Count {
	c := Count{Problem: d.problem}
	for _, a := range d.said {
		c.Asked++
		switch {
		case a.problem != "" || a.dsSaid != "":
			c.Unanswered++
		case len(s.delegationFaults(z, a))+len(s.dsFaults(z, a)) > 0:
			c.Differed++
		default:
			c.Agreed++
		}
	}
	return c
}

// current tells whether a server's serial is the zone's, or a signer's.
func (s *survey) current(v *visit) bool {
	return len(v.serials) == 1 && (v.serials[0] == v.zone.Serial() || slices.Contains(s.Signed, v.zone.Origin()))
}

func (c *child) summary() ChildSummary {
	return ChildSummary{Cut: c.cut, Names: c.target.names, Address: c.target.addr, Lame: c.lame, Problem: c.problem}
}
