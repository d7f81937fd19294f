package zones

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestThen: two deltas in one lead where they lead one after the other, as the
// difference of the ends does; and the inverse leads back.
func TestThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var zs [4]*Zone
		for i := range zs {
			zs[i] = freezeOf(t, testID, Serial(rapid.IntRange(1, 2).Draw(t, "serial")), genRecords(testID).Draw(t, "records"))
		}
		all := Diff(zs[0], zs[1]).Then(Diff(zs[1], zs[2])).Then(Diff(zs[2], zs[3]))
		want := Diff(zs[0], zs[3])
		if !slices.EqualFunc(all.Removed, want.Removed, Record.Same) || !slices.EqualFunc(all.Added, want.Added, Record.Same) || all.ID != want.ID {
			t.Fatalf("in one: %v\nof the ends: %v", all, want)
		}
		z, err := all.Apply(zs[0])
		if err != nil || !z.Equal(zs[3]) {
			t.Fatalf("there: %v", err)
		}
		if z, err = all.Inverse().Apply(z); err != nil || !z.Equal(zs[0]) {
			t.Fatalf("back: %v", err)
		}
	})
}
