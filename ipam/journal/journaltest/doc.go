// Package journaltest holds any ipam.Journal to its contract: Run is the suite
// that every journal passes, and Store a journal in memory, the slow obvious
// twin of the others and the journal of tests that need no disk.
//
// # What the suite asks (the laws are named in package ipam)
//
//	JOURNAL-CAS   one of several appends at the same revision succeeds; the others change nothing
//	JOURNAL-KEPT  what was acknowledged is read back by every later reader, also after a reopening
//	CHAIN-LINK    a record that does not follow the last one is refused, with all of its append
//	bounds        ipam.CheckBatch, at the bound and one beyond
//	Watch         misses nothing, doubles nothing, ends by its context and by Close
//
// # Where to change what
//
// A new promise of ipam.Journal becomes a function in suite.go, listed in Run.
package journaltest
