package book

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// What a Loader has seen is what Open reads, with the events behind it.
func TestLoader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	j, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), j, ticking())
	if err != nil {
		t.Fatal(err)
	}
	keyed := by
	keyed.Key = "k"
	for range 20 {
		if _, err := b.AllocateNext(t.Context(), by, ipam.Allocation{Status: ipam.Active}, place(t, "10.0.0.0/24"), 30, First); err != nil {
			t.Fatal(err)
		}
	}
	r, err := b.Release(t.Context(), keyed, place(t, "10.0.0.8/30"), false)
	if err != nil {
		t.Fatal(err)
	}
	want := live(b)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	l := NewLoader()
	var seen []ipam.Event
	j, err = bolt.Open(path, bolt.Options{See: func(e ipam.Event) { l.See(e); seen = append(seen, e) }})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	end := j.End()
	// An event comes between.
	other, err := Open(t.Context(), j, ticking())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Allocate(t.Context(), by, active(t, "10.9.0.0/16")); err != nil {
		t.Fatal(err)
	}
	b, err = l.Open(t.Context(), j, end, ticking())
	if err != nil {
		t.Fatal(err)
	}
	if got := live(b); !slices.Equal(got, append(want, "10.9.0.0/16 active")) || b.Now().Hash() != other.Now().Hash() {
		t.Errorf("%v, want %v and one more", got, want)
	}
	if found := faults(b.Now()); len(found) > 0 {
		t.Errorf("%q", found)
	}
	if _, err := b.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if again, err := b.Release(t.Context(), keyed, place(t, "10.0.0.8/30"), false); err != nil || !again.Repeated || again.Moment != r.Moment {
		t.Errorf("repeated: %+v, %v", again, err)
	}
	if got, err := b.At(t.Context(), end.At.Add(-1)); err != nil || got.Revision() != end.Revision-1 {
		t.Errorf("the book before %v: %v", end.At, err)
	}
	// Not all was seen, or what was seen does not fold.
	few := NewLoader()
	for _, e := range seen[:5] {
		few.See(e)
	}
	if _, err := few.Open(t.Context(), j, end, ticking()); err == nil || !strings.Contains(err.Error(), "up to revision 5") {
		t.Errorf("events that were left out: %v", err)
	}
	twice := NewLoader()
	twice.See(seen[0])
	twice.See(seen[0])
	if _, err := twice.Open(t.Context(), j, end, ticking()); err == nil || !strings.Contains(err.Error(), "BOOK-ONE") {
		t.Errorf("an event that was seen twice: %v", err)
	}
}

// Events of any content fold or are refused, and what folds keeps the tables
// whole: a journal that somebody else wrote breaks no book.
func TestFoldTakesAnything(t *testing.T) {
	folded := 0
	rapid.Check(t, func(t *rapid.T) {
		var store journaltest.Store
		j := store.Open()
		w := &twin{live: map[ipam.Place]ipam.Allocation{}}
		var end ipam.Chain
		clock := ticking()
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			e := ipam.Event{At: clock(), Verb: ipam.Import, Who: "somebody", Why: "by hand"}
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				e.Changes = append(e.Changes, w.drawAnyChange(t))
			}
			record, next, err := end.Seal(e)
			if err != nil {
				t.Fatal(err)
			}
			// As the journal is only appended to, it is tried on a copy.
			f := newFold()
			for r, err := range j.Read(t.Context(), 0) {
				if err == nil {
					err = f.follow(r.Data)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if f.follow(record) != nil {
				continue
			}
			folded++
			if err := j.Append(t.Context(), end.Revision, [][]byte{record}); err != nil {
				t.Fatal(err)
			}
			end = next
			s := f.publish()
			clear(w.live)
			for a := range s.All() {
				w.live[a.Place] = a
			}
			if found := faults(s); len(found) > 0 {
				t.Fatalf("%+v: %q", e.Changes, found)
			}
		}
	})
	if folded < 100 && !testing.Short() {
		t.Errorf("only %d events folded", folded)
	}
}

func (w *twin) drawAnyChange(t *rapid.T) ipam.Change {
	p := w.drawPlace(t)
	switch op := rapid.SampledFrom([]ipam.Op{ipam.Add, ipam.Add, ipam.Alter, ipam.Drop, ipam.Shift, ipam.Shift, ipam.Clear}).Draw(t, "op"); op {
	case ipam.Add, ipam.Alter:
		return ipam.Change{Op: op, Allocation: drawAllocation(t, p)}
	case ipam.Shift:
		return ipam.Change{Op: op, From: p, To: drawShift(t, p)}
	default:
		return ipam.Change{Op: op, From: p}
	}
}
