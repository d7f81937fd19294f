// Package source reads the zones that an organisation brings in, in the form
// in which it has them, into zones with the place of each record.
//
// Kinds: "file", a master file (RFC 1035 5); "bind", the named.conf of a BIND
// server with all that it includes; "windows", what a Windows DNS server gives:
// a .dns file, a listing of dnscmd, a table of PowerShell, known by its content.
// Read refuses every other kind.
//
// Invariants, by name:
//
//	ROOT     nothing outside the file system that is given is read
//	WHOLE    a zone is returned only if nothing it is made of had an error
//	COVER    the tokens of a named.conf cover it without gap or overlap
//	BOUNDED  file sizes, includes and nesting have limits
//	FRESH    a zone file that BIND knows newer data of (a journal) is refused
//	ACCOUNT  records in = taken + left out by rule + refused; each refused one is listed with its place
//
// FRESH sees a journal's header only. The command that findings name is rndc
// sync, without -clean: BIND 9.18 removes the journal before it has written
// the zone file, and in a copy made in between nothing tells that it is old.
// With the journal kept, such a copy is refused.
//
// Choices where BIND depends on the machine that it runs on:
//
//   - A path of the server is looked for, in this order: below the include
//     root's own path; below the folder of the named.conf and each folder
//     above it, taken for the server's "/" (a chroot, a copied tree); in the
//     named.conf's folder, with leading folders left out, the longest rest
//     first. What was taken is said in one note for each pair of folders (/ is
//     taken to be tree), however many files it leads to; two paths that fall
//     on one file in the last way are refused.
//   - A relative path starts from options { directory } as in BIND; where there
//     is none, from the named.conf's folder.
//   - $INCLUDE in a master file starts from that directory too; where no such
//     file is, from the including file's folder, with a warning.
//   - Files that an include names with a pattern are read as BIND 9.18 reads
//     them, the last name first; in-view depends on it.
//   - An included configuration file that is missing (keys are rarely copied)
//     is a warning, unless it stands inside the zone that is asked for.
//
// Choices in what Windows gives:
//
//   - A record of a .dns file without a TTL has the SOA's MINIMUM, which Windows
//     calls the default TTL there, and not the last stated one.
//   - A name in the data without its final dot: one that ends like the zone is
//     whole; any other is relative in a .dns file, as Windows reads it, and whole
//     in a listing or a table, where Windows writes whole names. Each gets a
//     warning, and where the zone has the other reading's name too, an error.
//     Owners are relative everywhere.
//   - \DDD in a name is octal, as Windows writes it.
//   - Records of Active Directory are taken, unless Spec.Skip names their class;
//     WINS records, and addresses of name servers outside the zone, which no zone
//     can hold, are refused unless it does.
//
// The ids of findings, besides those of zonefile (Z-SOA, Z-ZONE, M-TTL and
// Z-DUP are used for Windows too):
//
//	S-KIND     a kind of source that is not read
//	S-READ     the file that a source names cannot be read
//	B-SYNTAX   named.conf does not follow BIND's grammar
//	B-INCLUDE  a configuration file that is included cannot be read (warning), or goes in a circle
//	B-LIMIT    a limit
//	B-VIEW     a view at fault, or the source does not say which view it means
//	B-ZONE     a zone statement at fault, or no such zone
//	B-TYPE     a type of zone that has no records of its own (hint, forward, …)
//	B-FILE     the zone's file is missing or is another zone's
//	B-RAW      the zone's file is in BIND's raw or map format
//	B-JOURNAL  a journal holds changes that the zone's file lacks
//	B-MASTER   warning: a $INCLUDE that BIND would look for elsewhere
//	B-PATH     note: where a folder of the server was found, once for each
//	B-SIGNED   note: which file of a signed zone is read
//	B-DYNAMIC  note: the zone takes updates and no journal came with it
//	V-FORMAT   no form of Windows that can be read, with the command that gives one
//	V-CIM      a table whose data is the name of objects (CimInstance)
//	V-LETTERS  names of a table that lost letters (? for those outside ASCII)
//	V-COLUMN   a table without a column for the data, or with two for one thing
//	V-CSV      a row that does not fit the headings, or a quote that is not closed
//	V-SYNTAX   a line that is no record
//	V-DIRECTIVE a directive other than $ORIGIN and $TTL
//	V-OWNER    an owner that is no name, or missing
//	V-TYPE     a type that is not known
//	V-TTL      a TTL that is none; warning: one above 2^31-1, or none in a listing or table
//	V-AGE      an age that is none
//	V-RDATA    data that do not fit the type
//	V-ESCAPE   an escape in a text, octal or decimal; warning: one in a name
//	V-DOT      a name without its final dot that can be read both ways; warning: how it is read
//	V-WINS     a WINS record that no rule leaves out
//	V-GLUE     an address of a name server outside the zone that no rule leaves out
//	V-SKIP     a word of skip that is none
//	V-ZONE     the file is of another zone, holds a second one, or does not say which
//	V-SCOPE    warning: the file is one scope of a zone, not the zone that all see
//	V-COMMAND  dnscmd says that the command failed
//	V-CUT      a listing without its end; warning: nothing tells whether the file is whole
//	V-LISTS    listings of several nodes that do not say which
//	V-LEVEL    warning: a listing of one level of names
//	V-COUNT    warning: Windows counted another number of records
//	V-LIMIT    a limit
//	V-LEFT     note: records left out by rule, with their number
//	V-CLASS    note: records that a rule could leave out, with their number
//	V-NODE     note: names without records in a listing
//	V-UTF8     note: owners of raw octets
//
// A statement that says nothing about zones is cut, not judged: named-checkconf
// knows every option.
//
// Where to change what: source.go holds the kinds; a new format is a case
// there and files of its own. bind_lex.go cuts a named.conf into tokens,
// bind_parse.go into statements, bind_conf.go says what they mean; bind_path.go
// finds files, bind_zone.go chooses a zone and reads it, bind_binary.go knows
// the raw and journal headers, bind_master.go follows $INCLUDE as BIND does.
// windows_form.go knows the forms of Windows, windows_lines.go and
// windows_listing.go cut and read lines, windows_csv.go tables; windows_row.go
// decides what becomes of a record, windows_check.go of all of them.
package source
