// Package mapping holds what people decided about names: rules, decisions,
// modes of old names, reserved labels, exceptions. It is data only: the
// merger applies it, the proof checks the result against it, each in its own
// way, and neither's reading of it stands here.
//
// Behaviour is only what both must share. Invariants, by name:
//
//	MAP-STAR   the Pattern "*.x" covers one or more labels in front of x, a literal
//	           "*" included, x itself not; "x" covers x alone; the zero Pattern nothing
//	MAP-COVER  a Rule covers a record by its view, its From (with Subtree: x and all
//	           below it) and its types; an empty view or list of types is all of them
//	MAP-FIRST  the order of Rules and OldNames is that of the file, and the first
//	           that covers wins: who reads them looks no further
//
// Where to change what: a new field stands here, in the workspace's reader of
// consolidation.yaml, in docs/consolidation.md, then where it is used. A new
// word of Mode, Take or State needs its String, and the reader's table of words.
package mapping
