// Package imports keeps what was brought in: a copy of each zone, and of the
// files that it was read from, beside its digest and the time, in the folder
// imported of a workspace, and tells what a later import changes.
//
//	WHOLE   the folder is replaced as a whole or not at all, however many
//	        sources were asked
//	SAME    an import that brings what is there already writes nothing
//	SUMS    SHA256SUMS covers every file of the folder
//
// Drift compares two versions by RRset; Keep writes. What a source is and
// where its copy lies is the matter of package workspace.
package imports
