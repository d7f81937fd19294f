// Package book is the book of addresses, live: the fold of an ipam.Journal into
// tables in memory (go-memdb) and tries for the hot look-ups (bart). It never
// gives an address twice, whoever asks at the same time.
//
//	Open, Loader                    reads the journal; takes what bolt.Open checks anyway
//	Book.Now, Book.At               a Snapshot: of now, of any past instant
//	Book.Allocate, AllocateNext     a block, or the next free one of a pool
//	Book.Reserve, Assign, Release   kept; changed; given back
//	Book.Split, Merge               one into several, several into one
//	Book.Move, Renumber             a block and all in it: to a space, to other addresses
//	Book.Import                     a plan of many changes at once, whole or not at all
//	Book.Verify, Book.Follow        the audit; what others append
//	Snapshot                        Get, Lookup, Within, Children, Above, Free, Used, Next, Held, Named,
//	                                Live, History, At
//
// # How a change happens
//
//	request -> queue -> planned on a fold of the book -> sealed (ipam.Chain)
//	        -> Journal.Append at the revision it was planned on -> published
//
// Requests that wait share one append, in the order they came; each is planned
// on what those before it did. When another program appended first, the book
// reads what it wrote and plans them all again. A refusal is true as well: between
// the request and its answer the journal stood so.
//
// # Invariants, by name
//
//	BOOK-NEST, BOOK-ONE  see ipam; every event is held to them, also one that is read
//	BOOK-FIRST           a change is in the journal before any reader sees it
//	BOOK-KEY             a request with a key happens once: the second time it is answered
//	                     with what the first one did; with another content it is refused.
//	                     The events of one request follow each other, each with its key
//	BOOK-UP              entry.up is the smallest live block around an entry, and the pool of
//	                     that block holds the entry's addresses
//	BOOK-TOP             the trie of a space leads each prefix of a block to the innermost
//	                     live block that has it as one of its fewest prefixes
//
// # How it is tested
//
// Every verb against a slow twin, the tables by brute force (twin_test.go); many
// writers, in one program (race_test.go) and in several (crowd_test.go), by a
// checker that looks for a serial order (checker_test.go) and that is given lies
// itself (planted_test.go); killed programs, full disks and system calls that
// fail (process_test.go); benchmarks with HOPNHAT_BENCH_LARGE=1 up to a million
// allocations.
//
// # Where to change what
//
// A new verb stands in verbs.go, made of ipam.Change, and in the operations of
// steps_test.go; a new kind of change in ipam and in fold.go. How requests are
// queued and answered is write.go. An index is a line of schema.go.
package book
