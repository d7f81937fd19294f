package merge

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// oldZone is a source's zone as it goes on after the merger.
type oldZone struct {
	src   int
	zone  *zones.Zone
	modes map[zones.Key]Old
	flow  map[zones.Key]*flow // where an RRset that follows stands
	alias []zones.Name        // owners that are to be aliases
}

// buildOld makes the old zones of the world after.
func (m *merger) buildOld() {
	used := make([]bool, len(m.in.Mapping.Exceptions))
	var olds []*oldZone
	for i, s := range m.srcs {
		o := &oldZone{src: i, zone: s.Zone, modes: map[zones.Key]Old{}, flow: map[zones.Key]*flow{}}
		for set := range s.Zone.All() {
			m.mode(o, set, used)
		}
		olds = append(olds, o)
	}
	after := m.after // the targets are done; the old zones look at them
	for _, o := range olds {
		m.freezeOld(o, after)
	}
	hosts := m.hosts(olds)
	for _, o := range olds {
		if len(o.alias) > 0 {
			m.aliases(o, hosts[o.zone.View()])
			m.freezeOld(o, after)
		}
	}
	byZone := map[zones.ID]*oldZone{}
	for _, o := range olds {
		byZone[o.zone.ID()] = o
	}
	for i := range m.ledger.entries {
		e := &m.ledger.entries[i]
		e.Old = byZone[e.Zone].modes[zones.Key{Owner: e.Record.Owner, Type: e.Record.Type}]
	}
	for i, x := range m.in.Mapping.Exceptions {
		switch {
		case !used[i]:
			m.find("M-RULE", finding.Warning, x.At, fmt.Sprintf("the exception on %s ends no old name", x.Name.Text()), "remove it, or look whether the name is written as the source has it")
		case !x.Expires.IsZero() && x.Expires.Before(m.in.Mapping.Cutover):
			m.find("M-EXPIRE", finding.Warning, x.At, fmt.Sprintf("the exception on %s expires before the cutover", x.Name.Text()), "give it a later date, or remove it")
		}
	}
}

// mode decides how one RRset of an old zone goes on.
func (m *merger) mode(o *oldZone, s zones.RRset, used []bool) {
	k, v := s.Key(), o.zone.View()
	apex := k.Owner == o.zone.Origin()
	for i, x := range m.in.Mapping.Exceptions {
		if x.Name != k.Owner || x.View != "" && x.View != v || x.Type != 0 && x.Type != k.Type {
			continue
		}
		if apex && (k.Type == zones.TypeSOA || k.Type == zones.TypeNS) {
			if x.Type != 0 {
				used[i] = true
				m.find("M-RULE", finding.Block, x.At, fmt.Sprintf("the exception would take the %v of the old zone %s", k.Type, k.Owner.Text()), "a zone needs it: remove the exception")
			}
			continue
		}
		used[i] = true
		o.modes[k] = Old{Mode: mapping.AsBefore, Ended: true}
		return
	}
	asked, star := Old{}, false
	for _, n := range m.in.Mapping.OldNames {
		if n.Match.Match(k.Owner) && (n.View == "" || n.View == v) {
			asked.Mode, asked.Until, star = n.Mode, n.Until, n.Match.Star
			break
		}
	}
	var at *flow
	hidden := false
	for _, f := range m.byOld[claim{o.src, k.Owner}] {
		hidden = hidden || !f.cut.IsZero() || f.typ() == zones.TypeNS
		if at == nil && f.typ() == k.Type && f.stands() {
			at = f
		}
	}
	if asked.Mode == mapping.Alias && !(apex && star) && (len(o.alias) == 0 || o.alias[len(o.alias)-1] != k.Owner) {
		o.alias = append(o.alias, k.Owner)
	}
	if at == nil || apex || hidden {
		asked.Mode = mapping.AsBefore // also where the source's data do not stand at the new name
	}
	if asked.Mode != mapping.AsBefore {
		o.flow[k] = at
	}
	if asked.Mode == mapping.Alias {
		asked.Mode = mapping.Follow // until aliases finds it legal
	}
	o.modes[k] = asked
}

// freezeOld makes an old zone by its modes.
func (m *merger) freezeOld(o *oldZone, after zones.World) {
	b := zones.NewBuilder(o.zone.ID())
	done := map[zones.Name]bool{}
	for s := range o.zone.All() {
		mode := o.modes[s.Key()]
		switch {
		case mode.Ended:
		case mode.Mode == mapping.Follow:
			f := o.flow[s.Key()]
			n, _ := after.Zone(f.zone).Lookup(f.at, f.typ())
			for _, r := range n.Records() {
				r.Owner = s.Owner()
				b.Add(r)
			}
		case mode.Mode == mapping.Alias:
			if !done[s.Owner()] {
				done[s.Owner()] = true
				b.Add(m.aliasOf(o, s.Owner()))
			}
		default:
			b.Add(m.asBefore(s, o.zone.ID())...)
		}
	}
	z, err := b.Freeze()
	switch {
	case err != nil:
		m.block("M-BUILD", o.zone, fmt.Sprintf("the old zone %v after the merger is broken: %v", o.zone.ID(), err), "mend the record that is named")
	case !z.Equal(o.zone):
		m.after = m.after.With(z.WithSerial(o.zone.Serial().Next()))
	default:
		m.after = m.after.With(o.zone)
	}
}

// asBefore keeps an RRset, but lets it follow records of a target that a
// decision moved: what it points at would be another host's otherwise.
func (m *merger) asBefore(s zones.RRset, near zones.ID) []zones.Record {
	rs := s.Records()
	if len(m.movedTo) == 0 {
		return rs
	}
	for i := range rs {
		d, _, err := rdata.Rewrite(s.Type(), rs[i].Data, func(n zones.Name, _ rdata.Role) (zones.Name, error) {
			z := m.before.Nearest(near.View, n)
			if z == nil {
				return n, nil
			}
			if _, ok := m.source[z.ID()]; ok {
				return n, nil
			}
			to := n
			if s.Type() == zones.TypeDNAME {
				to, _ = m.followBelow(n, near)
			} else {
				to, _ = m.followTarget(z, n, nil)
			}
			return to, nil
		})
		if err == nil {
			rs[i].Data = d
		}
	}
	return rs
}

// hosts gathers, by view, what MX and NS records of the world after point at.
func (m *merger) hosts(olds []*oldZone) map[zones.View]map[zones.Name]bool {
	h := map[zones.View]map[zones.Name]bool{}
	if !slices.ContainsFunc(olds, func(o *oldZone) bool { return len(o.alias) > 0 }) {
		return h
	}
	for z := range m.after.All() {
		if h[z.View()] == nil {
			h[z.View()] = map[zones.Name]bool{}
		}
		for s := range z.All() {
			if s.Type() != zones.TypeMX && s.Type() != zones.TypeNS {
				continue
			}
			for i := range s.Len() {
				es, _ := rdata.Names(s.Type(), s.Data(i))
				for _, e := range es {
					h[z.View()][e.Name] = true
				}
			}
		}
	}
	return h
}

// aliases makes owners aliases where a CNAME is legal (RFC 1034 3.6.2, RFC
// 2181 10.1, 10.3) and leaves them as before, with a finding, where not.
func (m *merger) aliases(o *oldZone, hosts map[zones.Name]bool) {
	for _, n := range o.alias {
		sets := o.zone.At(n)
		why := m.notAlias(o, n, hosts)
		if why == "" {
			for _, s := range sets {
				k := o.modes[s.Key()]
				if !k.Ended {
					k.Mode = mapping.Alias
					o.modes[s.Key()] = k
				}
			}
			continue
		}
		lost := true // nothing stands at a new name: as before, as with follow
		for _, s := range sets {
			lost = lost && o.flow[s.Key()] == nil
			k := o.modes[s.Key()]
			k.Mode = mapping.AsBefore
			o.modes[s.Key()] = k
		}
		if lost && n != o.zone.Origin() {
			continue
		}
		m.find("M-ALIAS", finding.Block, sets[0].From(0).Place, fmt.Sprintf("the old name %s cannot be an alias: %s", n.Text(), why),
			"choose mode: follow or as-before for it")
	}
}

// notAlias says why an owner cannot be an alias, "" if it can.
func (m *merger) notAlias(o *oldZone, n zones.Name, hosts map[zones.Name]bool) string {
	if n == o.zone.Origin() {
		return "it is an apex, which has SOA and NS records"
	}
	if hosts[n] {
		return "an MX or NS record points at it (RFC 2181 10.3)"
	}
	to := zones.Name{}
	for _, s := range o.zone.At(n) {
		f, mode := o.flow[s.Key()], o.modes[s.Key()]
		switch {
		case mode.Ended:
		case s.Type() == zones.TypeNS:
			return "it is a delegation"
		case s.Type() == zones.TypeDNAME:
			return "its DNAME answers for the names below it, which a CNAME does not"
		case f == nil:
			return fmt.Sprintf("its %v records stay and would stand beside the CNAME", s.Type())
		case to.IsZero():
			to = f.at
		case to != f.at:
			return "its records went to different names"
		}
	}
	if to.IsZero() {
		return "no record of it stands at a new name"
	}
	if to == n {
		return "it would point at itself"
	}
	return ""
}

// aliasOf makes the CNAME of an old name; its TTL is the lowest of those that
// it stands for.
func (m *merger) aliasOf(o *oldZone, n zones.Name) zones.Record {
	r := zones.Record{Owner: n, Type: zones.TypeCNAME, TTL: zones.MaxTTL}
	for _, s := range o.zone.At(n) {
		if f := o.flow[s.Key()]; f != nil {
			r.TTL = min(r.TTL, s.TTL())
			if r.Data == "" {
				r.Data = f.at.Wire()
				r.From = s.From(0)
				r.From.Rule = f.rule.At
				if f.dec != nil {
					r.From.Decision = f.dec.At
				}
			}
		}
	}
	return r
}
