package agree

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Site is a data centre, or any other place where addresses are used.
type Site struct {
	Key, Title  string // an allocation names it by either
	BackupPower bool
}

// System is a system of the plan, with the names that belong to it.
type System struct {
	Key   string
	No    int // its number in the plan
	Names []mapping.Pattern
	At    zones.Place
}

// covers tells whether a name belongs to the system.
func (s System) covers(n zones.Name) bool {
	return slices.ContainsFunc(s.Names, func(p mapping.Pattern) bool { return p.Match(n) })
}

// Input is what is held against each other.
type Input struct {
	World         zones.World
	Held          []ipam.Allocation // what the book holds; BOOK-NEST and BOOK-ONE of package ipam
	Organisations []Organisation
	Sites         []Site
	Systems       []System
}

// PerSystem is what was found of a system of the plan. Names are counted in
// each view; a name may belong to several systems, and counts in each.
type PerSystem struct {
	System
	Names     int // that have an address
	V6        int // of these, that have one of IPv6
	Unplanned int // records outside every block
	Strange   int // records at addresses of another organisation
}

// Fault is a finding, with what it is about for who words it otherwise.
type Fault struct {
	finding.Finding
	About string // blocks, names, addresses; no sentence of any language
}

// Report is what Check found.
type Report struct {
	Faults  []Fault     // in the order of the checks, then of blocks and names
	Systems []PerSystem // as they were given
	Records int         // addresses that were looked up
}

// Check holds names and addresses against each other.
func Check(in Input) Report {
	c := checking{in: in, owners: newOwners(in.Organisations), nodes: nest(in.Held), records: records(in.World)}
	place(c.records, c.nodes)
	c.members = make([][]int, len(c.records))
	for i, r := range c.records {
		for k, s := range in.Systems {
			if s.covers(r.name) {
				c.members[i] = append(c.members[i], k)
			}
		}
	}
	for _, s := range in.Systems {
		c.out.Systems = append(c.out.Systems, PerSystem{System: s})
	}
	c.out.Records = len(c.records)
	c.twice()
	c.unplanned()
	c.strangers()
	c.servers()
	c.systems()
	return c.out
}

// checking is Check under way.
type checking struct {
	in      Input
	owners  owners
	nodes   []*node
	records []record
	members [][]int // of each record, the systems that it belongs to
	out     Report
}

// say tells of a fault; about names what it is about.
func (c *checking) say(f finding.Finding, about string, args ...any) {
	c.out.Faults = append(c.out.Faults, Fault{f, fmt.Sprintf(about, args...)})
}

// twice finds blocks that lie in one of an organisation that is not above
// theirs: two hold the same addresses (A-TWICE).
func (c *checking) twice() {
	for _, n := range c.nodes {
		outer := n.up.holder()
		if n.Holder.Code.IsZero() || outer.Code.IsZero() || c.owners.today(outer.Code).Contains(c.owners.today(n.Holder.Code)) {
			continue
		}
		up := n.up
		for up.Holder.IsZero() {
			up = up.up
		}
		c.say(finding.Finding{
			ID: "A-TWICE", Severity: finding.Block,
			Found: fmt.Sprintf("%v is held by %v, and lies in %v of %v", n.Place, n.Holder, up.Block, outer),
			Mend:  "give one of them back (hopnhat ip release), or say whose it is (hopnhat ip assign)",
		}, "%v (%v), %v (%v)", n.Place, n.Holder, up.Block, outer)
	}
}

// unplanned finds addresses in no block (A-UNPLANNED), a finding for each
// network that they lie in: /24, and /64 of IPv6.
func (c *checking) unplanned() {
	type network struct {
		view zones.View
		of   netip.Prefix
	}
	groups := map[network][]int{}
	var order []network
	for i, r := range c.records {
		if len(r.in) > 0 {
			continue
		}
		bits := 64
		if r.addr.Is4() {
			bits = 24
		}
		p, _ := r.addr.Prefix(bits)
		k := network{r.view, p}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
		for _, s := range c.members[i] {
			c.out.Systems[s].Unplanned++
		}
	}
	for _, k := range order {
		list := groups[k]
		first := c.records[list[0]]
		f := finding.Finding{
			ID: "A-UNPLANNED", Severity: finding.Error, At: first.at, Count: len(list),
			Found: fmt.Sprintf("%s: %s of %v in no block of the book: %s%s", k.view, several(len(list), "an address", "addresses"), k.of, c.shown(list), c.ofSystems(list)),
			Mend:  "allocate the block that they lie in, or mend the records",
		}
		if b := first.beyond; b != nil {
			f.Found += fmt.Sprintf("; %v lies in %v, which this view does not reach", first.addr, b.Place)
		}
		c.say(f, "%s: %v: %s", k.view, k.of, c.shown(list))
	}
}

// strangers finds names of one organisation at addresses of another (A-OWNER),
// a finding for each organisation and block.
func (c *checking) strangers() {
	type pair struct {
		owner ipam.Code
		at    *node
	}
	groups := map[pair][]int{}
	var order []pair
	for i, r := range c.records {
		owner, ok := c.owners.of(r.name)
		if !ok || len(r.in) == 0 {
			continue
		}
		if slices.ContainsFunc(r.in, func(n *node) bool {
			h := n.holder().Code
			return h.IsZero() || c.owners.kin(owner, h)
		}) {
			continue
		}
		k := pair{owner, r.in[0]}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
		for _, s := range c.members[i] {
			c.out.Systems[s].Strange++
		}
	}
	for _, k := range order {
		list := groups[k]
		c.say(finding.Finding{
			ID: "A-OWNER", Severity: finding.Warning, At: c.records[list[0]].at, Count: len(list),
			Found: fmt.Sprintf("%s of %v at addresses of %v (%v): %s%s", several(len(list), "a name", "names"), k.owner, k.at.holder(), k.at.Place, c.shown(list), c.ofSystems(list)),
			Mend:  "point the name at an address of its own organisation, or give the block to the right holder",
		}, "%v, %v (%v): %s", k.owner, k.at.holder(), k.at.Place, c.shown(list))
	}
}

// systems counts the names of each system, and finds those without IPv6 (P-V6).
func (c *checking) systems() {
	type key struct {
		view zones.View
		name zones.Name
	}
	for k := range c.out.Systems {
		v6 := map[key]bool{}
		for i, r := range c.records {
			if slices.Contains(c.members[i], k) {
				at := key{r.view, r.name}
				v6[at] = v6[at] || !r.addr.Is4()
			}
		}
		s := &c.out.Systems[k]
		s.Names = len(v6)
		for _, six := range v6 {
			if six {
				s.V6++
			}
		}
		if s.Names > 0 && s.V6 == 0 {
			c.say(finding.Finding{
				ID: "P-V6", Severity: finding.Warning, At: s.At,
				Found: fmt.Sprintf("system %d %s: none of its %s has an address of IPv6", s.No, s.Key, several(s.Names, "name", "names")),
				Mend:  "give its hosts addresses of IPv6, and the names AAAA",
			}, "%d %s", s.No, s.Key)
		}
	}
}

// shown names the first records of a list.
func (c *checking) shown(list []int) string {
	const most = 4
	var out []string
	for _, i := range list[:min(most, len(list))] {
		out = append(out, c.records[i].addr.String()+" ("+c.records[i].name.Text()+")")
	}
	text := strings.Join(out, ", ")
	if n := len(list) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// ofSystems names the systems that records belong to, " [systems …]" or nothing.
func (c *checking) ofSystems(list []int) string {
	var all []int
	for _, i := range list {
		all = append(all, c.members[i]...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(c.in.Systems[a].No, c.in.Systems[b].No) })
	var keys []string
	for _, k := range all {
		keys = append(keys, c.in.Systems[k].Key)
	}
	return " (of " + strings.Join(keys, ", ") + ")"
}

// several is a number with its word.
func several(n int, one, many string) string {
	switch {
	case n != 1:
		return fmt.Sprintf("%d %s", n, many)
	case strings.Contains(one, " "):
		return one
	}
	return "1 " + one
}
