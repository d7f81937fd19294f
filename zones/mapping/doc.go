// Package mapping holds what people decided about names: rules, decisions,
// modes of old names, reserved labels, exceptions. It is data only: the
// merger applies it, the proof checks the result against it, each in its own
// way, and neither's reading of it stands here.
//
// The one piece of behaviour is Pattern, whose meaning both must share:
// "*.x" stands for one or more labels in front of x, a literal "*" included,
// x itself not.
//
// To add a field: here, in the workspace's reader of consolidation.yaml, in
// docs/consolidation.md, then where it is used.
package mapping
