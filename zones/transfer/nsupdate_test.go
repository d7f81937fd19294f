package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// updated is a server that does nothing but take updates of one zone.
type updated struct {
	mu    sync.Mutex
	zone  *zones.Zone
	keys  map[zones.Name]Key
	rules []UpdateRule
	udp   net.PacketConn
	tcp   net.Listener
	wg    sync.WaitGroup
}

func (s *updated) answer(msg []byte, from netip.Addr) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := ParseUpdate(msg, s.keys, time.Now())
	if !ok {
		return nil
	}
	z := s.zone
	if z.Origin() != u.Zone {
		z = nil
	}
	rc := u.Judge(z, s.rules, from)
	if rc == RcodeNoError {
		n, err := Numbered(z, u.Delta(z), z.Serial().Next()).Apply(z)
		if err != nil {
			rc = RcodeServFail
		} else {
			s.zone = n
		}
	}
	return u.Answer(rc, time.Now())
}

func (s *updated) now() *zones.Zone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zone
}

func takeUpdates(t *testing.T, z *zones.Zone, key *Key) *updated {
	t.Helper()
	s := &updated{zone: z, keys: map[zones.Name]Key{key.Name: *key}, rules: anyone(key)}
	var err error
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	if s.udp, err = net.ListenPacket("udp", addr); err != nil {
		t.Fatal(err)
	}
	if s.tcp, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	s.wg.Add(2)
	go func() {
		defer s.wg.Done()
		buf := make([]byte, maxMsg)
		for {
			n, from, err := s.udp.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := s.answer(buf[:n], netip.MustParseAddrPort(from.String()).Addr()); out != nil {
				_, _ = s.udp.WriteTo(out, from)
			}
		}
	}()
	go func() {
		defer s.wg.Done()
		for {
			c, err := s.tcp.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			buf := make([]byte, maxMsg)
			for {
				msg, err := readFrame(c, buf)
				if err != nil {
					break
				}
				if _, err := c.Write(frame(s.answer(msg, netip.MustParseAddrPort(c.RemoteAddr().String()).Addr()))); err != nil {
					break
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = s.udp.Close()
		_ = s.tcp.Close()
		s.wg.Wait()
	})
	return s
}

// nsupdateScripts have every form of prerequisite and of change that nsupdate
// knows; each is one run of it. ~ is the zone.
var nsupdateScripts = []string{
	"prereq nxdomain new.~\nupdate add new.~ 60 A 192.0.2.50\nsend",
	"prereq nxdomain new.~\nupdate add new.~ 60 A 192.0.2.51\nsend", // YXDOMAIN
	"prereq nxdomain ent.~\nupdate add ent.~ 60 A 192.0.2.52\nsend",
	"prereq yxdomain new.~\nupdate add new.~ 60 AAAA 2001:db8::50\nsend",
	"prereq yxdomain none.~\nupdate add none.~ 60 A 192.0.2.1\nsend", // NXDOMAIN
	"prereq nxrrset new.~ TXT\nupdate add new.~ 60 TXT \"one\" \"two; three\"\nsend",
	"prereq nxrrset new.~ A\nupdate add new.~ 60 A 192.0.2.53\nsend", // YXRRSET
	"prereq yxrrset new.~ A\nupdate add new.~ 60 A 192.0.2.53\nsend",
	"prereq yxrrset new.~ MX\nupdate add new.~ 60 A 192.0.2.54\nsend", // NXRRSET
	"prereq yxrrset new.~ A 192.0.2.53\nprereq yxrrset new.~ A 192.0.2.50\nupdate delete new.~ A 192.0.2.53\nsend",
	"prereq yxrrset new.~ A 192.0.2.53\nupdate delete new.~ A 192.0.2.50\nsend", // NXRRSET
	"update delete new.~ A\nupdate add new.~ 300 A 192.0.2.60\nsend",
	"update add new.~ 600 A 192.0.2.61\nsend",
	"update delete new.~\nsend",
	"update delete upd.example. NS\nupdate delete upd.example. SOA\nsend",
	"update delete upd.example.\nsend",
	"update add alias.~ 60 CNAME other.test.\nsend",
	"update add www.~ 60 CNAME other.test.\nsend",
	"update add alias.~ 60 A 192.0.2.1\nsend",
	"update add _sip._tcp.~ 60 SRV 0 5 5060 www.~\nupdate add ~ 60 CAA 0 issue \"ca.example\"\nupdate add ~ 60 MX 10 www.~\nupdate add h.~ 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1\nsend",
	"update add x.other.test. 60 A 192.0.2.1\nsend", // NOTZONE
	"update add upd.example. 60 SOA ns.upd.example. hostmaster.upd.example. 5000 1 2 3 4\nsend",
	"update add upd.example. 60 SOA ns.upd.example. hostmaster.upd.example. 4000 1 2 3 4\nsend",
	"update add a1.~ 60 A 192.0.2.1\nsend\nupdate add a2.~ 60 A 192.0.2.1\nsend\nprereq yxdomain none.~\nupdate add a3.~ 60 A 192.0.2.1\nsend\nupdate add a4.~ 60 A 192.0.2.1\nsend",
	"send",
	"zone other.test.\nupdate add www.other.test. 60 A 192.0.2.1\nsend", // NOTAUTH
	"key none.example " + secret64 + "\nupdate add no.~ 60 A 192.0.2.1\nsend",
	"key transfer.example " + strings.Replace(secret64, "c2V", "c2U", 1) + "\nupdate add no.~ 60 A 192.0.2.1\nsend",
	"update add " + strings.Repeat("a", 63) + ".deep.~ 2147483647 TXT \"" + strings.Repeat("x", 255) + "\"\nsend",
}

// TestNsupdate runs the same scripts against BIND and against ours: nsupdate
// says and returns the same, and the zones are equal after each.
func TestNsupdate(t *testing.T) {
	key, dir := testKey(t), t.TempDir()
	p := bind(t, "upd.example", key, fmt.Sprintf("zone upd.example { type primary; file %q; check-names ignore; allow-update { key %q; }; allow-transfer { any; }; };", write(t, dir+"/upd.zone", updZone), key.Name.Text()))
	fetch := func() *zones.Zone {
		z, _, fs := Fetch(context.Background(), Request{Server: p.v4, Zone: internet("upd.example")})
		if z == nil {
			t.Fatal(show(fs))
		}
		return z
	}
	ours := takeUpdates(t, fetch(), key)
	path := need(t, "nsupdate")
	run := func(server netip.AddrPort, script string, args ...string) string {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Stdin = io.MultiReader(strings.NewReader(fmt.Sprintf("server %v %d\nzone upd.example.\n", server.Addr(), server.Port())), strings.NewReader(strings.ReplaceAll(script, "~", "upd.example.")+"\n"))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return strings.ReplaceAll(out.String(), fmt.Sprint(server.Port()), "PORT") + fmt.Sprint(err)
	}
	own := ours.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	codes := map[string]bool{}
	for _, transport := range [][]string{nil, {"-v"}} {
		for _, unsigned := range []bool{false, true} {
			for _, script := range nsupdateScripts {
				args := transport
				if !unsigned {
					args = append(args[:len(args):len(args)], "-y", string(key.Algorithm)+":"+key.Name.Text()+":"+secret64)
				}
				theirs := run(p.v4, script, args...)
				got := run(own, script, args...)
				if got != theirs {
					t.Errorf("%s\n%v: nsupdate says\n%s\nwith ours, with BIND\n%s", script, args, got, theirs)
				}
				for _, w := range strings.Fields(theirs) {
					codes[w] = true
				}
				if z := fetch(); !z.Equal(ours.now()) {
					_, d := Compare(ours.now(), z)
					t.Fatalf("%s\n%v: %s", script, args, show(d))
				}
				if (unsigned || transport != nil) && script == nsupdateScripts[5] {
					break // unsigned ones are all refused, and by TCP they go as by UDP
				}
			}
		}
	}
	for _, c := range []Rcode{RcodeNXDomain, RcodeYXDomain, RcodeYXRRSet, RcodeNXRRSet, RcodeNotAuth, RcodeNotZone, RcodeRefused} {
		if !codes[c.String()] {
			t.Errorf("no script is answered with %v: %v", c, codes)
		}
	}
}
