package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/txtar"
)

// smallWorkspace writes the workspace of testdata/script/plan.txtar, decided,
// with two listeners on free ports: before and after the cutover.
func smallWorkspace(t *testing.T) (dir string, before, after netip.AddrPort) {
	t.Helper()
	a, err := txtar.ParseFile("testdata/script/plan.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, "w/")
		if f.Name == "decided.yaml" {
			name, ok = "consolidation.yaml", true
		}
		if !ok {
			continue
		}
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before, after = freePort(t, "127.0.0.1"), freePort(t, "127.0.0.2")
	write(t, filepath.Join(dir, "hopnhat.yaml"), fmt.Sprintf(`version: 1
listeners:
  - {address: "%v", view: internet, at: before}
  - {address: "%v", view: internet, at: after}
`, before, after))
	return dir, before, after
}

// has tells what a server answers for type A: the address, or the rcode.
func has(server netip.AddrPort, name string) string {
	m, err := exchange(server, name, dns.TypeA)
	switch {
	case err != nil:
		return err.Error()
	case len(m.Answer) != 1:
		return dns.RcodeToString[m.Rcode]
	}
	return m.Answer[0].(*dns.A).A.String()
}

// TestWorkspaceReload is the life of a workspace under a running server: a
// broken decision or zone changes nothing, what is whole goes on.
func TestWorkspaceReload(t *testing.T) {
	t.Parallel()
	dir, before, after := smallWorkspace(t)
	p := start(t, "hopnhat", before, []zoneFile{{origin: "moi.example"}, {origin: "cu.example"}}, hopnhat(t), "serve", dir)
	want := func(when string, at netip.AddrPort, name, answer string) {
		t.Helper()
		if got := has(at, name); got != answer {
			t.Errorf("%s: %v %s has %s, want %s\n%s", when, at, name, got, answer, p.log)
		}
	}
	want("at start", before, "www.moi.example.", "192.0.2.2")
	want("at start", before, "mail.moi.example.", "NXDOMAIN")
	want("at start", before, "mail.cu.example.", "198.51.100.3")
	want("at start", after, "www.moi.example.", "198.51.100.2")
	want("at start", after, "mail.moi.example.", "198.51.100.3")
	want("at start", after, "mail.cu.example.", "198.51.100.3")

	source, decisions := filepath.Join(dir, "sources", "cu.zone"), filepath.Join(dir, "consolidation.yaml")
	edit := func(file, from, to string) {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil || strings.Count(string(b), from) != 1 {
			t.Fatalf("%s: %v, %d times %q", file, err, strings.Count(string(b), from), from)
		}
		write(t, file, strings.Replace(string(b), from, to, 1))
		p.hup(t)
	}
	// A source changes: its new name follows, on both sides of the old name.
	edit(source, "198.51.100.3", "198.51.100.33")
	eventually(t, p, "a changed source", func() bool { return has(after, "mail.moi.example.") == "198.51.100.33" })
	want("after the change", after, "mail.cu.example.", "198.51.100.33")
	want("after the change", before, "mail.cu.example.", "198.51.100.33")

	// A decision is broken: the world last good goes on.
	edit(decisions, "take: source, why", "take: sauce, why")
	eventually(t, p, "a broken decision is told of", func() bool { return strings.Contains(p.log.String(), "sauce") })
	want("with a broken decision", after, "www.moi.example.", "198.51.100.2")
	want("with a broken decision", after, "mail.moi.example.", "198.51.100.33")
	edit(source, "198.51.100.33", "198.51.100.34")
	edit(decisions, "take: sauce, why", "take: target, why")
	eventually(t, p, "the mended decision", func() bool { return has(after, "www.moi.example.") == "192.0.2.2" })
	want("with the mended decision", after, "mail.moi.example.", "198.51.100.34")

	// A zone is broken: its last good version goes on, the rest is read.
	edit(source, "198.51.100.34", "198.51.100.340")
	eventually(t, p, "a broken source is told of", func() bool { return strings.Contains(p.log.String(), "cu.zone:7:") })
	want("with a broken source", after, "mail.moi.example.", "198.51.100.34")
	edit(filepath.Join(dir, "zones", "moi.example.zone"), "192.0.2.2", "192.0.2.22")
	eventually(t, p, "a zone beside a broken source", func() bool { return has(before, "www.moi.example.") == "192.0.2.22" })
	want("with a broken source", after, "mail.cu.example.", "198.51.100.34")

	// A decision goes: the world last good goes on, and why is said.
	edit(source, "198.51.100.340", "198.51.100.35")
	b, err := os.ReadFile(decisions)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "  - {at: ns.moi.example A")
	write(t, decisions, string(b[:at]))
	p.hup(t)
	eventually(t, p, "an open conflict is told of", func() bool { return strings.Contains(p.log.String(), "cannot be published: 1 conflict") })
	want("with an open conflict", before, "mail.cu.example.", "198.51.100.34")
	write(t, decisions, string(b))
	p.hup(t)
	eventually(t, p, "the decision is back", func() bool { return has(after, "mail.cu.example.") == "198.51.100.35" })

	// An old name is retired that others point at: names would be lost.
	retired := strings.Replace(string(b), "  - {from: \"*.cu.example\"", "  - {from: mail.cu.example, drop: true, why: thử, by: an, doc: bb1}\n  - {from: \"*.cu.example\"", 1)
	write(t, decisions, retired+"\nexceptions:\n  - {name: mail.cu.example, owner: an, why: thử, expires: 2099-01-01}\n")
	p.hup(t)
	eventually(t, p, "what would be lost is told of", func() bool {
		return strings.Contains(p.log.String(), "names would be lost") && strings.Contains(p.log.String(), "[C-LOST]")
	})
	want("with names lost", after, "mail.cu.example.", "198.51.100.35")

	// Nothing beside the state folder was written.
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		switch {
		case err != nil:
			t.Error(err)
		case rel == "var":
			return filepath.SkipDir
		case !d.IsDir() && rel != "hopnhat.yaml" && rel != "consolidation.yaml" && rel != "sources/cu.zone" && rel != "zones/moi.example.zone":
			t.Errorf("%s was written", rel)
		}
		return nil
	})
}

// TestOpenPlanStaysOnLoopback: a plan with an open conflict is not served
// after the cutover where others could ask.
func TestOpenPlanStaysOnLoopback(t *testing.T) {
	t.Parallel()
	dir, _, _ := smallWorkspace(t)
	b, err := os.ReadFile(filepath.Join(dir, "consolidation.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "  - {at: ns.moi.example A")
	write(t, filepath.Join(dir, "consolidation.yaml"), string(b[:at]))
	_, errs, code := run(t, "serve", dir, "--listen", "0.0.0.0:0", "--at", "after")
	if code != 1 || !strings.Contains(errs, "loopback alone") {
		t.Errorf("exit %d:\n%s", code, errs)
	}
}

// TestUndecided: every kind of conflict is named with the places of both
// sides and the line that settles it; the lines pasted, the plan passes.
func TestUndecided(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/undecided")); err != nil {
		t.Fatal(err)
	}
	out, _, code := run(t, "plan", dir)
	if code != 1 || !strings.Contains(out, "\nconflicts: 0 decided, 0 settled by a proposal, 10 open\n") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	var pasted strings.Builder
	blocks := strings.Split(out, "\n? ")[1:]
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "\n+ ")
		if strings.Count(b, "/sources/") == 0 {
			t.Errorf("no place of what comes:\n%s", b)
		}
		name, _, _ := strings.Cut(b, " ")
		alone := name == "anlao.moi.example" || name == "chung.moi.example" || name == "con.moi.example" // nothing stands there
		if stands := strings.Contains(b, "/zones/moi.example.zone:"); stands == alone {
			t.Errorf("the place of what stands: shown %v\n%s", stands, b)
		}
		lines := 0
		for line := range strings.Lines(b) {
			if strings.HasPrefix(line, "  - {at: ") {
				pasted.WriteString(strings.TrimSuffix(line, "\n") + "\n")
				lines++
			}
		}
		if lines != 1 {
			t.Errorf("%d lines to paste:\n%s", lines, b)
		}
	}
	if len(blocks) != 10 {
		t.Errorf("%d conflicts, want one of each of 10 kinds", len(blocks))
	}
	file := filepath.Join(dir, "consolidation.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(b)+"decisions:\n"+pasted.String())
	out, errs, code := run(t, "plan", dir)
	if code != 0 || !strings.Contains(out, "\nconflicts: 0 decided, 10 settled by a proposal, 0 open\n") {
		t.Errorf("after pasting: exit %d\n%s%s", code, out, errs)
	}
}

// TestParentDS: a zone that is signed elsewhere is known by its parent's DS,
// asked of a real server; who cannot be asked is said.
func TestParentDS(t *testing.T) {
	t.Parallel()
	dir, _, _ := smallWorkspace(t)
	parent := write(t, filepath.Join(t.TempDir(), "example.zone"), `$TTL 300
@	SOA	ns hm 1 3600 600 86400 300
	NS	ns
ns	A	192.0.2.1
cu	NS	ns
cu	DS	12345 13 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC1234
moi	NS	ns
`)
	p := startBIND(t, []zoneFile{{"example", parent}})
	_, errs, code := run(t, "plan", dir, "--resolver", p.addr.String())
	if code != 1 || strings.Count(errs, "D-SIGNED") != 1 || !strings.Contains(errs, "blocking: the parent of cu.example holds 1 DS records; ") {
		t.Errorf("exit %d:\n%s", code, errs)
	}
	_, errs, code = run(t, "serve", dir, "--listen", "0.0.0.0:0", "--resolver", p.addr.String())
	if code != 1 || !strings.Contains(errs, "the parent of cu.example holds 1 DS") {
		t.Errorf("serve: exit %d:\n%s", code, errs)
	}
	_, errs, code = run(t, "serve", "--listen", "0.0.0.0:0", "--zone", "cu.example="+filepath.Join(dir, "sources", "cu.zone"), "--state", t.TempDir(), "--resolver", p.addr.String())
	if code != 1 || !strings.Contains(errs, "the parent of cu.example holds 1 DS") {
		t.Errorf("serve --zone: exit %d:\n%s", code, errs)
	}
	_, errs, code = run(t, "plan", dir, "--resolver", freePort(t, "127.0.0.1").String())
	if code != 0 || strings.Count(errs, "[D-ASK]") != 2 {
		t.Errorf("without an answer: exit %d:\n%s", code, errs)
	}
}
