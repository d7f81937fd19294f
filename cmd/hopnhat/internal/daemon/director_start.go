package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
)

// resume is what a start serves where what the files lead to cannot be served: what
// was published last, as a server serves on that runs. The timeline is held until they
// can be loaded; listeners at other instants refuse until then. Where that is not
// known, or hopnhat.yaml has errors, it is err.
func (dir *director) resume(l *Loaded, err error) (*Loaded, error) {
	if dir == nil || !dir.started || l == nil || l.workspace == nil || l.lacks != "" {
		return l, err
	}
	out := &Loaded{
		Worlds: map[string]zones.World{Now: dir.served}, Transfers: l.Transfers, workspace: l.workspace,
		seen: l.seen, failed: l.seen, retries: len(l.failed) == 0,
	}
	out.lacks = lacking(err, out.retries)
	if !out.retries {
		out.failed = l.failed
	}
	for _, li := range dir.d.o.Listeners {
		if li.At != Now {
			out.Notes = append(out.Notes, fmt.Sprintf("listener %s: nothing is known of the world at %q, so it refuses", li.Address, li.At))
		}
	}
	alarm := "the files cannot be used as they are. What was published last is served; mend them, then: hopnhat reload " + finding.Shell(l.workspace.Dir)
	if out.retries {
		alarm = "what the files lead to cannot be served. What was published last is; it is tried again by itself"
	}
	out.Notes = append([]string{err.Error()}, append(out.Notes, "ALARM: the cutover is held: "+alarm)...)
	c, err := dir.edit(out, nil, dir.served, Note{})
	if err != nil {
		return l, err
	}
	c.from = nil
	if dir.partial {
		c.commit = func(zones.World) error { return nil } // the log has more of it
	}
	out.change = c
	return out, nil
}

// lacking is the reason in one line; retries tells that no file is wrong.
func lacking(err error, retries bool) string {
	if retries {
		return "what the files lead to cannot be served, so what was published last is; it is tried again by itself: " + oneLine(err.Error())
	}
	return "the files cannot be used, so what was published last is served until they are mended and loaded (hopnhat reload): " + oneLine(err.Error())
}

// gone names the zones that are served and that no file states by now: then what else is
// wrong follows from that. nil: there are none.
func (dir *director) gone(l *Loaded) error {
	var faults []error
	var files []string
	for z := range dir.served.All() {
		if id := z.ID(); l.plan.Before().Zone(id) == nil {
			file := workspace.ZonePath(id)
			files = append(files, filepath.Join(l.workspace.Root, file))
			faults = append(faults, finding.Finding{
				ID: "W-ZONE", Severity: finding.Error, At: zones.Place{File: filepath.Join(l.workspace.Dir, file)},
				Found: fmt.Sprintf("the file is missing, and no other states the zone %v, which is served", id),
				Mend:  "put it back; of a zone that a source brought, put the source back into " + workspace.ConsolidationFile,
			})
		}
	}
	if len(faults) > 0 {
		l.failed = append(slices.Clone(l.seen), stamps(files)...) // they are looked for again
	}
	return errors.Join(faults...)
}

// holdLoss holds the timeline where the log lost lines that had been written: what it
// says may not be what was done. That stands in the log itself, so that it holds over
// restarts, and is told of one loss once.
func (dir *director) holdLoss() {
	p := dir.d.past
	events := p.h.Events()
	for i, ev := range slices.Backward(events) {
		var l logged
		if ev.Kind != string(cutover.Held) || json.Unmarshal(ev.Data, &l) != nil || l.Lost == nil {
			continue
		}
		if p.loss != "" && (p.head || p.faults > *l.Lost) {
			break // more was lost since
		}
		since := events[i+1:]
		p.loss, p.cut = "", !slices.ContainsFunc(since, func(e history.Event) bool { return len(e.Zones) > 0 })
		ends := []cutover.EventKind{cutover.Released, cutover.Aborted, cutover.RolledBack}
		if !slices.ContainsFunc(since, func(e history.Event) bool { return slices.Contains(ends, cutover.EventKind(e.Kind)) }) {
			dir.lost = l.Event.Why
		}
		break
	}
	if p.loss != "" {
		ev := cutover.Event{Kind: cutover.Held, At: p.now(), Who: p.self, UID: -1, Why: p.loss}
		if err := dir.note(ev, nil, Note{UID: -1}, logged{Lost: &p.faults}); err != nil {
			dir.say("that the cutover is held cannot be kept over a restart: %v", err)
			if next, err := dir.progress.After(ev); err == nil {
				dir.events, dir.progress = append(dir.events, ev), next
			}
		}
		dir.lost = p.loss
	}
	if dir.lost != "" {
		dir.alarmed(dir.lost)
	}
}
