package cli

import (
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverRollback(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "rollback [WORKSPACE]",
		Short: "After the switch: go back to what was served before it",
		Long: `rollback undoes the switch: records point again at what they pointed at, under
higher serials, and what was added stays, so that nobody who has an answer of
either side is led to nothing. It is possible until the rollback window ends.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.order(c.Context(), args, control.RollbackCommand, r, func(w *cutoverWords) string { return w.rollbackDone })
		},
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, true)
	return c
}
