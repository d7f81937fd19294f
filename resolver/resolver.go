package resolver

import (
	"iter"
	"net/netip"
)

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

// Streamer is a Handler that answers some messages of a TCP connection with
// several messages (RFC 5936 2.2).
type Streamer interface {
	Handler
	// Stream gives the responses to msg in their order, each valid until the
	// next is asked for; nil when Handle is to answer. It keeps msg until the
	// sequence ends.
	Stream(msg []byte, from Peer) iter.Seq[[]byte]
}

// Deferrer is a Handler that answers some messages only after something slow,
// such as a write to a disk: the listener goes on meanwhile.
type Deferrer interface {
	Handler
	// Defers tells cheaply whether the answer to msg comes by Defer, and not by
	// Handle.
	Defers(msg []byte) bool
	// Defer calls reply once, from any goroutine, with the answer or with nil for
	// no response; reply does not keep it. It keeps no part of msg after it returns.
	Defer(msg []byte, from Peer, reply func(answer []byte))
}

// Peer is the other end of a query.
type Peer struct {
	Addr      netip.AddrPort
	Transport Transport
	TLS       *Client // nil: not over TLS; else Transport is TCP
}

// Client is what TLS established of the other end. It is not changed.
type Client struct {
	Dot       bool     // both said that they speak DNS (ALPN "dot", RFC 9103 7.1)
	Certified bool     // it holds the key of a certificate, from whomever
	Names     []string // DNS names of that certificate, in lower case, where an authority that we trust issued it; else none
	Pin       [32]byte // SHA-256 of that certificate's SubjectPublicKeyInfo (RFC 7858 4.2)
}
