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
//	announce  lower          add            switch         remove         restore   close
//	before    before, low    W1, low        W2, low        after, low     after     after
//	                                        the cutover
//	          |- lag + old --|- lag + low --|- lag + low --|- lag + low --|-- lag --|
//	                                        |-- window ----|
//
// lag is how long a secondary without NOTIFY may take (REFRESH + RETRY), old
// and low are the longest TTLs (negative answers included), and around the
// switch the parent's TTLs count too. The rollback window lies in the world of
// the switch: as long as nothing was removed, going back is one step, to what
// add served, and caches mix only two neighbours. Where the proof passes with
// nothing between before and after (Single), add and remove are left out, the
// waits around them are one each, and the window ends with restore.
//
// Several waves follow each other (PlanWaves); each begins when the last
// secondary has what the one before it left. Not covered: resolvers that serve
// stale data (RFC 8767) or raise TTLs, and a secondary that is cut off until
// EXPIRE (Step.Alone).
//
// What happens is a log of events. Fold makes Progress of it, and
// Progress.Next says what a director does now; both are pure, so that a server
// that starts again after a crash does what it would have done.
//
// An edit on the way is served at once, and need not begin the waits anew. A
// zone that it leaves alone goes on being served, and what caches hold of that
// is counted by the event that brought it; of a zone that it changes every
// server has the new one after lag, and the longest TTL of the old one later
// nobody holds that (Settle). So once all Drains are over, what is held is what
// is served, and the next step mixes two neighbours as ever. That a step's own
// wait is in the log, and not only in the plan, matters: a plan that is made
// anew after the edit knows the edited TTLs, not those that caches still count.
// What an edit mixes with, as long as it is fresh, is the editor's to judge.
//
// Invariants, by name:
//
//	STEP-ADD     W1 holds every record of the world before, but SOA
//	STEP-KEEP    W2 holds every record of the world after
//	STEP-SERIAL  a zone keeps its serial from one step to the next as long as
//	             its content stays; where that changes, the serial is later
//	             (RFC 1982) than that of the step before, the one that the zone
//	             states and all that were seen of it
//	TIME-DRAIN   from Add on: at a step's instant the last secondary has the
//	             world of the step before, as it was edited, and no cache that
//	             respects TTLs holds an older one
//	TIME-MISSED  a step that came late makes the next ones late; a switch that
//	             would come later than the grace is missed, and nothing is due
//	LOG-ORDER    within a wave steps are taken in the order of their kinds, and
//	             a wave begins when the one before it was closed; what cannot
//	             have happened is an error that names the event
//	LOG-SAFE     Next takes no step of a plan that is not the one scheduled,
//	             lacks approvals, is held, aborted or rolled back, nor before
//	             what is served was verified, nor before the waits are over
//	LOG-EDIT     each event that publishes (a step, an edit, an abort, a
//	             rollback) says how long what it replaces may be held
//	             (Event.Drain). No step but Lower comes before all of these
//	             have passed, and for an edit none waits longer
//	LOG-AGAIN    another plan voids approvals, not steps: a wave goes on behind
//	             the kind at which it stands. After a rollback Lower and Add
//	             count as taken at the rollback; after an abort nothing of the
//	             wave under way does. Of a wave that is closed nothing is taken
//	             back, and a plan of which all steps are taken is done, whatever
//	             else the files say by then
//
// Where to change what: which records can be added to a zone, or kept in one,
// without changing what else it answers is fits in steps.go; whose TTLs are
// lowered is touched in lower.go; how far steps lie apart is Wave.steps in
// waves.go; serials are in serials.go; what an event does is in progress.go,
// what follows from that in decide.go. Check in check.go holds a timeline
// against the inequalities anew, so a change of Wave.steps does not touch it;
// a new id has its row in docs/checks.md. The picture is in svg.go, its words
// and the table's in words.go.
package cutover
