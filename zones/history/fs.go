package history

import (
	"io"
	"io/fs"
)

// FS is the folder that the history lives in. Names are relative to it, with
// slashes; "." is the folder itself. Errors are those of package os: what is
// not there is fs.ErrNotExist.
//
// Only what was synced survives a loss of power: the octets of a file by
// File.Sync, the names in a folder by SyncDir.
type FS interface {
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Create(name string) (File, error) // the file must not be there
	Append(name string) (File, error) // the file must be there
	Rename(from, to string) error     // to may be there: it is replaced
	Remove(name string) error
	Truncate(name string, size int64) error
	MkdirAll(name string) error
	SyncDir(name string) error
	Path(name string) string // how a person finds the file
}

// File is a file that is written from its start, or from its end.
type File interface {
	io.Writer
	Sync() error
	Close() error
}
