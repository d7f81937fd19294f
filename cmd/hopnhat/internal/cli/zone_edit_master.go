package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/daemon"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/publish"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// master is the zone file that is edited, and how it stands among others.
type master struct {
	id      zones.ID
	path    string // of its first file, absolute
	socket  string // of the server; "" where it is not known
	state   string // the server's folder; "" where it is not known
	dynamic bool   // the server raises its serial (updates)
	// read reads it as if files held other octets; of nil what they hold. against
	// proves what that leads to, and is nil where it cannot be told.
	read func(over map[string][]byte) (r updates.Read, found []finding.Finding, against func(override bool, now time.Time) error, err error)

	was    []byte       // what the first file holds
	tree   updates.Read // as it stands; its Zone is nil where it has errors
	others []string     // the files that it includes
}

// edition is what an edit leads to.
type edition struct {
	files map[string][2][]byte // by path, what they held and what they will
	delta zones.Delta
}

// master finds the zone file that is meant.
func (o *zoneEdit) master(args []string) (*master, error) {
	if o.file != "" {
		if len(args) > 0 {
			return nil, fmt.Errorf("--file names a file without a workspace; leave out %s, or --file", args[0])
		}
		return o.alone()
	}
	if o.zone != "" {
		args = append([]string{o.zone}, args...)
	}
	if len(args) != 1 {
		return nil, errors.New("one zone is edited at a time; write its name, such as hopnhat zone edit example.vn")
	}
	origin, err := zones.ParseName(args[0])
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", args[0], err)
	}
	return o.among(zones.ID{Origin: origin, View: zones.View(o.view)})
}

// alone is a zone file that is served without a workspace.
func (o *zoneEdit) alone() (*master, error) {
	f := zoneFile{origin: o.zone, includeRoot: o.includeRoot, view: o.view}
	origin, err := f.name(o.file)
	if err != nil {
		return nil, err
	}
	m := &master{id: zones.ID{Origin: origin, View: zones.View(o.view)}, state: o.state, socket: o.socket}
	if m.socket == "" && m.state != "" {
		m.socket = filepath.Join(m.state, control.File)
	}
	if m.path, err = filepath.Abs(o.file); err != nil {
		return nil, err
	}
	served := func() *zones.Zone { return m.tree.Zone }
	m.read = func(over map[string][]byte) (r updates.Read, found []finding.Finding, against func(bool, time.Time) error, err error) {
		root, name, abs, err := zonefile.OpenRoot(o.file, o.includeRoot)
		if err != nil {
			return r, nil, nil, err
		}
		defer root.Close()
		at := filepath.Join(abs, filepath.FromSlash(name))
		if b, ok := over[m.path]; ok && at != m.path {
			over = maps.Clone(over)
			over[at] = b
		}
		r.Path = func(name string) string { return filepath.Join(abs, filepath.FromSlash(name)) }
		r.Tree, found = zonefile.Load(workspace.Over(root.FS(), abs, over), name, zonefile.Options{Origin: origin, Prefix: strings.TrimSuffix(filepath.ToSlash(o.file), name), Root: abs})
		if r.Tree != nil {
			var more []finding.Finding
			r.Zone, more = r.Tree.Zone(m.id.View)
			found = append(found, more...)
		}
		finding.Sort(found)
		if finding.Failed(found) {
			r.Zone = nil
		}
		was, now := served(), r.Zone
		if was == nil || now == nil {
			return r, found, nil, nil
		}
		return r, found, func(override bool, at time.Time) error {
			from, err := zones.NewWorld(was)
			if err != nil {
				return err
			}
			return edits(from, from.With(now), publish.Brake{Share: 0.1, Apex: true}, override, at)
		}, nil
	}
	return m, nil
}

// among is a master file of a workspace.
func (o *zoneEdit) among(id zones.ID) (*master, error) {
	dir, err := o.folder(nil)
	if err != nil {
		return nil, fmt.Errorf("%w; to edit a zone file without a workspace give --file FILE --zone NAME", err)
	}
	w, before := workspace.Open(dir)
	if w == nil {
		o.env.tell(before, finding.Warning)
		return nil, &exit{code: 1}
	}
	home, err := masterOf(w, id)
	if err != nil {
		return nil, err
	}
	tree, _, path, err := home.Read()
	if err != nil {
		return nil, err
	}
	m := &master{id: id, path: path(tree.Files()[0].Name()), state: cmp.Or(o.state, w.StateDir()), socket: o.socket}
	if m.socket == "" {
		m.socket = socketOf(w, o.state)
	}
	m.dynamic = len(w.Config.Updates) > 0
	m.read = func(over map[string][]byte) (r updates.Read, found []finding.Finding, against func(bool, time.Time) error, err error) {
		next, after := workspace.OpenOver(dir, over)
		found = news(before, after)
		if next == nil || finding.Failed(found) {
			return r, found, nil, nil
		}
		home, err := masterOf(next, id)
		if err != nil {
			return r, found, nil, err
		}
		r.Tree, r.Zone, r.Path, err = home.ReadOver(over)
		if err != nil || !w.Whole() || !next.Whole() {
			return r, found, nil, err
		}
		return r, found, func(override bool, at time.Time) error { return holds(w, next, override, at) }, nil
	}
	return m, nil
}

// masterOf finds the master file of a zone, of those served today first.
func masterOf(w *workspace.Workspace, id zones.ID) (workspace.Master, error) {
	var views []string
	for _, m := range w.Masters() {
		if m.ID == id {
			return m, nil
		}
		if m.ID.Origin == id.Origin {
			views = append(views, string(m.ID.View))
		}
	}
	if len(views) > 0 {
		return workspace.Master{}, fmt.Errorf("%v is no master file of %s; the zone is in the view %s: give --view", id, w.Dir, strings.Join(views, ", "))
	}
	return workspace.Master{}, fmt.Errorf("%v is no master file of %s that can be read; one with errors is mended by any editor, or with --file FILE --zone %s", id, w.Dir, id.Origin.Text())
}

// news are the findings that were not there before.
func news(before, after []finding.Finding) (fs []finding.Finding) {
	known := map[string]bool{}
	for _, f := range before {
		known[f.String()] = true
	}
	return slices.DeleteFunc(slices.Clone(after), func(f finding.Finding) bool { return known[f.String()] })
}

// edits holds an edit against what is served: the proof, then the brake.
func edits(from, to zones.World, b publish.Brake, override bool, now time.Time) error {
	if _, err := publish.Edit(from, to).Prove(now); err != nil {
		return err
	}
	if fs := b.Check(from, to); len(fs) > 0 && !override {
		return &publish.BrakeError{Findings: fs}
	}
	return nil
}

// holds holds a workspace against the one before an edit: what is served today,
// and what the cutover leads to, where that was in order before.
func holds(was, now *workspace.Workspace, override bool, at time.Time) error {
	from, told := was.Plan()
	to, found := now.Plan()
	c := now.Config.Cutover.Brake
	organisations := func() []publish.Organisation { return publish.Organisations(from.Ledger(), to.Ledger()) }
	if err := edits(from.Before(), to.Before(), publish.Brake{Share: c.Share, Apex: c.ApexNS, Organisations: organisations}, override, at); err != nil {
		return err
	}
	var blocks []finding.Finding
	for _, f := range news(told, found) {
		if f.Severity >= finding.Block {
			blocks = append(blocks, f)
		}
	}
	if n := to.Open() - from.Open(); n > 0 && len(blocks) == 0 {
		return fmt.Errorf("%d conflicts more would be open, which hopnhat plan prints: decide them in %s first", n, workspace.ConsolidationFile)
	}
	if len(blocks) == 0 {
		var err error
		if blocks, err = lost(now, to, at); err != nil || len(blocks) == 0 {
			return err
		}
		if already, err := lost(was, from, at); err != nil || len(already) > 0 {
			return err // it was not in order before
		}
	}
	return &publish.LostError{Findings: blocks}
}

// load reads the file as it stands.
func (m *master) load() (err error) {
	if m.was, err = os.ReadFile(m.path); err != nil {
		return err
	}
	if m.tree, _, _, err = m.read(nil); err != nil || m.tree.Tree == nil {
		return err
	}
	for _, f := range m.tree.Tree.Files()[1:] {
		if p := m.tree.Path(f.Name()); p != m.path && !slices.Contains(m.others, p) {
			m.others = append(m.others, p)
		}
	}
	return nil
}

// check tells what a text leads to; the error says why it is not published.
func (o *zoneEdit) check(m *master, text []byte) (*edition, error) {
	over := map[string][]byte{m.path: text}
	r, found, against, err := m.read(over)
	o.env.tell(found, finding.Warning)
	if err != nil {
		return nil, err
	}
	if r.Zone == nil || finding.Failed(found) {
		return nil, errors.New("it is not published: mend what stands above")
	}
	e := &edition{files: map[string][2][]byte{m.path: {m.was, text}}}
	if m.tree.Zone == nil {
		fmt.Fprintln(o.err, "the file had errors before, so what is served cannot be told from it: the server holds the edit against that")
		e.delta = zones.Delta{ID: m.id, Added: slices.Collect(r.Zone.Records())}
		return e, nil
	}
	if e.delta = zones.Diff(m.tree.Zone, r.Zone); e.delta.Empty() {
		return e, nil
	}
	if against != nil {
		if err := against(o.override != "", o.now()); err != nil {
			return nil, err
		}
	} else {
		fmt.Fprintln(o.err, "the workspace has errors elsewhere, so nothing is proved here: the server holds the edit against what it serves")
	}
	return e, o.raise(m, r, e)
}

// raise gives an edit a serial later than all before, unless the person did.
func (o *zoneEdit) raise(m *master, r updates.Read, e *edition) error {
	if m.dynamic {
		return nil
	}
	last, err := m.served()
	if err != nil {
		return err
	}
	if last.Before(r.Zone.Serial()) {
		return nil
	}
	serial := laterSerial(last, m.tree.Zone.Serial(), o.now())
	next, err := r.Tree.SetSerial(serial)
	if err != nil {
		return err
	}
	for _, f := range next.Files() {
		old := r.Tree.File(f.Name())
		if bytes.Equal(old.Bytes(), f.Bytes()) {
			continue
		}
		if f == next.Files()[0] {
			e.files[m.path] = [2][]byte{m.was, f.Bytes()}
		} else {
			e.files[r.Path(f.Name())] = [2][]byte{old.Bytes(), f.Bytes()}
		}
	}
	e.delta = zones.Diff(m.tree.Zone, r.Zone.WithSerial(serial))
	return nil
}

// served is the latest serial of the zone that went out, as far as is known here.
func (m *master) served() (zones.Serial, error) {
	last := m.tree.Zone.Serial()
	if m.state == "" {
		return last, nil
	}
	for _, at := range []string{daemon.Now, workspace.Before().String()} {
		known, err := daemon.ReadPublished(m.state, at)
		if err != nil {
			return last, err
		}
		if p, ok := known[m.id]; ok && last.Before(p.Serial) {
			last = p.Serial
		}
	}
	return last, nil
}

// laterSerial is one after the last; where the file's own is a date and a number,
// the day's first if that is later.
func laterSerial(last, stated zones.Serial, now time.Time) zones.Serial {
	if day, err := time.Parse("20060102", fmt.Sprintf("%010d", uint32(stated))[:8]); err != nil || day.Year() < 1980 || day.Year() > 2100 {
		return last.Next()
	}
	var today zones.Serial
	if _, err := fmt.Sscan(now.Format("20060102")+"00", &today); err != nil || !last.Before(today) {
		return last.Next()
	}
	return today
}

// exchange puts the files of an edition in their places, or back.
func (m *master) exchange(ctx context.Context, e *edition, back bool) error {
	paths := slices.Sorted(maps.Keys(e.files))
	i := slices.Index(paths, m.path)
	paths = append([]string{m.path}, slices.Delete(paths, i, i+1)...) // of others only the serial
	for _, p := range paths {
		from, to := e.files[p][0], e.files[p][1]
		if back {
			from, to = to, from
		}
		if err := updates.Exchange(ctx, p, from, to, pause); err != nil {
			return err
		}
	}
	return nil
}

// lost are the findings of a workspace's claim that block.
func lost(w *workspace.Workspace, plan *merge.Plan, at time.Time) ([]finding.Finding, error) {
	in, err := w.Claim(plan)
	if err != nil {
		return nil, err
	}
	var fs []finding.Finding
	for _, f := range proof.Prove(in, proof.Options{Mixture: true, Now: at}).Faults {
		if f.Severity >= finding.Block {
			fs = append(fs, f.Finding)
		}
	}
	return fs, nil
}
