package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// Stage is one listener of a workspace.
type Stage struct {
	Listener
	Instant workspace.Instant
}

// Workspace returns the Loader of a workspace for listeners. What cannot be
// read is taken from the reading before; the first must be without an error. A plan
// that cannot be published is served after the cutover on loopback alone, where it can
// be rehearsed. Each reading is proved; one that loses names where the one before lost
// none is not taken.
func Workspace(dir string, stages []Stage, c Clock) Loader {
	return func(ctx context.Context, prev *Loaded, over map[string][]byte) (*Loaded, error) {
		var w *workspace.Workspace
		var found []finding.Finding
		read := func() []string {
			w, found = workspace.OpenOver(dir, over)
			if w == nil {
				return []string{dir}
			}
			return w.Files()
		}
		var ss []stamp
		var err error
		if over != nil { // the files were looked at just now
			ss = stamps(read())
		} else if ss, err = settle(ctx, c, read); err != nil {
			return nil, err
		}
		out := &Loaded{Worlds: map[string]zones.World{}, seen: ss}
		for _, f := range found {
			if f.Severity >= finding.Warning {
				out.Notes = append(out.Notes, f.String())
			}
		}
		if w == nil {
			return &Loaded{failed: ss}, errors.New(strings.Join(out.Notes, "\n"))
		}
		if prev != nil && !w.Whole() {
			kept, names := w.KeepFrom(prev.workspace)
			w = kept
			out.failed = ss
			if len(names) > 0 {
				out.Notes = append(out.Notes, "still served as read before: "+strings.Join(names, ", "))
			}
		}
		faulty := errors.New(strings.Join(append(out.Notes, dir+": the workspace has errors"), "\n"))
		if !w.Configured() {
			return &Loaded{failed: ss}, faulty
		}
		keys, fs := w.TransferKeys()
		for _, f := range fs {
			if f.Severity >= finding.Warning {
				out.Notes = append(out.Notes, f.String())
			}
		}
		if finding.Failed(fs) {
			return &Loaded{failed: ss}, errors.New(strings.Join(out.Notes, "\n"))
		}
		out.workspace = w
		out.Transfers = Transfers{Keys: keys, Secondaries: w.Config.Secondaries, Updates: w.Config.Updates, Follows: w.Follows(), Catalogs: w.Config.Catalogs}
		fails := &Loaded{workspace: w, Transfers: out.Transfers, seen: ss, failed: ss}
		first := prev == nil || prev.lacks != ""
		if !w.Whole() || first && finding.Failed(found) {
			return fails, faulty
		}
		out.homes = homes(w)
		plan, fs := w.Plan()
		out.plan, out.planFound = plan, fs
		note := unpublished(w, plan, fs, stages)
		if note != "" {
			if slices.ContainsFunc(stages, func(s Stage) bool { return w.Changes(plan, s.Instant) && !s.Loopback() }) {
				return fails, fmt.Errorf("%s\nit is served on loopback alone; decide what is open, or rehearse on 127.0.0.1", note)
			}
			out.Notes = append(out.Notes, note)
		}
		if out.proved, err = prove(w, plan, stages, c.Now()); err != nil {
			return fails, err
		}
		if b := out.proved.blocking(); b != "" {
			if prev != nil && prev.proved != nil && prev.proved.blocking() == "" {
				if note != "" {
					b = note // says enough
				}
				return fails, fmt.Errorf("%s\n%s: %w; mend that, or decide it", b, w.Dir, errBlocked)
			}
			if note == "" {
				out.Notes = append(out.Notes, b)
			}
		}
		for _, s := range stages {
			out.Worlds[s.At] = w.WorldAt(plan, s.Instant)
		}
		return out, nil
	}
}

// unpublished says why the plan cannot be published, if a stage needs it.
func unpublished(w *workspace.Workspace, plan *merge.Plan, fs []finding.Finding, stages []Stage) string {
	if plan.Publishable() && finding.Worst(fs) < finding.Block ||
		!slices.ContainsFunc(stages, func(s Stage) bool { return w.Changes(plan, s.Instant) }) {
		return ""
	}
	return fmt.Sprintf("the plan of %s cannot be published: %d conflicts are open (`hopnhat plan %s` prints them)", w.Dir, plan.Open(), w.Dir)
}

// homes are the master files of a workspace; of two that state one zone the first.
func homes(w *workspace.Workspace) (hs []updates.Home) {
	for _, m := range w.Masters() {
		if slices.ContainsFunc(hs, func(h updates.Home) bool { return h.ID == m.ID }) {
			continue
		}
		hs = append(hs, updates.Home{ID: m.ID, Read: func() (r updates.Read, err error) {
			r.Tree, r.Zone, r.Path, err = m.Read()
			return r, err
		}})
	}
	return hs
}
