package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/publish"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// errNoTimeline is a command of the cutover to a server that runs none.
var errNoTimeline = errors.New("this server runs no timeline: give a listener of hopnhat.yaml `at: now`, or serve with --at now")

// Handle implements control.Handler.
func (d *Daemon) Handle(ctx context.Context, p control.Peer, r control.Request, say func(string)) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.New("the server is stopping")
	}
	switch r.Command {
	case control.StatusCommand:
		return d.status(), nil
	case control.ReloadCommand:
		return d.reloadFor(ctx, p, r)
	}
	if d.director == nil {
		return nil, errNoTimeline
	}
	defer d.director.rouse()
	if err := d.director.command(ctx, p, r, say); err != nil {
		return nil, err
	}
	return d.status(), nil
}

// reloadFor reads the files again for somebody.
func (d *Daemon) reloadFor(ctx context.Context, p control.Peer, r control.Request) (any, error) {
	a, err := control.Args[control.Reload](r)
	if err != nil {
		return nil, err
	}
	n := Note{Who: p.User, UID: p.UID, Why: a.Why, Document: a.Document, Override: a.Override}
	if a.Who != "" && a.Who != p.User {
		n.Who = a.Who + " (by " + p.User + ")"
	}
	before := d.loaded.Worlds
	if err := d.reloaded(ctx, n); err != nil {
		return nil, err
	}
	out := control.Reloaded{Format: control.StatusFormat, Zones: []control.Change{}, Notes: slices.Concat([]string{}, d.loaded.Notes)}
	for _, s := range d.loaded.failed {
		out.Refused = append(out.Refused, s.path)
	}
	at := Now
	if _, ok := d.loaded.Worlds[Now]; !ok {
		at = d.o.Listeners[0].At
	}
	out.Zones = changes(before[at], d.loaded.Worlds[at])
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

// command carries out a command of the cutover. The caller holds d.mu.
func (dir *director) command(ctx context.Context, p control.Peer, r control.Request, say func(string)) error {
	n := Note{Who: p.User, UID: p.UID}
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
	case control.ScheduleCommand:
		return dir.schedule(ctx, n, nil, say)
	case control.NowCommand:
		return dir.force(n)
	case control.AbortCommand:
		return dir.abort(n)
	case control.RollbackCommand:
		return dir.rollback(n)
	case control.ReleaseCommand:
		return dir.release(n)
	}
	return fmt.Errorf("the server knows no command %q", r.Command)
}

// schedule makes a plan of the files as they are: every serial that is seen of a
// zone is asked for, all steps are numbered, proved and written down.
func (dir *director) schedule(ctx context.Context, n Note, r *rehearsal, say func(string)) error {
	if len(dir.d.loaded.failed) > 0 || dir.d.loaded.fence() != nil {
		say("reading the workspace")
		if err := dir.d.reloaded(ctx, n); err != nil {
			return err
		}
	}
	l := dir.d.loaded
	if len(l.failed) > 0 {
		return fmt.Errorf("%s\na plan is made of files without errors", strings.Join(l.Notes, "\n"))
	}
	say("asking every server for its serials")
	seen, err := dir.seen(ctx)
	if err != nil {
		return err
	}
	s := scheme{Served: seen, Rehearsed: r, Cutover: l.workspace.Mapping.Cutover}
	on := dir.progress.Standing(dir.served)
	if last, ok := dir.d.past.last(); ok {
		s.Standing = standing{on.Wave, on.Kind, last.N}
	}
	p, m, err := dir.merged(l, s, dir.served)
	if err != nil {
		return err
	}
	tl := p.timeline
	now := dir.d.clock.Now()
	if err := dir.progress.MaySchedule(tl); err != nil {
		return err
	}
	if r == nil {
		if err := dir.inTime(tl, now); err != nil {
			return err
		}
		say("checking every wait and serial")
		if fs := slices.DeleteFunc(cutover.Check(tl, p.terms), func(f finding.Finding) bool { return f.Severity < finding.Block }); len(fs) > 0 {
			return &publish.LostError{Findings: fs}
		}
	}
	say("proving every step, and the mixtures between them")
	proved, err := m.Prove(now)
	if err != nil {
		return err
	}
	var certs []string
	for _, c := range proved.Certificates() {
		c.Made = "" // the log says when
		certs = append(certs, string(c.JSON()))
		s.Verdict = c.Verdict
	}
	b, err := json.Marshal(certs)
	if err != nil {
		return err
	}
	past := dir.d.past
	entry := past.entry(n)
	if s.Proof, err = past.h.RecordFile(proofFile, b, entry); err != nil {
		return err
	}
	if err := dir.recordInput(l, n); err != nil {
		return err
	}
	if err := dir.note(cutover.Event{Kind: cutover.Scheduled, Plan: tl.Sum()}, nil, n, &s); err != nil {
		return err
	}
	p.proved = &proved
	dir.scheme, dir.standing, dir.plan = s, dir.served, p
	dir.say("scheduled: plan %.16s", tl.Sum())
	return nil
}

// inTime tells whether there is time for what is left of a timeline.
func (dir *director) inTime(tl cutover.Timeline, now time.Time) error {
	if len(dir.progress.Past) == 0 {
		err := tl.Start(now)
		var near *cutover.TooNearError
		told := errors.As(err, &near) && near.Kind == cutover.Announce && dir.scheme.Cutover.Equal(dir.d.loaded.workspace.Mapping.Cutover)
		if !told { // a date that was scheduled before was announced then
			return err
		}
	}
	_, taken, err := dir.progress.On(tl)
	if err != nil {
		return err
	}
	if s := tl.State(now, taken...); s.Phase == cutover.Missed {
		return fmt.Errorf("the switch cannot be made in time after what was done so far: give cutover in consolidation.yaml a later date, or say hopnhat cutover now")
	}
	return nil
}

// seen asks for every serial of every zone: at each secondary, and what was
// published, at whatever instant.
func (dir *director) seen(ctx context.Context) (map[string][]zones.Serial, error) {
	d := dir.d
	out := map[string][]zones.Serial{}
	add := func(id zones.ID, s zones.Serial) {
		if k := id.String(); !slices.Contains(out[k], s) {
			out[k] = append(out[k], s)
		}
	}
	for _, w := range d.loaded.raw {
		for z := range w.All() {
			add(z.ID(), z.Serial())
		}
	}
	published, err := ReadPublished(d.o.State, Now)
	if err != nil {
		return nil, err
	}
	for id, p := range published {
		add(id, p.Serial)
	}
	if dir.plan != nil && (!dir.progress.Aborted.IsZero() || !dir.progress.RolledBack.IsZero()) {
		for _, step := range dir.plan.timeline.Served() { // no serial of a plan that was given up comes again
			for z := range step.World.All() {
				add(z.ID(), z.Serial())
			}
		}
	}
	var qs []transfer.Request
	var who []string
	for z := range dir.served.All() {
		for _, s := range d.loaded.Transfers.Secondaries {
			if !s.Follows(z.ID()) {
				continue
			}
			q := transfer.Request{Server: s.Address, Zone: z.ID()}
			if k, ok := d.loaded.Transfers.Keys[s.Key]; ok {
				q.Key = &k
			}
			qs, who = append(qs, q), append(who, s.Name)
		}
	}
	var silent []string
	for i, st := range transfer.Poll(ctx, qs) {
		switch {
		case st.Err == nil:
			add(qs[i].Zone, st.SOA.Serial)
		case st.Answered: // it has no such zone yet
			dir.say("%s (%v) has no serial of %v: %v", who[i], qs[i].Server, qs[i].Zone, st.Err)
		case len(silent) < 5:
			silent = append(silent, fmt.Sprintf("%s (%v) does not tell its serial of %v: %v", who[i], qs[i].Server, qs[i].Zone, st.Err))
		}
	}
	if len(silent) > 0 {
		return nil, fmt.Errorf("%s\nthe serials of a plan must be later than those of every secondary: mend that, or take it out of hopnhat.yaml", strings.Join(silent, "\n"))
	}
	for k := range out {
		slices.Sort(out[k])
	}
	return out, ctx.Err()
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
	return dir.note(cutover.Event{Kind: cutover.Approved, Plan: sum}, nil, n, nil)
}

// force has the switch made as early as is safe.
func (dir *director) force(n Note) error {
	if dir.plan == nil || dir.plan.proved == nil {
		return fmt.Errorf("nothing is scheduled that fits the files: hopnhat cutover schedule")
	}
	if err := dir.progress.MayForce(); err != nil {
		return err
	}
	return dir.note(cutover.Event{Kind: cutover.Forced, Plan: dir.progress.Plan}, nil, n, nil)
}

// abort goes back to the world before, as long as the switch was not made.
func (dir *director) abort(n Note) error {
	if dir.plan == nil {
		return errors.New("nothing is scheduled")
	}
	if err := dir.progress.MayAbort(dir.plan.timeline, dir.d.clock.Now()); err != nil {
		return err
	}
	i, err := dir.index(dir.plan.timeline)
	if err != nil {
		return err
	}
	to, err := dir.plan.timeline.Abort(max(i, 0), dir.served, nil)
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

// release lets go on what was held.
func (dir *director) release(n Note) error {
	if why := dir.clockFault(); dir.progress.Hold == nil && why != "" {
		if err := dir.note(cutover.Event{Kind: cutover.Held, Why: why}, nil, Note{UID: -1}, nil); err != nil {
			return err
		}
	}
	if err := dir.progress.MayRelease(); err != nil {
		return err
	}
	unverified := dir.unverified()
	if err := dir.note(cutover.Event{Kind: cutover.Released}, nil, n, nil); err != nil {
		return err
	}
	dir.alarm = ""
	dir.releaseClock()
	if unverified {
		dir.verify()
	}
	return nil
}

// wayBack is the command that goes back; "" where nothing does.
func (dir *director) wayBack() string {
	switch {
	case dir.plan == nil:
		return ""
	case dir.progress.MayRollback() == nil:
		return "hopnhat cutover rollback --why … " + dir.here()
	case len(dir.progress.Past) > 0 && dir.progress.MayAbort(dir.plan.timeline, dir.d.clock.Now()) == nil:
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
