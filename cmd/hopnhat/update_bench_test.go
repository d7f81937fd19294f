package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const updateNames = 100_000

// bigZone is a zone of that many names.
func bigZone(t testing.TB, dir string, names int) zoneFile {
	t.Helper()
	var b strings.Builder
	b.WriteString("$TTL 300\n@\tIN SOA ns hm 10 3600 600 86400 300\n@\tIN NS ns\nns\tIN A 192.0.2.1\n")
	for i := range names {
		fmt.Fprintf(&b, "h%d\tIN A 10.%d.%d.%d\n", i, i>>16&255, i>>8&255, i&255)
	}
	return zoneFile{"example.vn", write(t, filepath.Join(dir, "example.vn.zone"), b.String())}
}

// BenchmarkUpdates asks ours, Knot and BIND to change records of a zone of a hundred
// thousand names, each of them with its usual settings, with which an update is
// synced to the disk before it is answered. It states ours as a ratio to each
// peer: updates a second of 32 askers (more is better), and of one alone the median
// time from an update to the answer to a question that shows it (less is better).
func BenchmarkUpdates(b *testing.B) {
	peers := []*peer{}
	for _, start := range []func(testing.TB, string, zoneFile) *peer{updatesOurs, updatesKnot, updatesBIND} {
		dir := b.TempDir()
		peers = append(peers, start(b, dir, bigZone(b, dir, updateNames)))
	}
	rate, shown := map[string]float64{}, map[string]float64{}
	for b.Loop() {
		for _, p := range peers {
			rate[p.name] += updateRate(b, p, 32, 3*time.Second)
			shown[p.name] += float64(updateShown(b, p, 200))
		}
	}
	for _, p := range peers {
		b.Logf("%s: %.0f updates a second, %.2f ms until one is shown", p.name, rate[p.name]/float64(b.N), shown[p.name]/float64(b.N)/1e6)
	}
	for _, p := range peers[1:] {
		b.ReportMetric(rate["hopnhat"]/rate[p.name], "updates/"+p.name)
		b.ReportMetric(shown["hopnhat"]/shown[p.name], "shown/"+p.name)
	}
}

func updatesOurs(t testing.TB, dir string, z zoneFile) *peer {
	addr := freePort(t, "127.0.0.1")
	return start(t, "hopnhat", addr, []zoneFile{z}, hopnhat(t), "serve", "--listen", addr.String(), "--state", filepath.Join(dir, "var"),
		"--zone", z.origin+"="+z.path, "--key", writeUpdateKey(t, dir), "--update", updateKeyName+"=*.example.vn")
}

// updatesKnot leaves the journal as it is by default: a robust LMDB, synced.
func updatesKnot(t testing.TB, dir string, z zoneFile) *peer {
	addr := freePort(t, loopback())
	return start(t, "Knot", addr, []zoneFile{z}, need(t, "knotd"), "-c", write(t, filepath.Join(dir, "knot.conf"), fmt.Sprintf(`server:
    rundir: %q
    listen: %v@%d
database:
    storage: %q
log:
  - target: stderr
    any: warning
key:
  - id: %s
    algorithm: hmac-sha256
    secret: %s
acl:
  - id: updates
    key: %s
    action: update
zone:
  - domain: %s
    file: %q
    acl: updates
    zonefile-sync: -1
    zonefile-load: difference
`, dir, addr.Addr(), addr.Port(), dir, updateKeyName, updateKeySecret, updateKeyName, z.origin, z.path)))
}

func updatesBIND(t testing.TB, dir string, z zoneFile) *peer {
	addr := freePort(t, "127.0.0.1")
	return start(t, "BIND", addr, []zoneFile{z}, need(t, "named"), "-g", "-c", write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no; update-quota 1000;
};
controls { };
key %q { algorithm hmac-sha256; secret %q; };
zone %q { type primary; file %q; update-policy { grant %s zonesub ANY; }; };
`, dir, dir+"/pid", dir+"/session.key", dir, addr.Port(), updateKeyName, updateKeySecret, z.origin, z.path, updateKeyName)))
}

// replace is an update of one name's address.
func replace(t testing.TB, n int, address string) *dns.Msg {
	m := new(dns.Msg).SetUpdate("example.vn.")
	name := fmt.Sprintf("h%d.example.vn.", n)
	m.RemoveRRset([]dns.RR{rr(t, "%s 300 A 0.0.0.0", name)})
	m.Insert([]dns.RR{rr(t, "%s 300 A %s", name, address)})
	m.SetTsig(updateKeyName, dns.HmacSHA256, 300, time.Now().Unix())
	return m
}

// asker has a socket of its own.
type asker struct {
	conn   *dns.Conn
	client dns.Client
}

func newAsker(t testing.TB, p *peer) *asker {
	a := &asker{client: dns.Client{Timeout: patience, TsigSecret: map[string]string{updateKeyName: updateKeySecret}}}
	var err error
	if a.conn, err = a.client.Dial(p.addr.String()); err != nil {
		t.Fatal(err)
	}
	return a
}

// ask takes a new dns.Conn over the same socket each time: one remembers the last
// signature, as a transfer needs.
func (a *asker) ask(m *dns.Msg) (*dns.Msg, error) {
	in, _, err := a.client.ExchangeWithConn(m, &dns.Conn{Conn: a.conn.Conn, TsigSecret: a.client.TsigSecret})
	return in, err
}

// updateRate is how many updates a second are acknowledged.
func updateRate(t testing.TB, p *peer, askers int, d time.Duration) float64 {
	var done atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for range askers {
		all.Go(func() {
			a := newAsker(t, p)
			defer a.conn.Close()
			for time.Since(begin) < d {
				in, err := a.ask(replace(t, rand.IntN(updateNames), fmt.Sprintf("192.0.2.%d", rand.IntN(256))))
				if err != nil || in.Rcode != dns.RcodeSuccess {
					t.Errorf("%s: %v, %v", p.name, in, err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

// updateShown is the median time from sending an update to having an answer that
// shows it.
func updateShown(t testing.TB, p *peer, n int) time.Duration {
	a := newAsker(t, p)
	defer a.conn.Close()
	var times []time.Duration
	for i := range n {
		host, address := rand.IntN(updateNames), fmt.Sprintf("198.51.100.%d", i%256)
		m := replace(t, host, address)
		begin := time.Now()
		if in, err := a.ask(m); err != nil || in.Rcode != dns.RcodeSuccess {
			t.Fatalf("%s: %v, %v", p.name, in, err)
		}
		for {
			q := new(dns.Msg).SetQuestion(fmt.Sprintf("h%d.example.vn.", host), dns.TypeA)
			in, err := a.ask(q)
			if err != nil || len(in.Answer) != 1 {
				t.Fatalf("%s: %v, %v", p.name, in, err)
			}
			if in.Answer[0].(*dns.A).A.String() == address {
				break
			}
			if time.Since(begin) > patience {
				t.Fatalf("%s: an update that was answered is not shown", p.name)
			}
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times[n/2]
}
