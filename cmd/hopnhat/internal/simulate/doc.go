// Package simulate carries a cutover out in simulated time, to show what the
// clients of each kind of resolver meet: the primary serves worlds in turn,
// secondaries follow, caches keep what they were told, and clients ask in each
// second. It holds a timeline (zones/cutover) to its claim, and shows what each
// part of it is there for.
//
// What fails. Each question has stretches of time in which it is owed an
// answer. One that leads somewhere in the world before and in the world after
// is owed it always. Any other is owed it while both the world of the step and
// that of the step before give one: a new name from the switch on, as it was
// added a step before; one that ends until it is first removed. It leads
// somewhere if the chain of aliases ends in data, in a delegation, or outside
// of the zones simulated; of MX, NS, SRV, SVCB, HTTPS, AFSDB and KX each host
// that has an address before or after must have one too, by the same cache. A
// question fails in a second in which it is owed and ends in NXDOMAIN, NODATA,
// SERVFAIL (no answer at all counts as such) or a loop of aliases. Questions
// that are not owed are asked all the same: new names before they exist.
//
// Servers answer by the engine (resolver/answer), zone by zone: an image is
// compiled of each version of each zone, since a secondary follows zone by
// zone. Each fetch asks a server drawn at random, and trusts the response for
// the name that was asked alone: each link of a chain may come from another
// server and another step. Each client has a resolver of its own.
//
// Clients ask from so long before each change that caches hold answers of any
// age until so long after it that none is left from before; what lies between
// (a rollback window, the months between two waves) repeats itself, and is left
// out. Within these stretches no second is, but most are not walked through:
//
//	SIM-HELD   an answer made of entries of a cache stays the same until the
//	           first of them runs out, so a question is walked anew only then
//	SIM-CALM   while no server changes, all of them have the same, and a cache
//	           holds only what it fetched since: then an entry that runs out is
//	           fetched again at once and is what it was, so it is moved on to
//	           the end of that stretch
//	SIM-TWIN   the outcome is that of asking in each second (twin_test.go)
//	SIM-SEED   the outcome depends on the input alone
//
// Not simulated: packet loss, glue, prefetching, DNAMEs kept in caches, and
// the signatures of zones: the model with RFC 8198 takes each zone as signed,
// with the NSEC records that its names ask for, kept for as long as a negative
// answer (RFC 9077).
//
// Where to change what: a kind of resolver is a type in models.go; how servers
// follow is servers.go; what is owed is promise in questions.go; what is left
// out of a timeline is Without.
package simulate
