package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// replace lets make write a new file and puts it under path, synced.
func replace(path string, make func(tmp string) error) (err error) {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	if err := make(tmp); err != nil {
		return err
	}
	if err := syncPath(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// InUseError says who holds the file.
type InUseError struct {
	Path   string
	Holder int // process id, 0 when it is not known
}

// Error names the process and what to do.
func (e *InUseError) Error() string {
	who := "another process"
	if e.Holder > 0 {
		who = "process " + strconv.Itoa(e.Holder)
	}
	return fmt.Sprintf("%s is in use by %s: ask the running program instead, or stop it first", e.Path, who)
}

// takeLock takes the lock of the file at path, alone or shared with other readers.
func takeLock(path string, wait time.Duration, shared bool) (*flock.Flock, error) {
	l := flock.New(path + ".lock")
	once, again, holder := l.TryLock, l.TryLockContext, strconv.Itoa(os.Getpid())+"\n"
	if shared {
		once, again, holder = l.TryRLock, l.TryRLockContext, "" // of several readers none is named
	}
	ok, err := once()
	if err == nil && !ok && wait > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if ok, err = again(ctx, 20*time.Millisecond); errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	if !ok {
		text, _ := os.ReadFile(l.Path())
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, &InUseError{path, pid}
	}
	// Who reads this while it changes sees no number and says "another process".
	_ = os.WriteFile(l.Path(), []byte(holder), 0o600)
	return l, nil
}

// unlock gives the lock back, with nobody's name in it.
func unlock(l *flock.Flock) error {
	_ = os.WriteFile(l.Path(), nil, 0o600)
	return l.Unlock()
}
