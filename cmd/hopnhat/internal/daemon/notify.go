package daemon

import (
	"context"
	"fmt"
	"io"
	"net/netip"
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
	from netip.Addr
	zone zones.ID
}

// news is what to tell.
type news struct {
	to  workspace.Secondary
	key *transfer.Key
	z   *zones.Zone
}

func newNotifier(log io.Writer) *notifier {
	ctx, stop := context.WithCancel(context.Background())
	return &notifier{log: log, ctx: ctx, stop: stop, runs: map[notice]chan news{}}
}

// tell begins to tell a secondary; it returns at once.
func (n *notifier) tell(s workspace.Secondary, key *transfer.Key, local netip.Addr, z *zones.Zone) {
	k := notice{s.Address, local, z.ID()}
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
	c <- news{s, key, z}
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
		n.wait(between)
	}
}

// try tells of a change, or of a newer one that comes meanwhile, until one is
// acknowledged or the tries are used up. It is said when a secondary falls silent,
// and when it is not any more.
func (n *notifier) try(k notice, one news, c chan news, was bool) (silent bool) {
	q := transfer.Request{Server: k.to, Zone: k.zone}
	if k.from.IsValid() && !k.from.IsUnspecified() && k.from.Is4() == k.to.Addr().Unmap().Is4() {
		q.Local = k.from // the secondary knows its primary by this address
	}
	for i, waits := 0, notifyWaits(); ; i++ {
		select {
		case one = <-c:
		default:
		}
		soa, _ := one.z.Lookup(one.z.Origin(), zones.TypeSOA)
		q.Key = one.key
		err := transfer.Notify(n.ctx, q, soa)
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
		n.wait(waits[i])
	}
}

func (n *notifier) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-n.ctx.Done():
	case <-t.C:
	}
}

// close ends all tries.
func (n *notifier) close() {
	n.mu.Lock()
	n.stop()
	n.mu.Unlock()
	n.wg.Wait()
}
