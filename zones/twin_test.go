package zones

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// element is one character of a name's text, escaped or not (RFC 1035 5.1).
var element = regexp.MustCompile(`(?s)\\[0-9]{3}|\\[^0-9]|[^\\]`)

// readName is the slow reading of a name's text: cut it into characters, these
// into labels, then count. It gives the labels, leftmost first.
func readName(text string, origin Name) ([]string, bool) {
	switch {
	case text == "":
		return nil, false
	case text == ".":
		return nil, true
	case text == "@" && origin.IsZero():
		return nil, false
	case text == "@":
		return labels(origin), true
	}
	all := element.FindAllString(text, -1)
	if strings.Join(all, "") != text {
		return nil, false // an escape without its octet
	}
	read := []string{""}
	for _, e := range all {
		switch {
		case e == ".":
			read = append(read, "")
			continue
		case e[0] == '\\' && '0' <= e[1] && e[1] <= '9':
			v, _ := strconv.Atoi(e[1:])
			if v > 255 {
				return nil, false
			}
			e = string([]byte{byte(v)})
		case e[0] == '\\':
			e = e[1:]
		}
		read[len(read)-1] += string(lowered([]byte(e)))
	}
	if last := len(read) - 1; read[last] == "" {
		read = read[:last]
	} else if origin.IsZero() {
		return nil, false
	} else {
		read = append(read, labels(origin)...)
	}
	octets := 1
	for _, l := range read {
		if l == "" || len(l) > MaxLabel {
			return nil, false
		}
		octets += 1 + len(l)
	}
	return read, octets <= MaxName
}

// genText draws texts of names, good and bad, with labels near their limit so
// that four of them reach that of the name.
func genText() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "B", "vn", "*", "@", "ế", "É", "\xff", "\x00", " ", `\.`, `\\`, `\"`, `\A`, `\000`, `\065`, `\255`, `\256`, `\999`, `\1`, `\12`, `\`, "1", "9"}),
		rapid.Just("."), rapid.Just("."),
		rapid.Map(rapid.SampledFrom([]int{59, 60, 61, 62, 63, 64}), func(n int) string { return strings.Repeat("x", n) + "." }),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 9), func(p []string) string { return strings.Join(p, "") })
}

// againstTwins holds the reading of one text against readName and, where both
// take it, against miekg/dns.
func againstTwins(t interface{ Fatalf(string, ...any) }, text string, origin Name) {
	n, err := ParseNameIn(text, origin)
	want, ok := readName(text, origin)
	if (err == nil) != ok {
		t.Fatalf("%q in %v is %v (%v); want %q, taken %v", text, origin, n, err, want, ok)
	}
	if err != nil {
		return
	}
	if !slices.Equal(labels(n), want) {
		t.Fatalf("%q in %v is %q, want %q", text, origin, labels(n), want)
	}
	if text == "@" || !origin.IsRoot() && !dns.IsFqdn(text) {
		return // miekg/dns knows no origin here
	}
	if trimmed := strings.TrimRight(strings.TrimSuffix(text, "."), `\`); trimmed != "" && trimmed[len(trimmed)-1] >= 0x80 {
		return // its IsFqdn counts backslashes from where a character of several octets begins
	}
	buf := make([]byte, 300)
	if end, err := dns.PackDomainName(dns.Fqdn(text), buf, 0, nil, false); err != nil || string(lowered(buf[:end])) != n.Wire() {
		t.Fatalf("%q packs as %q (%v), want %q", text, buf[:end], err, n.Wire())
	}
}

func TestParseNameTwin(t *testing.T) {
	taken, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := genText().Draw(t, "text")
		origin := rapid.SampledFrom([]Name{{}, Root(), MustName("x.vn")}).Draw(t, "origin")
		if _, ok := readName(text, origin); ok {
			taken++
		} else {
			refused++
		}
		againstTwins(t, text, origin)
	})
	if taken == 0 || refused == 0 {
		t.Errorf("%d texts taken, %d refused: one side was never met", taken, refused)
	}
}

// TestNameLimits walks over both limits of RFC 1035 2.3.4, in text with and
// without the final dot, relative, escaped, as a child and on the wire.
func TestNameLimits(t *testing.T) {
	rest := strings.Repeat(strings.Repeat("r", 63)+".", 3) // 192 octets on the wire
	for size := 1; size <= 70; size++ {
		for _, tail := range []string{"", rest, "x." + rest, "x.y." + rest} {
			label := strings.Repeat("a", size)
			octets := 1 + size + 1
			for _, l := range strings.Split(strings.TrimSuffix(tail, "."), ".") {
				if l != "" {
					octets += 1 + len(l)
				}
			}
			var want error
			switch {
			case size > MaxLabel:
				want = ErrLabelLong
			case octets > MaxName:
				want = ErrNameLong
			}
			wire := string(rune(size)) + label
			up := Root()
			if tail != "" {
				up = MustName(tail)
			}
			_, absolute := ParseName(label + "." + tail)
			_, dotless := ParseName(strings.TrimSuffix(label+"."+tail, "."))
			_, relative := ParseNameIn(label, up)
			_, escaped := ParseNameIn(strings.Repeat(`\097`, size), up)
			_, child := up.Child(label)
			_, _, onWire := NameFromWire([]byte(wire + up.Wire()))
			for how, got := range map[string]error{"absolute": absolute, "without the dot": dotless, "relative": relative, "escaped": escaped, "child": child} {
				// A text may be over both limits: either is named.
				if !errors.Is(got, want) && !(want != nil && octets > MaxName && errors.Is(got, ErrNameLong)) {
					t.Errorf("a label of %d octets, a name of %d, %s: %v, want %v", size, octets, how, got, want)
				}
			}
			if (onWire == nil) != (want == nil) {
				t.Errorf("a label of %d octets, a name of %d, on the wire: %v, want %v", size, octets, onWire, want)
			}
		}
	}
	most := strings.Repeat("a.", 127)
	if n := MustName(most); n.Labels() != 127 || len(n.Wire()) != MaxName || n.Compare(MustName(most[2:])) <= 0 {
		t.Errorf("127 labels: %v", n)
	}
	for text, want := range map[string]error{most + "a": ErrNameLong, most + "a.": ErrNameLong, most + `\`: ErrEscape} {
		if _, err := ParseName(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// TestNameCase: ASCII letters alone have no case (RFC 4343 3); no other octet
// is ever folded, neither what Unicode calls a capital nor what Latin-1 does.
func TestNameCase(t *testing.T) {
	for c := range 256 {
		for d := range 256 {
			a, b := string([]byte{byte(c)}), string([]byte{byte(d)})
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			want := c == d || letter && c|0x20 == d|0x20
			x, err := Root().Child(a)
			y, err2 := Root().Child(b)
			if err != nil || err2 != nil || (x == y) != want || (x.Compare(y) == 0) != want {
				t.Fatalf("%q and %q are one name: %v, want %v", a, b, x == y, want)
			}
			wx, _, _ := NameFromWire([]byte("\x01" + a + "\x00"))
			if wx != x {
				t.Fatalf("%q is %v on the wire and %v as a label", a, wx, x)
			}
		}
	}
	for _, pair := range [][2]string{{"É", "é"}, {"Đ", "đ"}, {"\u212a", "k"}, {"\u017f", "s"}, {"\xc9", "\xe9"}, {"ế", "e\u0302\u0301"}} {
		if MustName(pair[0]) == MustName(pair[1]) {
			t.Errorf("%q and %q are one name", pair[0], pair[1])
		}
	}
	if got := MustName("PhúQuý.VN"); labels(got)[0] != "phúquý" {
		t.Errorf("octets above 127 were not kept: %q", labels(got))
	}
}

// TestNameText: a name's text is printable ASCII and can stand in a master
// file: nothing in it ends a word or begins a comment or a directive.
func TestNameText(t *testing.T) {
	for c := range 256 {
		n, err := MustName("x.vn").Child(string([]byte{byte(c)}))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{n.String(), n.Text(), n.In(MustName("x.vn"))} {
			plain := strings.NewReplacer(`\\`, "", `\"`, "", `\;`, "", `\(`, "", `\)`, "", `\@`, "", `\$`, "").Replace(text)
			if strings.ContainsAny(plain, "\";()@$ \t\r\n") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("octet %d is written %q", c, text)
			}
		}
	}
	for _, c := range []struct{ n, origin, want string }{
		{"x.vn", "x.vn", "@"},
		{"a.b.x.vn", "x.vn", "a.b"},
		{"xx.vn", "x.vn", "xx.vn."},
		{"vn", "x.vn", "vn."},
		{"a", ".", "a."},
		{".", ".", "@"},
		{`\@.x.vn`, "x.vn", `\@`},
		{`a\.b.x.vn`, "x.vn", `a\.b`},
		{"*.x.vn", "x.vn", "*"},
	} {
		if got := MustName(c.n).In(MustName(c.origin)); got != c.want {
			t.Errorf("%s in %s is written %q, want %q", c.n, c.origin, got, c.want)
		}
	}
	if got := MustName("x.vn").In(Name{}); got != "x.vn." {
		t.Errorf("without an origin: %q", got)
	}
	if (Name{}).String() != "<invalid name>" || Root().Text() != "." || Root().First() != "" || (Name{}).First() != "" || MustName(`a\.b.vn`).First() != "a.b" {
		t.Error("the zero name, the root, the first label")
	}
}

func TestMustName(t *testing.T) {
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, `"a..b"`) {
			t.Errorf("panic says %q", s)
		}
	}()
	MustName("a..b")
}
