package transfer

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// slowNext is the obvious Next: it compares the zones, walks over all deltas
// and copies those that fit.
func slowNext(v Version, z *zones.Zone, room int) Version {
	if v.Zone == nil || v.Zone.ID() != z.ID() || !v.Zone.Serial().Before(z.Serial()) {
		if v.Zone != nil && v.Zone.Equal(z) {
			return v
		}
		return Version{Zone: z}
	}
	d := zones.Diff(v.Zone, z)
	_, _, records := z.Counts()
	room = min(room, records)
	size := len(d.Removed) + len(d.Added)
	if size > room {
		return Version{Zone: z}
	}
	first := len(v.Deltas)
	for first > 0 {
		n := len(v.Deltas[first-1].Removed) + len(v.Deltas[first-1].Added)
		if size+n > room {
			break
		}
		size += n
		first--
	}
	return Version{Zone: z, Deltas: append(slices.Clone(v.Deltas[first:]), d)}
}

// versioned is a zone of one record for each number, under a serial.
func versioned(t interface{ Fatal(...any) }, serial zones.Serial, numbers []int) *zones.Zone {
	origin := zones.MustName("example")
	b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
	b.Add(zones.Record{Owner: origin, Type: zones.TypeSOA, TTL: 60, Data: zones.SOA{MName: origin, RName: origin, Serial: serial}.Data()})
	for _, i := range numbers {
		owner, err := origin.Child(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: owner, Type: zones.TypeA, TTL: 60, Data: "\x01\x02\x03\x04"})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func sameDeltas(a, b []zones.Delta) bool {
	return slices.EqualFunc(a, b, func(x, y zones.Delta) bool {
		return x.ID == y.ID && slices.EqualFunc(x.Removed, y.Removed, zones.Record.Same) && slices.EqualFunc(x.Added, y.Added, zones.Record.Same)
	})
}

func toggled(numbers []int, n int) []int {
	if i := slices.Index(numbers, n); i >= 0 {
		return slices.Delete(slices.Clone(numbers), i, i+1)
	}
	return append(slices.Clone(numbers), n)
}

// TestVersionTwin: Next and Step keep what the slow twin keeps, from the last
// version and from older ones, which stay as they were.
func TestVersionTwin(t *testing.T) {
	kept, dropped := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		vs, slow, of := []Version{{}}, []Version{{}}, [][]int{nil}
		room := rapid.SampledFrom([]int{0, 4, 9, 30}).Draw(rt, "room")
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			from := len(vs) - 1
			if rapid.IntRange(0, 4).Draw(rt, "from an older one") == 0 {
				from = rapid.IntRange(0, from).Draw(rt, "which")
			}
			serial := zones.Serial(1)
			if v := vs[from]; v.Zone != nil {
				serial = v.Zone.Serial() + zones.Serial(rapid.SampledFrom([]uint32{0, 1, 1, 1, 1, 1, 2, 0xffffffff}).Draw(rt, "on"))
			}
			numbers := rapid.SliceOfNDistinct(rapid.IntRange(0, 11), 6, 12, rapid.ID[int]).Draw(rt, "numbers")
			if v := vs[from]; v.Zone != nil && rapid.IntRange(0, 3).Draw(rt, "anew") > 0 { // one more or one less: several such are kept
				numbers = toggled(of[from], numbers[0])
			}
			z := versioned(rt, serial, numbers)
			v, want := vs[from], slowNext(slow[from], z, room)
			if v.Zone != nil && v.Zone.Serial().Before(serial) && rapid.Bool().Draw(rt, "by step") {
				v = v.Step(zones.Diff(v.Zone, z), z, room)
			} else {
				v = v.Next(z, room)
			}
			vs, slow, of = append(vs, v), append(slow, want), append(of, numbers)
			if len(v.Deltas) > 1 {
				kept++
			}
			if len(v.Deltas) > 0 && len(v.Deltas) <= len(vs[from].Deltas) {
				dropped++
			}
		}
		for i := range vs {
			if vs[i].Zone != slow[i].Zone && !vs[i].Zone.Equal(slow[i].Zone) || !sameDeltas(vs[i].Deltas, slow[i].Deltas) || vs[i].records() != weightOf(vs[i]) {
				rt.Fatalf("version %d keeps %v (%d records), want %v", i, vs[i].Deltas, vs[i].records(), slow[i].Deltas)
			}
			for k := range vs[i].Deltas {
				soa, _ := apexSOA(vs[i].Deltas[k].Removed, vs[i].Zone.Origin())
				if ds, ok := vs[i].since(soaSerial(soa)); !ok || !sameDeltas(ds, vs[i].Deltas[k:]) {
					rt.Fatalf("version %d: since %d", i, soaSerial(soa))
				}
			}
		}
	})
	if kept == 0 || dropped == 0 {
		t.Errorf("several deltas kept %d times, older ones dropped %d times: one side was never met", kept, dropped)
	}
}

// TestVersionBesideReaders: two lines of versions that begin at one, and
// readers of it.
func TestVersionBesideReaders(t *testing.T) {
	v := Version{Zone: versioned(t, 1, []int{0, 1, 2, 3, 4, 5, 6, 7})}
	for i := range 5 {
		v = v.Next(versioned(t, zones.Serial(2+i), []int{0, 1, 2, 3, 4, 5, 6, 7, i + 10}), 1000)
	}
	want := slices.Clone(v.Deltas)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			next := v
			for i := range 50 {
				if g < 2 {
					next = next.Next(versioned(t, next.Zone.Serial()+1, []int{0, 1, 2, 3, 4, 5, 6, 7, 100*g + i}), 1000)
				}
				if !sameDeltas(v.Deltas, want) {
					t.Error("a version changed")
				}
			}
			if g < 2 && (len(next.Deltas) == 0 || next.Deltas[len(next.Deltas)-1].Added[1].Owner.First() != fmt.Sprint(100*g+49)) {
				t.Errorf("line %d ends with %v", g, next.Deltas)
			}
		}()
	}
	wg.Wait()
}
