package ipam

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
)

// Last is the highest address of a prefix; invalid for an invalid prefix.
func Last(p netip.Prefix) netip.Addr {
	if !p.IsValid() {
		return netip.Addr{}
	}
	a := p.Addr()
	return toNumber(a).or(ones(a.BitLen() - p.Bits())).addr(a.Is4())
}

// Contains tells whether every address of inner is one of outer.
func Contains(outer, inner netip.Prefix) bool {
	return outer.IsValid() && inner.IsValid() && outer.Bits() <= inner.Bits() && outer.Overlaps(inner)
}

// Parent is the prefix one bit shorter; ok is false for a prefix of length 0
// and an invalid one.
func Parent(p netip.Prefix) (_ netip.Prefix, ok bool) {
	if p.Bits() <= 0 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked(), true
}

// Sibling is the other half of Parent(p).
func Sibling(p netip.Prefix) (_ netip.Prefix, ok bool) {
	if p.Bits() <= 0 {
		return netip.Prefix{}, false
	}
	return flip(p.Masked(), p.Bits()), true
}

// flip inverts bit n (1 is the highest) of a prefix of length n.
func flip(p netip.Prefix, n int) netip.Prefix {
	a := p.Addr()
	u, m := toNumber(a), bitAt(a.BitLen(), n)
	if u.and(m).isZero() {
		u = u.or(m)
	} else {
		u = u.and(m.not())
	}
	return netip.PrefixFrom(u.addr(a.Is4()), n)
}

// bitAt is the number with bit n set, 1 being the highest of width.
func bitAt(width, n int) u128 {
	if s := width - n; s < 64 {
		return u128{0, 1 << s}
	} else {
		return u128{1 << (s - 64), 0}
	}
}

// Split gives the parts of p that are bits long, ascending. The sequence is
// lazy: a /32 of IPv6 has 2^96 addresses and nobody walks them by accident. It
// is empty when bits is shorter than p or longer than the family's width.
func Split(p netip.Prefix, bits int) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if !p.IsValid() || bits < p.Bits() || bits > p.Addr().BitLen() {
			return
		}
		is4, last := p.Addr().Is4(), toNumber(Last(p))
		step := ones(p.Addr().BitLen() - bits)
		for u := toNumber(p.Masked().Addr()); ; {
			if !yield(netip.PrefixFrom(u.addr(is4), bits)) {
				return
			}
			end := u.or(step)
			if !end.less(last) {
				return
			}
			u = end.add(u128{0, 1})
		}
	}
}

// SortedBlocks is a sorted copy (Block.Compare).
func SortedBlocks(bs []Block) []Block {
	out := slices.Clone(bs)
	slices.SortFunc(out, Block.Compare)
	return out
}

// Free gives what is left of pool when used is taken away: the fewest
// prefixes, ascending (FREE-EXACT). Used may be in any order, overlap, and lie
// outside the pool. The work grows with len(used), never with the addresses.
func Free(pool Block, used []Block) []netip.Prefix {
	var out []netip.Prefix
	for _, g := range gaps(pool, used) {
		out = append(out, g.Prefixes()...)
	}
	return out
}

// gaps are the maximal free runs of pool, ascending.
func gaps(pool Block, used []Block) []Block {
	if !pool.IsValid() {
		return nil
	}
	var out []Block
	next, done := pool.first, false // the lowest address not yet known used or free
	for _, u := range SortedBlocks(used) {
		if done || !u.Overlaps(pool) || u.last.Less(next) {
			continue
		}
		if next.Less(u.first) {
			out = append(out, Block{next, u.first.Prev()})
		}
		if done = !u.last.Less(pool.last); !done {
			next = u.last.Next()
		}
	}
	if !done {
		out = append(out, Block{next, pool.last})
	}
	return out
}

// FirstFit is the lowest free prefix of that length in pool (FIT-FIRST). It is
// not ok when there is none, and when bits is no length of the pool's family.
func FirstFit(pool Block, used []Block, bits int) (_ netip.Prefix, ok bool) {
	for _, f := range Free(pool, used) {
		if f.Bits() <= bits && bits <= f.Addr().BitLen() {
			return netip.PrefixFrom(f.Addr(), bits), true
		}
	}
	return netip.Prefix{}, false
}

// BestFit is a free prefix of that length in the smallest free prefix that can
// hold it, the lowest of those (FIT-BEST): it breaks up the least.
func BestFit(pool Block, used []Block, bits int) (_ netip.Prefix, ok bool) {
	fits := slices.DeleteFunc(Free(pool, used), func(f netip.Prefix) bool { return f.Bits() > bits || bits > f.Addr().BitLen() })
	if len(fits) == 0 {
		return netip.Prefix{}, false
	}
	best := slices.MinFunc(fits, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(b.Bits(), a.Bits()), a.Addr().Compare(b.Addr()))
	})
	return netip.PrefixFrom(best.Addr(), bits), true
}

// Hosts gives the addresses of a pool that may be given to a host: a prefix of
// IPv4 up to /30 loses its network and broadcast address (RFC 919, section 7),
// /31 loses none (RFC 3021); IPv6 up to /126 loses the subnet-router anycast
// address (RFC 4291, section 2.6.1), /127 none (RFC 6164). A range that is no
// prefix is taken as it is.
func Hosts(pool Block) Block {
	p, ok := pool.Prefix()
	if !ok {
		return pool
	}
	switch width := p.Addr().BitLen(); {
	case p.Bits() >= width-1:
	case pool.Is4():
		return Block{pool.first.Next(), pool.last.Prev()}
	default:
		return Block{pool.first.Next(), pool.last}
	}
	return pool
}
