package cli

import (
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverNow(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "now [WORKSPACE]",
		Short: "Switch as early as is safe, whatever the date",
		Long: `now has the running server make the next switch without waiting for its date,
as early as nothing that respects TTLs can break by it. The steps before it that
were not taken are taken first, each as soon as it may; the answer, and status,
say when the next one comes. It is the way on after a switch was missed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.order(c.Context(), args, control.NowCommand, r, func(w *cutoverWords) string { return w.nowDone })
		},
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, true)
	return c
}
