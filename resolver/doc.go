// Package resolver is the ground of the answering side: Query, a borrowed view
// of one datagram or frame, and Handler, what answers it. It does no I/O.
//
// Invariants:
//
//	QUERY-ONE      a Query that Parse passed has one question and at most one OPT
//	QUERY-BORROWED a Query is valid only until the Handler returns, and is never stored
//
// The engine is in resolver/answer, sockets are in resolver/listen, a client
// in resolver/probe, the slow and obvious resolver that tests and
// expectations stand on in resolver/oracle.
package resolver
