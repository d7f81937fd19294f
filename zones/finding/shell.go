package finding

import (
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// Shell quotes what a POSIX shell would not take as it is, so that a command
// that is printed can be pasted whatever a name holds.
func Shell(s string) string {
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._-:/", c) >= 0) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}

// Ask is the end of a dig command: a name and a type. A name that dig could
// take for one of its own words is told to be the name.
func Ask(n zones.Name, t zones.Type) string {
	s := n.String()
	if q := Shell(s); q != s || s[0] == '-' {
		return "-q " + q + " -t " + t.String()
	}
	return s + " " + t.String()
}
