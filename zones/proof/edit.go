package proof

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// keyed is what an edit leaves of one RRset; the zero RRset is none.
type keyed struct {
	zones.Key
	set zones.RRset
}

// edited gives the RRsets that a delta leaves, by owner and type.
func (t *tree) edited(d zones.Delta) ([]keyed, error) {
	records := map[zones.Key][]zones.Record{}
	var keys []zones.Key
	take := func(r zones.Record) zones.Key {
		k := zones.Key{Owner: r.Owner, Type: r.Type}
		if _, ok := records[k]; !ok {
			records[k] = t.stated(d.ID.Origin, k).Records()
			keys = append(keys, k)
		}
		return k
	}
	for _, r := range d.Removed {
		k := take(r)
		i := slices.IndexFunc(records[k], r.Same)
		if i < 0 {
			return nil, &zones.RecordError{Record: r, Err: zones.ErrNotThere}
		}
		records[k] = slices.Delete(records[k], i, i+1)
	}
	for _, r := range d.Added {
		k := take(r)
		switch {
		case slices.ContainsFunc(records[k], func(o zones.Record) bool { return o.Data == r.Data }):
			return nil, &zones.RecordError{Record: r, Err: zones.ErrThere}
		case !r.Owner.Within(d.ID.Origin):
			return nil, &zones.RecordError{Record: r, Err: zones.ErrOutOfZone}
		case r.Type == zones.TypeSOA && r.Owner != d.ID.Origin:
			return nil, &zones.RecordError{Record: r, Err: zones.ErrSOAOwner}
		}
		records[k] = append(records[k], r)
	}
	out := make([]keyed, 0, len(keys))
	slices.SortFunc(keys, zones.Key.Compare)
	for _, k := range keys {
		x := keyed{Key: k}
		if rs := records[k]; len(rs) > 0 {
			s, err := zones.NewRRset(rs...)
			if err != nil {
				return nil, &zones.RecordError{Record: rs[0], Err: err}
			}
			x.set = s
		}
		if k.Type == zones.TypeSOA && x.set.Len() != 1 {
			return nil, &zones.RecordError{Record: zones.Record{Owner: k.Owner, Type: k.Type}, Err: zones.ErrNoSOA}
		}
		out = append(out, x)
	}
	return out, nil
}

// stated is the RRset as one zone states it, served or not.
func (t *tree) stated(origin zones.Name, k zones.Key) zones.RRset {
	n := t.find(origin)
	if !k.Owner.Within(origin) {
		return zones.RRset{}
	}
	for _, l := range labelsDown(k.Owner, nil)[origin.Labels():] {
		c := t.child(n, l)
		if c >= 0 && t.nodes[c].flags&apex != 0 {
			a, ok := t.above[c]
			if !ok {
				return zones.RRset{}
			}
			c = a
		}
		if n = c; n < 0 {
			return zones.RRset{}
		}
	}
	return t.set(n, k.Type)
}

// put changes one RRset of the tree and tells which names that touches.
func (x *viewState) put(origin zones.Name, k keyed) (ts []touched) {
	t := x.w.new
	n := t.find(origin)
	zone := t.nodes[n].zone
	labels := labelsDown(k.Owner, nil)
	depth := origin.Labels()
	for i := depth; i < len(labels); i++ {
		c := t.child(n, labels[i])
		if c < 0 || t.nodes[c].flags&exists == 0 {
			made := join(labels[:i+1], i+1, zones.Root())
			ts = append(ts, touched{made, true})
			if c < 0 {
				c = x.grow(n, labels[i], zone, made)
			} else {
				t.nodes[c].flags |= exists
				t.nodes[c].zone = zone
			}
		}
		n = c
	}
	m := &t.nodes[n]
	empty, was := len(m.sets) == 0, m.flags
	m.sets = slices.Clone(m.sets)
	i, found := slices.BinarySearchFunc(m.sets, k.Type, func(s zones.RRset, t zones.Type) int { return int(s.Type()) - int(t) })
	switch {
	case found && k.set.IsZero():
		m.sets = slices.Delete(m.sets, i, i+1)
	case found:
		m.sets[i] = k.set
	case !k.set.IsZero():
		m.sets = slices.Insert(m.sets, i, k.set)
	}
	if len(m.sets) == 0 {
		m.sets = nil
	}
	m.flags &^= cut | cname
	for _, s := range m.sets {
		switch {
		case s.Type() == zones.TypeNS && m.flags&apex == 0:
			m.flags |= cut
		case s.Type() == zones.TypeCNAME:
			m.flags |= cname
		}
	}
	if !k.set.IsZero() {
		x.refer(k.set)
	}
	below := empty != (len(m.sets) == 0) || (was^m.flags)&cut != 0 || m.flags&cut != 0
	ts = append(ts, touched{k.Owner, below})
	if k.Owner.IsWildcard() {
		if e, ok := k.Owner.Parent(); ok {
			ts = append(ts, touched{e, true})
		}
	}
	// A referral shows what its servers' names below it have.
	for p := t.nodes[n].parent; p >= 0; p = t.nodes[p].parent {
		if t.nodes[p].flags&cut != 0 {
			ts = append(ts, touched{t.name(p), true})
		}
		if t.nodes[p].label == "*" {
			if e, ok := t.name(p).Parent(); ok {
				ts = append(ts, touched{e, true})
			}
		}
	}
	return append(ts, x.prune(n)...)
}

// grow hangs a new node, and moves to it what points there.
func (x *viewState) grow(parent int32, label string, zone int32, name zones.Name) int32 {
	t := x.w.new
	c := t.grow(node{label: label, parent: parent, zone: zone, link: -1, flags: exists})
	ks := t.own(parent)
	i, _ := t.search(ks, label)
	t.patch[parent] = slices.Insert(ks, i, c)
	stay := x.refs[parent][:0:0]
	for _, r := range x.refs[parent] {
		if r.to.Within(name) {
			x.refs[c] = append(x.refs[c], r)
		} else {
			stay = append(stay, r)
		}
	}
	x.refs[parent] = stay
	return c
}

// own gives a node a list of children that may be changed.
func (t *tree) own(n int32) []int32 {
	if t.nodes[n].flags&patched == 0 {
		if t.patch == nil {
			t.patch = map[int32][]int32{}
		}
		ks := t.children(n)
		t.patch[n] = append(make([]int32, 0, len(ks)+len(ks)/16+4), ks...)
		t.nodes[n].flags |= patched
	}
	return t.patch[n]
}

// prune takes out a node that owns nothing and has nothing below, and its
// ancestors that are left so.
func (x *viewState) prune(n int32) (ts []touched) {
	t := x.w.new
	for {
		m := &t.nodes[n]
		if len(m.sets) > 0 || m.flags&apex != 0 || len(t.children(n)) > 0 || m.parent < 0 {
			return ts
		}
		name := t.name(n)
		ts = append(ts, touched{name, true})
		if m.label == "*" {
			if e, ok := name.Parent(); ok {
				ts = append(ts, touched{e, true})
			}
		}
		p := m.parent
		ks := t.own(p)
		if i, ok := t.search(ks, m.label); ok {
			t.patch[p] = slices.Delete(ks, i, i+1)
		}
		x.refs[p] = append(x.refs[p], x.refs[n]...)
		delete(x.refs, n)
		n = p
	}
}

// closure adds whoever points at what was touched.
func (x *viewState) closure(ts []touched, in Input) []touched {
	seen := map[touched]bool{}
	var out []touched
	add := func(m touched) {
		if !seen[m] && !seen[touched{m.name, true}] {
			seen[m] = true
			out = append(out, m)
		}
	}
	for _, m := range ts {
		add(m)
	}
	t := x.w.new
	for i := 0; i < len(out); i++ {
		m := out[i]
		for _, tr := range []*tree{x.w.old, t} {
			for _, d := range tr.dnames {
				if to := target(tr.set(d, zones.TypeDNAME)); m.name.Within(to) || to.Within(m.name) {
					add(touched{tr.name(d), true})
				}
			}
		}
		for _, d := range in.Mapping.Decisions {
			for _, y := range []zones.Name{d.TargetBecomes, d.SourceBecomes} {
				if !y.IsZero() && (m.name.Within(y) || y.Within(m.name)) {
					add(touched{d.Name, true})
				}
			}
		}
		n := t.landing(m.name)
		if t.name(n) != m.name {
			for _, r := range x.refs[n] {
				if r.to == m.name || m.below && r.to.Within(m.name) {
					x.pointer(r, add)
				}
			}
			continue
		}
		x.pointers(n, m.below, add)
	}
	return out
}

// pointers adds who points at a node, or at anything below it.
func (x *viewState) pointers(n int32, below bool, add func(touched)) {
	name := x.w.new.name(n)
	for _, r := range x.refs[n] {
		if below || r.to == name {
			x.pointer(r, add)
		}
	}
	if below {
		for _, c := range x.w.new.children(n) {
			x.pointers(c, true, add)
		}
	}
}

func (x *viewState) pointer(r ref, add func(touched)) {
	add(touched{r.owner, r.wide})
	if r.owner.IsWildcard() {
		if e, ok := r.owner.Parent(); ok {
			add(touched{e, true})
		}
	}
}

// relink follows the aliases again that were touched, or that lead to what
// was.
func (x *viewState) relink(ts []touched) {
	t := x.w.new
	if t.behindAny(ts) {
		for _, n := range t.dnames {
			t.links[t.nodes[n].link].mark = fresh
		}
		for _, n := range t.dnames {
			t.resolveDNAME(n)
		}
		t.resolveUp()
	}
	var again []int32
	var below func(n int32, all bool)
	below = func(n int32, all bool) {
		m := &t.nodes[n]
		if m.flags&cname != 0 {
			if m.link < 0 {
				m.link = int32(len(t.links))
				t.links = append(t.links, link{node: n})
			}
			again = append(again, m.link)
		}
		if all {
			for _, c := range t.children(n) {
				below(c, true)
			}
		}
	}
	for _, m := range ts {
		if n := t.landing(m.name); t.name(n) == m.name {
			below(n, m.below)
			if a, ok := t.above[n]; ok {
				below(a, m.below) // asked for DS alone
			}
		}
	}
	for _, i := range again {
		l := &t.links[i]
		l.target = target(t.set(l.node, zones.TypeCNAME))
		l.to, _ = t.seek(l.target, nil)
		l.name = t.leaves(l.to, l.target)
		l.mark = fresh
	}
	for _, i := range again {
		t.resolveCNAME(&t.links[i])
	}
}
