package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

type prove struct {
	*env
	parents
	old, new, maps []string
	json, tap      bool
	junit          bool
	strict         bool
	mixture        bool
	certify        bool
	check          string
	lang           string
	asking         liveOptions
	liveAt         string
}

func newProve(e *env) *cobra.Command {
	o := &prove{env: e}
	c := &cobra.Command{
		Use:   "prove [WORKSPACE | --old FILE… --new FILE… [--map OLDSUFFIX=NEWSUFFIX]…]",
		Short: "Prove that no name is lost, or that one set of zones answers as another",
		Long: `prove decides, for every name of at most 255 octets and every type, whether the
world after answers as the world before did: wildcards, empty non-terminals,
delegations, chains of CNAME and DNAME included.

Of a workspace it proves that every old name goes on answering, that each
answers at its new name too, that the target's own names are left alone, and
that no cache that holds records of two neighbouring steps of the cutover
breaks. --certify writes what was proved to certificate.json in the workspace;
without one that fits, the world after is not served beyond this machine.

With --old and --new it holds zone files against each other, without a
workspace. With --map each name below OLDSUFFIX must also answer at its new
name below NEWSUFFIX; of several maps the longest suffix applies. A file that
states no origin takes it from the owner of its SOA record.

Where the workspace has a book of addresses, or address plans, the names of the
world after are held against them too; two organisations that hold the same
addresses block.

Each finding is one cause, with a question that shows it. Exit code: 0 no
finding blocks, 1 at least one does, 2 it could not be decided; then nothing
stands on standard output.`,
		Args: func(c *cobra.Command, args []string) error { return undecided(cobra.MaximumNArgs(1)(c, args)) },
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return undecided(fmt.Errorf("%w; see `%s --help`", err, c.CommandPath()))
	})
	o.parents.flags(c)
	f := c.Flags()
	f.StringArrayVar(&o.old, "old", nil, "a zone `FILE` of before; give it once for each zone")
	f.StringArrayVar(&o.new, "new", nil, "a zone `FILE` of after")
	f.StringArrayVar(&o.maps, "map", nil, "`OLDSUFFIX=NEWSUFFIX`: names below the one are renamed below the other")
	f.BoolVar(&o.json, "json", false, "print the verdict and the findings as JSON")
	f.BoolVar(&o.tap, "tap", false, "print a line for each check in the Test Anything Protocol")
	f.BoolVar(&o.junit, "junit", false, "print the checks as JUnit's XML")
	f.BoolVar(&o.strict, "strict", false, "every error blocks")
	f.BoolVar(&o.mixture, "mixture", false, "of zone files: prove also that no mixture of old and new in caches breaks a chain (always so of a workspace)")
	f.BoolVar(&o.certify, "certify", false, "of a workspace: write certificate.json when nothing blocks")
	f.StringVar(&o.check, "check", "", "of a workspace: prove again and compare with this certificate `FILE`")
	o.asking.flags(c)
	f.StringVar(&o.liveAt, "live-at", "before", "with --live: the instant whose world the servers are to serve: before, after, or a date")
	f.StringVar(&o.lang, "lang", "", "the `LANGUAGE` of the summary and the findings: en or vi (default: that of $LC_ALL, $LC_MESSAGES or $LANG)")
	return c
}

// undecided is exit code 2: 1 says that something is lost.
func undecided(err error) error {
	if err == nil {
		return nil
	}
	return &exit{2, err}
}

// ask is what is to be proved, and where it comes from.
type ask struct {
	in     proof.Input
	opts   proof.Options
	plan   *planned          // nil of zone files
	others []finding.Finding // what blocks besides
	agreed *agreed           // names against addresses; nil where there is no book
	live   *served           // what the servers serve; nil where they were not asked
}

func (o *prove) run(ctx context.Context, args []string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // all that is read lives to the end
	}
	a, err := o.ask(ctx, args)
	if err != nil {
		var x *exit
		if errors.As(err, &x) && x.cause == nil {
			return &exit{code: 2}
		}
		return &exit{2, err}
	}
	words, err := o.words()
	if err != nil {
		return &exit{2, err}
	}
	if o.check != "" {
		return o.compare(a)
	}
	bar := o.stages()
	a.opts.Stage = bar.show
	var cert proof.Certificate
	var r proof.Report
	if o.certify {
		cert, r = proof.Certify(a.in, a.opts)
	} else {
		r = proof.Prove(a.in, a.opts)
	}
	if o.asking.on {
		bar.show("asking the servers")
		if err := o.askServers(ctx, a); err != nil {
			bar.end()
			return &exit{2, err}
		}
	}
	bar.end()
	switch {
	case o.json:
		err = o.printJSON(a, &r)
	case o.tap:
		err = o.printTAP(a, &r)
	case o.junit:
		err = o.printJUnit(a, &r)
	default:
		o.print(a, &r, words)
	}
	if err != nil {
		return err
	}
	if !a.holds(&r) || a.live != nil && !a.live.good() {
		return &exit{code: 1}
	}
	if o.certify {
		return o.write(a, cert)
	}
	return nil
}

// holds tells whether nothing blocks: neither the proof nor the plan, nor what
// is wrong with the addresses of names.
func (a *ask) holds(r *proof.Report) bool {
	return r.Preserved() && len(a.others)+a.blocking() == 0
}

// blocking counts the findings about addresses that block.
func (a *ask) blocking() (n int) {
	for _, f := range a.beside() {
		if f.Severity >= a.worst() {
			n++
		}
	}
	return n
}

// beside are the findings about addresses.
func (a *ask) beside() []finding.Finding {
	if a.agreed == nil {
		return nil
	}
	return a.agreed.findings()
}

// worst is the severity from which on a finding about addresses blocks.
func (a *ask) worst() finding.Severity {
	if a.opts.Strict {
		return finding.Error
	}
	return finding.Block
}

// askServers surveys the servers of the workspace.
func (o *prove) askServers(ctx context.Context, a *ask) error {
	at, err := workspace.ParseFixed(o.liveAt)
	if err != nil {
		return fmt.Errorf("--live-at: %w", err)
	}
	base := probe.Options{
		Resolver: a.plan.Config.Resolver, Renamed: newCuts(a.in.Before, a.in.After, zones.Internet),
		Digest: func(z *zones.Zone) string { return fmt.Sprintf("%x", proof.ZONEMD(z)) },
	}
	for _, s := range a.plan.Signing {
		if s.Way == workspace.BehindSigner {
			base.Signed = append(base.Signed, s.Zone)
		}
	}
	x, err := o.live(ctx, a.plan.WorldAt(a.plan.plan, at), o.asking, base)
	a.live = &x
	return err
}

// ask reads what is to be proved.
func (o *prove) ask(ctx context.Context, args []string) (*ask, error) {
	forms := 0
	for _, b := range []bool{o.json, o.tap, o.junit} {
		if b {
			forms++
		}
	}
	if forms > 1 {
		return nil, errors.New("give one of --json, --tap and --junit")
	}
	if err := o.asking.check(); err != nil {
		return nil, err
	}
	a := &ask{opts: proof.Options{Strict: o.strict, Now: o.now()}}
	if len(o.old)+len(o.new)+len(o.maps) > 0 {
		if len(args) > 0 {
			return nil, fmt.Errorf("--old, --new and --map hold zone files against each other without a workspace; leave out %s", args[0])
		}
		if o.certify || o.check != "" || o.asking.on {
			return nil, errors.New("--certify, --check and --live are of a workspace; leave out --old and --new")
		}
		var err error
		a.in, err = o.input()
		a.opts.Mixture = o.mixture
		return a, err
	}
	p, err := o.workspace(args)
	if errors.Is(err, workspace.ErrNone) {
		return nil, fmt.Errorf("%w; to prove zone files without one give --old FILE and --new FILE", err)
	}
	if err != nil {
		return nil, err
	}
	if err := o.parents.ask(ctx, p); err != nil {
		return nil, err
	}
	a.plan, a.opts.Mixture = p, true
	a.in, err = p.Claim(p.plan)
	for _, f := range p.found {
		if f.Severity == finding.Block {
			a.others = append(a.others, f)
		}
	}
	if n := p.plan.Open(); n > 0 && len(a.others) == 0 {
		a.others = append(a.others, finding.Finding{Severity: finding.Block, Found: fmt.Sprintf("%d conflicts are open", n), Mend: "`hopnhat plan` prints the lines that settle them"})
	}
	if err != nil {
		return a, err
	}
	a.agreed, err = p.agree(ctx, o.now)
	return a, err
}

// words is the language that is asked for, or that of the environment.
func (o *prove) words() (*wording, error) {
	vi, err := vietnamese(o.lang)
	if vi {
		return inVietnamese(), err
	}
	return inEnglish(), err
}

// write puts the certificate into the workspace.
func (o *prove) write(a *ask, c proof.Certificate) error {
	file, err := a.plan.WriteCertificate(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.err, "wrote %s\n", file)
	return nil
}

// compare proves again what a certificate says.
func (o *prove) compare(a *ask) error {
	if a.plan == nil {
		return &exit{2, errors.New("--check needs a workspace")}
	}
	c, err := workspace.ReadCertificate(o.check)
	if err != nil {
		return &exit{2, err}
	}
	a.opts.Strict, a.opts.Mixture = c.Strict, c.Mixture
	bar := o.stages()
	a.opts.Stage = bar.show
	now, _ := proof.Certify(a.in, a.opts)
	bar.end()
	ds := c.Check(now)
	for _, d := range ds {
		fmt.Fprintln(o.out, d)
	}
	for _, f := range a.others {
		fmt.Fprintln(o.out, f)
	}
	for _, f := range a.beside() {
		if f.Severity >= a.worst() {
			fmt.Fprintln(o.out, f)
		}
	}
	switch {
	case len(ds) > 0:
		fmt.Fprintf(o.out, "the certificate does not fit: %d values differ; prove again with --certify\n", len(ds))
		return &exit{code: 1}
	case len(a.others)+a.blocking() > 0, c.Verdict != "preserved":
		return &exit{code: 1}
	}
	made := ""
	if t, err := time.Parse(time.RFC3339, c.Made); err == nil {
		made = " of " + workspace.InEnglish(t)
	}
	fmt.Fprintf(o.out, "the certificate%s holds: %d zones before, %d after, verdict %s\n", made, len(c.Before), len(c.After), c.Verdict)
	return nil
}
