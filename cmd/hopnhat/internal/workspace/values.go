package workspace

import (
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// slip is a value that is not what it should be, before it has a place.
type slip struct{ found, mend string }

func (s *slip) Error() string { return s.found + "; " + s.mend }

// parseName reads a name as people type it: absolute, the final dot may be
// missing, letters beyond ASCII become A-labels (RFC 5891). "_" and "*" pass.
func parseName(s string) (zones.Name, error) {
	const full = "write the name in full, such as mail.gialai.gov.vn"
	switch {
	case s == "" || s == ".":
		return zones.Name{}, &slip{"no name stands here", full}
	case s == "@" || strings.HasPrefix(s, "@"):
		return zones.Name{}, &slip{quote(s) + " is no name", "names are written in full: the zone's own name in place of @"}
	case strings.Contains(s, "://"):
		return zones.Name{}, &slip{quote(s) + " is a web address", "write the name alone, without http:// and what follows the name"}
	case strings.Contains(s, "@"):
		return zones.Name{}, &slip{quote(s) + " is a mail address", "write the name behind the @"}
	}
	for _, r := range s {
		switch {
		case r == ',' || r == ';':
			return zones.Name{}, &slip{quote(s) + " is no name", "a list of names is written [one, two]"}
		case r == ' ' || r == '\t':
			return zones.Name{}, &slip{quote(s) + " is no name: it holds a space", full}
		case r < 0x80 && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(`-_*/.\`, r)),
			r == 0xa0 || r == 0xad || 0x200b <= r && r <= 0x200f || r == 0x2060:
			return zones.Name{}, &slip{fmt.Sprintf("%s is no name: it holds the character %q", quote(s), r), full}
		}
	}
	ascii := s
	if !isASCII(s) {
		profile := idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.Transitional(false))
		a, err := profile.ToASCII(norm.NFC.String(s))
		if err != nil {
			return zones.Name{}, &slip{quote(s) + " is no name: " + err.Error(), "write it without diacritics, or as IDNA allows it"}
		}
		ascii = a
	}
	n, err := zones.ParseName(ascii)
	if err != nil {
		return zones.Name{}, &slip{quote(s) + " is no name: " + err.Error(), full}
	}
	return n, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// parsePattern reads "x" or "*.x". A literal asterisk in front is written \*.
func parsePattern(s string) (mapping.Pattern, error) {
	if s == "*" {
		return mapping.Pattern{}, &slip{`a "*" alone`, `write "*." and the zone's name`}
	}
	rest, star := strings.CutPrefix(s, "*.")
	if strings.Contains(strings.ReplaceAll(rest, `\*`, ""), "*") {
		return mapping.Pattern{}, &slip{quote(s) + " has a star that does not stand alone in front", `write "*." once, in front: it stands for one or more labels`}
	}
	n, err := parseName(rest)
	return mapping.Pattern{Star: star, Name: n}, err
}

// parseOwner reads "name" or "name TYPE"; without a type it is 0.
func parseOwner(s string) (zones.Key, error) {
	f := strings.Fields(s)
	if len(f) == 0 || len(f) > 2 {
		return zones.Key{}, &slip{quote(s) + " is not a name, or a name and a type", "write such as gialai.gov.vn MX"}
	}
	n, err := parseName(f[0])
	if err != nil || len(f) == 1 {
		return zones.Key{Owner: n}, err
	}
	t, err := parseType(f[1])
	return zones.Key{Owner: n, Type: t}, err
}

func parseType(s string) (zones.Type, error) {
	t, ok := zones.ParseType(s)
	if !ok {
		return 0, &slip{quote(s) + " is no type of record", "write one such as A, MX or TXT, or TYPE and its number"}
	}
	if !t.IsData() {
		return 0, &slip{quote(s) + " is a type of question, no zone holds it", "leave the type out if all types are meant"}
	}
	return t, nil
}

// parsePath reads a path inside the workspace.
func parsePath(s string) (string, error) {
	switch {
	case strings.Contains(s, `\`):
		return "", &slip{quote(s) + " is written with backslashes", "write " + strings.ReplaceAll(s, `\`, "/")}
	case strings.HasPrefix(s, "/") || len(s) > 1 && s[1] == ':':
		return "", &slip{quote(s) + " is an absolute path", "put the file into the workspace and write its path there, such as sources/named.conf"}
	}
	p := path.Clean(s)
	if p == "." || p == ".." || strings.HasPrefix(p, "../") {
		return "", &slip{quote(s) + " is no file inside the workspace", "put the file into the workspace and write its path there"}
	}
	return p, nil
}

// read applies a parser to a scalar and gives its error the place. Not a
// method, for methods have no type parameters.
func read[T any](d *decoder, n *node, id, what string, f func(string) (T, error)) T {
	s := d.str(n, what)
	if s == "" {
		var zero T
		return zero
	}
	v, err := f(s)
	if err == nil {
		return v
	}
	var zero T
	if e, ok := err.(*slip); ok {
		d.fail(id, n, e.found, e.mend)
	} else {
		d.fail(id, n, err.Error(), "")
	}
	return zero
}

func (d *decoder) name(n *node, what string) zones.Name { return read(d, n, "W-NAME", what, parseName) }

func (d *decoder) pattern(n *node, what string) mapping.Pattern {
	return read(d, n, "W-NAME", what, parsePattern)
}

func (d *decoder) typ(n *node) zones.Type { return read(d, n, "W-TYPE", "a type", parseType) }

func (d *decoder) path(n *node, what string) string { return read(d, n, "W-PATH", what, parsePath) }

func (d *decoder) date(n *node, what string) time.Time {
	return read(d, n, "W-DATE", what, ParseTime)
}

// view reads the name of a view: it is a folder's name too.
func (d *decoder) view(n *node) zones.View {
	return zones.View(read(d, n, "W-VALUE", "a view", parseView))
}

func parseView(s string) (string, error) {
	for _, r := range s {
		if !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_') {
			return "", &slip{quote(s) + " is no name of a view", "use small letters, digits and hyphens, such as internet or tslcd"}
		}
	}
	return s, nil
}
