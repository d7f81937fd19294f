package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func newIPCheck(o *ip) *cobra.Command {
	at := ""
	c := &cobra.Command{
		Use:   "check",
		Short: "Check the book's audit, and the book against the names of the workspace",
		Long: `check reads the whole journal again and holds each event's hash against the one
before it. Of a workspace it then holds the book against the names that are
answered: addresses outside every block, names of one organisation at addresses
of another, blocks that two organisations hold, zones whose name servers all
stand at one site, systems of the plan without IPv6; and it says how many names
each system of the plan has, and what is wrong with them.

Exit code: 0 no error, 1 at least one.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			i, err := instant(at)
			if err != nil {
				return err
			}
			return o.with(c.Context(), false, func(b *opened) error { return o.check(c.Context(), b, i) })
		},
	}
	c.Flags().StringVar(&at, "at", "after", "the `INSTANT` whose names count: before, after, or a date")
	return c
}

func (o *ip) check(ctx context.Context, b *opened, at workspace.Instant) error {
	end, err := b.Verify(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", b.path, err)
	}
	w, err := o.zones()
	if errors.Is(err, workspace.ErrNone) && o.file != "" {
		return o.end(b.path, end, "holds") // a book by itself
	}
	if err != nil {
		return err
	}
	plan, _ := w.Plan()
	var held []ipam.Allocation
	for v := range b.Now().Live() {
		held = append(held, v.Allocation)
	}
	g := agreeing(w, w.WorldAt(plan, at), held)
	if o.json {
		err = o.print(struct {
			endJSON
			agreeJSON
		}{endOf(b.path, end), g.json()})
	} else {
		if err = o.end(b.path, end, "holds"); err == nil {
			g.print(o.out, inEnglish())
			g.sums(o.out, inEnglish())
		}
	}
	if err == nil && finding.Failed(g.findings()) {
		return &exit{code: 1}
	}
	return err
}
