package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// longest is what a socket's address takes, without the zero at its end.
const longest = 107

// fresh is the name under which a socket is bound before it takes its own: a
// socket is under that only when it answers, with the right mode.
const fresh = ".control-new"

// at calls use with a short path of dir, which holds as long as the call.
func at(dir string, room int, use func(dir string) error) error {
	if len(dir)+1+room <= longest {
		return use(dir)
	}
	d, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	return use("/proc/self/fd/" + strconv.Itoa(int(d.Fd())))
}

// dial connects to a socket by a path of any length.
func dial(ctx context.Context, path string) (*net.UnixConn, error) {
	var c net.Conn
	connect := func(path string) (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, "unix", path)
		return err
	}
	if len(path) <= longest {
		if err := connect(path); err != nil {
			return nil, err
		}
		return c.(*net.UnixConn), nil
	}
	// A descriptor of the socket itself: its name may be longer than an address.
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := connect("/proc/self/fd/" + strconv.Itoa(int(f.Fd()))); err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// bind makes the socket at path, in the place of a dead server's.
func bind(path string, g gate) (*net.UnixListener, os.FileInfo, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	unlock, err := only(dir)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	if err := vacant(path); err != nil {
		return nil, nil, err
	}
	first := filepath.Join(dir, fresh)
	if err := os.Remove(first); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var l net.Listener
	err = at(dir, len(fresh), func(dir string) (err error) {
		lc := net.ListenConfig{Control: closed}
		l, err = lc.Listen(context.Background(), "unix", filepath.Join(dir, fresh))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	u := l.(*net.UnixListener)
	u.SetUnlinkOnClose(false)
	info, err := place(first, path, g)
	if err != nil {
		return nil, nil, errors.Join(err, u.Close(), os.Remove(first))
	}
	return u, info, nil
}

// closed has the socket made without rights for others, whatever the umask.
func closed(_, _ string, c syscall.RawConn) (err error) {
	err2 := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) })
	return errors.Join(err, err2)
}

// place gives a socket its group, mode and name.
func place(first, path string, g gate) (os.FileInfo, error) {
	mode := os.FileMode(0o600)
	if g.gid != none {
		mode = 0o660
		if err := os.Chown(first, -1, g.gid); err != nil {
			return nil, fmt.Errorf("the group %s cannot be given the control socket (is the server's user a member?): %w", g.group, err)
		}
	}
	if err := os.Chmod(first, mode); err != nil {
		return nil, err
	}
	info, err := os.Lstat(first)
	if err != nil {
		return nil, err
	}
	return info, os.Rename(first, path)
}

// vacant tells whether nobody listens at path (ALONE).
func vacant(path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket: move it away, or put the control socket elsewhere", path)
	}
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	c, err := dial(ctx, path)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: a server seems to listen there, and does not answer: %w", path, err)
	}
	defer c.Close()
	if _, _, pid, err := peerOf(c); err == nil && pid > 0 {
		return fmt.Errorf("%s: the server of process %d listens there already: stop it, or give this one another state folder", path, pid)
	}
	return fmt.Errorf("%s: another server listens there already: stop it, or give this one another state folder", path)
}

// only keeps others from placing a socket in a folder for the moment.
func only(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for range 100 {
		if err = unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: another process holds a lock of the folder: %w", dir, err), d.Close())
	}
	return func() { _ = d.Close() }, nil
}

// unlink takes the socket away if it is still the one that was made.
func unlink(path string, made os.FileInfo) error {
	dir := filepath.Dir(path)
	unlock, err := only(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(st, made) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// groupOf names the group that a socket belongs to, as far as it can be seen;
// "" where its mode gives a group nothing.
func groupOf(path string) (gid int, ok bool) {
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm()&0o060 != 0o060 {
		return 0, false
	}
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Gid), true
}
