package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who was at the other end when it connected, or, at a
// client's end, who listens there.
func peerOf(c *net.UnixConn) (uid, gid, pid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, 0, 0, err
	}
	var cred *unix.Ucred
	err2 := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err2 != nil {
		return 0, 0, 0, err2
	}
	if err != nil {
		return 0, 0, 0, err
	}
	return int(cred.Uid), int(cred.Gid), int(cred.Pid), nil
}
