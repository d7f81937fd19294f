package verify

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// Kind is what a point is.
type Kind int

// The kinds of points.
const (
	Own       Kind = iota // a listener of this server: asked for everything, up to Task.Most
	Secondary             // follows this server: asked once it holds the serials
	Resolver              // recursive, and may hold older answers in its cache
)

func (k Kind) String() string { return [...]string{"listener", "secondary", "resolver"}[k] }

// Point is one server that is asked.
type Point struct {
	Name    string
	Address netip.AddrPort
	View    zones.View
	Kind    Kind
	Key     *transfer.Key       // signs the questions for serials alone; nil: unsigned
	Covers  func(zones.ID) bool // the zones of the view that it serves, or knows; nil: all
}

// reached is where a point is asked: a listener on all addresses by loopback.
func (p Point) reached() netip.AddrPort {
	switch a := p.Address.Addr(); {
	case !a.IsUnspecified():
		return p.Address
	case a.Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), p.Address.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), p.Address.Port())
}

func (p Point) covers(id zones.ID) bool {
	return id.View == p.View && (p.Covers == nil || p.Covers(id))
}

// String gives "kind name (address)".
func (p Point) String() string {
	if p.Name == "" {
		return fmt.Sprintf("%v %v", p.Kind, p.Address)
	}
	return fmt.Sprintf("%v %s (%v)", p.Kind, p.Name, p.Address)
}

// Task is one verification. World and Points are needed; zero values of the
// rest are replaced by what stands beside them.
type Task struct {
	World   zones.World // what is served now
	Before  zones.World // what was served before; the zero World: nothing is known of it
	Points  []Point
	Within  time.Duration // a secondary may take so long to hold the serials; 0: it is asked once
	Drained time.Time     // until then a resolver may still give answers of Before
	Seed    uint64        // of what is drawn

	Sample  int // questions drawn beside the classes and what changed; 500
	Changed int // questions of what changed; 5000
	Most    int // questions of an own listener, above which only a sample is asked; 200 000

	Timeout time.Duration // for one try, of which there are three; 2 s
	// Dial opens a connection; nil is a net.Dialer. It is called from several
	// goroutines.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultSample  = 500
	defaultChanged = 5000
	defaultMost    = 200_000
	defaultTimeout = 2 * time.Second
)

func (t Task) complete() Task {
	t.Sample, t.Changed = orDefault(t.Sample, defaultSample), orDefault(t.Changed, defaultChanged)
	t.Most, t.Timeout = orDefault(t.Most, defaultMost), orDefault(t.Timeout, defaultTimeout)
	return t
}

func orDefault[T int | time.Duration](v, d T) T {
	if v > 0 {
		return v
	}
	return d
}

// Clock is the time that a verification goes by.
type Clock struct {
	Now  func() time.Time
	Wait func(context.Context, time.Duration) error // its error: the context ended
}

// Report is what was seen. Points stand in the order of the task.
type Report struct{ Points []PointReport }

// PointReport is what was seen at one point: Asked = Right + Wrong + Silent.
type PointReport struct {
	Point  Point
	Of     int // questions that there are; fewer are Asked where a sample was taken
	Asked  int
	Right  int
	Wrong  int
	Silent int
	Raised int // of the right ones: with a TTL above any that was served

	Shown  []Wrong       // the first that were wrong
	Behind []Behind      // zones that a secondary did not hold in time; they were not asked for
	Held   time.Duration // until it held the other serials; of secondaries
	Note   string        // what more is to be said, such as that a sample was taken; "" is nothing
	Idle   bool          // it has no zone of the world: there was nothing to ask
	Cut    bool          // the verification was stopped before it was through
}

// shown is how many wrong answers a report shows.
const shown = 10

// Wrong is an answer that was not what is served.
type Wrong struct {
	Name zones.Name
	Type zones.Type
	Want string // the right answer, or what of it is missing
	Got  string
	Dig  string // the command that shows it
}

func (w Wrong) String() string {
	return fmt.Sprintf("%s %v: expected %s, got %s; see %s", w.Name.Text(), w.Type, w.Want, w.Got, w.Dig)
}

// Behind is a zone that a secondary has not fetched.
type Behind struct {
	Zone      zones.ID
	Want, Has zones.Serial
}

func (b Behind) String() string {
	return fmt.Sprintf("%v: serial %d, not %d", b.Zone, b.Has, b.Want)
}

// good tells whether all was seen and all was right.
func (p PointReport) good() bool {
	return !p.Cut && (p.Right > 0 || p.Idle) && p.Wrong+p.Silent+p.Raised == 0 && len(p.Behind) == 0
}
