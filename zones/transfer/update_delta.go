package transfer

import (
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// Delta is what the changes do to a zone, one after another (RFC 2136 3.4.2).
// What cannot be done is passed over, as the RFC says, and as BIND does so is an
// NS or DNAME of a wildcard, a DS at the apex or without an NS. An RRset has the TTL that
// was stated last for it (RFC 2181 5.2). The serial is the caller's (Numbered),
// but an SOA that the changes bring has one that is later (3.4.2.2).
func (u *Update) Delta(z *zones.Zone) zones.Delta {
	e := editor{z: z, owners: map[zones.Name]map[zones.Type]*setEdit{}}
	for _, c := range u.Changes {
		switch c.Class {
		case zones.ClassIN:
			e.add(c)
		case zones.ClassANY:
			e.deleteSets(c.Owner, c.Type)
		case zones.ClassNONE:
			e.deleteRecord(c)
		}
	}
	e.dropDS()
	return e.delta()
}

// editor is a zone under change.
type editor struct {
	z      *zones.Zone
	owners map[zones.Name]map[zones.Type]*setEdit // those touched
}

// at is what an owner has now.
func (e *editor) at(owner zones.Name) map[zones.Type]*setEdit {
	sets := e.owners[owner]
	if sets == nil {
		sets = map[zones.Type]*setEdit{}
		for _, s := range e.z.At(owner) {
			sets[s.Type()] = &setEdit{base: s, ttl: s.TTL()}
		}
		e.owners[owner] = sets
	}
	return sets
}

func (e *editor) apex(owner zones.Name) bool { return owner == e.z.Origin() }

// besideCNAME tells whether a type may stand beside a CNAME (RFC 2535 2.3.5,
// RFC 4035 2.5).
func besideCNAME(t zones.Type) bool {
	return t == zones.TypeCNAME || t == zones.TypeRRSIG || t == zones.TypeNSEC || t == zones.TypeKEY
}

// add is 3.4.2.2.
func (e *editor) add(c UpdateRecord) {
	wildcard := c.Owner.IsWildcard() && (c.Type == zones.TypeNS || c.Type == zones.TypeDNAME)
	if wildcard || c.Type == zones.TypeDS && e.apex(c.Owner) {
		return // without a meaning (RFC 4592 4.2, 4.4, RFC 4035 2.4)
	}
	sets := e.at(c.Owner)
	ttl := c.TTL
	if ttl > zones.MaxTTL {
		ttl = 0 // RFC 2181 8
	}
	for t, s := range sets {
		if s.len() > 0 && (c.Type == zones.TypeCNAME && !besideCNAME(t) || t == zones.TypeCNAME && !besideCNAME(c.Type)) {
			return
		}
	}
	s := sets[c.Type]
	if s == nil {
		s = &setEdit{}
		sets[c.Type] = s
	}
	switch c.Type {
	case zones.TypeSOA:
		if s.len() == 0 || !soaSerial(zones.Record{Data: s.all()[0]}).Before(soaSerial(zones.Record{Data: c.Data})) {
			return
		}
		s.clear()
	case zones.TypeCNAME, zones.TypeDNAME: // one at most (RFC 6672 2.4)
		s.clear()
	case zones.TypeWKS: // one for an address and protocol
		for _, d := range s.all() {
			if len(d) >= 5 && strings.HasPrefix(c.Data, d[:5]) {
				s.remove(d)
			}
		}
	}
	s.put(c.Data)
	s.ttl = ttl
}

// deleteSets is 3.4.2.3: an RRset, or with ANY all of a name. At the apex SOA
// and NS stay.
func (e *editor) deleteSets(owner zones.Name, typ zones.Type) {
	for t, s := range e.at(owner) {
		if typ != zones.TypeANY && t != typ || e.apex(owner) && (t == zones.TypeSOA || t == zones.TypeNS) {
			continue
		}
		s.clear()
	}
}

// deleteRecord is 3.4.2.4. At the apex the SOA and the last NS stay.
func (e *editor) deleteRecord(c UpdateRecord) {
	s := e.at(c.Owner)[c.Type]
	if s == nil || e.apex(c.Owner) && (c.Type == zones.TypeSOA || c.Type == zones.TypeNS && s.len() == 1) {
		return
	}
	s.remove(c.Data)
}

// dropDS takes a DS away where a change left none of the NS that it belongs to
// (RFC 4035 2.4).
func (e *editor) dropDS() {
	for _, sets := range e.owners {
		ds, ns := sets[zones.TypeDS], sets[zones.TypeNS]
		if ds == nil || ds.len() == 0 || ns != nil && ns.len() > 0 {
			continue
		}
		if ns != nil && ns.base.Len() > 0 || slices.ContainsFunc(ds.all(), func(d string) bool { return !ds.base.Has(d) }) {
			ds.clear()
		}
	}
}

// delta is the difference between what was and what is.
func (e *editor) delta() zones.Delta {
	d := zones.Delta{ID: e.z.ID()}
	for owner, sets := range e.owners {
		for typ, s := range sets {
			for i := range s.touched() {
				r := s.base.Record(i)
				switch {
				case !s.has(r.Data):
					d.Removed = append(d.Removed, r)
				case s.ttl != r.TTL:
					d.Removed = append(d.Removed, r)
					r.TTL = s.ttl
					d.Added = append(d.Added, r)
				}
			}
			for data := range s.come {
				if !s.base.Has(data) {
					d.Added = append(d.Added, zones.Record{Owner: owner, Type: typ, TTL: s.ttl, Data: data})
				}
			}
		}
	}
	slices.SortFunc(d.Removed, zones.Record.Compare)
	slices.SortFunc(d.Added, zones.Record.Compare)
	return d
}

// setEdit is an RRset under change. A large one is not copied for a small
// change, and each change costs little, however often it is made.
type setEdit struct {
	base  zones.RRset     // what it was
	wiped bool            // nothing of base is left but what came again
	gone  map[string]bool // of base, unless wiped
	come  map[string]bool // beyond what is left of base
	ttl   uint32
}

func (s *setEdit) len() int {
	if s.wiped {
		return len(s.come)
	}
	return s.base.Len() - len(s.gone) + len(s.come)
}

// left tells whether data is of what is left of base.
func (s *setEdit) left(data string) bool { return !s.wiped && s.base.Has(data) && !s.gone[data] }

func (s *setEdit) has(data string) bool { return s.come[data] || s.left(data) }

func (s *setEdit) put(data string) {
	switch {
	case s.left(data):
	case !s.wiped && s.gone[data]:
		delete(s.gone, data)
	case s.come == nil:
		s.come = map[string]bool{data: true}
	default:
		s.come[data] = true
	}
}

func (s *setEdit) remove(data string) {
	switch {
	case !s.left(data):
		delete(s.come, data)
	case s.gone == nil:
		s.gone = map[string]bool{data: true}
	default:
		s.gone[data] = true
	}
}

func (s *setEdit) clear() { s.wiped, s.gone, s.come = true, nil, nil }

func (s *setEdit) all() (out []string) {
	for i := range s.base.Len() {
		if d := s.base.Data(i); s.left(d) {
			out = append(out, d)
		}
	}
	for d := range s.come {
		out = append(out, d)
	}
	return out
}

// touched counts the records of base to look at: none where it stays as it was.
func (s *setEdit) touched() int {
	if !s.wiped && len(s.gone) == 0 && s.ttl == s.base.TTL() {
		return 0
	}
	return s.base.Len()
}

// Numbered gives a delta of z the serial of the zone that it leads to: next, or
// that of the SOA that it brings (RFC 2136 3.6). An empty delta stays empty.
func Numbered(z *zones.Zone, d zones.Delta, next zones.Serial) zones.Delta {
	if _, has := apexSOA(d.Added, z.Origin()); has || d.Empty() {
		return d
	}
	set, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	old := set.Record(0)
	new, soa := old, z.SOA()
	soa.Serial = next
	new.Data = soa.Data()
	with := func(rs []zones.Record, r zones.Record) []zones.Record {
		at, _ := slices.BinarySearchFunc(rs, r, zones.Record.Compare)
		return slices.Insert(slices.Clone(rs), at, r)
	}
	return zones.Delta{ID: d.ID, Removed: with(d.Removed, old), Added: with(d.Added, new)}
}
