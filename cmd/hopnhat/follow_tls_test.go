package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestFollowOverTLS: ours as secondary of BIND over TLS (RFC 9103), which wants a
// certificate of ours: what changes comes by IXFR; to a server that bears another
// name or has another pin, and without our certificate, nothing comes.
func TestFollowOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := selfSigned(t, filepath.Join(dir, "server"))
	mine, mineKey := selfSigned(t, filepath.Join(dir, "client"))
	secure := freePort(t, "127.0.0.1")
	good := fmt.Sprintf("tls=localhost,authorities=%s,certificate=%s,tlskey=%s", cert, mine, mineKey)
	var addrs []netip.AddrPort
	for range 4 {
		addrs = append(addrs, freePort(t, "127.0.0.1"))
	}
	l := newLeader(t, addrs[0], func(l *leader) *peer {
		conf := fmt.Sprintf(`%s
tls secure { cert-file %q; key-file %q; ca-file %q; protocols { TLSv1.3; }; };
options {
	directory %q; pid-file %q; session-keyfile %q; managed-keys-directory %q;
	listen-on port %d { 127.0.0.1; }; listen-on port %d tls secure { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; empty-zones-enable no;
};
controls { };
zone big.example {
	type primary; file %q; allow-transfer port %d transport tls { key follow.example; }; allow-update { key follow.example; };
	notify explicit; also-notify { %v port %d key follow.example; }; notify-delay 0;
};
`, followKey, cert, key, mine, l.dir, l.dir+"/pid", l.dir+"/session.key", l.dir, l.addr.Port(), secure.Port(), l.file(), secure.Port(), l.notify.Addr(), l.notify.Port())
		return start(l.t, "BIND", l.addr, []zoneFile{{"big.example", ""}}, need(l.t, "named"), "-g", "-n", "1", "-c", write(l.t, l.dir+"/named.conf", conf))
	})
	follow := func(i int, from netip.AddrPort, options string) *peer {
		return start(t, "hopnhat "+strconv.Itoa(i), addrs[i], nil, hopnhat(t), "serve", "--listen", addrs[i].String(), "--state", t.TempDir(),
			"--key", filepath.Join(l.dir, "key"), "--follow", fmt.Sprintf("big.example=%v=follow.example%s", from, options))
	}
	p := follow(0, secure, ","+good)
	eventually(t, p, "it comes", func() bool { return p.serialOf("big.example.") == 100 })
	l.update("add tls.big.example. 60 A 192.0.2.5")
	eventually(t, p, "the change comes", func() bool {
		m, err := exchange(p.addr, "tls.big.example.", dns.TypeA)
		return err == nil && len(m.Answer) == 1
	})
	if came(p, "AXFR") != 1 || came(p, "IXFR") != 1 {
		t.Errorf("%s", p.log)
	}

	for i, c := range []struct{ options, want string }{
		{"," + strings.Replace(good, "localhost", "ns.example", 1), "X-TLS"},
		{",pin=E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g=,certificate=" + mine + ",tlskey=" + mineKey, "X-TLS"},
		{",tls=localhost,authorities=" + cert, "nothing came from"},
	} {
		p := follow(i+1, secure, c.options)
		eventually(t, p, "it says why nothing comes", func() bool { return strings.Contains(p.log.String(), c.want) })
		if !p.unavailable() {
			t.Errorf("%s: something is served:\n%s", c.options, p.log)
		}
	}
	// Without TLS BIND hands nothing out.
	addrs[1] = freePort(t, "127.0.0.1")
	plain := follow(1, l.addr, "")
	eventually(t, plain, "it is refused", func() bool { return strings.Contains(plain.log.String(), "X-REFUSED") })
}
