package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// directive reads a line that begins with $.
func (r *reader) directive(s *source, e *lexed) {
	word := s.text(e.toks[0])
	args := e.toks[1:]
	switch {
	case equalFold(word, "$origin"):
		if r.wants(s, e, 1, 1, "$ORIGIN NAME") {
			if n, ok := r.readOrigin(s, args[0]); ok {
				r.setOrigin(n)
			}
		}
	case equalFold(word, "$ttl"):
		if !r.wants(s, e, 1, 1, "$TTL SECONDS") {
			return
		}
		var ttl uint32
		if !r.readTTL(s, args[0], &ttl) {
			r.fail(s, "Z-TTL", args[0].spot(), "$TTL "+quote(s.text(args[0]))+" is no TTL", "write seconds (0 to 2147483647) or 1W2D3H4M5S")
			return
		}
		if !r.st.ttlSeen || r.st.ttl != ttl {
			r.st.ttl, r.st.ttlSeen, r.stStored = ttl, true, false
		}
	case equalFold(word, "$include"):
		if !r.wants(s, e, 1, 2, "$INCLUDE FILE [ORIGIN]") {
			return
		}
		origin := r.st.origin
		if len(args) > 1 {
			n, ok := r.readOrigin(s, args[1])
			if !ok {
				return
			}
			origin = n
		}
		// The name is not escaped, but for a quote within quotes, as in BIND.
		r.include(s, args[0], strings.ReplaceAll(string(s.text(args[0])), `\"`, `"`), origin)
	case equalFold(word, "$generate"):
		r.generate(s, e)
	default:
		r.fail(s, "Z-DIRECTIVE", e.toks[0].spot(), "the directive "+quote(word)+" is not known",
			`write $ORIGIN, $TTL, $INCLUDE or $GENERATE; an owner that begins with $ is written \$`)
	}
}

// wants checks how many words follow a directive.
func (r *reader) wants(s *source, e *lexed, least, most int, form string) bool {
	n := len(e.toks) - 1
	switch {
	case n < least:
		r.fail(s, "Z-DIRECTIVE", e.toks[0].spot(), string(s.text(e.toks[0]))+" without its argument", "write "+form)
	case n > most:
		t := e.toks[most+1]
		r.fail(s, "Z-DIRECTIVE", t.spot(), quote(s.text(t))+" after the end of the directive", "write "+form+", with ; in front of a comment")
	}
	return least <= n && n <= most
}

// readOrigin reads the name of a $ORIGIN or $INCLUDE, relative to the current origin.
func (r *reader) readOrigin(s *source, t token) (zones.Name, bool) {
	b := s.text(t)
	n, err := zones.ParseNameIn(string(b), r.st.origin)
	if err != nil {
		mend := "write a name that ends with a dot"
		if errors.Is(err, zones.ErrNameRelative) {
			mend = "end it with a dot: " + withDot(string(bytes.TrimSpace(b)))
		}
		r.fail(s, "Z-DIRECTIVE", t.spot(), "the origin "+quote(b)+": "+err.Error(), mend)
		return n, false
	}
	if r.doubles(n, b) {
		r.warn(s, "Z-DOUBLE", t.spot(), fmt.Sprintf("the origin %s has no final dot and becomes %v", quote(b), n),
			"end it with a dot: "+withDot(string(b)))
	}
	return n, true
}
