package ipam

import (
	"cmp"
	"fmt"
	"math/big"
	"net/netip"
)

// Block is a run of addresses of one family, first to last: an address, a
// prefix or any other range (BLOCK-RUN). It is comparable and serves as a map
// key; the zero value is invalid and belongs to no space.
type Block struct{ first, last netip.Addr }

// NewBlock makes the range first-last. It fails when the two are of different
// families, in the wrong order, zoned or IPv4-mapped.
func NewBlock(first, last netip.Addr) (Block, error) {
	for _, a := range [...]netip.Addr{first, last} {
		if err := checkAddr(a); err != nil {
			return Block{}, err
		}
	}
	text := first.String() + "-" + last.String()
	if first.Is4() != last.Is4() {
		return Block{}, &ParseError{Text: text, Found: "a range from IPv4 to IPv6 or back", Mend: "write both ends in one family"}
	}
	if last.Less(first) {
		return Block{}, &ParseError{Text: text, Found: "a range whose end lies before its start", Mend: "write " + last.String() + "-" + first.String()}
	}
	return Block{first, last}, nil
}

// BlockOf is the block of a prefix; host bits are masked away. An invalid or
// IPv4-mapped prefix gives the zero Block.
func BlockOf(p netip.Prefix) Block {
	if !p.IsValid() || checkAddr(p.Addr()) != nil {
		return Block{}
	}
	return Block{p.Masked().Addr(), Last(p)}
}

// BlockOfAddr is the block of one address, zero for an invalid one.
func BlockOfAddr(a netip.Addr) Block {
	if checkAddr(a) != nil {
		return Block{}
	}
	return Block{a, a}
}

// First is the lowest address.
func (b Block) First() netip.Addr { return b.first }

// Last is the highest address.
func (b Block) Last() netip.Addr { return b.last }

// IsValid tells whether b is not the zero Block.
func (b Block) IsValid() bool { return b.first.IsValid() }

// Is4 tells whether the addresses are IPv4.
func (b Block) Is4() bool { return b.first.Is4() }

// IsAddr tells whether b is one address.
func (b Block) IsAddr() bool { return b.IsValid() && b.first == b.last }

// Prefix gives the prefix that b is, and whether it is one. A single address
// is a prefix of 32 or 128 bits.
func (b Block) Prefix() (netip.Prefix, bool) {
	if !b.IsValid() {
		return netip.Prefix{}, false
	}
	p := widest(toNumber(b.first), toNumber(b.last), b.Is4())
	return p, Last(p) == b.last
}

// Contains tells whether every address of c is one of b.
func (b Block) Contains(c Block) bool {
	return b.IsValid() && c.IsValid() && b.Is4() == c.Is4() && !c.first.Less(b.first) && !b.last.Less(c.last)
}

// ContainsAddr tells whether a is one of b's addresses.
func (b Block) ContainsAddr(a netip.Addr) bool {
	return b.IsValid() && a.Is4() == b.Is4() && a.Zone() == "" && !a.Less(b.first) && !b.last.Less(a)
}

// Overlaps tells whether b and c share an address.
func (b Block) Overlaps(c Block) bool {
	return b.IsValid() && c.IsValid() && b.Is4() == c.Is4() && !c.last.Less(b.first) && !b.last.Less(c.first)
}

// Crosses tells whether b and c share an address and neither lies within the
// other: what BOOK-NEST forbids.
func (b Block) Crosses(c Block) bool {
	return b.Overlaps(c) && !b.Contains(c) && !c.Contains(b)
}

// Compare orders blocks by family (IPv4 first), then by first address, then
// the larger before the smaller: an outer block stands before those in it.
func (b Block) Compare(c Block) int {
	return cmp.Or(b.first.Compare(c.first), c.last.Compare(b.last))
}

// Size is how many addresses b has, 0 of the zero Block.
func (b Block) Size() *big.Int {
	n := new(big.Int)
	if !b.IsValid() {
		return n
	}
	for _, p := range b.Prefixes() {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits())))
	}
	return n
}

// SameSize tells whether b and c are of one family and hold the same number
// of addresses.
func (b Block) SameSize(c Block) bool {
	return b.Is4() == c.Is4() && b.span() == c.span()
}

// span is the number of addresses less one.
func (b Block) span() u128 { return toNumber(b.last).sub(toNumber(b.first)) }

// Shift gives the block that lies in to as b lies in from. It is ok when from
// contains b and to is of from's size.
func (b Block) Shift(from, to Block) (_ Block, ok bool) {
	if !from.Contains(b) || !from.SameSize(to) {
		return Block{}, false
	}
	base, start := toNumber(to.first), toNumber(from.first)
	move := func(a netip.Addr) netip.Addr { return toNumber(a).sub(start).add(base).addr(to.Is4()) }
	return Block{move(b.first), move(b.last)}, true
}

// Prefixes gives the fewest prefixes that together are b, ascending: at most
// 62 for IPv4 and 254 for IPv6.
func (b Block) Prefixes() []netip.Prefix {
	if !b.IsValid() {
		return nil
	}
	return appendRun(nil, toNumber(b.first), toNumber(b.last), b.Is4())
}

// appendRun appends the fewest prefixes that cover first to last.
func appendRun(dst []netip.Prefix, first, last u128, is4 bool) []netip.Prefix {
	for {
		p := widest(first, last, is4)
		dst = append(dst, p)
		end := toNumber(Last(p))
		if end == last {
			return dst
		}
		first = end.add(u128{0, 1})
	}
}

// widest is the largest prefix that begins at first and ends at last or before.
func widest(first, last u128, is4 bool) netip.Prefix {
	width := 128
	if is4 {
		width = 32
	}
	// The host part is no wider than first's trailing zeros, and 2^n-1 no more than the span.
	span := last.sub(first).add(u128{0, 1}) // 0 stands for all 2^128
	host := min(first.trailingZeros(), width)
	if !span.isZero() {
		host = min(host, span.length()-1)
	}
	return netip.PrefixFrom(first.addr(is4), width-host)
}

// Join gives the one block that adjacent or equal blocks make together. It
// fails when there is none, when they leave a gap, or when two overlap.
func Join(blocks ...Block) (Block, error) {
	if len(blocks) == 0 {
		return Block{}, fmt.Errorf("nothing to join: name at least one block")
	}
	sorted := SortedBlocks(blocks)
	out := sorted[0]
	for _, b := range sorted[1:] {
		switch {
		case !b.IsValid() || !out.IsValid() || b.Is4() != out.Is4():
			return Block{}, fmt.Errorf("%v and %v are not of one family: join blocks of one family", out, b)
		case out.Overlaps(b):
			return Block{}, fmt.Errorf("%v and %v overlap: join blocks that lie side by side", out, b)
		case out.last.Next() != b.first:
			return Block{}, fmt.Errorf("%v ends at %v and %v starts at %v, a gap lies between: name the blocks of the gap too", out, out.last, b, b.first)
		}
		out.last = b.last
	}
	return out, nil
}

// String writes an address plainly, a prefix with its length, any other range
// as first-last; "invalid block" for the zero Block.
func (b Block) String() string {
	if !b.IsValid() {
		return "invalid block"
	}
	if b.IsAddr() {
		return b.first.String()
	}
	if p, ok := b.Prefix(); ok {
		return p.String()
	}
	return b.first.String() + "-" + b.last.String()
}

// MarshalText is String; the zero Block is the empty text.
func (b Block) MarshalText() ([]byte, error) {
	if !b.IsValid() {
		return []byte{}, nil
	}
	return []byte(b.String()), nil
}

// UnmarshalText reads what ParseBlock reads, and the empty text as the zero Block.
func (b *Block) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*b = Block{}
		return nil
	}
	got, err := ParseBlock(string(text))
	if err == nil {
		*b = got
	}
	return err
}
