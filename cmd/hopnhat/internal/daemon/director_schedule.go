package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
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

// A plan of a million names takes minutes to make. So it is made without d.mu, of
// values that stay as they are (draft), while the server goes on; and it is written
// down only if nothing that it was made of is another by then.

// mostDrafts is how often a plan is made, where something changes meanwhile each time.
const mostDrafts = 3

// draft is a plan in the making. Nothing that it has is changed by the server.
type draft struct {
	l         *Loaded
	scheme    scheme
	served    zones.World
	progress  cutover.Progress
	announced time.Time // the date that was scheduled before; zero: none
	event     int       // the last of the log

	plan  *plan // what comes of it
	certs []string
}

// schedule is the command of that name. The caller does not hold d.mu.
func (dir *director) schedule(ctx context.Context, p control.Peer, r control.Request, say func(string)) error {
	a, err := control.Args[control.Reason](r)
	if err != nil {
		return err
	}
	return dir.draft(ctx, Note{Who: p.User, UID: p.UID, Why: a.Why, Document: a.Document}, nil, say)
}

// draft makes a plan of the files as they are, of a rehearsal where r is one, and
// writes it down. When ctx ends it returns, and what is still computed then comes to
// nothing. The caller does not hold d.mu.
func (dir *director) draft(ctx context.Context, n Note, r *rehearsal, say func(string)) error {
	dir.d.mu.Lock()
	busy := dir.drafting
	dir.drafting = true
	dir.d.mu.Unlock()
	if busy {
		return errors.New("another plan is being made: wait for its end, look at it (hopnhat cutover status), and schedule again if it is not the one you want")
	}
	done := make(chan error, 1)
	go func() {
		err := errors.New("the server failed inside; its log says where")
		defer func() {
			if x := recover(); x != nil { // this must not end who answers
				dir.say("making a plan: %v\n%s", x, debug.Stack())
			}
			dir.d.mu.Lock()
			dir.drafting = false
			dir.d.mu.Unlock()
			done <- err
		}()
		err = dir.drafts(ctx, n, r, say)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	dir.d.mu.Lock() // what is being written down is ended first
	defer dir.d.mu.Unlock()
	return ctx.Err()
}

// drafts makes the plan, anew where something changed meanwhile.
func (dir *director) drafts(ctx context.Context, n Note, r *rehearsal, say func(string)) error {
	var changed string
	for i := range mostDrafts {
		if i > 0 {
			say(changed + ", so it is made anew")
		}
		if dir.unread() {
			say("reading the workspace")
			if err := dir.d.ReloadFor(ctx, n); err != nil {
				return err
			}
		}
		f, err := dir.begin(r)
		if err == nil {
			err = dir.make(ctx, f, say)
		}
		if err != nil {
			return err
		}
		if changed, err = dir.keep(ctx, f, n); changed == "" {
			return err
		}
	}
	return fmt.Errorf("%s, as it was each of the %d times before: nothing is scheduled; schedule again when that has come to rest", changed, mostDrafts-1)
}

// unread tells whether the files are not those that were loaded, or not without errors.
func (dir *director) unread() bool {
	dir.d.mu.Lock()
	defer dir.d.mu.Unlock()
	return len(dir.d.loaded.failed) > 0 || dir.d.loaded.fence() != nil
}

// begin is what a plan is made of, as it is now.
func (dir *director) begin(r *rehearsal) (*draft, error) {
	d := dir.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errStopping
	}
	l := d.loaded
	if len(l.failed) > 0 {
		return nil, fmt.Errorf("%s\na plan is made of files without errors", strings.Join(l.Notes, "\n"))
	}
	f := &draft{l: l, served: dir.served, progress: dir.progress, announced: dir.scheme.Cutover, event: d.past.newest().N}
	f.scheme = scheme{Rehearsed: r, Cutover: l.workspace.Mapping.Cutover}
	on := f.progress.Standing(f.served)
	if last, ok := d.past.last(); ok {
		f.scheme.Standing = standing{on.Wave, on.Kind, last.N}
	}
	var err error
	f.scheme.Served, err = dir.known()
	return f, err
}

// make computes the plan of a draft. The caller does not hold d.mu.
func (dir *director) make(ctx context.Context, f *draft, say func(string)) error {
	say("asking every server for its serials")
	if err := f.ask(ctx, dir.say); err != nil {
		return err
	}
	p, m, err := f.l.merged(f.scheme, f.served)
	if err != nil {
		return err
	}
	now := dir.d.clock.Now()
	if err := f.progress.MaySchedule(p.timeline); err != nil {
		return err
	}
	if f.scheme.Rehearsed == nil {
		if err := f.inTime(p.timeline, now); err != nil {
			return err
		}
		say("checking every wait and serial")
		if fs := slices.DeleteFunc(cutover.Check(p.timeline, p.terms), func(f finding.Finding) bool { return f.Severity < finding.Block }); len(fs) > 0 {
			return &publish.LostError{Findings: fs}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	say("proving every step, and the mixtures between them")
	proved, err := m.Prove(now)
	if err != nil {
		return err
	}
	for _, c := range proved.Certificates() {
		c.Made = "" // the log says when
		f.certs = append(f.certs, string(c.JSON()))
		f.scheme.Verdict = c.Verdict
	}
	p.proved, f.plan = &proved, p
	return nil
}

// keep writes a plan down, from when on it is the plan; or it says what changed while
// it was made.
func (dir *director) keep(ctx context.Context, f *draft, n Note) (changed string, err error) {
	d, past := dir.d, dir.d.past
	d.mu.Lock()
	defer d.mu.Unlock()
	switch ev := past.newest(); {
	case d.closed:
		return "", errStopping
	case ctx.Err() != nil:
		return "", ctx.Err()
	case d.loaded.workspace != f.l.workspace || f.l.fence() != nil:
		return "while the plan was made the files were changed, or read again", nil
	case ev.N != f.event:
		return fmt.Sprintf("while the plan was made there came the event %d of the log, %q by %s", ev.N, ev.Kind, ev.Who), nil
	}
	b, err := json.Marshal(f.certs)
	if err != nil {
		return "", err
	}
	s := f.scheme
	if s.Proof, err = past.h.RecordFile(proofFile, b, past.entry(n)); err != nil {
		return "", err
	}
	if err := dir.recordInput(f.l, n); err != nil {
		return "", err
	}
	sum := f.plan.timeline.Sum()
	if err := dir.note(cutover.Event{Kind: cutover.Scheduled, Plan: sum}, nil, n, logged{Scheme: &s}); err != nil {
		return "", err
	}
	dir.scheme, dir.standing, dir.plan = s, f.served, f.plan
	dir.say("scheduled: plan %.16s", sum)
	dir.rouse()
	return "", nil
}

// inTime tells whether there is time for what is left of a timeline.
func (f *draft) inTime(tl cutover.Timeline, now time.Time) error {
	err := f.progress.MayStart(tl, now)
	var near *cutover.TooNearError
	if errors.As(err, &near) && near.Kind == cutover.Announce && f.announced.Equal(f.scheme.Cutover) {
		return nil // a date that was scheduled before was announced then
	}
	return err
}

// known is every serial of every zone that was published, at whatever instant. The
// caller holds d.mu.
func (dir *director) known() (map[string][]zones.Serial, error) {
	d := dir.d
	out := map[string][]zones.Serial{}
	for _, w := range d.loaded.raw {
		for z := range w.All() {
			add(out, z.ID(), z.Serial())
		}
	}
	published, err := ReadPublished(d.o.State, Now)
	if err != nil {
		return nil, err
	}
	for id, p := range published {
		add(out, id, p.Serial)
	}
	if dir.plan != nil && (!dir.progress.Aborted.IsZero() || !dir.progress.RolledBack.IsZero()) {
		for _, step := range dir.plan.timeline.Served() { // no serial of a plan that was given up comes again
			for z := range step.World.All() {
				add(out, z.ID(), z.Serial())
			}
		}
	}
	return out, nil
}

// ask adds the serials that each secondary has.
func (f *draft) ask(ctx context.Context, say func(string, ...any)) error {
	var qs []transfer.Request
	var who []string
	for z := range f.served.All() {
		for _, s := range f.l.Transfers.Secondaries {
			if !s.Follows(z.ID()) {
				continue
			}
			q := transfer.Request{Server: s.Address, Zone: z.ID()}
			if k, ok := f.l.Transfers.Keys[s.Key]; ok {
				q.Key = &k
			}
			qs, who = append(qs, q), append(who, s.Name)
		}
	}
	var silent []string
	for i, st := range transfer.Poll(ctx, qs) {
		switch {
		case st.Err == nil:
			add(f.scheme.Served, qs[i].Zone, st.SOA.Serial)
		case st.Answered: // it has no such zone yet
			say("%s (%v) has no serial of %v: %v", who[i], qs[i].Server, qs[i].Zone, st.Err)
		case len(silent) < 5:
			silent = append(silent, fmt.Sprintf("%s (%v) does not tell its serial of %v: %v", who[i], qs[i].Server, qs[i].Zone, st.Err))
		}
	}
	if len(silent) > 0 {
		return fmt.Errorf("%s\nthe serials of a plan must be later than those of every secondary: mend that, or take it out of hopnhat.yaml", strings.Join(silent, "\n"))
	}
	for k := range f.scheme.Served {
		slices.Sort(f.scheme.Served[k])
	}
	return ctx.Err()
}

// add notes a serial that was seen of a zone.
func add(seen map[string][]zones.Serial, id zones.ID, s zones.Serial) {
	if k := id.String(); !slices.Contains(seen[k], s) {
		seen[k] = append(seen[k], s)
	}
}
