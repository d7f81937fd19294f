package publish

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// zone is a zone with an A record at each of some labels.
func zone(t *testing.T, origin string, v zones.View, labels ...string) *zones.Zone {
	t.Helper()
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName(origin), View: v})
	add := func(owner string, typ zones.Type, text string) {
		data, err := rdata.Parse(typ, text, zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: zones.MustName(owner), Type: typ, TTL: 300, Data: data})
	}
	add(origin, zones.TypeSOA, "ns.example. host.example. 1 60 60 600 60")
	add(origin, zones.TypeNS, "ns.example.")
	for _, l := range labels {
		add(l+"."+origin, zones.TypeA, fmt.Sprintf("192.0.2.%d", len(origin)))
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// province is a target in two views, a province with two views and a town, and a
// school, whose names are brought into the target as single labels.
func province(t *testing.T, rng *rand.Rand) *merge.Plan {
	t.Helper()
	labels := func(n int, first string) (out []string) {
		for i := range n/2 + rng.IntN(n/2+1) {
			out = append(out, fmt.Sprintf("%s%d", first, i))
		}
		return out
	}
	w, err := zones.NewWorld(zone(t, "to.vn", zones.Internet, slices.Concat(labels(300, "t"), labels(3, "p"))...), zone(t, "to.vn", "lan", labels(300, "t")...))
	if err != nil {
		t.Fatal(err)
	}
	sources := []merge.Source{
		{Name: "tinh", Zone: zone(t, "p.vn", zones.Internet, labels(40, "p")...)},
		{Name: "noibo", Zone: zone(t, "p.vn", "lan", labels(20, "n")...)},
		{Name: "pho", Zone: zone(t, "town.p.vn", zones.Internet, labels(30, "x")...)},
		{Name: "truong", Zone: zone(t, "school.vn", zones.Internet, slices.Concat(labels(6, "p"), labels(40, "s"))...)}, // some where the province's go: open conflicts
	}
	m := mapping.Mapping{Targets: []zones.Name{zones.MustName("to.vn")}}
	for _, from := range []string{"town.p.vn", "p.vn", "school.vn"} {
		n := zones.MustName(from)
		m.Rules = append(m.Rules,
			mapping.Rule{From: mapping.Pattern{Name: zones.MustName("p" + fmt.Sprint(rng.IntN(9)) + "." + from)}, Drop: true},
			mapping.Rule{From: mapping.Pattern{Name: n}, Drop: true},
			mapping.Rule{From: mapping.Pattern{Star: true, Name: n}, To: []mapping.Pattern{{Star: true, Name: m.Targets[0]}}})
	}
	p, _ := merge.Make(merge.Input{World: w, Sources: sources, Mapping: m})
	return p
}

// belongs is the obvious twin of Organisations: it looks through the whole ledger
// for one RRset.
func belongs(l merge.Ledger, origin string, id zones.ID, k zones.Key) bool {
	o, es := zones.MustName(origin), l.Entries()
	for i := range es {
		e := &es[i]
		if !e.Zone.Origin.Within(o) {
			continue
		}
		if e.Zone == id || e.Stands() && e.Target == id && e.New.Owner == k.Owner && e.New.Type == k.Type {
			return true
		}
	}
	return false
}

// TestBrakeOrganisations: what an edit takes of an organisation, scattered over its
// zones and single labels of a target, is counted as a look at every RRset counts it.
func TestBrakeOrganisations(t *testing.T) {
	origins := []string{"p.vn", "town.p.vn", "school.vn"}
	stopped, passed, alone := 0, 0, 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		plan := province(t, rng)
		from := plan.After()
		if seed%5 == 0 {
			from = plan.Before()
		}
		to := from
		rate := []float64{0, 0.02, 0.08, 0.2, 0.5}[rng.IntN(5)]
		brought := seed%3 == 0 // what was brought in alone is edited
		if brought {
			rate = 0.25
		}
		for z := range from.All() {
			b := zones.NewBuilder(z.ID())
			for r := range z.Records() {
				switch {
				case brought && (z.Origin() != zones.MustName("to.vn") || strings.HasPrefix(r.Owner.Text(), "t")):
					b.Add(r)
				case r.Type == zones.TypeA && rng.Float64() < rate:
				case r.Type == zones.TypeA && rng.Float64() < rate/3:
					r.TTL++
					b.Add(r)
				default:
					b.Add(r)
				}
			}
			next, err := b.Freeze()
			if err != nil {
				t.Fatal(err)
			}
			to = to.With(next)
		}
		b := Brake{Share: 0.1, Organisations: func() []Organisation { return Organisations(plan.Ledger()) }}
		var got, want []string
		others := 0
		for _, f := range b.Check(from, to) {
			if strings.Contains(f.Found, "organisation") {
				got = append(got, f.Found[:strings.Index(f.Found, " (")])
			} else {
				others++
			}
		}
		for _, o := range origins {
			lost, all := 0, 0
			for z := range from.All() {
				for s := range z.All() {
					if !belongs(plan.Ledger(), o, z.ID(), zones.Key{Owner: s.Owner(), Type: s.Type()}) {
						continue
					}
					all++
					n, ok := to.Zone(z.ID()).Lookup(s.Owner(), s.Type())
					if s.Type() != zones.TypeSOA && (!ok || !slices.Equal(slices.Collect(records(n)), slices.Collect(records(s)))) {
						lost++
					}
				}
			}
			if lost > 10 && lost > all/10 {
				want = append(want, fmt.Sprintf("%d of the %d RRsets of the organisation of %s", lost, all, o))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: found %q, want %q", seed, got, want)
		}
		switch {
		case len(want) == 0:
			passed++
		case others == 0:
			alone++
			fallthrough
		default:
			stopped++
		}
	}
	if stopped < 10 || passed < 10 || alone < 3 {
		t.Errorf("%d stopped, %d of them for an organisation alone, %d passed: too few of one kind", stopped, alone, passed)
	}
}

func records(s zones.RRset) func(func(zones.Record) bool) {
	return func(yield func(zones.Record) bool) {
		for _, r := range s.Records() {
			r.From = zones.Provenance{}
			if !yield(r) {
				return
			}
		}
	}
}

// TestOrganisationsNamed: an organisation is named by its zone and by the keys that
// a person gave its sources; ledgers together are one.
func TestOrganisationsNamed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	plan := province(t, rng)
	other := province(t, rng)
	os := Organisations(plan.Ledger(), other.Ledger())
	var names []string
	for _, o := range os {
		names = append(names, o.Name)
		for _, l := range []merge.Ledger{plan.Ledger(), other.Ledger()} {
			for _, e := range l.Entries() {
				k := zones.Key{Owner: e.New.Owner, Type: e.New.Type}
				if o.Zones[e.Zone] && e.Stands() && !o.Sets[e.Target][k] {
					t.Errorf("%s lacks %v", o.Name, k)
				}
			}
		}
	}
	want := []string{
		"the organisation of p.vn (sources noibo, pho, tinh)",
		"the organisation of school.vn (source truong)",
		"the organisation of town.p.vn (source pho)",
	}
	if !slices.Equal(names, want) {
		t.Errorf("named %q", names)
	}
	if got := listed([]string{"g", "f", "e", "d", "c", "b", "a", "a"}); got != "sources a, b, c, d, e and 2 more" {
		t.Error(got)
	}
	if os := Organisations(); len(os) != 0 {
		t.Errorf("of no ledger: %v", os)
	}
	asked := false
	b := Brake{Share: 0.1, Organisations: func() []Organisation { asked = true; return nil }}
	if b.Check(plan.Before(), plan.Before()); asked {
		t.Error("asked where nothing changes")
	}
}
