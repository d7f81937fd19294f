package simulate

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// longest is how many aliases a client follows.
const longest = 16

// end is where a question leads.
type end struct {
	good  bool
	until int64 // so long nothing else can come of it
	last  kind  // of a question that failed: what was said at the end
	loop  bool
	chain []nid // of a question that failed, the name asked first
	got   int64 // when the last answer was got
	kept  int64 // for how long
	from  int   // the server that gave it
	other bool  // it was made of what denies other names
}

// found is one answer that a look-up came by.
type found struct {
	*reply
	got, kept, until int64
	from             int
}

// walk follows a question: through aliases, and from what names hosts to their
// addresses. look answers for one name. A question fails if no data come, or if
// a host that is owed has no address.
func (u *universe) walk(q ask, look func(ask) found) end {
	e := end{until: forever, chain: u.room[0][:0]}
	r := u.chase(q, look, &e)
	if u.room[0] = e.chain; !e.good {
		e.chain = slices.Clone(e.chain)
		return e
	}
	for _, h := range r.hosts {
		if len(u.above[h]) == 0 || !u.owes(h) {
			continue
		}
		b := end{until: forever, chain: u.room[1][:0]}
		u.chase(ask{h, zones.TypeA}, look, &b)
		six := end{until: forever, chain: u.room[2][:0]}
		u.chase(ask{h, zones.TypeAAAA}, look, &six)
		u.room[1], u.room[2] = b.chain, six.chain
		e.until = min(e.until, b.until, six.until)
		if !b.good && !six.good {
			b.until, b.chain = e.until, slices.Concat(e.chain, b.chain)
			return b
		}
	}
	e.chain = nil
	return e
}

// chase follows aliases. What leads out of the zones simulated is good.
func (u *universe) chase(q ask, look func(ask) found, e *end) found {
	for range longest {
		e.chain = append(e.chain, q.name)
		if len(u.above[q.name]) == 0 {
			e.good = true
			return found{reply: &reply{}}
		}
		f := look(q)
		e.until, e.last, e.got, e.kept, e.from = min(e.until, f.until), f.kind, f.got, f.kept, f.from
		if f.kind != alias {
			e.good = f.kind == data || f.kind == referral
			return f
		}
		q.name = f.next
	}
	e.loop = true
	return found{reply: &reply{}}
}

// ideal is the claimed world of an instant, seen without a cache.
type ideal struct {
	u  *universe
	at int64
}

func (u *universe) ideal(at int64) ideal { return ideal{u, at} }

func (w ideal) look(q ask) found {
	v := w.u.held(q, func(z int32) int32 { return w.u.claim[z].at(w.at) })
	if v == absent {
		return found{reply: &reply{}}
	}
	return found{reply: w.u.reply(v, q)}
}

// follow tells whether a question leads somewhere, over which names, and a
// text that is the same where the way is.
func (w ideal) follow(q ask) (good bool, chain []nid, sign string) {
	var b []byte
	e := w.u.walk(q, func(q ask) found {
		f := w.look(q)
		chain = append(chain, q.name)
		b = fmt.Append(b, q.name, f.kind, f.next, f.data, ";")
		return f
	})
	return e.good, chain, string(b)
}

// owes tells whether some claimed world gives a host an address.
func (u *universe) owes(h nid) bool {
	owed, ok := u.owed[h]
	if !ok {
		for i := range u.in.Claim {
			if i != 0 && i != len(u.in.Claim)-1 {
				continue
			}
			at := int64(-forever)
			if i > 0 {
				at = unix(u.in.Claim[i].At)
			}
			for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
				e := end{}
				u.chase(ask{h, t}, u.ideal(at).look, &e)
				owed = owed || e.good
			}
		}
		u.owed[h] = owed
	}
	return owed
}
