package cli

import (
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverAbort(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "abort [WORKSPACE]",
		Short: "Before the switch: go back to what was served before",
		Long: `abort ends the cutover before its switch, and has the world before it served
again, under higher serials. After the switch there is rollback.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.order(c.Context(), args, control.AbortCommand, r, func(w *cutoverWords) string { return w.abortDone })
		},
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, true)
	return c
}
