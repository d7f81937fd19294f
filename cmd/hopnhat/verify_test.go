package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/verify"
	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// wall is the machine's clock.
func wall() verify.Clock {
	return verify.Clock{Now: time.Now, Wait: func(ctx context.Context, d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// startUnbound starts a resolver that asks one server for the zones; more is
// added to its options.
func startUnbound(t testing.TB, server netip.AddrPort, more string, origins ...string) *peer {
	t.Helper()
	addr, dir := freePort(t, loopback()), t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, `server:
    interface: %v
    port: %d
    username: ""
    chroot: ""
    directory: %q
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    num-threads: 1
    module-config: "iterator"
    do-not-query-localhost: no
    access-control: 127.0.0.0/8 allow
    %s
remote-control:
    control-enable: no
`, addr.Addr(), addr.Port(), dir, more)
	for _, o := range origins {
		fmt.Fprintf(&b, "stub-zone:\n    name: %q\n    stub-addr: %v@%d\n", o, server.Addr(), server.Port())
	}
	p := start(t, "Unbound", addr, nil, need(t, "unbound"), "-d", "-c", write(t, dir+"/unbound.conf", b.String()))
	for _, o := range origins {
		eventually(t, p, "an answer for "+o, func() bool {
			q := new(dns.Msg).SetQuestion(dns.Fqdn(o), dns.TypeSOA) // recursion desired
			m, _, err := (&dns.Client{Timeout: 2 * time.Second}).Exchange(q, addr.String())
			return err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1
		})
	}
	return p
}

// turning is a server in this process whose world can be changed.
type turning struct {
	image atomic.Pointer[answer.Image]
	addr  netip.AddrPort
}

func (s *turning) Handle(dst, msg []byte, from resolver.Peer) []byte {
	return s.image.Load().Handle(dst, msg, from)
}

func (s *turning) turn(t testing.TB, w zones.World) {
	t.Helper()
	im, err := answer.Compile(w, zones.Internet, answer.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	s.image.Store(im)
}

func startTurning(t testing.TB, w zones.World) *turning {
	t.Helper()
	s := &turning{}
	s.turn(t, w)
	l, err := listen.Open("127.0.0.1:0", s, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = l.Serve() }()
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	s.addr = l.Addr()
	return s
}

// worldOf loads zones of text; each begins with its origin.
func worldOf(t testing.TB, texts ...string) zones.World {
	t.Helper()
	var zs []zoneFile
	for _, text := range texts {
		origin, body, _ := strings.Cut(text, "\n")
		zs = append(zs, zoneFile{origin, write(t, filepath.Join(t.TempDir(), origin+".zone"), body)})
	}
	return load(t, zs)
}

const (
	oldBefore = `old.vn
$TTL %[1]d
@ SOA ns hm 7 3600 600 86400 %[1]d
@ NS ns
ns A 127.0.0.1
www A 192.0.2.10
mail A 192.0.2.11
@ MX 10 mail
*.wild A 192.0.2.12
deep.ent A 192.0.2.13
alias CNAME www
dead CNAME none
cross CNAME www.new.vn.
out CNAME www.example.net.
tree DNAME wild
sub NS ns.elsewhere.example.
`
	newAfter = `new.vn
$TTL %[1]d
@ SOA ns hm 4 3600 600 86400 %[1]d
@ NS ns
ns A 127.0.0.1
www A 192.0.2.20
mail A 192.0.2.21
`
)

// twoWorlds are a world before and one after, in which www.old.vn has become an
// alias and mail.new.vn is new.
func twoWorlds(t testing.TB, ttl int) (was, now zones.World) {
	t.Helper()
	a, b := fmt.Sprintf(oldBefore, ttl), fmt.Sprintf(newAfter, ttl)
	return worldOf(t, a, instead(t, b, "hm 4", "hm 3", "mail A 192.0.2.21\n", "")),
		worldOf(t, instead(t, a, "hm 7", "hm 8", "www A 192.0.2.10", "www CNAME www.new.vn."), b)
}

// TestVerifyResolver: Unbound with a cold cache is right; with the answers of
// before in its cache it is right until those have run out, and wrong after; and
// once they have run out it is right again.
func TestVerifyResolver(t *testing.T) {
	t.Parallel()
	check := func(what string, task verify.Task, p *peer, want verify.Outcome) verify.PointReport {
		t.Helper()
		task.Points = []verify.Point{{Name: "cache", Address: p.addr, View: zones.Internet, Kind: verify.Resolver}}
		r := verify.Run(t.Context(), task, wall(), func(s string) { t.Log(what + ": " + s) })
		if v := verify.Judge(r, verify.Quorum{}); v.Outcome != want {
			t.Errorf("%s: %v, want %v: %v", what, v.Outcome, want, v.Why)
		}
		return r.Points[0]
	}
	was, now := twoWorlds(t, 3600)
	s := startTurning(t, was)
	p := startUnbound(t, s.addr, "", "old.vn", "new.vn")
	r := check("cold", verify.Task{World: was}, p, verify.Good)
	if r.Right < 20 {
		t.Errorf("%d questions only", r.Right)
	}
	s.turn(t, now)
	check("warm, and early", verify.Task{World: now, Before: was, Drained: time.Now().Add(time.Hour)}, p, verify.Good)
	r = check("warm, and late", verify.Task{World: now, Before: was, Drained: time.Now().Add(-time.Second)}, p, verify.Hold)
	if r.Wrong < 1 || r.Silent > 0 || r.Right < 15 {
		t.Errorf("%+v", r)
	}

	// Short TTLs run out.
	was, now = twoWorlds(t, 1)
	s.turn(t, was)
	p = startUnbound(t, s.addr, "", "old.vn", "new.vn")
	check("short, before", verify.Task{World: was}, p, verify.Good)
	s.turn(t, now)
	eventually(t, p, "answers of before run out", func() bool {
		task := verify.Task{World: now, Before: was, Points: []verify.Point{{Address: p.addr, View: zones.Internet, Kind: verify.Resolver}}}
		return verify.Judge(verify.Run(t.Context(), task, wall(), func(string) {}), verify.Quorum{}).Outcome == verify.Good
	})

	// One that raises TTLs is told of, since the timeline counts on them.
	r = check("with a floor of TTLs", verify.Task{World: now, Before: was}, startUnbound(t, s.addr, "cache-min-ttl: 60", "old.vn", "new.vn"), verify.Hold)
	if r.Wrong > 0 || r.Raised < 10 {
		t.Errorf("%+v", r)
	}
	// One that does not know a zone of ours answers, and is wrong.
	refusing := startOurs(t, []zoneFile{{"new.vn", write(t, t.TempDir()+"/z", strings.SplitN(fmt.Sprintf(newAfter, 1), "\n", 2)[1])}})
	if r := check("a server that refuses", verify.Task{World: now}, refusing, verify.Hold); r.Wrong < 10 || r.Silent > 0 || !strings.Contains(r.Shown[0].Got, "REFUSED") {
		t.Errorf("%+v", r)
	}
}

// TestVerifySecondaries: BIND, Knot and NSD that follow ours are right as soon
// as they have a change, which the verification waits for; one that has an older
// zone is behind, one that lies is wrong, one that is down is silent.
func TestVerifySecondaries(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 7))
	p := newPrimary(t)
	ss := []*secondary{secondaryBIND(t, p.v4), secondaryKnot(t, p.v6), secondaryNSD(t, p.v4)}
	z := newModel(r, 300)
	p.write(t, z)
	p.serveFile(t, ss...)
	for _, s := range ss {
		s.start()
	}
	var points []verify.Point
	for _, a := range []netip.AddrPort{p.v4, p.v6} {
		points = append(points, verify.Point{Address: a, View: zones.Internet})
	}
	for i, s := range ss {
		key := keyOf(t, s.key)
		points = append(points, verify.Point{Name: s.name, Address: s.addr, View: zones.Internet, Kind: verify.Secondary})
		if i == 0 {
			points[len(points)-1].Key = &key
		}
	}
	world := func() zones.World { return load(t, []zoneFile{{followedZone, p.file()}}) }
	run := func(what string, task verify.Task) (verify.Report, verify.Verdict) {
		t.Helper()
		rep := verify.Run(t.Context(), task, wall(), func(s string) { t.Log(what + ": " + s) })
		return rep, verify.Judge(rep, verify.Quorum{Automatic: true, Points: 2})
	}
	was := world()
	if _, v := run("at the start", verify.Task{World: was, Points: points, Within: patience}); v.Outcome != verify.Good {
		t.Errorf("at the start: %v", v)
	}
	for round := range 3 {
		for range 20 {
			z.edit(r)
		}
		z.serial++
		p.publish(t, z)
		now := world()
		rep, v := run(fmt.Sprintf("change %d", round), verify.Task{World: now, Before: was, Points: points, Within: patience})
		if v.Outcome != verify.Good {
			t.Errorf("after a change: %v", v)
		}
		for _, pr := range rep.Points {
			if pr.Asked < 200 {
				t.Errorf("%v", pr)
			}
		}
		was = now
	}

	// A world that differs by one record under the same serial: all are wrong.
	z.sets[rrKey{"ns", "A"}] = rrSet{3600, []string{"192.0.2.66"}}
	lie := worldOf(t, followedZone+"\n"+z.text())
	rep, v := run("another world", verify.Task{World: lie, Before: was, Points: points})
	if v.Outcome != verify.RollBack {
		t.Errorf("wrong everywhere: %v", v)
	}
	for _, pr := range rep.Points {
		if pr.Wrong < 1 || pr.Silent > 0 || pr.Right < 200 {
			t.Errorf("%v", pr)
		}
	}
	// One that is down, and one that has an older zone.
	ss[2].stop(t, syscall.SIGTERM)
	old := *z
	old.serial--
	file := zoneFile{followedZone, write(t, t.TempDir()+"/old.zone", old.text())}
	points = append(points, verify.Point{Name: "old", Address: startKnot(t, []zoneFile{file}).addr, View: zones.Internet, Kind: verify.Secondary})
	rep, v = run("one down, one old", verify.Task{World: was, Points: points, Within: 2 * time.Second, Timeout: 500 * time.Millisecond})
	down, behind := rep.Points[4], rep.Points[5]
	if v.Outcome != verify.Hold || down.Silent == 0 || down.Wrong+down.Right > 0 || len(behind.Behind) != 1 || behind.Behind[0].Has != zones.Serial(old.serial) {
		t.Errorf("%v: %v; %v", v, down, behind)
	}
	for _, pr := range rep.Points[:4] {
		if pr.Wrong+pr.Silent > 0 || pr.Right < 200 {
			t.Errorf("%v", pr)
		}
	}
}

func keyOf(t testing.TB, file string) transfer.Key {
	t.Helper()
	name, algorithm, secret := readKey(t, file)
	k, err := transfer.ParseKey(strings.TrimSuffix(name, ".") + ":" + strings.TrimSuffix(algorithm, ".") + ":" + secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestVerifySample: BIND, Knot and NSD with the zones of the sample, before and
// after, are right on every kind of answer that these have.
func TestVerifySample(t *testing.T) {
	t.Parallel()
	was := load(t, exported(t, "before")["internet"])
	zs := exported(t, "after")["internet"]
	now := load(t, zs)
	task := verify.Task{World: now, Before: was}
	for _, p := range []*peer{startBIND(t, zs), startKnot(t, zs), startNSD(t, zs)} {
		task.Points = append(task.Points, verify.Point{Name: p.name, Address: p.addr, View: zones.Internet, Kind: verify.Secondary})
	}
	rep := verify.Run(t.Context(), task, wall(), func(s string) { t.Log(s) })
	if v := verify.Judge(rep, verify.Quorum{}); v.Outcome != verify.Good {
		t.Error(v)
	}
	task.World, task.Before = was, now
	for _, p := range verify.Run(t.Context(), task, wall(), func(string) {}).Points {
		if p.Wrong == 0 && len(p.Behind) == 0 {
			t.Errorf("the world before passes for the one after: %v", p)
		}
	}
}
