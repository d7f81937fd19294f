// Package listen carries DNS messages between sockets and a resolver.Handler:
// UDP in batches and TCP (RFC 1035 4.2, RFC 7766), on one address; or TLS alone
// (RFC 7858, 9103), which is TCP with a handshake before.
//
// Nothing here knows what a message says. The way of a query is
//
//	datagrams.read -> Handler.Handle -> datagrams.flush     (UDP, a loop a socket)
//	accept -> conversation.run: frame -> Handle -> frame    (TCP, a goroutine a connection)
//
// Invariants, by name (other comments cite them):
//
//	LISTEN-ALONE   Open fails when anyone holds the port, another hopnhat included,
//	               although the UDP sockets share the port among themselves
//	LISTEN-SOURCE  an answer leaves from the address that was asked
//	LISTEN-FAMILY  0.0.0.0 is IPv4 only, [::] is IPv6 only
//	LISTEN-BOUNDED a TCP connection costs less than 512 KiB here, and ends after Idle
//	               without an answered query, or after Write without reading
//	LISTEN-SECRET  over TLS nothing is said below TLS 1.3, and what is told of a peer's
//	               certificate holds at this connection
//	LISTEN-ORDER   TCP answers come in the order of their queries
//	LISTEN-GONE    after Close with a nil error no goroutine of the Server is left
//
// tls.go says how TLS is spoken. Where to change what: what may be set is in options.go; how sockets are bound
// in bind.go and sockets_linux.go; what a failed bind tells the user in
// binderror.go, who holds a port in proc.go. Faster datagrams for a system are
// one more implementation of datagrams (udp.go).
package listen
