package simulate

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// sample is the simulation of the sample's cutover, without later waves.
func sample(t testing.TB, parent time.Duration) (Input, []cutover.Wave, cutover.Timeline) {
	t.Helper()
	w, fs := workspace.Open("../../../../testdata/gialai")
	if w == nil {
		t.Fatal(fs)
	}
	plan, _ := w.Plan()
	waves, _, err := w.Waves(plan)
	if err != nil {
		t.Fatal(err)
	}
	ws := []cutover.Wave{{Name: waves[0].Name, At: waves[0].At, Row: waves[0].Row}}
	terms := w.Terms()
	terms.Parent = parent
	l, err := cutover.PlanWaves(ws, terms)
	if err != nil {
		t.Fatal(err)
	}
	in := Prepare(ws[0].Row[0], l, parent)
	in.Clients, in.Seed = 12, 1
	return in, ws, l
}

// TestEngineAsOracle holds what is read from the engine's octets to the oracle,
// for every question of the sample in every world of its cutover.
func TestEngineAsOracle(t *testing.T) {
	in, _, _ := sample(t, 0)
	u, err := newUniverse(in)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[kind]int{}
	for i, s := range in.Served {
		r := oracle.New(s.World, in.View)
		at := int64(-forever)
		if i > 0 {
			at = s.At.Unix()
		}
		for _, q := range u.questions {
			n := u.names[q.name]
			got := u.ideal(at).look(q.ask)
			a := received{name: n, typ: q.typ, answer: r.Resolve(n, q.typ), zone: s.World.Nearest(in.View, n)}
			k, ttl, next := a.said()
			kinds[k]++
			if got.kind != k || got.ttl != ttl || k == alias && u.names[got.next] != next {
				t.Fatalf("world %d: %v %v: %v for %d s, the oracle says %v for %d s", i, n, q.typ, got.kind, got.ttl, k, ttl)
			}
			var hosts []zones.Name
			for _, set := range a.answer.Answer {
				for _, rec := range set.Records() {
					names, _ := rdata.Names(rec.Type, rec.Data)
					for _, x := range names {
						if k == data && slices.Contains(hostTypes, q.typ) && set.Owner() == n && !x.Name.IsRoot() {
							hosts = append(hosts, x.Name)
						}
					}
				}
			}
			for _, h := range got.hosts {
				if !slices.Contains(hosts, u.names[h]) {
					t.Errorf("world %d: %v %v names %v, not by the oracle", i, n, q.typ, u.names[h])
				}
			}
			if len(hosts) != len(got.hosts) {
				t.Errorf("world %d: %v %v names %d hosts, by the oracle %d", i, n, q.typ, len(got.hosts), len(hosts))
			}
		}
	}
	for _, k := range []kind{nxdomain, nodata, alias, data, referral} {
		if kinds[k] < 10 {
			t.Errorf("only %d questions end in %v", kinds[k], k)
		}
	}
}

// TestSeed is SIM-SEED: the outcome depends on the input alone, the seed
// included.
func TestSeed(t *testing.T) {
	in, ws, l := sample(t, 0)
	in, err := in.Without(ws, l, Waits)
	if err != nil {
		t.Fatal(err)
	}
	in.Models, in.Clients = []Model{Respecting{}, Aggressive{}}, 4
	run := func(seed uint64) []Result {
		in.Seed = seed
		rs, err := Run(in)
		if err != nil {
			t.Fatal(err)
		}
		return rs
	}
	first := run(1)
	if again := run(1); !reflect.DeepEqual(first, again) {
		t.Errorf("the same seed: %+v, then %+v", first, again)
	}
	if other := run(2); reflect.DeepEqual(first, other) {
		t.Errorf("two seeds, one outcome: %+v", other)
	}
}

// TestRollback goes back an hour after the switch, to the world of the
// additions: no question fails that is owed by the steps as they were taken.
func TestRollback(t *testing.T) {
	in, _, l := sample(t, 0)
	turn, _ := l.Step(cutover.Switch)
	var taken []Served
	for _, s := range in.Served {
		if len(taken) == 0 || !s.At.After(turn.At) {
			taken = append(taken, s)
		}
	}
	back := turn.At.Add(time.Hour)
	in.Served = append(taken, Served{back, taken[len(taken)-2].World})
	in.Claim = in.Served
	rs, err := Run(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Claimed && r.Failures > 0 {
			t.Errorf("%s: %d client-seconds, first %v", r.Model, r.Failures, r.First)
		}
	}
}

// TestServers tells how late each kind of server is.
func TestServers(t *testing.T) {
	in, _, l := sample(t, 0)
	u, err := newUniverse(in)
	if err != nil {
		t.Fatal(err)
	}
	low, _ := l.Step(cutover.Lower)
	lag := int64(low.Held.Sub(low.At) / time.Second)
	latest := make([]int64, len(u.servers))
	for i, s := range u.servers {
		for z, h := range s.zones {
			p := u.primary[z]
			if len(h.version) != len(p.version) {
				t.Fatalf("%s has %d versions of zone %d, the primary %d", s.name, len(h.version), z, len(p.version))
			}
			for k := 1; k < len(h.from); k++ {
				late := h.from[k] - p.from[k]
				if h.version[k] != p.version[k] || late < 0 {
					t.Fatalf("%s: version %d at %d, the primary %d at %d", s.name, h.version[k], h.from[k], p.version[k], p.from[k])
				}
				latest[i] = max(latest[i], late)
			}
		}
	}
	if latest[0] != 0 || latest[1] < 1 || latest[1] > 2 {
		t.Errorf("the primary is %d s late, a secondary with NOTIFY %d", latest[0], latest[1])
	}
	if latest[2] < 600 || latest[2] > lag {
		t.Errorf("a secondary without NOTIFY is up to %d s late, the timeline allows for %d", latest[2], lag)
	}
	if latest[3] != lag-1 {
		t.Errorf("the late secondary is %d s late, the latest second of the %d that the timeline allows for is %d", latest[3], lag, lag-1)
	}
	if u.laggard != 3 {
		t.Errorf("Behind asks %s", u.servers[u.laggard].name)
	}
}

// small is a zone e. of lines "owner type data".
func small(t *testing.T, lines ...string) zones.World {
	t.Helper()
	o := zones.MustName("e")
	b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
	b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: 60, Data: zones.SOA{MName: o, RName: o, Serial: 1, Refresh: 60, Retry: 60, Minimum: 60}.Data()})
	for _, line := range append(lines, "e. NS ns.out.") {
		var owner, typ, text string
		if n, _ := fmt.Sscan(line, &owner, &typ); n != 2 {
			t.Fatal(line)
		}
		text = line[len(owner)+len(typ)+2:]
		ty, ok := zones.ParseType(typ)
		if !ok {
			t.Fatal(line)
		}
		data, err := rdata.Parse(ty, text, zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: zones.MustName(owner), Type: ty, TTL: 60, Data: data})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return world(z)
}

// TestOwed is the definition of what is owed, on worlds served at 0, 100, 200
// and 300.
func TestOwed(t *testing.T) {
	worlds := []zones.World{
		small(t, "ends.e. A 192.0.2.1", "turns.e. A 192.0.2.1", "mail.e. MX 10 ends.e.", "alias.e. CNAME x.out."),
		small(t, "ends.e. A 192.0.2.1", "turns.e. A 192.0.2.1", "new.e. A 192.0.2.2", "mail.e. MX 10 ends.e.", "alias.e. CNAME x.out."),
		small(t, "ends.e. A 192.0.2.1", "turns.e. CNAME new.e.", "new.e. A 192.0.2.2", "late.e. A 192.0.2.3", "mail.e. MX 10 new.e.", "alias.e. CNAME x.out."),
		small(t, "turns.e. CNAME new.e.", "new.e. A 192.0.2.2", "late.e. A 192.0.2.3", "mail.e. MX 10 new.e.", "alias.e. CNAME x.out."),
	}
	var served []Served
	for i, w := range worlds {
		served = append(served, Served{time.Unix(100*int64(i), 0), w})
	}
	u, err := newUniverse(Input{Served: served, Claim: served, View: zones.Internet, Servers: []Server{{Name: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	always := []window{{-forever, forever}}
	for _, c := range []struct {
		name   string
		typ    zones.Type
		owed   []window
		always bool
	}{
		{"turns.e", zones.TypeA, always, true},
		{"mail.e", zones.TypeMX, always, true},
		{"alias.e", zones.TypeA, always, true},
		{"new.e", zones.TypeA, []window{{200, forever}}, false},
		{"late.e", zones.TypeA, []window{{300, forever}}, false},
		{"ends.e", zones.TypeA, []window{{-forever, 300}}, false},
		{"never.e", zones.TypeA, nil, false},
		{"new.e", zones.TypeMX, nil, false},
	} {
		q, _ := u.promise(ask{u.intern(zones.MustName(c.name)), c.typ})
		switch {
		case q == nil:
			if c.owed != nil {
				t.Errorf("%s %v: nothing is owed, want %v", c.name, c.typ, c.owed)
			}
		case !slices.Equal(q.owed, c.owed) || q.always != c.always:
			t.Errorf("%s %v: owed %v, always %v; want %v, %v", c.name, c.typ, q.owed, q.always, c.owed, c.always)
		}
	}
}

// TestSpans follows the examples of RFC 4592 2.2.1 and RFC 8198 on a zone with a
// wildcard, an empty non-terminal and a delegation.
func TestSpans(t *testing.T) {
	w := small(t, "*.e. MX 10 host.out.", "b.a.e. A 192.0.2.1", "k.e. NS ns.k.e.", "ns.k.e. A 192.0.2.2", "m.e. TXT x")
	u, err := newUniverse(Input{Served: []Served{{World: w}, {time.Unix(100, 0), w}}, Claim: []Served{{World: w}}, View: zones.Internet, Servers: []Server{{Name: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		learn string // what was asked of a server before
		name  string
		typ   zones.Type
		want  kind
		fetch bool // nothing that is held says so
	}{
		{learn: "x.b.a.e A", name: "y.b.a.e", typ: zones.TypeA, want: nxdomain},
		{learn: "x.b.a.e A", name: "b.a.e", typ: zones.TypeTXT, want: nodata},
		{learn: "x.b.a.e A", name: "b.a.e", typ: zones.TypeA, want: data, fetch: true},
		{learn: "l.e A", name: "l.e", typ: zones.TypeTXT, want: nodata}, // by the wildcard, of which no more is known
		{learn: "l.e A", name: "kk.e", typ: zones.TypeMX, want: data, fetch: true},
		{learn: "l.e A", name: "ns.k.e", typ: zones.TypeA, want: referral, fetch: true}, // RFC 6840 4.1
		{learn: "a.e A", name: "b.a.e", typ: zones.TypeA, want: data, fetch: true},
		{learn: "m.e A", name: "m.e", typ: zones.TypeAAAA, want: nodata},
		{learn: "m.e A", name: "m.e", typ: zones.TypeTXT, want: data, fetch: true},
		{learn: "m.e A", name: "n.e", typ: zones.TypeA, want: nodata, fetch: true}, // the wildcard's span is not held
	} {
		k := newCache(u, Aggressive{}, 1)
		var name, typ string
		if _, err := fmt.Sscan(c.learn, &name, &typ); err != nil {
			t.Fatal(err)
		}
		k.look(ask{u.intern(zones.MustName(name)), zones.TypeA}, 10)
		k.learnt = false
		f := k.look(ask{u.intern(zones.MustName(c.name)), c.typ}, 20)
		if f.kind != c.want || k.learnt != c.fetch {
			t.Errorf("after %s, %s %v: %v, asked a server: %v; want %v, %v", c.learn, c.name, c.typ, f.kind, k.learnt, c.want, c.fetch)
		}
	}
}
