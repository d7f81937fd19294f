// Package oracle is the slow and obvious resolver: RFC 1034 4.3.2 step by step
// over a zones.World, with RFC 4592 (wildcards), RFC 6672 (DNAME), RFC 2308
// (negative answers) and the choices of docs/behaviour.md.
//
// It is what tests hold the engine against and what a smoke test expects of a
// server. So it imports zones alone, shares nothing with resolver/answer, and
// is written for the reader: a change of behaviour is made here first, with
// the RFC's section beside it.
//
//	ORACLE-PURE   Resolve depends on its arguments alone
//	ORACLE-ALONE  the package imports nothing of this module but zones
package oracle
