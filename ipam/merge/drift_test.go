package merge

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/ipam"
)

func known(t *testing.T, rows ...string) Known {
	t.Helper()
	out := Known{}
	for i, text := range rows {
		r := row(t, i+1, text)
		out[r.Place] = r.Allocation
	}
	return out
}

// TestCompare: each way in which base, plan and book can stand to each other.
func TestCompare(t *testing.T) {
	base := known(t, "10.1.0.0/24 H21", "10.2.0.0/24 H21", "10.3.0.0/24 H21", "10.4.0.0/24 H21", "10.5.0.0/24 H21", "10.6.0.0/24 H21", "10.7.0.0/24 H21")
	plan := known(t, "10.1.0.0/24 H21", "10.2.0.0/24 H21.2", "10.4.0.0/24 H21", "10.5.0.0/24 H21.5", "10.7.0.0/24 H21.7", "10.8.0.0/24 H21", "10.9.0.0/24 H21")
	book := known(t, "10.1.0.0/24 H21", "10.2.0.0/24 H21", "10.3.0.0/24 H21", "10.4.0.0/24 H08", "10.5.0.0/24 H08", "10.6.0.0/24 H08", "10.8.0.0/24 H08", "10.99.0.0/24 H08")
	d := Compare(base, plan, book)
	var got []string
	for _, c := range d.Changes() {
		switch c.Op {
		case ipam.Drop:
			got = append(got, "- "+c.From.Block.String())
		case ipam.Alter:
			got = append(got, "~ "+c.Allocation.Block.String()+" "+c.Allocation.Holder.String())
		default:
			got = append(got, "+ "+c.Allocation.Block.String())
		}
	}
	for _, p := range d.Kept {
		got = append(got, "kept "+p.Block.String())
	}
	for _, c := range d.Clashes {
		got = append(got, "clash "+c.Found)
	}
	want := []string{
		"- 10.3.0.0/24",       // taken out of the plan alone
		"~ 10.2.0.0/24 H21.2", // changed in the plan alone
		"+ 10.9.0.0/24",       // new
		"kept 10.4.0.0/24",    // changed in the book alone
		"clash 10.5.0.0/24 in tslcd was changed in the plan and in the book: code H08 → H21.5",
		"clash 10.6.0.0/24 in tslcd was taken out of the plan, and in the book it was changed since",
		"clash 10.7.0.0/24 in tslcd was changed in the plan, and in the book it was given back",
		"clash 10.8.0.0/24 in tslcd is in the book already, and says something else there: code H08 → H21",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || d.Same != 1 {
		t.Errorf("same %d; got\n%s\nwant\n%s", d.Same, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	back := known(t, "10.1.0.0/24 H21")
	planned := known(t, "10.1.0.0/24 H21")
	for at, a := range planned {
		a.Status = ipam.Planned
		planned[at] = a
	}
	if d := Compare(back, planned, back); len(d.Clashes) != 1 || !strings.Contains(d.Clashes[0].Found, "is active and cannot become planned") {
		t.Errorf("%+v", d)
	}
}

// TestCompareLaws: a drift without clashes, carried out, leaves a book that the
// same plan changes no more; what neither base nor plan names is left alone.
func TestCompareLaws(t *testing.T) {
	applied := 0
	draw := func(t *rapid.T, label string) Known {
		out := Known{}
		for _, text := range rapid.SliceOfN(rapid.SampledFrom([]string{"10.1.0.0/24", "10.1.0.0/25", "10.1.0.7", "10.2.0.0/16", "2001:db8::/48"}), 0, 5).Draw(t, label) {
			a := ipam.Allocation{Place: ipam.Place{Space: "x", Block: block(t, text)}, Status: ipam.Active}
			a.Holder.Code, _ = ipam.ParseCode(rapid.SampledFrom([]string{"H21", "H08"}).Draw(t, "code"))
			out[a.Place] = a
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		base, plan, book := draw(t, "base"), draw(t, "plan"), draw(t, "book")
		d := Compare(base, plan, book)
		after := maps.Clone(book)
		for _, c := range d.Changes() {
			switch c.Op {
			case ipam.Drop:
				delete(after, c.From)
			default:
				after[c.Allocation.Place] = c.Allocation
			}
		}
		for at, k := range book {
			_, inBase := base[at]
			_, inPlan := plan[at]
			if a, ok := after[at]; !inBase && !inPlan && (!ok || !a.Equal(k)) {
				t.Fatalf("%v was touched", at)
			}
		}
		// The next import has the plan as its base where the plan was taken over.
		var events []ipam.Event
		for b := range maps.Values(base) {
			events = append(events, ipam.Event{Verb: ipam.Import, Document: "p", Changes: []ipam.Change{{Op: ipam.Add, Allocation: b}}})
		}
		events = append(events, ipam.Event{Verb: ipam.Import, Document: "p", Changes: d.Changes()}, ipam.Event{Verb: ipam.Import, Document: "other", Changes: []ipam.Change{{Op: ipam.Drop, From: ipam.Place{Space: "x", Block: block(t, "10.1.0.7")}}}})
		next, err := Brought(func(yield func(ipam.Event, error) bool) {
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		}, "p")
		if err != nil {
			t.Fatal(err)
		}
		again := Compare(next, plan, after)
		if len(again.Changes()) > 0 {
			t.Fatalf("a second import changes %+v", again)
		}
		if len(again.Clashes) != len(d.Clashes) {
			t.Fatalf("clashes come and go: %+v, then %+v", d.Clashes, again.Clashes)
		}
		if len(d.Changes()) > 0 {
			applied++
		}
	})
	if applied == 0 {
		t.Error("nothing was changed in the whole run")
	}
}
