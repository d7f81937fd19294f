package publish

import (
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Brake says how much an edit may change without a reason being given. A zone's
// units are the labels right below its apex: what stands at and below one belongs
// together, and mostly to one office. The zero value lets everything.
type Brake struct {
	Share float64 // of the RRsets of a zone, a unit or an organisation, that go or change; 0: any
	Apex  bool    // stop at the NS of an apex
	// Organisations gives those that merge; it is asked where an edit is large
	// enough to concern one. nil: there are none.
	Organisations func() []Organisation
}

const (
	few     = 10 // RRsets of a zone or an organisation that may change whatever its size
	fewUnit = 4  // the same of a unit
)

// BrakeError is T-BRAKE.
type BrakeError struct{ Findings []finding.Finding }

func (e *BrakeError) Error() string {
	var lines []string
	for _, f := range e.Findings {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

const mend = "if that is meant, say why: --override REASON"

// Check tells what an edit changes too much of, by zone, unit and organisation.
func (b Brake) Check(from, to zones.World) (fs []finding.Finding) {
	found := func(format string, a ...any) {
		fs = append(fs, finding.Finding{ID: "T-BRAKE", Severity: finding.Block, Found: fmt.Sprintf(format, a...), Mend: mend})
	}
	type unit struct {
		zone zones.ID
		name zones.Name
	}
	lost, lostUnit := map[zones.ID]int{}, map[unit]int{}
	var gone []place
	changed(from, to, func(id zones.ID, k zones.Key, was, is bool) {
		if !was {
			return
		}
		lost[id]++
		gone = append(gone, place{id, k})
		if k.Owner != id.Origin {
			lostUnit[unit{id, unitOf(id.Origin, k.Owner)}]++
		}
		if b.Apex && k.Owner == id.Origin && k.Type == zones.TypeNS && to.Zone(id) != nil {
			found("the NS of %v would change", id)
		}
	})
	for z := range from.All() {
		id := z.ID()
		if to.Zone(id) == nil {
			found("%v would not be served any more", id)
			continue
		}
		if b.Share <= 0 || lost[id] == 0 {
			continue
		}
		_, sets, _ := z.Counts()
		if n := lost[id]; n > max(few, int(b.Share*float64(sets))) {
			found("%d of the %d RRsets of %v would go or change", n, sets, id)
			continue
		}
		for u, n := range lostUnit {
			if u.zone != id || n <= fewUnit {
				continue
			}
			all := 0
			for _, here := range z.Below(u.name) {
				all += len(here)
			}
			if n > int(b.Share*float64(all)) {
				found("%d of the %d RRsets at and below %s (%s) would go or change", n, all, u.name.Text(), id.View)
			}
		}
	}
	if b.Share > 0 && b.Organisations != nil && len(gone) > few {
		for _, o := range b.Organisations() {
			n := o.count(gone)
			if n <= few {
				continue
			}
			if all := o.size(from); n > int(b.Share*float64(all)) {
				found("%d of the %d RRsets of %s, in all its zones, under old names and new, would go or change", n, all, o.Name)
			}
		}
	}
	finding.Sort(fs)
	return fs
}

// place is one RRset of one zone.
type place struct {
	zone zones.ID
	key  zones.Key
}

// unitOf is the name right below an origin that another is, or lies below.
func unitOf(origin, n zones.Name) zones.Name {
	for {
		up, ok := n.Parent()
		if !ok || up == origin {
			return n
		}
		n = up
	}
}

// changed calls f for each RRset that is not the same in two worlds, and says in
// which of them it is. SOAs are left out.
func changed(from, to zones.World, f func(id zones.ID, k zones.Key, was, is bool)) {
	for z := range from.All() {
		o := to.Zone(z.ID())
		if o != nil {
			between(z, o, f)
			continue
		}
		for s := range z.All() {
			f(z.ID(), zones.Key{Owner: s.Owner(), Type: s.Type()}, true, false)
		}
	}
	for z := range to.All() {
		if from.Zone(z.ID()) == nil {
			for s := range z.All() {
				f(z.ID(), zones.Key{Owner: s.Owner(), Type: s.Type()}, false, true)
			}
		}
	}
}

func between(a, b *zones.Zone, f func(id zones.ID, k zones.Key, was, is bool)) {
	d := zones.Diff(a, b)
	seen := map[zones.Key]bool{}
	for _, rs := range [][]zones.Record{d.Removed, d.Added} {
		for _, r := range rs {
			k := zones.Key{Owner: r.Owner, Type: r.Type}
			if k.Type == zones.TypeSOA || seen[k] {
				continue
			}
			seen[k] = true
			_, was := a.Lookup(k.Owner, k.Type)
			_, is := b.Lookup(k.Owner, k.Type)
			f(a.ID(), k, was, is)
		}
	}
}
