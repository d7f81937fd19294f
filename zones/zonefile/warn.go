package zonefile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// look warns of what a record means that was hardly meant.
func (r *reader) look(s *source, e *lexed, h *head, data int) {
	toks := e.toks[h.typeAt+1:]
	switch h.typ {
	case zones.TypeTXT, zones.TypeSPF:
		for _, t := range toks {
			if !t.quoted && (t.cut || tagFollows(s.buf, t.end) && hasPrefixFold(s.text(toks[0]), "v=")) {
				r.cut(s, t)
			}
		}
		return
	case zones.TypeA, zones.TypeAAAA:
		return
	}
	if r.st.tail == "" {
		return
	}
	for _, t := range toks {
		b := s.text(t)
		if t.quoted || len(b) < 2 || b[len(b)-1] == '.' || b[len(b)-1]|0x20 != r.st.tail[len(r.st.tail)-1] {
			continue
		}
		n, err := zones.ParseNameIn(string(b), r.st.origin)
		if err != nil || !r.doubles(n, b) || !names(h.typ, string(r.dataFrom(data)), n) {
			continue
		}
		r.warn(s, "Z-DOUBLE", t.spot(), fmt.Sprintf("the target %s has no final dot and becomes %v", quote(b), n),
			"end it with a dot: "+withDot(string(b)))
	}
}

// dataFrom is the RDATA read last, which may be strings already.
func (r *reader) dataFrom(data int) []byte {
	if len(r.slabEnds) == 0 {
		return []byte(r.t.recs[len(r.t.recs)-1].data)
	}
	return r.slab[data:]
}

// names tells whether n stands in the RDATA.
func names(t zones.Type, data string, n zones.Name) bool {
	in, err := rdata.Names(t, data)
	if err != nil {
		return false
	}
	for _, e := range in {
		if e.Name == n {
			return true
		}
	}
	return false
}

// tagFollows tells whether a comment that begins like "; k=rsa" follows.
func tagFollows(buf []byte, at uint32) bool {
	rest, ok := bytes.CutPrefix(buf[int(at)+len(gapAfter(buf, at)):], []byte(";"))
	if !ok {
		return false
	}
	rest = bytes.TrimLeft(rest, " \t")
	n := 0
	for n < len(rest) && ('a' <= rest[n]|0x20 && rest[n]|0x20 <= 'z') {
		n++
	}
	return 0 < n && n < len(rest) && n <= 4 && rest[n] == '='
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && equalFold(b[:len(prefix)], prefix)
}

// cut warns of a semicolon that ends an unquoted text: v=DKIM1; k=rsa.
func (r *reader) cut(s *source, t token) {
	at := t.end + uint32(len(gapAfter(s.buf, t.end)))
	rest := s.buf[at:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	rest = bytes.TrimRight(rest, " \t\r)")
	r.warn(s, "Z-CUT", spot{at, t.line}, "the ; begins a comment here: "+quote(rest)+" is not part of the text",
		`put the text in quotes: "`+string(s.text(t))+`; ..."`)
}

// doubles tells whether a name without its final dot, text, ends like the
// origin that was put behind it: x.gov.vn under gialai.gov.vn.
func (r *reader) doubles(n zones.Name, text []byte) bool {
	tail := r.st.tail
	if tail == "" || text[len(text)-1] == '.' || len(text) == 1 && text[0] == '@' {
		return false
	}
	wire, origin := n.Wire(), r.st.origin.Wire()
	rel := len(wire) - len(origin) // octets of the labels that the text gave
	at := rel - len(tail)
	if at < 0 || wire[at:rel] != tail {
		return false
	}
	i := 0
	for i < at {
		i += 1 + int(wire[i])
	}
	return i == at
}

// rawOctets reports owners with octets above 127: they are kept, and resolvers
// that speak IDNA ask for another name.
func (r *reader) rawOctets(s *source, t token, n zones.Name) {
	wire := n.Wire()
	ascii := true
	for i := range len(wire) {
		if wire[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii || r.raw[n] {
		return
	}
	if r.raw == nil {
		r.raw = map[zones.Name]bool{}
	}
	r.raw[n] = true
	b := s.text(t)
	if bytes.Contains(b, []byte("\u00a0")) || bytes.Contains(b, []byte("\u200b")) || bytes.Contains(b, []byte("\ufeff")) {
		r.warn(s, "Z-SPACE", t.spot(), "the owner "+quote(b)+" has an invisible space in it (U+00A0, U+200B or U+FEFF), which is part of the name", "write a plain space, or remove it")
		return
	}
	found := "the owner " + quote(b) + " has octets above 127, which are kept as they are"
	mend := ""
	if a, ok := aLabel(n); ok {
		mend = "resolvers that speak IDNA ask for " + a + ": state that name too if it is meant"
	} else {
		mend = "it is no IDNA name: only who asks for these very octets finds it"
	}
	r.report(s, "Z-UTF8", finding.Note, t.spot(), found, mend)
}

// aLabel gives the ASCII form of a name of raw UTF-8 labels (RFC 5891).
func aLabel(n zones.Name) (string, bool) {
	var labels []string
	for m := n; !m.IsRoot() && !m.IsZero(); m, _ = m.Parent() {
		if !utf8.ValidString(m.First()) || strings.Contains(m.First(), ".") {
			return "", false
		}
		labels = append(labels, m.First())
	}
	p := idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.Transitional(false))
	a, err := p.ToASCII(strings.Join(labels, "."))
	return a, err == nil
}
