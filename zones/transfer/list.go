package transfer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// ParseList reads the names of zones from a text, one a line; blank lines and
// what follows # or ; are passed over. file is for places. With an error
// among the findings the names are not whole.
func ParseList(file, text string) ([]zones.Name, []finding.Finding) {
	var names []zones.Name
	var finds []finding.Finding
	first := map[zones.Name]int{}
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		body := line
		if j := strings.IndexAny(body, "#;"); j >= 0 {
			body = body[:j]
		}
		word := strings.TrimSpace(body)
		if word == "" {
			continue
		}
		at := zones.Place{File: file, Line: i + 1, Column: 1 + utf8.RuneCountInString(body[:strings.Index(body, word)])}
		say := func(sev finding.Severity, found, mend string) {
			finds = append(finds, finding.Finding{ID: "X-LIST", Severity: sev, At: at, Line: shorten(line), Found: found, Mend: mend})
		}
		n, err := zones.ParseName(word)
		switch {
		case strings.ContainsAny(word, " \t"):
			say(finding.Error, "more than one word on a line", "write one zone a line")
		case err != nil:
			say(finding.Error, "no name of a zone: "+err.Error(), "write one such as pleiku.gov.vn")
		case first[n] != 0:
			say(finding.Note, fmt.Sprintf("%v stands twice, first on line %d", n.Text(), first[n]), "")
		default:
			first[n] = i + 1
			names = append(names, n)
		}
	}
	return names, finds
}

// shorten bounds what a message repeats of someone's text.
func shorten(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
