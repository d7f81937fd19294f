package ipam

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// The slow twin of the arithmetic: 256 addresses, a boolean each.
type bitmap struct {
	base  netip.Prefix // 256 addresses
	taken [256]bool
}

var bases = []netip.Prefix{
	netip.MustParsePrefix("10.1.2.0/24"),
	netip.MustParsePrefix("0.0.0.0/24"),
	netip.MustParsePrefix("255.255.255.0/24"),
	netip.MustParsePrefix("2001:db8::ff00/120"),
	netip.MustParsePrefix("2001:db8:0:1::/120"),
	netip.MustParsePrefix("2001:db8:0:0:ffff:ffff:ffff:ff00/120"),
	netip.MustParsePrefix("::/120"),
	netip.MustParsePrefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120"),
}

// addr is address number i of the base, made octet by octet.
func (m *bitmap) addr(i int) netip.Addr {
	raw := m.base.Addr().AsSlice()
	raw[len(raw)-1] = byte(i)
	a, _ := netip.AddrFromSlice(raw)
	return a
}

func (m *bitmap) block(i, j int) Block { return Block{m.addr(i), m.addr(j)} }

func (m *bitmap) width() int { return m.base.Addr().BitLen() }

// free is the fewest prefixes of from-to that are not taken: at each address
// the largest that starts there, is aligned, fits and is free.
func (m *bitmap) free(from, to int) []netip.Prefix {
	var out []netip.Prefix
	for i := from; i <= to; {
		n := 0
		for size := 1; size <= 256 && i%size == 0 && i+size-1 <= to && !m.any(i, i+size-1); size *= 2 {
			n = size
		}
		if n == 0 {
			i++
			continue
		}
		bits := m.width()
		for size := n; size > 1; size /= 2 {
			bits--
		}
		out = append(out, netip.PrefixFrom(m.addr(i), bits))
		i += n
	}
	return out
}

func (m *bitmap) any(i, j int) bool {
	for ; i <= j; i++ {
		if m.taken[i] {
			return true
		}
	}
	return false
}

func (m *bitmap) all(i, j int) bool {
	for ; i <= j; i++ {
		if !m.taken[i] {
			return false
		}
	}
	return true
}

func (m *bitmap) fill(i, j int, taken bool) {
	for ; i <= j; i++ {
		m.taken[i] = taken
	}
}

// firstFit tries every aligned start.
func (m *bitmap) firstFit(from, to, bits int) (netip.Prefix, bool) {
	size := 1 << (m.width() - bits)
	for i := 0; i+size <= 256; i += size {
		if i >= from && i+size-1 <= to && !m.any(i, i+size-1) {
			return netip.PrefixFrom(m.addr(i), bits), true
		}
	}
	return netip.Prefix{}, false
}

func (m *bitmap) bestFit(from, to, bits int) (netip.Prefix, bool) {
	var best netip.Prefix
	for _, f := range m.free(from, to) {
		if f.Bits() <= bits && (!best.IsValid() || f.Bits() > best.Bits()) {
			best = f
		}
	}
	return netip.PrefixFrom(best.Addr(), bits), best.IsValid()
}

// drawRange draws 0 <= i <= j <= 255, often aligned and often at an edge.
func drawRange(t *rapid.T, label string) (i, j int) {
	if rapid.Bool().Draw(t, label+" aligned") {
		n := rapid.IntRange(0, 8).Draw(t, label+" host bits")
		i = rapid.IntRange(0, 256>>n-1).Draw(t, label) << n
		return i, i + 1<<n - 1
	}
	i = rapid.IntRange(0, 255).Draw(t, label+" from")
	return i, rapid.IntRange(i, 255).Draw(t, label+" to")
}

func drawBase(t *rapid.T) *bitmap { return &bitmap{base: rapid.SampledFrom(bases).Draw(t, "base")} }

func TestFreeAgainstBitmap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawBase(t)
		var used []Block
		for range rapid.IntRange(0, 12).Draw(t, "blocks") {
			i, j := drawRange(t, "block")
			m.fill(i, j, true)
			used = append(used, m.block(i, j))
		}
		from, to := drawRange(t, "pool")
		pool := m.block(from, to)
		if got, want := Free(pool, used), m.free(from, to); !equalPrefixes(got, want) {
			t.Fatalf("Free(%v, %v) = %v, want %v", pool, used, got, want)
		}
		bits := m.width() - rapid.IntRange(0, 8).Draw(t, "host bits")
		got, ok := FirstFit(pool, used, bits)
		if want, wok := m.firstFit(from, to, bits); ok != wok || ok && got != want {
			t.Fatalf("FirstFit(%v, %v, %d) = %v %v, want %v %v", pool, used, bits, got, ok, want, wok)
		}
		got, ok = BestFit(pool, used, bits)
		if want, wok := m.bestFit(from, to, bits); ok != wok || ok && got != want {
			t.Fatalf("BestFit(%v, %v, %d) = %v %v, want %v %v", pool, used, bits, got, ok, want, wok)
		}
	})
}

func TestSetAgainstBitmap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawBase(t)
		var s Set
		// Outside the base all is taken, so that its edges are edges of runs.
		for _, b := range Free(BlockOf(netip.PrefixFrom(m.base.Addr(), 0).Masked()), []Block{BlockOf(m.base)}) {
			s, _ = s.With(BlockOf(b))
		}
		var history []Set
		var maps []bitmap
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			history, maps = append(history, s), append(maps, *m)
			i, j := drawRange(t, "block")
			b := m.block(i, j)
			if s.Overlaps(b) != m.any(i, j) {
				t.Fatalf("Overlaps(%v) = %v", b, s.Overlaps(b))
			}
			add := rapid.Bool().Draw(t, "add")
			var next Set
			var err error
			var right bool
			if add {
				next, err = s.With(b)
				right = !m.any(i, j)
			} else {
				next, err = s.Without(b)
				right = m.all(i, j)
			}
			if (err == nil) != right {
				t.Fatalf("add %v of %v: %v, want success %v", add, b, err, right)
			}
			if err == nil {
				m.fill(i, j, add)
				s = next
			}
			checkSet(t, s, m)
		}
		// A set never changes, whatever was made of it.
		k := rapid.IntRange(0, len(history)-1).Draw(t, "look back")
		checkSet(t, history[k], &maps[k])
	})
}

func checkSet(t *rapid.T, s Set, m *bitmap) {
	t.Helper()
	from, to := drawRange(t, "pool")
	pool := m.block(from, to)
	var got []netip.Prefix
	for p := range s.Free(pool) {
		got = append(got, p)
	}
	if want := m.free(from, to); !equalPrefixes(got, want) {
		t.Fatalf("Free(%v) = %v, want %v", pool, got, want)
	}
	bits := m.width() - rapid.IntRange(0, 8).Draw(t, "host bits")
	p, ok := s.FirstFit(pool, bits)
	if want, wok := m.firstFit(from, to, bits); ok != wok || ok && p != want {
		t.Fatalf("FirstFit(%v, %d) = %v %v, want %v %v", pool, bits, p, ok, want, wok)
	}
	p, ok = s.BestFit(pool, bits)
	if want, wok := m.bestFit(from, to, bits); ok != wok || ok && p != want {
		t.Fatalf("BestFit(%v, %d) = %v %v, want %v %v", pool, bits, p, ok, want, wok)
	}
}

// Over whole families the twin is Free over a list of blocks, held above
// against the bitmap.
func TestSetAgainstFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := BlockOf(rapid.SampledFrom([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("2001:db8::/32")}).Draw(t, "pool"))
		var s Set
		var used []Block
		p, _ := pool.Prefix()
		for range rapid.IntRange(0, 20).Draw(t, "blocks") {
			bits := rapid.IntRange(p.Bits(), p.Addr().BitLen()).Draw(t, "bits")
			var got, want netip.Prefix
			var ok, wok bool
			if rapid.Bool().Draw(t, "best") {
				got, ok = s.BestFit(pool, bits)
				want, wok = BestFit(pool, used, bits)
			} else {
				got, ok = s.FirstFit(pool, bits)
				want, wok = FirstFit(pool, used, bits)
			}
			if got != want || ok != wok {
				t.Fatalf("/%d with %v taken: %v %v, want %v %v", bits, used, got, ok, want, wok)
			}
			if !ok {
				continue
			}
			var err error
			if s, err = s.With(BlockOf(got)); err != nil {
				t.Fatal(err)
			}
			used = append(used, BlockOf(got))
			if len(used) > 1 && rapid.IntRange(0, 3).Draw(t, "give back") == 0 {
				if s, err = s.Without(used[0]); err != nil {
					t.Fatal(err)
				}
				used = used[1:]
			}
		}
	})
}

func equalPrefixes(a, b []netip.Prefix) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
