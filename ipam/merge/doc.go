// Package merge holds address plans against each other and makes one of them.
//
// Two organisations that merge have drawn the same private networks twice.
// Overlaps finds every pair of blocks of one space that two holders claim;
// Apply turns plans and decisions into the allocations of one book. Nothing is
// resolved silently: an overlap without a decision stays open, and with one
// open overlap there is no book.
//
// Invariants, by name:
//
//	OVERLAP-ALL   every pair of rows of one space whose blocks share an address is
//	              told of, but a block within one of a holder that contains its own, and one
//	              drawn within another of its own plan where a code is missing
//	OVERLAP-ONCE  a pair is told of once, the same whatever the order of plans and rows
//	APPLY-WHOLE   Apply gives every row a place, or names what is open; never both
//	APPLY-NEST    what Apply gives keeps BOOK-NEST and BOOK-ONE of package ipam
//	DRIFT-THREE   Compare changes only what the plan changed since the last import, and
//	              never what the book changed since
//	ROOM-FREE     a block that is renumbered gets addresses of its pool that nothing
//	              inside the pool has; what the pool itself lies in is no obstacle
//	MOVE-ALONG    a block that is renumbered or isolated takes along what its own plan
//	              has inside it, each at the same distance from the start
//
// Where to change what: what counts as an overlap is kind in overlap.go; what
// can be decided is Take in decide.go.
package merge
