package main

import (
	"math/rand/v2"
	"syscall"
	"testing"
)

// TestSecondariesAway: what becomes of secondaries that were killed, that were
// away for a while and for longer than changes are kept, and of all when ours was.
func TestSecondariesAway(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	p := newPrimary(t)
	ss := []*secondary{secondaryBIND(t, p.v4), secondaryKnot(t, p.v6), secondaryNSD(t, p.v4)}
	z := newModel(r, 600)
	p.write(t, z)
	p.serveFile(t, ss...)
	change := func(edits int) {
		t.Helper()
		for range edits {
			z.edit(r)
		}
		z.serial++
		p.publish(t, z)
	}
	back := func(what string) {
		t.Helper()
		for _, s := range ss {
			s.start()
		}
		change(1) // whoever missed it is told again, and of the changes before too
		p.inStep(t, z, ss...)
		p.same(t, z, ss...)
		for _, s := range ss {
			whole, parts := s.takes(s.log.String())
			t.Logf("%s: %s took %d whole zones and %d changes", what, s.name, whole, parts)
		}
	}
	back("at first")

	// The machine fails. What was not on the disk is lost, and fetched again.
	for _, s := range ss {
		s.stop(t, syscall.SIGKILL)
	}
	change(20)
	change(20)
	back("killed")

	// Stopped and started in order: BIND and Knot fetch what they missed. NSD
	// keeps no zone of its own accord.
	for _, s := range ss {
		s.stop(t, syscall.SIGTERM)
	}
	change(20)
	change(20)
	back("away")
	for _, s := range ss[:2] {
		if whole, parts := s.takes(s.log.String()); whole != 0 || parts == 0 {
			t.Errorf("%s was away a little, and took %d whole zones and %d changes", s.name, whole, parts)
		}
	}

	// Away until more changed than the zone has records.
	for _, s := range ss {
		s.stop(t, syscall.SIGTERM)
	}
	for range 10 {
		change(200)
	}
	back("long away")
	for _, s := range ss {
		if whole, _ := s.takes(s.log.String()); whole == 0 {
			t.Errorf("%s was away for longer than changes are kept, and took no whole zone", s.name)
		}
	}

	// Ours fails: they go on answering, and are told when it is back.
	p.stop(t, syscall.SIGKILL)
	for _, s := range ss {
		eventually(t, s.peer, "an answer without the primary", func() bool { return s.serialNow() == z.serial })
	}
	for range 20 {
		z.edit(r)
	}
	z.serial++
	p.write(t, z)
	p.peer = p.again()
	p.inStep(t, z, ss...)
	p.same(t, z, ss...)
}
