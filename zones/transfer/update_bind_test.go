package transfer

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// wireRecord is a record of an update as it is sent, well formed or not.
type wireRecord struct {
	owner string
	typ   zones.Type
	class zones.Class
	ttl   uint32
	data  string
}

func (r wireRecord) String() string {
	return fmt.Sprintf("%s %d class %d %v %x", r.owner, r.ttl, r.class, r.typ, r.data)
}

// updateMessage writes an UPDATE message (RFC 2136 2).
func updateMessage(id uint16, zone string, prerequisites, changes []wireRecord) []byte {
	b := query(id, zones.MustName(zone), zones.TypeSOA)
	binary.BigEndian.PutUint16(b[2:], opUpdate)
	binary.BigEndian.PutUint16(b[6:], uint16(len(prerequisites)))
	binary.BigEndian.PutUint16(b[8:], uint16(len(changes)))
	for _, rs := range [][]wireRecord{prerequisites, changes} {
		for _, r := range rs {
			b = append(b, zones.MustName(r.owner).Wire()...)
			b = binary.BigEndian.AppendUint16(b, uint16(r.typ))
			b = binary.BigEndian.AppendUint16(b, uint16(r.class))
			b = binary.BigEndian.AppendUint32(b, r.ttl)
			b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
			b = append(b, r.data...)
		}
	}
	return b
}

func anyone(key *Key) []UpdateRule {
	return []UpdateRule{{From: netip.MustParsePrefix("0.0.0.0/0"), Key: key.Name, Types: []zones.Type{zones.TypeANY}}}
}

// drawUpdate draws prerequisites and changes out of few names, types and data,
// so that they meet; some are malformed.
func drawUpdate(rnd *rand.Rand, serial zones.Serial) (prerequisites, changes []wireRecord) {
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	owner := func() string {
		if rnd.IntN(60) == 0 {
			return "other.test"
		}
		return pick("upd.example", "a.upd.example", "b.upd.example", "a.b.upd.example", "*.a.upd.example", "cut.upd.example", "x.cut.upd.example", "d.upd.example", "none.upd.example")
	}
	typ := func() zones.Type {
		if rnd.IntN(60) == 0 {
			return []zones.Type{zones.TypeAXFR, zones.TypeMAILB, zones.TypeOPT, zones.TypeIXFR, 128}[rnd.IntN(5)]
		}
		return []zones.Type{zones.TypeA, zones.TypeA, zones.TypeTXT, zones.TypeCNAME, zones.TypeNS, zones.TypeSOA, zones.TypeMX, zones.TypeDNAME, 65400, zones.TypeANY, zones.TypeDS, zones.TypeWKS, zones.TypeKEY}[rnd.IntN(13)]
	}
	name := func() string { return zones.MustName(pick("ns.upd.example", "ns2.upd.example", "t.example")).Wire() }
	data := func(t zones.Type) string {
		if rnd.IntN(80) == 0 && t != zones.TypeKEY && t != zones.TypeWKS { // whose form we do not know
			return pick("", "\x01", "abcdefgh")
		}
		switch t {
		case zones.TypeA:
			return "\xc0\x00\x02" + string([]byte{byte(1 + rnd.IntN(3))})
		case zones.TypeTXT:
			return "\x01" + pick("x", "y", "Y")
		case zones.TypeCNAME, zones.TypeNS, zones.TypeDNAME:
			return name()
		case zones.TypeMX:
			return "\x00" + pick("\x01", "\x02") + name()
		case zones.TypeSOA:
			s := zones.SOA{MName: zones.MustName("ns.upd.example"), RName: zones.MustName(pick("admin.upd.example", "root.upd.example")), Serial: serial + zones.Serial(rnd.IntN(5)) - 2, Refresh: 7200, Retry: 900, Expire: 1209600, Minimum: 300}
			return s.Data()
		case zones.TypeDS:
			return "\x30\x39\x0d\x02" + pick("abcdefghabcdefghabcdefghabcdefgh", "bbcdefghabcdefghabcdefghabcdefgh")
		case zones.TypeWKS:
			return "\xc0\x00\x02" + pick("\x01", "\x02") + pick("\x06", "\x11") + pick("\x00\x40", "\x80")
		case zones.TypeKEY:
			return "\x02\x00\x03\x0f" + pick("abcd", "bcde")
		}
		return pick("z", "q")
	}
	ttl := func() uint32 {
		if rnd.IntN(80) == 0 {
			return 1
		}
		return 0
	}
	switch rnd.IntN(100) {
	case 0: // alone: of two faults BIND finds now this one, now the other first
		return []wireRecord{{owner: owner(), typ: zones.TypeA, class: zones.ClassCH}}, nil
	case 1, 2:
		prerequisites = append(prerequisites, wireRecord{owner: "none.upd.example", typ: zones.TypeANY, class: []zones.Class{zones.ClassANY, zones.ClassNONE}[rnd.IntN(2)]})
	}
	for range max(0, rnd.IntN(5)-2) {
		r := wireRecord{owner: owner(), typ: typ(), ttl: ttl()}
		switch rnd.IntN(6) {
		case 0, 1:
			r.class = zones.ClassANY
		case 2, 3:
			r.class = zones.ClassNONE
		case 4:
			r.class = zones.ClassIN
			r.data = data(r.typ)
		default:
			r.class = []zones.Class{zones.ClassIN, zones.ClassANY, zones.ClassNONE}[rnd.IntN(3)]
			if rnd.IntN(4) == 0 {
				r.data = data(r.typ)
			}
			if r.class == zones.ClassIN && (r.typ == zones.TypeKEY || r.typ == zones.TypeWKS) {
				r.class = zones.ClassANY // we do not know the form of their data, and take none for good
			}
		}
		prerequisites = append(prerequisites, r)
	}
	for range rnd.IntN(5) {
		r := wireRecord{owner: owner(), typ: typ()}
		if r.owner == "none.upd.example" {
			r.owner = "a.upd.example"
		}
		if r.typ == zones.TypeDNAME && r.owner == "upd.example" {
			continue // BIND refuses what hides the addresses of the zone's servers
		}
		switch rnd.IntN(20) {
		default:
			r.class, r.ttl, r.data = zones.ClassIN, []uint32{60, 60, 60, 300, 0}[rnd.IntN(5)], data(r.typ)
		case 0, 1, 2:
			r.class, r.ttl = zones.ClassANY, ttl()
		case 3, 4, 5:
			r.class, r.ttl, r.data = zones.ClassNONE, ttl(), data(r.typ)
		case 6:
			if rnd.IntN(6) == 0 {
				r.class, r.data = []zones.Class{zones.ClassIN, zones.ClassANY, zones.ClassNONE}[rnd.IntN(3)], data(r.typ)
			} else {
				r.class, r.ttl, r.data = zones.ClassIN, 60, data(r.typ)
			}
		}
		changes = append(changes, r)
	}
	return prerequisites, changes
}

const updZone = `$ORIGIN upd.example.
$TTL 60
@ IN SOA ns admin 100 7200 900 1209600 300
@ NS ns
ns A 192.0.2.9
ns2 A 192.0.2.10
a A 192.0.2.1
a TXT x
a.b A 192.0.2.2
cut NS ns
d CNAME ns
`

// TestUpdateBIND sends one random sequence of updates to BIND and to ours: each
// is answered with the same code and leads to the same zone, serial included.
func TestUpdateBIND(t *testing.T) {
	key := testKey(t)
	dir := t.TempDir()
	p := bind(t, "upd.example", key, fmt.Sprintf("zone upd.example { type primary; file %q; check-names ignore; check-mx ignore; check-srv-cname ignore; check-mx-cname ignore; allow-update { key %q; }; allow-transfer { any; }; };", write(t, dir+"/upd.zone", updZone), key.Name.Text()))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	fetch := func() *zones.Zone {
		z, _, fs := Fetch(context.Background(), Request{Server: p.v4, Zone: internet("upd.example")})
		if z == nil {
			t.Fatal(show(fs))
		}
		return z
	}
	conn, err := net.Dial("tcp", p.v4.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	z := fetch()
	rnd := rand.New(rand.NewPCG(6, 2))
	buf := make([]byte, maxMsg)
	codes := map[Rcode]int{}
	bad := 0
	for n := range 2000 {
		pre, chg := drawUpdate(rnd, z.Serial())
		now := time.Now()
		msg := newConversation(*key).sign(updateMessage(uint16(n), "upd.example", pre, chg), now)
		if _, err := conn.Write(frame(msg)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		out, err := readFrame(conn, buf)
		if err != nil {
			t.Fatal(err)
		}
		theirs := Rcode(out[3] & 15)
		u, _ := ParseUpdate(msg, map[zones.Name]Key{key.Name: *key}, now)
		rc := u.Judge(z, anyone(key), netip.MustParseAddr("127.0.0.1"))
		codes[rc]++
		next := z
		if rc == RcodeNoError {
			if next, err = Numbered(z, u.Delta(z), z.Serial().Next()).Apply(z); err != nil {
				t.Fatal(err)
			}
		}
		got := fetch()
		if u.Delta(z).Empty() && slices.ContainsFunc(chg, func(r wireRecord) bool { return r.typ == zones.TypeDS }) {
			next = next.WithSerial(got.Serial()) // BIND counts a DS that comes and goes
		}
		if rc != theirs || !got.Equal(next) {
			_, d := Compare(next, got)
			t.Errorf("%d: ours %v, BIND %v\nprerequisites %v\nchanges %v\n%s", n, rc, theirs, pre, chg, show(d))
			if bad++; bad > 5 {
				t.FailNow()
			}
		}
		z = got
	}
	t.Log(codes)
	for _, rc := range []Rcode{RcodeNoError, RcodeFormErr, RcodeYXDomain, RcodeYXRRSet, RcodeNXDomain, RcodeNXRRSet, RcodeNotZone} {
		if codes[rc] == 0 {
			t.Errorf("no update is answered with %v", rc)
		}
	}
}
