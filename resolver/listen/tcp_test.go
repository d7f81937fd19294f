package listen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

func TestTCP(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"} {
		s := start(t, addr, echo, Options{})
		to := s.Addr()
		if to.Addr().IsUnspecified() {
			loopback := map[bool]string{true: "127.0.0.5", false: "::1"}
			to = netip.AddrPortFrom(netip.MustParseAddr(loopback[to.Addr().Is4()]), to.Port())
		}
		c := dialTCP(t, to)
		for _, length := range []int{12, 13, 512, firstBuffer - 2, firstBuffer - 1, firstBuffer, flushAt, 65534, 65535, 14} {
			q := query(uint16(length), length)
			_, err := c.Write(framed(q))
			must(t, err)
			wantFrame(t, c, answered(q))
		}
	}
}

// What the Handler is told of the peer.
func TestPeer(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		s := start(t, addr, handlerFunc(func(dst, _ []byte, from resolver.Peer) []byte {
			return append(dst, from.Addr.String()+[]string{" udp", " tcp"}[from.Transport]...)
		}), Options{})
		u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr()))
		must(t, err)
		defer u.Close()
		must(t, u.SetDeadline(time.Now().Add(alive)))
		_, err = u.Write([]byte("?"))
		must(t, err)
		b := make([]byte, 100)
		n, err := u.Read(b)
		must(t, err)
		if got, want := string(b[:n]), u.LocalAddr().String()+" udp"; got != want {
			t.Errorf("peer %q, want %q", got, want)
		}
		c := dialTCP(t, s.Addr())
		_, err = c.Write(framed([]byte("?")))
		must(t, err)
		wantFrame(t, c, []byte(c.LocalAddr().String()+" tcp"))
	}
}

// RFC 7766 6.2.1.1: a client sends further queries without waiting. The
// answers are ours to order; we keep the order (LISTEN-ORDER).
func TestTCPPipelined(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{})
	for _, length := range []int{12, 40, 1000, 60000} {
		var queries [][]byte
		for i := range 100 {
			queries = append(queries, query(uint16(i), length))
		}
		c := dialTCP(t, s.Addr())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := c.Write(framed(queries...)); err != nil {
				t.Error(err)
			}
		})
		for _, q := range queries {
			wantFrame(t, c, answered(q))
		}
		all.Wait()
	}
}

func TestTCPOctetByOctet(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{})
	c := dialTCP(t, s.Addr())
	for i := range 3 {
		q := query(uint16(i), 50)
		for _, o := range framed(q) {
			_, err := c.Write([]byte{o}) // TCP_NODELAY: a segment each
			must(t, err)
		}
		wantFrame(t, c, answered(q))
	}
}

// RFC 7766 6.2.4: a client may close its side after its queries.
func TestTCPFinAfterQuery(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{})
	for _, tail := range [][]byte{nil, {0}, {0, 20}, {0, 20, 1, 2, 3}} {
		c := dialTCP(t, s.Addr())
		var queries [][]byte
		for i := range 50 {
			queries = append(queries, query(uint16(i), 2000))
		}
		_, err := c.Write(append(framed(queries...), tail...))
		must(t, err)
		must(t, c.CloseWrite())
		for _, q := range queries {
			wantFrame(t, c, answered(q))
		}
		if _, err := readFrame(c); err != io.EOF {
			t.Errorf("after FIN and a tail of %d octets: %v, want EOF", len(tail), err)
		}
	}
}

// Empty frames, and frames that have no answer, do no harm and are skipped.
func TestTCPEmptyFrames(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{})
	c := dialTCP(t, s.Addr())
	q := query(1, 20)
	for range 3 {
		_, err := c.Write(append(make([]byte, 20000), framed(nil, []byte{1}, answered(q), q)...))
		must(t, err)
		wantFrame(t, c, answered(q))
	}
}

// Idle ends a connection that brings nothing to answer, however busy it is.
func TestTCPIdle(t *testing.T) {
	for name, c := range map[string]struct{ once, again []byte }{
		"nothing":              {},
		"empty frames":         {again: []byte{0, 0}},
		"half a query":         {once: framed(query(1, 60000))[:10]},
		"responses":            {again: framed(answered(query(1, 12)))},
		"octets of a response": {again: []byte{0xbc}},
	} {
		send := c
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "127.0.0.1:0", echo, Options{Idle: 50 * time.Millisecond})
			c := dialTCP(t, s.Addr())
			ended := make(chan struct{})
			go func() {
				_, _ = io.Copy(io.Discard, c) // EOF, or a reset: octets were left unread
				close(ended)
			}()
			giveUp := time.After(alive)
			_, err := c.Write(send.once)
			must(t, err)
			for {
				select {
				case <-ended:
					return
				case <-giveUp:
					t.Error("the connection lives on")
					_ = c.Close()
					<-ended
					return
				default:
					if _, err := c.Write(send.again); err != nil {
						<-ended
						return
					}
					runtime.Gosched()
				}
			}
		})
	}
}

// An answered query gives the connection its whole time again.
func TestTCPIdleStartsAgain(t *testing.T) {
	var calls atomic.Int64
	clock := func() time.Time { // each reading is one hour on, as if the peer were slow
		return time.Now().Add(time.Duration(calls.Add(1)) * time.Hour)
	}
	s := start(t, "127.0.0.1:0", echo, Options{Idle: time.Minute, Write: time.Minute, Now: clock})
	c := dialTCP(t, s.Addr())
	for i := range 10 {
		q := query(uint16(i), 30)
		_, err := c.Write(framed(q))
		must(t, err)
		wantFrame(t, c, answered(q))
	}
	if n := calls.Load(); n < 20 {
		t.Errorf("the clock was read %d times, want two a query", n)
	}
}

// A client that asks and never reads is ended in bounded time, and its
// answers in bounded memory; others are served meanwhile.
func TestTCPNeverRead(t *testing.T) {
	var made atomic.Int64
	s := start(t, "127.0.0.1:0", handlerFunc(func(dst, msg []byte, from resolver.Peer) []byte {
		if from.Transport == resolver.TCP && len(msg) == 12 {
			made.Add(1)
			return append(dst, make([]byte, 60000)...)
		}
		return echo(dst, msg, from)
	}), Options{Write: 100 * time.Millisecond})
	c := dialTCP(t, s.Addr())
	queries := framed(query(1, 12))
	for range 12 {
		queries = append(queries, queries...)
	}
	written := 0
	for {
		n, err := c.Write(queries)
		written += n
		if err != nil {
			if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				t.Fatalf("the server still listens after %d octets", written)
			}
			break // it was cut
		}
		askTCP(t, s.Addr())
	}
	askTCP(t, s.Addr())
	// The socket buffers hold some; we hold what one flush is at most.
	if n := made.Load(); n > 1000 {
		t.Errorf("%d answers of 60000 octets were made for a peer that read none", n)
	}
}

// Limits end the connection that was answered longest ago, not the new one.
func TestTCPLimits(t *testing.T) {
	for name, o := range map[string]Options{"in all": {Conns: 3}, "of a peer": {ConnsPerPeer: 3}} {
		s := start(t, "127.0.0.1:0", echo, o)
		var open []*net.TCPConn
		ask := func(i int) error {
			q := query(uint16(i), 20)
			if _, err := open[i].Write(framed(q)); err != nil {
				return err
			}
			_, err := readFrame(open[i])
			return err
		}
		for i := range 3 {
			open = append(open, dialTCP(t, s.Addr()))
			must(t, ask(i))
		}
		// touch comes after the answer: wait for it by one more answer.
		must(t, ask(0))
		must(t, ask(2))
		must(t, ask(0))
		open = append(open, dialTCP(t, s.Addr())) // ends 1
		must(t, ask(3))
		if err := ask(1); err == nil {
			t.Errorf("%s: the oldest of four connections was not ended", name)
		}
		for _, i := range []int{0, 2, 3} {
			if err := ask(i); err != nil {
				t.Errorf("%s: connection %d: %v", name, i, err)
			}
		}
		if n := s.Counts(); n.Evicted != 1 || n.Conns > 3 {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

func TestPeerGroup(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := peerGroup(netip.MustParseAddr(a)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", a, got, want)
		}
	}
	_ = peerGroup(netip.Addr{})
}

func TestTCPMany(t *testing.T) {
	const clients = 1000
	s := start(t, "127.0.0.1:0", echo, Options{Conns: clients, ConnsPerPeer: clients})
	var open []*net.TCPConn
	for range clients {
		open = append(open, dialTCP(t, s.Addr()))
	}
	for i, c := range open {
		_, err := c.Write(framed(query(uint16(i), 30)))
		must(t, err)
	}
	for i, c := range open {
		wantFrame(t, c, answered(query(uint16(i), 30)))
	}
	if n := s.Counts(); n.Conns != clients || n.Evicted != 0 {
		t.Errorf("%+v", n)
	}
}

// A bug in the Handler costs one answer.
func TestPanic(t *testing.T) {
	heard := make(chan error, 10)
	s := start(t, "127.0.0.1:0", handlerFunc(func(dst, msg []byte, from resolver.Peer) []byte {
		if len(msg) == 13 {
			panic("thirteen")
		}
		return echo(dst, msg, from)
	}), Options{OnError: func(err error) { heard <- err }})
	c := dialTCP(t, s.Addr())
	_, err := c.Write(framed(query(1, 13), query(2, 14)))
	must(t, err)
	wantFrame(t, c, answered(query(2, 14)))
	u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr()))
	must(t, err)
	defer u.Close()
	_, err = u.Write(query(1, 13))
	must(t, err)
	askUDP(t, s.Addr(), query(2, 14))
	for range 2 {
		var p *PanicError
		if err := <-heard; !errors.As(err, &p) || p.Value != "thirteen" || !p.Peer.Addr.IsValid() ||
			!bytes.Contains(p.Stack, []byte("TestPanic")) {
			t.Errorf("heard %v", err)
		}
	}
	if n := s.Counts().Panics; n != 2 {
		t.Errorf("%d panics counted, want 2", n)
	}
}

// An answer that no frame can hold is reported, and the next query answered.
func TestTCPAnswerTooLong(t *testing.T) {
	heard := make(chan error, 10)
	s := start(t, "127.0.0.1:0", handlerFunc(func(dst, msg []byte, from resolver.Peer) []byte {
		if len(msg) == 13 {
			return append(dst, make([]byte, 65536)...)
		}
		return echo(dst, msg, from)
	}), Options{OnError: func(err error) { heard <- err }})
	c := dialTCP(t, s.Addr())
	_, err := c.Write(framed(query(1, 13), query(2, 14)))
	must(t, err)
	wantFrame(t, c, answered(query(2, 14)))
	var p *PeerError
	if err := <-heard; !errors.As(err, &p) || p.Peer.Addr.String() != c.LocalAddr().String() {
		t.Errorf("heard %v", err)
	}
}
