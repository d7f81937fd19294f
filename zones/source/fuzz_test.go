package source

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// slowTokens cuts a named.conf with patterns, tried in this order.
var slowTokens = []struct {
	kind    kind
	pattern *regexp.Regexp
}{
	{blank, regexp.MustCompile(`^[ \t\r\n]+`)},
	{opening, regexp.MustCompile(`^\{`)},
	{closing, regexp.MustCompile(`^\}`)},
	{semicolon, regexp.MustCompile(`^;`)},
	{comment, regexp.MustCompile(`^(#|//)[^\n]*`)},
	{comment, regexp.MustCompile(`^(?s)/\*.*?\*/`)},
	{cutNote, regexp.MustCompile(`^(?s)/\*.*`)},
	{mark, regexp.MustCompile(`^[!/]`)},
	{quoted, regexp.MustCompile(`^(?s)"([^"\\]|\\.)*"`)},
	{cutString, regexp.MustCompile(`^(?s)".*`)},
	{word, regexp.MustCompile(`^[^ \t\r\n{};"/!#]+`)},
}

func slow(b []byte) (out []token) {
	for at := 0; at < len(b); {
		i := slices.IndexFunc(slowTokens, func(s struct {
			kind    kind
			pattern *regexp.Regexp
		},
		) bool {
			return s.pattern.Match(b[at:])
		})
		t := token{slowTokens[i].kind, at, at + len(slowTokens[i].pattern.Find(b[at:]))}
		if n := len(out); n > 0 && out[n-1].kind == word && t.kind == comment && bytes.HasPrefix(b[at:], []byte("/*")) {
			t.kind = glued
		}
		out = append(out, t)
		at = t.end
	}
	return out
}

// plainly writes the tokens that mean something, each on a line. A file that
// is refused as no text, for an octet in a comment too, stays as it is.
func plainly(b []byte) []byte {
	if bytes.IndexByte(b, 0) >= 0 || bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return b
	}
	out := []byte("\n") // so that no word comes to stand where a byte order mark may
	for _, t := range slow(bytes.TrimPrefix(b, []byte(byteOrderMark))) {
		if t.kind != blank && t.kind != comment {
			out = append(append(out, bytes.TrimPrefix(b, []byte(byteOrderMark))[t.start:t.end]...), '\n')
		}
	}
	return out
}

// FuzzConf holds, of any named.conf with one file beside it that may be
// included or a zone's:
//
//   - COVER: the tokens cover the file, and equal those of the patterns above;
//   - reading twice gives the same; findings are bounded, and each has a place
//     in one of the files;
//   - blanks and comments mean nothing: what has no error has none and means the
//     same with each token on a line of its own;
//   - WHOLE: a zone is given exactly where there is no error.
func FuzzConf(f *testing.F) {
	beside := []string{"", qvn, "type master", phucat, "include \"a\";", "include \"named.conf\";", "# \x00 no text\n", "\xff\xfe", "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n$INCLUDE a\n"}
	add := func(conf []byte) {
		for _, b := range beside {
			f.Add(conf, []byte(b))
		}
	}
	filepath.WalkDir("testdata", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(name, "conf") {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			add(b)
		}
		return err
	})
	for _, s := range []string{
		`include "a";`, `include "a";;`, `include "*";`, `zone "q.vn" { type master; file "a"; };`,
		`zone "q.vn" { include "a"; file "a"; };`, `view a { include "a"; }; view b { zone "q.vn" { in-view a; }; };`,
		`options { directory "/"; }; zone "q.vn" { type slave; file "/x/a"; journal "a"; };`,
		"\xef\xbb\xbfzone q.vn/* c */{ type/**/master; };", `"a\"b\\" /* cut`, `/*/ " /*/ ' !{ // }`, `zone "q.vn" { type master; file "a`,
		"a{a{a{}}};;};", "zone\x80\xff \"\x80\";\r", "zone a/*", "a!b/c#d//e\n", "\t\xff\xfea { b; };", " \xef\xbb\xbfa;", "include;include{};{};\"zone\" a;",
	} {
		add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, conf, other []byte) {
		if len(conf) > 1<<16 || len(other) > 1<<16 {
			return
		}
		at := 0
		var got []token
		x := &lexer{buf: conf}
		for tok, ok := x.next(); ok; tok, ok = x.next() {
			if tok.start != at || tok.end <= at {
				t.Fatalf("COVER: token %v at %d", tok, at)
			}
			at = tok.end
			got = append(got, tok)
		}
		if want := slow(conf); at != len(conf) || !slices.Equal(got, want) {
			t.Fatalf("COVER: up to %d of %d\n got %v\nslow %v", at, len(conf), got, want)
		}

		fsys := fstest.MapFS{"named.conf": {Data: conf}, "a": {Data: other}}
		c, finds := ReadConf(fsys, "named.conf", zonefile.Options{})
		again, more := ReadConf(fsys, "named.conf", zonefile.Options{})
		if fmt.Sprint(finds) != fmt.Sprint(more) || (c == nil) != (again == nil) || c != nil && !slices.Equal(facts(c), facts(again)) {
			t.Fatalf("two readings differ: %v, %v", finds, more)
		}
		if len(finds) > maxErrors+1 {
			t.Fatalf("%d findings", len(finds))
		}
		for _, f := range finds {
			in := map[string][]byte{"named.conf": conf, "a": other}[f.At.File]
			if c != nil && f.At.Line > 0 {
				lines := bytes.Split(in, []byte("\n"))
				if f.At.Line > len(lines) || f.At.Column < 1 || f.At.Column > utf8.RuneCount(lines[f.At.Line-1])+1 {
					t.Fatalf("no such place: %v", f)
				}
			} else if c != nil && f.ID != "B-LIMIT" {
				t.Fatalf("no place: %v", f)
			}
		}
		if c == nil || finding.Failed(finds) {
			return
		}
		spaced := fstest.MapFS{"named.conf": {Data: plainly(conf)}, "a": {Data: plainly(other)}}
		plain, more := ReadConf(spaced, "named.conf", zonefile.Options{})
		if plain == nil || finding.Failed(more) || !slices.Equal(facts(c), facts(plain)) {
			t.Fatalf("blanks or comments mean something: %q\n%v", spaced["named.conf"].Data, more)
		}
		for i, z := range c.Zones() {
			if i == 4 {
				break
			}
			id := zones.ID{Origin: z.Name, View: zones.Internet}
			got, finds := Read(fsys, Spec{ID: id, Kind: "bind", Path: "named.conf", BindView: z.View}, zonefile.Options{MaxRecords: 1000, MaxGenerate: 1000})
			if (got.Zone == nil) != finding.Failed(finds) || got.Zone != nil && got.Zone.ID() != id {
				t.Fatalf("WHOLE: zone %v: %v", got.Zone, finds)
			}
		}
	})
}

// TestRunes holds the count in steps against a count from the beginning, on
// text that is cut in the middle of characters too.
func TestRunes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.SampledFrom([]byte("a\n\x80\xbf\xc3\xe1\xba\xa1\xf0\x9f\xff")), 1, 40).Draw(t, "part")
		shift := rapid.IntRange(0, 8).Draw(t, "shift")
		b := append(bytes.Repeat([]byte("x"), stepSize-shift), bytes.Repeat(part, stepSize/len(part)*2)...)
		f := newConfFile("f", "f", b)
		for _, near := range []int{0, stepSize, 2 * stepSize, len(b) - 40} {
			for i := max(0, near-8); i < min(len(b), near+8); i++ {
				if got, want := f.runes(i), utf8.RuneCount(b[:i]); utf8.RuneStart(b[i]) && got != want {
					t.Fatalf("%d characters before octet %d, not %d", want, i, got)
				}
			}
		}
	})
}
