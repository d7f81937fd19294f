package finding

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// TestString holds the form that people read: the place, the severity, what
// was found, what to do, the id, and the line with a mark under the column.
func TestString(t *testing.T) {
	at := zones.Place{File: "a.zone", Line: 3, Column: 5}
	for want, f := range map[string]Finding{
		"note: x": {Found: "x"},
		"a.zone:3:5: error: x; do y [Z-A]\n    www A\n        ^": {ID: "Z-A", Severity: Error, At: at, Line: "www A", Found: "x", Mend: "do y"},
		"a.zone:3:5: blocking: x [Z-A]":                          {ID: "Z-A", Severity: Block, At: at, Found: "x"},
		"a.zone:3:5: warning: x [Z-A]\n    a\tb\tA\n     \t \t^": {ID: "Z-A", Severity: Warning, At: at, Line: "a\tb\tA", Found: "x"},
		"a.zone:3:5: note: x [Z-A]\n    ếộ A\n        ^":         {ID: "Z-A", At: at, Line: "ếộ A", Found: "x"},
		"a.zone: note: x":             {At: zones.Place{File: "a.zone"}, Found: "x"},
		"a.zone:3: note: x\n    line": {At: zones.Place{File: "a.zone", Line: 3}, Line: "line", Found: "x"},
		"a.zone:3:5: note: x\n    \ufffd[2J\ufffd\ufffd\n        ^": {At: at, Line: "\x1b[2J\xff\u009b", Found: "x"},
	} {
		if got := f.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		var e error = f
		if e.Error() != want {
			t.Error("Error is not String")
		}
		var back Finding
		if !errors.As(fmt.Errorf("wrapped: %w", e), &back) || back.Found != f.Found {
			t.Error("a finding is lost in an error")
		}
	}
}

func TestSeverity(t *testing.T) {
	order := []Severity{Note, Warning, Error, Block}
	if !slices.IsSorted(order) || Severity(0) != Note {
		t.Error("the order of severities")
	}
	for i, s := range order {
		fs := []Finding{{Severity: Note}, {Severity: s}, {Severity: Note}}
		if Worst(fs) != s || Failed(fs) != (i >= 2) {
			t.Errorf("%v: worst %v, failed %v", s, Worst(fs), Failed(fs))
		}
	}
	if Worst(nil) != Note || Failed(nil) {
		t.Error("nothing is something")
	}
	_ = Severity(9).String()
}

// TestSort: by file, line, column, id; what is equal keeps its order.
func TestSort(t *testing.T) {
	var fs []Finding
	for _, file := range []string{"", "a", "b"} {
		for line := range 3 {
			for col := range 2 {
				for _, id := range []string{"A", "B"} {
					fs = append(fs, Finding{ID: id, At: zones.Place{File: file, Line: line, Column: col}, Found: "1"}, Finding{ID: id, At: zones.Place{File: file, Line: line, Column: col}, Found: "2"})
				}
			}
		}
	}
	got := slices.Clone(fs)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	once := slices.Clone(got)
	Sort(got)
	for i, f := range got {
		if f.ID != fs[i].ID || f.At != fs[i].At {
			t.Fatalf("%d: %v, want %v", i, f, fs[i])
		}
	}
	for i := 0; i < len(got); i += 2 { // the pair stands as it came
		if before := func(x Finding) int {
			return slices.IndexFunc(once, func(y Finding) bool { return x.ID == y.ID && x.At == y.At && x.Found == y.Found })
		}; before(got[i]) > before(got[i+1]) {
			t.Fatalf("%v and %v changed places", got[i], got[i+1])
		}
	}
}

// TestMark: the caret stands under its column as a terminal shows the line,
// whatever stands before it.
func TestMark(t *testing.T) {
	for _, c := range []struct {
		what, line string
		column     int
		shown      string
		mark       string
	}{
		{"the first column", "abc", 1, "abc", "^"},
		{"composed", "\u1ebf\u1ed9 A", 4, "\u1ebf\u1ed9 A", "   ^"},
		{"decomposed", "e\u0302\u0301o\u0323\u0302 A", 8, "e\u0302\u0301o\u0323\u0302 A", "   ^"},
		{"an enclosing mark", "1\u20dd A", 4, "1\u20dd A", "  ^"},
		{"tabs", "\tw\t\tA", 5, "\tw\t\tA", "\t \t\t^"},
		{"tabs and marks", "o\u0302\tA", 4, "o\u0302\tA", " \t^"},
		{"octets of no UTF-8 in a row", "g\xec\xe0\xf2 A", 6, "g\ufffd\ufffd\ufffd A", "     ^"},
		{"a character cut short", "\xe1\xba A", 4, "\ufffd\ufffd A", "   ^"},
		{"unseen", "a\u200b\ufeff\u00adb", 5, "a\ufffd\ufffd\ufffdb", "    ^"},
		{"the direction turned", "a\u202ecod\u2066.b", 8, "a\ufffdcod\ufffd.b", "       ^"},
		{"lines of Unicode", "a\u2028\u2029\u0085b", 5, "a\ufffd\ufffd\ufffdb", "    ^"},
		{"a space that does not break", "a\u00a0b", 3, "a\u00a0b", "  ^"},
		{"beyond the end", "ab", 9, "ab", "  ^"},
	} {
		f := Finding{Found: "x", Line: c.line, At: zones.Place{File: "f", Line: 1, Column: c.column}}
		if want := fmt.Sprintf("f:1:%d: note: x\n    %s\n    %s", c.column, c.shown, c.mark); f.String() != want {
			t.Errorf("%s: %q, want %q", c.what, f.String(), want)
		}
	}
}

// TestMarkTwin: what stands before the caret is as wide as what stands before
// its column in the line shown, counted cell by cell.
func TestMarkTwin(t *testing.T) {
	cell := rapid.SampledFrom([]string{"a", " ", "\t", "\u1ebf", "e\u0302\u0301", "o\u0323", "\xff", "\xe1\xba", "\x1b", "\u200b", "\u2028", "\u00a0"})
	width := func(s string) (cells int) {
		for _, r := range s {
			switch {
			case r == '\t':
				cells += 8 - cells%8
			case !strings.ContainsRune("\u0301\u0302\u0323", r):
				cells++
			}
		}
		return cells
	}
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Join(rapid.SliceOfN(cell, 0, 8).Draw(t, "before"), "")
		f := Finding{Found: "x", Line: before + "A", At: zones.Place{Line: 1, Column: utf8.RuneCountInString(before) + 1}}
		lines := strings.Split(f.String(), "\n")
		shown, mark := lines[1], lines[2]
		if len(lines) != 3 || width(strings.TrimSuffix(shown, "A")) != width(strings.TrimSuffix(mark, "^")) {
			t.Fatalf("%q", lines)
		}
	})
}

// FuzzString: no line, no column makes a message that is not text, that has
// control characters of the line, or that is without bounds.
func FuzzString(f *testing.F) {
	f.Add("www A 192.0.2.1", 5)
	f.Add("\t\xff\x1b[2J", -1)
	f.Add("", 1<<30)
	f.Fuzz(func(t *testing.T, line string, column int) {
		s := Finding{ID: "Z-A", At: zones.Place{File: "f", Line: 1, Column: column}, Line: line, Found: "x"}.String()
		if !utf8.ValidString(s) || len(s) > 200+8*len(line) {
			t.Fatalf("%d octets of %d, valid %v", len(s), len(line), utf8.ValidString(s))
		}
		for _, r := range s {
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
				t.Fatalf("the control character %U in %q", r, s)
			}
		}
		if strings.Count(s, "\n") > 2 {
			t.Fatalf("%d lines", strings.Count(s, "\n"))
		}
	})
}
