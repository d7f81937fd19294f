package ipam

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The relations of two blocks, held against sets of numbers.
func TestBlockRelations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawBase(t)
		i, j := drawRange(t, "a")
		k, l := drawRange(t, "b")
		a, b := m.block(i, j), m.block(k, l)
		var both, onlyA, onlyB int
		for n := range 256 {
			inA, inB := i <= n && n <= j, k <= n && n <= l
			switch {
			case inA && inB:
				both++
			case inA:
				onlyA++
			case inB:
				onlyB++
			}
			if a.ContainsAddr(m.addr(n)) != inA {
				t.Fatalf("%v.ContainsAddr(%v)", a, m.addr(n))
			}
		}
		if a.Contains(b) != (onlyB == 0) || a.Overlaps(b) != (both > 0) || a.Crosses(b) != (both > 0 && onlyA > 0 && onlyB > 0) {
			t.Fatalf("%v and %v: contains %v, overlaps %v, crosses %v", a, b, a.Contains(b), a.Overlaps(b), a.Crosses(b))
		}
		if a.SameSize(b) != (j-i == l-k) || (a.Compare(b) < 0) != (i < k || i == k && j > l) || (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%v and %v: size or order", a, b)
		}
		joined, err := Join(b, a)
		if right := both == 0 && (j+1 == k || l+1 == i); (err == nil) != right || right && joined != m.block(min(i, k), max(j, l)) {
			t.Fatalf("Join(%v, %v) = %v, %v", b, a, joined, err)
		}
		if want := m.free(i, j); !slices.Equal(a.Prefixes(), want) { // nothing is taken
			t.Fatalf("%v.Prefixes() = %v, want %v", a, a.Prefixes(), want)
		}
		p, ok := a.Prefix()
		if want := m.free(i, j); ok != (len(want) == 1) || ok && p != want[0] {
			t.Fatalf("%v.Prefix() = %v %v", a, p, ok)
		}
		if again, err := ParseBlock(a.String()); err != nil || again != a {
			t.Fatalf("%v read again: %v, %v", a, again, err)
		}
	})
}

func TestShift(t *testing.T) {
	at := func(s string) Block {
		b, err := ParseBlock(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct{ b, from, to, want string }{
		{"10.1.2.16/28", "10.1.2.0/24", "10.9.0.0/24", "10.9.0.16/28"},
		{"10.1.2.5-10.1.2.9", "10.1.2.0/24", "10.9.0.0/24", "10.9.0.5-10.9.0.9"},
		{"2001:db8::ff", "2001:db8::/48", "2001:db8:ffff::/48", "2001:db8:ffff::ff"},
		{"10.1.3.0", "10.1.2.0/24", "10.9.0.0/24", ""},
		{"10.1.2.0", "10.1.2.0/24", "10.9.0.0/25", ""},
	} {
		got, ok := at(c.b).Shift(at(c.from), at(c.to))
		if ok != (c.want != "") || ok && got != at(c.want) {
			t.Errorf("%s.Shift(%s, %s) = %v %v", c.b, c.from, c.to, got, ok)
		}
		if back, ok2 := got.Shift(at(c.to), at(c.from)); ok && (!ok2 || back != at(c.b)) {
			t.Errorf("%s shifted back is %v", c.want, back)
		}
	}
}

func TestZeroBlock(t *testing.T) {
	var z Block
	b := BlockOfAddr(netip.MustParseAddr("::"))
	if z.IsValid() || z.IsAddr() || z.Contains(z) || z.Overlaps(z) || z.Contains(b) || b.Contains(z) || z.Prefixes() != nil || z.String() != "invalid block" {
		t.Error("the zero Block is not harmless")
	}
	if got := Free(z, nil); got != nil {
		t.Errorf("Free of nothing is %v", got)
	}
	var s Set
	if _, err := s.With(z); err == nil {
		t.Error("nothing was added")
	}
	if _, ok := s.FirstFit(z, 0); ok {
		t.Error("nothing fits in nothing")
	}
	for range s.Free(z) {
		t.Error("nothing is free in nothing")
	}
	for _, a := range []string{"fe80::1%eth0", "::ffff:1.2.3.4"} {
		if BlockOfAddr(netip.MustParseAddr(a)).IsValid() {
			t.Errorf("%s made a block (BLOCK-RUN)", a)
		}
	}
}

func TestSplit(t *testing.T) {
	var got []string
	for p := range Split(netip.MustParsePrefix("255.255.255.0/24"), 26) {
		got = append(got, p.String())
	}
	if want := []string{"255.255.255.0/26", "255.255.255.64/26", "255.255.255.128/26", "255.255.255.192/26"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	n := 0
	for range Split(netip.MustParsePrefix("2001:db8::/32"), 128) { // 2^96 of them
		if n++; n == 3 {
			break
		}
	}
	for range Split(netip.MustParsePrefix("10.0.0.0/24"), 23) {
		t.Error("a part larger than the whole")
	}
	for range Split(netip.MustParsePrefix("10.0.0.0/24"), 33) {
		t.Error("a part smaller than an address")
	}
}

func TestParentSibling(t *testing.T) {
	for _, c := range []struct{ p, parent, sibling string }{
		{"10.0.1.0/24", "10.0.0.0/23", "10.0.0.0/24"},
		{"10.0.0.0/24", "10.0.0.0/23", "10.0.1.0/24"},
		{"2001:db8:8000::/33", "2001:db8::/32", "2001:db8::/33"},
		{"128.0.0.0/1", "0.0.0.0/0", "0.0.0.0/1"},
	} {
		p := netip.MustParsePrefix(c.p)
		parent, _ := Parent(p)
		sibling, _ := Sibling(p)
		if parent.String() != c.parent || sibling.String() != c.sibling || !Contains(parent, p) || Contains(p, sibling) {
			t.Errorf("%v: parent %v, sibling %v", p, parent, sibling)
		}
	}
	if _, ok := Parent(netip.MustParsePrefix("::/0")); ok {
		t.Error("/0 has a parent")
	}
	if _, ok := Sibling(netip.Prefix{}); ok {
		t.Error("nothing has a sibling")
	}
}

func TestHosts(t *testing.T) {
	for pool, want := range map[string]string{
		"10.0.0.0/24":             "10.0.0.1-10.0.0.254",     // RFC 919, section 7
		"10.0.0.0/30":             "10.0.0.1-10.0.0.2",       //
		"10.0.0.0/31":             "10.0.0.0/31",             // RFC 3021
		"10.0.0.7":                "10.0.0.7",                //
		"10.0.0.1-10.0.0.9":       "10.0.0.1-10.0.0.9",       //
		"2001:db8::/126":          "2001:db8::1-2001:db8::3", // RFC 4291, section 2.6.1
		"2001:db8::/127":          "2001:db8::/127",          // RFC 6164
		"2001:db8::8-2001:db8::a": "2001:db8::8-2001:db8::a", //
	} {
		b, err := ParseBlock(pool)
		if got := Hosts(b); err != nil || got.String() != want {
			t.Errorf("Hosts(%s) = %v, want %s", pool, got, want)
		}
	}
}
