package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestZoneEditDiskFull edits on a disk that is full, as far as a limit on the size
// of files has it: when there is no room for a copy nothing begins, and when there
// is none for the file that takes its place (a digit more in the serial) the zone
// stays and the edit is kept.
func TestZoneEditDiskFull(t *testing.T) {
	t.Parallel()
	const room, line = 1024, "mail A 192.0.2.3\n"
	head := "$TTL 1h\n@ SOA ns1 admin 9 3h 15m 4w 30m\n NS ns1\nns1 A 192.0.2.1\n"
	padded := func(n int) string { return head + ";" + strings.Repeat("x", n-len(head)-2) + "\n" }
	for _, c := range []struct {
		name, zone, want string
		kept             bool
	}{
		{"no room for a copy", padded(room + 1), "nothing was changed", false},
		{"no room for the file", padded(room - len(line)), "file too large; what was edited is kept in ", true},
	} {
		dir := t.TempDir()
		file := write(t, filepath.Join(dir, "example.vn.zone"), c.zone)
		editor := write(t, filepath.Join(t.TempDir(), "editor"), "#!/bin/sh\nprintf '"+strings.TrimSpace(line)+"\\n' >> \"$1\"\n")
		if err := os.Chmod(editor, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(need(t, "bash"), "-c", `trap "" XFSZ; ulimit -f 1; exec "$0" "$@"`, hopnhat(t), "zone", "edit", "--file", file, "--zone", "example.vn")
		cmd.Env = append(os.Environ(), "VISUAL=", "EDITOR="+editor)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
		if b, err := os.ReadFile(file); err != nil || string(b) != c.zone {
			t.Errorf("%s: the zone file holds %q, %v", c.name, b, err)
		}
		left, _ := filepath.Glob(filepath.Join(dir, ".*"))
		if (len(left) == 1) != c.kept || len(left) > 1 {
			t.Errorf("%s: left behind: %v", c.name, left)
			continue
		}
		if c.kept {
			if b, err := os.ReadFile(left[0]); err != nil || string(b) != c.zone+line {
				t.Errorf("%s: kept %q, %v", c.name, b, err)
			}
		}
	}
}

// TestZoneEditServed edits a zone that is served: it is answered from when the
// command ends, and what is refused changes neither file nor answers. A plain edit
// and reload do the same.
func TestZoneEditServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const zone = "$TTL 1h\n@ SOA ns1 admin 9 3h 15m 4w 30m ; kept by hand\n NS ns1\nns1 A 192.0.2.1\n"
	file := write(t, filepath.Join(dir, "example.vn.zone"), zone)
	addr, state := freePort(t, "127.0.0.1"), filepath.Join(dir, "var")
	p := begin(t, addr, hopnhat(t), "serve", "--listen", addr.String(), "--state", state, "--zone", "example.vn="+file)
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.Command(hopnhat(t), args...)
		cmd.Env = append(os.Environ(), "VISUAL=", "SUDO_USER=", "EDITOR="+filepath.Join(dir, "editor"))
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%v: exit %d, want %d\n%s\nthe log:\n%s", args, got, want, out, p.log)
		}
		return string(out)
	}
	edit := func(want int, line string) string {
		t.Helper()
		if err := os.Chmod(write(t, filepath.Join(dir, "editor"), "#!/bin/sh\necho '"+line+"' >> \"$1\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return run(want, "zone", "edit", "--file", file, "--zone", "example.vn", "--state", state, "--why", "a test")
	}
	served := func(name string, want int) {
		t.Helper()
		m, err := exchange(addr, name, dns.TypeA)
		if err != nil || len(m.Answer) != want {
			t.Errorf("%s: %v, %v, want %d answers", name, m, err, want)
		}
	}
	out := edit(0, "mail A 192.0.2.3 ; new")
	if !strings.Contains(out, "published: example.vn (internet): serial 10, was 9") {
		t.Errorf("says\n%s", out)
	}
	served("mail.example.vn.", 1)
	good := strings.Replace(zone, "admin 9 ", "admin 10 ", 1) + "mail A 192.0.2.3 ; new\n"
	if b, err := os.ReadFile(file); err != nil || string(b) != good {
		t.Errorf("the file holds %q, %v", b, err)
	}
	edit(1, "www A 192.0.2.333")
	served("www.example.vn.", 0)
	if b, err := os.ReadFile(file); err != nil || string(b) != good {
		t.Errorf("the file holds %q, %v", b, err)
	}

	write(t, file, good+"www A 192.0.2.333\n")
	if out := run(1, "reload", "--state", state); !strings.Contains(out, "example.vn.zone:6:7: error") {
		t.Errorf("reload of a bad edit says\n%s", out)
	}
	served("mail.example.vn.", 1)
	write(t, file, good+"www A 192.0.2.33\n")
	out = run(0, "reload", "--state", state, "--why", "mended")
	// A file that was refused is looked at each second too, so it may be served by then.
	byItself := strings.Contains(out, "nothing changed") && strings.Contains(p.log.String(), " serial 11")
	if !byItself && !strings.Contains(out, "published: example.vn (internet): serial 11, was 10") {
		t.Errorf("reload of a good edit says\n%s\nthe log:\n%s", out, p.log)
	}
	served("www.example.vn.", 1)
}
