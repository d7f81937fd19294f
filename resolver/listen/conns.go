package listen

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

// conns is the set of TCP connections, bounded in all and for a peer. Its
// methods are safe for concurrent use.
type conns struct {
	most, mostOfPeer int

	mu     sync.Mutex // guards what follows, and every conn's place
	closed bool
	byAge  list.List // of *conn, the one answered longest ago first
	ofPeer map[netip.Prefix]int
}

type conn struct {
	net.Conn
	peer  resolver.Peer
	group netip.Prefix
	place *list.Element // nil when it is not in the set
}

// peerGroup is what the limit of a peer counts as one: an IPv4 address, an
// IPv6 network of 64 bits.
func peerGroup(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // fails for the zero Addr only, which is a group too
	return p
}

func addrPortTCP(c net.Conn) netip.AddrPort {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// add takes k in, and ends others where there are too many: refusing k instead
// would let one peer keep all others out by doing nothing. ok is false after
// interrupt.
func (s *conns) add(k *conn) (evicted int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	if s.ofPeer == nil {
		s.ofPeer = map[netip.Prefix]int{}
	}
	if s.ofPeer[k.group] >= s.mostOfPeer {
		evicted += s.evict(func(c *conn) bool { return c.group == k.group })
	}
	if s.byAge.Len() >= s.most {
		evicted += s.evict(func(*conn) bool { return true })
	}
	k.place = s.byAge.PushBack(k)
	s.ofPeer[k.group]++
	return evicted, true
}

// evict ends the oldest connection that match tells. mu is held.
func (s *conns) evict(match func(*conn) bool) int {
	for e := s.byAge.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*conn); match(c) {
			s.forget(c)
			_ = c.Close() // its goroutine sees the error and ends
			return 1
		}
	}
	return 0
}

func (s *conns) forget(k *conn) {
	s.byAge.Remove(k.place)
	k.place = nil
	if s.ofPeer[k.group]--; s.ofPeer[k.group] <= 0 {
		delete(s.ofPeer, k.group)
	}
}

// touch makes k the youngest.
func (s *conns) touch(k *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.place != nil {
		s.byAge.MoveToBack(k.place)
	}
}

func (s *conns) remove(k *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.place != nil {
		s.forget(k)
	}
}

func (s *conns) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byAge.Len()
}

// interrupt takes no more connections and ends the reads of those there are.
func (s *conns) interrupt(past time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for e := s.byAge.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*conn).SetReadDeadline(past)
	}
}

// cut ends all connections at once.
func (s *conns) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.byAge.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*conn).Close()
	}
}
