package cutover

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Steps gives the worlds between before and after: first what comes is added
// to before, then what goes is still kept beside after. What neither can hold
// without changing other answers (an alias beside other data, a delegation
// above names) switches between the two.
func Steps(before, after zones.World) ([]zones.World, error) {
	added, err := joined(before, after)
	if err != nil {
		return nil, err
	}
	kept, err := joined(after, before)
	if err != nil {
		return nil, err
	}
	return []zones.World{added, kept}, nil
}

// joined is base with what more has beside it.
func joined(base, more zones.World) (zones.World, error) {
	var zs []*zones.Zone
	for z := range base.All() {
		m := more.Zone(z.ID())
		if m == nil {
			zs = append(zs, z)
			continue
		}
		j, err := join(z, m, base, more)
		if err != nil {
			return zones.World{}, err
		}
		zs = append(zs, j)
	}
	for z := range more.All() {
		if base.Zone(z.ID()) == nil {
			zs = append(zs, z)
		}
	}
	return zones.NewWorld(zs...)
}

func join(base, more *zones.Zone, from, to zones.World) (*zones.Zone, error) {
	f := fitting{base: base, more: more, from: from, to: to, origin: base.Origin(), exists: map[zones.Name]bool{}}
	for n := range base.Owners() {
		for n != f.origin && !f.exists[n] {
			f.exists[n] = true
			n, _ = n.Parent()
		}
	}
	f.exists[f.origin] = true
	b := zones.NewBuilder(base.ID())
	for r := range base.Records() {
		b.Add(r)
	}
	any := false
	for n := range more.Owners() {
		for _, s := range more.At(n) {
			if f.fits(n, s, more.At(n)) && !f.turns(s) {
				any = true
				for _, r := range s.Records() {
					b.Add(r)
				}
			}
		}
	}
	if !any {
		return base, nil
	}
	return b.Freeze()
}

// fitting tells what a zone can take in beside its own records.
type fitting struct {
	base   *zones.Zone
	from   zones.World // of base
	to     zones.World
	more   *zones.Zone
	origin zones.Name
	exists map[zones.Name]bool // names of base, empty non-terminals too
}

// fits tells whether an RRset can stand beside base without changing what
// base's own names answer, but for types that they had not.
func (f *fitting) fits(owner zones.Name, s zones.RRset, all []zones.RRset) bool {
	t := s.Type()
	if _, has := f.base.Lookup(owner, t); has || t == zones.TypeSOA {
		return false
	}
	if f.hidden(owner) {
		return false
	}
	if !f.exists[owner] {
		return !f.synthesised(owner) || !points(all)
	}
	if owner == f.origin {
		return t != zones.TypeDNAME
	}
	here := f.base.At(owner)
	switch t {
	case zones.TypeCNAME, zones.TypeNS, zones.TypeDNAME:
		return false // it would hide what stands at the name, or below it
	case zones.TypeDS:
		_, cut := f.base.Lookup(owner, zones.TypeNS)
		return cut
	}
	for _, x := range here {
		if x.Type() == zones.TypeCNAME {
			return false
		}
	}
	for _, x := range all {
		if x.Type() == zones.TypeNS || x.Type() == zones.TypeDNAME {
			return false // comes with its delegation
		}
	}
	return true
}

// synthesised tells whether a wildcard of base answers for a name.
func (f *fitting) synthesised(n zones.Name) bool {
	for up, ok := n.Parent(); ok; up, ok = up.Parent() {
		if f.exists[up] {
			star, err := up.Child("*")
			return err == nil && f.exists[star]
		}
	}
	return false
}

// hidden tells whether a delegation or DNAME above a name, which base cannot
// take in, hides it there: it comes with that.
func (f *fitting) hidden(n zones.Name) bool {
	for up, ok := n.Parent(); ok && up.Below(f.origin); up, ok = up.Parent() {
		for _, t := range []zones.Type{zones.TypeNS, zones.TypeDNAME} {
			_, comes := f.more.Lookup(up, t)
			if _, stands := f.base.Lookup(up, t); comes && !stands && f.exists[up] {
				return true
			}
		}
	}
	return false
}

// turns tells whether a record points at a name that becomes what it is only
// later: it comes with that.
func (f *fitting) turns(s zones.RRset) bool {
	for i := range s.Len() {
		names, _ := rdata.Names(s.Type(), s.Data(i))
		for _, x := range names {
			a, b := f.from.Nearest(f.base.View(), x.Name), f.to.Nearest(f.base.View(), x.Name)
			if b == f.more && slices.ContainsFunc(b.At(x.Name), func(s zones.RRset) bool {
				_, has := f.base.Lookup(x.Name, s.Type())
				return !has && !f.fits(x.Name, s, b.At(x.Name))
			}) {
				return true
			}
			if a == nil || b == nil || len(a.At(x.Name)) == 0 || len(b.At(x.Name)) == 0 {
				continue
			}
			c, ok := a.Lookup(x.Name, zones.TypeCNAME)
			d, is := b.Lookup(x.Name, zones.TypeCNAME)
			if ok != is || ok && c.Data(0) != d.Data(0) {
				return true
			}
		}
	}
	return false
}

// points tells whether records name other names, which a client asks for next.
func points(all []zones.RRset) bool {
	for _, s := range all {
		for i := range s.Len() {
			if names, _ := rdata.Names(s.Type(), s.Data(i)); len(names) > 0 {
				return true
			}
		}
	}
	return false
}
