// Package agree holds names and addresses against each other: the names that a
// world answers, and the blocks that a book of addresses holds.
//
// It is the only package of ipam that knows zones. Check is a function from
// values to values; who reads the book and the zones stands above.
//
// Invariants, by name:
//
//	AGREE-EACH    every A and AAAA of the world is looked up once, in the space of
//	              its view and in those below it (VIEW/…); a finding counts records
//	AGREE-CAUSE   one cause is one finding: the addresses of one free network, the
//	              names of one organisation in one block, a zone, a system
//	AGREE-KIN     an organisation, its units and those above it are no strangers to
//	              each other, and a closed code counts as the one that took its place
//	AGREE-SILENT  what is not known is no fault: a holder without a code, a name
//	              server outside the world, a block without a site
//	AGREE-SAME    the order of zones, blocks and organisations changes nothing
//
// Where to change what: a new check gets a row in docs/checks.md, then a method
// of checking beside the others, called by Check. Whose a name is, and which
// codes are kin, stands in owner.go; which block an address lies in, in look.go.
package agree
