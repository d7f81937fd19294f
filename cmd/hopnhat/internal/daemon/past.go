package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
)

// HistoryFolder is where a state folder keeps the history.
const HistoryFolder = "history"

// Note is who wanted a change, and why. The zero Note is the server itself.
type Note struct {
	Who, Why, Document string
	UID                int
	Override           string // the reason for which the brake lets it pass
}

// past is the history of what is served now (Now), as the daemon keeps it: every
// version is on disk before it is published, and the log's last publication is
// what a start serves (WHOLE). The nil past keeps nothing.
type past struct {
	h      *history.History
	dir    string
	now    func() time.Time
	unlock func()
	self   string // the server's own user

	loss   string // that the log lost lines; "": it did not, or it is held in the log itself
	faults int    // how many findings of that come again at each start
	head   bool   // one does not: the next write makes the head anew
	cut    bool   // what was published last may have had later serials than the log says
}

// errOther is a state folder whose history another server keeps.
var errOther = errors.New("another server keeps the history of this state folder: stop it, or give this one another by --state")

// openPast takes the history of a state folder. What is damaged in it is told, and
// the rest is of use.
func openPast(state string, now func() time.Time) (*past, []finding.Finding, error) {
	if state == "" {
		return nil, nil, nil
	}
	unlock, ok, err := tryLockState(state, "history.lock")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, fmt.Errorf("%s: %w", state, errOther)
	}
	dir := filepath.Join(state, HistoryFolder)
	h, fs, err := history.Open(history.OS(dir))
	if err != nil {
		unlock()
		return nil, fs, fmt.Errorf("%s: the history cannot be kept: %w", dir, err)
	}
	self := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		self = u.Username
	}
	p := &past{h: h, dir: dir, now: now, unlock: unlock, self: self}
	p.judge(fs)
	return p, fs, nil
}

// judge takes from what was found that the log lost lines which had been written: no
// crash does that.
func (p *past) judge(found []finding.Finding) {
	var what []string
	for _, f := range found {
		if f.Severity < finding.Error || f.ID != "H-LOG" && f.ID != "H-HEAD" {
			continue
		}
		if what = append(what, f.Found); f.ID == "H-LOG" {
			p.faults++
		} else {
			p.head = true
		}
	}
	if len(what) > 0 {
		p.cut = true
		p.loss = fmt.Sprintf("%s may lack events that had been written: %s; what it still says is served, under later serials. Restore it from a backup, or look what was done after that: a step, a rollback, an edit", p.dir, strings.Join(what, "; "))
	}
}

// repair makes good what a crash left.
func (p *past) repair(log io.Writer) {
	if p == nil {
		return
	}
	if err := p.h.Repair(); err != nil { // what cannot be written now is said again by who writes next
		fmt.Fprintf(log, "%s: what a crash left in the history cannot be made good: %v\n", p.dir, err)
	}
}

// lost tells that what was published last is not known any more, although something
// was: then a timeline would begin again at the world before the cutover.
func (p *past) lost(state string, found []finding.Finding) error {
	if _, ok := p.last(); ok {
		return nil
	}
	what := ""
	if slices.ContainsFunc(found, func(f finding.Finding) bool { return f.ID == "H-LOG" }) {
		what = "the log does not say any more what was published last"
	} else if _, err := os.Stat(p.dir); errors.Is(err, fs.ErrNotExist) {
		published, err := ReadPublished(state, Now)
		if err != nil {
			return err
		}
		if len(published) == 0 {
			return nil
		}
		what = "the folder is missing, and zones were published from it"
	}
	if what == "" {
		return nil
	}
	return fmt.Errorf("%s: %s: restore it from a backup; to begin again at the world before the cutover, put an empty folder in its place", p.dir, what)
}

func (p *past) close() {
	if p != nil {
		p.unlock()
	}
}

// entry is a note as the history has it.
func (p *past) entry(n Note) history.Entry {
	if n.Who == "" {
		n.Who = p.self
	}
	if n.Override != "" {
		n.Why += " (override: " + n.Override + ")"
	}
	return history.Entry{At: p.now().UTC().Round(0), Who: n.Who, Why: n.Why, Document: n.Document}
}

// commit puts a world into the history and says in the log that it is what is
// served: the point from which on a start serves it. Data is the event's own. A
// world that is what the log says already is not written again.
func (p *past) commit(kind string, w zones.World, n Note, data any) (history.Event, error) {
	if p == nil {
		return history.Event{}, nil
	}
	e := p.entry(n)
	ev := history.Event{Kind: kind, Entry: e}
	last, ok := p.last()
	var err error
	if ev.Zones, err = p.record(w, last.Zones, e); err != nil {
		return ev, fmt.Errorf("%s: the history cannot be kept: %w", p.dir, err)
	}
	if ok && kind == evPublished && slices.Equal(last.Zones, ev.Zones) {
		return last, nil
	}
	return p.log(ev, data)
}

// record puts the zones of a world into the history. A version that is served stays
// what it is, where a newer one was recorded and never published.
func (p *past) record(w zones.World, served []history.Ref, e history.Entry) ([]history.Ref, error) {
	var refs []history.Ref
	var fresh []*zones.Zone
	var at []int // where the fresh ones stand
	for z := range w.All() {
		i := slices.IndexFunc(served, func(r history.Ref) bool { return r.ID == z.ID() })
		if i >= 0 && p.overtaken(served[i], z) {
			refs = append(refs, served[i])
			continue
		}
		at, fresh, refs = append(at, len(refs)), append(fresh, z), append(refs, history.Ref{ID: z.ID()})
	}
	vs, err := p.h.RecordAll(fresh, e)
	for i, v := range vs {
		refs[at[i]].N = v.N
	}
	return refs, err
}

// overtaken tells whether a version is a zone's, and not the newest of it.
func (p *past) overtaken(r history.Ref, z *zones.Zone) bool {
	vs := p.h.Versions(r.ID)
	i := slices.IndexFunc(vs, func(v history.Version) bool { return v.N == r.N })
	return i >= 0 && i+1 < len(vs) && vs[i].Serial == z.Serial() && vs[i].Digest == history.Digest(z)
}

// base is what a zone's serial is counted from: what was kept of the serials as
// served last. A crash, or a full disk, may have come between that and the log's line,
// without which it was never published. So where the zone is what the log says is
// served, it counts from that; and it counts from the newest version, if that is
// later, since the history takes no second content under a serial. A log that lost
// lines does not say what was published.
func (p *past) base(was served, known bool, z, said *zones.Zone) (served, bool) {
	if p == nil {
		return was, known
	}
	vs := p.h.Versions(z.ID())
	if len(vs) == 0 {
		return was, known
	}
	newest := vs[len(vs)-1]
	ahead := was.Served.Before(newest.Serial)
	if said != nil && !p.cut && (ahead || said.Serial() != was.Served) && !said.Serial().Before(z.Serial()) && said.Equal(z.WithSerial(said.Serial())) {
		return served{Content: content(z), Served: said.Serial()}, true
	}
	if known && !ahead {
		return was, known
	}
	is := served{Served: newest.Serial}
	if history.Digest(z.WithSerial(newest.Serial)) == newest.Digest {
		is.Content = content(z)
	}
	return is, true
}

// log appends an event, synced.
func (p *past) log(ev history.Event, data any) (history.Event, error) {
	if data != nil {
		b, err := json.Marshal(data)
		if err != nil {
			return ev, err
		}
		ev.Data = b
	}
	ev, err := p.h.Append(ev)
	if err != nil {
		return ev, fmt.Errorf("%s: the log cannot be written: %w", p.dir, err)
	}
	return ev, nil
}

// evPublished is the kind of an event that only says what is served.
const evPublished = "published"

// world reads the zones of an event. With an error, which names each that cannot be
// read, it is of the others.
func (p *past) world(ev history.Event) (zones.World, error) {
	var zs []*zones.Zone
	var errs []error
	for _, r := range ev.Zones {
		z, err := p.h.Zone(r.ID, r.N)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		zs = append(zs, z)
	}
	w, err := zones.NewWorld(zs...)
	return w, errors.Join(append(errs, err)...)
}

// last is the event that says what is served.
func (p *past) last() (history.Event, bool) {
	if p == nil {
		return history.Event{}, false
	}
	for _, ev := range slices.Backward(p.h.Events()) {
		if len(ev.Zones) > 0 {
			return ev, true
		}
	}
	return history.Event{}, false
}

// recalled is what zone files without a workspace were read as when they were published
// last, for those that cannot be read now; nil where nothing is known.
func (d *Daemon) recalled() *Loaded {
	last, ok := d.past.last()
	if !ok || d.director != nil {
		return nil
	}
	w, err := d.past.world(last)
	if err != nil {
		fmt.Fprintln(d.o.Log, err)
	}
	return &Loaded{Worlds: map[string]zones.World{Now: w}}
}

// newest is the log's last event; the zero Event where there is none.
func (p *past) newest() history.Event {
	es := p.h.Events()
	if len(es) == 0 {
		return history.Event{}
	}
	return es[len(es)-1]
}
