package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/agree"
	"gialai.gov.vn/hopnhat/ipam/book"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// agreed is what names and addresses held against each other came to.
type agreed struct {
	agree.Report
	plans []finding.Finding // of the plans themselves: what two claim, and is open
}

// agreeing holds a world against what is held.
func agreeing(w *workspace.Workspace, world zones.World, held []ipam.Allocation) *agreed {
	a, fs := w.Addresses()
	return &agreed{w.Agree(world, held, a.Organisations), slices.DeleteFunc(fs, func(f finding.Finding) bool { return f.Severity < finding.Error })}
}

// agree holds the names of the world after against the book, or, where there is
// none yet, against what the plans come to; nil where a workspace has neither.
func (p *planned) agree(ctx context.Context, now func() time.Time) (*agreed, error) {
	path := filepath.Join(p.StateDir(), bookFile)
	j, err := bolt.Open(path, bolt.Options{Wait: 10 * time.Second, ReadOnly: true})
	if errors.Is(err, fs.ErrNotExist) {
		if len(p.Consolidation.Addresses) == 0 {
			return nil, nil
		}
		a, fs := p.Addresses()
		fs = slices.DeleteFunc(fs, func(f finding.Finding) bool { return f.Severity < finding.Error })
		if len(fs) > 0 {
			return &agreed{plans: fs}, nil // until that is settled, nobody holds anything
		}
		return &agreed{Report: p.Agree(p.plan.After(), a.Result.Allocations, a.Organisations)}, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := book.Open(ctx, j, now)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), j.Close())
	}
	var held []ipam.Allocation
	for v := range b.Now().Live() {
		held = append(held, v.Allocation)
	}
	return agreeing(p.Workspace, p.plan.After(), held), j.Close()
}

// findings are all of them.
func (g *agreed) findings() []finding.Finding {
	out := slices.Clone(g.plans)
	for _, f := range g.Faults {
		out = append(out, f.Finding)
	}
	return out
}

// print shows the findings.
func (g *agreed) print(out io.Writer, w *wording) {
	for _, f := range g.plans {
		fmt.Fprintln(out, f.String())
	}
	for _, f := range g.Faults {
		fmt.Fprintln(out, w.agreed(f).String())
	}
}

// sums prints a line for each system that has names, and one for all.
func (g *agreed) sums(out io.Writer, w *wording) {
	if g.Records == 0 {
		return
	}
	for _, s := range g.Systems {
		if s.Names > 0 {
			fmt.Fprintf(out, w.system+"\n", s.No, s.Key, s.Names, s.V6, s.Unplanned, s.Strange)
		}
	}
	n := map[finding.Severity]int{}
	for _, f := range g.findings() {
		n[f.Severity]++
	}
	fmt.Fprintf(out, w.addresses+"\n", g.Records, n[finding.Block], n[finding.Error], n[finding.Warning])
}

// agreeJSON is the same for machines.
type agreeJSON struct {
	Records  int                `json:"records"` // addresses of names that were looked up
	Findings []agreeFindingJSON `json:"findings"`
	Systems  []agreeSystemJSON  `json:"systems"`
}

type agreeFindingJSON struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Count    int    `json:"count"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Found    string `json:"found"`
	Mend     string `json:"mend"`
}

type agreeSystemJSON struct {
	No        int    `json:"no"`
	Key       string `json:"key"`
	Names     int    `json:"names"`
	V6        int    `json:"with_ipv6"`
	Unplanned int    `json:"unplanned"`
	Strange   int    `json:"of_another_organisation"`
}

func (g *agreed) json() agreeJSON {
	v := agreeJSON{Records: g.Records, Findings: []agreeFindingJSON{}, Systems: []agreeSystemJSON{}}
	for _, f := range g.findings() {
		v.Findings = append(v.Findings, agreeFindingJSON{f.ID, severities()[f.Severity], max(f.Count, 1), f.At.File, f.At.Line, f.Found, f.Mend})
	}
	for _, s := range g.Systems {
		v.Systems = append(v.Systems, agreeSystemJSON{s.No, s.Key, s.Names, s.V6, s.Unplanned, s.Strange})
	}
	return v
}
