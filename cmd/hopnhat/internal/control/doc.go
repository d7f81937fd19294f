// Package control is the socket by which commands speak with a running server:
// what is asked, who may ask, and how both sides bear a bad one at the other end.
//
// A connection carries one request and its answer, as JSON, one value a line:
//
//	client  {"version":1,"command":"cutover.abort","args":{"why":"…"}}
//	server  {"progress":"…"}                       any number, as it goes on
//	server  {"version":1,"answer":…}               or {"version":1,"error":{…}}
//
// A client that closes its side before the answer takes its request back: the
// handler's context ends.
//
// Invariants, by name:
//
//	PEER       who asks is what the kernel says of the peer, never what it writes
//	PERMITTED  root, the server's own user and members of the group are served,
//	           by a check of ours beside the file's mode
//	ALONE      the socket of a server that lives is never taken away
//	BOUNDED    what one peer sends, takes and keeps open is limited, each user's
//	           connections too, so that none can keep others out
//	CHECKED    a handler is given only commands that exist, with arguments of
//	           their type, within bounds and without control characters
//
// A new command is a line in commands (request.go) and a type for its arguments;
// what status answers is in status.go; server.go and client.go are the two
// ends, address.go is where they meet, peer*.go tells who asks.
package control
