package updates

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// HeldError is a file that somebody edits.
type HeldError struct{ Path, By string }

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is being edited by %s: wait until that ends", e.Path, e.By)
}

// Lock keeps a file for one who edits it, until unlock; a process that ends lets
// go of it too. Others are told who: one line, which stands in a file beside.
func Lock(path, who string) (unlock func(), err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			by, _ := io.ReadAll(io.LimitReader(f, 200))
			_ = f.Close()
			if !errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s: it cannot be locked: %w", name, err)
			}
			text := strings.Map(printable, strings.TrimSpace(string(by)))
			if text == "" {
				text = "somebody"
			}
			return nil, &HeldError{path, text}
		}
		if !same(f, name) { // the one who had it took it away just now
			_ = f.Close()
			continue
		}
		if err := errors.Join(f.Truncate(0), writeAll(f, who)); err != nil {
			return nil, errors.Join(err, os.Remove(name), f.Close())
		}
		return func() { _ = errors.Join(os.Remove(name), f.Close()) }, nil
	}
}

func writeAll(f *os.File, who string) error {
	_, err := f.WriteAt([]byte(who+"\n"), 0)
	return err
}

func same(f *os.File, name string) bool {
	a, err := f.Stat()
	b, err2 := os.Stat(name)
	return err == nil && err2 == nil && os.SameFile(a, b)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}
