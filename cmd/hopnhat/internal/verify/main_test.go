package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world makes zones of text; a line "== ORIGIN SERIAL" begins each, and stands
// for its SOA and NS.
func world(t testing.TB, text string) zones.World {
	t.Helper()
	var zs []*zones.Zone
	for _, part := range strings.Split(text, "== ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		origin, serial, _ := strings.Cut(head, " ")
		body = "$TTL 300\n@ SOA ns hm " + serial + " 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n" + body
		tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(body)}}, "z", zonefile.Options{Origin: zones.MustName(origin)})
		if tree == nil || finding.Failed(fs) {
			t.Fatalf("%s: %v", origin, fs)
		}
		z, fs := tree.Zone(zones.Internet)
		if z == nil {
			t.Fatalf("%s: %v", origin, fs)
		}
		zs = append(zs, z)
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// server is a name server whose world can be changed, and that can fall silent.
type server struct {
	image  atomic.Pointer[answer.Image]
	silent atomic.Bool
	addr   netip.AddrPort
}

func (s *server) Handle(dst, msg []byte, from resolver.Peer) []byte {
	if s.silent.Load() {
		return dst
	}
	return s.image.Load().Handle(dst, msg, from)
}

func (s *server) turn(t testing.TB, w zones.World) {
	t.Helper()
	im, err := answer.Compile(w, zones.Internet, answer.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	s.image.Store(im)
}

func serve(t testing.TB, w zones.World) *server {
	t.Helper()
	s := &server{}
	s.turn(t, w)
	l, err := listen.Open("127.0.0.1:0", s, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Serve() }()
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.addr = l.Addr()
	return s
}

// still is a clock that goes on only when somebody waits; each hears of it.
func still(waited func(n int)) Clock {
	now, n := time.Unix(1_756_659_600, 0), 0
	return Clock{
		Now: func() time.Time { return now },
		Wait: func(ctx context.Context, d time.Duration) error {
			now = now.Add(d)
			n++
			if waited != nil {
				waited(n)
			}
			return ctx.Err()
		},
	}
}

func quiet(string) {}

const before = `== old.vn 7
www A 192.0.2.10
mail A 192.0.2.11
@ MX 10 mail
*.wild A 192.0.2.12
deep.ent A 192.0.2.13
sub NS ns.sub
ns.sub A 192.0.2.14
alias CNAME www
out CNAME www.example.net.
cross CNAME www.new.vn.
dead CNAME none
tree DNAME wild
`

const after = `== old.vn 8
www CNAME www.new.vn.
mail A 192.0.2.11
@ MX 10 mail
*.wild A 192.0.2.12
deep.ent A 192.0.2.13
sub NS ns.sub
ns.sub A 192.0.2.14
alias CNAME www
out CNAME www.example.net.
cross CNAME www.new.vn.
dead CNAME none
tree DNAME wild
`

const newBefore = `== new.vn 3
www A 192.0.2.20
`

const newAfter = `== new.vn 4
www A 192.0.2.20
mail A 192.0.2.21
`

// drawn makes two worlds of few names, much of the second as the first.
func drawn(t testing.TB, rng *rand.Rand) (a, b zones.World) {
	t.Helper()
	var texts [2]strings.Builder
	for _, o := range []string{"e", "f", "k.e"} {
		if o == "k.e" && rng.IntN(3) == 0 {
			continue
		}
		for i := range texts {
			fmt.Fprintf(&texts[i], "== %s %d\n", o, 5+i)
		}
		line := func(owner string) string {
			to := []string{"a", "b", "c.a", "x.b", "a.f.", "b.e.", "x.out.", "y.k.e.", "none"}[rng.IntN(9)]
			switch rng.IntN(10) {
			case 0, 1:
				return ""
			case 2, 3, 4:
				return fmt.Sprintf("%s A 192.0.2.%d\n", owner, 1+rng.IntN(2))
			case 5, 6, 7:
				return owner + " CNAME " + to + "\n"
			case 8:
				return owner + " MX 10 " + to + "\n"
			}
			if strings.HasPrefix(owner, "*") {
				return owner + " TXT x\n"
			}
			return owner + []string{" NS ns.out.\n", " DNAME " + to + "\n"}[rng.IntN(2)]
		}
		for _, owner := range []string{"a", "b", "c.a", "*.b", "d.c.a", "x.b", "k"} {
			if owner == "k" && o == "e" {
				continue // the child's
			}
			x := line(owner)
			y := x
			if rng.IntN(3) == 0 {
				y = line(owner)
			}
			texts[0].WriteString(x)
			texts[1].WriteString(y)
		}
	}
	return world(t, texts[0].String()), world(t, texts[1].String())
}
