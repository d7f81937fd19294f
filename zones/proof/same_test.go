package proof

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// TestSameWorkers holds PROOF-SAME over a world wide enough to be shared out.
func TestSameWorkers(t *testing.T) {
	in := Input{Before: big(t, 3*defaultSplit, 0), After: big(t, 2*defaultSplit, 7)}
	one := Prove(in, Options{Workers: 1})
	if len(one.Faults) < 100 {
		t.Fatalf("%d faults only", len(one.Faults))
	}
	for _, n := range []int{2, 8} {
		if d := cmp.Diff(one, Prove(in, Options{Workers: n}), cmp.AllowUnexported(zones.Name{})); d != "" {
			t.Fatalf("%d goroutines: %s", n, d)
		}
	}
	few := Prove(in, Options{Workers: 4, Limit: 50})
	if d := cmp.Diff(few, Prove(in, Options{Workers: 1, Limit: 50}), cmp.AllowUnexported(zones.Name{})); d != "" {
		t.Fatalf("with a limit: %s", d)
	}
	count := map[string]int{}
	for _, f := range few.Faults {
		count[f.ID]++
	}
	for id, n := range count {
		if n > 50 || few.Counts.More[id] > 0 && n < 50 {
			t.Errorf("%d faults %s, and %d more", n, id, few.Counts.More[id])
		}
	}
	if len(few.Counts.More) == 0 {
		t.Error("nothing lies beyond the limit")
	}
}

// TestSelfRandom holds PROOF-SELF.
func TestSelfRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := genWorlds(t)
		w := world(t, "old", a)
		if r := Prove(Input{Before: w, After: w}, Options{}); len(r.Faults) > 0 || r.Counts.Added > 0 {
			t.Fatalf("%v\n%s", r.Faults, a)
		}
	})
}
