package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// TestUpdateDiskFull lets the journal grow to the longest that a file may have:
// from then on updates are told SERVFAIL and change nothing, questions are answered
// as before, and after a start with room everything that was acknowledged is there,
// and nothing else.
func TestUpdateDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "example.vn.zone"), updateZone)
	addr := freePort(t, "127.0.0.1")
	args := []string{
		"serve", "--listen", addr.String(), "--state", filepath.Join(dir, "var"), "--zone", "example.vn=" + file,
		"--key", writeUpdateKey(t, dir), "--update", updateKeyName + "=*.example.vn", "--secondary", "127.0.0.1:9=" + updateKeyName,
	}
	p := begin(t, addr, need(t, "bash"), append([]string{"-c", `trap "" XFSZ; ulimit -f 24; exec "$0" "$@"`, hopnhat(t)}, args...)...)
	acked, refused := 0, 0
	for i := 0; refused < 20; i++ {
		m := new(dns.Msg).SetUpdate("example.vn.")
		m.Insert([]dns.RR{rr(t, "u%d.example.vn. 60 TXT %s", i, strings.Repeat("x", 200))})
		switch rc := sendUpdate(p.peer, m); {
		case rc == dns.RcodeSuccess && refused == 0:
			acked++
		case rc == dns.RcodeServerFailure:
			refused++
		default:
			t.Fatalf("update %d after %d that failed: %s\n%s", i, refused, dns.RcodeToString[rc], p.log)
		}
		if i > 10_000 {
			t.Fatal("the journal has room without end")
		}
	}
	if m, err := exchange(addr, "www.example.vn.", dns.TypeA); err != nil || len(m.Answer) != 2 {
		t.Errorf("a question on a full disk: %v, %v", m, err)
	}
	if acked == 0 || !strings.Contains(p.log.String(), "updates are not made") {
		t.Errorf("%d acknowledged; the log:\n%s", acked, p.log)
	}
	check := func(when string) {
		n := 0
		for _, rr := range transferred(t, p.peer) {
			if strings.HasPrefix(rr.Header().Name, "u") {
				n++
			}
		}
		if n != acked {
			t.Errorf("%s %d updates are there, %d were acknowledged", when, n, acked)
		}
	}
	check("on the full disk")
	if err := p.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.path, p.args = hopnhat(t), args
	if err := p.begin(); err != nil {
		t.Fatal(err)
	}
	check("with room again")
	m := new(dns.Msg).SetUpdate("example.vn.")
	m.Insert([]dns.RR{rr(t, "u-last.example.vn. 60 A 192.0.2.9")})
	if rc := sendUpdate(p.peer, m); rc != dns.RcodeSuccess {
		t.Errorf("with room again: %s\n%s", dns.RcodeToString[rc], p.log)
	}
}
