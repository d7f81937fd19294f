package book

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// moody is a journal whose appends fail as told.
type moody struct {
	ipam.Journal
	mood
	blind bool // reads fail too
}

type mood int

const (
	fine mood = iota
	lost      // the append fails, nothing is written
	late      // it is written, and then said to have failed
)

var errDisk = errors.New("input/output error")

func (m *moody) Append(ctx context.Context, after uint64, records [][]byte) error {
	if m.mood == lost {
		return errDisk
	}
	err := m.Journal.Append(ctx, after, records)
	if m.mood == late {
		return errDisk
	}
	return err
}

func (m *moody) Read(ctx context.Context, after uint64) iter.Seq2[ipam.Record, error] {
	if m.blind {
		return func(yield func(ipam.Record, error) bool) { yield(ipam.Record{}, errDisk) }
	}
	return m.Journal.Read(ctx, after)
}

// What an append that failed left behind decides the answer, not the failure.
func TestAppendFails(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		mood
		blind   bool
		acked   bool
		written bool
	}{
		"nothing written":                    {lost, false, false, false},
		"nothing written, unreadable":        {lost, true, false, false},
		"written after all":                  {late, false, true, true},
		"written after all, nobody can tell": {late, true, false, true},
	} {
		var store journaltest.Store
		m := &moody{Journal: store.Open()}
		b, err := Open(ctx, m, ticking())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Allocate(ctx, by, active(t, "10.0.0.0/24")); err != nil {
			t.Fatal(err)
		}
		m.mood, m.blind = c.mood, c.blind
		keyed := by
		keyed.Key = "k"
		ask := func() (Receipt, error) {
			return b.AllocateNext(ctx, keyed, ipam.Allocation{Status: ipam.Active}, place(t, "10.0.0.0/24"), 32, First)
		}
		r, err := ask()
		if (err == nil) != c.acked || err != nil && (!errors.Is(err, errDisk) || r.Revision != 0) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		want := []string{"10.0.0.0/24 active"}
		if c.acked {
			want = append(want, "10.0.0.1 active")
		}
		if got := live(b); !slices.Equal(got, want) {
			t.Errorf("%s: the book shows %v, want %v", name, got, want)
		}
		// Better again: the same request is made once, and only once.
		m.mood, m.blind = fine, false
		r, err = ask()
		if err != nil || r.Repeated != c.written || r.Revision != 2 {
			t.Errorf("%s: again %+v, %v", name, r, err)
		}
		if got, want := live(b), []string{"10.0.0.0/24 active", "10.0.0.1 active"}; !slices.Equal(got, want) {
			t.Errorf("%s: the book shows %v, want %v", name, got, want)
		}
		if _, err := b.Verify(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The journal's file is cut or changed: opening names it, the last good backup
// restores the book as it was.
func TestDamagedFileRestores(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "book.db")
	open := func() (*bolt.Journal, *Book) {
		t.Helper()
		j, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(ctx, j, ticking())
		if err != nil {
			t.Fatal(err)
		}
		return j, b
	}
	j, b := open()
	if _, err := b.Allocate(ctx, by, active(t, "10.0.0.0/8")); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := b.AllocateNext(ctx, by, ipam.Allocation{Status: ipam.Active, Note: "a note to find"}, place(t, "10.0.0.0/8"), 30, First); err != nil {
			t.Fatal(err)
		}
	}
	var backup bytes.Buffer
	if err := j.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	end, want := b.Now().Hash(), live(b)
	if _, err := b.Release(ctx, by, place(t, "10.0.0.0/30"), false); err != nil { // after the backup
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Every copy of the word: old pages keep some.
	flipped := bytes.ReplaceAll(good, []byte("a note to find"), []byte("a note to fine"))
	for name, bad := range map[string][]byte{"cut": good[:20_000], "flipped": flipped, "emptied": nil} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		var de *bolt.DamageError
		if _, err := bolt.Open(path, bolt.Options{}); !errors.As(err, &de) || !strings.Contains(err.Error(), path) || name == "flipped" && de.Revision != 2 {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := bolt.Restore(path, bytes.NewReader(backup.Bytes())); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		j, b := open()
		if _, err := b.Verify(ctx); err != nil || b.Now().Hash() != end || !slices.Equal(live(b), want) {
			t.Errorf("%s: restored to %d blocks at revision %d; %v", name, len(live(b)), b.Now().Revision(), err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A journal whose chain holds but whose events do not fold was not written by
// this program: the book does not open, and says where.
func TestOpenRefuses(t *testing.T) {
	pool, inner := active(t, "10.0.0.0/24"), active(t, "10.0.0.8/29")
	planned := pool
	planned.Status = ipam.Planned
	alter := func(a ipam.Allocation) ipam.Change { return ipam.Change{Op: ipam.Alter, Allocation: a} }
	for name, c := range map[string]struct {
		change ipam.Change
		key    string
		want   string
	}{
		"given twice":   {add(inner), "", "BOOK-ONE"},
		"across":        {add(active(t, "10.0.0.4-10.0.0.9")), "", "BOOK-NEST"},
		"across below":  {add(active(t, "10.0.0.10-10.0.0.20")), "", "BOOK-NEST"},
		"wrong way":     {alter(planned), "", "STATUS-WAY"},
		"alters none":   {alter(active(t, "10.0.0.0/25")), "", "nothing is allocated"},
		"drops none":    {ipam.Change{Op: ipam.Drop, From: place(t, "10.0.0.0/25")}, "", "nothing is allocated"},
		"clears none":   {ipam.Change{Op: ipam.Clear, From: place(t, "10.0.0.0/25")}, "", "nothing is allocated"},
		"shifts none":   {ipam.Change{Op: ipam.Shift, From: place(t, "10.0.0.0/25"), To: place(t, "10.1.0.0/25")}, "", "nothing is allocated"},
		"shifts over":   {ipam.Change{Op: ipam.Shift, From: place(t, "10.0.0.8/29"), To: place(t, "10.0.1.0/29")}, "", "already allocated"},
		"shifts across": {ipam.Change{Op: ipam.Shift, From: place(t, "10.0.0.0/24"), To: place(t, "10.0.0.128-10.0.1.127")}, "", "already allocated"},
		"key again":     {add(active(t, "10.7.0.0/16")), "k", "BOOK-KEY"},
	} {
		var store journaltest.Store
		var end ipam.Chain
		j := store.Open()
		put := func(e ipam.Event) {
			t.Helper()
			e.At, e.Verb, e.Who, e.Why = time.Unix(1000, 0), ipam.Import, "somebody", "by hand"
			record, next, err := end.Seal(e)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Append(t.Context(), end.Revision, [][]byte{record}); err != nil {
				t.Fatal(err)
			}
			end = next
		}
		put(ipam.Event{Key: "k", Request: ipam.Digest{1}, Changes: []ipam.Change{add(pool), add(inner)}})
		put(ipam.Event{Changes: []ipam.Change{add(active(t, "10.0.1.0/29"))}})
		before, err := Open(t.Context(), j, ticking())
		if err != nil {
			t.Fatal(err)
		}
		e := ipam.Event{Key: c.key, Changes: []ipam.Change{c.change}}
		if c.key != "" {
			e.Request = ipam.Digest{1}
		}
		put(e)
		if _, err := Open(t.Context(), j, ticking()); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "revision 3") {
			t.Errorf("%s: %v, want %s at revision 3", name, err, c.want)
		}
		// A book that is open stays as it was, and takes no change behind that event.
		if _, err := before.Allocate(t.Context(), by, active(t, "10.9.0.0/16")); err == nil || before.Now().Revision() != 2 {
			t.Errorf("%s: an open book stands at %d, %v", name, before.Now().Revision(), err)
		}
	}
}

// Within one event a block may come and go; nobody ever saw it.
func TestWithinOneEvent(t *testing.T) {
	var store journaltest.Store
	j := store.Open()
	a := active(t, "10.0.0.0/24")
	record, _, err := ipam.Chain{}.Seal(ipam.Event{
		At: time.Unix(1000, 0), Verb: ipam.Import, Who: "somebody", Why: "by hand",
		Changes: []ipam.Change{add(a), {Op: ipam.Drop, From: a.Place}, add(active(t, "10.0.0.0/25"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), 0, [][]byte{record}); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), j, ticking())
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Now().History(a.Place); len(got) != 1 || got[0].Block != active(t, "10.0.0.0/25").Block {
		t.Errorf("history %+v", got)
	}
}

// A book follows what other programs append.
func TestFollow(t *testing.T) {
	var store journaltest.Store
	writer, err := Open(t.Context(), store.Open(), ticking())
	if err != nil {
		t.Fatal(err)
	}
	j := store.Open()
	reader, err := Open(t.Context(), j, ticking())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- reader.Follow(t.Context()) }()
	for range 50 {
		if _, err := writer.AllocateNext(t.Context(), by, ipam.Allocation{Status: ipam.Active}, place(t, "10.0.0.0/24"), 32, First); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); reader.Now().Revision() < 50; {
		runtime.Gosched()
		if time.Now().After(deadline) {
			t.Fatalf("the reader came to revision %d", reader.Now().Revision())
		}
	}
	if reader.Now().Hash() != writer.Now().Hash() {
		t.Error("the reader follows another history")
	}
	_ = j.Close()
	if err := <-done; !errors.Is(err, ipam.ErrClosed) {
		t.Errorf("Follow ended with %v", err)
	}
}
