package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/publish"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// errNoTimeline is a command of the cutover to a server that runs none.
var errNoTimeline = errors.New("this server runs no timeline: give a listener of hopnhat.yaml `at: now`, or serve with --at now")

var errStopping = errors.New("the server is stopping")

// Handle implements control.Handler.
func (d *Daemon) Handle(ctx context.Context, p control.Peer, r control.Request, say func(string)) (any, error) {
	if r.Command == control.ScheduleCommand && d.director != nil {
		if err := d.director.schedule(ctx, p, r, say); err != nil { // without the lock, which it takes by itself
			return nil, err
		}
		r.Command = control.StatusCommand
	}
	if r.Command == control.ReloadCommand {
		return d.reloadFor(ctx, p, r)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errStopping
	}
	if r.Command == control.StatusCommand {
		return d.status(), nil
	}
	if d.director == nil {
		return nil, errNoTimeline
	}
	defer d.director.rouse()
	if err := d.director.command(p, r); err != nil {
		if late := new(cutover.NotNowError); errors.As(err, &late) {
			late.Earliest = late.Earliest.In(d.director.location())
		}
		return nil, err
	}
	return d.status(), nil
}

// reloadFor reads the files again for somebody. The caller does not hold d.mu.
func (d *Daemon) reloadFor(ctx context.Context, p control.Peer, r control.Request) (any, error) {
	a, err := control.Args[control.Reload](r)
	if err != nil {
		return nil, err
	}
	n := Note{Who: p.User, UID: p.UID, Why: a.Why, Document: a.Document, Override: a.Override}
	if a.Who != "" && a.Who != p.User {
		n.Who = a.Who + " (by " + p.User + ")"
	}
	out := control.Reloaded{Format: control.StatusFormat}
	if err := d.reloading(ctx, n, func(was map[string]zones.World) {
		out.Notes = slices.Concat([]string{}, d.loaded.Notes)
		for _, s := range d.loaded.failed {
			out.Refused = append(out.Refused, s.path)
		}
		at := Now
		if _, ok := d.loaded.Worlds[Now]; !ok {
			at = d.o.Listeners[0].At
		}
		out.Zones = changes(was[at], d.loaded.Worlds[at])
	}); err != nil {
		return nil, err
	}
	return out, nil
}

// changes are the zones that differ between two worlds.
func changes(was, is zones.World) []control.Change {
	out := []control.Change{}
	for z := range is.All() {
		o := was.Zone(z.ID())
		if o == z {
			continue
		}
		c := control.Change{Zone: z.Origin().Text(), View: string(z.View()), To: uint32(z.Serial())}
		if o == nil {
			_, _, c.Added = z.Counts()
		} else {
			diff := zones.Diff(o, z)
			c.From, c.Removed, c.Added = uint32(o.Serial()), len(diff.Removed), len(diff.Added)
			if diff.Empty() {
				continue
			}
		}
		out = append(out, c)
	}
	for z := range was.All() {
		if is.Zone(z.ID()) == nil {
			_, _, n := z.Counts()
			out = append(out, control.Change{Zone: z.Origin().Text(), View: string(z.View()), From: uint32(z.Serial()), Removed: n})
		}
	}
	return out
}

// command carries out a command of the cutover, but schedule. The caller holds d.mu.
func (dir *director) command(p control.Peer, r control.Request) error {
	n := Note{Who: p.User, UID: p.UID}
	if why := dir.d.loaded.lacks; why != "" && r.Command != control.HoldCommand && r.Command != control.ReleaseCommand {
		return errors.New(why)
	}
	if r.Command == control.ApproveCommand {
		a, err := control.Args[control.Approve](r)
		if err != nil {
			return err
		}
		n.Why, n.Document = a.Why, a.Document
		return dir.approve(a, n)
	}
	a, err := control.Args[control.Reason](r)
	if err != nil {
		return err
	}
	n.Why, n.Document = a.Why, a.Document
	switch r.Command {
	case control.NowCommand:
		return dir.force(n)
	case control.AbortCommand:
		return dir.abort(n)
	case control.RollbackCommand:
		return dir.rollback(n)
	case control.HoldCommand:
		return dir.hold(n)
	case control.ReleaseCommand:
		return dir.release(n)
	}
	return fmt.Errorf("the server knows no command %q", r.Command)
}

// approve notes that somebody approves of the plan.
func (dir *director) approve(a control.Approve, n Note) error {
	sum := dir.progress.Plan
	switch {
	case sum.IsZero():
		return errors.New("nothing is scheduled: hopnhat cutover schedule")
	case !a.Names(sum.String()):
		return fmt.Errorf("%s is not the plan that is scheduled, which is %s: look at it (hopnhat cutover status) before you approve", a.Plan, sum)
	case dir.plan == nil || dir.plan.proved == nil:
		return publish.ErrStale
	}
	if err := dir.progress.MayApprove(sum, n.UID); err != nil {
		return err
	}
	return dir.note(cutover.Event{Kind: cutover.Approved, Plan: sum}, nil, n, logged{})
}

// force has the switch made as early as is safe.
func (dir *director) force(n Note) error {
	if dir.plan == nil || dir.plan.proved == nil {
		return fmt.Errorf("nothing is scheduled that fits the files: hopnhat cutover schedule")
	}
	if err := dir.progress.MayForce(); err != nil {
		return err
	}
	return dir.note(cutover.Event{Kind: cutover.Forced, Plan: dir.progress.Plan}, nil, n, logged{})
}

// abort goes back to the world before, as long as the switch was not made.
func (dir *director) abort(n Note) error {
	if dir.plan == nil {
		return errors.New("nothing is scheduled")
	}
	if err := dir.progress.MayAbort(dir.plan.timeline, dir.d.clock.Now()); err != nil {
		return err
	}
	if !dir.progress.UnderWay() { // nothing of what is given up is served
		return dir.note(cutover.Event{Kind: cutover.Aborted, Plan: dir.progress.Plan}, nil, n, logged{})
	}
	i, err := dir.index(dir.plan.timeline)
	if err != nil {
		return err
	}
	to, err := dir.plan.timeline.Abort(i, dir.served, nil)
	if err != nil {
		return err
	}
	return dir.back(cutover.Aborted, to, n)
}

// rollback goes back to what was served before the switch, with the new names kept.
func (dir *director) rollback(n Note) error {
	if dir.plan == nil {
		return errors.New("nothing is scheduled")
	}
	if err := dir.progress.MayRollback(); err != nil {
		return err
	}
	i, err := dir.index(dir.plan.timeline)
	if err != nil {
		return err
	}
	to, err := dir.plan.timeline.Rollback(i, dir.served, nil)
	if err != nil {
		return err
	}
	if err := dir.back(cutover.RolledBack, to, n); err != nil {
		return err
	}
	dir.say("rolled back by %s: %s", n.Who, oneLine(n.Why))
	dir.verify()
	return nil
}

// hold keeps the timeline from taking its next steps.
func (dir *director) hold(n Note) error {
	if err := dir.progress.MayHold(); err != nil {
		return err
	}
	return dir.note(cutover.Event{Kind: cutover.Held, Why: n.Why + " (" + n.Who + ")"}, nil, n, logged{})
}

// release lets go on what was held; the switch that the clock holds, where nothing else
// is held.
func (dir *director) release(n Note) error {
	why := dir.clockFault()
	clocked := why != "" && (dir.progress.Hold == nil || dir.progress.Hold.Why == why)
	if dir.progress.Hold == nil && clocked {
		if err := dir.note(cutover.Event{Kind: cutover.Held, Why: why}, nil, Note{UID: -1}, logged{}); err != nil {
			return err
		}
	}
	if err := dir.progress.MayRelease(); err != nil {
		return err
	}
	unverified := dir.unverified()
	if err := dir.note(cutover.Event{Kind: cutover.Released}, nil, n, logged{}); err != nil {
		return err
	}
	if unverified {
		dir.verify()
	}
	if clocked {
		return dir.releaseClock(n)
	}
	return nil
}

// withWayBack is a line with the command that goes back, where one does.
func (dir *director) withWayBack(line string) string {
	if cmd := dir.wayBack(); cmd != "" {
		line += "; to go back: " + cmd
	}
	return line
}

// wayBack is the command that goes back; "" where nothing does.
func (dir *director) wayBack() string {
	switch {
	case dir.plan == nil:
		return ""
	case dir.progress.MayRollback() == nil:
		return "hopnhat cutover rollback --why … " + dir.here()
	case dir.progress.UnderWay() && dir.progress.MayAbort(dir.plan.timeline, dir.d.clock.Now()) == nil:
		return "hopnhat cutover abort --why … " + dir.here()
	}
	return ""
}

// here is how a command names this server.
func (dir *director) here() string {
	if dir.rehearse > 0 {
		return "--state " + finding.Shell(dir.d.o.State)
	}
	return "-C " + finding.Shell(dir.d.loaded.workspace.Dir)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
