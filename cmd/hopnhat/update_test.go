package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const updateZone = `$TTL 300
; every comment of this file stays where it is
@	IN SOA ns hm 10 3600 600 86400 300 ; the serial
@	IN NS ns	; ours
ns	IN A 192.0.2.1
www	IN A 192.0.2.10	; the web
	IN A 192.0.2.11	; its other address
; the foot
`

// A key as tsig-keygen prints it, and as miekg/dns takes it.
const (
	updateKeyName   = "update.example."
	updateKeySecret = "3Vj7W4kZ1dUqYb3YpS1bQd0m6rG4m3x2mXn0c5yqH1E="
)

func writeUpdateKey(t testing.TB, dir string) string {
	t.Helper()
	return write(t, filepath.Join(dir, "update.key"), fmt.Sprintf("key %q {\n\talgorithm hmac-sha256;\n\tsecret %q;\n};\n", strings.TrimSuffix(updateKeyName, "."), updateKeySecret))
}

// serveUpdates serves a zone file that the key may change, and what more args say.
func serveUpdates(t testing.TB, dir, text string, args ...string) (p *life, file string) {
	t.Helper()
	file = filepath.Join(dir, "example.vn.zone")
	if text != "" {
		write(t, file, text)
	}
	addr := freePort(t, "127.0.0.1")
	args = append([]string{
		"serve", "--listen", addr.String(), "--state", filepath.Join(dir, "var"), "--zone", "example.vn=" + file,
		"--key", writeUpdateKey(t, dir), "--update", updateKeyName + "=*.example.vn:ANY", "--secondary", "127.0.0.1:9=" + updateKeyName,
	}, args...)
	return begin(t, addr, hopnhat(t), args...), file
}

// nsupdate runs Debian's nsupdate and returns the codes of the answers.
func nsupdate(t testing.TB, p *peer, key, script string) []string {
	t.Helper()
	args := []string{"-d"}
	if key != "" {
		args = append(args, "-k", key)
	}
	cmd := exec.Command(need(t, "nsupdate"), args...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("server %s %d\nzone example.vn\n%s", p.addr.Addr(), p.addr.Port(), script))
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var codes []string
	for _, m := range regexp.MustCompile(`(?m)^Reply from update query:\n;; ->>HEADER<<- opcode: UPDATE, status: (\w+)`).FindAllSubmatch(out, -1) {
		codes = append(codes, string(m[1]))
	}
	if len(codes) == 0 {
		t.Fatalf("nsupdate heard nothing: %v\n%s\nthe server:\n%s", err, out, p.log)
	}
	return codes
}

// TestUpdateNsupdate runs every form of prerequisite and of change through
// Debian's nsupdate (RFC 2136 2.4, 2.5), and reads the answers, the zone and the
// file.
func TestUpdateNsupdate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, file := serveUpdates(t, dir, updateZone)
	p := l.peer
	key := filepath.Join(dir, "update.key")
	for _, c := range []struct{ script, code string }{
		{"prereq yxdomain www\nupdate add a1 60 TXT 1\n", "NOERROR"},
		{"prereq yxdomain nothing\nupdate add a2 60 TXT 1\n", "NXDOMAIN"},
		{"prereq nxdomain nothing\nupdate add a3 60 TXT 1\n", "NOERROR"},
		{"prereq nxdomain www\nupdate add a4 60 TXT 1\n", "YXDOMAIN"},
		{"prereq yxrrset www A\nupdate add a5 60 TXT 1\n", "NOERROR"},
		{"prereq yxrrset www TXT\nupdate add a6 60 TXT 1\n", "NXRRSET"},
		{"prereq nxrrset www TXT\nupdate add a7 60 TXT 1\n", "NOERROR"},
		{"prereq nxrrset www A\nupdate add a8 60 TXT 1\n", "YXRRSET"},
		{"prereq yxrrset www A 192.0.2.10\nprereq yxrrset www A 192.0.2.11\nupdate add a9 60 TXT 1\n", "NOERROR"},
		{"prereq yxrrset www A 192.0.2.10\nupdate add b1 60 TXT 1\n", "NXRRSET"},
		{"prereq yxrrset www A 192.0.2.10\nprereq yxrrset www A 192.0.2.12\nupdate add b2 60 TXT 1\n", "NXRRSET"},
		{"update add b3 60 A 192.0.2.3\nupdate add b3 60 A 192.0.2.4\n", "NOERROR"},
		{"update delete b3 A 192.0.2.3\n", "NOERROR"},
		{"update add b4 60 A 192.0.2.4\nupdate add b4 60 TXT 4\nupdate add b5 60 A 192.0.2.5\n", "NOERROR"},
		{"update delete b4 A\n", "NOERROR"},
		{"update delete b5\n", "NOERROR"},
		{"update delete example.vn. NS\nupdate delete example.vn. SOA\n", "NOERROR"},          // both stay (3.4.2.3)
		{"update add b6 60 CNAME www.example.vn.\nupdate add b6 60 A 192.0.2.6\n", "NOERROR"}, // the address is passed over (3.4.2.2)
		{"update add www 600 A 192.0.2.10\n", "NOERROR"},                                      // another TTL for all of the RRset
		{"update add other.example. 60 A 192.0.2.6\n", "NOTZONE"},
		{"update delete www A 192.0.2.11\nupdate add www 600 A 192.0.2.12\n", "NOERROR"},
	} {
		script := regexp.MustCompile(`(?m)^(prereq \w+|update \w+) (\w+)( |$)`).ReplaceAllString(c.script, "$1 $2.example.vn.$3")
		if got := nsupdate(t, p, key, script+"send\n"); len(got) != 1 || got[0] != c.code {
			t.Errorf("%s: %v, want %s", c.script, got, c.code)
		}
	}
	for _, c := range []struct{ key, code string }{{"", "REFUSED"}, {wrongKey(t, dir), "NOTAUTH"}} {
		if got := nsupdate(t, p, c.key, "update delete www.example.vn.\nsend\n"); got[0] != c.code {
			t.Errorf("by the key %q: %v, want %s", c.key, got, c.code)
		}
	}
	want := strings.Split(`a1 TXT 1, a3 TXT 1, a5 TXT 1, a7 TXT 1, a9 TXT 1, b3 A 192.0.2.4, b4 TXT 4, b6 CNAME www.example.vn., ns A 192.0.2.1, www A 192.0.2.10, www A 192.0.2.12`, ", ")
	var got []string
	for _, rr := range transferred(t, p) {
		if rr.Header().Name != "example.vn." {
			got = append(got, strings.TrimSuffix(rr.Header().Name, ".example.vn.")+" "+dns.TypeToString[rr.Header().Rrtype]+" "+strings.Trim(strings.TrimPrefix(rr.String(), rr.Header().String()), `"`))
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the zone has\n%q\nwant\n%q", got, want)
	}
	eventually(t, p, "the file has the updates", func() bool {
		b, _ := os.ReadFile(file)
		return bytes.Contains(b, []byte("192.0.2.12"))
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"; every comment of this file stays where it is\n", " ; the serial\n", "\t; ours\n", "\t; the web\n", "; the foot\n"} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("%q is not in the file any more:\n%s", kept, text)
		}
	}
	if out, err := exec.Command(need(t, "named-checkzone"), "-q", "example.vn", file).CombinedOutput(); err != nil {
		t.Errorf("named-checkzone: %v\n%s\n%s", err, out, text)
	}
}

func wrongKey(t testing.TB, dir string) string {
	t.Helper()
	return write(t, filepath.Join(dir, "wrong.key"), `key "update.example" { algorithm hmac-sha256; secret "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; };`+"\n")
}

// transferred is the zone as dig gets it with the key.
func transferred(t testing.TB, p *peer) []dns.RR {
	t.Helper()
	tr := &dns.Transfer{TsigSecret: map[string]string{updateKeyName: updateKeySecret}}
	m := new(dns.Msg).SetAxfr("example.vn.")
	m.SetTsig(updateKeyName, dns.HmacSHA256, 300, time.Now().Unix())
	ch, err := tr.In(m, p.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	var out []dns.RR
	for e := range ch {
		if e.Error != nil {
			t.Fatalf("AXFR: %v; the log:\n%s", e.Error, p.log)
		}
		out = append(out, e.RR...)
	}
	return out[:len(out)-1]
}

// TestUpdateLego lets Debian's lego obtain a certificate from Debian's pebble, an
// ACME server: lego puts the challenge into the zone by RFC 2136 with its own
// client, and pebble asks our server for it. The key may change challenges alone.
func TestUpdateLego(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "example.vn.zone"), updateZone)
	addr := freePort(t, "127.0.0.1")
	p := start(t, "hopnhat", addr, []zoneFile{{"example.vn", file}}, hopnhat(t), "serve", "--listen", addr.String(), "--state", filepath.Join(dir, "var"),
		"--zone", "example.vn="+file, "--key", writeUpdateKey(t, dir), "--update", updateKeyName+"=_acme-challenge.*.example.vn:TXT")
	if got := nsupdate(t, p, filepath.Join(dir, "update.key"), "update add www.example.vn. 60 TXT x\nsend\n"); got[0] != "REFUSED" {
		t.Fatalf("another name than a challenge: %v", got)
	}

	cert, key := selfSigned(t, dir)
	acme, http, tls, management := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	config := write(t, filepath.Join(dir, "pebble.json"), fmt.Sprintf(`{"pebble": {"listenAddress": %q, "managementListenAddress": %q, "certificate": %q, "privateKey": %q, "httpPort": %d, "tlsPort": %d}}`,
		acme, management, cert, key, http.Port(), tls.Port()))
	pebble := exec.Command(need(t, "pebble"), "-config", config, "-dnsserver", addr.String())
	pebble.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	said := &logBuffer{}
	pebble.Stdout, pebble.Stderr = said, said
	if err := pebble.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pebble.Process.Kill(); _ = pebble.Wait() })
	eventually(t, p, "pebble listens", func() bool { return strings.Contains(said.String(), "ACME directory available") })

	lego := exec.Command(need(t, "lego"), "--server", "https://"+acme.String()+"/dir", "--accept-tos", "--email", "quantri@example.vn", "--path", filepath.Join(dir, "lego"),
		"--dns", "rfc2136", "--dns.resolvers", addr.String(), "--dns.disable-cp", "--domains", "www.example.vn", "run")
	lego.Env = append(os.Environ(), "LEGO_CA_CERTIFICATES="+cert, "RFC2136_NAMESERVER="+addr.String(), "RFC2136_TSIG_ALGORITHM=hmac-sha256.",
		"RFC2136_TSIG_KEY="+updateKeyName, "RFC2136_TSIG_SECRET="+updateKeySecret, "RFC2136_TTL=60", "RFC2136_POLLING_INTERVAL=1", "RFC2136_PROPAGATION_TIMEOUT=60")
	if out, err := lego.CombinedOutput(); err != nil {
		t.Fatalf("lego: %v\n%s\npebble:\n%s\nthe server:\n%s", err, out, said, p.log)
	}
	if _, err := os.Stat(filepath.Join(dir, "lego", "certificates", "www.example.vn.crt")); err != nil {
		t.Error(err)
	}
	if p.serial() <= 10 {
		t.Errorf("serial %d: nothing was ever in the zone", p.serial())
	}
	if m, err := exchange(addr, "_acme-challenge.www.example.vn.", dns.TypeTXT); err != nil || len(m.Answer) > 0 {
		t.Errorf("lego cleaned up, and there is still %v (%v)", m, err)
	}
}
