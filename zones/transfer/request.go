package transfer

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Request says which zone to ask for, where and how. Server and Zone are needed.
type Request struct {
	Server   netip.AddrPort // the port is 53 as a rule
	Zone     zones.ID
	Key      *Key       // nil: not signed
	TLS      *TLS       // nil: plain TCP and UDP; else nothing but NOTIFY goes outside TLS, whose port is 853 as a rule
	Local    netip.Addr // to send from; zero: the system chooses
	Timeouts Timeouts
	Limits   Limits
	// Dial opens a connection, "tcp" or "udp"; nil is a net.Dialer from Local.
	// What it returns must honour deadlines.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock that signatures are held against; nil is time.Now.
	Now func() time.Time
	// ID makes the id of a message; nil is a random one.
	ID func() uint16
}

// Timeouts bound how long each step may take. Zero values are replaced by the
// defaults beside them.
type Timeouts struct {
	Connect time.Duration // to open the connection; 10 s
	Message time.Duration // from one whole message to the next; 60 s
	Total   time.Duration // the whole transfer; 1 h
	Query   time.Duration // one try of asking for the serial; 3 s
}

// Limits bound what a server may send. Zero values are replaced by the
// defaults beside them.
type Limits struct {
	Octets   int // on the wire, and again of records uncompressed; 1 GiB
	Records  int // 5 million
	Messages int // 10 million
	Listed   int // findings of one id, the rest is counted; 1000
}

func (t Timeouts) orDefault() Timeouts {
	return Timeouts{
		orDefault(t.Connect, 10*time.Second), orDefault(t.Message, time.Minute),
		orDefault(t.Total, time.Hour), orDefault(t.Query, 3*time.Second),
	}
}

func (l Limits) orDefault() Limits {
	return Limits{orDefault(l.Octets, 1<<30), orDefault(l.Records, 5_000_000), orDefault(l.Messages, 10_000_000), orDefault(l.Listed, 1000)}
}

func orDefault[T int | time.Duration](v, d T) T {
	if v > 0 {
		return v
	}
	return d
}

// Errors of requests.
var (
	errNoServer = errors.New("no server is named")
	errNoZone   = errors.New("no zone is named")
	errNoKey    = errors.New("the key is empty")
	errNoName   = errors.New("no name and no pin says whose certificate is right")
)

// complete fills in what is left out, and refuses what cannot be asked.
func (q Request) complete() (Request, error) {
	switch {
	case !q.Server.IsValid() || q.Server.Port() == 0:
		return q, errNoServer
	case q.Zone.Origin.IsZero():
		return q, errNoZone
	case q.Key != nil && (q.Key.Name.IsZero() || q.Key.Algorithm.hash() == nil || len(q.Key.secret) == 0):
		return q, errNoKey
	case q.TLS != nil && !q.TLS.strict():
		return q, errNoName
	}
	q.Timeouts, q.Limits = q.Timeouts.orDefault(), q.Limits.orDefault()
	if q.Now == nil {
		q.Now = time.Now
	}
	if q.ID == nil {
		q.ID = func() uint16 { return uint16(rand.Uint32()) } // ChaCha8, seeded by the system
	}
	if q.Dial == nil {
		q.Dial = q.dial
	}
	return q, nil
}

func (q Request) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	if q.Local.IsValid() {
		if network == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(q.Local, 0))
		} else {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(q.Local, 0))
		}
	}
	return d.DialContext(ctx, network, address)
}

// Report counts what came in (COUNT): Records = Taken + Duplicates + Refused.
type Report struct {
	Zone    zones.ID
	Server  netip.AddrPort
	Local   netip.Addr // our address as the server sees it, behind no NAT
	Started time.Time
	Took    time.Duration
	// Authoritative is the AA bit of the first message. RFC 5936 2.2.1 asks
	// clients to ignore it; Knot 3.2 never sets it.
	Authoritative bool
	Messages      int
	Signed        int // messages with a signature of their own
	Octets        int // of messages, their lengths included
	// Records counts those of the answers, without the SOA that ends them.
	Records    int
	Taken      int // in the zone
	Duplicates int
	Refused    int
	Serial     zones.Serial  // of the first SOA
	After      *zones.Serial // asked again after the transfer; nil: no answer
}

// file is the name of the transfer in places (PLACE).
func file(server netip.AddrPort, zone zones.Name) string {
	return "axfr://" + server.String() + "/" + zone.Text()
}
