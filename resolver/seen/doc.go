// Package seen says which names are asked: it reads the query logs of old
// servers, gathers them in a table, and holds the table against the zones.
//
// What a zone file cannot tell, a log can: names that a wildcard answers, names
// of a forgotten server, misspellings that clients have learned by heart.
//
// Invariants, by name:
//
//	SEEN-SUM     of each file: units in = taken + left out + refused, where a unit is
//	             a line, a frame, or a packet (a TCP segment that completes k messages: k units)
//	SEEN-BOUND   memory does not grow with a file: lines, frames, packets, TCP
//	             streams, questions that wait for their answer and rows all have limits
//	SEEN-ONCE    a question and its answer, both in a log, count once; an answer
//	             whose question is not in the log counts as one question
//	SEEN-FLOOR   a name that a Table does not hold was asked at most Lost.Floor times,
//	             one that it holds at most Lost.Floor times more than its Count
//	SEEN-MERGE   Merge is associative and commutative; the empty table changes nothing
//	SEEN-ALL     Compare puts each row of a table into exactly one Asked
//	SEEN-NEAR    a Misspelt name has one or two slips, and the old server never held it
//	SEEN-BACK    what WriteTSV and WriteJSON wrote, ReadTable reads into an equal table
//
// A Table is immutable. A Builder is where it grows; only a Builder drops rows,
// and it says so in Lost. Merge drops nothing.
//
// Formats, each known by its content, each plain or in gzip:
//
//	bind      BIND's query log and response log, from a file or from syslog
//	windows   the debug log of Windows DNS (dns.log), with or without details
//	dnstap    a file of Frame Streams with dnstap messages
//	capture   pcap or pcapng: port 53 over UDP, and TCP streams that lie in order
//
// The ids of findings:
//
//	Q-READ     a log that cannot be read
//	Q-FORMAT   content that is none of the formats
//	Q-LINE     warning: a line, frame or packet that is not understood
//	Q-CUT      warning: a log that ends in the middle of one
//	Q-LIMIT    a limit of size or expansion
//	Q-DATE     dates whose order of day and month cannot be told
//	Q-YEAR     warning: times without a year, and no instant to reckon from
//	Q-EMPTY    warning: a log in which nothing was asked
//	Q-LOST     warning: rows that were dropped from a full table
//	Q-TABLE    a saved table that cannot be read back
//	Q-MISSING  warning: a name that is asked and stands in no source, or whose
//	           answer of the old server does not; note: one that the old server denied
//	Q-SPELL    note: a name that is asked and looks misspelt
//	Q-WILD     note: a name that a wildcard answers
//	Q-FOREIGN  note: names outside all zones
//	Q-REVERSE  note: reverse names outside all zones
//	Q-NEVER    note: names that nobody asked for
//
// Where to change what: read.go knows the formats; a new one is a case there
// and a file of its own that hands units to a ledger (account.go). bind.go and
// windows.go know lines, stamp.go and windate.go their times; dnstap.go frames;
// pcap.go and pcapng.go the files, link.go the way down to port 53, tcp.go the
// streams; message.go the DNS message. table.go holds rows, tabletext.go their
// text; stand.go knows where a name stands in a world, compare.go and spell.go
// what a table says about it, say.go how a person is told.
package seen
