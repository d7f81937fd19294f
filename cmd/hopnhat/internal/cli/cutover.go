package cli

import "github.com/spf13/cobra"

func newCutover(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "cutover",
		Short: "Plan the cutover, approve it, carry it out, go back",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCutoverPlan(e), newCutoverSchedule(e), newCutoverApprove(e), newCutoverNow(e), newCutoverAbort(e), newCutoverRollback(e), newCutoverHold(e), newCutoverRelease(e), newCutoverStatus(e), newSimulate(e))
	return c
}
