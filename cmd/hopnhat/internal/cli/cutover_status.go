package cli

import (
	"context"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverStatus(e *env) *cobra.Command {
	o := &asker{env: e}
	c := &cobra.Command{
		Use:   "status [WORKSPACE]",
		Short: "Show how the cutover stands",
		Long: `status asks the running server how the cutover stands: its steps, what comes
next and when, who approved it, what was published last. It exits 1 when
somebody must look: it is held, its switch was missed, or a verification failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.show(c.Context(), args) },
	}
	o.flags(c)
	o.langFlag(c)
	return c
}

func (o *asker) show(ctx context.Context, args []string) error {
	w, err := o.words()
	if err != nil {
		return err
	}
	path, err := o.path(args)
	if err != nil {
		return err
	}
	s, err := o.status(ctx, path, control.StatusCommand, control.Nothing{})
	if err != nil {
		return err
	}
	if !o.json {
		w.print(o.out, s)
	}
	if s.Alarms() {
		return &exit{code: 1}
	}
	return nil
}
