package zones

// Serial is a zone's version number, compared by the arithmetic of RFC 1982.
type Serial uint32

// Before tells whether s comes before t (RFC 1982 3.2). For two serials that
// lie exactly 2^31 apart neither comes before the other.
func (s Serial) Before(t Serial) bool { return s != t && t-s < 1<<31 }

// Next returns the serial after s; it never returns 0, which some servers
// take for "no serial".
func (s Serial) Next() Serial {
	if s+1 == 0 {
		return 1
	}
	return s + 1
}
