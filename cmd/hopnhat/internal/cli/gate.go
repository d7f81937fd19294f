package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// parents is how a command asks whether the parents of zones hold DS.
type parents struct{ resolver string }

func (o *parents) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.resolver, "resolver", "", "the resolver `ADDRESS[:PORT]` that is asked whether the parents hold DS (default: resolver in hopnhat.yaml; without one nobody is asked)")
}

// ask adds a blocking finding for each zone of the internet whose parent
// holds DS and of which the consolidation file does not say which way out is
// taken; a warning where the resolver does not tell.
func (o *parents) ask(ctx context.Context, p *planned) error {
	server := p.Config.Resolver
	if o.resolver != "" {
		var err error
		if server, err = parseServer(o.resolver, "--resolver"); err != nil {
			return err
		}
	}
	if !server.IsValid() {
		return nil
	}
	c := probe.Client{Server: server}
	for _, id := range p.Origins() {
		if id.View != zones.Internet {
			continue
		}
		n, err := c.DS(ctx, id.Origin)
		switch {
		case err != nil:
			p.found = append(p.found, finding.Finding{
				ID: "D-ASK", Severity: finding.Warning,
				Found: fmt.Sprintf("%v does not tell whether the parent of %s holds DS: %v", server, id.Origin.Text(), err),
				Mend:  "ask another resolver, or by hand: dig " + id.Origin.Text() + " DS",
			})
		case n > 0:
			if f, ok := p.HasDS(id, n); ok {
				p.found = append(p.found, f)
			}
		}
	}
	return nil
}

// blocked says what stops the plan from being published.
func (p *planned) blocked() string {
	others := 0
	for _, f := range p.found {
		if f.ID == "D-SIGNED" || f.ID == "W-QUESTION" {
			others++
		}
	}
	switch {
	case p.plan.Open() > 0:
		return fmt.Sprintf("%d conflicts are open; `hopnhat plan` prints the lines that settle them", p.plan.Open())
	case others > 0:
		return fmt.Sprintf("%d findings above block it", others)
	}
	return "the findings above block it"
}
