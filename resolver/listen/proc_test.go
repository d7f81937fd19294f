package listen

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const procHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

// hexAddr writes an address as /proc/net does on this machine.
func hexAddr(ap netip.AddrPort) string {
	var b strings.Builder
	for a := ap.Addr().AsSlice(); len(a) > 0; a = a[4:] {
		fmt.Fprintf(&b, "%08X", binary.NativeEndian.Uint32(a))
	}
	return fmt.Sprintf("%s:%04X", b.String(), ap.Port())
}

func procLine(addr string, uid, inode int) string {
	ap := netip.MustParseAddrPort(addr)
	none := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	if ap.Addr().Is6() {
		none = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	return fmt.Sprintf(" 123: %s %s 07 00000000:00000000 00:00000000 00000000 %5d        0 %d 2 0000000000000000 0\n",
		hexAddr(ap), hexAddr(none), uid, inode)
}

// aProc is a /proc with the sockets and processes that port 53 is often held by.
func aProc() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	link := func(s string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(s), Mode: os.ModeSymlink | 0o777}
	}
	return fstest.MapFS{
		"net/udp": file(procHead + procLine("127.0.0.53:53", 101, 12345) + procLine("127.0.0.54:53", 101, 12346) +
			procLine("192.0.2.1:53", 102, 20001) + procLine("192.0.2.1:53", 102, 20002) + procLine("0.0.0.0:5353", 105, 30001) +
			procLine("192.0.2.7:55", 0, 70001)),
		"net/udp6": file(procHead + procLine("[::]:54", 0, 40001) + procLine("[2001:db8::1]:53", 102, 20003)),
		"net/tcp": file(procHead + procLine("192.0.2.3:53", 0, 50001) + procLine("192.0.2.5:53", 0, 60001) +
			"   5: 030200C0:0035 050200C0:D431 01 00000000:00000000 00:00000000 00000000     0        0 50009 1\n"),
		"123/comm": file("systemd-resolve\n"), "123/cmdline": file("/lib/systemd/systemd-resolved\x00"),
		"123/fd/0": link("/dev/null"), "123/fd/12": link("socket:[12345]"), "123/fd/13": link("socket:[12346]"),
		"456/comm": file("named\n"), "456/fd/20": link("socket:[20001]"), "456/fd/21": link("socket:[20002]"),
		"456/fd/22": link("socket:[20003]"),
		"77/comm":   file("av\x1b]0;\xffahi\n"), "77/fd/3": link("socket:[30001]"),
		"9/comm": file("hopnhat\n"), "9/fd/3": link("socket:[40001]"),
		"1/comm": file("systemd\n"), "1/fd/40": link("socket:[50001]"),
		"8/comm": file("a-name-that-is-\n"), "8/cmdline": file("other\x00"), "8/fd/1": link("socket:[70001]"),
		"self/exe": link("/opt/hop nhat"),
	}
}

func TestHolders(t *testing.T) {
	for _, c := range []struct {
		network, addr string
		err           syscall.Errno
		want          string
	}{
		{"udp", "127.0.0.53:53", syscall.EADDRINUSE, "cannot listen on 127.0.0.53:53 (udp): systemd-resolved (pid 123) holds 127.0.0.53:53; " +
			"set DNSStubListener=no in /etc/systemd/resolved.conf and `systemctl restart systemd-resolved`, or choose another address or port"},
		{"udp", "192.0.2.1:53", syscall.EADDRINUSE, "cannot listen on 192.0.2.1:53 (udp): named (pid 456) holds 192.0.2.1:53; " +
			"stop it (`systemctl disable --now named`), or choose another address or port"},
		{"udp", "0.0.0.0:53", syscall.EADDRINUSE, "cannot listen on 0.0.0.0:53 (udp): systemd-resolved (pid 123) holds 127.0.0.53:53, " +
			"systemd-resolved (pid 123) holds 127.0.0.54:53, named (pid 456) holds 192.0.2.1:53; " +
			"it needs only that address: listen on this machine's own addresses instead of 0.0.0.0, " +
			"or set DNSStubListener=no in /etc/systemd/resolved.conf and `systemctl restart systemd-resolved`"},
		{"udp", "[::]:53", syscall.EADDRINUSE, "cannot listen on [::]:53 (udp): named (pid 456) holds [2001:db8::1]:53; " +
			"stop it (`systemctl disable --now named`), or choose another address or port"},
		{"udp", "192.0.2.9:54", syscall.EADDRINUSE, "cannot listen on 192.0.2.9:54 (udp): hopnhat (pid 9) holds [::]:54, which can take IPv4 too; " +
			"it runs already: stop it (`kill 9`), or choose another address or port"},
		{"udp", "192.0.2.9:5353", syscall.EADDRINUSE, "cannot listen on 192.0.2.9:5353 (udp): av?]0;?ahi (pid 77) holds 0.0.0.0:5353; " +
			"stop it (pid 77), or choose another address or port"},
		{"udp", "192.0.2.7:55", syscall.EADDRINUSE, "cannot listen on 192.0.2.7:55 (udp): a-name-that-is- (pid 8) holds 192.0.2.7:55; " +
			"stop it (pid 8), or choose another address or port"},
		{"tcp", "192.0.2.3:53", syscall.EADDRINUSE, "cannot listen on 192.0.2.3:53 (tcp): systemd (pid 1) holds 192.0.2.3:53; " +
			"a systemd socket unit has it: `systemctl list-sockets` names it; stop that unit, or choose another address or port"},
		{"tcp", "192.0.2.5:53", syscall.EADDRINUSE, "cannot listen on 192.0.2.5:53 (tcp): a process of user id 0 holds 192.0.2.5:53; " +
			"its name can be read by root only: `ss -ltnp 'sport = :53'` as root shows it; stop it, or choose another address or port"},
		{"udp", "192.0.2.6:53", syscall.EADDRINUSE, "cannot listen on 192.0.2.6:53 (udp): address already in use; " +
			"`ss -lunp 'sport = :53'` as root shows who has it; stop that, or choose another address or port"},
		{"udp", "192.0.2.6:53", syscall.EACCES, "cannot listen on 192.0.2.6:53 (udp): permission denied; " +
			"ports below 1024 need a privilege: `sudo setcap cap_net_bind_service=+ep '/opt/hop nhat'`, " +
			"or in its systemd unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or use a port from 1024"},
		{"udp", "192.0.2.6:5300", syscall.EPERM, "cannot listen on 192.0.2.6:5300 (udp): operation not permitted; " +
			"port and user would allow it: look for a security module (SELinux, AppArmor, a systemd sandbox: `journalctl -k`) that forbids it"},
		{"udp", "[::1]:53", syscall.EAFNOSUPPORT, "cannot listen on [::1]:53 (udp): address family not supported by protocol; " +
			"this machine's kernel has no IPv6 (started with ipv6.disable=1?): listen on an IPv4 address"},
	} {
		e := &BindError{Network: c.network, Addr: netip.MustParseAddrPort(c.addr), Err: os.NewSyscallError("bind", c.err)}
		e.explain(aProc())
		if d := cmp.Diff(c.want, e.Error()); d != "" {
			t.Errorf("%s %s %v (-want +got):\n%s", c.network, c.addr, c.err, d)
		}
	}
}

func TestProcWithNothing(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EADDRINUSE, syscall.EACCES, syscall.EADDRNOTAVAIL, syscall.EINVAL} {
		e := &BindError{Network: "udp", Addr: netip.MustParseAddrPort("[::1]:53"), Err: errno}
		e.explain(fstest.MapFS{})
		if e.Mend == "" || len(e.Holders) > 0 {
			t.Errorf("%v: %+v", errno, e)
		}
	}
}

// FuzzProcNet: any text gives sockets that, written again, read the same.
func FuzzProcNet(f *testing.F) {
	f.Add([]byte(procHead + procLine("127.0.0.53:53", 101, 12345)))
	f.Add([]byte(procHead + procLine("[2001:db8::1]:53", 0, 1) + "  1: 0:35 00000000:0000 a b c d 1 2 3\n"))
	f.Add([]byte("1 00:35 00:00 1 1 1 1 1 1 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all := parseSockets(text)
		again := procHead
		for _, s := range all {
			again += procLine(s.addr.String(), s.uid, int(s.inode))
		}
		for i, s := range parseSockets([]byte(again)) {
			if s.addr != all[i].addr || s.uid != all[i].uid {
				t.Errorf("%v becomes %v", all[i], s)
			}
		}
	})
}

func TestParseAddr(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:5300": "127.0.0.1:5300", "[::1]:53": "[::1]:53", "0.0.0.0:53": "0.0.0.0:53", "[::]:53": "[::]:53",
		"[fe80::1%eth0]:53": "[fe80::1%eth0]:53", "[::ffff:192.0.2.1]:53": "192.0.2.1:53",
		":53":                `":53" is not an address to listen on: write 0.0.0.0:53 for IPv4 or [::]:53 for IPv6, or both as two listeners`,
		"*:53":               `"*:53" is not an address to listen on: write 0.0.0.0:53 for IPv4 or [::]:53 for IPv6, or both as two listeners`,
		"127.0.0.1":          `"127.0.0.1" is not an address to listen on: add the port, as in 127.0.0.1:53`,
		"::1":                `"::1" is not an address to listen on: add the port, as in [::1]:53`,
		"[::1]":              `"[::1]" is not an address to listen on: add the port, as in [::1]:53`,
		"fe80::g:53":         `"fe80::g:53" is not an address to listen on: write an IP address and a port, as in 127.0.0.1:5300 or [::1]:5300, not a name`,
		"1:2:3:4:5:6:7:8:53": `"1:2:3:4:5:6:7:8:53" is not an address to listen on: an IPv6 address stands in brackets: [1:2:3:4:5:6:7:8]:53`,
		"[127.0.0.1]:53":     `"[127.0.0.1]:53" is not an address to listen on: an IPv4 address has no brackets: 127.0.0.1:53`,
		"localhost:53":       `"localhost:53" is not an address to listen on: write an IP address and a port, as in 127.0.0.1:5300 or [::1]:5300, not a name`,
		"":                   `"" is not an address to listen on: write an IP address and a port, as in 127.0.0.1:5300 or [::1]:5300`,
		"127.0.0.1:70000":    `"127.0.0.1:70000" is not an address to listen on: the port is a number from 0 to 65535`,
		"127.0.0.1:":         `"127.0.0.1:" is not an address to listen on: the port is a number from 0 to 65535`,
	} {
		ap, err := ParseAddr(in)
		got := ap.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}
