package rdata

import (
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

func seedData(f *testing.F, origin zones.Name) {
	for typ, texts := range samples {
		for _, text := range texts {
			if d, err := Parse(typ, text, origin); err == nil {
				f.Add(uint16(typ), []byte(d))
			}
		}
	}
}

// FuzzText: what is printed reads back to the same octets, for every type.
func FuzzText(f *testing.F) {
	seedData(f, origin)
	f.Add(uint16(zones.TypeHTTPS), []byte("\x00\x01\x00\x00\x01\x00\x03\x02h\"\x00\x02\x00\x00")) // alpn="h\"": a quote at the end of a value
	f.Fuzz(func(t *testing.T, typ uint16, data []byte) {
		ty := zones.Type(typ)
		text := Text(ty, string(data))
		canonical, err := Canonical(ty, data)
		if (err == nil) != (Check(ty, string(data)) == nil) {
			t.Fatalf("Canonical %v, Check %v", err, Check(ty, string(data)))
		}
		if err != nil {
			return
		}
		back, err := Parse(ty, text, zones.Name{})
		if err != nil || back != canonical {
			t.Fatalf("%v %x printed as %s, read back %x (%v), want %x", ty, data, text, back, err, canonical)
		}
	})
}

// FuzzParse: no text panics; what is read is accepted by Check, prints, and
// reads back.
func FuzzParse(f *testing.F) {
	for typ, texts := range samples {
		for _, text := range texts {
			f.Add(uint16(typ), text)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, text string) {
		ty := zones.Type(typ)
		data, err := Parse(ty, text, origin)
		if err != nil {
			return
		}
		if err := Check(ty, data); err != nil {
			t.Fatalf("%v %q gave %x, which Check refuses", ty, text, data)
		}
		back, err := Parse(ty, Text(ty, data), zones.Name{})
		if err != nil || back != data {
			t.Fatalf("%v %q: %x printed as %s, read back %x (%v)", ty, text, data, Text(ty, data), back, err)
		}
	})
}

// FuzzRewrite: the mapping that changes nothing leaves every octet; one that
// moves a suffix moves every name on the wire, and the result is well formed.
func FuzzRewrite(f *testing.F) {
	seedData(f, zones.MustName("binhdinh.gov.vn"))
	f.Fuzz(func(t *testing.T, typ uint16, raw []byte) {
		ty := zones.Type(typ)
		data, err := Canonical(ty, raw)
		if err != nil {
			return
		}
		same, _, err := Rewrite(ty, data, func(n zones.Name, _ Role) (zones.Name, error) { return n, nil })
		if err != nil || same != data {
			t.Fatalf("%v %x became %x (%v) where nothing moves", ty, data, same, err)
		}
		moved, _, err := Rewrite(ty, data, toGialai)
		if err != nil {
			return // a name that grew over 255 octets
		}
		if err := Check(ty, moved); err != nil && len(moved) <= 0xffff {
			t.Fatalf("%v %x became %x, which Check refuses", ty, data, moved)
		}
		before, _ := Names(ty, data)
		after, _ := Names(ty, moved)
		if len(before) != len(after) {
			t.Fatalf("%v: %d names became %d", ty, len(before), len(after))
		}
		for i := range before {
			if want, err := toGialai(before[i].Name, 0); err == nil && after[i].Name != want {
				t.Fatalf("%v: %v became %v, want %v", ty, before[i].Name, after[i].Name, want)
			}
		}
	})
}
