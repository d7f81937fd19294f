package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// followers keep the zones that come from other servers: one goroutine for each.
type followers struct {
	publish func(*follower, *zones.Zone, *zones.Delta) error // nil: the zone is not served any more
	openly  func(*zones.Zone) error                          // why a zone may not be served
	local   func(zones.ID, netip.AddrPort) netip.Addr        // to ask a primary from
	keep    keeper
	log     io.Writer
	now     func() time.Time
	jitter  func() float64
	slots   chan struct{} // room for questions that run at once
	begun   bool          // guarded by Daemon.mu, as runs is

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
	runs map[zones.ID]*follower

	arriving arrivals

	heard  atomic.Pointer[map[zones.View]hearing] // what listeners look at
	absent atomic.Bool                            // one of them has a zone that is not there
}

// maxAsking is how many questions run at once: after a start all zones ask.
const maxAsking = 32

// hearing is what the listeners of one view know of followed zones.
type hearing struct {
	transfer.Listener
	absent []zones.Name // followed zones that are not there: never came, or expired
	runs   map[zones.Name]*follower
}

func newFollowers(d *Daemon, o Options) *followers {
	ctx, stop := context.WithCancel(context.Background())
	f := &followers{publish: d.follow, openly: d.openly, local: d.asker, log: o.Log, now: time.Now, jitter: rand.Float64, slots: make(chan struct{}, maxAsking), ctx: ctx, stop: stop, runs: map[zones.ID]*follower{}}
	if o.State != "" {
		f.keep.dir = filepath.Join(o.State, "followed")
	}
	f.heard.Store(&map[zones.View]hearing{})
	return f
}

// set follows these zones and no others. Those that are followed as before go
// on; one from other primaries goes on from the zone that is there. The caller
// holds Daemon.mu.
func (fs *followers) set(t Transfers) {
	next := map[zones.ID]*follower{}
	for _, conf := range t.Follows {
		var key *transfer.Key
		if k, ok := t.Keys[conf.Key]; ok {
			key = &k
		}
		was := fs.runs[conf.ID]
		if was != nil && was.conf.Same(conf) && was.sameKey(key) {
			next[conf.ID] = was
			continue
		}
		next[conf.ID] = newFollower(fs, conf, key, was)
	}
	for id, was := range fs.runs {
		if next[id] != was {
			was.stop()
		}
	}
	fs.runs = next
	fs.tell(t.Keys)
	if fs.begun {
		fs.begin()
	}
}

// begin lets the goroutines run, where they do not yet.
func (fs *followers) begin() {
	fs.begun = true
	for _, id := range slices.SortedFunc(maps.Keys(fs.runs), zones.ID.Compare) {
		if f := fs.runs[id]; !f.runs && fs.ctx.Err() == nil {
			f.runs = true
			fs.wg.Go(f.run)
		}
	}
}

// tell tells the listeners what is followed, and what of it is not there.
func (fs *followers) tell(keys map[zones.Name]transfer.Key) {
	views, absent := map[zones.View]hearing{}, false
	for id, f := range fs.runs {
		h, ok := views[id.View]
		if !ok {
			h = hearing{Listener: transfer.Listener{Zones: map[zones.Name][]transfer.Teller{}, Keys: keys, Now: fs.now}, runs: map[zones.Name]*follower{}}
		}
		h.Zones[id.Origin] = f.conf.Tellers()
		h.runs[id.Origin] = f
		if !f.served {
			h.absent = append(h.absent, id.Origin)
			absent = true
		}
		views[id.View] = h
	}
	fs.heard.Store(&views)
	fs.absent.Store(absent)
}

// into adds the followed zones that are there to what files say.
func (fs *followers) into(worlds map[string]zones.World) (map[string]zones.World, error) {
	out := maps.Clone(worlds)
	for _, id := range slices.SortedFunc(maps.Keys(fs.runs), zones.ID.Compare) {
		f := fs.runs[id]
		for at, w := range out {
			if worlds[at].Zone(id) != nil {
				return nil, fmt.Errorf("%v is followed and has a file too; keep one of them", id)
			}
			if f.served {
				out[at] = w.With(f.zone)
			}
		}
	}
	return out, nil
}

// hear takes a NOTIFY; false when the message is none, or nothing is followed.
func (fs *followers) hear(view zones.View, msg []byte, from resolver.Peer) (out []byte, ok bool) {
	h, followed := (*fs.heard.Load())[view]
	if !followed || !transfer.IsNotify(msg) {
		return nil, false
	}
	told, out := h.Hear(msg, from.Addr.Addr())
	if told != nil {
		select {
		case h.runs[told.Zone].told <- *told:
		default: // as many wait already: one question answers them all
		}
	}
	return out, true
}

// unavailable answers a question about a followed zone that is not there, as
// long as no zone below it is (RFC 1034 4.3.5; docs/behaviour.md 20).
func (fs *followers) unavailable(p *published, dst []byte, q *resolver.Query, from resolver.Peer) ([]byte, bool) {
	if !fs.absent.Load() {
		return nil, false
	}
	h := (*fs.heard.Load())[p.out.View]
	if len(h.absent) == 0 || zones.Class(q.Class) != zones.ClassIN {
		return nil, false
	}
	name, _, err := zones.NameFromWire(q.Name)
	if err != nil {
		return nil, false
	}
	if zones.Type(q.Type) == zones.TypeDS && slices.Contains(h.absent, name) { // the parent's to say
		if up, ok := name.Parent(); ok {
			for ; ok; up, ok = up.Parent() {
				if p.out.Versions[up].Zone != nil {
					return nil, false
				}
			}
		}
	}
	for ok := true; ok; name, ok = name.Parent() {
		if slices.Contains(h.absent, name) {
			return answer.Unavailable(dst, q, from), true
		}
		if p.out.Versions[name].Zone != nil {
			return nil, false
		}
	}
	return nil, false
}

// close ends all questions, and keeps what is not kept yet.
func (fs *followers) close() {
	fs.stop()
	fs.wg.Wait()
}

// follow is how the daemon publishes a followed zone.
func (d *Daemon) follow(f *follower, z *zones.Zone, delta *zones.Delta) error {
	if z != nil && delta == nil {
		return d.arrive(f, z)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := f.conf.ID
	if d.follows.runs[id] != f || f.ctx.Err() != nil {
		return context.Canceled // another one follows the zone now
	}
	if z == nil {
		f.served = false
		d.follows.tell(d.loaded.Transfers.Keys) // SERVFAIL before the zone goes
		return d.show(func(w zones.World) zones.World { return without(w, map[zones.ID]bool{id: true}) }, id.View)
	}
	if !f.served {
		a := &arrival{f: f, zone: z}
		d.admit([]*arrival{a})
		return a.err
	}
	err := d.openly(z)
	if err != nil {
		return err
	}
	for at := range d.loaded.Worlds {
		err = errors.Join(err, d.change(at, *delta, z))
	}
	if err != nil {
		return err
	}
	f.zone, f.served = z, true
	d.follows.tell(d.loaded.Transfers.Keys)
	if f.conf.Catalog {
		d.subscribe(id, z)
	}
	return nil
}

// show publishes the worlds otherwise, to the listeners of a view. The caller
// holds d.mu.
func (d *Daemon) show(otherwise func(zones.World) zones.World, view zones.View) error {
	l := *d.loaded
	worlds := maps.Clone(l.Worlds)
	for at, w := range worlds {
		worlds[at] = otherwise(w)
	}
	l.Worlds = worlds
	made := map[string]*answer.Image{}
	for _, r := range d.running {
		if r.View != view || made[r.At] != nil {
			continue
		}
		im, err := answer.Compile(worlds[r.At], view, d.o.Policy)
		if err != nil {
			return err
		}
		made[r.At] = im
	}
	was := make([]*transfer.Server, len(d.running))
	for i, r := range d.running {
		before := r.image.p.Load()
		was[i] = before.out
		if r.View != view {
			continue
		}
		out := outlet(r.Listener, worlds[r.At], l.Transfers, before.out, time.Now)
		r.image.p.Store(&published{made[r.At], out, before.updates})
	}
	d.loaded = &l
	d.tell(was)
	return nil
}

func without(w zones.World, ids map[zones.ID]bool) zones.World {
	var zs []*zones.Zone
	for z := range w.All() {
		if !ids[z.ID()] {
			zs = append(zs, z)
		}
	}
	out, _ := zones.NewWorld(zs...) // no two are of one identity
	return out
}

// openly refuses to answer unsigned, where others can ask, for a followed zone
// that is signed.
func (d *Daemon) openly(z *zones.Zone) error {
	r, signed := workspace.SigningData(z)
	if !signed || d.o.BehindSigner {
		return nil
	}
	for _, li := range d.o.Listeners {
		if li.View == z.View() && !li.Loopback() {
			return fmt.Errorf("it is signed (it holds %v) and would be served unsigned on %s: %s; with --behind-signer it is served as a hidden primary", r.Type, li.Address, workspace.WaysOut(z.Origin()))
		}
	}
	return nil
}

// asker is the address that a primary is asked from: that of a listener, by
// which it knows this server, where one can reach it.
func (d *Daemon) asker(id zones.ID, to netip.AddrPort) netip.Addr {
	for _, r := range d.running {
		a := r.server.Addr().Addr()
		if r.View == id.View && a.IsValid() && !a.IsUnspecified() && a.Is4() == to.Addr().Unmap().Is4() && a.IsLoopback() == to.Addr().Unmap().IsLoopback() {
			return a
		}
	}
	return netip.Addr{}
}
