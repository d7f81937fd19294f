package simulate

import (
	"math"
	"slices"
	"strconv"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

const forever = math.MaxInt64

// universe is what all clients of a simulation share: names, zones with their
// versions, and servers with their histories. All instants are Unix seconds. It
// is not safe for concurrent use: clients ask one after the other.
type universe struct {
	in            Input
	busy          []window // when clients ask: around all that changes
	aged          int64    // how much around it
	change, off   int64    // of the parent
	parent        int64    // the TTL of its delegations
	names         []zones.Name
	number        map[zones.Name]nid
	above         [][]int32 // of each name: the zones at or above it, nearest first
	origins       map[zones.Name]int32
	versions      []*version
	replies       map[replyKey]*reply
	primary       []history // of what is served, zone by zone
	claim         []history // of what was promised
	servers       []server
	laggard       int
	old           server  // whom the parent named before the cutover
	calm          [3]calm // by route
	owed          map[nid]bool
	delegated     bool     // each zone by the one above it, in all versions
	room          [3][]nid // for chains, of one walk at a time
	questions     []*question
	wanders, goes int // questions whose answers change, and those that do not
}

func newUniverse(in Input) (*universe, error) {
	u := &universe{
		in: in, number: map[zones.Name]nid{}, origins: map[zones.Name]int32{}, replies: map[replyKey]*reply{}, owed: map[nid]bool{},
		change: unix(in.Parent.Change), off: unix(in.Parent.Off), parent: max(seconds(in.Parent.TTL), 1),
	}
	if in.Parent.Change.IsZero() {
		u.change, u.off = -forever, forever // the delegations are the new ones all the time
	}
	for _, l := range [][]Served{in.Served, in.Claim} {
		for _, s := range l {
			for z := range s.World.In(in.View) {
				if _, ok := u.origins[z.Origin()]; !ok {
					u.origins[z.Origin()] = int32(len(u.origins))
				}
			}
		}
	}
	var err error
	if u.primary, err = u.histories(in.Served); err != nil {
		return nil, err
	}
	if u.claim, err = u.histories(in.Claim); err != nil {
		return nil, err
	}
	u.follow()
	u.stretches()
	u.delegated = u.delegates()
	u.calm = [3]calm{anyone: newCalm(u.servers), laggard: newCalm(u.servers[u.laggard : u.laggard+1]), parents: newCalm(u.servers)}
	u.ask()
	return u, nil
}

// histories gives the versions of each zone in turn.
func (u *universe) histories(l []Served) ([]history, error) {
	out := make([]history, len(u.origins))
	for i, s := range l {
		from := int64(math.MinInt64)
		if i > 0 {
			from = unix(s.At)
		}
		for origin, z := range u.origins {
			v, err := u.version(s.World.Zone(zones.ID{Origin: origin, View: u.in.View}))
			if err != nil {
				return nil, err
			}
			out[z].add(from, v)
		}
	}
	return out, nil
}

// version gives the number of a zone's content: absent of nil.
func (u *universe) version(z *zones.Zone) (int32, error) {
	if z == nil {
		return absent, nil
	}
	for i, v := range u.versions {
		if v.zone == z || v.zone.Equal(z) {
			return int32(i), nil
		}
	}
	v, err := newVersion(z)
	if err != nil {
		return absent, err
	}
	u.versions = append(u.versions, v)
	return int32(len(u.versions) - 1), nil
}

// ages is for how long at least clients ask before something changes, so that
// caches hold answers of any age, and after it, until none of them is left that
// came from before; and a day more for those that serve stale answers.
func (u *universe) ages() int64 {
	var longest int64
	for _, v := range u.versions {
		for s := range v.zone.All() {
			longest = max(longest, int64(s.TTL()))
		}
	}
	return min(longest, 7*86400) + 86400
}

// stretches sets when clients ask. Between the stretches all servers have the
// same, and no cache holds anything else.
func (u *universe) stretches() {
	var all []int64
	servers := append([]server{u.old}, u.servers...)
	for _, s := range servers {
		for _, h := range s.zones {
			all = append(all, h.from...)
		}
	}
	if u.change > -forever {
		all = append(all, u.change, u.off)
	}
	for _, s := range u.in.Claim[1:] {
		all = append(all, unix(s.At))
	}
	slices.Sort(all)
	u.aged = u.ages()
	for _, t := range all {
		if t < -forever/2 || t > forever/2 {
			continue // since ever
		}
		w := window{t - u.aged, t + u.aged}
		if n := len(u.busy); n > 0 && u.busy[n-1].until >= w.from {
			u.busy[n-1].until = w.until
		} else {
			u.busy = append(u.busy, w)
		}
	}
}

// delegates tells whether every version of a zone delegates the zones below it.
func (u *universe) delegates() bool {
	for _, v := range u.versions {
		for o := range u.origins {
			if _, ok := v.zone.Lookup(o, zones.TypeNS); o.Below(v.zone.Origin()) && !ok && u.above[u.intern(o)][1] == u.origins[v.zone.Origin()] {
				return false
			}
		}
	}
	return true
}

// intern gives a name its number.
func (u *universe) intern(n zones.Name) nid {
	if i, ok := u.number[n]; ok {
		return i
	}
	i := nid(len(u.names))
	u.number[n] = i
	u.names = append(u.names, n)
	var above []int32
	for up, ok := n, true; ok; up, ok = up.Parent() {
		if z, is := u.origins[up]; is {
			above = append(above, z)
		}
	}
	u.above = append(u.above, above)
	return i
}

// held gives the version that answers a question where of each zone a version
// is held: the nearest zone's (RFC 1034 4.3.2 step 2), for DS at an apex the
// zone's above it (RFC 4035 3.1.4.1).
func (u *universe) held(q ask, version func(zone int32) int32) int32 {
	found := int32(absent)
	for _, z := range u.above[q.name] {
		v := version(z)
		if v == absent {
			continue
		}
		found = v
		if q.typ != zones.TypeDS || u.versions[v].zone.Origin() != u.names[q.name] {
			break
		}
	}
	return found
}

// draw mixes numbers into one that looks random (SplitMix64).
func draw(seed uint64, of ...uint64) uint64 {
	x := seed
	for _, n := range of {
		x += n + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

func unix(t time.Time) int64        { return t.Unix() }
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
func itoa(n int64) string           { return strconv.FormatInt(n, 10) }
