package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	table "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// DefaultSpace is the space of addresses that none is named for.
const DefaultSpace ipam.Space = "tslcd"

// AddressPlan is an address plan that is brought in: one sheet or several.
type AddressPlan struct {
	Name    string     // its key
	File    string     // inside the workspace, with slashes
	Columns string     // the mapping file; "" guesses
	Space   ipam.Space // of rows that name none
	At      zones.Place
}

// OverlapDecision says which way a block of a plan goes that another plan
// claims too. One without a Take leaves the overlap open.
type OverlapDecision struct {
	merge.Decision
	Doc   string
	State mapping.State
}

// Organisation is whose the names at and below a name are.
type Organisation struct {
	Name zones.Name
	Code ipam.Code
	Was  []ipam.Code // closed codes whose addresses are now its own
	At   zones.Place
}

// organisationSheet is a table whose rows are organisations.
type organisationSheet struct {
	path, column, code, was string
	zone                    zones.Name
	at                      zones.Place
	line                    string
}

// ofIPAM turns an error of package ipam into one that the decoder places.
func ofIPAM[T any](f func(string) (T, error)) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := f(s)
		var e *ipam.ParseError
		if errors.As(err, &e) {
			return v, &slip{quote(e.Text) + ": " + e.Found, e.Mend}
		}
		return v, err
	}
}

func (d *decoder) space(n *node) ipam.Space {
	return read(d, n, "A-SPACE", "a space", ofIPAM(ipam.ParseSpace))
}

func (d *decoder) code(n *node) ipam.Code {
	return read(d, n, "A-HOLDER", "an organisation's code", ofIPAM(ipam.ParseCode))
}

func (d *decoder) addresses(n *node, c *Consolidation) {
	d.named(n, "addresses", func(k, n *node) {
		x := AddressPlan{Name: k.text, Space: DefaultSpace, At: d.at(k)}
		d.fields(n, "an address plan",
			must("file", func(n *node) { x.File = d.path(n, "an address plan") }),
			may("columns", func(n *node) { x.Columns = d.path(n, "a mapping file") }),
			may("space", func(n *node) { x.Space = d.space(n) }))
		c.Addresses = append(c.Addresses, x)
	})
}

func (d *decoder) overlap(n *node, c *Consolidation) {
	x := OverlapDecision{State: mapping.StateDecided}
	at := d.at(n)
	x.At = ipam.Origin{File: at.File, Line: at.Line, Column: at.Column}
	x.Decision.Place.Space = DefaultSpace
	var take, pool, to *node
	d.fields(n, "a decision about an overlap",
		must("plan", func(n *node) { x.Plan = d.ref(n, "addresses") }),
		must("block", func(n *node) { x.Decision.Place.Block = read(d, n, "A-BLOCK", "a block", ofIPAM(ipam.ParseBlock)) }),
		may("space", func(n *node) { x.Decision.Place.Space = d.space(n) }),
		may("take", func(n *node) {
			take = n
			x.Take = read(d, n, "W-VALUE", "take", func(s string) (merge.Take, error) {
				t, err := merge.ParseTake(s)
				if err != nil {
					return 0, &slip{quote(s) + " is no way out of an overlap", "write keep, renumber, isolate or return"}
				}
				return t, nil
			})
		}),
		may("pool", func(n *node) { pool, x.Pool = n, read(d, n, "A-BLOCK", "a pool", ofIPAM(ipam.ParseBlock)) }),
		may("to-space", func(n *node) { to, x.Space = n, d.space(n) }),
		must("why", func(n *node) { x.Why = d.str(n, "the reason") }),
		must("by", func(n *node) { x.By = d.ref(n, "people") }),
		must("doc", func(n *node) { x.Doc = d.ref(n, "documents") }),
		may("state", func(n *node) { x.State = d.state(n) }))
	switch {
	case take == nil && x.State != mapping.StateOpen:
		d.fail("W-RULE", n, "the decision about "+x.Decision.Place.Block.String()+" does not say take", "add take: keep, renumber, isolate or return, or write state: open")
	case take != nil && x.State == mapping.StateOpen:
		d.fail("W-RULE", take, "an open decision that takes a way", "leave take out, or write state: proposed")
	case x.Take == merge.Renumber && pool == nil:
		d.fail("W-KEY", n, "renumber lacks the key pool", "add pool: and a block with free room, such as 10.200.0.0/16")
	case x.Take == merge.Isolate && to == nil:
		d.fail("W-KEY", n, "isolate lacks the key to-space", "add to-space: and a name, such as "+string(DefaultSpace)+"/cu")
	case pool != nil && take != nil && x.Take != merge.Renumber && x.Take != 0:
		d.fail("W-KEY", pool, "a pool belongs to take: renumber", "delete it")
	case to != nil && take != nil && x.Take != merge.Isolate && x.Take != 0:
		d.fail("W-KEY", to, "to-space belongs to take: isolate", "delete it")
	}
	for _, y := range c.Overlaps {
		if y.Plan == x.Plan && y.Decision.Place == x.Decision.Place && x.Decision.Place.Block.IsValid() {
			d.fail("W-RULE", n, fmt.Sprintf("a second decision about %v of %s", x.Decision.Place, x.Plan), fmt.Sprintf("keep one of them; the first stands in line %d", y.At.Line))
		}
	}
	c.Overlaps = append(c.Overlaps, x)
}

func (d *decoder) organisation(n *node, c *Consolidation) {
	if n.kind == mapping_ && slices.ContainsFunc(n.keys, func(k *node) bool { return k.text == "sheet" }) {
		s := organisationSheet{at: d.at(n)}
		_, s.line = d.place(n.line, n.col)
		d.fields(n, "a sheet of organisations",
			must("sheet", func(n *node) { s.path = d.path(n, "a sheet") }),
			must("column", func(n *node) { s.column = d.str(n, "the labels' column") }),
			must("code", func(n *node) { s.code = d.str(n, "the codes' column") }),
			may("was", func(n *node) { s.was = d.str(n, "the column of closed codes") }),
			must("zone", func(n *node) { s.zone = d.name(n, "the labels' zone") }))
		c.organisations = append(c.organisations, s)
		return
	}
	x := Organisation{At: d.at(n)}
	d.fields(n, "an organisation",
		must("name", func(n *node) { x.Name = d.name(n, "an organisation's name") }),
		must("code", func(n *node) { x.Code = d.code(n) }),
		may("was", func(n *node) {
			d.listOrOne(n, "was", func(n *node) { x.Was = append(x.Was, d.code(n)) })
		}))
	c.Organisations = append(c.Organisations, x)
}

// Addresses is what the address plans of a workspace come to.
type Addresses struct {
	Plans         []merge.Plan // as they were read
	Result        merge.Result // with the decisions carried out
	Organisations []Organisation
}

// Addresses reads the address plans. It tells of every overlap that no decision
// settles (A-TWICE), and of decisions that cannot be carried out.
func (w *Workspace) Addresses() (Addresses, []finding.Finding) {
	var out Addresses
	out.Organisations = w.Organisations
	if len(w.Consolidation.Addresses)+len(w.organisations) == 0 {
		return out, nil
	}
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return out, []finding.Finding{{ID: "W-FILE", Severity: finding.Error, At: zones.Place{File: w.Dir}, Found: "the workspace cannot be opened: " + reason(err), Mend: "give the folder that holds " + ConfigFile}}
	}
	defer root.Close()
	var finds []finding.Finding
	for _, s := range w.organisations {
		more, fs := organised(root.FS(), prefix(w.Dir), s)
		out.Organisations = append(slices.Clip(out.Organisations), more...)
		finds = append(finds, fs...)
	}
	for _, p := range w.Consolidation.Addresses {
		o := PlanOptions{Name: p.Name, Space: p.Space, Prefix: prefix(w.Dir)}
		if p.Columns != "" {
			data, err := readFile(root.FS(), p.Columns)
			if err != nil {
				finds = append(finds, finding.Finding{ID: "W-FILE", Severity: finding.Error, At: p.At, Found: "the mapping file " + p.Columns + " cannot be read: " + reason(err), Mend: "give the path of a file inside the workspace"})
				continue
			}
			m, fs := PlanMapping(prefix(w.Dir)+p.Columns, data)
			finds = append(finds, fs...)
			if finding.Failed(fs) {
				continue
			}
			o.Mapping = m
		}
		plan, fs := ReadPlan(root.FS(), p.File, o)
		out.Plans = append(out.Plans, plan)
		finds = append(finds, fs...)
	}
	if finding.Failed(finds) {
		return out, finds
	}
	var ds []merge.Decision
	for _, x := range w.Overlaps {
		if x.Take != 0 {
			ds = append(ds, x.Decision)
		}
	}
	out.Result = merge.Apply(ds, out.Plans...)
	var names Pointers
	if len(out.Result.Open) > 0 {
		names = w.Pointers() // none where the zones were not read
	}
	for i, o := range out.Result.Open {
		o = names.Told(o)
		out.Result.Open[i] = o
		finds = append(finds, OverlapFinding(o))
	}
	for _, f := range out.Result.Faults {
		finds = append(finds, finding.Finding{ID: "A-DECISION", Severity: finding.Block, At: AddressPlace(f.At), Found: f.Found, Mend: f.Mend})
	}
	return out, finds
}

// organised reads one sheet of organisations.
func organised(fsys fs.FS, prefix string, s organisationSheet) (out []Organisation, finds []finding.Finding) {
	book, finds := table.Read(fsys, s.path, table.Options{Prefix: prefix})
	if book == nil {
		return nil, finds
	}
	columns := []table.Column{{Key: "label", Required: true}, {Key: "code", Required: true}, {Key: "was"}}
	m := table.Mapping{Columns: map[string]string{"label": s.column, "code": s.code}}
	if s.was != "" {
		m.Columns["was"] = s.was
	}
	for _, sh := range book.Sheets {
		if sh.Hidden || len(sh.Rows) == 0 {
			continue
		}
		h, fs := table.Find(sh, columns, m)
		if finds = append(finds, fs...); finding.Failed(fs) {
			continue
		}
		for _, row := range sh.Rows {
			label, code := row.Cell(h.Columns["label"]).Text, row.Cell(h.Columns["code"]).Text
			if row.Number <= h.Row || label == "" || code == "" {
				continue // a unit without a name of its own, or without a code
			}
			fail := func(id, key, found, mend string) {
				finds = append(finds, finding.Finding{ID: id, Severity: finding.Error, At: sh.Place(row.Number, h.Columns[key]), Found: found, Mend: mend})
			}
			x := Organisation{At: sh.Place(row.Number, h.Columns["code"])}
			var err error
			if x.Name, err = parseName(label + "." + s.zone.Text()); err != nil || x.Name.Labels() != s.zone.Labels()+1 {
				fail("W-SHEET", "label", quote(label)+" is no label", "write one label of letters, digits and hyphens")
				continue
			}
			read := func(key string) (c ipam.Code) {
				text := row.Cell(h.Columns[key]).Text
				if text == "" {
					return c
				}
				c, err := ofIPAM(ipam.ParseCode)(text)
				var e *slip
				if errors.As(err, &e) {
					fail("A-HOLDER", key, e.found, e.mend)
				}
				return c
			}
			x.Code = read("code")
			if was := read("was"); !was.IsZero() {
				x.Was = append(x.Was, was)
			}
			out = append(out, x)
		}
	}
	return out, finds
}

// PlanMapping reads the mapping file of an address plan.
func PlanMapping(file string, data []byte) (table.Mapping, []finding.Finding) {
	return columnMapping(file, data, planColumns())
}
