// Package answer is the engine: Compile turns one view of a world into an
// Image, and Image.Handle answers messages from it. Image.Apply makes the image
// after a change of one zone from the one before.
//
//	IMAGE-FLAT   an Image is a few slices without pointers: an arena of octets,
//	             nodes and RRsets as integers into it, a flat hash of names
//	IMAGE-FIXED  what it reads is never written to again, so any number of
//	             goroutines read it without a lock
//	AS-COMPILED  an image that a change made answers as Compile's of the same world
//	NO-ALLOC     Handle allocates nothing, but for a chain of more than
//	             longChain names
//	AS-ORACLE    it answers as resolver/oracle does, from which it shares nothing
//
// compile.go lays the image out, apply.go changes it, find.go looks names up,
// answer.go is RFC 1034 4.3.2, write.go puts messages together, refuse.go holds
// what is answered without looking at a zone. A change of behaviour starts in
// the oracle.
package answer
