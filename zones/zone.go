package zones

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
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
type Zone struct {
	id      ID
	soa     SOA
	sets    []RRset       // by Key
	owners  map[Name]span // where an owner's sets stand in sets
	records int
	digest  Digest
}

type span struct{ from, to int32 }

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
	s := z.owners[owner]
	return z.sets[s.from:s.to:s.to]
}

// All yields the RRsets in canonical order: by owner, then by type.
func (z *Zone) All() iter.Seq[RRset] { return slices.Values(z.sets) }

// Names yields each owner in canonical order with its RRsets, as At gives them.
func (z *Zone) Names() iter.Seq2[Name, []RRset] {
	return func(yield func(Name, []RRset) bool) {
		for i := 0; i < len(z.sets); {
			j := i + 1
			for j < len(z.sets) && z.sets[j].key.Owner == z.sets[i].key.Owner {
				j++
			}
			if !yield(z.sets[i].key.Owner, z.sets[i:j:j]) {
				return
			}
			i = j
		}
	}
}

// Records yields the records in canonical order.
func (z *Zone) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, s := range z.sets {
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
		for i, s := range z.sets {
			if i > 0 && z.sets[i-1].Owner() == s.Owner() {
				continue
			}
			if !yield(s.Owner()) {
				return
			}
		}
	}
}

// Counts returns how many owners, RRsets and records the zone has.
func (z *Zone) Counts() (owners, sets, records int) {
	return len(z.owners), len(z.sets), z.records
}

// Digest covers every record, the SOA included; it depends neither on the
// order of the input nor on where records come from.
func (z *Zone) Digest() Digest { return z.digest }

// Equal tells whether two zones have one identity and the same records.
func (z *Zone) Equal(o *Zone) bool { return z.id == o.id && z.digest == o.digest }

// WithSerial returns the zone with another serial.
func (z *Zone) WithSerial(s Serial) *Zone {
	soa := z.soa
	soa.Serial = s
	n := *z
	n.soa = soa
	n.sets = slices.Clone(z.sets)
	i := int(z.owners[z.id.Origin].from)
	for n.sets[i].key.Type != TypeSOA {
		i++
	}
	old := n.sets[i]
	one := old.all[0]
	one.data = soa.Data()
	n.sets[i] = RRset{key: old.key, ttl: old.ttl, all: []datum{one}}
	n.digest = digest(n.id, n.sets)
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
	var errs []error
	sets := make([]RRset, 0, n)
	all := make([]datum, 0, n) // one room for the data of all sets
	var set []Record
	flush := func() {
		if len(set) == 0 {
			return
		}
		before := len(errs)
		for i := range set {
			if err := id.fault(&set[i], &set[0]); err != nil {
				errs = append(errs, &RecordError{set[i], err})
			}
		}
		if len(errs) > before {
			return
		}
		at := len(all)
		s := RRset{key: Key{set[0].Owner, set[0].Type}, ttl: MaxTTL}
		if len(set) > 1 {
			slices.SortStableFunc(set, func(x, y Record) int { return strings.Compare(x.Data, y.Data) })
		}
		for i := range set {
			r := &set[i]
			s.ttl = min(s.ttl, r.lifetime())
			if k := len(all); k == at || all[k-1].data != r.Data {
				all = append(all, newDatum(r))
			}
		}
		s.all = all[at:len(all):len(all)]
		sets = append(sets, s)
	}
	for i := range n {
		r := record(i)
		if len(set) > 0 {
			switch c := byKey(&set[0], &r); {
			case c > 0:
				return nil, errors.Join(append(errs, &RecordError{r, ErrOrder})...)
			case c < 0:
				flush()
				set = set[:0]
			}
		}
		set = append(set, r)
	}
	flush()
	return freeze(id, sets, errs)
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
	owners := 0
	for i := range sets {
		if i == 0 || sets[i].key.Owner != sets[i-1].key.Owner {
			owners++
		}
	}
	z := &Zone{id: id, sets: sets, owners: make(map[Name]span, owners)}
	for i := 0; i < len(sets); {
		j := i
		for ; j < len(sets) && sets[j].key.Owner == sets[i].key.Owner; j++ {
			z.records += len(sets[j].all)
		}
		z.owners[sets[i].key.Owner] = span{int32(i), int32(j)}
		i = j
	}
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
	z.digest = digest(id, sets)
	return z, nil
}

// digest hashes identity and records; each field carries its length, so that
// no two zones share one input.
func digest(id ID, sets []RRset) Digest {
	h := sha256.New()
	var buf []byte
	field := func(s string) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	field(string(id.View))
	field(id.Origin.wire)
	for _, s := range sets {
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

// World is the set of zones served at one instant, by view. It is immutable;
// the zero value is an empty world.
type World struct{ zones map[ID]*Zone }

// ErrTwice is a second zone of one identity in a world.
var ErrTwice = errors.New("a zone given twice")

// NewWorld gathers zones; two of one identity are refused.
func NewWorld(zs ...*Zone) (World, error) {
	w := World{make(map[ID]*Zone, len(zs))}
	for _, z := range zs {
		if w.zones[z.id] != nil {
			return World{}, fmt.Errorf("%v: %w", z.id, ErrTwice)
		}
		w.zones[z.id] = z
	}
	return w, nil
}

// With returns the world with z in place of the zone of its identity.
func (w World) With(z *Zone) World {
	m := make(map[ID]*Zone, len(w.zones)+1)
	maps.Copy(m, w.zones)
	m[z.id] = z
	return World{m}
}

// Zone returns the zone of an identity, or nil.
func (w World) Zone(id ID) *Zone { return w.zones[id] }

// All yields the zones by view, then by origin.
func (w World) All() iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for _, id := range slices.SortedFunc(maps.Keys(w.zones), ID.Compare) {
			if !yield(w.zones[id]) {
				return
			}
		}
	}
}

// In yields the zones of one view, by origin.
func (w World) In(v View) iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for z := range w.All() {
			if z.View() == v && !yield(z) {
				return
			}
		}
	}
}

// Views lists the views, sorted.
func (w World) Views() []View {
	seen := map[View]bool{}
	for id := range w.zones {
		seen[id.View] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Len counts the zones.
func (w World) Len() int { return len(w.zones) }

// Nearest returns the zone of the view whose apex is the closest ancestor of
// name, or name itself (RFC 1034 4.3.2 step 2); nil where none is.
func (w World) Nearest(v View, name Name) *Zone {
	for ok := !name.IsZero(); ok; name, ok = name.Parent() {
		if z := w.zones[ID{name, v}]; z != nil {
			return z
		}
	}
	return nil
}

// Digest covers the zones' identities and digests.
func (w World) Digest() Digest {
	h := sha256.New()
	for z := range w.All() {
		d := z.Digest()
		h.Write(d[:])
	}
	return Digest(h.Sum(nil))
}
