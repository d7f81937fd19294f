package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newIPCheck(o *ip) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the book's audit, and the book against the names of the workspace",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.with(c.Context(), false, func(b *opened) error { return o.check(c.Context(), b) })
		},
	}
}

func (o *ip) check(ctx context.Context, b *opened) error {
	end, err := b.Verify(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", b.path, err)
	}
	return o.end(b.path, end, "holds")
}
