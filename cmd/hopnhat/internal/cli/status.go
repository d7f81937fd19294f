package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/daemon"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// status asks every secondary how far it is.
type status struct {
	*env
	followers
	server string
	at     string
	state  string
	wait   time.Duration
	json   bool

	socket string         // of the server, as far as it is known
	in     *time.Location // of the workspace, where there is one
}

func newStatus(e *env) *cobra.Command {
	o := &status{env: e}
	c := &cobra.Command{
		Use:   "status [WORKSPACE]",
		Short: "Ask every secondary how far it is",
		Long: `status asks the server, and each secondary that hopnhat.yaml lists, for the
serial of each zone, by UDP and then TCP, signed where the secondary has a key.
It exits 1 unless all of them answer with the server's serial, and when a cutover
needs somebody to look (` + "`hopnhat cutover status`" + `).

Without a workspace, name who is asked for what:

  hopnhat status --server 127.0.0.1:5300 --secondary 192.0.2.54 example.com`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.followers.flags(c)
	f := c.Flags()
	f.StringVar(&o.server, "server", "", "the server that is followed, `ADDRESS[:PORT]` (default: the first listener of the secondary's view)")
	f.StringVar(&o.at, "at", "", "the `INSTANT` whose listener is followed, where a view has several: before, after, or a date")
	f.StringVar(&o.state, "state", "", "the `DIR` where the server keeps its served serials (default: the workspace's state folder)")
	f.DurationVar(&o.wait, "wait", 2*time.Second, "how long to wait for an answer; it is asked for four times")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// followed is a zone and who should follow it.
type followed struct {
	id          zones.ID
	server      netip.AddrPort
	published   *daemon.Published // nil: not known
	secondaries []workspace.Secondary

	ours   transfer.Standing
	theirs []transfer.Standing // beside secondaries
}

func (o *status) run(ctx context.Context, args []string) error {
	var fs []followed
	var keys map[zones.Name]transfer.Key
	var err error
	if len(o.secondaries) > 0 {
		fs, keys, err = o.files(args)
	} else {
		fs, keys, err = o.listed(args)
	}
	var none *noSecondaries
	if errors.As(err, &none) {
		c, nobody := o.cutover(ctx)
		switch {
		case nobody != nil:
			err = nobody // that is to be mended first
		case c != nil:
			err = nil // how the cutover stands is worth a status
		}
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	o.ask(ctx, fs, keys)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r := o.report(fs)
	r.Cutover, _ = o.cutover(ctx) // a server that is not there shows in the zones
	if o.json {
		err = r.printJSON(o.out)
	} else {
		r.print(o.out)
	}
	if err == nil && !r.well() {
		err = &exit{code: 1}
	}
	return err
}

// noSecondaries is a workspace that names none.
type noSecondaries struct{ file string }

func (e *noSecondaries) Error() string {
	return e.file + ": no secondaries; write one such as\n  - {name: ns2, address: 192.0.2.54}"
}

// cutover asks the server how its cutover stands; nil where nobody can tell, or
// none is scheduled. The error is that no server runs.
func (o *status) cutover(ctx context.Context) (*statusCutover, error) {
	path := o.socket
	if path == "" && o.state != "" {
		path = filepath.Join(o.state, control.File)
	}
	if path == "" {
		return nil, nil
	}
	s, err := control.GetStatus(ctx, path)
	switch {
	case errors.Is(err, control.ErrNobody):
		return nil, err
	case err != nil:
		fmt.Fprintf(o.err, "how the cutover stands is not known: %v\n", err)
		return nil, nil
	case s.State == control.None:
		return nil, nil
	}
	return &statusCutover{State: string(s.State), Alarm: cutoverInEnglish().alarmOf(s)}, nil
}

// files is what is asked without a workspace.
func (o *status) files(args []string) ([]followed, map[zones.Name]transfer.Key, error) {
	if len(args) == 0 {
		return nil, nil, errors.New("no zone to ask for; write its name, such as example.com")
	}
	server, err := parseServer(o.server, "--server")
	if err != nil {
		return nil, nil, err
	}
	t, err := o.transfers(o.env)
	if err != nil {
		return nil, nil, err
	}
	for i := range t.Secondaries {
		t.Secondaries[i].Name = "" // the address says it
	}
	published := map[zones.ID]daemon.Published{}
	if o.state != "" {
		if published, err = daemon.ReadPublished(o.state, daemon.Now); err != nil {
			return nil, nil, err
		}
	}
	var fs []followed
	for _, a := range args {
		n, err := zones.ParseName(a)
		if err != nil {
			return nil, nil, fmt.Errorf("zone %s: %w", a, err)
		}
		id := zones.ID{Origin: n, View: zones.Internet}
		f := followed{id: id, server: server, secondaries: t.Secondaries}
		if p, ok := published[id]; ok {
			f.published = &p
		}
		fs = append(fs, f)
	}
	return fs, t.Keys, nil
}

// listed is what a workspace says: its listeners, its secondaries, and the
// zones that were published last.
func (o *status) listed(args []string) ([]followed, map[zones.Name]transfer.Key, error) {
	if len(args) > 1 {
		return nil, nil, fmt.Errorf("one workspace at a time; leave out %s, or name secondaries by --secondary", args[1])
	}
	w, err := o.configured(args)
	if err != nil {
		return nil, nil, err
	}
	o.socket, o.in = socketOf(w, o.state), placed(w)
	file := filepath.Join(w.Dir, workspace.ConfigFile)
	if len(w.Config.Secondaries) == 0 {
		return nil, nil, &noSecondaries{file}
	}
	keys, found := w.TransferKeys()
	if err := o.failed(found); err != nil {
		return nil, nil, err
	}
	dir := o.state
	if dir == "" {
		dir = w.StateDir()
	}
	by := map[zones.ID]followed{}
	views := map[zones.View]bool{}
	for _, s := range w.Config.Secondaries {
		if views[s.View] {
			continue
		}
		views[s.View] = true
		server, at, err := o.followedOf(w.Config, s.View)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		published, err := daemon.ReadPublished(dir, at)
		if err != nil {
			return nil, nil, err
		}
		add := func(id zones.ID, p *daemon.Published) {
			f := followed{id: id, server: server, published: p}
			for _, s := range w.Config.Secondaries {
				if s.Follows(id) {
					f.secondaries = append(f.secondaries, s)
				}
			}
			by[id] = f
		}
		for id, p := range published {
			catalog := slices.ContainsFunc(w.Config.Catalogs, func(c workspace.Catalog) bool { return c.ID == id })
			if id.View == s.View && !catalog { // those who have its members have it, and nobody else is told of it
				add(id, &p)
			}
		}
		for _, f := range w.Config.Follows {
			if f.ID.View == s.View {
				add(f.ID, nil)
			}
		}
	}
	if len(by) == 0 {
		return nil, nil, fmt.Errorf("%s: no zone was published yet; start hopnhat serve, or give its --state here too", dir)
	}
	ids := slices.SortedFunc(maps.Keys(by), zones.ID.Compare)
	var fs []followed
	for _, id := range ids {
		fs = append(fs, by[id])
	}
	return fs, keys, nil
}

// followedOf is the listener that secondaries of a view follow, and its instant.
func (o *status) followedOf(c workspace.Config, view zones.View) (netip.AddrPort, string, error) {
	for _, l := range c.Listeners {
		at := workspace.Before() // as serve has it
		if l.HasAt {
			at = l.At
		}
		if l.View != view || l.TLS != nil {
			continue
		}
		if o.at != "" {
			want, err := workspace.ParseInstant(o.at)
			if err != nil {
				return netip.AddrPort{}, "", fmt.Errorf("--at: %w", err)
			}
			if !l.HasAt {
				at = want
			} else if !want.Equal(at) {
				continue
			}
		}
		server, err := parseServer(l.Address, "listener")
		if o.server != "" {
			server, err = parseServer(o.server, "--server")
		}
		return reachable(server), at.String(), err
	}
	return netip.AddrPort{}, "", fmt.Errorf("no listener of the view %s for its secondaries to follow", view)
}

// reachable is where a listener on all addresses is asked.
func reachable(a netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

// ask asks all of them at once.
func (o *status) ask(ctx context.Context, fs []followed, keys map[zones.Name]transfer.Key) {
	var qs []transfer.Request
	for _, f := range fs {
		q := transfer.Request{Server: f.server, Zone: f.id, Timeouts: transfer.Timeouts{Query: o.wait}}
		qs = append(qs, q)
		for _, s := range f.secondaries {
			q.Server, q.Key = s.Address, nil
			if k, ok := keys[s.Key]; ok {
				q.Key = &k
			}
			qs = append(qs, q)
		}
	}
	got := transfer.Poll(ctx, qs)
	for i := range fs {
		n := len(fs[i].secondaries)
		fs[i].ours, fs[i].theirs, got = got[0], got[1:1+n], got[1+n:]
	}
}
