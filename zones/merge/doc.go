// Package merge turns sources and a mapping into a Plan: the world before,
// the world after, a ledger of every record, the conflicts with their
// decisions, and the corrections that lead from one world to the other.
//
// Make is a pure function: no clock, no files, no order of a map. The zones
// of one view never meet those of another.
//
// Invariants, by name (other comments cite them):
//
//	PLAN-PURE      the same input gives the same bytes of ledger, conflicts and corrections
//	FIRST-RULE     the first rule that covers a record places it; the rules below it do not see it
//	LEDGER-ONE     each source record has one disposition per new name, one when it has none,
//	               and its old name one mode
//	LEDGER-TRACE   each record of a target after traces to one that stood before, to a source's
//	               record, or to a named change (serial, retargeting, move)
//	KEPT-BACK      SOA, apex NS, signing data and DS never travel; a delegation that is folded
//	               or occluded neither (see survey.go)
//	SCOPE          a decision changes what it names: with take: source it removes, of the target's
//	               records at the name, the types that the source brings, the other ways to reach a
//	               host when it brings one of them, and all when a CNAME is on either side; with
//	               target-becomes the target's whole side moves
//	UNIT           a cut, a DNAME and all names below it are decided as one, at the cut's name
//	OPEN           while a conflict is open the target stands, the source's records are undecided,
//	               and the plan is not publishable
//
// How Make goes, one file each: survey.go (cuts, glue and what never
// travels), place.go (rules), unit.go (what meets where), decide.go
// (decisions move, remove or keep), where.go and rewrite.go (names inside
// RDATA), conflict.go and detect.go (what is left), build.go (targets after),
// oldnames.go (old zones after), ledger.go, check.go, corrections.go.
//
// To add a kind of conflict: a Kind and its id in conflict.go, its condition
// in detect.go, its decision in decide.go.
package merge
