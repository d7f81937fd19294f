// Package finding holds what every reader and every check says to a person:
// one Finding is one cause at one place, what was found, and what to do.
//
// It is data; nothing is registered here. Invariants, by name:
//
//	FOUND-LINES  String is valid UTF-8; of a line shown it has at most that line and
//	             the caret's, without control, invisible or direction characters
//	FOUND-CARET  the caret stands under the column as a terminal shows the line:
//	             tabs kept, combining marks without width (Column counts characters)
//	FOUND-ORDER  Sort is by file, line, column, id; equal findings keep their order
//
// Where to change what: a new check chooses an id, defines it in
// docs/checks.md, and emits a Finding with it. How a message looks is String,
// how its line is made fit to be shown is show and mark; who writes Found and
// Mend quotes what the file said, for they are printed as they are.
package finding
