// Package finding holds what every reader and every check says to a person:
// one Finding is one cause at one place, what was found, and what to do.
//
// It is data. To add a check, choose an id, define it in docs/checks.md, and
// emit a Finding with it; nothing is registered here.
package finding
