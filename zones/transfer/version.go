package transfer

import (
	"slices"
	"sync/atomic"

	"gialai.gov.vn/hopnhat/zones"
)

// Version is a zone as it is handed out, with the deltas that lead to it
// (IXFR, RFC 1995): each begins at the serial where the one before it ended,
// and the last one ends at the zone. It is an immutable value; the zero value
// has no zone. Versions that follow one another share the list of deltas.
type Version struct {
	Zone   *zones.Zone
	Deltas []zones.Delta // oldest first
	tail   *tail         // nil: Deltas are shared with no other
}

// tail is what is known of a version's deltas.
type tail struct {
	records  int         // of all deltas together
	followed atomic.Bool // the next version has the room behind them
}

// Next is the version after v that holds z. Deltas are kept as long as all of
// them together have at most room records; more than a zone has are of no use.
// A serial that does not go up (RFC 1982) ends what was kept.
func (v Version) Next(z *zones.Zone, room int) Version {
	if !v.before(z) {
		if v.Zone != nil && v.Zone.Equal(z) {
			return v
		}
		return Version{Zone: z}
	}
	return v.Step(zones.Diff(v.Zone, z), z, room)
}

// Step is Next where d is known to lead from v's zone to z: it looks at neither.
func (v Version) Step(d zones.Delta, z *zones.Zone, room int) Version {
	_, _, records := z.Counts()
	room = min(room, records)
	sum := weight(d)
	if !v.before(z) || sum > room {
		return Version{Zone: z}
	}
	sum += v.records()
	first := 0
	for ; sum > room; first++ {
		sum -= weight(v.Deltas[first])
	}
	kept := v.Deltas[first:]
	if v.tail == nil || !v.tail.followed.CompareAndSwap(false, true) {
		kept = slices.Clip(kept)
	}
	return Version{Zone: z, Deltas: append(kept, d), tail: &tail{records: sum}}
}

// before tells whether z can come after v: it is the zone of v with a later serial.
func (v Version) before(z *zones.Zone) bool {
	return v.Zone != nil && v.Zone.ID() == z.ID() && v.Zone.Serial().Before(z.Serial())
}

// records counts those of all deltas.
func (v Version) records() (n int) {
	if v.tail != nil {
		return v.tail.records
	}
	for _, d := range v.Deltas {
		n += weight(d)
	}
	return n
}

func weight(d zones.Delta) int { return len(d.Removed) + len(d.Added) }

// since gives the deltas that lead from a serial to the zone; false when they
// are not there any more, or never were. Who asks is seldom far behind.
func (v Version) since(serial zones.Serial) ([]zones.Delta, bool) {
	for i, d := range slices.Backward(v.Deltas) {
		if soa, ok := apexSOA(d.Removed, d.ID.Origin); ok && soaSerial(soa) == serial {
			return v.Deltas[i:], true
		}
	}
	return nil, false
}

// apexSOA finds the SOA among the records of a delta.
func apexSOA(rs []zones.Record, origin zones.Name) (zones.Record, bool) {
	for _, r := range rs { // the apex sorts first
		if r.Type == zones.TypeSOA && r.Owner == origin {
			return r, true
		}
	}
	return zones.Record{}, false
}

// soaSerial reads the serial of SOA data (RFC 1035 3.3.13): it stands 20 octets
// before the end.
func soaSerial(r zones.Record) zones.Serial {
	d := r.Data
	if len(d) < 20 {
		return 0
	}
	d = d[len(d)-20:]
	return zones.Serial(uint32(d[0])<<24 | uint32(d[1])<<16 | uint32(d[2])<<8 | uint32(d[3]))
}
