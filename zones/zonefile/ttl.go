package zonefile

import "gialai.gov.vn/hopnhat/zones"

// parseTTL reads a time to live in seconds, as a number or in units of BIND
// (1W2D3H4M5S, any case). False when it is none or does not fit 32 bits.
func parseTTL(b []byte) (uint32, bool) {
	if len(b) == 0 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	var sum, n uint64
	digits, units := 0, false
	for _, c := range b {
		if '0' <= c && c <= '9' {
			if n = n*10 + uint64(c-'0'); n > 1<<32-1 {
				return 0, false
			}
			digits++
			continue
		}
		var unit uint64
		switch c | 0x20 {
		case 's':
			unit = 1
		case 'm':
			unit = 60
		case 'h':
			unit = 3600
		case 'd':
			unit = 86400
		case 'w':
			unit = 604800
		}
		if unit == 0 || digits == 0 {
			return 0, false
		}
		if sum += n * unit; sum > 1<<32-1 {
			return 0, false
		}
		n, digits, units = 0, 0, true
	}
	if digits > 0 {
		if units {
			return 0, false // 1H30: a number without its unit
		}
		sum = n
	}
	return uint32(sum), true
}

// parseClass reads a class: IN, CH, HS, CS, NONE, ANY or CLASSnnn, any case.
func parseClass(b []byte) (zones.Class, bool) {
	switch len(b) {
	case 2:
		switch [2]byte{b[0] | 0x20, b[1] | 0x20} {
		case [2]byte{'i', 'n'}:
			return zones.ClassIN, true
		case [2]byte{'c', 's'}:
			return 2, true
		case [2]byte{'c', 'h'}:
			return zones.ClassCH, true
		case [2]byte{'h', 's'}:
			return 4, true
		}
		return 0, false
	case 3, 4, 5, 6, 7, 8, 9, 10:
	default:
		return 0, false
	}
	switch c := b[0] | 0x20; {
	case c != 'a' && c != 'n' && c != 'c':
		return 0, false
	case equalFold(b, "any"):
		return zones.ClassANY, true
	case equalFold(b, "none"):
		return zones.ClassNONE, true
	case equalFold(b, "chaos"):
		return zones.ClassCH, true
	case len(b) > 5 && equalFold(b[:5], "class"):
		n := 0
		for _, c := range b[5:] {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		return zones.Class(n), n <= 0xffff
	}
	return 0, false
}

// equalFold compares with a lower-case word, folding ASCII.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
