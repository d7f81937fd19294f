package source

import (
	"cmp"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// The classes of records. Those of Windows can be left out by the words of
// Spec.Skip; a record has exactly one class.
const (
	classRecord  = "record"       // all others; never left out
	classWINS    = "wins"         // WINS and WINS-R: Windows' own types, no other server knows them
	classGlue    = "outside-glue" // addresses of the zone's name servers that lie outside it
	classLocator = "ad-locator"   // what Active Directory publishes to be found
	classDynamic = "ad-dynamic"   // records with an age: registered by the machines themselves
	classOther   = "other-zone"   // rows of other zones in a table of several
	classMade    = "implied"      // records that a table of names does not state: its SOA, its name servers
)

// SkipWords lists the words that Spec.Skip may hold.
func SkipWords() []string { return []string{classLocator, classDynamic, classGlue, classWINS} }

// Account says what became of each record that a source holds (ACCOUNT). For
// kinds "file" and "bind" there is one only where the zone was read, and it
// counts the zone's records, a repeated one once.
//
// When something was refused there is no zone: then Taken counts what would
// have been taken.
type Account struct {
	In      int // records read
	Repeats int // taken records that only say another one again
	Classes []Tally
	Refused []zones.Place // of each refused record, in the file's order; as many as Options.MaxErrors
}

// Tally is the part of an Account that one class has.
type Tally struct {
	Class                   string
	Taken, LeftOut, Refused int
}

// Sum adds the classes up. In = Taken + LeftOut + Refused.
func (a Account) Sum() (t Tally) {
	for _, c := range a.Classes {
		t.Taken += c.Taken
		t.LeftOut += c.LeftOut
		t.Refused += c.Refused
	}
	return t
}

// class gives the tally of a class to count in; the classes stay sorted.
func (a *Account) class(name string) *Tally {
	i, ok := slices.BinarySearchFunc(a.Classes, name, func(t Tally, n string) int { return cmp.Compare(t.Class, n) })
	if !ok {
		a.Classes = slices.Insert(a.Classes, i, Tally{Class: name})
	}
	return &a.Classes[i]
}

// accountOf is the account of a zone that was read whole.
func accountOf(z *zones.Zone) (a Account) {
	_, _, n := z.Counts()
	a.In = n
	a.class(classRecord).Taken = n
	return a
}
