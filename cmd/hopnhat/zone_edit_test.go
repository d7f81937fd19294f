package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestZoneEditDiskFull edits on a disk that is full, as far as a limit on the size
// of files has it: when there is no room for a copy nothing begins, and when there
// is none for the file that takes its place (a digit more in the serial) the zone
// stays and the edit is kept.
func TestZoneEditDiskFull(t *testing.T) {
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
