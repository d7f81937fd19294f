package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

// hang is how long a call may take before a test calls it hung: a liveness
// bound, far above what a loaded machine needs.
const hang = 60 * time.Second

// Opener opens a journal on one store. Called again after Close it opens the
// same store.
type Opener func() (ipam.Journal, error)

// Run holds a kind of journal to the contract. fresh makes an empty store.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"Empty":      testEmpty,
		"ReadBack":   testReadBack,
		"Conflict":   testConflict,
		"Whole":      testWhole,
		"Bounds":     testBounds,
		"Link":       testLink,
		"Watch":      testWatch,
		"WatchEnds":  testWatchEnds,
		"Reopen":     testReopen,
		"Closed":     testClosed,
		"Cancelled":  testCancelled,
		"Concurrent": testConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

// Event is a small event that gives address number i of 10.0.0.0/8.
func Event(i int, why string) ipam.Event {
	block := ipam.BlockOfAddr(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	return ipam.Event{
		At: time.Unix(1_750_000_000+int64(i), 0).UTC(), Verb: ipam.Allocate, Who: "test", Why: why,
		Changes: []ipam.Change{{Op: ipam.Add, Allocation: ipam.Allocation{Place: ipam.Place{Space: "tslcd", Block: block}, Status: ipam.Active}}},
	}
}

// Seal makes n records that follow end, and gives the new end.
func Seal(t testing.TB, end ipam.Chain, n int) ([][]byte, ipam.Chain) {
	t.Helper()
	var out [][]byte
	for range n {
		r, next, err := end.Seal(Event(int(end.Revision), "because"))
		if err != nil {
			t.Fatal(err)
		}
		out, end = append(out, r), next
	}
	return out, end
}

// ReadAll gives all records behind after.
func ReadAll(t testing.TB, j ipam.Journal, after uint64) [][]byte {
	t.Helper()
	var out [][]byte
	for r, err := range j.Read(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		if want := after + uint64(len(out)) + 1; r.Revision != want {
			t.Fatalf("revision %d where %d comes next", r.Revision, want)
		}
		out = append(out, r.Data)
	}
	return out
}

func open(t *testing.T, o Opener) ipam.Journal {
	t.Helper()
	j, err := o()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func expect(t *testing.T, j ipam.Journal, want [][]byte) {
	t.Helper()
	head, err := j.Head(t.Context())
	if err != nil || head != uint64(len(want)) {
		t.Fatalf("head %d, %v; want %d", head, err, len(want))
	}
	got := ReadAll(t, j, 0)
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("record %d is another one", i+1)
		}
	}
}

func mustAppend(t *testing.T, j ipam.Journal, after uint64, records [][]byte) {
	t.Helper()
	if err := j.Append(t.Context(), after, records); err != nil {
		t.Fatal(err)
	}
}

func testEmpty(t *testing.T, o Opener) {
	j := open(t, o)
	expect(t, j, nil)
	if got := ReadAll(t, j, 7); len(got) != 0 {
		t.Errorf("%d records behind the end", len(got))
	}
}

func testReadBack(t *testing.T, o Opener) {
	j := open(t, o)
	records, _ := Seal(t, ipam.Chain{}, 30)
	for i, n := 0, 1; i < len(records); n++ { // appends of 1, 2, 3 …
		k := min(i+n, len(records))
		mustAppend(t, j, uint64(i), records[i:k])
		i = k
	}
	expect(t, j, records)
	for after := range len(records) + 2 {
		got := ReadAll(t, j, uint64(after))
		if len(got) != max(0, len(records)-after) {
			t.Fatalf("%d records behind %d", len(got), after)
		}
		for _, r := range got {
			clear(r) // the reader's to keep
		}
	}
	expect(t, j, records)
	for range j.Read(t.Context(), 0) {
		break // a reader that stops holds nothing back
	}
	more, _ := Seal(t, endOf(t, records), 1)
	mustAppend(t, j, uint64(len(records)), more)
	for _, r := range more {
		want := bytes.Clone(r)
		clear(r) // the journal keeps no reference
		expect(t, j, append(records, want))
	}
}

func endOf(t *testing.T, records [][]byte) (end ipam.Chain) {
	t.Helper()
	var err error
	for _, r := range records {
		if _, end, err = end.Follow(r); err != nil {
			t.Fatal(err)
		}
	}
	return end
}

func testConflict(t *testing.T, o Opener) {
	j := open(t, o)
	records, end := Seal(t, ipam.Chain{}, 3)
	mustAppend(t, j, 0, records)
	next, _ := Seal(t, end, 2)
	for _, after := range []uint64{0, 1, 2, 4, 5, 1 << 40, 1<<64 - 1} { // too early, and a gap
		if err := j.Append(t.Context(), after, next); !errors.Is(err, ipam.ErrConflict) {
			t.Errorf("append behind %d: %v, want ErrConflict", after, err)
		}
	}
	expect(t, j, records)
	mustAppend(t, j, 3, next)
	expect(t, j, append(records, next...))
}

func testWhole(t *testing.T, o Opener) {
	j := open(t, o)
	records, _ := Seal(t, ipam.Chain{}, 5)
	bad := [][]byte{records[0], records[1], []byte("no event"), records[3]}
	if err := j.Append(t.Context(), 0, bad); err == nil {
		t.Error("octets that are no event were taken")
	}
	expect(t, j, nil)
	mustAppend(t, j, 0, records)
	expect(t, j, records)
}

func testBounds(t *testing.T, o Opener) {
	j := open(t, o)
	// The largest append of small events.
	records, end := Seal(t, ipam.Chain{}, ipam.MaxBatch+1)
	if err := j.Append(t.Context(), 0, records); err == nil {
		t.Error("an append of too many events was taken")
	}
	if err := j.Append(t.Context(), 0, nil); err == nil {
		t.Error("an append of nothing was taken")
	}
	expect(t, j, nil)
	mustAppend(t, j, 0, records[:ipam.MaxBatch])
	mustAppend(t, j, ipam.MaxBatch, records[ipam.MaxBatch:])
	// The largest append of large events.
	var large [][]byte
	sum := 0
	for {
		e := Event(int(end.Revision), strings.Repeat("x", ipam.MaxText))
		for len(e.Append(nil)) < ipam.MaxEventOctets-2*ipam.MaxText {
			a := e.Changes[0].Allocation
			a.Note = strings.Repeat("n", ipam.MaxText)
			e.Changes = append(e.Changes, ipam.Change{Op: ipam.Alter, Allocation: a})
		}
		r, next, err := end.Seal(e)
		if err != nil {
			t.Fatal(err)
		}
		large, end, sum = append(large, r), next, sum+len(r)
		if sum > ipam.MaxBatchOctets {
			break
		}
	}
	if err := j.Append(t.Context(), ipam.MaxBatch+1, large); err == nil {
		t.Error("an append of too many octets was taken")
	}
	expect(t, j, records)
	mustAppend(t, j, ipam.MaxBatch+1, large[:len(large)-1])
	expect(t, j, append(records, large[:len(large)-1]...))
}

func testLink(t *testing.T, o Opener) {
	j := open(t, o)
	records, _ := Seal(t, ipam.Chain{}, 2)
	mustAppend(t, j, 0, records)
	forged, _, err := ipam.Chain{Revision: 2}.Seal(Event(9, "forged")) // right number, wrong link
	if err != nil {
		t.Fatal(err)
	}
	var ce *ipam.ChainError
	if err := j.Append(t.Context(), 2, [][]byte{forged}); !errors.As(err, &ce) || ce.Revision != 3 {
		t.Errorf("a record with a wrong link: %v", err)
	}
	expect(t, j, records)
}

func testWatch(t *testing.T, o Opener) {
	j := open(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	records, _ := Seal(t, ipam.Chain{}, 40)
	mustAppend(t, j, 0, records[:10])
	const from = 4
	var watchers sync.WaitGroup
	for range 3 {
		watchers.Go(func() {
			next := uint64(from)
			for r, err := range j.Watch(ctx, from) {
				if err != nil {
					t.Errorf("watch at %d: %v", next, err)
					return
				}
				if r.Revision != next+1 || !bytes.Equal(r.Data, records[next]) {
					t.Errorf("watch gave %d, want %d", r.Revision, next+1)
					return
				}
				if next++; next == uint64(len(records)) {
					return
				}
			}
		})
	}
	for i := 10; i < len(records); i += 3 {
		mustAppend(t, j, uint64(i), records[i:min(i+3, len(records))])
	}
	watchers.Wait()
}

func testWatchEnds(t *testing.T, o Opener) {
	j := open(t, o)
	records, _ := Seal(t, ipam.Chain{}, 2)
	mustAppend(t, j, 0, records)
	watchToEnd(t, j, func(cancel context.CancelFunc) { cancel() }, context.Canceled)
	watchToEnd(t, j, func(context.CancelFunc) { _ = j.Close() }, ipam.ErrClosed)
}

func watchToEnd(t *testing.T, j ipam.Journal, end func(context.CancelFunc), want error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reached, done := make(chan struct{}), make(chan error, 1)
	go func() {
		var last error
		n := 0
		for _, err := range j.Watch(ctx, 0) {
			if last = err; err == nil {
				if n++; n == 2 {
					close(reached)
				}
			}
		}
		done <- last
	}()
	select {
	case <-reached:
	case <-time.After(hang):
		t.Fatal("the watch never came to the end")
	}
	end(cancel)
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Errorf("the watch ended with %v, want %v", err, want)
		}
	case <-time.After(hang):
		t.Fatalf("the watch did not end by %v", want)
	}
}

func testReopen(t *testing.T, o Opener) {
	var end ipam.Chain
	var all [][]byte
	for range 4 {
		j := open(t, o)
		expect(t, j, all)
		var records [][]byte
		records, end = Seal(t, end, 7)
		mustAppend(t, j, uint64(len(all)), records)
		all = append(all, records...)
		expect(t, j, all)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func testClosed(t *testing.T, o Opener) {
	j := open(t, o)
	records, _ := Seal(t, ipam.Chain{}, 1)
	for range 2 {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := j.Head(t.Context()); !errors.Is(err, ipam.ErrClosed) {
		t.Errorf("Head after Close: %v", err)
	}
	if err := j.Append(t.Context(), 0, records); !errors.Is(err, ipam.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	n := 0
	for _, err := range j.Read(t.Context(), 0) {
		if n++; !errors.Is(err, ipam.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("Read after Close gave %d entries, want its error", n)
	}
	expect(t, open(t, o), nil)
}

func testCancelled(t *testing.T, o Opener) {
	j := open(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	records, _ := Seal(t, ipam.Chain{}, 1)
	if err := j.Append(ctx, 0, records); err == nil {
		expect(t, j, records) // it may succeed, but then it is there
	} else {
		expect(t, j, nil)
	}
}

// Sixteen appenders race; each acknowledged event is there once, under the
// revision that was acknowledged.
func testConcurrent(t *testing.T, o Opener) {
	j := open(t, o)
	const appenders, each = 16, 8
	var mu sync.Mutex
	acknowledged := map[uint64]string{}
	var wg sync.WaitGroup
	for w := range appenders {
		wg.Go(func() {
			for i := range each {
				why := fmt.Sprintf("appender %d, event %d", w, i)
				rev, err := appendOne(t.Context(), j, why)
				if err != nil {
					t.Errorf("%s: %v", why, err)
					return
				}
				mu.Lock()
				if other, taken := acknowledged[rev]; taken {
					t.Errorf("revision %d was given to %q and %q", rev, other, why)
				}
				acknowledged[rev] = why
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	records := ReadAll(t, j, 0)
	if len(records) != appenders*each {
		t.Fatalf("%d records, want %d", len(records), appenders*each)
	}
	endOf(t, records)
	for i, r := range records {
		if e, err := ipam.DecodeEvent(r); err != nil || acknowledged[uint64(i+1)] != e.Why {
			t.Errorf("revision %d is %q, acknowledged was %q; %v", i+1, e.Why, acknowledged[uint64(i+1)], err)
		}
	}
}

// appendOne reads and appends until nobody came between.
func appendOne(ctx context.Context, j ipam.Journal, why string) (uint64, error) {
	var end ipam.Chain
	for {
		for r, err := range j.Read(ctx, end.Revision) {
			if err != nil {
				return 0, err
			}
			if _, end, err = end.Follow(r.Data); err != nil {
				return 0, err
			}
		}
		record, next, err := end.Seal(Event(int(end.Revision), why))
		if err != nil {
			return 0, err
		}
		if err = j.Append(ctx, end.Revision, [][]byte{record}); !errors.Is(err, ipam.ErrConflict) {
			return next.Revision, err
		}
	}
}
