package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"gialai.gov.vn/hopnhat/ipam"
)

// The layout of a bbolt file, in the byte order of the machine that wrote it:
//
//	page     id 8, flags 2, count 2, overflow 4 (pages that follow); then elements
//	branch   per child: pos 4, key size 4, page 8
//	leaf     per entry: flags 4, pos 4, key size 4, value size 4
//	         pos counts from the element's own start to its key
//	header   pages 0 and 1, behind the page's 16 octets: magic 4, version 4, page size 4,
//	         flags 4, root page 8, sequence 8, freelist 8, high water 8, transaction 8,
//	         FNV-1a of all that 8; that of the later transaction counts
//	bucket   a leaf value with flag 1: root page 8, sequence 8; root 0: a page follows inline
const (
	magic      = 0xED0CDAED
	version    = 2
	headPage   = 16
	headBytes  = 64
	flagBranch = 1
	flagLeaf   = 2
	maxDepth   = 32 // of a tree of 2 entries a page, 2^32 pages
	sumSize    = 8
	noFreeList = 1<<64 - 1 // in a header, for a file without the list
)

var bucketName = []byte("events")

var order = binary.NativeEndian

// DamageError says that the file is not what was written, and where.
type DamageError struct {
	Path     string
	Revision uint64 // of the event at fault, 0 when it is a part without events
	Found    string
}

// Error names the file, the revision and what was found.
func (e *DamageError) Error() string {
	at := ""
	if e.Revision > 0 {
		at = fmt.Sprintf(" at revision %d", e.Revision)
	}
	return fmt.Sprintf("%s: damaged%s: %s; restore the last good backup", e.Path, at, e.Found)
}

// Check reads the file at path, which nobody may be writing, and gives the end
// of its chain. Each page, record, sum and link is checked (BOLT-CHECKED). The
// error is a *DamageError, or says that the file cannot be read.
func Check(path string) (ipam.Chain, error) {
	f, err := os.Open(path)
	if err != nil {
		return ipam.Chain{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return ipam.Chain{}, err
	}
	return check(path, f, st.Size(), nil)
}

// check gives each event that it passes to see, when that is not nil.
func check(path string, r io.ReaderAt, size int64, see func(ipam.Event)) (ipam.Chain, error) {
	c := &checker{r: r, size: size, see: see}
	err := c.file()
	if err == nil {
		return c.end, nil
	}
	if d, ok := err.(*DamageError); ok {
		d.Path = path
		return c.end, d
	}
	return c.end, fmt.Errorf("%s: %w", path, err)
}

type checker struct {
	r        io.ReaderAt
	size     int64
	see      func(ipam.Event)
	pageSize uint32
	high     uint64   // pages from here on hold nothing
	seen     []uint64 // a bit per page
	end      ipam.Chain
}

func damage(format string, args ...any) error {
	return &DamageError{Found: fmt.Sprintf(format, args...)}
}

// damaged names the record that is read next.
func (c *checker) damaged(format string, args ...any) error {
	return &DamageError{Revision: c.end.Revision + 1, Found: fmt.Sprintf(format, args...)}
}

func (c *checker) file() error {
	// Page sizes are powers of two; the second header stands one page in.
	var head [headPage + headBytes]byte
	if err := c.read(head[:], 0); err != nil {
		return err
	}
	first, err := parseHeader(head[headPage:])
	if err != nil {
		return err
	}
	c.pageSize = first.pageSize
	if err := c.read(head[:], int64(c.pageSize)); err != nil {
		return err
	}
	last, err := parseHeader(head[headPage:])
	if err != nil {
		return err
	}
	if last.pageSize != first.pageSize {
		return damage("its two headers differ in the size of a page, %d and %d", first.pageSize, last.pageSize)
	}
	if last.transaction <= first.transaction { // of equal ones bbolt takes the first
		last = first
	}
	if last.freeList != noFreeList {
		return damage("a header with a list of free pages, which no journal has")
	}
	c.high = last.high
	if uint64(c.size)/uint64(c.pageSize) < c.high {
		return damage("the file has %d octets where its header says %d pages of %d: it was cut", c.size, c.high, c.pageSize)
	}
	c.seen = make([]uint64, c.high/64+1)
	c.seen[0] = 3 // the headers
	return c.page(last.root, false, nil, nil, 0)
}

type header struct {
	pageSize                uint32
	root, high, transaction uint64
	freeList                uint64
}

func parseHeader(b []byte) (header, error) {
	sum := fnv.New64a()
	sum.Write(b[:headBytes-8])
	switch {
	case order.Uint32(b) != magic:
		return header{}, damage("this is no journal, or its header was overwritten")
	case sum.Sum64() != order.Uint64(b[56:]):
		return header{}, damage("the sum of a header is wrong: the last change may be lost")
	case order.Uint32(b[4:]) != version:
		return header{}, damage("layout %d of the file, where %d is known", order.Uint32(b[4:]), version)
	}
	h := header{order.Uint32(b[8:]), order.Uint64(b[16:]), order.Uint64(b[40:]), order.Uint64(b[48:]), order.Uint64(b[32:])}
	if h.pageSize < 512 || h.pageSize > 1<<20 || h.pageSize&(h.pageSize-1) != 0 || h.high > 1<<40 {
		return header{}, damage("a header with pages of %d octets, %d of them", h.pageSize, h.high)
	}
	return h, nil
}

func (c *checker) read(b []byte, at int64) error {
	if _, err := c.r.ReadAt(b, at); err == io.EOF {
		return damage("the file ends at %d octets, inside what it should hold", c.size)
	} else if err != nil {
		return fmt.Errorf("cannot read %d octets at %d: %w", len(b), at, err)
	}
	return nil
}

// page walks a page and all below it. Keys lie from low up to below high; nil
// is no bound. In events tells whether it belongs to the bucket.
func (c *checker) page(id uint64, events bool, low, high []byte, depth int) error {
	if id >= c.high || c.seen[id/64]>>(id%64)&1 != 0 {
		return c.damaged("page %d, which is beyond the end or used twice", id)
	}
	var head [headPage]byte
	if err := c.read(head[:], int64(id)*int64(c.pageSize)); err != nil {
		return err
	}
	more := uint64(order.Uint32(head[12:]))
	if order.Uint64(head[:]) != id || more >= c.high-id {
		return c.damaged("page %d says that it is page %d of %d more", id, order.Uint64(head[:]), more)
	}
	for i := id; i <= id+more; i++ {
		if c.seen[i/64]>>(i%64)&1 != 0 {
			return c.damaged("page %d is used twice", i)
		}
		c.seen[i/64] |= 1 << (i % 64)
	}
	// An overflowing page holds one long entry after the others; what an event needs bounds it.
	if (more+1)*uint64(c.pageSize) > 64<<20 {
		return c.damaged("page %d of %d pages", id, more+1)
	}
	b := make([]byte, (more+1)*uint64(c.pageSize))
	if err := c.read(b, int64(id)*int64(c.pageSize)); err != nil {
		return err
	}
	return c.content(b, events, low, high, depth)
}

// content walks the elements of a page, also of one inline in a bucket's value.
func (c *checker) content(b []byte, events bool, low, high []byte, depth int) error {
	if len(b) < headPage {
		return c.damaged("a bucket that is cut")
	}
	flags, count := order.Uint16(b[8:]), int(order.Uint16(b[10:]))
	switch {
	case depth > maxDepth:
		return c.damaged("a tree of more than %d levels", maxDepth)
	case flags != flagBranch && flags != flagLeaf:
		return c.damaged("a page of kind %#x where the tree goes on", flags)
	case headPage+16*count > len(b):
		return c.damaged("a page of %d entries in %d octets", count, len(b))
	case flags == flagBranch && count == 0:
		return c.damaged("a branch without children")
	}
	for i := range count {
		at := headPage + 16*i
		e := b[at : at+16]
		if flags == flagBranch {
			key, _, ok := entry(b, at, order.Uint32(e), order.Uint32(e[4:]), 0)
			if !ok || !inside(key, low, high) {
				return c.damaged("a branch with its keys out of order")
			}
			below := high
			if i+1 < count {
				n := b[at+16:]
				if below, _, ok = entry(b, at+16, order.Uint32(n), order.Uint32(n[4:]), 0); !ok {
					return c.damaged("a branch with a key outside its page")
				}
			}
			if err := c.page(order.Uint64(e[8:]), events, key, below, depth+1); err != nil {
				return err
			}
			low = below
			continue
		}
		key, value, ok := entry(b, at, order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:]))
		if !ok || !inside(key, low, high) {
			return c.damaged("a page with an entry out of place")
		}
		var err error
		if events {
			err = c.record(order.Uint32(e), key, value)
		} else {
			err = c.bucket(order.Uint32(e), key, value, count)
		}
		if err != nil {
			return err
		}
	}
	if !events && depth == 0 && flags == flagLeaf && count != 1 {
		return c.damaged("%d buckets where one is", count)
	}
	return nil
}

// entry cuts key and value out of a page.
func entry(b []byte, at int, pos, keySize, valueSize uint32) (key, value []byte, ok bool) {
	from := uint64(at) + uint64(pos)
	to := from + uint64(keySize) + uint64(valueSize)
	if to > uint64(len(b)) {
		return nil, nil, false
	}
	return b[from : from+uint64(keySize)], b[from+uint64(keySize) : to], true
}

func inside(key, low, high []byte) bool {
	return bytes.Compare(low, key) <= 0 && (high == nil || bytes.Compare(key, high) < 0)
}

// bucket walks the one bucket of the file.
func (c *checker) bucket(flags uint32, name, value []byte, count int) error {
	if flags != 1 || count != 1 || !bytes.Equal(name, bucketName) || len(value) < 16 {
		return c.damaged("bucket %q where %q is: no journal of this program", name, bucketName)
	}
	if root := order.Uint64(value); root != 0 {
		return c.page(root, true, nil, nil, 1)
	}
	return c.content(value[16:], true, nil, nil, 1)
}

// record checks one event: its key, its sum, its link.
func (c *checker) record(flags uint32, key, value []byte) error {
	next := c.end.Revision + 1
	if flags != 0 || len(key) != 8 || binary.BigEndian.Uint64(key) != next {
		return c.damaged("the key of an event is %x", key)
	}
	data, ok := unpack(value)
	if !ok {
		return c.damaged("the sum of the event does not fit its octets")
	}
	e, end, err := c.end.Follow(data)
	if err != nil {
		return c.damaged("%s", err.(*ipam.ChainError).Found)
	}
	if c.end = end; c.see != nil {
		c.see(e)
	}
	return nil
}

// pack and unpack put the sum before a record, and check it.
func pack(record []byte) []byte {
	sum := sha256.Sum256(record)
	return append(append(make([]byte, 0, sumSize+len(record)), sum[:sumSize]...), record...)
}

func unpack(value []byte) (record []byte, ok bool) {
	if len(value) < sumSize {
		return nil, false
	}
	sum := sha256.Sum256(value[sumSize:])
	return value[sumSize:], bytes.Equal(sum[:sumSize], value[:sumSize])
}
