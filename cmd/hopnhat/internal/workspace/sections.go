package workspace

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// allSystems is the word for every system in a wave.
const allSystems = "all"

// sourceKinds are the keys that say where a source's zone is read from. Those
// that no reader exists for yet are known, so that the error can say so.
var sourceKinds = []string{"file", "bind", "windows", "axfr", "sheet"}

// axfr is the kind of source that is brought in from a live server, by
// `hopnhat import`; what is read is the copy of the last import.
const axfr = "axfr"

// ImportedFolder is where copies of what came from servers lie.
const ImportedFolder = "imported"

// parseServer reads ADDRESS or ADDRESS:PORT; the port is 53 when left out.
func parseServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	a, err := parseAddress(s)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.ParseAddrPort(a)
}

// states are the words for a State, by its number.
var states = []string{"open", "proposed", "decided"}

func (d *decoder) target(n *node, before []zones.Name) zones.Name {
	t := d.name(n, "a target")
	if !t.IsZero() && slices.Contains(before, t) {
		d.fail("W-VALUE", n, "the target "+t.Text()+" a second time", "keep one of them")
	}
	return t
}

func (d *decoder) documents(n *node, c *Consolidation) {
	d.named(n, "documents", func(k, n *node) {
		x := Document{Key: k.text, At: d.at(k)}
		if n.kind == scalar {
			x.Title = d.str(n, "a document's title")
		} else {
			d.fields(n, "a document",
				must("title", func(n *node) { x.Title = d.str(n, "a document's title") }),
				may("date", func(n *node) { x.Date = d.date(n, "a document's date") }))
		}
		c.Documents = append(c.Documents, x)
	})
}

func (d *decoder) people(n *node, c *Consolidation) {
	d.named(n, "people", func(k, n *node) {
		c.People = append(c.People, Person{k.text, d.str(n, "who it is"), d.at(k)})
	})
}

func (d *decoder) sites(n *node, c *Consolidation) {
	d.named(n, "sites", func(k, n *node) {
		x := Site{Key: k.text, At: d.at(k)}
		d.fields(n, "a site",
			must("title", func(n *node) { x.Title = d.str(n, "a site's title") }),
			may("ipv6", func(n *node) { x.IPv6 = d.bool(n, "ipv6") }),
			may("backup-power", func(n *node) { x.BackupPower = d.bool(n, "backup-power") }))
		c.Sites = append(c.Sites, x)
	})
}

func (d *decoder) sources(n *node, c *Consolidation) {
	d.named(n, "sources", func(k, n *node) {
		var x Source
		x.Name, x.At, x.ID.View = k.text, d.at(k), zones.Internet
		_, x.line = d.place(k.line, k.col)
		fs := []field{
			must("zone", func(n *node) { x.ID.Origin = d.name(n, "a source's zone") }),
			may("view", func(n *node) { x.ID.View = d.view(n) }),
			may("bind-view", func(n *node) { x.BindView = d.str(n, "BIND's view") }),
			may("skip", func(n *node) {
				d.listOrOne(n, "skip", func(n *node) { x.Skip = append(x.Skip, d.str(n, "what to skip")) })
			}),
		}
		var keyed, checks, tabled *node
		fs = append(fs,
			may("columns", func(n *node) { tabled, x.Columns = n, d.path(n, "a mapping file") }),
			may("name-servers", func(n *node) {
				tabled = n
				d.listOrOne(n, "name-servers", func(n *node) { x.Servers = append(x.Servers, d.name(n, "a name server")) })
			}),
			may("ttl", func(n *node) { tabled, x.TTL = n, uint32(d.number(n, "a TTL", 0, zones.MaxTTL)) }))
		fs = append(fs,
			may("key", func(n *node) { keyed, x.KeyFile = n, d.path(n, "the file of a TSIG key") }),
			may("checks", func(n *node) { checks, x.Checks = n, d.ref(n, "sources") }))
		for _, kind := range sourceKinds {
			fs = append(fs, may(kind, func(n *node) {
				if x.Kind != "" {
					d.fail("W-KEY", n, "the source "+k.text+" is read from "+x.Kind+" and from "+kind, "keep one of them, or make two sources")
					return
				}
				x.Kind = kind
				if kind == axfr {
					x.Server, x.Path = read(d, n, "W-VALUE", "a server", parseServer), path.Join(ImportedFolder, k.text+".zone")
					return
				}
				x.Path = d.path(n, "a source's file")
			}))
		}
		if d.fields(n, "a source", fs...) && x.Kind == "" {
			d.fail("W-KEY", k, "the source "+k.text+" does not say where it is read from", "add file:, bind:, windows: or sheet: and a path, such as sources/named.conf")
		}
		if x.BindView != "" && x.Kind != "bind" {
			d.fail("W-KEY", k, "bind-view belongs to a source of kind bind", "delete it, or name a named.conf with bind:")
		}
		if keyed != nil && x.Kind != axfr {
			d.fail("W-KEY", keyed, "key belongs to a source of kind axfr", "delete it, or name a server with axfr:")
		}
		if tabled != nil && x.Kind != "sheet" {
			d.fail("W-KEY", tabled, "columns, name-servers and ttl belong to a source of kind sheet", "delete it, or name a table with sheet:")
		}
		if checks != nil && x.Checks == k.text {
			d.fail("W-RULE", checks, "the source "+k.text+" is held against itself", "name another source of the same zone")
		}
		if len(x.Skip) > 0 && x.Kind != "" && x.Kind != "windows" {
			d.fail("W-KEY", k, "skip is not known for a source of kind "+x.Kind, "drop records by a rule: {from: …, types: […], drop: true}")
		}
		c.Sources = append(c.Sources, x)
	})
}

func (d *decoder) systems(n *node, c *Consolidation) {
	d.named(n, "systems", func(k, n *node) {
		x := System{Key: k.text, At: d.at(k)}
		d.fields(n, "a system",
			must("no", func(n *node) { x.No = d.number(n, "a system's number", 1, 999) }),
			must("quote", func(n *node) { x.Quote = d.str(n, "the plan's words") }),
			must("state", func(n *node) { x.State = d.state(n) }),
			must("owner", func(n *node) { x.Owner = d.ref(n, "people") }),
			must("doc", func(n *node) { x.Doc = d.ref(n, "documents") }),
			may("site", func(n *node) { x.Site = d.ref(n, "sites") }),
			may("names", func(n *node) {
				d.listOrOne(n, "names", func(n *node) { x.Names = append(x.Names, d.pattern(n, "a system's name")) })
			}))
		c.Systems = append(c.Systems, x)
	})
	d.numbers(n, c.Systems)
}

// numbers reports numbers of the plan that are missing or given twice.
func (d *decoder) numbers(n *node, list []System) {
	by := map[int]string{}
	top := 0
	for _, s := range list {
		if first, ok := by[s.No]; ok && s.No > 0 {
			d.add(d.finding("W-SYSTEM", s.At.Line, s.At.Column, fmt.Sprintf("%s and %s are both number %d of the plan", first, s.Key, s.No), "give each its own number"))
		}
		by[s.No] = s.Key
		top = max(top, s.No)
	}
	var missing []string
	for no := 1; no <= top; no++ {
		if by[no] == "" {
			missing = append(missing, fmt.Sprint(no))
		}
	}
	if len(missing) > 0 && !d.damaged["systems"] {
		f := d.finding("W-SYSTEM", n.line, n.col, "no system of the plan with number "+strings.Join(missing, ", "), "add them, so that reports speak of the whole plan")
		f.Severity = finding.Warning
		d.add(f)
	}
}

func (d *decoder) state(n *node) mapping.State {
	return mapping.State(max(0, d.oneOf(n, "state", states...)))
}

func (d *decoder) wave(n *node) Wave {
	x := Wave{At: d.at(n), State: mapping.StateDecided}
	d.fields(n, "a wave",
		must("name", func(n *node) { x.Name = d.str(n, "a wave's name") }),
		must("at", func(n *node) {
			if x.Cutover = n.kind == scalar && n.text == "cutover"; !x.Cutover {
				x.Date = d.date(n, "a wave's date")
			}
		}),
		must("systems", func(n *node) {
			if n.kind == scalar && n.text == allSystems {
				x.Systems = []string{allSystems}
				return
			}
			d.listOrOne(n, "a wave's systems", func(n *node) { x.Systems = append(x.Systems, d.ref(n, "systems")) })
		}),
		may("state", func(n *node) { x.State = d.state(n) }))
	return x
}

func (d *decoder) questions(n *node, c *Consolidation) {
	d.named(n, "questions", func(k, n *node) {
		x := Question{Key: k.text, At: d.at(k)}
		d.fields(n, "a question",
			must("ask", func(n *node) { x.Ask = d.str(n, "the question") }),
			must("owner", func(n *node) { x.Owner = d.ref(n, "people") }),
			may("due", func(n *node) { x.Due = d.date(n, "when it is due") }),
			may("blocks", func(n *node) { x.Blocks = d.bool(n, "blocks") }))
		c.Questions = append(c.Questions, x)
	})
}
