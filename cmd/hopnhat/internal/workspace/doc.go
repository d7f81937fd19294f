// Package workspace reads the folder that a user edits: hopnhat.yaml (what is
// served where), consolidation.yaml (what people decided), zones/ (what is
// served today), the sources that are brought in and the sheets that reserve
// labels. The result is one immutable Workspace; nothing is ever written.
//
// Invariants, by name:
//
//	PLACED   every value of the two YAML files keeps its file, line and column; every
//	         finding about a value shows that line
//	ALL      all errors of a reading are reported at once: a syntax error costs only the
//	         entry that it stands in
//	STRICT   unknown keys, keys given twice, keys of other sections that are not defined,
//	         anchors, aliases, tags and second documents are errors
//	INSIDE   nothing outside the folder is read (os.Root)
//	CLOCK    no function asks what time it is: instants are held against the plan's cutover
//	BOUNDED  files, lines, nesting and findings have limits
//
// From octets to a Workspace: text.go (UTF-8, line ends) -> yaml.go and
// slips.go (the foreign YAML reader, behind which nothing of it is seen) ->
// decode.go and values.go (typed values) -> config.go, consolidation.go,
// sections.go, rules.go, reserved.go (the two files) -> check.go (between the
// sections) -> load.go, sources.go (zones), tables.go (tables of names) -> workspace.go.
//
// To add a field to consolidation.yaml: its value in package mapping or in
// consolidation.go, a line in the section's reader (sections.go, rules.go), a
// slip in testdata/slips, a row in docs/consolidation.md.
//
// The ids of findings, besides those of zonefile, source and merge:
//
//	W-FILE      the workspace or one of its files cannot be read
//	W-TEXT      a file that is not UTF-8 text
//	W-YAML      a slip of YAML
//	W-LIMIT     a limit
//	W-KEY       a key that is unknown, missing, given twice or without a value
//	W-VALUE     a value of another kind than the key asks for
//	W-NAME      a name that is none, or that lies outside targets or sources
//	W-TYPE      a type of record that is none
//	W-DATE      a date or instant that is none
//	W-PATH      a path that is not one inside the workspace
//	W-REF       a key, view or holder that is not defined
//	W-RULE      a rule or decision that contradicts itself or another
//	W-SHEET     a sheet or one of its rows at fault
//	W-SYSTEM    the numbers of the plan's systems
//	W-SOURCE    a source that was not brought in yet
//	W-ZONE      the files of today's zones
//	W-QUESTION  a question that blocks
//	D-SIGNED    a signed zone that would be served unsigned
package workspace
