package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/book"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones/finding"
)

type ipImport struct {
	*ip
	reason
	dryRun, detailed bool
	all              bool
	clash            string
	columns          string
}

func newIPImport(o *ip) *cobra.Command {
	x := &ipImport{ip: o}
	c := &cobra.Command{
		Use:   "import [FILE]",
		Short: "Bring address plans into the book",
		Long: `import brings address plans into the book: those that consolidation.yaml names,
merged by its decisions about overlaps, or one FILE (.xlsx or .csv), such as an
edited export. It prints what changes, a line for each block, and does all of it
or nothing:

  +  comes      -  goes      ~  changes

What was changed in the book since the last import stays as it is. Where plan
and book were both changed, and not alike, nothing is imported, unless
--on-clash says which of them counts. In a FILE, a row that is missing changes
nothing; a row whose status is "đã thu hồi" (released) gives its block back.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return x.run(c.Context(), args) },
	}
	f := c.Flags()
	x.reason.flags(f)
	f.Lookup("doc").Hidden = true
	f.BoolVar(&x.dryRun, "dry-run", false, "say what would change, write nothing")
	f.BoolVar(&x.detailed, "detailed-exitcode", false, "exit 2 when something changes")
	f.BoolVar(&x.all, "all", false, "print every line, not the first hundred alone")
	f.StringVar(&x.clash, "on-clash", "refuse", "where plan and book were both changed: `refuse`, or keep what the book or the plan says")
	f.StringVar(&x.columns, "columns", "", "the mapping `FILE` of a table whose columns are not found")
	return c
}

// coming is a plan that is held against the book.
type coming struct {
	document string
	plan     merge.Known
	rows     map[ipam.Place]merge.Row // of a file; nil for the plans of a workspace
}

func (x *ipImport) run(ctx context.Context, args []string) error {
	if !slices.Contains([]string{"refuse", "book", "plan"}, x.clash) {
		return fmt.Errorf("--on-clash %s: write refuse, book or plan", x.clash)
	}
	var in coming
	var err error
	if len(args) == 1 {
		in, err = x.fromFile(args[0])
	} else {
		in, err = x.fromWorkspace()
	}
	if err != nil {
		return err
	}
	if x.why == "" {
		x.why = "import of " + in.document
	}
	return x.with(ctx, true, func(b *opened) error { return x.bring(ctx, b, in) })
}

func (x *ipImport) fromWorkspace() (coming, error) {
	w, err := x.plans()
	if err != nil {
		return coming{}, err
	}
	if len(w.Consolidation.Addresses) == 0 {
		return coming{}, fmt.Errorf("%s names no address plan; write one such as\n  addresses:\n    gialai: {file: addresses/gialai.xlsx}", w.ConsolidationPath())
	}
	a, fs := w.Addresses()
	if len(a.Result.Open) > 0 { // who decides wants to know which names are touched
		if z, err := x.zones(); err == nil {
			a, fs = z.Addresses()
		}
	}
	x.told(fs)
	if finding.Failed(fs) {
		if !x.json {
			x.lines(a.Result.Open)
		}
		return coming{}, errors.New("nothing was imported: what is wrong stands above")
	}
	in := coming{document: workspace.ConsolidationFile, plan: merge.Known{}}
	for _, a := range a.Result.Allocations {
		in.plan[a.Place] = a
	}
	if !x.json {
		for _, p := range a.Plans {
			fmt.Fprintf(x.out, "%s: %d blocks\n", p.Name, len(p.Rows))
		}
		for _, l := range moves(a.Result.Moved) {
			fmt.Fprintln(x.out, l)
		}
		for _, s := range a.Result.Returned {
			fmt.Fprintf(x.out, "%s: %v is given back\n", s.Plan, s.Place)
		}
	}
	return in, nil
}

// moves says what takes other addresses or another space; what goes along with
// the block that it lies in is counted.
func moves(all []merge.Moved) (out []string) {
	for i := 0; i < len(all); {
		outer, n := all[i], 0
		for i++; i < len(all) && all[i].Plan == outer.Plan && all[i].From.Space == outer.From.Space && outer.From.Block.Contains(all[i].From.Block); i++ {
			n++
		}
		l := fmt.Sprintf("%s: %v becomes %v", outer.Plan, outer.From, outer.To)
		if n > 0 {
			l += fmt.Sprintf(", with the blocks in it (%d)", n)
		}
		out = append(out, l)
	}
	return out
}

// told prints findings, and what was guessed where people read along.
func (x *ipImport) told(fs []finding.Finding) {
	for _, f := range fs {
		if f.Severity >= finding.Warning || f.ID == "T-GUESS" && f.Mend != "" && !x.json {
			fmt.Fprintln(x.err, f.String())
		}
	}
}

func (x *ipImport) fromFile(file string) (coming, error) {
	space, err := x.spaceOf()
	if err != nil {
		return coming{}, err
	}
	dir, base := filepath.Split(file)
	opts := workspace.PlanOptions{Name: base, Space: space, Prefix: filepath.ToSlash(dir)}
	if x.columns != "" {
		data, err := os.ReadFile(x.columns)
		if err != nil {
			return coming{}, err
		}
		m, fs := workspace.PlanMapping(x.columns, data)
		if err := x.failed(fs); err != nil {
			return coming{}, err
		}
		opts.Mapping = m
	}
	p, fs := workspace.ReadPlan(os.DirFS(filepath.Clean(dir)), base, opts)
	x.told(fs)
	if finding.Failed(fs) {
		return coming{}, errors.New("nothing was imported: what is wrong stands above")
	}
	in := coming{document: base, plan: merge.Known{}, rows: map[ipam.Place]merge.Row{}}
	var twice []finding.Finding
	for _, r := range slices.Concat(p.Rows, p.Released) {
		if first, ok := in.rows[r.Place]; ok {
			twice = append(twice, finding.Finding{
				ID: "A-TWICE", Severity: finding.Error, At: workspace.AddressPlace(r.At),
				Found: fmt.Sprintf("%v a second time; the first stands at %v", r.Place, workspace.AddressPlace(first.At)), Mend: "keep one of the rows",
			})
			continue
		}
		in.rows[r.Place] = r
		if r.Status.IsLive() {
			in.plan[r.Place] = r.Allocation
		}
	}
	if err := x.failed(twice); err != nil {
		return coming{}, err
	}
	return in, nil
}

// exported is what the book said where a row was exported, if it is of this book.
func exported(s *book.Snapshot, live map[ipam.Place]book.Version, r merge.Row) (ipam.Allocation, bool) {
	if r.Revision == 0 || r.Revision > s.Revision() {
		return ipam.Allocation{}, false
	}
	if v, ok := live[r.Place]; ok && v.Since.Revision == r.Revision {
		return v.Allocation, true
	}
	for _, v := range s.History(r.Place) {
		if v.Place == r.Place && v.Since.Revision == r.Revision {
			return v.Allocation, true
		}
	}
	return ipam.Allocation{}, false
}

// bring holds the plan against the book and carries the difference out.
func (x *ipImport) bring(ctx context.Context, b *opened, in coming) error {
	now := b.Now()
	base, err := merge.Brought(b.events(ctx, 0), in.document)
	if err != nil {
		return err
	}
	have, live := merge.Known{}, map[ipam.Place]book.Version{}
	for v := range now.Live() {
		have[v.Place], live[v.Place] = v.Allocation, v
	}
	if in.rows != nil {
		for at := range base { // of a file, missing rows mean nothing
			if _, ok := in.rows[at]; !ok {
				delete(base, at)
			}
		}
		for at, r := range in.rows { // an exported row tells which state of its block was edited
			if a, ok := exported(now, live, r); ok {
				base[at] = a
			}
		}
		if err := x.failed(x.doubles(in, have)); err != nil {
			return err
		}
	}
	d := merge.Compare(base, in.plan, have)
	open := d.Clashes
	if x.clash != "refuse" {
		d, open = settle(d, x.clash == "plan")
	}
	for _, c := range open {
		at := in.document
		p := c.Plan.Place
		if p == (ipam.Place{}) {
			p = c.Book.Place
		}
		if r, ok := in.rows[p]; ok {
			at = workspace.AddressPlace(r.At).String()
		}
		fmt.Fprintf(x.err, "%s: clash: %s\n", at, c.Found)
	}
	if len(open) > 0 {
		return fmt.Errorf("nothing was imported: %d blocks were changed on both sides; mend the plan, or say --on-clash book or --on-clash plan", len(open))
	}
	changes := d.Changes()
	if !x.json {
		x.drift(d)
	}
	var got book.Receipt
	if len(changes) > 0 && !x.dryRun {
		by := x.value()
		by.Document = in.document
		if got, err = b.Import(ctx, by, now.Revision(), changes); err != nil {
			return fmt.Errorf("nothing was imported: %w", err)
		}
	}
	if err := x.summary(d, len(changes), got); err != nil {
		return err
	}
	if x.detailed && len(changes) > 0 {
		return &exit{code: 2}
	}
	return nil
}

// doubles finds blocks that a file brings anew and another holder has.
func (x *ipImport) doubles(in coming, have merge.Known) (out []finding.Finding) {
	p, kept := merge.Plan{Name: in.document}, merge.Plan{Name: "the book"}
	for at, a := range have {
		if _, ok := in.rows[at]; !ok {
			kept.Rows = append(kept.Rows, merge.Row{Allocation: a, At: ipam.Origin{File: "the book"}})
		}
	}
	for at, a := range in.plan {
		p.Rows = append(p.Rows, merge.Row{Allocation: a, At: in.rows[at].At})
	}
	for _, o := range merge.Overlaps(p, kept) {
		if o.Kind == merge.Nested && o.Sides[1].Holder.IsZero() {
			continue // drawn within a block of the book, and nobody's yet
		}
		for _, s := range o.Sides {
			if _, ok := have[s.Place]; !ok && s.At.Line > 0 {
				out = append(out, workspace.OverlapFinding(o))
				break
			}
		}
	}
	return out
}

// settle decides clashes for the plan or for the book; what cannot be is left.
func settle(d merge.Drift, plan bool) (merge.Drift, []merge.Clash) {
	var left []merge.Clash
	for _, c := range d.Clashes {
		none := ipam.Place{}
		switch {
		case !plan && c.Book.Place == none:
			d.Kept = append(d.Kept, c.Plan.Place)
		case !plan:
			d.Kept = append(d.Kept, c.Book.Place)
		case c.Plan.Place == none:
			d.Drops = append(d.Drops, c.Book)
		case c.Book.Place == none:
			d.Adds = append(d.Adds, c.Plan)
		case !c.Book.Status.CanBecome(c.Plan.Status):
			left = append(left, c)
		default:
			d.Alters = append(d.Alters, merge.Alter{Old: c.Book, New: c.Plan})
		}
	}
	d.Clashes = nil
	slices.SortFunc(d.Adds, func(a, b ipam.Allocation) int { return a.Place.Compare(b.Place) })
	slices.SortFunc(d.Drops, func(a, b ipam.Allocation) int { return a.Place.Compare(b.Place) })
	return d, left
}

// drift prints a line for each block that changes, the first hundred unless all
// are asked for.
func (x *ipImport) drift(d merge.Drift) {
	var lines []string
	for _, a := range d.Drops {
		lines = append(lines, fmt.Sprintf("- %v: %s", a.Place, words(a)))
	}
	for _, a := range d.Adds {
		lines = append(lines, fmt.Sprintf("+ %v: %s", a.Place, words(a)))
	}
	for _, a := range d.Alters {
		lines = append(lines, fmt.Sprintf("~ %v: %s", a.New.Place, merge.Differs(a.Old, a.New)))
	}
	const most = 100
	for i, l := range lines {
		if i == most && !x.all {
			fmt.Fprintf(x.out, "… %d more; --all shows them\n", len(lines)-i)
			break
		}
		fmt.Fprintln(x.out, l)
	}
}

func (x *ipImport) summary(d merge.Drift, changes int, got book.Receipt) error {
	if x.json {
		return x.print(struct {
			Format   int              `json:"format"`
			Added    []allocationJSON `json:"added"`
			Removed  []allocationJSON `json:"removed"`
			Changed  []allocationJSON `json:"changed"`
			Same     int              `json:"same"`
			Kept     int              `json:"kept"`
			Revision uint64           `json:"revision"` // 0 when nothing was written
		}{1, allocationsOf(d.Adds), allocationsOf(d.Drops), func() []allocationJSON {
			out := []allocationJSON{}
			for _, a := range d.Alters {
				out = append(out, allocationOf(a.New))
			}
			return out
		}(), d.Same, len(d.Kept), got.Revision})
	}
	fmt.Fprintf(x.out, "%d come, %d go, %d change, %d stay", len(d.Adds), len(d.Drops), len(d.Alters), d.Same)
	if n := len(d.Kept); n > 0 {
		fmt.Fprintf(x.out, ", %d were changed in the book and are left alone", n)
	}
	switch {
	case changes == 0:
		fmt.Fprintln(x.out, "; nothing was written")
	case x.dryRun:
		fmt.Fprintln(x.out, "; dry run: nothing was written")
	default:
		fmt.Fprintf(x.out, "; revision %d\n", got.Revision)
	}
	return nil
}
