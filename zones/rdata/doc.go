// Package rdata knows what is inside the RDATA of each type: its text and wire
// forms, and the names in it that point elsewhere.
//
// One table (types.go) says of each type which fields it has; parsing,
// printing, checking, finding names and rewriting all walk that table.
//
//	DATA-WIRE    data is uncompressed wire, as zones.Record holds it
//	DATA-LOWER   names inside data are in lower case, in all types whose names
//	             the table knows (RFC 4034 6.2 and beyond: one form everywhere)
//	DATA-CHECKED what Append returns, Check accepts
//	TEXT-BACK    Append of the fields of Text gives the data again
//
// A new type: its mnemonic in zones/type.go, one line in the table. A new kind
// of field: a case in each of parse.go, print.go and walk.go.
package rdata
