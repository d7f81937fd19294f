package cutover

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// TestSum: the hash is the same for the same plan, and each part changes it.
func TestSum(t *testing.T) {
	rows := rapid.Custom(func(t *rapid.T) []Row { r, _ := genRows(t, 2); return r }).Example(1)
	plan := func(change func([]Wave, *Terms)) Hash {
		ws := []Wave{{"one", day(9, 1), rows[0], false}, {"two", day(10, 1), rows[1], false}}
		terms := Terms{Low: time.Second, Notice: 7, Rollback: time.Hour, Grace: time.Minute}
		change(ws, &terms)
		l, err := PlanWaves(ws, terms)
		if err != nil {
			t.Fatal(err)
		}
		return l.Sum()
	}
	same := func([]Wave, *Terms) {}
	id := zones.ID{Origin: zones.MustName("e"), View: zones.Internet}
	record := func(w zones.World) zones.World {
		z, err := zones.Delta{ID: id, Added: []zones.Record{{Owner: zones.MustName("new.e"), Type: zones.TypeA, TTL: 1, Data: "\x7f\x00\x00\x01"}}}.Apply(w.Zone(id))
		if err != nil {
			t.Fatal(err)
		}
		return w.With(z)
	}
	seen := map[Hash]string{plan(same): "the plan"}
	if _, ok := seen[plan(same)]; !ok {
		t.Error("the same plan has another hash")
	}
	if got := plan(func(ws []Wave, _ *Terms) { ws[0].At = ws[0].At.In(time.FixedZone("ICT", 7*3600)) }); seen[got] == "" {
		t.Error("the name of an instant's zone changes the hash, though the instant is the same")
	}
	for _, c := range []struct {
		what   string
		change func([]Wave, *Terms)
	}{
		{"instants", func(ws []Wave, _ *Terms) { ws[1].At = ws[1].At.Add(time.Nanosecond) }},
		{"a wave's name", func(ws []Wave, _ *Terms) { ws[1].Name = "three" }},
		{"a single step", func(ws []Wave, _ *Terms) { ws[1].Single = true }},
		{"low TTLs", func(_ []Wave, t *Terms) { t.Low = 2 * time.Second }},
		{"waits", func(_ []Wave, t *Terms) { t.Refresh = time.Hour }},
		{"the window", func(_ []Wave, t *Terms) { t.Rollback += time.Second }},
		{"the grace", func(_ []Wave, t *Terms) { t.Grace += time.Second }},
		{"EXPIRE", func(_ []Wave, t *Terms) { t.Expire = 1000 * time.Hour }},
		{"the notice", func(_ []Wave, t *Terms) { t.Notice = 8 }},
		{"no notice", func(_ []Wave, t *Terms) { t.Notice = 0 }},
		{"serials", func(_ []Wave, t *Terms) { t.Served = map[zones.ID][]zones.Serial{id: {77}} }},
		{"what is served before", func(ws []Wave, _ *Terms) { ws[0].Row[0] = ws[0].Row[0].With(ws[0].Row[0].Zone(id).WithSerial(0)) }},
		{"W1", func(ws []Wave, _ *Terms) { ws[0].Row[1] = record(ws[0].Row[1]) }},
		{"W2", func(ws []Wave, _ *Terms) { ws[0].Row[2] = record(ws[0].Row[2]) }},
		{"the last world", func(ws []Wave, _ *Terms) { ws[1].Row[3] = record(ws[1].Row[3]) }},
		{"one wave", func(ws []Wave, _ *Terms) { ws[1].Row = Row{rows[0][3], rows[0][3], rows[0][3], rows[0][3]} }},
	} {
		got := plan(c.change)
		if was := seen[got]; was != "" {
			t.Errorf("%s: the hash of %s", c.what, was)
		}
		seen[got] = c.what
	}
	var h Hash
	text, _ := plan(same).MarshalText()
	if err := h.UnmarshalText(text); err != nil || h != plan(same) {
		t.Error(err)
	}
	for _, bad := range []string{"00", string(text) + "0", "zz" + string(text[2:])} {
		if h.UnmarshalText([]byte(bad)) == nil {
			t.Error("taken for a hash: " + bad)
		}
	}
	if (Timeline{}).Sum() == plan(same) {
		t.Error("the hash of no plan")
	}
}

// TestStanding: moving the date on the way changes no serial and no content of
// what is served, and a change of content raises serials from there.
func TestStanding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row, _ := genRow(t)
		terms := genTerms(t)
		l, err := Plan(row, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		n := rapid.IntRange(0, 4).Draw(t, "at")
		at := l.Served()[n]
		terms.Standing = &Standing{Kind: at.Kind, World: at.World}
		terms.Served = map[zones.ID][]zones.Serial{}
		for _, s := range append(l.Served()[:n+1], Step{World: row[0]}) {
			for z := range s.World.All() {
				terms.Served[z.ID()] = append(terms.Served[z.ID()], z.Serial())
			}
		}
		terms.Cutover = terms.Cutover.Add(time.Hour)
		m, err := Plan(row, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if m.Served()[n].World.Digest() != at.World.Digest() {
			t.Fatalf("at %v the served world changes", at.Kind)
		}
		for i := n + 1; i < 6; i++ {
			was, is := m.Served()[i-1].World, m.Served()[i].World
			for z := range is.All() {
				if o := was.Zone(z.ID()); o != nil && !o.Equal(z) && !o.Serial().Before(z.Serial()) {
					t.Fatalf("%v: %d after %d", m.Served()[i].Kind, z.Serial(), o.Serial())
				}
			}
		}
	})
}
