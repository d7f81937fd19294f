// Package ipam is the ground of a book of addresses that never gives an
// address twice: blocks of IPv4 and IPv6 addresses and their arithmetic, who
// holds a block, the events that change the book, and the journal that keeps
// them. It does no I/O: a clock, a disk or a network stands in the packages
// above it: ipam/book folds a journal into a live book, where blocks are
// allocated, released, split, merged, moved and renumbered; ipam/journal/bolt
// keeps a journal in one file; ipam/merge holds two plans against each other,
// ipam/agree a book against names.
//
// # The main verbs
//
//	ParsePrefix, ParseBlock, ParseAddr   text as people write it -> values, or an error that says what to write
//	Free, FirstFit, BestFit              the gaps of a pool, and a place in them
//	Set                                  the same over millions of blocks, in steps of the prefix length
//	Block.Prefixes, Split, Join          ranges and prefixes, cut and put together
//	ParseCode, Holder                    who holds a block: H21.10.05, and the older 000.05.10.H21
//	Status.CanBecome                     planned, reserved, active, deprecated, released
//	Event.Append, DecodeEvent            the canonical encoding, and back
//	Chain                                the audit: each event holds the SHA-256 of the one before it
//	Journal                              append at an expected revision, read, watch
//
// # Invariants, by name (other comments and error messages cite them)
//
//	BLOCK-RUN      a Block is one run of addresses of one family, first to last; the zero
//	               Block is invalid; IPv4-mapped IPv6 addresses and zones are never in one
//	BLOCK-KIND     one address, an aligned prefix and any other range are the same type:
//	               equal runs are equal Blocks, whichever way they were written
//	PREFIX-MASKED  a prefix that leaves this package has no host bits set
//	FREE-EXACT     Free(pool, used) is pool without used, in ascending order, in the
//	               fewest prefixes; it never counts addresses one by one
//	FIT-FIRST      FirstFit is the lowest free prefix of that length; FIT-BEST: BestFit
//	               lies in a smallest free prefix that can hold it, the lowest of those
//	CODE-FORM      a Code is at most 35 of A-Z, 0-9 and dot, top first (H21.10.05)
//	STATUS-WAY     a status changes along the table of Status.CanBecome; released is the end
//	ALLOC-WHOLE    a live Allocation has a space, a block, a status; its texts are UTF-8
//	               of bounded length without control characters (a new line aside); its
//	               documents and names are sorted, without doubles, commas, semicolons, new lines
//	BOOK-NEST      in a space two live blocks are disjoint, or one lies within the other
//	BOOK-ONE       in a space a block has at most one live allocation, so one holder
//	EVENT-WHOLE    an event says who, why and when, and changes something
//	EVENT-CANON    an event has exactly one encoding: DecodeEvent accepts no other
//	CHAIN-LINK     an event holds the SHA-256 of the encoding of the one before it (zeros
//	               for the first); CHAIN-STEP: revisions are 1, 2, 3 … without a gap;
//	               CHAIN-CLOCK: instants never go back
//	JOURNAL-CAS    an append succeeds only at the revision it expected, whole or not at all
//	JOURNAL-KEPT   what Append acknowledged is read back, in order, by every later reader
//
// # Limits
//
// An event's encoding is at most MaxEventOctets and an append at most
// MaxBatch events and MaxBatchOctets together, so that one append fits one
// transaction of etcd (128 operations, 1.5 MiB) as well as of an embedded file.
//
// # Where to change what
//
// A new field of Allocation stands in allocation.go (check), encode.go (at the
// end, with a new format number) and in the twin of the encoding in the tests.
// A new way to write an address goes into parse.go. A new kind of change goes
// into event.go, and into the fold of ipam/book. Another journal implements
// Journal and passes ipam/journal/journaltest.
package ipam
