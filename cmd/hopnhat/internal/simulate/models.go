package simulate

import "time"

// Model is a kind of resolver: how long it keeps what, and whom it asks. A new
// one embeds Respecting and says what it does otherwise.
type Model interface {
	Name() string
	Claimed() bool // whether a timeline promises something to it

	keep(ttl int64, negative bool) int64 // for how long an answer is kept, in seconds
	stale() int64                        // for so long after that it is still given, once, while a new one is fetched
	denial() denial
	route() route
}

// denial is what else a negative answer denies.
type denial int

const (
	itself denial = iota // the name alone (RFC 2308)
	below                // all below the name too (RFC 8020)
	spans                // all in the NSEC span, and what the bitmap leaves out (RFC 8198)
)

// route is whom a resolver asks.
type route int

const (
	anyone  route = iota // any server
	laggard              // the last server that is not notified
	parents              // whom the parent named when it was last asked
)

// Respecting keeps answers for their TTL (RFC 1034 5.3.3, RFC 2181 8) and
// negative ones for that of their SOA (RFC 2308 5).
type Respecting struct{}

func (Respecting) Name() string                 { return "TTL-respecting" }
func (Respecting) Claimed() bool                { return true }
func (Respecting) keep(ttl int64, _ bool) int64 { return ttl }
func (Respecting) stale() int64                 { return 0 }
func (Respecting) denial() denial               { return itself }
func (Respecting) route() route                 { return anyone }

// Capped keeps nothing for longer than Most.
type Capped struct {
	Respecting
	Most time.Duration
}

// Name names the model.
func (m Capped) Name() string { return "TTLs capped to " + short(m.Most) }

func (m Capped) keep(ttl int64, _ bool) int64 { return min(ttl, int64(m.Most/time.Second)) }

// Floored keeps everything for Least at least, which no RFC allows.
type Floored struct {
	Respecting
	Least time.Duration
}

// Name names the model.
func (m Floored) Name() string { return "TTLs raised to " + short(m.Least) }

// Claimed is false: nobody can wait for caches that choose their own TTLs.
func (Floored) Claimed() bool { return false }

func (m Floored) keep(ttl int64, _ bool) int64 { return max(ttl, int64(m.Least/time.Second)) }

// Negative takes the absence of a name for the absence of all below it (RFC
// 8020).
type Negative struct{ Respecting }

// Name names the model.
func (Negative) Name() string   { return "negative caching, names below too" }
func (Negative) denial() denial { return below }

// Aggressive answers from the NSEC records of signed zones (RFC 8198); all
// zones are taken as signed.
type Aggressive struct{ Respecting }

// Name names the model.
func (Aggressive) Name() string   { return "aggressive use of NSEC" }
func (Aggressive) denial() denial { return spans }

// Behind asks a secondary that is not notified, and no other server.
type Behind struct{ Respecting }

// Name names the model.
func (Behind) Name() string { return "behind a secondary without NOTIFY" }
func (Behind) route() route { return laggard }

// ParentCentric holds the parent's delegation for the parent's TTL, whatever
// the zone itself says of its servers.
type ParentCentric struct{ Respecting }

// Name names the model.
func (ParentCentric) Name() string { return "parent-centric" }
func (ParentCentric) route() route { return parents }

// Stale gives an answer that has run out once more, for up to For, and fetches
// a new one meanwhile (RFC 8767, with a client response timer of 0).
type Stale struct {
	Respecting
	For time.Duration
}

// Name names the model.
func (m Stale) Name() string { return "serve-stale for " + short(m.For) }

// Claimed is false: what has run out may be older than the step before.
func (Stale) Claimed() bool  { return false }
func (m Stale) stale() int64 { return int64(m.For / time.Second) }

// Models are all of them.
func Models() []Model {
	return []Model{
		Respecting{},
		Capped{Most: time.Minute},
		Capped{Most: time.Hour},
		Negative{},
		Aggressive{},
		Behind{},
		ParentCentric{},
		Floored{Least: 5 * time.Minute},
		Floored{Least: time.Hour},
		Stale{For: 24 * time.Hour},
	}
}

// short writes a length in its largest whole unit.
func short(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, " d"}, {time.Hour, " h"}, {time.Minute, " min"}} {
		if d >= u.of && d%u.of == 0 {
			return itoa(int64(d/u.of)) + u.name
		}
	}
	return itoa(int64(d/time.Second)) + " s"
}
