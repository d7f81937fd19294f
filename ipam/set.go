package ipam

import (
	"fmt"
	"iter"
	"math/bits"
	"net/netip"
)

// Set is a set of addresses, both families, that finds free prefixes among
// millions of blocks in steps that grow with the logarithm of their number. It
// is an immutable value: With and Without give another Set that shares most of
// its memory with the first, so a snapshot costs nothing. The zero Set is empty.
//
// It holds the free runs of each family in a treap (a search tree by the first
// address, a heap by a hash of it), so equal sets have equal trees:
//
//	          10.0.0.8-10.0.0.255          run: the free run
//	          sizes {8,9,…} of all         sizes: bit n is set when the run (here)
//	         /                  \          or any run below it (all) has a free
//	0.0.0.0-9.255.255.255    10.0.2.0-…    prefix of n host bits in its fewest prefixes
type Set struct{ v4, v6 *runs }

// runs is one family's tree; nil is the family without a taken address.
type runs struct{ root *run }

// run is a node; nil is the empty tree. Nodes never change.
type run struct {
	first, last u128
	here, all   sizes
	left, right *run
}

// sizes is a set of numbers of host bits, 0 to 128: u128 for 0 to 127, and 128.
type sizes struct {
	low   u128
	whole bool
}

func (s sizes) or(t sizes) sizes { return sizes{s.low.or(t.low), s.whole || t.whole} }

// atLeast tells whether s has a member from n up.
func (s sizes) atLeast(n int) bool {
	return s.whole || n < 128 && !s.low.and(ones(n).not()).isZero()
}

// least is the lowest member from n up; there must be one.
func (s sizes) least(n int) int {
	if low := s.low.and(ones(min(n, 128)).not()); !low.isZero() {
		return low.trailingZeros()
	}
	return 128
}

func (s sizes) has(n int) bool {
	return n == 128 && s.whole || n < 128 && !s.low.and(u128{0, 1}.shl(n)).isZero()
}

// sizesOf gives the sizes of the fewest prefixes of a run. Between first and
// the end lies the point with the most trailing zeros; what leads up to it are
// prefixes of growing size, the binary digits of the distance, and what leads
// down from it of shrinking size, the digits of the rest.
func sizesOf(first, last u128) sizes {
	end := last.add(u128{0, 1})
	if first.isZero() && end.isZero() {
		return sizes{whole: true}
	}
	// An end of 2^128 wrapped to 0: it is that point itself.
	middle := u128{}
	if !end.isZero() {
		k := first.xor(end).length() - 1
		middle = end.and(ones(k).not())
	}
	return sizes{low: middle.sub(first).or(end.sub(middle))}
}

func newRun(first, last u128, left, right *run) *run {
	n := &run{first: first, last: last, here: sizesOf(first, last), left: left, right: right}
	n.all = n.here
	if left != nil {
		n.all = n.all.or(left.all)
	}
	if right != nil {
		n.all = n.all.or(right.all)
	}
	return n
}

func (n *run) with(left, right *run) *run { return newRun(n.first, n.last, left, right) }

// rank orders the heap: a hash of the first address (splitmix64's finish).
func (n *run) rank() uint64 {
	x := n.first.lo ^ bits.RotateLeft64(n.first.hi, 29)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// split parts the runs that start before at from the others.
func (n *run) split(at u128) (before, others *run) {
	switch {
	case n == nil:
		return nil, nil
	case n.first.less(at):
		a, b := n.right.split(at)
		return n.with(n.left, a), b
	default:
		a, b := n.left.split(at)
		return a, n.with(b, n.right)
	}
}

// join is the tree of both, every run of a before those of b.
func join(a, b *run) *run {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.rank() > b.rank():
		return a.with(a.left, join(a.right, b))
	default:
		return b.with(join(a, b.left), b.right)
	}
}

// lastRun is the highest run, nil for the empty tree.
func (n *run) lastRun() *run {
	for n != nil && n.right != nil {
		n = n.right
	}
	return n
}

func (n *run) firstRun() *run {
	for n != nil && n.left != nil {
		n = n.left
	}
	return n
}

// withoutFirst is the tree less its lowest run; there must be one.
func (n *run) withoutFirst() *run {
	if n.left == nil {
		return n.right
	}
	return n.with(n.left.withoutFirst(), n.right)
}

// holding is the run that holds u, nil when none does.
func (n *run) holding(u u128) *run {
	for n != nil {
		switch {
		case u.less(n.first):
			n = n.left
		case n.last.less(u):
			n = n.right
		default:
			return n
		}
	}
	return nil
}

func (s Set) family(is4 bool) *run {
	r := s.v6
	if is4 {
		r = s.v4
	}
	if r != nil {
		return r.root
	}
	width := 128
	if is4 {
		width = 32
	}
	return newRun(u128{}, ones(width), nil, nil)
}

func (s Set) set(is4 bool, root *run) Set {
	if is4 {
		s.v4 = &runs{root}
	} else {
		s.v6 = &runs{root}
	}
	return s
}

// With gives s and the addresses of b. It fails when s has one of them already.
func (s Set) With(b Block) (Set, error) {
	if !b.IsValid() {
		return s, fmt.Errorf("no addresses to add")
	}
	first, last := toNumber(b.first), toNumber(b.last)
	root := s.family(b.Is4())
	n := root.holding(first)
	if n == nil || n.last.less(last) {
		return s, fmt.Errorf("%v is not all free", b)
	}
	before, rest := root.split(n.first)
	after := rest.withoutFirst()
	if n.first.less(first) {
		before = join(before, newRun(n.first, first.sub(u128{0, 1}), nil, nil))
	}
	if last.less(n.last) {
		after = join(newRun(last.add(u128{0, 1}), n.last, nil, nil), after)
	}
	return s.set(b.Is4(), join(before, after)), nil
}

// Without gives s without the addresses of b. It fails when s misses one of them.
func (s Set) Without(b Block) (Set, error) {
	if !b.IsValid() {
		return s, fmt.Errorf("no addresses to take away")
	}
	first, last := toNumber(b.first), toNumber(b.last)
	before, after := s.family(b.Is4()).split(first)
	l, r := before.lastRun(), after.firstRun()
	if l != nil && !l.last.less(first) || r != nil && !last.less(r.first) {
		return s, fmt.Errorf("%v is not all taken", b)
	}
	if l != nil && l.last.add(u128{0, 1}) == first {
		first = l.first
		before, _ = before.split(l.first)
	}
	if r != nil && last.add(u128{0, 1}) == r.first {
		last = r.last
		after = after.withoutFirst()
	}
	return s.set(b.Is4(), join(join(before, newRun(first, last, nil, nil)), after)), nil
}

// Overlaps tells whether s has an address of b.
func (s Set) Overlaps(b Block) bool {
	if !b.IsValid() {
		return false
	}
	n := s.family(b.Is4()).holding(toNumber(b.first))
	return n == nil || n.last.less(toNumber(b.last))
}

// Free gives what is left of pool without the addresses of s: the fewest
// prefixes, ascending (FREE-EXACT), found one by one as they are asked for.
func (s Set) Free(pool Block) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if !pool.IsValid() {
			return
		}
		s.family(pool.Is4()).each(toNumber(pool.first), toNumber(pool.last), func(first, last u128) bool {
			for _, p := range appendRun(nil, first, last, pool.Is4()) {
				if !yield(p) {
					return false
				}
			}
			return true
		})
	}
}

// each gives the parts of the runs that lie from first to last, ascending.
func (n *run) each(first, last u128, yield func(first, last u128) bool) bool {
	if n == nil {
		return true
	}
	if first.less(n.first) && !n.left.each(first, last, yield) {
		return false
	}
	if !n.last.less(first) && !last.less(n.first) && !yield(maxOf(first, n.first), minOf(last, n.last)) {
		return false
	}
	return !n.last.less(last) || n.right.each(first, last, yield)
}

func maxOf(a, b u128) u128 {
	if a.less(b) {
		return b
	}
	return a
}

func minOf(a, b u128) u128 {
	if a.less(b) {
		return a
	}
	return b
}

// FirstFit is the lowest free prefix of that length in pool (FIT-FIRST). It is
// not ok when there is none, and when bits is no length of the pool's family.
func (s Set) FirstFit(pool Block, bits int) (_ netip.Prefix, ok bool) {
	host, ok := hostBits(pool, bits)
	if !ok {
		return netip.Prefix{}, false
	}
	lowest := func(here sizes) bool { return here.atLeast(host) }
	return s.find(pool, bits, lowest)
}

// BestFit is a free prefix of that length in the smallest free prefix that can
// hold it, the lowest of those (FIT-BEST): it breaks up the least.
func (s Set) BestFit(pool Block, bits int) (_ netip.Prefix, ok bool) {
	host, ok := hostBits(pool, bits)
	if !ok {
		return netip.Prefix{}, false
	}
	var found sizes
	s.family(pool.Is4()).gather(toNumber(pool.first), toNumber(pool.last), u128{}, ones(pool.first.BitLen()), &found)
	if !found.atLeast(host) {
		return netip.Prefix{}, false
	}
	best := found.least(host)
	return s.find(pool, bits, func(here sizes) bool { return here.has(best) })
}

func hostBits(pool Block, bits int) (_ int, ok bool) {
	return pool.first.BitLen() - bits, pool.IsValid() && bits >= 0 && bits <= pool.first.BitLen()
}

// find gives the start of the lowest free prefix in pool whose size fits,
// where fits holds of a set of sizes when it holds of a member.
func (s Set) find(pool Block, bits int, fits func(sizes) bool) (got netip.Prefix, ok bool) {
	is4 := pool.Is4()
	s.family(is4).search(toNumber(pool.first), toNumber(pool.last), fits, func(first, last u128) bool {
		for !ok {
			p := widest(first, last, is4)
			end := toNumber(Last(p))
			if fits(sizesOf(first, end)) {
				got, ok = netip.PrefixFrom(p.Addr(), bits), true
			}
			if end == last {
				break
			}
			first = end.add(u128{0, 1})
		}
		return !ok
	})
	return got, ok
}

// search is each that leaves out the trees and runs that fits refuses. A run
// that pool cuts may have smaller sizes, so those are looked at by themselves:
// there are at most two of them.
func (n *run) search(first, last u128, fits func(sizes) bool, yield func(first, last u128) bool) bool {
	if n == nil || n.last.less(first) && n.right == nil {
		return true
	}
	inside := func(m *run) bool { return m != nil && fits(m.all) }
	// Left of n all runs end before n.first; they matter when some end at first or later.
	if first.less(n.first) && (inside(n.left) || n.left.cut(first, last)) && !n.left.search(first, last, fits, yield) {
		return false
	}
	if !n.last.less(first) && !last.less(n.first) {
		a, b := maxOf(first, n.first), minOf(last, n.last)
		if fits(sizesOf(a, b)) && !yield(a, b) {
			return false
		}
	}
	if n.last.less(last) && (inside(n.right) || n.right.cut(first, last)) {
		return n.right.search(first, last, fits, yield)
	}
	return true
}

// cut tells whether a run in the tree holds first or last: its sizes may
// differ from what the part of it in the pool has.
func (n *run) cut(first, last u128) bool {
	return n.holding(first) != nil || n.holding(last) != nil
}

// gather adds the sizes of all parts of runs from first to last; the tree's
// runs lie from low to high.
func (n *run) gather(first, last, low, high u128, found *sizes) {
	if n == nil || high.less(first) || last.less(low) {
		return
	}
	if !low.less(first) && !last.less(high) {
		*found = found.or(n.all)
		return
	}
	if !n.last.less(first) && !last.less(n.first) {
		*found = found.or(sizesOf(maxOf(first, n.first), minOf(last, n.last)))
	}
	n.left.gather(first, last, low, n.first, found)
	n.right.gather(first, last, n.last, high, found)
}
