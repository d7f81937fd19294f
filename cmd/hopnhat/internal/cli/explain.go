package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/merge"
)

type explain struct {
	*env
	at   string
	view string
}

func newExplain(e *env) *cobra.Command {
	o := &explain{env: e}
	c := &cobra.Command{
		Use:   "explain QNAME [TYPE]",
		Short: "Say which record, file and line, rule and decision give an answer",
		Long: `explain answers one question from the plan, before and after the cutover, and
says for each record where it is written and which rule and which decision
brought it there; for a name of a source, what became of its records.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	f := c.Flags()
	f.StringVar(&o.at, "at", "", "one instant only: before, after, or a date (default: before and after)")
	f.StringVar(&o.view, "view", string(zones.Internet), "the `VIEW` that is asked in")
	return c
}

func (o *explain) run(args []string) error {
	name, err := zones.ParseName(args[0])
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	typ := zones.TypeA
	if len(args) > 1 {
		var ok bool
		if typ, ok = zones.ParseType(args[1]); !ok {
			return fmt.Errorf("%s is not a type of record", args[1])
		}
	}
	ats := []string{o.at}
	if o.at == "" {
		ats = []string{"before", "after"}
	}
	p, err := o.workspace(nil)
	if err != nil {
		return err
	}
	for _, at := range ats {
		i, err := instant(at)
		if err != nil {
			return err
		}
		a := oracle.Resolve(p.WorldAt(p.plan, i), zones.View(o.view), name, typ)
		fmt.Fprintf(o.out, "%s, view %s: %s\n", p.title(i), o.view, outcome(a))
		o.section("answer", a.Answer, p)
		o.section("authority", a.Authority, p)
		o.section("additional", a.Additional, p)
	}
	o.ledger(p, name, typ)
	for _, s := range p.Systems {
		if s.Covers(name) {
			fmt.Fprintf(o.out, "system %d %s (%v, %s, %s): “%s”\n", s.No, s.Key, s.State, s.Owner, s.Doc, s.Quote)
		}
	}
	return nil
}

func outcome(a oracle.Answer) string {
	switch {
	case a.Rcode == oracle.NXDomain:
		return "NXDOMAIN, no such name"
	case a.Rcode == oracle.Refused:
		return "REFUSED, no zone of this view holds the name"
	case a.Rcode == oracle.YXDomain:
		return "YXDOMAIN, a DNAME makes the name too long"
	case !a.AA:
		return "a referral: the name is delegated"
	case len(a.Authority) > 0 && a.Authority[0].Type() == zones.TypeSOA:
		return "no data of this type"
	}
	return "answered"
}

func (o *explain) section(title string, sets []zones.RRset, p *planned) {
	for _, s := range sets {
		for _, r := range s.Records() {
			fmt.Fprintf(o.out, "  %s: %s\n", title, recordText(r))
			if r.From.Place.IsZero() {
				continue
			}
			fmt.Fprintf(o.out, "      written at %v\n", r.From.Place)
			for _, rule := range p.Mapping.Rules {
				if rule.At == r.From.Rule {
					fmt.Fprintf(o.out, "      by the rule at %v: %v to %v\n        %s\n", rule.At, rule.From, destinations(rule), note(rule.Note))
				}
			}
			for _, d := range p.Mapping.Decisions {
				if d.At == r.From.Decision {
					fmt.Fprintf(o.out, "      by the decision at %v: take %v, %v\n        %s\n", d.At, d.Take, d.State, note(d.Note))
				}
			}
		}
	}
}

func destinations(r mapping.Rule) string {
	if r.Drop {
		return "no new name"
	}
	s := ""
	for i, t := range r.To {
		if i > 0 {
			s += ", "
		}
		s += t.String()
	}
	return s
}

func note(n mapping.Note) string { return fmt.Sprintf("%s (%s, %s)", n.Why, n.By, n.Doc) }

// ledger says what became of the name's records, where it is a source's name
// or one that a decision moved or removed.
func (o *explain) ledger(p *planned, name zones.Name, typ zones.Type) {
	for _, e := range p.plan.Ledger().Entries() {
		if e.Record.Owner != name || e.Record.Type != typ || e.Zone.View != zones.View(o.view) {
			continue
		}
		to := ""
		if !e.Target.Origin.IsZero() {
			to = " as " + e.New.Owner.Text()
		}
		fmt.Fprintf(o.out, "ledger: %s is %v%s; the old name goes on %v\n    %s (%s, %s)\n", recordText(e.Record), e.Disposition, to, e.Old, e.Why, e.By, e.Doc)
	}
	for _, t := range p.plan.Ledger().Traces() {
		if t.Record.Owner != name || t.Record.Type != typ || t.Zone.View != zones.View(o.view) || t.Fate == merge.Kept {
			continue
		}
		to := ""
		if !t.New.Owner.IsZero() && t.New.Owner != name {
			to = " to " + t.New.Owner.Text()
		}
		fmt.Fprintf(o.out, "ledger: %s, served today, is %v%s; %s (%s, %s)\n", recordText(t.Record), t.Fate, to, t.Why, t.By, t.Doc)
	}
}
