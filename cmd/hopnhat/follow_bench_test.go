package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// BenchmarkFollow has ours, Knot and BIND follow one Knot, on a zone of a hundred
// thousand names (HOPNHAT_BENCH_LARGE=1: a million), and changes one record of it
// again and again: the median time from NOTIFY, which the benchmark sends itself,
// until each follower shows it, by IXFR. Ours is stated as a ratio to each
// peer; less is better.
func BenchmarkFollow(b *testing.B) {
	names := 100_000
	if os.Getenv("HOPNHAT_BENCH_LARGE") != "" {
		names = 1_000_000
	}
	key := fmt.Sprintf("key %q { algorithm hmac-sha256; secret %q; };\n", updateKeyName, updateKeySecret)
	knotKey := fmt.Sprintf("key:\n  - id: %s\n    algorithm: hmac-sha256\n    secret: %s\n", updateKeyName, updateKeySecret)
	primary, ours, theirs, bind := freePort(b, "127.0.0.1"), freePort(b, "127.0.0.1"), freePort(b, "127.0.0.1"), freePort(b, "127.0.0.1")
	head := func(dir string, port uint16) string {
		return fmt.Sprintf("server:\n    rundir: %q\n    listen: 127.0.0.1@%d\ndatabase:\n    storage: %q\nlog:\n  - target: stderr\n    any: warning\n%s", dir, port, dir, knotKey)
	}

	dir := b.TempDir()
	z := bigZone(b, dir, names)
	up := start(b, "the primary", primary, []zoneFile{z}, need(b, "knotd"), "-c", write(b, dir+"/knot.conf", head(dir, primary.Port())+
		fmt.Sprintf("acl:\n  - id: all\n    key: %s\n    action: [transfer, update]\nzone:\n  - domain: example.vn\n    file: %q\n    acl: all\n    zonefile-sync: -1\n    journal-content: changes\n", updateKeyName, z.path)))

	keyFile := write(b, filepath.Join(dir, "key"), key)
	peers := []*peer{start(b, "hopnhat", ours, []zoneFile{z}, hopnhat(b), "serve", "--listen", ours.String(), "--state", b.TempDir(), "--key", keyFile,
		"--follow", fmt.Sprintf("example.vn=%v=%s", primary, updateKeyName))}
	d := b.TempDir()
	peers = append(peers, start(b, "Knot", theirs, []zoneFile{z}, need(b, "knotd"), "-c", write(b, d+"/knot.conf", head(d, theirs.Port())+
		fmt.Sprintf("remote:\n  - id: up\n    address: 127.0.0.1@%d\n    key: %s\nacl:\n  - id: up\n    address: 127.0.0.1\n    action: notify\nzone:\n  - domain: example.vn\n    master: up\n    acl: up\n    file: %q\n    zonefile-sync: -1\n", primary.Port(), updateKeyName, d+"/zone"))))
	d = b.TempDir()
	peers = append(peers, start(b, "BIND", bind, []zoneFile{z}, need(b, "named"), "-g", "-c", write(b, d+"/named.conf", key+fmt.Sprintf(`options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; notify no; dnssec-validation no; empty-zones-enable no;
};
controls { };
zone example.vn { type secondary; primaries { 127.0.0.1 port %d key %s; }; file %q; masterfile-format raw; };
`, d, d+"/pid", d+"/session.key", d, bind.Port(), primary.Port(), updateKeyName, d+"/zone"))))

	asks := newAsker(b, up)
	defer asks.conn.Close()
	times := map[string][]time.Duration{}
	round := 0
	for b.Loop() {
		for range 20 {
			round++
			address := fmt.Sprintf("203.0.%d.%d", round>>8, round&255)
			m := replace(b, round, address)
			if in, err := asks.ask(m); err != nil || in.Rcode != dns.RcodeSuccess {
				b.Fatalf("%v, %v", in, err)
			}
			for _, p := range peers {
				a := newAsker(b, p)
				if in, err := a.ask(new(dns.Msg).SetNotify("example.vn.")); err != nil || in.Rcode != dns.RcodeSuccess {
					b.Fatalf("%s: NOTIFY: %v, %v", p.name, in, err)
				}
				_ = a.conn.Close()
			}
			begun := time.Now()
			took := make([]time.Duration, len(peers))
			var all sync.WaitGroup
			for i, p := range peers {
				all.Go(func() {
					a := newAsker(b, p)
					defer a.conn.Close()
					for time.Since(begun) < patience {
						in, err := a.ask(new(dns.Msg).SetQuestion(fmt.Sprintf("h%d.example.vn.", round), dns.TypeA))
						if err == nil && len(in.Answer) == 1 && in.Answer[0].(*dns.A).A.String() == address {
							took[i] = time.Since(begun)
							return
						}
						time.Sleep(time.Millisecond)
					}
					b.Errorf("%s does not show it", p.name)
				})
			}
			all.Wait()
			for i, p := range peers {
				times[p.name] = append(times[p.name], took[i])
			}
			time.Sleep(700 * time.Millisecond) // all of them pause between two questions
		}
	}
	middle := func(name string) float64 {
		ts := times[name]
		slices.Sort(ts)
		return float64(ts[len(ts)/2])
	}
	for _, p := range peers {
		b.Logf("%s: %.1f ms until a change is shown", p.name, middle(p.name)/1e6)
	}
	for _, p := range peers[1:] {
		b.ReportMetric(middle("hopnhat")/middle(p.name), "followed/"+p.name)
	}
}
