// Package cutover turns two worlds into the worlds that are served in turn
// between them.
//
// A resolver may hold a record of one step and ask a server that stands at the
// next, or the one before. So what is new comes first, then the records that
// point at it change, and what nothing points at any more goes last
// (three steps). Whether that is enough for two given worlds is proved by
// zones/proof, not here.
//
// Invariants, by name:
//
//	STEP-ADD   the first step holds every record of the world before, but SOA
//	STEP-KEEP  the second step holds every record of the world after
//	STEP-SOA   a step's SOA is that of the world which it starts from; serials
//	           are set where worlds are published
//
// Where to change what: which records can be added to a zone, or kept in one,
// without changing what else it answers is fits in steps.go.
package cutover
