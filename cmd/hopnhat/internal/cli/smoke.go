package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
)

// shown is how many differences are printed in full without --tap.
const shown = 50

type smoke struct {
	*env
	server   string
	at       string
	view     string
	tap      bool
	emit     string
	parallel int
}

func newSmoke(e *env) *cobra.Command {
	o := &smoke{env: e}
	c := &cobra.Command{
		Use:   "smoke [WORKSPACE] --server ADDRESS:PORT",
		Short: "Ask a server for everything that the plan says it must answer",
		Long: `smoke asks a server for every name and type of the expected world: the world
after the cutover, or before it, in one view. What it expects comes from the
plan, never from a server. It exits 1 when anything differs and prints the
dig that shows it.

--emit sh writes a POSIX shell script that does the same anywhere with nothing
but dig:

  hopnhat smoke WORKSPACE --emit sh > smoke.sh && sh smoke.sh 192.0.2.53 53`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	f := c.Flags()
	f.StringVar(&o.server, "server", "", "the server to ask, `ADDRESS[:PORT]` (port 53 when left out)")
	f.StringVar(&o.at, "at", "after", "the instant whose world is expected: before, after, or a date")
	f.StringVar(&o.view, "view", string(zones.Internet), "the `VIEW` that the server serves")
	f.BoolVar(&o.tap, "tap", false, "print every question in the Test Anything Protocol")
	f.StringVar(&o.emit, "emit", "", "print a script instead of asking: `sh`")
	f.IntVar(&o.parallel, "parallel", 16, "questions under way at once")
	return c
}

func (o *smoke) run(ctx context.Context, args []string) error {
	server, err := parseServer(o.server, "--server")
	if err != nil && (o.emit == "" || o.server != "") {
		return err
	}
	p, err := o.workspace(args)
	if err != nil {
		return err
	}
	at, err := instant(o.at)
	if err != nil {
		return err
	}
	w, title := p.WorldAt(p.plan, at), p.title(at)
	view := zones.View(o.view)
	es := probe.Expect(w, view)
	if len(es) == 0 {
		return fmt.Errorf("no zone stands in the view %q at that instant; the views are %v", o.view, w.Views())
	}
	switch o.emit {
	case "":
	case "sh":
		return o.script(w, view, es, title, server)
	default:
		return fmt.Errorf("--emit %s: only sh is known", o.emit)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	progress, done := o.progress(len(es))
	client := probe.Client{Server: server, Parallel: o.parallel}
	rs, err := client.Ask(ctx, es, progress)
	done()
	if err != nil {
		return err
	}
	return o.report(rs, server, title, p.Systems)
}

func (o *smoke) script(w zones.World, view zones.View, es []probe.Expectation, title string, server netip.AddrPort) error {
	about := probe.About{Title: fmt.Sprintf("%s, view %s", title, view), Host: "127.0.0.1", Port: 53}
	if server.IsValid() {
		about.Host, about.Port = server.Addr().String(), server.Port()
	}
	for z := range w.In(view) {
		about.First = z.Origin()
		break
	}
	return probe.Script(o.out, es, about)
}

func (o *smoke) report(rs []probe.Result, server netip.AddrPort, title string, systems []workspace.System) error {
	bad := probe.Failures(rs)
	if o.tap {
		if err := probe.TAP(o.out, server, rs); err != nil {
			return err
		}
	} else {
		for i, r := range bad {
			if i == shown {
				fmt.Fprintf(o.out, "… and %d more; --tap prints all\n", len(bad)-shown)
				break
			}
			fmt.Fprintf(o.out, "differs: %v %v%s: %s\n    %s\n", r.Name, r.Type, systemsOf(systems, r.Name), r.Problem, r.Dig(server.Addr().String(), server.Port()))
		}
		fmt.Fprintf(o.out, "%s at %v: %d questions, %d differ\n", title, server, len(rs), len(bad))
	}
	if len(bad) > 0 {
		return &exit{code: 1}
	}
	return nil
}

// progress draws a bar when err is a terminal, and nothing when it is not.
func (o *smoke) progress(total int) (step, done func()) {
	f, ok := o.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(io.Writer(f)), progressbar.OptionShowCount(),
		progressbar.OptionSetDescription("asking"), progressbar.OptionClearOnFinish())
	return func() { _ = bar.Add(1) }, func() { _ = bar.Finish() }
}

// parseServer reads ADDRESS or ADDRESS:PORT.
func parseServer(s, flag string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, fmt.Errorf("no server to ask; give --server, such as --server 127.0.0.1:5301")
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		a, aerr := netip.ParseAddr(host)
		p, perr := strconv.ParseUint(port, 10, 16)
		if aerr == nil && perr == nil && p > 0 {
			return netip.AddrPortFrom(a, uint16(p)), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("%s %s: write an address and a port, such as 127.0.0.1:5301 or [::1]:5301", flag, s)
}
