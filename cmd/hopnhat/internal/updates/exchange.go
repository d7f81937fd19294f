package updates

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrSaved is a file that somebody saved while it was about to be written.
var ErrSaved = errors.New("somebody saved the file just now")

// linger is how long the file that came out of an exchange is looked at: an
// editor that had it open may still be writing into it.
const linger = 200 * time.Millisecond

// Exchange puts content in the place of a file that holds was, in one step and
// synced. Where the file holds something else by then nothing is changed and the
// error is ErrSaved (EXCHANGE).
func Exchange(ctx context.Context, path string, was, content []byte, wait func(context.Context, time.Duration) error) (err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	other := tmp.Name()
	defer func() { _ = os.Remove(other) }() // ours, or the old file when all went well
	if _, err = tmp.Write(content); err == nil {
		err = like(tmp, path)
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if now, err := os.ReadFile(path); err != nil {
		return err
	} else if !bytes.Equal(now, was) {
		return fmt.Errorf("%s: %w", path, ErrSaved)
	}
	back, err := swap(other, path)
	if err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	for pause := range 2 {
		if pause > 0 {
			_ = wait(ctx, linger) // ended early, it is looked at early
		}
		if old, err := os.ReadFile(other); back != nil && err == nil && !bytes.Equal(old, was) {
			if err := errors.Join(back(), syncDir(dir)); err != nil {
				return err
			}
			return fmt.Errorf("%s: %w", path, ErrSaved)
		}
	}
	return nil
}

// like gives a new file the mode and, where that is allowed, the owner of another.
func like(f *os.File, path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner(f, st)
	return f.Chmod(st.Mode().Perm())
}
