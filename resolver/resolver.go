package resolver

import "net/netip"

// Transport is how a query came.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
)

// Handler answers messages. It must be safe for concurrent use.
type Handler interface {
	// Handle appends the response to msg to dst and returns the longer slice;
	// dst returned as it came means no response (RFC 8906 and behaviour 14:
	// a response is never answered). It keeps neither slice.
	Handle(dst, msg []byte, from Peer) []byte
}

// Peer is the other end of a query.
type Peer struct {
	Addr      netip.AddrPort
	Transport Transport
}
