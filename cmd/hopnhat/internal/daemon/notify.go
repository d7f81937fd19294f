package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// The waits between tries of NOTIFY to a secondary that does not answer (RFC
// 1996 3.6: not without end; its refresh comes anyway).
func notifyWaits() []time.Duration {
	return []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 60 * time.Second}
}

// between is the least time from one NOTIFY to the next of one zone to one
// secondary: a zone that updates change all the time is told of now and then.
const between = time.Second

// tell tells secondaries which zones are not what they were: before is what each
// listener handed out, nil at the start, when nobody knows what they have.
// Listeners of one world tell once, each secondary from the addresses of its own
// family.
func (d *Daemon) tell(before []*transfer.Server) {
	type world struct {
		at   string
		view zones.View
	}
	from := map[world][]netip.Addr{}
	for _, r := range d.running {
		w := world{r.At, r.View}
		from[w] = append(from[w], r.server.Addr().Addr())
	}
	told := map[world]bool{}
	t := d.loaded.Transfers
	for i, r := range d.running {
		w := world{r.At, r.View}
		if told[w] {
			continue
		}
		told[w] = true
		for _, v := range r.image.p.Load().out.Versions {
			if before[i] != nil {
				if was := before[i].Versions[v.Zone.Origin()]; was.Zone != nil && was.Zone.Serial() == v.Zone.Serial() {
					continue
				}
			}
			for _, s := range t.Secondaries {
				if s.Silent || !s.Follows(v.Zone.ID()) {
					continue
				}
				one := news{to: s, from: locals(s.Address.Addr(), from[w]), z: v.Zone}
				if k, ok := t.Keys[s.Key]; ok {
					one.key = &k
				}
				d.notices.tell(r.At, one)
			}
		}
	}
}

// locals are the addresses from which a secondary is told, since it knows its
// primary by one of them; without any the system chooses.
func locals(to netip.Addr, from []netip.Addr) (out []netip.Addr) {
	for _, a := range from {
		if !a.IsUnspecified() && a.Is4() == to.Unmap().Is4() && (!a.IsLoopback() || to.IsLoopback()) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = []netip.Addr{{}}
	}
	return out
}

// notifier tells secondaries of changes: one goroutine for each zone of each. A
// newer change takes the place of the older one.
type notifier struct {
	log  io.Writer
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex // guards what follows
	runs map[notice]chan news
	hear map[netip.AddrPort]*ear
}

// ear is how one secondary hears what it is told.
type ear struct {
	slots  chan struct{} // how many zones it is told of at once
	silent bool          // it acknowledged nothing lately; guarded by notifier.mu
}

// mostTold is how many zones a secondary is told of at once: a start tells of all,
// and one that is silent must not hold a socket for each.
const mostTold = 32

// notice is whom to tell of what.
type notice struct {
	to   netip.AddrPort
	at   string
	zone zones.ID
}

// news is what to tell.
type news struct {
	to   workspace.Secondary
	key  *transfer.Key
	from []netip.Addr // in turn, until one is acknowledged; the zero Addr: the system chooses
	z    *zones.Zone
}

func newNotifier(log io.Writer) *notifier {
	ctx, stop := context.WithCancel(context.Background())
	return &notifier{log: log, ctx: ctx, stop: stop, runs: map[notice]chan news{}, hear: map[netip.AddrPort]*ear{}}
}

// tell begins to tell a secondary; it returns at once.
func (n *notifier) tell(at string, one news) {
	k := notice{one.to.Address, at, one.z.ID()}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		return
	}
	c := n.runs[k]
	if c == nil {
		c = make(chan news, 1)
		n.runs[k] = c
		h := n.hear[k.to]
		if h == nil {
			h = &ear{slots: make(chan struct{}, mostTold)}
			n.hear[k.to] = h
		}
		n.wg.Go(func() { n.run(k, h, c) })
	}
	select {
	case <-c: // older, and not told yet
	default:
	}
	c <- one
}

func (n *notifier) run(k notice, h *ear, c chan news) {
	refused := false // it refused the last
	for {
		select {
		case <-n.ctx.Done():
			return
		case one := <-c:
			refused = n.try(k, h, one, c, refused)
		}
		n.wait(between, nil)
	}
}

// try tells of a change, or of a newer one that comes meanwhile, until one is
// acknowledged or the tries are used up. It is said once when a secondary falls
// silent, and when it is not any more; and of each zone that it refuses.
func (n *notifier) try(k notice, h *ear, one news, c chan news, was bool) (refused bool) {
	for i, waits := 0, notifyWaits(); ; i++ {
		err := n.once(k, h, one)
		if n.ctx.Err() != nil {
			return was
		}
		answered := err == nil || errors.As(err, new(*transfer.NotifyError))
		n.mu.Lock()
		changed := h.silent == answered
		h.silent = !answered
		n.mu.Unlock()
		switch {
		case changed && answered:
			fmt.Fprintf(n.log, "%s (%v) hears NOTIFY again\n", one.to.Name, k.to)
		case changed:
			fmt.Fprintf(n.log, "%s (%v) does not hear that %v has serial %d: %v; it is told again, and asks by its refresh\n", one.to.Name, k.to, k.zone, one.z.Serial(), err)
		}
		switch {
		case err == nil:
			return false
		case answered && !was:
			fmt.Fprintf(n.log, "%s (%v) refuses to hear that %v has serial %d: %v\n", one.to.Name, k.to, k.zone, one.z.Serial(), err)
			was = true
		}
		if i == len(waits) {
			return was
		}
		// Something newer is told soon: who was silent may be back.
		n.wait(between, nil)
		if newer, came := n.wait(waits[i]-between, c); came {
			one = newer
		}
	}
}

// once tells a secondary once, from each address in turn.
func (n *notifier) once(k notice, h *ear, one news) (err error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-n.ctx.Done():
		return n.ctx.Err()
	}
	soa, _ := one.z.Lookup(one.z.Origin(), zones.TypeSOA)
	for _, local := range one.from {
		q := transfer.Request{Server: k.to, Zone: k.zone, Key: one.key, Local: local}
		if err = transfer.Notify(n.ctx, q, soa); err == nil || n.ctx.Err() != nil {
			return err
		}
	}
	return err
}

// wait waits, or until something newer comes.
func (n *notifier) wait(d time.Duration, c chan news) (newer news, came bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case newer = <-c:
		return newer, true
	case <-n.ctx.Done():
	case <-t.C:
	}
	return news{}, false
}

// close ends all tries.
func (n *notifier) close() {
	n.mu.Lock()
	n.stop()
	n.mu.Unlock()
	n.wg.Wait()
}
