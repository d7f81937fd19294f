package workspace

import (
	"fmt"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Way is how a signed zone stays valid for those who validate, although this
// server does not sign.
type Way uint8

// The ways.
const (
	BehindSigner Way = 1 + iota // hidden primary: a signer that stands already takes the zone from here
	DSRemoved                   // the parent has no DS any more, and its TTL is waited out
)

// ways are the words for a Way, from 1 on.
var ways = []string{"signer", "ds-removed"}

// defaultDSTTL is how long a DS may stay in caches where nothing is said.
const defaultDSTTL = 24 * time.Hour

// Signing says of one signed zone which way out is taken.
type Signing struct {
	mapping.Note
	Zone  zones.Name
	Way   Way
	Since time.Time     // when the DS went (DSRemoved)
	TTL   time.Duration // of the DS (DSRemoved)
}

// Holds tells whether the way is open at an instant: a DS that was removed
// must have left the caches.
func (s Signing) Holds(at time.Time) bool {
	return s.Way == BehindSigner || !at.Before(s.Since.Add(s.TTL))
}

func (d *decoder) signing(n *node) Signing {
	x := Signing{TTL: defaultDSTTL}
	var since, ttl *node
	ok := d.fields(n, "a signed zone", append([]field{
		must("zone", func(n *node) { x.Zone = d.name(n, "a signed zone") }),
		must("way", func(n *node) { x.Way = Way(1 + d.oneOf(n, "way", ways...)) }),
		may("since", func(n *node) { since, x.Since = n, d.date(n, "since") }),
		may("ds-ttl", func(n *node) {
			ttl, x.TTL = n, time.Duration(d.number(n, "ds-ttl", 0, 1<<31-1))*time.Second
		}),
	}, d.note(n, &x.Note, true)...)...)
	switch {
	case !ok:
	case x.Way == DSRemoved && since == nil:
		d.fail("W-RULE", n, "way: ds-removed without since", "add since: and the day on which the DS left the parent")
	case x.Way == BehindSigner && since != nil:
		d.fail("W-RULE", since, "since belongs to way: ds-removed", "delete it")
	case x.Way == BehindSigner && ttl != nil:
		d.fail("W-RULE", ttl, "ds-ttl belongs to way: ds-removed", "delete it")
	}
	return x
}

// SigningData returns the first record of a zone that says that it is signed:
// DNSKEY, RRSIG, CDS, CDNSKEY (RFC 4034, 7344) or what comes with them.
func SigningData(z *zones.Zone) (zones.Record, bool) {
	for s := range z.All() {
		if s.Type().IsDNSSEC() && s.Type() != zones.TypeZONEMD {
			return s.Record(0), true
		}
	}
	return zones.Record{}, false
}

// WaysOut says what to do about a signed zone that is to be served unsigned.
func WaysOut(zone zones.Name) string {
	return "validating resolvers would refuse every answer; either keep the signer that stands and make this server its hidden primary, " +
		"or take the DS of " + zone.Text() + " out of the parent and wait out its TTL"
}

// Signed returns a blocking finding for each zone, of today or brought in,
// that holds signing data and of which the file does not say which way out is
// taken, or whose way is not open at the cutover.
func (w *Workspace) Signed() []finding.Finding {
	var out []finding.Finding
	for _, p := range w.parts {
		if p.zone == nil {
			continue
		}
		r, ok := SigningData(p.zone)
		if !ok {
			continue
		}
		if f, ok := w.gate(p.id, fmt.Sprintf("%v is signed (it holds %v)", p.id, r.Type), r.From.Place); ok {
			out = append(out, f)
		}
	}
	return out
}

// HasDS returns the blocking finding about a zone whose parent holds DS, and
// false if the file says which way out is taken.
func (w *Workspace) HasDS(id zones.ID, n int) (finding.Finding, bool) {
	return w.gate(id, fmt.Sprintf("the parent of %s holds %d DS records", id.Origin.Text(), n), zones.Place{})
}

func (w *Workspace) gate(id zones.ID, found string, at zones.Place) (finding.Finding, bool) {
	f := finding.Finding{
		ID: "D-SIGNED", Severity: finding.Block, At: at, Found: found,
		Mend: WaysOut(id.Origin) + fmt.Sprintf("; then say so under signed: {zone: %s, way: signer, …} or {zone: %s, way: ds-removed, since: …}", id.Origin.Text(), id.Origin.Text()),
	}
	for _, s := range w.Signing {
		if s.Zone != id.Origin {
			continue
		}
		if s.Holds(w.Mapping.Cutover) {
			return finding.Finding{}, false
		}
		f.At = s.At
		f.Found += fmt.Sprintf(", and its DS, removed %s, may stay in caches until %s, after the cutover", InEnglish(s.Since), InEnglish(s.Since.Add(s.TTL)))
		f.Mend = "move the cutover, or take the DS out earlier"
	}
	return f, true
}

// Origins lists the zones of today and those that are brought in, each origin
// of a view once.
func (w *Workspace) Origins() []zones.ID {
	var out []zones.ID
	seen := map[zones.ID]bool{}
	for _, p := range w.parts {
		if !seen[p.id] {
			seen[p.id] = true
			out = append(out, p.id)
		}
	}
	return out
}
