package simulate

import (
	"slices"
	"sort"

	"gialai.gov.vn/hopnhat/zones"
)

// absent is the version of a zone that a server does not have.
const absent = -1

// history is which version of a zone a server has from which second on; before
// the first second it has the first version too.
type history struct {
	from    []int64
	version []int32
}

func (h *history) at(t int64) int32 {
	i := sort.Search(len(h.from), func(i int) bool { return h.from[i] > t })
	return h.version[max(i-1, 0)]
}

func (h *history) add(t int64, v int32) {
	n := len(h.version)
	if n > 0 && h.version[n-1] == v {
		return
	}
	if n > 0 && h.from[n-1] == t {
		h.version[n-1] = v
		return
	}
	h.from, h.version = append(h.from, t), append(h.version, v)
}

// server is a server with the histories of all zones; after off it is silent.
type server struct {
	name  string
	zones []history
	off   int64
}

// follow makes the servers: the primary turns all zones at once, a secondary
// zone by zone. One that is not notified asks each REFRESH; one try in four
// fails, and then the next, after RETRY, does not. Of one that is late each try
// comes just before a change, and the next one fails.
func (u *universe) follow() {
	primary := server{name: u.in.Servers[0].Name, zones: u.primary, off: forever}
	u.servers = []server{primary}
	for i, s := range u.in.Servers[1:] {
		v := server{name: s.Name, off: forever}
		for z := range u.primary {
			r := draw(u.in.Seed, uint64(i), uint64(z))
			if s.Notified {
				v.zones = append(v.zones, delayed(u.primary[z], 1+int64(r%2)))
			} else {
				v.zones = append(v.zones, u.polled(u.primary[z], s, r))
			}
		}
		u.servers = append(u.servers, v)
		if !s.Notified {
			u.laggard = len(u.servers) - 1
		}
	}
	if u.laggard == 0 {
		u.laggard = len(u.servers) - 1
	}
	u.old = server{name: OldServers, off: u.off}
	for _, h := range u.primary {
		var o history
		for i, from := range h.from {
			if i == 0 || from < u.change {
				o.add(from, h.version[i])
			}
		}
		u.old.zones = append(u.old.zones, o)
	}
}

func delayed(h history, by int64) (d history) {
	for i, from := range h.from {
		d.add(from+by, h.version[i])
	}
	return d
}

// polled is the history of a secondary that asks by the timers of the version
// which it has.
func (u *universe) polled(h history, s Server, r uint64) (p history) {
	p.add(h.from[0], h.version[0])
	if len(h.from) < 2 {
		return p
	}
	t, failed := h.from[1]-1, false
	if refresh, _ := u.timers(h, h.version[0], s); !s.Late {
		t -= int64(r % uint64(refresh))
	}
	for {
		refresh, retry := u.timers(h, p.version[len(p.version)-1], s)
		r = draw(r, uint64(t))
		if behind := p.version[len(p.version)-1] != h.at(t); !failed && (r%4 == 0 && !s.Late || behind && s.Late) {
			failed = true
			t += retry
			continue
		}
		failed = false
		p.add(t, h.at(t))
		asked := t
		t += refresh
		// Until the zone changes again there is nothing to be had.
		i := sort.Search(len(h.from), func(i int) bool { return h.from[i] >= t })
		if i == len(h.from) && p.version[len(p.version)-1] == h.version[len(h.version)-1] {
			break
		}
		if i < len(h.from) && p.version[len(p.version)-1] == h.at(t-1) {
			if t += (h.from[i] - t) / refresh * refresh; s.Late {
				t = max(h.from[i]-1, asked+1) // of one that asks each second, when it asks
			}
		}
	}
	return p
}

// timers are REFRESH and RETRY of a version; of a zone that is not there yet,
// those of its first.
func (u *universe) timers(h history, v int32, s Server) (refresh, retry int64) {
	if v == absent {
		v = slices.Max(h.version)
	}
	soa := zones.SOA{}
	if v != absent {
		soa = u.versions[v].zone.SOA()
	}
	refresh, retry = int64(soa.Refresh), int64(soa.Retry)
	if s.Refresh > 0 {
		refresh = seconds(s.Refresh)
	}
	if s.Retry > 0 {
		retry = seconds(s.Retry)
	}
	return max(refresh, 1), max(retry, 1)
}

// calm tells from when on, at t, all servers that a route reaches have had the
// same worlds, and until when; ok is false while they differ.
type calm struct {
	from []int64 // instants at which any server changes, sorted
	same []bool  // from that instant on all have the same
}

func newCalm(servers []server) (c calm) {
	for _, s := range servers {
		for _, h := range s.zones {
			c.from = append(c.from, h.from...)
		}
		if s.off < forever {
			c.from = append(c.from, s.off)
		}
	}
	slices.Sort(c.from)
	c.from = slices.Compact(c.from)
	for _, t := range c.from {
		same := true
		for _, s := range servers {
			for z := range s.zones {
				same = same && s.zones[z].at(t) == servers[0].zones[z].at(t)
			}
		}
		c.same = append(c.same, same)
	}
	return c
}

// epoch gives the number of the stretch without changes in which t lies, and
// when it ends.
func (c *calm) epoch(t int64) (n int, until int64) {
	i := sort.Search(len(c.from), func(i int) bool { return c.from[i] > t })
	if i == len(c.from) {
		return i, forever
	}
	return i, c.from[i]
}

// agreed tells whether all servers have the same in an epoch.
func (c *calm) agreed(epoch int) bool { return epoch == 0 || c.same[epoch-1] }
