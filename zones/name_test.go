package zones

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// genName draws names with few labels of few letters, so that they meet, and
// now and then labels of any octets and names near the limits.
func genName() *rapid.Generator[Name] {
	label := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b", "ab", "*", "vn", "A", "@", "a.b", "\x00", "z\xff"}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, MaxLabel), func(b []byte) string { return string(b) }),
	)
	return rapid.Custom(func(t *rapid.T) Name {
		n := Root()
		for range rapid.IntRange(0, 6).Draw(t, "labels") {
			if c, err := n.Child(label.Draw(t, "label")); err == nil {
				n = c
			}
		}
		return n
	})
}

// labels is the obvious reading of a name's wire form, leftmost first.
func labels(n Name) (out []string) {
	for w := n.Wire(); w[0] != 0; w = w[1+w[0]:] {
		out = append(out, w[1:1+w[0]])
	}
	return out
}

// compare is RFC 4034 6.1 word for word; a Name is in lower case already.
func compare(a, b Name) int {
	x, y := labels(a), labels(b)
	slices.Reverse(x)
	slices.Reverse(y)
	for i := 0; ; i++ {
		switch {
		case i == len(x) && i == len(y):
			return 0
		case i == len(x):
			return -1
		case i == len(y):
			return 1
		}
		if c := bytes.Compare([]byte(x[i]), []byte(y[i])); c != 0 {
			return c
		}
	}
}

// ascii keeps strings.EqualFold from touching octets above 127: each becomes
// two characters that no case changes.
func ascii(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < 0x80 {
			b.WriteByte(c)
		} else {
			b.WriteString("\x7f" + string(rune(c-0x80)))
		}
	}
	return b.String()
}

// TestCanonicalOrder is the list of RFC 4034 6.1, "z" in the place of Z.
func TestCanonicalOrder(t *testing.T) {
	want := []string{"example", "a.example", "yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE", "z.example", `\001.z.example`, "*.z.example", `\200.z.example`}
	for i := range want {
		for j := range want {
			a, b := MustName(want[i]), MustName(want[j])
			if got := a.Compare(b); sign(got) != sign(i-j) {
				t.Errorf("%s against %s: %d", want[i], want[j], got)
			}
		}
	}
	if (Name{}).Compare(Root()) >= 0 || Root().Compare(Name{}) <= 0 || (Name{}).Compare(Name{}) != 0 {
		t.Error("the zero name is not the first")
	}
}

func sign(i int) int { return max(-1, min(1, i)) }

func TestNameOrderLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := genName().Draw(t, "a"), genName().Draw(t, "b"), genName().Draw(t, "c")
		if sign(a.Compare(b)) != -sign(b.Compare(a)) || (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%v against %v: %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%v <= %v <= %v, and not the first and the last", a, b, c)
		}
		if up, ok := a.Parent(); ok && up.Compare(a) >= 0 {
			t.Fatalf("%v does not stand before %v", up, a)
		}
	})
}

func TestCompareTwin(t *testing.T) {
	small := rapid.Custom(func(t *rapid.T) Name {
		n := Root()
		for range rapid.IntRange(0, 4).Draw(t, "labels") {
			n, _ = n.Child(rapid.StringMatching(`[a-cA-C\-*\x00]{1,3}`).Draw(t, "label"))
		}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.OneOf(small, genName())
		a, b := g.Draw(t, "a"), g.Draw(t, "b")
		if got, want := sign(a.Compare(b)), compare(a, b); got != want {
			t.Fatalf("%v against %v: %d, want %d", a, b, got, want)
		}
	})
}

// TestNameForms: the text form, the wire form and the name are one.
func TestNameForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := genName().Draw(t, "n")
		for _, text := range []string{n.String(), n.Text()} {
			if m, err := ParseName(text); err != nil || m != n {
				t.Fatalf("%q reads as %v, %v; want %v", text, m, err, n)
			}
		}
		m, used, err := NameFromWire([]byte(n.Wire() + "rest"))
		if err != nil || m != n || used != len(n.Wire()) {
			t.Fatalf("the wire of %v reads as %v, %d octets, %v", n, m, used, err)
		}
		if m, err := ParseName(strings.ToUpper(n.String())); err != nil || m != n {
			t.Fatalf("in capitals %v is %v (%v)", n, m, err)
		}
		origin := genName().Draw(t, "origin")
		if m, err := ParseNameIn(n.In(origin), origin); err != nil || m != n {
			t.Fatalf("%v in %v is written %q, which reads as %v (%v)", n, origin, n.In(origin), m, err)
		}
		if want := len(labels(n)); n.Labels() != want {
			t.Fatalf("%v has %d labels, want %d", n, n.Labels(), want)
		}
		if want := len(labels(n)) > 0 && labels(n)[0] == "*"; n.IsWildcard() != want {
			t.Fatalf("%v a wildcard: %v", n, !want)
		}
	})
}

// TestNameAgainstMiekg holds the wire form against that of miekg/dns, which
// keeps letter case.
func TestNameAgainstMiekg(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := genName().Draw(t, "n")
		buf := make([]byte, 300)
		end, err := dns.PackDomainName(n.String(), buf, 0, nil, false)
		if err != nil || string(buf[:end]) != n.Wire() {
			t.Fatalf("%v packs as %q (%v), want %q", n, buf[:end], err, n.Wire())
		}
	})
}

func TestParseNameErrors(t *testing.T) {
	long := strings.Repeat("a", 63)
	most := long + "." + long + "." + long + "." + strings.Repeat("b", 61) // 255 octets on the wire
	for _, c := range []struct {
		text string
		want error
	}{
		{"", ErrNameEmpty},
		{".a", ErrLabelEmpty},
		{"a..b", ErrLabelEmpty},
		{"..", ErrLabelEmpty},
		{long + "a", ErrLabelLong},
		{"x." + long + "a.y", ErrLabelLong},
		{most, nil},
		{most + ".", nil},
		{most + "b", ErrNameLong},
		{most + "b.", ErrNameLong},
		{most + ".c", ErrNameLong},
		{`a\`, ErrEscape},
		{`a\25`, ErrEscape},
		{`a\256`, ErrEscape},
		{`a\2x5`, ErrEscape},
		{`a\255b`, nil},
		{".", nil},
		{"vn", nil},
		{`\.`, nil},
		{"ân.vn", nil},
	} {
		n, err := ParseName(c.text)
		if !errors.Is(err, c.want) || (err == nil) == n.IsZero() {
			t.Errorf("%q: %v, %v, want %v", c.text, n, err, c.want)
		}
	}
	if _, err := ParseNameIn("a", Name{}); !errors.Is(err, ErrNameRelative) {
		t.Errorf("a relative name without an origin: %v", err)
	}
	for text, want := range map[string]string{
		`\097.vn.`: "a.vn.", `A.VN`: "a.vn.", `a\.b.vn`: `a\.b.vn.`, `\@.vn`: `\@.vn.`, "ế.vn": `\225\186\191.vn.`, `a\000b`: `a\000b.`, "a\x7fb": `a\127b.`,
	} {
		if n, err := ParseName(text); err != nil || n.String() != want {
			t.Errorf("%q is %v (%v), want %s", text, n, err, want)
		}
	}
	if MustName("a.vn") != MustName(`\097.VN.`) {
		t.Error("one name in two spellings is two")
	}
}

// TestWithin holds Within, Below, Rebase and Child against lists of labels.
func TestWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := genName().Draw(t, "base")
		n := genName().Draw(t, "n")
		if rapid.Bool().Draw(t, "inside") {
			if m, err := n.Rebase(Root(), base); err == nil {
				n = m
			}
		}
		x, y := labels(n), labels(base)
		want := len(x) >= len(y) && slices.Equal(x[len(x)-min(len(x), len(y)):], y)
		if n.Within(base) != want || n.Below(base) != (want && n != base) {
			t.Fatalf("%v within %v: %v, want %v", n, base, n.Within(base), want)
		}
		to := genName().Draw(t, "to")
		m, err := n.Rebase(base, to)
		head := x[:max(0, len(x)-len(y))]
		octets := len(to.Wire())
		for _, l := range head {
			octets += 1 + len(l)
		}
		switch {
		case !want:
			if !errors.Is(err, ErrNotInSuffix) {
				t.Fatalf("%v is not within %v: %v", n, base, err)
			}
		case octets > MaxName:
			if !errors.Is(err, ErrNameLong) {
				t.Fatalf("%d octets: %v", octets, err)
			}
		default:
			if err != nil || !slices.Equal(labels(m), slices.Concat(head, labels(to))) {
				t.Fatalf("%v from %v to %v is %v (%v)", n, base, to, m, err)
			}
			if back, err := m.Rebase(to, base); err != nil || back != n {
				t.Fatalf("%v goes to %v and comes back as %v (%v)", n, m, back, err)
			}
		}
	})
	for _, c := range []struct {
		n, suffix string
		want      bool
	}{
		{"xbinhdinh.gov.vn", "binhdinh.gov.vn", false}, // the letters end alike, the labels do not
		{"mail.binhdinh.gov.vn", "binhdinh.gov.vn", true}, {"binhdinh.gov.vn", "binhdinh.gov.vn", true}, {"gov.vn", "binhdinh.gov.vn", false}, {"a", ".", true},
	} {
		if MustName(c.n).Within(MustName(c.suffix)) != c.want {
			t.Errorf("%s within %s: want %v", c.n, c.suffix, c.want)
		}
	}
	// The octets of a label may look like a length and a suffix.
	trick, _ := Root().Child("a\x02vn")
	if trick.Within(MustName("vn")) {
		t.Errorf("%v within vn", trick)
	}
	// 255 octets fit, 256 do not.
	long := strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "."
	for tail, want := range map[int]error{61: nil, 62: ErrNameLong} {
		to := MustName(strings.Repeat("d", tail))
		if _, err := MustName(long+"x").Rebase(MustName("x"), to); !errors.Is(err, want) {
			t.Errorf("%d octets: %v, want %v", 3*64+tail+2, err, want)
		}
		wire := strings.ReplaceAll(MustName(long).Wire(), "\x00", "") + to.Wire()
		if _, _, err := NameFromWire([]byte(wire)); !errors.Is(err, want) {
			t.Errorf("%d octets on the wire: %v, want %v", len(wire), err, want)
		}
	}
	if (Name{}).Within(Root()) || Root().Within(Name{}) {
		t.Error("the zero name lies somewhere")
	}
}

func TestParentChild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := genName().Draw(t, "n")
		label := string(rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "label"))
		c, err := n.Child(label)
		switch {
		case label == "":
			if !errors.Is(err, ErrLabelEmpty) {
				t.Fatal(err)
			}
		case len(label) > MaxLabel:
			if !errors.Is(err, ErrLabelLong) {
				t.Fatal(err)
			}
		case len(n.Wire())+1+len(label) > MaxName:
			if !errors.Is(err, ErrNameLong) {
				t.Fatal(err)
			}
		default:
			up, ok := c.Parent()
			if err != nil || !ok || up != n || !strings.EqualFold(ascii(c.First()), ascii(label)) {
				t.Fatalf("%v with %q is %v (%v), its parent %v", n, label, c, err, up)
			}
		}
	})
	if _, ok := Root().Parent(); ok {
		t.Error("the root has a parent")
	}
	if _, ok := (Name{}).Parent(); ok {
		t.Error("the zero name has a parent")
	}
}

// FuzzParseName: what is read prints and reads back as itself, on the wire
// too, and is what readName and miekg/dns read; what is not read says why.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{"mail.binhdinh.gov.vn", "@", ".", "", `a\.b\032c.vn.`, "*.x", strings.Repeat("a.", 127), strings.Repeat("a", 64), `\256`, "ế.vn", "..", "a..b"} {
		f.Add(s)
	}
	origin := MustName("binhdinh.gov.vn")
	f.Fuzz(func(t *testing.T, s string) {
		againstTwins(t, s, origin)
		againstTwins(t, s, Root())
		n, err := ParseNameIn(s, origin)
		if err != nil {
			if !n.IsZero() {
				t.Fatalf("%q: %v and a name", s, err)
			}
			return
		}
		if len(n.Wire()) > MaxName {
			t.Fatalf("%q has %d octets", s, len(n.Wire()))
		}
		if m, err := ParseName(n.String()); err != nil || m != n {
			t.Fatalf("%q is %v, which reads as %v (%v)", s, n, m, err)
		}
		if m, used, err := NameFromWire([]byte(n.Wire())); err != nil || m != n || used != len(n.Wire()) {
			t.Fatalf("%q: the wire reads as %v (%v)", s, m, err)
		}
	})
}

// FuzzNameFromWire: no octets panic; what is taken is a name of at most 255
// octets, its own wire form but for capitals, and miekg/dns takes it too.
func FuzzNameFromWire(f *testing.F) {
	for _, s := range []string{"\x00", "\x01a\x00", "\x01A\x02vn\x00rest", "\xc0\x00", "\x40" + strings.Repeat("a", 64) + "\x00", "\x3f", "", strings.Repeat("\x01a", 127) + "\x00", strings.Repeat("\x01a", 128) + "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := fmt.Sprintf("%x", b)
		n, used, err := NameFromWire(b)
		if m, k, e := NameIn(string(b)); m != n || k != used || e != err {
			t.Fatalf("NameIn: %v, %d, %v; NameFromWire: %v, %d, %v", m, k, e, n, used, err)
		}
		if fmt.Sprintf("%x", b) != before {
			t.Fatal("the octets were changed")
		}
		if err != nil {
			if !n.IsZero() || used != 0 {
				t.Fatalf("%v, and %v, %d octets", err, n, used)
			}
			// What is refused is no plain name: one that miekg/dns reads
			// without following a pointer is read here.
			if text, end, err := dns.UnpackDomainName(b, 0); err == nil && plainWire(b, end) {
				t.Fatalf("refused %x, which is %s", b, text)
			}
			return
		}
		if used > MaxName || used != len(n.Wire()) || !bytes.Equal(lowered(b[:used]), []byte(n.Wire())) {
			t.Fatalf("%x reads as %x, %d octets", b, n.Wire(), used)
		}
		if _, end, err := dns.UnpackDomainName(b, 0); err != nil || end != used {
			t.Fatalf("miekg/dns reads %d octets of %x (%v)", end, b, err)
		}
	})
}

func lowered(b []byte) []byte {
	out := slices.Clone(b)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 32
		}
	}
	return out
}

// plainWire tells whether the octets up to end hold no compression pointer.
func plainWire(b []byte, end int) bool {
	for i := 0; i < end; i += 1 + int(b[i]) {
		if b[i] >= 0xc0 {
			return false
		}
		if b[i] == 0 {
			return i == end-1
		}
	}
	return false
}

// TestParseNameNoOrigin: "@" means an origin, and ParseName has none.
func TestParseNameNoOrigin(t *testing.T) {
	if n, err := ParseName("@"); !errors.Is(err, ErrNameRelative) || !n.IsZero() {
		t.Errorf("@ is %v (%v)", n, err)
	}
	if n, err := ParseName(`\@`); err != nil || n.First() != "@" {
		t.Errorf(`\@ is %v (%v)`, n, err)
	}
}
