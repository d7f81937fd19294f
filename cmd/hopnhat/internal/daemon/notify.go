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

// notifier tells secondaries of changes. A newer change of a zone ends the
// tries for the older one.
type notifier struct {
	log  io.Writer
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex // guards runs
	runs map[notice]context.CancelFunc
}

// notice is whom to tell of what.
type notice struct {
	to   netip.AddrPort
	from netip.Addr
	zone zones.ID
}

func newNotifier(log io.Writer) *notifier {
	ctx, stop := context.WithCancel(context.Background())
	return &notifier{log: log, ctx: ctx, stop: stop, runs: map[notice]context.CancelFunc{}}
}

// tell begins to tell a secondary; it returns at once.
func (n *notifier) tell(s workspace.Secondary, key *transfer.Key, local netip.Addr, z *zones.Zone) {
	k := notice{s.Address, local, z.ID()}
	ctx, cancel := context.WithCancel(n.ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		cancel()
		return
	}
	if before := n.runs[k]; before != nil {
		before()
	}
	n.runs[k] = cancel
	n.wg.Go(func() {
		defer cancel()
		soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
		q := transfer.Request{Server: s.Address, Zone: z.ID(), Key: key}
		if local.IsValid() && !local.IsUnspecified() && local.Is4() == s.Address.Addr().Unmap().Is4() {
			q.Local = local // the secondary knows its primary by this address
		}
		var err error
		for i := 0; ; i++ {
			if err = transfer.Notify(ctx, q, soa); err == nil || ctx.Err() != nil {
				return
			}
			waits := notifyWaits()
			if i == len(waits) {
				fmt.Fprintf(n.log, "%s (%v) was not told that %v has serial %d: %v; it asks by its refresh\n", s.Name, s.Address, z.ID(), z.Serial(), err)
				return
			}
			if i == 0 {
				fmt.Fprintf(n.log, "%s (%v) is told again that %v has serial %d: %v\n", s.Name, s.Address, z.ID(), z.Serial(), err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(waits[i]):
			}
		}
	})
}

// close ends all tries.
func (n *notifier) close() {
	n.mu.Lock()
	n.stop()
	n.mu.Unlock()
	n.wg.Wait()
}
