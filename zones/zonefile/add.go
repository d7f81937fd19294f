package zonefile

import (
	"bytes"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// spotFor is where a new record may go and whose style it takes.
type spotFor struct {
	after int // index of the record whose entry it follows, -1 for the end of the main file
	model int // index of the record whose columns it takes, -1 for none
}

// add writes one record at the best place that changes no other line; where
// there is none, at the first that can be repaired.
func (t *Tree) add(r zones.Record) (*Tree, error) {
	if err := t.editable(); err != nil {
		return nil, err
	}
	if err := t.admits(r); err != nil {
		return nil, err
	}
	r.TTL = cappedTTL(r.TTL)
	places := t.placesFor(r)
	var second *Tree
	var first error
	for _, p := range places {
		for _, how := range []rewriting{styled, plain} {
			edit, want := t.insertion(r, p, how)
			n, repairs, err := t.settle([]splice{edit}, want, 3)
			if err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			if repairs == 0 {
				return n, nil
			}
			if second == nil {
				second = n
			}
			break
		}
	}
	if second != nil {
		return second, nil
	}
	return nil, first
}

// placesFor lists where a record may go, the best first.
func (t *Tree) placesFor(r zones.Record) (places []spotFor) {
	sameOwner, sameSet, before, beforeType, first := -1, -1, -1, -1, -1
	for i := range t.recs {
		q := &t.recs[i]
		if q.how&byGenerate != 0 || t.uses[q.file] > 1 {
			continue
		}
		if q.owner == r.Owner {
			sameOwner = i
			if q.typ == r.Type {
				sameSet = i
			}
			continue
		}
		if q.typ == r.Type && first < 0 {
			first = i
		}
		if q.owner.Compare(r.Owner) > 0 {
			continue
		}
		if before < 0 || t.recs[before].owner.Compare(q.owner) <= 0 {
			before = i
		}
		if q.typ == r.Type && (beforeType < 0 || t.recs[beforeType].owner.Compare(q.owner) <= 0) {
			beforeType = i
		}
	}
	for _, i := range []int{sameSet, sameOwner} {
		if i >= 0 {
			places = append(places, spotFor{t.lastOfOwner(i), t.modelNear(i, r.Type)})
			break
		}
	}
	if len(places) == 0 {
		for _, i := range []int{beforeType, first, before} {
			if i >= 0 {
				places = append(places, spotFor{t.lastOfOwner(i), t.modelNear(i, r.Type)})
				break
			}
		}
	}
	model := -1
	if len(places) > 0 {
		model = places[0].model
	}
	return append(places, spotFor{-1, model})
}

// lastOfOwner goes on from a record to the last of the block that has its
// owner, so that no line between is torn from the owner that it inherits.
func (t *Tree) lastOfOwner(i int) int {
	for j := i + 1; j < len(t.recs); j++ {
		q := &t.recs[j]
		if q.file != t.recs[i].file || q.how&byGenerate != 0 || q.owner != t.recs[i].owner {
			break
		}
		i = j
	}
	return i
}

// modelNear is the record whose style serves at i: an SOA spreads over lines
// that nothing else has, so its neighbour serves instead.
func (t *Tree) modelNear(i int, typ zones.Type) int {
	if t.recs[i].typ != zones.TypeSOA || typ == zones.TypeSOA {
		return i
	}
	for j := i + 1; j < len(t.recs); j++ {
		if q := &t.recs[j]; q.how&byGenerate == 0 && q.typ != zones.TypeSOA {
			return j
		}
	}
	return i
}

// insertion is the splice that writes a record at a place, and the records
// that should follow from it.
func (t *Tree) insertion(r zones.Record, p spotFor, how rewriting) (splice, []rec) {
	file, index := 0, len(t.recs)
	at, st := uint32(len(t.files[0].buf)), t.states[t.end]
	if p.after >= 0 {
		q := &t.recs[p.after]
		file, index, at, st = int(q.file), p.after+1, q.end, t.states[q.state]
	}
	want := make([]rec, 0, len(t.recs)+1)
	want = append(want, t.recs[:index]...)
	want = append(want, rec{owner: r.Owner, typ: r.Type, ttl: r.TTL, data: r.Data})
	want = append(want, t.recs[index:]...)

	buf := t.files[file].buf
	follows := p.after >= 0 && t.recs[p.after].owner == r.Owner
	line := t.compose(r, p.model, t.ownerText(r.Owner, st.origin, t.absolute(p.model, how)), st, t.ttlAt(index, st), follows, how)
	eol := lineEnd(buf, at)
	if at > lineStart(buf, 0) && buf[at-1] != '\n' {
		return splice{file, at, at, ended(buf, at, eol) + line}, want
	}
	return splice{file, at, at, line + eol}, want
}

// lineEnd is the line end in use in front of an octet, or in the file.
func lineEnd(buf []byte, at uint32) string {
	i := bytes.LastIndexByte(buf[:at], '\n')
	if i < 0 {
		i = bytes.IndexByte(buf, '\n')
	}
	if i > 0 && buf[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// ended is what ends a last line that has no line end, or half of one.
func ended(buf []byte, at uint32, eol string) string {
	if buf[at-1] == '\r' {
		return "\n"
	}
	return eol
}

// ttlAt is the TTL that a record without one would have in front of record
// index; -1 where none was stated.
func (t *Tree) ttlAt(index int, st state) int64 {
	if st.ttlSeen {
		return int64(st.ttl)
	}
	for i := index - 1; i >= 0; i-- {
		if t.recs[i].how&ttlLeftOut == 0 {
			return int64(t.recs[i].ttl)
		}
	}
	return -1
}

// absolute tells whether names are to be written absolute, as a model's owner is.
func (t *Tree) absolute(model int, how rewriting) bool {
	if how != styled || model < 0 {
		return how != styled
	}
	m := &t.recs[model]
	e, h := t.lexAgain(m)
	buf := t.files[m.file].buf
	return h.ownerAt >= 0 && endsInDot(buf[e.toks[0].start:e.toks[0].end])
}

// compose writes a record's line without its end, in a model's columns. ttl is
// what a line without one inherits; with follows it inherits its owner too.
func (t *Tree) compose(r zones.Record, model int, owner string, st state, ttl int64, follows bool, how rewriting) string {
	var e lexed
	h := head{ownerAt: -1, ttlAt: -1, classAt: -1, typeAt: -1}
	var m *rec
	var buf []byte
	if model >= 0 {
		m = &t.recs[model]
		buf = t.files[m.file].buf
		e, h = t.lexAgain(m)
	}
	c := composer{buf: buf, toks: e.toks, h: h}
	absolute := how != styled || h.ownerAt >= 0 && endsInDot(buf[e.toks[0].start:e.toks[0].end])
	if m != nil && m.how&ownerLeftOut != 0 && follows {
		c.line = append(c.line, buf[lineStart(buf, m.start):lineStart(buf, m.start)+uint32(len(gapAfter(buf, lineStart(buf, m.start))))]...)
	} else {
		c.word(owner, h.ownerAt)
	}
	number := strconv.FormatUint(uint64(r.TTL), 10)
	hasTTL := h.ttlAt >= 0 || ttl != int64(r.TTL)
	if hasTTL && (h.ttlAt < h.classAt || h.classAt < 0) {
		c.word(number, h.ttlAt)
		hasTTL = false
	}
	if h.classAt >= 0 || m == nil {
		c.word("IN", h.classAt)
	}
	if hasTTL {
		c.word(number, h.ttlAt)
	}
	c.word(r.Type.String(), h.typeAt)
	for i, w := range wordsOf(r.Type, r.Data) {
		text := string(w)
		if how == styled && !absolute {
			text = relative(w, r, st.origin)
		}
		like := -1
		if m != nil && (i == 0 || m.typ == r.Type) && h.typeAt+1+i < len(e.toks) {
			like = h.typeAt + 1 + i
			if m.typ == r.Type && how == styled {
				if b := buf[e.toks[like].start:e.toks[like].end]; endsInDot(b) {
					text = string(w)
				}
			}
		}
		c.word(text, like)
	}
	return string(c.line)
}

// composer writes the words of a line under those of a model.
type composer struct {
	buf  []byte
	toks []token
	h    head
	line []byte
}

// word appends a word under the model's word of an index, -1 where it has
// none or it stands on another line.
func (c *composer) word(text string, like int) {
	at := width(0, c.line)
	ends := len(c.line) == 0 || meaning[c.line[len(c.line)-1]] == octetSpace
	if like >= 0 && c.toks[like].line == c.toks[0].line {
		tok := c.toks[like]
		gap := gapBefore(c.buf, tok.from())
		open := bytes.HasSuffix(c.buf[:tok.from()-uint32(len(gap))], []byte("(")) // MX ( 10 mail ): the word after a parenthesis
		target := column(c.buf, tok.from())
		switch {
		case len(c.line) == 0:
		case open || len(gap) == 0:
			c.gap(ends, " ")
		case len(gap) == 1 && gap[0] == ' ' && at >= target:
			c.gap(ends, " ")
		case ends && at >= target:
		default:
			c.line = append(c.line, pad(at, target, gap)...)
		}
	} else if len(c.line) > 0 {
		sep := " "
		if c.h.typeAt > 0 && bytes.IndexByte(gapBefore(c.buf, c.toks[c.h.typeAt].from()), '\t') >= 0 && like != c.h.typeAt {
			sep = "\t"
		}
		if strings.HasSuffix(string(c.line), "\t") {
			sep = ""
		}
		c.gap(ends, sep)
	}
	c.line = append(c.line, text...)
}

func (c *composer) gap(ends bool, sep string) {
	if !ends {
		c.line = append(c.line, sep...)
	}
}
