package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

const phucat = "$TTL 3600\n@ IN SOA ns root 7 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n"

// bind gives a program of BIND.
func bind(t *testing.T, program string) string {
	t.Helper()
	p, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("no %s (Debian packages bind9, bind9-utils, bind9-dnsutils): not held against BIND", program)
	}
	return p
}

func run(t *testing.T, dir, stdin string, command ...string) string {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Stdin = dir, strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return string(out)
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	to := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// only gives the one finding above a note, which must have this id.
func only(t *testing.T, finds []finding.Finding, id string) finding.Finding {
	t.Helper()
	finds = slices.DeleteFunc(slices.Clone(finds), func(f finding.Finding) bool { return f.Severity < finding.Warning })
	if len(finds) != 1 || finds[0].ID != id {
		t.Fatalf("findings %v, want one %s", finds, id)
	}
	return finds[0]
}

// command gives the command that a finding says to run, as a shell's words.
func command(t *testing.T, f finding.Finding, program string) string {
	t.Helper()
	m := regexp.MustCompile("`(" + program + "[^`]*)`").FindStringSubmatch(f.Mend)
	if m == nil {
		t.Fatalf("no command %s in %q", program, f.Mend)
	}
	return m[1]
}

// records is what a zone holds, for comparison.
func records(z *zones.Zone) (out []string) {
	for r := range z.Records() {
		out = append(out, fmt.Sprintf("%v %d %v %x", r.Owner, r.TTL, r.Type, r.Data))
	}
	slices.Sort(out)
	return out
}

func readKind(t *testing.T, dir, kind, path, zone string) (Zone, []finding.Finding) {
	t.Helper()
	id := zones.ID{View: zones.Internet}
	if zone != "" {
		id.Origin = zones.MustName(zone)
	}
	return Read(open(t, dir), Spec{ID: id, Kind: kind, Path: path}, zonefile.Options{})
}

// TestRawIsRefusedWithTheCommand runs the command of the finding: what it makes
// is the zone.
func TestRawIsRefusedWithTheCommand(t *testing.T) {
	compile := bind(t, "named-compilezone")
	for _, c := range []struct{ kind, zone, raw string }{
		{"bind", "phucat.vn", "slaves/phucat.raw"},
		{"bind", "phucat.vn", "it's a zone.raw"}, // quoted for the shell
		{"file", "phucat.vn", "phucat.raw"},
	} {
		for _, version := range []string{"raw", "raw=0"} {
			t.Run(c.kind+" "+c.raw+" "+version, func(t *testing.T) {
				dir := t.TempDir()
				put(t, dir, "text.db", phucat)
				put(t, dir, c.raw, "")
				run(t, dir, "", compile, "-q", "-F", version, "-o", c.raw, c.zone, "text.db")
				put(t, dir, "named.conf", `zone "`+c.zone+`" { type slave; masters { 192.0.2.1; }; file "`+c.raw+`"; };`)
				path := c.raw
				if c.kind == "bind" {
					path = "named.conf"
				}
				z, finds := readKind(t, dir, c.kind, path, c.zone)
				f := only(t, finds, "B-RAW")
				if z.Zone != nil || f.At.File != path || c.kind == "bind" && (f.At.Line != 1 || f.At.Column < 10) {
					t.Error(z.Zone, f)
				}
				if !slices.Contains(z.Files, c.raw) {
					t.Errorf("files %q", z.Files)
				}
				cmd := command(t, f, "named-compilezone")
				if !strings.HasPrefix(cmd, "named-compilezone -f raw -F text -o ") {
					t.Error(cmd)
				}
				run(t, dir, "", "sh", "-c", cmd)
				sameText(t, dir, c.raw+".text", "text.db", c.zone)
			})
		}
	}
}

// sameText reads two master files and holds one against the other.
func sameText(t *testing.T, dir, a, b, zone string) {
	t.Helper()
	x, finds := readKind(t, dir, "file", a, zone)
	y, more := readKind(t, dir, "file", b, zone)
	if x.Zone == nil || y.Zone == nil {
		t.Fatal(finds, more)
	}
	if got, want := records(x.Zone), records(y.Zone); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%s holds\n%q, %s\n%q", a, got, b, want)
	}
}

// server is a running named; its journals are written when a client has its
// answer.
type server struct {
	dns, control int
	dir          string
}

const rndcKey = `key "rndc-key" { algorithm hmac-sha256; secret "c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlMDA="; };` + "\n"

// serve runs named on loopback with a zone that takes updates, in a view.
func serve(t *testing.T, dir string) server {
	named := bind(t, "named")
	for try := 0; ; try++ {
		s := server{dns: free(t), control: free(t), dir: dir}
		// views.conf is what the reader is given; the rest is of this machine.
		put(t, dir, "run.conf", rndcKey+fmt.Sprintf(`options {
	directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	pid-file none; session-keyfile none; recursion no; notify no; dnssec-validation no;
};
controls { inet 127.0.0.1 port %d allow { 127.0.0.1; } keys { "rndc-key"; }; };
include "views.conf";
`, dir, s.dns, s.control))
		put(t, dir, "rndc.conf", rndcKey)
		cmd := exec.Command(named, "-g", "-n", "1", "-c", filepath.Join(dir, "run.conf"))
		log, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		limit := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		var said strings.Builder
		running := false
		for lines := bufio.NewScanner(log); !running && lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			running = strings.HasSuffix(lines.Text(), " running")
		}
		if running {
			drained := make(chan struct{})
			go func() { io.Copy(io.Discard, log); close(drained) }()
			t.Cleanup(func() {
				cmd.Process.Kill()
				<-drained
				cmd.Wait()
				limit.Stop()
			})
			return s
		}
		limit.Stop()
		cmd.Process.Kill()
		cmd.Wait()
		if try == 4 || !strings.Contains(said.String(), "address in use") {
			t.Fatalf("named does not start\n%s", said.String())
		}
	}
}

// free gives a port of loopback that is free for UDP and TCP just now.
func free(t *testing.T) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp", l.Addr().String())
		l.Close()
		if err == nil {
			u.Close()
			return port
		}
	}
}

// TestJournalOfRealServer updates a zone of a running named: the journal is
// seen, each command of the finding mends it, and then the zone is read.
func TestJournalOfRealServer(t *testing.T) {
	update, rndc, compile := bind(t, "nsupdate"), bind(t, "rndc"), bind(t, "named-compilezone")
	dir := t.TempDir()
	const views = `view "tslcd" {
	zone "phucat.vn" {
		type primary;
		file "phucat.db";
		allow-update { 127.0.0.1; };
	};
};
`
	put(t, dir, "views.conf", views)
	put(t, dir, "phucat.db", phucat)
	z, finds := readKind(t, dir, "bind", "views.conf", "phucat.vn")
	if z.Zone == nil || z.Zone.Serial() != 7 {
		t.Fatal(finds)
	}

	s := serve(t, dir)
	run(t, dir, fmt.Sprintf("server 127.0.0.1 %d\nzone phucat.vn\nupdate add moi.phucat.vn 60 A 192.0.2.9\nsend\n", s.dns), update)

	for _, kind := range []string{"bind", "file"} {
		path := map[string]string{"bind": "views.conf", "file": "phucat.db"}[kind]
		z, finds = readKind(t, dir, kind, path, "phucat.vn")
		f := only(t, finds, "B-JOURNAL")
		if z.Zone != nil || f.Severity != finding.Error || f.Found != "the journal phucat.db.jnl holds changes up to serial 8, the zone file has 7" {
			t.Error(z.Zone, f)
		}
		if kind == "bind" && f.At.String() != "views.conf:4:8" {
			t.Error(f.At)
		}
		if !slices.Contains(z.Files, "phucat.db.jnl") {
			t.Errorf("files %q", z.Files)
		}
		run(t, dir, "", "sh", "-c", command(t, f, "named-compilezone"))
		z, finds = readKind(t, dir, "file", "phucat.db.text", "phucat.vn")
		hasUpdate(t, z, finds)
	}

	// A secondary's file in raw format, with changes beside it.
	run(t, dir, "", compile, "-q", "-F", "raw", "-o", "sec.raw", "phucat.vn", "phucat.db")
	b, err := os.ReadFile(filepath.Join(dir, "phucat.db.jnl"))
	if err != nil {
		t.Fatal(err)
	}
	if made := journalHead(7, 512, 8, uint32(len(b))); !bytes.HasPrefix(b, []byte(made[:32])) {
		t.Errorf("BIND's header is %q, the one made by hand %q", b[:32], made[:32])
	}
	put(t, dir, "sec.raw.jnl", string(b))
	put(t, dir, "sec.conf", `zone "phucat.vn" { type secondary; primaries { 192.0.2.1; }; file "sec.raw"; };`)
	_, finds = readKind(t, dir, "bind", "sec.conf", "phucat.vn")
	run(t, dir, "", "sh", "-c", command(t, only(t, finds, "B-RAW"), "named-compilezone"))
	z, finds = readKind(t, dir, "file", "sec.raw.text", "phucat.vn")
	hasUpdate(t, z, finds)

	_, finds = readKind(t, dir, "bind", "views.conf", "phucat.vn")
	sync := command(t, only(t, finds, "B-JOURNAL"), "rndc")
	words := strings.Fields(sync)
	if sync != "rndc sync phucat.vn IN tslcd" {
		t.Error(sync)
	}
	run(t, dir, "", slices.Concat([]string{rndc, "-s", "127.0.0.1", "-p", fmt.Sprint(s.control), "-k", "rndc.conf"}, words[1:])...)
	// BIND writes the file after rndc has returned; until then the journal tells
	// that the file is old. Each question to the server gives it time.
	for end := time.Now().Add(time.Minute); ; {
		z, finds = readKind(t, dir, "bind", "views.conf", "phucat.vn")
		if z.Zone != nil || time.Now().After(end) {
			break
		}
		run(t, dir, "", rndc, "-s", "127.0.0.1", "-p", fmt.Sprint(s.control), "-k", "rndc.conf", "status")
	}
	hasUpdate(t, z, finds)
}

func hasUpdate(t *testing.T, z Zone, finds []finding.Finding) {
	t.Helper()
	if z.Zone == nil || z.Zone.Serial() != 8 {
		t.Fatal(finds)
	}
	if _, ok := z.Zone.Lookup(zones.MustName("moi.phucat.vn"), zones.TypeA); !ok {
		t.Error("the update is not in it")
	}
}

// journalHead is the header of a journal by hand, as in bind_binary.go.
func journalHead(begin, beginAt, end, endAt uint32) string {
	b := make([]byte, 64)
	copy(b, ";BIND LOG V9.2\n")
	for i, v := range []uint32{begin, beginAt, end, endAt} {
		binary.BigEndian.PutUint32(b[16+4*i:], v)
	}
	return string(b)
}

// TestJournalHeaders holds serial arithmetic and damage, with headers made by
// hand; TestJournalOfRealServer holds such a header against BIND's.
func TestJournalHeaders(t *testing.T) {
	for _, c := range []struct {
		name, journal string
		id            string // of the finding, with its severity; "" for none
		read          bool
	}{
		{"ends at the zone's serial", journalHead(5, 512, 7, 700), "", true},
		{"ends before", journalHead(5, 512, 6, 700), "note B-JOURNAL", true},
		{"ends after", journalHead(7, 512, 9, 700), "error B-JOURNAL", false},
		{"wrapped round (RFC 1982)", journalHead(7, 512, 7+1<<31-1, 700), "error B-JOURNAL", false},
		{"ends before the wrap", journalHead(1<<32-9, 512, 1<<32-1, 700), "note B-JOURNAL", true},
		{"neither before nor after (RFC 1982 3.2)", journalHead(7, 512, 7+1<<31, 700), "error B-JOURNAL", false},
		{"empty", journalHead(9, 0, 9, 0), "", true},
		{"older BIND", strings.Replace(journalHead(7, 64, 8, 200), "V9.2", "V9\n\x00", 1), "error B-JOURNAL", false},
		{"cut", journalHead(7, 512, 9, 700)[:63], "error B-JOURNAL", false},
		{"nothing in it", "", "error B-JOURNAL", false},
		{"not a journal", strings.Repeat("x", 100), "error B-JOURNAL", false},
	} {
		for _, kind := range []string{"bind", "file"} {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				fsys := fstest.MapFS{
					"named.conf": {Data: []byte(`zone "phucat.vn" { type master; file "db"; };`)},
					"db":         {Data: []byte(phucat)},
					"db.jnl":     {Data: []byte(c.journal)},
				}
				path := map[string]string{"bind": "named.conf", "file": "db"}[kind]
				z, finds := Read(fsys, Spec{ID: zones.ID{Origin: zones.MustName("phucat.vn"), View: "v"}, Kind: kind, Path: path}, zonefile.Options{})
				var got []string
				for _, f := range finds {
					got = append(got, f.Severity.String()+" "+f.ID)
				}
				if s := strings.Join(got, ", "); s != c.id || (z.Zone != nil) != c.read {
					t.Errorf("read %v, findings %v", z.Zone != nil, finds)
				}
			})
		}
	}
}

// TestBinaryFormat: no text begins like a binary zone file.
func TestBinaryFormat(t *testing.T) {
	for head, want := range map[string]string{
		"\x00\x00\x00\x02\x00\x00\x00\x01": "raw",
		"\x00\x00\x00\x02\x00\x00\x00\x00": "raw",
		"\x00\x00\x00\x03\x00\x00\x00\x01": "map",
		"\x00\x00\x00\x01\x00\x00\x00\x01": "", // text, which has no header
		"\x00\x00\x00\x02\x00\x00\x00":     "",
		"\x00\x00\x00\x02\xff\x00\x00\x00": "",
		"$TTL 3600\n":                      "",
		"":                                 "",
	} {
		if got := binaryFormat([]byte(head)); got != want {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
		if !bytes.HasPrefix([]byte(head), []byte("\x00")) {
			continue
		}
		fsys := fstest.MapFS{"named.conf": {Data: []byte(`zone "a.vn" { type master; file "f"; };`)}, "f": {Data: []byte(head), Mode: fs.FileMode(0o644)}}
		z, finds := Read(fsys, Spec{ID: zones.ID{Origin: zones.MustName("a.vn"), View: "v"}, Kind: "bind", Path: "named.conf"}, zonefile.Options{})
		f := only(t, finds, map[bool]string{true: "B-RAW", false: "Z-READ"}[want != ""])
		if z.Zone != nil || f.At.File == "" || f.Mend == "" {
			t.Error(f)
		}
	}
}
