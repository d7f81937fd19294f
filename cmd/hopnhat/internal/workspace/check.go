package workspace

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// later is what can be checked only when the whole file was read.
type later struct {
	placed  []placed  // names that must lie in a target
	olds    []old     // patterns that must touch a source
	decided []decided //
	views   []viewed  // views that a source must have
	holders []*node   // units that must have a reserved label
	waved   []*node   // waves that entries name
}

type placed struct {
	n    *node
	name zones.Name
}

type old struct {
	n *node
	p mapping.Pattern
}

type decided struct {
	n    *node
	key  zones.Key
	view zones.View
	wave string
}

type viewed struct {
	n    *node
	view zones.View
}

// old reads a pattern of names of a source.
func (d *decoder) old(n *node, what string) mapping.Pattern {
	p := d.pattern(n, what)
	d.olds = append(d.olds, old{n, p})
	return p
}

// sourceView reads a view that a source must have.
func (d *decoder) sourceView(n *node) zones.View {
	v := d.view(n)
	d.views = append(d.views, viewed{n, v})
	return v
}

// check reports what is wrong between the sections.
func (d *decoder) check(c *Consolidation) {
	if !d.damaged["targets"] && len(c.Mapping.Targets) > 0 {
		d.checkTargets(c.Mapping.Targets)
	}
	if !d.damaged["sources"] && len(c.Sources) > 0 {
		d.checkSources(c.Sources)
	}
	d.checkDecisions()
}

func (d *decoder) checkTargets(targets []zones.Name) {
	var text []string
	for _, t := range targets {
		if t.IsZero() {
			return // reported already
		}
		text = append(text, t.Text())
	}
	for _, p := range d.placed {
		if p.name.IsZero() || slices.ContainsFunc(targets, p.name.Within) {
			continue
		}
		mend := "names are written in full, and new names lie in " + strings.Join(text, " or ")
		if p.name.Labels() == 1 {
			mend = "write " + p.name.Text() + "." + text[0]
		}
		d.fail("W-NAME", p.n, p.name.Text()+" lies outside the targets", mend)
	}
}

func (d *decoder) checkSources(sources []Source) {
	var text []string
	var views []string
	first := map[zones.ID]string{}
	for _, s := range sources {
		id := s.ID
		if id.Origin.IsZero() {
			return // reported already
		}
		text = append(text, id.Origin.Text())
		if !slices.Contains(views, string(id.View)) {
			views = append(views, string(id.View))
		}
		if s.Checks != "" {
			i := slices.IndexFunc(sources, func(o Source) bool { return o.Name == s.Checks })
			if i >= 0 && (sources[i].ID != id || sources[i].Checks != "") {
				d.add(d.finding("W-RULE", s.At.Line, s.At.Column, fmt.Sprintf("the source %s, the zone %v, is held against %s, which is not that zone brought in", s.Name, id, s.Checks), "name the source that brings this zone"))
			}
			continue
		}
		if f, ok := first[id]; ok {
			d.add(d.finding("W-VALUE", s.At.Line, s.At.Column, fmt.Sprintf("the sources %s and %s are both the zone %v", f, s.Name, id), "keep one of them, or let one be held against the other: checks: "+f))
		}
		first[id] = s.Name
	}
	for _, o := range d.olds {
		if o.p.Name.IsZero() || slices.ContainsFunc(sources, func(s Source) bool { return o.p.Name.Within(s.ID.Origin) || s.ID.Origin.Within(o.p.Name) }) {
			continue
		}
		mend := "names are written in full, and old names lie in " + strings.Join(slices.Compact(slices.Sorted(slices.Values(text))), " or ")
		if o.p.Name.Labels() == 1 {
			mend = "write " + o.p.String() + "." + text[0]
		}
		d.fail("W-NAME", o.n, o.p.String()+" lies outside the sources", mend)
	}
	for _, v := range d.views {
		if v.view != "" && !slices.Contains(views, string(v.view)) {
			d.fail("W-REF", v.n, "no source has the view "+quote(string(v.view)), didYouMean(string(v.view), views))
		}
	}
}

// checkDecisions reports a second decision on one thing: only the first would
// be heard.
func (d *decoder) checkDecisions() {
	seen := map[zones.Key][]decided{}
	for _, x := range d.decided {
		for _, y := range seen[x.key] {
			if !x.key.Owner.IsZero() && x.view == y.view && x.wave == y.wave {
				what := x.key.Owner.Text()
				if x.key.Type != 0 {
					what = x.key.String()
				}
				d.fail("W-RULE", x.n, "a second decision on "+what, fmt.Sprintf("keep one of them; the first stands in line %d", y.n.line))
				break
			}
		}
		seen[x.key] = append(seen[x.key], x)
	}
}

// checkHolders reports units that hold no reserved label: a misspelt holder
// would leave its conflict open. labels are all reserved ones, the sheets'
// too; after an error some may be missing, so that nothing is said then.
func (d *decoder) checkHolders(labels []mapping.Reserved) {
	if d.damaged["reserved"] || slices.ContainsFunc(d.finds, func(f finding.Finding) bool { return f.ID == "W-SHEET" }) {
		return
	}
	var units []string
	for _, r := range labels {
		units = append(units, r.Holder)
	}
	for _, n := range d.holders {
		if s := d.str(n, "the holder"); s != "" && !slices.Contains(units, s) {
			mend := "write the unit as it stands under reserved"
			if w := nearest(s, units); w != "" {
				mend = "did you mean " + w + "?"
			}
			d.fail("W-REF", n, "no label is reserved for "+quote(s), mend)
		}
	}
}
