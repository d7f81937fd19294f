// Package cutover turns two worlds into the worlds that are served in turn
// between them, and a date into the instants at which they are.
//
// A resolver may hold a record of one step and ask a server that stands at the
// next, or the one before. So what is new comes first, then the records that
// point at it change, and what nothing points at any more goes last
// (three steps). Whether that is enough for two given worlds is proved by
// zones/proof, not here.
//
// Plan puts instants to them, so that no resolver that respects TTLs holds
// anything older than the step before:
//
//	announce  lower          add            switch         remove   restore, close
//	before    before, low    W1, low        W2, low        after    after
//	                                        the cutover    low
//	          |- lag + old --|- lag + low --|- lag + low --|- lag + low, and the window -|
//
// lag is how long a secondary without NOTIFY may take (REFRESH + RETRY), old
// and low are the longest TTLs (negative answers included), and around the
// switch the parent's TTLs count too. Not covered: resolvers that serve stale
// data (RFC 8767) or raise TTLs, and a secondary that is cut off until EXPIRE
// (Step.Alone).
//
// Invariants, by name:
//
//	STEP-ADD     the first step holds every record of the world before, but SOA
//	STEP-KEEP    the second step holds every record of the world after
//	STEP-SOA     a step's SOA is that of the world which it starts from; serials
//	             are set where worlds are published
//	TIME-DRAIN   from Add on: at a step's instant the last secondary has the
//	             world of the step before, and no cache that respects TTLs holds
//	             an older one
//	TIME-MISSED  a step that came late makes the next ones late; a switch that
//	             would come later than the grace is missed, and nothing is due
//
// Where to change what: which records can be added to a zone, or kept in one,
// without changing what else it answers is fits in steps.go; whose TTLs are
// lowered is touched in lower.go; how far steps lie apart is Plan in
// timeline.go.
package cutover
