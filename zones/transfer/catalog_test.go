package transfer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// TestMakeCatalog: the catalog of RFC 9432 A comes out as it stands there, less
// the properties of others.
func TestMakeCatalog(t *testing.T) {
	want := toZone(t, "example", rrs(t, strings.Join(slices.DeleteFunc(strings.Split(catalog, "\n"), func(l string) bool {
		return strings.Contains(l, "passed over") || strings.Contains(l, "not a member") || strings.Contains(l, "of no member") || strings.Contains(l, "two ")
	}), "\n")))
	z, err := MakeCatalog(internet("example."), 1625079950, []Member{
		{Zone: zones.MustName("example.org."), Label: "nfwxa33"},
		{Zone: zones.MustName("example.net."), Label: "NVXXEZJ", Groups: []string{"operator-x-foo"}, Owner: zones.MustName("newcatz.")},
		{Zone: zones.MustName("example.com."), Label: "nj2xg5b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !z.Equal(want) {
		_, d := Compare(want, z)
		t.Error(show(d))
	}
	long := zones.MustName(strings.Repeat("a23456789.", 24) + "example.")
	for name, c := range map[string]struct {
		apex    zones.Name
		members []Member
		words   string
	}{
		"no label":         {zones.MustName("c."), []Member{{Zone: zones.MustName("a.")}}, "label of its own"},
		"a label twice":    {zones.MustName("c."), []Member{{Zone: zones.MustName("a."), Label: "x"}, {Zone: zones.MustName("b."), Label: "X"}}, "b has no label of its own"},
		"a zone twice":     {zones.MustName("c."), []Member{{Zone: zones.MustName("a."), Label: "x"}, {Zone: zones.MustName("a."), Label: "y"}}, "a twice"},
		"a long name":      {long, []Member{{Zone: zones.MustName("a."), Label: "x"}}, "shorter name"},
		"a label too long": {zones.MustName("c."), []Member{{Zone: zones.MustName("a."), Label: strings.Repeat("x", 64)}}, "c"},
	} {
		if z, err := MakeCatalog(zones.ID{Origin: c.apex, View: zones.Internet}, 1, c.members); z != nil || err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// drawMembers draws members of few zones and labels, by name.
func drawMembers(t *rapid.T, catalogs []zones.Name) (ms []Member) {
	label := rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f"})
	used := map[string]bool{}
	for _, z := range rapid.SliceOfDistinct(rapid.SampledFrom(memberNames()), func(n zones.Name) zones.Name { return n }).Draw(t, "zones") {
		m := Member{Zone: z, Label: label.Draw(t, "label")}
		if used[m.Label] {
			m.Label = ""
		}
		used[m.Label] = true
		if rapid.IntRange(0, 3).Draw(t, "group") == 0 {
			m.Groups = []string{rapid.SampledFrom([]string{"", "x", strings.Repeat("long", 100)}).Draw(t, "text")}
		}
		if rapid.IntRange(0, 2).Draw(t, "coo") == 0 {
			m.Owner = rapid.SampledFrom(catalogs).Draw(t, "owner")
		}
		ms = append(ms, m)
	}
	slices.SortFunc(ms, func(a, b Member) int { return a.Zone.Compare(b.Zone) })
	return ms
}

func memberNames() []zones.Name {
	return []zones.Name{zones.MustName("one.example."), zones.MustName("two.example."), zones.MustName("three."), zones.MustName("odd\\.dot.example."), zones.Root()}
}

func catalogNames() []zones.Name {
	return []zones.Name{zones.MustName("a.catalog."), zones.MustName("b.catalog."), zones.MustName("c.catalog.")}
}

// TestCatalogBackAndForth: Members reads what MakeCatalog made; a zone keeps its
// label as long as it stays, and never gets one back that it had before.
func TestCatalogBackAndForth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := zones.ID{Origin: zones.MustName("catalog."), View: zones.Internet}
		var before []Member
		past := map[string]bool{} // zone and label that came apart
		for serial := zones.Serial(1); serial < 8; serial++ {
			given := drawMembers(t, catalogNames())
			for i := range given {
				given[i].Label = ""
			}
			ms := Labelled(before, given, serial)
			z, err := MakeCatalog(id, serial, ms)
			if err != nil {
				t.Fatal(err)
			}
			back, fs := Members(z)
			if len(fs) > 0 || len(back) != len(ms) {
				t.Fatalf("%d members became %d\n%s", len(ms), len(back), show(fs))
			}
			now := map[zones.Name]string{}
			for i, m := range back {
				want := ms[i]
				if m.Zone != want.Zone || m.Label != want.Label || m.Owner != want.Owner || !slices.Equal(m.Groups, want.Groups) || len(m.Label) != 26 {
					t.Fatalf("%+v became %+v", want, m)
				}
				now[m.Zone] = m.Label
				if past[m.Zone.Text()+" "+m.Label] {
					t.Fatalf("%v has its old label %s again", m.Zone, m.Label)
				}
			}
			for _, m := range before {
				if l, ok := now[m.Zone]; ok && l != m.Label {
					t.Fatalf("%v stayed and has another label", m.Zone)
				} else if !ok {
					past[m.Zone.Text()+" "+m.Label] = true
				}
			}
			if len(back) == 0 {
				return // a catalog begins anew; its labels come of the names
			}
			before = back
		}
	})
}

// TestLabelled: the labels of a catalog that begins come of the names, one that
// is given stands, and no two are alike.
func TestLabelled(t *testing.T) {
	ms := []Member{{Zone: zones.MustName("one.example.")}, {Zone: zones.MustName("two.example."), Label: "theirs"}}
	a, b := Labelled(nil, ms, 7), Labelled(nil, ms, 8)
	if a[0].Label != b[0].Label || a[1].Label != "theirs" || ms[0].Label != "" {
		t.Errorf("%+v %+v", a, b)
	}
	// The one that is given is what the other would get.
	ms = []Member{{Zone: zones.MustName("one.example.")}, {Zone: zones.MustName("two.example."), Label: a[0].Label}}
	if c := Labelled(nil, ms, 7); c[0].Label == c[1].Label || c[0].Label == "" {
		t.Errorf("%+v", c)
	}
}

// followOne is the slow and obvious twin of Follow: where one zone belongs after
// a catalog changed.
func followOne(zone zones.Name, h Holdings, c Catalog, others []Catalog, own bool) (Holding, bool) {
	listed := func(c Catalog) *Member {
		for _, m := range c.Members {
			if m.Zone == zone {
				return &m
			}
		}
		return nil
	}
	as := func(c Catalog) (Holding, bool) { m := listed(c); return Holding{c.Name, m.Label, m.Groups}, true }
	was, held := h[zone]
	switch {
	case own:
		return Holding{}, false
	case !held && listed(c) != nil:
		return as(c)
	case !held:
		return Holding{}, false
	case was.Catalog == c.Name && listed(c) != nil:
		return as(c)
	case was.Catalog == c.Name:
		for _, o := range others {
			if m := listed(o); m != nil && m.Owner != c.Name {
				return as(o)
			}
		}
		return Holding{}, false
	}
	for _, o := range others {
		if m := listed(o); o.Name == was.Catalog && m != nil && m.Owner == c.Name && listed(c) != nil {
			return as(c)
		}
	}
	return was, true
}

func TestFollowTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := catalogNames()
		var cs []Catalog
		for _, n := range names {
			cs = append(cs, Catalog{n, drawMembers(t, names)})
		}
		var h Holdings
		owned := memberNames()[rapid.IntRange(0, 4).Draw(t, "own")]
		own := func(n zones.Name) bool { return n == owned }
		for range 6 {
			i := rapid.IntRange(0, 2).Draw(t, "which")
			cs[i].Members = drawMembers(t, names)
			others := slices.Delete(slices.Clone(cs), i, i+1)
			before := maps.Clone(h)
			next, steps, fs := h.Follow(cs[i], others, own)
			if !maps.EqualFunc(before, h, sameHolding) {
				t.Fatal("the state before was changed")
			}
			want := Holdings{}
			for _, n := range memberNames() {
				if one, ok := followOne(n, h, cs[i], others, own(n)); ok {
					want[n] = one
				}
			}
			if !maps.EqualFunc(next, want, sameHolding) {
				t.Fatalf("%v\nwant %v", next, want)
			}
			// The steps lead there, and nothing that is kept is lost but by Leave and Reset.
			walk := maps.Clone(h)
			if walk == nil {
				walk = Holdings{}
			}
			for _, s := range steps {
				was, held := walk[s.Zone]
				if held != (s.Do != Join) || held && !sameHolding(was, s.Was) {
					t.Fatalf("%+v of %+v", s, was)
				}
				keeps := s.Do == Hand || s.Do == Regroup
				if keeps != (held && s.Do != Leave && was.Label == s.Now.Label) {
					t.Fatalf("%+v", s)
				}
				if walk[s.Zone] = s.Now; s.Do == Leave {
					delete(walk, s.Zone)
				}
			}
			if !maps.EqualFunc(walk, next, sameHolding) {
				t.Fatalf("the steps lead to %v, not %v", walk, next)
			}
			for _, f := range fs {
				if f.ID != "X-CATALOG" || f.Severity != finding.Warning || f.Mend == "" {
					t.Fatal(f)
				}
			}
			if _, steps, _ := next.Follow(cs[i], others, own); len(steps) > 0 {
				t.Fatalf("the same catalog again asks for %v", steps)
			}
			h = next
		}
	})
}

func sameHolding(a, b Holding) bool {
	return a.Catalog == b.Catalog && a.Label == b.Label && slices.Equal(a.Groups, b.Groups)
}

// TestFollow is RFC 9432 4.3.1 and 5, case by case.
func TestFollow(t *testing.T) {
	old, next := zones.MustName("old.catalog."), zones.MustName("new.catalog.")
	zone := zones.MustName("example.com.")
	member := func(label string, coo zones.Name, groups ...string) []Member {
		return []Member{{Zone: zone, Label: label, Owner: coo, Groups: groups}}
	}
	var none zones.Name
	state := map[zones.Name][]Member{}
	var h Holdings
	configured := false
	say := func(catalog zones.Name, ms []Member) string {
		state[catalog] = ms
		var others []Catalog
		for n, ms := range state {
			if n != catalog {
				others = append(others, Catalog{n, ms})
			}
		}
		out, steps, fs := h.Follow(Catalog{catalog, ms}, others, func(zones.Name) bool { return configured })
		h = out
		var words []string
		for _, s := range steps {
			words = append(words, s.Do.String())
		}
		for range fs {
			words = append(words, "clash")
		}
		if x, ok := h[zone]; ok {
			words = append(words, fmt.Sprintf("%s/%s", strings.TrimSuffix(x.Catalog.Text(), ".catalog"), x.Label))
		}
		return strings.Join(words, " ")
	}
	for i, c := range []struct {
		catalog zones.Name
		members []Member
		want    string
		why     string
	}{
		{old, member("x", none), "join old/x", "a member comes"},
		{old, member("x", none), "old/x", "nothing changed"},
		{old, member("x", none, "g"), "regroup old/x", "a group comes"},
		{old, member("y", none, "g"), "reset old/y", "5.4: a new label"},
		{next, member("y", none), "clash old/y", "5.2: another catalog has it too"},
		{old, member("y", next, "g"), "old/y", "4.3.1: it waits for the new owner"},
		{next, member("y", none), "hand new/y", "4.3.1: the same label keeps the state"},
		{old, member("y", next), "new/y", "the old owner leaves it there for a while"},
		{next, nil, "leave", "5.3: it leaves, and does not go back"},
		{next, member("z", none), "join new/z", "and comes again"},
		{old, nil, "new/z", "5.3: another catalog's zone is not touched"},
		{old, member("q", none), "clash new/z", "nor taken back without leave"},
		{next, member("z", old), "new/z", ""},
		{old, member("q", none), "reset old/q", "4.3.1: another label resets"},
		{next, member("z", zones.MustName("third.")), "clash old/q", "it names another owner"},
		{old, nil, "reset new/z", "what leaves goes to the one that has it too"},
		{next, nil, "leave", ""},
	} {
		if got := say(c.catalog, c.members); got != c.want {
			t.Errorf("step %d (%s): %q, want %q", i, c.why, got, c.want)
		}
	}
	configured = true
	if got := say(next, member("z", none)); got != "clash" {
		t.Errorf("a zone that is configured: %q", got)
	}
	configured = false
	say(next, member("z", none))
	configured = true
	if got := say(next, member("z", none)); got != "leave clash" {
		t.Errorf("a zone that becomes configured: %q", got)
	}
}
