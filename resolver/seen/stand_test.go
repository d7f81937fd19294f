package seen

import (
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// slowStand is stand by looking at every owner each time.
func slowStand(w zones.World, v zones.View, n zones.Name) (Class, zones.Name) {
	var z *zones.Zone
	for c := range w.In(v) {
		if n.Within(c.Origin()) && (z == nil || c.Origin().Below(z.Origin())) {
			z = c
		}
	}
	if z == nil {
		if n.Within(name("in-addr.arpa")) || n.Within(name("ip6.arpa")) {
			return Reverse, zones.Name{}
		}
		return Foreign, zones.Name{}
	}
	exists := func(x zones.Name) bool {
		for o := range z.Owners() {
			if o.Within(x) {
				return true
			}
		}
		return false
	}
	// What lies highest above the name decides (RFC 1034 4.3.2 3b, RFC 6672 3.2).
	var above zones.Name
	class := Known
	for s := range z.All() {
		cut, dname := s.Type() == zones.TypeNS && s.Owner() != z.Origin(), s.Type() == zones.TypeDNAME
		if !cut && !dname || !n.Below(s.Owner()) {
			continue
		}
		higher := above.IsZero() || above.Below(s.Owner())
		if higher && cut || above == s.Owner() && cut {
			above, class = s.Owner(), Delegated
		} else if higher {
			above, class = s.Owner(), Known
		}
	}
	if !above.IsZero() {
		return class, above
	}
	if exists(n) {
		return Known, n
	}
	encloser := n
	for !exists(encloser) {
		encloser, _ = encloser.Parent()
	}
	star, err := encloser.Child("*")
	for o := range z.Owners() {
		if err == nil && o == star {
			return Wild, star
		}
	}
	return Missing, n
}

func TestStandLikeTwin(t *testing.T) {
	names := rapid.Custom(func(t *rapid.T) zones.Name {
		n := name("vn")
		if rapid.IntRange(0, 9).Draw(t, "outside") == 0 {
			n = rapid.SampledFrom([]zones.Name{name("net"), name("10.in-addr.arpa"), name("8.ip6.arpa"), zones.Root()}).Draw(t, "tld")
		}
		for range rapid.IntRange(0, 4).Draw(t, "labels") {
			n, _ = n.Child(rapid.SampledFrom([]string{"a", "b", "*"}).Draw(t, "label"))
		}
		return n
	})
	met := map[Class]int{}
	rapid.Check(t, func(t *rapid.T) {
		var zs []*zones.Zone
		for _, origin := range []string{"vn", "a.vn"} {
			b := zones.NewBuilder(zones.ID{Origin: name(origin), View: "v"})
			b.Add(zones.Record{Owner: name(origin), Type: zones.TypeSOA, Data: "\x00\x00" + string(make([]byte, 20))})
			for range rapid.IntRange(0, 9).Draw(t, "records") {
				r := zones.Record{Owner: names.Draw(t, "owner"), Type: zones.TypeA, Data: "\x0a\x00\x00\x01"}
				if k := rapid.IntRange(0, 5).Draw(t, "kind"); k < 2 {
					r.Type, r.Data = []zones.Type{zones.TypeNS, zones.TypeDNAME}[k], "\x01x\x00"
				}
				if r.Owner.Within(name(origin)) {
					b.Add(r)
				}
			}
			if z, err := b.Freeze(); err == nil {
				zs = append(zs, z)
			}
		}
		w, err := zones.NewWorld(zs...)
		if err != nil {
			t.Fatal(err)
		}
		g := newGrounds(w)
		for range 20 {
			n := names.Draw(t, "asked")
			s := g.stand("v", n)
			class, at := slowStand(w, "v", n)
			if met[class]++; s.class != class || class < Foreign && s.at != at {
				t.Fatalf("%v stands as %v at %v, want %v at %v", n, s.class, s.at, class, at)
			}
		}
	})
	for c := Known; c <= Reverse; c++ {
		if met[c] == 0 && c != Misspelt {
			t.Errorf("nothing was ever %v", c)
		}
	}
}
