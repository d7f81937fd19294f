package export

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// swap puts fresh in the place of dir, in one step where dir exists and the
// file system can; what was there is then fresh.
func swap(fresh, dir string) error {
	err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return renames(fresh, dir)
	}
	return &os.LinkError{Op: "exchange", Old: fresh, New: dir, Err: err}
}
