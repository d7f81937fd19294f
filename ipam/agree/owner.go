package agree

import (
	"cmp"
	"slices"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/zones"
)

// Organisation is whose the names at and below a name are.
type Organisation struct {
	Name zones.Name
	Code ipam.Code
	Was  []ipam.Code // closed codes: what they held is now its own
}

// owners knows organisations by name, and closed codes by what took their place.
type owners struct {
	byName map[zones.Name]ipam.Code
	closed map[ipam.Code]ipam.Code
}

func newOwners(all []Organisation) owners {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Organisation) int { // of two that claim one name or code the lower code counts
		return cmp.Or(a.Name.Compare(b.Name), cmp.Compare(a.Code.String(), b.Code.String()))
	})
	o := owners{map[zones.Name]ipam.Code{}, map[ipam.Code]ipam.Code{}}
	for _, x := range all {
		if _, ok := o.byName[x.Name]; !ok && !x.Name.IsZero() {
			o.byName[x.Name] = x.Code
		}
		for _, c := range x.Was {
			if old, ok := o.closed[c]; !ok || cmp.Compare(x.Code.String(), old.String()) < 0 {
				o.closed[c] = x.Code
			}
		}
	}
	return o
}

// of is the organisation of a name: the longest name at or above it counts.
func (o owners) of(n zones.Name) (ipam.Code, bool) {
	for {
		if c, ok := o.byName[n]; ok {
			return c, true
		}
		up, ok := n.Parent()
		if !ok {
			return ipam.Code{}, false
		}
		n = up
	}
}

// today is the code that took a closed one's place. Where only one above it is
// known, that one's stands for all its units.
func (o owners) today(c ipam.Code) ipam.Code {
	for x, ok := c, true; ok; x, ok = x.Parent() {
		if now, is := o.closed[x]; is {
			return now
		}
	}
	return c
}

// kin tells whether two codes are of one organisation, or one of a unit of the
// other (AGREE-KIN).
func (o owners) kin(a, b ipam.Code) bool {
	a, b = o.today(a), o.today(b)
	return a.Contains(b) || b.Contains(a)
}
