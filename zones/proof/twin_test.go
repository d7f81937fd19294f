package proof

import (
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// The slow twin: RFC 1034 4.3.2 name by name, with nothing of the package but
// the kinds. It follows chains through all zones, as a resolver would.

type twin struct {
	zones  map[zones.Name]*zones.Zone
	exists map[zones.Name]map[zones.Name]bool // by origin
}

type said struct {
	glue   []string // a referral's, by server and type
	kind   kind
	data   string // sorted RDATA, a referral's identity, the name that a chain leaves for
	via    map[zones.Name]bool
	wild   bool // the first step was synthesised
	jumped bool // the first step was a DNAME's
	end    zones.Name
}

func newTwin(w zones.World, v zones.View) *twin {
	t := &twin{map[zones.Name]*zones.Zone{}, map[zones.Name]map[zones.Name]bool{}}
	for z := range w.In(v) {
		t.zones[z.Origin()] = z
		ex := map[zones.Name]bool{z.Origin(): true}
		for o := range z.Owners() {
			for n := o; n != z.Origin(); n, _ = n.Parent() {
				ex[n] = true
			}
		}
		t.exists[z.Origin()] = ex
	}
	return t
}

func (t *twin) nearest(n zones.Name) *zones.Zone {
	for ok := true; ok; n, ok = n.Parent() {
		if z := t.zones[n]; z != nil {
			return z
		}
	}
	return nil
}

func (t *twin) ask(n zones.Name, typ zones.Type) said {
	a := said{via: map[zones.Name]bool{}}
	for step := 0; ; step++ {
		z := t.nearest(n)
		if z != nil && typ == zones.TypeDS && n == z.Origin() {
			if up, ok := n.Parent(); ok {
				if p := t.nearest(up); p != nil {
					z = p
				}
			}
		}
		if z == nil {
			if step == 0 {
				a.kind = refused
			} else {
				a.kind, a.data = away, n.String()
			}
			return a
		}
		if a.via[n] {
			a.kind, a.data = looped, ""
			return a
		}
		a.via[n], a.end = true, n
		next, more := t.step(&a, z, n, typ, step == 0)
		if !more {
			return a
		}
		n = next
	}
}

func (t *twin) step(a *said, z *zones.Zone, n zones.Name, typ zones.Type, first bool) (zones.Name, bool) {
	var path []zones.Name
	for m := n; ; {
		path = append(path, m)
		if m == z.Origin() {
			break
		}
		m, _ = m.Parent()
	}
	slices.Reverse(path)
	src := n
	for i, m := range path {
		last := i == len(path)-1
		if !t.exists[z.Origin()][m] {
			e, _ := m.Parent()
			star, err := e.Child("*")
			if err != nil || !t.exists[z.Origin()][star] {
				a.kind = nxdomain
				return n, false
			}
			src = star
			a.wild = a.wild || first
			break
		}
		if ns, ok := z.Lookup(m, zones.TypeNS); ok && m != z.Origin() && !(last && typ == zones.TypeDS) {
			t.refer(a, z, ns)
			return n, false
		}
		if d, ok := z.Lookup(m, zones.TypeDNAME); ok && !last {
			to, _, _ := zones.NameFromWire([]byte(d.Data(0)))
			next, err := n.Rebase(m, to)
			if err != nil {
				a.kind = overlong
				return n, false
			}
			a.jumped = a.jumped || first
			return next, true
		}
	}
	if ns, ok := z.Lookup(src, zones.TypeNS); ok && src != n && typ != zones.TypeDS {
		t.refer(a, z, ns)
		return n, false
	}
	if c, ok := z.Lookup(src, zones.TypeCNAME); ok {
		to, _, _ := zones.NameFromWire([]byte(c.Data(0)))
		return to, true
	}
	if s, ok := z.Lookup(src, typ); ok {
		a.kind, a.data = data, octets(s)
		return n, false
	}
	a.kind = nodata
	return n, false
}

func octets(s zones.RRset) string {
	var ds []string
	for _, r := range s.Records() {
		ds = append(ds, r.Data)
	}
	return strings.Join(ds, "|")
}

func (t *twin) refer(a *said, z *zones.Zone, ns zones.RRset) {
	a.kind = referral
	a.data = octets(ns)
	ds, _ := z.Lookup(ns.Owner(), zones.TypeDS)
	a.data += "/" + octets(ds)
	for _, r := range ns.Records() {
		host, _, _ := zones.NameFromWire([]byte(r.Data))
		if host.Within(ns.Owner()) {
			for _, typ := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
				g, _ := z.Lookup(host, typ)
				a.glue = append(a.glue, octets(g))
			}
		}
	}
}

// breaks tells whether the change from one answer to another blocks.
func breaks(o, n said) bool {
	switch o.kind {
	case refused:
		return false
	case data, referral, away:
		if o.kind == away && len(n.via) > 0 && n.kind != nxdomain && n.kind != looped {
			if via(n, o.data) {
				return false
			}
		}
		if o.kind == referral && n.kind == referral && o.data == n.data {
			for i, g := range o.glue {
				if g != "" && n.glue[i] != g {
					return true
				}
			}
		}
		return o.kind != n.kind || o.data != n.data
	case looped, overlong:
		return false
	case nxdomain, nodata:
		switch n.kind {
		case refused, looped, overlong:
			return true
		case data, referral, away:
			return o.kind == nxdomain && n.wild && !o.jumped
		case nodata:
			return false
		}
	}
	return false
}

func via(n said, name string) bool {
	for x := range n.via {
		if x.String() == name {
			return true
		}
	}
	return false
}
