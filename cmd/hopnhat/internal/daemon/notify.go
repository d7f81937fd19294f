package daemon

import (
	"context"
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
		if !a.IsUnspecified() && a.Is4() == to.Unmap().Is4() && !slices.Contains(out, a) {
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

	mu   sync.Mutex // guards runs
	runs map[notice]chan news
}

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
	return &notifier{log: log, ctx: ctx, stop: stop, runs: map[notice]chan news{}}
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
		n.wg.Go(func() { n.run(k, c) })
	}
	select {
	case <-c: // older, and not told yet
	default:
	}
	c <- one
}

func (n *notifier) run(k notice, c chan news) {
	silent := false // it did not acknowledge the last
	for {
		select {
		case <-n.ctx.Done():
			return
		case one := <-c:
			silent = n.try(k, one, c, silent)
		}
		n.wait(between, nil)
	}
}

// try tells of a change, or of a newer one that comes meanwhile, until one is
// acknowledged or the tries are used up. It is said when a secondary falls silent,
// and when it is not any more.
func (n *notifier) try(k notice, one news, c chan news, was bool) (silent bool) {
	for i, waits := 0, notifyWaits(); ; i++ {
		soa, _ := one.z.Lookup(one.z.Origin(), zones.TypeSOA)
		var err error
		for _, local := range one.from {
			q := transfer.Request{Server: k.to, Zone: k.zone, Key: one.key, Local: local}
			if err = transfer.Notify(n.ctx, q, soa); err == nil || n.ctx.Err() != nil {
				break
			}
		}
		switch {
		case n.ctx.Err() != nil:
			return was
		case err == nil:
			if was || i > 0 {
				fmt.Fprintf(n.log, "%s (%v) was told that %v has serial %d\n", one.to.Name, k.to, k.zone, one.z.Serial())
			}
			return false
		case i == 0 && !was:
			fmt.Fprintf(n.log, "%s (%v) is not told yet that %v has serial %d: %v\n", one.to.Name, k.to, k.zone, one.z.Serial(), err)
		case i == len(waits):
			if !was {
				fmt.Fprintf(n.log, "%s (%v) was not told that %v has serial %d: %v; it asks by its refresh\n", one.to.Name, k.to, k.zone, one.z.Serial(), err)
			}
			return true
		}
		// Something newer is told soon: who was silent may be back.
		n.wait(between, nil)
		if newer, came := n.wait(waits[i]-between, c); came {
			one = newer
		}
	}
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
