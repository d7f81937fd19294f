// Package zones holds the values that everything else in hopnhat is made of:
// Name, Type, RRset, Zone, World, Delta and Serial.
//
// Every value is immutable once made. A Zone is written through a Builder,
// which gathers all errors and freezes once; nothing here reads a file, a
// clock or the network.
//
// Invariants, by name (other comments cite them):
//
//	NAME-WIRE   a Name is absolute, in wire form, lower case, at most 255 octets (RFC 1035 2.3.4, 3.1)
//	NAME-ZERO   the zero Name is invalid; the root is not zero
//	RRSET-ONE   an RRset has one owner, one type, one TTL, at least one RDATA,
//	            in canonical order (RFC 4034 6.3), without duplicates
//	ZONE-SOA    a Zone has exactly one SOA record, at its apex (RFC 1035 5.2)
//	ZONE-IN     every owner of a Zone is at or below its apex
//	ZONE-ID     a Zone is known by (origin, view): views never mix
//	ZONE-OVER   a zone made by a change holds the owners that differ beside the frozen
//	            part that it shares; all that reads a zone reads through both
//	DELTA       Diff(a, b).Apply(a) equals b
//
// A digest is computed when it is first asked for; a change costs what changes,
// not what the zone holds (apply.go, overlay.go).
//
// Where to change what: a new record type's mnemonic goes into type.go, its
// fields into package rdata; name.go has the text and wire forms of names.
package zones
