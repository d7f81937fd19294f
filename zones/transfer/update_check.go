package transfer

import "gialai.gov.vn/hopnhat/zones"

// prescan judges the form of the changes (RFC 2136 3.4.1).
func (u *Update) prescan() Rcode {
	for _, c := range u.Changes {
		if !c.Owner.Within(u.Zone) {
			return RcodeNotZone
		}
		ok := false
		switch c.Class {
		case zones.ClassIN:
			ok = c.Type.IsData()
		case zones.ClassANY:
			ok = c.TTL == 0 && (c.Type.IsData() || c.Type == zones.TypeANY)
		case zones.ClassNONE:
			ok = c.TTL == 0 && c.Type.IsData()
		}
		if !ok {
			return RcodeFormErr
		}
	}
	return RcodeNoError
}

// Check holds the prerequisites against a zone (RFC 2136 3.2), in their order;
// RRsets that must have certain records come last, as a whole each. Names are
// those that own records: neither wildcards nor names that are only passed
// through count (2.4.4), TTLs are not compared (2.4.2).
func (u *Update) Check(z *zones.Zone) Rcode {
	sets := map[zones.Key]map[string]bool{}
	for _, p := range u.Prerequisites {
		switch {
		case p.TTL != 0:
			return RcodeFormErr
		case !p.Owner.Within(u.Zone):
			return RcodeNotZone
		case p.Class == zones.ClassIN:
			k := zones.Key{Owner: p.Owner, Type: p.Type}
			if sets[k] == nil {
				sets[k] = map[string]bool{}
			}
			sets[k][p.Data] = true
			continue
		}
		is := len(z.At(p.Owner)) > 0
		if p.Type != zones.TypeANY {
			_, is = z.Lookup(p.Owner, p.Type)
		}
		switch {
		case is == (p.Class == zones.ClassANY):
		case is && p.Type == zones.TypeANY:
			return RcodeYXDomain
		case is:
			return RcodeYXRRSet
		case p.Type == zones.TypeANY:
			return RcodeNXDomain
		default:
			return RcodeNXRRSet
		}
	}
	for k, want := range sets {
		s, _ := z.Lookup(k.Owner, k.Type)
		if s.Len() != len(want) {
			return RcodeNXRRSet
		}
		for i := range s.Len() {
			if !want[s.Data(i)] {
				return RcodeNXRRSet
			}
		}
	}
	return RcodeNoError
}
