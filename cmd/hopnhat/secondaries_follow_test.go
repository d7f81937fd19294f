package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSecondariesFollow: BIND, Knot and NSD follow a thousand edits, half of them
// dynamic updates, half made in the file, signed with keys of their own, over IPv4
// and IPv6; after each hundred they have our zone record by record, and at the end
// the file has it too.
func TestSecondariesFollow(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	p := newPrimary(t)
	ss := []*secondary{secondaryBIND(t, p.v4), secondaryKnot(t, p.v6), secondaryNSD(t, p.v4)}
	z := newModel(r, 600)
	p.write(t, z)
	p.serveFile(t, ss...)
	for _, s := range ss {
		s.start()
	}
	p.inStep(t, z, ss...)
	p.same(t, z, ss...)
	took := make([][]time.Duration, len(ss))
	for range 10 {
		for left := 100; left > 0; {
			n := min(left, 1+r.IntN(25))
			left -= n
			if r.IntN(2) == 0 {
				p.update(t, r, z, n, ss[0].key)
				continue
			}
			for range n {
				z.edit(r)
			}
			z.serial++
			p.publish(t, z)
		}
		for i, d := range p.inStep(t, z, ss...) {
			took[i] = append(took[i], d)
		}
		p.same(t, z, ss...)
	}
	for i, s := range ss {
		slices.Sort(took[i])
		t.Logf("%s has a publish after %v (median), %v at most", s.name, took[i][5], took[i][9])
		if took[i][5] > 5*time.Second {
			t.Errorf("%s has a publish after %v (median); 5 s are promised", s.name, took[i][5])
		}
		whole, parts := s.takes(s.log.String())
		t.Logf("%s took %d whole zones and %d changes", s.name, whole, parts)
		if whole != 1 || parts < 10 {
			t.Errorf("%s took %d whole zones and %d changes, want the first one whole and all others as changes", s.name, whole, parts)
		}
	}
	eventually(t, p.peer, "the file with all updates", func() bool {
		text, err := os.ReadFile(p.file())
		return err == nil && strings.HasPrefix(string(text), comment) && unlike(z.records(t), recordsOf(t, string(text))) == ""
	})
}
