package probe

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// Options says whom a survey asks, and how much. The zero values of the last
// group are replaced by the defaults beside them.
type Options struct {
	Resolver netip.AddrPort                  // finds the parents' servers and addresses outside the world; invalid: nobody is asked
	Parents  map[zones.Name][]netip.AddrPort // servers of a zone's parent, by the zone; in place of those that the resolver finds
	Servers  []Server                        // in place of the addresses of the name servers that they name; one that no zone names is asked for all zones
	Reach    map[netip.Addr]netip.AddrPort   // where a server at port 53 of an address is reached, if not there
	Renamed  []zones.Name                    // cuts of the world that came to a new name
	Signed   []zones.Name                    // zones that a signer between this world and the servers signs
	Key      *transfer.Key                   // for transfers; nil: not signed
	Digest   func(*zones.Zone) string        // names a zone's content for people; nil: Zone.Digest
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)

	Timeout   time.Duration // for one try; 2 s
	Tries     int           // before a question counts as unanswered; 2
	Transfer  time.Duration // for a whole transfer; 5 min
	Parallel  int           // servers asked at once; 16
	Questions int           // of the sample, for each server by each of UDP and TCP; 200
	Seed      uint64        // of the sample
}

// Server is a name server and one of its addresses.
type Server struct {
	Name zones.Name
	Addr netip.AddrPort
}

const (
	liveTries     = 2
	liveTransfer  = 5 * time.Minute
	liveQuestions = 200
	leastSample   = 16  // questions that each zone of a server gets at least
	mostServers   = 256 // addresses asked for one zone: more is no delegation but an attack
)

func (o Options) complete() Options {
	o.Timeout, o.Tries = orDefault(o.Timeout, defaultTimeout), orDefault(o.Tries, liveTries)
	o.Transfer = orDefault(o.Transfer, liveTransfer)
	o.Parallel, o.Questions = orDefault(o.Parallel, defaultParallel), orDefault(o.Questions, liveQuestions)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Digest == nil {
		o.Digest = func(z *zones.Zone) string { return z.Digest().String() }
	}
	return o
}

// Survey asks the parent's servers and every listed server of every zone of a
// view whether what is served is what w holds (LIVE-SEEN). What could not be
// asked is a finding and never counts as good. A context that ends stops the
// asking; what was not asked by then is unseen.
func Survey(ctx context.Context, w zones.World, v zones.View, o Options) ([]finding.Finding, Summary) {
	s := &survey{Options: o.complete(), ctx: ctx, world: w, view: v, hosts: map[zones.Name]*host{}}
	var zs []*zones.Zone
	for z := range w.In(v) {
		zs = append(zs, z)
	}
	sum := Summary{View: v, Zones: make([]ZoneSummary, len(zs))}
	delegations := make([]delegation, len(zs))
	s.each(len(zs), func(i int) { delegations[i] = s.askParent(zs[i]) })

	es := s.samples(zs)
	var jobs []*visit
	known := map[zones.Name]bool{}
	for i, z := range zs {
		for _, t := range s.listed(z, delegations[i], known) {
			jobs = append(jobs, &visit{zone: z, target: t, sample: es[z]})
		}
		for set := range z.All() {
			for _, n := range hostsOf(set.Records()) {
				known[n] = true // of a delegation: it serves the child
			}
		}
	}
	for _, given := range s.Servers {
		if known[given.Name] {
			continue
		}
		for _, z := range zs { // a hidden one
			jobs = append(jobs, &visit{zone: z, target: target{names: []zones.Name{given.Name}, addr: given.Addr}, sample: es[z]})
		}
	}
	children := s.children()
	s.each(len(jobs)+len(children), func(i int) {
		if i < len(jobs) {
			s.visit(jobs[i])
		} else {
			s.askChild(children[i-len(jobs)])
		}
	})

	unseen, noTCP := unseenServers(), serversWithoutTCP()
	var out []finding.Finding
	for i, z := range zs {
		var mine []*visit
		for _, j := range jobs {
			if j.zone == z {
				mine = append(mine, j)
			}
		}
		slices.SortStableFunc(mine, func(a, b *visit) int { return compareTargets(a.target, b.target) })
		out = append(out, s.judgeParent(z, delegations[i], &unseen)...)
		out = append(out, s.judgeServers(z, mine, &unseen, &noTCP)...)
		out = append(out, s.judgeKeys(z, delegations[i], mine, &unseen)...)
		sum.Zones[i] = s.summarise(z, delegations[i], mine)
	}
	for _, c := range children {
		out = append(out, s.judgeChild(c, &unseen)...)
		sum.Children = append(sum.Children, c.summary())
	}
	return slices.Concat(out, noTCP.findings(), unseen.findings()), sum
}

// survey is a survey under way.
type survey struct {
	Options
	ctx   context.Context
	world zones.World
	view  zones.View

	mu    sync.Mutex
	hosts map[zones.Name]*host // addresses that the resolver gave; guarded by mu
}

// each runs f for 0 … n-1, at most Parallel at once.
func (s *survey) each(n int, f func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(s.Parallel, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// target is one address to ask, with the names that lead to it. A problem
// stands where no address is known.
type target struct {
	names   []zones.Name
	addr    netip.AddrPort
	problem string
}

func compareTargets(a, b target) int {
	return cmp.Or(slices.CompareFunc(a.names, b.names, zones.Name.Compare), a.addr.Compare(b.addr))
}

// String gives "name (address)".
func (t target) String() string {
	var b []byte
	for i, n := range t.names {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, n.Text()...)
	}
	switch {
	case !t.addr.IsValid():
		return string(b)
	case len(b) == 0:
		return t.addr.String()
	}
	return string(b) + " (" + t.addr.String() + ")"
}
