// Package bolt keeps the journal of a book of addresses in one file, with
// bbolt: an append is one transaction, safe on disk when it returns.
//
//	book.db         the events, bucket "events": key the revision (8 octets, big endian),
//	                value the first 8 octets of the record's SHA-256, then the record
//	book.db.lock    held while the file is open; names the process that holds it
//	book.db.new     a file being made: Open, Compact and Restore put it in place whole
//	book.db.before  what Restore took away
//
// # Invariants, by name
//
//	BOLT-CHECKED   no octet of a file reaches bbolt, which trusts its files, before Check
//	               has walked every page and every record of it: structure, sums, chain
//	BOLT-WHOLE     a file stands under its name only when it is complete and synced
//	BOLT-ONE       one process writes a file, or several read it, by its lock
//	BOLT-BROKEN    after a failed write the journal takes no more appends: reopen it, which
//	               tells what is on the disk
//
// Check is written from the layout of the file, without bbolt's code, reads
// each page at most once and never maps the file, so a damaged or truncated
// file is an error that names the revision or page, and no crash. Both headers
// of the file must be sound: bbolt alone would fall back to the older one and
// lose the last append without a word.
//
// # Where to change what
//
// A new layout of the values gets another bucket name (check.go, whose head
// draws the file); Check then reads both. The contract of journals is ipam.Journal's, its tests
// ipam/journal/journaltest.
package bolt
