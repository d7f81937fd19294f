// Package daemon wires a world to listeners, runs them, loads again on a
// signal and stops. It is the one place that knows both where worlds come
// from (a Loader) and how they are answered.
//
// Invariants:
//
//	LAST-GOOD    what is answered changes only to a world that was read whole
//	             and compiled; on any failure the world before it goes on
//	SERIAL-ONCE  no two contents of a zone are served under one serial, over
//	             restarts too (serial.go)
//	LABEL-STAYS  a zone keeps its label in a catalog as long as it stands there, over
//	             restarts too, and gets another when it comes again (catalogs.go)
//	ONE-STEP     all listeners turn to a new world after all images of it are
//	             compiled, each by one atomic store
//	FRESH        a followed zone is the one that a primary had, whole, at most
//	             EXPIRE ago; else it is not answered for (follow*.go)
//
// A new kind of listener opens in Start; a new reason to load again calls
// Reload; where zones come from is the Loader's matter.
package daemon
