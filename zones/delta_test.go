package zones

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDeltaChain: two deltas one after the other do what one does, and lead
// back in the opposite order; the zones that they start from stay as they are.
func TestDeltaChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var zs [3]*Zone
		var before [3][]Record
		for i := range zs {
			zs[i] = freezeOf(t, testID, Serial(rapid.IntRange(1, 2).Draw(t, "serial")), genRecords(testID).Draw(t, "records"))
			before[i] = slices.Collect(zs[i].Records())
		}
		z := zs[0]
		for _, step := range [][2]int{{0, 1}, {1, 2}, {2, 1}, {1, 0}} {
			next, err := Diff(zs[step[0]], zs[step[1]]).Apply(z)
			if err != nil || !next.Equal(zs[step[1]]) {
				t.Fatalf("the step %v: %v", step, err)
			}
			z = next
		}
		for i, z := range zs {
			if !slices.Equal(slices.Collect(z.Records()), before[i]) {
				t.Fatalf("zone %d was changed", i)
			}
		}
	})
}

// TestDeltaPlaces: what stays keeps the place that it had, what comes brings
// its own.
func TestDeltaPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		move := func(file string, rs []Record) []Record {
			for i := range rs {
				rs[i].From.File = file
			}
			return rs
		}
		a := freezeOf(t, testID, 1, move("old", genRecords(testID).Draw(t, "a")))
		b := freezeOf(t, testID, 1, move("new", genRecords(testID).Draw(t, "b")))
		z, err := Diff(a, b).Apply(a)
		if err != nil {
			t.Fatal(err)
		}
		was := slices.Collect(a.Records())
		is := slices.Collect(b.Records())
		for r := range z.Records() {
			from := is
			if slices.ContainsFunc(was, r.Same) {
				from = was
			}
			if !slices.Contains(from, r) {
				t.Fatalf("%v comes from %v", r, r.From)
			}
		}
	})
}

// TestDeltaOneRecord: removing or adding one record of a zone is a delta of
// that record alone; with a TTL, which the whole RRset shares, all of it goes
// and comes.
func TestDeltaOneRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := slices.Collect(freezeOf(t, testID, 1, genRecords(testID).Draw(t, "records")).Records())
		all = slices.DeleteFunc(all, func(r Record) bool { return r.Type == TypeSOA })
		if len(all) == 0 {
			return
		}
		a := freezeOf(t, testID, 1, all)
		i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
		b := freezeOf(t, testID, 1, slices.Delete(slices.Clone(all), i, i+1))
		if d := Diff(a, b); len(d.Added) != 0 || len(d.Removed) != 1 || d.Removed[0] != all[i] || d.ID != testID {
			t.Fatalf("%v removed: %v", all[i], d)
		}
		if d := Diff(b, a); len(d.Removed) != 0 || len(d.Added) != 1 || d.Added[0] != all[i] {
			t.Fatalf("%v added: %v", all[i], d)
		}
		k := Key{all[i].Owner, all[i].Type}
		other := slices.Clone(all)
		n := 0
		for j := range other {
			if (Key{other[j].Owner, other[j].Type}) == k {
				other[j].TTL = 77
				n++
			}
		}
		if d := Diff(a, freezeOf(t, testID, 1, other)); len(d.Removed) != n || len(d.Added) != n {
			t.Fatalf("%d records have another TTL: %v", n, d)
		}
	})
}

// TestDiffOfOtherZones: between two identities there is no delta to apply.
func TestDiffOfOtherZones(t *testing.T) {
	a := freezeOf(t, testID, 1, nil)
	for _, id := range []ID{{testID.Origin, "tslcd"}, {MustName("vn"), Internet}} {
		if _, err := Diff(a, freezeOf(t, id, 1, nil)).Apply(a); err == nil {
			t.Errorf("%v became %v", testID, id)
		}
	}
}

// TestIDOrder: by view, then by origin; its text has both.
func TestIDOrder(t *testing.T) {
	ids := []ID{{MustName("vn"), "a"}, {MustName("a.vn"), "a"}, {MustName("b.vn"), "a"}, {MustName("vn"), "b"}, {MustName("a.vn"), "b"}}
	for i, x := range ids {
		for j, y := range ids {
			if sign(x.Compare(y)) != cmp.Compare(i, j) {
				t.Errorf("%v against %v: %d", x, y, x.Compare(y))
			}
		}
	}
	if got := ids[1].String(); got != "a.vn (a)" {
		t.Errorf("printed as %q", got)
	}
}

// TestWorldDigest: it covers every zone with its view, in no order, and
// nothing but With and WithSerial's results changes it.
func TestWorldDigest(t *testing.T) {
	inner, outer := ID{MustName("x.vn"), "tslcd"}, ID{MustName("x.vn"), Internet}
	a, b, c := freezeOf(t, inner, 1, nil), freezeOf(t, outer, 1, nil), freezeOf(t, ID{MustName("y.vn"), Internet}, 1, nil)
	worlds := [][]*Zone{nil, {a}, {b}, {c}, {a, b}, {a, c}, {b, c}, {a, b, c}, {a.WithSerial(2), b, c}, {a, b.WithSerial(2), c}}
	seen := map[Digest]int{}
	for i, zs := range worlds {
		w, err := NewWorld(zs...)
		if err != nil {
			t.Fatal(err)
		}
		back := slices.Clone(zs)
		slices.Reverse(back)
		if x, err := NewWorld(back...); err != nil || x.Digest() != w.Digest() {
			t.Errorf("world %d: the order of zones changes the digest (%v)", i, err)
		}
		if j, ok := seen[w.Digest()]; ok {
			t.Errorf("worlds %d and %d have one digest", i, j)
		}
		seen[w.Digest()] = i
	}
	var empty World
	if w := empty.With(a).With(b).With(c); seen[w.Digest()] != 7 || empty.Len() != 0 {
		t.Errorf("made zone by zone, it has another digest; the empty world has %d zones", empty.Len())
	}
	w := empty.With(a).With(b)
	if w.Zone(inner) != a || w.Zone(outer) != b || w.Nearest("tslcd", MustName("q.x.vn")) != a || w.Nearest(Internet, MustName("q.x.vn")) != b || !slices.Equal(w.Views(), []View{Internet, "tslcd"}) {
		t.Error("two views of one origin are mixed")
	}
}
