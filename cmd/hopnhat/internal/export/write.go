package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrForeign is a folder that holds something this package did not write.
var ErrForeign = errors.New("the folder holds files that are not an export")

// Write puts files into dir: made under a temporary name beside it, brought to
// the disk, then exchanged for it in one step, so that a failure, a kill or a
// loss of power leaves what was there or what is new, whole. A dir that exists
// is replaced only if it is empty or an export (it has SHA256SUMS).
func Write(dir string, files []File) error {
	dir = filepath.Clean(dir)
	if err := replaceable(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	fresh := filepath.Join(tmp, "new")
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	folders := map[string]bool{fresh: true}
	for _, f := range files {
		p := filepath.Join(fresh, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		for d := filepath.Dir(p); !folders[d]; d = filepath.Dir(d) {
			folders[d] = true
		}
		if err := store(p, f.Data); err != nil {
			return err
		}
	}
	for d := range folders {
		if err := flush(d); err != nil {
			return err
		}
	}
	if err := swap(fresh, dir); err != nil {
		return err
	}
	return flush(filepath.Dir(dir))
}

// store writes a file and brings it to the disk.
func store(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// flush brings a folder's entries to the disk.
func flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// renames puts fresh in the place of dir in two steps; what was there is beside it.
func renames(fresh, dir string) error {
	old := fresh + ".old"
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return nil
}

func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "SHA256SUMS")); err != nil {
		return fmt.Errorf("%s: %w; name a new folder or an earlier export", dir, ErrForeign)
	}
	return nil
}
