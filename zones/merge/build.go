package merge

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// builder writes the zones served today as they will be, record by record.
type builder struct {
	*merger
	records map[zones.ID][]zones.Record
	present map[setKey]map[string]bool  // RDATA that stands already
	target  map[setKey]bool             // RRsets that hold a record served today
	owners  map[setKey]bool             // names (type 0) where something arrived
	brings  map[setKey]map[string]*flow // what arrives, by RDATA
	serials []int                       // traces of SOA records
}

// build makes the targets of the world after, and their side of the ledger.
func (m *merger) build() {
	b := &builder{
		merger: m, records: map[zones.ID][]zones.Record{}, present: map[setKey]map[string]bool{},
		target: map[setKey]bool{}, owners: map[setKey]bool{}, brings: map[setKey]map[string]*flow{},
	}
	for _, f := range m.flows {
		if !f.stands() {
			continue
		}
		k := setKey{f.zone, zones.Key{Owner: f.at, Type: f.typ()}}
		if b.brings[k] == nil {
			b.brings[k] = map[string]*flow{}
		}
		for _, d := range f.data {
			b.brings[k][d] = f
		}
	}
	for z := range m.in.World.All() {
		b.standing(z)
	}
	for _, f := range m.flows {
		b.arrive(f)
	}
	m.after = m.before
	for z := range m.in.World.All() {
		b.freeze(z)
	}
	for _, i := range b.serials {
		t := &m.ledger.traces[i]
		s, _ := m.after.Zone(t.Zone).Lookup(t.Zone.Origin, zones.TypeSOA)
		if s.Data(0) != t.Record.Data {
			t.Fate, t.New.Data, t.Why = Numbered, s.Data(0), "the zone changes"
		}
	}
	b.check()
}

// put adds a record to a zone; it tells whether one of its RDATA stood there.
func (b *builder) put(id zones.ID, r zones.Record) (duplicate bool) {
	k := setKey{id, zones.Key{Owner: r.Owner, Type: r.Type}}
	if b.present[k] == nil {
		b.present[k] = map[string]bool{}
	}
	duplicate = b.present[k][r.Data]
	b.present[k][r.Data] = true
	b.records[id] = append(b.records[id], r)
	return duplicate
}

// standing writes what is served today.
func (b *builder) standing(z *zones.Zone) {
	id := z.ID()
	traced := b.targets[z.Origin()] || b.changes(z)
	for s := range z.All() {
		k := setKey{id, s.Key()}
		data := b.retarget[k]
		f, moves := b.fates[k]
		for i := range s.Len() {
			t := Trace{Zone: id, Record: s.Record(i), To: id}
			t.New = t.Record
			if data != nil && data[i] != t.Record.Data {
				t.Fate, t.New.Data, t.Why = Retargeted, data[i], "its target moved"
			}
			equal := b.brings[k][t.New.Data]
			if moves && f.gone && equal != nil { // what the source brings in its place is equal
				t.New.TTL = equal.set.TTL()
			} else if moves {
				t.Decision, t.By, t.Doc, t.Why = f.dec.At, f.dec.By, f.dec.Doc, f.dec.Why
				t.New.From.Decision = f.dec.At
				t.Fate = Removed
				if !f.gone {
					t.Fate, t.To, t.New.Owner = Moved, f.zone, f.at
				}
			}
			if t.Fate == Removed {
				t.New, t.To = zones.Record{}, zones.ID{}
			} else {
				t.Duplicate = b.put(t.To, t.New)
				b.target[setKey{t.To, zones.Key{Owner: t.New.Owner, Type: t.New.Type}}] = true
			}
			if t.Fate == Moved {
				b.owners[setKey{t.To, zones.Key{Owner: t.New.Owner}}] = true
			}
			if traced {
				if s.Type() == zones.TypeSOA {
					b.serials = append(b.serials, len(b.ledger.traces))
				}
				b.ledger.traces = append(b.ledger.traces, t)
			}
		}
	}
}

// changes tells whether a zone that is no target has records that follow a
// move.
func (b *builder) changes(z *zones.Zone) bool {
	for s := range z.All() {
		for i, d := range b.retarget[setKey{z.ID(), s.Key()}] {
			if d != s.Data(i) {
				return true
			}
		}
	}
	return false
}

// arrive writes what a source brings, and its entries.
func (b *builder) arrive(f *flow) {
	src := b.srcs[f.src]
	whole := true
	for i := range f.set.Len() {
		e := Entry{
			Source: src.Name, Zone: src.Zone.ID(), Record: f.set.Record(i), Disposition: f.fate,
			By: f.note.By, Doc: f.note.Doc, Why: f.note.Why,
		}
		if f.rule != nil {
			e.Rule = f.rule.At
		}
		if f.dec != nil {
			e.Decision = f.dec.At
		}
		if f.zone != (zones.ID{}) && f.fate != Dropped {
			e.Target, e.New = f.zone, e.Record
			e.New.Owner, e.New.Data = f.at, f.data[i]
			e.New.From.Rule, e.New.From.Decision = e.Rule, e.Decision
			k := setKey{f.zone, zones.Key{Owner: f.at, Type: f.typ()}}
			switch {
			case f.stands():
				e.Duplicate = b.put(f.zone, e.New)
				b.owners[setKey{f.zone, zones.Key{Owner: f.at}}] = true
				if b.target[k] {
					e.Disposition = Merged
				}
			case f.fate == Superseded && f.likeHidden() && b.target[k] && b.present[k][e.New.Data]:
				e.Disposition, e.Duplicate = Merged, true
				whole = whole && len(b.present[k]) == f.set.Len() // else the RRset lost, and its old name stays as before
			}
		}
		whole = whole && e.Stands()
		b.ledger.entries = append(b.ledger.entries, e)
	}
	if whole {
		f.fate = Merged
		if !b.target[setKey{f.zone, zones.Key{Owner: f.at, Type: f.typ()}}] {
			f.fate = Renamed
		}
	}
}

// freeze makes a zone of its records; one that did not change stays the very
// zone that it was.
func (b *builder) freeze(z *zones.Zone) {
	zb := zones.NewBuilder(z.ID())
	zb.Add(b.records[z.ID()]...)
	n, err := zb.Freeze()
	if err != nil { // only data that another tool made could do it
		b.block("M-BUILD", z, fmt.Sprintf("the zone %v after the merger is broken: %v", z.ID(), err), "mend the record that is named")
		return
	}
	if n.Equal(z) {
		return
	}
	b.after = b.after.With(n.WithSerial(z.Serial().Next()))
}

// check looks at every name that was written for what no decision may make.
func (b *builder) check() {
	var keys []setKey
	for k := range b.owners {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y setKey) int {
		if c := x.zone.Compare(y.zone); c != 0 {
			return c
		}
		return x.key.Owner.Compare(y.key.Owner)
	})
	for _, k := range keys {
		sets := b.after.Zone(k.zone).At(k.key.Owner)
		for _, s := range sets {
			at := s.From(0).Place
			switch s.Type() {
			case zones.TypeCNAME:
				if len(sets) > 1 || s.Len() > 1 {
					b.find("N-CNAME-OTHER", finding.Block, at, fmt.Sprintf("%s would have a CNAME beside other data (RFC 1034 3.6.2)", k.key.Owner.Text()),
						"decide for one side of the whole name")
				}
			case zones.TypeTXT:
				if n := spfs(s); n > 1 {
					b.find("S-SPF-2", finding.Block, at, fmt.Sprintf("%s would have %d SPF records, which makes mail fail (RFC 7208 4.5)", k.key.Owner.Text(), n),
						"take one side, and write one record that names both senders")
				}
			case zones.TypeSOA:
				continue
			}
			b.lowerTTL(k.zone, s)
		}
	}
}

// spfs counts the SPF records of a TXT RRset.
func spfs(s zones.RRset) (n int) {
	for i := range s.Len() {
		d := strings.ToLower(s.Data(i))
		if len(d) >= 7 && d[1:7] == "v=spf1" && (len(d) == 7 || d[7] == ' ') {
			n++
		}
	}
	return n
}

// lowerTTL notes that records of other TTLs met in one RRset.
func (b *builder) lowerTTL(zone zones.ID, s zones.RRset) {
	old, ok := b.before.Zone(zone).Lookup(s.Owner(), s.Type())
	if ok && old.TTL() > s.TTL() {
		if _, moves := b.fates[setKey{zone, s.Key()}]; !moves {
			b.find("M-TTL", finding.Note, s.From(0).Place, fmt.Sprintf("%v takes the lower TTL %d, it had %d (RFC 2181 5.2)", s.Key(), s.TTL(), old.TTL()), "")
		}
	}
}
