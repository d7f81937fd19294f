package seen

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// patience bounds how long a test waits for a program: liveness only.
const patience = 30 * time.Second

// program finds a program, or skips the test and says why.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, p := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if p, err := exec.LookPath(p); err == nil {
			return p
		}
	}
	t.Skipf("%s is not installed: what it writes is held by the lines of the other tests only", name)
	return ""
}

// startProgram starts one and returns what stops it and waits for its end.
func startProgram(t *testing.T, cmd *exec.Cmd) (output *bytes.Buffer, stop func(), ended chan struct{}) {
	t.Helper()
	output, ended = new(bytes.Buffer), make(chan struct{})
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Errorf("%s does not stop", cmd.Path)
		}
	}
	t.Cleanup(stop)
	return output, stop, ended
}

func unusedPort(t *testing.T) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp", l.Addr().String())
		_ = l.Close()
		if err == nil {
			_ = u.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// exchange asks until there is an answer.
func exchange(t *testing.T, network, server, name string, typ uint16, ended chan struct{}) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, typ)
	c := dns.Client{Net: network, Timeout: 2 * time.Second}
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if r, _, err := c.Exchange(m, server); err == nil {
			return r
		}
		select {
		case <-ended:
			t.Fatal("the server ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("no answer for %s", name)
	return nil
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// realNamed runs BIND, asks it, and returns the folder of its logs.
func realNamed(t *testing.T, more string) string {
	t.Helper()
	return realNamedAt(t, unusedPort(t), more)
}

func realNamedAt(t *testing.T, port int, more string) string {
	t.Helper()
	path, dir := program(t, "named"), t.TempDir()
	writeFile(t, filepath.Join(dir, "zone"), "$TTL 300\n@ SOA ns root 1 2 3 4 5\n NS ns\nns A 10.0.0.1\nmail A 10.0.0.25\nmail AAAA 2001:db8::25\n")
	writeFile(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`options {
	directory %q; pid-file "pid"; session-keyfile "session.key"; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no; querylog yes; %s
};
controls { };
logging {
	channel plain { file "plain.log"; print-time yes; };
	channel full { file "full.log"; print-time iso8601-utc; print-category yes; print-severity yes; };
	channel bare { file "bare.log"; };
	category queries { plain; full; bare; };
};
view "internet" { match-clients { any; }; zone "binhdinh.gov.vn" { type primary; file "zone"; }; };
`, dir, dir, port, more))
	// Not -g: it would send all logs to stderr.
	output, stop, ended := startProgram(t, exec.Command(path, "-f", "-n", "1", "-c", filepath.Join(dir, "named.conf")))
	server := fmt.Sprintf("127.0.0.1:%d", port)
	// The first question may be asked before the server listens, and again.
	exchange(t, "tcp", server, "ns.binhdinh.gov.vn.", dns.TypeA, ended)
	for _, q := range []struct {
		network, name string
		typ           uint16
		rcode         int
	}{
		{"udp", "Mail.binhdinh.gov.vn.", dns.TypeA, 0},
		{"tcp", "mail.binhdinh.gov.vn.", dns.TypeAAAA, 0},
		{"udp", `a\(b\)\032\"c.d\.e.binhdinh.gov.vn.`, dns.TypeTXT, 3},
		{"udp", `\000\200.binhdinh.gov.vn.`, 65, 3},
		{"udp", "kho.binhdinh.gov.vn.", 65400, 3},
		{"udp", "vnexpress.net.", dns.TypeANY, 5},
	} {
		if r := exchange(t, q.network, server, q.name, q.typ, ended); r.Rcode != q.rcode {
			t.Fatalf("%s: %s\n%s", q.name, dns.RcodeToString[r.Rcode], output)
		}
	}
	stop()
	return dir
}

// wantAsked is what realNamed asked.
var wantAsked = []string{
	`mail.binhdinh.gov.vn A`, `mail.binhdinh.gov.vn AAAA`, `a\(b\)\032\"c.d\.e.binhdinh.gov.vn TXT`, `\000\200.binhdinh.gov.vn HTTPS`,
	`kho.binhdinh.gov.vn TYPE65400`, `vnexpress.net ANY`,
}

// holdReal reads one log of a real program and holds it against wantAsked.
func holdReal(t *testing.T, fsys fs.FS, log string, o Options, view string) []Entry {
	t.Helper()
	var es []Entry
	acc, fs := Read(fsys, log, o, func(e Entry) { es = append(es, e) })
	if _, refused := acc.Sums(); refused > 0 || len(fs) > 0 {
		t.Errorf("%s: %+v\n%v", log, acc, fs)
	}
	var got []string
	for _, e := range es {
		if e.Asked && e.Name != name("ns.binhdinh.gov.vn") {
			got = append(got, e.Name.Text()+" "+e.Type.String())
			if e.Client.String() != "127.0.0.1" || e.View != view {
				t.Errorf("%s: %+v", log, e)
			}
		}
	}
	want := make([]string, len(wantAsked))
	for i, w := range wantAsked { // as this program writes them
		n, typ, _ := strings.Cut(w, " ")
		want[i] = name(n).Text() + " " + typ
	}
	got = slices.Compact(got) // asked again where an answer was late
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: got\n%s\nwant\n%s", log, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return es
}

func TestRealNamed(t *testing.T) {
	before := time.Now().Add(-time.Minute)
	dir := os.DirFS(realNamed(t, ""))
	for _, log := range []string{"plain.log", "full.log", "bare.log"} {
		for _, e := range holdReal(t, dir, log, Options{Location: time.Local}, "internet") {
			if log != "bare.log" && (e.Time.Before(before) || e.Time.After(time.Now().Add(time.Minute))) {
				t.Errorf("%s: asked at %v", log, e.Time)
			}
			if e.Server.String() != "127.0.0.1" {
				t.Errorf("%s: asked %v", log, e.Server)
			}
		}
	}
}

func TestRealNamedTap(t *testing.T) {
	if out, err := exec.Command(program(t, "named"), "-V").CombinedOutput(); err != nil || !strings.Contains(string(out), "--enable-dnstap") {
		t.Skip("this named was built without dnstap: only frames that the library wrote are read")
	}
	dir := os.DirFS(realNamed(t, `dnstap { auth; client; }; dnstap-output file "dns.tap"; dnstap-identity "ns1";`))
	var answers []string
	for _, e := range holdReal(t, dir, "dns.tap", Options{}, "") {
		if e.Answer != nil && e.Name == name("mail.binhdinh.gov.vn") {
			answers = append(answers, e.Answer.Lines()...)
		}
	}
	if s := strings.Join(slices.Compact(answers), "\n"); s != "mail.binhdinh.gov.vn. 300 A 10.0.0.25\nmail.binhdinh.gov.vn. 300 AAAA 2001:db8::25" {
		t.Errorf("the answers:\n%s", s)
	}
}

func TestRealTcpdump(t *testing.T) {
	path := program(t, "tcpdump")
	// tcpdump reads our captures and writes them anew, nanoseconds and all.
	dir := t.TempDir()
	for _, args := range [][]string{nil, {"--nano"}} {
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		if err := os.WriteFile(in, little(linkEthernet, talk(t)...), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := exec.Command(path, append([]string{"-r", in, "-w", out}, args...)...).CombinedOutput(); err != nil {
			t.Skipf("tcpdump does not run here: %v %s", err, b)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		holdTalk(t, strings.Join(args, " "), read(t, b, Options{}))
	}
}

// TestRealCapture: tcpdump listens while BIND is asked over UDP and TCP; what it
// wrote, in each of its forms, says what was asked and answered.
func TestRealCapture(t *testing.T) {
	path, port, dir := program(t, "tcpdump"), unusedPort(t), t.TempDir()
	files := map[string][]string{"micro.pcap": nil, "nano.pcap": {"--nano"}, "any.pcap": {"-i", "any"}}
	var stops []func()
	for file, args := range files {
		args := append([]string{"-n", "-U", "--immediate-mode", "-s", "4096", "-B", "16384", "-Z", "root", "-i", "lo", "-w", filepath.Join(dir, file)}, args...)
		said, stop := listen(t, path, append(args, "port", fmt.Sprint(port))...)
		if said != "" {
			t.Skipf("tcpdump may not listen here (%s): only captures that it read and wrote anew are read", said)
		}
		stops = append(stops, stop)
	}
	realNamedAt(t, port, "")
	for file := range files { // the last question and its answer are there
		eventually(t, file, func() bool {
			b, err := os.ReadFile(filepath.Join(dir, file))
			return err == nil && bytes.Count(b, []byte("vnexpress")) >= 2
		})
	}
	for _, stop := range stops {
		stop()
	}
	for file := range files {
		var answers []string
		for _, e := range holdReal(t, os.DirFS(dir), file, Options{Ports: []uint16{uint16(port)}}, "") {
			if time.Since(e.Time) > time.Hour || e.Server.String() != "127.0.0.1" {
				t.Errorf("%s: %+v", file, e)
			}
			if e.Answer != nil && e.Name == name("mail.binhdinh.gov.vn") {
				answers = append(answers, e.Answer.Lines()...)
			}
		}
		if s := strings.Join(slices.Compact(answers), "\n"); s != "mail.binhdinh.gov.vn. 300 A 10.0.0.25\nmail.binhdinh.gov.vn. 300 AAAA 2001:db8::25" {
			t.Errorf("%s: the answers:\n%s", file, s)
		}
	}
}

// listen starts tcpdump and waits until it listens; said is why it cannot.
func listen(t *testing.T, path string, args ...string) (said string, stop func()) {
	t.Helper()
	cmd := exec.Command(path, args...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "listening on") {
			said = ""
			break
		}
		said = lines.Text()
	}
	if said != "" {
		_ = cmd.Wait()
		return said, nil
	}
	ended := make(chan struct{})
	go func() {
		for lines.Scan() {
		}
		_ = cmd.Wait()
		close(ended)
	}()
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Errorf("%s does not stop", path)
		}
	}
	t.Cleanup(stop)
	return "", stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not in time", what)
		}
	}
}
