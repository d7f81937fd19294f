package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/zones"
)

// zoneEdit is a person's edit of a zone file, from the lock to what is served.
type zoneEdit struct {
	reload
	view        string
	file        string
	zone        string
	includeRoot string

	answers *bufio.Reader // of the person at the terminal; nil where there is none
}

func newZoneEdit(e *env) *cobra.Command {
	o := &zoneEdit{reload: reload{asker: asker{env: e}}}
	c := &cobra.Command{
		Use:   "edit ZONE",
		Short: "Edit a zone file, and publish it when nothing is lost by it",
		Long: `edit locks the zone file, opens a copy in $VISUAL or $EDITOR, and looks at what
comes back: errors are shown with their place, and it is proved that every name
answers as before but for what was edited. Then the serial is raised, unless it
was by hand, the file is exchanged in one step, and the running server publishes
it. What is refused, or cannot be written, stays in a file that is named.

The zone is one of the workspace's master files, of a zone served today or of a
source. Without a workspace:

  hopnhat zone edit --file example.vn.zone --zone example.vn --state DIR`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.socketFlags(c)
	o.changeFlags(c)
	f := c.Flags()
	f.StringVar(&o.view, "view", string(zones.Internet), "the `VIEW` that the zone is served in")
	f.StringVar(&o.file, "file", "", "a zone `FILE` that is served without a workspace")
	f.StringVar(&o.zone, "zone", "", "the zone's `NAME`, with --file")
	f.StringVar(&o.includeRoot, "include-root", "", "with --file: the `DIR` that $INCLUDE may not leave (default: the working directory when the file lies below it, else the file's folder)")
	return c
}

func (o *zoneEdit) run(ctx context.Context, args []string) error {
	if f, ok := o.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.answers = bufio.NewReader(f)
	}
	m, err := o.master(args)
	if err != nil {
		return err
	}
	unlock, err := updates.Lock(m.path, o.holder())
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.load(); err != nil {
		return err
	}
	d, err := newDraft(m.path, m.was)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	for _, f := range m.others {
		fmt.Fprintf(o.err, "the zone has records in %s too, which is edited by itself\n", f)
	}
	e, err := o.edited(m, d)
	if err != nil || e == nil {
		return err
	}
	return o.put(ctx, m, d, e)
}

// holder is how others are told who has the file.
func (o *reload) holder() string {
	who := o.person()
	if who == "" {
		who = fmt.Sprintf("uid %d", os.Getuid())
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
	}
	return fmt.Sprintf("%s (process %d, since %s)", who, os.Getpid(), o.now().Format("15:04:05"))
}

// edited opens the editor until what it leaves can be published, or the person
// gives up: then it is nil, or an error.
func (o *zoneEdit) edited(m *master, d *draft) (*edition, error) {
	for {
		editor, failed := d.open(o.env)
		text, err := d.text()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("%s took away the copy that it was given to edit, %s: nothing was changed, the zone is as it was", editor, d.path), failed)
		}
		if err != nil {
			return nil, err
		}
		same := bytes.Equal(text, m.was)
		switch {
		case failed != nil && same:
			return nil, errors.Join(fmt.Errorf("%s: %w; nothing was changed", editor, failed), d.remove())
		case failed != nil:
			return nil, fmt.Errorf("%s: %w; the zone is as it was, and what was edited is kept in %s", editor, failed, d.path)
		case same:
			fmt.Fprintln(o.out, "nothing was changed")
			return nil, d.remove()
		}
		e, err := o.check(m, text)
		if err == nil {
			return e, nil
		}
		fmt.Fprintln(o.err, err)
		switch o.choose() {
		case again:
		case discard:
			return nil, errors.Join(&exit{code: 1}, d.remove())
		default:
			fmt.Fprintf(o.err, "the zone is as it was, and what was edited is kept in %s\n", d.path)
			return nil, &exit{code: 1}
		}
	}
}

type choice int

const (
	keep choice = iota
	again
	discard
)

// choose asks what becomes of an edit that is refused. Who cannot be asked keeps it.
func (o *zoneEdit) choose() choice {
	if o.answers == nil {
		return keep
	}
	for {
		fmt.Fprint(o.err, "e: edit again, d: discard the edit, k: keep it in a file and stop [e]: ")
		line, err := o.answers.ReadString('\n')
		switch answer := strings.ToLower(strings.TrimSpace(line)); {
		case answer == "e", answer == "" && err == nil:
			return again
		case answer == "d":
			return discard
		case answer == "k", err != nil:
			return keep
		}
	}
}

// put shows what changes, puts it into the file, and has it published.
func (o *zoneEdit) put(ctx context.Context, m *master, d *draft, e *edition) error {
	if e.delta.Empty() {
		fmt.Fprintln(o.out, "no record changes: comments or layout alone")
	} else {
		o.difference(e.delta)
	}
	if err := m.exchange(ctx, e, false); err != nil {
		if errors.Is(err, updates.ErrSaved) {
			return fmt.Errorf("%w: that was left alone; what was edited here is kept in %s: bring the two together", err, d.path)
		}
		return fmt.Errorf("%w; what was edited is kept in %s", err, d.path)
	}
	if e.delta.Empty() {
		return d.remove()
	}
	err := o.announce(ctx, m)
	if refused := (*control.ServerError)(nil); errors.As(err, &refused) {
		if back := m.exchange(ctx, e, true); back != nil {
			return fmt.Errorf("the server goes on with what it served: %w; the file holds the edit, and could not be put back: %w", err, back)
		}
		return fmt.Errorf("the server goes on with what it served, and the zone file is as it was: %w; what was edited is kept in %s", err, d.path)
	}
	return errors.Join(err, d.remove())
}

// announce has the server publish what is in the file.
func (o *zoneEdit) announce(ctx context.Context, m *master) error {
	if m.socket == "" {
		fmt.Fprintln(o.out, "written; which server serves it is not known here (--state or --socket): its next start, or SIGHUP, publishes it")
		return nil
	}
	r, err := o.publish(ctx, m.socket)
	switch {
	case err == nil && len(r.Refused) > 0 && !r.Has(m.id.Origin.Text(), string(m.id.View)):
		return &control.ServerError{Text: "it did not take the edit"}
	case errors.Is(err, control.ErrNobody):
		fmt.Fprintf(o.out, "written; no server listens at %s: the next start, or SIGHUP, publishes it\n", m.socket)
		return nil
	case err != nil && !errors.As(err, new(*control.ServerError)):
		return fmt.Errorf("it is written, and whether the server publishes it is not known: %w", err)
	}
	return err
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
