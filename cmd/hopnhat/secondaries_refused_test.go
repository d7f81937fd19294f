package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestSecondariesRefused: who does not sign, signs with the wrong secret, by an
// unknown key or algorithm, or comes from elsewhere, gets no record, and is told
// why in the words of the RFCs (RFC 8945 5.2); BIND gets nothing by them either.
func TestSecondariesRefused(t *testing.T) {
	t.Parallel()
	p := newPrimary(t)
	good, wrong := secondaryBIND(t, p.v4), secondaryBIND(t, p.v4)
	z := newModel(rand.New(rand.NewPCG(6, 4)), 100)
	p.write(t, z)
	p.serveFile(t, good)
	_, algorithm, secret := readKey(t, good.key)
	_, _, other := readKey(t, wrong.key)
	algorithm = strings.TrimSuffix(algorithm, ".")
	for _, c := range []struct {
		what string
		args []string
		says string // "" for the zone
	}{
		{"the right key", []string{"-y", algorithm + ":" + good.keyName + ":" + secret}, ""},
		{"no key", nil, "status: REFUSED"},
		{"the wrong secret", []string{"-y", algorithm + ":" + good.keyName + ":" + other}, "BADSIG"},
		{"an unknown key", []string{"-y", algorithm + ":another." + followedZone + ":" + secret}, "BADKEY"},
		{"another algorithm", []string{"-y", "hmac-sha512:" + good.keyName + ":" + secret}, "BADKEY"},
		{"the right key from elsewhere", []string{"-b", "127.0.0.2", "-y", algorithm + ":" + good.keyName + ":" + secret}, "status: REFUSED"},
	} {
		for _, q := range [][]string{{"AXFR"}, {"IXFR=1"}} {
			args := append([]string{"@" + p.v4.Addr().String(), "-p", strconv.Itoa(int(p.v4.Port())), "+tries=1", "+onesoa", "+comments"}, c.args...)
			out, err := exec.Command(need(t, "dig"), append(append(args, followedZone), q...)...).CombinedOutput()
			records := strings.Count(string(out), "\tIN\t") - strings.Count(string(out), ";"+followedZone+".")
			switch {
			case c.says == "" && (err != nil || records < 1):
				t.Errorf("%s, %s: %v\n%s", c.what, q, err, out)
			case c.says != "" && (records > 0 || !strings.Contains(string(out), c.says)):
				t.Errorf("%s, %s: want no record and %q\n%s", c.what, q, c.says, out)
			}
		}
	}
	// The key of the other test server has the same name and another secret.
	wrong.peer = wrong.again() // it will never have the zone
	eventually(t, wrong.peer, "BIND's word on its wrong key", func() bool { return strings.Contains(wrong.log.String(), "tsig indicates error") })
	if n := wrong.serialNow(); n != 0 {
		t.Errorf("BIND with the wrong key answers serial %d", n)
	}
	good.start()
	p.inStep(t, z, good)
	p.same(t, z, good)
	// status says what is wrong with a key that the secondary does not take.
	out, _, code := run(t, "status", "--server", p.v4.String(), "--key", wrong.key, "--secondary", good.addr.String()+"="+wrong.keyName, followedZone)
	if code != 1 || !strings.Contains(out, "failing") || !strings.Contains(out, "BADSIG") && !strings.Contains(out, "NOTAUTH") {
		t.Errorf("status with a wrong key exits %d:\n%s", code, out)
	}
}

// TestSecondariesSlow: more readers of one octet a second than may transfer at
// once: those beyond the limit are told so, the others are cut off; questions are
// answered all the time, and whoever reads gets the zone soon. It runs beside no
// other: all readers must come before the first is cut off.
func TestSecondariesSlow(t *testing.T) {
	const readers, most = 80, 64 // maxTransfers
	p := newPrimary(t)
	s := secondaryBIND(t, p.v4)
	z := newModel(rand.New(rand.NewPCG(6, 5)), 100)
	var b strings.Builder
	b.WriteString(z.text())
	for i := range 10_000 { // more than the system takes for somebody who does not read
		fmt.Fprintf(&b, "big%d 300 TXT%s\n", i, strings.Repeat(` "`+strings.Repeat("x", 249)+`"`, 4))
	}
	write(t, filepath.Join(p.dir, "zones", followedZone+".zone"), b.String())
	p.serveFile(t, s)
	name, algorithm, secret := readKey(t, s.key)
	ask := func() []byte {
		q := new(dns.Msg).SetAxfr(dns.Fqdn(followedZone))
		q.SetTsig(name, algorithm, 300, time.Now().Unix())
		msg, _, err := dns.TsigGenerate(q, secret, "", false)
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte{byte(len(msg) >> 8), byte(len(msg))}, msg...)
	}
	told, cut := make(chan bool, readers), make(chan bool, readers)
	for range readers {
		c, err := net.DialTimeout("tcp", p.v4.String(), patience)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		if _, err := c.Write(ask()); err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			head := make([]byte, 2+12)
			if _, err := io.ReadFull(c, head); err != nil {
				t.Errorf("a slow reader got nothing: %v", err)
			}
			refused := head[5]&15 == dns.RcodeServerFailure
			told <- refused
			if refused {
				return
			}
			// What came before the end can be read after it; writing tells.
			for one, begun := make([]byte, 1), time.Now(); time.Since(begun) < patience; time.Sleep(time.Second) {
				_, err := c.Read(one)
				if err == nil {
					_, err = c.Write([]byte{0, 0}) // a frame of no octets
				}
				if err != nil {
					cut <- !errors.Is(err, os.ErrDeadlineExceeded)
					return
				}
			}
			cut <- false
		}()
	}
	refused := 0
	for range readers {
		if <-told {
			refused++
		}
	}
	if refused < 1 || refused > readers-most { // fewer where the first were cut off before the last came
		t.Errorf("%d of %d were told to come again, want %d", refused, readers, readers-most)
	}
	t.Logf("%d of %d were told to come again", refused, readers)
	for _, network := range []string{"udp", "tcp"} {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(followedZone), dns.TypeSOA)
		if m, _, err := (&dns.Client{Net: network, Timeout: patience}).Exchange(q, p.v4.String()); err != nil || len(m.Answer) != 1 {
			t.Errorf("a question over %s beside slow readers: %v", network, err)
		}
	}
	s.start()
	p.inStep(t, z, s)
	for range readers - refused {
		select {
		case ok := <-cut:
			if !ok {
				t.Error("a slow reader is not cut off")
			}
		case <-time.After(2 * patience):
			t.Fatal("slow readers are not cut off")
		}
	}
}
