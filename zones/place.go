package zones

import "strconv"

// Place is where something stands in a file a person edits. Line and Column
// count from 1; 0 means unknown. Column counts characters, not octets.
type Place struct {
	File   string
	Line   int
	Column int
}

// IsZero tells whether the place is unknown.
func (p Place) IsZero() bool { return p == Place{} }

// String gives "file:line:column", leaving out what is unknown.
func (p Place) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}

// Provenance tells where a record comes from: the line that states it, and,
// after a merger, the rule and the decision that brought it where it stands.
type Provenance struct {
	Place
	Rule     Place
	Decision Place
}
