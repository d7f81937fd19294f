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
	for {
		select {
		case <-n.ctx.Done():
			return
		case one := <-c:
			for again := true; again; {
				one, again = n.try(k, one, c)
			}
		}
		n.wait(between, nil)
	}
}

// try tells one change until it is acknowledged, or given up. Where a newer one
// comes meanwhile that is returned.
func (n *notifier) try(k notice, one news, c chan news) (newer news, came bool) {
	soa, _ := one.z.Lookup(one.z.Origin(), zones.TypeSOA)
	q := transfer.Request{Server: k.to, Zone: k.zone, Key: one.key}
	if k.from.IsValid() && !k.from.IsUnspecified() && k.from.Is4() == k.to.Addr().Unmap().Is4() {
		q.Local = k.from // the secondary knows its primary by this address
	}
	waits := notifyWaits()
	for i := 0; ; i++ {
		err := transfer.Notify(n.ctx, q, soa)
		if err == nil || n.ctx.Err() != nil {
			return news{}, false
		}
		if i == len(waits) {
			fmt.Fprintf(n.log, "%s (%v) was not told that %v has serial %d: %v; it asks by its refresh\n", one.to.Name, k.to, k.zone, one.z.Serial(), err)
			return news{}, false
		}
		if i == 0 {
			fmt.Fprintf(n.log, "%s (%v) is told again that %v has serial %d: %v\n", one.to.Name, k.to, k.zone, one.z.Serial(), err)
		}
		if newer, came = n.wait(waits[i], c); came {
			return newer, true
		}
	}
}

// wait waits, or until something newer comes.
func (n *notifier) wait(d time.Duration, c chan news) (newer news, came bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-n.ctx.Done():
	case <-t.C:
	case newer = <-c:
		return newer, true
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
