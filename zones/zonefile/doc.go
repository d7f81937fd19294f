// Package zonefile reads and edits master files (RFC 1035 5) without losing
// an octet.
//
// Load reads a file and what it includes into a Tree: the Files octet for
// octet, the records with the place of each, and every finding. Edits (Add,
// Change, Remove, SetSerial) return a new Tree in which only the spans
// concerned differ; Apply makes all edits of a zones.Delta as one. Write makes
// a canonical file of a zone.
//
// Invariants, by name:
//
//	LOSSLESS   File.Bytes equals what was read; the entries cover it without gap or overlap
//	ROOT       nothing outside the include root is read
//	SHOWN      of an included file nothing is shown before one whole record of it was read
//	BOUNDED    file sizes, records, includes, $GENERATE and findings have limits (Options)
//	EDIT-SPAN  an edit changes the record's own words or lines, and lines that inherited from it;
//	           Apply writes a $GENERATE out where one of its records changes
//	EDIT-NET   an edit's result is read again and holds the records asked for, all others as before, or it is refused
//
// Choices where servers differ or the RFC is silent:
//
//   - An omitted TTL is $TTL, else the last stated, else the SOA's MINIMUM with a
//     warning. BIND takes the MINIMUM of an SOA without TTL as if it were a $TTL.
//   - After $INCLUDE, origin and owner are as before it (RFC 1035 5.1); a $TTL or
//     a TTL stated in the included file goes on to hold, as in BIND.
//   - $INCLUDE is taken from the including file's folder; BIND takes it from the
//     server's working directory.
//   - A quoted string ends on its line, as in BIND. An escape never reaches over
//     a line end.
//   - A carriage return alone is an error, where BIND takes it for a line end.
//   - An owner outside the zone is an error, where BIND leaves the record out.
//   - $GENERATE is BIND's. Several words of data are read, where BIND takes one.
//
// The ids of findings:
//
//	Z-READ      the main file cannot be read (missing, no right, not text, too large)
//	Z-INCLUDE   an $INCLUDE cannot be followed, or leads to no master file
//	Z-QUOTE     a quoted string that is not closed on its line
//	Z-PAREN     a parenthesis that is not closed, or not opened
//	Z-CR        a carriage return without a line feed
//	Z-OWNER     an owner that is no name, or missing
//	Z-CLASS     a class other than IN
//	Z-TYPE      a word where TTL, class or type should stand
//	Z-TTL       a $TTL that is none
//	Z-RDATA     data that do not fit the type
//	Z-DIRECTIVE an unknown directive, or one with a bad argument
//	Z-GENERATE  a $GENERATE that cannot be carried out
//	Z-LIMIT     a limit of Options
//	Z-SOA       no SOA, two, or one below the apex (Tree.Zone)
//	Z-ZONE      an owner outside the zone (Tree.Zone)
//	Z-EDIT      an edit that cannot be made (the edits)
//	M-TTL       warning: TTLs differ inside an RRset, the lowest is taken (Tree.Zone)
//	Z-NOTTL     warning: the SOA's MINIMUM stands in for a TTL; error: nothing does
//	Z-TTLMAX    warning: a TTL above 2^31-1 counts as 0 (RFC 2181 8)
//	Z-DOUBLE    warning: a name without its final dot doubles the origin
//	Z-CUT       warning: an unquoted ; cuts a text
//	Z-SPACE     warning: an invisible space in an owner
//	Z-UTF8      note: an owner of raw octets, with its A-label
//	Z-DUP       note: a duplicate record (Tree.Zone)
//
// Where to change what: lex.go cuts a file into entries and words and knows
// nothing of DNS; record.go, directive.go and generate.go say what an entry
// means, fault.go and warn.go what is said about it; load.go and include.go
// hold files together, open.go reads them. edit.go, rewrite.go and add.go make
// the splices of an edit, columns.go their spaces. A new directive goes into
// directive.go, a new trap also as a file into testdata/traps.
package zonefile
