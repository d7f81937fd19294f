package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// delegation is what the servers of a zone's parent say of it.
type delegation struct {
	problem string // why nobody was asked
	targets []target
	said    []said // beside targets
}

// said is what one server of a parent says of a zone.
type said struct {
	problem string // why it says nothing
	own     bool   // it serves the zone itself, so its delegation is not seen
	none    string // how it denies the delegation; "" when it does not
	ns      []zones.Name
	glue    map[zones.Name][]netip.Addr
	ds      []zones.Record
	dsSaid  string // why DS is not known; ""
}

func (s *survey) askParent(z *zones.Zone) (d delegation) {
	d.targets, d.problem = s.parent(z)
	for _, t := range d.targets {
		d.said = append(d.said, s.askDelegation(t, z.Origin()))
	}
	return d
}

func (s *survey) askDelegation(t target, zone zones.Name) said {
	if t.problem != "" {
		return said{problem: t.problem}
	}
	r, err := s.whole(t.addr, zone, zones.TypeNS, false)
	if err != nil {
		return said{problem: why(err)}
	}
	out := readDelegation(r, zone)
	if out.problem != "" || out.none != "" {
		return out
	}
	if r, err = s.whole(t.addr, zone, zones.TypeDS, false); err != nil {
		out.dsSaid = why(err)
	} else {
		out.ds, out.dsSaid = readDS(r, zone)
	}
	return out
}

// readDelegation reads an answer to the question for a zone's NS.
func readDelegation(r Reply, zone zones.Name) said {
	pick := func(rs []zones.Record) (out []zones.Record) {
		for _, rec := range rs {
			if rec.Owner == zone && rec.Type == zones.TypeNS {
				out = append(out, rec)
			}
		}
		return out
	}
	out := said{glue: map[zones.Name][]netip.Addr{}}
	set := pick(r.Authority)
	if own := pick(r.Answer); len(own) > 0 {
		set, out.own = own, r.AA
	}
	switch {
	case r.Rcode != rcodeSuccess && r.Rcode != rcodeNXDomain:
		out.problem = "it answers " + rcodeText(r.Rcode)
	case len(set) == 0 && r.AA && r.Rcode == rcodeNXDomain:
		out.none = "the name does not exist there"
	case len(set) == 0 && r.AA:
		out.none = "it is no delegation there"
	case len(set) == 0:
		out.problem = "it does not serve the parent"
	}
	out.ns = hostsOf(set)
	for _, rec := range r.Additional {
		if slices.Contains(out.ns, rec.Owner) {
			out.glue[rec.Owner] = append(out.glue[rec.Owner], addressOf(rec)...)
		}
	}
	return out
}

// readDS reads an answer to the question for a zone's DS.
func readDS(r Reply, zone zones.Name) (ds []zones.Record, problem string) {
	if r.Rcode != rcodeSuccess && r.Rcode != rcodeNXDomain {
		return nil, "it answers " + rcodeText(r.Rcode)
	}
	for _, rec := range r.Answer {
		if rec.Owner == zone && rec.Type == zones.TypeDS {
			ds = append(ds, rec)
		}
	}
	if len(ds) == 0 && !r.AA {
		return nil, "it does not serve the parent"
	}
	return ds, ""
}

// judgeParent holds what the parent says against the zone. What several of
// its servers say alike is one finding.
func (s *survey) judgeParent(z *zones.Zone, d delegation, unseen *gathered) []finding.Finding {
	if d.problem != "" {
		unseen.add(unasked{"the parent", z.Origin(), d.problem, place(z, zones.TypeSOA), ""})
		return nil
	}
	var same alike
	for i, a := range d.said {
		t := d.targets[i]
		dig := func(typ zones.Type) string { return digOf(s.reached(t.addr), z.Origin(), typ, "") }
		if a.problem != "" {
			unseen.add(unasked{"the parent's server " + t.String(), z.Origin(), a.problem, place(z, zones.TypeNS), dig(zones.TypeNS)})
			continue
		}
		for _, f := range s.delegationFaults(z, a) {
			f.At = place(z, zones.TypeNS)
			same.add(f, t.String(), dig(zones.TypeNS))
		}
		if a.dsSaid != "" {
			unseen.add(unasked{"the parent's server " + t.String(), z.Origin(), "of its DS nothing is known: " + a.dsSaid, place(z, zones.TypeNS), dig(zones.TypeDS)})
		}
		for _, f := range s.dsFaults(z, a) {
			f.At = place(z, zones.TypeSOA)
			same.add(f, t.String(), dig(zones.TypeDS))
		}
	}
	return same.findings()
}

// delegationFaults says how a delegation differs from the zone: its NS records
// (RFC 1034 4.2.2) and the addresses of the servers below its apex (RFC 9471).
func (s *survey) delegationFaults(z *zones.Zone, a said) (out []finding.Finding) {
	zone := z.Origin().Text()
	fault := func(sev finding.Severity, mend, format string, args ...any) {
		out = append(out, finding.Finding{ID: "T-PARENT", Severity: sev, Found: fmt.Sprintf(format, args...), Mend: mend})
	}
	if a.none != "" {
		fault(finding.Block, "have the parent delegate the zone to its servers", "the parent does not delegate %s: %s", zone, a.none)
		return out
	}
	if a.own {
		return nil // its answer comes from the zone, which the visit of the server judges
	}
	set, _ := z.Lookup(z.Origin(), zones.TypeNS)
	want := hostsOf(set.Records())
	if extra := less(a.ns, want); len(extra) > 0 {
		fault(finding.Block, "have the parent's NS set changed, or list these servers in the zone", "the parent sends those who ask for %s to servers that the zone does not name: %s", zone, nameList(extra))
	}
	if missing := less(want, a.ns); len(missing) > 0 {
		sev := finding.Error
		if len(missing) == len(want) {
			sev = finding.Block
		}
		fault(sev, "have the parent's NS set changed, or take these servers out of the zone", "the parent does not name these servers of %s: %s", zone, nameList(missing))
	}
	for _, n := range a.ns {
		addrs, ours := s.stated(n)
		inside := n.Within(z.Origin())
		if !ours || !inside && len(a.glue[n]) == 0 {
			continue
		}
		extra, missing := less(a.glue[n], addrs), less(addrs, a.glue[n])
		switch {
		case len(extra) > 0 && len(missing) > 0:
			fault(finding.Block, "have the parent's glue changed to the addresses in the zone", "the parent gives %s of %s the address %s in place of %s", n.Text(), zone, addrList(extra), addrList(missing))
		case len(extra) > 0:
			fault(finding.Block, "have the parent take this glue out, or give the server that address", "the parent gives %s of %s the address %s, which the zone does not", n.Text(), zone, addrList(extra))
		case len(missing) > 0 && inside && len(a.glue[n]) > 0:
			fault(finding.Error, "have the parent add the glue", "the parent gives no glue for %s of %s at %s", n.Text(), zone, addrList(missing))
		case len(missing) > 0 && inside:
			fault(finding.Block, "have the parent add the glue: without it the server is not found", "the parent gives no glue for %s of %s", n.Text(), zone)
		}
	}
	return out
}

// dsFaults says how the parent's DS stand to the zone: those of an unsigned
// zone make every answer bogus, and so do those that fit none of its keys
// (RFC 4035 5.2).
func (s *survey) dsFaults(z *zones.Zone, a said) []finding.Finding {
	if len(a.ds) == 0 || slices.Contains(s.Signed, z.Origin()) {
		return nil
	}
	zone := z.Origin().Text()
	keys, ok := z.Lookup(z.Origin(), zones.TypeDNSKEY)
	if !ok {
		return []finding.Finding{{
			ID: "D-SIGNED", Severity: finding.Block, Count: len(a.ds),
			Found: fmt.Sprintf("the parent of %s holds DS (%s), and the zone is served unsigned: validating resolvers refuse every answer", zone, rdata.Text(zones.TypeDS, a.ds[0].Data)),
			Mend:  "keep its signer in front, or take the DS out of the parent and wait out its TTL",
		}}
	}
	if anyFits(a.ds, keys.Records()) {
		return nil
	}
	return []finding.Finding{{
		ID: "K-DS", Severity: finding.Block, Count: len(a.ds),
		Found: fmt.Sprintf("no DS at the parent of %s fits a key of the zone", zone),
		Mend:  "have the parent replace the DS by that of the key that signs",
	}}
}

// judgeKeys holds the parent's DS against the keys that each server of a zone
// serves, where a signer signs it: they are not in the world.
func (s *survey) judgeKeys(z *zones.Zone, d delegation, vs []*visit, unseen *gathered) []finding.Finding {
	var ds []zones.Record
	for _, a := range d.said {
		ds = append(ds, a.ds...)
	}
	if len(ds) == 0 || !slices.Contains(s.Signed, z.Origin()) {
		return nil
	}
	var same alike
	for _, v := range vs {
		dig := digOf(s.reached(v.target.addr), z.Origin(), zones.TypeDNSKEY, "")
		f := finding.Finding{Severity: finding.Block, At: place(z, zones.TypeSOA)}
		switch {
		case !v.heard || v.lame != "":
			continue // told already
		case v.keysErr != "":
			unseen.add(unasked{v.target.String(), z.Origin(), "of its keys nothing is known: " + v.keysErr, f.At, dig})
			v.bogus = "its keys are not known"
			continue
		case len(v.keys) == 0:
			f.ID, v.bogus = "D-SIGNED", "unsigned"
			f.Found = fmt.Sprintf("%s is served unsigned, and its parent holds DS: validating resolvers refuse every answer", z.Origin().Text())
			f.Mend = "let that server take the zone from the signer, not from its hidden primary"
		case !anyFits(ds, v.keys):
			f.ID, v.bogus = "K-DS", "no DS fits its keys"
			f.Found = fmt.Sprintf("no DS at the parent of %s fits a key that is served", z.Origin().Text())
			f.Mend = "have the parent replace the DS by that of the key that signs, or bring the old key back"
		default:
			continue
		}
		same.add(f, v.target.String(), dig)
	}
	return same.findings()
}

// anyFits tells whether a DS is the digest of one of the keys.
func anyFits(ds, keys []zones.Record) bool {
	return slices.ContainsFunc(ds, func(d zones.Record) bool {
		return slices.ContainsFunc(keys, func(k zones.Record) bool { return fits(d, k) })
	})
}

// fits tells whether a DS is the digest of a key.
func fits(ds, key zones.Record) bool {
	d, derr := toRR(ds)
	k, kerr := toRR(key)
	if derr != nil || kerr != nil {
		return false
	}
	want, ok := d.(*dns.DS)
	dnskey, ok2 := k.(*dns.DNSKEY)
	if !ok || !ok2 || want.KeyTag != dnskey.KeyTag() || want.Algorithm != dnskey.Algorithm {
		return false
	}
	got := dnskey.ToDS(want.DigestType)
	return got != nil && strings.EqualFold(got.Digest, want.Digest)
}

func toRR(r zones.Record) (dns.RR, error) { return dns.NewRR(recordText(r)) }

// less returns what a has and b has not, sorted.
func less[T interface {
	comparable
	Compare(T) int
}](a, b []T) (out []T) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, T.Compare)
	return slices.Compact(out)
}

func nameList(ns []zones.Name) string {
	return list(ns, zones.Name.Text)
}

func addrList(as []netip.Addr) string {
	return list(as, netip.Addr.String)
}

// list joins the texts of things, ten of them at most.
func list[T any](xs []T, text func(T) string) string {
	const most = 10
	var ts []string
	for i, x := range xs {
		if i == most {
			ts = append(ts, fmt.Sprintf("and %d more", len(xs)-most))
			break
		}
		ts = append(ts, text(x))
	}
	return strings.Join(ts, ", ")
}
