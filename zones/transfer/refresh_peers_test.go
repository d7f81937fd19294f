package transfer

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// updates sends updates to a real server by nsupdate, signed.
func updates(t testing.TB, p *peer, key *Key, zone string, lines []string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "check-names no\nserver 127.0.0.1 %d\nzone %s\n", p.v4.Port(), zone)
	for _, l := range lines {
		b.WriteString("update " + l + "\n")
	}
	b.WriteString("send\n")
	cmd := exec.Command(need(t, "nsupdate"), "-y", string(key.Algorithm)+":"+key.Name.Text()+":"+base64.StdEncoding.EncodeToString(key.secret))
	cmd.Stdin = strings.NewReader(b.String())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("nsupdate: %v\n%s%s", err, b.String(), out.String())
	}
}

// edits draws updates of big.example: hosts that come, go and change, RRsets
// whose TTL changes, wildcards, names with odd octets, long texts, cuts.
func edits(r *rand.Rand, n int) (lines []string) {
	for range n {
		i := r.IntN(200)
		switch r.IntN(8) {
		case 0:
			lines = append(lines, fmt.Sprintf("delete host%d.big.example. A", i))
		case 1:
			lines = append(lines, fmt.Sprintf("delete host%d.big.example.", i))
		case 2:
			lines = append(lines, fmt.Sprintf("add host%d.big.example. %d A 10.1.%d.%d", i, 60*(1+r.IntN(3)), r.IntN(4), i))
		case 3:
			lines = append(lines, fmt.Sprintf("add host%d.big.example. 300 TXT \"%s\" \"\\%03d;\\\"\"", i, strings.Repeat("x", r.IntN(250)), r.IntN(256)))
		case 4:
			lines = append(lines, fmt.Sprintf("add odd\\.dot\\%03d.*.h%d.big.example. 300 MX %d HOST%d.big.example.", 1+r.IntN(32), r.IntN(20), i, i))
		case 5:
			lines = append(lines, fmt.Sprintf("add cut%d.big.example. 300 NS ns%d.cut%d.big.example.", r.IntN(20), r.IntN(3), r.IntN(20)))
		case 6:
			lines = append(lines, fmt.Sprintf("delete cut%d.big.example. NS", r.IntN(20)))
		case 7:
			lines = append(lines, fmt.Sprintf("add srv%d.big.example. 300 SRV 0 %d 389 host%d.big.example.", r.IntN(20), r.IntN(3), i))
		}
	}
	return lines
}

// TestRefreshFrom: real primaries whose zone is edited: each time ours is theirs
// afterwards, record by record, and came by differences.
func TestRefreshFrom(t *testing.T) {
	key := testKey(t)
	servers := map[string]func(file string) *peer{
		"BIND": func(file string) *peer {
			return bind(t, "big.example", key, fmt.Sprintf("zone big.example { type primary; file %q; allow-transfer { key %q; }; allow-update { key %q; }; };\n", file, key.Name.Text(), key.Name.Text()))
		},
		"Knot": func(file string) *peer {
			return knot(t, "big.example", key, fmt.Sprintf("acl:\n  - id: hopnhat\n    key: %s\n    action: [transfer, update]\nzone:\n  - domain: big.example\n    file: %q\n    acl: hopnhat\n    journal-content: changes\n", key.Name.Text(), file))
		},
	}
	for name, begin := range servers {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(6, 6))
			p := begin(large(t, t.TempDir(), "big.example", 3000))
			q := Request{Server: p.v6, Zone: internet("big.example"), Key: key}
			ctx := context.Background()
			out, fs := Refresh(ctx, q, nil)
			if out.How != Whole {
				t.Fatalf("%v\n%s", out.How, show(fs))
			}
			z := out.Zone
			for round := range 20 {
				for range 1 + r.IntN(4) {
					updates(t, p, key, "big.example", edits(r, 1+r.IntN(10)))
				}
				// A batch may change nothing; then the serial stands.
				updates(t, p, key, "big.example", []string{fmt.Sprintf("add round%d.big.example. 60 A 192.0.2.1", round)})
				out, fs = Refresh(ctx, q, z)
				if out.How != Stepped {
					t.Fatalf("round %d: %v\n%s", round, out.How, show(fs))
				}
				whole, _, fs := Fetch(ctx, q)
				if whole == nil {
					t.Fatal(show(fs))
				}
				if !out.Zone.Equal(whole) {
					_, d := Compare(whole, out.Zone)
					t.Fatalf("round %d: another zone:\n%s", round, show(d))
				}
				if rep := out.Report; rep.Signed == 0 || rep.Records > 500 || rep.Records != rep.Taken {
					t.Fatalf("%+v", rep)
				}
				if d := zones.Diff(z, whole); len(d.Added) != len(out.Delta.Added) || len(d.Removed) != len(out.Delta.Removed) {
					t.Fatalf("round %d: the delta is not the least", round)
				}
				z = out.Zone
			}
			out, fs = Refresh(ctx, q, z)
			if out.How != Current || len(fs) > 0 {
				t.Errorf("%v\n%s", out.How, show(fs))
			}
			// What it never had, or has no more, comes whole.
			odd := z.WithSerial(z.Serial() - 1_000_000)
			if out, fs = Refresh(ctx, q, odd); out.How != Whole || !out.Zone.Equal(z) {
				t.Errorf("%v\n%s", out.How, show(fs))
			}
		})
	}
}
