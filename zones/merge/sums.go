package merge

import (
	"cmp"
	"maps"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// SourceSum counts, for one type of one source zone, its records, and the
// entries that they have: one for each new name, or one for none.
type SourceSum struct {
	Zone       zones.ID
	Type       zones.Type
	Records    int
	Entries    int
	Renamed    int
	Merged     int
	Superseded int
	Dropped    int
	Undecided  int
	Duplicates int // entries that add nothing, also counted above
	Follow     int // old names, in records
	AsBefore   int
	Alias      int
	Ended      int
}

// TargetSum counts, for one type of one zone served today, its records:
// After = Before - Removed - MovedOut + MovedIn + Arrived - Duplicates.
type TargetSum struct {
	Zone       zones.ID
	Type       zones.Type
	Before     int
	Removed    int
	MovedOut   int
	MovedIn    int
	Arrived    int // standing entries of sources
	Duplicates int // of those, and of records that became equal to another
	After      int
}

type sumKey struct {
	zone zones.ID
	typ  zones.Type
}

func compareSums(a, b sumKey) int {
	return cmp.Or(a.zone.Compare(b.zone), cmp.Compare(a.typ, b.typ))
}

// SourceSums returns the sums of sources, by zone and type.
func (l Ledger) SourceSums() []SourceSum {
	sums := map[sumKey]*SourceSum{}
	seen := map[recordKey]bool{}
	for _, e := range l.entries {
		k := sumKey{e.Zone, e.Record.Type}
		s := sums[k]
		if s == nil {
			s = &SourceSum{Zone: e.Zone, Type: e.Record.Type}
			sums[k] = s
		}
		s.Entries++
		*[]*int{&s.Renamed, &s.Merged, &s.Superseded, &s.Dropped, &s.Undecided}[e.Disposition]++
		if e.Duplicate {
			s.Duplicates++
		}
		if r := keyOfRecord(e.Zone, e.Record); !seen[r] {
			seen[r] = true
			s.Records++
			switch {
			case e.Old.Ended:
				s.Ended++
			case e.Old.Mode == mapping.Follow:
				s.Follow++
			case e.Old.Mode == mapping.Alias:
				s.Alias++
			default:
				s.AsBefore++
			}
		}
	}
	var out []SourceSum
	for _, k := range slices.SortedFunc(maps.Keys(sums), compareSums) {
		out = append(out, *sums[k])
	}
	return out
}

// TargetSums returns the sums of targets, and of other zones that change, by
// zone and type.
func (l Ledger) TargetSums() []TargetSum {
	sums := map[sumKey]*TargetSum{}
	at := func(id zones.ID, t zones.Type) *TargetSum {
		k := sumKey{id, t}
		if sums[k] == nil {
			sums[k] = &TargetSum{Zone: id, Type: t}
		}
		return sums[k]
	}
	for _, t := range l.traces {
		s := at(t.Zone, t.Record.Type)
		s.Before++
		switch t.Fate {
		case Removed:
			s.Removed++
		case Moved:
			s.MovedOut++
			at(t.To, t.New.Type).MovedIn++
		}
		if t.Duplicate {
			at(t.To, t.New.Type).Duplicates++
		}
	}
	for _, e := range l.entries {
		if e.Stands() {
			s := at(e.Target, e.New.Type)
			s.Arrived++
			if e.Duplicate {
				s.Duplicates++
			}
		}
	}
	var out []TargetSum
	for _, k := range slices.SortedFunc(maps.Keys(sums), compareSums) {
		s := sums[k]
		s.After = s.Before - s.Removed - s.MovedOut + s.MovedIn + s.Arrived - s.Duplicates
		out = append(out, *s)
	}
	return out
}

// recordKey names one record of one zone; the TTL is the RRset's.
type recordKey struct {
	zone zones.ID
	key  zones.Key
	data string
}

func keyOfRecord(id zones.ID, r zones.Record) recordKey {
	return recordKey{id, zones.Key{Owner: r.Owner, Type: r.Type}, r.Data}
}
