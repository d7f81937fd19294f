package proof

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// TestIncremental holds STATE-FULL: after each of a row of edits the report is
// that of a proof from the beginning.
func TestIncremental(t *testing.T) {
	fast := 0
	rapid.Check(t, func(t *rapid.T) {
		lines := map[string][]string{"e": genRecords(t, "e"), "f": genRecords(t, "f"), "c.e": genRecords(t, "c")}
		origins := []string{"e", "f"}
		if rapid.IntRange(0, 3).Draw(t, "child") == 0 {
			origins = append(origins, "c.e")
		}
		build := func(side string) zones.World {
			s := ""
			for _, o := range origins {
				s += "zone " + o + "\n@ NS out.\n" + fit(lines[o])
			}
			return world(t, side, s)
		}
		in := Input{Before: build("old")}
		for _, o := range origins {
			lines[o] = mutate(t, o, lines[o])
		}
		in.After = build("new")
		if rapid.Bool().Draw(t, "mapped") {
			in.Mapping.Rules = []mapping.Rule{{
				From: mapping.Pattern{Name: zones.MustName("f")}, Subtree: true,
				To: []mapping.Pattern{{Name: zones.MustName(rapid.SampledFrom([]string{"e", "b.e"}).Draw(t, "to"))}},
			}}
		}
		o := Options{Workers: 1, Mixture: rapid.Bool().Draw(t, "mixture"), split: rapid.IntRange(1, 4).Draw(t, "split")}
		s := NewState(in, o)
		for i := range 5 {
			origin := rapid.SampledFrom(origins).Draw(t, "zone")
			lines[origin] = mutate(t, string(rune('a'+i)), lines[origin])
			was := in.After
			in.After = build("new")
			id := zones.ID{Origin: zones.MustName(origin), View: zones.Internet}
			d := zones.Diff(was.Zone(id), in.After.Zone(id))
			got, err := s.Edit(d)
			if err != nil {
				t.Fatalf("%v: %v", d, err)
			}
			if got.After == (zones.Digest{}) {
				fast++
			}
			want := Prove(in, o)
			want.After, got.After = zones.Digest{}, zones.Digest{}
			want.Counts.Nodes, got.Counts.Nodes = [2]int{}, [2]int{}
			for _, r := range []*Report{&want, &got} {
				for i := range r.Faults {
					r.Faults[i].At = zones.Place{} // lines move when a record is taken out above
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(zones.Name{})); diff != "" {
				t.Fatalf("edit %d of %v: %v\n-full +incremental\n%s\nOLD %v\nNEW %v", i, id, d, diff, textOf(in.Before), textOf(in.After))
			}
		}
		w, err := s.World()
		if err != nil || w.Digest() != in.After.Digest() {
			t.Fatalf("the world after the edits is another: %v", err)
		}
	})
	if fast == 0 {
		t.Error("every edit proved everything again")
	}
}

func textOf(w zones.World) (out []string) {
	for z := range w.All() {
		for r := range z.Records() {
			if r.Type != zones.TypeSOA {
				out = append(out, r.Owner.String()+" "+text1(r))
			}
		}
	}
	return out
}

func text1(r zones.Record) string {
	s, err := zones.NewRRset(r)
	if err != nil {
		return err.Error()
	}
	return r.Type.String() + " " + text(s)
}

// TestEditMeaning: an edit of a host changes what names inside data mean.
func TestEditMeaning(t *testing.T) {
	const ends = "zone cu.vn\n@ NS out.\nthu MX 10 mail\nmail A 192.0.2.1\nzone moi.vn\n@ NS out.\n"
	old, after := world(t, "old", ends), world(t, "new", ends+"thu MX 10 mail\nmail A 192.0.2.1\n")
	in := Input{Before: old, After: after, Mapping: mapping.Mapping{Rules: []mapping.Rule{{
		From: mapping.Pattern{Name: zones.MustName("cu.vn"), Star: true}, To: []mapping.Pattern{{Name: zones.MustName("moi.vn"), Star: true}},
	}}}}
	s := NewState(in, Options{})
	if r := s.Report(); len(r.Faults) > 0 {
		t.Fatal(r.Faults)
	}
	id := zones.ID{Origin: zones.MustName("moi.vn"), View: zones.Internet}
	edit := func(to string) Report {
		t.Helper()
		was := in.After.Zone(id)
		in.After = world(t, "new", ends+"thu MX 10 mail\nmail A "+to+"\n")
		r, err := s.Edit(zones.Diff(was, in.After.Zone(id)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := edit("192.0.2.9"); r.Preserved() || len(r.Faults) != len(Prove(in, Options{}).Faults) {
		dump(t, r)
		t.Error("another address:", ids(r), "in full:", ids(Prove(in, Options{})))
	}
	if r := edit("192.0.2.1"); len(r.Faults) > 0 {
		t.Error("back again:", ids(r))
	}
}

// TestEditAbove: an edit above a host changes what names inside data mean.
func TestEditAbove(t *testing.T) {
	const ends = "zone cu.vn\n@ NS out.\nthu MX 10 mail.dep\nmail.dep A 192.0.2.1\nzone moi.vn\n@ NS out.\n"
	const came = ends + "thu MX 10 mail.dep\nmail.dep A 192.0.2.1\n"
	in := Input{Before: world(t, "old", ends), After: world(t, "new", came), Mapping: mapping.Mapping{Rules: []mapping.Rule{{
		From: mapping.Pattern{Name: zones.MustName("cu.vn"), Star: true}, To: []mapping.Pattern{{Name: zones.MustName("moi.vn"), Star: true}},
	}}}}
	s := NewState(in, Options{})
	id := zones.ID{Origin: zones.MustName("moi.vn"), View: zones.Internet}
	for _, text := range []string{came + "dep NS out.\n", came} {
		was := in.After.Zone(id)
		in.After = world(t, "new", text)
		got, err := s.Edit(zones.Diff(was, in.After.Zone(id)))
		if err != nil {
			t.Fatal(err)
		}
		want := Prove(in, Options{})
		if d := cmp.Diff(ids(want), ids(got)); d != "" || want.Preserved() != (text == came) {
			dump(t, got)
			t.Errorf("-full +incremental\n%s", d)
		}
	}
}
