// Package transfer moves zones between servers: it fetches a zone from a live
// server (AXFR, RFC 5936), signed with TSIG (RFC 8945) where a key is given,
// keeps it fresh by what changed (IXFR, RFC 1995; NOTIFY, RFC 1996; the timers of
// RFC 1034 4.3.5), reads the members of catalog zones (RFC 9432) and holds two
// versions of a zone against each other. And it hands zones out: AXFR and IXFR (RFC 1995),
// to those that rules of address and key let have them. It reads dynamic
// updates (RFC 2136, 3007), says whether rules let them through and whether
// their prerequisites hold, and what they do to a zone as a zones.Delta; who
// keeps the zones carries that out (see Update).
//
// Invariants, by name:
//
//	WHOLE     a zone comes back only if its first and last SOA are equal, each
//	          message was good and, with a key, each message is covered by a
//	          good signature, and differences fit what we have one by one; else
//	          nothing is taken
//	COUNT     records in = taken + duplicates + refused, and each refused one
//	          is listed with its place, up to a limit
//	BOUNDED   octets, records, messages and time have limits, a name's pointers too
//	PLACE     a record's place is axfr://ADDRESS:PORT/ZONE and its ordinal in
//	          the transfer, counted from 1
//	SECRET    a key's secret is never printed
//	STRICT    over TLS nothing is asked before the server has shown a certificate that
//	          an authority of ours gave it for its name, or that is pinned
//	RULED     no record leaves for who no rule names; a signature that is wrong is
//	          answered with its code (RFC 8945 5.2) and opens nothing
//	OWNED     a zone that catalogs have us follow has one of them, and passes to
//	          another by a change of ownership alone, or when it leaves
//	STEPWISE  what IXFR hands out makes the zone of a serial that was served the
//	          zone of today; where the deltas are gone it is the whole zone
//	IN-ORDER  an update is judged and its changes are made in the order of RFC 2136 3;
//	          Delta(z) applies to z, and nothing is learnt of z by who may not change it
//	FRESH     a followed zone is asked for by REFRESH and RETRY, and by NOTIFY of
//	          its primaries; it is served until EXPIRE after the last answer
//	ALONE     nothing is left running when a function returns
//
// The ids of findings:
//
//	X-CONNECT  no connection, or it broke before anything was answered
//	X-TIMEOUT  the server does not answer, or stalls, or is too slow
//	X-REFUSED  REFUSED: the server does not let us transfer
//	X-NOTAUTH  NOTAUTH, or an answer without records: the server does not hold the zone
//	X-NOTIMP   NOTIMP or FORMERR: the server does not know AXFR, or TSIG
//	X-RCODE    another error code
//	X-TSIG     a signature that is missing or wrong, or that the server did not accept
//	X-TLS      no TLS with a server that is the right one, or it does not accept our certificate
//	X-KEY      a key that cannot be read or used (error), or is weak (warning)
//	X-SHORT    the transfer ended before its last SOA
//	X-MESSAGE  a message that breaks the protocol (error), or a slip that does no harm (warning)
//	X-SOA      the first record is no SOA of the zone, or the last differs
//	X-LIMIT    a limit
//	X-RDATA    a record whose data do not fit its type
//	X-ZONE     warning: a record that cannot stand in the zone, not taken
//	X-DUP      note: records that came more than once
//	X-TTL      note: RRsets whose records came with several TTLs
//	X-SERIAL   the serial changed during the transfer (warning), or could not be asked again (note);
//	           of a refresh: it could not be asked, or is older than ours (error)
//	X-STEP     differences (IXFR) that do not lead on from our zone
//	X-NS       a zone without NS records at its apex
//	X-CATALOG  a catalog zone that breaks RFC 9432 (error), or a member that another has (warning)
//	X-LIST     a list of zones with a line that is no name
//	X-DIFF     two sources of one zone differ
//
// Where to change what: name.go and message.go read DNS messages, data.go
// expands compressed data by a table of types, frame.go is the framing of
// TCP; tsig.go signs and verifies on both sides of a conversation, key.go and
// keyfile.go read keys; request.go says what is asked, axfr.go talks to the
// server, receive.go judges the stream without knowing about connections,
// soa.go asks for a serial; refresh.go decides what to ask of a primary, steps.go
// condenses the differences of IXFR, following.go says when to ask, notified.go
// hears NOTIFY; advice.go says what to set on the other server;
// catalog.go and list.go tell which zones there are, catalog_make.go makes a
// catalog, catalog_follow.go says what a change of one asks for, compare.go holds two
// sources of one zone against each other. serve.go says who is handed what,
// incoming.go judges a request's signature, pack.go writes the messages,
// version.go keeps the deltas; tls.go is TLS on the asking side. update.go reads an update and answers it,
// update_rule.go says who may change what, update_check.go judges form and
// prerequisites, update_delta.go makes the changes.
package transfer
