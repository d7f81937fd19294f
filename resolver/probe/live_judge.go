package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// The share of a zone's names, in percent, that a server must deny to count
// as nearly empty; for one that serves an older version, which may have fewer
// names by right, nearly all.
const (
	emptyShare      = 10
	emptyStaleShare = 90
	fewNames        = 3 // that must be denied at least, unless all are
)

// tooFew tells whether a server denies so many percent of a zone's names.
func tooFew(missing, of, percent int) bool {
	return missing > 0 && missing*100 >= of*percent && (missing >= fewNames || missing >= of)
}

// judgeServers says what the servers of a zone do wrong, each cause once.
func (s *survey) judgeServers(z *zones.Zone, vs []*visit, unseen, noTCP *gathered) (out []finding.Finding) {
	zone := z.Origin().Text()
	if len(vs) == 0 {
		unseen.add(unasked{"a server", z.Origin(), "neither the zone nor its parent names one", place(z, zones.TypeSOA), ""})
	}
	for _, v := range vs {
		at := place(z, zones.TypeNS)
		addr := s.reached(v.target.addr)
		switch {
		case v.lame != "":
			out = append(out, finding.Finding{
				ID: "T-LAME", Severity: finding.Block, At: at, Dig: []string{digOf(addr, z.Origin(), zones.TypeSOA, "")},
				Found: fmt.Sprintf("%v does not serve %s: %s", v.target, zone, v.lame),
				Mend:  "let it serve the zone, or take it out of the zone's NS and the parent's",
			})
			continue
		}
		s.judgeTransports(v, at, unseen, noTCP)
		out = append(out, s.judgeContent(v)...)
	}
	return append(out, s.judgeSerials(z, vs)...)
}

// judgeTransports: a server must answer over both (RFC 7766 5), and one that
// leaves questions unanswered was not seen whole.
func (s *survey) judgeTransports(v *visit, at zones.Place, unseen, noTCP *gathered) {
	zone, addr := v.zone.Origin(), s.reached(v.target.addr)
	udp, tcp := v.udp.unseen(), v.tcp.unseen()
	u := unasked{v.target.String(), zone, "over UDP: " + udp, at, digOf(addr, zone, zones.TypeSOA, "")}
	switch {
	case udp == "" && tcp == "":
		return
	case udp == "" && v.heard && v.tcp.Asked == 0 && tcp != errStopped.Error():
		noTCP.add(unasked{v.target.String(), zone, tcp, at, digOf(addr, zone, zones.TypeSOA, "+tcp")})
		return
	case udp == "":
		u.reason, u.dig = "over TCP: "+tcp, digOf(addr, zone, zones.TypeSOA, "+tcp")
	case udp == tcp:
		u.reason = udp
	case tcp != "":
		u.reason += "; over TCP: " + tcp
	}
	unseen.add(u)
}

// unseen says what was not seen over a transport; "" when all was.
func (c Count) unseen() string {
	if c.Problem == "" && c.Unanswered > 0 {
		return fmt.Sprintf("%d of %d questions stayed unanswered", c.Unanswered, c.Asked)
	}
	return c.Problem
}

// stale tells whether a server serves a version that does not come after the
// zone's (RFC 1982). What a signer counts is its own.
func (s *survey) stale(v *visit) bool {
	if slices.Contains(s.Signed, v.zone.Origin()) {
		return false
	}
	return slices.ContainsFunc(v.serials, func(n zones.Serial) bool {
		return n != v.zone.Serial() && !v.zone.Serial().Before(n)
	})
}

// judgeContent says how what a server serves differs. What an older version
// explains is told with its serial.
func (s *survey) judgeContent(v *visit) []finding.Finding {
	zone, stale := v.zone.Origin().Text(), s.stale(v)
	owners, _, records := v.zone.Counts()
	most := v.udp
	if v.tcp.positive > most.positive {
		most = v.tcp
	}
	missing, of, what := most.denied, most.positive, "questions of the sample"
	if v.served != nil {
		missing, of, what = v.gone, owners-1, "names"
	}
	share := emptyShare
	if stale {
		share = emptyStaleShare
	}
	f := finding.Finding{At: place(v.zone, zones.TypeSOA), Severity: finding.Block}
	changes := len(v.delta.Removed) + len(v.delta.Added)
	addr := s.reached(v.target.addr)
	if len(v.differ) > 0 {
		d := v.differ[0]
		f.Dig = []string{digOf(addr, d.Name, d.Type, map[bool]string{true: "+tcp"}[d.network == "tcp"])}
	} else if changes > 0 {
		r := append(slices.Clone(v.delta.Removed), v.delta.Added...)[0]
		f.Dig = []string{digOf(addr, r.Owner, r.Type, "")}
	}
	switch {
	case tooFew(missing, of, share):
		f.ID, f.Count = "T-EMPTY", missing
		f.Found = fmt.Sprintf("%v has the zone %s almost empty: it answers for the SOA and denies %d of %d %s", v.target, zone, missing, of, what)
		f.Mend = "load the whole zone there; until then take the server out of service: every resolver that asks it loses those names"
	case stale:
		return nil
	case changes > 0:
		f.ID, f.Count = "T-DIGEST", changes
		f.Found = fmt.Sprintf("%v serves %s otherwise than was proved: of %d records %d are missing and %d are too many or others: %s", v.target, zone, records, len(v.delta.Removed), len(v.delta.Added), firstChange(v.delta))
		f.Mend = "find out who changed it; transfer the zone anew to that server, or prove what it serves"
	case len(v.differ) > 0:
		f.ID, f.Count = "T-DIGEST", len(v.differ)
		d := v.differ[0]
		f.Found = fmt.Sprintf("%v serves %s otherwise than was proved: %d of %d answers differ: %s %v over %s: %s", v.target, zone, len(v.differ), v.udp.Asked+v.tcp.Asked, d.Name.Text(), d.Type, strings.ToUpper(d.network), d.problem)
		f.Mend = "find out who changed it; transfer the zone anew to that server, or prove what it serves"
	default:
		return nil
	}
	return []finding.Finding{f}
}

func firstChange(d zones.Delta) string {
	var ts []string
	if len(d.Removed) > 0 {
		ts = append(ts, "missing "+recordText(d.Removed[0]))
	}
	if len(d.Added) > 0 {
		ts = append(ts, "not expected "+recordText(d.Added[0]))
	}
	return strings.Join(ts, ", ")
}

// judgeSerials: each server serves the version that was proved (RFC 1982), or
// at least all the same later one.
func (s *survey) judgeSerials(z *zones.Zone, vs []*visit) (out []finding.Finding) {
	zone, want := z.Origin().Text(), z.Serial()
	signed := slices.Contains(s.Signed, z.Origin())
	seen := map[zones.Serial][]string{}
	var digs []string
	for _, v := range vs {
		for _, n := range v.serials {
			seen[n] = append(seen[n], v.target.String())
		}
		if len(v.serials) > 0 {
			digs = append(digs, digOf(s.reached(v.target.addr), z.Origin(), zones.TypeSOA, ""))
		}
		if !s.stale(v) {
			continue
		}
		changes := ""
		if v.served != nil {
			changes = fmt.Sprintf("; %d records are missing and %d are too many or others", len(v.delta.Removed), len(v.delta.Added))
		} else if len(v.differ) > 0 {
			changes = fmt.Sprintf("; %d of %d answers differ", len(v.differ), v.udp.Asked+v.tcp.Asked)
		}
		out = append(out, finding.Finding{
			ID: "T-SERIAL", Severity: finding.Block, At: place(z, zones.TypeSOA), Dig: digs[len(digs)-1:],
			Found: fmt.Sprintf("%v serves %s with serial %s, which is not the one that was proved, %d, nor later%s", v.target, zone, serialList(v.serials), want, changes),
			Mend:  "let it transfer the zone (NOTIFY, rndc retransfer, knotc zone-retransfer, nsd-control force_transfer); a serial above ours must be passed first (RFC 1982)",
		})
	}
	if len(out) > 0 || len(seen) == 0 {
		return out
	}
	var ns []zones.Serial
	for n := range seen {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	f := finding.Finding{ID: "T-SERIAL", At: place(z, zones.TypeSOA), Dig: digs}
	switch {
	case len(ns) > 1:
		f.Severity = finding.Block
		f.Found = fmt.Sprintf("the servers of %s serve several versions: ", zone) + list(ns, func(n zones.Serial) string {
			return fmt.Sprintf("serial %d by %s", n, strings.Join(seen[n], ", "))
		})
		f.Mend = "wait for the last transfer, or start it by hand, and ask again"
	case ns[0] != want && !signed:
		f.Severity = finding.Error
		f.Found = fmt.Sprintf("the servers of %s serve serial %d, later than the one that was proved, %d", zone, ns[0], want)
		f.Mend = "prove the version that is served: its digest is another"
	default:
		return nil
	}
	return []finding.Finding{f}
}

func serialList(ns []zones.Serial) string {
	return list(ns, func(n zones.Serial) string { return fmt.Sprint(uint32(n)) })
}

// place is where the zone states a type of its apex.
func place(z *zones.Zone, t zones.Type) zones.Place {
	set, ok := z.Lookup(z.Origin(), t)
	if !ok {
		return zones.Place{}
	}
	return set.From(0).Place
}

// reached is where an address is asked.
func (s *survey) reached(a netip.AddrPort) netip.AddrPort {
	if r, ok := s.Reach[a.Addr()]; ok && a.Port() == port {
		return r
	}
	return a
}

// digOf is the command that shows an answer; "" without an address.
func digOf(a netip.AddrPort, n zones.Name, t zones.Type, option string) string {
	if !a.IsValid() {
		return ""
	}
	d := Expectation{Name: n, Type: t}.Dig(a.Addr().String(), a.Port())
	if option != "" {
		d += " " + option
	}
	return d
}
