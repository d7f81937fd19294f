package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// liveOptions says whom prove asks whether what is served is what was proved.
type liveOptions struct {
	on               bool
	resolver         string
	servers, parents []string
	questions        int
	seed             uint64
}

func (o *liveOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.on, "live", false, "of a workspace: ask the parents' servers and every name server, by UDP and TCP, whether what is served is what was proved")
	f.StringVar(&o.resolver, "live-resolver", "", "with --live: the resolver `ADDRESS[:PORT]` that finds the parents' servers (default: resolver in hopnhat.yaml)")
	f.StringArrayVar(&o.servers, "live-server", nil, "with --live: ask the name server at this address, `NAME=ADDRESS[:PORT]`; one that no zone names is asked for all zones")
	f.StringArrayVar(&o.parents, "live-parent", nil, "with --live: a server of a zone's parent, `ZONE=ADDRESS[:PORT]`, in place of those that the resolver finds")
	f.IntVar(&o.questions, "live-questions", 200, "with --live: how many `QUESTIONS` of a sample a server is asked by each of UDP and TCP")
	f.Uint64Var(&o.seed, "live-seed", 1, "with --live: the seed that the sample is drawn by")
}

// check refuses what the flags cannot mean.
func (o *liveOptions) check() error {
	if !o.on && (o.resolver != "" || len(o.servers)+len(o.parents) > 0) {
		return errors.New("--live-resolver, --live-server and --live-parent say whom --live asks; give --live too")
	}
	if o.questions < 1 {
		return fmt.Errorf("--live-questions %d: write 1 or more", o.questions)
	}
	return nil
}

// probe turns the flags into what a survey is asked with; base holds what the
// workspace says.
func (o *liveOptions) probe(base probe.Options) (probe.Options, error) {
	base.Questions, base.Seed = o.questions, o.seed
	var err error
	if o.resolver != "" {
		if base.Resolver, err = parseServer(o.resolver, "--live-resolver"); err != nil {
			return base, err
		}
	}
	for _, s := range o.servers {
		n, a, err := parseNamed(s, "--live-server")
		if err != nil {
			return base, err
		}
		base.Servers = append(base.Servers, probe.Server{Name: n, Addr: a})
	}
	for _, s := range o.parents {
		n, a, err := parseNamed(s, "--live-parent")
		if err != nil {
			return base, err
		}
		if base.Parents == nil {
			base.Parents = map[zones.Name][]netip.AddrPort{}
		}
		base.Parents[n] = append(base.Parents[n], a)
	}
	return base, nil
}

// parseNamed reads NAME=ADDRESS[:PORT].
func parseNamed(s, flag string) (zones.Name, netip.AddrPort, error) {
	name, addr, ok := strings.Cut(s, "=")
	if !ok || name == "" || addr == "" {
		return zones.Name{}, netip.AddrPort{}, fmt.Errorf("%s %s: write a name and an address, such as ns1.example.vn=192.0.2.1:53", flag, s)
	}
	n, err := zones.ParseName(name)
	if err != nil {
		return n, netip.AddrPort{}, fmt.Errorf("%s %s: %q is no name: %w", flag, s, name, err)
	}
	a, err := parseServer(addr, flag+" "+name+"=")
	return n, a, err
}

// served is what a survey of the servers found.
type served struct {
	findings []finding.Finding
	summary  probe.Summary
}

// live asks the servers of the world's view of the internet whether they
// serve it. base holds what the workspace says: its resolver, the cuts that
// came to a new name, the zones that a signer signs, how a digest is written.
func (e *env) live(ctx context.Context, w zones.World, o liveOptions, base probe.Options) (served, error) {
	opts, err := o.probe(base)
	if err != nil {
		return served{}, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	fs, sum := probe.Survey(ctx, w, zones.Internet, opts)
	return served{fs, sum}, ctx.Err()
}

// newCuts lists the delegations of one view that after has and before has not:
// those whose servers must learn a new name.
func newCuts(before, after zones.World, v zones.View) (out []zones.Name) {
	for z := range after.In(v) {
		for s := range z.All() {
			if s.Type() != zones.TypeNS || s.Owner() == z.Origin() {
				continue
			}
			if old := before.Nearest(v, s.Owner()); old != nil {
				if _, ok := old.Lookup(s.Owner(), zones.TypeNS); ok {
					continue
				}
			}
			out = append(out, s.Owner())
		}
	}
	return out
}

// good tells whether everything was seen and is as it was proved. What was
// not seen is not good.
func (s *served) good() bool { return s.summary.Good() && !finding.Failed(s.findings) }

// print shows the table for the one who must sign, and what is wrong.
func (s *served) print(w io.Writer) {
	for _, f := range s.findings {
		fmt.Fprintln(w, f.String())
		for _, d := range f.Dig {
			fmt.Fprintln(w, "    "+d)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "zone\tserver\taddress\tserial\tUDP\tTCP\ttransfer\tserves")
	servers, right := 0, 0
	for _, z := range s.summary.Zones {
		zone := z.ID.Origin.Text()
		fmt.Fprintf(t, "%s\t(the parent)\t\t\t%s\t\t\t%s\n", zone, agreedOf(z.Parent), liveWord(z.Parent.Whole(), z.Parent.Differed > 0, "as the zone says"))
		for _, x := range z.Servers {
			servers++
			if x.Good() {
				right++
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%v\t%s\n", zone, nameTexts(x.Names), askedAt(x.Address), serialTexts(x.Serials), agreedOf(x.UDP), agreedOf(x.TCP), x.Transfer, liveVerdict(x))
		}
	}
	for _, c := range s.summary.Children {
		answer := "its new name"
		switch {
		case c.Problem != "":
			answer = "NOT SEEN"
		case c.Lame != "":
			answer = "LAME"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t\t\t\t\t%s\n", c.Cut.Text(), nameTexts(c.Names), askedAt(c.Address), answer)
	}
	_ = t.Flush()
	if s.good() {
		fmt.Fprintf(w, "SERVED AS PROVED: %d zones on %d servers\n", len(s.summary.Zones), servers)
		return
	}
	fmt.Fprintf(w, "NOT SHOWN: %d of %d servers of zones were seen to serve what was proved\n", right, servers)
}

func liveWord(good, differs bool, fine string) string {
	switch {
	case good:
		return fine
	case differs:
		return "OTHERWISE"
	}
	return "NOT SEEN"
}

// liveVerdict says in a word what a server serves.
func liveVerdict(x probe.ServerSummary) string {
	switch {
	case x.Lame != "":
		return "LAME"
	case x.Bogus != "":
		return "BOGUS"
	case x.Good():
		return "as proved"
	case len(x.Serials) > 0 && !x.Current:
		return "ANOTHER VERSION"
	}
	return liveWord(false, x.UDP.Differed+x.TCP.Differed > 0 || x.Transfer == probe.OtherRecords, "")
}

// agreedOf shows how many of the questions asked agreed.
func agreedOf(c probe.Count) string {
	switch {
	case c.Asked+c.Truncated == 0:
		return "-"
	case c.Truncated > 0:
		return fmt.Sprintf("%d of %d, %d cut", c.Agreed, c.Asked, c.Truncated)
	}
	return fmt.Sprintf("%d of %d", c.Agreed, c.Asked)
}

func nameTexts(ns []zones.Name) string {
	ts := make([]string, len(ns))
	for i, n := range ns {
		ts[i] = n.Text()
	}
	return strings.Join(ts, " ")
}

func askedAt(a netip.AddrPort) string {
	if !a.IsValid() {
		return "not known"
	}
	return a.String()
}

func serialTexts(ns []zones.Serial) string {
	ts := make([]string, len(ns))
	for i, n := range ns {
		ts[i] = fmt.Sprint(uint32(n))
	}
	return strings.Join(ts, " ")
}

// The form of `live` in prove --json.
type (
	liveJSON struct {
		Good     bool          `json:"good"`
		View     string        `json:"view"`
		Zones    []liveZone    `json:"zones"`
		Children []liveChild   `json:"delegations"`
		Findings []liveFinding `json:"findings"`
	}
	liveZone struct {
		Zone    string       `json:"zone"`
		Serial  uint32       `json:"serial"`
		Digest  string       `json:"digest"`
		Good    bool         `json:"good"`
		Parent  liveCount    `json:"parent"`
		Servers []liveServer `json:"servers"`
	}
	liveServer struct {
		Names    []string  `json:"names"`
		Address  string    `json:"address,omitempty"`
		Good     bool      `json:"good"`
		Lame     string    `json:"lame,omitempty"`
		Bogus    string    `json:"bogus,omitempty"`
		Serials  []uint32  `json:"serials"`
		UDP      liveCount `json:"udp"`
		TCP      liveCount `json:"tcp"`
		Transfer string    `json:"transfer"`
		Refused  string    `json:"no_transfer,omitempty"`
		Digest   string    `json:"digest,omitempty"`
	}
	liveCount struct {
		Asked      int    `json:"asked"`
		Agreed     int    `json:"agreed"`
		Differed   int    `json:"differed"`
		Unanswered int    `json:"unanswered"`
		Truncated  int    `json:"truncated,omitempty"`
		Problem    string `json:"problem,omitempty"`
	}
	liveChild struct {
		Name    string   `json:"name"`
		Names   []string `json:"names"`
		Address string   `json:"address,omitempty"`
		Lame    string   `json:"lame,omitempty"`
		Problem string   `json:"problem,omitempty"`
	}
	liveFinding struct {
		ID       string   `json:"id"`
		Severity string   `json:"severity"`
		Count    int      `json:"count"`
		File     string   `json:"file,omitempty"`
		Line     int      `json:"line,omitempty"`
		Found    string   `json:"found"`
		Mend     string   `json:"mend"`
		Dig      []string `json:"dig,omitempty"`
	}
)

// json is the value of `live`.
func (s *served) json() liveJSON {
	out := liveJSON{Good: s.good(), View: string(s.summary.View), Zones: []liveZone{}, Children: []liveChild{}, Findings: []liveFinding{}}
	text := func(ns []zones.Name) []string {
		ts := []string{}
		for _, n := range ns {
			ts = append(ts, n.Text())
		}
		return ts
	}
	at := func(a netip.AddrPort) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	for _, z := range s.summary.Zones {
		x := liveZone{Zone: z.ID.Origin.Text(), Serial: uint32(z.Serial), Digest: z.Digest, Good: z.Good(), Parent: liveCount(z.Parent), Servers: []liveServer{}}
		for _, v := range z.Servers {
			y := liveServer{
				Names: text(v.Names), Address: at(v.Address), Good: v.Good(), Lame: v.Lame, Bogus: v.Bogus, Serials: []uint32{},
				UDP: liveCount(v.UDP), TCP: liveCount(v.TCP), Refused: v.Refused, Digest: v.Digest,
				Transfer: map[probe.Transferred]string{probe.NotTransferred: "none", probe.SameRecords: "same", probe.OtherRecords: "differs"}[v.Transfer],
			}
			for _, n := range v.Serials {
				y.Serials = append(y.Serials, uint32(n))
			}
			x.Servers = append(x.Servers, y)
		}
		out.Zones = append(out.Zones, x)
	}
	for _, c := range s.summary.Children {
		out.Children = append(out.Children, liveChild{c.Cut.Text(), text(c.Names), at(c.Address), c.Lame, c.Problem})
	}
	for _, f := range s.findings {
		out.Findings = append(out.Findings, liveFinding{
			ID: f.ID, Severity: map[finding.Severity]string{finding.Note: "note", finding.Warning: "warn", finding.Error: "error", finding.Block: "block"}[f.Severity],
			Count: max(f.Count, 1), File: f.At.File, Line: f.At.Line, Found: f.Found, Mend: f.Mend, Dig: slices.Clone(f.Dig),
		})
	}
	return out
}
