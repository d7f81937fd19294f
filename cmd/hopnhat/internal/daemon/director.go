package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/publish"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// director runs the timeline of a workspace: what is answered now is the world of
// the step that was taken last. All of it is guarded by Daemon.mu.
type director struct {
	d        *Daemon
	rehearse time.Duration // so far ahead is the switch of a rehearsal; 0: it is none

	events   []cutover.Event
	verdicts map[int]*control.Verdict // of events, by their place
	progress cutover.Progress
	scheme   scheme      // what the plan was made with; of a scheduled one
	plan     *plan       // where the files lead to; nil: nothing is scheduled
	standing zones.World // what was served when the plan was made
	served   zones.World // what was published last
	started  bool        // served is known
	partial  bool        // not all of it can be read
	lost     string      // why it is held, where the log lost lines; "" where it is not
	from     *Loaded     // the files that served came from; nil: not read in this run

	drafting  bool // a plan is being made, one at a time
	verifying bool
	asked     time.Time // when the last verification began
	ready     *ready    // nil: nothing is compiled ahead
	preparing bool
	alarm     string
	alarmAt   time.Time // when it was raised
	wake      chan struct{}
	run       context.Context
	read      func() clock.Reading

	clock      clock.Watch
	clockAlarm string      // what was said of it with an alarm
	kept       clock.State // what the log has of it
	unkept     string      // why the log has not what it should; ""
}

// scheme is what a plan is made with beside the files. It stands in the log, so
// that each start comes to the same plan.
type scheme struct {
	Served    map[string][]zones.Serial `json:"served"` // what was seen of each zone, by ORIGIN (VIEW)
	Standing  standing                  `json:"standing"`
	Rehearsed *rehearsal                `json:"rehearsed,omitempty"`
	Proof     int                       `json:"proof"` // the version of proofFile with the certificates
	Cutover   time.Time                 `json:"cutover"`
	Verdict   string                    `json:"verdict"`
}

// standing is what was served when the plan was made: the step that was taken last,
// and the event of the log that published it.
type standing struct {
	Wave  string       `json:"wave,omitempty"`
	Kind  cutover.Kind `json:"kind"`
	Event int          `json:"event"`
}

// rehearsal is how the instants of a plan are moved.
type rehearsal struct {
	Start, Switch time.Time
	Gap           time.Duration
}

const (
	proofFile = "proof.json" // certificates of plans, in the history
)

// plan is a timeline as the files lead to it.
type plan struct {
	timeline cutover.Timeline
	terms    cutover.Terms
	proved   *publish.Proved // nil: it is not the plan that was scheduled (T-FENCE)
	spent    bool            // it is, and its serials were given to something else since
}

// logged is the data of an event of the cutover in the log.
type logged struct {
	Event  cutover.Event `json:"event"`
	Scheme *scheme       `json:"scheme,omitempty"` // of scheduled
	// Verdict is, of verified, what Why says, in numbers.
	Verdict *control.Verdict `json:"verdict,omitempty"`
	// Lost is, of held since the log lost lines, how many findings say so at each start.
	Lost *int `json:"lost,omitempty"`
}

// newDirector takes up the timeline where the log left it.
func newDirector(d *Daemon, rehearse time.Duration) (*director, error) {
	dir := &director{d: d, rehearse: rehearse, wake: make(chan struct{}, 1), read: d.o.Read, verdicts: map[int]*control.Verdict{}}
	if dir.read == nil {
		dir.read = clock.System()
	}
	var latest time.Time // since the clock was released
	for _, ev := range d.past.h.Events() {
		if ev.At.After(latest) {
			latest = ev.At
		}
		switch ev.Kind {
		case evPublished:
			continue
		case evClock:
			var c clockEvent
			if err := json.Unmarshal(ev.Data, &c); err != nil {
				return nil, fmt.Errorf("%s: event %d of the log: %w", d.past.dir, ev.N, err)
			}
			if dir.kept = c.Clock; c.Released {
				latest = ev.At
			}
			continue
		}
		var l logged
		if err := json.Unmarshal(ev.Data, &l); err != nil {
			return nil, fmt.Errorf("%s: event %d of the log: %w", d.past.dir, ev.N, err)
		}
		next, err := dir.progress.After(l.Event)
		switch {
		case err != nil && !d.past.cut:
			return nil, fmt.Errorf("%s: event %d of the log: %w", d.past.dir, ev.N, err)
		case err != nil:
			dir.say("%s: event %d of the log is passed over, since others before it are lost: %v", d.past.dir, ev.N, err)
			continue
		}
		dir.progress = next
		if dir.events = append(dir.events, l.Event); l.Scheme != nil {
			dir.scheme = *l.Scheme
		}
		if l.Verdict != nil {
			dir.verdicts[len(dir.events)-1] = l.Verdict
		}
	}
	var err error
	if n := dir.scheme.Standing.Event; n > 0 {
		events := d.past.h.Events()
		i := slices.IndexFunc(events, func(ev history.Event) bool { return ev.N == n })
		if i < 0 {
			dir.say("%s: event %d, from which the plan goes on, is not in the log, so it is to be scheduled again", d.past.dir, n)
		} else if dir.standing, err = d.past.world(events[i]); err != nil {
			dir.say("what the plan goes on from cannot be read whole, so it is to be scheduled again: %v", err)
		}
	}
	dir.clock = clock.New(clock.Terms{}, latest).Resumed(dir.kept)
	if last, ok := d.past.last(); ok {
		if dir.served, err = d.past.world(last); err != nil {
			dir.say("what was published last cannot be read whole, and what is lacking is taken from the files as they are: %v; put it back from a backup (`hopnhat zone history` names all that is damaged)", err)
			dir.partial = true
		}
		dir.started = true
	}
	return dir, nil
}

// note puts an event into the log, with the world that it publishes, and what the log
// has of it besides.
func (dir *director) note(ev cutover.Event, w *zones.World, n Note, more logged) error {
	past := dir.d.past
	if ev.At.IsZero() {
		ev.At = past.now()
	}
	ev.At = ev.At.UTC().Round(0)
	if n.Who == "" {
		n.Who = past.self
	}
	ev.Who, ev.UID = n.Who, n.UID
	if ev.Why == "" {
		ev.Why = n.Why
	}
	progress, err := dir.progress.After(ev)
	if err != nil {
		return err
	}
	data := more
	data.Event = ev
	if w != nil {
		n.Why = ev.Why
		_, err = past.commit(string(ev.Kind), *w, n, data)
	} else {
		_, err = past.log(history.Event{Kind: string(ev.Kind), Entry: past.entry(n)}, data)
	}
	if err != nil {
		return err
	}
	if dir.events = append(dir.events, ev); more.Verdict != nil {
		dir.verdicts[len(dir.events)-1] = more.Verdict
	}
	if ev.Kind != cutover.Taken && ev.Kind != cutover.Edited && ev.Kind != cutover.Verified {
		dir.alarm = "" // somebody has looked, and what holds by now is told anew
	}
	if dir.progress = progress; progress.Hold == nil {
		dir.lost = ""
	}
	return nil
}

// change is how the world of now comes to be another.
type change struct {
	approved publish.Approved
	step     int
	fence    func() error
	commit   func(zones.World) error
	plan     *plan   // the director's from then on
	from     *Loaded // the files that it came from; nil: not read in this run
}

// make compiles a change, writes it down and publishes it.
func (c *change) make(d *Daemon, l *Loaded) error {
	compiled, err := publish.Compile(c.approved, c.step, func(w zones.World) (made, zones.World, error) {
		l.Worlds = maps.Clone(l.Worlds)
		l.Worlds[Now] = w
		images, worlds, err := d.compile(l)
		return made{images, worlds}, l.own, err
	})
	if err != nil {
		return err
	}
	_, err = compiled.Publish(c.fence, c.commit, func(w zones.World, m made) {
		d.swap(l, m)
		dir := d.director
		dir.served, dir.started, dir.from, dir.plan, dir.ready = w, true, c.from, c.plan, nil
		dir.spend()
	})
	return err
}

// again is what was loaded last, to be published with another world of now.
func (l *Loaded) again() *Loaded {
	out := *l
	out.Worlds, out.Notes = maps.Clone(l.raw), nil
	return &out
}

// arrange says what is served now of what was loaded, and lets it through: what
// differs from what is served is an edit, which the proof and the brake look at.
func (dir *director) arrange(l *Loaded, n Note) error {
	if dir.rehearse > 0 { // the others follow what is served in earnest
		l.Transfers.Secondaries = slices.DeleteFunc(slices.Clone(l.Transfers.Secondaries), func(s workspace.Secondary) bool {
			return !s.Address.Addr().IsLoopback()
		})
	}
	if was := dir.d.loaded; was != nil {
		if before, now := was.workspace.Config.Cutover.Approvals, l.workspace.Config.Cutover.Approvals; now != before {
			l.Notes = append(l.Notes, fmt.Sprintf("the approvals that a plan needs were %d before, and are %d from now on", before, now))
		}
	}
	p, err := dir.lead(l)
	var to zones.World
	if err == nil {
		to, err = dir.current(l, p)
	}
	if err != nil {
		return cmp.Or(dir.gone(l), err)
	}
	c, err := dir.edit(l, p, to, n)
	if err != nil {
		if gone := dir.gone(l); gone != nil {
			return errors.Join(gone, err)
		}
	}
	if err != nil && dir.d.loaded == nil && dir.started {
		// A start serves what was published last, whatever the files say by now.
		l.Notes = append(l.Notes, err.Error(), "served as it was published last, until that is mended")
		l.failed = l.seen
		if c, err = dir.edit(l, p, dir.served, Note{}); err == nil {
			c.from = nil
		}
	}
	l.change = c
	return err
}

// lead makes the plan that is scheduled of what was loaded; nil where none is.
func (dir *director) lead(l *Loaded) (*plan, error) {
	if dir.progress.Plan.IsZero() {
		return nil, nil
	}
	p, m, err := l.merged(dir.scheme, dir.standing)
	if err != nil || p.timeline.Sum() != dir.progress.Plan {
		return p, err
	}
	certs, err := dir.certificates()
	if err == nil {
		var proved publish.Proved
		if proved, err = m.Known(dir.progress.Plan, certs); err == nil {
			p.proved = &proved
		}
	}
	if err != nil {
		l.Notes = append(l.Notes, err.Error())
	}
	return p, nil
}

// certificates reads those of the plan that is scheduled.
func (dir *director) certificates() (cs []proof.Certificate, err error) {
	b, err := dir.d.past.h.File(proofFile, dir.scheme.Proof)
	if err != nil {
		return nil, err
	}
	var raws []string
	if err := json.Unmarshal(b, &raws); err != nil {
		return nil, err
	}
	for _, raw := range raws {
		c, err := proof.ParseCertificate([]byte(raw))
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
	}
	return cs, nil
}

// merged makes the timeline of what was loaded, and the change that it is.
func (l *Loaded) merged(s scheme, standing zones.World) (*plan, publish.Merged, error) {
	w := l.workspace
	served, err := s.served()
	if err != nil {
		return nil, publish.Merged{}, err
	}
	waves, found, err := w.Waves(l.plan)
	if err != nil {
		return nil, publish.Merged{}, err
	}
	p := &plan{terms: w.TermsOf(waves)}
	p.terms.Served = served
	p.terms.Standing = &cutover.Standing{Wave: s.Standing.Wave, Kind: s.Standing.Kind, World: standing}
	if p.timeline, err = cutover.PlanWaves(waves, p.terms); err != nil {
		return nil, publish.Merged{}, err
	}
	if r := s.Rehearsed; r != nil {
		p.timeline = p.timeline.Rehearsed(r.Start, r.Gap, r.Switch)
	}
	tl := p.timeline
	claims := map[string]proof.Input{}
	for i, in := range w.Claims(l.plan) {
		claims[waves[i].Name] = in
	}
	var ins []proof.Input
	names, worlds := tl.Waves(), tl.Worlds()
	for i, name := range names {
		in, row := claims[name], worlds[i]
		in.Before, in.After, in.Steps = row[0], row[len(row)-1], row[1:len(row)-1]
		ins = append(ins, in)
	}
	var steps []zones.World
	for _, s := range tl.Served() {
		steps = append(steps, s.World)
	}
	found = append(slices.Clone(l.planFound), found...)
	if n := l.plan.Open(); n > 0 {
		found = append(found, finding.Finding{Severity: finding.Block, Found: fmt.Sprintf("%d conflicts are open", n), Mend: "`hopnhat plan` prints the lines that settle them"})
	}
	return p, publish.Plan(tl.Sum(), steps, ins, found), nil
}

func (s scheme) served() (map[zones.ID][]zones.Serial, error) {
	out := map[zones.ID][]zones.Serial{}
	for key, serials := range s.Served {
		_, id, ok := splitSerialKey(serialKeyed + key)
		if !ok {
			return nil, fmt.Errorf("the log names the zone %q, which is none", key)
		}
		out[id] = serials
	}
	return out, nil
}

const serialKeyed = Now + " "

// index finds the step that was taken last in a timeline; -1: none was.
func (dir *director) index(tl cutover.Timeline) (int, error) {
	past := dir.progress.Past
	if len(past) == 0 {
		return -1, nil
	}
	last := past[len(past)-1]
	i := -1
	for k, s := range tl.Served() {
		if s.Wave == last.Wave && s.Kind <= last.Kind { // a single step has no add, and lower stands for it
			i = k
		}
	}
	if i < 0 {
		return 0, fmt.Errorf("the step %q of the wave %q is served, and no wave of that name changes anything by now: put it back into consolidation.yaml, or undo that by `hopnhat zone restore`", last.Kind, last.Wave)
	}
	return i, nil
}

// current is the world of now as the files have it, by the steps that were taken.
func (dir *director) current(l *Loaded, p *plan) (zones.World, error) {
	if p == nil {
		return l.plan.Before(), nil
	}
	i, err := dir.index(p.timeline)
	switch {
	case err != nil || i < 0 && p.proved == nil:
		return l.plan.Before(), err
	case i < 0:
		return p.timeline.At(time.Time{}), nil // as it is served
	}
	return p.timeline.Served()[i].World, nil
}

// edit is the change from what is served to another world by what the files say.
func (dir *director) edit(l *Loaded, p *plan, to zones.World, n Note) (*change, error) {
	now := dir.d.clock.Now()
	proved, err := publish.Edit(dir.served, to).Prove(now)
	if err != nil {
		return nil, err
	}
	conf := l.workspace.Config.Cutover
	brake := publish.Brake{Share: conf.Brake.Share, Apex: conf.Brake.ApexNS, Organisations: func() []publish.Organisation {
		return publish.Organisations(append(l.workspace.Ledgers(l.plan), dir.ledgers(l.workspace.Root)...)...)
	}}
	a, err := proved.ApproveEdit(brake, n.Override)
	if err != nil {
		return nil, err
	}
	c := &change{approved: a, plan: p, from: l, fence: func() error { return nil }}
	c.commit = func(w zones.World) error {
		if c.from != nil {
			if err := dir.recordInput(l, n); err != nil {
				return err
			}
		}
		if !dir.started || sameWorlds(dir.served, w) {
			_, err := dir.d.past.commit(evPublished, w, n, nil)
			return err
		}
		return dir.note(cutover.Event{Kind: cutover.Edited, Drain: l.settle(dir.served, w)}, &w, n, logged{})
	}
	return c, nil
}

// ledgers tell whose the names are that are served now: by the files that they came
// from, at a start by the consolidation file that was recorded with them.
func (dir *director) ledgers(root string) []merge.Ledger {
	if f := dir.from; f != nil {
		return f.workspace.Ledgers(f.plan)
	}
	name, h := workspace.ConsolidationFile, dir.d.past.h
	vs := h.FileVersions(name)
	if len(vs) == 0 {
		return nil
	}
	b, err := h.File(name, vs[len(vs)-1].N)
	if err != nil {
		return nil // the start has told what of the history is damaged
	}
	w, _ := workspace.OpenOver(root, map[string][]byte{filepath.Join(root, name): b})
	if w == nil {
		return nil
	}
	plan, _ := w.Plan()
	return w.Ledgers(plan)
}

// settle is how long caches and secondaries may hold what a publication replaces.
func (l *Loaded) settle(was, is zones.World) time.Duration {
	t := l.workspace.Terms()
	if len((cutover.Row{was, is, is, is}).AtParent()) > 0 {
		t.Parent = l.workspace.Consolidation.Timeline.Parent
	}
	return cutover.Settle(was, is, t)
}

// sameWorlds tells whether two worlds are the same, serials too.
func sameWorlds(a, b zones.World) bool {
	if a.Len() != b.Len() {
		return false
	}
	for z := range a.All() {
		if o := b.Zone(z.ID()); o == nil || z != o && !z.Equal(o) {
			return false
		}
	}
	return true
}

// errFence is T-FENCE at the last moment: the files are not those that were loaded.
var errFence = errors.New("the files were changed and not loaded yet")

// fence tells whether the files are still those that were loaded.
func (l *Loaded) fence() error {
	if !slices.Equal(l.seen, stamps(paths(l.seen))) {
		return errFence
	}
	return nil
}

// recordInput puts what a plan was made of into the history.
func (dir *director) recordInput(l *Loaded, n Note) error {
	name := workspace.ConsolidationFile
	b, err := os.ReadFile(filepath.Join(l.workspace.Root, name))
	if err != nil {
		return err
	}
	_, err = dir.d.past.h.RecordFile(name, b, dir.d.past.entry(n))
	return err
}

// take publishes a step of the plan.
func (dir *director) take(i int) error {
	p := dir.plan
	if p == nil || p.proved == nil {
		return publish.ErrStale
	}
	var users []int
	for _, a := range dir.progress.Approvals {
		users = append(users, a.UID)
	}
	a, err := p.proved.ApprovePlan(dir.progress.Plan, users, dir.need())
	if err != nil {
		return err
	}
	l := dir.d.loaded.again()
	l.change = &change{approved: a, step: i, plan: p, from: dir.from, fence: l.fence, commit: func(w zones.World) error {
		ev := p.timeline.TakenEvent(i, dir.d.clock.Now(), "")
		ev.Plan = dir.progress.Plan
		return dir.note(ev, &w, Note{UID: -1}, logged{})
	}}
	return dir.d.publish(l, Note{})
}

// need is how many people must approve a plan.
func (dir *director) need() int {
	if dir.rehearse > 0 {
		return 0
	}
	return dir.d.loaded.workspace.Config.Cutover.Approvals
}

// back publishes a world that a person goes back to, by an event that says so.
func (dir *director) back(kind cutover.EventKind, to zones.World, n Note) error {
	to, err := cutover.Number(dir.served, to, nil)
	if err != nil {
		return err
	}
	a, err := publish.Back(dir.served, to, n.Why)
	if err != nil {
		return err
	}
	l := dir.d.loaded.again()
	l.change = &change{approved: a, plan: dir.plan, from: dir.from, fence: func() error { return nil }, commit: func(w zones.World) error {
		ev := cutover.Event{Kind: kind, Plan: dir.progress.Plan, Drain: l.settle(dir.served, w)}
		return dir.note(ev, &w, n, logged{})
	}}
	return dir.d.publish(l, n)
}
