package source

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"

	"gialai.gov.vn/hopnhat/zones"
)

// headSize is enough for the header of a raw file and for that of a journal.
const headSize = 64

// head reads the first octets of a file. fs.Stat comes before Open, which a
// FIFO would block.
func head(fsys fs.FS, name string) ([]byte, error) {
	if info, err := fs.Stat(fsys, name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, headSize)
	n, err := io.ReadFull(f, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return b[:n], err
}

// binaryFormat tells whether a zone file begins with the header of BIND's
// binary formats, and which. In network order:
//
//	0        4         8          12      16            20          24
//	| format | version | dumptime | flags | sourceserial | lastxfrin |
//
// format is 2 (raw) or 3 (map); version 0 ends after dumptime.
func binaryFormat(b []byte) string {
	if len(b) < 8 || binary.BigEndian.Uint32(b[4:]) > 0xff {
		return ""
	}
	switch binary.BigEndian.Uint32(b) {
	case 2:
		return "raw"
	case 3:
		return "map"
	}
	return ""
}

// journal is the header of a journal (BIND's lib/dns/journal.c), 64 octets in
// network order:
//
//	0             16      20      24    28      32           36             40
//	| ";BIND LOG" | begin serial, offset | end serial, offset | index size | source serial | flags, padding
type journal struct {
	begin, end zones.Serial
	empty      bool // no transaction is in it
}

// parseJournal reads a journal's header; false if it is none.
func parseJournal(b []byte) (journal, bool) {
	if len(b) < headSize || !bytes.HasPrefix(b, []byte(";BIND LOG V9")) {
		return journal{}, false
	}
	u := func(i int) uint32 { return binary.BigEndian.Uint32(b[i:]) }
	return journal{begin: zones.Serial(u(16)), end: zones.Serial(u(24)), empty: u(20) == u(28)}, true
}
