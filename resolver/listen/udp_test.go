package listen

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

func TestUDP(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		s := start(t, addr, echo, Options{})
		for _, length := range []int{12, 13, 512, 1232, 4096, 20000, 65000} {
			q := query(uint16(length), length)
			if got := askUDP(t, s.Addr(), q); !bytes.Equal(got, answered(q)) {
				t.Errorf("%s: %d octets: answer of %d octets %.20x…", addr, length, len(got), got)
			}
		}
	}
}

// What has no answer must not stop what comes after it in the batch.
func TestUDPUnanswered(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{Sockets: 1})
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr()))
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(alive)))
	q := query(9, 40)
	for _, m := range [][]byte{{}, {1}, make([]byte, 11), answered(q), q} {
		_, err := c.Write(m)
		must(t, err)
	}
	b := make([]byte, 100)
	n, err := c.Read(b)
	must(t, err)
	if !bytes.Equal(b[:n], answered(q)) {
		t.Errorf("answer %x", b[:n])
	}
}

// LISTEN-SOURCE: a client's connected socket hears nothing from other addresses.
func TestUDPSource(t *testing.T) {
	for _, c := range []struct{ listen, ask string }{
		{"0.0.0.0:0", "127.0.0.1"},
		{"0.0.0.0:0", "127.0.0.5"},
		{"0.0.0.0:0", "127.255.255.254"},
		{"[::]:0", "::1"},
	} {
		o := Options{Sockets: 3}
		s := start(t, c.listen, echo, o)
		q := query(5, 50)
		to := netip.AddrPortFrom(netip.MustParseAddr(c.ask), s.Addr().Port())
		if got := askUDP(t, to, q); !bytes.Equal(got, answered(q)) {
			t.Errorf("%s asked at %s: %x", c.listen, c.ask, got)
		}
	}
}

func TestUDPSourceOfOwnAddresses(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	must(t, err)
	s4 := start(t, "0.0.0.0:0", echo, Options{})
	s6 := start(t, "[::]:0", echo, Options{})
	asked := 0
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if !ok || ip.IsLinkLocalUnicast() {
			continue
		}
		s := s6
		if ip = ip.Unmap(); ip.Is4() {
			s = s4
		}
		q := query(5, 50)
		if got := askUDP(t, netip.AddrPortFrom(ip, s.Addr().Port()), q); !bytes.Equal(got, answered(q)) {
			t.Errorf("asked at %v: %x", ip, got)
		}
		asked++
	}
	if asked < 2 {
		t.Fatalf("only %d addresses on this machine: %v", asked, addrs)
	}
}

// A thousand clients, each from a port of its own: all sockets that share the
// port answer, the first of them too, which joined later.
func TestUDPMany(t *testing.T) {
	const clients, queries = 1000, 5
	s := start(t, "127.0.0.1:0", echo, Options{Sockets: 4})
	if n := len(s.udp); n != 4 {
		t.Logf("%d sockets share the port", n)
	}
	var all sync.WaitGroup
	gate := make(chan struct{}, 100)
	for i := range clients {
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			for j := range queries {
				q := query(uint16(i*queries+j), 40+j)
				got, err := exchange(s.Addr(), q)
				if err != nil || !bytes.Equal(got, answered(q)) {
					t.Errorf("client %d: %x %v", i, got, err)
				}
			}
		})
	}
	all.Wait()
}

// All of a burst from one client is answered, whatever the batches were.
func TestUDPBurst(t *testing.T) {
	const burst = 3*batch + 7
	s := start(t, "127.0.0.1:0", echo, Options{})
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr()))
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(alive)))
	for round := range 10 {
		for i := range burst {
			_, err := c.Write(query(uint16(round*burst+i), 12+i))
			must(t, err)
		}
		seen := map[uint16]bool{}
		b := make([]byte, 2000)
		for range burst {
			n, err := c.Read(b)
			must(t, err)
			id := uint16(b[0])<<8 | uint16(b[1])
			i := int(id) - round*burst
			if i < 0 || i >= burst || seen[id] || !bytes.Equal(b[:n], answered(query(id, 12+i))) {
				t.Fatalf("round %d: answer %x", round, b[:n])
			}
			seen[id] = true
		}
	}
}

// step is a datagrams without a running Server, and a client of it.
func step(t testing.TB, at string, sockets func(*net.UDPConn, netip.AddrPort) datagrams, ask string) (datagrams, *net.UDPConn) {
	t.Helper()
	ap := netip.MustParseAddrPort(at)
	bound, err := bindUDP(ap, 1)
	must(t, err)
	c := bound[0]
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetReadDeadline(time.Now().Add(alive)))
	to := netip.AddrPortFrom(netip.MustParseAddr(ask), c.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	must(t, client.SetReadDeadline(time.Now().Add(alive)))
	return sockets(c, ap), client
}

// The portable datagrams are the slow, obvious twin of the batched ones.
func TestDatagramsAlike(t *testing.T) {
	for name, sockets := range map[string]func(*net.UDPConn, netip.AddrPort) datagrams{"batched": newDatagrams, "single": newSingle} {
		for _, c := range [][2]string{{"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.9"}, {"[::1]:0", "::1"}, {"[::]:0", "::1"}} {
			s := &Server{handler: echo, options: Options{}.withDefaults()}
			d, client := step(t, c[0], sockets, c[1])
			lost := func(to netip.AddrPort, err error) { t.Errorf("%s %s: lost %v: %v", name, c, to, err) }
			for _, length := range []int{12, 4096, 4097, 60000} {
				q := query(3, length)
				_, err := client.Write(q)
				must(t, err)
				must(t, s.answerBatch(d, lost))
				b := make([]byte, maxMessage)
				n, err := client.Read(b)
				if err != nil || !bytes.Equal(b[:n], answered(q)) {
					t.Errorf("%s %s: %d octets: %.20x… %v", name, c, length, b[:n], err)
				}
			}
		}
	}
}

// An answer that the system does not take is reported with its peer, and the
// rest of the batch goes out.
func TestUDPUnsendable(t *testing.T) {
	d, client := step(t, "127.0.0.1:0", newDatagrams, "127.0.0.1")
	s := &Server{options: Options{}.withDefaults(), handler: handlerFunc(func(dst, msg []byte, _ resolver.Peer) []byte {
		if msg[0] == 'L' {
			return make([]byte, 65530) // longer than a datagram over IPv4
		}
		return append(dst, msg...)
	})}
	for _, m := range []string{"L1", "a", "L2", "L3", "b", "L4"} {
		_, err := client.Write([]byte(m))
		must(t, err)
	}
	var lost []netip.AddrPort
	for len(lost) < 4 {
		must(t, s.answerBatch(d, func(to netip.AddrPort, err error) {
			if err == nil {
				t.Error("lost without an error")
			}
			lost = append(lost, to)
		}))
	}
	me := client.LocalAddr().(*net.UDPAddr).AddrPort()
	if !slices.Equal(lost, []netip.AddrPort{me, me, me, me}) {
		t.Errorf("lost %v, want four of %v", lost, me)
	}
	b := make([]byte, 10)
	for _, want := range []string{"a", "b"} {
		if n, err := client.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("got %q %v, want %q", b[:n], err, want)
		}
	}
}

// The allocations of one datagram. Allowed are, both in x/net's ReadBatch: the
// peer's net.UDPAddr, and the octets of its IP. Ours are none.
func TestUDPAllocations(t *testing.T) {
	const allowed = 2
	if raceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	for _, c := range [][2]string{{"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.1"}, {"[::1]:0", "::1"}, {"[::]:0", "::1"}} {
		s := &Server{handler: echo, options: Options{}.withDefaults()}
		d, client := step(t, c[0], newDatagrams, c[1])
		lost := func(_ netip.AddrPort, err error) { t.Error(err) }
		q, b := query(1, 40), make([]byte, 100)
		got := testing.AllocsPerRun(500, func() {
			_, err1 := client.Write(q)
			err2 := s.answerBatch(d, lost)
			n, err3 := client.Read(b)
			if err1 != nil || err2 != nil || err3 != nil || n != len(q) {
				t.Fatal(err1, err2, err3, n)
			}
		})
		if got > allowed {
			t.Errorf("%s: %v allocations a datagram, %d are allowed", c, got, allowed)
		}
	}
}

func BenchmarkUDP(b *testing.B) {
	s := &Server{handler: echo, options: Options{}.withDefaults()}
	for name, sockets := range map[string]func(*net.UDPConn, netip.AddrPort) datagrams{"batched": newDatagrams, "single": newSingle} {
		b.Run(name, func(b *testing.B) {
			d, client := step(b, "0.0.0.0:0", sockets, "127.0.0.1")
			q, buf := query(1, 40), make([]byte, 100)
			lost := func(_ netip.AddrPort, err error) { b.Error(err) }
			b.ReportAllocs()
			for b.Loop() {
				for range batch {
					if _, err := client.Write(q); err != nil {
						b.Fatal(err)
					}
				}
				for range batch {
					if name == "single" {
						must(b, s.answerBatch(d, lost))
					}
				}
				if name == "batched" {
					must(b, s.answerBatch(d, lost))
				}
				for range batch {
					if _, err := client.Read(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
