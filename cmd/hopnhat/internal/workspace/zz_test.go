package workspace
import ("testing";"time";"fmt";"strings")
func TestZZSlow(t *testing.T) {
	r := strings.Repeat
	ind := ""
	for i := 0; i < 600; i++ { ind += r(" ", i) + "a:\n" }
	n := 100000
	for what, s := range map[string]string{
		"ind": ind,
		"literal": "a: |\n" + r(" bcd\n", n),
		"folded": "a: >\n" + r(" bcd\n", n),
		"plainmulti": "a: b\n" + r("  bcd\n", n),
		"dq multi": "a: \"b\n" + r("  bcd\n", n) + "\"\n",
		"dq open": "a: \"b\n" + r("  bcd\n", n) + "\n",
		"comments": r("# abc\n", n)+"a: 1\n",
		"comments2": "a: 1\n"+r("  # abc\n", n),
		"list": "a: [" + r("b,", n) + "]\n",
		"stars": "a: [" + r("*b,", n) + "]\n",
		"ats": "a: [" + r("@,", n) + "]\n",
		"quotes": r("\"", n),
		"colons": r(":", n), "colons2": r(": ", n), "a: ": r("a: ", n),
		"braces": r("{}", n), "q": r("? ", n), "anch": "a: "+r("&a ", n), "tags": "a: "+r("!a ", n),
		"badlines": "a: 1\n"+r("b:1\n", n), "badlines2": "rules:\n"+r("  - {a: b\n", n),
		"docs": r("---\n", n), "dash": r("-", n), "dashl": r("- a\n", n), "spaces": r(" ", n), "nl": r("\n", n), "long": r("a", n),
		"pct": r("%a\n", n), "apos": "a: '"+r("''", n)+"'", "esc": "a: \""+r("\\u0041", n)+"\"",
		"keys": r("a: 1\n", n), "named": "people: {" + r("a: 1,", n)+"}",
		"merge": r("<<: 1\n", n), "dec": "decisions:\n"+r("  - {at: a.gialai.gov.vn}\n", n), "refs":  "waves: [{name: a, at: cutover, systems: ["+r("b,",n)+"]}]\n",
		"unclosed": "a: "+r("[", 17), "nulls": "a: ["+r(",", n)+"]",
	} {
		at := time.Now()
		_, fs := readConsolidation("c", []byte(s), nil)
		if d := time.Since(at); d > 400*time.Millisecond { fmt.Println(what, d, len(s), len(fs)) }
	}
}
