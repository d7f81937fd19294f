package workspace

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// Catalog is a catalog zone (RFC 9432) that this server makes of the zones that it
// serves.
type Catalog struct {
	ID     zones.ID
	Zones  []zones.Name // empty: all of the view
	Groups []Group
	Moves  []Move
	At     zones.Place
}

// Group is a text that those who follow a catalog may act on, and the zones that it
// stands beside.
type Group struct {
	Text  string
	Zones []zones.Name
}

// Move hands zones over to another catalog (4.3.1).
type Move struct {
	To    zones.Name
	Zones []zones.Name
}

// Has tells whether a zone that is served stands in a catalog.
func (c Catalog) Has(id zones.ID) bool {
	return c.ID.View == id.View && c.ID != id && (len(c.Zones) == 0 || slices.Contains(c.Zones, id.Origin))
}

func (d *decoder) catalog(n *node) Catalog {
	c := Catalog{ID: zones.ID{View: zones.Internet}, At: d.at(n)}
	names := func(to *[]zones.Name) func(*node) {
		return func(n *node) {
			d.listOrOne(n, "zones", func(n *node) { *to = append(*to, d.name(n, "a zone")) })
		}
	}
	d.fields(n, "a catalog",
		must("zone", func(n *node) { c.ID.Origin = d.name(n, "a catalog's name") }),
		may("view", func(n *node) { c.ID.View = d.view(n) }),
		may("zones", names(&c.Zones)),
		may("groups", func(n *node) {
			d.list(n, "groups", func(n *node) {
				var g Group
				d.fields(n, "a group",
					must("group", func(n *node) { g.Text = d.str(n, "a group") }),
					must("zones", names(&g.Zones)))
				c.Groups = append(c.Groups, g)
			})
		}),
		may("moves", func(n *node) {
			d.list(n, "moves", func(n *node) {
				var m Move
				d.fields(n, "a move",
					must("to", func(n *node) { m.To = d.name(n, "a catalog's name") }),
					must("zones", names(&m.Zones)))
				c.Moves = append(c.Moves, m)
			})
		}))
	return c
}

// checkCatalogs reports catalogs that cannot be made.
func (d *decoder) checkCatalogs(c Config) {
	seen := map[zones.ID]int{}
	for _, z := range c.Zones {
		seen[z.ID] = z.Place.Line
	}
	for _, k := range c.Catalogs {
		bad := func(found, mend string) { d.add(d.finding("W-VALUE", k.At.Line, k.At.Column, found, mend)) }
		if k.ID.Origin.IsZero() {
			continue
		}
		if line := seen[k.ID]; line > 0 {
			bad("the catalog "+k.ID.String()+" has the name of a zone or of another catalog", fmt.Sprintf("choose another name; the first stands in line %d", line))
		}
		seen[k.ID] = k.At.Line
		moved := map[zones.Name]bool{}
		for _, m := range k.Moves {
			if m.To == k.ID.Origin {
				bad("the catalog "+k.ID.String()+" hands zones over to itself", "name the catalog that is to have them")
			}
			for _, z := range m.Zones {
				if moved[z] {
					bad(z.Text()+" is handed over to two catalogs", "keep one (RFC 9432 4.3.1)")
				}
				moved[z] = true
			}
		}
	}
}
