package check

import (
	"cmp"
	"fmt"
	"net/netip"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Options say what is known beside the zone. The zero value knows nothing.
type Options struct {
	Beside zones.World // other zones of the view: looked into, not reported on
	Whole  bool        // the zone and Beside are all that their servers serve (D-SELF)
	Max    int         // findings of one id that are listed, later ones are counted [1000]
}

// Zone says what is wrong with one zone, by place.
func Zone(z *zones.Zone, o Options) []finding.Finding {
	return run(newIndex(o.Beside.With(z), z.View()), z, o)
}

// World says what is wrong with each zone of a world that is served whole, view
// by view. Beside and Whole of the options are not looked at.
func World(w zones.World, o Options) []finding.Finding {
	o.Whole = true
	var out []finding.Finding
	for _, v := range w.Views() {
		x := newIndex(w, v)
		for z := range w.In(v) {
			out = append(out, run(x, z, o)...)
		}
	}
	return out
}

// checker looks at one zone.
type checker struct {
	*index
	sp   *space
	z    *zones.Zone
	opts Options

	out   []finding.Finding
	times map[string]int // findings by id
	last  map[string]int // where the last one listed stands in out

	hidden                      // what a cut or DNAME hides, while the walk is below it
	stars    map[zones.Name]int // where the finding of an inner asterisk stands in out
	doubled  int                // where the finding of doubled owners stands in out, and 1
	missed   bool               // a record names an owner that is there doubled
	private  map[zones.Type]int // likewise for private addresses
	policies map[zones.Name]*policy
	asked    map[netip.Addr]bool       // addresses of exchangers that were looked at
	over     map[zones.Name]bool       // owners of policies above the limit
	greedy   []zones.Name              // owners of policies above the limit by what they include,
	blames   map[zones.Name]zones.Name // and what that is
	growing  []zones.Name              // owners of DNAMEs that make names longer,
	grows    map[zones.Name]zones.Name // and the next DNAME on the way
	circles  map[zones.Name]bool       // owners of circles that were reported
	glueless map[zones.Name]bool       // cuts that lack glue
}

func run(x *index, z *zones.Zone, o Options) []finding.Finding {
	if o.Max <= 0 {
		o.Max = 1000
	}
	c := &checker{
		index: x, sp: x.spaces[z.Origin()], z: z, opts: o,
		times: map[string]int{}, last: map[string]int{}, stars: map[zones.Name]int{}, private: map[zones.Type]int{},
		policies: map[zones.Name]*policy{}, asked: map[netip.Addr]bool{}, over: map[zones.Name]bool{}, blames: map[zones.Name]zones.Name{}, grows: map[zones.Name]zones.Name{}, circles: map[zones.Name]bool{}, glueless: map[zones.Name]bool{},
	}
	c.apex()
	for owner := range z.Owners() {
		c.owner(owner)
	}
	c.leave()
	c.cycles()
	c.endless()
	c.growths()
	if c.missed && c.doubled > 0 {
		c.out[c.doubled-1].Severity = finding.Error
	}
	for id, n := range c.times {
		if more := n - o.Max; more > 0 {
			c.out[c.last[id]].Found += fmt.Sprintf(" (and %d more of this kind, which are not listed)", more)
		}
	}
	finding.Sort(c.out)
	return c.out
}

// owner looks at all records of a name. Owners come in canonical order, so that
// what lies below a cut or DNAME comes right after it.
func (c *checker) owner(n zones.Name) {
	sets := c.z.At(n)
	if c.below(n) {
		c.hide(sets)
		return
	}
	c.leave()
	if n != c.z.Origin() && doubles(n, c.z.Origin()) {
		c.doubledOwner(sets[0])
	}
	c.innerStar(n, sets[0])
	good := true
	for _, s := range sets {
		for i := range s.Len() {
			if rdata.Check(s.Type(), s.Data(i)) != nil {
				c.tell("Z-RDATA", s, i, "the data of %v do not have the form of the type", s.Key())
				good = false
			}
		}
	}
	if !good {
		return // whatever else is wrong may follow from that
	}
	c.enter(n, sets)
	if c.sp.cuts[n] {
		ns, _ := c.z.Lookup(n, zones.TypeNS)
		c.delegation(ns)
		c.targets(ns)
		return // the rest is the child's, or hidden
	}
	if ds, ok := c.z.Lookup(n, zones.TypeDS); ok && n == c.z.Origin() { // RFC 4035 2.4
		c.tell("G-DS", ds, 0, "a DS at the zone's own apex %v", n.Text())
	}
	c.beside(n, sets)
	for _, s := range sets {
		c.set(s)
	}
}

// set looks at one record set that is answered from.
func (c *checker) set(s zones.RRset) {
	c.size(s)
	switch s.Type() {
	case zones.TypeA, zones.TypeAAAA:
		c.privates(s)
	case zones.TypeTXT:
		c.control(s)
		c.text(s)
	case zones.TypeSPF:
		c.control(s)
	case zones.TypeMX:
		c.nullMX(s)
		c.mailReverse(s)
	case zones.TypeCNAME:
		c.alias(s)
	case zones.TypeDNAME:
		c.dname(s)
	case zones.TypeTLSA:
		c.tlsa(s)
	case zones.TypeCAA:
		c.caa(s)
	case zones.TypeSVCB, zones.TypeHTTPS:
		c.svcb(s)
	case zones.TypePTR:
		c.pointer(s)
	}
	c.targets(s)
}

// tell adds a finding at the i-th record of a set.
func (c *checker) tell(id string, s zones.RRset, i int, found string, args ...any) {
	c.say(id, defined[id].severity, s.From(i).Place, fmt.Sprintf(found, args...))
}

// say adds a finding and tells where it stands in c.out; -1 if it is only counted.
func (c *checker) say(id string, severity finding.Severity, at zones.Place, found string) int {
	if c.times[id]++; c.times[id] > c.opts.Max {
		return -1
	}
	c.last[id] = len(c.out)
	c.out = append(c.out, finding.Finding{ID: id, Severity: severity, At: at, Found: found, Mend: defined[id].mend, Count: 1})
	return len(c.out) - 1
}

// later is the record of a set that stands last in the files among those that
// pick accepts, and how many it accepts; -1 for none.
func later(s zones.RRset, pick func(data string) bool) (at, n int) {
	at = -1
	for i := range s.Len() {
		if !pick(s.Data(i)) {
			continue
		}
		if n++; at < 0 || byPlace(s.From(at).Place, s.From(i).Place) < 0 {
			at = i
		}
	}
	return at, n
}

func byPlace(a, b zones.Place) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
