package seen

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// slowSlips is the distance of Damerau with each pair swapped at most once, by
// its definition: the obvious twin of slips.
func slowSlips(a, b string, memo map[[2]int]int) int {
	switch k := [2]int{len(a), len(b)}; {
	case a == "" || b == "":
		return len(a) + len(b)
	case memo[k] > 0:
		return memo[k] - 1
	default:
		d := slowSlips(a[1:], b[1:], memo)
		if a[0] != b[0] {
			d = 1 + min(d, slowSlips(a[1:], b, memo), slowSlips(a, b[1:], memo))
		}
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			d = min(d, 1+slowSlips(a[2:], b[2:], memo))
		}
		memo[k] = d + 1
		return d
	}
}

// slowNearest looks at each known name.
func slowNearest(known []zones.Name, n zones.Name, count map[zones.Name]int64) (best near) {
	for _, k := range known {
		d := slowSlips(reversed(n), reversed(k), map[[2]int]int{})
		if k != n && d <= maxSlips && plausible(n, k, d) {
			best = best.or(near{k, d, count[k]})
		}
	}
	return best
}

func TestNearestLikeTwin(t *testing.T) {
	// SEEN-NEAR: few letters, so that names are close.
	label := rapid.StringMatching(`[abc]{1,7}|[ab]{3}1?`)
	names := rapid.Custom(func(t *rapid.T) zones.Name {
		return name(strings.Join(rapid.SliceOfN(label, 1, 3).Draw(t, "labels"), ".") + ".vn")
	})
	rapid.Check(t, func(t *rapid.T) {
		many := rapid.IntRange(0, 60).Draw(t, "many")
		known := rapid.SliceOfNDistinct(names, many, many, func(n zones.Name) zones.Name { return n }).Draw(t, "known")
		count := map[zones.Name]int64{}
		for i, k := range known {
			count[k] = int64(i % 3)
		}
		s := newSpeller(known)
		for range 5 {
			n := names.Draw(t, "asked")
			if got, want := s.nearest(n, count), slowNearest(known, n, count); got != want {
				t.Fatalf("nearest to %v is %+v, want %+v", n, got, want)
			}
		}
	})
}

func TestNearestLong(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 62)+".", 4)
	s := newSpeller([]zones.Name{name(long), name("x" + long[1:]), zones.Root(), name("vn")})
	if got := s.nearest(name("b"+long), nil); got.name != name(long) || got.slips != 1 {
		t.Errorf("got %+v", got)
	}
	if got := s.nearest(zones.Root(), nil); !got.name.IsZero() {
		t.Errorf("the root is like %v", got.name)
	}
}

func TestPlausible(t *testing.T) {
	known := []zones.Name{}
	for _, s := range []string{
		"mail.binhdinh.gov.vn", "www.binhdinh.gov.vn", "web1.binhdinh.gov.vn", "_sip._tcp.binhdinh.gov.vn", "ns.binhdinh.gov.vn",
		"egov.so.binhdinh.gov.vn", "xn--sng-cla.binhdinh.gov.vn", "lau.binhdinh.gov.vn",
	} {
		known = append(known, name(s))
	}
	s := newSpeller(known)
	for _, c := range []struct{ asked, want string }{
		{"mali", "mail"},
		{"maill", "mail"},
		{"meil", "mail"},
		{"meill", ""}, // two slips in a short word
		{"ww", "www"},
		{"wwww", "www"},
		{"wwwwww", ""},
		{"web2", ""}, // a brother
		{"web", ""},
		{"wbe1", "web1"},
		{"_sips._tcp", ""},
		{"ms", ""}, // too short to tell
		{"egovso", "egov.so"},
		{"egov.s.o", ""}, // so: too short to tell
		{"egov.sso", ""},
		{"xn--sng-clb", ""},
		{"luu", ""},
		{"alu", "lau"},
		{"lua", "lau"},
		{"alu.x", ""},
	} {
		got := s.nearest(name(c.asked+".binhdinh.gov.vn"), nil)
		want := zones.Name{}
		if c.want != "" {
			want = name(c.want + ".binhdinh.gov.vn")
		}
		if got.name != want {
			t.Errorf("%s is like %v, want %v", c.asked, got.name, want)
		}
	}
}

func TestReversedTellsNamesApart(t *testing.T) {
	var names []zones.Name
	for _, s := range []string{".", "vn", "a.vn", `a\.vn`, `a\000vn`, "va", "b.a.vn"} {
		names = append(names, name(s))
	}
	seen := map[string]bool{}
	for _, n := range names {
		seen[reversed(n)] = true
	}
	if len(seen) != len(names)-1 { // a dot inside a label and a 0 look alike, and may
		t.Errorf("%d of %d", len(seen), len(names))
	}
}

func BenchmarkNearest(b *testing.B) {
	var known []zones.Name
	for i := range 20_000 {
		known = append(known, name(fmt.Sprintf("%s.huyen-%d.binhdinh.gov.vn", strings.Repeat(string(rune('a'+i%26)), 3+i%5), i)))
	}
	s := newSpeller(slices.Compact(known))
	asked := name("mmmmmn.huyen-77.binhdinh.gov.vn")
	for b.Loop() {
		s.nearest(asked, nil)
	}
}
