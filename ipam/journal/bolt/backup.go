package bolt

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"

	"gialai.gov.vn/hopnhat/ipam"
)

// Backup writes the journal as it stands, a file that Open and Restore take,
// while appends go on.
func (j *Journal) Backup(w io.Writer) error {
	j.mu.RLock()
	if j.closed {
		j.mu.RUnlock()
		return ipam.ErrClosed
	}
	tx, err := j.db.Begin(false)
	j.mu.RUnlock() // Close waits for the transaction
	if err != nil {
		return err
	}
	return errors.Join(j.guard(func() error {
		_, err := tx.WriteTo(w)
		return err
	}), tx.Rollback())
}

// Restore puts a backup in place of the journal at path, which nobody may have
// open. The backup is checked whole before anything changes; the file that
// stood there stays beside it, as path + ".before". It gives the end of what
// was restored.
func Restore(path string, backup io.Reader) (end ipam.Chain, err error) {
	lock, err := takeLock(path, 0, false)
	if err != nil {
		return ipam.Chain{}, err
	}
	defer func() { err = errors.Join(err, unlock(lock)) }()
	err = replace(path, func(tmp string) error {
		f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, backup)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if end, err = Check(tmp); err != nil {
			if d, ok := err.(*DamageError); ok {
				d.Path = "the backup"
			}
			return fmt.Errorf("%s: nothing was restored: %w", path, err)
		}
		// A link keeps the old file and leaves no moment without one.
		before := path + ".before"
		if err := os.Remove(before); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.Link(path, before); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	return end, err
}

// Compact writes the journal at path anew, without the room that it no longer
// uses, and gives the octets before and after. Nobody may have it open. The new
// file is checked before it takes the place of the old one (BOLT-WHOLE).
func Compact(path string) (before, after int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, 0, err
	}
	j, err := Open(path, Options{})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	size := func() int64 {
		st, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return st.Size()
	}
	before = size()
	err = replace(path, func(tmp string) error {
		db, err := bbolt.Open(tmp, 0o600, options(Options{}))
		if err != nil {
			return err
		}
		db.AllocSize = 64 << 10
		if err := errors.Join(bbolt.Compact(db, j.db, 4<<20), db.Close()); err != nil {
			return err
		}
		end, err := Check(tmp)
		if err == nil && end != j.end {
			err = fmt.Errorf("the new file ends at revision %d, the old one at %d", end.Revision, j.end.Revision)
		}
		return err
	})
	return before, size(), err
}
