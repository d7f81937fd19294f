package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const followKey = `key "follow.example" { algorithm hmac-sha256; secret "c2VjcmV0IG9mIHRlc3RzLCAzMiBvY3RldHMgbG9uZyE="; };
`

// leader is a real primary of big.example, on one address over its restarts,
// with a journal of changes.
type leader struct {
	t      testing.TB
	addr   netip.AddrPort
	dir    string
	notify netip.AddrPort // whom it tells of changes
	silent bool           // it does not
	launch func(l *leader) *peer
	peer   *peer
}

func newLeader(t testing.TB, notify netip.AddrPort, launch func(l *leader) *peer) *leader {
	l := &leader{t: t, addr: freePort(t, "127.0.0.1"), dir: t.TempDir(), notify: notify, launch: launch}
	var b strings.Builder
	b.WriteString("$ORIGIN big.example.\n$TTL 300\n@ SOA ns host 100 3600 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "host%d A 10.0.%d.%d\nhost%d TXT \"host %d\"\n", i, i>>8, i&255, i, i)
	}
	write(t, l.file(), b.String())
	write(t, filepath.Join(l.dir, "key"), followKey)
	l.start()
	return l
}

func (l *leader) file() string { return filepath.Join(l.dir, "big.example.zone") }

func (l *leader) start() { l.peer = l.launch(l) }

// stop ends it at once: nothing is written any more.
func (l *leader) stop() { l.peer.kill() }

// forget takes its journal away, and leaves it the zone as it is, with one more
// record, under a later serial.
func (l *leader) forget() {
	l.t.Helper()
	lines := axfr(l.t, l.addr, l.dir)
	l.stop()
	for i, line := range lines {
		if f := strings.Fields(line); f[3] == "SOA" {
			serial, err := strconv.Atoi(f[6])
			if err != nil {
				l.t.Fatal(err)
			}
			f[6] = strconv.Itoa(serial + 10)
			lines[i] = strings.Join(f, " ")
		}
	}
	write(l.t, l.file(), strings.Join(append(lines, "forgotten.big.example. 60 IN A 192.0.2.77"), "\n")+"\n")
	for _, journal := range []string{"big.example.zone.jnl", "journal"} {
		if err := os.RemoveAll(filepath.Join(l.dir, journal)); err != nil {
			l.t.Fatal(err)
		}
	}
	l.start()
}

func launchBIND(l *leader) *peer {
	notify := fmt.Sprintf("notify explicit; also-notify { %v port %d key follow.example; }; notify-delay 0;", l.notify.Addr(), l.notify.Port())
	if l.silent {
		notify = "notify no;"
	}
	conf := fmt.Sprintf(`%s
options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; empty-zones-enable no; check-names primary ignore; check-integrity no;
};
controls { };
zone big.example { type primary; file %q; allow-transfer { key follow.example; }; allow-update { key follow.example; }; %s };
`, followKey, l.dir, l.dir+"/pid", l.dir+"/session.key", l.dir, l.addr.Port(), l.file(), notify)
	return start(l.t, "BIND", l.addr, []zoneFile{{"big.example", ""}}, need(l.t, "named"), "-g", "-n", "1", "-c", write(l.t, l.dir+"/named.conf", conf))
}

func launchKnot(l *leader) *peer {
	notify := "notify: ours"
	if l.silent {
		notify = ""
	}
	conf := fmt.Sprintf(`server:
    rundir: %q
    listen: 127.0.0.1@%d
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %q
log:
  - target: stderr
    any: info
key:
  - id: follow.example
    algorithm: hmac-sha256
    secret: c2VjcmV0IG9mIHRlc3RzLCAzMiBvY3RldHMgbG9uZyE=
remote:
  - id: ours
    address: %v@%d
    key: follow.example
acl:
  - id: follow
    key: follow.example
    action: [transfer, update]
zone:
  - domain: big.example
    file: %q
    acl: follow
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: changes
    semantic-checks: off
    %s
`, l.dir, l.addr.Port(), l.dir, l.notify.Addr(), l.notify.Port(), l.file(), notify)
	return start(l.t, "Knot", l.addr, []zoneFile{{"big.example", ""}}, need(l.t, "knotd"), "-c", write(l.t, l.dir+"/knot.conf", conf))
}

// update sends lines of updates, signed, ten in a message.
func (l *leader) update(lines ...string) {
	l.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "check-names no\nserver %v %d\nzone big.example\n", l.addr.Addr(), l.addr.Port())
	for part := range slices.Chunk(lines, 10) {
		for _, line := range part {
			b.WriteString("update " + line + "\n")
		}
		b.WriteString("send\n")
	}
	cmd := exec.Command(need(l.t, "nsupdate"), "-k", filepath.Join(l.dir, "key"))
	cmd.Stdin = strings.NewReader(b.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("nsupdate: %v\n%s", err, out)
	}
}

// timers gives the zone an SOA with these timers, and a later serial.
func (l *leader) timers(refresh, retry, expire int) {
	l.t.Helper()
	l.update(fmt.Sprintf("add big.example. 300 SOA ns.big.example. host.big.example. %d %d %d %d 60", l.peer.serialOf("big.example.")+10, refresh, retry, expire))
}

// edits draws updates: hosts that come, go and change, TTLs, wildcards, texts,
// names with a dot inside a label, cuts with glue.
func followEdits(r *rand.Rand, n int) (lines []string) {
	for range n {
		i := r.IntN(2000)
		switch r.IntN(8) {
		case 0:
			lines = append(lines, fmt.Sprintf("delete host%d.big.example. A", i))
		case 1:
			lines = append(lines, fmt.Sprintf("delete host%d.big.example.", i))
		case 2:
			lines = append(lines, fmt.Sprintf("add host%d.big.example. %d A 10.1.%d.%d", i, 60*(1+r.IntN(3)), r.IntN(4), i&255))
		case 3:
			lines = append(lines, fmt.Sprintf("add host%d.big.example. 300 TXT \"%s\" \"\\%03d;\\\"\"", i, strings.Repeat("x", r.IntN(250)), r.IntN(256)))
		case 4:
			lines = append(lines, fmt.Sprintf("add odd\\.dot.*.h%d.big.example. 300 MX %d HOST%d.big.example.", r.IntN(20), i, i))
		case 5:
			lines = append(lines, fmt.Sprintf("add cut%d.big.example. 300 NS ns%d.cut%d.big.example.", r.IntN(20), r.IntN(3), r.IntN(20)))
		case 6:
			lines = append(lines, fmt.Sprintf("delete cut%d.big.example. NS", r.IntN(20)))
		case 7:
			lines = append(lines, fmt.Sprintf("add ns%d.cut%d.big.example. 300 AAAA 2001:db8::%x", r.IntN(3), r.IntN(20), i))
		}
	}
	return lines
}

func (p *peer) serialOf(zone string) uint32 {
	m, err := exchange(p.addr, zone, dns.TypeSOA)
	if err != nil || len(m.Answer) != 1 {
		return 0
	}
	return m.Answer[0].(*dns.SOA).Serial
}

// axfr is the zone as dig reads it, sorted.
func axfr(t testing.TB, server netip.AddrPort, dir string) []string {
	t.Helper()
	cmd := exec.Command(need(t, "dig"), "@"+server.Addr().String(), "-p", strconv.Itoa(int(server.Port())), "-k", filepath.Join(dir, "key"), "big.example", "AXFR", "+noall", "+answer", "+onesoa", "+nottlid", "+ttlid")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte("SOA")) {
		t.Fatalf("dig AXFR from %v: %v\n%s%.500s", server, err, errs.String(), out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(strings.ToLower(l)), " ")
		lines[i] = strings.Replace(strings.Replace(lines[i], " in soa ", " IN SOA ", 1), "\tin\t", " IN ", 1)
	}
	slices.Sort(lines)
	return lines
}

// lineage is ours, which follows a primary, and another of ours, which
// follows the first.
type lineage struct {
	t             testing.TB
	leader        *leader
	first, second *peer
	states        [2]string
	addrs         [2]netip.AddrPort
}

func (c *lineage) start(i int) *peer {
	c.t.Helper()
	from, args := c.leader.addr, []string{}
	if i == 1 {
		from = c.addrs[0]
	}
	args = append(args, "serve", "--listen", c.addrs[i].String(), "--state", c.states[i], "--key", filepath.Join(c.leader.dir, "key"),
		"--follow", fmt.Sprintf("big.example=%v=follow.example", from), "--secondary", c.addrs[1].String()+"=follow.example")
	return start(c.t, "hopnhat "+strconv.Itoa(i), c.addrs[i], nil, hopnhat(c.t), args...)
}

// level waits until both have the primary's serial, and holds their zones
// against its, record by record.
func (c *lineage) level(what string) {
	c.t.Helper()
	want := c.leader.peer.serialOf("big.example.")
	for _, p := range []*peer{c.first, c.second} {
		deadline := time.Now().Add(patience)
		for got := p.serialOf("big.example."); got != want; got = p.serialOf("big.example.") {
			if time.Now().After(deadline) {
				c.t.Fatalf("%s: %s has serial %d, the primary %d; its log:\n%s", what, p.name, got, want, p.log)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	truth := axfr(c.t, c.leader.addr, c.leader.dir)
	for _, p := range []*peer{c.first, c.second} {
		if got := axfr(c.t, p.addr, c.leader.dir); !slices.Equal(got, truth) {
			for _, l := range got {
				if !slices.Contains(truth, l) {
					c.t.Errorf("%s has %s", p.name, l)
				}
			}
			for _, l := range truth {
				if !slices.Contains(got, l) {
					c.t.Errorf("%s lacks %s", p.name, l)
				}
			}
			c.t.Fatalf("%s: %s and the primary differ", what, p.name)
		}
	}
}

// came counts the transfers of ours, by IXFR or AXFR.
func came(p *peer, how string) int { return strings.Count(p.log.String(), " by "+how+",") }

// unavailable is what answers a question about a zone that expired.
func (p *peer) unavailable() bool {
	m, err := exchange(p.addr, "host1.big.example.", dns.TypeA)
	if err != nil || m.Rcode != dns.RcodeServerFailure {
		return false
	}
	for _, o := range m.IsEdns0().Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok && e.InfoCode == dns.ExtendedErrorCodeInvalidData {
			return true
		}
	}
	return false
}

// TestFollow is the life of a zone that comes from a real primary: 1000 edits,
// NOTIFY and none, deaths on both sides, EXPIRE, a lost journal.
func TestFollow(t *testing.T) {
	t.Parallel() // it waits more than it works
	for name, launch := range map[string]func(*leader) *peer{"BIND": launchBIND, "Knot": launchKnot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(20261128, 6))
			c := &lineage{t: t}
			for i := range c.addrs {
				c.addrs[i], c.states[i] = freePort(t, "127.0.0.1"), t.TempDir()
			}
			l := newLeader(t, c.addrs[0], launch)
			c.leader = l
			c.first = c.start(0)
			c.second = c.start(1)
			c.level("at the start")

			// REFRESH is an hour: what comes, comes by NOTIFY.
			for round := range 10 {
				l.update(followEdits(r, 100)...)
				l.update(fmt.Sprintf("add round%d.big.example. 60 A 192.0.2.1", round))
				c.level(fmt.Sprintf("after %d edits", 100*(round+1)))
			}
			for _, p := range []*peer{c.first, c.second} {
				if whole, steps := came(p, "AXFR"), came(p, "IXFR"); whole != 1 || steps < 10 {
					t.Errorf("%s: %d by AXFR, %d by IXFR:\n%s", p.name, whole, steps, p.log)
				}
			}

			// Ours is killed, misses an edit, and goes on from what it kept.
			time.Sleep(2 * time.Second) // what it has is written a second later at most
			c.first.kill()
			l.update("add killed.big.example. 60 A 192.0.2.2")
			c.first = c.start(0)
			c.level("after ours was killed")
			if came(c.first, "AXFR") != 0 || came(c.first, "IXFR") != 1 {
				t.Errorf("it did not go on from what it kept:\n%s", c.first.log)
			}

			// The primary is killed: the zone is answered on, and what changes later comes.
			l.stop()
			if m, err := exchange(c.first.addr, "ns.big.example.", dns.TypeA); err != nil || len(m.Answer) != 1 {
				t.Errorf("a dead primary ends answers: %v %v", m, err)
			}
			l.start()
			l.update("add revived.big.example. 60 A 192.0.2.3")
			c.level("after the primary was killed")

			// NOTIFY is blocked: it comes by REFRESH.
			l.timers(3, 1, 1000)
			c.level("with REFRESH 3")
			l.stop()
			l.silent = true
			l.start()
			before := strings.Count(l.peer.log.String(), "notify")
			l.update("add silent.big.example. 60 A 192.0.2.4")
			c.level("without NOTIFY")
			if strings.Count(strings.ToLower(l.peer.log.String()), "sending notif") > before {
				t.Error("the primary told all the same")
			}

			// The primary loses its journal: the zone comes whole.
			whole := came(c.first, "AXFR")
			l.forget()
			c.level("after the journal was lost")
			if came(c.first, "AXFR") != whole+1 {
				t.Errorf("it did not come by AXFR:\n%s", c.first.log)
			}
			if m, err := exchange(c.first.addr, "forgotten.big.example.", dns.TypeA); err != nil || len(m.Answer) != 1 {
				t.Errorf("%v %v", m, err)
			}

			// EXPIRE: it is served so long, and no longer, over a restart too.
			l.timers(2, 1, 8)
			c.level("with EXPIRE 8")
			l.stop()
			dead := time.Now()
			eventually(t, c.first, "it expires", c.first.unavailable)
			if after := time.Since(dead); after < 3*time.Second { // confirmed 2 s before, and some for a slow machine
				t.Errorf("expired after %v, EXPIRE is 8 s and REFRESH 2 s", after)
			}
			c.first.kill()
			c.first = c.start(0)
			eventually(t, c.first, "it is still expired", c.first.unavailable)
			eventually(t, c.second, "who follows ours expires too", c.second.unavailable)
			l.start()
			eventually(t, c.first, "it is served again", func() bool { return c.first.answersFor("big.example") })
			c.level("after it expired")
		})
	}
}

// TestFollowWorkspace: a followed zone stands beside the files of a workspace,
// at each instant; hopnhat.yaml adds and takes away.
func TestFollowWorkspace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, theirs, after := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	write(t, dir+"/far.zone", strings.Replace(fmt.Sprintf(smallZone, 9, "192.0.2.99"), "3600", "2", 1))
	start(t, "the primary", theirs, []zoneFile{{"far.example", ""}}, hopnhat(t), "serve", "--listen", theirs.String(), "--state", dir+"/theirs", "--zone", "far.example="+dir+"/far.zone", "--secondary", "127.0.0.1:1")
	conf := fmt.Sprintf("version: 1\nlisteners:\n  - {address: %q, at: before}\n  - {address: %q, at: after}\n", ours, after)
	follow := fmt.Sprintf("follow:\n  - {zone: far.example, from: %q}\n", theirs)
	write(t, dir+"/w/hopnhat.yaml", conf+follow)
	write(t, dir+"/w/zones/example.vn.zone", fmt.Sprintf(smallZone, 7, "192.0.2.10"))
	write(t, dir+"/w/consolidation.yaml", "version: 1\ntargets: [example.vn]\ncutover: 2030-01-01 00:00\n")
	p := start(t, "hopnhat", ours, []zoneFile{{"example.vn", ""}, {"far.example", ""}}, hopnhat(t), "serve", dir+"/w")
	for _, at := range []netip.AddrPort{ours, after} {
		q := &peer{addr: at}
		eventually(t, p, "it is served at each instant", func() bool { return q.answersFor("far.example") && q.www() == "192.0.2.10" })
	}
	write(t, dir+"/w/hopnhat.yaml", conf)
	p.hup(t)
	eventually(t, p, "it is followed no more", func() bool {
		m, err := exchange(ours, "far.example.", dns.TypeSOA)
		return err == nil && m.Rcode == dns.RcodeRefused
	})
	write(t, dir+"/w/hopnhat.yaml", conf+follow)
	p.hup(t)
	eventually(t, p, "and again", func() bool { return p.answersFor("far.example") })
}
