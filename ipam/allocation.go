package ipam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of an allocation's texts (ALLOC-WHOLE), in octets and entries. An
// allocation at every bound still fits an event.
const (
	MaxText  = 1000 // of a note, a unit, a document, a name or any other text
	MaxList  = 20   // documents, and names
	MaxSpace = 63   // of the name of a space
)

// Space is a routing domain, such as a VRF or a VLAN of its own: the same
// address in two spaces is two addresses. It is 1 to MaxSpace of a-z, 0-9, dot,
// slash, hyphen and underscore; the empty space is invalid.
type Space string

// ParseSpace reads the name of a space; capitals become small. The error is a
// *ParseError.
func ParseSpace(text string) (Space, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	switch {
	case s == "":
		return "", fault(text, "write a name such as tslcd", "nothing is written")
	case len(s) > MaxSpace:
		return "", fault(text, "write at most 63 characters", "the name of a space of %d characters", len(s))
	case !Space(s).IsValid():
		return "", fault(text, "write a name of a to z, 0 to 9, dot, slash, hyphen and underscore, such as tslcd/video", "a sign that no space has in its name")
	}
	return Space(s), nil
}

// IsValid tells whether the name has the form of a space's.
func (s Space) IsValid() bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("./-_", rune(c)) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= MaxSpace
}

// Place is where an allocation lies. It is comparable and serves as a map key.
type Place struct {
	Space Space
	Block Block
}

// IsValid tells whether both parts are.
func (p Place) IsValid() bool { return p.Space.IsValid() && p.Block.IsValid() }

// Compare orders by space, then by block.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Space, q.Space), p.Block.Compare(q.Block))
}

// String is "10.1.2.0/24 in tslcd".
func (p Place) String() string { return p.Block.String() + " in " + string(p.Space) }

// Allocation says what a block is and who holds it (ALLOC-WHOLE). Treat one
// that came from a book as immutable: its lists are shared.
type Allocation struct {
	Place
	Status    Status
	Holder    Holder
	Site      string   // where it is used, such as a data centre
	System    string   // what uses it
	Provider  string   // who carries the line
	Authority string   // who allotted it
	Note      string   // anything else
	Since     Date     // in force from this day
	Until     Date     // to be given back on this day
	Documents []string // sorted, without doubles
	Names     []string // that point here, sorted, without doubles
}

// Clean gives a copy with trimmed texts and sorted lists without doubles or
// empty entries, as Check wants them.
func (a Allocation) Clean() Allocation {
	for _, s := range a.texts() {
		*s = strings.TrimSpace(*s)
	}
	a.Documents, a.Names = cleanList(a.Documents), cleanList(a.Names)
	return a
}

func cleanList(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// texts are the plain texts, in the order of the encoding.
func (a *Allocation) texts() []*string {
	return []*string{&a.Holder.Unit, &a.Site, &a.System, &a.Provider, &a.Authority, &a.Note}
}

// Check tells what ALLOC-WHOLE misses, nil when nothing does.
func (a Allocation) Check() error {
	switch {
	case !a.Space.IsValid():
		return fmt.Errorf("%q is no name of a space: name one, such as tslcd", shorten(string(a.Space)))
	case !a.Block.IsValid():
		return fmt.Errorf("an allocation without addresses: name its block")
	case !a.Status.IsLive():
		return fmt.Errorf("%v: status %v is not one of planned, reserved, active, deprecated", a.Place, a.Status)
	case a.Since != Date{} && !a.Since.isValid(), a.Until != Date{} && !a.Until.isValid():
		return fmt.Errorf("%v: a date that no calendar has", a.Place)
	}
	for _, s := range a.texts() {
		if err := checkText(*s, MaxText); err != nil {
			return fmt.Errorf("%v: %w", a.Place, err)
		}
	}
	for _, list := range [...][]string{a.Documents, a.Names} {
		if len(list) > MaxList {
			return fmt.Errorf("%v: %d documents or names: give at most %d", a.Place, len(list), MaxList)
		}
		for i, s := range list {
			if err := checkText(s, MaxText); err != nil {
				return fmt.Errorf("%v: %w", a.Place, err)
			}
			if strings.ContainsAny(s, ",;\n") {
				return fmt.Errorf("%v: %q holds a comma, a semicolon or a new line: write it as several", a.Place, shorten(s))
			}
			if s == "" || i > 0 && list[i-1] >= s {
				return fmt.Errorf("%v: documents or names not sorted, double or empty: clean them first", a.Place)
			}
		}
	}
	return nil
}

// checkText refuses what a page or a log could not show.
func checkText(s string, most int) error {
	if len(s) > most {
		return fmt.Errorf("%q has %d octets: write at most %d", shorten(s), len(s), most)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8: convert it first", shorten(s))
	}
	for _, c := range s {
		if c < ' ' && c != '\n' || c >= 0x7f && c < 0xa0 {
			return fmt.Errorf("%q holds a control character: take it out", shorten(s))
		}
	}
	return nil
}

// Equal tells whether a and b say the same.
func (a Allocation) Equal(b Allocation) bool {
	if !slices.Equal(a.Documents, b.Documents) || !slices.Equal(a.Names, b.Names) {
		return false
	}
	for i, s := range a.texts() {
		if *s != *b.texts()[i] {
			return false
		}
	}
	return a.Place == b.Place && a.Status == b.Status && a.Holder.Code == b.Holder.Code && a.Since == b.Since && a.Until == b.Until
}
