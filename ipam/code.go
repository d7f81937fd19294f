package ipam

import "strings"

// MaxCode is the most characters that an organisation code has.
const MaxCode = 35

// Code is the code of an organisation, top first: H21 is a province, H21.10 a
// department or commune of it, H21.10.05 a unit of that (CODE-FORM). It is
// comparable; the zero value is "no code".
type Code struct{ text string }

// ParseCode reads a code in today's form, H21.10.05, and in the older one of
// four groups from the bottom up, 000.05.10.H21, where 000 and 00 stand for
// "no such level" and fall away. Small letters are read as capitals. The error
// is a *ParseError.
func ParseCode(text string) (Code, error) {
	const write = "write a code such as H21.10.05"
	s := strings.ToUpper(strings.TrimSpace(text))
	switch {
	case s == "":
		return Code{}, fault(text, write, "nothing is written")
	case strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") != "" || !isCode(s):
		return Code{}, fault(text, write+": letters A to Z, digits and dots", "a sign that no organisation code has")
	}
	groups := strings.Split(s, ".")
	for _, g := range groups {
		if g == "" {
			return Code{}, fault(text, write, "an empty group: two dots in a row, or a dot at an end")
		}
	}
	if isOlder(groups) {
		for i, j := 0, len(groups)-1; i < j; i, j = i+1, j-1 {
			groups[i], groups[j] = groups[j], groups[i]
		}
		for len(groups) > 1 && strings.Trim(groups[len(groups)-1], "0") == "" {
			groups = groups[:len(groups)-1]
		}
		s = strings.Join(groups, ".")
	}
	if isDigits(groups[0]) {
		return Code{}, fault(text, write, "the first group %q is a number where the province or ministry stands", shorten(groups[0]))
	}
	if len(s) > MaxCode {
		return Code{}, fault(text, "write at most 35 characters", "a code of %d characters", len(s))
	}
	return Code{s}, nil
}

func isCode(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return true
}

// isOlder recognises 000.05.10.H21: four groups, numbers but for the last.
func isOlder(groups []string) bool {
	return len(groups) == 4 && len(groups[0]) == 3 && isDigits(groups[0]) && isDigits(groups[1]) && isDigits(groups[2]) && !isDigits(groups[3])
}

// IsZero tells whether there is no code.
func (c Code) IsZero() bool { return c.text == "" }

// String is the code in today's form, "" for the zero Code.
func (c Code) String() string { return c.text }

// Older writes the code in the older form, 000.05.10.H21; ok is false for a
// code that this form cannot say: of more than four levels, of groups that
// are no numbers of two digits (three on the fourth level), or that end in a
// group of zeros.
func (c Code) Older() (_ string, ok bool) {
	groups := strings.Split(c.text, ".")
	if c.IsZero() || len(groups) > 4 {
		return "", false
	}
	older := []string{"000", "00", "00", groups[0]}
	for i, g := range groups[1:] {
		if len(older[2-i]) != len(g) || !isDigits(g) {
			return "", false
		}
		older[2-i] = g
	}
	text := strings.Join(older, ".")
	back, err := ParseCode(text)
	return text, err == nil && back == c
}

// Parent is the code one level up; ok is false at the top and for the zero Code.
func (c Code) Parent() (_ Code, ok bool) {
	i := strings.LastIndexByte(c.text, '.')
	if i < 0 {
		return Code{}, false
	}
	return Code{c.text[:i]}, true
}

// Contains tells whether d is c or a unit below it. The zero Code contains nothing.
func (c Code) Contains(d Code) bool {
	return !c.IsZero() && (c == d || strings.HasPrefix(d.text, c.text+"."))
}

// MarshalText is String.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.text), nil }

// UnmarshalText reads what ParseCode reads, and the empty text as the zero Code.
func (c *Code) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Code{}
		return nil
	}
	got, err := ParseCode(string(text))
	if err == nil {
		*c = got
	}
	return err
}

// Holder is who holds a block: a unit by its code, by its name, or both. The
// zero Holder is nobody yet.
type Holder struct {
	Code Code
	Unit string // the name as people write it
}

// IsZero tells whether nobody is named.
func (h Holder) IsZero() bool { return h == Holder{} }

// String is "H21.10.05 Sở Y tế", as far as it is known.
func (h Holder) String() string {
	if h.Code.IsZero() {
		return h.Unit
	}
	return strings.TrimSpace(h.Code.text + " " + h.Unit)
}
