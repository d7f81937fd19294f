// Package probe asks a server for everything that a world holds and tells
// what differs: the smoke test before a cutover.
//
// Expectations come from the plan's world by way of resolver/oracle, never
// from a server and never from the engine (resolver/answer): a bug of the
// engine must not hide in what is expected of it.
//
//	EXPECT-ALL   every owner and type of every zone of the view is asked, every
//	             empty non-terminal, the chain of every alias, a fresh name below
//	             every wildcard, DNAME and apex
//	EXPECT-SAME  Ask and the script of Script judge by the same rules (compare.go
//	             and script.sh): rcode, AA, the records with their TTLs in answer
//	             and authority, in-domain glue; more additional data is allowed,
//	             and a serial may be later than the expected one
//
// A new kind of question is added in Expect; a new rule of comparison in both
// compare.go and script.go.
package probe
