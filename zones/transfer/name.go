package transfer

import "gialai.gov.vn/hopnhat/zones"

// maxPointers bounds the pointers of one name: a name has at most 127 labels,
// so no honest one needs more.
const maxPointers = 127

// readName reads a name of msg at off, following compression pointers (RFC
// 1035 4.1.4), and returns where the reading goes on. Each pointer must lead
// to before the place where the run of labels that it ends began, so that no
// chain of pointers has a circle.
func readName(msg []byte, off int) (zones.Name, int, bool) {
	var buf [zones.MaxName]byte
	w, next, start := buf[:0], -1, off
	for hops := 0; ; {
		if off >= len(msg) {
			return zones.Name{}, 0, false
		}
		switch c := int(msg[off]); c & 0xc0 {
		case 0:
			end := off + 1 + c
			if end > len(msg) || len(w)+1+c > zones.MaxName {
				return zones.Name{}, 0, false
			}
			w = append(w, msg[off:end]...)
			off = end
			if c != 0 {
				continue
			}
			if next < 0 {
				next = off
			}
			n, _, err := zones.NameFromWire(w)
			return n, next, err == nil
		case 0xc0:
			if off+1 >= len(msg) {
				return zones.Name{}, 0, false
			}
			to := c&0x3f<<8 | int(msg[off+1])
			if hops++; to >= start || to < headerLen || hops > maxPointers {
				return zones.Name{}, 0, false
			}
			if next < 0 {
				next = off + 2
			}
			off, start = to, to
		default: // 0x40 and 0x80 were never given a meaning that lasted (RFC 6891 5)
			return zones.Name{}, 0, false
		}
	}
}

// skipName tells where the reading goes on after the name at off, without
// following a pointer.
func skipName(msg []byte, off int) (int, bool) {
	for off < len(msg) {
		c := int(msg[off])
		switch {
		case c == 0:
			return off + 1, true
		case c&0xc0 == 0xc0:
			return off + 2, off+2 <= len(msg)
		case c > zones.MaxLabel:
			return 0, false
		}
		off += 1 + c
	}
	return 0, false
}
