// Package check looks at a zone as it stands: what a server would load without
// a word and still serves nobody well. It reads no file and asks no server.
//
// Invariants, by name:
//
//	CHECK-PLACE   every finding stands at a record of the zone that was checked
//	CHECK-CAUSE   one cause is one finding: who leads into a circle, includes a broken
//	              policy or lies below a cut is not reported beside it
//	CHECK-LINEAR  each record is looked at once; chains are remembered, circuits bounded
//	CHECK-KNOWN   of names outside the zones given nothing is claimed
//
// What a Zone no longer shows, differing TTLs of one RRset (M-TTL) and
// duplicates (Z-DUP), the readers report; malformed RDATA they refuse, so that
// Z-RDATA comes from here only for zones that were made some other way.
//
// Where to change what: a new check takes an id in ids.go (the same id as the
// merger's or the proof's where the condition is the same), a row in
// docs/checks.md, and a condition in the file of its subject: apex.go,
// delegation.go, targets.go (names in data), spf.go, mail.go, records.go (one
// record set alone), reverse.go. How names are found is index.go.
package check
