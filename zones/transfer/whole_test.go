package transfer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// bigOn says how to start each server with a large zone of so many records and
// one to be cut, which are let go to the key.
func bigOn(t testing.TB, key *Key, records int) map[string]func() *peer {
	dir := t.TempDir()
	zs := []zoneFile{{"big.example", large(t, dir, "big.example", records)}, {"cut.example", large(t, dir, "cut.example", 5_000)}}
	return map[string]func() *peer{
		"BIND": func() *peer {
			var b strings.Builder
			for _, z := range zs {
				fmt.Fprintf(&b, "zone %s { type primary; file %q; allow-transfer { key %q; }; };\n", z.origin, z.path, key.Name.Text())
			}
			return bind(t, "big.example", key, b.String())
		},
		"Knot": func() *peer {
			var b strings.Builder
			fmt.Fprintf(&b, "acl:\n  - id: hopnhat\n    key: %s\n    action: transfer\nzone:\n", key.Name.Text())
			for _, z := range zs {
				fmt.Fprintf(&b, "  - domain: %s\n    file: %q\n    acl: hopnhat\n", z.origin, z.path)
			}
			return knot(t, "big.example", key, b.String())
		},
	}
}

type zoneFile struct{ origin, path string }

// TestPeers: a zone of 100 000 records, from BIND and from Knot, over IPv4 and
// IPv6, signed, equals record by record what dig and kdig get; cut at a random
// octet, it never is a part of a zone.
func TestPeers(t *testing.T) {
	key := testKey(t)
	for name, run := range bigOn(t, key, 100_000) {
		t.Run(name, func(t *testing.T) {
			p := run()
			z, rep, fs := Fetch(context.Background(), Request{Server: p.v6, Zone: internet("big.example"), Key: key, Local: netip.IPv6Loopback()})
			if z == nil || len(fs) > 0 {
				t.Fatal(show(fs))
			}
			t.Logf("%d records, %d octets, %d messages, %d signed", rep.Records, rep.Octets, rep.Messages, rep.Signed)
			if rep.Records < 100_000 || rep.Taken != rep.Records || rep.After == nil || *rep.After != 2026030101 || rep.Local != netip.IPv6Loopback() {
				t.Errorf("%+v", rep)
			}
			for _, tool := range []string{"dig", "kdig"} {
				want, n := digs(t, tool, p, key)
				if n != rep.Records || !want.Equal(z) {
					_, d := Compare(want, z)
					t.Errorf("%s has %d records, we %d:\n%.3000s", tool, n, rep.Records, show(d))
				}
			}
			four, _, fs := Fetch(context.Background(), Request{Server: p.v4, Zone: internet("big.example"), Key: key})
			if four == nil || !four.Equal(z) {
				t.Errorf("over IPv4: %s", show(fs))
			}
			cuts(t, p, key)
		})
	}
}

// TestKilled: a server that is really killed at a random point of a transfer, 50
// times. What the kernel still sends may be all of it; a part is never taken.
func TestKilled(t *testing.T) {
	const records, kills = 40_000, 25 // of each server
	key := testKey(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	for name, run := range bigOn(t, key, records) {
		partly, died := 0, 0
		for range kills {
			p := run()
			at := 1 + rng.IntN(1<<19)
			r := newRelay(t, p.v6, at, func() { _ = p.proc.Kill(); <-p.ended })
			z, rep, fs := Fetch(context.Background(), Request{Server: r.addr, Zone: internet("big.example"), Key: key})
			n := <-r.passed
			select {
			case <-p.ended:
				died++
			default:
				t.Errorf("%s was not killed: %d of %d octets came", name, n, at)
			}
			if z == nil {
				partly++
				if !strings.Contains(show(fs), "[X-SHORT]") && !strings.Contains(show(fs), "[X-CONNECT]") {
					t.Errorf("seed %d: killed after %d octets: %s", seed, at, show(fs))
				}
				continue
			}
			if _, _, n := z.Counts(); n != rep.Records || n < records {
				t.Errorf("seed %d: a part of a zone, %d records", seed, n)
			}
		}
		t.Logf("%s killed %d times; %d transfers ended early", name, died, partly)
		if partly < kills/2 {
			t.Errorf("%s: %d transfers of %d ended early", name, partly, kills)
		}
	}
}

// relay is a TCP proxy that lets a number of octets of the server's answer
// pass, then does what it is told and closes.
type relay struct {
	net.Listener
	addr   netip.AddrPort
	passed chan int // octets of transfers that passed, once for each
	wait   sync.WaitGroup
}

func newRelay(t testing.TB, server netip.AddrPort, most int, then func()) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, addr: l.Addr().(*net.TCPAddr).AddrPort(), passed: make(chan int, 10)}
	r.wait.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.wait.Go(func() { r.pass(in, server, most, then) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); r.wait.Wait() })
	return r
}

func (r *relay) pass(in net.Conn, server netip.AddrPort, most int, then func()) {
	defer in.Close()
	out, err := net.Dial("tcp", server.String())
	if err != nil {
		return
	}
	defer out.Close()
	q, err := readFrame(in, make([]byte, maxMsg))
	if err != nil {
		return
	}
	m, err := parseHeader(q)
	if err != nil {
		return
	}
	n := 0
	if l, err := m.layout(); err == nil && l.questions[0].qtype == zones.TypeAXFR {
		defer func() { r.passed <- n }()
	} else {
		most, then = 1<<40, nil
	}
	if _, err := out.Write(frame(q)); err != nil {
		return
	}
	r.wait.Go(func() { // the client goes away
		_, _ = in.Read(make([]byte, 1))
		_ = out.Close()
	})
	if then != nil { // so that little is under way when the server is killed
		_ = out.(*net.TCPConn).SetReadBuffer(1 << 16)
	}
	buf := make([]byte, 1<<16)
	for {
		k, err := out.Read(buf[:min(len(buf), max(1, most-n))])
		if n+k > most {
			k = most - n
		}
		w, werr := in.Write(buf[:k])
		n += w
		if n == most && then != nil {
			then()
			then, most = nil, 1<<40
		}
		if err != nil || werr != nil || n >= most {
			return
		}
	}
}

// cuts cuts transfers at random octets: never a partial zone.
func cuts(t *testing.T, p *peer, key *Key) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	fetch := func(r *relay) (*zones.Zone, string) {
		z, _, fs := Fetch(context.Background(), Request{Server: r.addr, Zone: internet("cut.example"), Key: key, Timeouts: Timeouts{Query: patience}})
		return z, show(fs)
	}
	whole := newRelay(t, p.v6, 1<<40, nil)
	z, fs := fetch(whole)
	if z == nil {
		t.Fatalf("through the relay: %s", fs)
	}
	total := <-whole.passed
	for i := range 50 {
		at := rng.IntN(total)
		switch i { // the edges
		case 0:
			at = 0
		case 1:
			at = total - 1
		case 2:
			at = 1
		}
		r := newRelay(t, p.v6, at, nil)
		if z, fs := fetch(r); z != nil || !strings.Contains(fs, "[X-SHORT]") && !strings.Contains(fs, "[X-CONNECT]") {
			t.Errorf("cut at %d of %d octets (seed %d): %s", at, total, seed, fs)
		}
		if n := <-r.passed; n != at {
			t.Errorf("%d octets passed, not %d", n, at)
		}
	}
}
