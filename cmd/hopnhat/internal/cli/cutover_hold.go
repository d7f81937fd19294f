package cli

import (
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverHold(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "hold [WORKSPACE]",
		Short: "Take no further step until it is released",
		Long: `hold keeps the server from taking the next step, whatever the date: what was
published last goes on being served, and status exits 1. release lets it go on; a
switch that is held beyond its grace is missed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.order(c.Context(), args, control.HoldCommand, r, func(w *cutoverWords) string { return w.holdDone })
		},
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, true)
	return c
}
