package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

// ErrClosed is what Serve returns when Close came first.
var ErrClosed = errors.New("listen: the server is closed")

// Server answers on one address by UDP and TCP, or by TLS. Its methods are safe for
// concurrent use. The zero Server is not usable; Open makes one.
type Server struct {
	handler  resolver.Handler
	deferrer resolver.Deferrer // handler, if it is one
	options  Options
	addr     netip.AddrPort
	udp      []*net.UDPConn
	sockets  []datagrams // over udp
	tcp      *net.TCPListener
	secrets  *tls.Config // nil: plain TCP
	conns    conns
	counts   counters
	stopping chan struct{} // closed when Close begins
	finished chan struct{} // closed when all goroutines are gone

	mu      sync.Mutex // guards what follows
	serving bool
	stopped bool
}

// Open binds addr (see ParseAddr) for UDP and TCP, for TCP alone with TLS;
// port 0 takes one that is free for both. When it cannot, the error is a *BindError. What arrives waits
// in the kernel until Serve. The caller has to Close the Server.
func Open(addr string, h resolver.Handler, o Options) (*Server, error) {
	ap, err := ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Server{
		handler: h, options: o,
		stopping: make(chan struct{}), finished: make(chan struct{}),
		conns: conns{most: o.Conns, mostOfPeer: o.ConnsPerPeer},
	}
	s.deferrer, _ = h.(resolver.Deferrer)
	if o.TLS != nil {
		s.secrets = config(o)
		s.tcp, err = bindTCP(ap)
		if err != nil {
			err = &BindError{Network: "tcp", Addr: ap, Err: err}
		}
	} else {
		s.udp, s.tcp, err = bind(ap, o.Sockets)
	}
	if err != nil {
		var failed *BindError
		if errors.As(err, &failed) {
			failed.explain(o.Proc)
		}
		return nil, err
	}
	for _, c := range s.udp {
		s.sockets = append(s.sockets, newDatagrams(c, ap))
	}
	// The address as given: the kernel's has no zone where it needs none.
	port := s.tcp.Addr().(*net.TCPAddr).AddrPort().Port()
	s.addr = netip.AddrPortFrom(ap.Addr(), port)
	return s, nil
}

// Addr is the address that the Server listens on, with the port that port 0 became.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Serve answers until Close, then returns nil. It is called once.
func (s *Server) Serve() error {
	s.mu.Lock()
	switch {
	case s.stopped:
		s.mu.Unlock()
		return ErrClosed
	case s.serving:
		s.mu.Unlock()
		return errors.New("listen: Serve was called before")
	}
	s.serving = true
	var all sync.WaitGroup
	for _, d := range s.sockets {
		all.Go(func() { s.serveUDP(d) })
	}
	all.Go(func() { s.serveTCP(&all) })
	s.mu.Unlock()
	all.Wait()
	s.closeSockets()
	close(s.finished)
	return nil
}

// Close stops taking queries, lets the answers to those read go out, and waits
// until all is done. When ctx ends before, every connection is cut and its
// error returned; a Handler that still runs is not waited for. A second Close
// waits like the first.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.stopping)
		s.interrupt()
		if !s.serving {
			s.closeSockets()
			close(s.finished)
		}
	}
	s.mu.Unlock()
	select {
	case <-s.finished:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-s.finished: // both are so: the better one counts
		return nil
	default:
	}
	s.closeSockets()
	s.conns.cut()
	return fmt.Errorf("%v: closed without waiting: %w", s.addr, context.Cause(ctx))
}

// interrupt ends every read under way and every later one.
func (s *Server) interrupt() {
	past := time.Unix(1, 0)
	for _, c := range s.udp {
		_ = c.SetReadDeadline(past) // fails only when it is closed already
	}
	_ = s.tcp.Close()
	s.conns.interrupt(past)
}

func (s *Server) closeSockets() {
	for _, c := range s.udp {
		_ = c.Close()
	}
	_ = s.tcp.Close()
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// pause waits a little after an error of the system (no memory, no file
// descriptors), longer each time, and tells whether to go on.
func (s *Server) pause(failures int) bool {
	t := time.NewTimer(min(5*time.Millisecond<<min(failures, 10), time.Second))
	defer t.Stop()
	select {
	case <-s.stopping:
		return false
	case <-t.C:
		return true
	}
}

// Counts of events that are not a query's usual way, since Open.
type Counts struct {
	Panics     uint64 // of the Handler
	Unsendable uint64 // answers that the system did not take, or longer than a frame
	Evicted    uint64 // TCP connections ended to make room
	Handshakes uint64 // of TLS that failed, or took too long
	Conns      int    // TCP connections now
}

type counters struct{ panics, unsendable, evicted, handshakes atomic.Uint64 }

// Counts reads the counters; each by itself is exact.
func (s *Server) Counts() Counts {
	return Counts{
		Panics: s.counts.panics.Load(), Unsendable: s.counts.unsendable.Load(),
		Evicted: s.counts.evicted.Load(), Handshakes: s.counts.handshakes.Load(), Conns: s.conns.count(),
	}
}

// PanicError is a bug in the Handler: it got no further with one message, which
// stays unanswered.
type PanicError struct {
	Peer  resolver.Peer
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic while answering %v: %v\n%s", e.Peer.Addr, e.Value, e.Stack)
}

// PeerError is an answer that could not be sent.
type PeerError struct {
	Peer resolver.Peer
	Err  error
}

func (e *PeerError) Error() string { return fmt.Sprintf("answer to %v: %v", e.Peer.Addr, e.Err) }
func (e *PeerError) Unwrap() error { return e.Err }

func (s *Server) unsendable(from resolver.Peer, err error) {
	s.counts.unsendable.Add(1)
	s.options.OnError(&PeerError{from, err})
}

// handle appends the answer to dst, which is empty. No answer leaves it empty.
func (s *Server) handle(dst, msg []byte, from resolver.Peer) (out []byte) {
	defer func() {
		if v := recover(); v != nil {
			out = dst
			s.counts.panics.Add(1)
			s.options.OnError(&PanicError{from, v, debug.Stack()})
		}
	}()
	return s.handler.Handle(dst, msg, from)
}

// stream sends what a Streamer has to say to msg, message by message; false
// when Handle is to answer. A peer that does not read ends it.
func (s *Server) stream(msg []byte, from resolver.Peer, send func([]byte) error) (done bool, err error) {
	h, ok := s.handler.(resolver.Streamer)
	if !ok {
		return false, nil
	}
	defer func() {
		if v := recover(); v != nil {
			done, err = true, errStream // what was sent cannot be taken back
			s.counts.panics.Add(1)
			s.options.OnError(&PanicError{from, v, debug.Stack()})
		}
	}()
	seq := h.Stream(msg, from)
	if seq == nil {
		return false, nil
	}
	for m := range seq {
		if len(m) > maxMessage { // without it the others would look like all there is
			s.unsendable(from, errTooLong)
			return true, errStream
		}
		if err := send(m); err != nil {
			return true, err
		}
	}
	return true, nil
}
