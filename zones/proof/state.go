package proof

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// State is a proof that follows edits of the world after: each Edit decides
// again only what the edit may touch, and its report is the one that Prove
// would give of the edited world (STATE-FULL), but for the digest of After,
// which is zero. It is not safe for use by several goroutines.
type State struct {
	in    Input
	o     Options
	views []*viewState
	todo  map[zones.ID][]zones.Delta // not yet in in.After
	last  Report
}

// viewState is one view's walk, kept.
type viewState struct {
	w     *walker
	root  *tally // the walk's own part and parts
	later *tally
	rest  *tally // what no edit of After touches
	refs  map[int32][]ref
	first bool // the root's own part was decided
}

// ref is a record that points at a name: at the name, or at its nearest
// ancestor in NEW's tree, it is found again when that name changes.
type ref struct {
	to    zones.Name
	owner zones.Name
	wide  bool // what it touches goes on below the owner: a delegation, a DNAME
}

// ErrEdit is an edit that the state cannot follow since it does not fit the
// world after.
var ErrEdit = errors.New("an edit of a zone that is not served")

// NewState proves, and keeps what an edit needs.
func NewState(in Input, o Options) *State {
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	in.Steps = nil
	s := &State{in: in, o: o}
	s.full()
	return s
}

// Report is the last proof's.
func (s *State) Report() Report { return s.last }

// World is the world after with all edits.
func (s *State) World() (zones.World, error) {
	for id, ds := range s.todo {
		z := s.in.After.Zone(id)
		for _, d := range ds {
			var err error
			if z, err = d.Apply(z); err != nil {
				return zones.World{}, err
			}
		}
		s.in.After = s.in.After.With(z)
	}
	s.todo = map[zones.ID][]zones.Delta{}
	return s.in.After, nil
}

// full proves everything.
func (s *State) full() {
	s.todo = map[zones.ID][]zones.Delta{}
	s.views = nil
	for _, v := range viewsOf(s.in) {
		w := newWalker(s.in, s.o, v)
		w.met = newNameSet()
		x := &viewState{w: w, rest: newTally(w)}
		x.root = w.run(s.o.Workers)
		x.behind()
		w.total(x.rest)
		if s.o.Mixture {
			w.between(s.in, x.rest)
		}
		s.views = append(s.views, x)
	}
	s.sum()
}

// behind walks what lies behind DNAMEs.
func (x *viewState) behind() {
	flat := newTally(x.w)
	x.root.into(flat)
	x.later = x.w.later(flat.deferred)
}

// sum makes the report.
func (s *State) sum() {
	r := Report{Before: s.in.Before.Digest()}
	if len(s.todo) == 0 {
		r.After = s.in.After.Digest()
	}
	used := map[int]bool{}
	for _, x := range s.views {
		t := newTally(x.w)
		x.root.into(t)
		t.add(x.later)
		t.add(x.rest)
		r.take(x.w, t, s.o)
		for i := range t.used {
			used[i] = true
		}
		x.w.spent(used)
	}
	r.exceptions(s.in, s.o, used)
	r.idle(s.in)
	r.sort()
	s.last = r
}

// Edit changes one zone of the world after and proves again. On an error (of
// zones.Delta.Apply, or ErrEdit) nothing has changed.
func (s *State) Edit(d zones.Delta) (Report, error) {
	z := s.in.After.Zone(d.ID)
	i := slices.IndexFunc(s.views, func(x *viewState) bool { return x.w.new.view == d.ID.View })
	if z == nil || i < 0 {
		return Report{}, fmt.Errorf("%v: %w", d.ID, ErrEdit)
	}
	x := s.views[i]
	sets, err := x.w.new.edited(d)
	if err != nil {
		return Report{}, err
	}
	if x.hard(s, d.ID.Origin, sets) {
		s.todo[d.ID] = append(s.todo[d.ID], d)
		if _, err := s.World(); err != nil {
			delete(s.todo, d.ID)
			return Report{}, err
		}
		s.full()
		return s.last, nil
	}
	s.todo[d.ID] = append(s.todo[d.ID], d)
	x.edit(d.ID.Origin, sets, s.in)
	s.sum()
	return s.last, nil
}

// touched is a name whose answer may have changed, with what lies below it
// where that may have too.
type touched struct {
	name  zones.Name
	below bool
}

// hard tells of edits that change how the trees hang together: they prove
// everything again.
func (x *viewState) hard(s *State, origin zones.Name, sets []keyed) bool {
	t := x.w.new
	for _, k := range sets {
		if k.Type == zones.TypeDNAME || k.Owner == origin && k.Type == zones.TypeNS {
			return true
		}
		n := t.find(origin)
		for _, l := range labelsDown(k.Owner, nil)[origin.Labels():] {
			m := t.child(n, l)
			if m < 0 {
				break
			}
			n = m
			switch f := t.nodes[n].flags; {
			case f&apex != 0:
				return true // the parent's side of a zone that is served too
			case f&exists == 0, f&apexBelow != 0 && len(t.nodes[n].sets) == 0:
				return true // it may come to exist, or cease to
			}
		}
		if t.name(n) == k.Owner && k.Owner != origin && t.nodes[n].flags&(apexBelow|dname) != 0 {
			return true
		}
	}
	// Zones that come and go are proved with the world between.
	if s.o.Mixture {
		for z := range s.in.After.All() {
			if s.in.Before.Zone(z.ID()) == nil {
				return true
			}
		}
		for z := range s.in.Before.All() {
			if s.in.After.Zone(z.ID()) == nil {
				return true
			}
		}
	}
	return false
}

// edit changes the tree and decides the dirty set again.
func (x *viewState) edit(origin zones.Name, sets []keyed, in Input) {
	if x.refs == nil {
		x.index()
	}
	t := x.w.new
	var ts []touched
	for _, k := range sets {
		ts = append(ts, x.put(origin, k)...)
	}
	ts = x.closure(ts, in)
	x.relink(ts)
	x.w.forget(ts)
	far := t.behindAny(ts)
	for _, m := range ts {
		x.mark(m)
	}
	if x.first {
		root := newTally(x.w)
		root.keep = x.root.kept()
		x.w.walk(root, x.w.start())
		root.keep = nil
		x.root, x.first = root, false
	}
	x.again(x.root)
	dnames := len(x.w.old.dnames)+len(t.dnames) > 0
	if far || dnames && len(x.w.rules.bases) > 0 || x.w.old.behindAny(ts) {
		x.behind()
	}
}

func (t *tree) behindAny(ts []touched) bool { return slices.ContainsFunc(ts, t.behindDNAME) }

// behindDNAME tells whether a touched name is at, above or below a DNAME's
// owner or target.
func (t *tree) behindDNAME(m touched) bool {
	for _, d := range t.dnames {
		for _, n := range [2]zones.Name{target(t.set(d, zones.TypeDNAME)), t.name(d)} {
			if m.name.Within(n) || m.below && n.Within(m.name) {
				return true
			}
		}
	}
	return false
}

// again decides the dirty parts below.
func (x *viewState) again(t *tally) {
	for _, p := range t.parts {
		if p.dirty {
			x.w.redo(p)
		}
		x.again(p.out)
	}
}

// mark finds the part that a touched name lies in.
func (x *viewState) mark(m touched) {
	path := labelsDown(m.name, nil)
	if own := markIn(x.root, path, m.below); own {
		x.first = true
	}
}

// markIn marks the parts that hold a name; true is said where it lies in t's
// own part.
func markIn(t *tally, path []string, below bool) bool {
	own := true
	for _, p := range t.parts {
		at := p.p.path
		switch {
		case len(path) > len(at) && slices.Equal(path[:len(at)], at):
			if l := path[len(at)]; l < p.lo || p.hi != "" && l >= p.hi {
				continue
			}
			own = false
			if markIn(p.out, path, below) {
				p.dirty = true
			}
		case below && len(at) >= len(path) && slices.Equal(at[:len(path)], path):
			p.all()
		}
	}
	return own
}

func (p *part) all() {
	p.dirty = true
	for _, q := range p.out.parts {
		q.all()
	}
}

// index gathers who points where.
func (x *viewState) index() {
	x.refs = map[int32][]ref{}
	for _, t := range []*tree{x.w.old, x.w.new} {
		for i := range t.nodes {
			for _, s := range t.nodes[i].sets {
				x.refer(s)
			}
		}
	}
}

// refer adds the references of an RRset.
func (x *viewState) refer(s zones.RRset) {
	switch s.Type() {
	case zones.TypeA, zones.TypeAAAA, zones.TypeSOA:
		return
	case zones.TypeTXT:
		if x.w.ren.empty() {
			return
		}
	}
	for i := range s.Len() {
		names, _ := rdata.Names(s.Type(), s.Data(i))
		if s.Type() == zones.TypeTXT {
			for _, n := range mask(s.Type(), s.Data(i)).names {
				names = append(names, rdata.Embedded{Name: n.Name})
			}
		}
		for _, n := range names {
			at := x.w.new.landing(n.Name)
			x.refs[at] = append(x.refs[at], ref{n.Name, s.Owner(), s.Type() == zones.TypeNS || s.Type() == zones.TypeDNAME})
		}
	}
}

// landing is the node of a name, or of its nearest ancestor.
func (t *tree) landing(n zones.Name) int32 {
	at := t.root
	var buf [128]string
	for _, l := range labelsDown(n, buf[:0]) {
		c := t.child(at, l)
		if c < 0 {
			break
		}
		at = c
	}
	return at
}

// forget drops what was found out about names that were touched.
func (j *judge) forget(ts []touched) {
	if j.ren.empty() {
		return
	}
	for _, m := range ts {
		j.sem.Delete(m.name)
		if m.below {
			j.met.each(m.name, func(n zones.Name) { j.sem.Delete(n) })
		}
	}
}

// nameSet holds the new names that a judge was asked about, each below its parent,
// so that those below one name are found without looking at all. They only
// become more.
type nameSet struct {
	mu    sync.Mutex
	seen  map[zones.Name]bool
	below map[zones.Name][]zones.Name
}

func newNameSet() *nameSet {
	return &nameSet{seen: map[zones.Name]bool{}, below: map[zones.Name][]zones.Name{}}
}

// add puts a name in, and its ancestors. It is safe for use by several
// goroutines; a nil receiver keeps nothing.
func (x *nameSet) add(n zones.Name) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for ok := true; ok && !x.seen[n]; {
		x.seen[n] = true
		var up zones.Name
		if up, ok = n.Parent(); ok {
			x.below[up] = append(x.below[up], n)
			n = up
		}
	}
}

// each yields every name below n.
func (x *nameSet) each(n zones.Name, yield func(zones.Name)) {
	for _, c := range x.below[n] {
		yield(c)
		x.each(c, yield)
	}
}
