package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/simulate"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
)

type simulation struct {
	*env
	without string
	clients int
	seed    uint64
	json    bool
	lang    string
}

func newSimulate(e *env) *cobra.Command {
	o := &simulation{env: e}
	c := &cobra.Command{
		Use:   "simulate [WORKSPACE]",
		Short: "Show what the clients of each kind of resolver meet during the cutover",
		Long: `simulate carries the whole cutover out in simulated time: the steps of the
timeline at their instants, secondaries that follow with and without NOTIFY, and
for each kind of resolver a number of clients, which ask old and new names in
each second of it, some in each second of all, some coming and going.

A question fails in a second when it leads to NXDOMAIN, NODATA or SERVFAIL
although it was promised: a name that both the world before and the world after
have, always; a new name from the switch on.

--without leaves out one protection of the timeline, to show what it is there
for: lowering (TTLs stay as they are), additions (nothing is added before the
switch), negative (the TTLs of absent names stay), waits (a minute between the
steps), parent (the old servers go off a minute after the switch).

Exit code: 0 no model that the timeline promises something to fails, 1 one does,
or the simulation could not be made.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	f := c.Flags()
	f.StringVar(&o.without, "without", "", "the `PROTECTION` to leave out: lowering, additions, negative, waits or parent")
	f.IntVar(&o.clients, "clients", 300, "clients of each kind of resolver")
	f.Uint64Var(&o.seed, "seed", 1, "what is random comes from this `NUMBER`")
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	f.StringVar(&o.lang, "lang", "", "the `LANGUAGE` of the results: en or vi (default: that of $LC_ALL, $LC_MESSAGES or $LANG)")
	return c
}

// simulated is one view's results.
type simulated struct {
	View    zones.View        `json:"view"`
	Without string            `json:"without,omitempty"`
	Models  []simulate.Result `json:"models"`
}

func (o *simulation) run(args []string) error {
	vi, err := vietnamese(o.lang)
	if err != nil {
		return err
	}
	if o.clients < 1 || o.clients > 100_000 {
		return fmt.Errorf("--clients %d: give from 1 to 100000", o.clients)
	}
	if o.without != "" && !slices.Contains(simulate.Protections(), simulate.Protection(o.without)) {
		return fmt.Errorf("--without %s: write one of %v", o.without, simulate.Protections())
	}
	p, err := o.workspace(args)
	if err != nil {
		return err
	}
	ws, l, err := o.timeline(p)
	if err != nil {
		return err
	}
	in := simulate.Prepare(ws[0].Row[0], l, p.TermsOf(ws).Parent)
	in.Clients, in.Seed = o.clients, o.seed
	if o.without != "" {
		if in, err = in.Without(ws, l, simulate.Protection(o.without)); err != nil {
			return err
		}
	}
	views := ws[0].Row[0].Views()
	step, done := o.progress(len(views) * len(in.Models) * in.Clients)
	in.Step = step
	var all []simulated
	for _, v := range views {
		in.View = v
		rs, err := simulate.Run(in)
		if err != nil {
			done()
			return fmt.Errorf("view %s: %w", v, err)
		}
		all = append(all, simulated{v, o.without, rs})
	}
	done()
	return o.report(all, vi)
}

// timeline is what is simulated: the waves and their instants.
func (o *simulation) timeline(p *planned) ([]cutover.Wave, cutover.Timeline, error) {
	ws, found, err := p.Waves(p.plan)
	o.tell(found, finding.Error)
	if err != nil {
		return nil, cutover.Timeline{}, err
	}
	l, err := cutover.PlanWaves(ws, p.TermsOf(ws))
	return ws, l, err
}

// report prints the results and gives the exit code.
func (o *simulation) report(all []simulated, vi bool) error {
	failed := false
	for _, s := range all {
		for _, r := range s.Models {
			failed = failed || r.Claimed && r.Failures > 0
		}
	}
	if o.json {
		enc := json.NewEncoder(o.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all); err != nil {
			return err
		}
	} else {
		words := simulationInEnglish()
		if vi {
			words = simulationInVietnamese()
		}
		for _, s := range all {
			words.print(o.out, s)
		}
	}
	if failed {
		return &exit{code: 1}
	}
	return nil
}

// progress draws a bar when err is a terminal, and nothing when it is not.
func (o *simulation) progress(total int) (step func(string), done func()) {
	f, ok := o.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(io.Writer(f)), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	return func(model string) {
		bar.Describe(model)
		_ = bar.Add(1)
	}, func() { _ = bar.Finish() }
}
