package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func newCutoverSchedule(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "schedule [WORKSPACE]",
		Short: "Make the plan of the cutover that the workspace names",
		Long: `schedule has the running server make the plan: the instants of all steps, with
the serials of each, and the proof that no name is lost at any of them. The plan
goes by its hash, which is what is approved. It is also the way to another date:
write it into consolidation.yaml, and schedule again.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.schedule(c.Context(), args, r) },
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, false)
	return c
}

func (o *asker) schedule(ctx context.Context, args []string, r grounds) error {
	w, err := o.words()
	if err != nil {
		return err
	}
	path, err := o.path(args)
	if err != nil {
		return err
	}
	s, err := o.status(ctx, path, control.ScheduleCommand, r.args())
	if err != nil || o.json {
		return err
	}
	w.print(o.out, s)
	if p := s.Plan; p != nil && len(s.Approvals.By) < s.Approvals.Needed {
		fmt.Fprintf(o.out, w.toApprove+"\n", "hopnhat cutover approve "+short(p.Hash)+" -C "+finding.Shell(s.Folder))
	}
	return nil
}
