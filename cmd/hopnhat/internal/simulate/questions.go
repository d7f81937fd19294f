package simulate

import (
	"math/rand/v2"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// question is what a client asks in each second.
type question struct {
	ask
	owed   []window // when it must not fail
	always bool     // at all times
	new    []nid    // names that it leads to only later
}

// window is a stretch of seconds, without the last.
type window struct{ from, until int64 }

// ask makes the questions: of each name that the first or the last world has,
// the types that lead somewhere in one of them.
func (u *universe) ask() {
	ends := []Served{u.in.Claim[0], u.in.Claim[len(u.in.Claim)-1]}
	seen := map[ask]bool{}
	var still []*question
	for _, s := range ends {
		for z := range s.World.In(u.in.View) {
			for owner, sets := range z.Names() {
				n, ok := asked(owner)
				if !ok {
					continue
				}
				for _, t := range typesOf(sets) {
					q := ask{u.intern(n), t}
					if seen[q] {
						continue
					}
					seen[q] = true
					x, changes := u.promise(q)
					switch {
					case x == nil:
					case changes:
						u.questions = append(u.questions, x)
					default:
						still = append(still, x)
					}
				}
			}
		}
	}
	u.wanders, u.goes = len(u.questions), len(still)
	u.questions = append(u.questions, still...)
}

// asked is the name that a client asks: of a wildcard one that it stands for.
func asked(owner zones.Name) (zones.Name, bool) {
	if !owner.IsWildcard() {
		return owner, true
	}
	up, _ := owner.Parent()
	n, err := up.Child("any")
	return n, err == nil
}

// typesOf are the types to ask of a name; of an alias or a redirection those
// that hosts and mail are asked for.
func typesOf(sets []zones.RRset) (out []zones.Type) {
	for _, s := range sets {
		switch s.Type() {
		case zones.TypeSOA, zones.TypeRRSIG, zones.TypeNSEC, zones.TypeNSEC3, zones.TypeNSEC3PARAM:
		case zones.TypeCNAME, zones.TypeDNAME:
			out = append(out, zones.TypeA, zones.TypeAAAA, zones.TypeMX, zones.TypeTXT)
		default:
			out = append(out, s.Type())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// promise tells when a question must not fail. One that leads somewhere in the
// first world and in the last must at all times; another when it does in the
// world of the step and in that of the step before, which servers and caches
// may still hold. nil is one that never leads anywhere.
func (u *universe) promise(a ask) (q *question, changes bool) {
	q = &question{ask: a}
	var good []bool
	var at []int64
	var before []nid
	signs := map[string]bool{}
	for i, s := range u.in.Claim {
		from := int64(-forever)
		if i > 0 {
			from = unix(s.At)
		}
		w := u.ideal(from)
		ok, chain, sign := w.follow(a)
		good, at, signs[sign] = append(good, ok), append(at, from), true
		if i == 0 {
			before = chain
		}
		for _, n := range chain {
			if !slices.Contains(before, n) && !slices.Contains(q.new, n) {
				q.new = append(q.new, n)
			}
		}
	}
	last := len(good) - 1
	q.always = good[0] && good[last]
	for i := range good {
		until := int64(forever)
		if i < last {
			until = at[i+1]
		}
		if q.always || good[i] && good[max(i-1, 0)] {
			if n := len(q.owed); n > 0 && q.owed[n-1].until == at[i] {
				q.owed[n-1].until = until
			} else {
				q.owed = append(q.owed, window{at[i], until})
			}
		}
	}
	if len(q.owed) == 0 {
		return nil, false
	}
	return q, len(signs) > 1
}

// plan is what one client does.
type plan struct {
	number uint64
	asks   []*question
	visits []window
}

// own is how many questions a client draws; names to which they lead later
// come on top.
const own = 6

// plan deals the questions to the clients: one half of each client's are such
// whose answers change. It asks them and the names they lead to later, which
// are not there yet at first. Every other client asks in each second around
// all changes, the others come and go.
func (u *universe) plan() []plan {
	r := rand.New(rand.NewPCG(u.in.Seed, 1))
	moving, still := slices.Clone(u.questions[:u.wanders]), slices.Clone(u.questions[u.wanders:])
	var m, s int
	deal := func(from []*question, at *int) *question {
		if *at%len(from) == 0 {
			r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		}
		*at++
		return from[(*at-1)%len(from)]
	}
	var out []plan
	for i := range u.in.Clients {
		p := plan{number: uint64(i)}
		for k := range own {
			switch {
			case len(moving) > 0 && (k%2 == 0 || len(still) == 0):
				p.add(u, deal(moving, &m))
			case len(still) > 0:
				p.add(u, deal(still, &s))
			}
		}
		for _, w := range u.busy {
			from := w.from + r.Int64N(u.aged/8)
			if i%2 == 0 {
				p.visits = append(p.visits, window{from, w.until})
				continue
			}
			for from < w.until {
				until := min(from+1+r.Int64N(3600), w.until)
				p.visits = append(p.visits, window{from, until})
				from = until + 1 + r.Int64N(1<<r.IntN(17))
			}
		}
		out = append(out, p)
	}
	return out
}

// add takes a question and the new names to which it leads.
func (p *plan) add(u *universe, q *question) {
	all := []*question{q}
	for _, n := range q.new {
		for _, t := range []zones.Type{q.typ, zones.TypeA} {
			if x, _ := u.promise(ask{n, t}); x != nil && len(u.above[n]) > 0 {
				all = append(all, x)
				break
			}
		}
	}
	for _, x := range all {
		if !slices.ContainsFunc(p.asks, func(y *question) bool { return y.ask == x.ask }) {
			p.asks = append(p.asks, x)
		}
	}
}
