package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/proof"
)

type plan struct {
	*env
	parents
	json     bool
	detailed bool
	ledger   bool
	table    string
}

func newPlan(e *env) *cobra.Command {
	o := &plan{env: e}
	c := &cobra.Command{
		Use:   "plan [WORKSPACE]",
		Short: "Show what the merger changes, and what is still to be decided",
		Long: `plan prints one line for each record set that changes from before the cutover
to after it, in canonical order, counts last:

  +  comes      -  goes      ~  changes      >  takes a new name

Below stand the conflicts that no decision settles, each with the line to
paste into consolidation.yaml, and the verdict of the proof. With open
conflicts, or where names would be lost, the exit code is 1.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.parents.flags(c)
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "print the plan as JSON")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit 2 when there are changes")
	f.StringVar(&o.table, "decisions", "", "write decisions and open conflicts as a table to this `FILE` (.xlsx or .csv), to be edited and imported again")
	f.BoolVar(&o.ledger, "ledger", false, "print the ledger, tab-separated: what became of every record")
	return c
}

func (o *plan) run(ctx context.Context, args []string) error {
	p, err := o.workspace(args)
	if err != nil {
		return err
	}
	if err := o.ask(ctx, p); err != nil {
		return err
	}
	if o.table != "" {
		return o.writeDecisions(p, o.table)
	}
	report := proof.Report{}
	if !o.ledger {
		in, err := p.Claim(p.plan)
		if err != nil {
			return err
		}
		report = proof.Prove(in, proof.Options{Mixture: true, Now: o.now()})
	}
	switch {
	case o.ledger:
		if _, err := o.out.Write(p.plan.Ledger().AppendText(nil)); err != nil {
			return err
		}
	case o.json:
		if err := o.printJSON(p, &report); err != nil {
			return err
		}
	default:
		o.print(p, &report)
	}
	switch {
	case !p.publishable(), !report.Preserved():
		return &exit{code: 1}
	case o.detailed && len(p.plan.Corrections()) > 0:
		return &exit{code: 2}
	}
	return nil
}

// step is a correction as it is printed: an RRset that comes from a source is
// a rename.
type step struct {
	merge.Correction
	sign rune
}

func steps(p *merge.Plan) []step {
	type place struct {
		zone zones.ID
		key  zones.Key
	}
	arrived := map[place]bool{}
	for _, e := range p.Ledger().Entries() {
		if e.Stands() {
			arrived[place{e.Target, zones.Key{Owner: e.New.Owner, Type: e.New.Type}}] = true
		}
	}
	var out []step
	for _, c := range p.Corrections() {
		s := step{c, c.Sign}
		if c.Sign == merge.Add && arrived[place{c.Zone, c.Key}] {
			s.sign = merge.Move
		}
		out = append(out, s)
	}
	return out
}

func (o *plan) print(p *planned, r *proof.Report) {
	counts := map[rune]int{}
	for _, s := range steps(p.plan) {
		counts[s.sign]++
		fmt.Fprintf(o.out, "%c %s\n", s.sign, s.Sentence)
	}
	told := map[string]bool{} // what stands above as a question
	for _, c := range p.plan.Conflicts() {
		if !c.Settled {
			o.conflict(p.plan, c)
			told[fmt.Sprintf("%s (%s): %s", c.At(), c.Zone.View, c.Why)] = true
		}
	}
	o.tell(slices.DeleteFunc(slices.Clone(p.found), func(f finding.Finding) bool { return told[f.Found] }), finding.Warning)
	for _, r := range perSystem(p) {
		fmt.Fprintln(o.out, r)
	}
	fmt.Fprintf(o.out, "%d come, %d go, %d change, %d take a new name\n", counts[merge.Add], counts[merge.Remove], counts[merge.Change], counts[merge.Move])
	for _, line := range sums(p.plan) {
		fmt.Fprintln(o.out, line)
	}
	fmt.Fprintln(o.out, conflictLine(p.plan))
	fmt.Fprintln(o.out, "proof: "+inEnglish().verdict(r, r.Preserved(), 0)+"; hopnhat prove shows more")
	if !p.publishable() {
		fmt.Fprintln(o.out, "the plan cannot be published: decide what is open above")
	}
}

// conflict prints an open question: what comes, what stands there, each with
// its place, and the line that settles it.
func (o *plan) conflict(p *merge.Plan, c merge.Conflict) {
	fmt.Fprintf(o.out, "? %v\n", c)
	for _, a := range c.Arrivals {
		fmt.Fprintf(o.out, "    comes:  %s (%v)\n", recordText(a.Old), a.Old.From.Place)
	}
	for _, r := range standing(p, c) {
		fmt.Fprintf(o.out, "    stands: %s (%v)\n", recordText(r), r.From.Place)
	}
	if c.Line != "" {
		fmt.Fprintln(o.out, c.Line)
	}
}

// standing is what the target has where something arrives: the records that
// the conflict is about, else those of its name, else of the name above it (a
// wildcard arrives under a name that stands).
func standing(p *merge.Plan, c merge.Conflict) []zones.Record {
	z := p.Before().Zone(c.Zone)
	if len(c.Target) > 0 || z == nil {
		return c.Target
	}
	sets := z.At(c.Name)
	if up, ok := c.Name.Parent(); ok && len(sets) == 0 && c.Name.IsWildcard() {
		sets = z.At(up)
	}
	var out []zones.Record
	for _, s := range sets {
		out = append(out, s.Records()...)
	}
	return out
}

// sums are the ledger's totals, a line for each source zone.
func sums(p *merge.Plan) []string {
	total := map[zones.ID]*merge.SourceSum{}
	var order []zones.ID
	for _, s := range p.Ledger().SourceSums() {
		t := total[s.Zone]
		if t == nil {
			t = &merge.SourceSum{}
			total[s.Zone] = t
			order = append(order, s.Zone)
		}
		t.Records += s.Records
		t.Entries += s.Entries
		t.Renamed += s.Renamed
		t.Merged += s.Merged
		t.Superseded += s.Superseded
		t.Dropped += s.Dropped
		t.Undecided += s.Undecided
	}
	var out []string
	for _, id := range order {
		t := total[id]
		out = append(out, fmt.Sprintf("%v: %d records, %d dispositions = %d renamed + %d merged + %d superseded + %d dropped + %d undecided",
			id, t.Records, t.Entries, t.Renamed, t.Merged, t.Superseded, t.Dropped, t.Undecided))
	}
	return out
}

func conflictLine(p *merge.Plan) string {
	var n [3]int
	for _, c := range p.Conflicts() {
		n[stateOf(c)]++
	}
	return fmt.Sprintf("conflicts: %d decided, %d settled by a proposal, %d open", n[conflictDecided], n[conflictProposed], n[conflictOpen])
}

func (o *plan) printJSON(p *planned, r *proof.Report) error {
	type change struct {
		Sign     string `json:"sign"`
		View     string `json:"view"`
		Zone     string `json:"zone"`
		Owner    string `json:"owner"`
		Type     string `json:"type"`
		From     string `json:"from"`
		To       string `json:"to"`
		Sentence string `json:"sentence"`
	}
	type conflict struct {
		ID      string `json:"id"`
		View    string `json:"view"`
		At      string `json:"at"`
		Settled bool   `json:"settled"`
		Why     string `json:"why"`
		Line    string `json:"line"`
	}
	type system struct {
		No       int    `json:"no"`
		Key      string `json:"key"`
		Quote    string `json:"quote"`
		State    string `json:"state"`
		Owner    string `json:"owner"`
		Doc      string `json:"doc"`
		Site     string `json:"site,omitempty"`
		Names    int    `json:"names"`
		Changes  int    `json:"changes"`
		Decided  int    `json:"decided"`
		Proposed int    `json:"proposed"`
		Open     int    `json:"open"`
	}
	type verdict struct {
		Verdict  string `json:"verdict"`
		Blocking int    `json:"blocking"`
		Errors   int    `json:"errors"`
		Warnings int    `json:"warnings"`
	}
	v := struct {
		Version     int             `json:"version"`
		Cutover     string          `json:"cutover"`
		Input       string          `json:"input"`
		Digest      string          `json:"digest"`
		Publishable bool            `json:"publishable"`
		Changes     []change        `json:"changes"`
		Conflicts   []conflict      `json:"conflicts"`
		Systems     []system        `json:"systems"`
		Findings    []string        `json:"findings"`
		Proof       verdict         `json:"proof"`
		Ledger      json.RawMessage `json:"ledger"`
	}{
		Version: 1, Cutover: p.Mapping.Cutover.Format("2006-01-02T15:04:05-07:00"), Input: p.plan.Input().String(), Digest: p.plan.Digest().String(),
		Publishable: p.publishable(), Changes: []change{}, Conflicts: []conflict{}, Systems: []system{}, Findings: []string{},
	}
	for _, s := range steps(p.plan) {
		v.Changes = append(v.Changes, change{string(s.sign), string(s.Zone.View), s.Zone.Origin.Text(), s.Key.Owner.Text(), s.Key.Type.String(), s.From, s.To, s.Sentence})
	}
	for _, c := range p.plan.Conflicts() {
		v.Conflicts = append(v.Conflicts, conflict{c.Kind.ID(), string(c.Zone.View), c.At(), c.Settled, c.Why, c.Line})
	}
	for _, r := range perSystem(p) {
		s := r.System
		v.Systems = append(v.Systems, system{s.No, s.Key, s.Quote, s.State.String(), s.Owner, s.Doc, s.Site, r.Names, r.Changes, r.Decided, r.Proposed, r.Open})
	}
	for _, f := range p.found {
		v.Findings = append(v.Findings, f.String())
	}
	v.Proof.Verdict = "lost"
	if r.Preserved() {
		v.Proof.Verdict = "preserved"
	}
	for _, f := range r.Faults {
		switch f.Severity {
		case finding.Block:
			v.Proof.Blocking++
		case finding.Error:
			v.Proof.Errors++
		case finding.Warning:
			v.Proof.Warnings++
		}
	}
	var err error
	if v.Ledger, err = json.Marshal(p.plan.Ledger()); err != nil {
		return err
	}
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// summary is what serve prints of a workspace before it answers.
func summary(p *planned) []string {
	names := func(w zones.World) (n int) {
		for z := range w.All() {
			owners, _, _ := z.Counts()
			n += owners
		}
		return n
	}
	in := 0
	for z := range p.plan.Before().All() {
		if p.World().Zone(z.ID()) == nil {
			owners, _, _ := z.Counts()
			in += owners
		}
	}
	out := []string{
		fmt.Sprintf("%s: cutover %s", p.Dir, workspace.InEnglish(p.Mapping.Cutover)),
		fmt.Sprintf("names: %d served before, %d of them brought in from %d sources; %d served after", names(p.plan.Before()), in, len(p.Sources), names(p.plan.After())),
	}
	out = append(out, sums(p.plan)...)
	out = append(out, conflictLine(p.plan))
	for _, q := range p.Questions {
		due := ""
		if !q.Due.IsZero() {
			due = ", due " + workspace.DayInEnglish(q.Due)
		}
		out = append(out, fmt.Sprintf("open question %s: %s (%s%s)", q.Key, q.Ask, q.Owner, due))
	}
	return out
}
