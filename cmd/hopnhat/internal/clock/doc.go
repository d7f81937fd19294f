// Package clock tells whether the clock on the wall can be trusted with a date:
// it watches it beside the clocks that nobody sets.
//
// Readings come from outside (System reads the machine's); a Watch is a value
// that each reading makes a new one of.
//
//	wall      what is set, and stepped and slewed by a time service
//	running   goes on evenly while the machine runs (CLOCK_MONOTONIC)
//	since     goes on while it sleeps too (CLOCK_BOOTTIME)
//
//	          wall forward by d, since by d           even
//	          wall by d, since by d + 2 s or more     jumped back
//	          since by d, running by d - 2 s or less  slept
//
// Invariants, by name:
//
//	CLOCK-JUMP   a wall clock that leaves the running one by more than the tolerance,
//	             at once or in many small steps within an hour, is a fault
//	CLOCK-TRUST  a clock that was synchronised and jumped all the same is a fault until
//	             a person releases it: one of its two times was wrong, and no machine
//	             can say which
//	CLOCK-CURE   one that was not synchronised, that slept, or that started earlier than
//	             the last event of the log, is trusted again once it has been
//	             synchronised and even for Terms.Settle
//	CLOCK-SYNC   a clock that is not synchronised is a fault as long as it is not, or
//	             until a person releases it; one of which that is not known is none
//	CLOCK-KEPT   what is a fault, and what a person released, is the same after a
//	             restart, by State and Resumed
//
// A new kind of fault is a field of Watch and of State, a case in Observe, and a line
// in Trouble.
package clock
