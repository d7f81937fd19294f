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
//	WHOLE        what is answered now, by a timeline, is in the history and its log
//	             before it is published; a start serves what the log says, whole,
//	             where the files cannot be used too (past.go, director_start.go).
//	             Where the log lost lines it is held, and no serial comes again
//	T-FENCE      a step of a timeline is taken only of the plan that was scheduled
//	             and approved, from the files as they were loaded
//	FRESH        a followed zone is the one that a primary had, whole, at most
//	             EXPIRE ago; else it is not answered for (follow*.go)
//
// The timeline: director.go makes a plan of what was loaded and takes its steps,
// director_schedule.go makes the one that is scheduled while the server goes on,
// director_run.go does what is due, director_verify.go asks servers after a step,
// director_control.go carries out commands, director_status.go tells how all
// stands. All that decides what is due is zones/cutover's; who is right after a
// step, verify's.
//
// A new kind of listener opens in Start; a new reason to load again calls
// Reload; where zones come from is the Loader's matter.
package daemon
