package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// Listener is one address that answers one view at one instant.
type Listener struct {
	Address string
	View    zones.View
	At      string         // the instant's key, as the Loader knows it
	TLS     *workspace.TLS // nil: UDP and TCP
}

// Loaded is what a Loader read.
type Loaded struct {
	Worlds map[string]zones.World // by a listener's At
	Notes  []string               // sentences to print: findings, what was kept of the world before

	Transfers Transfers

	stamps map[zones.ID][]stamp // the files that each zone was read from
	failed []stamp              // the files that could not be used
	seen   []stamp              // of a workspace: all files that were read

	homes     []updates.Home       // the zones that are master files
	workspace *workspace.Workspace // what the worlds were read from; nil for zone files
	proved    *proved              // nil for zone files
}

// Loader reads the worlds. prev is what it returned last (nil the first
// time), so that a bad file's last good version can be kept. Files in over are
// read as if they held its octets. On an error nothing of the result is used but
// which files failed; it may be nil.
type Loader func(ctx context.Context, prev *Loaded, over map[string][]byte) (*Loaded, error)

// Options are the daemon's settings.
type Options struct {
	Listeners []Listener
	Load      Loader
	State     string        // folder of the served serials (SERIAL-ONCE); "" keeps them in memory only
	Policy    answer.Policy // what the server says of itself
	Log       io.Writer

	Transfers Transfers // of zone files; a workspace says its own

	Uncertified  string // why the world after may be served beyond this machine without its certificate; "" is not
	BehindSigner bool   // signed zones are served as they are: a signer stands before the world
}

// Daemon is a running server. Its methods are safe for concurrent use.
type Daemon struct {
	o       Options
	running []running

	mu       sync.Mutex // guards loaded, and is held while loading
	loaded   *Loaded
	serials  *serials
	notices  *notifier
	updater  *updater
	clock    Clock
	catalogs *catalogs
	follows  *followers
	subs     *subscriptions
}

type running struct {
	Listener
	server  *listen.Server
	image   *current
	secrets *secrets // nil without TLS
}

// Start reads the worlds, compiles them, binds every listener and answers.
// With an error nothing is left running.
func Start(ctx context.Context, o Options) (d *Daemon, err error) {
	if len(o.Listeners) == 0 {
		return nil, errors.New("no listener is configured: give --listen ADDRESS, or `listeners:` in hopnhat.yaml")
	}
	d = &Daemon{o: o, serials: newSerials(o.State, time.Now), notices: newNotifier(o.Log), clock: SystemClock()}
	d.updater = newUpdater(d)
	d.follows = newFollowers(d, o)
	if d.subs, err = newSubscriptions(o.State); err != nil {
		fmt.Fprintln(o.Log, err)
	}
	d.catalogs = &catalogs{dir: o.State, now: d.clock.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close(context.WithoutCancel(ctx)))
		}
	}()
	loaded, err := d.read(ctx, nil)
	if err != nil {
		return d, err
	}
	images, worlds, err := d.compile(loaded)
	if err != nil {
		return d, err
	}
	loaded.Worlds = worlds
	d.loaded = loaded
	for i, l := range o.Listeners {
		c := &current{at: l.At, updater: d.updater, follows: d.follows}
		c.p.Store(&published{images[i], d.known(l.At, outlet(l, worlds[l.At], loaded.Transfers, nil, time.Now)), loaded.Transfers.rules(l.View)})
		secrets, err := secure(l)
		if err != nil {
			return d, err
		}
		s, err := listen.Open(l.Address, c, listen.Options{TLS: secrets.get(), OnError: newFaults(o.Log, l.Address, d.clock.Now).hear})
		if err != nil {
			return d, err
		}
		d.running = append(d.running, running{l, s, c, secrets})
		if secrets != nil {
			secrets.warn(l.Address, d)
		}
	}
	d.say(loaded.Notes)
	for _, r := range d.running {
		go func() {
			if err := r.server.Serve(); err != nil {
				fmt.Fprintf(o.Log, "listener %s ended: %v\n", r.Address, err)
			}
		}()
	}
	d.tell(make([]*transfer.Server, len(d.running)))
	d.updater.wg.Go(d.updater.run)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.subscribeAll()
	d.follows.begin()
	return d, nil
}

// read loads, with every update in the files: they are made to hold all of them
// before, and where somebody saves a file between that and the loading, it is done
// again.
func (d *Daemon) read(ctx context.Context, prev *Loaded) (*Loaded, error) {
	for range 20 {
		want := d.updater.reconcile(ctx)
		l, err := d.o.Load(ctx, prev, nil)
		if err != nil {
			return l, err
		}
		if l.workspace == nil {
			l.Transfers = d.o.Transfers
		}
		opened, err := d.updater.open(l)
		if err != nil {
			return nil, err
		}
		if !opened && l.states(want) {
			return l, nil
		}
	}
	return nil, errors.New("a zone file that takes updates is saved again and again while it is loaded; load it when that ends")
}

// states tells whether files were loaded as they were made.
func (l *Loaded) states(want map[zones.ID]*zones.Zone) bool {
	for id, z := range want {
		if got := l.master(id); got == nil || !got.Equal(z) {
			return false
		}
	}
	return true
}

// master is what was read last of a master file, with the updates since; nil where
// it is none.
func (l *Loaded) master(id zones.ID) *zones.Zone {
	if l == nil {
		return nil
	}
	if l.workspace == nil {
		return l.Worlds[Now].Zone(id)
	}
	for _, m := range l.workspace.Masters() {
		if m.ID == id {
			return m.Zone
		}
	}
	return nil
}

// gate refuses to answer unsigned, where others can ask, for a zone that is
// signed elsewhere: who validates would refuse every answer.
func (d *Daemon) gate(l *Loaded) error {
	for _, li := range d.o.Listeners {
		if d.o.BehindSigner || li.Loopback() {
			continue
		}
		if l.workspace != nil {
			for _, f := range l.workspace.Signed() {
				return fmt.Errorf("listener %s: %w", li.Address, f)
			}
			continue
		}
		for z := range l.Worlds[li.At].In(li.View) {
			if r, ok := workspace.SigningData(z); ok {
				return fmt.Errorf("listener %s: %w", li.Address, finding.Finding{
					ID: "D-SIGNED", Severity: finding.Block, At: r.From.Place,
					Found: fmt.Sprintf("%v is signed (it holds %v) and would be served unsigned", z.ID(), r.Type),
					Mend:  workspace.WaysOut(z.Origin()) + "; with --behind-signer it is served as a hidden primary",
				})
			}
		}
	}
	return nil
}

// Loopback tells whether only this machine can ask.
func (l Listener) Loopback() bool {
	a, err := netip.ParseAddrPort(l.Address)
	return err == nil && a.Addr().IsLoopback()
}

// compile numbers the zones and makes an image for every listener.
func (d *Daemon) compile(l *Loaded) ([]*answer.Image, map[string]zones.World, error) {
	if err := d.gate(l); err != nil {
		return nil, nil, err
	}
	if err := d.certified(l); err != nil {
		return nil, nil, err
	}
	if err := d.catalogs.into(l); err != nil {
		return nil, nil, err
	}
	worlds, err := d.serials.number(l)
	if err != nil {
		return nil, nil, err
	}
	d.follows.set(d.subs.with(l.Transfers, owner(l.Transfers, worlds)))
	if worlds, err = d.follows.into(worlds); err != nil {
		return nil, nil, err
	}
	type key struct {
		at   string
		view zones.View
	}
	made := map[key]*answer.Image{}
	images := make([]*answer.Image, len(d.o.Listeners))
	for i, li := range d.o.Listeners {
		w, ok := worlds[li.At]
		if !ok {
			return nil, nil, fmt.Errorf("listener %s: no world at %q", li.Address, li.At)
		}
		k := key{li.At, li.View}
		if made[k] == nil {
			im, err := d.image(i, w)
			if err != nil {
				return nil, nil, fmt.Errorf("listener %s: %w", li.Address, err)
			}
			made[k] = im
		}
		images[i] = made[k]
	}
	return images, worlds, nil
}

// Reload loads again and publishes. On an error the world before it is still
// answered, and the error says why (LAST-GOOD).
func (d *Daemon) Reload(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.renew()
	loaded, err := d.read(ctx, d.loaded)
	if err != nil {
		if loaded != nil {
			d.loaded.failed = loaded.failed
		}
		return err
	}
	return d.publish(loaded)
}

// publish answers from what was loaded. The caller holds d.mu.
func (d *Daemon) publish(loaded *Loaded) error {
	images, worlds, err := d.compile(loaded)
	if err != nil {
		d.follows.set(d.subs.with(d.loaded.Transfers, d.own))
		return err
	}
	before := make([]*transfer.Server, len(d.running))
	for i, r := range d.running {
		before[i] = r.image.p.Load().out
		r.image.p.Store(&published{images[i], outlet(r.Listener, worlds[r.At], loaded.Transfers, before[i], time.Now), loaded.Transfers.rules(r.View)})
	}
	loaded.Worlds = worlds
	d.loaded = loaded
	d.tell(before)
	d.say(loaded.Notes)
	d.subscribeAll()
	return nil
}

// Worlds returns what is served, by instant.
func (d *Daemon) Worlds() map[string]zones.World {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loaded.Worlds
}

// Addresses returns what each listener is bound to, in the order of Options.
func (d *Daemon) Addresses() []netip.AddrPort {
	var as []netip.AddrPort
	for _, r := range d.running {
		as = append(as, r.server.Addr())
	}
	return as
}

func (d *Daemon) say(notes []string) {
	for _, n := range notes {
		fmt.Fprintln(d.o.Log, n)
	}
}

// Close stops the listeners: answers under way are sent until ctx ends.
func (d *Daemon) Close(ctx context.Context) error {
	d.follows.close()
	d.notices.close()
	var errs []error
	for _, r := range d.running {
		errs = append(errs, r.server.Close(ctx))
	}
	errs = append(errs, d.updater.close())
	d.running = nil
	return errors.Join(errs...)
}
