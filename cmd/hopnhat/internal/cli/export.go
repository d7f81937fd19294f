package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/export"
	"gialai.gov.vn/hopnhat/zones/finding"
)

type exportCmd struct {
	*env
	parents
	at     string
	folder string
}

func newExport(e *env) *cobra.Command {
	o := &exportCmd{env: e}
	c := &cobra.Command{
		Use:   "export [WORKSPACE] --out DIR",
		Short: "Write a world as zone files, CSV and a readable index, with SHA-256 sums",
		Long: `export writes the zones of an instant into a folder: zones/VIEW/ORIGIN.zone,
which BIND, Knot and NSD load as they are; records.csv, which a spreadsheet
opens; ledger.tsv, what became of each record; named.conf for BIND; README.md;
and SHA256SUMS over all of them. A folder of an earlier export is replaced as
a whole, any other folder is left alone.

The world after a cutover with open conflicts is not exported.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.parents.flags(c)
	f := c.Flags()
	f.StringVar(&o.at, "at", "after", "the instant whose world is written: before, after, or a date")
	f.StringVarP(&o.folder, "out", "o", "", "the `DIR` to write (required)")
	_ = c.MarkFlagRequired("out")
	return c
}

func (o *exportCmd) run(ctx context.Context, args []string) error {
	at, err := instant(o.at)
	if err != nil {
		return err
	}
	p, err := o.workspace(args)
	if err != nil {
		return err
	}
	if err := o.ask(ctx, p); err != nil {
		return err
	}
	if p.Changes(p.plan, at) && !p.publishable() {
		o.tell(p.found, finding.Block)
		return fmt.Errorf("the plan cannot be published: %s", p.blocked())
	}
	w := p.WorldAt(p.plan, at)
	about := export.About{Title: p.title(at), Notes: []string{fmt.Sprintf("Plan %.16s, made from the inputs %.16s.", p.plan.Digest(), p.plan.Input())}}
	for _, r := range perSystem(p) {
		about.Notes = append(about.Notes, r.String())
	}
	files := export.Files(w, about, export.File{Name: "ledger.tsv", Data: p.plan.Ledger().AppendText(nil)})
	if err := export.Write(o.folder, files); err != nil {
		return err
	}
	records := 0
	for z := range w.All() {
		_, _, n := z.Counts()
		records += n
	}
	fmt.Fprintf(o.out, "%s: %d zones, %d records, %d files in %s\n", p.title(at), w.Len(), records, len(files), o.folder)
	return nil
}
