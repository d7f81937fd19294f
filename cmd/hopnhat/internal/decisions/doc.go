// Package decisions lets the decisions of a consolidation file travel as a
// table: out, to be edited in a spreadsheet by those who decide, and back, as
// edits of the file's lines.
//
//	BACK   a table that nobody edited changes nothing
//	LINES  an edit touches the lines of the decisions that changed and adds lines for new ones; all else stays octet for octet
//	WHOLE  the edited file is read again before it is written: an error is told by the table's cell, and nothing is written
//	KEEP   a decision that the table lacks stays
//
// Rows makes the table, Apply edits the text. What a decision means is read by
// package workspace, what it does is the merger's matter. A new key of a
// decision is a column here (columns).
package decisions
