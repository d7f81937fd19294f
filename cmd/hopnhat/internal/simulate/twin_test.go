package simulate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
)

// received is an answer that a resolver got.
type received struct {
	name   zones.Name
	typ    zones.Type
	answer oracle.Answer
	zone   *zones.Zone // that answered; nil of no answer
	got    int64
	kept   int64

	kind kind // what it says, read once
	next zones.Name
}

// said is what an answer says of the name that was asked.
func (r *received) said() (k kind, ttl int64, next zones.Name) {
	if r.zone == nil || r.answer.Rcode != oracle.NoError && r.answer.Rcode != oracle.NXDomain {
		return silent, 0, next
	}
	for _, s := range r.answer.Answer {
		if s.Owner() == r.name && s.Type() == r.typ {
			return data, int64(s.TTL()), next
		}
		if s.Owner() == r.name && s.Type() == zones.TypeCNAME {
			next, _, _ = zones.NameFromWire([]byte(s.Data(0)))
			return alias, int64(s.TTL()), next
		}
	}
	for _, s := range r.answer.Authority {
		switch {
		case s.Type() == zones.TypeNS:
			return referral, int64(s.TTL()), next
		case r.answer.Rcode == oracle.NXDomain:
			return nxdomain, int64(s.TTL()), next
		default:
			return nodata, int64(s.TTL()), next
		}
	}
	return silent, 0, next
}

// slow is the slow and obvious resolver: a list of all answers that it ever
// got, searched in each second. It reads the worlds with the oracle.
type slow struct {
	u       *universe
	model   Model
	client  uint64
	list    []*received
	parents map[zones.Name][]int64 // when the parent was asked of a zone
}

// walk follows a question in a second, as the definition in doc.go has it.
func (s *slow) walk(n zones.Name, t zones.Type, now int64) (good bool, last kind) {
	good, last, r := s.chase(n, t, now)
	if !good || r == nil || !slices.Contains(hostTypes, t) {
		return good, last
	}
	for _, set := range r.answer.Answer {
		for _, rec := range set.Records() {
			if set.Owner() != r.name || set.Type() != t {
				continue
			}
			for _, h := range s.u.hosts(rec) {
				x := s.u.names[h]
				if s.u.in.Served[0].World.Nearest(zones.Internet, x) == nil || !s.owes(x) {
					continue
				}
				a, why, _ := s.chase(x, zones.TypeA, now)
				b, _, _ := s.chase(x, zones.TypeAAAA, now)
				if !a && !b {
					return false, why
				}
			}
		}
	}
	return true, last
}

// owes tells whether the first or the last world gives a host an address.
func (s *slow) owes(n zones.Name) bool {
	for _, w := range []zones.World{s.u.in.Claim[0].World, s.u.in.Claim[len(s.u.in.Claim)-1].World} {
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			x := n
			for range longest {
				z := w.Nearest(zones.Internet, x)
				if z == nil {
					return true
				}
				r := received{name: x, typ: t, answer: oracle.Resolve(world(z), zones.Internet, x, t), zone: z}
				k, _, next := r.said()
				if k == data || k == referral {
					return true
				}
				if k != alias {
					break
				}
				x = next
			}
		}
	}
	return false
}

func world(z *zones.Zone) zones.World {
	w, err := zones.NewWorld(z)
	if err != nil {
		panic(err)
	}
	return w
}

func (s *slow) chase(n zones.Name, t zones.Type, now int64) (bool, kind, *received) {
	var last kind
	for range longest {
		out := true
		for o := range s.u.origins {
			out = out && !n.Within(o)
		}
		if out {
			return true, last, nil
		}
		var next zones.Name
		var r *received
		last, next, r = s.look(n, t, now)
		if last != alias {
			return last == data || last == referral, last, r
		}
		n = next
	}
	return false, last, nil
}

func (s *slow) look(n zones.Name, t zones.Type, now int64) (kind, zones.Name, *received) {
	fits := func(r *received) int {
		k := r.kind
		switch {
		case r.name == n && r.typ == t && (k == data || k == nodata || k == referral || k == silent || t == zones.TypeDS):
			return 1
		case r.typ == zones.TypeDS || t == zones.TypeDS: // of DS another zone speaks
		case r.name == n && k == nxdomain:
			return 2
		case r.name == n && k == alias:
			return 3
		}
		return 0
	}
	for rank := 1; rank <= 3; rank++ {
		for _, r := range slices.Backward(s.list) {
			if fits(r) == rank && now < r.got+r.kept {
				return r.kind, r.next, r
			}
		}
	}
	switch s.model.denial() {
	case below:
		for _, r := range s.list {
			if r.kind == nxdomain && r.typ != zones.TypeDS && n.Below(r.name) && now < r.got+r.kept {
				return nxdomain, n, r
			}
		}
	case spans:
		if k, ok := s.denied(n, t, now); ok {
			return k, n, nil
		}
	}
	var old *received
	for _, r := range s.list {
		if fits(r) == 0 || s.model.stale() == 0 || now >= r.got+r.kept+s.model.stale() {
			continue
		}
		if old == nil || r.got > old.got || r.got == old.got && fits(r) <= fits(old) {
			old = r
		}
	}
	r := s.fetch(n, t, now)
	if old != nil {
		r = old
	}
	return r.kind, r.next, r
}

// nsecs gives the owners of a zone that stand in its chain of NSEC records.
func nsecs(z *zones.Zone) (out []zones.Name) {
	for n := range z.Owners() {
		hidden := false
		for up, ok := n.Parent(); ok && up.Within(z.Origin()); up, ok = up.Parent() {
			_, ns := z.Lookup(up, zones.TypeNS)
			_, dname := z.Lookup(up, zones.TypeDNAME)
			hidden = hidden || ns && up != z.Origin() || dname
		}
		if !hidden {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, zones.Name.Compare)
	return out
}

// denied answers from the NSEC records that came with negative answers: each is
// the owner at or before the name that was denied, or its wildcard.
func (s *slow) denied(n zones.Name, t zones.Type, now int64) (kind, bool) {
	type nsec struct {
		zone        *zones.Zone
		owner, next zones.Name
	}
	var held []nsec
	for _, r := range s.list {
		if r.kind != nxdomain && r.kind != nodata || now >= r.got+r.kept {
			continue
		}
		chain := nsecs(r.zone)
		at := func(x zones.Name) (zones.Name, zones.Name) {
			last := 0
			for i := range chain {
				if chain[i].Compare(x) <= 0 {
					last = i
				}
			}
			return chain[last], chain[(last+1)%len(chain)]
		}
		owner, next := at(r.name)
		held = append(held, nsec{r.zone, owner, next})
		if owner != r.name {
			star, _ := shared(r.name, owner, next).Child("*")
			owner, next = at(star)
			held = append(held, nsec{r.zone, owner, next})
		}
	}
	has := func(x nsec, t zones.Type) bool {
		_, ok := x.zone.Lookup(x.owner, t)
		return ok
	}
	lacks := func(x nsec) bool {
		return !has(x, t) && !has(x, zones.TypeCNAME) && (!has(x, zones.TypeNS) || x.owner == x.zone.Origin() || t == zones.TypeDS)
	}
	covers := func(x nsec, n zones.Name) bool {
		below := n.Below(x.owner) && (has(x, zones.TypeDNAME) || has(x, zones.TypeNS) && x.owner != x.zone.Origin())
		last := x.next == x.zone.Origin()
		return n.Within(x.zone.Origin()) && !below && n.Compare(x.owner) > 0 && (last || n.Compare(x.next) < 0)
	}
	for _, x := range held {
		if x.owner == n && lacks(x) {
			return nodata, true
		}
	}
	for _, x := range held {
		if !covers(x, n) {
			continue
		}
		if x.next.Below(n) {
			return nodata, true
		}
		star, _ := shared(n, x.owner, x.next).Child("*")
		for _, y := range held {
			if covers(y, star) {
				return nxdomain, true
			}
		}
		for _, y := range held {
			if y.owner == star && lacks(y) {
				return nodata, true
			}
		}
		break
	}
	return 0, false
}

// shared is the longest ancestor of a name that is above or at one of two.
func shared(n, a, b zones.Name) zones.Name {
	for !a.Within(n) && !b.Within(n) {
		n, _ = n.Parent()
	}
	return n
}

// fetch asks the server that the fast resolver would ask in that second.
func (s *slow) fetch(n zones.Name, t zones.Type, now int64) *received {
	id := s.u.intern(n)
	from := &s.u.servers[int(draw(s.u.in.Seed, s.client, uint64(id), uint64(t), uint64(now))%uint64(len(s.u.servers)))]
	switch s.model.route() {
	case laggard:
		from = &s.u.servers[s.u.laggard]
	case parents:
		var top zones.Name
		for up, ok := n, true; ok; up, ok = up.Parent() {
			if _, is := s.u.origins[up]; is {
				top = up
			}
		}
		asked := s.parents[top]
		if len(asked) == 0 || now >= asked[len(asked)-1]+s.u.parent {
			asked = append(asked, now)
		}
		s.parents[top] = asked
		if asked[len(asked)-1] < s.u.change {
			from = &s.u.old
		}
	}
	r := &received{name: n, typ: t, got: now}
	if now < from.off {
		for up, ok := n, true; ok && r.zone == nil; up, ok = up.Parent() {
			z, is := s.u.origins[up]
			if !is {
				continue
			}
			if v := from.zones[z].at(now); v != absent {
				r.zone = s.u.versions[v].zone
			}
			// DS stands in the zone above, where there is one.
			if above, ok := up.Parent(); ok && t == zones.TypeDS && up == n && r.zone != nil {
				for ; ok; above, ok = above.Parent() {
					if z, is := s.u.origins[above]; is && from.zones[z].at(now) != absent {
						r.zone = s.u.versions[from.zones[z].at(now)].zone
						break
					}
				}
			}
		}
	}
	if r.zone != nil {
		r.answer = oracle.Resolve(world(r.zone), zones.Internet, n, t)
	}
	k, ttl, next := r.said()
	r.kind, r.next = k, next
	if r.kept = s.model.keep(ttl, k == nodata || k == nxdomain); k == silent {
		r.kept = servfail
	}
	s.list = append(s.list, r)
	return r
}

// tinyModels are models whose times fit tiny worlds.
func tinyModels() []Model {
	return []Model{
		Respecting{},
		Capped{Most: 2 * time.Second},
		Floored{Least: 4 * time.Second},
		Negative{},
		Aggressive{},
		Behind{},
		ParentCentric{},
		Stale{For: 9 * time.Second},
	}
}

// tinyWorlds draws worlds of few names that follow each other.
func tinyWorlds(t *rapid.T, n int) (out []zones.World) {
	owners := []string{"a", "b", "c.a", "*.b", "x.b", "k", "d.k"}
	target := rapid.Custom(func(t *rapid.T) zones.Name {
		return zones.MustName(rapid.SampledFrom([]string{"a.e", "b.e", "c.a.e", "y.b.e", "a.k.e", "a.f", "b.f", "x.out"}).Draw(t, "target"))
	})
	set := rapid.Custom(func(t *rapid.T) []zones.Record {
		ttl := uint32(rapid.IntRange(0, 6).Draw(t, "ttl"))
		switch rapid.IntRange(0, 11).Draw(t, "kind") {
		case 0, 1, 2:
			return nil
		case 3, 4, 5, 6:
			return []zones.Record{{Type: zones.TypeA, TTL: ttl, Data: string([]byte{192, 0, 2, byte(rapid.IntRange(1, 2).Draw(t, "a"))})}}
		case 7, 8, 9:
			return []zones.Record{{Type: zones.TypeCNAME, TTL: ttl, Data: target.Draw(t, "to").Wire()}}
		case 10:
			return []zones.Record{{Type: zones.TypeMX, TTL: ttl, Data: "\x00\x0a" + target.Draw(t, "to").Wire()}}
		}
		return []zones.Record{{Type: zones.TypeNS, TTL: ttl, Data: zones.MustName("ns.out").Wire()}}
	})
	content := map[string][]zones.Record{}
	for i := range n {
		var zs []*zones.Zone
		for _, origin := range []string{"e", "f", "k.e"} {
			if origin == "k.e" && rapid.IntRange(0, 2).Draw(t, "child") > 0 {
				continue
			}
			o := zones.MustName(origin)
			b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
			soa := zones.SOA{MName: o, RName: o, Serial: 1, Refresh: 7, Retry: 3, Minimum: uint32(rapid.IntRange(0, 5).Draw(t, "minimum"))}
			b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: uint32(rapid.IntRange(0, 6).Draw(t, "soa")), Data: soa.Data()})
			b.Add(zones.Record{Owner: o, Type: zones.TypeNS, TTL: 6, Data: zones.MustName("ns.out").Wire()})
			for _, owner := range owners {
				key := owner + "." + origin
				if i == 0 || rapid.IntRange(0, 2).Draw(t, key+" changes") == 0 {
					content[key] = set.Draw(t, key)
				}
				for _, r := range content[key] {
					r.Owner = zones.MustName(key)
					b.Add(r)
				}
			}
			z, err := b.Freeze()
			if err != nil {
				t.Fatalf("%v", err)
			}
			zs = append(zs, z)
		}
		w, err := zones.NewWorld(zs...)
		if err != nil {
			t.Fatalf("%v", err)
		}
		out = append(out, w)
	}
	return out
}

// TestTwin is SIM-TWIN: what the simulation says of each second is what a
// resolver meets that asks in each second and forgets nothing.
func TestTwin(t *testing.T) {
	kinds := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		worlds := tinyWorlds(t, 4)
		at := int64(1000)
		var served []Served
		for _, w := range worlds {
			served = append(served, Served{time.Unix(at, 0), w})
			at += int64(rapid.IntRange(1, 20).Draw(t, "gap"))
		}
		in := Input{
			Served: served, Claim: served, View: zones.Internet, Clients: 1, Seed: rapid.Uint64().Draw(t, "seed"),
			Servers: []Server{{Name: "p"}, {Name: "n", Notified: true}, {Name: "q"}, {Name: "l", Late: true}},
			Parent:  Parent{Change: served[2].At, Off: served[3].At, TTL: 8 * time.Second},
		}
		u, err := newUniverse(in)
		if err != nil {
			t.Fatalf("%v", err)
		}
		p := plan{number: 7}
		for range 5 {
			x := zones.MustName(rapid.SampledFrom([]string{"a.e", "b.e", "c.a.e", "y.b.e", "k.e", "d.k.e", "a.k.e", "z.e", "a.f", "x.b.f", "y.a.f"}).Draw(t, "name"))
			q := ask{u.intern(x), rapid.SampledFrom([]zones.Type{zones.TypeA, zones.TypeMX, zones.TypeNS, zones.TypeDS}).Draw(t, "type")}
			if !slices.ContainsFunc(p.asks, func(o *question) bool { return o.ask == q }) {
				p.asks = append(p.asks, &question{ask: q})
			}
		}
		for from := served[1].At.Unix() - 10; from < at+15; {
			v := window{from, from + int64(rapid.IntRange(1, 40).Draw(t, "visit"))}
			p.visits = append(p.visits, v)
			from = v.until + int64(rapid.IntRange(1, 12).Draw(t, "pause"))
		}
		for _, m := range tinyModels() {
			got := map[string]string{}
			key := func(q *question, sec int64) string {
				return fmt.Sprintf("%d %v %v", sec, u.names[q.name], q.typ)
			}
			newClient(u, m, p).run(func(q *question, e end, w window) {
				for sec := w.from; sec < w.until; sec++ {
					if e.good {
						got[key(q, sec)] = "good"
					} else {
						got[key(q, sec)] = e.last.String()
					}
				}
			})
			s := &slow{u: u, model: m, client: p.number, parents: map[zones.Name][]int64{}}
			for _, v := range p.visits {
				for sec := v.from; sec < v.until; sec++ {
					for _, q := range p.asks {
						want := "good"
						if good, last := s.walk(u.names[q.name], q.typ, sec); !good {
							want = last.String()
						}
						kinds[want]++
						if g := got[key(q, sec)]; g != want {
							t.Fatalf("%s: %s: %s, want %s", m.Name(), key(q, sec), g, want)
						}
					}
				}
			}
		}
	})
	for _, k := range []string{"good", "NXDOMAIN", "NODATA", "SERVFAIL"} {
		if kinds[k] == 0 {
			t.Errorf("no question ended in %s: %v", k, kinds)
		}
	}
}
