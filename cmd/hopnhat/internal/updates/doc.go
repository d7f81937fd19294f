// Package updates keeps what dynamic updates (RFC 2136) changed in a zone whose
// home is a master file that people edit. An update is on disk, in a journal,
// before it is answered; a little later it is written into the file, as an edit
// that keeps comments and order.
//
// People go on editing the file meanwhile, some with an editor that opened it
// before the last updates came. So the file carries the serial of the state that
// it holds, updates raise a serial by two and people by one or by a date, and what
// a saved file lacks of the updates after its serial is made in it again.
//
// Invariants, by name:
//
//	DURABLE   what Append was given is in the journal, synced, when it returns
//	NOT-LOST  after Reconcile the file holds every update that is not in the state
//	          it was edited from; what a person took out of that state stays out
//	NOT-TWICE an update is made by its effect: a record that is there is not added,
//	          one that is gone is not removed
//	EXCHANGE  a file is never overwritten that somebody saved since it was read:
//	          the two are exchanged in one step, and what came out is looked at
//	TORN      an entry that a crash cut off at the journal's end was never answered
//	          and is cut off; any other damage is an error that names the file and octet
//	BOUNDED   a journal keeps the steps that came last, up to a limit in octets
//
// journal.go is the file of steps, step.go its entries, base.go tells from which
// state a file was edited, file.go goes between journal and master file,
// exchange.go puts a file in the place of another, lock.go keeps a second editor off.
// base.go does no I/O.
package updates
