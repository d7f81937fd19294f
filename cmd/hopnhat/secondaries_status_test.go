package main

import (
	"encoding/json"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// TestSecondariesUntold: without NOTIFY the secondaries of a workspace have a
// change within their refresh, and status shows who is behind until then.
func TestSecondariesUntold(t *testing.T) {
	t.Parallel()
	const refresh = 6
	r := rand.New(rand.NewPCG(6, 3))
	p := newPrimary(t)
	ss := []*secondary{secondaryBIND(t, p.v4), secondaryKnot(t, p.v6), secondaryNSD(t, p.v4)}
	z := newModel(r, 100)
	z.refresh, z.retry = refresh, 2
	p.write(t, z)
	p.serve(t, ", notify: false", ss...)
	for _, s := range ss {
		s.start()
	}
	if _, code := p.status(t); code != 0 {
		t.Errorf("status exits %d, want 0: all have the zone", code)
	}
	behind := func() bool {
		z.edit(r)
		z.serial++
		begun := time.Now()
		p.publish(t, z)
		st, code := p.status(t)
		z0 := st.Zones[0]
		n := st.Counts["behind"]
		if *z0.Serial != z.serial || z0.Since == nil || begun.Sub(*z0.Since) > patience || n+st.Counts["in step"] != 3 || (code == 1) != (n > 0) {
			t.Fatalf("status exits %d, %+v", code, st)
		}
		for _, s := range z0.Secondaries {
			if s.State == "behind" && (s.By != 1 || *s.Serial != z.serial-1 || s.Refresh != refresh) {
				t.Errorf("%+v", s)
			}
		}
		took := p.inStep(t, z, ss...)
		t.Logf("refresh %d s: %v behind, then in step after %v", refresh, n, took)
		if st, code := p.status(t); code != 0 || st.Counts["in step"] != 3 {
			t.Errorf("status exits %d, %+v", code, st)
		}
		return n > 0
	}
	for tries := 0; !behind(); tries++ { // all three may ask in that very moment
		if tries == 10 {
			t.Fatal("nobody is ever behind, although nobody is told")
		}
	}
	p.same(t, z, ss...)

	ss[1].stop(t, syscall.SIGTERM)
	if st, code := p.status(t); code != 1 || st.Counts["unreachable"] != 1 || st.Zones[0].Secondaries[1].State != "unreachable" {
		t.Errorf("status exits %d, %+v", code, st)
	}
	p.stop(t, syscall.SIGTERM)
	if st, code := p.status(t); code != 1 || st.Zones[0].Server.State != "unreachable" || *st.Zones[0].Serial != z.serial || st.Counts["in step"] != 2 {
		t.Errorf("status without a server exits %d, %+v", code, st)
	}
}

// statusJSON is what status --json prints.
type statusJSON struct {
	Zones []struct {
		Serial      *uint32
		Since       *time.Time
		Server      statusServer
		Secondaries []statusServer
	}
	Counts map[string]int
}

type statusServer struct {
	Name, State, Error string
	Serial             *uint32
	By, Refresh        uint32
}

func (p *primary) status(t testing.TB) (st statusJSON, code int) {
	t.Helper()
	out, errs, code := run(t, "status", p.dir, "--json")
	if err := json.Unmarshal([]byte(out), &st); err != nil || len(st.Zones) != 1 || len(st.Zones[0].Secondaries) != 3 {
		t.Fatalf("status: %v\n%s%s", err, out, errs)
	}
	return st, code
}
