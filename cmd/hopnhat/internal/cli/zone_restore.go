package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// zoneRestore brings the content of a version back, as an edit of the master
// file that states the zone.
type zoneRestore struct {
	recorded
	reload
	view   string
	dryRun bool
}

func newZoneRestore(e *env) *cobra.Command {
	o := &zoneRestore{recorded: recorded{env: e}, reload: reload{asker: asker{env: e}}}
	c := &cobra.Command{
		Use:   "restore ZONE@N",
		Short: "Bring a version of a zone back, under a higher serial",
		Long: `restore edits the master file that states the zone, so that it holds what
version N held: only the lines that differ change, comments and order stay, and
the serial is raised. Then the running server is asked to publish it, with the
reason. What was served goes on until that is proved and on disk.

A zone that is merged from others, or a file that was edited and not published
yet, cannot be brought back so; what to do then is said.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.restore(c.Context(), args[0]) },
	}
	o.grounds.flags(c, true)
	f := c.Flags()
	f.StringVar(&o.recorded.state, "state", "", "the `DIR` where the server keeps its state (default: the workspace's state folder)")
	f.StringVar(&o.socket, "socket", "", "the control socket's `PATH` (default: control.sock in the state folder)")
	f.StringVar(&o.view, "view", "", "the `VIEW` of the zone (default: the one that has it)")
	f.StringVar(&o.who, "who", "", "the `NAME` for whom it is done (default: the user who runs the command, under sudo the one who ran that)")
	f.StringVar(&o.override, "override", "", "publish a change that is too large to be meant, or changes an apex's NS, for this `REASON`")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would change, and change nothing")
	return c
}

func (o *zoneRestore) restore(ctx context.Context, arg string) error {
	zone, n, ok := asVersion(arg)
	if !ok {
		return fmt.Errorf("%s: name the zone and the number of the version, such as gialai.gov.vn@12 (`hopnhat zone history gialai.gov.vn` lists them)", arg)
	}
	w, err := o.readable(arg)
	if err != nil {
		return err
	}
	if o.recorded.state == "" {
		o.recorded.state = w.StateDir()
	}
	h, _, err := o.recorded.open()
	if err != nil {
		return err
	}
	wanted, err := versionOf(h, zone, n, o.view)
	if err != nil {
		return err
	}
	m, err := statedBy(w, wanted.ID(), arg)
	if err != nil {
		return err
	}
	return o.edit(ctx, h, m, wanted, n)
}

// readable opens the workspace; its files must be good, for one of them is to
// be edited.
func (o *zoneRestore) readable(arg string) (*workspace.Workspace, error) {
	dir, err := o.recorded.folder(nil)
	if err != nil {
		return nil, err
	}
	w, found := workspace.Open(dir)
	if w != nil && !finding.Failed(found) {
		return w, nil
	}
	o.recorded.tell(found, finding.Warning)
	return nil, fmt.Errorf("the workspace cannot be read, so no file of it is edited: mend it, or take the whole text from `hopnhat zone show %s`", arg)
}

// statedBy finds the master file that states a zone.
func statedBy(w *workspace.Workspace, id zones.ID, arg string) (workspace.Master, error) {
	var found workspace.Master
	for _, m := range w.Masters() {
		if m.ID == id && (found.Zone == nil || m.Source == "") {
			found = m
		}
	}
	if found.Zone == nil {
		return found, fmt.Errorf("%v is stated by no master file of the workspace: it is made of others, or was brought in; `hopnhat zone diff %s` shows what to change, and `hopnhat explain NAME` where", id, arg)
	}
	return found, nil
}

// content tells whether two zones are equal but for their serials.
func content(a, b *zones.Zone) bool { return a.Equal(b.WithSerial(a.Serial())) }

func (o *zoneRestore) edit(ctx context.Context, h *history.History, m workspace.Master, wanted *zones.Zone, n int) error {
	tree, _, path, err := m.Read()
	if err != nil {
		return err
	}
	if !o.dryRun {
		unlock, err := updates.Lock(path(tree.Files()[0].Name()), o.holder())
		if err != nil {
			return err
		}
		defer unlock()
	}
	r := updates.Read{}
	if r.Tree, r.Zone, r.Path, err = m.Read(); err != nil {
		return err
	}
	d, err := o.change(h, r, wanted, n)
	if err != nil || d.Empty() {
		return err
	}
	if o.dryRun {
		o.recorded.difference(d)
		return nil
	}
	next, err := r.Tree.Apply(d)
	if err != nil {
		return fmt.Errorf("version %d cannot be brought back by an edit: %w", n, err)
	}
	if err := updates.Replace(ctx, r, next, pause); err != nil {
		if errors.Is(err, updates.ErrSaved) {
			err = fmt.Errorf("%w; look at it, and restore again", err)
		}
		return err
	}
	fmt.Fprintf(o.recorded.out, "%s: holds version %d again, under serial %d: %d records gone, %d new\n",
		r.Path(next.SOAFile().Name()), n, updates.SerialAfter(d, r.Zone), len(d.Removed), len(d.Added))
	return o.announce(ctx, r, next)
}

// change is what brings a version back where r stands; empty where r has its
// content.
func (o *zoneRestore) change(h *history.History, r updates.Read, wanted *zones.Zone, n int) (zones.Delta, error) {
	file := r.Path(r.Tree.SOAFile().Name())
	if content(r.Zone, wanted) {
		fmt.Fprintf(o.recorded.out, "nothing is to be done: %s states what version %d has\n", file, n)
		return zones.Delta{}, nil
	}
	vs := h.Versions(wanted.ID())
	last := vs[len(vs)-1]
	served, err := h.Zone(wanted.ID(), last.N)
	if err != nil {
		return zones.Delta{}, fmt.Errorf("what is served cannot be read, so nothing tells whether %s states it: %w", file, err)
	}
	if !content(r.Zone, served) {
		return zones.Delta{}, o.derived(file, served, r.Zone, last.N, n)
	}
	serial := r.Zone.Serial()
	if serial.Before(last.Serial) {
		serial = last.Serial
	}
	return zones.Diff(r.Zone, wanted.WithSerial(serial.Next())), nil
}

// derived says why the zone cannot be brought back by an edit of the file, and
// what to do.
func (o *zoneRestore) derived(file string, served, now *zones.Zone, last, n int) error {
	d := zones.Diff(served, now.WithSerial(served.Serial()))
	zone := finding.Shell(served.Origin().Text())
	return fmt.Errorf("%s is not what is served, which is version %d: %d records are in one of the two alone. "+
		"If the file was edited, publish that first (`hopnhat reload`) or take it back. "+
		"If the zone is merged from others, change those: `hopnhat zone diff %s@%d %s@%d --view %s` shows what would have to change, and `hopnhat explain NAME` which line states a name; "+
		"a step of the cutover is undone by `hopnhat cutover rollback`",
		file, last, len(d.Removed)+len(d.Added), zone, last, zone, n, finding.Shell(string(served.View())))
}

// announce has the running server publish the file. What it refuses is taken
// out of the file again.
func (o *zoneRestore) announce(ctx context.Context, was updates.Read, now *zonefile.Tree) error {
	path := o.socket
	if path == "" {
		path = filepath.Join(o.recorded.state, control.File)
	}
	id := was.Zone.ID()
	said, err := o.reload.publish(ctx, path)
	if err == nil && len(said.Refused) > 0 && !said.Has(id.Origin.Text(), string(id.View)) {
		err = &control.ServerError{Text: "it did not take the edit"}
	}
	switch refused := (*control.ServerError)(nil); {
	case err == nil:
		return nil
	case errors.Is(err, control.ErrNobody):
		fmt.Fprintf(o.recorded.err, "no server listens at %s: the next start publishes it\n", path)
		return nil
	case !errors.As(err, &refused):
		return fmt.Errorf("the file is edited, and whether the server publishes it is not known: %w", err)
	}
	if back := updates.Replace(ctx, updates.Read{Tree: now, Path: was.Path}, was.Tree, pause); back != nil {
		return fmt.Errorf("the server goes on with what it served: %w; the file is edited, and could not be put back: %w", err, back)
	}
	return fmt.Errorf("the server goes on with what it served, and the file is as it was: %w", err)
}
