// Package history keeps each version of each zone, versions of files such as
// consolidation.yaml, and one log of events, in a folder of plain files that
// are only added to. A version is on disk before Record returns, an event
// before Append does.
//
//	log                                   a line for each version and event, in JSON
//	head                                  the number and digest of the log's last line
//	zones/internet~gialai.gov.vn/1.zone   a whole version
//	zones/internet~gialai.gov.vn/2.diff   a difference: "-" what goes, "+" what comes
//	files/consolidation.yaml/1-9f86d081…  a file as it was
//
// Invariants, by name:
//
//	COMMIT      a version or event is part of the history once its line of the log is
//	            synced; its file is whole, synced and named before that. What a crash
//	            left unfinished was never committed, and the next write takes it away
//	LOG-CHAIN   each line holds its own digest and that of the line before it
//	DIGEST-SUM  a version's digest is the sum, modulo 2^256, of the SHA-256 of its
//	            records and of its identity: a change adds and takes what changes.
//	            It finds accidents; who may write the folder can forge it
//	READ-WHOLE  a version that is given out has the digest that was recorded
//	NO-WRITE    Open and the reading methods write nothing
//
// What is found at Open: an octet that changed in any file, a file or folder
// that is missing, lines of the log that are missing, numbers that jump. The
// file "head" is written after the log's line was synced, so after a crash it
// may lag by what was written last; a log that was cut by exactly that much,
// at the end of a line, cannot be told from one that never had it. Nor can a
// folder that is missing altogether be told from one that is yet to be made:
// the caller knows whether there was one.
//
// A log that lost lines, or is missing, costs its events. Versions stand with
// what the log says of them at the head of their files, so those that are
// whole go on to serve, and the next write states them again.
//
// A version is written whole when the differences since the last whole one
// have as many octets as it has, or are a thousand, or cannot be read.
//
// Where to change what: log.go has the log's lines and how they are read,
// text.go the versions' files, folder.go their names, write.go the order of
// writes, open.go the checks.
package history
