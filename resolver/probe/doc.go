// Package probe asks a server for everything that a world holds and tells
// what differs: the smoke test before a cutover. A survey asks all servers of
// all zones, and their parents', whether what is served is what was proved.
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
//	LIVE-SEEN    what a survey could not ask is said (T-UNSEEN) and never counts
//	             as good; only an authoritative answer to the very question counts
//	LIVE-BOUNDED tries, time, servers, questions and octets of a survey have limits
//
// The ids of a survey's findings: T-PARENT, D-SIGNED and K-DS about the parent;
// T-LAME, T-EMPTY, T-SERIAL, T-DIGEST and T-TCP about a server; D-LAME-RENAMED
// about a delegation's server; T-UNSEEN about what was not seen.
//
// A new kind of question is added in Expect; a new rule of comparison in both
// compare.go and script.go. Of a survey: live_wire.go hears answers, live_find.go
// finds servers, live_parent.go, live_visit.go and live_child.go ask, live_judge.go
// judges what was seen; a new fault is a rule there and a row in docs/checks.md.
package probe
