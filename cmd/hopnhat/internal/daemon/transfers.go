package daemon

import (
	"iter"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

const (
	maxTransfers = 64              // that run at once on a listener; one more waits
	maxWait      = 4 * time.Second // and is then asked to come again; less than what is under way may take at the end
	deltaRoom    = 1_000_000       // records of deltas that are kept for each zone, and never more than the zone has
)

// Transfers are who may have zones, and who is told of changes.
type Transfers struct {
	Keys        map[zones.Name]transfer.Key
	Secondaries []workspace.Secondary
	Updates     []workspace.Updates
	Follows     []workspace.Follow  // the zones that come from other servers
	Catalogs    []workspace.Catalog // that are made
}

// rules are those for updates of a view.
func (t Transfers) rules(v zones.View) (out []transfer.UpdateRule) {
	for _, u := range t.Updates {
		if u.View == v {
			out = append(out, u.Rules()...)
		}
	}
	return out
}

// published is what one listener answers from.
type published struct {
	image   *answer.Image
	out     *transfer.Server
	updates []transfer.UpdateRule
}

// current is the handler of one listener: what was published last.
type current struct {
	p       atomic.Pointer[published]
	at      string
	updater *updater
	follows *followers
}

// Handle implements resolver.Handler. What is no plain question is asked of
// the transfers first.
func (c *current) Handle(dst, msg []byte, from resolver.Peer) []byte {
	p := c.p.Load()
	var q resolver.Query
	switch v := q.Parse(msg); {
	case v == resolver.Drop:
		return dst
	case v == resolver.Good && zones.Type(q.Type) != zones.TypeAXFR && zones.Type(q.Type) != zones.TypeIXFR:
		if out, ok := c.follows.unavailable(p, dst, &q, from); ok {
			return out
		}
		return p.plain(dst, &q, from)
	case v == resolver.Good || v == resolver.BadKey && len(p.out.Keys) > 0:
		inner := func(msg []byte) []byte {
			if q.Parse(msg) == resolver.Good {
				if out, ok := c.follows.unavailable(p, nil, &q, from); ok {
					return out
				}
				return p.plain(nil, &q, from)
			}
			return p.image.Handle(nil, msg, from)
		}
		if out, ok := p.out.Answer(msg, asker(from), from.Transport == resolver.UDP, inner); ok {
			return append(dst, out...)
		}
	case v == resolver.NotImp:
		if out, ok := c.follows.hear(p.out.View, msg, from); ok {
			return append(dst, out...)
		}
	}
	return p.image.Handle(dst, msg, from)
}

// plain answers a question. Of catalogs nothing is said to who may not have them.
func (p *published) plain(dst []byte, q *resolver.Query, from resolver.Peer) []byte {
	if len(p.out.Closed) > 0 && p.out.Hides(q.Name, asker(from)) {
		return answer.Refused(dst, q, from)
	}
	return p.image.Answer(dst, q, from)
}

// asker is a peer as the rules of transfers see it.
func asker(p resolver.Peer) transfer.Asker {
	a := transfer.Asker{Addr: p.Addr.Addr()}
	if p.TLS != nil && p.TLS.Dot {
		a.TLS, a.Names, a.Pin = true, p.TLS.Names, p.TLS.Pin
	}
	return a
}

// Stream implements resolver.Streamer: transfers over TCP.
func (c *current) Stream(msg []byte, from resolver.Peer) iter.Seq[[]byte] {
	return c.p.Load().out.Stream(msg, asker(from))
}

// outlet makes the transfers of one listener: the zones of its view, with the
// deltas from what it handed out before.
func outlet(l Listener, w zones.World, t Transfers, prev *transfer.Server, now func() time.Time) *transfer.Server {
	s := &transfer.Server{View: l.View, Versions: map[zones.Name]transfer.Version{}, Keys: t.Keys, Wait: maxWait, Now: now}
	if prev == nil {
		s.Slots = make(chan struct{}, maxTransfers)
		prev = s
	}
	s.Slots = prev.Slots
	for _, x := range t.Secondaries {
		if x.View == l.View {
			s.Rules = append(s.Rules, x.Rules()...)
		}
	}
	for _, c := range t.Catalogs {
		if c.ID.View == l.View {
			s.Closed = append(s.Closed, c.ID.Origin)
		}
	}
	for _, f := range t.Follows {
		if f.Catalog && f.ID.View == l.View {
			s.Closed = append(s.Closed, f.ID.Origin)
		}
	}
	for z := range w.In(l.View) {
		v := prev.Versions[z.Origin()]
		if len(s.Rules) == 0 {
			v = transfer.Version{} // nobody asks: no need for deltas
		}
		s.Versions[z.Origin()] = v.Next(z, deltaRoom)
	}
	return s
}
