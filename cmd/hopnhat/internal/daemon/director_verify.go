package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/verify"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

// verify asks every listed server and resolver whether it serves what was
// published; what came of it is an event. At most one verification runs. The
// caller holds d.mu.
func (dir *director) verify() {
	if dir.verifying {
		return
	}
	dir.verifying, dir.asked = true, dir.d.clock.Now()
	t, of := dir.task(), len(dir.events)
	q := dir.quorum()
	dir.d.wg.Go(func() {
		c := verify.Clock{Now: dir.d.clock.Now, Wait: dir.d.clock.Wait}
		r := verify.Run(dir.run, t, c, func(s string) { dir.say("verification: %s", s) })
		dir.d.mu.Lock()
		defer dir.d.mu.Unlock()
		dir.verifying = false
		defer dir.rouse()
		if dir.run.Err() != nil {
			return
		}
		if slices.ContainsFunc(dir.events[of:], func(e cutover.Event) bool { return publishes(e.Kind) }) {
			dir.verify() // what was asked for is not what is served any more
			return
		}
		dir.verified(verify.Judge(r, q), r)
	})
}

func publishes(k cutover.EventKind) bool {
	return slices.Contains([]cutover.EventKind{cutover.Taken, cutover.Edited, cutover.Aborted, cutover.RolledBack}, k)
}

// verified notes what a verification says, and goes back where that is asked for.
func (dir *director) verified(v verify.Verdict, r verify.Report) {
	sum := control.Verdict{Servers: len(r.Points)}
	for _, p := range r.Points {
		sum.Asked, sum.Right = sum.Asked+p.Asked, sum.Right+p.Right
	}
	var why []string
	for _, f := range v.Why {
		sum.Faults, why = append(sum.Faults, control.Fault(f)), append(why, f.String())
	}
	ev := cutover.Event{Kind: cutover.Verified, Step: dir.progress.Published.Step, OK: v.Outcome == verify.Good}
	ev.Why = fmt.Sprintf("%d of %d answers of %d servers are right", sum.Right, sum.Asked, sum.Servers)
	if !ev.OK {
		ev.Why = "the verification failed: " + strings.Join(why, "; ")
	}
	if err := dir.note(ev, nil, Note{UID: -1}, logged{Verdict: &sum}); err != nil {
		dir.alarmed(fmt.Sprintf("what the verification found cannot be kept: %v", err))
		return
	}
	switch v.Outcome {
	case verify.Good:
		dir.alarm = ""
		dir.say("verified: %s", ev.Why)
	case verify.Hold:
		dir.alarmed(ev.Why)
	case verify.RollBack:
		if err := dir.rollback(Note{UID: -1, Why: "by itself: " + ev.Why}); err != nil {
			dir.alarmed(fmt.Sprintf("%s; and it cannot go back by itself: %v", ev.Why, err))
			return
		}
		dir.say("ALARM: rolled back by itself: %s", oneLine(ev.Why))
	}
}

// task is what to ask whom.
func (dir *director) task() verify.Task {
	d := dir.d
	conf := d.loaded.workspace.Config
	t := verify.Task{World: dir.served, Before: dir.before(), Sample: max(conf.Cutover.Verify.Sample, 1), Within: conf.Cutover.Verify.Within, Seed: uint64(d.clock.Now().UnixNano())}
	t.Drained = d.clock.Now().Add(d.loaded.settle(t.Before, t.World))
	for _, r := range d.running {
		if r.At == Now && r.TLS == nil {
			t.Points = append(t.Points, verify.Point{Name: "this server", Address: reachable(r.server.Addr()), View: r.View, Kind: verify.Own})
		}
	}
	for _, s := range d.loaded.Transfers.Secondaries {
		p := verify.Point{Name: s.Name, Address: s.Address, View: s.View, Kind: verify.Secondary, Covers: s.Follows}
		if k, ok := d.loaded.Transfers.Keys[s.Key]; ok {
			p.Key = &k
		}
		t.Points = append(t.Points, p)
	}
	for _, r := range conf.Cutover.Verify.Resolvers {
		if dir.rehearse > 0 && !r.Address.Addr().IsLoopback() {
			continue // it does not ask a rehearsal
		}
		t.Points = append(t.Points, verify.Point{Name: r.Name, Address: r.Address, View: r.View, Kind: verify.Resolver})
	}
	return t
}

// before is what was served before the last publication.
func (dir *director) before() zones.World {
	var last []int
	events := dir.d.past.h.Events()
	for i, ev := range events {
		if len(ev.Zones) > 0 {
			last = append(last, i)
		}
	}
	if len(last) < 2 {
		return dir.served
	}
	w, err := dir.d.past.h.World(events[last[len(last)-2]])
	if err != nil {
		return dir.served
	}
	return w
}

// reachable is an address at which a listener on all addresses is asked.
func reachable(a netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

func (dir *director) quorum() verify.Quorum {
	c := dir.d.loaded.workspace.Config.Cutover.Rollback
	q := verify.Quorum{Automatic: c.Automatic, Points: c.Quorum}
	here, _ := net.InterfaceAddrs() // without them loopback alone is known to be here
	for _, a := range here {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			q.Here = append(q.Here, p.Addr())
		}
	}
	return q
}
