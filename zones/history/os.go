package history

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// OS gives the folder dir of the machine; it need not be there yet.
func OS(dir string) FS { return osFS{filepath.Clean(dir)} }

type osFS struct{ dir string }

func (o osFS) Path(name string) string { return filepath.Join(o.dir, filepath.FromSlash(name)) }

func (o osFS) ReadFile(name string) ([]byte, error)       { return os.ReadFile(o.Path(name)) }
func (o osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(o.Path(name)) }
func (o osFS) Rename(from, to string) error               { return os.Rename(o.Path(from), o.Path(to)) }
func (o osFS) Remove(name string) error                   { return os.Remove(o.Path(name)) }
func (o osFS) Truncate(name string, size int64) error     { return os.Truncate(o.Path(name), size) }

func (o osFS) Create(name string) (File, error) {
	return opened(os.OpenFile(o.Path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644))
}

func (o osFS) Append(name string) (File, error) {
	return opened(os.OpenFile(o.Path(name), os.O_WRONLY|os.O_APPEND, 0o644))
}

// opened keeps a nil file from becoming a File that is not nil.
func opened(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// MkdirAll makes a folder and those above it. For the folder itself the names
// of all that were made are synced; below it that is the caller's matter.
func (o osFS) MkdirAll(name string) error {
	if name != "." {
		return os.MkdirAll(o.Path(name), 0o755)
	}
	var above []string
	for dir := o.dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		above = append(above, filepath.Dir(dir))
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	for _, dir := range above {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func (o osFS) SyncDir(name string) error { return syncDir(o.Path(name)) }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
