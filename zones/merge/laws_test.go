package merge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// print writes all that a plan says.
func printAll(p *Plan, fs []finding.Finding) []byte {
	b := p.Ledger().AppendText(nil)
	for _, c := range p.Conflicts() {
		b = fmt.Appendf(b, "%v\n%s\n", c, c.Line)
	}
	for _, c := range p.Corrections() {
		b = fmt.Appendf(b, "%v | %s | %s\n", c, c.From, c.To)
	}
	for _, c := range p.Cuts() {
		b = fmt.Appendf(b, "%v\n", c.Name)
	}
	for _, f := range fs {
		b = fmt.Appendf(b, "%v\n", f)
	}
	return fmt.Appendf(b, "%v %v\n", p.Digest(), p.Publishable())
}

// laws holds what is true of every plan.
func laws(t *rapid.T) {
	d := drawing{t, rapid.Bool().Draw(t, "decide"), rapid.Bool().Draw(t, "wild")}
	in := d.input()
	p, fs := Make(in)

	// PLAN-PURE: twice the same, and in any order of the sources.
	first := printAll(p, fs)
	again := in
	again.Sources = slices.Clone(in.Sources)
	slices.Reverse(again.Sources)
	q, gs := Make(again)
	if second := printAll(q, gs); !bytes.Equal(first, second) {
		t.Fatalf("two runs differ:\n%s\n---\n%s", first, second)
	}
	a, _ := json.Marshal(p.Ledger())
	b, _ := json.Marshal(q.Ledger())
	if !bytes.Equal(a, b) {
		t.Fatal("the ledger's JSON differs")
	}

	// LEDGER-ONE, LEDGER-TRACE, modes and sums.
	if err := p.Ledger().Check(p.Before(), p.After()); err != nil {
		t.Fatalf("the ledger: %v\n%s", err, first)
	}

	// The corrections, and nothing else, lead from before to after.
	w := p.Before()
	deltas := map[zones.ID]*zones.Delta{}
	for _, c := range p.Corrections() {
		if deltas[c.Zone] == nil {
			deltas[c.Zone] = &zones.Delta{ID: c.Zone}
		}
		deltas[c.Zone].Removed = append(deltas[c.Zone].Removed, c.Removed...)
		deltas[c.Zone].Added = append(deltas[c.Zone].Added, c.Added...)
	}
	for id, delta := range deltas {
		z, err := delta.Apply(w.Zone(id))
		if err != nil {
			t.Fatalf("the corrections of %v: %v", id, err)
		}
		w = w.With(z)
	}
	if w.Digest() != p.After().Digest() {
		t.Fatal("the corrections do not lead to the world after")
	}

	// Zones that do not change are the same value; others have a later serial.
	for z := range p.Before().All() {
		n := p.After().Zone(z.ID())
		if n != z && (n.Equal(z) || n.Serial() != z.Serial().Next() || n.WithSerial(z.Serial()).Equal(z)) {
			t.Fatalf("%v: serial %d after %d", z.ID(), n.Serial(), z.Serial())
		}
	}

	// Non-interference: a target's record goes or changes only by a decision.
	decided := map[zones.Place]bool{}
	for _, c := range p.Conflicts() {
		if c.Settled {
			decided[c.Decision.At] = true
		}
	}
	moves := false
	for _, tr := range p.Ledger().Traces() {
		moves = moves || tr.Fate == Moved
	}
	for _, tr := range p.Ledger().Traces() {
		switch tr.Fate {
		case Removed, Moved:
			if tr.Decision.IsZero() {
				t.Fatalf("%v %v: %v without a decision", tr.Record.Owner, tr.Record.Type, tr.Fate)
			}
		case Retargeted:
			if !moves {
				t.Fatalf("%v %v retargeted and nothing moved", tr.Record.Owner, tr.Record.Type)
			}
		}
	}

	// OPEN: undecided records and a publishable plan exclude each other.
	for _, e := range p.Ledger().Entries() {
		if e.Disposition == Undecided && p.Publishable() {
			t.Fatalf("%v %v is undecided in a publishable plan", e.Record.Owner, e.Record.Type)
		}
		if e.Disposition == Dropped && (e.By == "" || e.Why == "") {
			t.Fatalf("%v %v dropped, and the ledger does not say by whom and why", e.Record.Owner, e.Record.Type)
		}
	}
	// Every cut of a source is listed once.
	cuts := 0
	for _, s := range in.Sources {
		for set := range s.Zone.All() {
			if set.Type() == zones.TypeNS && set.Owner() != s.Zone.Origin() {
				cuts++
			}
		}
	}
	if cuts != len(p.Cuts()) {
		t.Fatalf("%d cuts listed of %d", len(p.Cuts()), cuts)
	}
}

func TestLaws(t *testing.T) { rapid.Check(t, laws) }

// FuzzMerge: whatever the zones and the mapping, Make ends, is deterministic
// and keeps the laws.
func FuzzMerge(f *testing.F) {
	f.Add([]byte("hopnhat"))
	f.Add(bytes.Repeat([]byte{1, 0, 3, 255}, 200))
	f.Fuzz(rapid.MakeFuzz(laws))
}

// What is wrong with a plan's output, the ledger finds.
func TestCheckFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawing{t, true, false}
		p, _ := Make(d.input())
		var all []zones.Record
		var ids []zones.ID
		for z := range p.After().All() {
			if z.Origin() == zones.MustName("x") {
				continue // the ledger does not follow a zone that is no party to it
			}
			for r := range z.Records() {
				if r.Type != zones.TypeSOA {
					all, ids = append(all, r), append(ids, z.ID())
				}
			}
		}
		i := rapid.IntRange(0, len(all)-1).Draw(t, "record")
		z := p.After().Zone(ids[i])
		s, _ := z.Lookup(all[i].Owner, all[i].Type)
		moved := slices.ContainsFunc(p.Ledger().Traces(), func(t Trace) bool { return t.Fate == Moved })
		if _, old := p.Before().Zone(ids[i]).Lookup(all[i].Owner, all[i].Type); moved && old && s.Len() > 1 && p.Before().Len() > 0 {
			return // names in old zones may have followed a move: their RRset's presence alone is held
		}
		less, err := zones.Delta{ID: ids[i], Removed: []zones.Record{all[i]}}.Apply(z)
		if err != nil {
			t.Fatal(err)
		}
		if p.Ledger().Check(p.Before(), p.After().With(less)) == nil {
			t.Fatalf("%v %v removed from %v, and the ledger agrees", all[i].Owner, all[i].Type, ids[i])
		}
		r := all[i]
		r.Owner, _ = ids[i].Origin.Child("planted")
		more, err := zones.Delta{ID: ids[i], Added: []zones.Record{r}}.Apply(z)
		if err != nil {
			t.Fatal(err)
		}
		if p.Ledger().Check(p.Before(), p.After().With(more)) == nil {
			t.Fatalf("%v %v planted in %v, and the ledger agrees", r.Owner, r.Type, ids[i])
		}
		l := p.Ledger()
		j := rapid.IntRange(0, len(l.entries)-1).Draw(t, "entry")
		if (Ledger{append(slices.Clone(l.entries), l.entries[j]), l.traces}).Check(p.Before(), p.After()) == nil {
			t.Fatal("an entry counted twice, and the ledger agrees")
		}
		if only := count(l.entries, l.entries[j]); only == 1 || l.entries[j].Stands() && !l.entries[j].Duplicate {
			if (Ledger{slices.Delete(slices.Clone(l.entries), j, j+1), l.traces}).Check(p.Before(), p.After()) == nil {
				t.Fatal("an entry left out, and the ledger agrees")
			}
		}
		k := rapid.IntRange(0, len(l.traces)-1).Draw(t, "trace")
		if (Ledger{l.entries, append(slices.Clone(l.traces), l.traces[k])}).Check(p.Before(), p.After()) == nil {
			t.Fatal("a trace counted twice, and the ledger agrees")
		}
	})
}

func count(es []Entry, e Entry) (n int) {
	for _, o := range es {
		if keyOfRecord(o.Zone, o.Record) == keyOfRecord(e.Zone, e.Record) {
			n++
		}
	}
	return n
}
