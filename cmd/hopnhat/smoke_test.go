package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/listen"
	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
)

// TestSmoke: the command and the emitted script pass, in full, against ours
// and against BIND loaded with the export.
func TestSmoke(t *testing.T) {
	t.Parallel()
	zs := exported(t, "after")["internet"]
	script := filepath.Join(t.TempDir(), "smoke.sh")
	out, errs, code := run(t, "smoke", sampleDir, "--emit", "sh")
	if code != 0 {
		t.Fatalf("smoke --emit sh exits %d: %s", code, errs)
	}
	write(t, script, out)
	for _, p := range []*peer{startOurs(t, zs), startBIND(t, zs)} {
		out, errs, code := run(t, "smoke", sampleDir, "--server", p.addr.String())
		t.Logf("%s: %s", p.name, lastLine(out))
		if code != 0 {
			t.Errorf("%s: smoke exits %d:\n%s%s", p.name, code, out, errs)
		}
		tap, code := sh(t, script, p.addr)
		t.Logf("%s: %s", p.name, lastLine(tap))
		if code != 0 {
			t.Errorf("%s: the script exits %d:\n%s", p.name, code, failing(tap))
		}
	}
}

// TestSmokeTAP: with --tap each question has a line, and a server of the world
// before the cutover fails the expectations of the world after.
func TestSmokeTAP(t *testing.T) {
	t.Parallel()
	p := startOurs(t, exported(t, "before")["internet"])
	out, _, code := run(t, "smoke", sampleDir, "--server", p.addr.String(), "--tap")
	if code != 1 || !strings.HasPrefix(out, "TAP version 13\n1..") || !strings.Contains(out, "\nnot ok ") ||
		!strings.Contains(out, fmt.Sprintf("  # dig @127.0.0.1 -p %d +norec -q ", p.addr.Port())) {
		t.Errorf("exit %d:\n%.600s", code, out)
	}
	if _, errs, code := run(t, "smoke", sampleDir, "--at", "before", "--server", p.addr.String()); code != 0 {
		t.Errorf("the world before: exit %d\n%s", code, errs)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

func sh(t testing.TB, script string, server netip.AddrPort) (string, int) {
	t.Helper()
	cmd := exec.Command(need(t, "dash"), script, server.Addr().String(), fmt.Sprint(server.Port()))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func failing(tap string) string {
	var b strings.Builder
	for line := range strings.Lines(tap) {
		if strings.HasPrefix(line, "not ok") || strings.HasPrefix(line, "Bail") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// removal is a record that a server lost.
type removal struct {
	what string
	zones.Record
}

// removals draws 30 records of the world, the five kinds that are easily
// overlooked among them.
func removals(t *testing.T, w zones.World, r *rand.Rand) []removal {
	t.Helper()
	kinds := map[string][]zones.Record{}
	var all []zones.Record
	for z := range w.In(zones.Internet) {
		below := map[zones.Name]int{} // names below an empty non-terminal
		owned := map[zones.Name]bool{}
		for n := range z.Owners() {
			owned[n] = true
		}
		for n := range owned {
			if up, ok := n.Parent(); ok && up.Below(z.Origin()) && !owned[up] {
				below[up]++
			}
		}
		for s := range z.All() {
			for _, rec := range s.Records() {
				up, _ := rec.Owner.Parent()
				switch {
				case rec.Type == zones.TypeSOA || rec.Type == zones.TypeNS && rec.Owner == z.Origin():
					continue
				case home(w, rec) != z: // below a zone that is served too: no answer shows it
					continue
				case rec.Type == zones.TypeMX && s.Len() == 2:
					kinds["one of two MX"] = append(kinds["one of two MX"], rec)
				case rec.Owner.IsWildcard() && len(z.At(rec.Owner)) == 1 && s.Len() == 1:
					kinds["a wildcard"] = append(kinds["a wildcard"], rec)
				case below[up] == 1 && len(z.At(rec.Owner)) == 1 && s.Len() == 1:
					kinds["the last name below an empty non-terminal"] = append(kinds["the last name below an empty non-terminal"], rec)
				case isGlue(z, rec):
					kinds["glue"] = append(kinds["glue"], rec)
				case rec.Type == zones.TypeAAAA && len(z.At(rec.Owner)) > 1:
					kinds["an AAAA only"] = append(kinds["an AAAA only"], rec)
				}
				all = append(all, rec)
			}
		}
	}
	var out []removal
	for _, k := range []string{"one of two MX", "the last name below an empty non-terminal", "a wildcard", "glue", "an AAAA only"} {
		if len(kinds[k]) == 0 {
			t.Fatalf("the sample has no record that is %s", k)
		}
		out = append(out, removal{k, kinds[k][r.IntN(len(kinds[k]))]})
	}
	for len(out) < 30 {
		out = append(out, removal{"any record", all[r.IntN(len(all))]})
	}
	return out
}

func isGlue(z *zones.Zone, r zones.Record) bool {
	if r.Type != zones.TypeA && r.Type != zones.TypeAAAA {
		return false
	}
	for n := r.Owner; n != z.Origin(); n, _ = n.Parent() {
		if ns, ok := z.Lookup(n, zones.TypeNS); ok && ns.Has(r.Owner.Wire()) {
			return true
		}
	}
	return false
}

// home is the zone that answers with a record (docs/behaviour.md C8).
func home(w zones.World, r zones.Record) *zones.Zone {
	z := w.Nearest(zones.Internet, r.Owner)
	if up, ok := r.Owner.Parent(); ok && r.Type == zones.TypeDS && r.Owner == z.Origin() {
		return w.Nearest(zones.Internet, up)
	}
	return z
}

// without is the world that lost one record.
func without(t *testing.T, w zones.World, r zones.Record) zones.World {
	t.Helper()
	z := home(w, r)
	lost, err := zones.Delta{ID: z.ID(), Removed: []zones.Record{r}}.Apply(z)
	if err != nil {
		t.Fatalf("%v %v: %v", r.Owner, r.Type, err)
	}
	return w.With(lost)
}

// TestRemovals: whatever record a server lost, the smoke test and the emitted
// script name the dig that shows it. Which questions must fail is told by the
// oracle; the server is the engine with the world that lost the record.
func TestRemovals(t *testing.T) {
	t.Parallel()
	w := load(t, exported(t, "after")["internet"])
	es := probe.Expect(w, zones.Internet)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i, gone := range removals(t, w, r) {
		t.Run(fmt.Sprintf("%02d %v %v", i, gone.Owner.Text(), gone.Type), func(t *testing.T) {
			lost := without(t, w, gone.Record)
			server := serveWorld(t, lost)
			now := oracle.New(lost, zones.Internet)
			var affected []probe.Expectation
			var want []string
			direct := false
			for _, e := range es {
				a := now.Resolve(e.Name, e.Type)
				changed := say(a) != say(e.Want)
				if changed {
					want = append(want, e.Name.String()+" "+e.Type.String())
					direct = direct || e.Name.Within(gone.Owner) || isGlueOf(e, gone.Record)
				}
				if changed || e.Name.Within(gone.Owner) {
					affected = append(affected, e)
				}
			}
			if !direct {
				t.Fatalf("%s: no question about %v would fail", gone.what, gone.Owner)
			}
			rs, err := probe.Client{Server: server}.Ask(context.Background(), affected, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, bad := range probe.Failures(rs) {
				got = append(got, bad.Name.String()+" "+bad.Type.String())
				dig(t, server, bad.Expectation)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: the smoke test names %v, want %v", gone.what, got, want)
			}
			tap, code := sh(t, emit(t, affected), server)
			if code != 1 {
				t.Errorf("the script exits %d:\n%s", code, tap)
			}
			for _, q := range want {
				name, typ, _ := strings.Cut(q, " ")
				if !strings.Contains(tap, fmt.Sprintf("  # dig @127.0.0.1 -p %d +norec -q '%s' -t %s\n", server.Port(), name, typ)) {
					t.Errorf("%s: the script does not name the dig for %s:\n%s", gone.what, q, tap)
				}
			}
		})
	}
}

// isGlueOf tells whether a question is about the delegation that glue serves.
func isGlueOf(e probe.Expectation, r zones.Record) bool {
	for _, s := range e.Want.Additional {
		if s.Owner() == r.Owner {
			return true
		}
	}
	return false
}

// dig runs the printed command's arguments and wants an answer.
func dig(t *testing.T, server netip.AddrPort, e probe.Expectation) {
	t.Helper()
	line := e.Dig(server.Addr().String(), server.Port())
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "->>HEADER<<-") {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

func say(a oracle.Answer) string { return fmt.Sprintf("%+v", lookOracle(a)) + extra(a) }

// extra is what the smoke test compares beside what lookOracle shows.
func extra(a oracle.Answer) string {
	var b strings.Builder
	for _, s := range slices.Concat(a.Authority, a.Additional) {
		for _, r := range s.Records() {
			fmt.Fprintf(&b, "%v %v %d %x\n", r.Owner, r.Type, r.TTL, r.Data)
		}
	}
	return b.String()
}

func emit(t *testing.T, es []probe.Expectation) string {
	t.Helper()
	var b bytes.Buffer
	if err := probe.Script(&b, es, probe.About{Title: "removal", Host: "127.0.0.1", Port: 53, First: zones.MustName("gialai.gov.vn")}); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "smoke.sh")
	if err := os.WriteFile(p, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// serveWorld answers from a world in this process.
func serveWorld(t *testing.T, w zones.World) netip.AddrPort {
	t.Helper()
	im, err := answer.Compile(w, zones.Internet, answer.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := listen.Open(freePort(t, "127.0.0.1").String(), im, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := s.Serve(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s.Addr()
}
