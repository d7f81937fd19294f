package cutover

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// slowAbove tries the whole circle of 256: all serials that are later than all
// seen, by the words of RFC 1982 3.2.
func slowAbove(seen []uint8) (all []uint8) {
	later := func(s, t int) bool { return s < t && t-s < 128 || s > t && s-t > 128 }
	for x := range 256 {
		ok := x != 0
		for _, s := range seen {
			ok = ok && later(int(s), x)
		}
		if ok {
			all = append(all, uint8(x))
		}
	}
	return all
}

func heldToSlow(t interface{ Fatalf(string, ...any) }, seen []uint8) {
	got, ok := above(seen)
	all := slowAbove(seen)
	if ok != (len(all) > 0) || ok && !slices.Contains(all, got) {
		t.Fatalf("%v: %d %v; later are %v", seen, got, ok, all)
	}
	for _, x := range all { // the nearest: no other one lies between
		if x != got && before(x, got) {
			t.Fatalf("%v: %d, and %d is nearer", seen, got, x)
		}
	}
}

// TestAbove: on a circle of 256 each pair, and random sets, against trying all.
func TestAbove(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			heldToSlow(t, []uint8{uint8(a), uint8(b)})
		}
	}
	rapid.Check(t, func(t *rapid.T) { heldToSlow(t, rapid.SliceOfN(rapid.Uint8(), 1, 5).Draw(t, "seen")) })
	rapid.Check(t, func(t *rapid.T) { // most of them near each other
		from := rapid.Uint8().Draw(t, "from")
		seen := rapid.SliceOfN(rapid.Uint8Range(0, 128), 1, 4).Draw(t, "seen")
		for i := range seen {
			seen[i] += from
		}
		heldToSlow(t, seen)
	})
}

// TestAboveEdges: the circle of 2^32, by hand.
func TestAboveEdges(t *testing.T) {
	const half, top = 1 << 31, math.MaxUint32
	for _, c := range []struct {
		seen []zones.Serial
		want zones.Serial // 0: none
	}{
		{nil, 1},
		{[]zones.Serial{0}, 1},
		{[]zones.Serial{top}, 1}, // never 0
		{[]zones.Serial{top - 1}, top},
		{[]zones.Serial{top, 5}, 6},
		{[]zones.Serial{2025082901, 7}, 2025082902},
		{[]zones.Serial{1, half}, 0},             // half+1 is half a circle from 1
		{[]zones.Serial{2, half}, half + 1},      // 2^31-1 from 2
		{[]zones.Serial{0, half}, 0},             // neither is before the other
		{[]zones.Serial{0, half + 1}, 0},         // 0 is later; 1 is half a circle from the other
		{[]zones.Serial{half + 1, top}, 0},       // the one after top is 0, which is none
		{[]zones.Serial{half + 2, top}, 1},       //
		{[]zones.Serial{1, 1 << 30, 3 << 30}, 0}, // all around
	} {
		got, ok := above(c.seen)
		if ok != (c.want != 0) || got != c.want {
			t.Errorf("%v: %d %v, want %d", c.seen, got, ok, c.want)
		}
		for _, s := range c.seen {
			if ok && !s.Before(got) {
				t.Errorf("%v: %d is not later than %d", c.seen, got, s)
			}
		}
	}
}

// TestSerials: STEP-SERIAL, for serials from the whole circle.
func TestSerials(t *testing.T) {
	refused, kept, changed := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		from := zones.Serial(rapid.Uint32().Draw(t, "from"))
		draw := func(label string) zones.Serial {
			return from + zones.Serial(rapid.SampledFrom([]uint32{0, 1, 2, 1000, 1, 0, 2, 7, 1<<31 - 9, 1 << 31}).Draw(t, label))
		}
		row, _ := genRow(t)
		terms := genTerms(t)
		terms.Served = map[zones.ID][]zones.Serial{}
		ids := map[zones.ID]bool{}
		for i, w := range row {
			for z := range w.All() {
				s := draw("stated")
				row[i] = row[i].With(z.WithSerial(s))
				ids[z.ID()] = true
			}
		}
		for _, id := range slices.SortedFunc(maps.Keys(ids), zones.ID.Compare) {
			for range rapid.IntRange(0, 2).Draw(t, "servers") {
				terms.Served[id] = append(terms.Served[id], draw("seen"))
			}
		}
		l, err := Plan(row, terms)
		var fault *SerialError
		if errors.As(err, &fault) {
			refused++
			for _, end := range fault.Serials {
				next := end.Next()
				if !slices.ContainsFunc(fault.Serials, func(s zones.Serial) bool { return !s.Before(next) }) {
					t.Fatalf("%v: %d is later than all", err, next)
				}
			}
			return
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		was := row[0]
		for i, s := range l.Served() {
			stated := append(append([]zones.World{row[0]}, row[1:]...), row[3], row[3])[i]
			for z := range s.World.All() {
				p := was.Zone(z.ID())
				if p != nil && p.WithSerial(0).Digest() == z.WithSerial(0).Digest() {
					kept++
					if p.Serial() != z.Serial() {
						t.Fatalf("%v: %v goes from %d to %d, and its content stays", s.Kind, z.ID(), p.Serial(), z.Serial())
					}
					continue
				}
				changed++
				above := append(slices.Clone(terms.Served[z.ID()]), stated.Zone(z.ID()).Serial())
				if p != nil {
					above = append(above, p.Serial())
				}
				for _, x := range above {
					if !x.Before(z.Serial()) || z.Serial() == 0 {
						t.Fatalf("%v: %v has %d, not later than %d", s.Kind, z.ID(), z.Serial(), x)
					}
				}
			}
			was = s.World
		}
	})
	t.Logf("%d refused; %d kept, %d changed", refused, kept, changed)
	if refused == 0 || kept == 0 || changed == 0 {
		t.Error("too few of a kind")
	}
}
