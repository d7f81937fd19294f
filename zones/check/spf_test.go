package check

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSPFExamples: the records of RFC 7208 can be read, and what each looks up.
func TestSPFExamples(t *testing.T) {
	for text, want := range map[string]string{
		"v=spf1 +mx a:colo.example.com/28 -all":                     "mx a",            // 3
		"v=spf1 a -all":                                             "a",               // 5.1
		"v=spf1 a mx -all":                                          "a mx",            //
		"v=spf1 include:example.com include:example.net -all":       "include include", // 5.2
		"v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all":               "exists",          // 5.7
		"v=spf1 mx -all exp=explain._spf.%{d}":                      "mx",              // 6.2
		"v=spf1 redirect=_spf.example.com":                          "redirect",        // 6.1
		"v=spf1 +all":                                               "",                // A.1
		"v=spf1 a:example.org -all":                                 "a",               //
		"v=spf1 mx:example.org -all":                                "mx",              //
		"v=spf1 mx/30 mx:example.org/30 -all":                       "mx mx",           //
		"v=spf1 ptr -all":                                           "ptr",             //
		"v=spf1 ip4:192.0.2.128/28 -all":                            "",                //
		"v=spf1 include:example.org -all":                           "include",         // A.2
		"v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all": "include include", // A.4
		"v=spf1 mx -ptr:example.net +all redirect=x.example":        "mx ptr",          // 6.1: all takes the redirect's place
		"v=spf1": "", // 4.5
		"v=spf1 moo=moo -ip4:1.2.3.4 -ip6:::1 a//64 a/24//64 a:x.y//0 ?exists:%%%_%-.x": "a a a exists", // 12
		"v=spf1 a:x/y.example/24 exists:%{l1r/}.%{D2}":                                  "a exists",     //
		"v=spf1 -all" + strings.Repeat(" a", 20):                                        "",             // 5.1: what stands behind all is not asked
	} {
		terms, err := parseSPF(text)
		var got []string
		for _, m := range terms {
			got = append(got, m.name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
}

// The grammar of RFC 7208 12 as regular expressions, the twin of parseSPF.
var (
	macroExpand = `(?:%\{[slodiphcrtvSLODIPHCRTV](?:0*[1-9][0-9]*)?[rR]?[.\-+,/_=]*\}|%%|%_|%-)`
	macroText   = `(?:` + macroExpand + `|[\x21-\x24\x26-\x7e])*`
	topLabel    = `(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])`
	domain      = macroText + `(?:\.` + topLabel + `\.?|` + macroExpand + `)`
	cidr4       = `(?:/(?:0|[1-9][0-9]?))?`
	cidr6       = `(?://(?:0|[1-9][0-9]{0,2}))?`
	octet       = `(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])`
	termRE      = regexp.MustCompile(`^(?:[+\-?~]?(?i:all|include:(?-i:` + domain + `)|exists:(?-i:` + domain + `)|(?:a|mx)(?::(?-i:` + domain + `))?` + cidr4 + cidr6 +
		`|ptr(?::(?-i:` + domain + `))?|ip4:` + octet + `(?:\.` + octet + `){3}(?:/(?:0|[1-9][0-9]?))?)|(?i:redirect|exp)=` + domain + `|([A-Za-z][A-Za-z0-9\-_.]*)=` + macroText + `)$`)
	lengthRE = regexp.MustCompile(`(/?)/([0-9]+)$`)
)

// slowSPF tells whether a term follows the grammar; not for ip6.
func slowSPF(w string) bool {
	m := termRE.FindStringSubmatch(w)
	if m == nil || strings.EqualFold(m[1], "redirect") || strings.EqualFold(m[1], "exp") {
		return false // the last two are modifiers of their own
	}
	name := strings.ToLower(strings.TrimLeft(w, "+-?~"))
	if m[1] != "" || !strings.HasPrefix(name, "a") && !strings.HasPrefix(name, "mx") && !strings.HasPrefix(name, "ip4") {
		return true
	}
	for range 2 { // lengths that the pattern leaves too large
		l := lengthRE.FindStringSubmatch(w)
		if l == nil {
			break
		}
		if n, _ := strconv.Atoi(l[2]); n > map[string]int{"": 32, "/": 128}[l[1]] {
			return false
		}
		w = strings.TrimSuffix(w, l[0])
	}
	return true
}

func sameSPF(t interface{ Fatalf(string, ...any) }, w string) {
	if strings.ContainsAny(w, " ") || w == "" || strings.Contains(strings.ToLower(w), "ip6") {
		return
	}
	_, err := parseSPF("v=spf1 " + w)
	if (err == nil) != slowSPF(w) {
		t.Fatalf("%q: %v, by the grammar %v", w, err, slowSPF(w))
	}
}

// TestSPFTwin: what parseSPF refuses, the grammar does not have, and the reverse.
func TestSPFTwin(t *testing.T) {
	part := rapid.SampledFrom([]string{
		"a", "mx", "ptr", "all", "include", "exists", "ip4", "redirect", "exp", "x", ":", "=", "/", "//", "0", "24", "32", "33", "128", "129", "-", "+", "~", ".",
		"%{d}", "%{i", "}", "%%", "%", "%{l1r-}", "%{d0}", "example", "com", "192.0.2.1", "A", "_", "é", "%{D2/}", "1",
	})
	rapid.Check(t, func(t *rapid.T) { sameSPF(t, strings.Join(rapid.SliceOfN(part, 1, 7).Draw(t, "parts"), "")) })
}

// FuzzSPF: the same for any text.
func FuzzSPF(f *testing.F) {
	for _, s := range []string{"a", "a:x.example/24//64", "exists:%{ir}.%{l1r+-}._spf.%{d}", "redirect=x.example", "moo=%{d}", "ip4:192.0.2.1/32", "-all", "a=b/33", "A:%{d00r}.x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, w string) { sameSPF(t, w) })
}

// TestIssuer: the examples of RFC 8659 4.2 and 4.3, and near ones that are wrong.
func TestIssuer(t *testing.T) {
	for v, want := range map[string]bool{
		"ca1.example.net": true, "ca1.example.net; account=230123": true, "ca1.example.net; policy=ev": true, ";": true, "": true, " ": true,
		"%%%%%": false, "ca1.example.net; x": false, "ca..example": false, ".": false, "-a.example": false, "ca.example;a=b;": false, "ca.example a": false, "ca.example; a=b c": false,
	} {
		if issuer(v) != want {
			t.Errorf("%q is %v", v, !want)
		}
	}
}
