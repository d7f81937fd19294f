package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestUpdateDurable watches the system calls of a server that is asked for one
// update after another: between two answers the journal is written and synced, in
// that order, before the second answer leaves.
func TestUpdateDurable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	file := write(t, filepath.Join(dir, "example.vn.zone"), updateZone)
	addr := freePort(t, "127.0.0.1")
	// -D: the server is our child, not strace.
	p := begin(t, addr, need(t, "strace"), "-D", "-f", "-y", "-o", trace, "-e", "trace=write,fsync,fdatasync,sendmmsg", hopnhat(t),
		"serve", "--listen", addr.String(), "--state", filepath.Join(dir, "var"), "--zone", "example.vn="+file,
		"--key", writeUpdateKey(t, dir), "--update", updateKeyName+"=*.example.vn")
	c := dns.Client{Net: "udp", Timeout: patience, TsigSecret: map[string]string{updateKeyName: updateKeySecret}}
	const updates = 30
	for i := range updates {
		m := new(dns.Msg).SetUpdate("example.vn.")
		m.Insert([]dns.RR{rr(t, "durable%d.example.vn. 60 A 192.0.2.1", i)})
		m.SetTsig(updateKeyName, dns.HmacSHA256, 300, time.Now().Unix())
		if in, _, err := c.Exchange(m, addr.String()); err != nil || in.Rcode != dns.RcodeSuccess {
			t.Fatalf("update %d: %v, %v", i, in, err)
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var text []byte
	eventually(t, p.peer, "strace writes its end", func() bool {
		text, _ = os.ReadFile(trace)
		return strings.Contains(string(text), "+++ exited")
	})
	// Of each call its completion counts, but a send counts from its beginning.
	begun := map[string]string{}
	unfinished := regexp.MustCompile(`^(\d+) +(\w+\(\d+<[^>]*>).*<unfinished \.\.\.>$`)
	resumed := regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>.*= (\S+)`)
	whole := regexp.MustCompile(`^(\d+) +(\w+\(\d+<[^>]*>).*= (\S+)`)
	var order []string
	event := func(call, result string) {
		switch {
		case strings.HasPrefix(call, "write(") && strings.Contains(call, ".updates>"):
			order = append(order, "write")
		case strings.HasPrefix(call, "fsync(") && strings.Contains(call, ".updates>") && result == "0":
			order = append(order, "sync")
		}
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.Contains(line, "sendmmsg(") {
			order = append(order, "answer")
			continue
		}
		if m := unfinished.FindStringSubmatch(line); m != nil {
			begun[m[1]] = m[2]
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			event(begun[m[1]], m[2])
		} else if m := whole.FindStringSubmatch(line); m != nil {
			event(m[2], m[3])
		}
	}
	// The answers at the start are to the questions whether it is up.
	seen := strings.Join(order, " ")
	if n := strings.Count(seen, "write sync answer"); n < updates {
		t.Errorf("%d of %d updates were written, synced and then answered:\n%s", n, updates, seen)
	}
	if bad := regexp.MustCompile(`write (answer|write)`).FindString(seen); bad != "" {
		t.Errorf("%q: a write that is not synced\n%s", bad, seen)
	}
}
