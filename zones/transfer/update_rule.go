package transfer

import (
	"errors"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// UpdateRule lets an asker change records: all that it names must fit. The
// zero Prefix fits no address; without a key the request need not be signed.
// Prerequisites may ask about every name of the zone.
type UpdateRule struct {
	From  netip.Prefix
	Key   zones.Name    // that the request must be signed with; the zero Name asks for none
	Zones []zones.Name  // empty: all
	Names []NamePattern // empty: all names of the zone
	Types []zones.Type  // empty: all but SOA, NS and those of signing (Type.IsDNSSEC); ANY: all
}

// granted are the rules that speak of an asker and a zone.
func granted(rules []UpdateRule, u *Update, from netip.Addr) (mine []UpdateRule) {
	from = from.Unmap()
	for _, r := range rules {
		if r.From.Contains(from) && (r.Key.IsZero() || r.Key == u.Key) && (len(r.Zones) == 0 || slices.Contains(r.Zones, u.Zone)) {
			mine = append(mine, r)
		}
	}
	return mine
}

// permitted tells whether one of the rules lets a change be made. To delete all
// of a name takes the right for each type that it has (SOA and NS stay at the
// apex whoever asks).
func permitted(mine []UpdateRule, c UpdateRecord, z *zones.Zone) bool {
	may := func(t zones.Type) bool {
		return slices.ContainsFunc(mine, func(r UpdateRule) bool { return r.name(c.Owner) && r.has(t) })
	}
	if c.Class != zones.ClassANY || c.Type != zones.TypeANY {
		return may(c.Type)
	}
	for _, s := range z.At(c.Owner) {
		if c.Owner == z.Origin() && (s.Type() == zones.TypeSOA || s.Type() == zones.TypeNS) {
			continue
		}
		if !may(s.Type()) {
			return false
		}
	}
	return slices.ContainsFunc(mine, func(r UpdateRule) bool { return r.name(c.Owner) })
}

func (r UpdateRule) name(n zones.Name) bool {
	return len(r.Names) == 0 || slices.ContainsFunc(r.Names, func(p NamePattern) bool { return p.Match(n) })
}

func (r UpdateRule) has(t zones.Type) bool {
	if len(r.Types) == 0 {
		return t != zones.TypeSOA && t != zones.TypeNS && !t.IsDNSSEC()
	}
	return slices.Contains(r.Types, t) || slices.Contains(r.Types, zones.TypeANY)
}

// NamePattern is a name in which one label may be a star, for any number of
// labels, none too:
//
//	www.example                this name
//	*.example                  example and all below
//	_acme-challenge.*.example  _acme-challenge.example, _acme-challenge.www.example, …
//	\*.example                 the owner of a wildcard
//
// It is comparable; the zero value matches nothing.
type NamePattern struct {
	head string     // labels in front of the star on the wire, without a root
	tail zones.Name // what is behind the star; without one the whole name
	star bool
}

// Errors of patterns.
var ErrTwoStars = errors.New("a pattern has one star at most")

// ParseNamePattern reads the text form of a pattern; the final dot may be missing.
func ParseNamePattern(s string) (NamePattern, error) {
	at := -1
	for i := range loneStars(s) {
		if at >= 0 {
			return NamePattern{}, ErrTwoStars
		}
		at = i
	}
	if at < 0 {
		n, err := zones.ParseName(s)
		return NamePattern{tail: n}, err
	}
	p := NamePattern{star: true}
	var err error
	rest := strings.TrimPrefix(s[at+1:], ".")
	if rest == "" {
		p.tail = zones.Root()
	} else if p.tail, err = zones.ParseName(rest); err != nil {
		return NamePattern{}, err
	}
	if at > 0 {
		head, err := zones.ParseName(s[:at])
		if err == nil && head.IsRoot() {
			err = zones.ErrNameEmpty
		}
		if err != nil {
			return NamePattern{}, err
		}
		p.head = strings.TrimSuffix(head.Wire(), "\x00")
	}
	if len(p.head)+len(p.tail.Wire()) > zones.MaxName {
		return NamePattern{}, zones.ErrNameLong
	}
	return p, nil
}

// Match tells whether a name fits.
func (p NamePattern) Match(n zones.Name) bool {
	if !p.star {
		return n == p.tail && !n.IsZero()
	}
	w := n.Wire()
	return n.Within(p.tail) && len(w) >= len(p.head)+len(p.tail.Wire()) && strings.HasPrefix(w, p.head)
}

// String gives the text form, with a final dot.
func (p NamePattern) String() string {
	if !p.star {
		return escapeStars(p.tail.String())
	}
	s := "*."
	if p.head != "" {
		n, _, _ := zones.NameFromWire([]byte(p.head + "\x00"))
		s = escapeStars(n.String()) + s
	}
	if p.tail.IsRoot() {
		return s
	}
	return s + escapeStars(p.tail.String())
}

// loneStars gives where in the text of a name a label that is a star begins.
func loneStars(s string) iter.Seq[int] {
	return func(yield func(int) bool) {
		start := 0
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\':
				i++
			case s[i] == '.':
				start = i + 1
			case s[i] == '*' && i == start && (i+1 == len(s) || s[i+1] == '.'):
				if !yield(i) {
					return
				}
			}
		}
	}
}

func escapeStars(s string) string {
	var b strings.Builder
	from := 0
	for i := range loneStars(s) {
		b.WriteString(s[from:i] + `\`)
		from = i
	}
	return b.String() + s[from:]
}
