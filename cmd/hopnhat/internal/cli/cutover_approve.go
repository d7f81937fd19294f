package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

func newCutoverApprove(e *env) *cobra.Command {
	o, r := &asker{env: e}, grounds{}
	c := &cobra.Command{
		Use:   "approve HASH [WORKSPACE]",
		Short: "Approve the plan with this hash",
		Long: `approve shows the plan and approves it in the name of the user who runs the
command, as the system knows it: two approvals are two users', and all who come by
sudo are one, root. The hash stands for all that the plan is, so one with another
date, or of zones that changed, needs approvals of its own. Its first 8 digits are
enough on a terminal, where they are asked for again beside the plan; elsewhere
give the whole hash.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error { return o.approve(c.Context(), args[0], args[1:], r) },
	}
	o.flags(c)
	o.langFlag(c)
	r.flags(c, false)
	return c
}

func (o *asker) approve(ctx context.Context, hash string, args []string, r grounds) error {
	w, err := o.words()
	if err != nil {
		return err
	}
	path, err := o.path(args)
	if err != nil {
		return err
	}
	s, err := control.GetStatus(ctx, path)
	if err != nil {
		return err
	}
	a := control.Approve{Plan: hash, Why: r.why, Document: r.document}
	switch {
	case s.Plan == nil:
		return errors.New(w.noPlan)
	case s.Stale != "":
		return fmt.Errorf(w.stale, w.reason(s, control.ByPlan, nil, s.Stale))
	case !a.Names(s.Plan.Hash):
		return fmt.Errorf(w.otherPlan, s.Plan.Hash, hash)
	}
	if !o.json {
		w.plan(o.out, s)
	}
	if len(hash) < len(s.Plan.Hash) {
		if err := o.again(w, s.Plan.Hash); err != nil {
			return err
		}
	}
	a.Plan = s.Plan.Hash // what was shown, and nothing else
	s, err = o.status(ctx, path, control.ApproveCommand, a)
	if err != nil || o.json {
		return err
	}
	fmt.Fprintln(o.out, w.approved)
	w.approvals(o.out, s)
	return nil
}

// again asks for the hash of the plan that is shown.
func (o *asker) again(w *cutoverWords, hash string) error {
	f, ok := o.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return fmt.Errorf(w.whole, hash)
	}
	fmt.Fprintf(o.err, w.typeHash, control.PlanDigits)
	return typed(w, bufio.NewReader(f), hash)
}

// typed reads the hash that somebody types.
func typed(w *cutoverWords, in *bufio.Reader, hash string) error {
	line, err := in.ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return errors.Join(errors.New(w.notApproved), err)
	}
	if !(control.Approve{Plan: line}).Names(hash) {
		return fmt.Errorf(w.otherPlan, hash, line)
	}
	return nil
}
