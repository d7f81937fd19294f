package merge

import (
	"errors"
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Check holds the ledger against two worlds, from their records alone: that
// no record of a source or of a target is without its one line or has two
// (LEDGER-ONE), that every record after traces to one line (LEDGER-TRACE),
// that the old zones are what their modes say, and that the sums agree. It
// returns every fault (errors.Join), nil when there is none.
func (l Ledger) Check(before, after zones.World) error {
	c := &checker{l: l, before: before, after: after, from: map[recordKey]int{}, held: map[zones.ID]bool{}}
	c.sources()
	c.targets()
	c.old()
	c.others()
	c.sums()
	return errors.Join(c.errs...)
}

type checker struct {
	l             Ledger
	before, after zones.World
	from          map[recordKey]int // how many lines account for a record after
	held          map[zones.ID]bool // zones that the ledger speaks of
	errs          []error
}

func (c *checker) fault(id zones.ID, r zones.Record, what string) {
	if len(c.errs) < 100 {
		c.errs = append(c.errs, fmt.Errorf("%v: %v %v %s: %s", id, r.Owner, r.Type, rdata.Text(r.Type, r.Data), what))
	}
}

func has(w zones.World, id zones.ID, r zones.Record) bool {
	z := w.Zone(id)
	if z == nil {
		return false
	}
	s, ok := z.Lookup(r.Owner, r.Type)
	return ok && s.Has(r.Data)
}

// sources: each source record has an entry per new name, and one mode.
func (c *checker) sources() {
	type line struct {
		r  recordKey
		at zones.Name
	}
	seen := map[line]bool{}
	modes := map[recordKey]Old{}
	ids := map[zones.ID]bool{}
	for _, e := range c.l.entries {
		ids[e.Zone], c.held[e.Zone] = true, true
		r := keyOfRecord(e.Zone, e.Record)
		if !has(c.before, e.Zone, e.Record) {
			c.fault(e.Zone, e.Record, "the ledger has an entry for a record that the source does not have")
		}
		if k := (line{r, e.New.Owner}); seen[k] {
			c.fault(e.Zone, e.Record, "counted twice at one new name")
		} else {
			seen[k] = true
		}
		if m, ok := modes[r]; ok && m != e.Old {
			c.fault(e.Zone, e.Record, "its old name has two modes")
		}
		modes[r] = e.Old
		if !e.Stands() {
			continue
		}
		if !has(c.after, e.Target, e.New) {
			c.fault(e.Zone, e.Record, fmt.Sprintf("%v, but not there at %v", e.Disposition, e.New.Owner))
		}
		if !e.Duplicate {
			c.from[keyOfRecord(e.Target, e.New)]++
		}
	}
	for id := range ids {
		z := c.before.Zone(id)
		if z == nil {
			continue
		}
		for r := range z.Records() {
			if _, ok := modes[keyOfRecord(id, r)]; !ok {
				c.fault(id, r, "lost: the ledger has no entry for it")
			}
		}
	}
}

// targets: each record of before has one trace, each of after one cause.
func (c *checker) targets() {
	traced := map[zones.ID]bool{}
	seen := map[recordKey]bool{}
	for _, t := range c.l.traces {
		traced[t.Zone], c.held[t.Zone] = true, true
		r := keyOfRecord(t.Zone, t.Record)
		if seen[r] {
			c.fault(t.Zone, t.Record, "counted twice among the records served today")
		}
		seen[r] = true
		if !has(c.before, t.Zone, t.Record) {
			c.fault(t.Zone, t.Record, "the ledger speaks of a record that is not served today")
		}
		if t.Fate == Removed {
			continue
		}
		if !has(c.after, t.To, t.New) {
			c.fault(t.Zone, t.Record, fmt.Sprintf("%v, but not there at %v", t.Fate, t.New.Owner))
		}
		if !t.Duplicate {
			c.from[keyOfRecord(t.To, t.New)]++
		}
	}
	for id := range traced {
		if z := c.before.Zone(id); z != nil {
			for r := range z.Records() {
				if !seen[keyOfRecord(id, r)] {
					c.fault(id, r, "served today, and the ledger has no trace of it")
				}
			}
		}
		z := c.after.Zone(id)
		if z == nil {
			c.errs = append(c.errs, fmt.Errorf("%v: not in the world after", id))
			continue
		}
		for r := range z.Records() {
			switch n := c.from[keyOfRecord(id, r)]; n {
			case 0:
				c.fault(id, r, "stands after, and traces to nothing")
			case 1:
			default:
				c.fault(id, r, fmt.Sprintf("traces to %d lines that each claim to add it", n))
			}
		}
	}
}

// old: the old zones are what the modes say.
func (c *checker) old() {
	type line struct {
		mode Old
		at   setKey // where the RRset stands anew
		r    zones.Record
	}
	lines := map[setKey]line{}
	moved := map[zones.View]bool{}
	for _, t := range c.l.traces {
		moved[t.Zone.View] = moved[t.Zone.View] || t.Fate == Moved
	}
	for _, e := range c.l.entries {
		k := setKey{e.Zone, zones.Key{Owner: e.Record.Owner, Type: e.Record.Type}}
		if l, ok := lines[k]; ok && l.at != (setKey{}) {
			continue
		}
		l := line{mode: e.Old, r: e.Record}
		if e.Stands() {
			l.at = setKey{e.Target, zones.Key{Owner: e.New.Owner, Type: e.New.Type}}
		}
		lines[k] = l
	}
	expect := map[setKey]bool{}
	for k, l := range lines {
		zb, za := c.before.Zone(k.zone), c.after.Zone(k.zone)
		if zb == nil || za == nil {
			continue // reported above
		}
		was, _ := zb.Lookup(k.key.Owner, k.key.Type)
		is, ok := za.Lookup(k.key.Owner, k.key.Type)
		expect[k] = true
		switch {
		case l.mode.Ended:
			expect[k] = false
			if ok && len(is.Records()) > 0 {
				c.fault(k.zone, l.r, "its old name has ended and still answers")
			}
		case k.key.Type == zones.TypeSOA:
			if !ok || zb.Serial() != za.Serial() && !zb.Serial().Before(za.Serial()) {
				c.fault(k.zone, l.r, "the old zone's serial goes back")
			}
		case l.mode.Mode == mapping.Alias:
			a := setKey{k.zone, zones.Key{Owner: k.key.Owner, Type: zones.TypeCNAME}}
			expect[k] = false
			expect[a] = true
			s, _ := za.Lookup(a.key.Owner, a.key.Type)
			if s.Len() != 1 || l.at == (setKey{}) || s.Data(0) != l.at.key.Owner.Wire() {
				c.fault(k.zone, l.r, "its old name is no alias of the new one")
			}
		case l.mode.Mode == mapping.Follow:
			var n zones.RRset
			if z := c.after.Zone(l.at.zone); z != nil {
				n, _ = z.Lookup(l.at.key.Owner, l.at.key.Type)
			}
			if n.IsZero() || is.TTL() != n.TTL() || !sameData(is, n) {
				c.fault(k.zone, l.r, "its old name does not follow the new one")
			}
		case moved[k.zone.View] && is.Len() > 0 && is.TTL() == was.TTL(): // names of moved records may have been followed
		case !is.Equal(was):
			c.fault(k.zone, l.r, "its old name is not as before")
		}
	}
	for k := range lines {
		z := c.after.Zone(k.zone)
		if z == nil || k.key.Type != zones.TypeSOA {
			continue
		}
		for s := range z.All() {
			if !expect[setKey{k.zone, s.Key()}] {
				c.fault(k.zone, s.Record(0), "stands in the old zone, and no mode says so")
			}
		}
	}
}

// others: what the ledger does not speak of has not changed.
func (c *checker) others() {
	for z := range c.before.All() {
		n := c.after.Zone(z.ID())
		if n == nil || !c.held[z.ID()] && !n.Equal(z) {
			c.errs = append(c.errs, fmt.Errorf("%v: changed, and the ledger does not say so", z.ID()))
		}
	}
	if c.before.Len() != c.after.Len() {
		c.errs = append(c.errs, errors.New("the world after has other zones than the world before"))
	}
}

// sums: the equation of each type holds, with counts taken from the zones.
func (c *checker) sums() {
	count := func(w zones.World, id zones.ID) map[zones.Type]int {
		n := map[zones.Type]int{}
		if z := w.Zone(id); z != nil {
			for s := range z.All() {
				n[s.Type()] += s.Len()
			}
		}
		return n
	}
	counts := map[zones.ID][2]map[zones.Type]int{}
	of := func(id zones.ID) [2]map[zones.Type]int {
		if _, ok := counts[id]; !ok {
			counts[id] = [2]map[zones.Type]int{count(c.before, id), count(c.after, id)}
		}
		return counts[id]
	}
	for _, s := range c.l.SourceSums() {
		if n := of(s.Zone)[0][s.Type]; n != s.Records {
			c.errs = append(c.errs, fmt.Errorf("%v %v: the ledger counts %d records, the source has %d", s.Zone, s.Type, s.Records, n))
		}
		if s.Entries != s.Renamed+s.Merged+s.Superseded+s.Dropped+s.Undecided || s.Records != s.Follow+s.AsBefore+s.Alias+s.Ended {
			c.errs = append(c.errs, fmt.Errorf("%v %v: the dispositions do not add up", s.Zone, s.Type))
		}
	}
	for _, s := range c.l.TargetSums() {
		n := of(s.Zone)
		if n[0][s.Type] != s.Before || n[1][s.Type] != s.After {
			c.errs = append(c.errs, fmt.Errorf("%v %v: the ledger counts %d before and %d after, the zones have %d and %d",
				s.Zone, s.Type, s.Before, s.After, n[0][s.Type], n[1][s.Type]))
		}
	}
}
