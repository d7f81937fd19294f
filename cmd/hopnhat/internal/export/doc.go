// Package export turns a world into a folder that other tools open: zone
// files that BIND, Knot and NSD load as they are, one CSV of all records, a
// page that a person reads, and SHA-256 sums over all of it.
//
// Files is a pure function; Write puts its result on disk so that a reader
// sees the whole folder or the one before it. A new format is one function
// added to Files.
package export
