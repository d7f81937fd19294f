package listen

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Holder is a process that has a socket on a port. PID 0 means that the process
// could not be seen: it is another user's, or in another container.
type Holder struct {
	PID     int
	Command string
	UID     int
	Network string // "udp" or "tcp"
	Addr    netip.AddrPort
}

func (h Holder) String() string {
	if h.PID == 0 {
		return fmt.Sprintf("a process of user id %d holds %v", h.UID, h.Addr)
	}
	return fmt.Sprintf("%s (pid %d) holds %v", h.Command, h.PID, h.Addr)
}

// mostHolders bounds what an error shows.
const mostHolders = 4

// socket is one line of /proc/net/{udp,tcp}{,6}.
type socket struct {
	addr  netip.AddrPort
	uid   int
	inode uint64
}

// findHolders tells who keeps addr from being bound, by proc(5): the sockets'
// inodes, then the processes that have them open. It gives what it can read;
// nil is nothing.
func findHolders(proc fs.FS, network string, addr netip.AddrPort) []Holder {
	var sockets []socket
	for _, suffix := range []string{"", "6"} {
		text, err := fs.ReadFile(proc, "net/"+network+suffix)
		if err != nil {
			continue
		}
		for _, s := range parseSockets(text) {
			if inTheWay(s.addr, addr) {
				sockets = append(sockets, s)
			}
		}
	}
	if len(sockets) == 0 {
		return nil
	}
	// The exact address says more than a wildcard.
	slices.SortStableFunc(sockets, func(a, b socket) int {
		return cmp.Compare(distance(a.addr, addr), distance(b.addr, addr))
	})
	pids := processesByInode(proc, sockets)
	var holders []Holder
	for _, s := range sockets {
		h := Holder{UID: s.uid, Network: network, Addr: s.addr}
		if len(pids[s.inode]) == 0 {
			holders = append(holders, h)
		}
		for _, pid := range pids[s.inode] {
			h.PID, h.Command = pid, command(proc, pid)
			holders = append(holders, h)
		}
	}
	holders = distinct(holders)
	return holders[:min(len(holders), mostHolders)]
}

// distinct keeps the first of each: a program has a socket for each thread.
func distinct(all []Holder) []Holder {
	var out []Holder
	for _, h := range all {
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// inTheWay: the same port, and the same address or a wildcard on either side.
// An IPv6 wildcard may hold IPv4 too; the file does not say whether it does.
func inTheWay(held, wanted netip.AddrPort) bool {
	h, w := held.Addr().Unmap(), wanted.Addr().WithZone("")
	switch {
	case held.Port() != wanted.Port():
		return false
	case h.Is4() == w.Is4():
		return h == w || h.IsUnspecified() || w.IsUnspecified()
	case w.Is4():
		return h.IsUnspecified()
	}
	return false
}

func distance(held, wanted netip.AddrPort) int {
	h, w := held.Addr().Unmap(), wanted.Addr().WithZone("")
	switch {
	case h == w:
		return 0
	case h.Is4() == w.Is4():
		return 1
	}
	return 2
}

// parseSockets reads lines such as
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …
//	 0: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 12345 …
//
// leaving out connected sockets and what it does not understand.
func parseSockets(text []byte) []socket {
	var out []socket
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 10 {
			continue
		}
		addr, ok := parseHexAddr(f[1])
		if remote, ok2 := parseHexAddr(f[2]); !ok || !ok2 || remote.Port() != 0 {
			continue
		}
		uid, err1 := strconv.Atoi(f[7])
		inode, err2 := strconv.ParseUint(f[9], 10, 64)
		if err1 == nil && err2 == nil {
			out = append(out, socket{addr, uid, inode})
		}
	}
	return out
}

// parseHexAddr reads 32-bit words in the machine's order, a colon, the port.
func parseHexAddr(s string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a, uint16(p)), ok
}

// processesByInode looks for the sockets among the open files of every process
// that may be read, in the order of process ids.
func processesByInode(proc fs.FS, sockets []socket) map[uint64][]int {
	inode := map[string]uint64{}
	for _, s := range sockets {
		inode[fmt.Sprintf("socket:[%d]", s.inode)] = s.inode
	}
	var pids []int
	entries, _ := fs.ReadDir(proc, ".") // what could be read is there, error or not
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	found := map[uint64][]int{}
	for _, pid := range pids {
		dir := strconv.Itoa(pid) + "/fd"
		fds, _ := fs.ReadDir(proc, dir) // processes end and hide
		for _, fd := range fds {
			link, err := fs.ReadLink(proc, dir+"/"+fd.Name())
			if i, ok := inode[link]; err == nil && ok && !slices.Contains(found[i], pid) {
				found[i] = append(found[i], pid)
			}
		}
	}
	return found
}

// command is the process's name; a process may put any octets there. The
// kernel keeps 15 octets of it, the command line may have the rest.
func command(proc fs.FS, pid int) string {
	dir := strconv.Itoa(pid)
	text, err := fs.ReadFile(proc, dir+"/comm")
	name := strings.TrimSuffix(string(text), "\n")
	if err != nil || name == "" {
		return "a process"
	}
	if len(name) == 15 {
		line, _ := fs.ReadFile(proc, dir+"/cmdline")
		program, _, _ := strings.Cut(string(line), "\x00")
		if whole := path.Base(program); strings.HasPrefix(whole, name) && len(whole) < 100 {
			name = whole
		}
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
}
