package listen

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"time"
)

// Options of a Server. The zero value is a good one.
type Options struct {
	// Sockets is how many UDP sockets share the port, each with a goroutine.
	// 0 means one a CPU. Systems other than Linux have one always.
	Sockets int
	// Conns is how many TCP connections there are at once, ConnsPerPeer how
	// many of one IPv4 address or IPv6 /64 (RFC 7766 6.2.2). One more ends the
	// connection that was last answered longest ago. 0 means 1024 and 256.
	Conns, ConnsPerPeer int
	// Idle is how long a TCP connection may take to its next whole query
	// (RFC 7766 6.2.3). 0 means 10 s.
	Idle time.Duration
	// Write is how long a TCP peer may leave an answer unread. 0 means 5 s.
	Write time.Duration
	// TLS makes it a listener over TLS alone, without UDP (RFC 7858, 9103): who
	// gives the certificate is asked at every connection, so that it can change.
	TLS func() *Credentials
	// Handshake is how long a peer may take to agree on TLS. 0 means 5 s.
	Handshake time.Duration
	// OnError hears what went wrong while serving: *PanicError, *PeerError, or an
	// error of a socket. It is called from many goroutines, once an event.
	OnError func(error)
	// Now is the clock that the deadlines are reckoned by. nil means time.Now.
	Now func() time.Time
	// Proc is read when a bind fails, for who holds the port. nil means /proc.
	Proc fs.FS
}

func (o Options) withDefaults() Options {
	o.Sockets = cmp.Or(max(o.Sockets, 0), runtime.GOMAXPROCS(0))
	o.Conns = cmp.Or(max(o.Conns, 0), 1024)
	o.ConnsPerPeer = cmp.Or(max(o.ConnsPerPeer, 0), 256)
	o.Idle = cmp.Or(max(o.Idle, 0), 10*time.Second)
	o.Write = cmp.Or(max(o.Write, 0), 5*time.Second)
	o.Handshake = cmp.Or(max(o.Handshake, 0), 5*time.Second)
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Proc == nil {
		o.Proc = os.DirFS("/proc")
	}
	return o
}

// ParseAddr reads a listener's address: an IP address, never a name, and a
// port. The error says what to write.
func ParseAddr(s string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(s)
	if err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	bad := func(mend string) (netip.AddrPort, error) {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address to listen on: %s", s, mend)
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return bad("add the port, as in " + netip.AddrPortFrom(a, 53).String())
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return bad("write an IP address and a port, as in 127.0.0.1:5300 or [::1]:5300")
	}
	host, port := s[:i], s[i+1:]
	switch {
	case host == "" || host == "*":
		return bad(fmt.Sprintf("write 0.0.0.0:%s for IPv4 or [::]:%s for IPv6, or both as two listeners", port, port))
	case strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]"):
		host = host[1 : len(host)-1]
	}
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return bad("write an IP address and a port, as in 127.0.0.1:5300 or [::1]:5300, not a name")
	case a.Is6() && !strings.HasPrefix(s, "["):
		return bad(fmt.Sprintf("an IPv6 address stands in brackets: [%s]:%s", host, port))
	case a.Is4() && strings.HasPrefix(s, "["):
		return bad(fmt.Sprintf("an IPv4 address has no brackets: %s:%s", host, port))
	}
	return bad("the port is a number from 0 to 65535")
}
