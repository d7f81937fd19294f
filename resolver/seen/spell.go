package seen

import (
	"cmp"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// maxSlips is how many slips a misspelling may have.
const maxSlips = 2

// near is a known name close to one that was asked. The zero value is none.
type near struct {
	name  zones.Name
	slips int
	count int64 // how often it was asked
}

// or chooses the closer one, then the one asked more, then by name.
func (a near) or(b near) near {
	switch {
	case a.name.IsZero():
		return b
	case b.name.IsZero():
		return a
	case cmp.Or(cmp.Compare(a.slips, b.slips), cmp.Compare(b.count, a.count), a.name.Compare(b.name)) <= 0:
		return a
	}
	return b
}

// speller finds known names close to others. The names are held from the root
// on and sorted, so that those with a common end lie together:
//
//	nv.vog.hnidhnib.liam
//	nv.vog.hnidhnib.mq
//
// The rows of the table of distances that belong to a common head are shared;
// where a whole row is past maxSlips, so are all names that begin alike.
type speller struct{ known []backward }

type backward struct {
	text string
	name zones.Name
}

func newSpeller(names []zones.Name) *speller {
	s := &speller{known: each(names, func(n zones.Name) backward { return backward{reversed(n), n} })}
	slices.SortFunc(s.known, func(a, b backward) int { return strings.Compare(a.text, b.text) })
	return s
}

// reversed gives the octets of a name from the root on; what a label holds
// keeps its place, a dot inside a label stands as 0.
func reversed(n zones.Name) string {
	b := make([]byte, 0, zones.MaxName)
	w := n.Wire()
	for i := 0; i < len(w) && w[i] != 0; i += 1 + int(w[i]) {
		if i > 0 {
			b = append(b, '.')
		}
		for _, c := range []byte(w[i+1 : i+1+int(w[i])]) {
			if c == '.' {
				c = 0
			}
			b = append(b, c)
		}
	}
	slices.Reverse(b)
	return string(b)
}

// slips is the table of distances: cell [i][j] is that of the first i octets of
// the known name to the first j of the asked one. Only the band in which i and
// j differ by maxSlips at most is filled in, with far along its edges.
type slips [zones.MaxName + 1][zones.MaxName + 2 + maxSlips]uint8

const far = maxSlips + 1

// nearest finds the closest name; none is closer than plausible allows.
func (s *speller) nearest(n zones.Name, count map[zones.Name]int64) (best near) {
	asked, table := reversed(n), new(slips)
	table.fill(asked, "", 0)
	last, filled := "", 0 // the rows up to filled are those of last
	for at := 0; at < len(s.known); at++ {
		k := s.known[at]
		i := common(last, k.text, filled)
		least := uint8(0)
		for last = k.text; i < len(k.text) && least < far; {
			i++
			least = table.fill(asked, k.text, i)
		}
		filled = i
		if least >= far { // pass by all that begin alike
			head := k.text[:i]
			skip, _ := slices.BinarySearchFunc(s.known[at:], head, func(b backward, head string) int {
				if strings.HasPrefix(b.text, head) {
					return -1
				}
				return strings.Compare(b.text, head)
			})
			at += skip - 1
			continue
		}
		if len(asked) < i-maxSlips || len(asked) > i+maxSlips {
			continue
		}
		d := int(table[i][len(asked)])
		if k.name != n && d <= maxSlips && plausible(n, k.name, d) {
			best = best.or(near{k.name, d, count[k.name]})
		}
	}
	return best
}

// fill makes row i, with the distance of Damerau in which no octet is swapped
// twice, and gives its least cell. No later row has a lesser one.
func (t *slips) fill(asked, known string, i int) uint8 {
	from, to := max(0, i-maxSlips), min(len(asked), i+maxSlips)
	row, least := &t[i], uint8(far)
	if from > 0 {
		row[from-1] = far
	}
	row[to+1] = far
	for j := from; j <= to; j++ {
		d := uint8(far)
		switch {
		case i == 0:
			d = uint8(j)
		case j == 0:
			d = uint8(i)
		default:
			d = t[i-1][j-1]
			if asked[j-1] != known[i-1] {
				d++
			}
			d = min(d, t[i-1][j]+1, row[j-1]+1)
			if i > 1 && j > 1 && asked[j-1] == known[i-2] && asked[j-2] == known[i-1] {
				d = min(d, t[i-2][j-2]+1)
			}
		}
		row[j] = min(d, far)
		least = min(least, row[j])
	}
	return least
}

// common counts the octets that two strings begin with alike, up to most.
func common(a, b string, most int) int {
	n := 0
	for n < most && n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// plausible tells whether a person would take one name for the other: web1 and
// web2 are brothers, not slips, and so are _sip and _sips, or two punycodes.
func plausible(asked, known zones.Name, slips int) bool {
	a, k := labels(asked), labels(known)
	for len(a) > 0 && len(k) > 0 && a[len(a)-1] == k[len(k)-1] {
		a, k = a[:len(a)-1], k[:len(k)-1]
	}
	for len(a) > 0 && len(k) > 0 && a[0] == k[0] {
		a, k = a[1:], k[1:]
	}
	if digits(a) != digits(k) {
		return false
	}
	for _, l := range slices.Concat(a, k) {
		if strings.HasPrefix(l, "_") || strings.HasPrefix(l, "xn--") || l == "*" {
			return false
		}
	}
	if len(a) != len(k) { // a dot too many or too few
		return slips == 1 && len(strings.Join(k, "")) > 4
	}
	for i, l := range k {
		switch n := len(l); {
		case n < 3, n < 5 && slips > 1:
			return false
		case n == 3 && len(a[i]) == n && letters(a[i]) != letters(l): // lau and luu are two words
			return false
		}
	}
	return true
}

// letters gives the octets of a label, sorted.
func letters(l string) string {
	b := []byte(l)
	slices.Sort(b)
	return string(b)
}

func labels(n zones.Name) (out []string) {
	w := n.Wire()
	for i := 0; i < len(w) && w[i] != 0; i += 1 + int(w[i]) {
		out = append(out, w[i+1:i+1+int(w[i])])
	}
	return out
}

// digits gives the digits of labels, in order.
func digits(ls []string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.Join(ls, ""))
}
