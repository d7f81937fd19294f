package workspace

import (
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// note gives the fields why, by and doc of what people decided.
func (d *decoder) note(n *node, x *mapping.Note, need bool) []field {
	x.At = d.at(n)
	return []field{
		{"why", need, func(n *node) { x.Why = d.str(n, "why") }},
		{"by", need, func(n *node) { x.By = d.ref(n, "people") }},
		{"doc", need, func(n *node) { x.Doc = d.ref(n, "documents") }},
		{"wave", false, func(n *node) { x.Wave = d.entryWave(n) }},
	}
}

func (d *decoder) rule(n *node) mapping.Rule {
	var x mapping.Rule
	var drop, subtree *node
	var to []*node
	ok := d.fields(n, "a rule", append([]field{
		must("from", func(n *node) { x.From = d.old(n, "from") }),
		may("view", func(n *node) { x.View = d.sourceView(n) }),
		may("types", func(n *node) {
			d.listOrOne(n, "types", func(n *node) {
				if t := d.typ(n); t != 0 {
					x.Types = append(x.Types, t)
				}
			})
		}),
		may("to", func(n *node) {
			to = append(to, n) // counts as given even where it is broken
			d.listOrOne(n, "to", func(n *node) {
				p := d.pattern(n, "to")
				d.placed = append(d.placed, placed{n, p.Name})
				x.To = append(x.To, p)
				to = append(to, n)
			})
		}),
		may("drop", func(n *node) { drop, x.Drop = n, d.bool(n, "drop") }),
		may("subtree", func(n *node) { subtree, x.Subtree = n, d.bool(n, "subtree") }),
		may("holder", func(n *node) { x.Holder = d.holder(n) }),
	}, d.note(n, &x.Note, true)...)...)
	if !ok {
		return x
	}
	switch {
	case len(to) > 0 && x.Drop:
		d.fail("W-RULE", drop, "a rule with both to and drop", "keep to, and the records get a new name; or keep drop: true, and they get none")
	case len(to) == 0 && drop == nil:
		d.fail("W-RULE", n, "a rule with neither to nor drop", "add to: and a name in a target, or drop: true")
	case len(to) == 0 && !x.Drop && drop.text == "false":
		d.fail("W-RULE", drop, "a rule with neither to nor drop: true", "add to: and a name in a target, or write drop: true")
	case len(to) == 1:
		d.fail("W-RULE", to[0], "a rule without a new name", "write a name in a target, or drop: true in place of to")
	}
	for i, p := range x.To {
		switch {
		case p.Name.IsZero() || x.From.Name.IsZero(): // reported already
		case p.Star && !x.From.Star:
			d.fail("W-RULE", to[i+1], "a star in to and none in from", `write "*." in both, or in neither`)
		case !p.Star && x.From.Star:
			d.fail("W-RULE", to[i+1], "a star in from and none in to: all names would become one", `write "*." in both, or in neither`)
		}
	}
	if x.Subtree && x.From.Star {
		d.fail("W-RULE", subtree, "subtree with a star in from", `leave subtree out: "*." stands for all names below; or take the star away, and the name itself is meant too`)
	}
	return x
}

func (d *decoder) oldName(n *node) mapping.OldName {
	var x mapping.OldName
	var mode, until *node
	ok := d.fields(n, "an old name", append([]field{
		must("match", func(n *node) { x.Match = d.old(n, "match") }),
		may("view", func(n *node) { x.View = d.sourceView(n) }),
		must("mode", func(n *node) {
			mode, x.Mode = n, mapping.Mode(max(0, d.oneOf(n, "mode", "follow", "as-before", "alias", "end")))
		}),
		may("until", func(n *node) {
			if until = n; n.kind != scalar || n.text != "open" {
				x.Until = d.date(n, "until")
			}
		}),
	}, d.note(n, &x.Note, false)...)...)
	if !ok || x.Mode != mapping.End {
		return x
	}
	switch {
	case x.Wave == "" && !slices.ContainsFunc(n.keys, func(k *node) bool { return k.text == "wave" }):
		d.fail("W-RULE", mode, "an old name that ends without a wave", "add wave: and the wave from which on it is gone; what is not to go on at the cutover stands under exceptions")
	case until != nil:
		d.fail("W-RULE", until, "an old name that ends, with until", "delete until: the wave's date is the end")
	case x.By == "" || x.Why == "":
		d.fail("W-RULE", mode, "an old name that ends without why and by", "say why it ends, and who decided")
	}
	return x
}

func (d *decoder) decision(n *node) mapping.Decision {
	var x mapping.Decision
	var state, target, source *node
	given := slices.ContainsFunc(n.keys, func(k *node) bool { return k.text == "take" })
	ok := d.fields(n, "a decision", append([]field{
		must("at", func(n *node) {
			o := read(d, n, "W-NAME", "at", parseOwner)
			x.Name, x.Type = o.Owner, o.Type
			d.placed = append(d.placed, placed{n, x.Name})
		}),
		may("view", func(n *node) { x.View = d.sourceView(n) }),
		may("take", func(n *node) {
			x.Take = mapping.Take(1 + d.oneOf(n, "take", "source", "target", "both"))
		}),
		may("target-becomes", func(n *node) { target, x.TargetBecomes = n, d.becomes(n, "target-becomes") }),
		may("source-becomes", func(n *node) { source, x.SourceBecomes = n, d.becomes(n, "source-becomes") }),
		may("holder", func(n *node) { x.Holder = d.holder(n) }),
		may("state", func(n *node) { state, x.State = n, d.state(n) }),
	}, d.note(n, &x.Note, given)...)...)
	if !ok {
		return x
	}
	if state == nil && given {
		x.State = mapping.StateDecided
	}
	d.decided = append(d.decided, decided{n, zones.Key{Owner: x.Name, Type: x.Type}, x.View, x.Wave})
	switch {
	case given && x.Take == mapping.Open: // reported already
	case target != nil && x.Take != mapping.Source:
		d.fail("W-RULE", target, "target-becomes without take: source", "the target's records give way only where the source's are taken: write take: source")
	case source != nil && x.Take != mapping.Target:
		d.fail("W-RULE", source, "source-becomes without take: target", "the source's records give way only where the target's are taken: write take: target")
	case state != nil && given && state.text == "open":
		d.fail("W-RULE", state, "an open decision that takes a side", "leave take out, or write state: proposed")
	case state != nil && !given && x.State != mapping.StateOpen:
		d.fail("W-RULE", state, "the decision is "+x.State.String()+" and does not say take", "add take: source, target or both, or write state: open")
	}
	return x
}

func (d *decoder) becomes(n *node, what string) zones.Name {
	x := d.name(n, what)
	d.placed = append(d.placed, placed{n, x})
	return x
}

// holder reads the unit for which a label is reserved.
func (d *decoder) holder(n *node) string {
	s := d.str(n, "the holder")
	d.holders = append(d.holders, n)
	return s
}

func (d *decoder) exception(n *node) mapping.Exception {
	var x mapping.Exception
	x.At = d.at(n)
	d.fields(n, "an exception",
		must("name", func(n *node) { x.Name = d.name(n, "an exception's name") }),
		may("type", func(n *node) { x.Type = d.typ(n) }),
		may("view", func(n *node) { x.View = d.view(n) }),
		must("owner", func(n *node) { x.By = d.ref(n, "people") }),
		must("why", func(n *node) { x.Why = d.str(n, "why") }),
		may("doc", func(n *node) { x.Doc = d.ref(n, "documents") }),
		must("expires", func(n *node) { x.Expires = d.date(n, "expires") }),
		may("wave", func(n *node) { x.Wave = d.entryWave(n) }))
	return x
}
