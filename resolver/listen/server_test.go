package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

// The port is free for both transports again, for whoever comes next.
func TestCloseFreesThePort(t *testing.T) {
	addr := "127.0.0.1:0"
	for range 5 {
		s, err := Open(addr, echo, Options{})
		must(t, err)
		addr = s.Addr().String()
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		askTCP(t, s.Addr())
		askUDP(t, s.Addr(), query(1, 12))
		must(t, s.Close(context.Background()))
		must(t, s.Close(context.Background()))
		must(t, <-served)
		if err := s.Serve(); !errors.Is(err, ErrClosed) {
			t.Errorf("Serve after Close: %v", err)
		}
	}
}

func TestCloseWithoutServe(t *testing.T) {
	s, err := Open("127.0.0.1:0", echo, Options{})
	must(t, err)
	must(t, s.Close(context.Background()))
	if err := s.Serve(); !errors.Is(err, ErrClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
	again, err := Open(s.Addr().String(), echo, Options{})
	must(t, err)
	must(t, again.Close(context.Background()))
}

func TestServeTwice(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{})
	askUDP(t, s.Addr(), query(1, 12)) // so it serves
	if err := s.Serve(); err == nil || errors.Is(err, ErrClosed) {
		t.Errorf("the second Serve: %v", err)
	}
}

// Close ends idle connections at once, long before Idle.
func TestCloseIdleConnections(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{Idle: time.Hour})
	c := dialTCP(t, s.Addr())
	q := query(1, 30)
	_, err := c.Write(append(framed(q), 0, 30, 1, 2))
	must(t, err)
	wantFrame(t, c, answered(q))
	must(t, s.Close(context.Background()))
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the connection lives on: %v", err)
	}
	if n := s.Counts().Conns; n != 0 {
		t.Errorf("%d connections after Close", n)
	}
}

// A query that is being answered when Close comes has its answer.
func TestCloseLetsAnswersOut(t *testing.T) {
	entered, leave := make(chan resolver.Transport, 2), make(chan struct{})
	s, err := Open("127.0.0.1:0", handlerFunc(func(dst, msg []byte, from resolver.Peer) []byte {
		entered <- from.Transport
		<-leave
		return echo(dst, msg, from)
	}), Options{})
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	q := query(1, 30)
	c := dialTCP(t, s.Addr())
	_, err = c.Write(framed(q))
	must(t, err)
	u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr()))
	must(t, err)
	defer u.Close()
	must(t, u.SetDeadline(time.Now().Add(alive)))
	_, err = u.Write(q)
	must(t, err)
	<-entered
	<-entered
	// A Close that may not wait says so; the Handler runs on.
	done, cancel := context.WithCancel(context.Background())
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	<-s.stopping
	close(leave)
	wantFrame(t, c, answered(q))
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the last answer: %v", err)
	}
	b := make([]byte, 100)
	n, err := u.Read(b)
	if err != nil || n != len(q) {
		t.Errorf("UDP: %d octets, %v", n, err)
	}
	must(t, <-closed)
	must(t, <-served)
	cancel()
	must(t, s.Close(done)) // all is gone: nothing to wait for
}

// When the time for it is up, Close cuts the connections and comes back.
func TestCloseInTime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, err := Open("127.0.0.1:0", handlerFunc(func(dst, _ []byte, _ resolver.Peer) []byte {
		close(entered)
		<-leave
		return dst
	}), Options{})
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c := dialTCP(t, s.Addr())
	_, err = c.Write(framed(query(1, 30)))
	must(t, err)
	<-entered
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(io.ErrNoProgress)
	if err := s.Close(ctx); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Close: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the connection lives on: %v", err)
	}
	close(leave)
	must(t, <-served)
}

// Close and Serve and connections at the same time: none hangs, none is left.
func TestCloseAnyTime(t *testing.T) {
	for range 100 {
		s, err := Open("127.0.0.1:0", echo, Options{})
		must(t, err)
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		dialled := make(chan struct{})
		go func() {
			defer close(dialled)
			for range 5 {
				if c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(s.Addr())); err == nil {
					_, _ = c.Write(framed(query(1, 12)))
					defer c.Close()
				}
			}
		}()
		must(t, s.Close(context.Background()))
		if err := <-served; err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		<-dialled
	}
}

// What comes between Open and Serve waits, with the address that it asked.
func TestQueriesBeforeServe(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0"} {
		s, err := Open(addr, echo, Options{Sockets: 3})
		must(t, err)
		host := "127.0.0.9"
		if s.Addr().Addr().Is6() {
			host = "::1"
		}
		to := netip.AddrPortFrom(netip.MustParseAddr(host), s.Addr().Port())
		var clients []*net.UDPConn
		for range 20 {
			u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			must(t, err)
			defer u.Close()
			must(t, u.SetDeadline(time.Now().Add(alive)))
			_, err = u.Write(query(1, 30))
			must(t, err)
			clients = append(clients, u)
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		for _, u := range clients {
			_, err := u.Read(make([]byte, 100))
			must(t, err)
		}
		must(t, s.Close(context.Background()))
		must(t, <-served)
	}
}
