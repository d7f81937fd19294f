package history

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// arbitrary makes a zone of any octets: owners and types of any kind, data
// that have their type's form and data that have not.
func arbitrary(view string, origin, b []byte) *zones.Zone {
	name := func(b []byte, n zones.Name) zones.Name {
		for len(b) > 0 {
			l := min(int(b[0]%16)+1, len(b)-1)
			if l == 0 {
				break
			}
			if c, err := n.Child(string(b[1 : 1+l])); err == nil {
				n = c
			}
			b = b[1+l:]
		}
		return n
	}
	id := zones.ID{Origin: name(origin, zones.Root()), View: zones.View(view)}
	build := zones.NewBuilder(id)
	soa := zones.SOA{MName: id.Origin, RName: id.Origin, Serial: zones.Serial(len(b))}
	build.Add(zones.Record{Owner: id.Origin, Type: zones.TypeSOA, TTL: uint32(len(view)), Data: soa.Data()})
	for len(b) > 5 {
		typ := zones.Type(b[0])<<8 | zones.Type(b[1])
		if b[0] > 1 {
			typ = zones.Type(b[1])
		}
		owner, rest := b[5:], []byte(nil)
		if n := int(b[2] % 32); n < len(owner) {
			owner, rest = owner[:n], owner[n:]
		}
		data := rest
		if n := int(b[3]); n < len(rest) {
			data, rest = rest[:n], rest[n:]
		} else {
			rest = nil
		}
		if typ.IsData() && typ != zones.TypeSOA {
			build.Add(zones.Record{Owner: name(owner, id.Origin), Type: typ, TTL: uint32(b[4]) << 20, Data: string(data)})
		}
		b = rest
	}
	z, err := build.Freeze()
	if err != nil {
		return nil
	}
	return z
}

// FuzzText: a zone that is written and read is the same zone, whole and as a
// difference, and its digest can be told from either.
func FuzzText(f *testing.F) {
	f.Add("internet", []byte("\x02vn"), []byte{0, 1, 3, 4, 9, 1, 'a', '.', 192, 0, 2, 1})
	f.Add("", []byte(""), []byte{0, 16, 2, 5, 0, 0, '*', 4, '"', '\\', '\n', 0, 255, 1, 1, 1, 1, 1})
	f.Add("Nội bộ", []byte{3, ' ', '\t', '\n', 0xff}, []byte{1, 1, 2, 6, 200, 0, ';', 0, 5, 'i', 's', 's', 'u', 'e', 0, 99, 3, 2, 1, 1, '/', '%', 9, 9})
	for typ, text := range map[zones.Type]string{
		zones.TypeMX: "10 Mail.Example.", zones.TypeSRV: `1 2 3 a\.b.example.`, zones.TypeHTTPS: `1 . alpn="h2,h3" port=53`,
		zones.TypeNAPTR: `1 2 "u" "E2U+sip" "!^.*$!sip:a@b!" .`, zones.TypeLOC: "13 58 0.000 N 108 0 0.000 E 700.00m 1m 10000m 10m", zones.TypeNSEC: "a. A TYPE65400",
	} {
		if d, err := rdata.Parse(typ, text, zones.Name{}); err == nil {
			f.Add("internet", []byte("\x02vn"), append([]byte{byte(typ >> 8), byte(typ), 2, 255, 1, 0, 'x'}, d...))
		}
	}
	f.Fuzz(func(t *testing.T, view string, origin, b []byte) {
		z := arbitrary(view, origin, b)
		if z == nil {
			return
		}
		id := z.ID()
		text, err := wholeText(versionHead{}, z)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, err := cutHead(text)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseWhole(id, rest)
		if err != nil || !back.Equal(z) || Digest(back) != Digest(z) {
			t.Fatalf("%s\nread back: %v", text, err)
		}
		bare := arbitrary(view, origin, b[:len(b)/2])
		if bare == nil {
			return
		}
		d := zones.Diff(bare, z)
		text, err = diffText(versionHead{Base: 1}, d)
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, err = cutHead(text); err != nil {
			t.Fatal(err)
		}
		e, err := parseDiff(id, rest)
		if err != nil {
			t.Fatalf("%s\nread back: %v", text, err)
		}
		if back, err = e.Apply(bare); err != nil || !back.Equal(z) {
			t.Fatalf("%s\nmade: %v", text, err)
		}
		s, err := parseSum(Digest(bare))
		if s.apply(d); err != nil || s.String() != Digest(z) || s.String() != slowDigest(z) {
			t.Fatalf("the digest of a change is %s (%v), that of the zone %s", s, err, Digest(z))
		}
		if folder := zoneFolder(id); len(folder) > 255 || !goodName(folder) && view != "" && folder[0] == '.' {
			t.Fatalf("folder %q", folder)
		}
	})
}

// slowDigest is the twin of Digest: long addition, octet by octet.
func slowDigest(z *zones.Zone) string {
	var total [32]byte
	add := func(b []byte) {
		carry := 0
		for i, c := range sha256.Sum256(b) {
			carry += int(total[i]) + int(c)
			total[i], carry = byte(carry), carry>>8
		}
	}
	n := len(z.View())
	add(append(append([]byte{'z', 'o', 'n', 'e', byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, z.View()...), z.Origin().Wire()...))
	for r := range z.Records() {
		b := append([]byte(r.Owner.Wire()), byte(r.Type>>8), byte(r.Type), byte(r.TTL>>24), byte(r.TTL>>16), byte(r.TTL>>8), byte(r.TTL))
		add(append(b, r.Data...))
	}
	return hex.EncodeToString(total[:])
}
