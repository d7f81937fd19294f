package seen

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// TableLimits bound a Builder. A zero field stands for the default.
type TableLimits struct {
	Rows     int // a Builder holds up to twice as many, then drops those asked least: 100000
	Networks int // per row: 16
	Servers  int // per row: 8
	Bits4    int // of an IPv4 network: 24
	Bits6    int // of an IPv6 network: 48
}

func (l TableLimits) orDefault() TableLimits {
	set := func(v *int, d, most int) {
		if *v <= 0 || *v > most {
			*v = d
		}
	}
	set(&l.Rows, 100_000, 1<<30)
	set(&l.Networks, 16, 1<<20)
	set(&l.Servers, 8, 1<<20)
	set(&l.Bits4, 24, 32)
	set(&l.Bits6, 48, 128)
	return l
}

// Builder gathers entries. It is not safe for concurrent use.
type Builder struct {
	limits TableLimits
	rows   map[Key]*Row
	lost   Lost
}

// NewBuilder starts a table.
func NewBuilder(l TableLimits) *Builder { return &Builder{limits: l.orDefault(), rows: map[Key]*Row{}} }

// Add takes one entry.
func (b *Builder) Add(e Entry) {
	k := Key{e.Name, e.Type, e.View}
	r := b.rows[k]
	if r == nil {
		if !e.Asked && b.lost.Rows > 0 {
			return // the row of its question was dropped: there is nothing to add it to
		}
		if len(b.rows) >= 2*b.limits.Rows {
			b.cut()
		}
		k.View = strings.Clone(k.View) // else the row would keep the whole line
		r = &Row{Key: k}
		b.rows[k] = r
	}
	if e.Asked {
		b.asked(r, e)
	}
	if a := e.Answer; a != nil {
		r.Answer = better(r.Answer, a)
		if a.positive() {
			r.Positive = plus(r.Positive, 1)
		}
		i, ok := slices.BinarySearchFunc(r.Rcodes, a.Rcode, func(c Rcode, v int) int { return cmp.Compare(c.Code, v) })
		if !ok {
			r.Rcodes = slices.Insert(r.Rcodes, i, Rcode{Code: a.Rcode})
		}
		r.Rcodes[i].Count++
	}
}

// asked counts a question.
func (b *Builder) asked(r *Row, e Entry) {
	r.Count = plus(r.Count, 1)
	if t := e.Time.UTC(); !e.Time.IsZero() {
		r.First, r.Last = earlier(r.First, t), later(r.Last, t)
	}
	if p := b.network(e.Client); p.IsValid() {
		i, ok := slices.BinarySearchFunc(r.Networks, p, func(n Network, p netip.Prefix) int { return comparePrefix(n.Prefix, p) })
		if !ok {
			r.Networks = slices.Insert(r.Networks, i, Network{Prefix: p})
		}
		if r.Networks[i].Count++; len(r.Networks) > 2*b.limits.Networks {
			b.cutNetworks(r)
		}
	}
	if e.Server.IsValid() {
		i, ok := slices.BinarySearchFunc(r.Servers, e.Server, func(s Server, a netip.Addr) int { return s.Addr.Compare(a) })
		switch {
		case !ok && len(r.Servers) >= b.limits.Servers:
			r.OtherServs++
			return
		case !ok:
			r.Servers = slices.Insert(r.Servers, i, Server{Addr: e.Server})
		}
		r.Servers[i].Count++
	}
}

func (b *Builder) network(a netip.Addr) netip.Prefix {
	bits := b.limits.Bits6
	if a.Is4() {
		bits = b.limits.Bits4
	}
	p, _ := a.Prefix(bits)
	return p
}

// cut drops the rows asked least, so that Rows are left (SEEN-FLOOR).
func (b *Builder) cut() {
	rows := slices.SortedFunc(maps.Values(b.rows), func(a, c *Row) int { return byCount(*a, *c) })
	if len(rows) <= b.limits.Rows {
		return
	}
	for _, r := range rows[b.limits.Rows:] {
		b.lost.Rows = plus(b.lost.Rows, 1)
		b.lost.Queries = plus(b.lost.Queries, r.Count)
		delete(b.rows, r.Key)
	}
	// A name may be dropped at each cut, so what it can have lost adds up.
	b.lost.Floor = plus(b.lost.Floor, rows[b.limits.Rows].Count)
}

// cutNetworks keeps the networks that asked most.
func (b *Builder) cutNetworks(r *Row) {
	slices.SortFunc(r.Networks, func(a, c Network) int {
		return cmp.Or(cmp.Compare(c.Count, a.Count), comparePrefix(a.Prefix, c.Prefix))
	})
	for _, n := range r.Networks[b.limits.Networks:] {
		r.OtherNets = plus(r.OtherNets, n.Count)
	}
	r.Networks = slices.Clip(slices.Clone(r.Networks[:b.limits.Networks]))
	slices.SortFunc(r.Networks, func(a, c Network) int { return comparePrefix(a.Prefix, c.Prefix) })
}

// Table freezes what was gathered: at most Rows rows, each with at most
// Networks networks. The Builder can go on.
func (b *Builder) Table() *Table {
	b.cut()
	t := &Table{lost: b.lost, rows: make([]Row, 0, len(b.rows))}
	for _, r := range b.rows {
		if len(r.Networks) > b.limits.Networks {
			b.cutNetworks(r)
		}
		row := *r
		row.Networks, row.Servers, row.Rcodes = slices.Clone(r.Networks), slices.Clone(r.Servers), slices.Clone(r.Rcodes)
		t.rows = append(t.rows, row)
	}
	slices.SortFunc(t.rows, func(a, c Row) int { return a.Key.Compare(c.Key) })
	return t
}
