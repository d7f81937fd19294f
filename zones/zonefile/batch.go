package zonefile

import (
	"cmp"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// piece is a record that is written on a new line.
type piece struct {
	zones.Record
	after int // the record that it follows in reading; len(recs) at the end of the main file
	model int // the record whose columns it takes, -1 for none
	splice
}

func (x *piece) rec() rec { return rec{owner: x.Owner, typ: x.Type, ttl: x.TTL, data: x.Data} }

// pieces writes the lines of the records that a plan inserts, by the place
// where they go.
func (t *Tree) pieces(p *plan, how rewriting) []piece {
	near := t.neighbours(p)
	var out []piece
	var spot spotFor
	for n, r := range p.insert {
		if n == 0 || p.insert[n-1].Owner != r.Owner || len(p.owners[r.Owner]) > 0 {
			spot = t.spotOf(p, r, near)
		}
		x := piece{Record: r, after: spot.after, model: spot.model}
		if spot.after < 0 {
			x.after = len(t.recs)
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b piece) int { return cmp.Compare(a.after, b.after) })
	for n := range out {
		var before *piece
		if n > 0 && out[n-1].after == out[n].after {
			before = &out[n-1]
		}
		t.write(&out[n], before, p, how)
	}
	return out
}

// write makes the splice of a piece; before is the piece in front of it, or nil.
func (t *Tree) write(x, before *piece, p *plan, how rewriting) {
	file, at, st, follows := 0, uint32(len(t.files[0].buf)), t.states[t.end], false
	if x.after < len(t.recs) {
		q := &t.recs[x.after]
		_, gone := slices.BinarySearch(p.drop, x.after)
		file, at, st, follows = int(q.file), q.end, t.states[q.state], q.owner == x.Owner && !gone
	}
	ttl := int64(-1)
	switch {
	case before == nil:
		ttl = t.ttlAt(min(x.after+1, len(t.recs)), st)
	case st.ttlSeen:
		ttl, follows = int64(st.ttl), before.Owner == x.Owner
	default:
		ttl, follows = int64(before.TTL), before.Owner == x.Owner
	}
	owner := ""
	for _, i := range p.owners[x.Owner] {
		if t.spells(i, st.origin) {
			owner = t.spelling(i)
			break
		}
	}
	if owner == "" {
		owner = nameText(x.Owner, st.origin, t.absolute(x.model, how))
	}
	line := t.compose(x.Record, x.model, owner, st, ttl, follows, how)
	buf := t.files[file].buf
	eol := lineEnd(buf, at)
	x.splice = splice{file, at, at, line + eol}
	if at > lineStart(buf, 0) && buf[at-1] != '\n' && !t.dropsLast(p, file) {
		x.text = ended(buf, at, eol) + line
	}
}

// dropsLast tells whether the last line of a file goes.
func (t *Tree) dropsLast(p *plan, file int) bool {
	return slices.ContainsFunc(p.drop, func(i int) bool {
		r := &t.recs[i]
		return int(r.file) == file && int(r.end) == len(t.files[file].buf)
	})
}

// spotOf is where a record goes: below its RRset, else below its owner, else
// below the neighbour of a new owner, and at the end of the main file where
// the lines after that would inherit its TTL or lose their owner.
func (t *Tree) spotOf(p *plan, r zones.Record, near neighbours) spotFor {
	best, rank := -1, 0
	for _, i := range p.owners[r.Owner] {
		q := &t.recs[i]
		if q.how&byGenerate != 0 || t.uses[q.file] > 1 {
			continue
		}
		this := 1
		if _, gone := slices.BinarySearch(p.drop, i); !gone {
			this += 2
		}
		if q.typ == r.Type {
			this++
		}
		if this >= rank {
			best, rank = i, this
		}
	}
	if best < 0 {
		best = near.of(r)
	}
	if best < 0 {
		return spotFor{-1, -1}
	}
	s := spotFor{t.lastOfOwner(best), t.modelNear(best, r.Type)}
	for s.after > best {
		if _, gone := slices.BinarySearch(p.drop, s.after); !gone {
			break
		}
		s.after--
	}
	if t.disturbs(p, s.after, r) {
		s.after = -1
	}
	return s
}

// disturbs tells whether a line behind a record would take its owner or TTL
// from a new line, and was not to.
func (t *Tree) disturbs(p *plan, after int, r zones.Record) bool {
	for j := after + 1; j < len(t.recs); j++ {
		if _, gone := slices.BinarySearch(p.drop, j); gone {
			continue
		}
		q := &t.recs[j]
		if q.how&ownerLeftOut != 0 && q.owner != r.Owner {
			return true
		}
		return q.how&ttlLeftOut != 0 && !t.states[q.state].ttlSeen && q.ttl != r.TTL
	}
	return false
}

// neighbours finds for a record of a new owner the record below whose block it
// goes: of its type the last before it in canonical order, else the first of
// its type in the files, else the last of any type before it; -1 where none is.
type neighbours interface {
	of(r zones.Record) int
}

// fewOwners is how many new owners are looked for one by one.
const fewOwners = 8

func (t *Tree) neighbours(p *plan) neighbours {
	owners := map[zones.Name]bool{}
	for _, r := range p.insert {
		if owners[r.Owner] = true; len(owners) > fewOwners {
			return &sortedNeighbours{t: t, lists: map[zones.Type][]int{}}
		}
	}
	return scannedNeighbours{t}
}

// scannedNeighbours looks at all records each time.
type scannedNeighbours struct{ t *Tree }

func (s scannedNeighbours) of(r zones.Record) int {
	before, beforeType, first := -1, -1, -1
	for i := range s.t.recs {
		q := &s.t.recs[i]
		if !s.t.besides(q) {
			continue
		}
		if q.typ == r.Type && first < 0 {
			first = i
		}
		if q.owner.Compare(r.Owner) >= 0 {
			continue
		}
		if before < 0 || s.t.recs[before].owner.Compare(q.owner) <= 0 {
			before = i
		}
		if q.typ == r.Type && (beforeType < 0 || s.t.recs[beforeType].owner.Compare(q.owner) <= 0) {
			beforeType = i
		}
	}
	for _, i := range []int{beforeType, first} {
		if i >= 0 {
			return i
		}
	}
	return before
}

// besides tells whether a new line may stand below a record.
func (t *Tree) besides(q *rec) bool { return q.how&byGenerate == 0 && t.uses[q.file] <= 1 }

// sortedNeighbours sorts the records of a type once, by owner and place.
type sortedNeighbours struct {
	t     *Tree
	lists map[zones.Type][]int // of type 0: all records
}

func (s *sortedNeighbours) list(typ zones.Type) []int {
	l, ok := s.lists[typ]
	if !ok {
		for i := range s.t.recs {
			if q := &s.t.recs[i]; s.t.besides(q) && (typ == 0 || q.typ == typ) {
				l = append(l, i)
			}
		}
		slices.SortFunc(l, func(a, b int) int {
			return cmp.Or(s.t.recs[a].owner.Compare(s.t.recs[b].owner), cmp.Compare(a, b))
		})
		s.lists[typ] = l
	}
	return l
}

func (s *sortedNeighbours) of(r zones.Record) int {
	typ := r.Type
	l := s.list(typ)
	if len(l) == 0 {
		typ, l = 0, s.list(0)
	}
	n, _ := slices.BinarySearchFunc(l, r.Owner, func(i int, o zones.Name) int { return s.t.recs[i].owner.Compare(o) })
	switch {
	case n > 0:
		return l[n-1]
	case typ == 0 || len(l) == 0:
		return -1
	}
	return slices.Min(l)
}

// unrolled are the splices that write a $GENERATE out: the line as a comment,
// then the records that are left of it.
func (t *Tree) unrolled(p *plan, how rewriting) (edits []splice) {
	for i := 0; i < len(t.recs) && len(p.unroll) > 0; i++ {
		first := &t.recs[i]
		if first.how&byGenerate == 0 || !p.unroll[first.span()] {
			continue
		}
		buf, from := t.files[first.file].buf, lineStart(t.files[first.file].buf, first.start)
		eol := lineEnd(buf, first.end)
		var b strings.Builder
		for line := range strings.Lines(string(buf[from:first.end])) {
			b.WriteString("; " + strings.TrimRight(line, "\r\n") + eol)
		}
		st := t.states[first.state]
		for ; i < len(t.recs) && t.recs[i].span() == first.span(); i++ {
			r := &t.recs[i]
			if _, gone := slices.BinarySearch(p.drop, i); gone {
				continue
			}
			to, changes := p.becomes[i]
			if !changes {
				to = zones.Record{Owner: r.owner, Type: r.typ, TTL: r.ttl, Data: r.data}
			}
			inherited := int64(-1)
			if r.how&ttlLeftOut != 0 {
				inherited = int64(r.ttl)
			}
			b.WriteString(t.compose(to, -1, nameText(to.Owner, st.origin, how != styled), st, inherited, false, how) + eol)
		}
		i--
		edits = append(edits, splice{int(first.file), from, first.end, b.String()})
	}
	return edits
}

// maxRounds bounds the readings of one edit.
const maxRounds = 8

// settleAll is settle of many edits: in each round all lines that inherited
// another owner or TTL than before are given theirs.
func (t *Tree) settleAll(edits []splice, want []rec) (*Tree, error) {
	bufs := t.spliced(edits)
	for round := 0; ; round++ {
		n, err := t.again(bufs)
		if err != nil {
			return nil, err
		}
		i := difference(n.recs, want)
		if i < 0 {
			return n, nil
		}
		var fix []splice
		if len(n.recs) == len(want) && round < maxRounds {
			fix, i = n.repairs(want, t)
		}
		if len(fix) == 0 {
			return nil, n.unsettled(i, want)
		}
		bufs = n.spliced(fix)
	}
}

// repairs are the splices that give lines the owner and TTL wanted; each counts
// with the lines after it that will inherit from it. Without a splice it tells
// which record cannot be given its own.
func (t *Tree) repairs(want []rec, old *Tree) (edits []splice, at int) {
	owner, ttl, file := zones.Name{}, int64(-1), uint16(0) // as the last repair set them, until a line states its own
	for i := range t.recs {
		r, w := t.recs[i], &want[i]
		if r.how&ownerLeftOut == 0 || r.file != file {
			owner = zones.Name{}
		} else if !owner.IsZero() {
			r.owner = owner
		}
		inherits := r.how&ttlLeftOut != 0 && !t.states[r.state].ttlSeen
		if r.how&ttlLeftOut == 0 {
			ttl = -1
		} else if inherits && ttl >= 0 {
			r.ttl = uint32(ttl)
		}
		if r.same(w) {
			continue
		}
		fix := t.giveOwn(i, w, old, r.owner != w.owner, r.ttl != w.ttl)
		if len(fix) == 0 {
			return nil, i
		}
		edits = append(edits, fix...)
		if r.owner != w.owner {
			owner, file = w.owner, r.file
		}
		if r.ttl != w.ttl {
			ttl = int64(w.ttl)
		}
	}
	return edits, 0
}
