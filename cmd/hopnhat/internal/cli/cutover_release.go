package cli

import (
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverRelease(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "release [WORKSPACE]",
		Short: "Go on after a hold",
		Long: `release lets a cutover that is held go on: who releases it has seen to what the
status gives as its reason.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.order(c.Context(), args, control.ReleaseCommand, r, func(w *cutoverWords) string { return w.releaseDone })
		},
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, true)
	return c
}
