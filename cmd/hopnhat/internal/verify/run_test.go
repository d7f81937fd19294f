package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// outcomeOf judges with a quorum of two.
func outcomeOf(r Report) Verdict { return Judge(r, Quorum{Automatic: true, Points: 2}) }

// TestRun: everything is asked of our own listener, and each point is told of;
// a lie of one record is found, and shown by a dig.
func TestRun(t *testing.T) {
	was, now := world(t, before+newBefore), world(t, after+newAfter)
	own, second := serve(t, now), serve(t, now)
	var mu sync.Mutex
	var lines []string
	task := Task{World: now, Before: was, Points: []Point{
		{Name: "own", Address: own.addr, View: zones.Internet},
		{Name: "ns2", Address: second.addr, View: zones.Internet, Kind: Secondary},
	}}
	r := Run(t.Context(), task, still(nil), func(s string) { mu.Lock(); lines = append(lines, s); mu.Unlock() })
	for _, p := range r.Points {
		if p.Asked != p.Of || p.Asked < 30 || p.Right != p.Asked || p.Cut {
			t.Errorf("%v", p)
		}
	}
	if v := Judge(r, Quorum{}); v.Outcome != Good || len(lines) != 2 {
		t.Errorf("%v %q", v, lines)
	}

	second.turn(t, world(t, strings.Replace(after, "mail A 192.0.2.11", "mail A 192.0.2.66", 1)+newAfter))
	r = Run(t.Context(), task, still(nil), quiet)
	p := r.Points[1]
	dig := fmt.Sprintf("dig @127.0.0.1 -p %d +norec -q mail.old.vn. -t A", second.addr.Port())
	if p.Wrong != 1 || p.Shown[0].Dig != dig || p.Shown[0].Got != "NOERROR with mail.old.vn 300 A 192.0.2.66" || p.Shown[0].Want != "NOERROR with mail.old.vn 300 A 192.0.2.11" {
		t.Errorf("%+v", p)
	}
	if v := Judge(r, Quorum{}); v.Outcome != Hold || !strings.Contains(v.Why[0].String(), dig) {
		t.Errorf("%v", v)
	}
}

// TestSample: beyond the limit of an own listener a sample is taken, and said.
func TestSample(t *testing.T) {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "h%d A 192.0.2.1\n", i)
	}
	was, now := world(t, before+newBefore+"== big.vn 1\n"+b.String()), world(t, after+newAfter+"== big.vn 1\n"+b.String())
	own := serve(t, now)
	task := Task{World: now, Before: was, Sample: 50, Changed: 100, Most: 1000, Points: []Point{{Address: own.addr, View: zones.Internet}}}
	p := Run(t.Context(), task, still(nil), quiet).Points[0]
	if p.Of < 2000 || p.Asked < 60 || p.Asked > 200 || p.Right != p.Asked || !strings.Contains(p.Note, "a sample of") {
		t.Errorf("%+v", p)
	}
	// What the step changed is in the sample: the old world is found wrong there.
	own.turn(t, was)
	if p := Run(t.Context(), task, still(nil), quiet).Points[0]; p.Wrong < 3 || p.Wrong == p.Asked {
		t.Errorf("%+v", p)
	}
	task.Most = 10_000
	own.turn(t, now)
	if p := Run(t.Context(), task, still(nil), quiet).Points[0]; p.Asked != p.Of || p.Note != "" || p.Right != p.Asked {
		t.Errorf("%+v", p)
	}
}

// TestAwait: a secondary is given time to fetch; one that never does is behind,
// and only its other zones are asked for.
func TestAwait(t *testing.T) {
	was, now := world(t, before+newBefore), world(t, after+newAfter)
	s := serve(t, was)
	task := Task{World: now, Before: was, Within: time.Minute, Points: []Point{{Name: "ns2", Address: s.addr, View: zones.Internet, Kind: Secondary}}}
	clock := still(func(n int) {
		switch n {
		case 2:
			half, err := zones.NewWorld(now.Zone(zones.ID{Origin: zones.MustName("old.vn"), View: zones.Internet}), was.Zone(zones.ID{Origin: zones.MustName("new.vn"), View: zones.Internet}))
			if err != nil {
				t.Error(err)
			}
			s.turn(t, half)
		case 4:
			s.turn(t, now)
		}
	})
	p := Run(t.Context(), task, clock, quiet).Points[0]
	if want := (500 + 1000 + 2000 + 4000) * time.Millisecond; p.Held != want || !p.good() {
		t.Errorf("held after %v, want %v: %+v", p.Held, want, p)
	}

	s.turn(t, was)
	began := time.Now()
	p = Run(t.Context(), task, still(nil), quiet).Points[0]
	if len(p.Behind) != 2 || p.Behind[0].Want != 4 && p.Behind[0].Want != 8 || p.Asked != 0 || p.Idle || p.Cut || time.Since(began) > 10*time.Minute {
		t.Errorf("%+v", p)
	}
	half := world(t, before+newAfter)
	s.turn(t, half)
	p = Run(t.Context(), task, still(nil), quiet).Points[0]
	if len(p.Behind) != 1 || p.Asked < 5 || p.Right != p.Asked || p.Wrong > 0 {
		t.Errorf("%+v", p)
	}
	if v := outcomeOf(Report{[]PointReport{p}}); v.Outcome != Hold || !strings.Contains(v.Why[0].String(), "old.vn (internet): serial 7, not 8") {
		t.Errorf("%v", v)
	}
	// One that does not hold a zone at all says so, and that is wrong.
	s.turn(t, world(t, after))
	p = Run(t.Context(), task, still(nil), quiet).Points[0]
	if p.Wrong != 1 || !strings.Contains(p.Shown[0].String(), "new.vn SOA: expected the SOA with serial 4, got the server answers REFUSED") {
		t.Errorf("%+v", p)
	}
	// One that covers none of the zones is idle.
	task.Points[0].Covers = func(zones.ID) bool { return false }
	if p = Run(t.Context(), task, still(nil), quiet).Points[0]; !p.Idle || p.Asked != 0 {
		t.Errorf("%+v", p)
	}
}

// TestLater: serials are compared by RFC 1982: over the wrap, and one that was
// raised on its way.
func TestLater(t *testing.T) {
	z := func(serial uint32) zones.World {
		return world(t, fmt.Sprintf("== vn %d\nwww A 192.0.2.1\n", serial))
	}
	for _, c := range []struct {
		ours, theirs uint32
		good         bool
	}{{4294967295, 0, true}, {0, 4294967295, false}, {5, 6, true}, {6, 5, false}, {1, 1 << 31, true}} {
		s := serve(t, z(c.theirs))
		p := Run(t.Context(), Task{World: z(c.ours), Points: []Point{{Address: s.addr, View: zones.Internet, Kind: Secondary}}}, still(nil), quiet).Points[0]
		if p.good() != c.good {
			t.Errorf("%d, and it has %d: %+v", c.ours, c.theirs, p)
		}
	}
}

// TestSilent: silence is no wrong answer, is not waited for without end, and at
// everything beyond this machine it is taken for our own link.
func TestSilent(t *testing.T) {
	now := world(t, after+newAfter)
	own, second, third := serve(t, now), serve(t, now), serve(t, now)
	second.silent.Store(true)
	task := Task{World: now, Timeout: 30 * time.Millisecond, Points: []Point{
		{Name: "own", Address: own.addr, View: zones.Internet},
		{Name: "ns2", Address: second.addr, View: zones.Internet, Kind: Secondary},
		{Name: "ns3", Address: third.addr, View: zones.Internet, Kind: Secondary},
		{Name: "cache", Address: second.addr, View: zones.Internet, Kind: Resolver},
	}}
	r := Run(t.Context(), task, still(nil), quiet)
	if p := r.Points[1]; p.Wrong > 0 || p.Right > 0 || p.Silent != 2 {
		t.Errorf("%+v", p)
	}
	if p := r.Points[3]; p.Wrong > 0 || p.Right > 0 || p.Silent < enough || p.Silent > enough+atOnce || !strings.Contains(p.Note, "given up") {
		t.Errorf("%+v", p)
	}
	if v := outcomeOf(r); v.Outcome != Hold || strings.Contains(fmt.Sprint(v.Why), "own link") {
		t.Errorf("%v", v)
	}

	cut := errors.New("the cable is out")
	task.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == own.addr.String() {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		return nil, cut
	}
	r = Run(t.Context(), task, still(nil), quiet)
	for i, p := range r.Points {
		if p.Wrong > 0 || (p.Silent > 0) != (i > 0) {
			t.Errorf("%+v", p)
		}
	}
	if v := outcomeOf(r); v.Outcome != Hold || !strings.Contains(fmt.Sprint(v.Why), "own link") {
		t.Errorf("%v", v)
	}

	// It comes back: what was silent is asked anew by the next verification.
	second.silent.Store(false)
	task.Dial, task.Points = nil, task.Points[:3]
	if v := outcomeOf(Run(t.Context(), task, still(nil), quiet)); v.Outcome != Good {
		t.Errorf("%v", v)
	}
}

// TestStop: a context that ends stops at once, and nothing of it counts as good.
func TestStop(t *testing.T) {
	now := world(t, after+newAfter)
	s := serve(t, now)
	s.silent.Store(true)
	ctx, stop := context.WithCancel(t.Context())
	task := Task{World: now, Timeout: time.Hour, Points: []Point{
		{Address: s.addr, View: zones.Internet}, {Address: s.addr, View: zones.Internet, Kind: Secondary}, {Address: s.addr, View: zones.Internet, Kind: Resolver},
	}}
	time.AfterFunc(50*time.Millisecond, stop)
	r := Run(ctx, task, still(nil), quiet)
	if slices.ContainsFunc(r.Points, func(p PointReport) bool { return !p.Cut || p.Wrong > 0 || p.good() }) || Judge(r, Quorum{Automatic: true}).Outcome != Hold {
		t.Errorf("%+v", r)
	}
	if p := Run(ctx, task, still(nil), quiet).Points[0]; !p.Cut || p.Asked > 0 {
		t.Errorf("%+v", p)
	}
}

// TestHostile: answers that cannot be used are wrong, whatever they are, and
// do no harm; those that are not to the question are passed over.
func TestHostile(t *testing.T) {
	now := world(t, newAfter)
	for what, answer := range map[string]func(q []byte) []byte{
		"octets":           func(q []byte) []byte { return append(q[:2:2], 0x84, 0, 0, 1, 0, 9, 0, 0, 0, 0, 1, 2, 3) },
		"another id":       func(q []byte) []byte { return append([]byte{^q[0], q[1], 0x84, 0}, q[4:]...) },
		"another question": func(q []byte) []byte { a := slices.Clone(q); a[2] = 0x84; a[13] ^= 1; return a },
		"nothing":          func([]byte) []byte { return nil },
	} {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := [2048]byte{}
			for {
				n, from, err := pc.ReadFrom(buf[:])
				if err != nil {
					return
				}
				if a := answer(buf[:n]); a != nil {
					_, _ = pc.WriteTo(a, from)
				}
			}
		}()
		p := Run(t.Context(), Task{World: now, Timeout: 30 * time.Millisecond, Points: []Point{{Address: netip.MustParseAddrPort(pc.LocalAddr().String()), View: zones.Internet, Kind: Resolver}}}, still(nil), quiet).Points[0]
		_ = pc.Close()
		<-done
		if what == "octets" {
			if p.Wrong != p.Asked || p.Asked < 5 || !strings.Contains(p.Shown[0].Got, "cannot be read") {
				t.Errorf("%s: %+v", what, p)
			}
		} else if p.Silent != p.Asked || p.Asked < 5 {
			t.Errorf("%s: %+v", what, p)
		}
	}
}

// TestLiteral: a verification goes through without the resolver of this
// machine: a name that is looked up fails the test.
func TestLiteral(t *testing.T) {
	asked := func(context.Context, string, string) (net.Conn, error) {
		t.Error("a name was looked up")
		return nil, errors.New("there is no resolver")
	}
	was := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: asked}
	defer func() { net.DefaultResolver = was }()
	now := world(t, after+newAfter)
	s := serve(t, now)
	r := Run(t.Context(), Task{World: now, Points: []Point{
		{Name: "www.old.vn", Address: s.addr, View: zones.Internet}, {Name: "mail.new.vn", Address: s.addr, View: zones.Internet, Kind: Secondary},
	}}, still(nil), quiet)
	if v := Judge(r, Quorum{}); v.Outcome != Good {
		t.Error(v)
	}
}

// TestLossy: one that answers now and then is given up too.
func TestLossy(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "h%d A 192.0.2.1\n", i)
	}
	now := world(t, "== big.vn 1\n"+b.String())
	s := serve(t, now)
	n := 0
	var mu sync.Mutex
	lossy := func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n%30 != 0 { // three tries of ten questions
			return nil, errors.New("lost")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	p := Run(t.Context(), Task{World: now, Dial: lossy, Points: []Point{{Address: s.addr, View: zones.Internet}}}, still(nil), quiet).Points[0]
	if p.Silent < tooMany || p.Silent > tooMany+ownAtOnce || p.Right == 0 || p.Wrong > 0 || p.good() {
		t.Errorf("%v", p)
	}
}

// TestReached: a listener on all addresses is asked by loopback.
func TestReached(t *testing.T) {
	for at, want := range map[string]string{"0.0.0.0:53": "127.0.0.1:53", "[::]:53": "[::1]:53", "192.0.2.1:54": "192.0.2.1:54"} {
		if got := (Point{Address: netip.MustParseAddrPort(at)}).reached().String(); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
