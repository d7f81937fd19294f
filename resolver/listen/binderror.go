package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// BindError says why an address could not be listened on, who has it where that
// can be read, and what to do.
//
// To give advice for one more program, add it to units.
type BindError struct {
	Network string // "udp" or "tcp"
	Addr    netip.AddrPort
	Err     error    // of the system
	Holders []Holder // who has the port, where it is taken
	Mend    string   // what to do
}

func (e *BindError) Unwrap() error { return e.Err }

func (e *BindError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot listen on %v (%s): ", e.Addr, e.Network)
	switch {
	case len(e.Holders) > 0:
		for i, h := range e.Holders {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(h.String())
			if h.Addr.Addr().Is4() != e.Addr.Addr().Is4() {
				b.WriteString(", which can take IPv4 too")
			}
		}
	default:
		b.WriteString(e.reason())
	}
	if e.Mend != "" {
		b.WriteString("; " + e.Mend)
	}
	return b.String()
}

// reason is the system's error without Go's preface.
func (e *BindError) reason() string {
	if errno, ok := errors.AsType[syscall.Errno](e.Err); ok {
		return errno.Error()
	}
	return e.Err.Error()
}

// units are the systemd units, as Debian has them, of programs that are found on port 53.
var units = map[string]string{
	"named": "named", "knotd": "knot", "nsd": "nsd", "unbound": "unbound", "dnsmasq": "dnsmasq",
	"pdns_server": "pdns", "pdns_recursor": "pdns-recursor", "coredns": "coredns", "kresd": "kresd@1",
}

// explain fills in Holders and Mend. proc is /proc.
func (e *BindError) explain(proc fs.FS) {
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		e.Holders = findHolders(proc, e.Network, e.Addr)
		e.Mend = e.mendBusy()
	case errors.Is(e.Err, syscall.EACCES), errors.Is(e.Err, syscall.EPERM):
		e.Mend = e.mendForbidden(proc)
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		e.Mend = "no interface has this address: `ip address` lists those of this machine"
		if e.Addr.Addr().Is6() && ipv6Off(proc) {
			e.Mend = "IPv6 is switched off: `sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0` switches it on; or listen on an IPv4 address"
		}
	case errors.Is(e.Err, syscall.EAFNOSUPPORT):
		e.Mend = "this machine's kernel has no IPv6 (started with ipv6.disable=1?): listen on an IPv4 address"
		if e.Addr.Addr().Is4() {
			e.Mend = "this machine's kernel has no IPv4: listen on an IPv6 address"
		}
	case e.Addr.Addr().Is6() && e.Addr.Addr().IsLinkLocalUnicast() && e.Addr.Addr().Zone() == "":
		e.Mend = fmt.Sprintf("a link-local address needs its interface: [%v%%eth0]:%d", e.Addr.Addr(), e.Addr.Port())
	default:
		e.Mend = "choose another address or port"
	}
}

func (e *BindError) mendBusy() string {
	const other = "choose another address or port"
	letter := "u"
	if e.Network == "tcp" {
		letter = "t"
	}
	show := fmt.Sprintf("`ss -l%snp 'sport = :%d'` as root", letter, e.Addr.Port())
	if len(e.Holders) == 0 {
		return show + " shows who has it; stop that, or " + other
	}
	h := e.Holders[0]
	switch {
	case h.PID == 0:
		return "its name can be read by root only: " + show + " shows it; stop it, or " + other
	case h.Command == "systemd-resolved":
		if e.Addr.Addr() != h.Addr.Addr() {
			return fmt.Sprintf("it needs only that address: listen on this machine's own addresses instead of %v, or set DNSStubListener=no in /etc/systemd/resolved.conf and `systemctl restart systemd-resolved`", e.Addr.Addr())
		}
		return "set DNSStubListener=no in /etc/systemd/resolved.conf and `systemctl restart systemd-resolved`, or " + other
	case units[h.Command] != "":
		return fmt.Sprintf("stop it (`systemctl disable --now %s`), or %s", units[h.Command], other)
	case h.PID == 1:
		return "a systemd socket unit has it: `systemctl list-sockets` names it; stop that unit, or " + other
	case h.Command == "hopnhat":
		return fmt.Sprintf("it runs already: stop it (`kill %d`), or %s", h.PID, other)
	}
	return fmt.Sprintf("stop it (pid %d), or %s", h.PID, other)
}

// firstFree is the lowest port that needs no privilege: Linux lets it be set.
func firstFree(proc fs.FS) uint16 {
	text, err := fs.ReadFile(proc, "sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return 1024
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil {
		return 1024
	}
	return uint16(n)
}

func (e *BindError) mendForbidden(proc fs.FS) string {
	first := firstFree(proc)
	if e.Addr.Port() >= first {
		return "port and user would allow it: look for a security module (SELinux, AppArmor, a systemd sandbox: `journalctl -k`) that forbids it"
	}
	program := "/usr/bin/hopnhat"
	if p, err := fs.ReadLink(proc, "self/exe"); err == nil && path.IsAbs(p) {
		program = p
	}
	return fmt.Sprintf("ports below %d need a privilege: `sudo setcap cap_net_bind_service=+ep %s`, or in its systemd unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or use a port from %d", first, quote(program), first)
}

// quote makes a path safe to paste into a shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func ipv6Off(proc fs.FS) bool {
	for _, f := range []string{"all", "lo", "default"} {
		text, err := fs.ReadFile(proc, "sys/net/ipv6/conf/"+f+"/disable_ipv6")
		if err == nil && strings.TrimSpace(string(text)) == "1" {
			return true
		}
	}
	return false
}
