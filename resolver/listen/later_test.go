package listen

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

// deferrer echoes, a message of 40 octets when it is let go, one of 41 never
// (with a panic), one of 42 twice.
type deferrer struct{ goes chan struct{} }

func (*deferrer) Handle(dst, msg []byte, from resolver.Peer) []byte { return echo(dst, msg, from) }

func (*deferrer) Defers(msg []byte) bool { return len(msg) >= 40 && len(msg) <= 42 }

func (d *deferrer) Defer(msg []byte, _ resolver.Peer, reply func([]byte)) {
	if len(msg) == 41 {
		panic("forty-one")
	}
	out := answered(msg)
	clear(msg) // what it keeps is a copy
	go func() {
		if len(out) == 40 {
			<-d.goes
		}
		reply(out)
		if len(out) == 42 {
			reply(out)
		}
		clear(out)
	}()
}

// TestLaterUDP: who waits for a disk keeps nobody else waiting, and is answered
// from the address that it asked.
func TestLaterUDP(t *testing.T) {
	for _, c := range []struct{ listen, ask string }{{"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.9"}, {"[::]:0", "::1"}} {
		d := &deferrer{make(chan struct{})}
		heard := make(chan error, 10)
		s := start(t, c.listen, d, Options{Sockets: 1, OnError: func(err error) { heard <- err }})
		to := netip.AddrPortFrom(netip.MustParseAddr(c.ask), s.Addr().Port())
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(alive)))
		_, err = conn.Write(query(1, 40))
		must(t, err)
		for id := range uint16(100) {
			q := query(id, 30)
			if got := askUDP(t, to, q); !bytes.Equal(got, answered(q)) {
				t.Fatalf("%x", got)
			}
		}
		close(d.goes)
		b := make([]byte, 100)
		n, err := conn.Read(b)
		must(t, err)
		if want := answered(query(1, 40)); !bytes.Equal(b[:n], want) {
			t.Fatalf("%x, want %x", b[:n], want)
		}
		_, err = conn.Write(query(2, 41))
		must(t, err)
		if err := <-heard; err == nil {
			t.Fatal("a panic is not told")
		}
	}
}

// TestLaterTCP: answers keep their order, and a panic ends nothing.
func TestLaterTCP(t *testing.T) {
	d := &deferrer{make(chan struct{})}
	heard := make(chan error, 10)
	s := start(t, "127.0.0.1:0", d, Options{OnError: func(err error) { heard <- err }})
	c := dialTCP(t, s.Addr())
	_, err := c.Write(framed(query(1, 30), query(2, 40), query(3, 31), query(4, 41), query(5, 42), query(6, 33)))
	must(t, err)
	askTCP(t, s.Addr()) // another is answered meanwhile
	close(d.goes)
	for _, q := range [][]byte{query(1, 30), query(2, 40), query(3, 31), query(5, 42), query(6, 33)} {
		wantFrame(t, c, answered(q))
	}
	if err := <-heard; err == nil {
		t.Fatal("a panic is not told")
	}
}
