package proof

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// place is the product of cursors at one name.
type place struct {
	old, new cursor
	mid      cursor // of walker.mid
	lines    []line
	to       int32 // in the tree of rules' new names; -1 below it
	path     []string
	size     int // octets of the name
}

// walker decides every class of names of one view.
type walker struct {
	*judge
	rules   *ruleTree
	rulings *rulings
	modes   []mapping.OldName
	mixes   bool          // the mixture too
	part    stepPart      // of a world between (steps)
	mid     *tree         // a world between the two (between); nil elsewhere
	sem     chan struct{} // one token for each goroutine beyond the first; nil in tests of one
	limit   int           // faults kept
	split   int           // names in a part
}

// defaultSplit is how many names make a part of the walk of its own: it may run in a
// goroutine, and an edit decides it again alone.
const defaultSplit = 2048

// part is a piece of a walk: the names below those children of a place whose
// labels lie from lo to hi.
type part struct {
	p      place
	lo, hi string // hi is not among them; "" is no bound
	dirty  bool
	out    *tally
}

// start is the place of the root.
func (w *walker) start() place {
	p := place{old: w.old.start(), new: w.new.start(), size: 1, lines: make([]line, 0, 256)}
	p.lines = w.rules.begin(w.old, p.lines, p.to)
	return p
}

// run walks a whole view and tells what it found, in parts.
func (w *walker) run(workers int) *tally {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	w.sem = make(chan struct{}, workers-1)
	out := newTally(w)
	w.walk(out, w.start())
	return out
}

// all walks a whole view, what lies behind DNAMEs too.
func (w *walker) all(workers int) *tally {
	t := w.run(workers).flat(w)
	todo := t.deferred
	t.deferred = nil
	t.add(w.later(todo))
	return t
}

// later walks what lies behind DNAMEs: one tuple of cursors once, since what
// follows depends on it alone.
func (w *walker) later(todo []place) *tally {
	type key struct {
		cursors [3]string
		lines   string
	}
	seen := map[key]bool{}
	all := newTally(w)
	for len(todo) > 0 {
		slices.SortFunc(todo, func(a, b place) int { return slices.Compare(a.path, b.path) })
		var next []place
		for _, p := range todo {
			var k key
			for i, c := range [3]cursor{p.old, p.new, p.mid} {
				k.cursors[i] = c.settled()
			}
			for _, l := range p.lines {
				l.size -= int32(p.size)
				l.deep = min(l.deep, 1)
				cur := l.cur.settled()
				l.cur = cursor{}
				k.lines += fmt.Sprint(l, cur)
			}
			if seen[k] {
				continue
			}
			seen[k] = true
			out := newTally(w)
			w.below(out, p)
			flat := out.flat(w)
			next = append(next, flat.deferred...)
			flat.deferred = nil
			all.add(flat)
		}
		todo = next
	}
	return all
}

// settled writes a cursor out for comparison. It forgets by how much more than
// a little DNAMEs made names shorter: those to a name above their own owner do
// so again and again, and only what grows can overflow.
func (c cursor) settled() string {
	var name zones.Name
	if c.ext != nil {
		name, c.ext = *c.ext, nil
	}
	c.delta, c.over = min(max(c.delta, -8), 8), min(c.over, 16)
	c.k = min(c.k, 3) // a name that left all zones is never met again
	lits := slices.Clone(c.lits)
	for i := range lits {
		lits[i].delta = max(lits[i].delta, -8)
	}
	c.lits = nil
	return fmt.Sprint(c, name, lits)
}

// walk decides the name at p and every name below it.
func (w *walker) walk(out *tally, p place) {
	w.check(out, &p)
	if p.size+2 > zones.MaxName {
		return
	}
	if behind(p.old) || behind(p.new) || behind(p.mid) || slices.ContainsFunc(p.lines, func(l line) bool { return behind(l.cur) }) {
		p.path, p.lines = slices.Clone(p.path), slices.Clone(p.lines)
		out.deferred = append(out.deferred, p)
		return
	}
	w.below(out, p)
}

// behind tells whether a cursor goes on in a tree after a DNAME.
func behind(c cursor) bool { return c.moved && c.state == at }

// below decides every name below p.
func (w *walker) below(out *tally, p place) {
	w.fresh(out, &p)
	if w.weight(p.old, p.new, p.mid) < w.split {
		w.some(out, p, w.labels(&p, "", ""))
		return
	}
	parts := out.keep[strings.Join(p.path, "\x00.")]
	if parts == nil {
		parts = w.parts(&p)
	}
	if len(parts) == 1 { // one heavy child: it is split below
		parts = nil
		w.some(out, p, w.labels(&p, "", ""))
		return
	}
	var group sync.WaitGroup
	for _, x := range parts {
		x.p = p
		x.p.path = append(make([]string, 0, len(p.path)+16), p.path...) // with room for what lies below
		if len(w.rules.bases) > 0 {
			x.p.lines = append(make([]line, 0, len(p.lines)+256), p.lines...)
		}
		out.parts = append(out.parts, x)
		if !x.dirty {
			continue
		}
		select {
		case w.sem <- struct{}{}:
			group.Add(1)
			go func() {
				defer func() { <-w.sem; group.Done() }()
				w.redo(x)
			}()
		default:
			w.redo(x)
		}
	}
	group.Wait()
}

// redo decides a part, and keeps the parts in it that are not dirty.
func (w *walker) redo(x *part) {
	out := newTally(w)
	if x.out != nil {
		out.keep = x.out.kept()
	}
	w.some(out, x.p, w.labels(&x.p, x.lo, x.hi))
	x.out, x.dirty = out, false
	out.keep = nil
}

// parts splits the children of a place.
func (w *walker) parts(p *place) []*part {
	out := []*part{{dirty: true}}
	sum := 0
	var fs [3]finger
	for _, l := range w.labels(p, "", "") {
		if sum >= w.split {
			out[len(out)-1].hi = l
			out = append(out, &part{lo: l, dirty: true})
			sum = 0
		}
		sum++
		for i, c := range [3]cursor{p.old, p.new, p.mid} {
			if t := [3]*tree{w.old, w.new, w.mid}[i]; t != nil && c.pos >= 0 {
				if k := t.childBy(c.pos, l, &fs[i]); k >= 0 {
					sum += int(t.under(k))
				}
			}
		}
	}
	return out
}

// weight tells about how many names lie below a place.
func (w *walker) weight(cs ...cursor) (n int) {
	for i, t := range [3]*tree{w.old, w.new, w.mid} {
		if t == nil {
			continue
		}
		c := cs[i]
		if c.state == at && t.nodes[c.node].flags&(dname|cut) == dname {
			c = t.jump(c)
		}
		switch {
		case c.state == at:
			n = max(n, int(t.under(c.node)))
		case c.pos >= 0:
			n = max(n, int(t.under(c.pos)))
		}
	}
	return n
}

func (w *walker) some(out *tally, p place, labels []string) {
	var fs fingers
	for _, l := range labels {
		if p.size+1+len(l) <= zones.MaxName {
			w.walk(out, w.downBy(&p, l, &fs))
		}
	}
}

// fingers are those of every cursor at a place.
type fingers struct {
	old, new, mid finger
	lines         [4]finger
}

// down moves every cursor by one label.
func (w *walker) down(p place, label string) place { return w.downBy(&p, label, &fingers{}) }

func (w *walker) downBy(p *place, label string, fs *fingers) place {
	q := place{old: w.old.descBy(p.old, label, &fs.old), new: w.new.descBy(p.new, label, &fs.new), size: p.size + 1 + len(label)}
	if w.mid != nil {
		q.mid = w.mid.descBy(p.mid, label, &fs.mid)
	}
	q.path = append(p.path, label)
	q.to = w.rules.child(p.to, label)
	if len(p.lines) > 0 {
		// The spare room behind p.lines is the place for a child's lines: one
		// child is walked after the other.
		q.lines = w.rules.down(w.old, p.lines[len(p.lines):], p.lines, label, fs.lines[:])
	}
	if q.to >= 0 {
		q.lines = w.rules.begin(w.old, q.lines, q.to)
	}
	return q
}

// fresh decides the class of every label that no world has at p, and of all
// names below.
func (w *walker) fresh(out *tally, p *place) {
	if w.barren(out, p) {
		return
	}
	taken := func(l string) bool { return w.taken(p, l) }
	l := unused(taken, 1, zones.MaxName-p.size-1)
	if l == "" {
		return
	}
	q := w.down(*p, l)
	q.to = -1
	w.check(out, &q)
	// A DNAME's class splits where the name that it makes grows too long, and
	// where an old name does. (The sizes come first: long uses the room that
	// q.lines stand in.)
	var buf [8]int
	sizes := buf[:0]
	if a, b := q.old.over, q.new.over; a != b {
		sizes = append(sizes, zones.MaxName-int(min(a, b)))
	}
	for _, l := range q.lines {
		if grown := int(l.size) - q.size; l.cur.over > 0 || q.new.over > 0 {
			if n := zones.MaxName - max(0, grown+int(l.cur.over)); !slices.Contains(sizes, n) {
				sizes = append(sizes, n)
			}
		}
	}
	least := q.size
	for _, n := range sizes {
		w.long(out, p, n, least)
	}
}

// barren decides the class of a fresh label where nothing lies below p in any
// world, as below nearly every name: NXDOMAIN before and after.
func (w *walker) barren(out *tally, p *place) bool {
	if w.mid != nil || p.to >= 0 || p.size+2 > zones.MaxName {
		return false
	}
	o, n := w.old.nothing(p.old), w.new.nothing(p.new)
	if o == data || n == data || o != n && o != refused {
		return false
	}
	for i := range p.lines {
		if x := &p.lines[i]; x.exact || w.old.nothing(x.cur) != nxdomain {
			return false
		}
	}
	out.classes++
	if o == nxdomain {
		out.levels[L0]++
	}
	return true
}

// nothing is what every name below a cursor gets where that is plain to see:
// NXDOMAIN or REFUSED; data says that it is not.
func (t *tree) nothing(c cursor) kind {
	if c.over > 0 || c.moved || len(c.lits) > 0 {
		return data
	}
	switch m := c.node; {
	case c.state == outside && c.pos < 0:
		return refused
	case c.state == at && c.pos == m && t.nodes[m].flags&(cut|dname) == 0 && len(t.children(m)) == 0:
		return nxdomain
	case c.state == miss && c.pos < 0 && t.star(m) < 0:
		return nxdomain
	}
	return data
}

// long decides the class of a fresh label's names of exactly size octets.
func (w *walker) long(out *tally, p *place, size, least int) {
	if size < least {
		return
	}
	q := *p
	for rest := size - p.size; rest > 0; {
		n := min(rest, zones.MaxLabel+1)
		if rest-n == 1 {
			n--
		}
		l := unused(func(l string) bool { return w.taken(&q, l) }, n-1, n-1)
		if l == "" {
			return
		}
		q = w.down(q, l)
		q.to = -1
		rest -= n
	}
	if q.size == size {
		w.check(out, &q)
	}
}

// taken tells whether something at p speaks of a label.
func (w *walker) taken(p *place, l string) bool {
	found := false
	look := func(t *tree, c cursor) {
		t.below(c, func(ks []int32) {
			if _, ok := t.search(ks, l); ok {
				found = true
			}
		})
	}
	look(w.old, p.old)
	look(w.new, p.new)
	if w.mid != nil {
		look(w.mid, p.mid)
	}
	for i := range p.lines {
		look(w.old, p.lines[i].cur)
		if x := &p.lines[i]; x.exact {
			_, ok := w.rules.from[x.node].kids[l]
			found = found || ok
		}
	}
	return found || w.rules.child(p.to, l) >= 0
}

// unused is a label of least to most octets that is not taken; "" when there
// is none that short.
func unused(taken func(string) bool, least, most int) string {
	if least < 1 || most < least {
		return ""
	}
	words := []string{"x", "fresh", "khong-co", "zz", "x0", "q"}
	for n := least; n <= min(most, zones.MaxLabel); n++ {
		for _, w := range words {
			if len(w) == n && !taken(w) {
				return w
			}
		}
		head := strings.Repeat("x", n-1)
		for c := 0; c < 256; c++ {
			b := byte('z' - c)
			if 'A' <= b && b <= 'Z' || b == '*' && n == 1 {
				continue
			}
			if l := head + string([]byte{b}); !taken(l) {
				return l
			}
		}
	}
	return ""
}

// labels merges the children of everything at p, sorted, from lo to before hi.
func (w *walker) labels(p *place, lo, hi string) []string {
	type list struct {
		t  *tree
		ks []int32
	}
	var room [8]list
	all := room[:0]
	size := 0
	add := func(t *tree, ks []int32) {
		if lo != "" {
			i, _ := t.search(ks, lo)
			ks = ks[i:]
		}
		if hi != "" {
			i, _ := t.search(ks, hi)
			ks = ks[:i]
		}
		if len(ks) > 0 {
			all = append(all, list{t, ks})
			size = max(size, len(ks))
		}
	}
	w.old.below(p.old, func(ks []int32) { add(w.old, ks) })
	w.new.below(p.new, func(ks []int32) { add(w.new, ks) })
	if w.mid != nil {
		w.mid.below(p.mid, func(ks []int32) { add(w.mid, ks) })
	}
	var more []string
	for i := range p.lines {
		w.old.below(p.lines[i].cur, func(ks []int32) { add(w.old, ks) })
		more = w.rules.labelsFrom(&p.lines[i], more)
	}
	more = w.rules.labelsTo(p.to, more)
	if len(more) > 0 {
		if lo != "" || hi != "" {
			more = slices.DeleteFunc(more, func(l string) bool { return l < lo || hi != "" && l >= hi })
		}
		slices.Sort(more)
		more = slices.Compact(more)
		size = max(size, len(more))
	}
	if size == 0 {
		return nil
	}
	out := make([]string, 0, size)
	for {
		least, any := "", false
		for i := range all {
			if x := &all[i]; len(x.ks) > 0 {
				if l := x.t.nodes[x.ks[0]].label; !any || l < least {
					least, any = l, true
				}
			}
		}
		if len(more) > 0 && (!any || more[0] < least) {
			least, any = more[0], true
		}
		if !any {
			return out
		}
		for i := range all {
			if x := &all[i]; len(x.ks) > 0 && x.t.nodes[x.ks[0]].label == least {
				x.ks = x.ks[1:]
			}
		}
		if len(more) > 0 && more[0] == least {
			more = more[1:]
		}
		out = append(out, least)
	}
}

// below yields the children that one more label may reach from a cursor.
func (t *tree) below(c cursor, yield func([]int32)) {
	if c.state == at && t.nodes[c.node].flags&(dname|cut) == dname {
		c = t.jump(c)
	}
	switch {
	case c.state == at && t.nodes[c.node].flags&cut == 0:
		yield(t.children(c.node))
		if c.pos >= 0 && c.pos != c.node {
			yield(t.children(c.pos))
		}
	case c.pos >= 0 && t.nodes[c.pos].flags&apexBelow != 0:
		yield(t.children(c.pos))
	}
	for _, l := range c.lits {
		yield(t.children(l.pos))
	}
}
