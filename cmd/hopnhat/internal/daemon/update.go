package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// When the master file is written: soon, but not all the time where that takes long.
const (
	flushSoon  = time.Second
	flushShare = 10 // one part of so many of the time is spent on it, at most
	flushLate  = 30 * time.Second
)

const (
	mostWaiting = 4096 // updates that wait to be made; more are told SERVFAIL
	mostAtOnce  = 512  // updates that one write to the disk makes durable
)

// updater makes dynamic updates: one goroutine takes all that wait, makes them
// one after the other, writes them to the disk in one go, publishes, and answers
// (DURABLE: in that order).
type updater struct {
	d     *Daemon
	queue chan asked
	homes map[zones.ID]*home // guarded by Daemon.mu
	wg    sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc

	done map[[32]byte]transfer.Rcode // answers to signed updates by their sums; of run alone
	last [][32]byte                  // the sums, a ring
	next int                         // the oldest of them
}

// asked is an update that waits.
type asked struct {
	*transfer.Update
	at    string
	id    zones.ID
	rules []transfer.UpdateRule
	from  resolver.Peer
	now   func() time.Time
	reply func([]byte)
}

func (a asked) judge(z *zones.Zone) transfer.Rcode { return a.Judge(z, a.rules, a.from.Addr.Addr()) }

func (a asked) answer(rc transfer.Rcode) { a.reply(a.Answer(rc, a.now())) }

func newUpdater(d *Daemon) *updater {
	ctx, stop := context.WithCancel(context.Background())
	return &updater{d: d, queue: make(chan asked, mostWaiting), homes: map[zones.ID]*home{}, ctx: ctx, stop: stop, done: map[[32]byte]transfer.Rcode{}}
}

// Defers implements resolver.Deferrer.
func (c *current) Defers(msg []byte) bool { return transfer.IsUpdate(msg) }

// Defer implements resolver.Deferrer: an update waits for its turn. Where none is
// taken at all, it is answered as any unknown opcode.
func (c *current) Defer(msg []byte, from resolver.Peer, reply func([]byte)) {
	p := c.p.Load()
	if len(p.updates) == 0 {
		reply(p.image.Handle(nil, msg, from))
		return
	}
	u, ok := transfer.ParseUpdate(msg, p.out.Keys, p.out.Now())
	if !ok {
		reply(nil)
		return
	}
	if _, code := u.Signed(); code != 0 {
		reply(u.Answer(transfer.RcodeNotAuth, p.out.Now())) // need not wait
		return
	}
	a := asked{Update: u, at: c.at, id: zones.ID{Origin: u.Zone, View: p.out.View}, rules: p.updates, from: from, now: p.out.Now, reply: reply}
	select {
	case c.updater.queue <- a:
	default:
		a.answer(transfer.RcodeServFail)
	}
}

// mostDone is how many answers are remembered: a signature is good for minutes
// (RFC 8945 5.2.3), and what is sent again in that time, by the asker who heard no
// answer or by somebody else, is not made again.
const mostDone = 1 << 15

// again tells how an update was answered that is the same to the octet, signature
// and all.
func (u *updater) again(a asked) (transfer.Rcode, bool) {
	if good, _ := a.Signed(); !good {
		return 0, false
	}
	rc, ok := u.done[a.Sum()]
	return rc, ok
}

func (u *updater) remember(a asked, rc transfer.Rcode) {
	if good, _ := a.Signed(); !good || rc == transfer.RcodeServFail {
		return
	}
	sum := a.Sum()
	if _, ok := u.done[sum]; ok {
		return
	}
	if len(u.last) < mostDone {
		u.last = append(u.last, sum)
	} else {
		delete(u.done, u.last[u.next])
		u.last[u.next] = sum
		u.next = (u.next + 1) % mostDone
	}
	u.done[sum] = rc
}

// run makes updates until the daemon closes.
func (u *updater) run() {
	for {
		select {
		case <-u.ctx.Done():
			return
		case first := <-u.queue:
			batch := []asked{first}
			for len(batch) < mostAtOnce && len(u.queue) > 0 {
				batch = append(batch, <-u.queue)
			}
			u.make(batch)
		}
	}
}

// make makes a batch, in its order for each zone.
func (u *updater) make(batch []asked) {
	type place struct {
		at string
		id zones.ID
	}
	var order []place
	of := map[place][]asked{}
	for _, a := range batch {
		p := place{a.at, a.id}
		if of[p] == nil {
			order = append(order, p)
		}
		of[p] = append(of[p], a)
	}
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	for _, p := range order {
		if u.d.loaded.workspace != nil {
			for _, a := range of[p] {
				u.inWorkspace(u.ctx, a)
			}
			continue
		}
		u.inFile(p.at, p.id, of[p])
	}
}

// inFile makes updates of a zone that is its master file, all in one step.
func (u *updater) inFile(at string, id zones.ID, as []asked) {
	z, h := u.d.loaded.Worlds[at].Zone(id), u.homes[id]
	if h == nil {
		z = nil // it is followed, or no rule reaches it
	}
	now, all := z, zones.Delta{ID: id}
	rcodes := make([]transfer.Rcode, len(as))
	first := map[[32]byte]int{} // of those that came twice in this batch
	for i, a := range as {
		if rc, ok := u.again(a); ok {
			rcodes[i] = rc
			continue
		}
		if good, _ := a.Signed(); good {
			if _, twice := first[a.Sum()]; twice {
				continue
			}
			first[a.Sum()] = i
		}
		if rcodes[i] = a.judge(now); rcodes[i] != transfer.RcodeNoError {
			continue
		}
		d := a.Delta(now)
		if d.Empty() {
			continue
		}
		next, err := d.Apply(now)
		if err != nil {
			fmt.Fprintf(u.d.o.Log, "%v: an update from %v cannot be made: %v\n", id, a.from.Addr, err)
			rcodes[i] = transfer.RcodeServFail
			continue
		}
		now, all = next, all.Then(d)
	}
	if !all.Empty() {
		if err := u.commit(at, z, h, all); err != nil {
			fmt.Fprintf(u.d.o.Log, "%v: updates are not made: %v\n", id, err)
			for i := range as {
				rcodes[i] = transfer.RcodeServFail // each was judged by what those before it changed
			}
		}
	}
	for i, a := range as {
		if good, _ := a.Signed(); good {
			if k, ok := first[a.Sum()]; ok {
				rcodes[i] = rcodes[k]
			}
		}
		u.remember(a, rcodes[i])
		a.answer(rcodes[i])
	}
}

// commit writes a step of a zone to the disk, then publishes it: what can fail of
// that comes first.
func (u *updater) commit(at string, z *zones.Zone, h *home, d zones.Delta) error {
	d = transfer.Numbered(z, d, z.Serial().Next().Next()) // people raise it by one
	next, err := d.Apply(z)
	if err != nil {
		return err
	}
	publish, err := u.d.prepare(at, d, next)
	if err != nil {
		return err
	}
	if err := h.file.Append(d); err != nil {
		return err
	}
	publish()
	h.changed()
	return nil
}

// home is a zone that takes updates, with what writes its master file.
type home struct {
	file *updates.File
	wake chan struct{} // the master file lacks something
}

// flush writes the master file of a home a little after it was changed, at most a
// part of the time; and once more at the end.
func (u *updater) flush(h *home) {
	wait, told := flushSoon, false
	for over := false; !over; {
		select {
		case <-u.ctx.Done():
			over = true
		case <-h.wake:
			_ = u.d.clock.Wait(u.ctx, wait) // ended early, it is written early
		}
		begun := u.d.clock.Now()
		err := h.file.Flush(context.WithoutCancel(u.ctx))
		if err != nil && !told {
			fmt.Fprintf(u.d.o.Log, "%v: what updates changed is in the journal and not yet in the file: %v\n", h.file.ID(), err)
		}
		told = err != nil
		wait = min(max(flushSoon, u.d.clock.Now().Sub(begun)*flushShare), flushLate)
	}
}

func (h *home) changed() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// open takes the homes of a loading that are not open yet, and tells whether there
// were any.
func (u *updater) open(l *Loaded) (opened bool, err error) {
	if len(l.Transfers.Updates) == 0 {
		return false, nil
	}
	for _, h := range l.homes {
		if u.homes[h.ID] != nil || l.workspace == nil && !l.Transfers.takesUpdates(h.ID.Origin) {
			continue
		}
		h.State, h.Wait = filepath.Join(u.d.o.State, "updates"), u.d.clock.Wait
		f, note, err := updates.Open(h)
		if err != nil {
			return opened, err
		}
		if note != "" {
			fmt.Fprintln(u.d.o.Log, note)
		}
		notes, err := f.Clean()
		if err != nil {
			fmt.Fprintf(u.d.o.Log, "%v: %v\n", h.ID, err)
		}
		u.d.say(notes)
		one := &home{f, make(chan struct{}, 1)}
		u.homes[h.ID] = one
		u.wg.Go(func() { u.flush(one) })
		opened = true
	}
	return opened, nil
}

// reconcile makes the files hold every update, before they are loaded, and gives
// what each states then. A file that cannot be read is the loading's to tell.
func (u *updater) reconcile(ctx context.Context) map[zones.ID]*zones.Zone {
	want := map[zones.ID]*zones.Zone{}
	for id, h := range u.homes {
		o, err := h.file.Reconcile(ctx, u.d.loaded.master(id))
		if err != nil {
			fmt.Fprintf(u.d.o.Log, "%v: what updates changed waits in the journal: %v\n", id, err)
			continue
		}
		if o.Edited && o.Lacked > 0 {
			fmt.Fprintf(u.d.o.Log, "%v: the file was edited from a state before the last updates; %d changes of theirs were made in it again\n", id, o.Lacked)
		}
		want[id] = o.Zone
	}
	return want
}

// takesUpdates tells whether a rule may let anybody change something in a zone.
func (t Transfers) takesUpdates(zone zones.Name) bool {
	return slices.ContainsFunc(t.Updates, func(r workspace.Updates) bool { return len(r.Zones) == 0 || slices.Contains(r.Zones, zone) })
}

// close ends the updates under way; what waits is told SERVFAIL.
func (u *updater) close() error {
	u.stop()
	u.wg.Wait()
	for len(u.queue) > 0 {
		(<-u.queue).answer(transfer.RcodeServFail)
	}
	var errs []error
	for _, h := range u.homes {
		errs = append(errs, h.file.Close())
	}
	return errors.Join(errs...)
}
