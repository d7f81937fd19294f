// Package verify asks, after a step was published, every listed server and
// resolver whether it serves what was published, and says whether to go on,
// to hold, or to go back.
//
// What is expected comes from the world that was published by way of
// resolver/oracle, never from a server and never from the engine.
//
// Invariants, by name:
//
//	ASK-CLASS    of each kind of answer that a point can give (zone, type, outcome)
//	             at least one is asked; what the step changed is asked first
//	ASK-BOUNDED  questions, tries, and questions under way have limits; a point that
//	             has fallen silent is given up; where not all was asked the report
//	             says so
//	ASK-LITERAL  points are asked by address; nothing here, or in the packages that
//	             carry out a step, resolves a name
//	WRONG-HEARD  wrong is only what a point said; what it did not say is silent, and
//	             a zone that a secondary has not fetched yet is behind
//	JUDGE-PURE   Judge depends on its arguments alone
//	JUDGE-GOOD   it goes on only where every point that has a zone of the world was
//	             asked, answered all, and was right; and there is one
//	JUDGE-BACK   silence, however much of it, never votes for going back; nor does a
//	             server of this machine where others are listed
//
// Where to change what: which questions there are and which of them are asked is
// plan.go, what counts as right at a server of zones is server.go, at a resolver
// recursive.go; how points are asked and when one is given up is run.go; who
// votes is judge.go.
package verify
