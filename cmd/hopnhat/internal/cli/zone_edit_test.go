package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/zones"
)

const editedZone = `; the zone of example.vn, kept by hand
$TTL 1h
@	SOA	ns1 admin ( 7 ; serial
		3h 15m 4w 30m )
	NS	ns1	; the only one
ns1	A	192.0.2.1
*.apps	A	192.0.2.9   ;  whatever else
www	IN A	192.0.2.2	; the portal

`

// editing is a zone file, an editor and a command line.
type editing struct {
	t    *testing.T
	file string
}

func newEditing(t *testing.T) *editing {
	t.Helper()
	e := &editing{t, filepath.Join(t.TempDir(), "example.vn.zone")}
	e.save(editedZone)
	t.Setenv("VISUAL", "")
	t.Setenv("SUDO_USER", "")
	return e
}

func (e *editing) save(text string) {
	e.t.Helper()
	if err := os.WriteFile(e.file, []byte(text), 0o640); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editing) text() string {
	e.t.Helper()
	b, err := os.ReadFile(e.file)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(b)
}

// editor makes a shell script the editor; $1 is what it edits, $ZONE the file.
func editor(t *testing.T, zone, script string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "editor")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nset -e\nZONE='"+zone+"'\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EDITOR", path)
}

// run edits with a script, and gives what is left beside the file.
func (e *editing) run(script string, args ...string) (code int, out, errs string, left []string) {
	e.t.Helper()
	editor(e.t, e.file, script)
	var o, x bytes.Buffer
	code = Main(append([]string{"zone", "edit", "--file", e.file, "--zone", "example.vn"}, args...), strings.NewReader(""), &o, &x)
	left, _ = filepath.Glob(filepath.Join(filepath.Dir(e.file), ".*"))
	return code, o.String(), x.String(), left
}

// TestZoneEdit: an edit changes what the person changed, and the serial; comments
// and layout stay to the octet.
func TestZoneEdit(t *testing.T) {
	for _, c := range []struct{ script, was, now, serial string }{
		{`echo 'mail A 192.0.2.3 ; new' >> "$1"`, "\n\n", "\n\nmail A 192.0.2.3 ; new\n", "8"},
		{`sed -i 's/192.0.2.2	; the/192.0.2.3	; the/' "$1"`, "192.0.2.2	; the", "192.0.2.3	; the", "8"},
		{`sed -i 's/( 7 ;/( 100 ;/; s/192.0.2.2	/192.0.2.3	/' "$1"`, "192.0.2.2	", "192.0.2.3	", "100"},             // by hand
		{`sed -i 's/192.0.2.2	/192.0.2.3	/' "$1"; cp "$1" "$1.x"; mv "$1.x" "$1"`, "192.0.2.2	", "192.0.2.3	", "8"}, // as vi may save
	} {
		e := newEditing(t)
		code, out, errs, left := e.run(c.script)
		want := strings.Replace(strings.Replace(editedZone, "( 7 ;", "( "+c.serial+" ;", 1), c.was, c.now, 1)
		if code != 0 || e.text() != want || len(left) > 0 {
			t.Errorf("%s: exit %d, left %v\n%s%s\n%s\nwant\n%s", c.script, code, left, out, errs, e.text(), want)
		}
		if !strings.Contains(out, "+ ") || !strings.Contains(out, "written; which server") {
			t.Errorf("%s: says\n%s", c.script, out)
		}
		if st, err := os.Stat(e.file); err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
	}
}

// TestZoneEditNothing: no edit, and one of comments, publish nothing.
func TestZoneEditNothing(t *testing.T) {
	e := newEditing(t)
	if code, out, _, left := e.run("exit 0"); code != 0 || out != "nothing was changed\n" || e.text() != editedZone || len(left) > 0 {
		t.Errorf("exit %d, left %v: %s", code, left, out)
	}
	code, out, _, left := e.run(`echo '; seen on Monday' >> "$1"`)
	if code != 0 || !strings.Contains(out, "no record changes") || e.text() != editedZone+"; seen on Monday\n" || len(left) > 0 {
		t.Errorf("exit %d, left %v: %s\n%s", code, left, out, e.text())
	}
}

// TestZoneEditGone: an editor that leaves no copy has changed nothing.
func TestZoneEditGone(t *testing.T) {
	for _, script := range []string{`rm "$1"`, `rm "$1"; exit 3`} {
		e := newEditing(t)
		code, out, errs, left := e.run(script)
		if code != 1 || !strings.Contains(errs, "took away the copy") || !strings.Contains(errs, "nothing was changed") || strings.Contains(errs, "no such file") || e.text() != editedZone || len(left) > 0 {
			t.Errorf("exit %d, left %v: %s\n%s", code, left, out, errs)
		}
	}
}

// TestZoneEditRefused: a bad edit is told with its place, one that loses names with
// the question that shows it; the file stays, and so does what was written.
func TestZoneEditRefused(t *testing.T) {
	many := ""
	for i := range 20 {
		many += "h" + string(rune('a'+i)) + " A 192.0.2.7\n"
	}
	for _, c := range []struct{ name, script, want string }{
		{"a bad address", `echo 'mail A 192.0.2.333' >> "$1"`, "example.vn.zone:10:8: error"},
		{"an emptied file", `: > "$1"`, "SOA"},
		{"a hole under a wildcard", `echo 'mail.office.apps A 192.0.2.3' >> "$1"`, "office.apps.example.vn"},
		{"the apex's NS", `sed -i 's/NS	ns1/NS	www/' "$1"`, "--override"},
		{"no text", `printf '\000\001' > "$1"`, "error"},
	} {
		e := newEditing(t)
		code, out, errs, left := e.run(c.script)
		if code != 1 || !strings.Contains(errs, c.want) || e.text() != editedZone || len(left) != 1 || !strings.Contains(errs, "kept in "+left[0]) {
			t.Errorf("%s: exit %d, left %v\n%s%s", c.name, code, left, out, errs)
			continue
		}
		if c.name == "a hole under a wildcard" && !strings.Contains(errs, "    dig ") {
			t.Errorf("%s: no question shows it:\n%s", c.name, errs)
		}
		if b, err := os.ReadFile(left[0]); err != nil || string(b) == editedZone {
			t.Errorf("%s: kept %q, %v", c.name, b, err)
		}
	}
	e := newEditing(t)
	if code, _, errs, _ := e.run(`sed -i 's/NS	ns1/NS	www/' "$1"`, "--override", "the server moves"); code != 0 {
		t.Errorf("with a reason: exit %d\n%s", code, errs)
	}
	e = newEditing(t)
	e.save(editedZone + many)
	if code, _, errs, _ := e.run(`sed -i '/^h. A/d' "$1"`); code != 1 || !strings.Contains(errs, "T-BRAKE") {
		t.Errorf("most of the zone goes: exit %d\n%s", code, errs)
	}
}

// TestZoneEditClash: what others save meanwhile stays, and so does the edit; two do
// not edit one file.
func TestZoneEditClash(t *testing.T) {
	e := newEditing(t)
	code, _, errs, left := e.run(`echo 'mail A 192.0.2.3' >> "$1"; echo '; theirs' >> "$ZONE"`)
	if code != 1 || e.text() != editedZone+"; theirs\n" || len(left) != 1 || !strings.Contains(errs, "somebody saved") || !strings.Contains(errs, left[0]) {
		t.Fatalf("exit %d, left %v\n%s\n%s", code, left, errs, e.text())
	}
	if b, _ := os.ReadFile(left[0]); string(b) != editedZone+"mail A 192.0.2.3\n" {
		t.Errorf("kept %q", b)
	}
	e = newEditing(t)
	unlock, err := updates.Lock(e.file, "lan (process 7, since 10:00:00)")
	if err != nil {
		t.Fatal(err)
	}
	code, _, errs, _ = e.run(`echo 'mail A 192.0.2.3' >> "$1"`)
	if code != 1 || !strings.Contains(errs, "is being edited by lan (process 7, since 10:00:00)") || e.text() != editedZone {
		t.Errorf("exit %d\n%s", code, errs)
	}
	unlock()
	if code, _, errs, left := e.run(`echo 'mail A 192.0.2.3' >> "$1"`); code != 0 || len(left) > 0 {
		t.Errorf("afterwards: exit %d, left %v\n%s", code, left, errs)
	}
}

func TestZoneEditEditorFails(t *testing.T) {
	e := newEditing(t)
	if code, _, errs, left := e.run("exit 3"); code != 1 || !strings.Contains(errs, "exit status 3") || !strings.Contains(errs, "nothing was changed") || len(left) > 0 {
		t.Errorf("exit %d, left %v\n%s", code, left, errs)
	}
	code, _, errs, left := e.run(`echo 'mail A 192.0.2.3' >> "$1"; exit 3`)
	if code != 1 || len(left) != 1 || !strings.Contains(errs, "kept in "+left[0]) || e.text() != editedZone {
		t.Errorf("exit %d, left %v\n%s", code, left, errs)
	}
	e = newEditing(t)
	if code, _, errs, _ := e.run(`rm "$1"`); code != 1 || e.text() != editedZone {
		t.Errorf("the editor took it away: exit %d\n%s", code, errs)
	}
	e = newEditing(t)
	t.Setenv("VISUAL", "no-such-editor --wait")
	if code, _, errs, left := e.run(""); code != 1 || !strings.Contains(errs, "no-such-editor") || len(left) > 0 {
		t.Errorf("exit %d, left %v\n%s", code, left, errs)
	}
}

// TestZoneEditAgain: at a terminal a refused edit is edited again, discarded or kept.
func TestZoneEditAgain(t *testing.T) {
	// The first time it is bad; then the line is mended.
	script := `if grep -q 333 "$1"; then sed -i 's/192.0.2.333/192.0.2.33/' "$1"; else echo 'mail A 192.0.2.333' >> "$1"; fi`
	for _, c := range []struct {
		typed  string
		edited bool
		left   int
	}{{"e\n", true, 0}, {"what\n\n", true, 0}, {"d\n", false, 0}, {"k\n", false, 1}, {"", false, 1}} {
		e := newEditing(t)
		editor(t, e.file, script)
		var out, errw bytes.Buffer
		o := &zoneEdit{
			reload: reload{asker: asker{env: &env{in: strings.NewReader(""), out: &out, err: &errw, now: time.Now}}},
			view:   "internet", file: e.file, zone: "example.vn", answers: bufio.NewReader(strings.NewReader(c.typed)),
		}
		err := o.run(context.Background(), nil)
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(e.file), ".*"))
		if (err == nil) != c.edited || strings.Contains(e.text(), "192.0.2.33\n") != c.edited || len(left) != c.left {
			t.Errorf("typed %q: %v, left %v\n%s%s", c.typed, err, left, &out, &errw)
		}
	}
}

// sampleCopy is the sample in a folder of its own.
func sampleCopy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gialai")
	if err := os.CopyFS(dir, os.DirFS("../../../../testdata/gialai")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", "")
	t.Setenv("SUDO_USER", "")
	return dir
}

// TestZoneEditWorkspace: a zone of today, and a source; the server hears whose
// change it is and why, and what it refuses is put back.
func TestZoneEditWorkspace(t *testing.T) {
	dir := sampleCopy(t)
	path := filepath.Join(t.TempDir(), "s")
	d := &desk{}
	server, err := control.Listen(path, "", d, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	run := func(zone, script string, args ...string) (int, string) {
		editor(t, dir, script)
		var out bytes.Buffer
		code := Main(append([]string{"zone", "edit", zone, "-C", dir, "--socket", path}, args...), strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for i, c := range []struct{ zone, file, soa string }{
		{"gialai.gov.vn", "zones/gialai.gov.vn.zone", "zones/gialai.gov.vn.zone"},
		{"gialai.org.vn", "zones/gialai.org.vn.zone", "zones/gialai.org.vn.soa"},
		{"binhdinh.gov.vn", "sources/binhdinh/db.binhdinh.gov.vn", "sources/binhdinh/db.binhdinh.gov.vn"},
	} {
		line := fmt.Sprintf("thu-sua-%d 300 IN A 198.51.100.77 ; thử\n", i)
		lines := "\n$ORIGIN " + c.zone + ".\n" + line
		was, soa := read(c.file), read(c.soa)
		d.asked, d.err = nil, nil
		code, out := run(c.zone, `printf '`+lines+`' >> "$1"`, "--why", "máy thử", "--doc", "1/CV")
		if code != 0 || !strings.Contains(out, fmt.Sprintf("+ thu-sua-%d.%s", i, c.zone)) || !strings.Contains(out, "published: ") {
			t.Fatalf("%s: exit %d\n%s", c.zone, code, out)
		}
		if len(d.asked) != 1 || d.asked[0] != `reload {"why":"máy thử","document":"1/CV"}` {
			t.Errorf("%s: asked %q", c.zone, d.asked)
		}
		now := read(c.file)
		if !strings.HasSuffix(now, lines) || read(c.soa) == soa || differing(soa, read(c.soa)) > 1 && c.file != c.soa {
			t.Errorf("%s: the serial is not raised, or more is: %d lines", c.zone, differing(soa, read(c.soa)))
		}
		if c.file == c.soa && differing(was, strings.TrimSuffix(now, lines)) != 1 {
			t.Errorf("%s: more than the serial's line differs", c.zone)
		}

		if i > 0 {
			continue
		}
		d.err = errors.New("the plan is fenced")
		was = read(c.file)
		code, out = run(c.zone, `sed -i 's/198.51.100.77/198.51.100.78/' "$1"`)
		if code != 1 || read(c.file) != was || !strings.Contains(out, "the plan is fenced; what was edited is kept in ") {
			t.Errorf("%s refused: exit %d\n%s", c.zone, code, out)
		}
	}
	if code, out := run("nowhere.vn", "exit 0"); code != 1 || !strings.Contains(out, "no master file") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out := run("gialai.gov.vn", `sed -i 's/198.51.100.77/198.51.100.79/' "$1"`); code != 0 || !strings.Contains(out, "the next start, or SIGHUP, publishes it") {
		t.Errorf("without a server: exit %d\n%s", code, out)
	}
	// A name under the wildcard of a source, which the merger carries over.
	was := read("sources/binhdinh/db.binhdinh.gov.vn")
	code, out := run("binhdinh.gov.vn", `printf '\na.b.smartcity.binhdinh.gov.vn. 300 IN A 198.51.100.77\n' >> "$1"`)
	if code != 1 || !strings.Contains(out, "smartcity.binhdinh.gov.vn") || !strings.Contains(out, "dig") || read("sources/binhdinh/db.binhdinh.gov.vn") != was {
		t.Errorf("a hole under a wildcard: exit %d\n%s", code, out)
	}
}

// differing counts the lines that are not the same in two texts.
func differing(a, b string) (n int) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		if i >= len(x) || i >= len(y) || x[i] != y[i] {
			n++
		}
	}
	return n
}

func TestLaterSerial(t *testing.T) {
	now := time.Date(2025, 9, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ last, stated, want zones.Serial }{
		{7, 7, 8},
		{9, 7, 10},                           // served later than the file has it
		{2025081802, 2025081802, 2025090100}, // a date: today's
		{2025090100, 2025090100, 2025090101}, // the second of the day
		{2025090199, 2025090199, 2025090200}, // the hundredth
		{2026010100, 2025081802, 2026010101}, // ahead of the day
		{2025133100, 2025133100, 2025133101}, // no date
		{1234567890, 1234567890, 1234567891}, // seconds, or whatever
		{4294967295, 4294967295, 1},          // RFC 1982
		{4100000000, 2025081802, 4100000001}, // no way to today's by RFC 1982 from there
	} {
		if got := laterSerial(c.last, c.stated, now); got != c.want || !c.last.Before(got) {
			t.Errorf("last %d, stated %d: %d, want %d", c.last, c.stated, got, c.want)
		}
	}
}
