// Package publish is the life of a change of what is served, with a type for each
// stage, so that nothing can be published that was not proved, approved and
// compiled:
//
//	Merged --Prove--> Proved --Approve--> Approved --Compile--> Compiled --Publish--> Published
//
// A change is a plan (Plan: all steps of a timeline, one after the other, under one
// hash) or an edit (Edit: one step, from what is served). Only this package makes
// values of the later types.
//
// Invariants, by name:
//
//	T-FENCE   a plan is approved by its hash; where the inputs lead to another one
//	          by now, nothing of it is published
//	T-DIGEST  what is published has the digests that were certified, to the serial
//	T-BRAKE   an edit that changes more than a share of a zone, of a unit's names
//	          or of an organisation's, or the NS of an apex, needs a reason
//	ORDER     what a change needs is on disk before it is published: commit comes
//	          before swap, and a failed commit swaps nothing
//
// What the proof says stands in zones/proof; what counts as too much is brake.go,
// what is an organisation's is organisation.go.
package publish
