package updates

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// swap exchanges two files in one step; back does it again. On a file system
// that knows no exchange the first takes the place of the second, and back is nil.
func swap(a, b string) (back func() error, err error) {
	do := func() error { return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) }
	switch err := do(); {
	case err == nil:
		return do, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return nil, os.Rename(a, b)
	default:
		return nil, &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
}

func owner(f *os.File, of os.FileInfo) {
	if st, ok := of.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid)) // only root may
	}
}
