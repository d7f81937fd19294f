package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/clock"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
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

	homes     []updates.Home         // the zones that are master files
	workspace *workspace.Workspace   // what the worlds were read from; nil for zone files
	plan      *merge.Plan            // what the workspace was merged to
	planFound []finding.Finding      // about the plan
	own       zones.World            // of Now, as numbered: without catalogs and what is followed
	served    zones.World            // what the log says is served, of a timeline
	raw       map[string]zones.World // as they were loaded: without catalogs, numbers and what is followed
	change    *change                // how the world of now comes to be served; nil without a timeline
	proved    *proved                // nil for zone files
	retries   bool                   // with lacks: it is no file that is wrong, so it is tried again by itself
	lacks     string                 // why what was published last is served in place of what the files lead to; "" where it is not
}

// Loader reads the worlds. prev is what it returned last (nil the first
// time), so that a bad file's last good version can be kept. Files in over are
// read as if they held its octets. On an error nothing of the result is used but
// which files failed, and by a start its workspace, which is nil where hopnhat.yaml
// has errors, and its transfers; it may be nil.
type Loader func(ctx context.Context, prev *Loaded, over map[string][]byte) (*Loaded, error)

// Options are the daemon's settings.
type Options struct {
	Listeners []Listener
	Load      Loader
	State     string        // folder of the served serials (SERIAL-ONCE); "" keeps them in memory only
	Policy    answer.Policy // what the server says of itself
	Log       io.Writer

	Transfers Transfers // of zone files; a workspace says its own

	Directed bool                 // the world of now is a step of the workspace's timeline (Now)
	Rehearse time.Duration        // the timeline is rehearsed, with its switch so far ahead; 0: it is none
	Clock    Clock                // the zero Clock is the machine's
	Read     func() clock.Reading // all clocks of the machine, which are watched; nil is the machine's
	Control  string               // path of the control socket; "": none
	Group    string               // whose members may use it; "": the server's own user alone

	Uncertified  string // why the world after may be served beyond this machine without its certificate; "" is not
	BehindSigner bool   // signed zones are served as they are: a signer stands before the world
}

// Daemon is a running server. Its methods are safe for concurrent use.
type Daemon struct {
	o       Options
	running []running

	reading  sync.Mutex // held by who reloads, without mu; before mu, where both are
	mu       sync.Mutex // guards loaded, and is held while what was read is made what is served
	loaded   *Loaded
	serials  *serials
	notices  *notifier
	updater  *updater
	clock    Clock
	catalogs *catalogs
	follows  *followers
	subs     *subscriptions
	past     *past
	director *director       // nil: no timeline is run
	control  *control.Server // nil: none
	closed   bool
	stop     context.CancelFunc // ends what runs beside the listeners
	wg       sync.WaitGroup
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
	if o.Clock.Now == nil {
		o.Clock = SystemClock()
	}
	d = &Daemon{o: o, serials: newSerials(o.State, o.Clock.Now), notices: newNotifier(o.Log), clock: o.Clock}
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
	if d.past, err = d.openPast(); err != nil {
		return d, err
	}
	d.serials.past = d.past
	if o.Directed {
		if d.director, err = newDirector(d, o.Rehearse); err != nil {
			return d, err
		}
		d.director.holdLoss()
	}
	d.past.repair(o.Log)
	loaded, err := d.read(ctx, d.recalled(), nil, Note{})
	if err != nil {
		if loaded, err = d.director.resume(loaded, err); err != nil {
			return d, err
		}
	}
	for _, l := range o.Listeners {
		c := &current{at: l.At, updater: d.updater, follows: d.follows}
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
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.publish(loaded, Note{}); err != nil {
		if loaded, err = d.director.resume(loaded, err); err != nil {
			return d, err
		}
		if err := d.publish(loaded, Note{}); err != nil {
			return d, err
		}
	}
	for _, r := range d.running {
		go func() {
			if err := r.server.Serve(); err != nil {
				fmt.Fprintf(o.Log, "listener %s ended: %v\n", r.Address, err)
			}
		}()
	}
	d.updater.wg.Go(d.updater.run)
	d.follows.begin()
	return d, d.beside()
}

// beside starts what runs beside the listeners. The caller holds d.mu.
func (d *Daemon) beside() (err error) {
	var ctx context.Context
	ctx, d.stop = context.WithCancel(context.Background())
	if d.director != nil {
		d.director.run = ctx
		d.wg.Go(func() { d.director.direct(ctx) })
	}
	if d.o.Control == "" {
		return nil
	}
	d.control, err = control.Listen(d.o.Control, d.o.Group, d, d.o.Log)
	unwritten := errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) // what was published last can be served
	if err != nil && (unwritten || !d.o.Directed) {
		fmt.Fprintf(d.o.Log, "no command reaches this server but by signals: %v\n", err) // several may share a state folder
		return nil
	}
	return err
}

// openPast takes the history of what is served now, where anything is.
func (d *Daemon) openPast() (*past, error) {
	if d.o.Directed && d.o.State == "" {
		return nil, errors.New("a timeline needs a state folder: give --state")
	}
	if !slices.ContainsFunc(d.o.Listeners, func(l Listener) bool { return l.At == Now }) {
		return nil, nil
	}
	p, fs, err := openPast(d.o.State, d.clock.Now)
	for _, f := range fs {
		fmt.Fprintln(d.o.Log, f)
	}
	if errors.Is(err, errOther) && !d.o.Directed {
		fmt.Fprintf(d.o.Log, "%v; until then this one keeps none\n", err)
		return nil, nil
	}
	if p != nil && d.o.Directed {
		if e := p.lost(d.o.State, fs); e != nil {
			p.close()
			return nil, errors.Join(err, e)
		}
	}
	return p, err
}

// read loads, with every update in the files: they are made to hold all of them
// before, and where somebody saves a file between that and the loading, it is done
// again. What was read before the lock was taken is the first that it looks at; nil is
// none.
func (d *Daemon) read(ctx context.Context, prev *Loaded, before *early, n Note) (*Loaded, error) {
	for range 20 {
		want := d.updater.reconcile(ctx)
		l, err := before.get()
		if before = nil; l == nil && err == nil {
			l, err = d.o.Load(ctx, prev, nil)
		}
		if l, err = d.arranged(l, err, n); err != nil {
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
		if l.workspace != nil && l.lacks == "" {
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

// only is a world without the zones that another has not.
func only(w, of zones.World) (zones.World, error) {
	var zs []*zones.Zone
	for z := range of.All() {
		zs = append(zs, w.Zone(z.ID()))
	}
	return zones.NewWorld(zs...)
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
	mine := l.Worlds[Now]
	l.raw = l.Worlds
	if err := d.catalogs.into(l); err != nil {
		return nil, nil, err
	}
	if d.director != nil {
		l.served = d.director.served
	}
	worlds, err := d.serials.number(l)
	if err != nil {
		return nil, nil, err
	}
	if l.own, err = only(worlds[Now], mine); err != nil {
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
		if !ok && l.lacks == "" { // else it refuses
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
func (d *Daemon) Reload(ctx context.Context) error { return d.ReloadFor(ctx, Note{}) }

// ReloadFor is Reload with who wants it, and why.
func (d *Daemon) ReloadFor(ctx context.Context, n Note) error {
	return d.reloading(ctx, n, func(map[string]zones.World) {})
}

// early is a reading that was made without the lock.
type early struct {
	l   *Loaded
	err error
}

func (e *early) get() (*Loaded, error) {
	if e == nil {
		return nil, nil
	}
	return e.l, e.err
}

// reloading is ReloadFor; then, under the same lock, done hears what was served
// before. The files are read without the lock: that takes most of the time, in which
// others need not wait. If something else was loaded meanwhile they are read again; and
// where updates are taken they are read under the lock alone, so that none comes between
// the writing of the updates before it into the files and their reading. The caller does
// not hold d.mu.
func (d *Daemon) reloading(ctx context.Context, n Note, done func(was map[string]zones.World)) error {
	d.reading.Lock()
	defer d.reading.Unlock()
	d.mu.Lock()
	prev, apart := d.loaded, len(d.updater.homes) == 0
	d.mu.Unlock()
	var before *early
	if apart {
		l, err := d.o.Load(ctx, prev, nil)
		before = &early{l, err}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errStopping
	}
	if d.loaded != prev && (prev.workspace == nil || d.loaded.workspace != prev.workspace) {
		before = nil
	}
	was := d.loaded.Worlds
	if err := d.reloaded(ctx, before, n); err != nil {
		return err
	}
	done(was)
	return nil
}

// reloaded is the rest of it, for who holds d.mu.
func (d *Daemon) reloaded(ctx context.Context, before *early, n Note) error {
	defer d.renew()
	loaded, err := d.read(ctx, d.loaded, before, n)
	if err != nil {
		if loaded != nil {
			d.loaded.failed = loaded.failed
			if d.loaded.retries = d.loaded.lacks != "" && len(loaded.failed) == 0; d.loaded.retries {
				d.loaded.failed = loaded.seen
			}
		}
		if d.loaded.lacks != "" {
			d.loaded.lacks = lacking(err, d.loaded.retries)
		}
		return err
	}
	return d.publish(loaded, n)
}

// load is Options.Load, with the world of now where a timeline says what that is.
func (d *Daemon) load(ctx context.Context, prev *Loaded, over map[string][]byte, n Note) (*Loaded, error) {
	l, err := d.o.Load(ctx, prev, over)
	return d.arranged(l, err, n)
}

// arranged is what was loaded with the world of now.
func (d *Daemon) arranged(l *Loaded, err error, n Note) (*Loaded, error) {
	if err == nil && d.director != nil {
		err = d.director.arrange(l, n)
	}
	return l, err
}

// made is what a world, or several, was compiled to.
type made struct {
	images []*answer.Image // by listener
	worlds map[string]zones.World
}

// publish answers from what was loaded. The caller holds d.mu.
func (d *Daemon) publish(loaded *Loaded, n Note) error {
	err := d.become(loaded, n)
	if err != nil && d.loaded != nil {
		d.follows.set(d.subs.with(d.loaded.Transfers, d.own))
	}
	return err
}

// become compiles, commits and swaps.
func (d *Daemon) become(loaded *Loaded, n Note) error {
	if c := loaded.change; c != nil {
		return c.make(d, loaded)
	}
	images, worlds, err := d.compile(loaded)
	if err != nil {
		return err
	}
	if d.past != nil {
		if _, err := d.past.commit(evPublished, loaded.own, n, nil); err != nil {
			return err
		}
	}
	d.swap(loaded, made{images, worlds})
	return nil
}

// swap turns every listener to what was compiled (ONE-STEP). It cannot fail.
func (d *Daemon) swap(loaded *Loaded, m made) {
	before := make([]*transfer.Server, len(d.running))
	for i, r := range d.running {
		was := r.image.p.Load()
		if was != nil {
			before[i] = was.out
		}
		out := outlet(r.Listener, m.worlds[r.At], loaded.Transfers, before[i], time.Now)
		if was == nil {
			out = d.known(loaded, r.At, out)
		}
		r.image.p.Store(&published{m.images[i], out, loaded.Transfers.rules(r.View)})
	}
	loaded.Worlds = m.worlds
	d.loaded = loaded
	d.tell(before)
	d.say(loaded.Notes)
	d.subscribeAll()
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
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	var errs []error
	if d.control != nil {
		errs = append(errs, d.control.Close())
	}
	if d.stop != nil {
		d.stop()
	}
	d.wg.Wait()
	defer d.past.close()
	d.follows.close()
	d.notices.close()
	for _, r := range d.running {
		errs = append(errs, r.server.Close(ctx))
	}
	errs = append(errs, d.updater.close())
	d.running = nil
	return errors.Join(errs...)
}
