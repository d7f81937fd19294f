package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const transferKey = `key "chuyen" { algorithm hmac-sha256; secret "aG9wbmhhdC1ob3BuaGF0LWhvcG5oYXQtaG9wbmhhdCE="; };` + "\n"

// startPrimary runs BIND as the old server of cu.example, which gives the
// zone to who has the key.
func startPrimary(t *testing.T, file string) *peer {
	t.Helper()
	addr, dir := freePort(t, "127.0.0.1"), t.TempDir()
	conf := fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no;
};
controls { };
%szone "cu.example" { type primary; file %q; allow-transfer { key "chuyen"; }; };
`, dir, dir+"/pid", dir+"/session.key", dir, addr.Port(), transferKey, file)
	return start(t, "BIND", addr, []zoneFile{{"cu.example", file}}, need(t, "named"), "-g", "-n", "1", "-c", write(t, dir+"/named.conf", conf))
}

// TestImport brings a zone in from a real server, signed: the plan reads it, a
// second import shows the drift, and whatever goes wrong changes nothing.
func TestImport(t *testing.T) {
	dir, _, _ := smallWorkspace(t)
	old := filepath.Join(dir, "sources", "cu.zone")
	primary := filepath.Join(t.TempDir(), "cu.zone")
	text, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	write(t, primary, string(text))
	p := startPrimary(t, primary)
	key := write(t, filepath.Join(dir, "keys", "chuyen.key"), transferKey)
	decisions := filepath.Join(dir, "consolidation.yaml")
	b, err := os.ReadFile(decisions)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Replace(string(b), "cu: {zone: cu.example, file: sources/cu.zone}", fmt.Sprintf(`cu: {zone: cu.example, axfr: "%v", key: keys/chuyen.key}`, p.addr), 1)
	write(t, decisions, plain)

	hopnhat := func(want int, args ...string) (string, string) {
		t.Helper()
		out, errs, code := run(t, args...)
		if code != want {
			t.Fatalf("%v exits %d, want %d:\n%s%s", args, code, want, out, errs)
		}
		return out, errs
	}
	says := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no word of %q in\n%s", w, text)
			}
		}
	}

	_, errs := hopnhat(1, "plan", dir)
	says(errs, "consolidation.yaml:7:3: error: the source cu was not brought in yet; run: hopnhat import cu")
	out, _ := hopnhat(0, "-C", dir, "import", "--dry-run")
	says(out, "1 sources would be written")
	out, _ = hopnhat(2, "-C", dir, "import", "--detailed-exitcode")
	says(out, "cu: cu.example (internet) from "+p.addr.String()+", serial 1: 7 records in = 7 taken + 0 duplicates + 0 left out by rule + 0 refused", "1 sources written")
	out, _ = hopnhat(0, "plan", dir)
	says(out, "cu.example (internet): 7 records, 7 dispositions = 3 renamed + 0 merged + 1 superseded + 3 dropped + 0 undecided", filepath.Join(dir, "imported", "cu.zone")+":")
	sum := exec.Command("sha256sum", "-c", "SHA256SUMS")
	sum.Dir = filepath.Join(dir, "imported")
	if said, err := sum.CombinedOutput(); err != nil {
		t.Errorf("the sums: %v\n%s", err, said)
	}
	kept := contents(t, filepath.Join(dir, "imported"))
	out, _ = hopnhat(0, "-C", dir, "import", "cu", "--detailed-exitcode")
	says(out, "nothing changed, nothing was written")
	if contents(t, filepath.Join(dir, "imported")) != kept {
		t.Error("an import that brings nothing new wrote something")
	}

	// The old server changes: the drift is shown, and taken.
	changed := strings.NewReplacer("quantri 1 ", "quantri 2 ", "198.51.100.3", "198.51.100.33", "chat\tCNAME\tmail", "moi\tA\t198.51.100.4").Replace(string(text))
	write(t, primary, changed)
	if err := p.proc.Signal(syscall.SIGHUP); err != nil { // BIND reads its zones again
		t.Fatal(err)
	}
	eventually(t, p, "BIND serves the changed zone", func() bool { return has(p.addr, "mail.cu.example.") == "198.51.100.33" })
	out, _ = hopnhat(2, "-C", dir, "import", "--detailed-exitcode")
	says(out, "~ mail.cu.example A: 198.51.100.33 (TTL 300), was 198.51.100.3 (TTL 300)\n", "- chat.cu.example CNAME: mail.cu.example. (TTL 300)\n", "+ moi.cu.example A: 198.51.100.4 (TTL 300)\n", "~ cu.example SOA: ")
	kept = contents(t, filepath.Join(dir, "imported"))

	// A wrong key, no key, no server: nothing is taken, the plan stands.
	write(t, key, strings.Replace(transferKey, "aG9w", "aG9x", 1))
	_, errs = hopnhat(1, "-C", dir, "import")
	says(errs, "[X-TSIG]", "nothing was taken")
	write(t, decisions, strings.Replace(plain, ", key: keys/chuyen.key", "", 1))
	_, errs = hopnhat(1, "-C", dir, "import")
	says(errs, "[X-REFUSED]", "allow-transfer", "nothing was taken")
	write(t, decisions, strings.Replace(plain, p.addr.String(), freePort(t, "127.0.0.1").String(), 1))
	_, errs = hopnhat(1, "-C", dir, "import")
	says(errs, "[X-CONNECT]", "nothing was taken")
	_, errs = hopnhat(1, "-C", dir, "import", "khac")
	says(errs, "consolidation.yaml names no source khac; its sources are cu")
	if contents(t, filepath.Join(dir, "imported")) != kept {
		t.Error("an import that failed wrote something")
	}
	hopnhat(0, "plan", dir)

	// The file beside the transfer: held against each other, nothing is taken twice.
	write(t, key, transferKey)
	write(t, decisions, strings.Replace(string(b), "sources:\n", fmt.Sprintf("sources:\n  song: {zone: cu.example, axfr: \"%v\", key: keys/chuyen.key, checks: cu}\n", p.addr), 1))
	out, errs = hopnhat(0, "-C", dir, "import")
	says(out, "- moi.cu.example A: 198.51.100.4 (TTL 300)", "song against cu: 3 records only there, 3 only here", "1 sources written")
	says(errs, "mail.cu.example", "[X-DIFF]")
	out, _ = hopnhat(0, "plan", dir)
	says(out, "cu.example (internet): 7 records, ")
}

// contents is all that a folder holds.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			b.WriteString(e.Name() + "/\n" + contents(t, filepath.Join(dir, e.Name())))
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%s\n", e.Name(), data)
	}
	return b.String()
}

// TestImportList prints the source lines of all zones of a server, found by a
// catalog zone, by a list and by its named.conf; pasted, they are read.
func TestImportList(t *testing.T) {
	dir := t.TempDir()
	zone := "$TTL 300\n@ SOA ns hm 7 3600 600 86400 300\n NS ns\nns A 192.0.2.1\n"
	catalog := "$TTL 300\n@ SOA invalid. invalid. 1 3600 600 86400 300\n NS invalid.\nversion TXT \"2\"\nm1.zones PTR a.example.\nm2.zones PTR b.example.\nm3.zones PTR missing.example.\n"
	zs := []zoneFile{
		{"a.example", write(t, filepath.Join(dir, "a.zone"), zone)},
		{"b.example", write(t, filepath.Join(dir, "b.zone"), zone)},
		{"catalog.example", write(t, filepath.Join(dir, "catalog.zone"), catalog)},
	}
	p := startBIND(t, zs)
	conf := write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf("zone \"a.example\" { type primary; file %q; };\nzone \"b.example\" { type secondary; primaries { 192.0.2.9; }; file %q; };\nzone \".\" { type hint; file \"root\"; };\n", "a.zone", "b.zone"))
	list := write(t, filepath.Join(dir, "list"), "a.example\n# not yet\nb.example.\nmissing.example\n")
	line := func(n string) string {
		return fmt.Sprintf("  %s: {zone: %q, axfr: %q}   # serial 7\n", strings.ReplaceAll(n, ".", "-"), n, p.addr)
	}
	for _, how := range [][]string{{"--catalog", "catalog.example"}, {"--zones", list}, {"--named-conf", conf}} {
		out, errs, code := run(t, append([]string{"import", "--server", p.addr.String()}, how...)...)
		if code != 0 || !strings.Contains(out, "sources:\n"+line("a.example")+line("b.example")) {
			t.Errorf("%v exits %d:\n%s%s", how, code, out, errs)
		}
		if missing := strings.Contains(out, "  # missing-example: {"); missing != (how[0] != "--named-conf") {
			t.Errorf("%v: the zone that is not served\n%s", how, out)
		}
		w, _, _ := smallWorkspace(t)
		file := filepath.Join(w, "consolidation.yaml")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, strings.Replace(string(b), "sources:\n", out, 1))
		if said, errs, code := run(t, "-C", w, "import"); code != 0 || !strings.Contains(said, "3 sources written") {
			t.Errorf("pasted: exit %d\n%s%s", code, said, errs)
		}
	}
	for _, bad := range [][]string{{}, {"--catalog", "c.example", "--zones", list}, {"--catalog", "a.example"}, {"--zones", conf}} {
		if _, errs, code := run(t, append([]string{"import", "--server", p.addr.String()}, bad...)...); code != 1 || errs == "" {
			t.Errorf("%v: exit %d, %s", bad, code, errs)
		}
	}
}
