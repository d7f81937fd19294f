package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func newIP(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "ip",
		Short: "Look at address plans",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newIPOverlaps(e))
	return c
}

type ipOverlaps struct {
	*env
	space string
	json  bool
}

func newIPOverlaps(e *env) *cobra.Command {
	o := &ipOverlaps{env: e}
	c := &cobra.Command{
		Use:   "overlaps NAME=FILE…",
		Short: "Show which addresses two plans claim",
		Long: `overlaps reads address plans, workbooks or text files as offices keep them, and
prints every pair of blocks of one space that two holders claim, with both
places and the names that point there. A block within one of a holder above its
own is none. Exit code: 0 no overlap, 1 at least one, 2 a plan cannot be read;
then nothing stands on standard output.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	f := c.Flags()
	f.StringVar(&o.space, "space", "tslcd", "the `SPACE` of rows that name none")
	f.BoolVar(&o.json, "json", false, "print the overlaps as JSON")
	return c
}

func (o *ipOverlaps) run(args []string) error {
	space, err := ipam.ParseSpace(o.space)
	if err != nil {
		return &exit{2, fmt.Errorf("--space: %w", err)}
	}
	var plans []merge.Plan
	rows, failed := 0, false
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
		rows += len(p.Rows)
	}
	if failed {
		return &exit{2, errors.New("a plan cannot be read; what is wrong stands above")}
	}
	found := merge.Overlaps(plans...)
	if o.json {
		if err := o.printJSON(found); err != nil {
			return err
		}
	} else {
		for _, x := range found {
			fmt.Fprintln(o.out, workspace.OverlapFinding(x).String())
		}
		fmt.Fprintf(o.out, "%d blocks in %d plans: %d overlaps\n", rows, len(plans), len(found))
	}
	if len(found) > 0 {
		return &exit{code: 1}
	}
	return nil
}

func (o *ipOverlaps) printJSON(found []merge.Overlap) error {
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
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
