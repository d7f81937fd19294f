package answer

import (
	"hash/maphash"
	"sync/atomic"

	"gialai.gov.vn/hopnhat/zones"
)

// none is no index.
const none = ^uint32(0)

// What a node is.
const (
	isApex  = 1 << iota // the zone's apex
	isCut               // has NS and is not the apex
	isDNAME             // has DNAME
	isCNAME             // has CNAME
	isGone              // a name that a change took away
)

// node is one name that exists in a zone: an owner or an empty non-terminal.
type node struct {
	zone  uint32
	name  uint32 // offset of the name's wire form in the arena
	sets  uint32 // the first of its RRsets
	count uint16 // how many
	size  uint8  // octets of the name
	flags uint8
	star  uint32 // the node of "*" right below; none if there is none
	// over is the highest cut at or above the node or DNAME strictly above it,
	// whichever stands higher: what hides the node. none if nothing does.
	over uint32
}

// set is one RRset: count times a length of two octets and RDATA in the arena.
type set struct {
	typ   zones.Type
	count uint16
	ttl   uint32
	data  uint32
	glue  uint32 // of the NS of a cut: the first of its glue nodes in Image.glue
	glues uint16 // how many
}

// zone is one zone of the view.
type zone struct {
	apex uint32 // its node
	soa  uint32 // its SOA's set
	neg  uint32 // TTL of negative answers in seconds (RFC 2308 5)
}

// Policy is what a server says of itself. An empty text refuses the question.
type Policy struct {
	Version string // version.bind and version.server, class CH
	ID      string // id.server and hostname.bind, class CH (RFC 4892)
}

// Image is a compiled view, ready to answer (IMAGE-FLAT, IMAGE-FIXED).
type Image struct {
	policy Policy
	seed   maphash.Seed
	view   zones.View
	arena  []byte
	zones  []zone
	nodes  []node
	sets   []set
	glue   []uint32 // nodes with addresses of servers at or below a cut
	apexes table    // names of apexes -> zone
	names  table    // names of nodes, zone by zone -> node
	patch  table    // of those, the ones that changes made: they count before names

	live     sizes       // nodes and sets that are in use
	compiled sizes       // what Compile made
	followed atomic.Bool // an image after this one has the room behind the slices
}

// sizes are lengths of an image's slices.
type sizes struct{ nodes, sets, octets, glue int }

func (im *Image) sizes() sizes {
	return sizes{len(im.nodes), len(im.sets), len(im.arena), len(im.glue)}
}

// Counts tells how many zones, names and RRsets the image has, and how many
// octets of wire, with those that changes left behind.
func (im *Image) Counts() (zones, names, sets, octets int) {
	return len(im.zones), im.live.nodes, im.live.sets, len(im.arena)
}

// table is a flat hash with open addressing: a slot holds an index plus one.
type table struct {
	slots []uint32
	mask  uint32
	used  int // slots that hold one
}

func newTable(n int) table {
	size := 8
	for size < 2*n {
		size *= 2
	}
	return table{slots: make([]uint32, size), mask: uint32(size - 1)}
}

// hash of a name in lower case; the salt keeps the zones' names apart.
func (im *Image) hash(name []byte, salt uint32) uint32 {
	return uint32(maphash.Bytes(im.seed, name)) + salt*0x9e3779b1
}

func (t *table) put(h, index uint32) {
	i := h & t.mask
	for t.slots[i] != 0 {
		i = (i + 1) & t.mask
	}
	t.slots[i] = index + 1
	t.used++
}
