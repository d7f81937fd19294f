package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/history/historytest"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// host is a zone with a number of hosts.
func hosts(t testing.TB, origin string, view zones.View, serial zones.Serial, n int) *zones.Zone {
	t.Helper()
	id := zones.ID{Origin: zones.MustName(origin), View: view}
	b := zones.NewBuilder(id)
	soa := zones.SOA{MName: id.Origin, RName: id.Origin, Serial: serial, Refresh: 3600, Retry: 600, Expire: 86400, Minimum: 60}
	b.Add(zones.Record{Owner: id.Origin, Type: zones.TypeSOA, TTL: 300, Data: soa.Data()})
	for i := range n {
		d, err := rdata.Parse(zones.TypeA, fmt.Sprintf("192.%d.%d.%d", i>>16, i>>8&255, i&255), zones.Name{})
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: zones.MustName(fmt.Sprintf("h%d.%s", i, origin)), Type: zones.TypeA, TTL: 300, Data: d})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func entry(n int) history.Entry {
	return history.Entry{At: time.Date(2025, 9, 1, 0, n, 0, 0, time.UTC), Who: "an", Why: fmt.Sprint("việc ", n)}
}

// A life is a row of writes, each of which is either done or not.
type deed func(h *history.History) error

// model is what a history must hold. What was tried last may be there too.
type model struct {
	zones  map[zones.ID][]*zones.Zone
	files  [][]byte
	events int
}

func (m *model) clone() *model {
	c := &model{zones: map[zones.ID][]*zones.Zone{}, files: append([][]byte(nil), m.files...), events: m.events}
	for id, zs := range m.zones {
		c.zones[id] = append([]*zones.Zone(nil), zs...)
	}
	return c
}

const fileName = "consolidation.yaml"

// life gives the deeds and, after each, what there must be.
func life(t testing.TB) (deeds []deed, after []*model) {
	m := &model{zones: map[zones.ID][]*zones.Zone{}}
	do := func(d deed) {
		deeds = append(deeds, d)
		after = append(after, m.clone())
	}
	event := func() {
		m.events++
		n, refs := m.events, []history.Ref{}
		for id, zs := range m.zones {
			refs = append(refs, history.Ref{ID: id, N: len(zs)})
		}
		do(func(h *history.History) error {
			ev, err := h.Append(history.Event{Kind: "publish", Entry: entry(n), Zones: refs})
			if err == nil && ev.N != n {
				t.Errorf("event %d has number %d", n, ev.N)
			}
			return err
		})
	}
	put := func(zs ...*zones.Zone) {
		for _, z := range zs {
			m.zones[z.ID()] = append(m.zones[z.ID()], z)
		}
		want := m.clone().zones
		do(func(h *history.History) error {
			vs, err := h.RecordAll(zs, entry(len(deeds)))
			for _, v := range vs {
				if v.N != len(want[v.ID]) {
					t.Errorf("version %d of %v has number %d", len(want[v.ID]), v.ID, v.N)
				}
			}
			return err
		})
	}
	put(hosts(t, "gialai.gov.vn", "internet", 1, 12))
	event()
	put(hosts(t, "gialai.gov.vn", "internet", 2, 13))
	put(hosts(t, "gialai.gov.vn", "data", 1, 2), hosts(t, "binhdinh.gov.vn", "internet", 7, 0))
	m.files = append(m.files, []byte("a: 1\n"))
	do(func(h *history.History) error {
		_, err := h.RecordFile(fileName, []byte("a: 1\n"), entry(9))
		return err
	})
	event()
	put(hosts(t, "gialai.gov.vn", "internet", 3, 11), hosts(t, "gialai.gov.vn", "data", 2, 3), hosts(t, "binhdinh.gov.vn", "internet", 8, 1))
	m.files = append(m.files, []byte("a: 2\n"))
	do(func(h *history.History) error {
		_, err := h.RecordFile(fileName, []byte("a: 2\n"), entry(10))
		return err
	})
	event()
	return deeds, after
}

// holds tells what is wrong with a history that must hold least, and may
// hold what most has.
func holds(h *history.History, least, most *model) error {
	for _, id := range h.IDs() {
		vs := h.Versions(id)
		if len(vs) < len(least.zones[id]) || len(vs) > len(most.zones[id]) {
			return fmt.Errorf("%d versions of %v, want %d to %d", len(vs), id, len(least.zones[id]), len(most.zones[id]))
		}
		for i, v := range vs {
			z, err := h.Zone(id, v.N)
			if err != nil {
				return err
			}
			if want := most.zones[id][i]; v.N != i+1 || !z.Equal(want) || v.Digest != history.Digest(want) {
				return fmt.Errorf("version %d of %v is not what was recorded", v.N, id)
			}
		}
	}
	for id := range least.zones {
		if len(h.Versions(id)) == 0 {
			return fmt.Errorf("%v is missing", id)
		}
	}
	fvs := h.FileVersions(fileName)
	if len(fvs) < len(least.files) || len(fvs) > len(most.files) {
		return fmt.Errorf("%d versions of the file, want %d to %d", len(fvs), len(least.files), len(most.files))
	}
	for i, v := range fvs {
		if b, err := h.File(fileName, v.N); err != nil || !bytes.Equal(b, most.files[i]) {
			return fmt.Errorf("version %d of the file: %q %w", v.N, b, err)
		}
	}
	evs := h.Events()
	if len(evs) < least.events || len(evs) > most.events {
		return fmt.Errorf("%d events, want %d to %d", len(evs), least.events, most.events)
	}
	for i, ev := range evs {
		if ev.N != i+1 {
			return fmt.Errorf("event %d has number %d", i+1, ev.N)
		}
		if w, err := h.World(ev); err != nil || w.Len() != len(ev.Zones) {
			return fmt.Errorf("event %d: %w", ev.N, err)
		}
	}
	return nil
}

// sound opens a history that may have been left by a crash, but is not damaged.
func sound(fsys history.FS) (*history.History, error) {
	h, fs, err := history.Open(fsys)
	if err == nil && finding.Failed(fs) {
		err = fmt.Errorf("%v", fs)
	}
	return h, err
}

// clean is sound, with nothing to be said.
func clean(fsys history.FS) (*history.History, error) {
	h, fs, err := history.Open(fsys)
	if err == nil && len(fs) > 0 {
		err = fmt.Errorf("%v", fs)
	}
	return h, err
}

// before is what there must be before a deed.
func before(after []*model, i int) *model {
	if i == 0 {
		return &model{}
	}
	return after[i-1]
}

// TestFailures: at each operation of a life one fails, or all from it on until
// the deed has failed. What was done stands, and the deed succeeds when it is
// done again, without opening the history anew.
func TestFailures(t *testing.T) {
	deeds, after := life(t)
	total := wholeLife(t, deeds, after)
	faults := []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS}
	for i, long := range []int{1, 2, 1000} {
		for k := range total {
			fault := faults[(k+i)%len(faults)]
			if err := failAt(deeds, after, k, long, fault); err != nil {
				t.Fatalf("%d operations from %d on fail with %v: %v", long, k, fault, err)
			}
		}
	}
}

// wholeLife lives a life without a fault, and counts the operations.
func wholeLife(t *testing.T, deeds []deed, after []*model) int {
	t.Helper()
	fsys := historytest.New()
	h, err := clean(fsys)
	for i := range deeds {
		if err == nil {
			err = deeds[i](h)
		}
		if err == nil {
			err = holds(h, after[i], after[i])
		}
		if err == nil {
			var g *history.History
			if g, err = clean(fsys.Clone()); err == nil {
				err = holds(g, after[i], after[i])
			}
		}
		if err != nil {
			t.Fatalf("deed %d: %v", i, err)
		}
	}
	if fsys.Ops() < 100 {
		t.Fatalf("%d operations only", fsys.Ops())
	}
	return fsys.Ops()
}

func failAt(deeds []deed, after []*model, k, long int, fault error) error {
	fsys := historytest.New()
	fsys.Fail(k, k+long, fault)
	h, err := clean(fsys)
	if err != nil {
		return err
	}
	for i, d := range deeds {
		if err := d(h); err != nil {
			if !errors.Is(err, fault) {
				return fmt.Errorf("deed %d: %w, which is not the fault", i, err)
			}
			if err := holds(h, before(after, i), before(after, i)); err != nil {
				return fmt.Errorf("after deed %d failed: %w", i, err)
			}
			g, err := sound(fsys)
			if err != nil {
				return fmt.Errorf("after deed %d failed: %w", i, err)
			}
			if err := holds(g, before(after, i), after[i]); err != nil {
				return fmt.Errorf("after deed %d failed, opened anew: %w", i, err)
			}
			fsys.Fail(0, 0, nil)
			if err := d(h); err != nil {
				return fmt.Errorf("deed %d, done again: %w", i, err)
			}
		}
		if err := holds(h, after[i], after[i]); err != nil {
			return fmt.Errorf("deed %d: %w", i, err)
		}
	}
	// What stands is on disk: power is lost now.
	for seed := range uint64(2) {
		g, err := sound(fsys.Lose(rand.New(rand.NewPCG(seed, 1))))
		if err != nil {
			return err
		}
		if err := holds(g, after[len(after)-1], after[len(after)-1]); err != nil {
			return err
		}
	}
	g, err := sound(fsys)
	if err != nil {
		return err
	}
	return holds(g, after[len(after)-1], after[len(after)-1])
}

// TestPowerLoss: at each operation of a life power is lost, and again
// somewhere in the life that goes on from there. What was done is there; of the
// deed under way all or nothing.
func TestPowerLoss(t *testing.T) {
	deeds, after := life(t)
	total := wholeLife(t, deeds, after)
	for k := range total {
		for seed := range uint64(2) {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			if err := loseAt(deeds, after, k, r, false); err != nil {
				t.Fatalf("power is lost at operation %d, seed %d: %v", k, seed, err)
			}
			if err := loseAt(deeds, after, k, r, true); err != nil {
				t.Fatalf("the process is killed at operation %d, seed %d: %v", k, seed, err)
			}
		}
	}
}

func loseAt(deeds []deed, after []*model, k int, r *rand.Rand, killed bool) error {
	fsys := historytest.New()
	for i, crashes := 0, 0; i < len(deeds); crashes++ {
		fsys.Fail(k, 1<<30, historytest.ErrKilled)
		h, err := sound(fsys)
		if err != nil {
			return err
		}
		for ; i < len(deeds); i++ {
			if err = deeds[i](h); err != nil {
				break
			}
		}
		fsys.Fail(0, 0, nil)
		if err != nil && !errors.Is(err, historytest.ErrKilled) {
			return fmt.Errorf("deed %d: %w", i, err)
		}
		least, most := before(after, i), after[min(i, len(after)-1)]
		if killed {
			// The next process reads what may not be on disk, makes that sure, and
			// then power is lost.
			g, err := sound(fsys)
			if err != nil {
				return err
			}
			if err := holds(g, least, most); err != nil {
				return fmt.Errorf("killed in deed %d: %w", i, err)
			}
			if err := g.Repair(); err != nil {
				return err
			}
			if i < len(deeds) && holds(g, most, most) == nil {
				least = most
			}
		}
		fsys = fsys.Lose(r)
		g, err := sound(fsys)
		if err != nil {
			return fmt.Errorf("lost in deed %d: %w", i, err)
		}
		if err := holds(g, least, most); err != nil {
			return fmt.Errorf("lost in deed %d: %w", i, err)
		}
		if i < len(deeds) && holds(g, most, most) == nil {
			// It was done, so it is not to be done again where that would count twice.
			i++
		}
		if k = 3 + r.IntN(60); crashes > 20 {
			k = 1 << 30
		}
	}
	h, err := sound(fsys)
	if err == nil {
		err = h.Repair()
	}
	if err != nil {
		return err
	}
	if h, err = clean(fsys); err != nil {
		return err
	}
	return holds(h, after[len(after)-1], after[len(after)-1])
}
