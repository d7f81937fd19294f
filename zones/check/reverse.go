package check

import (
	"net/netip"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

var (
	reverse4 = zones.MustName("in-addr.arpa.")
	reverse6 = zones.MustName("ip6.arpa.")
)

// pointer looks whether the name of an address has that address, where its zone
// was given (RFC 1912 2.1: PTR and A must match).
func (c *checker) pointer(s zones.RRset) {
	addr, ok := reverseAddr(s.Owner())
	if !ok {
		return
	}
	for i := range s.Len() {
		n, ok := oneName(s.Data(i))
		if !ok || n.IsWildcard() || doubles(n, c.z.Origin()) {
			continue
		}
		e := c.end(n)
		if e.kind != data && !e.nowhere() {
			continue
		}
		t := zones.TypeA
		if addr.Is6() {
			t = zones.TypeAAAA
		}
		if set, ok := e.set(t); !ok || !set.Has(string(addr.AsSlice())) {
			c.tell("S-FCRDNS", s, i, "%v is the name of %v and does not have that address (RFC 1912 2.1)", n.Text(), addr)
		}
	}
}

// reverseAddr reads the address whose reverse name n is (RFC 1035 3.5, RFC 3596 2.5).
func reverseAddr(n zones.Name) (netip.Addr, bool) {
	var labels []string
	switch {
	case n.Below(reverse4) && n.Labels() == 6:
		for m := n; m != reverse4; m, _ = m.Parent() {
			labels = append([]string{m.First()}, labels...)
		}
		a, err := netip.ParseAddr(strings.Join(labels, "."))
		return a, err == nil && a.Is4()
	case n.Below(reverse6) && n.Labels() == 34:
		var b [16]byte
		for m, i := n, 31; i >= 0; m, i = parent(m), i-1 {
			v, err := strconv.ParseUint(m.First(), 16, 4)
			if err != nil || len(m.First()) != 1 {
				return netip.Addr{}, false
			}
			b[i/2] |= byte(v) << (4 * (1 - i%2))
		}
		return netip.AddrFrom16(b), true
	}
	return netip.Addr{}, false
}

func parent(n zones.Name) zones.Name {
	p, _ := n.Parent()
	return p
}

// mailReverse looks whether the addresses of mail exchangers have a PTR, where
// their reverse zone was given: receivers ask for it before they take mail.
func (c *checker) mailReverse(mx zones.RRset) {
	for i := range mx.Len() {
		d := mx.Data(i)
		if len(d) < 3 {
			continue
		}
		n, ok := oneName(d[2:])
		if !ok || n.IsRoot() {
			continue
		}
		e := c.end(n)
		if !e.alias.IsZero() || e.kind != data || e.in != c.sp {
			continue
		}
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			set, _ := e.set(t)
			for j := range set.Len() {
				a, ok := netip.AddrFromSlice([]byte(set.Data(j)))
				if !ok || c.asked[a] {
					continue
				}
				c.asked[a] = true
				r := c.end(reverseName(a))
				if _, ok := r.set(zones.TypePTR); !ok && (r.nowhere() || r.kind == data) {
					c.tell("S-FCRDNS", set, j, "the mail exchanger %v has the address %v, which has no PTR", n.Text(), a)
				}
			}
		}
	}
}

// reverseName is the name whose PTR names an address.
func reverseName(a netip.Addr) zones.Name {
	n := reverse4
	if a.Is6() {
		n = reverse6
	}
	for _, b := range a.AsSlice() {
		if a.Is4() {
			n, _ = n.Child(strconv.Itoa(int(b)))
			continue
		}
		n, _ = n.Child(strconv.FormatUint(uint64(b>>4), 16))
		n, _ = n.Child(strconv.FormatUint(uint64(b&15), 16))
	}
	return n
}
