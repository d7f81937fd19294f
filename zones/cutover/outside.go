package cutover

import (
	"encoding/binary"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// AtParent gives the zones of which the parent states something that changes:
// zones that come or go, and those whose apex NS change, or the addresses of
// such a server below the apex. Where the parent is served here too it is not
// among others: its records are part of the worlds.
func (r Row) AtParent() []zones.ID {
	var ids []zones.ID
	before, after := r[0], r[3]
	seen := map[zones.ID]bool{}
	for _, w := range []zones.World{before, after} {
		for z := range w.All() {
			up, ok := z.Origin().Parent()
			if seen[z.ID()] || !ok || before.Nearest(z.View(), up) != nil && after.Nearest(z.View(), up) != nil {
				continue
			}
			seen[z.ID()] = true
			if !slices.Equal(delegation(before, z.ID()), delegation(after, z.ID())) {
				ids = append(ids, z.ID())
			}
		}
	}
	slices.SortFunc(ids, zones.ID.Compare)
	return ids
}

// delegation gives what a parent states of a zone, sorted; nil of none.
func delegation(w zones.World, id zones.ID) (all []string) {
	z := w.Zone(id)
	if z == nil {
		return nil
	}
	ns, _ := z.Lookup(id.Origin, zones.TypeNS)
	for i := range ns.Len() {
		all = append(all, "NS"+ns.Data(i))
		host, _, err := zones.NameFromWire([]byte(ns.Data(i)))
		if err != nil || !host.Within(id.Origin) {
			continue
		}
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			glue, _ := w.Nearest(id.View, host).Lookup(host, t)
			for k := range glue.Len() {
				all = append(all, host.Wire()+glue.Data(k))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sticky: what clients keep longer than any TTL.
func (c *checker) sticky(before, after zones.World) {
	for z := range before.All() {
		for owner := range z.Owners() {
			now := after.Nearest(z.View(), owner)
			if now == nil || now == z {
				continue
			}
			c.mail(z, now, owner)
			_, had := z.Lookup(owner, zones.TypeHTTPS)
			if _, has := now.Lookup(owner, zones.TypeHTTPS); had && !has {
				c.tell("T-STICKY", finding.Warning, "keep the host answering over HTTPS", "the HTTPS record of %v goes, and browsers that saw it ask over HTTPS on", owner.Text())
			}
		}
	}
}

// mail tells of exchanges and policies that go.
func (c *checker) mail(was, now *zones.Zone, owner zones.Name) {
	gone := ""
	old, _ := was.Lookup(owner, zones.TypeMX)
	mx, _ := now.Lookup(owner, zones.TypeMX)
	for i := range old.Len() {
		if names, err := rdata.Names(zones.TypeMX, old.Data(i)); err == nil && len(names) > 0 && !names[0].Name.IsRoot() && !slices.ContainsFunc(mx.Records(), func(r zones.Record) bool {
			x, err := rdata.Names(zones.TypeMX, r.Data)
			return err == nil && len(x) > 0 && x[0].Name == names[0].Name
		}) {
			gone = names[0].Name.Text()
		}
	}
	policy, err := owner.Child("_mta-sts")
	_, had := was.Lookup(policy, zones.TypeTXT)
	_, has := now.Lookup(policy, zones.TypeTXT)
	sts := err == nil && had
	switch {
	case sts && !has && now.Origin() == was.Origin():
		c.tell("T-STICKY", finding.Error, "publish a policy of mode none a max_age before, and keep it", "the MTA-STS policy of %s goes, and senders keep it for its max_age", owner.Text())
	case sts && (gone != "" || old.Len() > 0 && !old.SameData(mx)):
		c.tell("T-STICKY", finding.Error, "publish a policy that lists the old and the new exchanges, under a new id, a max_age before", "the exchanges of %s change, and senders keep its MTA-STS policy for its max_age", owner.Text())
	case gone != "":
		c.tell("T-STICKY", finding.Warning, "let it accept mail until TTL + 5 days after the switch", "%s no longer sends mail to %s, where senders still queue", owner.Text(), gone)
	}
}

// keys: no rollover between two steps.
func (c *checker) keys(worlds []zones.World) {
	told := map[zones.Key]bool{}
	for i, w := range worlds[1:] {
		for z := range w.All() {
			p := worlds[i].Zone(z.ID())
			if p == nil || p == z {
				continue
			}
			for _, t := range []zones.Type{zones.TypeDNSKEY, zones.TypeCDS, zones.TypeCDNSKEY} {
				a, _ := p.Lookup(p.Origin(), t)
				b, _ := z.Lookup(z.Origin(), t)
				if k := (zones.Key{Owner: z.Origin(), Type: t}); a.Len() != b.Len() || a.Len() > 0 && !a.SameData(b) {
					if !told[k] {
						told[k] = true
						c.tell("K-FREEZE", finding.Block, "finish the rollover before, or begin it after", "%v of %v changes within the cutover", t, z.ID())
					}
				}
			}
		}
	}
}

// signatures: valid from an hour before the switch until nobody holds what
// they sign any more.
func (c *checker) signatures(worlds []zones.World, steps []Step) {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == Switch })
	if i < 0 {
		return
	}
	turn := steps[i].At
	told := map[zones.ID]bool{}
	for _, w := range worlds {
		for z := range w.All() {
			if _, signed := z.Lookup(z.Origin(), zones.TypeRRSIG); told[z.ID()] || !signed {
				continue // a signed zone has its SOA signed
			}
			var most uint32
			for s := range z.All() {
				most = max(most, s.TTL())
			}
			from := turn.Add(-time.Hour)
			until := turn.Add(max(c.terms.Expire, seconds(z.SOA().Expire)) + seconds(most) + c.terms.Rollback)
			bad, count := "", 0
			for r := range z.Records() {
				if r.Type != zones.TypeRRSIG || len(r.Data) < 18 {
					continue
				}
				end, begin := signed(r.Data[8:12], turn), signed(r.Data[12:16], turn)
				switch {
				case begin.After(from):
					bad, count = "begins "+stamp(begin)+", after "+stamp(from), count+1
				case end.Before(until):
					bad, count = "ends "+stamp(end)+", before "+stamp(until), count+1
				}
			}
			if count > 0 {
				told[z.ID()] = true
				c.tell("K-WINDOW", finding.Block, "sign the zone again before the cutover", "a signature of %v %s", z.ID(), bad)
				c.found[len(c.found)-1].Count = count
			}
		}
	}
}

// signed reads a time of an RRSIG: seconds modulo 2^32, so that it is the one
// nearest to some instant (RFC 4034 3.1.5).
func signed(b string, near time.Time) time.Time {
	d := int32(binary.BigEndian.Uint32([]byte(b)) - uint32(near.Unix()))
	return near.Truncate(time.Second).Add(time.Duration(d) * time.Second)
}
