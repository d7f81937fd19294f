package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func newIPOverlaps(o *ip) *cobra.Command {
	all := false
	c := &cobra.Command{
		Use:   "overlaps [NAME=FILE…]",
		Short: "Show which addresses two plans claim",
		Long: `overlaps reads address plans, workbooks or text files as offices keep them, and
prints every pair of blocks of one space that two holders claim, with both
places and the names that point there. A block within one of a holder above its
own is none.

Without arguments the plans are those of consolidation.yaml, its decisions are
carried out, and the lines for what is left open are printed; --all shows what
is decided too. Exit code: 0 no overlap, 1 at least one, 2 a plan cannot be
read; then nothing stands on standard output.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return o.overlapsOfWorkspace(all)
			}
			return o.overlapsOfFiles(args)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "show also the overlaps that a decision settles")
	return c
}

func (o *ip) overlapsOfFiles(args []string) error {
	space, err := o.spaceOf()
	if err != nil {
		return &exit{2, err}
	}
	var plans []merge.Plan
	failed := false
	for _, a := range args {
		name, file, ok := strings.Cut(a, "=")
		if !ok || name == "" || file == "" {
			return &exit{2, fmt.Errorf("%s: write NAME=FILE, such as gialai=addresses/gialai.xlsx", a)}
		}
		dir, base := filepath.Split(file)
		p, fs := workspace.ReadPlan(os.DirFS(filepath.Clean(dir)), base, workspace.PlanOptions{Name: name, Space: space, Prefix: filepath.ToSlash(dir)})
		o.tell(fs, finding.Warning)
		failed = failed || finding.Failed(fs)
		plans = append(plans, p)
	}
	if failed {
		return &exit{2, errors.New("a plan cannot be read; what is wrong stands above")}
	}
	return o.printOverlaps(plans, merge.Overlaps(plans...), false)
}

func (o *ip) overlapsOfWorkspace(all bool) error {
	w, err := o.zones()
	if err != nil {
		return err
	}
	if len(w.Consolidation.Addresses) == 0 {
		return &exit{2, fmt.Errorf("%s names no address plan; write one such as\n  addresses:\n    gialai: {file: addresses/gialai.xlsx}", w.ConsolidationPath())}
	}
	a, fs := w.Addresses()
	if unread(fs) {
		o.tell(fs, finding.Warning)
		return &exit{2, errors.New("a plan cannot be read; what is wrong stands above")}
	}
	for _, f := range fs {
		if f.ID != "A-TWICE" && f.Severity >= finding.Warning {
			fmt.Fprintln(o.err, f.String())
		}
	}
	open := a.Result.Open
	if all {
		open = merge.Overlaps(a.Plans...)
		names := w.Pointers()
		for i := range open {
			open[i] = names.Told(open[i])
		}
	}
	err = o.printOverlaps(a.Plans, open, !all)
	if err == nil && len(a.Result.Faults) > 0 {
		return &exit{code: 1}
	}
	return err
}

// zones reads the workspace with its zones. Those that cannot be read are told,
// and their names are not known.
func (o *ip) zones() (*workspace.Workspace, error) {
	dir, err := o.folder(nil)
	if err != nil {
		return nil, err
	}
	w, finds := workspace.Open(dir)
	if w == nil || !w.Readable() {
		o.tell(finds, finding.Warning)
		return nil, &exit{code: 1}
	}
	if ids := w.Missing(); len(ids) > 0 {
		fmt.Fprintf(o.err, "%v and what points there are not known: the zone cannot be read (hopnhat plan says why)\n", ids)
	}
	return w, nil
}

// unread tells whether a plan could not be read; overlaps alone do not count.
func unread(fs []finding.Finding) bool {
	for _, f := range fs {
		if f.Severity >= finding.Error && f.ID != "A-TWICE" && f.ID != "A-DECISION" {
			return true
		}
	}
	return false
}

func (o *ip) printOverlaps(plans []merge.Plan, found []merge.Overlap, lines bool) error {
	rows := 0
	for _, p := range plans {
		rows += len(p.Rows)
	}
	if o.json {
		if err := o.overlapsJSON(found); err != nil {
			return err
		}
	} else {
		for _, x := range found {
			fmt.Fprintln(o.out, workspace.OverlapFinding(x).String())
		}
		if lines {
			o.lines(found)
		}
		fmt.Fprintf(o.out, "%d blocks in %d plans: %d overlaps\n", rows, len(plans), len(found))
	}
	if len(found) > 0 {
		return &exit{code: 1}
	}
	return nil
}

// lines prints what to write into consolidation.yaml: for the outermost pairs,
// since what a plan has inside a block goes along with it.
func (o *ip) lines(found []merge.Overlap) {
	if len(found) == 0 {
		return
	}
	fmt.Fprintln(o.out, "one line of each pair belongs under overlaps: in consolidation.yaml, with take: renumber and a pool:, isolate and a to-space:, or return:")
	var outer []merge.Overlap
	for _, x := range found {
		if slices.ContainsFunc(outer, func(y merge.Overlap) bool { return goesAlong(x, y) }) {
			continue
		}
		outer = append(outer, x)
		for _, l := range workspace.OverlapLines(x) {
			fmt.Fprintln(o.out, "  "+l)
		}
		fmt.Fprintln(o.out)
	}
	if n := len(found) - len(outer); n > 0 {
		fmt.Fprintf(o.out, "%d overlaps more lie inside these; what is decided of a block holds for what its plan has in it\n", n)
	}
}

// goesAlong tells whether both sides of x lie in the side that y has of their plan.
func goesAlong(x, y merge.Overlap) bool {
	for _, s := range x.Sides {
		if !slices.ContainsFunc(y.Sides[:], func(t merge.Side) bool {
			return t.Plan == s.Plan && t.Space == s.Space && t.Block.Contains(s.Block)
		}) {
			return false
		}
	}
	return x.Sides[0].Plan != x.Sides[1].Plan
}

func (o *ip) overlapsJSON(found []merge.Overlap) error {
	type side struct {
		Plan   string   `json:"plan"`
		Block  string   `json:"block"`
		Code   string   `json:"code"`
		Unit   string   `json:"unit"`
		File   string   `json:"file"`
		Line   int      `json:"line"`
		Column int      `json:"column"`
		Names  []string `json:"names"`
	}
	type row struct {
		Kind  string  `json:"kind"`
		Space string  `json:"space"`
		Sides [2]side `json:"sides"`
	}
	v := struct {
		Format   int   `json:"format"`
		Overlaps []row `json:"overlaps"`
	}{Format: 1, Overlaps: []row{}}
	for _, x := range found {
		r := row{Kind: x.Kind.String(), Space: string(x.Space)}
		for i, s := range x.Sides {
			at := workspace.AddressPlace(s.At)
			r.Sides[i] = side{s.Plan, s.Block.String(), s.Holder.Code.String(), s.Holder.Unit, at.File, at.Line, at.Column, append([]string{}, s.Names...)}
		}
		v.Overlaps = append(v.Overlaps, r)
	}
	return o.print(v)
}
