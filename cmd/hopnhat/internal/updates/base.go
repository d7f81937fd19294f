package updates

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// state is the content after the first n steps, by its serial.
type state struct {
	n      int
	serial zones.Serial
}

// states lists the states that steps lead through, the oldest first.
func states(steps []Entry) []state {
	if len(steps) == 0 {
		return nil
	}
	from, _ := steps[0].serials()
	out := []state{{0, from}}
	for i, s := range steps {
		_, to := s.serials()
		out = append(out, state{i + 1, to})
	}
	return out
}

// base tells from which state a file was edited, as the number of steps that
// lead to it.
//
//	its serial is that of a state       -> that one: who edited left it alone
//	its serial is the one after         -> that one: updates raise a serial by two, people by one
//	else (a date, or more than one)     -> the state whose traces fit the file best, the latest of them
func base(steps []Entry, file *zones.Zone) int {
	ss := states(steps)
	for _, above := range []zones.Serial{0, 1} {
		for _, s := range slices.Backward(ss) {
			if s.serial+above == file.Serial() {
				return s.n
			}
		}
	}
	return nearest(steps, file)
}

// datum is a record without its TTL.
type datum struct {
	key  zones.Key
	data string
}

func datumOf(r zones.Record) datum { return datum{zones.Key{Owner: r.Owner, Type: r.Type}, r.Data} }

// nearest counts for each state how many of the records that any step touches
// are in the file and not in the state, or the other way round. What no step
// touches counts the same for all.
func nearest(steps []Entry, file *zones.Zone) int {
	here := map[datum]bool{} // what a state has; first the state before all steps
	for _, s := range steps {
		for i, rs := range [][]zones.Record{s.Delta.Removed, s.Delta.Added} {
			for _, r := range rs {
				if _, known := here[datumOf(r)]; !known && r.Type != zones.TypeSOA {
					here[datumOf(r)] = i == 0
				}
			}
		}
	}
	misfit := func(d datum) int {
		set, _ := file.Lookup(d.key.Owner, d.key.Type)
		if set.Has(d.data) != here[d] {
			return 1
		}
		return 0
	}
	n := 0
	for d := range here {
		n += misfit(d)
	}
	best, least := 0, n
	for i, s := range steps {
		for k, rs := range [][]zones.Record{s.Delta.Removed, s.Delta.Added} {
			for _, r := range rs {
				if r.Type == zones.TypeSOA {
					continue
				}
				d := datumOf(r)
				n -= misfit(d)
				here[d] = k == 1
				n += misfit(d)
			}
		}
		if n <= least {
			best, least = i+1, n
		}
	}
	return best
}

// lacking is what the updates among steps would still change in a zone, each made
// by its effect (NOT-TWICE), without the serial. People's steps are passed over:
// of two people who edit one file the later wins.
func lacking(steps []Entry, z *zones.Zone) zones.Delta {
	w := work{z: z, sets: map[zones.Key][]zones.Record{}}
	soa := z.SOA()
	for _, s := range steps {
		if s.Kind != Update {
			continue
		}
		for _, r := range s.Delta.Removed {
			w.remove(r)
		}
		for _, r := range s.Delta.Added {
			w.add(r)
		}
		soa = fields(soa, s.Delta)
	}
	d := w.delta()
	if soa != z.SOA() {
		d = withSOA(d, z, soa)
	}
	return d
}

// fields takes the fields of an SOA that a step changed, but for the serial.
func fields(soa zones.SOA, d zones.Delta) zones.SOA {
	was, ok1 := soaOf(d.Removed, d.ID.Origin)
	now, ok2 := soaOf(d.Added, d.ID.Origin)
	if !ok1 || !ok2 {
		return soa
	}
	was.Serial, now.Serial = soa.Serial, soa.Serial
	if was == now {
		return soa
	}
	return now
}

func soaOf(rs []zones.Record, origin zones.Name) (zones.SOA, bool) {
	for _, r := range rs {
		if r.Type == zones.TypeSOA && r.Owner == origin {
			soa, err := zones.ParseSOA(r.Data)
			return soa, err == nil
		}
	}
	return zones.SOA{}, false
}

// WithSerial is a delta that leads from z to content under another serial.
func WithSerial(d zones.Delta, z *zones.Zone, s zones.Serial) zones.Delta {
	soa := z.SOA()
	if now, ok := soaOf(d.Added, z.Origin()); ok {
		soa = now
	}
	soa.Serial = s
	return withSOA(d, z, soa)
}

// SerialAfter is the serial that a delta gives, z's own where it gives none.
func SerialAfter(d zones.Delta, z *zones.Zone) zones.Serial {
	if soa, ok := soaOf(d.Added, z.Origin()); ok {
		return soa.Serial
	}
	return z.Serial()
}

// withSOA puts the change of the SOA into a delta, in front: the apex sorts
// first, and among its types the SOA's place is found.
func withSOA(d zones.Delta, z *zones.Zone, soa zones.SOA) zones.Delta {
	set, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	old := set.Record(0)
	put := func(rs []zones.Record, r zones.Record) []zones.Record {
		rs = slices.DeleteFunc(slices.Clone(rs), func(q zones.Record) bool { return q.Type == zones.TypeSOA && q.Owner == z.Origin() })
		rs = append(rs, r)
		slices.SortFunc(rs, zones.Record.Compare)
		return rs
	}
	now := old
	now.Data = soa.Data()
	if i := slices.IndexFunc(d.Added, func(q zones.Record) bool { return q.Type == zones.TypeSOA && q.Owner == z.Origin() }); i >= 0 {
		now.TTL = d.Added[i].TTL
	}
	if now.Same(old) {
		return d
	}
	return zones.Delta{ID: z.ID(), Removed: put(d.Removed, old), Added: put(d.Added, now)}
}

// work is a zone with some of its RRsets changed.
type work struct {
	z    *zones.Zone
	sets map[zones.Key][]zones.Record
}

func (w *work) at(k zones.Key) []zones.Record {
	rs, ok := w.sets[k]
	if !ok {
		set, _ := w.z.Lookup(k.Owner, k.Type)
		rs = set.Records()
		w.sets[k] = rs
	}
	return rs
}

func (w *work) remove(r zones.Record) {
	if r.Type == zones.TypeSOA {
		return
	}
	k := zones.Key{Owner: r.Owner, Type: r.Type}
	w.sets[k] = slices.DeleteFunc(slices.Clone(w.at(k)), func(q zones.Record) bool { return q.Data == r.Data })
}

// add adds a record with its TTL, which the RRset takes; beside a CNAME, or a
// CNAME beside other data, nothing is added (RFC 2136 3.4.2.2).
func (w *work) add(r zones.Record) {
	if r.Type == zones.TypeSOA || w.bars(r) {
		return
	}
	k := zones.Key{Owner: r.Owner, Type: r.Type}
	rs := slices.DeleteFunc(slices.Clone(w.at(k)), func(q zones.Record) bool { return q.Data == r.Data })
	for i := range rs {
		rs[i].TTL = r.TTL
	}
	w.sets[k] = append(rs, r)
}

func (w *work) bars(r zones.Record) bool {
	types := map[zones.Type]bool{}
	for _, s := range w.z.At(r.Owner) {
		types[s.Type()] = true
	}
	for k := range w.sets {
		if k.Owner == r.Owner {
			types[k.Type] = true
		}
	}
	for t := range types {
		if t == r.Type || len(w.at(zones.Key{Owner: r.Owner, Type: t})) == 0 {
			continue
		}
		if r.Type == zones.TypeCNAME && !besideCNAME(t) || t == zones.TypeCNAME && !besideCNAME(r.Type) {
			return true
		}
	}
	return false
}

// besideCNAME tells which types may stand beside a CNAME (RFC 4034 3, 4).
func besideCNAME(t zones.Type) bool { return t == zones.TypeRRSIG || t == zones.TypeNSEC }

// delta is what the work comes to.
func (w *work) delta() zones.Delta {
	d := zones.Delta{ID: w.z.ID()}
	for k, rs := range w.sets {
		set, _ := w.z.Lookup(k.Owner, k.Type)
		was := set.Records()
		gone := func(q zones.Record) bool { return !slices.ContainsFunc(rs, q.Same) }
		come := func(q zones.Record) bool { return !slices.ContainsFunc(was, q.Same) }
		for _, r := range was {
			if gone(r) {
				d.Removed = append(d.Removed, r)
			}
		}
		for _, r := range rs {
			if come(r) {
				d.Added = append(d.Added, r)
			}
		}
	}
	slices.SortFunc(d.Removed, zones.Record.Compare)
	slices.SortFunc(d.Added, zones.Record.Compare)
	return d
}
