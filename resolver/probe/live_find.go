package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"gialai.gov.vn/hopnhat/zones"
)

const port = 53

// host is what the resolver says of a name server's addresses.
type host struct {
	once  sync.Once
	addrs []netip.Addr
	err   error
}

// resolve asks the resolver for the addresses of a name, once.
func (s *survey) resolve(n zones.Name) ([]netip.Addr, error) {
	s.mu.Lock()
	h := s.hosts[n]
	if h == nil {
		h = &host{}
		s.hosts[n] = h
	}
	s.mu.Unlock()
	h.once.Do(func() {
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			r, err := s.whole(s.Resolver, n, t, true)
			if err != nil {
				h.err = fmt.Errorf("the resolver %v: %s", s.Resolver, why(err))
				continue
			}
			if r.Rcode != rcodeSuccess && r.Rcode != rcodeNXDomain {
				h.err = fmt.Errorf("the resolver %v answers %s", s.Resolver, rcodeText(r.Rcode))
			}
			for _, rec := range r.Answer { // whatever its owner: an alias may lead there
				h.addrs = append(h.addrs, addressOf(rec)...)
			}
		}
	})
	return h.addrs, h.err
}

const (
	rcodeSuccess  = 0
	rcodeNXDomain = 3
)

// addressOf returns the address of an A or AAAA record, none of any other.
func addressOf(r zones.Record) []netip.Addr {
	if r.Type != zones.TypeA && r.Type != zones.TypeAAAA {
		return nil
	}
	a, ok := netip.AddrFromSlice([]byte(r.Data))
	if !ok {
		return nil
	}
	return []netip.Addr{a}
}

// stated returns the addresses that the world gives a name, and whether the
// name lies in one of its zones.
func (s *survey) stated(n zones.Name) (addrs []netip.Addr, ours bool) {
	z := s.world.Nearest(s.view, n)
	if z == nil {
		return nil, false
	}
	for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
		set, _ := z.Lookup(n, t)
		for _, r := range set.Records() {
			addrs = append(addrs, addressOf(r)...)
		}
	}
	return addrs, true
}

// at lists where a name server is asked: where Servers says, else at the
// addresses that the world and the parent's glue give, else at those that the
// resolver finds.
func (s *survey) at(n zones.Name, glue []netip.Addr) (out []target) {
	add := func(a netip.AddrPort) { out = append(out, target{names: []zones.Name{n}, addr: a}) }
	for _, g := range s.Servers {
		if g.Name == n {
			add(g.Addr)
		}
	}
	if len(out) > 0 {
		return out
	}
	addrs, ours := s.stated(n)
	addrs = append(addrs, glue...)
	problem := "no address of it is known, and no resolver is given"
	if len(addrs) == 0 && s.Resolver.IsValid() {
		var err error
		if addrs, err = s.resolve(n); err != nil {
			problem = err.Error()
		} else {
			problem = "it has no address"
		}
	} else if ours {
		problem = "it has no address"
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	for _, a := range slices.Compact(addrs) {
		add(netip.AddrPortFrom(a.Unmap(), port))
	}
	if len(out) == 0 {
		return []target{{names: []zones.Name{n}, problem: problem}}
	}
	return out
}

// servers lists where the servers of a set of names are asked, each address
// once with all names that lead to it.
func (s *survey) servers(names []zones.Name, glue map[zones.Name][]netip.Addr) (out []target) {
	names = slices.Clone(names)
	slices.SortFunc(names, zones.Name.Compare)
	for _, n := range slices.Compact(names) {
		if len(out) >= mostServers {
			break
		}
		for _, t := range s.at(n, glue[n]) {
			i := slices.IndexFunc(out, func(o target) bool { return o.addr.IsValid() && o.addr == t.addr })
			switch {
			case i >= 0:
				out[i].names = append(out[i].names, n)
			case len(out) < mostServers:
				out = append(out, t)
			}
		}
	}
	return out
}

// listed lists the servers of a zone: those of its NS records here and at its
// parent. Their names are added to known.
func (s *survey) listed(z *zones.Zone, d delegation, known map[zones.Name]bool) []target {
	set, _ := z.Lookup(z.Origin(), zones.TypeNS)
	names := hostsOf(set.Records())
	glue := map[zones.Name][]netip.Addr{}
	for _, a := range d.said {
		names = append(names, a.ns...)
		for n, addrs := range a.glue {
			glue[n] = append(glue[n], addrs...)
		}
	}
	for _, n := range names {
		known[n] = true
	}
	return s.servers(names, glue)
}

// hostsOf returns the name servers of NS records.
func hostsOf(rs []zones.Record) (out []zones.Name) {
	for _, r := range rs {
		if n, _, err := zones.NameIn(r.Data); err == nil && r.Type == zones.TypeNS {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, zones.Name.Compare)
	return slices.Compact(out)
}

// parent finds the servers of the zone above a zone; a problem says why not.
func (s *survey) parent(z *zones.Zone) (targets []target, problem string) {
	if given := s.Parents[z.Origin()]; len(given) > 0 {
		for _, a := range given {
			targets = append(targets, target{addr: a})
		}
		return targets, ""
	}
	up, ok := z.Origin().Parent()
	if !ok {
		return nil, ""
	}
	if p := s.world.Nearest(s.view, up); p != nil {
		set, _ := p.Lookup(p.Origin(), zones.TypeNS)
		return s.servers(hostsOf(set.Records()), nil), ""
	}
	if !s.Resolver.IsValid() {
		return nil, "no resolver is given that could find the parent's servers"
	}
	for ; ok; up, ok = up.Parent() {
		r, err := s.whole(s.Resolver, up, zones.TypeNS, true)
		if err != nil {
			return nil, fmt.Sprintf("the resolver %v: %s", s.Resolver, why(err))
		}
		if r.Rcode != rcodeSuccess && r.Rcode != rcodeNXDomain {
			return nil, fmt.Sprintf("the resolver %v answers %s", s.Resolver, rcodeText(r.Rcode))
		}
		var own []zones.Record
		for _, rec := range r.Answer {
			if rec.Owner == up && rec.Type == zones.TypeNS {
				own = append(own, rec)
			}
		}
		if len(own) > 0 {
			return s.servers(hostsOf(own), nil), ""
		}
	}
	return nil, fmt.Sprintf("the resolver %v knows no zone above it", s.Resolver)
}
