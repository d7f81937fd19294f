package transfer

import (
	"encoding/binary"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// steps condenses the differences of an IXFR answer (RFC 1995 4) into one
// delta from the zone that we have:
//
//	removing --an SOA: the serial reached--> adding --our SOA of then--> removing
//	                                         adding --the first SOA--> done
//
// It takes nothing on trust: what is removed must be there with its TTL, what
// is added must not.
type steps struct {
	have   *zones.Zone
	serial zones.Serial // that the steps have reached
	adding bool
	seen   map[datum]standing // of each record that was named: what became of it
	result *zones.Delta       // all in one, when it has led to a zone
}

type datum struct {
	key  zones.Key
	data string
}

type standing struct {
	there bool
	ttl   uint32
	from  zones.Provenance
}

// stepError is a sequence of differences that does not lead on from our zone:
// the whole zone is to be fetched instead.
type stepError struct{ what string }

func (e *stepError) Error() string { return e.what }

func newSteps(have *zones.Zone, serial zones.Serial) *steps {
	return &steps{have: have, serial: serial, adding: true, seen: map[datum]standing{}}
}

// apex takes an SOA of the zone; last is the data of the first one, which ends
// the answer.
func (s *steps) apex(data string, soa zones.SOA, last string) (done bool, err error) {
	switch {
	case s.adding && data == last && soa.Serial == s.serial && len(s.seen) > 0:
		return true, nil
	case s.adding && soa.Serial != s.serial:
		return false, &stepError{fmt.Sprintf("a difference from serial %d where %d was reached", soa.Serial, s.serial)}
	case s.adding:
		s.adding = false
	case !s.serial.Before(soa.Serial):
		return false, &stepError{fmt.Sprintf("a difference from serial %d to %d, which does not come after it", s.serial, soa.Serial)}
	default:
		s.adding, s.serial = true, soa.Serial
	}
	return false, nil
}

// record takes one record, the SOAs included.
func (s *steps) record(r zones.Record) error {
	if r.TTL > zones.MaxTTL {
		r.TTL = 0 // RFC 2181 8
	}
	d := datum{zones.Key{Owner: r.Owner, Type: r.Type}, r.Data}
	now, ok := s.seen[d]
	if !ok {
		now = s.before(d)
	}
	switch {
	case s.adding && now.there:
		return &stepError{fmt.Sprintf("%v is added and there", d.key)}
	case !s.adding && (!now.there || now.ttl != r.TTL):
		return &stepError{fmt.Sprintf("%v is removed and not there so", d.key)}
	}
	s.seen[d] = standing{s.adding, r.TTL, r.From}
	return nil
}

// before is what our zone says of a record.
func (s *steps) before(d datum) standing {
	set, ok := s.have.Lookup(d.key.Owner, d.key.Type)
	return standing{there: ok && set.Has(d.data), ttl: set.TTL()}
}

// delta is all steps in one.
func (s *steps) delta() (zones.Delta, error) {
	d := zones.Delta{ID: s.have.ID()}
	ends := map[zones.Key]ending{}
	for k, now := range s.seen {
		before := s.before(k)
		e := ends[k.key]
		if before.there {
			e.named++
		}
		if now.there {
			e.add(now.ttl)
		}
		ends[k.key] = e
		if before.there == now.there && (!now.there || before.ttl == now.ttl) {
			continue
		}
		r := zones.Record{Owner: k.key.Owner, Type: k.key.Type, Data: k.data}
		if before.there {
			r.TTL = before.ttl
			d.Removed = append(d.Removed, r)
		}
		if now.there {
			r.TTL, r.From = now.ttl, now.from
			d.Added = append(d.Added, r)
		}
	}
	for k, e := range ends {
		if set, ok := s.have.Lookup(k.Owner, k.Type); ok && e.named < set.Len() {
			e.add(set.TTL())
		}
		if e.several {
			return d, &stepError{fmt.Sprintf("%v has several TTLs", k)}
		}
	}
	slices.SortFunc(d.Removed, zones.Record.Compare)
	slices.SortFunc(d.Added, zones.Record.Compare)
	return d, nil
}

// ending is an RRset after the steps. Where it has several TTLs the lowest
// stands (RFC 2181 5.2), and which that is only the whole zone says: ours has
// forgotten the others.
type ending struct {
	named          int // records of ours that the steps name
	ttl            uint32
	known, several bool
}

func (e *ending) add(ttl uint32) {
	e.several = e.several || e.known && ttl != e.ttl
	e.ttl, e.known = ttl, true
}

// step takes an SOA among differences.
func (r *receiver) step(m message, rec record, data string, soa zones.SOA) error {
	done, err := r.steps.apex(data, soa, r.soa)
	if err != nil {
		return r.mismatch(err)
	}
	if done {
		r.report.Records--
		r.done = true
		return nil
	}
	return r.keep(m, rec, r.zone)
}

func (r *receiver) mismatch(err error) error {
	return r.fault("X-STEP", err.Error(), "the whole zone is fetched instead; if it stays so, the server's journal is damaged (BIND: rndc sync -clean, Knot: knotc zone-purge +journal)")
}

// led is the zone that the differences lead to; nil with an error among the
// findings.
func (r *receiver) led() *zones.Zone {
	if finding.Failed(r.finds) {
		return nil
	}
	r.report.Taken = r.report.Records - r.report.Refused
	d, err := r.steps.delta()
	if err == nil {
		var z *zones.Zone
		z, err = d.Apply(r.have)
		switch {
		case err != nil:
		case z.SOA().Data() != r.soa:
			err = &stepError{fmt.Sprintf("the SOA that is reached is not the first one, of serial %d", r.report.Serial)}
		default:
			r.steps.result = &d
			return z
		}
	}
	f := r.mismatch(err).(finding.Finding)
	r.finds = append(r.finds, f)
	return nil
}

// queryIXFR asks for what changed since a zone (RFC 1995 3): our SOA stands in
// the authority section.
func queryIXFR(id uint16, have *zones.Zone) []byte {
	var p packer
	p.reset(query(id, have.Origin(), zones.TypeIXFR), 0)
	soa, _ := have.Lookup(have.Origin(), zones.TypeSOA)
	p.record(soa.Owner(), soa.Type(), soa.TTL(), soa.Data(0))
	binary.BigEndian.PutUint16(p.out[8:], 1)
	return p.out
}
