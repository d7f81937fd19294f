package mapping

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

func genName(letters ...string) *rapid.Generator[zones.Name] {
	return rapid.Custom(func(t *rapid.T) zones.Name {
		n := zones.Root()
		for range rapid.IntRange(0, 4).Draw(t, "labels") {
			n, _ = n.Child(rapid.SampledFrom(letters).Draw(t, "label"))
		}
		return n
	})
}

// TestPattern holds Match against the text of names: "*.x" is one or more
// labels in front of x, a literal "*" too, x itself not.
func TestPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := genName("a", "b", "*")
		p := Pattern{Star: rapid.Bool().Draw(t, "star"), Name: name.Draw(t, "pattern")}
		n := name.Draw(t, "name")
		if rapid.Bool().Draw(t, "inside") {
			if m, err := n.Rebase(zones.Root(), p.Name); err == nil {
				n = m
			}
		}
		want := n.String() == p.Name.String()
		if p.Star {
			suffix := "." + p.Name.String()
			if p.Name.IsRoot() {
				suffix = "."
			}
			want = !n.IsRoot() && strings.HasSuffix("."+n.String(), suffix) && n != p.Name
		}
		if p.Match(n) != want {
			t.Fatalf("%v matches %v: %v", p, n, !want)
		}
	})
	star := Pattern{Star: true, Name: zones.MustName("binhdinh.gov.vn")}
	for name, want := range map[string]bool{
		"mail.binhdinh.gov.vn": true, "a.b.binhdinh.gov.vn": true, "*.binhdinh.gov.vn": true, "*.x.binhdinh.gov.vn": true,
		"binhdinh.gov.vn": false, "xbinhdinh.gov.vn": false, "gov.vn": false,
	} {
		if star.Match(zones.MustName(name)) != want {
			t.Errorf("%v matches %s: want %v", star, name, want)
		}
	}
	if (Pattern{}).Match(zones.Root()) || (Pattern{}).Match(zones.Name{}) || (Pattern{Star: true}).Match(zones.MustName("a")) {
		t.Error("the zero pattern matches something")
	}
	if star.String() != "*.binhdinh.gov.vn" || (Pattern{Name: star.Name}).String() != "binhdinh.gov.vn" {
		t.Error(star)
	}
}

// TestCovers holds a rule against its fields read one by one.
func TestCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := genName("a", "b")
		types := []zones.Type{zones.TypeA, zones.TypeMX, zones.TypeTXT}
		views := []zones.View{zones.Internet, "tslcd"}
		r := Rule{
			From:    Pattern{Star: rapid.Bool().Draw(t, "star"), Name: name.Draw(t, "from")},
			Subtree: rapid.Bool().Draw(t, "subtree"),
			View:    rapid.SampledFrom(append(views, "")).Draw(t, "rule's view"),
			Types:   rapid.SliceOfNDistinct(rapid.SampledFrom(types), 0, 2, rapid.ID).Draw(t, "types"),
		}
		v, n, typ := rapid.SampledFrom(views).Draw(t, "view"), name.Draw(t, "name"), rapid.SampledFrom(types).Draw(t, "type")
		under := n == r.From.Name || strings.HasSuffix(n.String(), "."+r.From.Name.String()) || r.From.Name.IsRoot()
		named := n == r.From.Name
		if r.From.Star {
			named = under && n != r.From.Name
		}
		want := (r.View == "" || r.View == v) && (named || r.Subtree && under) && (len(r.Types) == 0 || slices.Contains(r.Types, typ))
		if r.Covers(v, n, typ) != want {
			t.Fatalf("%+v covers %v %v in %v: %v", r, n, typ, v, !want)
		}
	})
}

// TestWords: the words are those of the consolidation file, and a number
// beyond the last does not panic.
func TestWords(t *testing.T) {
	for want, got := range map[string]string{
		"follow": Follow.String(), "as-before": AsBefore.String(), "alias": Alias.String(),
		"": Open.String(), "source": Source.String(), "target": Target.String(), "both": Both.String(),
		"open": StateOpen.String(), "proposed": StateProposed.String(), "decided": StateDecided.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	_, _, _ = Mode(9).String(), Take(9).String(), State(9).String()
}
