package finding

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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
			if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
				t.Fatalf("the control character %U in %q", r, s)
			}
		}
		if strings.Count(s, "\n") > 2 {
			t.Fatalf("%d lines", strings.Count(s, "\n"))
		}
	})
}
