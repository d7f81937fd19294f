package ipam

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestParseBlock(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"10.1.2.3", "10.1.2.3"},
		{" 10.1.2.0/24 ", "10.1.2.0/24"},
		{"10.1.2.0 255.255.255.0", "10.1.2.0/24"},
		{"10.1.2.0/255.255.255.0", "10.1.2.0/24"},
		{"0.0.0.0 0.0.0.0", "0.0.0.0/0"},
		{"10.1.2.3 255.255.255.255", "10.1.2.3"},
		{"10.1.2.10-10.1.2.20", "10.1.2.10-10.1.2.20"},
		{"10.1.2.10 – 20", "10.1.2.10-10.1.2.20"},
		{"10.1.2.0-10.1.2.255", "10.1.2.0/24"}, // BLOCK-KIND
		{"10.1.2.7-7", "10.1.2.7"},
		// RFC 4291, section 2.2: the same address in several spellings.
		{"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
		{"2001:0DB8::/32", "2001:db8::/32"},
		{"2001:db8::1-2001:db8::f", "2001:db8::1-2001:db8::f"},
		{"::13.1.68.3", "::d01:4403"},
		{"::/0", "::/0"},
	} {
		b, err := ParseBlock(c.text)
		if err != nil || b.String() != c.want {
			t.Errorf("ParseBlock(%q) = %v, %v, want %s", c.text, b, err, c.want)
		}
	}
}

// Each mistake of a clerk has a sentence of its own.
func TestParseFaults(t *testing.T) {
	for _, c := range []struct{ text, found, mend string }{
		{"", "nothing is written", "10.1.2.3"},
		{"10100200100", "a spreadsheet drops the dots", "set the cell to text"},
		{"10.1.2", "3 parts", "10.1.2.3"},
		{"10.1.2.256", "256 is above 255", "0 to 255"},
		{"010.1.2.3", "leading zero", "write 10 if"},
		{"10.1.2.000", "leading zero", "write 0 if"},
		{"10.1.2.x", `"x" is no number`, ""},
		{"10.1.2.3/24", "not its start", "write 10.1.2.0/24"},
		{"10.1.2.0/33", "longer than an address", "/0 to /32"},
		{"10.1.2.0/024", "leading zero", ""},
		{"10.1.2.0/-1", "", ""},
		{"10.1.2.0 0.0.0.255", "inverse mask", "write /24"},
		{"10.1.2.0 255.0.255.0", "do not stand together", ""},
		{"10.1.2.0 255.255.255.256", "no network mask", ""},
		{"10.1.2.20-10.1.2.10", "lies before its start", "10.1.2.10-10.1.2.20"},
		{"10.1.2.1-2001:db8::1", "from IPv4 to IPv6", "one family"},
		{"fe80::1%eth0", "zone", "write fe80::1"},
		{"::ffff:10.1.2.3", "IPv6 clothes", "write 10.1.2.3"},
		{"[2001:db8::1]", "brackets", "write 2001:db8::1"},
		{"2001:db8::1::2", "no IPv6 address", "\"::\""},
		{"2001:db8::/129", "longer", "/128"},
	} {
		_, err := ParseBlock(c.text)
		var pe *ParseError
		if !errors.As(err, &pe) || !strings.Contains(pe.Found, c.found) || !strings.Contains(pe.Mend, c.mend) {
			t.Errorf("ParseBlock(%q): %v, want %q and %q", c.text, err, c.found, c.mend)
		}
	}
	var pe *ParseError
	if _, err := ParsePrefix("10.1.2.3/24"); !errors.As(err, &pe) || pe.Offer != netip.MustParsePrefix("10.1.2.0/24") {
		t.Errorf("no offer: %v", err)
	}
	pe.At = Origin{File: "plan.xlsx", Sheet: "WAN", Cell: "B7"}
	if !strings.HasPrefix(pe.Error(), `plan.xlsx:WAN!B7: "10.1.2.3/24": `) {
		t.Errorf("place: %v", pe)
	}
	if got := (Origin{File: "plan.csv", Line: 3, Column: 9}).String(); got != "plan.csv:3:9" {
		t.Errorf("place: %s", got)
	}
}

// Law: what is read prints as a text that reads as the same, and text without
// a bound gives an error, never a panic.
func FuzzParseBlock(f *testing.F) {
	for _, s := range []string{"10.1.2.0/24", "10.1.2.0 255.255.255.0", "10.1.2.10 - 20", "2001:db8::1-2001:db8::f", "::ffff:1.2.3.4", "1/2", "-", "10.1.2.0/255.255.255.0", "0.0.0.0-255.255.255.255"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBlock(s)
		if err != nil {
			var pe *ParseError
			if !errors.As(err, &pe) || pe.Found == "" || pe.Mend == "" || b.IsValid() {
				t.Fatalf("%q: %v %v", s, b, err)
			}
			return
		}
		again, err := ParseBlock(b.String())
		if err != nil || again != b || !b.IsValid() || b.Last().Less(b.First()) {
			t.Fatalf("%q is %v, read again %v, %v", s, b, again, err)
		}
		if p, err := ParsePrefix(s); err == nil {
			if p != p.Masked() || BlockOf(p) != b {
				t.Fatalf("%q: prefix %v, block %v", s, p, b)
			}
		}
	})
}

func TestParseCode(t *testing.T) {
	for _, c := range []struct{ text, want, older string }{
		{"H21", "H21", "000.00.00.H21"},
		{"h21.10", "H21.10", "000.00.10.H21"},
		{"H21.10.05", "H21.10.05", "000.05.10.H21"},
		{"H21.10.05.012", "H21.10.05.012", "012.05.10.H21"},
		{"000.05.10.H21", "H21.10.05", "000.05.10.H21"},
		{"000.00.00.H08", "H08", "000.00.00.H08"},
		{"012.00.10.H08", "H08.10.00.012", "012.00.10.H08"},
		{"G22.A1", "G22.A1", ""},
		{"H21.10.00", "H21.10.00", ""}, // the older form would say H21.10
		{"H21.1.2.3.4", "H21.1.2.3.4", ""},
	} {
		code, err := ParseCode(c.text)
		older, ok := code.Older()
		if err != nil || code.String() != c.want || ok != (c.older != "") || ok && older != c.older {
			t.Errorf("ParseCode(%q) = %v, %v; older %q %v", c.text, code, err, older, ok)
		}
	}
	for _, text := range []string{"", ".", "H21.", ".H21", "H21..10", "H21-10", "Đ21", "21.10", strings.Repeat("H", 36), "000.00.00.000"} {
		if code, err := ParseCode(text); err == nil || !code.IsZero() {
			t.Errorf("ParseCode(%q) = %v, %v", text, code, err)
		}
	}
	a, _ := ParseCode("H21.10")
	b, _ := ParseCode("H21.10.05")
	c, _ := ParseCode("H21.100")
	if !a.Contains(b) || !a.Contains(a) || b.Contains(a) || a.Contains(c) || (Code{}).Contains(a) {
		t.Error("Contains follows groups")
	}
	if p, ok := b.Parent(); !ok || p != a {
		t.Error("Parent")
	}
}

// Law: a code prints as it reads, in both forms.
func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"H21.10.05", "000.05.10.H21", "h08", "000.00.00.H21", "999.99.99.H", "a.b.c.d.e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			return
		}
		if again, err := ParseCode(c.String()); err != nil || again != c || len(c.String()) > MaxCode || c.IsZero() {
			t.Fatalf("%q is %v, read again %v, %v", s, c, again, err)
		}
		if older, ok := c.Older(); ok {
			if again, err := ParseCode(older); err != nil || again != c {
				t.Fatalf("%v is %q in the older form, read again %v, %v", c, older, again, err)
			}
		}
	})
}

func TestParseDate(t *testing.T) {
	for text, want := range map[string]string{"2025-09-01": "2025-09-01", "1/9/2025": "2025-09-01", "01/09/2025": "2025-09-01", "29/2/2024": "2024-02-29"} {
		if d, err := ParseDate(text); err != nil || d.String() != want {
			t.Errorf("ParseDate(%q) = %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "9/31/2025", "29/2/2025", "1/2", "1/9/25", "2025-9", "2025-+9-1", "0000-01-01", "45901"} {
		if d, err := ParseDate(text); err == nil {
			t.Errorf("ParseDate(%q) = %v", text, d)
		}
	}
}

// Law: a date prints as it reads.
func FuzzParseDate(f *testing.F) {
	f.Add("2025-09-01")
	f.Add("1/9/2025")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDate(s); err == nil {
			if again, err := ParseDate(d.String()); err != nil || again != d {
				t.Fatalf("%q is %v, read again %v, %v", s, d, again, err)
			}
		}
	})
}

func TestStatusWays(t *testing.T) {
	// The drawing of Status, written out: from, then what may follow.
	table := map[Status]string{
		Planned:    "planned reserved active released",
		Reserved:   "reserved active released",
		Active:     "active deprecated released",
		Deprecated: "active deprecated released",
		Released:   "released",
		0:          "",
		99:         "",
	}
	for from, want := range table {
		var got []string
		for _, to := range []Status{Planned, Reserved, Active, Deprecated, Released} {
			if from.CanBecome(to) {
				got = append(got, to.String())
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v can become %v, want %s", from, got, want)
		}
	}
	for _, s := range []Status{Planned, Reserved, Active, Deprecated, Released} {
		if got, err := ParseStatus(" " + strings.ToUpper(s.String())); err != nil || got != s {
			t.Errorf("ParseStatus(%v) = %v, %v", s, got, err)
		}
		if s.IsLive() != (s != Released) {
			t.Errorf("IsLive(%v)", s)
		}
	}
	for _, text := range []string{"", "invalid status", "free"} {
		if _, err := ParseStatus(text); err == nil {
			t.Errorf("ParseStatus(%q) is no error", text)
		}
	}
}

func TestParseSpace(t *testing.T) {
	for text, want := range map[string]Space{"TSLCD": "tslcd", " tslcd/vlan-20 ": "tslcd/vlan-20", "a_b.c": "a_b.c"} {
		if s, err := ParseSpace(text); err != nil || s != want {
			t.Errorf("ParseSpace(%q) = %q, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "a b", "mạng", strings.Repeat("a", 64)} {
		if s, err := ParseSpace(text); err == nil {
			t.Errorf("ParseSpace(%q) = %q", text, s)
		}
	}
}
