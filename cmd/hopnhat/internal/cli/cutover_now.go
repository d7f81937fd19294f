package cli

import (
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverNow(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "now [WORKSPACE]",
		Short: "Take the next step now",
		Long: `now has the running server take the next step at once, as long as nothing that
respects TTLs can break by it: a step that comes too early is refused with the
instant from which on it is safe. It is the way on after a switch was missed.`,
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
