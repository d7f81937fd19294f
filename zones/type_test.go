package zones

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// TestTypeNames holds the table of mnemonics against that of miekg/dns, which
// lacks two of the IANA table.
func TestTypeNames(t *testing.T) {
	lacking := map[Type]string{11: "WKS" /* RFC 1035 3.2.2 */, 22: "NSAP" /* RFC 1706 */}
	met := 0
	for i := range 1 << 16 {
		ours := Type(i).String()
		theirs := dns.TypeToString[uint16(i)] + lacking[Type(i)]
		if strings.HasPrefix(ours, "TYPE") {
			continue // RFC 3597 5: any type may be written so
		}
		met++
		if ours != theirs {
			t.Errorf("%d is %s here, want %q", i, ours, theirs)
		}
	}
	if met != len(typeNames) || met < 70 {
		t.Errorf("%d of %d mnemonics compared", met, len(typeNames))
	}
	if got := Type(65400).String(); got != "TYPE65400" {
		t.Errorf("type 65400 is %s", got)
	}
}

// TestTypeCase: ASCII letters of a mnemonic may be small; a letter of which
// Unicode says that it has an ASCII capital is another one.
func TestTypeCase(t *testing.T) {
	for _, text := range []string{"\u017foa", "\u017fRV", "m\u0131nfo", "M\u0131NFO", "n\u017f", "TYPE\uff11", "ty\u217ee1"} {
		if got, ok := ParseType(text); ok {
			t.Fatalf("%q is taken for %v", text, got)
		}
	}
	for want, name := range typeNames {
		if got, ok := ParseType(strings.ToLower(name)); !ok || got != want {
			t.Fatalf("%s in small letters is %v, %v", name, got, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := Type(rapid.Uint16().Draw(t, "type"))
		if rapid.Bool().Draw(t, "known") {
			want = rapid.SampledFrom([]Type{TypeA, TypeSOA, TypeNSEC3PARAM, TypeTLSA, TypeIPSECKEY}).Draw(t, "which")
		}
		text := []byte(want.String())
		for i := range text {
			if rapid.Bool().Draw(t, "small") {
				text[i] = lowered(text[i : i+1])[0]
			}
		}
		if got, ok := ParseType(string(text)); !ok || got != want {
			t.Fatalf("%s is %v, %v", text, got, ok)
		}
	})
}

// TestTypeKinds: RFC 6895 3.1 gives 128 to 255 to questions and meta types,
// and calls OPT (41) a meta type as well; all else is data.
func TestTypeKinds(t *testing.T) {
	no := []Type{0, TypeOPT}
	for i := Type(128); i <= 255; i++ {
		no = append(no, i)
	}
	for i := range 1 << 16 {
		if want := !slices.Contains(no, Type(i)); Type(i).IsData() != want {
			t.Errorf("%v is data: %v", Type(i), !want)
		}
	}
	// RFC 4034, 5155, 7344, 8976; 2535 before them. A DS is the parent's word
	// about a child and may be carried.
	signing := []string{"CDNSKEY", "CDS", "DNSKEY", "KEY", "NSEC", "NSEC3", "NSEC3PARAM", "NXT", "RRSIG", "SIG", "ZONEMD"}
	var got []string
	for i := range 1 << 16 {
		if Type(i).IsDNSSEC() {
			got = append(got, Type(i).String())
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, signing) {
		t.Errorf("signing types: %v", got)
	}
}
