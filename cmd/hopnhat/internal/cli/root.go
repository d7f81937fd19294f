package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// env is what a command gets from outside.
type env struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	dir      string // -C
}

// exit is an error that carries its exit code; a nil cause has been told
// already.
type exit struct {
	code  int
	cause error
}

func (e *exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.cause.Error()
}

func (e *exit) Unwrap() error { return e.cause }

// Main runs the command line and returns the exit code.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	e := &env{in: in, out: out, err: errw, now: time.Now}
	root := newRoot(e)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	var x *exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &x):
		if x.cause != nil {
			fmt.Fprintln(errw, "hopnhat: "+x.cause.Error())
		}
		return x.code
	}
	fmt.Fprintln(errw, "hopnhat: "+err.Error())
	return 1
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "hopnhat",
		Short: "Merge the names of two organisations, lose none, switch at a set instant",
		Long: `hopnhat reads the zones of two organisations, merges one into the other by a
file of rules and decisions, serves the world before and after, and shows what
became of every record.

A workspace is a folder with hopnhat.yaml; commands take it as an argument or
by -C, else they look for it in the working directory and its parents.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(e.in)
	root.SetOut(e.out)
	root.SetErr(e.err)
	root.SetVersionTemplate("hopnhat {{.Version}}\n")
	root.PersistentFlags().StringVarP(&e.dir, "workspace", "C", "", "the workspace `DIR`")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, c.CommandPath())
	})
	root.AddCommand(newServe(e), newPlan(e), newExplain(e), newSmoke(e), newZone(e), newExport(e), newImport(e), newSeen(e), newProve(e), newIP(e), newStatus(e), newReload(e), newCutover(e))
	return root
}

func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(unversioned)"
}

// place returns the folder that a command works in: its argument, -C, or ".".
func (e *env) place(args []string) string {
	switch {
	case len(args) > 0:
		return args[0]
	case e.dir != "":
		return e.dir
	}
	return "."
}

// tell prints findings to err, at least as severe as from.
func (e *env) tell(fs []finding.Finding, from finding.Severity) {
	for _, f := range fs {
		if f.Severity >= from {
			fmt.Fprintln(e.err, f.String())
		}
	}
}

// failed prints findings and gives the error that ends a command when one of
// them is an error.
func (e *env) failed(fs []finding.Finding) error {
	if !finding.Failed(fs) {
		return nil
	}
	e.tell(fs, finding.Warning)
	return &exit{code: 1}
}
