package cli

import (
	"fmt"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// planned is a workspace with its plan.
type planned struct {
	*workspace.Workspace
	plan  *merge.Plan
	found []finding.Finding // of the merger: those of files are told already
}

// publishable tells whether the plan may be published.
func (p *planned) publishable() bool {
	return p.plan.Publishable() && finding.Worst(p.found) < finding.Block
}

// workspace opens the workspace of a command.
// Errors in it are printed, all of them, and end the command.
func (e *env) workspace(args []string) (*planned, error) {
	p, found, err := e.planned(args)
	if err == nil {
		err = e.failed(found)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// planned is workspace with errors given back, but for those of hopnhat.yaml.
func (e *env) planned(args []string) (*planned, []finding.Finding, error) {
	dir, err := e.folder(args)
	if err != nil {
		return nil, nil, err
	}
	w, found := workspace.Open(dir)
	if w == nil || !w.Configured() {
		e.tell(found, finding.Warning)
		return nil, nil, &exit{code: 1}
	}
	p := &planned{Workspace: w}
	p.plan, p.found = w.Plan()
	return p, found, nil
}

// instant reads the instant of a command that reads files alone.
func instant(at string) (workspace.Instant, error) {
	i, err := workspace.ParseFixed(at)
	if err != nil {
		return i, fmt.Errorf("--at: %w", err)
	}
	return i, nil
}

// title says which side of the cutover an instant lies on.
func (p *planned) title(i workspace.Instant) string {
	if i.IsNow() {
		return "the step of the cutover that was taken last"
	}
	side := "before"
	if i.IsAfter(p.Mapping.Cutover) {
		side = "after"
	}
	if at, dated := i.Date(); dated {
		return fmt.Sprintf("the world planned for %s, %s the cutover of %s", workspace.InEnglish(at), side, workspace.InEnglish(p.Mapping.Cutover))
	}
	return fmt.Sprintf("the world %s the cutover of %s", side, workspace.InEnglish(p.Mapping.Cutover))
}
