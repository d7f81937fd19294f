package daemon

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/verify"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
)

// TestQuorumIsReached: a configuration is refused for its quorum exactly where
// not even a failure at every server and resolver that it lists goes back.
func TestQuorumIsReached(t *testing.T) {
	addresses := []string{"192.0.2.1", "192.0.2.1:5353", "::ffff:192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "127.0.0.1", "127.0.0.1:5301", "127.0.0.2", "::1", "0.0.0.0", "::"}
	dir := small(t)
	refusals, passes := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 11))
		of := addresses
		if seed%4 == 0 {
			of = addresses[6:] // this machine alone
		}
		list := func() string {
			var b strings.Builder
			for i := range rng.IntN(4) {
				fmt.Fprintf(&b, "{name: n%d, address: %q, view: v%d},", i, of[rng.IntN(len(of))], i)
			}
			return "[" + b.String() + "]"
		}
		need := 1 + rng.IntN(4)
		conf := fmt.Sprintf("version: 1\nsecondaries: %s\ncutover:\n  verify: {resolvers: %s}\n  rollback: {automatic: true, quorum: %d}\n", list(), list(), need)
		if err := os.WriteFile(filepath.Join(dir, workspace.ConfigFile), []byte(conf), 0o644); err != nil {
			t.Fatal(err)
		}
		w, fs := workspace.Open(dir)
		refused := false
		for _, f := range fs {
			refused = refused || strings.Contains(f.Found, "a quorum of")
		}
		if w == nil {
			t.Fatal(fs)
		}
		r := verify.Report{Points: []verify.PointReport{{Point: verify.Point{Kind: verify.Own}, Asked: 1, Right: 1}}}
		add := func(p verify.Point) {
			r.Points = append(r.Points, verify.PointReport{Point: p, Asked: 1, Wrong: 1})
		}
		for _, s := range w.Config.Secondaries {
			add(verify.Point{Kind: verify.Secondary, Address: s.Address})
		}
		for _, s := range w.Config.Cutover.Verify.Resolvers {
			add(verify.Point{Kind: verify.Resolver, Address: s.Address})
		}
		back := verify.Judge(r, verify.Quorum{Automatic: true, Points: need}).Outcome == verify.RollBack
		if refused == back {
			t.Fatalf("seed %d: refused: %v, could go back: %v\n%s%v", seed, refused, back, conf, fs)
		}
		if refused {
			refusals++
		} else {
			passes++
		}
	}
	if refusals < 50 || passes < 50 {
		t.Errorf("%d refused, %d not: too few of one kind", refusals, passes)
	}
}
