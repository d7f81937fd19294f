package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// follower keeps one zone fresh. Its goroutine alone changes it, but for zone
// and served, which Daemon.mu guards.
type follower struct {
	all  *followers
	conf workspace.Follow
	key  *transfer.Key
	told chan transfer.Told
	ctx  context.Context
	stop context.CancelFunc
	runs bool

	zone   *zones.Zone // what is there, fresh or expired; nil before the first
	served bool

	keeping   sync.Mutex                // guards was and forgotten
	forgotten bool                      // nothing is kept of the zone any more
	was       kept                      // what the disk has, when it begins
	confirmed atomic.Pointer[time.Time] // when a primary last said that this is what it has

	state  transfer.Following
	asking int        // the primary
	saves  chan saved // to the goroutine that keeps them; the newest alone waits
}

// refreshed is what a question came to.
type refreshed struct {
	transfer.Refreshed
	finds []finding.Finding
}

const (
	waitingTold = 16 // NOTIFY that wait to be looked at

	// One part in keepShare of the time at most is spent writing a zone to the
	// disk; what a crash loses is fetched again.
	keepShare = 10
	keepSoon  = time.Second
)

// newFollower takes up a zone: from the follower before it, else from the disk.
func newFollower(all *followers, conf workspace.Follow, key *transfer.Key, before *follower) *follower {
	f := &follower{all: all, conf: conf, key: key, told: make(chan transfer.Told, waitingTold), saves: make(chan saved, 1)}
	f.ctx, f.stop = context.WithCancel(all.ctx)
	now := all.now()
	f.state = transfer.Follow(len(conf.Primaries), now)
	z, was, err := all.keep.read(conf.ID)
	if err != nil {
		fmt.Fprintf(all.log, "%v: what was kept of it is of no use and is fetched anew: %v\n", conf.ID, err)
	}
	f.was = was
	confirmed := was.Confirmed
	if before != nil && before.zone != nil {
		z, confirmed = before.zone, *before.confirmed.Load() // the disk may be behind
	}
	f.confirmed.Store(&confirmed)
	if z == nil {
		return f
	}
	f.zone = z
	f.state = f.state.Resume(z.SOA(), confirmed, now)
	f.served = f.state.Next(now).Do != transfer.Drop
	if err := all.openly(z); f.served && err != nil {
		f.served = false
		fmt.Fprintf(all.log, "%v: %v\n", conf.ID, err)
	}
	return f
}

func (f *follower) sameKey(k *transfer.Key) bool {
	if f.key == nil || k == nil {
		return f.key == k
	}
	return f.key.Equal(*k)
}

// run follows until the context ends.
func (f *follower) run() {
	defer f.stop()
	answers := make(chan refreshed, 1)
	asking := false
	f.all.wg.Go(f.save)
	defer func() {
		if asking {
			<-answers
		}
		close(f.saves)
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f.ctx.Err() == nil {
		now := f.all.now()
		step := f.state.Next(now)
		switch step.Do {
		case transfer.Drop:
			f.drop()
			continue
		case transfer.Ask:
			f.state, f.asking, asking = f.state.Asked(now), step.Primary, true
			have := f.zone
			f.all.wg.Go(func() { answers <- f.refresh(step.Primary, have) })
			continue
		case transfer.Wait:
		}
		wait := time.Hour
		if !step.At.IsZero() {
			wait = min(wait, step.At.Sub(now))
		}
		timer.Reset(wait)
		select {
		case <-f.ctx.Done():
		case <-timer.C:
		case told := <-f.told:
			f.state, _ = f.state.Notified(told.Serial, told.Primary, f.all.now())
		case r := <-answers:
			asking = false
			f.take(r)
		}
	}
}

// refresh asks a primary, when not too many are being asked.
func (f *follower) refresh(primary int, have *zones.Zone) refreshed {
	select {
	case f.all.slots <- struct{}{}:
		defer func() { <-f.all.slots }()
	case <-f.ctx.Done():
		return refreshed{}
	}
	to := f.conf.Primaries[primary]
	q := transfer.Request{Server: to, Zone: f.conf.ID, Key: f.key, Local: f.all.local(f.conf.ID, to)}
	if f.conf.TLS != nil {
		var err error
		if q.TLS, err = f.conf.TLS.Load(); err != nil {
			return refreshed{finds: []finding.Finding{{ID: "X-TLS", Severity: finding.Error, Found: err.Error(), Mend: "mend the file, it is read again at the next question"}}}
		}
	}
	out, finds := transfer.Refresh(f.ctx, q, have)
	return refreshed{out, finds}
}

// take takes what a question came to.
func (f *follower) take(r refreshed) {
	primary := f.conf.Primaries[f.asking]
	if f.ctx.Err() != nil {
		return
	}
	var err error
	if r.How == transfer.Failed {
		err = errors.New(why(r.finds))
	} else if r.How != transfer.Current || !f.served {
		err = f.all.publish(f, r.Zone, r.Delta)
	}
	now := f.all.now()
	if errors.Is(err, context.Canceled) {
		return
	}
	if err != nil {
		f.complain(primary, err)
		f.state = f.state.Failed(now, f.all.jitter())
		return
	}
	switch {
	case r.How == transfer.Stepped || r.How == transfer.Whole:
		for _, one := range r.finds {
			if one.Severity >= finding.Warning {
				fmt.Fprintln(f.all.log, one)
			}
		}
		fmt.Fprintf(f.all.log, "%v: serial %d came from %v by %v, %d records\n", f.conf.ID, r.Zone.Serial(), primary, r.How, r.Report.Records)
	case !f.state.Served():
		fmt.Fprintf(f.all.log, "%v: %v answers again, serial %d is served again\n", f.conf.ID, primary, r.Zone.Serial())
	}
	f.state = f.state.Confirmed(r.Zone.SOA(), now, f.all.jitter())
	f.confirmed.Store(&now)
	select {
	case <-f.saves: // an older one
	default:
	}
	f.saves <- saved{r.Zone, now, primary.String()}
}

// complain says why a primary was of no use, less and less often.
func (f *follower) complain(primary netip.AddrPort, err error) {
	since, failed := f.state.Since()
	if failed&(failed-1) != 0 { // 0, 1, 2, 4, 8 …
		return
	}
	text := fmt.Sprintf("%v: nothing came from %v: %v", f.conf.ID, primary, err)
	switch {
	case f.state.Served():
		end := since.Add(transfer.TimersOf(f.zone.SOA()).Expire)
		text += fmt.Sprintf("\n  serial %d is served until %s", f.zone.Serial(), end.Format(time.DateTime))
	default:
		text += "\n  the zone is not served until it comes"
	}
	fmt.Fprintln(f.all.log, text)
}

func why(finds []finding.Finding) string {
	for i := len(finds) - 1; i >= 0; i-- {
		if finds[i].Severity >= finding.Error {
			return finds[i].Found + " [" + finds[i].ID + "]; " + finds[i].Mend
		}
	}
	return "no reason is known"
}

// drop ends the service of a zone that no primary confirmed for EXPIRE.
func (f *follower) drop() {
	f.state = f.state.Dropped()
	if err := f.all.publish(f, nil, nil); err != nil {
		return
	}
	fmt.Fprintf(f.all.log, "%v: no primary answered for %v (EXPIRE): serial %d is no longer served, and questions get SERVFAIL\n", f.conf.ID, transfer.TimersOf(f.zone.SOA()).Expire, f.zone.Serial())
}

// saved is what is to be kept on the disk.
type saved struct {
	zone      *zones.Zone
	confirmed time.Time
	from      string
}

// save keeps what comes, the last one when the zone is followed no more.
func (f *follower) save() {
	for s := range f.saves {
		began := time.Now()
		if err := f.keep(s); err != nil {
			fmt.Fprintf(f.all.log, "%v: it cannot be kept over a restart: %v\n", f.conf.ID, err)
		}
		select {
		case <-f.ctx.Done():
		case <-time.After(max(keepSoon, keepShare*time.Since(began))):
		}
	}
}

func (f *follower) keep(s saved) (err error) {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	if !f.forgotten {
		f.was, err = f.all.keep.write(s.zone, s.confirmed, s.from, f.was)
	}
	return err
}

// forget ends a follower, and removes what is kept of its zone.
func (f *follower) forget() {
	f.stop()
	f.keeping.Lock()
	defer f.keeping.Unlock()
	f.forgotten = true
	f.all.keep.remove(f.conf.ID)
}
