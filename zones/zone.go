package zones

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
)

// View is one side of a split horizon: the internet, the data network. A
// zone is served to those who ask in its view, and views never mix.
type View string

// Internet is the view of a workspace that names no other.
const Internet View = "internet"

// ID is a zone's identity (ZONE-ID). It is comparable.
type ID struct {
	Origin Name
	View   View
}

// String gives "origin (view)".
func (id ID) String() string { return id.Origin.Text() + " (" + string(id.View) + ")" }

// Compare orders by view, then by origin.
func (id ID) Compare(o ID) int {
	if id.View != o.View {
		if id.View < o.View {
			return -1
		}
		return 1
	}
	return id.Origin.Compare(o.Origin)
}

// Digest identifies content: SHA-256 over canonical records.
type Digest [32]byte

// String gives lower-case hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Zone is a frozen zone (ZONE-SOA, ZONE-IN, ZONE-ID). It is immutable and safe
// for use by several goroutines. There is no useful zero value: a Zone comes
// from Builder.Freeze, WithSerial or Delta.Apply.
//
// A zone that comes from another by a change shares its frozen part, and has
// the owners that differ beside it (ZONE-OVER):
//
//	sets   a/A a/MX b/A c/A c/TXT d/A
//	over            b: gone  c: A      cc: A      -> a/A a/MX c/A cc/A d/A
type Zone struct {
	id     ID
	soa    SOA
	sets   []RRset       // by Key
	owners map[Name]span // where an owner's sets stand in sets
	over   overlay
	count  counts
	digest *lazyDigest
}

type span struct{ from, to int32 }

// counts is how many there are of each.
type counts struct{ owners, sets, records int }

// add counts the RRsets of one owner, times 1 or -1.
func (c *counts) add(sets []RRset, times int) {
	if len(sets) > 0 {
		c.owners += times
	}
	c.sets += times * len(sets)
	for i := range sets {
		c.records += times * len(sets[i].all)
	}
}

// lazyDigest is a digest that is computed when it is first asked for.
type lazyDigest struct {
	once sync.Once
	d    Digest
}

// ID returns the identity.
func (z *Zone) ID() ID { return z.id }

// Origin returns the apex.
func (z *Zone) Origin() Name { return z.id.Origin }

// View returns the view.
func (z *Zone) View() View { return z.id.View }

// SOA returns the fields of the SOA record.
func (z *Zone) SOA() SOA { return z.soa }

// Serial returns the SOA's serial.
func (z *Zone) Serial() Serial { return z.soa.Serial }

// Lookup returns one RRset, exactly as the zone states it: no wildcard, no
// cut, no chain.
func (z *Zone) Lookup(owner Name, t Type) (RRset, bool) {
	for _, s := range z.At(owner) {
		if s.key.Type == t {
			return s, true
		}
	}
	return RRset{}, false
}

// At returns the RRsets of an owner, by type. The slice must not be changed.
func (z *Zone) At(owner Name) []RRset {
	if z.over.count > 0 {
		if c, ok := z.over.find(owner); ok {
			return c.sets
		}
	}
	s := z.owners[owner]
	return z.sets[s.from:s.to:s.to]
}

// All yields the RRsets in canonical order: by owner, then by type.
func (z *Zone) All() iter.Seq[RRset] {
	if z.over.count == 0 {
		return slices.Values(z.sets)
	}
	return func(yield func(RRset) bool) {
		for run := range z.runs(Name{}) {
			for _, s := range run {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// Names yields each owner in canonical order with its RRsets, as At gives them.
func (z *Zone) Names() iter.Seq2[Name, []RRset] { return z.from(Name{}) }

// Below yields the owners at or below a name, as Names does.
func (z *Zone) Below(name Name) iter.Seq2[Name, []RRset] {
	return func(yield func(Name, []RRset) bool) {
		for n, sets := range z.from(name) {
			if !n.Within(name) || !yield(n, sets) {
				return
			}
		}
	}
}

// from yields the owners from a name on.
func (z *Zone) from(name Name) iter.Seq2[Name, []RRset] {
	return func(yield func(Name, []RRset) bool) {
		for run := range z.runs(name) {
			for i := 0; i < len(run); {
				j := i + 1
				for j < len(run) && run[j].key.Owner == run[i].key.Owner {
					j++
				}
				if !yield(run[i].key.Owner, run[i:j:j]) {
					return
				}
				i = j
			}
		}
	}
}

// runs yields the RRsets in canonical order, from those of a name on (the zero
// Name: from the first), in stretches. An owner's RRsets stand in one of them.
func (z *Zone) runs(name Name) iter.Seq[[]RRset] {
	return func(yield func([]RRset) bool) {
		at := int32(0)
		if !name.IsZero() {
			at = z.place(name).from
		}
		for c := range z.over.from(name) {
			if at < c.at.from && !yield(z.sets[at:c.at.from]) {
				return
			}
			if len(c.sets) > 0 && !yield(c.sets) {
				return
			}
			at = c.at.to
		}
		if int(at) < len(z.sets) {
			yield(z.sets[at:])
		}
	}
}

// place tells where an owner stands in the frozen part, or sorts to.
func (z *Zone) place(owner Name) span {
	if s, ok := z.owners[owner]; ok {
		return s
	}
	i, _ := slices.BinarySearchFunc(z.sets, owner, func(s RRset, n Name) int { return s.key.Owner.Compare(n) })
	return span{int32(i), int32(i)}
}

// Records yields the records in canonical order.
func (z *Zone) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for s := range z.All() {
			for i := range s.Len() {
				if !yield(s.Record(i)) {
					return
				}
			}
		}
	}
}

// Owners yields the names that own records, in canonical order.
func (z *Zone) Owners() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		for n := range z.Names() {
			if !yield(n) {
				return
			}
		}
	}
}

// Counts returns how many owners, RRsets and records the zone has.
func (z *Zone) Counts() (owners, sets, records int) {
	return z.count.owners, z.count.sets, z.count.records
}

// Digest covers every record, the SOA included; it depends neither on the
// order of the input nor on where records come from. The first call walks
// over the zone.
func (z *Zone) Digest() Digest {
	z.digest.once.Do(func() { z.digest.d = digest(z) })
	return z.digest.d
}

// Equal tells whether two zones have one identity and the same records.
func (z *Zone) Equal(o *Zone) bool {
	return z == o || z.id == o.id && z.soa == o.soa && z.count == o.count && z.Digest() == o.Digest()
}

// WithSerial returns the zone with another serial.
func (z *Zone) WithSerial(s Serial) *Zone {
	n := *z
	n.soa.Serial = s
	apex := change{owner: z.id.Origin, sets: slices.Clone(z.At(z.id.Origin)), at: z.place(z.id.Origin)}
	i := slices.IndexFunc(apex.sets, func(s RRset) bool { return s.key.Type == TypeSOA })
	one := apex.sets[i].all[0]
	one.data = n.soa.Data()
	apex.sets[i].all = []datum{one}
	n.over = z.over.with([]change{apex})
	n.digest = new(lazyDigest)
	return &n
}

// Builder gathers the records of one zone. It is not safe for concurrent use.
type Builder struct {
	id      ID
	records []Record
}

// NewBuilder starts a zone.
func NewBuilder(id ID) *Builder { return &Builder{id: id} }

// Add takes records. What is wrong with them, Freeze says.
func (b *Builder) Add(records ...Record) { b.records = append(b.records, records...) }

// AddSet takes the records of an RRset.
func (b *Builder) AddSet(s RRset) { b.records = append(b.records, s.Records()...) }

// Len counts the records taken so far.
func (b *Builder) Len() int { return len(b.records) }

// Errors of zones, each wrapped in a RecordError where a record is at fault.
var (
	ErrNoSOA     = errors.New("a zone without an SOA record")
	ErrTwoSOA    = errors.New("a second SOA record")
	ErrSOAOwner  = errors.New("an SOA record below the apex")
	ErrOutOfZone = errors.New("an owner outside the zone")
	ErrOrder     = errors.New("a record that comes too late: they are to come by owner and type")
)

// RecordError is an error about one record.
type RecordError struct {
	Record Record
	Err    error
}

func (e *RecordError) Error() string {
	s := fmt.Sprintf("%v %v: %v", e.Record.Owner, e.Record.Type, e.Err)
	if !e.Record.From.Place.IsZero() {
		s = e.Record.From.Place.String() + ": " + s
	}
	return s
}

func (e *RecordError) Unwrap() error { return e.Err }

// Freeze makes the zone. It reports every record at fault (errors.Join of
// *RecordError), not only the first; with any error there is no zone.
// Duplicates collapse, differing TTLs of an RRset become the lowest.
func (b *Builder) Freeze() (*Zone, error) {
	order := make([]int32, len(b.records))
	sorted := true
	for i := range order {
		order[i] = int32(i)
		sorted = sorted && (i == 0 || byKey(&b.records[i-1], &b.records[i]) <= 0)
	}
	if !sorted {
		slices.SortFunc(order, func(x, y int32) int { return cmp.Or(byKey(&b.records[x], &b.records[y]), cmp.Compare(x, y)) })
	}
	return FreezeSorted(b.id, len(order), func(i int) Record { return b.records[order[i]] })
}

func byKey(x, y *Record) int {
	if c := x.Owner.Compare(y.Owner); c != 0 {
		return c
	}
	return int(x.Type) - int(y.Type)
}

// FreezeSorted is Freeze of n records that are given one by one, by owner and
// type; of an RRset the first is the one that was stated first.
func FreezeSorted(id ID, n int, record func(i int) Record) (*Zone, error) {
	g := gatherer{id: id, room: make([]datum, 0, n)}
	sets := make([]RRset, 0, n)
	var set []Record
	flush := func() {
		if s := g.set(set); !s.IsZero() {
			sets = append(sets, s)
		}
		set = set[:0]
	}
	for i := range n {
		r := record(i)
		if len(set) > 0 {
			switch c := byKey(&set[0], &r); {
			case c > 0:
				return nil, errors.Join(append(g.errs, &RecordError{r, ErrOrder})...)
			case c < 0:
				flush()
			}
		}
		set = append(set, r)
	}
	flush()
	return freeze(id, sets, g.errs)
}

// gatherer makes the RRsets of a zone and notes what is wrong with records.
type gatherer struct {
	id   ID
	room []datum // one for the data of all sets
	errs []error
}

// set makes an RRset of the records of one owner and type, whose order it may
// change; the first is the one that was stated first. It is zero without
// records, and when one is at fault.
func (g *gatherer) set(rs []Record) (s RRset) {
	before := len(g.errs)
	for i := range rs {
		if err := g.id.fault(&rs[i], &rs[0]); err != nil {
			g.errs = append(g.errs, &RecordError{rs[i], err})
		}
	}
	if len(rs) == 0 || len(g.errs) > before {
		return RRset{}
	}
	at := len(g.room)
	s = RRset{key: Key{rs[0].Owner, rs[0].Type}, ttl: MaxTTL}
	if len(rs) > 1 {
		slices.SortStableFunc(rs, func(x, y Record) int { return strings.Compare(x.Data, y.Data) })
	}
	for i := range rs {
		r := &rs[i]
		s.ttl = min(s.ttl, r.lifetime())
		if k := len(g.room); k == at || g.room[k-1].data != r.Data {
			g.room = append(g.room, newDatum(r))
		}
	}
	s.all = g.room[at:len(g.room):len(g.room)]
	return s
}

// fault tells why the zone cannot hold r, where first is the first record
// added of r's RRset; nil if it can.
func (id ID) fault(r, first *Record) error {
	if err := r.fault(); err != nil {
		return err
	}
	switch {
	case !r.Owner.Within(id.Origin):
		return ErrOutOfZone
	case r.Type == TypeSOA && r.Owner != id.Origin:
		return ErrSOAOwner
	case r.Type == TypeSOA && r.Data != first.Data:
		return ErrTwoSOA
	}
	return nil
}

// freeze indexes sets, which are sorted and good one by one.
func freeze(id ID, sets []RRset, errs []error) (*Zone, error) {
	z := &Zone{id: id}
	z.index(sets)
	if soa, ok := z.Lookup(id.Origin, TypeSOA); ok {
		var err error
		if z.soa, err = ParseSOA(soa.Data(0)); err != nil {
			errs = append(errs, &RecordError{soa.Record(0), err})
		}
	} else if len(errs) == 0 {
		errs = append(errs, ErrNoSOA)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return z, nil
}

// index makes sets, which are sorted, all that the zone has.
func (z *Zone) index(sets []RRset) {
	owners := 0
	for i := range sets {
		if i == 0 || sets[i].key.Owner != sets[i-1].key.Owner {
			owners++
		}
	}
	z.sets, z.owners, z.over, z.count, z.digest = sets, make(map[Name]span, owners), overlay{}, counts{}, new(lazyDigest)
	for i := 0; i < len(sets); {
		j := i + 1
		for j < len(sets) && sets[j].key.Owner == sets[i].key.Owner {
			j++
		}
		z.owners[sets[i].key.Owner] = span{int32(i), int32(j)}
		z.count.add(sets[i:j], 1)
		i = j
	}
}

// digest hashes identity and records; each field carries its length, so that
// no two zones share one input.
func digest(z *Zone) Digest {
	h := sha256.New()
	var buf []byte
	field := func(s string) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	field(string(z.id.View))
	field(z.id.Origin.wire)
	for s := range z.All() {
		field(s.key.Owner.wire)
		buf = binary.BigEndian.AppendUint16(buf, uint16(s.key.Type))
		buf = binary.BigEndian.AppendUint32(buf, s.ttl)
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s.all)))
		for _, d := range s.all {
			field(d.data)
		}
		h.Write(buf)
		buf = buf[:0]
	}
	h.Write(buf)
	return Digest(h.Sum(nil))
}
