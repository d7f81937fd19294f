package proof

import (
	"slices"
	"sync"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Level says how nearly an answer of NEW is that of OLD.
type Level uint8

// The levels.
const (
	L0   Level = iota // the same RRset and TTL
	L1                // the same data, another TTL
	L2                // the same terminal data after another chain
	L3                // the same modulo the rewriting of names inside data
	L4                // a declared exception
	none              // not equal
)

// judge compares answers of two worlds in one view.
type judge struct {
	old, new *tree
	ren      *renames
	sem      *sync.Map // the new name of a pair -> *meanings
	met      *nameSet  // the new names, where they may be forgotten again; else nil
}

// with is the judge of two other trees of the same view.
func (j *judge) with(old, new *tree) *judge {
	return &judge{old: old, new: new, ren: j.ren, sem: &sync.Map{}}
}

// compared tells whether a type's answers are compared as data (doc.go).
func compared(t zones.Type) bool {
	switch t {
	case zones.TypeCNAME, zones.TypeDNAME, zones.TypeSOA:
		return false
	}
	return !derived(t)
}

// derived types are made from the zone by its signer.
func derived(t zones.Type) bool {
	switch t {
	case zones.TypeRRSIG, zones.TypeNSEC, zones.TypeNSEC3, zones.TypeNSEC3PARAM, zones.TypeZONEMD, zones.TypeSIG, zones.TypeNXT:
		return true
	}
	return false
}

// equal compares the answers for one type. wrong is a pair of names inside
// data that is a renaming by the mapping and does not mean the same; then the
// level is none.
func (j *judge) equal(o, n *stand, typ zones.Type) (l Level, wrong *pair) {
	o, n = o.on(typ), n.on(typ)
	ok, os := o.ask(typ)
	nk, ns := n.ask(typ)
	if ok != nk {
		if ok == away && n.passes(o.name) && (nk == data || nk == nodata || nk == referral) {
			return L2, nil
		}
		return none, nil
	}
	switch ok {
	case data:
		l, wrong = j.sets(os, ns)
	case referral:
		l, wrong = j.referrals(o.t, o.cutNode(), n.t, n.cutNode())
	case away:
		switch {
		case o.name == n.name:
		case n.passes(o.name):
			l = L2
		case j.ren.may(o.name, n.name):
			l = L3
		default:
			return none, nil
		}
	}
	if l < L2 && (o.alias >= 0 || n.alias >= 0) {
		l = max(l, j.chains(o, n))
	}
	return l, wrong
}

// chains compares how two chains begin.
func (j *judge) chains(o, n *stand) Level {
	if o.alias < 0 || n.alias < 0 {
		return L2
	}
	a, b := o.t.set(o.alias, zones.TypeCNAME), n.t.set(n.alias, zones.TypeCNAME)
	switch {
	case a.Data(0) != b.Data(0):
		return L2
	case a.TTL() != b.TTL():
		return L1
	}
	return L0
}

// passes tells whether the chain goes through a name.
func (s *stand) passes(name zones.Name) bool {
	if name.IsZero() || s.alias < 0 {
		return false
	}
	l := &s.t.links[s.t.nodes[s.alias].link]
	for range l.hops {
		if l.target == name || l.name == name {
			return true
		}
		if l = s.t.chained(l.to); l == nil {
			break
		}
	}
	return false
}

// same compares data octet by octet.
func same(a, b zones.RRset) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if a.Data(i) != b.Data(i) {
			return false
		}
	}
	return true
}

// sets compares two RRsets of one type without their owners.
func (j *judge) sets(o, n zones.RRset) (Level, *pair) {
	switch {
	case same(o, n) && o.TTL() == n.TTL():
		return L0, nil
	case same(o, n) || o.Type() == zones.TypeSOA:
		return L1, nil
	}
	return j.rewritten(o, n)
}

// pair is a name inside data and what took its place.
type pair struct {
	old, new zones.Name
	role     rdata.Role
}

// masked is data with its names taken out.
type masked struct {
	rest  string
	names []rdata.Embedded
}

func mask(t zones.Type, d string) masked {
	var m masked
	hole := zones.Root()
	rest, _, err := rdata.Rewrite(t, d, func(n zones.Name, r rdata.Role) (zones.Name, error) {
		m.names = append(m.names, rdata.Embedded{Name: n, Role: r})
		if h, err := hole.Child("x"); err == nil {
			return h, nil
		}
		return n, nil
	})
	if err != nil {
		return masked{rest: d}
	}
	m.rest = rest
	return m
}

// rewritten compares RRsets modulo the renaming of names inside data: each
// RDATA has a partner on the other side.
func (j *judge) rewritten(o, n zones.RRset) (Level, *pair) {
	if j.ren.empty() {
		return none, nil
	}
	ms, mn := masks(o), masks(n)
	byRest := make(map[string][]int, len(mn))
	for i, m := range mn {
		byRest[m.rest] = append(byRest[m.rest], i)
	}
	met := make([]bool, len(mn))
	for i, a := range ms {
		found := false
		var wrong *pair
		for _, k := range byRest[a.rest] {
			if o.Data(i) == n.Data(k) {
				met[k], found = true, true
				continue
			}
			p, okay := j.partners(a, mn[k])
			if okay {
				met[k], found = true, true
			} else if p != nil {
				wrong = p
			}
		}
		if !found {
			return none, wrong
		}
	}
	for _, m := range met {
		if !m {
			return none, nil
		}
	}
	return L3, nil
}

func masks(s zones.RRset) []masked {
	out := make([]masked, s.Len())
	for i := range out {
		out[i] = mask(s.Type(), s.Data(i))
	}
	return out
}

// partners tells whether one RDATA's names are the other's after a renaming.
func (j *judge) partners(a, b masked) (*pair, bool) {
	if len(a.names) != len(b.names) {
		return nil, false
	}
	for i := range a.names {
		x, y := a.names[i].Name, b.names[i].Name
		if x == y {
			continue
		}
		if !j.ren.may(x, y) {
			return nil, false
		}
		if p := (pair{x, y, a.names[i].Role}); !j.means(p) {
			return &p, false
		}
	}
	return nil, true
}

// means tells whether the new name gives what its role asks of the old one.
func (j *judge) means(p pair) bool {
	v, ok := j.sem.Load(p.new)
	if !ok {
		v, _ = j.sem.LoadOrStore(p.new, &meanings{})
		j.met.add(p.new)
	}
	m := v.(*meanings)
	if good, known := m.get(p); known {
		return good
	}
	good := true
	switch p.role {
	case rdata.Mailbox, rdata.Other:
	default:
		o, n := j.old.standAt(p.old), j.new.standAt(p.new)
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			if p.role == rdata.Host { // glue counts, and stands below a cut
				if x := j.old.held(p.old, t); !x.IsZero() {
					good = good && same(x, j.new.held(p.new, t))
					continue
				}
			}
			good = good && j.reaches(&o, &n, t)
		}
	}
	m.put(p, good)
	return good
}

// meanings is what was found out about the pairs of one new name. It is safe
// for use by several goroutines.
type meanings struct {
	mu    sync.Mutex
	pairs []pair
	good  []bool
}

func (m *meanings) get(p pair) (good, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.Index(m.pairs, p); i >= 0 {
		return m.good[i], true
	}
	return false, false
}

func (m *meanings) put(p pair, good bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.pairs, p) {
		m.pairs, m.good = append(m.pairs, p), append(m.good, good)
	}
}

// reaches tells whether n gives all addresses that o does. Delegations are
// compared by their names alone, since their servers' names mean what this
// asks.
func (j *judge) reaches(o, n *stand, t zones.Type) bool {
	ok, os := o.ask(t)
	nk, ns := n.ask(t)
	switch ok {
	case data:
		return nk == data && same(os, ns)
	case referral:
		return nk == referral && j.ren.may(o.t.name(o.cutNode()), n.t.name(n.cutNode()))
	case away:
		return nk == away && j.ren.may(o.name, n.name) || n.passes(o.name)
	}
	return true
}

// standAt is what answers for a whole name.
func (t *tree) standAt(n zones.Name) stand {
	c, _ := t.seek(n, nil)
	return t.stand(c, labelsDown(n, nil), len(n.Wire()))
}

// referrals compares two delegations: NS, the glue of each server, DS.
func (j *judge) referrals(ot *tree, o int32, nt *tree, n int32) (Level, *pair) {
	a, b := ot.set(o, zones.TypeNS), nt.set(n, zones.TypeNS)
	l, wrong := j.sets(a, b)
	if l == none {
		return none, wrong
	}
	if d, e := ot.set(o, zones.TypeDS), nt.set(n, zones.TypeDS); d.IsZero() != e.IsZero() || !same(d, e) {
		return none, nil
	}
	if lost := glueLost(ot, o, nt, n); lost {
		return none, nil
	}
	return l, nil
}

// glueLost tells whether a server of the new delegation lies in it and has
// not the addresses that the old one's had, where the names are the same.
func glueLost(ot *tree, o int32, nt *tree, n int32) bool {
	a := ot.set(o, zones.TypeNS)
	for i := range a.Len() {
		host := target2(a.Data(i))
		if !host.Within(a.Owner()) || !nt.set(n, zones.TypeNS).Has(a.Data(i)) {
			continue
		}
		for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
			x, y := ot.held(host, t), nt.held(host, t)
			if !x.IsZero() && !same(x, y) {
				return true
			}
		}
	}
	return false
}

// target2 reads the name at the head of data.
func target2(d string) zones.Name {
	n, _, err := zones.NameIn(d)
	if err != nil {
		return zones.Root()
	}
	return n
}

// held is the RRset of a name as the nearest zone states it, cuts or not:
// glue.
func (t *tree) held(n zones.Name, typ zones.Type) zones.RRset {
	at := t.root
	for _, l := range labelsDown(n, nil) {
		if at = t.child(at, l); at < 0 {
			return zones.RRset{}
		}
	}
	return t.set(at, typ)
}
