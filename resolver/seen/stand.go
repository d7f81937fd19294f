package seen

import (
	"cmp"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// Class says how an asked name stands to the zones.
type Class uint8

// The classes. Where a view of the log stands for several views of the world,
// the first of these that holds in one of them is taken.
const (
	Known     Class = iota // it stands there, or something stands below it
	Wild                   // a wildcard answers it; Near is the wildcard
	Delegated              // it lies below a delegation; Near is the cut
	Missing                // it stands nowhere, but should; or the asked type does not
	Misspelt               // it stands nowhere and is close to Near, which does
	Foreign                // it lies outside all zones
	Reverse                // it lies outside all zones, below in-addr.arpa or ip6.arpa
)

// String gives the class as a report has it.
func (c Class) String() string {
	return [...]string{"known", "wildcard", "delegated", "missing", "misspelt", "foreign", "reverse"}[min(c, Reverse)]
}

var (
	arpa4 = zones.MustName("in-addr.arpa")
	arpa6 = zones.MustName("ip6.arpa")
)

func isReverse(n zones.Name) bool { return n.Within(arpa4) || n.Within(arpa6) }

// standing is where a name stands, in one view of the world.
type standing struct {
	class Class // Known, Wild, Delegated, Missing, Foreign or Reverse
	zone  *zones.Zone
	at    zones.Name // what answers: the name itself, a wildcard, a DNAME's owner or a cut
}

// grounds are zones with all that exists in them, empty non-terminals too
// (RFC 4592 2.2.2). World and what is derived from it are not changed.
type grounds struct {
	world  zones.World
	views  []zones.View
	exists map[zones.ID]map[zones.Name]struct{} // names above owners, and no owners themselves
}

func newGrounds(w zones.World) *grounds {
	g := &grounds{world: w, views: w.Views(), exists: map[zones.ID]map[zones.Name]struct{}{}}
	for z := range w.All() {
		empty := map[zones.Name]struct{}{}
		for owner := range z.Owners() {
			for up, ok := owner.Parent(); ok && up.Within(z.Origin()); up, ok = up.Parent() {
				if _, known := empty[up]; known || len(z.At(up)) > 0 {
					break
				}
				empty[up] = struct{}{}
			}
		}
		g.exists[z.ID()] = empty
	}
	return g
}

// stand finds a name as a server would (RFC 1034 4.3.2, RFC 6672 3.2).
func (g *grounds) stand(v zones.View, n zones.Name) standing {
	z := g.world.Nearest(v, n)
	switch {
	case z == nil && isReverse(n):
		return standing{class: Reverse}
	case z == nil:
		return standing{class: Foreign}
	}
	path := []zones.Name{n}
	for n := n; n != z.Origin(); {
		n, _ = n.Parent()
		path = append(path, n)
	}
	slices.Reverse(path)
	encloser := z.Origin()
	for _, at := range path {
		_, empty := g.exists[z.ID()][at]
		if len(z.At(at)) == 0 && !empty {
			break
		}
		encloser = at
		_, cut := z.Lookup(at, zones.TypeNS)
		_, dname := z.Lookup(at, zones.TypeDNAME)
		switch {
		case at == n:
			return standing{Known, z, at}
		case cut && at != z.Origin():
			return standing{Delegated, z, at}
		case dname:
			return standing{Known, z, at}
		}
	}
	if star, err := encloser.Child("*"); err == nil && len(z.At(star)) > 0 {
		return standing{Wild, z, star}
	}
	return standing{Missing, z, n}
}

// best is stand over several views.
func (g *grounds) best(views []zones.View, n zones.Name) standing {
	if len(views) == 0 {
		return g.stand("", n)
	}
	return slices.MinFunc(each(views, func(v zones.View) standing { return g.stand(v, n) }), func(a, b standing) int {
		return cmp.Compare(a.class, b.class)
	})
}

// viewsOf tells which views of the world a view of the log stands for.
func (g *grounds) viewsOf(log string, given map[string]zones.View) []zones.View {
	if v, ok := given[log]; ok {
		return []zones.View{v}
	}
	if v := zones.View(log); slices.Contains(g.views, v) {
		return []zones.View{v}
	}
	return g.views
}

func each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// lacks tells whether the zone lacks what the old server's answer held of the
// asked type. The types of DNSSEC are not held against it.
func (s standing) lacks(r Row) bool {
	if r.Answer == nil || !r.Type.IsData() || r.Type.IsDNSSEC() {
		return false
	}
	for _, rec := range r.Answer.Records {
		switch s.class {
		case Known:
			if _, chain := s.zone.Lookup(s.at, zones.TypeCNAME); rec.Type != r.Type || chain || s.at != r.Name {
				continue
			}
			if _, ok := s.zone.Lookup(s.at, r.Type); !ok {
				return true
			}
		case Wild: // other data than the wildcard's: the name had its own
			if rec.Owner != r.Name || rec.Type.IsDNSSEC() {
				continue
			}
			if set, _ := s.zone.Lookup(s.at, rec.Type); !set.Has(rec.Data) {
				return true
			}
		}
	}
	return false
}
