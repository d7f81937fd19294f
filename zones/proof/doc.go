// Package proof decides whether one set of zones answers as another under a
// renaming, for every name of at most 255 octets and every type.
//
// The claim, for a world before (OLD), a world after (NEW) and a mapping:
//
//   - continuity: a name that a zone of OLD answers goes on answering in NEW;
//   - carry-over: its image under the mapping gives the same terminal data,
//     modulo the rewriting of names inside data to their images;
//   - non-interference: names that a target had before answer as before;
//   - totality: every record of a source has a rule;
//   - no mixture breaks: a resolver that holds an old referrer and fetches a
//     new target, or the reverse, finds what both worlds promised.
//
// What is compared is what a resolver gets at the end: chains of CNAME and
// DNAME are followed through all zones of a world. SOA is compared by
// presence (every edit makes it new); RRSIG, NSEC, NSEC3, NSEC3PARAM and
// ZONEMD are derived and not compared; the types CNAME and DNAME are steps,
// proved by where they lead. Names outside every zone of OLD claim nothing.
//
// How: each view of a world is one label tree (tree.go). A cursor (cursor.go)
// is where RFC 1034 4.3.2 stands after some labels; a walk (walk.go) moves
// the cursors of both worlds and of all preimages together over the merged
// children and one label that nobody has. That is enough because one label
// outside the children behaves as any other (RFC 4592 3.3.1, RFC 6672 3.2)
// and types that no node on the way has behave alike.
//
// Invariants, by name:
//
//	PROOF-ALONE   nothing of the merger or the engine is imported: this is a check of both
//	PROOF-SAME    the report does not depend on the number of goroutines, nor on the order of input
//	PROOF-BYTES   data are compared as octets, never by digest
//	PROOF-SELF    a world against itself gives no finding
//	PROOF-CAUSE   one root cause is one fault, with a count; its witness really differs
//	STATE-FULL    after edits a State reports what Prove would
//	CERT-ONE      a certificate has one form: what ParseCertificate reads, JSON writes again
//
// Where to change what: a new check needs an id in docs/checks.md, a line in
// ids.go and a case in claims.go (an answer lost), carry.go (a new name's),
// edges.go (what a record states), mixture.go (caches) or total.go (records
// and exceptions). What counts as equal is compare.go; how rules give images
// is lines.go, and preimages rules.go; decisions are settle.go and rulings.go.
// state.go and edit.go follow edits: a check that reads more of NEW than the
// name that it is about must be found again by closure there. seeded_test.go
// has a bug for each of these, which the tests must catch.
package proof
