package zonefile

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// rewriting is how a record's words are changed; what fails to come out one
// way is tried the next.
type rewriting uint8

const (
	styled rewriting = iota // only the words that differ, names as the words before were written
	plain                   // only the words that differ, in canonical form
	whole                   // all words of the RDATA
)

// word is one word of RDATA in text form, quotes included.
type word string

// wordsOf cuts the canonical text of RDATA into words.
func wordsOf(typ zones.Type, data string) []word {
	text := rdata.AppendText(nil, typ, data)
	var e lexed
	newLexer(text).next(&e)
	var ws []word
	for i, t := range e.toks {
		w := word(text[t.from():t.to()])
		if i > 0 && t.glued {
			ws[len(ws)-1] += w // key="value"
			continue
		}
		ws = append(ws, w)
	}
	return ws
}

// rewrite makes the splices that turn record i into new, touching no other word.
func (t *Tree) rewrite(i int, new zones.Record, how rewriting) ([]splice, error) {
	r := &t.recs[i]
	buf, file := t.files[r.file].buf, int(r.file)
	e, h := t.lexAgain(r)
	origin := t.states[r.state].origin
	var edits []splice
	if r.owner != new.Owner {
		if h.ownerAt >= 0 {
			was := buf[e.toks[0].start:e.toks[0].end]
			text := t.ownerText(new.Owner, origin, how != styled || endsInDot(was))
			edits = append(edits, replace(buf, file, e.toks[0], text))
		} else {
			edits = append(edits, ownerSplice(buf, r, &e, t.ownerText(new.Owner, origin, how != styled)))
		}
	}
	if ttl := cappedTTL(new.TTL); r.ttl != ttl {
		if h.ttlAt >= 0 {
			edits = append(edits, replace(buf, file, e.toks[h.ttlAt], strconv.FormatUint(uint64(ttl), 10)))
		} else {
			edits = append(edits, ttlSplice(buf, r, &e, &h, ttl))
		}
	}
	if r.typ != new.Type {
		edits = append(edits, replace(buf, file, e.toks[h.typeAt], new.Type.String()))
	}
	if r.typ != new.Type || r.data != new.Data {
		edits = append(edits, t.rewriteData(r, e.toks[h.typeAt+1:], new, how)...)
	}
	return edits, nil
}

// rewriteData changes the words of the RDATA.
func (t *Tree) rewriteData(r *rec, toks []token, new zones.Record, how rewriting) (edits []splice) {
	buf, file := t.files[r.file].buf, int(r.file)
	toks = joined(toks)
	now := wordsOf(new.Type, new.Data)
	if len(toks) == 0 { // the type is the last word: TYPE65400 has no such form, but a broken twin might
		return nil
	}
	from, to := 0, len(toks) // the words in the file that are replaced
	if was := wordsOf(r.typ, r.data); how != whole && r.typ == new.Type && len(was) == len(toks) && generic(buf, toks) == (was[0] == `\#`) {
		for from < len(was) && from < len(now) && was[from] == now[from] {
			from++
		}
		last := len(now)
		for to > from && last > from && was[to-1] == now[last-1] {
			to--
			last--
		}
		now = now[from:last]
		if len(now) == to-from { // word for word
			for k, w := range now {
				if w != was[from+k] {
					edits = append(edits, replace(buf, file, toks[from+k], t.styledWord(w, buf, toks[from+k], new, r, how)))
				}
			}
			return edits
		}
	}
	texts := make([]string, len(now))
	for k, w := range now {
		texts[k] = string(w)
	}
	text := strings.Join(texts, " ")
	if from == to { // words are added only
		if from == 0 {
			at := toks[0].from()
			return []splice{{file, at, at, text + " "}}
		}
		at := toks[from-1].to()
		return []splice{{file, at, at, " " + text}}
	}
	switch {
	case text == "":
	case to-from == 1:
		return []splice{replace(buf, file, toks[from], text)}
	default:
		edits = append(edits, splice{file, toks[from].from(), toks[from].to(), text})
		from++
	}
	for _, tok := range toks[from:to] {
		edits = append(edits, drop(buf, file, tok))
	}
	return edits
}

// joined makes one word of those that belong together as key="value".
func joined(toks []token) []token {
	toks = slices.Clone(toks)
	for i := 1; i < len(toks); i++ {
		if p := &toks[i-1]; toks[i].glued && toks[i].quoted && !p.quoted {
			p.end = toks[i].to()
			toks = slices.Delete(toks, i, i+1)
			i--
		}
	}
	return toks
}

// generic tells whether words are in the form of RFC 3597.
func generic(buf []byte, toks []token) bool {
	return string(buf[toks[0].start:toks[0].end]) == `\#`
}

// styledWord writes a name relative where the word before was.
func (t *Tree) styledWord(w word, buf []byte, before token, new zones.Record, r *rec, how rewriting) string {
	origin := t.states[r.state].origin
	if how != styled || before.quoted || !strings.HasSuffix(string(w), ".") || endsInDot(buf[before.start:before.end]) {
		return string(w)
	}
	return relative(w, new, origin)
}

// relative writes a word of a record's RDATA relative to the origin, if it is
// a name within it.
func relative(w word, of zones.Record, origin zones.Name) string {
	in, err := rdata.Names(of.Type, of.Data)
	if err != nil {
		return string(w)
	}
	for _, e := range in {
		if e.Name.String() == string(w) && e.Name.Within(origin) {
			return nameText(e.Name, origin, false)
		}
	}
	return string(w)
}

// endsInDot tells whether a name is written absolute.
func endsInDot(b []byte) bool {
	if len(b) == 0 || b[len(b)-1] != '.' {
		return false
	}
	slashes := 0
	for i := len(b) - 2; i >= 0 && b[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 0
}

// drop takes a word away, with the space in front of it, or with its line
// where it stands alone on it.
func drop(buf []byte, file int, t token) splice {
	before := gapBefore(buf, t.from())
	from, to := t.from()-uint32(len(before)), t.to()
	end := to + uint32(len(gapAfter(buf, to)))
	alone := from > 0 && buf[from-1] == '\n' && end < uint32(len(buf)) && (buf[end] == '\n' || buf[end] == '\r')
	switch {
	case alone:
		i := bytes.IndexByte(buf[end:], '\n')
		if i < 0 {
			return splice{file, from, end, ""}
		}
		return splice{file, from, end + uint32(i) + 1, ""}
	case from > 0 && buf[from-1] == '\n':
		return splice{file, t.from(), end, ""} // a comment or another word keeps the line
	}
	return splice{file, from, to, ""}
}
