package zones

import (
	"errors"
	"fmt"
	"strings"
)

// MaxName is the longest wire form of a name, in octets (RFC 1035 2.3.4).
const MaxName = 255

// MaxLabel is the longest label, in octets (RFC 1035 2.3.4).
const MaxLabel = 63

// Errors of names that a caller may want to tell apart.
var (
	ErrNameEmpty    = errors.New("an empty name")
	ErrNameLong     = errors.New("a name of more than 255 octets")
	ErrLabelLong    = errors.New("a label of more than 63 octets")
	ErrLabelEmpty   = errors.New("an empty label (two dots in a row)")
	ErrEscape       = errors.New(`a bad escape (write \. for a dot, \DDD with DDD from 000 to 255 for an octet)`)
	ErrNameWire     = errors.New("a broken name on the wire")
	ErrNotInSuffix  = errors.New("the name does not lie in the suffix")
	ErrNameRelative = errors.New("a relative name without an origin")
)

// Name is an absolute domain name: its wire form (length octets, the root's
// zero octet included) in lower case. It is comparable and serves as a map
// key. The zero value is invalid (see IsZero); the root is Root().
type Name struct{ wire string }

// Root returns the name of the root zone.
func Root() Name { return Name{"\x00"} }

// IsZero tells whether n is the invalid zero value.
func (n Name) IsZero() bool { return n.wire == "" }

// IsRoot tells whether n is the root.
func (n Name) IsRoot() bool { return n.wire == "\x00" }

// Wire returns the wire form, uncompressed, lower case, 1 to 255 octets.
func (n Name) Wire() string { return n.wire }

// MustName is ParseName for names that are known to be good; it panics
// otherwise. For constants and tests only.
func MustName(s string) Name {
	n, err := ParseName(s)
	if err != nil {
		panic(fmt.Sprintf("zones.MustName(%q): %v", s, err))
	}
	return n
}

// ParseName reads the text form of an absolute name; the final dot may be
// missing. Escapes are those of RFC 1035 5.1. Octets above 127 are kept. "@"
// means an origin, which there is none here: it is refused.
func ParseName(s string) (Name, error) {
	if s == "@" {
		return Name{}, ErrNameRelative
	}
	return ParseNameIn(s, Root())
}

// ParseNameIn reads the text form of a name as a master file has it
// (RFC 1035 5.1): "@" is the origin, a name without a final dot is relative
// to it. A zero origin refuses relative names.
func ParseNameIn(s string, origin Name) (Name, error) {
	switch s {
	case "":
		return Name{}, ErrNameEmpty
	case "@":
		if origin.IsZero() {
			return Name{}, ErrNameRelative
		}
		return origin, nil
	case ".":
		return Root(), nil
	}
	var buf [MaxName + 1]byte
	w := buf[:1]
	start := 0 // where the length octet of the label under way stands
	absolute := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '.':
			if len(w)-start == 1 {
				return Name{}, ErrLabelEmpty
			}
			if err := closeLabel(w, start); err != nil {
				return Name{}, err
			}
			if i == len(s)-1 {
				absolute = true
				break
			}
			start = len(w)
			if len(w) >= MaxName {
				return Name{}, ErrNameLong
			}
			w = append(w, 0)
			continue
		case '\\':
			b, used, err := unescape(s[i:])
			if err != nil {
				return Name{}, err
			}
			c = b
			i += used - 1
			fallthrough
		default:
			if len(w)-start > MaxLabel {
				return Name{}, ErrLabelLong
			}
			if len(w) >= MaxName {
				return Name{}, ErrNameLong
			}
			w = append(w, lower(c))
		}
	}
	if absolute {
		if len(w)+1 > MaxName {
			return Name{}, ErrNameLong
		}
		return Name{string(append(w, 0))}, nil
	}
	if err := closeLabel(w, start); err != nil {
		return Name{}, err
	}
	if origin.IsZero() {
		return Name{}, ErrNameRelative
	}
	if len(w)+len(origin.wire) > MaxName {
		return Name{}, ErrNameLong
	}
	return Name{string(w) + origin.wire}, nil
}

func closeLabel(w []byte, start int) error {
	n := len(w) - start - 1
	if n > MaxLabel {
		return ErrLabelLong
	}
	w[start] = byte(n)
	return nil
}

// unescape reads one escape at the head of s: the octet and how many
// characters it took.
func unescape(s string) (byte, int, error) {
	if len(s) < 2 {
		return 0, 0, ErrEscape
	}
	if s[1] < '0' || s[1] > '9' {
		return s[1], 2, nil
	}
	if len(s) < 4 {
		return 0, 0, ErrEscape
	}
	v := 0
	for _, c := range []byte(s[1:4]) {
		if c < '0' || c > '9' {
			return 0, 0, ErrEscape
		}
		v = v*10 + int(c-'0')
	}
	if v > 255 {
		return 0, 0, ErrEscape
	}
	return byte(v), 4, nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// NameFromWire reads an uncompressed name at the head of b and tells how many
// octets it took. ASCII capitals are folded. Compression pointers are refused.
func NameFromWire(b []byte) (Name, int, error) {
	i, err := wireEnd(b)
	if err != nil {
		return Name{}, 0, err
	}
	return Name{foldWire(b[:i])}, i, nil
}

// NameIn is NameFromWire of RDATA: a name without capitals is not copied.
func NameIn(data string) (Name, int, error) {
	i, err := wireEnd(data)
	if err != nil {
		return Name{}, 0, err
	}
	for _, c := range []byte(data[:i]) {
		if 'A' <= c && c <= 'Z' {
			return Name{foldWire([]byte(data[:i]))}, i, nil
		}
	}
	return Name{data[:i]}, i, nil
}

// wireEnd is where the name at the head of b ends.
func wireEnd[T string | []byte](b T) (int, error) {
	i := 0
	for {
		if i >= len(b) {
			return 0, ErrNameWire
		}
		l := int(b[i])
		if l > MaxLabel || i+1+l > len(b) {
			return 0, ErrNameWire
		}
		i += 1 + l
		if i > MaxName {
			return 0, ErrNameLong
		}
		if l == 0 {
			return i, nil
		}
	}
}

// foldWire lowers ASCII capitals. A length octet is at most 63, below 'A', so
// folding the whole string touches labels only.
func foldWire(b []byte) string {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			f := make([]byte, len(b))
			copy(f, b[:i])
			for j := i; j < len(b); j++ {
				f[j] = lower(b[j])
			}
			return string(f)
		}
	}
	return string(b)
}

// Labels counts the labels; the root has none.
func (n Name) Labels() int {
	c := 0
	for i := 0; i < len(n.wire) && n.wire[i] != 0; i += 1 + int(n.wire[i]) {
		c++
	}
	return c
}

// First returns the leftmost label's octets; "" for the root.
func (n Name) First() string {
	if len(n.wire) < 2 {
		return ""
	}
	return n.wire[1 : 1+int(n.wire[0])]
}

// Parent returns the name without its leftmost label; false for the root and
// for the zero value.
func (n Name) Parent() (Name, bool) {
	if len(n.wire) < 2 {
		return Name{}, false
	}
	return Name{n.wire[1+int(n.wire[0]):]}, true
}

// Child returns the name with one more label at the left, given as octets.
func (n Name) Child(label string) (Name, error) {
	switch {
	case n.IsZero():
		return Name{}, ErrNameEmpty
	case label == "":
		return Name{}, ErrLabelEmpty
	case len(label) > MaxLabel:
		return Name{}, ErrLabelLong
	case 1+len(label)+len(n.wire) > MaxName:
		return Name{}, ErrNameLong
	}
	return Name{string(rune(len(label))) + foldWire([]byte(label)) + n.wire}, nil
}

// IsWildcard tells whether the leftmost label is a lone asterisk (RFC 4592 2.1.1).
func (n Name) IsWildcard() bool { return strings.HasPrefix(n.wire, "\x01*") }

// Within tells whether n is suffix or lies below it.
func (n Name) Within(suffix Name) bool {
	d := len(n.wire) - len(suffix.wire)
	if d < 0 || suffix.IsZero() || n.wire[d:] != suffix.wire {
		return false
	}
	i := 0
	for i < d {
		i += 1 + int(n.wire[i])
	}
	return i == d
}

// Below tells whether n lies strictly below suffix.
func (n Name) Below(suffix Name) bool { return n != suffix && n.Within(suffix) }

// Rebase replaces the suffix from by to. It fails with ErrNotInSuffix, or
// with ErrNameLong when the result has more than 255 octets.
func (n Name) Rebase(from, to Name) (Name, error) {
	if !n.Within(from) || to.IsZero() {
		return Name{}, ErrNotInSuffix
	}
	head := n.wire[:len(n.wire)-len(from.wire)]
	if len(head)+len(to.wire) > MaxName {
		return Name{}, ErrNameLong
	}
	return Name{head + to.wire}, nil
}

// Compare orders names canonically (RFC 4034 6.1): label by label from the
// right, each as unsigned octets. The zero value comes first.
func (n Name) Compare(m Name) int {
	if n.wire == m.wire {
		return 0
	}
	if len(n.wire) > 1 && len(m.wire) > 1 { // siblings, as most names of a zone are
		i, j := 1+int(n.wire[0]), 1+int(m.wire[0])
		if n.wire[i:] == m.wire[j:] {
			return strings.Compare(n.wire[1:i], m.wire[1:j])
		}
	}
	var an, am [128]uint8
	on, om := n.offsets(&an), m.offsets(&am)
	for len(on) > 0 && len(om) > 0 {
		i, j := int(on[len(on)-1]), int(om[len(om)-1])
		on, om = on[:len(on)-1], om[:len(om)-1]
		if c := strings.Compare(n.wire[i+1:i+1+int(n.wire[i])], m.wire[j+1:j+1+int(m.wire[j])]); c != 0 {
			return c
		}
	}
	switch {
	case len(on) < len(om):
		return -1
	case len(on) > len(om):
		return 1
	case n.IsZero():
		return -1
	}
	return 1
}

// offsets lists where each label's length octet stands, leftmost first.
func (n Name) offsets(buf *[128]uint8) []uint8 {
	o := buf[:0]
	for i := 0; i < len(n.wire) && n.wire[i] != 0; i += 1 + int(n.wire[i]) {
		o = append(o, uint8(i))
	}
	return o
}

// String returns the text form with a final dot; octets that are not
// printable ASCII, and the characters that mean something in a master file,
// are escaped. The zero value gives "<invalid name>".
func (n Name) String() string {
	if n.IsZero() {
		return "<invalid name>"
	}
	return string(n.AppendText(nil))
}

// AppendText appends the text form with a final dot.
func (n Name) AppendText(dst []byte) []byte {
	if n.IsRoot() {
		return append(dst, '.')
	}
	return n.appendLabels(dst, n.wire, true)
}

// Text returns the text form without the final dot, as people write names in
// the consolidation file; the root is ".".
func (n Name) Text() string {
	if len(n.wire) < 2 {
		return n.String()
	}
	return strings.TrimSuffix(n.String(), ".")
}

// In returns the shortest text form under origin: "@" for the origin itself,
// a relative name below it, an absolute one elsewhere.
func (n Name) In(origin Name) string {
	switch {
	case n == origin:
		return "@"
	case n.Within(origin) && !origin.IsRoot():
		return string(n.appendLabels(nil, n.wire[:len(n.wire)-len(origin.wire)], false))
	}
	return n.String()
}

func (n Name) appendLabels(dst []byte, wire string, dot bool) []byte {
	for i := 0; i < len(wire) && wire[i] != 0; {
		l := int(wire[i])
		if i > 0 {
			dst = append(dst, '.')
		}
		for _, c := range []byte(wire[i+1 : i+1+l]) {
			switch {
			case c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' || c == '$':
				dst = append(dst, '\\', c)
			case c <= ' ' || c >= 0x7f || strings.IndexByte("!#%&'+,:<=>?[]^`{|}~", c) >= 0: // the latter are legal; Knot and NSD do not take them as they are
				dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			default:
				dst = append(dst, c)
			}
		}
		i += 1 + l
	}
	if dot {
		dst = append(dst, '.')
	}
	return dst
}
