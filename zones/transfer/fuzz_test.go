package transfer

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// FuzzTransfer feeds a stream of messages, framed as TCP has them. The laws:
// nothing panics; COUNT; what is accepted and can be read by miekg/dns too is
// the same zone there; with a key nothing is accepted but the one stream that
// was signed.
func FuzzTransfer(f *testing.F) {
	key := testKey(f)
	rs := rrs(f, sample)
	flat := func(ms [][]byte) (out []byte) {
		for _, m := range ms {
			out = append(out, frame(m)...)
		}
		return out
	}
	for _, each := range []int{1, 4, 100} {
		f.Add(flat(pack(f, answers(testID, "example", append(rs, rs[0]), each), nil, "", start, nil)), false)
	}
	f.Add(flat(signed(f, key, start, every)), true)
	f.Add(flat(signed(f, key, start, func(i int) bool { return i == 0 || i == 5 })), true)
	f.Add([]byte{0, 12, 0x12, 0x34, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false)
	f.Add([]byte{0, 25, 0x12, 0x34, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0, 0}, false)
	// A TA record, which we keep as it came and miekg/dns knows, without its last octet.
	broken := pack(f, answers(testID, "example", append(append([]dns.RR{}, rs...), &dns.TA{
		Hdr: dns.RR_Header{Name: "x.example.", Rrtype: dns.TypeTA, Class: dns.ClassINET}, KeyTag: 0x0102, Algorithm: 3, Digest: "",
	}, rs[0]), 1), nil, "", start, nil)
	cut := broken[len(broken)-2]
	cut = cut[:len(cut)-1]
	cut[len(cut)-4]-- // the length of the data
	broken[len(broken)-2] = cut
	f.Add(flat(broken), false)
	want := toZone(f, "example", rs)
	f.Fuzz(func(t *testing.T, stream []byte, withKey bool) {
		var ms [][]byte
		r, buf := bytes.NewReader(stream), make([]byte, maxMsg)
		for {
			b, err := readFrame(r, buf)
			if err != nil {
				break
			}
			ms = append(ms, bytes.Clone(b))
		}
		k := key
		if !withKey {
			k = nil
		}
		z, used, rep, fs := receive(k, start, ms)
		for _, f := range fs {
			_ = f.String()
		}
		if z == nil {
			return
		}
		if withKey && !z.Equal(want) {
			t.Fatal("a zone that was not signed")
		}
		if rep.Records != rep.Taken+rep.Duplicates+rep.Refused {
			t.Fatalf("%+v", rep)
		}
		if twin, ok := slow(ms[:used]); ok && !twin.Equal(z) {
			_, d := Compare(twin, z)
			t.Fatalf("miekg/dns reads another zone:\n%s", show(d))
		}
	})
}

// FuzzIXFR feeds a stream of messages in answer to IXFR. The laws: nothing
// panics; COUNT; differences that are accepted and can be read by miekg/dns too
// lead an obvious reader to the same zone, and the delta leads there.
func FuzzIXFR(f *testing.F) {
	ns, one, two := "example. 3600 IN NS ns.example.", "a.example. 300 IN A 192.0.2.1", "b.a.example. 300 IN MX 5 a.example."
	vs := []version{{7, map[string]bool{ns: true, one: true}}, {8, map[string]bool{ns: true, two: true}}, {9, map[string]bool{ns: true, one: true, two: true}}}
	have := vs[0].zone(f)
	question := new(dns.Msg).SetIxfr("example.", 7, "ns.example.", "host.example.")
	question.Id = testID
	for _, rs := range [][]string{differences(vs), differences(vs[:2]), append(vs[2].list(), vs[2].soa()), {vs[0].soa()}} {
		for _, each := range []int{1, 3, 100} {
			var flat []byte
			for _, m := range replies(f, question, rs, each, nil) {
				flat = append(flat, frame(m)...)
			}
			f.Add(flat)
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		q, err := Request{Server: testServer, Zone: have.ID(), Limits: Limits{Octets: 1 << 22, Records: 100_000, Messages: 10_000, Listed: 10}}.complete()
		if err != nil {
			t.Fatal(err)
		}
		var rep Report
		rc := newReceiver(q, testID, nil, &rep, func(rc int) (string, string, string) { return q.advise(rc, q.Local) })
		rc.asked, rc.have = zones.TypeIXFR, have
		var ms [][]byte
		for in, buf := bytes.NewReader(stream), make([]byte, maxMsg); !rc.done; {
			b, err := readFrame(in, buf)
			if err != nil {
				return
			}
			ms = append(ms, bytes.Clone(b))
			if rc.message(b) != nil {
				return
			}
		}
		z := rc.freeze(q.Zone)
		if z == nil || rc.steps == nil {
			return
		}
		if rep.Records != rep.Taken+rep.Duplicates+rep.Refused {
			t.Fatalf("%+v", rep)
		}
		if led, err := rc.steps.result.Apply(have); err != nil || !led.Equal(z) {
			t.Fatalf("the delta does not lead there: %v", err)
		}
		all, ok := unpacked(ms)
		if !ok {
			return
		}
		if twin, ok := walkSteps(have, all); !ok || !twin.Equal(z) {
			t.Fatalf("an obvious reader takes another zone or none (%v): %v", ok, all)
		}
	})
}

// unpacked is what miekg/dns reads of the records that can stand in example;
// false where it cannot read them.
func unpacked(ms [][]byte) (all []zones.Record, ok bool) {
	apex := zones.MustName("example")
	for _, raw := range ms {
		m := new(dns.Msg)
		if m.Unpack(raw) != nil {
			return nil, false
		}
		for _, rr := range m.Answer {
			length := int(rr.Header().Rdlength)
			r, ok := fromMiekg(rr)
			if !ok || padded(r, length) {
				return nil, false
			}
			if r.TTL > zones.MaxTTL {
				r.TTL = 0
			}
			if r.Owner.Within(apex) && rr.Header().Class == dns.ClassINET && r.Type.IsData() && (r.Type != zones.TypeSOA || r.Owner == apex) {
				all = append(all, r)
			}
		}
	}
	return all, true
}

// slow is the obvious twin: miekg/dns unpacks each message, and all answers
// that can stand in the zone are gathered. False where it cannot read them.
func slow(ms [][]byte) (*zones.Zone, bool) {
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName("example"), View: zones.Internet})
	for _, raw := range ms {
		m := new(dns.Msg)
		if m.Unpack(raw) != nil {
			return nil, false
		}
		for _, rr := range m.Answer {
			length := int(rr.Header().Rdlength) // packing changes it
			r, ok := fromMiekg(rr)
			if !ok || padded(r, length) {
				return nil, false
			}
			if r.Owner.Within(zones.MustName("example")) && rr.Header().Class == dns.ClassINET && r.Type.IsData() &&
				(r.Type != zones.TypeSOA || r.Owner == zones.MustName("example")) {
				if r.Type == zones.TypeSOA && b.Len() > 0 {
					continue // the closing SOA, whose TTL does not count
				}
				b.Add(r)
			}
		}
	}
	z, err := b.Freeze()
	return z, err == nil
}

// padded tells whether miekg/dns put zeros where a record that we keep as it is
// broke off: data without a name is never compressed, and keeps its length.
func padded(r zones.Record, length int) bool {
	names, err := rdata.Names(r.Type, r.Data)
	return err == nil && len(names) == 0 && len(r.Data) != length
}

// FuzzName: a name that we read, miekg/dns reads too, as the same name and of
// the same length; what skips names agrees on where they end.
func FuzzName(f *testing.F) {
	f.Add([]byte("\x07example\x00"), 0)
	f.Add([]byte("\x03www\xc0\x0c"), 0)
	f.Add([]byte("\x07example\x00\x03www\xc0\x0c\xc0\x15"), 13)
	f.Add([]byte(strings.Repeat("\x01a", 127)+"\x00\xc0\x0c"), 255)
	f.Fuzz(func(t *testing.T, body []byte, off int) {
		msg := append(make([]byte, headerLen), body...)
		if off < 0 || off > len(body) || len(msg) > maxMsg {
			return
		}
		off += headerLen
		n, next, ok := readName(msg, off)
		if !ok {
			return
		}
		if at, ok := skipName(msg, off); !ok || at != next {
			t.Fatalf("skipName %d %v, readName %d", at, ok, next)
		}
		text, at, err := dns.UnpackDomainName(msg, off)
		if err != nil {
			t.Fatalf("%v: miekg/dns refuses it: %v", n, err)
		}
		if m, err := zones.ParseName(text); err != nil || m != n || at != next {
			t.Fatalf("%v %d, miekg/dns has %s %d (%v)", n, next, text, at, err)
		}
	})
}

// FuzzTSIG signs any message with any TSIG fields, the MAC by a twin that writes
// down RFC 8945 4.3 for itself, and may turn one bit. The laws: nothing panics;
// what is signed and well formed is taken for good within its fudge and is BADTIME
// beyond; what is turned is taken for good only where it still says the same.
func FuzzTSIG(f *testing.F) {
	key := testKey(f)
	keys := map[zones.Name]Key{key.Name: *key}
	for _, b := range [][]byte{
		updateMessage(9, "upd.example", lines(f, "new 0 NONE ANY"), lines(f, "new 60 IN A 192.0.2.1")),
		query(9, zones.MustName("example"), zones.TypeAXFR), query(9, zones.MustName("example"), zones.TypeSOA),
	} {
		f.Add(b, uint16(300), int64(0), []byte(nil), uint16(0))
		f.Add(b, uint16(300), int64(301), []byte{0, 0, 0, 0, 0, 1}, uint16(0))
		f.Add(b, uint16(10), int64(-10), []byte(nil), uint16(40*8))
	}
	f.Fuzz(func(t *testing.T, body []byte, fudge uint16, skew int64, other []byte, turn uint16) {
		if len(body) < headerLen || len(body)+len(other) > 1<<14 || skew < -1<<31 || skew > 1<<31-1 {
			return
		}
		body = bytes.Clone(body)
		body[10], body[11] = 0, 0
		at := uint64(start.Unix() + skew)
		var v []byte // 4.3.3
		v = append(v, key.Name.Wire()...)
		v = append(v, 0, 255, 0, 0, 0, 0)
		v = append(v, "\x0bhmac-sha256\x00"...)
		v = append(v, byte(at>>40), byte(at>>32), byte(at>>24), byte(at>>16), byte(at>>8), byte(at), byte(fudge>>8), byte(fudge), 0, 0)
		v = append(v, byte(len(other)>>8), byte(len(other)))
		v = append(v, other...)
		mac, err := hmacOf(secret64, dns.HmacSHA256, append(bytes.Clone(body), v...))
		if err != nil {
			t.Fatal(err)
		}
		msg := bytes.Clone(body)
		msg[11] = 1
		msg = tsig{key: key.Name, algorithm: HMACSHA256.wire(), time: at, fudge: fudge, mac: mac, origID: binary.BigEndian.Uint16(body), other: other}.appendRecord(msg)
		turned := turn > 0
		m, _ := parseHeader(body)
		l, err := m.layout()
		whole := err == nil && l.tsig == nil // else the TSIG record begins with what is left over
		if turned {
			bit := int(turn-1) % (8 * len(msg))
			msg[bit/8] ^= 1 << (bit % 8)
		}
		in, ok := receiveRequest(msg, keys, start)
		switch {
		case !ok:
		case turned && in.key != nil && !bytes.Equal(in.plain(), body):
			t.Fatalf("%x is taken for good, and says %x", msg, in.plain())
		case turned || !whole:
		case in.key == nil && in.code != tsigBadTime:
			t.Fatalf("%x: rcode %d, code %d", msg, in.rcode, in.code)
		case (in.key != nil) != (max(skew, -skew) <= int64(fudge)):
			t.Fatalf("fudge %d, %d s apart: code %d", fudge, skew, in.code)
		}
		if ok && in.rcode != 0 {
			_ = in.errorAnswer(in.rcode, start)
		}
	})
}
